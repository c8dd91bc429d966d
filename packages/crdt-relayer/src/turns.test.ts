import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { stoppedClock } from "../test/stopped-clock.ts";
import { MOST_TURNS_MS } from "./limits.ts";
import { Turns } from "./turns.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Resolves when the event loop has come around. */
const pass = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("turns in line", () => {
  it("are one in a pass while nothing else takes time, in their order", async () => {
    stoppedClock();
    const turns = new Turns();
    const done: string[] = [];
    for (const name of ["a", "b", "c"]) {
      turns.next(() => {
        done.push(name);
        return false;
      });
    }
    expect(done).toEqual([]);
    for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      await pass();
      expect(done).toEqual(expected);
    }
  });

  it("have as long as all else had, up to a bound, and end with one that has a socket read", async () => {
    const clock = stoppedClock();
    const turns = new Turns();
    const done: number[] = [];
    const step = (name: number, isReading: boolean): void => {
      turns.next(() => {
        done.push(name);
        clock.add(MOST_TURNS_MS / 4);
        return isReading;
      });
    };
    for (let n = 0; n < 12; n++) step(n, n === 7);
    // Half of what a pass may take, all of it, and much more.
    clock.add(MOST_TURNS_MS / 2);
    await pass();
    expect(done).toEqual([0, 1]);
    clock.add(100 * MOST_TURNS_MS);
    await pass();
    expect(done).toEqual([0, 1, 2, 3, 4, 5]);
    clock.add(100 * MOST_TURNS_MS);
    await pass();
    expect(done).toHaveLength(8);
    clock.add(100 * MOST_TURNS_MS);
    await pass();
    expect(done).toHaveLength(12);
  });

  it("come in the order in which they are due, equals in that in which they came", async () => {
    const clock = stoppedClock();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 3 })), { maxLength: 40 }),
        async (steps) => {
          const turns = new Turns();
          const done: number[] = [];
          let now = 0;
          const due = steps.map(([inMs, later], at) => {
            clock.add(later);
            now += later;
            turns.next(() => {
              done.push(at);
              return false;
            }, inMs);
            return { at, due: now + inMs };
          });
          expect(turns.waiting).toBe(steps.length);
          while (turns.waiting > 0) await pass();
          expect(done).toEqual(due.toSorted((a, b) => a.due - b.due).map(({ at }) => at));
        },
      ),
      { numRuns: 50 },
    );
  });
});
