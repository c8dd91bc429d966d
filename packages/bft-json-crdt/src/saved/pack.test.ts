import { deflateSync, Inflate } from "fflate";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { ByteReader, ByteWriter } from "../encoding/index.ts";
import { readPacked, unpack, writePacked } from "./pack.ts";
import type { Packed } from "./pack.ts";

describe("a packed byte string", () => {
  test("unpacks to what it was, and is hardly ever longer", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(9_000))
        .map(([piece, times]) =>
          Uint8Array.from({ length: piece.length * times }, (_, i) => piece[i % piece.length]!),
        ),
    );
    fc.assert(
      fc.property(bytes, (given) => {
        const packed = pack(given);
        expect(packed.length).toBe(given.length);
        const unpacked = unpack(packed);
        expect(unpacked !== null && Buffer.compare(unpacked, given)).toBe(0);
        expect(packed.bytes.length).toBeLessThanOrEqual(given.length);
        expect(packed.isDeflated).toBe(packed.bytes.length < given.length);
      }),
    );
  });

  test("of another length than it declares is refused, whether more or less would come", () => {
    const bytes = deflateSync(new Uint8Array(100_000), { level: 9 });
    const good: Packed = { length: 100_000, bytes, isDeflated: true };
    expect(unpack(good)).toEqual(new Uint8Array(100_000));
    for (const length of [0, 1, 99_999, 100_001]) {
      expect(unpack({ ...good, length }), String(length)).toBeNull();
    }
  });

  test("that would inflate to much more than it declares is given up early", () => {
    const bomb = deflateSync(new Uint8Array(60_000_000), { level: 9 });
    const packed: Packed = { length: 60_000, bytes: bomb, isDeflated: true };
    expect(bomb.length).toBeGreaterThan(50_000);
    const push = vi.spyOn(Inflate.prototype, "push");
    expect(unpack(packed)).toBeNull();
    // Of more than seven pieces just the first has been inflated.
    expect(push).toHaveBeenCalledTimes(1);
    push.mockRestore();
  });

  test("that declares what no deflated bytes can make is refused before there is room for it", () => {
    for (const length of [1_033, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      expect(unpack({ length, bytes: Uint8Array.of(3), isDeflated: true })).toBeNull();
    }
  });

  test("of any bytes is refused or unpacked without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2_000), (bytes, length) => {
        const unpacked = unpack({ length, bytes, isDeflated: true });
        expect(unpacked === null || unpacked.length === length).toBe(true);
      }),
      { numRuns: 500 },
    );
    const cut = deflateSync(new Uint8Array(1_000)).subarray(0, -1);
    expect(unpack({ length: 1_000, bytes: cut, isDeflated: true })).toBeNull();
  });

  test("that is no item of this form is refused", () => {
    // Fewer parts than stand there, more, and others.
    for (const bytes of [
      [0x81, 0x01, 0x40],
      [0x83, 0x01, 0x40, 0x40],
      [0x82, 0x40, 0x40],
      [0x60],
    ]) {
      const reader = new ByteReader(Uint8Array.from(bytes));
      readPacked(reader);
      expect(reader.failed, String(bytes)).toBe(true);
    }
  });
});

function pack(bytes: Uint8Array): Packed {
  const writer = new ByteWriter();
  writePacked(writer, bytes);
  const reader = new ByteReader(writer.take());
  const packed = readPacked(reader);
  expect(reader.done).toBe(true);
  return packed;
}
