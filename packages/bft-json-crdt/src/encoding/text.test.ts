import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareKeys, isWellFormed, utf8Length } from "./text.ts";

/** Strings of any code units, so often with lone surrogates. */
const units = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0xd7ff, max: 0xe000 }),
      fc.constantFrom(0xd800, 0xdc00),
    ),
    {
      maxLength: 6,
    },
  )
  .map((codes) => String.fromCharCode(...codes));

describe("text", () => {
  test("is well-formed just when UTF-8 gives it back, and has the length of its UTF-8", () => {
    fc.assert(
      fc.property(fc.oneof(units, fc.string({ unit: "binary" })), (text) => {
        const utf8 = new TextEncoder().encode(text);
        const same = new TextDecoder("utf-8", { ignoreBOM: true }).decode(utf8) === text;
        expect(isWellFormed(text)).toBe(same);
        expect(utf8Length(text)).toBe(same ? utf8.length : -1);
      }),
      { numRuns: 3_000 },
    );
  });

  test("sorts as keys by UTF-8 length and then by the bytes", () => {
    const keys = fc.oneof(
      fc.string({ unit: "binary", maxLength: 3 }),
      fc.string({
        unit: fc.constantFrom(
          "a",
          "\u07ff",
          "\ud7ff",
          "\ue000",
          "\uffff",
          "\u{10000}",
          "\u{10ffff}",
        ),
        maxLength: 3,
      }),
    );
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const left = Buffer.from(a);
        const right = Buffer.from(b);
        const expected = Math.sign(left.length - right.length) || Buffer.compare(left, right);
        expect(Math.sign(compareKeys(a, b))).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
