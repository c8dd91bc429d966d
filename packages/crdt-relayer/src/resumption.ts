/**
 * Whether someone who joins goes on from a cursor. What a join says of one is bytes from outside, and at worst of no use:
 * then frontiers are compared, as for those who have none.
 */
import { type Cursor, parseCursor } from "bft-json-crdt";
import type { Room } from "./room.ts";

/** What becomes of the cursor in a join. */
export interface Resumption {
  /** What `joined` says of it. */
  readonly fields: {
    /** True when what follows is all that is behind the cursor, and nothing else. */
    readonly recovered: boolean;
    /** Where the room is now. */
    readonly cursor: Cursor;
  };
  /** The changes before this place need not be sent; null when frontiers tell what to send. */
  readonly from: number | null;
}

/**
 * Answers a join's field `cursor`: null when there is none, and nothing is to be said of cursors. `covered` is how many of
 * the room's changes this connection was sent before; from one of those a cursor would ask for the same again and again.
 */
export function resumptionOf(
  room: Pick<Room, "durable" | "cursorAt" | "holds">,
  field: unknown,
  covered: number,
): Resumption | null {
  if (field === undefined) return null;
  const cursor = parseCursor(field);
  const recovered = cursor !== null && cursor.position >= covered && room.holds(cursor);
  return {
    fields: { recovered, cursor: room.cursorAt(room.durable) },
    from: recovered ? cursor.position : null,
  };
}
