/** Files in chunks: the root of a merkle tree over them names the file, and a path of hashes proves one chunk. */
import type { MerkleProof } from "example-kit";
import { MerkleTrees } from "example-kit";

/** Bytes of one chunk; the last may be shorter. */
export const CHUNK = 256;

const trees = new MerkleTrees("content-directory file");

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
  return trees.rootOf(chunksOf(file));
}

/** The hashes that lead from a chunk to the root, from below. */
export function pathOf(file: Uint8Array, index: number): readonly Uint8Array[] {
  return trees.prove(chunksOf(file), index).path;
}

/** True when this is the chunk at its index of the file that the root names. Any input is judged. */
export function isChunkOf(root: Uint8Array, chunk: Uint8Array, proof: MerkleProof): boolean {
  return trees.isIn(root, chunk, proof);
}
