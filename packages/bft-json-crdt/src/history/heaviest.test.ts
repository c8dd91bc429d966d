import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heaviest } from "./heaviest.ts";

interface Item {
  bytes: number;
  place: number;
}

describe("the heaviest", () => {
  it("is the one with most bytes, whoever gains, loses, comes or goes", () => {
    const step = fc.record({ who: fc.nat(11), bytes: fc.oneof(fc.constant(0), fc.nat(20)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const items: Item[] = Array.from({ length: 12 }, () => ({ bytes: 0, place: -1 }));
        const heap = new Heaviest<Item>();
        for (const { who, bytes } of steps) {
          const item = items[who]!;
          item.bytes = bytes;
          heap.update(item);
          const most = Math.max(...items.map((one) => one.bytes));
          expect(heap.first?.bytes ?? 0).toBe(most);
          expect(items.map(({ place }) => place >= 0)).toEqual(items.map((one) => one.bytes > 0));
          const places = items.flatMap(({ place }) => (place < 0 ? [] : [place]));
          expect(places.toSorted((a, b) => a - b)).toEqual(places.map((_, i) => i));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("of very many is found without a look at each", () => {
    let looks = 0;
    const items = Array.from({ length: 10_000 }, (_, at) => ({
      weight: 1 + ((at * 7_919) % 10_007),
      place: -1,
      get bytes() {
        looks++;
        return this.weight;
      },
    }));
    const heap = new Heaviest<(typeof items)[number]>();
    for (const item of items) heap.update(item);
    // Each time the heaviest loses a little, like a peer that is over its share.
    for (let times = 0; times < 10_000; times++) {
      const { first } = heap;
      first!.weight = Math.max(1, first!.weight - 50);
      heap.update(first!);
    }
    expect(looks).toBeLessThan(20_000 * 60);
  });
});
