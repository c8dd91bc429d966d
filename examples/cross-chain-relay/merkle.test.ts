import { sha256 } from "bft-json-crdt";
import { describe, expect, test } from "vitest";
import { joined, tag } from "./bytes.ts";
import { proofOf, rootFrom, rootOf } from "./index.ts";

const digests = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => sha256(Uint8Array.of(at, count)));

describe("a proof of inclusion", () => {
  test("leads to the root from its own leaf at its own place in a tree of its own size, and from no other", () => {
    for (let count = 1; count <= 17; count++) {
      const leaves = digests(count);
      const root = rootOf(leaves);
      for (let index = 0; index < count; index++) {
        const proof = proofOf(leaves, index);
        expect(rootFrom(leaves[index]!, proof)).toEqual(root);
        for (let other = 0; other < count; other++) {
          const isSame = other === index;
          if (!isSame) expect(rootFrom(leaves[other]!, proof)).not.toEqual(root);
          if (!isSame) {
            expect(rootFrom(leaves[index]!, { ...proof, index: other })).not.toEqual(root);
          }
        }
        for (const size of [count - 1, count + 1, 2 * count]) {
          expect(rootFrom(leaves[index]!, { ...proof, size })).not.toEqual(root);
        }
      }
    }
  });

  test("is none when it is too short, too long, or about no place in the tree", () => {
    const leaves = digests(6);
    const proof = proofOf(leaves, 2);
    const siblings = [...proof.siblings];
    for (const wrong of [
      { ...proof, siblings: siblings.slice(1) },
      { ...proof, siblings: [...siblings, siblings[0]!] },
      { ...proof, index: 6 },
      { ...proof, index: -1 },
      { ...proof, index: 0.5 },
      { ...proof, size: 0 },
      { ...proof, size: 65_537 },
      // The last leaf of a tree that would be too large has no partner until the top, so one hash leads there.
      { index: 65_536, size: 65_537, siblings: [siblings[0]!] },
    ]) {
      expect(rootFrom(leaves[2]!, wrong)).toBeNull();
    }
  });

  test("never takes an inner node for a leaf, nor a root for an inner node: their tags differ", () => {
    const leaves = digests(4);
    const [a, b, c, d] = leaves.map((leaf) => sha256(joined(tag("leaf"), leaf))) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const left = sha256(joined(tag("node"), a, b));
    const right = sha256(joined(tag("node"), c, d));
    expect(proofOf(leaves, 0).siblings).toEqual([b, right]);
    // Were nodes and leaves hashed alike, the two halves would be the leaves of a tree with the same top.
    const shown = { index: 0, size: 2, siblings: [right] };
    expect(rootFrom(left, shown)).not.toEqual(rootOf(leaves));
    expect(rootFrom(joined(a, b), shown)).not.toEqual(rootOf(leaves));
    expect(rootOf([left, right])).not.toEqual(rootOf(leaves));
  });
});
