import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Assignments } from "./assignments.ts";

describe("assignments", () => {
  test("are those that nobody has replaced, the greatest of them shown", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: fc.constant(true), at: fc.nat(999) }) },
      { weight: 2, arbitrary: fc.record({ add: fc.constant(false), at: fc.nat(999) }) },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 100, size: "max" }),
        fc.array(fc.nat(), { minLength: 200, maxLength: 200 }),
        (steps, keys) => {
          const compare = (a: number, b: number): number => keys[a]! - keys[b]! || a - b;
          const assignments = new Assignments<string>(compare);
          const model = new Map<number, string>();
          let next = 0;
          for (const { add, at } of steps) {
            if (add) {
              assignments.add(next, `v${next}`);
              model.set(next, `v${next}`);
              next++;
            } else {
              // Of those that stand, of those that do not any more, and of those that never were.
              const known = [...model.keys()];
              const element = at % 3 === 0 || known.length === 0 ? at : known[at % known.length]!;
              expect(assignments.remove(element)).toBe(model.delete(element));
            }
            const standing = [...model.keys()].sort((a, b) => compare(b, a));
            expect(assignments.standing()).toEqual(standing);
            expect(assignments.winner).toBe(standing[0] ?? -1);
            expect(assignments.greatest(at % 8)).toEqual(standing.slice(0, at % 8));
            expect(assignments.size).toBe(model.size);
            expect(assignments.latestFrom(0)).toBe(model.has(next - 1) ? next - 1 : -1);
            expect(assignments.latestFrom(next)).toBe(-1);
            const all = Array.from({ length: next + 1 }, (_, element) => element);
            expect(all.filter((element) => assignments.has(element))).toEqual([...model.keys()]);
            const values = standing.map((element) => assignments.valueOf(element));
            expect(values).toEqual(standing.map((element) => model.get(element)));
            const changed = standing[at % Math.max(1, standing.length)];
            if (changed === undefined) continue;
            assignments.setValue(changed, `w${at}`);
            model.set(changed, `w${at}`);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("by the thousands, removed from the top or from the bottom, leave the right one", () => {
    for (const fromTop of [true, false]) {
      const assignments = new Assignments<number>((a, b) => a - b);
      const count = 3_000;
      for (let i = 0; i < count; i++) assignments.add((i * 7_919) % count, i);
      for (let i = 0; i < count; i++) {
        const element = fromTop ? count - 1 - i : i;
        if (assignments.winner !== (fromTop ? element : count - 1)) expect.unreachable();
        assignments.remove(element);
      }
      expect(assignments.winner).toBe(-1);
      expect(assignments.size).toBe(0);
      assignments.add(5, 5);
      expect(assignments.winner).toBe(5);
    }
  });

  test("by the tens of thousands, are not all compared to name the greatest of them", () => {
    let comparisons = 0;
    const size = 30_000;
    const rank = (element: number): number => (element * 7_919) % size;
    const assignments = new Assignments<number>(
      (a, b) => (comparisons++, rank(a) - rank(b) || a - b),
    );
    for (let i = 0; i < size; i++) assignments.add(i, i);
    comparisons = 0;
    const rounds = 50;
    for (let round = 0; round < rounds; round++) {
      for (const element of assignments.greatest(64)) assignments.remove(element);
      assignments.add(size + round, round);
      expect(assignments.size).toBe(size - 63 * (round + 1));
    }
    // Sorting takes as many comparisons for each round as there are assignments, at the very least.
    expect(comparisons).toBeLessThan((rounds * size) / 5);
  });
});
