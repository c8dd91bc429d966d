import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  changeId,
  encodeGroup,
  LEFT,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  RIGHT,
  signedMessage,
  writeBodyHead,
} from "../change/index.ts";
import type { InertOp, Op } from "../change/index.ts";
import { generateKeyPair, sign } from "../crypto/index.ts";
import { toHex } from "../encoding/bytes.ts";
import { ByteWriter } from "../encoding/writer.ts";
import { explainBody, explainGroup } from "./explain.ts";
import { writeOp } from "../../test/write-op.ts";

const keys = generateKeyPair(new Uint8Array(32).fill(1));
const id = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const hex = (byte: number): string => toHex(id(byte));

function bodyOf(
  ops: readonly Exclude<Op, InertOp>[],
  unknown: readonly Uint8Array[] = [],
): Uint8Array {
  const writer = new ByteWriter();
  const header = {
    document: id(9),
    author: keys.publicKey,
    chain: 2n ** 64n - 1n,
    seq: 5,
    prev: id(1),
    parents: [id(2), id(3)],
    lamport: 8,
    time: 1_700_000_000_000,
    refs: [id(4)],
  };
  writeBodyHead(writer, header, ops.length + unknown.length);
  for (const op of ops) writeOp(writer, op);
  for (const bytes of unknown) writer.raw(bytes);
  return writer.take();
}

function signed(body: Uint8Array): { body: Uint8Array; signature: Uint8Array } {
  return { body, signature: sign(signedMessage(changeId(body)), keys.secretKey) };
}

describe("an explained group", () => {
  it("names each change, its signature and its header", () => {
    const body = bodyOf([]);
    const wrong = { body, signature: new Uint8Array(64) };
    const group = encodeGroup([signed(body), wrong, { body, signature: null }]);
    const explained = explainGroup(group);
    if ("fault" in explained) throw new Error("it is a group");
    expect(explained.bytes).toBe(group.length);
    expect(explained.changes.map(({ signature }) => signature)).toEqual([
      "valid",
      "wrong",
      "absent",
    ]);
    expect(explained.changes[0]).toEqual({
      id: toHex(changeId(body)),
      bytes: body.length,
      signature: "valid",
      body: {
        document: hex(9),
        author: toHex(keys.publicKey),
        chain: "18446744073709551615",
        seq: 5,
        prev: hex(1),
        parents: [hex(2), hex(3)],
        lamport: 8,
        time: 1_700_000_000_000,
        refs: [hex(4)],
        elements: 0,
        ops: [],
      },
    });
  });

  it("tells what each op does, with the changes it refers to by id", () => {
    const place = { owner: { ref: 4, back: 2, index: 7 }, path: ["amounts", "eur"] };
    const shown = { owner: { change: hex(4), back: 2, index: 7 }, path: ["amounts", "eur"] };
    const unknownOp = new ByteWriter();
    unknownOp.value([99, 3, [], "later"]);
    const body = bodyOf(
      [
        { kind: OP_INSERT_TEXT, made: 2, parent: null, side: RIGHT, place, content: "hé" },
        {
          kind: OP_INSERT_VALUES,
          made: 3,
          parent: { ref: 1, back: 0, index: 3 },
          side: LEFT,
          place: null,
          content: [null, 2n ** 70n, id(0).subarray(0, 3)],
        },
        { kind: OP_REMOVE, made: 0, ranges: [2, 1, 0, 4, 9, 0, 0, 1] },
        { kind: OP_ASSIGN, made: 1, place, ranges: [0, 0, 1, 1], content: { b: 1, a: true } },
        { kind: OP_ADD, made: 1, place: { owner: null, path: ["tags"] }, ranges: [], content: "x" },
        { kind: OP_INCREMENT, made: 0, place, amount: -(2n ** 63n) },
      ],
      [unknownOp.take()],
    );
    const explained = explainBody(body);
    if ("fault" in explained) throw new Error("it is a body");
    expect(explained.elements).toBe(10);
    expect(explained.ops).toEqual([
      { kind: "insert text", made: 2, place: shown, content: '"hé"' },
      {
        kind: "insert values",
        made: 3,
        beside: { change: hex(1), back: 0, index: 3, side: "left" },
        content: '[null,"1180591620717411303424","AAAA"]',
      },
      {
        kind: "remove",
        made: 0,
        ranges: [
          { change: hex(2), back: 1, index: 0, count: 4 },
          { change: "none", back: 0, index: 0, count: 1 },
        ],
      },
      {
        kind: "assign",
        made: 1,
        place: shown,
        ranges: [{ change: "this", back: 0, index: 1, count: 1 }],
        content: '{"a":true,"b":1}',
      },
      {
        kind: "add",
        made: 1,
        place: { owner: null, path: ["tags"] },
        ranges: [],
        content: '"x"',
      },
      { kind: "increment", made: 0, place: shown, content: "-9223372036854775808" },
      { kind: "inert", made: 3 },
    ]);
    expect(JSON.parse(JSON.stringify(explained))).toEqual(explained);
  });

  it("cuts long content, and not inside a character", () => {
    for (const text of ["😀".repeat(500), `x${"😀".repeat(500)}`]) {
      const place = { owner: null, path: [] };
      const op = { kind: OP_ASSIGN, made: 1, place, ranges: [], content: text } as const;
      const explained = explainBody(bodyOf([op]));
      const content = "ops" in explained ? explained.ops[0]!.content! : "";
      expect(content.length).toBeLessThanOrEqual(256);
      expect(content.isWellFormed()).toBe(true);
      expect(content.endsWith("😀…")).toBe(true);
    }
  });

  it("says what is wrong with a body, and goes on with the others", () => {
    const explained = explainGroup(
      encodeGroup([{ body: id(1), signature: null }, signed(bodyOf([]))]),
    );
    expect(explained).toMatchObject({
      changes: [
        { signature: "unreadable", body: { fault: { code: "malformed" } } },
        { signature: "valid" },
      ],
    });
  });

  it("is explained without an exception, whatever the bytes", () => {
    const group = encodeGroup([signed(bodyOf([]))]);
    const damaged = fc
      .tuple(fc.nat(group.length - 1), fc.nat(255))
      .map(([at, byte]) => group.with(at, byte));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
        for (const explained of [explainGroup(bytes), explainBody(bytes)]) {
          expect(typeof JSON.stringify(explained)).toBe("string");
        }
      }),
      { numRuns: 300 },
    );
  });
});
