import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyOf, bodyValue, flipped } from "../../test/forge.ts";
import { ByteWriter, compareBytes, encodeValue, fromHex, toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { MAX_BODY_BYTES, MAX_ELEMENTS_PER_CHANGE, MAX_PARENTS } from "../limits.ts";
import type { RejectionCode } from "../result.ts";
import { changeId, decodeAgain, decodeBody, passingMessage, signedMessage } from "./body.ts";
import type { ChangeHeader, DecodedBody } from "./body.ts";
import * as everyTag from "./tags.ts";

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

const anyId = bytesOf(32);
const anyUint = fc.oneof(fc.nat(30), fc.maxSafeNat());

const anyValue = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 9 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.string({ unit: "binary", maxLength: 5 }), tie("value"), { maxKeys: 3 }),
  ),
})).value;

/** Ids, sorted, each once: prev, parents and refs are dealt from one set, so that none stands in two places. */
const anyHeader: fc.Arbitrary<ChangeHeader> = fc
  .record({
    document: anyId,
    author: anyId,
    chain: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    seq: anyUint,
    ids: fc.uniqueArray(anyId, { selector: toHex, maxLength: 24 }),
    parents: fc.nat(MAX_PARENTS),
    lamport: anyUint.map((n) => Math.max(n, 1)),
    time: fc.option(anyUint),
  })
  .map(({ seq, ids, parents, ...rest }) => {
    const prev = seq < 2 ? null : (ids.pop() ?? new Uint8Array(32));
    const dealt = ids.splice(0, parents);
    return {
      ...rest,
      seq: Math.max(seq, 1),
      prev,
      parents: dealt.toSorted(compareBytes),
      refs: ids.toSorted(compareBytes),
    };
  });

/** An op with a right outline, whatever it may mean. */
const anyOp = fc
  .record({
    kind: anyUint,
    made: fc.nat(99),
    targets: fc.array(anyValue, { maxLength: 4 }),
    content: anyValue,
    detached: fc.option(fc.record({ length: anyUint, hash: anyId }), { freq: 4 }),
  })
  .map(({ kind, made, targets, content, detached }) => {
    if (detached !== null) {
      const { length, hash } = detached;
      return { made, detached: true, bytes: encodeValue([kind, made, targets, length, hash]) };
    }
    const most = Math.min(made, encodeValue(content).length);
    return { made: most, detached: false, bytes: encodeValue([kind, most, targets, content]) };
  });

const anyBody = fc.tuple(anyHeader, fc.array(anyOp, { maxLength: 5 }));

const HEADER: ChangeHeader = {
  document: new Uint8Array(32).fill(1),
  author: new Uint8Array(32).fill(2),
  chain: 7n,
  seq: 2,
  prev: new Uint8Array(32).fill(3),
  parents: [new Uint8Array(32).fill(4)],
  lamport: 5,
  time: 6,
  refs: [new Uint8Array(32).fill(5)],
};

const OP: readonly Value[] = [1, 2, [["list"]], ["a", "b"]];

/** Encodes a change body whose fields are replaced by any values. */
function bodyWith(changes: { readonly [field: number]: Value }): Uint8Array {
  const fields = bodyValue(HEADER, [[...OP]]);
  for (const [field, value] of Object.entries(changes)) fields[Number(field)] = value;
  return encodeValue(fields);
}

/** A body with one op, given as bytes in hex. */
function bodyWithOp(hex: string): Uint8Array {
  return bodyOf(HEADER, [fromHex(hex.replaceAll(" ", ""))!]);
}

/** An op that assigns a value nested so deep: each level is an array of one. */
function nestedOp(depth: number): Uint8Array {
  const writer = new ByteWriter();
  writer.arrayHeader(4);
  writer.uint(4);
  writer.uint(1);
  writer.arrayHeader(0);
  for (let i = 1; i < depth; i++) writer.arrayHeader(1);
  writer.arrayHeader(0);
  return writer.take();
}

function codeOf(body: Uint8Array): RejectionCode | "accepted" {
  const decoded = decodeBody(body);
  return decoded.ok ? "accepted" : decoded.error.code;
}

function decoded(body: Uint8Array): DecodedBody {
  const result = decodeBody(body);
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

const id = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const ids = (...bytes: readonly number[]): Uint8Array[] => bytes.map(id);

describe("a change body", () => {
  it("says after the journey what it said before", () => {
    fc.assert(
      fc.property(anyBody, ([header, anyOps]) => {
        const ops = anyOps.map(({ bytes }) => bytes);
        const body = bodyOf(header, ops);
        const decoded = decodeBody(body);
        if (!decoded.ok) throw new Error(decoded.error.detail);
        const { opsOffset, opCount, elements, detached, ...read } = decoded.value;
        expect(read).toEqual(header);
        expect(opCount).toBe(ops.length);
        expect(elements).toBe(anyOps.reduce((sum, { made }) => sum + made, 0));
        expect(detached).toBe(anyOps.some((op) => op.detached));
        expect(toHex(body.subarray(opsOffset))).toBe(ops.map(toHex).join(""));
        expect(decodeAgain(body, { opsOffset, opCount, elements, detached })).toEqual(
          decoded.value,
        );
      }),
    );
  });

  it("says the same when it comes behind another, whose fields are used again where they are the same", () => {
    fc.assert(
      fc.property(anyBody, anyBody, fc.boolean(), ([header, ops], [other, otherOps], isNext) => {
        const bytesOf = (some: typeof ops): Uint8Array[] => some.map(({ bytes }) => bytes);
        const first = bodyOf(other, bytesOf(otherOps));
        const before = { id: changeId(first), header: decoded(first) };
        const { document, author, chain } = isNext ? before.header : header;
        const prev = isNext ? before.id : header.prev;
        const seq = isNext ? 2 : header.seq;
        const fields = { ...header, document, author, chain, prev, seq };
        const body = bodyOf(fields, bytesOf(ops));
        const again = decodeBody(body, before);
        expect(again).toEqual(decodeBody(body));
        if (!again.ok || !isNext) return;
        expect(again.value.author).toBe(before.header.author);
        expect(again.value.document).toBe(before.header.document);
        expect(again.value.prev).toBe(before.id);
      }),
    );
  });

  it("has other bytes and another id whenever it says something else", () => {
    fc.assert(
      fc.property(anyBody, anyBody, ([headerA, opsA], [headerB, opsB]) => {
        const a = bodyOf(
          headerA,
          opsA.map(({ bytes }) => bytes),
        );
        const b = bodyOf(
          { ...headerA, chain: headerB.chain, time: headerB.time },
          opsB.map(({ bytes }) => bytes),
        );
        const isSame =
          headerA.chain === headerB.chain &&
          headerA.time === headerB.time &&
          opsA.map(({ bytes }) => toHex(bytes)).join() ===
            opsB.map(({ bytes }) => toHex(bytes)).join();
        expect(toHex(a) === toHex(b)).toBe(isSame);
        expect(toHex(changeId(a)) === toHex(changeId(b))).toBe(isSame);
      }),
    );
  });

  it("has no second encoding: what is accepted is byte for byte what encoding it again gives", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    let accepted = 0;
    fc.assert(
      fc.property(anyBody, edits, ([header, anyOps], edits) => {
        const body = bodyOf(
          header,
          anyOps.map(({ bytes }) => bytes),
        );
        for (const [at, byte] of edits) body[at % body.length] = byte;
        const decoded = decodeBody(body);
        if (!decoded.ok) return;
        accepted++;
        const { opsOffset, opCount } = decoded.value;
        const again = bodyOf(decoded.value, [body.subarray(opsOffset)]);
        // `bodyOf` counts the bytes that it is given as one op, so the count of ops is compared apart.
        const opsHead = new ByteWriter();
        opsHead.arrayHeader(opCount);
        const start = opsOffset - opsHead.length;
        expect(toHex(body.subarray(start, opsOffset))).toBe(toHex(opsHead.take()));
        expect(toHex(body.subarray(0, start))).toBe(toHex(again.subarray(0, start)));
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it("with any one bit flipped is refused, or says something else under another id", () => {
    const body = bodyWith({});
    const original = changeId(body);
    const codes = new Set<string>();
    for (let bit = 0; bit < body.length * 8; bit++) {
      const other = flipped(body, bit);
      expect(toHex(changeId(other))).not.toBe(toHex(original));
      codes.add(codeOf(other));
    }
    expect([...codes].toSorted()).toEqual(["accepted", "malformed", "unsupported_version"]);
  });

  it("is never taken for anything but itself: all tags end in NUL and none begins another", () => {
    const tags = Object.values(everyTag);
    expect(tags).toHaveLength(8);
    for (const tag of tags) {
      expect(tag.indexOf(0)).toBe(tag.length - 1);
      expect(tags.filter((other) => toHex(other).startsWith(toHex(tag)))).toEqual([tag]);
    }
    expect(toHex(signedMessage(id(9)))).toBe(toHex(everyTag.SIGNATURE_TAG) + "09".repeat(32));
    const kept = signedMessage(id(9));
    const passing = passingMessage(id(8));
    expect(toHex(passing)).toBe(toHex(everyTag.SIGNATURE_TAG) + "08".repeat(32));
    expect(toHex(kept)).toBe(toHex(everyTag.SIGNATURE_TAG) + "09".repeat(32));
  });

  it("cut off anywhere, or with anything behind it, is refused", () => {
    const body = bodyWith({});
    expect(codeOf(body)).toBe("accepted");
    for (let length = 0; length < body.length; length++) {
      expect(codeOf(body.subarray(0, length))).toBe("malformed");
    }
    expect(codeOf(new Uint8Array([...body, 0]))).toBe("malformed");
  });

  it("may have the most bytes allowed and not one more", () => {
    const bodyOfSize = (bytes: number): Uint8Array => {
      const overhead = bodyWith({ 10: [[1, 1, [], "x".repeat(70_000)]] }).length - 70_000;
      return bodyWith({ 10: [[1, 1, [], "x".repeat(bytes - overhead)]] });
    };
    const largest = bodyOfSize(MAX_BODY_BYTES);
    expect(largest.length).toBe(MAX_BODY_BYTES);
    expect(codeOf(largest)).toBe("accepted");
    expect(codeOf(bodyOfSize(MAX_BODY_BYTES + 1))).toBe("too_large");
  });

  it("of an unknown version is unsupported and not judged, whatever follows and whatever its size", () => {
    for (const version of [0, 2, 3, Number.MAX_SAFE_INTEGER]) {
      expect(codeOf(bodyWith({ 0: version }))).toBe("unsupported_version");
      expect(codeOf(encodeValue([version]))).toBe("unsupported_version");
      expect(codeOf(encodeValue([version, "x".repeat(MAX_BODY_BYTES)]))).toBe(
        "unsupported_version",
      );
      expect(codeOf(new Uint8Array([...encodeValue([version, 0]), 0xff]))).toBe(
        "unsupported_version",
      );
    }
  });
});

describe("a change body is refused", () => {
  const malformed: [string, Uint8Array][] = [
    ["that is empty", new Uint8Array(0)],
    ["that is not an array", encodeValue({ version: 1 })],
    ["that has no fields", encodeValue([])],
    ["that has 10 fields", encodeValue(bodyValue(HEADER, []).slice(0, 10))],
    ["that has 12 fields", encodeValue([...bodyValue(HEADER, []), null])],
    ["whose version is text", bodyWith({ 0: "1" })],
    ["whose version is negative", bodyWith({ 0: -1 })],
    ["whose version is beyond the safe integers", bodyWith({ 0: 2n ** 53n })],
    ["whose document id has 31 bytes", bodyWith({ 1: new Uint8Array(31) })],
    ["whose author has 33 bytes", bodyWith({ 2: new Uint8Array(33) })],
    ["whose author is text of 32 bytes", bodyWith({ 2: "a".repeat(32) })],
    ["whose author is null", bodyWith({ 2: null })],
    ["whose chain is negative", bodyWith({ 3: -1 })],
    ["whose chain has 65 bits", bodyWith({ 3: 2n ** 64n })],
    ["whose chain is null", bodyWith({ 3: null })],
    ["whose seq is 0", bodyWith({ 4: 0, 5: null })],
    ["whose seq is negative", bodyWith({ 4: -1 })],
    ["whose seq is beyond the safe integers", bodyWith({ 4: 2n ** 64n - 1n })],
    ["whose seq is a fraction", bodyWith({ 4: 2.5 })],
    ["that has seq 2 and no prev", bodyWith({ 5: null })],
    ["that has seq 1 and a prev", bodyWith({ 4: 1 })],
    ["whose prev has 31 bytes", bodyWith({ 5: new Uint8Array(31) })],
    ["whose parents are null", bodyWith({ 6: null })],
    ["whose parents are not sorted", bodyWith({ 6: ids(9, 8) })],
    ["whose parents repeat", bodyWith({ 6: ids(8, 8) })],
    ["with a parent of 31 bytes", bodyWith({ 6: [new Uint8Array(31)] })],
    ["with a parent that is prev", bodyWith({ 6: ids(3, 4) })],
    ["with a ref that is prev", bodyWith({ 9: ids(3, 5) })],
    ["with a ref that is a parent", bodyWith({ 6: ids(4, 7, 8), 9: ids(5, 8, 9) })],
    ["whose refs are not sorted", bodyWith({ 9: ids(9, 8) })],
    ["whose refs repeat", bodyWith({ 9: ids(8, 8) })],
    ["with 17 parents", bodyWith({ 6: ids(...Array(17).keys()).map((b, i) => b.fill(i + 10)) })],
    ["whose lamport is 0", bodyWith({ 7: 0 })],
    ["whose lamport is negative", bodyWith({ 7: -5 })],
    ["whose lamport is beyond the safe integers", bodyWith({ 7: 2n ** 53n })],
    ["whose time is negative", bodyWith({ 8: -1 })],
    ["whose time is a fraction", bodyWith({ 8: 0.5 })],
    ["whose time is text", bodyWith({ 8: "now" })],
    ["whose ops are a map", bodyWith({ 10: {} })],
    ["whose ops are null", bodyWith({ 10: null })],
    ["with an op that is no array", bodyWith({ 10: [7] })],
    ["with an op of 3 fields", bodyWith({ 10: [[1, 0, []]] })],
    ["with an op of 6 fields", bodyWith({ 10: [[1, 0, [], null, id(1), null]] })],
    ["with an op whose kind is text", bodyWith({ 10: [["insert", 0, [], null]] })],
    ["with an op whose kind is negative", bodyWith({ 10: [[-1, 0, [], null]] })],
    ["with an op that makes a negative number", bodyWith({ 10: [[1, -1, [], null]] })],
    ["with an op that makes text", bodyWith({ 10: [[1, "1", [], null]] })],
    ["with an op whose targets are null", bodyWith({ 10: [[1, 0, null, null]] })],
    ["with an op whose targets are a map", bodyWith({ 10: [[1, 0, {}, null]] })],
    [
      "with an op that makes more than its content has bytes",
      bodyWith({ 10: [[1, 5, [], "abc"]] }),
    ],
    ["with detached content of no length", bodyWith({ 10: [[1, 0, [], null, id(1)]] })],
    [
      "with detached content and a hash of 31 bytes",
      bodyWith({ 10: [[1, 0, [], 9, id(1).subarray(1)]] }),
    ],
    ["with an integer that could be shorter", bodyWithOp("84 01 00 80 18 05")],
    ["with a float that could be an integer", bodyWithOp("84 01 00 80 f9 3c00")],
    ["with a float that could be shorter", bodyWithOp("84 01 00 80 fa 3f000000")],
    ["with negative zero", bodyWithOp("84 01 00 80 f9 8000")],
    ["with NaN", bodyWithOp("84 01 00 80 f9 7e00")],
    ["with undefined", bodyWithOp("84 01 00 80 f7")],
    ["with an indefinite length", bodyWithOp("84 01 00 80 9f ff")],
    ["with unsorted keys", bodyWithOp("84 01 00 80 a2 6162 00 6161 00")],
    ["with a repeated key", bodyWithOp("84 01 00 80 a2 6161 00 6161 00")],
    ["with a key that is no text", bodyWithOp("84 01 00 80 a1 00 00")],
    ["with a tag of its own", bodyWithOp("84 01 00 80 c0 60")],
    ["with an encoded surrogate", bodyWithOp("84 01 00 80 63 eda080")],
    ["with a bignum of 64 bits", bodyWithOp("84 01 00 80 c2 48 ffffffffffffffff")],
    ["with non-canonical targets", bodyWithOp("84 01 00 81 18 05 f6")],
    [
      "with an array that announces more than there is",
      bodyWithOp("84 01 00 80 9b 00000000ffffffff"),
    ],
    ["that nests one level too deep", bodyOf(HEADER, [nestedOp(70)])],
    ["that nests a hundred thousand levels deep", bodyOf(HEADER, [nestedOp(100_000)])],
  ];

  it.each(malformed)("as malformed %s", (_what, body) => {
    expect(codeOf(body)).toBe("malformed");
  });

  it("as too large when it makes too many elements, by its own count", () => {
    const detached = (made: number): Value => [1, made, [], 0, id(1)];
    const most = MAX_ELEMENTS_PER_CHANGE;
    expect(codeOf(bodyWith({ 10: [detached(most)] }))).toBe("accepted");
    expect(codeOf(bodyWith({ 10: [detached(most - 1), detached(1)] }))).toBe("accepted");
    expect(codeOf(bodyWith({ 10: [detached(most + 1)] }))).toBe("too_large");
    expect(codeOf(bodyWith({ 10: [detached(most), detached(1)] }))).toBe("too_large");
    const many: Value[] = [detached(Number.MAX_SAFE_INTEGER), detached(Number.MAX_SAFE_INTEGER)];
    expect(codeOf(bodyWith({ 10: many }))).toBe("too_large");
  });
});

describe("a change body is accepted", () => {
  const accepted: [string, Uint8Array][] = [
    ["that has no ops", bodyWith({ 10: [] })],
    ["that depends on nothing", bodyWith({ 4: 1, 5: null, 6: [], 9: [] })],
    ["with 16 parents", bodyWith({ 6: ids(...Array(16).keys()).map((b, i) => b.fill(i + 10)) })],
    ["with 200 refs", bodyWith({ 9: ids(...Array(200).keys()).map((b, i) => b.fill(i + 6)) })],
    ["with the greatest chain", bodyWith({ 3: 2n ** 64n - 1n })],
    ["with the greatest seq and lamport", bodyWith({ 4: 2 ** 53 - 1, 7: 2 ** 53 - 1 })],
    ["without a time", bodyWith({ 8: null })],
    ["with an unknown kind of op", bodyWith({ 10: [[2 ** 53 - 1, 0, [], null]] })],
    [
      "with an op that makes as much as its content has bytes",
      bodyWith({ 10: [[1, 4, [], "abc"]] }),
    ],
    ["with an op that misfits its kind", bodyWith({ 10: [[5, 1, ["?"], { a: 1 }]] })],
    ["with detached content", bodyWith({ 10: [[1, 1000, [["list"]], 5, id(1)]] })],
    ["that nests as deep as a body may", bodyOf(HEADER, [nestedOp(69)])],
  ];

  it.each(accepted)("%s", (_what, body) => {
    expect(codeOf(body)).toBe("accepted");
  });
});

describe("decodeBody", () => {
  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: "max" }), (bytes) => {
        expect(codeOf(bytes)).not.toBe("accepted");
      }),
      { numRuns: 2_000 },
    );
  });
});
