import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "./bytes.ts";
import { ByteReader } from "./reader.ts";
import { decodeValue, encodeValue, type Value } from "./value.ts";
import { ByteWriter } from "./writer.ts";

function reader(hex: string): ByteReader {
  return new ByteReader(fromHex(hex)!);
}

/** Every way to read one item, with what it returns once the reader has failed. */
const READS: readonly (readonly [string, (from: ByteReader) => unknown, unknown])[] = [
  ["peek", (from) => from.peek(), -1],
  ["isNull", (from) => from.isNull(), false],
  ["uint", (from) => from.uint(), 0],
  ["uint64", (from) => from.uint64(), 0n],
  ["int", (from) => from.int(), 0],
  ["bytes", (from) => from.bytes(), Uint8Array.of()],
  ["bytesOf", (from) => from.bytesOf(1), Uint8Array.of()],
  ["text", (from) => from.text(), ""],
  ["arrayHeader", (from) => from.arrayHeader(), 0],
  ["mapHeader", (from) => from.mapHeader(), 0],
  ["value", (from) => from.value(), null],
  ["skip", (from) => from.skip(), undefined],
];

describe("a byte reader", () => {
  test("keeps short texts apart that have the same hash, as these pairs have", () => {
    const texts = ["nidgqkr", "sjfoaeh", "pokcmss", "hcrlhub", "rrxvira", "wwexxud"];
    const read = (): unknown => new ByteReader(encodeValue(texts)).value();
    expect(read()).toEqual(texts);
    expect(read()).toEqual(texts);
  });

  test("reads back what a writer wrote, item by item", () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        fc.uint8Array(),
        fc.string({ unit: "binary" }),
        fc.boolean(),
        (uint, wide, bytes, text, flag) => {
          const writer = new ByteWriter(0);
          writer.arrayHeader(6);
          writer.uint(uint);
          writer.uint64(wide);
          writer.bytes(bytes);
          writer.mapHeader(1);
          writer.text(text);
          writer.null();
          writer.boolean(flag);
          writer.raw(encodeValue([text]));
          const from = new ByteReader(writer.take());
          expect(from.peek()).toBe(4);
          expect(from.arrayHeader()).toBe(6);
          expect(from.uint()).toBe(uint);
          expect(from.uint64()).toBe(wide);
          expect(from.bytesOf(bytes.length)).toEqual(bytes);
          expect(from.mapHeader()).toBe(1);
          expect(from.text()).toBe(text);
          expect(from.isNull()).toBe(true);
          expect(from.isNull()).toBe(false);
          expect(from.value()).toBe(flag);
          expect(from.done).toBe(false);
          from.skip();
          expect(from.done).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each(READS)(
    "%s on a reader that has failed returns a zero value and does not move",
    (_, read, zero) => {
      const from = reader("4161614161");
      from.fail();
      expect(read(from)).toEqual(zero);
      expect(from).toMatchObject({ failed: true, offset: 0, done: false });
    },
  );

  test.each(READS)(
    "%s at the end of the input does not throw, and only a look ahead does not fail",
    (name, read, zero) => {
      const from = reader("");
      expect(read(from)).toEqual(zero);
      expect(from.failed).toBe(name !== "peek" && name !== "isNull");
    },
  );

  test.each(READS)("%s on bytes at random never throws and never passes the end", (_, read) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.nat(12), fc.nat(12), (bytes, start, end) => {
        const from = new ByteReader(bytes, start, end);
        for (let i = 0; i < 4; i++) read(from);
        if (!from.failed) expect(from.offset).toBeLessThanOrEqual(end);
      }),
      { numRuns: 300 },
    );
  });

  test("skip steps over just what value accepts", () => {
    const heads = fc.constantFrom(
      0x00,
      0x20,
      0x41,
      0x61,
      0x62,
      0x80,
      0x81,
      0x82,
      0xa0,
      0xa1,
      0xa2,
      0xc2,
      0xf6,
      0xf9,
      0x18,
      0x78,
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(heads, fc.integer({ min: 0, max: 255 })), { maxLength: 16 }),
        (items) => {
          const bytes = Uint8Array.from(items);
          const reading = new ByteReader(bytes);
          const skipping = new ByteReader(bytes);
          reading.value(3);
          skipping.skip(3);
          expect(skipping.failed).toBe(reading.failed);
          if (!reading.failed) expect(skipping.offset).toBe(reading.offset);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test("skip refuses malformed UTF-8 and unsorted keys inside", () => {
    for (const hex of ["8161ff", `817830${"61".repeat(47)}ff`, "a2616200616100", "a161ff00"]) {
      const from = reader(hex);
      from.skip();
      expect(from.failed).toBe(true);
    }
  });

  test("reads only its own range", () => {
    const bytes = fromHex("ff 18 64 ff".replaceAll(" ", ""))!;
    const from = new ByteReader(bytes, 1, 3);
    expect(from.uint()).toBe(100);
    expect(from.done).toBe(true);
    const short = new ByteReader(bytes, 1, 2);
    expect(short.uint()).toBe(0);
    expect(short.failed).toBe(true);
  });

  test.each([
    [-1, 0],
    [2, 1],
    [0, 3],
    [NaN, 1],
    [0, NaN],
  ])("a range from %d to %d of two bytes fails at once", (start, end) => {
    const from = new ByteReader(Uint8Array.of(0, 0), start, end);
    expect(from.failed).toBe(true);
    expect(from.value()).toBe(null);
  });

  test("bytes are views of the source, even if that is a Buffer", () => {
    const source = Buffer.from("4201024103", "hex");
    const from = new ByteReader(source);
    const bytes = from.bytes();
    expect(bytes.constructor).toBe(Uint8Array);
    source[1] = 7;
    expect(toHex(bytes)).toBe("0702");
    expect(toHex(from.bytesOf(1))).toBe("03");
  });

  test("bytes that it is shown come back themselves when they are the same, and only then", () => {
    const short = fc.uint8Array({ maxLength: 2 });
    fc.assert(
      fc.property(short, short, (read, known) => {
        const writer = new ByteWriter();
        writer.bytes(read);
        writer.bytes(read);
        const from = new ByteReader(writer.take());
        const isSame = toHex(read) === toHex(known);
        for (const bytes of [from.bytes(known), from.bytesOf(read.length, known)]) {
          expect(bytes).toEqual(read);
          expect(bytes === known).toBe(isSame);
        }
        expect(from.done).toBe(true);
      }),
    );
  });

  test("bytesOf fails for any other length", () => {
    const from = reader("420102");
    expect(from.bytesOf(3)).toEqual(Uint8Array.of());
    expect(from.failed).toBe(true);
    expect(reader("420102").bytesOf(3, Uint8Array.of(1, 2))).toEqual(Uint8Array.of());
  });

  test("uint refuses what a number cannot hold, uint64 and int do not", () => {
    expect(reader("1b0020000000000000").uint()).toBe(0);
    expect(reader("1b001fffffffffffff").uint()).toBe(Number.MAX_SAFE_INTEGER);
    expect(reader("1bffffffffffffffff").uint64()).toBe((1n << 64n) - 1n);
    expect(reader("1bffffffffffffffff").int()).toBe((1n << 64n) - 1n);
    expect(reader("1b001fffffffffffff").int()).toBe(Number.MAX_SAFE_INTEGER);
    expect(reader("3b001ffffffffffffe").int()).toBe(-Number.MAX_SAFE_INTEGER);
    expect(reader("3b001fffffffffffff").int()).toBe(-(1n << 53n));
    expect(reader("3bffffffffffffffff").int()).toBe(-(1n << 64n));
    expect(reader("20").uint()).toBe(0);
  });

  test("int refuses bignums and floats", () => {
    for (const hex of ["c249010000000000000000", "f93e00", "6131", "3817"]) {
      const from = reader(hex);
      expect(from.int()).toBe(0);
      expect(from.failed).toBe(true);
    }
  });

  test("a header that announces more items than bytes remain fails", () => {
    for (const [hex, read] of [
      ["8200", (from: ByteReader) => from.arrayHeader()],
      ["a1f6", (from: ByteReader) => from.mapHeader()],
      ["9b001fffffffffffff00", (from: ByteReader) => from.arrayHeader()],
      ["bbffffffffffffffff00", (from: ByteReader) => from.mapHeader()],
    ] as const) {
      const from = reader(hex);
      expect(read(from)).toBe(0);
      expect(from.failed).toBe(true);
    }
  });

  test("the depth is what the caller says, up to 72", () => {
    const arrays = (depth: number) => `${"81".repeat(depth - 1)}80`;
    const accepts = (depth: number, limit: number) => {
      const from = reader(arrays(depth));
      from.value(limit);
      return from.done;
    };
    expect(accepts(3, 3)).toBe(true);
    expect(accepts(4, 3)).toBe(false);
    expect(accepts(1, 0)).toBe(false);
    expect(accepts(72, 72)).toBe(true);
    expect(accepts(73, 1e9)).toBe(false);
    expect(accepts(1, NaN)).toBe(false);
    expect(accepts(1, -1)).toBe(false);
    const scalar = reader("f5");
    expect(scalar.value(0)).toBe(true);
  });

  test("after a failure inside a value nothing of it is returned", () => {
    const from = reader("8200ff");
    expect(from.value()).toBe(null);
    expect(from.failed).toBe(true);
  });

  test("texts of every length around the fast path are read alike", () => {
    for (let length = 0; length < 80; length++) {
      for (const text of [
        "a".repeat(length),
        `${"a".repeat(length)}é`,
        `é${"a".repeat(length)}`,
        "\u{10000}".repeat(length),
      ]) {
        const decoded = decodeValue(encodeValue(text));
        expect(decoded).toEqual({ ok: true, value: text satisfies Value });
      }
    }
  });
});
