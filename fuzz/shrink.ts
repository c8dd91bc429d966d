/** Shrinking: from an input that fails to a small one that fails in the same way. */
import { isArray, isObject, objectOf } from "./tree.ts";
import type { Tree } from "./tree.ts";

/**
 * The smallest input found that still fails, by taking parts away as long as `fails` says so; asks at most `most` times.
 * The result is the given tree when nothing smaller fails.
 */
export async function shrink(
  tree: Tree,
  fails: (candidate: Tree) => Promise<boolean>,
  most: number,
): Promise<Tree> {
  let best = tree;
  let asked = 0;
  for (let isBetter = true; isBetter;) {
    isBetter = false;
    for (const candidate of smaller(best)) {
      if (asked++ >= most) return best;
      if (!(await fails(candidate))) continue;
      best = candidate;
      isBetter = true;
      break;
    }
  }
  return best;
}

/** Trees a step smaller than this one, the boldest steps first. */
function* smaller(tree: Tree): Generator<Tree, void, void> {
  if (tree === null) return;
  if (typeof tree === "number" || typeof tree === "bigint" || typeof tree === "boolean") {
    yield* smallerAtom(tree);
  } else if (typeof tree === "string") {
    if (tree !== "") yield "";
    for (const [from, to] of cuts(tree.length)) yield tree.slice(0, from) + tree.slice(to);
  } else if (tree instanceof Uint8Array) {
    if (tree.length > 0) yield new Uint8Array();
    for (const [from, to] of cuts(tree.length))
      yield new Uint8Array(Buffer.concat([tree.subarray(0, from), tree.subarray(to)]));
    const at = tree.findIndex((byte) => byte !== 0);
    if (at >= 0) yield tree.with(at, 0);
  } else if (isArray(tree)) {
    if (tree.length > 0) yield [];
    for (const [from, to] of cuts(tree.length)) yield tree.toSpliced(from, to - from);
    for (const [i, item] of tree.entries())
      for (const less of smaller(item)) yield tree.with(i, less);
  } else if (isObject(tree)) {
    const entries = Object.entries(tree);
    for (const i of entries.keys()) yield objectOf(entries.toSpliced(i, 1));
    for (const [i, [key, value]] of entries.entries())
      for (const less of smaller(value)) yield objectOf(entries.with(i, [key, less]));
  }
}

function* smallerAtom(atom: number | bigint | boolean): Generator<Tree, void, void> {
  if (atom === false || atom === 0) return;
  if (atom === true) {
    yield false;
  } else if (typeof atom === "bigint") {
    yield 0;
    if (atom !== 0n && atom / 2n !== 0n) yield atom / 2n;
  } else {
    yield 0;
    const half = Math.trunc(atom / 2);
    if (Number.isFinite(half) && half !== 0) yield half;
  }
}

/** Pieces to take out of something of a length: large ones first, down to single ones. */
function* cuts(length: number): Generator<readonly [number, number], void, void> {
  for (let piece = length >> 1; piece >= 1; piece >>= 1) {
    for (let from = 0; from < length; from += piece) yield [from, Math.min(length, from + piece)];
  }
}
