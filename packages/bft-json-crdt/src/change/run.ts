/**
 * Runs: groups of one chain, each of which goes on where the one before ends. As one group they cost whoever receives them
 * one signature, that of the last change, which vouches for the whole line.
 */
import { equalBytes } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { ByteWriter, headSize } from "../encoding/writer.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { ID_BYTES, skipToAuthor } from "./body.ts";
import { SIGNATURE_BYTES } from "./group.ts";

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

/**
 * What part of one chain a group holds without gaps; null for any other bytes. Fields of `before` are used again where they are
 * the same.
 */
export function runPartOf(group: Uint8Array, before: RunPart | null = null): RunPart | null {
  if (group.length > MAX_GROUP_BYTES) return null;
  const reader = new ByteReader(group);
  const changes = reader.arrayHeader();
  if (changes === 0 || changes > MAX_GROUP_CHANGES) return null;
  let author = before?.author;
  let chain = 0n;
  let from = 0;
  for (let i = 0; i < changes; i++) {
    if (reader.arrayHeader() !== 2) return null;
    const bodyEnd = reader.bytesHeader() + reader.offset;
    if (!skipToAuthor(reader)) return null;
    const its = reader.bytesOf(ID_BYTES, author);
    const onChain = reader.uint64();
    const seq = reader.uint();
    if (reader.failed || reader.offset > bodyEnd) return null;
    if (i === 0) {
      author = its;
      chain = onChain;
      from = seq;
    } else if (its !== author || onChain !== chain || seq !== from + i) {
      return null;
    }
    reader.offset = bodyEnd;
    if (!reader.isNull() && !reader.skipBytesOf(SIGNATURE_BYTES)) return null;
  }
  if (author === undefined || !reader.done) return null;
  return { author, chain, from, to: from + changes - 1, bytes: group.length };
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
  let changes = 0;
  let bytes = 0;
  for (const group of groups) {
    const count = countOf(group);
    changes += count;
    bytes += group.length - headSize(count);
  }
  const head = new ByteWriter(HEAD_BYTES);
  head.arrayHeader(changes);
  const joined = new Uint8Array(headSize(changes) + bytes);
  // From the end: each lies with its head on the end of the one before, which comes next.
  let at = joined.length;
  for (let i = groups.length - 1; i >= 0; i--) {
    const group = groups[i]!;
    const headBytes = headSize(countOf(group));
    at -= group.length - headBytes;
    joined.set(group, at - headBytes);
  }
  joined.set(head.view());
  return joined;
}

/** How many changes a group holds, by its head (RFC 8949 §3). */
function countOf(group: Uint8Array): number {
  const short = group[0]! & 31;
  if (short < 24) return short;
  return short === 24 ? group[1]! : (group[1]! << 8) | group[2]!;
}

/** Bytes of the head of a group, at most. */
export const HEAD_BYTES = 3;

type Chain = Pick<RunPart, "author" | "chain">;

function isOnChain(one: Chain, other: Chain): boolean {
  return one.chain === other.chain && equalBytes(one.author, other.author);
}
