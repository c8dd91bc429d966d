/**
 * The tree of a block's messages, of the shape of RFC 9162 §2.1. Leaves, inner nodes and roots are hashed behind tags of
 * their own, so that an inner node can never be shown as a message (a second preimage); the root commits to the number of leaves.
 */
import { encodeValue, sha256 } from "bft-json-crdt";
import { joined, tag } from "./bytes.ts";

const LEAF = tag("leaf");
const NODE = tag("node");
const ROOT = tag("root");

/** Messages in one block at most. */
export const MOST_LEAVES = 65_536;

/** Where a message stands in its block, and the hashes beside the way to the root, from the leaf upwards. */
export interface Proof {
  readonly index: number;
  /** Messages in the block. */
  readonly size: number;
  /** 32 bytes each. */
  readonly siblings: readonly Uint8Array[];
}

/** The root of a block with these messages' digests; there is at least one. */
export function rootOf(digests: readonly Uint8Array[]): Uint8Array {
  return committed(digests.length, treeOf(digests));
}

/** The proof for the message at an index. */
export function proofOf(digests: readonly Uint8Array[], index: number): Proof {
  const siblings: Uint8Array[] = [];
  let [start, end] = [0, digests.length];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    const isLeft = index < middle;
    siblings.unshift(treeOf(isLeft ? digests.slice(middle, end) : digests.slice(start, middle)));
    [start, end] = isLeft ? [start, middle] : [middle, end];
  }
  return { index, size: digests.length, siblings };
}

/** The root that a proof leads to from a message's digest; null for what cannot be a proof. */
export function rootFrom(digest: Uint8Array, { index, size, siblings }: Proof): Uint8Array | null {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size))) return null;
  if (!(index >= 0 && index < size && size <= MOST_LEAVES)) return null;
  let hash = sha256(joined(LEAF, digest));
  let [at, last] = [index, size - 1];
  for (const sibling of siblings) {
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      hash = sha256(joined(NODE, sibling, hash));
      // The last of a level without a partner stands for itself on the next one.
      while (at % 2 === 0 && at !== 0) [at, last] = [at >> 1, last >> 1];
    } else hash = sha256(joined(NODE, hash, sibling));
    [at, last] = [at >> 1, last >> 1];
  }
  return last === 0 ? committed(size, hash) : null;
}

/** The top of a tree. Recursion is bounded by the logarithm of the number of leaves. */
function treeOf(digests: readonly Uint8Array[]): Uint8Array {
  if (digests.length === 1) return sha256(joined(LEAF, digests[0]!));
  const split = splitOf(digests.length);
  return sha256(joined(NODE, treeOf(digests.slice(0, split)), treeOf(digests.slice(split))));
}

/** The greatest power of two below a count. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

function committed(size: number, top: Uint8Array): Uint8Array {
  return sha256(joined(ROOT, encodeValue([size, top])));
}
