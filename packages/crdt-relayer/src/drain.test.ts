import { describe, expect, it } from "vitest";
import { retryAfter, sendAway, spreadOf } from "./drain.ts";
import { DRAIN_STEP_MS, LEAST_RETRY_MS } from "./limits.ts";

/** Sends so many away; gives when each was told, by the waits until then, and what it was told. */
async function drained(sessions: number, drainSeconds: number): Promise<[number, number][]> {
  const told: [number, number][] = [];
  let clock = 0;
  await sendAway(
    Array.from({ length: sessions }, (_, index) => index),
    drainSeconds,
    (session, retryMs) => {
      expect(session).toBe(told.length);
      told.push([clock, retryMs]);
    },
    (ms) => {
      clock += ms;
      return Promise.resolve();
    },
  );
  return told;
}

/** How often each number comes. */
function counts(numbers: readonly number[]): Map<number, number> {
  const found = new Map<number, number>();
  for (const number of numbers) found.set(number, (found.get(number) ?? 0) + 1);
  return found;
}

describe("sessions that are sent away", () => {
  it("go at once when they are few", async () => {
    for (const count of [0, 1, 100]) {
      const told = await drained(count, 5);
      expect(told).toHaveLength(count);
      expect(told.every(([at]) => at === 0)).toBe(true);
    }
  });

  it("are spread over the time when they are many, evenly, and all are told", async () => {
    expect([spreadOf(101, 5), spreadOf(5_000, 5), spreadOf(50_000, 5), spreadOf(5_000, 1)]).toEqual(
      [101, 5_000, 5_000, 1_000],
    );
    const told = await drained(5_000, 5);
    expect(told).toHaveLength(5_000);
    const portions = counts(told.map(([at]) => at));
    expect(Math.max(...portions.keys())).toBe(5_000 - DRAIN_STEP_MS);
    expect([...new Set(portions.values())]).toEqual([50]);
  });

  it("are each told another time to come back, never at once", async () => {
    const told = await drained(5_000, 5);
    const delays = told.map(([, ms]) => ms);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(LEAST_RETRY_MS);
    expect(new Set(delays).size).toBeGreaterThan(3_000);
    // With when they were told: no more than a fifth of them in any one second.
    const seconds = counts(told.map(([at, ms]) => Math.floor((at + ms) / 1_000)));
    expect(Math.max(...seconds.values())).toBeLessThan(1_000);
  });

  it("wait longer the more they are, within bounds", () => {
    const most = (sessions: number): number => retryAfter(sessions, () => 1 - Number.EPSILON);
    expect([1, 250, 5_000, 1_000_000].map(most)).toEqual([599, 599, 10_099, 30_099]);
    expect(retryAfter(5_000, () => 0)).toBe(LEAST_RETRY_MS);
  });
});
