import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareBytes, equalBytes, fromHex, toHex } from "./bytes.ts";
import { decodeValue, encodeValue, type Value } from "./value.ts";

/** RFC 8949, appendix A: the items that fall in the subset. */
const APPENDIX_A: readonly (readonly [Value, string])[] = [
  [0, "00"],
  [1, "01"],
  [10, "0a"],
  [23, "17"],
  [24, "1818"],
  [25, "1819"],
  [100, "1864"],
  [1000, "1903e8"],
  [1_000_000, "1a000f4240"],
  [1_000_000_000_000, "1b000000e8d4a51000"],
  [18446744073709551615n, "1bffffffffffffffff"],
  [18446744073709551616n, "c249010000000000000000"],
  [-18446744073709551616n, "3bffffffffffffffff"],
  [-18446744073709551617n, "c349010000000000000000"],
  [-1, "20"],
  [-10, "29"],
  [-100, "3863"],
  [-1000, "3903e7"],
  [1.1, "fb3ff199999999999a"],
  [1.5, "f93e00"],
  [3.4028234663852886e38, "fa7f7fffff"],
  [1e300, "fb7e37e43c8800759c"],
  [5.960464477539063e-8, "f90001"],
  [0.00006103515625, "f90400"],
  [-4.1, "fbc010666666666666"],
  [false, "f4"],
  [true, "f5"],
  [null, "f6"],
  [Uint8Array.of(), "40"],
  [Uint8Array.of(1, 2, 3, 4), "4401020304"],
  ["", "60"],
  ["a", "6161"],
  ["IETF", "6449455446"],
  ['"\\', "62225c"],
  ["\u00fc", "62c3bc"],
  ["\u6c34", "63e6b0b4"],
  ["\ud800\udd51", "64f0908591"],
  [[], "80"],
  [[1, 2, 3], "83010203"],
  [[1, [2, 3], [4, 5]], "8301820203820405"],
  [
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25],
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
  ],
  [{}, "a0"],
  [{ a: 1, b: [2, 3] }, "a26161016162820203"],
  [["a", { b: "c" }], "826161a161626163"],
  [{ a: "A", b: "B", c: "C", d: "D", e: "E" }, "a56161614161626142616361436164614461656145"],
];

/** Beyond the RFC: the edges of this subset. */
const EDGES: readonly (readonly [Value, string])[] = [
  [9007199254740991, "1b001fffffffffffff"],
  [-9007199254740991, "3b001ffffffffffffe"],
  [9007199254740992n, "1b0020000000000000"],
  [-9007199254740992n, "3b001fffffffffffff"],
  [9007199254740992, "fa5a000000"],
  [-9007199254740992, "fada000000"],
  [9007199254740994, "fb4340000000000001"],
  [5e-324, "fb0000000000000001"],
  [1.401298464324817e-45, "fa00000001"],
  [6.097555160522461e-5, "f903ff"],
  [-1023.5, "f9e3ff"],
  [2048.5, "fa45000800"],
  [1.5000000000000002, "fb3ff8000000000001"],
  [1.5000001192092896, "fa3fc00001"],
  [1.0009765625, "f93c01"],
  ["\ufeffx", "64efbbbf78"],
  ["\0", "6100"],
  [{ "": null, b: 1, aa: 2 }, "a360f6616201626161 02"],
  [{ "\uffff": 1, "\u{10000}": 2, zzz: 0 }, "a3637a7a7a0063efbfbf0164f090808002"],
];

const REFUSED: readonly (readonly [string, string])[] = [
  ["an empty input", ""],
  ["a byte after the item", "0000"],
  ["two items", "f6f6"],
  ["24 too few for a byte head", "1817"],
  ["255 in two bytes", "1900ff"],
  ["65,535 in four bytes", "1a0000ffff"],
  ["2^32 − 1 in eight bytes", "1b00000000ffffffff"],
  ["−1 in a byte head", "3800"],
  ["a length that could be shorter", "580161"],
  ["a text length that could be shorter", "780161"],
  ["an array count that could be shorter", "980101"],
  ["a map count that could be shorter", "b801616101"],
  ["a truncated head of one byte", "18"],
  ["a truncated head of two bytes", "1901"],
  ["a truncated head of four bytes", "1a010000"],
  ["a truncated head of eight bytes", "1b01000000000000"],
  ["a reserved length 28", "1c"],
  ["a reserved length 29", "5d"],
  ["a reserved length 30", "9e"],
  ["a reserved length 28 with bytes enough", `1c${"ff".repeat(16)}`],
  ["a reserved length 31 with bytes enough", `1f${"ff".repeat(128)}`],
  ["text of reserved length 28 with bytes enough", `7c00000001${"00".repeat(12)}61`],
  ["an indefinite integer", "1f"],
  ["indefinite bytes", "5f42010243030405ff"],
  ["indefinite text", "7f657374726561646d696e67ff"],
  ["an indefinite array", "9fff"],
  ["an indefinite array inside", "83018202039f0405ff"],
  ["an indefinite map", "bf61610161629f0203ffff"],
  ["a lone break", "ff"],
  ["keys out of order", "a2616200616100"],
  ["a longer key before a shorter", "a262616100616200"],
  ["the same key twice", "a2616100616101"],
  ["an integer as a key", "a10102"],
  ["bytes as a key", "a1416101"],
  ["null as a key", "a1f601"],
  ["a map with a key but no value", "a16161"],
  ["zero as a float", "f90000"],
  ["negative zero in two bytes", "f98000"],
  ["negative zero in four bytes", "fa80000000"],
  ["negative zero in eight bytes", "fb8000000000000000"],
  ["one as a float", "f93c00"],
  ["65,504 as a float", "f97bff"],
  ["100,000 as a float", "fa47c35000"],
  ["2^53 − 1 as a float", "fb433fffffffffffff"],
  ["1.5 in four bytes", "fa3fc00000"],
  ["1.5 in eight bytes", "fb3ff8000000000000"],
  ["the least half in four bytes", "fa33800000"],
  ["2^53 in eight bytes", "fb4340000000000000"],
  ["infinity in two bytes", "f97c00"],
  ["minus infinity in two bytes", "f9fc00"],
  ["NaN in two bytes", "f97e00"],
  ["NaN with a payload", "f97e01"],
  ["infinity in four bytes", "fa7f800000"],
  ["NaN in four bytes", "fa7fc00000"],
  ["infinity in eight bytes", "fb7ff0000000000000"],
  ["NaN in eight bytes", "fb7ff8000000000000"],
  ["a truncated float", "f93e"],
  ["a truncated double", "fb3ff19999999999"],
  ["a date tag", "c074323031332d30332d32315432303a30343a30305a"],
  ["an epoch tag", "c11a514b67b0"],
  ["a tag of one byte", "d74401020304"],
  ["a tag of two bytes", "d818456449455446"],
  ["the self-describing tag", "d9d9f700"],
  ["undefined", "f7"],
  ["simple value 0", "e0"],
  ["simple value 16", "f0"],
  ["simple value 32", "f820"],
  ["false in two bytes", "f814"],
  ["simple value 255", "f8ff"],
  ["a small bignum", "c24101"],
  ["an empty bignum", "c240"],
  ["2^64 − 1 as a bignum", "c248ffffffffffffffff"],
  ["−2^64 as a bignum", "c348ffffffffffffffff"],
  ["a bignum with a leading zero", "c24a00010000000000000000"],
  ["a bignum over text", "c269313233343536373839"],
  ["a bignum tag in two bytes", "d80249010000000000000000"],
  ["a bignum of 1,025 bytes", `c2590401${"ff".repeat(1025)}`],
  ["a truncated bignum", "c24901"],
  ["a lone continuation byte", "6180"],
  ["an overlong NUL", "62c080"],
  ["an overlong slash", "63e080af"],
  ["a high surrogate in UTF-8", "63eda080"],
  ["a low surrogate in UTF-8", "63edb080"],
  ["a surrogate pair in UTF-8", "66eda080edb080"],
  ["a character beyond U+10FFFF", "64f4908080"],
  ["a truncated character", "62e6b0"],
  ["ISO 8859-1", "61fc"],
  ["malformed UTF-8 at the end of a long text", `7828${"61".repeat(39)}ff`],
  ["a malformed key", "a161ff00"],
  ["text of 2^53 bytes", "7b0020000000000000"],
  ["bytes of 2^53 bytes", "5b0020000000000000"],
  ["bytes of 2^64 − 1 bytes", "5bffffffffffffffff"],
  ["an array of 2^53 items", "9b002000000000000000"],
  ["an array of 2^32 − 1 items", "9affffffff00"],
  ["a map of 2^53 pairs", "bb0020000000000000"],
  ["a map of 2^64 − 1 pairs", "bbffffffffffffffff"],
  ["an array with an item too few", "8200"],
  ["bytes with a byte too few", "4201"],
];

/** Encodes by the letter of RFC 8949 §4.2.1 with big integers and sorting: the model to compare with. */
function naiveEncode(value: Value): number[] {
  if (value === null) return [0xf6];
  if (typeof value === "boolean") return [value ? 0xf5 : 0xf4];
  if (typeof value === "number" && !Number.isSafeInteger(value)) return naiveFloat(value);
  if (typeof value === "number" || typeof value === "bigint") {
    const n = BigInt(value);
    const argument = n < 0n ? -1n - n : n;
    if (argument < 1n << 64n) return naiveHead(n < 0n ? 1 : 0, argument);
    const digits = argument.toString(16);
    return [
      n < 0n ? 0xc3 : 0xc2,
      ...naiveEncode(fromHex(digits.padStart(digits.length + (digits.length % 2), "0"))),
    ];
  }
  if (typeof value === "string") {
    const utf8 = new TextEncoder().encode(value);
    return [...naiveHead(3, BigInt(utf8.length)), ...utf8];
  }
  if (value instanceof Uint8Array) return [...naiveHead(2, BigInt(value.length)), ...value];
  if (Array.isArray(value))
    return [...naiveHead(4, BigInt(value.length)), ...value.flatMap(naiveEncode)];
  const pairs = Object.entries(value).map(
    ([key, item]) => [naiveEncode(key), naiveEncode(item)] as const,
  );
  pairs.sort(([a], [b]) => compareBytes(Uint8Array.from(a), Uint8Array.from(b)));
  return [...naiveHead(5, BigInt(pairs.length)), ...pairs.flat(2)];
}

function naiveHead(major: number, argument: bigint): number[] {
  if (argument < 24n) return [(major << 5) | Number(argument)];
  const size = [1, 2, 4, 8].find((bytes) => argument < 1n << BigInt(8 * bytes))!;
  const digits = argument.toString(16).padStart(2 * size, "0");
  return [(major << 5) | (24 + Math.log2(size)), ...fromHex(digits)!];
}

/** Tries every one of the 2^16 halves. */
function naiveFloat(n: number): number[] {
  const half = halves.get(n);
  if (half !== undefined) return [0xf9, half >> 8, half & 0xff];
  const view = new DataView(new ArrayBuffer(9));
  const single = Math.fround(n) === n;
  view.setUint8(0, single ? 0xfa : 0xfb);
  if (single) view.setFloat32(1, n);
  else view.setFloat64(1, n);
  return [...new Uint8Array(view.buffer, 0, single ? 5 : 9)];
}

function naiveHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const size = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
  if (exponent === 31) return NaN;
  return bits & 0x8000 ? -size : size;
}

const halves = new Map<number, number>();
for (let bits = 0; bits < 0x10000; bits++) {
  if (!Number.isNaN(naiveHalf(bits))) halves.set(naiveHalf(bits), bits);
}

/** Equality of values as the design defines it: −0 is 0, and a bigint is a number where a number is exact. */
function sameValue(a: Value, b: Value): boolean {
  if (typeof a === "bigint" && Number.isSafeInteger(Number(a))) a = Number(a);
  if (typeof b === "bigint" && Number.isSafeInteger(Number(b))) b = Number(b);
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && equalBytes(a, b);
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = new Map(Object.entries(b));
  return (
    left.length === right.size &&
    left.every(([key, item]) => right.has(key) && sameValue(item, right.get(key)!))
  );
}

const numbers = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -300, max: 300 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(...halves.keys()),
  // Next to a half or a single, where a wrong choice of the width would make two numbers one.
  fc
    .tuple(
      fc.constantFrom(...halves.keys()),
      fc.constantFrom(2 ** -52, -(2 ** -52), 2 ** -40, 2 ** -23),
    )
    .map(([half, step]) => half * (1 + step)),
  fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 64, 0, -0, 1e308, 5e-324),
);
const bigints = fc.oneof(
  fc.bigInt(),
  fc.bigInt({ min: -(1n << 66n), max: 1n << 66n }),
  fc.constantFrom(
    1n << 53n,
    -(1n << 53n),
    1n << 64n,
    -(1n << 64n),
    (1n << 64n) - 1n,
    -(1n << 64n) - 1n,
    5n,
  ),
);
const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary", maxLength: 70 }),
  fc.constantFrom("__proto__", "constructor", "\ufeff", "1", "toString"),
);
const values: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    fc.constantFrom(null, true, false),
    numbers,
    bigints,
    texts,
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.dictionary(texts, tie("value"), { maxKeys: 6 }),
  ),
})).value;

/** Few values, so that two drawn at random are often equal or nearly so. */
const fewValues: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    fc.constantFrom<Value>(
      null,
      0,
      -0,
      0n,
      1,
      "",
      "0",
      false,
      Uint8Array.of(),
      Uint8Array.of(0),
      2 ** 53,
      2n ** 53n,
      0.5,
    ),
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("", "a", "0"), tie("value"), { maxKeys: 2 }),
  ),
})).value;

function hex(text: string): Uint8Array {
  return fromHex(text.replaceAll(" ", ""))!;
}

/** Whether the bytes are accepted; whatever is accepted must encode to the same bytes again. */
function acceptedAndSame(bytes: Uint8Array): boolean {
  const decoded = decodeValue(bytes);
  if (!decoded.ok) {
    expect(decoded.error.code).toBe("malformed");
    return false;
  }
  expect(toHex(encodeValue(decoded.value))).toBe(toHex(bytes));
  return true;
}

function nested(depth: number): Value {
  let value: Value = 0;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { k: value };
  return value;
}

describe("the encoding of values", () => {
  test.each([...APPENDIX_A, ...EDGES])("%o is written as %s and read back", (value, expected) => {
    const bytes = hex(expected);
    expect(toHex(encodeValue(value))).toBe(toHex(bytes));
    const decoded = decodeValue(bytes);
    expect(decoded.ok && sameValue(decoded.value, value)).toBe(true);
  });

  test.each(REFUSED)("%s is refused", (_, bytes) => {
    expect(decodeValue(hex(bytes))).toMatchObject({ ok: false, error: { code: "malformed" } });
  });

  test("any value reads back as it was written, in the bytes that a naive encoder makes", () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeValue(value);
        expect(toHex(bytes)).toBe(toHex(Uint8Array.from(naiveEncode(value))));
        const decoded = decodeValue(bytes);
        expect(decoded.ok && sameValue(decoded.value, value)).toBe(true);
        expect(acceptedAndSame(bytes)).toBe(true);
      }),
      { numRuns: 1_500 },
    );
  });

  test("two values have the same bytes just when they are equal", () => {
    fc.assert(
      fc.property(fewValues, fewValues, (a, b) => {
        expect(equalBytes(encodeValue(a), encodeValue(b))).toBe(sameValue(a, b));
      }),
      { numRuns: 3_000 },
    );
  });

  test("2^53 as a number and as a bigint are different values", () => {
    expect(encodeValue(2 ** 53)).not.toEqual(encodeValue(2n ** 53n));
    expect(decodeValue(encodeValue(2 ** 53))).toEqual({ ok: true, value: 2 ** 53 });
    expect(decodeValue(encodeValue(2n ** 53n))).toEqual({ ok: true, value: 2n ** 53n });
  });

  test("every half-precision float is read just when it is canonical", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const bytes = Uint8Array.of(0xf9, bits >> 8, bits & 0xff);
      const decoded = decodeValue(bytes);
      const value = naiveHalf(bits);
      const canonical = !Number.isNaN(value) && !Number.isInteger(value);
      if (decoded.ok !== canonical || (decoded.ok && decoded.value !== value))
        expect.fail(toHex(bytes));
    }
  });

  test("bytes at random never throw, and what is accepted encodes to the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => void acceptedAndSame(bytes)),
      { numRuns: 5_000 },
    );
  });

  test("an encoding with a few bits, bytes or a piece changed never throws, and is accepted only as canonical", () => {
    const edits = fc.array(
      fc.record({
        at: fc.nat(),
        flip: fc.integer({ min: 0, max: 255 }),
        kind: fc.constantFrom("bit", "insert", "remove"),
      }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(values, edits, (value, changes) => {
        let bytes = [...encodeValue(value)];
        for (const { at, flip, kind } of changes) {
          const i = at % (bytes.length + 1);
          if (kind === "bit" && i < bytes.length) bytes[i] = bytes[i]! ^ (1 << (flip & 7));
          if (kind === "insert") bytes = bytes.toSpliced(i, 0, flip);
          if (kind === "remove") bytes = bytes.toSpliced(i, 1);
        }
        acceptedAndSame(Uint8Array.from(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  test("every proper prefix of an encoding is refused", () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeValue(value);
        for (let end = Math.max(0, bytes.length - 50); end < bytes.length; end++) {
          expect(decodeValue(bytes.subarray(0, end)).ok).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("64 levels of nesting are a value and 65 are not", () => {
    expect(acceptedAndSame(encodeValue(nested(64)))).toBe(true);
    expect(() => encodeValue(nested(65))).toThrow(expect.objectContaining({ code: "bad_value" }));
    expect(decodeValue(hex(`${"81".repeat(63)}80`)).ok).toBe(true);
    expect(decodeValue(hex(`${"81".repeat(64)}80`)).ok).toBe(false);
    expect(decodeValue(hex(`${"81".repeat(64)}a0`)).ok).toBe(false);
  });

  test("a million levels are refused without a stack overflow", () => {
    expect(decodeValue(new Uint8Array(1_000_000).fill(0x81)).ok).toBe(false);
    expect(decodeValue(new Uint8Array(1_000_000).fill(0x9f)).ok).toBe(false);
    const maps = new Uint8Array(1_000_000).map((_, i) => (i % 2 === 0 ? 0xa1 : 0x60));
    expect(decodeValue(maps).ok).toBe(false);
  });
});

describe("objects as data", () => {
  test("__proto__ is a key like any other, both ways", () => {
    const decoded = decodeValue(hex("a1695f5f70726f746f5f5fa1616101"));
    expect(decoded.ok).toBe(true);
    if (!decoded.ok) return;
    expect(Object.getPrototypeOf(decoded.value)).toBe(null);
    expect(Object.keys(decoded.value as object)).toEqual(["__proto__"]);
    expect(encodeValue(JSON.parse('{"__proto__":{"a":1}}') as Value)).toEqual(
      encodeValue(decoded.value),
    );
    expect(({} as { a?: number }).a).toBe(undefined);
  });

  test("keys that look like indexes are keys like any other, however many and however far apart", () => {
    const keys = fc.uniqueArray(
      fc
        .oneof(fc.nat(40), fc.nat(2_000), fc.constantFrom(2 ** 32 - 2, 2 ** 32 - 1, 2 ** 53))
        .map(String),
    );
    fc.assert(
      fc.property(keys, (drawn) => {
        const object = Object.fromEntries(drawn.map((key) => [key, `value of ${key}`]));
        const decoded = decodeValue(encodeValue(object));
        expect(decoded.ok && { ...(decoded.value as object) }).toEqual(object);
      }),
      { numRuns: 200 },
    );
  });

  test("small objects with a large index as key do not take thousands of times their size in memory", () => {
    const count = 20_000;
    const bytes = encodeValue(Array.from({ length: count }, () => ({ "1023": 0 })));
    const before = process.memoryUsage().heapUsed;
    const decoded = decodeValue(bytes);
    const taken = process.memoryUsage().heapUsed - before;
    expect(decoded.ok).toBe(true);
    // A dense store would take 12 kilobytes for each; a collection in between can only make this smaller.
    expect(taken).toBeLessThan(count * 2_000);
  });

  test("only enumerable string keys of the object itself are written", () => {
    const object = Object.defineProperty({ a: 1, [Symbol("b")]: 2 }, "c", {
      value: 3,
      enumerable: false,
    });
    expect(toHex(encodeValue(object))).toBe("a1616101");
  });

  test("byte strings are copies on the way out, also out of a Buffer", () => {
    for (const bytes of [
      encodeValue([Uint8Array.of(1, 2)]),
      Buffer.from(encodeValue([Uint8Array.of(1, 2)])),
    ]) {
      const decoded = decodeValue(bytes);
      const [inner] = (decoded.ok ? decoded.value : []) as [Uint8Array];
      expect(inner.constructor).toBe(Uint8Array);
      inner.fill(9);
      expect(toHex(bytes)).toBe("81420102");
    }
  });

  test("byte strings of another realm and Buffers are byte strings", () => {
    expect(toHex(encodeValue(runInNewContext("Uint8Array.of(7)") as Uint8Array))).toBe("4107");
    expect(toHex(encodeValue(Buffer.from([7])))).toBe("4107");
  });

  class Account {
    readonly amount = 1;
  }
  const cyclic: unknown[] = [];
  cyclic.push(cyclic, cyclic);
  const cyclicObject: Record<string, unknown> = {};
  cyclicObject["self"] = cyclicObject;

  test.each([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("a")],
    ["NaN", NaN],
    ["infinity", -Infinity],
    ["a date", new Date(0)],
    ["a map", new Map()],
    ["a set", new Set()],
    ["an instance of a class", new Account()],
    ["an object with another object as prototype", Object.create({ a: 1 })],
    ["a boxed string", Object("text")],
    ["a typed array of another width", Uint16Array.of(1)],
    ["a clamped byte array", Uint8ClampedArray.of(1)],
    ["an ArrayBuffer", new ArrayBuffer(1)],
    [
      "something that only claims to be bytes",
      { [Symbol.toStringTag]: "Uint8Array", then: undefined },
    ],
    ["an array with a hole", Array(1)],
    ["a field that is undefined", { a: undefined }],
    ["a lone high surrogate", "\ud800"],
    ["a lone low surrogate", "a\udc00"],
    ["surrogates in the wrong order", "\udc00\ud800"],
    ["a lone surrogate in a long text", `${"é".repeat(60)}\ud800`],
    ["a lone surrogate at the end of a long text", `${"a".repeat(60)}\udbff`],
    ["a key with a lone surrogate", { "\ud800": 1 }],
    ["an integer of more than 1,024 bytes", 1n << 8192n],
    ["an array that contains itself", cyclic],
    ["an object that contains itself", cyclicObject],
  ])("%s cannot be written", (_, value) => {
    expect(() => encodeValue(value as Value)).toThrow(
      expect.objectContaining({ name: "MisuseError", code: "bad_value" }),
    );
    expect(() => encodeValue([value as Value])).toThrow(
      expect.objectContaining({ code: "bad_value" }),
    );
  });

  test("an integer of 1,024 bytes can be written", () => {
    expect(acceptedAndSame(encodeValue((1n << 8192n) - 1n))).toBe(true);
    expect(acceptedAndSame(encodeValue(-(1n << 8192n)))).toBe(true);
    expect(() => encodeValue(-(1n << 8192n) - 1n)).toThrow(
      expect.objectContaining({ code: "bad_value" }),
    );
  });
});
