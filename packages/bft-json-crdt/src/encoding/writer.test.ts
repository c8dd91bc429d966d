import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "./bytes.ts";
import type { Value } from "./value.ts";
import { ByteWriter } from "./writer.ts";

function written(write: (to: ByteWriter) => void): string {
  const writer = new ByteWriter();
  write(writer);
  return toHex(writer.take());
}

describe("a byte writer", () => {
  test.each([
    [0, "00"],
    [23, "17"],
    [24, "1818"],
    [0xff, "18ff"],
    [0x100, "190100"],
    [0xffff, "19ffff"],
    [0x10000, "1a00010000"],
    [0xffffffff, "1affffffff"],
    [0x100000000, "1b0000000100000000"],
    [Number.MAX_SAFE_INTEGER, "1b001fffffffffffff"],
  ])("writes %d in the shortest head, as a number and as a bigint", (n, hex) => {
    expect(written((to) => to.uint(n))).toBe(hex);
    expect(written((to) => to.uint64(BigInt(n)))).toBe(hex);
  });

  test.each([-1, 0.5, NaN, Infinity, 2 ** 53])("refuses %d as a count", (n) => {
    for (const write of [
      (to: ByteWriter) => to.uint(n),
      (to: ByteWriter) => to.arrayHeader(n),
      (to: ByteWriter) => to.mapHeader(n),
    ]) {
      expect(() => written(write)).toThrow(
        expect.objectContaining({ name: "MisuseError", code: "bad_value" }),
      );
    }
  });

  test("refuses an unsigned integer that 64 bits cannot hold", () => {
    expect(() => written((to) => to.uint64(-1n))).toThrow(
      expect.objectContaining({ code: "bad_value" }),
    );
    expect(() => written((to) => to.uint64(1n << 64n))).toThrow(
      expect.objectContaining({ code: "bad_value" }),
    );
  });

  test("is as it was after a value or a text that it refused", () => {
    const writer = new ByteWriter();
    writer.uint(1);
    expect(() => writer.value([1, { a: undefined as unknown as Value }])).toThrow(
      expect.objectContaining({ code: "bad_value" }),
    );
    for (const text of ["\ud800", `${"a".repeat(100)}\ud800`]) {
      expect(() => writer.text(text)).toThrow(expect.objectContaining({ code: "bad_value" }));
    }
    expect(writer.length).toBe(1);
    writer.uint(2);
    expect(toHex(writer.view())).toBe("0102");
  });

  test("takes a copy, shows a view, and can be used again", () => {
    const writer = new ByteWriter();
    writer.text("first");
    const taken = writer.take();
    const view = writer.view();
    writer.reset();
    expect(writer.length).toBe(0);
    writer.text("other");
    expect(toHex(taken)).toBe("656669727374");
    expect(toHex(view)).toBe("656f74686572");
  });

  test("grows from any capacity to whatever is written", () => {
    fc.assert(
      fc.property(fc.nat(40), fc.array(fc.uint8Array({ maxLength: 300 })), (capacity, pieces) => {
        const writer = new ByteWriter(capacity);
        for (const piece of pieces) writer.raw(piece);
        expect(writer.length).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0));
        expect(toHex(writer.take())).toBe(pieces.map(toHex).join(""));
      }),
      { numRuns: 100 },
    );
  });

  test("writes text as TextEncoder does, on each side of the fast path", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 120 }), fc.nat(60), (text, padding) => {
        const padded = "a".repeat(padding) + text;
        const hex = written((to) => to.text(padded));
        expect(hex.endsWith(toHex(new TextEncoder().encode(padded)))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
