import fc from "fast-check";
import { expect, test } from "vitest";
import {
  FIRST_WAIT_MS,
  LONGEST_FAULTY_WAIT_MS,
  LONGEST_TOLD_WAIT_MS,
  LONGEST_WAIT_MS,
  toldWait,
  waitBefore,
} from "./backoff.ts";

test("waits are anywhere between nothing and a ceiling that doubles up to the longest wait", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const wait = waitBefore(attempt, () => random);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt));
      },
    ),
  );
  const most = (attempt: number, longest?: number): number =>
    waitBefore(attempt, () => 1 - Number.EPSILON, longest);
  expect([0, 1, 2, 3].map((attempt) => most(attempt))).toEqual([99, 199, 399, 799]);
  expect(most(1_000)).toBe(LONGEST_WAIT_MS - 1);
  expect(most(1_000, LONGEST_FAULTY_WAIT_MS)).toBe(LONGEST_FAULTY_WAIT_MS - 1);
});

test.each([
  ["the relay is stopping; retry in 1234 ms", 1_234],
  ["retry in 0 ms", 0],
  ["retry in 60001 ms", LONGEST_TOLD_WAIT_MS],
  ["retry in 999999999 ms", LONGEST_TOLD_WAIT_MS],
  ["retry in 9999999999 ms", 0],
  ["retry in 1234 ms, or never", 0],
  ["retry in -5 ms", 0],
  ["retry in 1e3 ms", 0],
  ["do not retry in", 0],
  ["", 0],
])("a relay that closes with %j asks for %d ms", (reason, ms) => {
  expect(toldWait(reason)).toBe(ms);
});
