/**
 * A tree of hashes over the chunks of a file: its root names the file, and a path of hashes proves one chunk. Leaves and inner
 * nodes have tags of their own and leaves hold their index, so that neither passes for the other; an odd node goes up alone.
 */
import { equalBytes, sha256 } from "bft-json-crdt";

/** Bytes of one chunk; the last may be shorter. */
export const CHUNK = 256;

const LEAF = new TextEncoder().encode("content-directory example/1 chunk\0");
const NODE = new TextEncoder().encode("content-directory example/1 node\0");

/** The chunks of a file; an empty file has one, which is empty. */
export function chunksOf(file: Uint8Array): Uint8Array[] {
  const count = chunkCount(file.length);
  return Array.from({ length: count }, (_, at) => file.subarray(at * CHUNK, (at + 1) * CHUNK));
}

/** How many chunks a file of so many bytes has. */
export function chunkCount(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / CHUNK));
}

/** The root of a file's tree, 32 bytes. */
export function rootOf(file: Uint8Array): Uint8Array {
  return levelsOf(chunksOf(file)).at(-1)![0]!;
}

/** The hashes that lead from a chunk to the root, from below. */
export function pathOf(file: Uint8Array, index: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  let at = index;
  for (const level of levelsOf(chunksOf(file)).slice(0, -1)) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) path.push(sibling);
    at >>= 1;
  }
  return path;
}

/** True when this is the chunk at an index of the file of so many chunks that the root names. Any input is judged. */
export function isChunkOf(
  root: Uint8Array,
  count: number,
  index: number,
  chunk: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  let [hash, at, width, used] = [leafHash(index, chunk), index, count, 0];
  while (width > 1) {
    if ((at ^ 1) < width) {
      const sibling = path[used++];
      if (sibling === undefined || sibling.length !== 32) return false;
      hash = at % 2 === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
    }
    at >>= 1;
    width = Math.ceil(width / 2);
  }
  return index >= 0 && index < count && used === path.length && equalBytes(hash, root);
}

function levelsOf(chunks: readonly Uint8Array[]): Uint8Array[][] {
  const levels = [chunks.map((chunk, index) => leafHash(index, chunk))];
  for (let level = levels[0]!; level.length > 1; levels.push(level)) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const right = level[at + 1];
      above.push(right === undefined ? level[at]! : nodeHash(level[at]!, right));
    }
    level = above;
  }
  return levels;
}

function leafHash(index: number, chunk: Uint8Array): Uint8Array {
  return sha256(joined(LEAF, new TextEncoder().encode(`${index}\0`), chunk));
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(joined(NODE, left, right));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
