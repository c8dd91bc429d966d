import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareBytes,
  equalBytes,
  fromHex,
  fromLowerHex,
  toBase64,
  toBase64Url,
  toHex,
} from "./bytes.ts";

const shortBytes = fc.uint8Array({ maxLength: 4, max: 2 });

describe("byte strings", () => {
  test("have the order that Buffer.compare gives, and are equal when neither is before the other", () => {
    fc.assert(
      fc.property(
        fc.oneof(shortBytes, fc.uint8Array()),
        fc.oneof(shortBytes, fc.uint8Array()),
        (a, b) => {
          expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
          expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("are written in hexadecimal and base64 as Buffer writes them, and read back from hexadecimal in either case", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
        expect(fromLowerHex(toHex(bytes), bytes.length)).toEqual(bytes);
        expect(fromLowerHex(toHex(bytes), bytes.length + 1)).toBe(null);
        expect(fromLowerHex(`${toHex(bytes)}00`, bytes.length)).toBe(null);
      }),
      { numRuns: 300 },
    );
  });

  test("are not read from text that is not hexadecimal", () => {
    for (const text of [
      "0",
      "abc",
      "0g",
      "g0",
      "0x",
      " 0",
      "0/",
      ":0",
      "@0",
      "`0",
      "ａ0",
      "\u01300",
      "\u06610",
    ]) {
      expect(fromHex(text)).toBe(null);
    }
    const wrong: string[] = [];
    for (let code = 0; code < 0x10000; code++) {
      const digit = String.fromCharCode(code);
      const isLower = /[0-9a-f]/.test(digit);
      const isRight =
        (fromHex(`0${digit}`) !== null) === /[0-9a-fA-F]/.test(digit) &&
        (fromLowerHex(`0${digit}`, 1) !== null) === isLower &&
        (fromLowerHex(`${digit}0`, 1) !== null) === isLower;
      if (!isRight) wrong.push(digit);
    }
    expect(wrong).toEqual([]);
  });
});
