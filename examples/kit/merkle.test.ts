/** Each leaf is proven at its place, and nothing else is: no other leaf, place, size or purpose, and no inner node. */
import type { Value } from "bft-json-crdt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MerkleTrees, taggedBytes, taggedHash } from "./index.ts";
import type { MerkleProof } from "./index.ts";
import { runs } from "./runs.ts";

const PURPOSE = "test";
const trees = new MerkleTrees(PURPOSE);

/** The definition: the left part of a tree has the greatest power of two of leaves that leaves some for the right one. */
function topOf(leaves: readonly Value[]): Uint8Array {
  if (leaves.length === 1) return taggedHash("merkle leaf", [PURPOSE, leaves[0]!]);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)].map(topOf) as [
    Uint8Array,
    Uint8Array,
  ];
  return taggedHash("merkle node", [PURPOSE, left, right]);
}

/** Few different leaves, so that many lists have some of them twice. */
const leaf = fc.oneof(fc.nat(3), fc.constantFrom("a", "", null), fc.uint8Array({ maxLength: 32 }));
const lists = fc.oneof(
  fc.array(leaf, { minLength: 1, maxLength: 9 }),
  fc.array(leaf, { minLength: 1, maxLength: 70 }),
);
/** What stands for a leaf when it is compared. */
const textOf = (leaf: Value | undefined): string =>
  leaf === undefined ? "" : taggedBytes("", leaf).join();

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Whether a leaf is proven for the list. */
const isProven = (leaves: readonly Value[], leaf: Value, proof: MerkleProof): boolean =>
  trees.isIn(trees.rootOf(leaves), leaf, proof);

describe("a merkle tree", () => {
  it("has the root that is defined, and proves each leaf at its place", () => {
    fc.assert(
      fc.property(lists, (leaves) => {
        const root = trees.rootOf(leaves);
        expect(root).toEqual(taggedHash("merkle root", [PURPOSE, leaves.length, topOf(leaves)]));
        for (const [index, leaf] of leaves.entries()) {
          const proof = trees.prove(leaves, index);
          expect(trees.rootFrom(leaf, proof)).toEqual(root);
          expect(proof.path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(leaves.length)));
        }
      }),
      runs(60),
    );
  });

  it.each([1, 2, 3, 4, 5, 31, 32, 33, 1_000, 1_025])(
    "proves all of %d leaves, none for another",
    (count) => {
      const leaves = Array.from({ length: count }, (_, at) => at);
      const root = trees.rootOf(leaves);
      const places = count <= 33 ? leaves : [0, 1, 511, 512, count - 2, count - 1];
      for (const index of places) {
        const proof = trees.prove(leaves, index);
        for (const place of places) {
          expect(trees.isIn(root, place, proof)).toBe(place === index);
          expect(trees.isIn(root, index, { ...proof, index: place })).toBe(place === index);
        }
      }
    },
  );

  it("proves nothing of an empty list, which has a root of its own", () => {
    const root = trees.rootOf([]);
    expect(root).toHaveLength(32);
    expect(() => trees.prove([], 0)).toThrow("leaf 0 is not among 0");
    expect(() => trees.prove([1], 0.5)).toThrow(RangeError);
    for (const count of [0, 1]) {
      expect(trees.isIn(root, new Uint8Array(), { index: 0, count, path: [] })).toBe(false);
    }
    expect(trees.rootOf([new Uint8Array()])).not.toEqual(root);
  });

  it("proves no other leaf, and none at another place, of another size or for another purpose", () => {
    fc.assert(
      fc.property(
        lists,
        fc.nat(),
        leaf,
        fc.integer(),
        fc.string(),
        (leaves, nth, other, wrong, purpose) => {
          const index = nth % leaves.length;
          const [leaf, proof] = [leaves[index]!, trees.prove(leaves, index)];
          expect(isProven(leaves, other, proof)).toBe(textOf(other) === textOf(leaf));
          // Where two leaves are alike, what is beside them may be, too: then it is true of both places.
          const pathAt = (place: number): string => textOf([...trees.prove(leaves, place).path]);
          const isTrueAt = (place: number): boolean =>
            textOf(leaves[place]) === textOf(leaf) && pathAt(place) === pathAt(index);
          for (let place = -1; place <= leaves.length; place++)
            expect(isProven(leaves, leaf, { ...proof, index: place })).toBe(isTrueAt(place));
          for (const index of [wrong, wrong + 0.5, NaN, Infinity, proof.index + 2 ** 32])
            expect(isProven(leaves, leaf, { ...proof, index })).toBe(isTrueAt(index));
          for (const count of [
            wrong,
            0,
            leaves.length - 1,
            leaves.length + 1,
            2 * leaves.length,
            2 ** 41,
            2 ** 53,
            NaN,
          ])
            expect(isProven(leaves, leaf, { ...proof, count })).toBe(count === leaves.length);
          const others = new MerkleTrees(purpose);
          expect(others.isIn(trees.rootOf(leaves), leaf, proof)).toBe(purpose === PURPOSE);
          expect(others.isIn(others.rootOf(leaves), leaf, proof)).toBe(
            purpose === PURPOSE || leaves.length === 1,
          );
        },
      ),
      runs(60),
    );
  });

  it("takes no path that is shorter, longer, or has another hash at any place", () => {
    fc.assert(
      fc.property(lists, fc.nat(), bytes32, fc.uint8Array(), (leaves, nth, hash, junk) => {
        const index = nth % leaves.length;
        const [leaf, proof] = [leaves[index]!, trees.prove(leaves, index)];
        const { path } = proof;
        const wrong = [
          [...path, hash],
          [hash, ...path],
          ...path.map((_, at) => path.toSpliced(at, 1)),
          ...path.flatMap((_, at) => [hash, junk].map((other) => path.with(at, other))),
          ...path.map((_, at) => path.with(at, path[at]!.subarray(1))),
        ];
        for (const path of wrong) expect(isProven(leaves, leaf, { ...proof, path })).toBe(false);
        // What has no hash where there is one is not hashed at all.
        for (const at of path.keys())
          expect(
            trees.rootFrom(leaf, { ...proof, path: path.with(at, hash.subarray(1)) }),
          ).toBeNull();
      }),
      runs(60),
    );
  });

  it("takes no inner node for a leaf, neither its hash nor what is hashed", () => {
    fc.assert(
      fc.property(lists, fc.nat(), (leaves, nth) => {
        const index = nth % leaves.length;
        const { path, count } = trees.prove(leaves, index);
        let node = taggedHash("merkle leaf", [PURPOSE, leaves[index]!]);
        let at = index;
        for (let [width, used] = [count, 0]; width > 1; width = Math.ceil(width / 2)) {
          // The upper part of the tree, with its lowest nodes as leaves, by any number of them.
          for (const size of [width, count]) {
            const shown = { index: at, count: size, path: path.slice(used) };
            expect(isProven(leaves, node, shown)).toBe(false);
          }
          const isLeft = at % 2 === 0;
          if (!isLeft || at + 1 < width) {
            const beside = path[used++]!;
            const pair = isLeft ? [node, beside] : [beside, node];
            const shown = { index: at >> 1, count: Math.ceil(width / 2), path: path.slice(used) };
            expect(isProven(leaves, pair, shown)).toBe(false);
            expect(isProven(leaves, Buffer.concat(pair), shown)).toBe(false);
            node = taggedHash("merkle node", [PURPOSE, ...pair]);
          }
          at >>= 1;
        }
        // Nor the whole for a tree of one.
        expect(isProven(leaves, node, { index: 0, count: 1, path: [] })).toBe(false);
        expect(trees.rootOf([trees.rootOf(leaves)])).not.toEqual(trees.rootOf(leaves));
      }),
      runs(60),
    );
  });

  it("has another root for every other list", () => {
    const short = fc.array(fc.nat(2), { maxLength: 9 });
    fc.assert(
      fc.property(short, short, (one, other) => {
        const isSame = one.join() === other.join();
        expect(trees.rootOf(one).join() === trees.rootOf(other).join()).toBe(isSame);
      }),
      runs(100),
    );
  });

  it("is bounded as its purpose says, and reaches beyond 2^32", () => {
    const few = new MerkleTrees("few", 4);
    const hash = new Uint8Array(32);
    const alone = { index: 4, count: 5, path: [hash] };
    expect(new MerkleTrees("few").rootFrom(1, alone)).not.toBeNull();
    expect(few.rootFrom(1, alone)).toBeNull();
    expect(few.rootFrom(1, { index: 3, count: 4, path: [hash, hash] })).not.toBeNull();
    const path = Array.from({ length: 33 }, () => hash);
    const [low, high] = [0, 2 ** 32].map((index) =>
      trees.rootFrom(1, { index, count: 2 ** 33, path }),
    );
    expect(low).not.toBeNull();
    expect(high).not.toBeNull();
    expect(low).not.toEqual(high);
  });
});
