import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LateHeap } from "./late-heap.ts";

describe("a late heap", () => {
  it("tells the greatest of a set like one who sorts it, whatever comes and goes", () => {
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("add"), nth: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("remove"), nth: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("ask"), nth: fc.nat(12) }) },
    );
    // Ranks are not the numbers themselves; two numbers may have the same rank only if they are the same.
    const rank = (item: number): number => (item * 7_919) % 1_009;
    let removed = 0;
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120, size: "max" }), (actions) => {
        const members = new Set<number>();
        const heap = new LateHeap(
          (a, b) => rank(a) - rank(b),
          (item) => members.has(item),
        );
        let next = 0;
        for (const { do: what, nth } of actions) {
          if (what === "add") {
            members.add(next);
            heap.add(next++);
          } else if (what === "remove" && members.size > 0) {
            members.delete([...members][nth % members.size]!);
            heap.shrunk(members.size);
            removed++;
          }
          const sorted = [...members].sort((a, b) => rank(b) - rank(a));
          expect(heap.first).toBe(sorted[0] ?? -1);
          if (what === "ask") expect(heap.greatest(nth)).toEqual(sorted.slice(0, nth));
        }
      }),
      { numRuns: 300 },
    );
    expect(removed).toBeGreaterThan(1_000);
  });

  it("asked for the greatest of very many, again and again, compares few of them", () => {
    const members = new Set<number>();
    let comparisons = 0;
    const heap = new LateHeap(
      (a, b) => (comparisons++, a - b),
      (item) => members.has(item),
    );
    const size = 20_000;
    for (let item = 0; item < size; item++) heap.add((members.add(item), item));
    // Each time the greatest 64 go, and one comes that is greater still: what an editor does to a contested register.
    for (let item = size; members.size > 100; item++) {
      for (const one of heap.greatest(64)) members.delete(one);
      heap.add((members.add(item), item));
      heap.shrunk(members.size);
    }
    expect(comparisons).toBeLessThan(size * 150);
  });
});
