/**
 * Runs: groups of one chain, each of which goes on where the one before ends. As one group they cost whoever receives them
 * one signature, that of the last change, which vouches for the whole line.
 */
import { equalBytes } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { ByteWriter } from "../encoding/writer.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { placeOf } from "./body.ts";
import { decodeGroup } from "./group.ts";

/** Which part of a chain a group holds, as far as it says so itself: whether it is true shows when it is received. */
export interface RunPart {
  /** The author's public key, 32 bytes. */
  readonly author: Uint8Array;
  /** Which of the author's chains. */
  readonly chain: bigint;
  /** The seq of the first change. */
  readonly from: number;
  /** The seq of the last one. */
  readonly to: number;
  /** Of the group. */
  readonly bytes: number;
}

/** What part of one chain a group holds without gaps; null for any other bytes. */
export function runPartOf(group: Uint8Array): RunPart | null {
  const entries = decodeGroup(group);
  if (!entries.ok) return null;
  const first = placeOf(entries.value[0]!.body);
  if (first === null) return null;
  let to = first.seq;
  for (let i = 1; i < entries.value.length; i++) {
    const place = placeOf(entries.value[i]!.body);
    if (place === null || !isOnChain(place, first) || place.seq !== to + 1) return null;
    to = place.seq;
  }
  return {
    author: first.author,
    chain: first.chain,
    from: first.seq,
    to,
    bytes: group.length,
  };
}

/** One part that goes on where the first ends; null when the second does not, or both are too much for one group. */
export function continued(part: RunPart, next: RunPart): RunPart | null {
  if (next.from !== part.to + 1 || !isOnChain(part, next)) return null;
  const bytes = part.bytes + next.bytes;
  if (bytes > MAX_GROUP_BYTES - HEAD_BYTES || next.to - part.from >= MAX_GROUP_CHANGES) return null;
  const { author, chain, from } = part;
  return { author, chain, from, to: next.to, bytes };
}

/**
 * Groups one after another as one, with all their signatures. They must be groups, and together within the bounds of one; then
 * closed groups are a closed group.
 */
export function joinGroups(groups: readonly Uint8Array[]): Uint8Array {
  let bytes = HEAD_BYTES;
  let changes = 0;
  const contents = groups.map((group) => {
    const reader = new ByteReader(group);
    changes += reader.arrayHeader();
    bytes += group.length;
    return group.subarray(reader.offset);
  });
  const writer = new ByteWriter(bytes);
  writer.arrayHeader(changes);
  for (const content of contents) writer.raw(content);
  return writer.take();
}

/** Bytes of the head of a group, at most. */
export const HEAD_BYTES = 3;

type Chain = Pick<RunPart, "author" | "chain">;

function isOnChain(one: Chain, other: Chain): boolean {
  return one.chain === other.chain && equalBytes(one.author, other.author);
}
