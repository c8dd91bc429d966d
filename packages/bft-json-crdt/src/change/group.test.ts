import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeValue } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import {
  decodeGroup,
  encodeGroup,
  GROUP_ENTRY_OVERHEAD,
  SIGNATURE_BYTES,
  signedGroup,
} from "./group.ts";

const anyEntry = fc.record({
  body: fc.uint8Array({ maxLength: 300, size: "max" }),
  signature: fc.option(fc.uint8Array({ minLength: SIGNATURE_BYTES, maxLength: SIGNATURE_BYTES })),
});

const anyGroup = fc.array(anyEntry, { minLength: 1, maxLength: 40 });

const BODY = new Uint8Array([1, 2, 3]);
const SIGNATURE = new Uint8Array(64).fill(9);

function codeOf(group: Uint8Array): string {
  const decoded = decodeGroup(group);
  return decoded.ok ? "accepted" : decoded.error.code;
}

describe("a group", () => {
  it("holds after the journey what it held before", () => {
    fc.assert(
      fc.property(anyGroup, (entries) => {
        const decoded = decodeGroup(encodeGroup(entries));
        expect(decoded).toEqual({ ok: true, value: entries });
      }),
    );
  });

  it("of one signed change has a buffer of just its size", () => {
    const anyBody = fc.oneof(
      fc.uint8Array({ maxLength: 300, size: "max" }),
      fc
        .constantFrom(23, 24, 255, 256, 65_535, 65_536, 200_000)
        .map((size) => new Uint8Array(size)),
    );
    fc.assert(
      fc.property(anyBody, (body) => {
        const group = signedGroup(body, SIGNATURE);
        expect(Buffer.compare(group, encodeGroup([{ body, signature: SIGNATURE }]))).toBe(0);
        expect(group.buffer.byteLength).toBe(group.length);
      }),
    );
  });

  it("takes no more bytes than its bodies and the overhead that is reckoned for each", () => {
    fc.assert(
      fc.property(anyGroup, (entries) => {
        const most = entries.reduce((sum, { body }) => sum + body.length + GROUP_ENTRY_OVERHEAD, 8);
        expect(encodeGroup(entries).length).toBeLessThanOrEqual(most);
      }),
    );
    const body = new Uint8Array(100_000);
    const one = encodeGroup([{ body, signature: SIGNATURE }]).length;
    expect(one - body.length - 1).toBeLessThanOrEqual(GROUP_ENTRY_OVERHEAD);
  });

  it("cut off anywhere, or with anything behind it, is refused", () => {
    const group = encodeGroup([
      { body: BODY, signature: null },
      { body: BODY, signature: SIGNATURE },
    ]);
    for (let length = 0; length < group.length; length++) {
      expect(codeOf(group.subarray(0, length))).toBe("malformed");
    }
    expect(codeOf(new Uint8Array([...group, 0]))).toBe("malformed");
  });

  it("may hold the most changes allowed and not one more", () => {
    const entries = (count: number) =>
      Array.from({ length: count }, () => ({ body: BODY, signature: null }));
    expect(codeOf(encodeGroup(entries(MAX_GROUP_CHANGES)))).toBe("accepted");
    expect(codeOf(encodeGroup(entries(MAX_GROUP_CHANGES + 1)))).toBe("too_large");
  });

  it("may have the most bytes allowed and not one more", () => {
    const framing =
      encodeGroup([{ body: new Uint8Array(100_000), signature: null }]).length - 100_000;
    const group = (bytes: number) =>
      encodeGroup([{ body: new Uint8Array(bytes - framing), signature: null }]);
    expect(group(MAX_GROUP_BYTES).length).toBe(MAX_GROUP_BYTES);
    expect(codeOf(group(MAX_GROUP_BYTES))).toBe("accepted");
    expect(codeOf(group(MAX_GROUP_BYTES + 1))).toBe("too_large");
  });

  const malformed: [string, Value][] = [
    ["that is empty", []],
    ["that is null", null],
    ["that is a map", { body: BODY }],
    ["with an entry that is no array", [BODY]],
    ["with an entry without a signature", [[BODY]]],
    ["with an entry of 3 fields", [[BODY, null, null]]],
    ["with a body that is text", [["body", null]]],
    ["with a body that is null", [[null, null]]],
    ["with a signature of 63 bytes", [[BODY, new Uint8Array(63)]]],
    ["with a signature of 65 bytes", [[BODY, new Uint8Array(65)]]],
    ["with a signature that is empty", [[BODY, new Uint8Array(0)]]],
    ["with a signature that is text", [[BODY, "s".repeat(64)]]],
    ["of which just the second entry is at fault", [[BODY, null], [BODY]]],
  ];

  it.each(malformed)("is refused as malformed %s", (_what, group) => {
    expect(codeOf(encodeValue(group))).toBe("malformed");
  });

  it("is refused when its lengths could be written shorter", () => {
    expect(codeOf(new Uint8Array([0x81, 0x82, 0x41, 7, 0xf6]))).toBe("accepted");
    expect(codeOf(new Uint8Array([0x81, 0x82, 0x58, 1, 7, 0xf6]))).toBe("malformed");
    expect(codeOf(new Uint8Array([0x98, 1, 0x82, 0x41, 7, 0xf6]))).toBe("malformed");
    expect(codeOf(new Uint8Array([0x9f, 0x82, 0x41, 7, 0xf6, 0xff]))).toBe("malformed");
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, size: "max" }), (bytes) => {
        const decoded = decodeGroup(bytes);
        // What is accepted has one encoding.
        if (decoded.ok) expect(encodeGroup(decoded.value)).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});
