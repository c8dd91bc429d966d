import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MIN_PINGED_AT_ONCE, PING_GAP_MS } from "./limits.ts";
import { Pings } from "./pings.ts";

interface Person {
  readonly came: number;
  readonly pinged: number[];
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const PERIOD_MS = 10_000;

/** Pings that can be read afterwards. */
function pingsOf(period = (): number => PERIOD_MS): {
  pings: Pings<Person>;
  come: () => Person;
  atOnce: () => number[];
} {
  const times = new Map<number, number>();
  const pings = new Pings<Person>(period, (person) => {
    const now = performance.now();
    person.pinged.push(now);
    times.set(now, (times.get(now) ?? 0) + 1);
  });
  return {
    pings,
    come: () => {
      const person: Person = { came: performance.now(), pinged: [] };
      pings.add(person);
      return person;
    },
    atOnce: () => [...times.values()],
  };
}

/** Milliseconds between what happens to somebody, from when they came. */
function gapsOf({ came, pinged }: Person): number[] {
  return pinged.map((time, at) => time - (at === 0 ? came : pinged[at - 1]!));
}

describe("pings", () => {
  it("come to each once in a period, also when there are thousands, who came in one moment or in many", () => {
    for (const everyMs of [0, 3]) {
      const { pings, come, atOnce } = pingsOf();
      const people: Person[] = [];
      for (let i = 0; i < 3_000; i++) {
        people.push(come());
        if (everyMs > 0) vi.advanceTimersByTime(everyMs);
      }
      vi.advanceTimersByTime(5 * PERIOD_MS);
      // Those who came together are pinged one after the other, half a period long at the most.
      for (const person of people) {
        expect(person.pinged.length).toBeGreaterThanOrEqual(3);
        for (const gap of gapsOf(person)) {
          expect(gap).toBeGreaterThanOrEqual(PERIOD_MS);
          expect(gap).toBeLessThanOrEqual(1.5 * PERIOD_MS + 2 * PING_GAP_MS);
        }
      }
      const most = Math.ceil((2 * people.length * PING_GAP_MS) / PERIOD_MS);
      expect(most).toBeGreaterThan(MIN_PINGED_AT_ONCE);
      expect(Math.max(...atOnce())).toBeLessThanOrEqual(most);
      for (const person of people) pings.delete(person);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  it("come no sooner to those who stay because others go, nor ever to who is gone", () => {
    const { pings, come } = pingsOf();
    const [first, second, third] = [come(), come(), come()] as const;
    vi.advanceTimersByTime(PERIOD_MS + PING_GAP_MS);
    pings.delete(first);
    pings.delete(second);
    vi.advanceTimersByTime(PERIOD_MS - 2 * PING_GAP_MS);
    expect([first, second, third].map((person) => person.pinged.length)).toEqual([1, 1, 1]);
    vi.advanceTimersByTime(3 * PING_GAP_MS);
    expect([first, second, third].map((person) => person.pinged.length)).toEqual([1, 1, 2]);
  });

  it("go on for the others when somebody is cut by one", () => {
    const cut: Person[] = [];
    const pings: Pings<Person> = new Pings<Person>(
      () => PERIOD_MS,
      (person) => {
        person.pinged.push(performance.now());
        pings.delete(person);
        cut.push(person);
      },
    );
    for (let i = 0; i < 3; i++) pings.add({ came: 0, pinged: [] });
    vi.advanceTimersByTime(PERIOD_MS + PING_GAP_MS);
    expect(cut).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
    pings.add({ came: 0, pinged: [] });
    vi.advanceTimersByTime(PERIOD_MS + PING_GAP_MS);
    expect(cut).toHaveLength(4);
  });

  it("go by another period from when it is told, counted from the last ping", () => {
    let period = PERIOD_MS;
    const { pings, come } = pingsOf(() => period);
    const person = come();
    vi.advanceTimersByTime(600);
    period = 1_000;
    pings.settingsChanged();
    vi.advanceTimersByTime(399);
    expect(person.pinged).toEqual([]);
    vi.advanceTimersByTime(1 + PING_GAP_MS);
    expect(person.pinged).toHaveLength(1);
    pings.delete(person);
    pings.settingsChanged();
    expect(vi.getTimerCount()).toBe(0);
  });
});
