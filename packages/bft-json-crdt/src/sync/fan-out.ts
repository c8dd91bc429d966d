/** Between a history that has just applied something and the sessions that pass it on. */
import { ByteReader } from "../encoding/reader.ts";
import type { ReceivedGroup } from "../history/index.ts";
import type { SyncHistory } from "./tips.ts";

/** A closed group and the ascending local indexes of the changes that it holds: what SyncSession.push takes. */
export interface LiveGroup {
  readonly group: Uint8Array;
  readonly indexes: readonly number[];
}

/**
 * The groups to push after a group was received: the original bytes when all its changes and no others were applied,
 * else groups of just what was applied. Empty when nothing was.
 */
export function liveGroups(
  history: Pick<SyncHistory, "groupsFor">,
  group: Uint8Array,
  received: ReceivedGroup,
): LiveGroup[] {
  const { applied } = received;
  if (applied.length === 0) return [];
  if (received.isExact) return [{ group, indexes: applied }];
  let taken = 0;
  return history.groupsFor(applied).map((bytes) => {
    const start = taken;
    taken += new ByteReader(bytes).arrayHeader();
    return { group: bytes, indexes: applied.slice(start, taken) };
  });
}
