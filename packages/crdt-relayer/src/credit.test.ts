import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { stoppedClock } from "../test/stopped-clock.ts";
import { Credit } from "./credit.ts";
import {
  AT_ONCE_MS,
  CREDIT_LINE,
  CREDIT_MS,
  CREDIT_PER_MS,
  FIRST_CREDIT_MS,
  LEAST_CREDIT_SHARE,
  MOST_DEBT_MS,
} from "./limits.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Turns of which the test says what they are like. */
class SomeTurns {
  waiting = 0;
  atOnceMs = 0;
  pass = 0;

  worked(ms: number): void {
    this.atOnceMs += ms;
  }
}

/** No work is taken for a pause. */
const pauses = { in: (): number => 0 };

/** What happens to a socket, in milliseconds. */
const events = fc.array(
  fc.oneof(
    fc.record({ what: fc.constant("time"), ms: fc.integer({ min: 0, max: 400 }) }),
    fc.record({ what: fc.constant("own work"), ms: fc.integer({ min: 0, max: 8 }) }),
    fc.record({ what: fc.constant("ahead"), ms: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ what: fc.constant("work for others"), ms: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ what: fc.constant("a pass"), ms: fc.constant(0) }),
    fc.record({ what: fc.constant("a line"), ms: fc.integer({ min: 0, max: 40 }) }),
  ),
  { maxLength: 40 },
);

describe("the credit of a socket", () => {
  it("is what is earned less what is spent, bounded, and is there while all have done less in this pass", () => {
    fc.assert(
      fc.property(events, (some) => {
        const clock = stoppedClock();
        const turns = new SomeTurns();
        const credit = new Credit(turns, pauses);
        let naive = FIRST_CREDIT_MS;
        let inPass = 0;
        for (const { what, ms } of some) {
          const share = CREDIT_LINE / (CREDIT_LINE + turns.waiting);
          const part = Math.max(LEAST_CREDIT_SHARE, share);
          // It is looked at after each event, so that all is earned with the line as it is then.
          if (what === "time") {
            clock.add(ms);
            naive = Math.min(CREDIT_MS * part, naive + ms * CREDIT_PER_MS * part);
          } else if (what === "own work") {
            expect(credit.worked(ms / 10)).toBe(ms / 10);
            naive -= ms / 10;
            inPass += ms / 10;
          } else if (what === "ahead") {
            credit.spend(ms);
            naive -= ms;
          } else if (what === "work for others") {
            turns.atOnceMs += ms;
          } else if (what === "a pass") {
            turns.pass++;
            turns.atOnceMs = 0;
            inPass = 0;
          } else {
            turns.waiting = ms;
            const shorter = Math.max(LEAST_CREDIT_SHARE, CREDIT_LINE / (CREDIT_LINE + ms));
            naive = Math.min(CREDIT_MS * shorter, naive);
          }
          const beyond = naive - turns.atOnceMs;
          const { isLeft } = credit;
          // Where the two are equal but for rounding, either is right.
          if (Math.abs(beyond) > 1e-9 && Math.abs(inPass - AT_ONCE_MS) > 1e-9)
            expect(isLeft).toBe(beyond > 0 && inPass < AT_ONCE_MS);
          const due = Math.min(-naive, MOST_DEBT_MS) / CREDIT_PER_MS;
          expect(credit.dueInMs).toBeCloseTo(due, 6);
        }
      }),
    );
  });

  it("hardly sinks for a pause of the process", () => {
    stoppedClock();
    const credit = new Credit(new SomeTurns(), { in: (ms) => ms * 0.9 });
    expect(credit.worked(50)).toBeCloseTo(5, 9);
    expect(credit.dueInMs).toBeCloseTo(
      Math.min(5 - FIRST_CREDIT_MS, MOST_DEBT_MS) / CREDIT_PER_MS,
      6,
    );
  });

  it("is less the more stand in line", () => {
    const turns = new SomeTurns();
    const credit = new Credit(turns, pauses);
    const shares = [0, CREDIT_LINE, 3 * CREDIT_LINE].map((waiting) => {
      turns.waiting = waiting;
      return credit.shareInLine;
    });
    expect(shares).toEqual([1, 1 / 2, 1 / 4]);
  });
});
