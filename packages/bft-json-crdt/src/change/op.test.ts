import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyOf, op } from "../../test/forge.ts";
import { ByteReader, ByteWriter, decodeValue, encodeValue } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { MAX_KEY_BYTES, MAX_VALUE_DEPTH } from "../limits.ts";
import { decodeBody } from "./body.ts";
import type { ChangeHeader } from "./body.ts";
import {
  countElements,
  INERT,
  LEFT,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  readOp,
  RIGHT,
} from "./op.ts";
import type { AssignOp, IncrementOp, InsertOp, Op, RemoveOp } from "./op.ts";
import { writeOp } from "../../test/write-op.ts";

const anyUint = fc.oneof(fc.nat(30), fc.maxSafeNat());
const anyText = fc.string({ unit: "binary", maxLength: 20 });

const anyValue = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 90n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
    anyText,
    fc.uint8Array({ maxLength: 9 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(anyText, tie("value"), { maxKeys: 3, noNullPrototype: false }),
  ),
})).value;

const anyElement = fc.record({ ref: anyUint, back: anyUint, index: anyUint });

const anyPlace = fc.record({
  owner: fc.option(anyElement),
  path: fc.array(anyText, { maxLength: 4 }),
});

const anyRanges = (most: number): fc.Arbitrary<number[]> =>
  fc
    .array(
      fc.tuple(
        anyUint,
        anyUint,
        anyUint,
        anyUint.map((n) => Math.max(n, 1)),
      ),
      {
        minLength: 1,
        maxLength: most,
      },
    )
    .map((ranges) => ranges.flat());

const anyInsert: fc.Arbitrary<InsertOp> = fc
  .record({
    content: fc.oneof(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.array(anyValue, { minLength: 1, maxLength: 5 }),
    ),
    parent: fc.option(anyElement),
    side: fc.constantFrom(LEFT, RIGHT),
    place: anyPlace,
  })
  .map(({ content, parent, side, place }) => ({
    kind: typeof content === "string" ? OP_INSERT_TEXT : OP_INSERT_VALUES,
    made: countElements(content),
    parent,
    side: parent === null ? RIGHT : side,
    place: parent === null ? place : null,
    content,
  }));

const anyRemove: fc.Arbitrary<RemoveOp> = anyRanges(9).map((ranges) => ({
  kind: OP_REMOVE,
  made: 0,
  ranges,
}));

const anyAssign: fc.Arbitrary<AssignOp> = fc
  .record({
    kind: fc.constantFrom(OP_ASSIGN, OP_ADD),
    place: anyPlace,
    ranges: fc.oneof(fc.constant([]), anyRanges(3)),
    clears: fc.boolean(),
    content: anyValue,
  })
  .map(({ kind, place, ranges, clears, content }) =>
    clears && kind === OP_ASSIGN
      ? { kind, made: 0, place, ranges, content: null }
      : { kind, made: 1, place, ranges, content },
  );

const anyIncrement: fc.Arbitrary<IncrementOp> = fc
  .record({ place: anyPlace, amount: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) })
  .map(({ place, amount }) => ({ kind: OP_INCREMENT, made: 0, place, amount }));

const anyKnownOp = fc.oneof(anyInsert, anyRemove, anyAssign, anyIncrement);

const HEADER: ChangeHeader = {
  document: new Uint8Array(32),
  author: new Uint8Array(32),
  chain: 0n,
  seq: 1,
  prev: null,
  parents: [],
  lamport: 1,
  time: null,
  refs: [],
};

/** Reads ops as document/ does: out of a body that decodeBody has accepted. */
function readAll(...bytes: Uint8Array[]): Op[] {
  const body = bodyOf(HEADER, bytes);
  const decoded = decodeBody(body);
  if (!decoded.ok) throw new Error(decoded.error.detail);
  const reader = new ByteReader(body, decoded.value.opsOffset);
  const read = bytes.map(() => readOp(reader));
  expect(reader.done).toBe(true);
  return read;
}

function written(op: Exclude<Op, { kind: typeof INERT }>): Uint8Array {
  const writer = new ByteWriter();
  writeOp(writer, op);
  return writer.take();
}

/** An op that stands behind the one in question: it must be read whatever that one was. */
const NEXT = op(5, 0, [["n"]], 7);
const READ_NEXT: Op = {
  kind: OP_INCREMENT,
  made: 0,
  place: { owner: null, path: ["n"] },
  amount: 7n,
};

describe("an op", () => {
  it("says after the journey what it said before, whatever stands before and behind it", () => {
    fc.assert(
      fc.property(fc.array(anyKnownOp, { minLength: 1, maxLength: 5 }), (ops) => {
        expect(readAll(...ops.map(written))).toEqual(ops);
      }),
    );
  });

  it("is read without fault whatever its parts are: known, or inert with its elements counted", () => {
    const part = fc.oneof(
      anyValue,
      fc.array(fc.oneof(anyUint, anyText, fc.array(fc.oneof(anyUint, anyText), { maxLength: 4 })), {
        maxLength: 6,
      }),
    );
    const seen = new Set<number>();
    fc.assert(
      fc.property(
        fc.nat(8),
        fc.nat(2),
        fc.array(part, { maxLength: 5 }),
        part,
        (kind, most, targets, content) => {
          const made = Math.min(most, encodeValue(content).length);
          const [read, next] = readAll(op(kind, made, targets, content), NEXT);
          expect(read!.made).toBe(made);
          expect([INERT, kind]).toContain(read!.kind);
          expect(next).toEqual(READ_NEXT);
          // Whatever is not inert is exactly what is written.
          if (read!.kind !== INERT)
            expect(written(read!)).toEqual(op(kind, made, targets, content));
          seen.add(read!.kind);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(seen).toContain(INERT);
  });

  it("names an element, then a path, or a path from the root", () => {
    const [rooted, owned] = readAll(op(4, 1, [["a", "b"]], 1), op(4, 1, [[1, 2, 3, "a"]], 1));
    expect(rooted).toMatchObject({ place: { owner: null, path: ["a", "b"] } });
    expect(owned).toMatchObject({ place: { owner: { ref: 1, back: 2, index: 3 }, path: ["a"] } });
  });

  it("may insert values nested as deep as values may be", () => {
    const value = nested(MAX_VALUE_DEPTH);
    const writer = new ByteWriter();
    writeOp(writer, {
      kind: OP_INSERT_VALUES,
      made: 1,
      parent: null,
      side: RIGHT,
      place: { owner: null, path: [] },
      content: [value],
    });
    expect(readAll(writer.take())[0]).toMatchObject({ kind: OP_INSERT_VALUES, content: [value] });
  });

  it("counts characters, not UTF-16 units", () => {
    expect(readAll(op(2, 3, [[]], "a🙂b"))[0]).toMatchObject({ kind: OP_INSERT_TEXT, made: 3 });
    expect(readAll(op(2, 4, [[]], "a🙂b"))[0]).toEqual({ kind: INERT, made: 4 });
  });

  it("may use keys of the greatest length, counted in UTF-8 bytes", () => {
    const longest = "é".repeat(MAX_KEY_BYTES / 2);
    expect(readAll(op(4, 1, [[longest]], 1))[0]!.kind).toBe(OP_ASSIGN);
    expect(readAll(op(4, 1, [["x".repeat(MAX_KEY_BYTES)]], 1))[0]!.kind).toBe(OP_ASSIGN);
    expect(readAll(op(4, 1, [[`${longest}x`]], 1))[0]).toEqual({ kind: INERT, made: 1 });
  });
});

describe("an op has no effect but keeps its count of elements", () => {
  const inert: [string, Uint8Array][] = [
    ["of an unknown kind", op(7, 1, [["a"]], "x")],
    ["of kind 0, which is not for the wire", op(0, 1, [["a"]], "x")],
    ["that inserts without targets", op(1, 1, [], ["x"])],
    ["that inserts at two places", op(1, 1, [["a"], ["b"]], ["x"])],
    ["that inserts on a side that does not exist", op(1, 1, [2, 1, 0, 0], ["x"])],
    ["that inserts with half an element", op(1, 1, [0, 1, 0], ["x"])],
    ["that inserts below a negative element", op(1, 1, [0, 1, 0, -1], ["x"])],
    ["that inserts below text", op(1, 1, [0, "a", 0, 0], ["x"])],
    ["that inserts fewer values than it says", op(1, 3, [["a"]], ["x", "y"])],
    ["that inserts more values than it says", op(1, 1, [["a"]], ["x", "y"])],
    ["that inserts nothing", op(1, 0, [["a"]], [])],
    ["that inserts a value that is not in a list", op(1, 1, [["a"]], "x")],
    ["that inserts values as text", op(2, 1, [["a"]], ["x"])],
    ["that inserts no text", op(2, 0, [["a"]], "")],
    ["that inserts bytes as text", op(2, 1, [["a"]], new Uint8Array(1))],
    ["that removes nothing", op(3, 0, [], null)],
    ["that removes half a range", op(3, 0, [1, 0, 0], null)],
    ["that removes a range of none", op(3, 0, [1, 0, 0, 0], null)],
    ["that removes a negative range", op(3, 0, [1, 0, -1, 1], null)],
    ["that removes and has content", op(3, 0, [1, 0, 0, 1], 0)],
    ["that removes and makes elements", op(3, 1, [1, 0, 0, 1], null)],
    ["that removes at a place", op(3, 0, [["a"], 1, 0, 0, 1], null)],
    ["that assigns nowhere", op(4, 1, [], 1)],
    ["that assigns to a place that is no array", op(4, 1, ["a"], 1)],
    ["that assigns to a place with half an element", op(4, 1, [[1, 0]], 1)],
    ["that assigns to a place with text for a number", op(4, 1, [[1, 0, "a"]], 1)],
    ["that assigns to a place with a number behind its path", op(4, 1, [["a", 1]], 1)],
    ["that assigns two elements", op(4, 2, [["a"]], "xy")],
    ["that clears with content", op(4, 0, [["a"]], 1)],
    ["that replaces half a range", op(4, 1, [["a"], 1, 0], 1)],
    ["that replaces a range of none", op(4, 1, [["a"], 1, 0, 0, 0], 1)],
    ["that adds nothing", op(6, 0, [["a"]], null)],
    ["that adds two elements", op(6, 2, [["a"]], "xy")],
    ["that increments and makes an element", op(5, 1, [["a"]], 1)],
    ["that increments by a fraction", op(5, 0, [["a"]], 0.5)],
    ["that increments by text", op(5, 0, [["a"]], "1")],
    ["that increments by null", op(5, 0, [["a"]], null)],
    ["that increments by 2^63", op(5, 0, [["a"]], 2n ** 63n)],
    ["that increments by -2^63 - 1", op(5, 0, [["a"]], -(2n ** 63n) - 1n)],
    ["that increments by a bignum", op(5, 0, [["a"]], 2n ** 64n)],
    ["that increments and replaces", op(5, 0, [["a"], 1, 0, 0, 1], 1)],
    ["that increments nowhere", op(5, 0, [], 1)],
    ["that assigns a value nested too deep", nestedAssignment(65)],
  ];

  it.each(inert)("%s", (_what, bytes) => {
    const value = decodeValue(bytes);
    const made = value.ok ? (value.value as Value[])[1] : 1;
    const [read, next] = readAll(bytes, NEXT);
    expect(read).toEqual({ kind: INERT, made });
    expect(next).toEqual(READ_NEXT);
  });

  it("although the same with one level less would have one", () => {
    expect(readAll(nestedAssignment(64))[0]!.kind).toBe(OP_ASSIGN);
  });
});

/** Arrays of one, nested so deep. */
function nested(depth: number): Value {
  let value: Value = [];
  for (let level = 1; level < depth; level++) value = [value];
  return value;
}

/** Assigns a value nested so deep: deeper than the encoder would write it. */
function nestedAssignment(depth: number): Uint8Array {
  const writer = new ByteWriter();
  writer.arrayHeader(4);
  writer.uint(OP_ASSIGN);
  writer.uint(1);
  writer.arrayHeader(1);
  writer.arrayHeader(0);
  for (let level = 1; level < depth; level++) writer.arrayHeader(1);
  writer.arrayHeader(0);
  return writer.take();
}
