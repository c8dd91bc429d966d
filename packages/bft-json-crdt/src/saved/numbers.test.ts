import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NumberReader, NumberWriter, unzigzag, zigzag } from "./numbers.ts";

describe("a column of counts", () => {
  test("reads back as it was written, runs and all", () => {
    const count = fc.oneof(fc.nat(3), fc.nat(300), fc.maxSafeNat());
    const runs = fc.array(fc.tuple(count, fc.integer({ min: 1, max: 20 })), { maxLength: 30 });
    fc.assert(
      fc.property(runs, (given) => {
        const values = given.flatMap(([value, times]) =>
          Array.from({ length: times }, () => value),
        );
        expect(read(written(values))).toEqual({ values, failed: false });
      }),
    );
  });

  test("takes a few bytes for a run, however long", () => {
    expect(written(Array.from({ length: 100_000 }, () => 7))).toEqual(
      Uint8Array.of(0xc0, 0x9a, 0x0c, 7),
    );
    expect(written([1, 2, 2])).toEqual(Uint8Array.of(7, 1, 2, 2));
    expect(written([])).toEqual(new Uint8Array(0));
  });

  test("of any bytes is read without an exception, and no further than they go", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        const fault = { failed: false };
        const reader = new NumberReader(bytes, fault);
        for (let i = 0; i < 100 && !reader.done; i++) {
          expect(Number.isSafeInteger(reader.next())).toBe(true);
        }
      }),
    );
  });

  test("fails where it is cut off, where a run is empty, and where a count is no safe integer", () => {
    const nine = Array.from({ length: 8 }, () => 0xff);
    for (const bytes of [
      [],
      [2],
      [5, 1],
      [0, 1],
      [1],
      [2, 0x80],
      // 2^53: one more than is safe.
      [2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
      [2, ...nine, 0],
    ]) {
      const fault = { failed: false };
      const reader = new NumberReader(Uint8Array.from(bytes), fault);
      reader.next();
      reader.next();
      expect(fault.failed, String(bytes)).toBe(true);
      expect(reader.next(), String(bytes)).toBe(0);
    }
    const most = Uint8Array.of(2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f);
    expect(read(most)).toEqual({ values: [Number.MAX_SAFE_INTEGER], failed: false });
  });

  test("holds integers of both signs as counts", () => {
    expect([0, -1, 1, -2, 2].map(zigzag)).toEqual([0, 1, 2, 3, 4]);
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (n) => {
        for (const each of [n, n * 2 ** 20])
          expect(unzigzag(zigzag(each))).toBe(each === 0 ? 0 : each);
      }),
    );
  });
});

function written(values: readonly number[]): Uint8Array {
  const writer = new NumberWriter();
  for (const value of values) writer.push(value);
  return writer.finish();
}

function read(bytes: Uint8Array): { values: number[]; failed: boolean } {
  const fault = { failed: false };
  const reader = new NumberReader(bytes, fault);
  const values: number[] = [];
  while (!reader.done) values.push(reader.next());
  return { values, failed: fault.failed };
}
