import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInTree, merkleRoot, proveLeaf, taggedBytes } from "./merkle.ts";

describe("a merkle tree", () => {
  it("proves each leaf at its place, and nothing else", () => {
    for (let count = 1; count <= 17; count++) {
      const leaves = Array.from({ length: count }, (_, i) => [i, `leaf ${i}`]);
      const root = merkleRoot(leaves);
      for (let index = 0; index < count; index++) {
        const proof = proveLeaf(leaves, index);
        expect(isInTree(root, leaves[index]!, proof)).toBe(true);
        expect(isInTree(root, [index, "another"], proof)).toBe(false);
        const other = (index + 1) % count;
        if (other !== index) expect(isInTree(root, leaves[other]!, proof)).toBe(false);
        for (const wrong of [-1, index + 1, index - 1, 0.5, count, NaN])
          expect(isInTree(root, leaves[index]!, { ...proof, index: wrong })).toBe(false);
        for (const wrong of [0, count + 1, count - 1, 2 ** 53, Infinity])
          expect(isInTree(root, leaves[index]!, { ...proof, count: wrong })).toBe(false);
        expect(isInTree(root, leaves[index]!, { ...proof, path: proof.path.slice(1) })).toBe(
          proof.path.length === 0,
        );
        const longer = [...proof.path, new Uint8Array(32)];
        expect(isInTree(root, leaves[index]!, { ...proof, path: longer })).toBe(false);
      }
    }
    expect(merkleRoot([])).toHaveLength(32);
    expect(() => proveLeaf([], 0)).toThrow("leaf 0 is not among 0");
  });

  it("has another root for every other list", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2), { maxLength: 9 }),
        fc.array(fc.nat(2), { maxLength: 9 }),
        (one, other) => {
          const isSame = one.join() === other.join();
          expect(merkleRoot(one).join() === merkleRoot(other).join()).toBe(isSame);
        },
      ),
      runs(100),
    );
  });

  it("never takes an inner node for a leaf, nor one purpose for another", () => {
    const leaves = [1, 2, 3, 4];
    const { path } = proveLeaf(leaves, 0);
    // The upper part of the tree with hashes as leaves has another root.
    expect(merkleRoot([path[1]!, path[1]!])).not.toEqual(merkleRoot(leaves));
    expect(isInTree(merkleRoot(leaves), path[1]!, { index: 1, count: 2, path: [path[1]!] })).toBe(
      false,
    );
    expect(taggedBytes("a", "x")).not.toEqual(taggedBytes("b", "x"));
  });
});
