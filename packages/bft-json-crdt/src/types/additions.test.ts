import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareBytes, encodeValue, fromHex, toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { Additions } from "./additions.ts";

const VALUES: readonly Value[] = [
  0,
  1,
  -1,
  255,
  256,
  1.5,
  2n ** 64n,
  "",
  "a",
  "aa",
  "b",
  "\u00ff",
  "🙂",
  null,
  true,
  Uint8Array.of(),
  Uint8Array.of(255, 0),
  [],
  [1, [2]],
  { a: 1 },
  { b: 1, a: 2 },
  "x".repeat(5_000),
];

const KEYS = VALUES.map((value) => toHex(encodeValue(value)));

describe("additions", () => {
  test("make a set of the values of which at least one stands, in the order of their bytes", () => {
    const step = fc.record({ add: fc.boolean(), value: fc.nat(VALUES.length - 1), at: fc.nat(99) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const additions = new Additions();
        const model = new Map<number, string>();
        let next = 0;
        const members = (): string[] => [...new Set(model.values())];
        for (const { add, value, at } of steps) {
          const before = members();
          if (add) {
            const key = KEYS[value]!;
            expect(additions.add(next, VALUES[value]!)).toBe(!before.includes(key));
            model.set(next++, key);
          } else {
            const element = at % (next + 1);
            const key = model.get(element);
            model.delete(element);
            const gone = additions.remove(element);
            const left = key !== undefined && !members().includes(key);
            expect(gone === undefined ? null : toHex(encodeValue(gone))).toBe(left ? key : null);
          }
          const sorted = members().sort((a, b) => compareBytes(fromHex(a)!, fromHex(b)!));
          expect(additions.values().map((member) => toHex(encodeValue(member)))).toEqual(sorted);
          expect(additions.size).toBe(sorted.length);
          expect(additions.has(VALUES[value]!)).toBe(sorted.includes(KEYS[value]!));
          const elements = [...model].filter(([, key]) => key === KEYS[value]).map(([i]) => i);
          expect([...additions.elementsOf(VALUES[value]!)].sort((a, b) => a - b)).toEqual(elements);
          const all = Array.from({ length: next + 1 }, (_, element) => element);
          expect(all.filter((i) => additions.stands(i))).toEqual([...model.keys()]);
        }
      }),
      { numRuns: 40 },
    );
  });
});
