import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Frontier } from "./frontier.ts";
import type { HeadOrders } from "./frontier.ts";

/** Orders that have nothing to do with the order of arrival, nor with each other. */
function orders(): HeadOrders & { count: number } {
  return {
    count: 0,
    byId(a, b) {
      this.count++;
      return ((a * 7_919) % 10_007) - ((b * 7_919) % 10_007);
    },
    byRank(a, b) {
      this.count++;
      return ((a * 104_729) % 99_991) - ((b * 104_729) % 99_991);
    },
  };
}

describe("a frontier", () => {
  it("tells its heads, all by id and the greatest by rank, like one who sorts them each time", () => {
    const step = fc.record({
      builds: fc.array(fc.nat(), { maxLength: 3 }),
      ask: fc.constantFrom("sorted", "greatest", "nothing", "nothing"),
      count: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const by = orders();
        const frontier = new Frontier(by);
        const heads = new Set<number>();
        steps.forEach(({ builds, ask, count }, index) => {
          for (const n of index === 0 ? [] : builds) {
            heads.delete(n % index);
            frontier.delete(n % index);
          }
          heads.add(index);
          frontier.add(index);
          expect([...frontier]).toEqual([...heads]);
          if (ask === "sorted") {
            expect(frontier.sorted()).toEqual([...heads].sort((a, b) => by.byId(a, b)));
          } else if (ask === "greatest") {
            const ranked = [...heads].sort((a, b) => by.byRank(b, a));
            expect(frontier.greatest(count)).toEqual(ranked.slice(0, count));
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it("of very many heads is not sorted again for each change that comes", () => {
    const by = orders();
    const frontier = new Frontier(by);
    const size = 9_000;
    for (let index = 0; index < size; index++) frontier.add(index);
    expect(frontier.sorted().length).toBe(size);
    frontier.greatest(17);
    by.count = 0;
    for (let index = size; index < size + 100; index++) {
      frontier.delete(index - 5_000);
      frontier.add(index);
      // At most one comparison for each head that is there already, to find the place of the new one.
      frontier.sorted();
    }
    expect(by.count).toBeLessThan(100 * (size + 100));
    by.count = 0;
    for (let index = size + 100; index < size + 1_000; index++) {
      for (const head of frontier.greatest(16)) frontier.delete(head);
      frontier.add(index);
    }
    expect(by.count).toBeLessThan(900 * 17 * 60);
  });
});
