/**
 * Merkle trees over a list of leaves: 32 bytes stand for all of it, and a few hashes prove that one leaf is in it. The shape is that
 * of RFC 9162 §2.1: one without a neighbour goes up as it is. Leaves, inner nodes and roots are hashed behind tags of their own, each
 * with the purpose of the tree, so none is ever taken for another; the root commits to the number of leaves.
 */
import { encodeValue, equalBytes, sha256 } from "bft-json-crdt";
import type { Value } from "bft-json-crdt";

/** Where a leaf is, and the hashes beside the way from it to the root. */
export interface MerkleProof {
  readonly index: number;
  /** Leaves of the tree. */
  readonly count: number;
  /** From the leaf upwards, 32 bytes each. */
  readonly path: readonly Uint8Array[];
}

/** The trees of one purpose. */
export class MerkleTrees {
  readonly #purpose: string;
  readonly #most: number;

  /** Nothing that these prove is proven by trees of another purpose. `most`: leaves of one tree, 2^40 unless said otherwise. */
  constructor(purpose: string, most = 2 ** 40) {
    this.#purpose = purpose;
    this.#most = most;
  }

  /** The root of a list of leaves, 32 bytes; also of an empty one, in which nothing can be proven. */
  rootOf(leaves: readonly Value[]): Uint8Array {
    const top = this.#levelsOf(leaves).at(-1)![0];
    return this.#root(leaves.length, top ?? new Uint8Array());
  }

  /** Proves the leaf at an index. Throws RangeError where there is none. */
  prove(leaves: readonly Value[], index: number): MerkleProof {
    if (!(Number.isSafeInteger(index) && index >= 0 && index < leaves.length))
      throw new RangeError(`leaf ${index} is not among ${leaves.length}`);
    const path: Uint8Array[] = [];
    let at = index;
    for (const level of this.#levelsOf(leaves)) {
      const beside = level[besideOf(at)];
      if (beside !== undefined) path.push(beside);
      at = Math.floor(at / 2);
    }
    return { index, count: leaves.length, path };
  }

  /** The root to which a proof leads from a leaf; null for what cannot be a proof. Any proof is judged, without throwing. */
  rootFrom(leaf: Value, { index, count, path }: MerkleProof): Uint8Array | null {
    if (!(Number.isSafeInteger(count) && count <= this.#most)) return null;
    if (!(Number.isSafeInteger(index) && index >= 0 && index < count)) return null;
    let hash = this.#leaf(leaf);
    let [at, used] = [index, 0];
    for (let width = count; width > 1; width = Math.ceil(width / 2)) {
      if (besideOf(at) < width) {
        const beside = path[used++];
        if (beside === undefined || beside.length !== 32) return null;
        hash = at % 2 === 0 ? this.#node(hash, beside) : this.#node(beside, hash);
      }
      at = Math.floor(at / 2);
    }
    return used === path.length ? this.#root(count, hash) : null;
  }

  /** True when the leaf is at that index of the list with this root. Any proof is judged, without throwing. */
  isIn(root: Uint8Array, leaf: Value, proof: MerkleProof): boolean {
    const reached = this.rootFrom(leaf, proof);
    return reached !== null && equalBytes(reached, root);
  }

  #levelsOf(leaves: readonly Value[]): Uint8Array[][] {
    const levels = [leaves.map((leaf) => this.#leaf(leaf))];
    for (let level = levels[0]!; level.length > 1; levels.push(level)) {
      const above: Uint8Array[] = [];
      for (let at = 0; at < level.length; at += 2) {
        const right = level[at + 1];
        above.push(right === undefined ? level[at]! : this.#node(level[at]!, right));
      }
      level = above;
    }
    return levels;
  }

  #leaf(leaf: Value): Uint8Array {
    return taggedHash("merkle leaf", [this.#purpose, leaf]);
  }

  #node(left: Uint8Array, right: Uint8Array): Uint8Array {
    return taggedHash("merkle node", [this.#purpose, left, right]);
  }

  #root(count: number, top: Uint8Array): Uint8Array {
    return taggedHash("merkle root", [this.#purpose, count, top]);
  }
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

/** The index of the neighbour under the same node. */
function besideOf(at: number): number {
  return at % 2 === 0 ? at + 1 : at - 1;
}
