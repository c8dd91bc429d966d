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
      });
    }
    expect(done).toEqual([]);
    for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      await pass();
      expect(done).toEqual(expected);
    }
  });

  it("have as long as all else had, up to a bound", async () => {
    const clock = stoppedClock();
    const turns = new Turns();
    const done: number[] = [];
    for (let n = 0; n < 8; n++) {
      turns.next(() => {
        done.push(n);
        clock.add(MOST_TURNS_MS / 4);
      });
    }
    // Half of what a pass may take, and much more.
    clock.add(MOST_TURNS_MS / 2);
    await pass();
    expect(done).toEqual([0, 1]);
    clock.add(100 * MOST_TURNS_MS);
    await pass();
    expect(done).toEqual([0, 1, 2, 3, 4, 5]);
    clock.add(100 * MOST_TURNS_MS);
    await pass();
    expect(done).toHaveLength(8);
  });

  it("have less time by what they leave to be done after them", async () => {
    const clock = stoppedClock();
    let leftMs = 0;
    const turns = new Turns(MOST_TURNS_MS, () => leftMs);
    let done = 0;
    for (let n = 0; n < 8; n++) {
      turns.next(() => {
        done++;
        clock.add(MOST_TURNS_MS / 8);
        leftMs += MOST_TURNS_MS / 4;
      });
    }
    clock.add(MOST_TURNS_MS);
    await pass();
    // Three eighths for each of them.
    expect(done).toBe(3);
    clock.add(MOST_TURNS_MS);
    await pass();
    expect(done).toBe(4);
    leftMs = 0;
    clock.add(MOST_TURNS_MS);
    await pass();
    expect(done).toBe(7);
  });

  it("know how much was done out of turn in this pass, and which pass it is", async () => {
    stoppedClock();
    const turns = new Turns();
    expect([turns.atOnceMs, turns.pass]).toEqual([0, 0]);
    turns.worked(0.5);
    turns.worked(0.25);
    expect([turns.atOnceMs, turns.pass]).toEqual([0.75, 0]);
    let inTurn: number[] = [];
    turns.next(() => {
      turns.worked(100);
      inTurn = [turns.atOnceMs, turns.pass];
    });
    await pass();
    expect(inTurn).toEqual([0, 1]);
    expect([turns.atOnceMs, turns.pass]).toEqual([0, 1]);
    turns.worked(1);
    expect(turns.atOnceMs).toBe(1);
    await pass();
    expect([turns.atOnceMs, turns.pass]).toEqual([0, 2]);
    await pass();
    expect(turns.pass).toBe(2);
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
