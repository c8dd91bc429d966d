/**
 * What one connection may cost beyond sending each change once: repeated changes, groups asked for by id, walks through
 * the history, and answers. It belongs to the connection and not to the session, so that joining anew refills nothing.
 */
import { GROUP_ENTRY_OVERHEAD } from "../change/index.ts";
import { MAX_RESENDS, MIN_RESENT_BYTES, RESENT_PER_RECEIVED } from "./bounds.ts";
import { MisuseError } from "../result.ts";
import type { SyncHistory } from "./tips.ts";

/** Options of a budget; they may delay, never change a verdict. */
export interface SyncLimits {
  /** Bytes that are sent again in any case; what the history holds and what the peer sends add to it. */
  readonly resentBytes: number;
}

/** The budget of one connection for one history, in bytes. */
export class ResendBudget {
  readonly #history: Pick<SyncHistory, "length" | "bodySizeAt">;
  readonly #least: number;
  #spent = 0;
  #received = 0;
  #covered = 0;

  /** Throws MisuseError for a limit that is no number of bytes. */
  constructor(
    history: Pick<SyncHistory, "length" | "bodySizeAt">,
    { resentBytes = MIN_RESENT_BYTES }: Partial<SyncLimits> = {},
  ) {
    if (!Number.isSafeInteger(resentBytes) || resentBytes < 0)
      throw new MisuseError("bad_value", "resentBytes must be a whole number of at least 0");
    this.#history = history;
    this.#least = resentBytes;
  }

  /** Changes below this local index count as known to the peer: they were sent, or it said that it has them. */
  get covered(): number {
    return this.#covered;
  }

  /** True when nothing more is sent again for now. */
  get isSpent(): boolean {
    return this.#spent > this.#allowed;
  }

  /** All below this local index has been sent, or need not be. */
  cover(end: number): void {
    this.#covered = Math.max(this.#covered, end);
  }

  /** Bytes came from the peer. */
  earn(bytes: number): void {
    this.#received += bytes;
  }

  /** Counts bytes; false when they are beyond the budget. They count all the same, for finding that out took time. */
  spend(bytes: number): boolean {
    this.#spent += bytes;
    return !this.isSpent;
  }

  get #allowed(): number {
    return (
      this.#least + MAX_RESENDS * bytesOf(this.#history) + RESENT_PER_RECEIVED * this.#received
    );
  }
}

/** Bytes of a change in a group, at most. */
export function costOf(history: Pick<SyncHistory, "bodySizeAt">, index: number): number {
  return history.bodySizeAt(index) + GROUP_ENTRY_OVERHEAD;
}

const sizes = new WeakMap<object, { length: number; bytes: number }>();

/** Bytes of all changes of a history; each change is looked at once for all sessions. */
function bytesOf(history: Pick<SyncHistory, "length" | "bodySizeAt">): number {
  let size = sizes.get(history);
  if (size === undefined) sizes.set(history, (size = { length: 0, bytes: 0 }));
  for (; size.length < history.length; size.length++) size.bytes += costOf(history, size.length);
  return size.bytes;
}
