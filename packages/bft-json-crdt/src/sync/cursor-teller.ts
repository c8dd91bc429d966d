/**
 * When a session tells its peer a cursor: often enough that little is sent again to one that is lost, and seldom enough
 * that it costs next to nothing. There is no clock here; the host says when it is time.
 */
import { CHANGES_PER_CURSOR } from "./bounds.ts";
import type { Cursor } from "./cursor.ts";
import type { SyncMessage } from "./messages.ts";

/** The cursors that one end tells, if its host has any to tell. */
export class CursorTeller {
  readonly #cursorAt: ((position: number) => Cursor) | undefined;
  /** The peer has, or is being sent, all before what it is told from here on. */
  #hasBegun = false;
  #isDue = false;
  /** The place that the peer knows; none is told that holds nothing. */
  #told = 0;

  constructor(cursorAt?: (position: number) => Cursor) {
    this.#cursorAt = cursorAt;
  }

  /** The peer has all before this place, and knows it. */
  begin(position: number): void {
    this.#hasBegun = true;
    this.#told = position;
  }

  /** The peer has just been sent all that it lacked. */
  answered(): void {
    this.#hasBegun = true;
    this.#isDue = true;
  }

  /** A cursor is to be told, if there is a new one. */
  due(): void {
    this.#isDue = true;
  }

  /** The cursor to tell now that the peer has been given all before this place; null when it is not time. */
  next(position: number): SyncMessage | null {
    const isDue = this.#isDue;
    this.#isDue = false;
    if (this.#cursorAt === undefined || !this.#hasBegun) return null;
    const news = position - this.#told;
    if (news < (isDue ? 1 : CHANGES_PER_CURSOR)) return null;
    this.#told = position;
    return { type: "cursor", cursor: this.#cursorAt(position) };
  }
}
