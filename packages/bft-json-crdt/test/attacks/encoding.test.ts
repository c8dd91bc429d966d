/**
 * Bytes that say a thing in a second way, or nothing: honest replicas refuse them as malformed, all alike, whatever they
 * know, and everything that builds on them too. (Numbers and keys that are odd but canonical are data: values.test.ts.)
 */
import { describe, expect, it } from "vitest";
import { Document, encodeGroup } from "../../src/index.ts";
import { parseMessage } from "../../src/sync/index.ts";
import { encodeValue } from "../../src/encoding/index.ts";
import { bodyOf, bodyValue, forge, op, ops, signed } from "../forge.ts";
import type { Forged } from "../forge.ts";
import {
  ALICE,
  BOB,
  converge,
  Everything,
  expectNoEffect,
  ID,
  mallory,
  MALLORY,
  replica,
} from "./scene.ts";

/** An assignment to the register of any JSON, its content as raw bytes. */
function assigning(content: ArrayLike<number>): Uint8Array {
  const head = op(4, 1, [["any"]], null).slice(0, -1);
  return joined(head, content);
}

function joined(...parts: readonly ArrayLike<number>[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

/** All replicas refuse a body, signed by its author, as malformed, and what builds on it as well. */
function expectMalformed(body: Uint8Array): void {
  const lie = signed(body, mallory().header, MALLORY);
  const child = forge({
    document: ID,
    author: ALICE,
    parents: [lie],
    ops: [ops.assign(["reg"], "x")],
  });
  for (const order of [
    [lie, child],
    [child, lie],
  ]) {
    const document = replica(BOB);
    for (const { group } of order) document.receive(group);
    expect(document.receive(lie.group)).toMatchObject({
      status: "rejected",
      code: "malformed",
      results: [{ scope: "change" }],
    });
    expect(document.receive(child.group).code).toBe("rejected_dependency");
    expect(document.history.length).toBe(0);
    expect(document.history.pending.count).toBe(0);
  }
}

describe("content in another encoding than the one", () => {
  const contents: [string, number[]][] = [
    ["a lone surrogate", [0x63, 0xed, 0xa0, 0x80]],
    ["a lone surrogate in a key", [0xa1, 0x63, 0xed, 0xb0, 0x80, 0x01]],
    ["text that is no UTF-8", [0x62, 0xc3, 0x28]],
    ["an overlong NUL", [0x62, 0xc0, 0x80]],
    ["−0 as a half float", [0xf9, 0x80, 0x00]],
    ["−0 as a double", [0xfb, 0x80, 0, 0, 0, 0, 0, 0, 0]],
    ["NaN", [0xf9, 0x7e, 0x00]],
    ["another NaN", [0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1]],
    ["infinity", [0xf9, 0x7c, 0x00]],
    ["a float that is an integer", [0xf9, 0x3c, 0x00]],
    ["a double that a float would hold", [0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ["a bignum that fits 64 bits", [0xc2, 0x41, 0x07]],
    ["a bignum with a leading zero", [0xc2, 0x49, 0, 1, 0, 0, 0, 0, 0, 0, 0]],
    ["a duplicate key", [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02]],
    ["keys in the wrong order", [0xa2, 0x61, 0x62, 0x01, 0x61, 0x61, 0x02]],
    ["a key that is no text", [0xa1, 0x01, 0x02]],
    ["a non-minimal integer", [0x18, 0x07]],
    ["a non-minimal length of a text", [0x78, 0x01, 0x61]],
    ["a non-minimal length of an array", [0x98, 0x01, 0x01]],
    ["an array of indefinite length", [0x9f, 0x01, 0xff]],
    ["an object of indefinite length", [0xbf, 0xff]],
    ["a text of indefinite length", [0x7f, 0x61, 0x61, 0xff]],
    ["bytes of indefinite length", [0x5f, 0x41, 0x01, 0xff]],
    ["undefined", [0xf7]],
    ["a tag of a date", [0xc0, 0x61, 0x61]],
    ["a length beyond the end", [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ["nothing at all", []],
    ["two values", [0x01, 0x02]],
  ];

  it.each(contents)(
    "(%s) makes its change malformed, on every replica, and all that builds on it rejected",
    (_what, content) => {
      expectMalformed(bodyOf(mallory().header, [assigning(content)]));
    },
  );

  it("is no change when a replica writes it: −0 becomes 0, and NaN and lone surrogates are the caller's mistake", () => {
    const document = replica(ALICE);
    const change = document.change((doc) => doc.num.set(-0));
    expect(Object.is(document.view().num, 0)).toBe(true);
    expect(converge([change.bytes]).viewJson()).toBe(document.viewJson());
    for (const bad of [Number.NaN, Infinity])
      expect(() => document.change((doc) => doc.num.set(bad))).toThrow();
    expect(() => document.change((doc) => doc.reg.set("\ud800"))).toThrow();
    expect(document.history.length).toBe(1);
  });
});

describe("2^53 + 1", () => {
  it("is shown exactly where integers of any size are, and has no effect where it would have to be rounded", () => {
    const exact = mallory({ ops: [ops.assign(["big"], 2n ** 53n + 1n)] });
    expect(JSON.parse(converge([exact.group]).viewJson())).toMatchObject({
      big: "9007199254740993",
    });
    expectNoEffect([ops.assign(["num"], 2n ** 53n + 1n)], [ops.assign(["int"], 2n ** 53n + 1n)]);
  });

  it("as a number, lamport or time of the header is malformed", () => {
    const { header } = mallory({ prev: mallory(), time: 5 });
    for (const field of [4, 7, 8])
      expectMalformed(encodeValue(bodyValue(header, []).toSpliced(field, 1, 2n ** 53n + 1n)));
  });
});

describe("bytes behind the end or before it", () => {
  it("make a change, a group and a file malformed, for every replica", () => {
    const body = bodyOf(mallory().header, [ops.assign(["reg"], "x")]);
    expectMalformed(new Uint8Array([...body, 0]));
    expectMalformed(new Uint8Array([...body, ...body]));
    expectMalformed(body.slice(0, -1));
    const { group } = mallory();
    const document = replica(BOB);
    for (const bytes of [
      new Uint8Array([...group, 0]),
      new Uint8Array([...group, ...group]),
      group.slice(0, -1),
      new Uint8Array(0),
    ])
      expect(document.receive(bytes)).toMatchObject({ status: "rejected", code: "malformed" });
    const saved = new Uint8Array([...document.save(), 0]);
    expect(Document.load(saved, { schema: Everything, id: ID })).toMatchObject({
      ok: false,
      error: { code: "malformed" },
    });
  });
});

describe("input nested 10^6 deep", () => {
  it("is refused without a stack overflow: as a value, an op, a header field, a group, a file and a message", () => {
    // As deep as a change is long; and beyond.
    const deep = new Uint8Array(1_000_000).fill(0x81);
    const document = replica(BOB);
    const { header } = mallory();
    const bodies = [
      bodyOf(header, [assigning(joined(deep, [0x80]))]),
      joined(bodyOf(header, []).slice(0, -1), [0x81], deep, [0x80]),
      joined([0x8b, 0x01], deep, [0x80]),
    ];
    const codes = bodies.map((body) => document.receive(groupWith(body)).code);
    expect(codes).toEqual(["malformed", "malformed", "malformed"]);
    expect(document.receive(deep).code).toBe("malformed");
    const file = joined(document.save().slice(0, -1), deep);
    expect(Document.load(file, { schema: Everything, id: ID })).toMatchObject({
      ok: false,
      error: { code: "malformed" },
    });
    for (const message of ["[".repeat(1_000_000), '{"type":'.repeat(1_000_000)])
      expect(parseMessage(message)).toMatchObject({ ok: false, error: { code: "too_large" } });
    expect(parseMessage("[".repeat(262_144))).toMatchObject({ error: { code: "malformed" } });
    expect(document.history.length).toBe(0);
  });

  function groupWith(body: Uint8Array): Uint8Array {
    const { signature }: Forged = signed(body, mallory().header, MALLORY);
    return encodeGroup([{ body, signature }]);
  }
});
