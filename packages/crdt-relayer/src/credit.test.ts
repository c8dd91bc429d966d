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

/** What a socket has of its credit with so many in line. */
const partWith = (waiting: number): number =>
  Math.max(LEAST_CREDIT_SHARE, CREDIT_LINE / (CREDIT_LINE + waiting));

/** What happens to a socket: milliseconds, of its own work tenths of them, and of the line who stands in it. */
const events = fc.array(
  fc.oneof(
    fc.record({ what: fc.constant("time"), amount: fc.integer({ min: 0, max: 400 }) }),
    fc.record({ what: fc.constant("own work"), amount: fc.integer({ min: 0, max: 8 }) }),
    fc.record({ what: fc.constant("ahead"), amount: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ what: fc.constant("work for others"), amount: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ what: fc.constant("a pass"), amount: fc.constant(0) }),
    fc.record({ what: fc.constant("a line"), amount: fc.integer({ min: 0, max: 40 }) }),
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
        for (const { what, amount } of some) {
          const part = partWith(turns.waiting);
          // It is looked at after each event, so that all is earned with the line as it is then.
          if (what === "time") {
            clock.add(amount);
            naive = Math.min(CREDIT_MS * part, naive + amount * CREDIT_PER_MS * part);
          } else if (what === "own work") {
            const ms = amount / 10;
            expect(credit.worked(ms)).toBe(ms);
            naive -= ms;
            inPass += ms;
          } else if (what === "ahead") {
            credit.spend(amount);
            naive -= amount;
          } else if (what === "work for others") {
            turns.atOnceMs += amount;
          } else if (what === "a pass") {
            turns.pass++;
            turns.atOnceMs = 0;
            inPass = 0;
          } else {
            turns.waiting = amount;
            naive = Math.min(CREDIT_MS * partWith(amount), naive);
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
