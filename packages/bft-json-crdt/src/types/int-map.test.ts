import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { same } from "../../test/same.ts";
import { IntervalSet, IntMap } from "./int-map.ts";

/** Small key ranges make collisions likely, wide ones make deep trees. */
const keys = fc.oneof(fc.nat(60), fc.nat(3_000), fc.constantFrom(0, 0x7fff_fffe, 0x7fff_ffff));

function expectSame(
  map: IntMap,
  model: ReadonlyMap<number, number>,
  probes: Iterable<number>,
): void {
  map.check();
  expect(map.size).toBe(model.size);
  const sorted = [...model.keys()].sort((a, b) => a - b);
  const listed: number[] = [];
  const wrong: number[] = [];
  map.forEach((key, value) => {
    listed.push(key);
    if (value !== model.get(key)) wrong.push(key);
  });
  expect(wrong).toEqual([]);
  expect(listed).toEqual(sorted);
  for (const probe of probes) {
    same(map.get(probe, -7), model.get(probe) ?? -7);
    same(map.has(probe), model.has(probe));
    const floor = sorted.findLast((key) => key <= probe);
    same(map.floor(probe) ? map.foundKey : undefined, floor);
    if (floor !== undefined) same(map.foundValue, model.get(floor));
    const ceiling = sorted.find((key) => key >= probe);
    same(map.ceiling(probe) ? map.foundKey : undefined, ceiling);
    if (ceiling !== undefined) same(map.foundValue, model.get(ceiling));
    const next = sorted.find((key) => key > probe);
    same(map.next(probe) ? map.foundKey : undefined, next);
  }
}

describe("IntMap", () => {
  test("answers like a sorted table of its keys after any history", () => {
    const command = fc.record({ key: keys, value: fc.integer(), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 400, size: "max" }), (commands) => {
        const map = new IntMap();
        const model = new Map<number, number>();
        for (const { key, value, remove } of commands) {
          let isSame = true;
          if (remove) isSame = map.delete(key) === model.delete(key);
          else {
            map.set(key, value | 0);
            model.set(key, value | 0);
          }
          isSame &&= map.get(key, -7) === (model.get(key) ?? -7);
          if (!isSame) expect.fail(`key ${key}`);
        }
        expectSame(map, model, [
          0,
          1,
          30,
          59,
          60,
          61,
          2_999,
          3_001,
          0x7fff_fffe,
          ...commands.map(({ key }) => key),
        ]);
      }),
      { numRuns: 100 },
    );
  });

  test("grows to several levels and shrinks to nothing, in any order", () => {
    const size = 20_000;
    const orders: readonly ((i: number) => number)[] = [
      (i) => i,
      (i) => size - 1 - i,
      // 7,919 is prime and no factor of the size: every key once, far from its predecessor.
      (i) => (i * 7_919) % size,
      // Begins where a full inner node ends.
      (i) => (i + 64 * 64) % size,
    ];
    for (const insertion of orders) {
      for (const removal of orders) {
        const map = new IntMap();
        for (let i = 0; i < size; i++) map.set(insertion(i) * 3, i);
        map.check();
        // One expectation for all: `expect` itself takes longer than the map.
        let wrong = 0;
        for (let i = 0; i < size; i++) {
          if (!map.delete(removal(i) * 3)) wrong += 1;
          if (i < 130 || i % 1_999 === 0) map.check();
          const key = removal((i * 31) % size) * 3;
          const there = map.has(key);
          if ((map.floor(key + 1) && map.foundKey === key) !== there) wrong += 1;
        }
        expect(wrong).toBe(0);
        map.check();
        expect(map.size).toBe(0);
        expect(map.ceiling(0)).toBe(false);
        map.set(5, 6);
        expect(map.get(5)).toBe(6);
      }
    }
  });

  test("answers the same where keys follow one another, with gaps or without", () => {
    const block = fc.record({
      start: fc.nat(1_500),
      length: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 30, max: 300 })),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 40, size: "max" }), (blocks) => {
        const map = new IntMap();
        const model = new Map<number, number>();
        for (const { start, length, remove } of blocks) {
          let wrong = 0;
          for (let key = start; key < start + length; key++) {
            if (!remove) {
              map.set(key, key ^ length);
              model.set(key, key ^ length);
            } else if (map.delete(key) !== model.delete(key)) wrong += 1;
          }
          if (wrong > 0) expect.fail(`of ${length} keys from ${start} on`);
          expectSame(map, model, [start - 1, start, start + length - 1, start + length]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("stays consistent while waves of keys come and go", () => {
    const map = new IntMap();
    const model = new Map<number, number>();
    let seed = 1;
    const random = (bound: number) => (seed = (seed * 48_271) % 0x7fff_ffff) % bound;
    for (let wave = 0; wave < 12; wave++) {
      const base = random(4) * 10_000;
      for (let i = 0; i < 4_000; i++) {
        const key = base + random(6_000);
        if (wave % 2 === 0) {
          map.set(key, i);
          model.set(key, i);
        } else if (map.delete(key) !== model.delete(key)) expect.fail(`key ${key}`);
      }
      expectSame(
        map,
        model,
        Array.from({ length: 40 }, () => random(50_000)),
      );
    }
  });
});

describe("IntervalSet", () => {
  test("holds what was added and not taken out, and its gaps are the rest", () => {
    const command = fc.record({
      start: fc.nat(300),
      length: fc.oneof(fc.nat(5), fc.nat(80)),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120, size: "max" }), (commands) => {
        const set = new IntervalSet();
        const model = new Set<number>();
        for (const { start, length, remove } of commands) {
          if (remove) set.delete(start, start + length);
          else set.add(start, start + length);
          for (let i = start; i < start + length; i++) {
            if (remove) model.delete(i);
            else model.add(i);
          }
          set.check();
          expect(set.limit).toBe(Math.max(-1, ...model) + 1);
          const gaps: number[] = [];
          const [from, to] = [start - (start % 7), start + 50];
          for (let at = from; set.nextGap(at, to); at = set.gapEnd) {
            expect(set.gapStart).toBeGreaterThanOrEqual(at);
            expect(set.gapEnd).toBeGreaterThan(set.gapStart);
            for (let i = set.gapStart; i < set.gapEnd; i++) gaps.push(i);
          }
          const missing = Array.from({ length: to - from }, (_, i) => from + i).filter(
            (i) => !model.has(i),
          );
          expect(gaps).toEqual(missing);
        }
        const held = Array.from({ length: 400 }, (_, i) => i).filter((i) => set.contains(i));
        expect(held).toEqual([...model].filter((i) => i < 400).sort((a, b) => a - b));
      }),
      { numRuns: 100 },
    );
  });

  test("keeps touching intervals as one", () => {
    const set = new IntervalSet();
    for (let i = 0; i < 10_000; i += 2) set.add(i, i + 1);
    expect(set.size).toBe(5_000);
    for (let i = 1; i < 10_000; i += 2) set.add(i, i + 1);
    expect(set.size).toBe(1);
    expect(set.nextGap(0, 10_000)).toBe(false);
    set.delete(4_000, 4_001);
    expect(set.size).toBe(2);
    expect(set.nextGap(0, 10_000)).toBe(true);
    expect([set.gapStart, set.gapEnd]).toEqual([4_000, 4_001]);
    set.check();
  });
});
