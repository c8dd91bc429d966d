/** What a room can be called: what a document can. */
import { isWellFormed } from "bft-json-crdt";

/** UTF-16 units of a room's name. */
export const MAX_ROOM_NAME = 1_024;

/** Whether a text names a room. */
export function isRoomName(name: string): boolean {
  return name.length > 0 && name.length <= MAX_ROOM_NAME && isWellFormed(name);
}
