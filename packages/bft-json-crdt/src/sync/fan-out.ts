/** Between a history that has just applied something and the sessions that pass it on. */
import { HEAD_BYTES, joinGroups } from "../change/index.ts";
import { ByteReader } from "../encoding/reader.ts";
import type { LiveGroup, ReceivedGroup } from "../history/index.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import type { SyncHistory } from "./tips.ts";

/** Groups that became ready together, merged into one: closed groups one after another are a closed group. */
export interface LiveBatch extends LiveGroup {
  /** What it was merged from, for those peers that have some of it; empty when that is only one. */
  readonly parts: readonly LiveGroup[];
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

/**
 * Merges groups, which are in the order of their indexes, as far as the bounds of a group allow: what goes to many is then
 * one frame in the place of many. A group that stays alone keeps its bytes. Signatures all stay.
 */
export function batchesOf(live: readonly LiveGroup[]): LiveBatch[] {
  const batches: LiveBatch[] = [];
  let parts: LiveGroup[] = [];
  let bytes = 0;
  let changes = 0;
  for (const one of live) {
    const { group, indexes } = one;
    const isOver =
      bytes + group.length > MAX_GROUP_BYTES - HEAD_BYTES ||
      changes + indexes.length > MAX_GROUP_CHANGES;
    if (isOver && parts.length > 0) {
      batches.push(merged(parts));
      parts = [];
      bytes = changes = 0;
    }
    parts.push(one);
    bytes += group.length;
    changes += indexes.length;
  }
  if (parts.length > 0) batches.push(merged(parts));
  return batches;
}

function merged(parts: readonly LiveGroup[]): LiveBatch {
  const [first] = parts;
  if (parts.length === 1) return { ...first!, parts: [] };
  const group = joinGroups(parts.map((part) => part.group));
  return { group, indexes: parts.flatMap((part) => part.indexes), parts };
}
