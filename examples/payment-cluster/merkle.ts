/**
 * Merkle trees over a list of leaves: 32 bytes stand for all of it, and a few hashes prove that one leaf is in it. Leaves, inner
 * nodes and roots are hashed behind tags of their own, so none is ever taken for another; the root commits to the count.
 */
import { encodeValue, equalBytes, sha256 } from "bft-json-crdt";
import type { Value } from "bft-json-crdt";

/** The hashes beside the way from a leaf to the root. */
export interface MerkleProof {
  readonly index: number;
  readonly count: number;
  readonly path: readonly Uint8Array[];
}

/** Hashes a value behind a tag; values have one encoding each. */
export function taggedHash(tag: string, value: Value): Uint8Array {
  return sha256(taggedBytes(tag, value));
}

/** What is hashed or signed for a purpose: the tag, a NUL, the canonical bytes of the value. */
export function taggedBytes(tag: string, value: Value): Uint8Array {
  const head = new TextEncoder().encode(`bft-json-crdt examples/${tag}\0`);
  const body = encodeValue(value);
  const all = new Uint8Array(head.length + body.length);
  all.set(head);
  all.set(body, head.length);
  return all;
}

/** The root of a list of leaves. */
export function merkleRoot(leaves: readonly Value[]): Uint8Array {
  const levels = levelsOf(leaves);
  return rootOf(leaves.length, levels[levels.length - 1]![0] ?? new Uint8Array());
}

/** Proves the leaf at an index. Throws RangeError where there is none. */
export function proveLeaf(leaves: readonly Value[], index: number): MerkleProof {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < leaves.length))
    throw new RangeError(`leaf ${index} is not among ${leaves.length}`);
  const path: Uint8Array[] = [];
  let at = index;
  for (const level of levelsOf(leaves)) {
    const beside = level[at ^ 1];
    if (level.length > 1 && beside !== undefined) path.push(beside);
    at >>= 1;
  }
  return { index, count: leaves.length, path };
}

/** True when the leaf is at that index of the list with this root. Never throws. */
export function isInTree(root: Uint8Array, leaf: Value, proof: MerkleProof): boolean {
  const { index, count, path } = proof;
  if (!(Number.isSafeInteger(count) && count > 0 && count < 2 ** 31)) return false;
  if (!(Number.isSafeInteger(index) && index >= 0 && index < count)) return false;
  let hash = leafHash(leaf);
  let used = 0;
  let at = index;
  for (let width = count; width > 1; width = (width + 1) >> 1) {
    if ((at ^ 1) < width) {
      const beside = path[used++];
      if (beside === undefined || beside.length !== 32) return false;
      hash = at % 2 === 0 ? nodeHash(hash, beside) : nodeHash(beside, hash);
    }
    at >>= 1;
  }
  return used === path.length && equalBytes(rootOf(count, hash), root);
}

function levelsOf(leaves: readonly Value[]): Uint8Array[][] {
  const levels = [leaves.map(leafHash)];
  for (let level = levels[0]!; level.length > 1; level = levels[levels.length - 1]!) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const right = level[i + 1];
      // One without a neighbour goes up as it is.
      above.push(right === undefined ? level[i]! : nodeHash(level[i]!, right));
    }
    levels.push(above);
  }
  return levels;
}

function leafHash(leaf: Value): Uint8Array {
  return taggedHash("merkle leaf", leaf);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return taggedHash("merkle node", [left, right]);
}

function rootOf(count: number, top: Uint8Array): Uint8Array {
  return taggedHash("merkle root", [count, top]);
}
