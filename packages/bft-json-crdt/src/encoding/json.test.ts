import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "./json.ts";
import { decodeValue, encodeValue, type Value } from "./value.ts";

const VECTORS = new URL("../../test/fixtures/jcs/", import.meta.url);

/** RFC 8785, appendix B: IEEE 754 bits and the number as it must be written. */
const NUMBERS: readonly (readonly [string, string])[] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

function nested(depth: number): Value {
  let value: Value = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

describe("canonical JSON", () => {
  test.each(readdirSync(new URL("input/", VECTORS)))(
    "is byte for byte what RFC 8785 asks for: %s",
    (name) => {
      const input = JSON.parse(readFileSync(new URL(`input/${name}`, VECTORS), "utf8")) as Value;
      expect(Buffer.from(canonicalJson(input))).toEqual(
        readFileSync(new URL(`output/${name}`, VECTORS)),
      );
    },
  );

  test.each(NUMBERS)("the number with the bits %s is written %s", (bits, json) => {
    expect(canonicalJson(Buffer.from(bits, "hex").readDoubleBE())).toBe(json);
  });

  test("is JSON that parses to the same value, and does not depend on the order of keys", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (drawn) => {
        const value = drawn as Value;
        const json = canonicalJson(value);
        expect(canonicalJson(JSON.parse(json) as Value)).toBe(json);
        const decoded = decodeValue(encodeValue(value));
        expect(decoded.ok && canonicalJson(decoded.value)).toBe(json);
      }),
      { numRuns: 500 },
    );
  });

  test("writes bigints as decimal strings and byte strings as base64url", () => {
    const value = {
      sum: -(2n ** 70n),
      key: Uint8Array.of(0xfb, 0xff, 0xfe, 0),
      empty: new Uint8Array(0),
    };
    expect(canonicalJson(value)).toBe(
      '{"empty":"","key":"-__-AA","sum":"-1180591620717411303424"}',
    );
  });

  test("sorts keys by UTF-16 code units, also __proto__ and those that look like indexes", () => {
    const value = JSON.parse(
      '{"\ufb33":1,"\ud83d\ude00":2,"b":3,"__proto__":4,"10":5,"9":6}',
    ) as Value;
    expect(canonicalJson(value)).toBe(
      '{"10":5,"9":6,"__proto__":4,"b":3,"\ud83d\ude00":2,"\ufb33":1}',
    );
  });

  test("escapes control characters as RFC 8785 does and nothing else", () => {
    expect(canonicalJson('\u0000\b\t\n\u000b\f\r\u001f"\\/\u007f\u2028<é')).toBe(
      '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/\u007f\u2028<é"',
    );
  });

  test("writes views that nest deeper than one value may", () => {
    expect(canonicalJson(nested(128))).toBe(`${"[".repeat(128)}1${"]".repeat(128)}`);
  });

  const cyclic: unknown[] = [];
  cyclic.push(cyclic);

  test.each([
    ["undefined", undefined],
    ["a function", () => 1],
    ["NaN", NaN],
    ["a date", new Date(0)],
    ["a lone surrogate", "\ud800"],
    ["a key with a lone surrogate", { "\ud800": 1 }],
    ["an array with a hole", Array(1)],
    ["an array that contains itself", cyclic],
    ["a hundred thousand levels", nested(100_000)],
  ])("%s has no canonical JSON", (_, value) => {
    expect(() => canonicalJson(value as Value)).toThrow(
      expect.objectContaining({ name: "MisuseError", code: "bad_value" }),
    );
  });
});
