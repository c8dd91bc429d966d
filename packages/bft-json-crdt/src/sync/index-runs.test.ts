import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IndexRuns } from "./index-runs.ts";

describe("runs of indexes", () => {
  it("behave like a sorted set to which only greater indexes are added", () => {
    const step = fc.oneof(
      fc.record({ add: fc.nat(400) }),
      fc.record({ dropBelow: fc.nat(400) }),
      fc.record({ dropFirstRun: fc.constant(true) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const runs = new IndexRuns();
        let model: number[] = [];
        // Greatest index ever added since it was last empty.
        let top = -1;
        steps.forEach((each, i) => {
          if ("add" in each) {
            const index = each.add + i;
            if (model.length === 0) top = -1;
            runs.add(index);
            if (index > top) model.push((top = index));
          } else if ("dropBelow" in each) {
            runs.dropBelow(each.dropBelow);
            model = model.filter((index) => index >= each.dropBelow);
          } else {
            runs.dropFirstRun();
            const end = model.findIndex((index, k) => index !== model[0]! + k);
            model = end < 0 ? [] : model.slice(end);
          }
          expect(runs.below(Infinity)).toEqual(model);
          expect(runs.below(200)).toEqual(model.filter((index) => index < 200));
          expect(runs.first).toBe(model[0] ?? -1);
          expect(runs.firstEnd).toBe(
            1 + (model.find((index, k) => model[k + 1] !== index + 1) ?? -2),
          );
          expect(runs.isEmpty).toBe(model.length === 0);
          expect(runs.runs).toBe(model.filter((index, k) => index !== model[k - 1]! + 1).length);
          for (const index of [0, 100, each === steps[0] ? 5 : 250]) {
            expect(runs.has(index)).toBe(model.includes(index));
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  it("stay small when they move along for ever", () => {
    const runs = new IndexRuns();
    for (let index = 0; index < 20_000; index += 2) {
      runs.add(index);
      runs.dropBelow(index - 10);
      expect(runs.runs).toBeLessThan(8);
    }
    expect(runs.below(Infinity)).toEqual([19_988, 19_990, 19_992, 19_994, 19_996, 19_998]);
  });
});
