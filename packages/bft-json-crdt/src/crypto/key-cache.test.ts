import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyCache } from "./key-cache.ts";

test("a key cache holds what was put in last, up to its capacity", () => {
  const key = (n: number) => Uint8Array.of(n);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.tuple(fc.boolean(), fc.nat(8))),
      (capacity, steps) => {
        const cache = new KeyCache<number>(capacity);
        let model: number[] = [];
        for (const [write, n] of steps) {
          if (write && !model.includes(n)) {
            cache.set(key(n), n);
            model = [...model, n].slice(-capacity);
          }
          expect(cache.get(key(n))).toBe(model.includes(n) ? n : undefined);
        }
      },
    ),
  );
});

test("a key cache remembers that there is nothing to know about a key", () => {
  const cache = new KeyCache<string | null>(2);
  expect(cache.get(Uint8Array.of(1))).toBe(undefined);
  cache.set(Uint8Array.of(1), null);
  cache.set(Uint8Array.of(2), "two");
  expect(cache.get(Uint8Array.of(1))).toBe(null);
});

test("a key cache is not misled by a key buffer that is used again", () => {
  const cache = new KeyCache<number>(2);
  const key = Buffer.from([1]);
  cache.set(key, 1);
  key[0] = 2;
  expect(cache.get(key)).toBe(undefined);
  expect(cache.get(Uint8Array.of(1))).toBe(1);
});
