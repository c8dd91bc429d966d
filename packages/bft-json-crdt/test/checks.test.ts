/**
 * One test for each check that no other test misses by itself: each input here is right but for one thing. See
 * docs/checks.md.
 */
import { describe, expect, it } from "vitest";
import {
  Document,
  documentId,
  encodeGroup,
  encodeSaved,
  History,
  list,
  map,
  MisuseError,
  parseMessage,
  string,
  struct,
  text,
  toHex,
} from "../src/index.ts";
import type { DocumentEvent, Schema, Value } from "../src/index.ts";
import { decodeBody, decodeGenesis, INERT, readOp } from "../src/change/index.ts";
import { ChangeLog } from "../src/store/index.ts";
import type { LevelLike } from "../src/store/index.ts";
import { ByteReader, encodeValue, utf8Length } from "../src/encoding/index.ts";
import { decodeForkProof, encodeForkProof } from "../src/history/fork-proof.ts";
import { coveredGroup, entryOf, forge, groupOf, op, ops, person } from "./forge.ts";
import type { Forged, Recipe } from "./forge.ts";

const ID = documentId("checks");
const [ALICE, MALLORY] = [person(20), person(21)];

/** A cursor with other fields. */
function cursorWith(fields: object): object {
  const order = "7".repeat(64);
  return { type: "cursor", epoch: "7".repeat(32), position: 1, order, ...fields };
}

describe("a control message that is right but for one field is malformed", () => {
  const hash = "7".repeat(64);
  const frontier = { heads: [] };
  it.each<[string, object]>([
    ["again that is no boolean", { type: "have", ...frontier, again: 1 }],
    ["a digest that is no hash", { type: "have", digest: "7" }],
    ["heads of done that are no ids", { type: "done", heads: ["7"] }],
    ["a page of lacks that is no count", { type: "lacks", of: -1, at: [], tips: [] }],
    ["positions that are no counts", { type: "lacks", of: 1, at: [-1], tips: [] }],
    ["tips of lacks that are no ids", { type: "lacks", of: 1, at: [], tips: ["7"] }],
    [
      "a page of buckets that is no count",
      { type: "buckets", page: 0.5, hashes: Array.from({ length: 256 }, () => hash) },
    ],
    ["a page of differ that is no count", { type: "differ", of: "1", buckets: [] }],
    ["buckets that are no list", { type: "differ", of: 1, buckets: 7 }],
    ["a page of tips that is no count", { type: "tips", page: null, chains: [] }],
    ["a tip that is no list", { type: "tips", page: 1, chains: [7] }],
    ["a tip that is an object of length 4", { type: "tips", page: 1, chains: [{ length: 4 }] }],
    ["a tip of five parts", { type: "tips", page: 1, chains: [[hash, "0", 1, hash, 0]] }],
    ["a tip whose author is no key", { type: "tips", page: 1, chains: [["7", "0", 1, hash]] }],
    ["a tip whose id is none", { type: "tips", page: 1, chains: [[hash, "0", 1, "7"]] }],
    ["a tip whose chain is a number", { type: "tips", page: 1, chains: [[hash, 1, 1, hash]] }],
    ["a tip whose seq is text", { type: "tips", page: 1, chains: [[hash, "0", "1", hash]] }],
    ["a probe of what are no ids", { type: "probe", tips: ["7"] }],
    ["samples of what is no id", { type: "samples", of: "7", ids: [] }],
    ["samples that are no list", { type: "samples", of: hash, ids: 7 }],
    ["a sample that is no list", { type: "samples", of: hash, ids: [7] }],
    ["a sample that is an object of length 2", { type: "samples", of: hash, ids: [{ length: 2 }] }],
    ["a sample of three parts", { type: "samples", of: hash, ids: [[1, hash, 0]] }],
    ["a sample of no seq", { type: "samples", of: hash, ids: [["1", hash]] }],
    ["a sample of seq 0", { type: "samples", of: hash, ids: [[0, hash]] }],
    ["a sample whose id is none", { type: "samples", of: hash, ids: [[1, "7"]] }],
    ["a cursor without an epoch", { type: "cursor", position: 1, order: hash }],
    ["a cursor whose epoch is a number", cursorWith({ epoch: 7 })],
    ["a cursor whose epoch is a list of one", cursorWith({ epoch: ["7".repeat(32)] })],
    ["a cursor whose epoch is too long", cursorWith({ epoch: hash })],
    ["a cursor whose order is a list of one", cursorWith({ order: [hash] })],
    ["a cursor whose order is in capitals", cursorWith({ order: "A".repeat(64) })],
    ["a cursor at a negative place", cursorWith({ position: -1 })],
    ["a cursor at half a place", cursorWith({ position: 0.5 })],
    ["a cursor at a place beyond numbers", cursorWith({ position: 2 ** 53 })],
    ["a cursor at a place that is text", cursorWith({ position: "1" })],
    ["a code that is no text", { type: "error", code: 7, detail: "" }],
    ["a detail that is no text", { type: "error", code: "", detail: 7 }],
  ])("%s", (_, message) => {
    const read = parseMessage(JSON.stringify(message));
    expect(read.ok ? read.value : read.error.code).toBe("malformed");
  });
});

describe("an op that fits its kind but for one thing is inert", () => {
  const place = ["field"];
  const element = [1, 0, 0];
  it.each<[string, Uint8Array]>([
    ["an insertion of values into a place that is none", op(1, 1, [7], ["x"])],
    ["an insertion into a name of 1,025 bytes", op(1, 1, [["n".repeat(1_025)]], ["x"])],
    ["an insertion with five targets", op(1, 1, [1, ...element, 0], ["x"])],
    ["an insertion on a third side", op(1, 1, [2, ...element], ["x"])],
    ["an insertion beside an element that is none", op(1, 1, [1, 1, 0, "0"], ["x"])],
    ["an insertion with a place and more", op(1, 1, [place, 0], ["x"])],
    ["an insertion of nothing", op(1, 0, [place], [])],
    ["an insertion of values that are no list", op(1, 1, [place], { x: 1 })],
    ["an insertion of fewer values than are made", op(1, 1, [place], ["x", "y"])],
    ["an insertion of text that is none", op(2, 1, [place], ["x"])],
    ["an insertion of text with another count", op(2, 2, [place], "🌍!!")],
    ["a removal that makes something", op(3, 1, [...element, 1], "x")],
    ["a removal of nothing", op(3, 0, [], null)],
    ["a removal of half a range", op(3, 0, element, null)],
    ["a removal of a range that is none", op(3, 0, [1, 0, 0, "1"], null)],
    ["a removal of a range without elements", op(3, 0, [...element, 0], null)],
    ["a removal with content", op(3, 0, [...element, 1], 0)],
    ["an assignment to nothing", op(4, 1, [], "x")],
    ["an assignment to a place that is none", op(4, 1, ["field"], "x")],
    ["an assignment that makes two", op(4, 2, [place], "xy")],
    ["an assignment with half a range", op(4, 1, [place, 1, 0, 0], "x")],
    ["a clearing with content", op(4, 0, [place], "x")],
    ["an addition that makes nothing", op(6, 0, [place], null)],
    ["an increment of nothing", op(5, 0, [], 1)],
    ["an increment of two places", op(5, 0, [place, place], 1)],
    ["an increment of a place that is none", op(5, 0, [7], 1)],
    ["an increment that makes something", op(5, 1, [place], 1)],
    ["an increment by text", op(5, 0, [place], "1")],
    ["an increment by 2^63", op(5, 0, [place], 2n ** 63n)],
    ["an increment by less than -2^63", op(5, 0, [place], -(2n ** 63n) - 1n)],
    ["an owner of two numbers", op(4, 1, [[1, 0]], "x")],
    ["a name that is no text", op(4, 1, [[1, 0, 0, 7]], "x")],
    ["a name of 1,025 bytes", op(4, 1, [["n".repeat(1_025)]], "x")],
    ["a value deeper than 64", deepInsertion(65)],
    ["an unknown kind", op(7, 1, [place], "x")],
  ])("%s", (_, bytes) => {
    const reader = new ByteReader(bytes);
    expect(readOp(reader).kind).toBe(INERT);
    expect(reader.done).toBe(true);
  });

  /** A list of one value of that depth, inserted: written by hand, as the writer refuses it. */
  function deepInsertion(depth: number): Uint8Array {
    const start = op(1, 1, [place], []);
    return Uint8Array.of(...start.subarray(0, -1), 0x81, ...Array<number>(depth).fill(0x81), 0);
  }
});

describe("a body that is right but for one thing is malformed", () => {
  const first = forge({ document: ID, author: ALICE });
  const place = ["field"];
  const sixth = op(5, 0, [place], 1);
  it.each<[string, Forged]>([
    [
      "seq 0 behind another change",
      forge({ document: ID, author: ALICE, prev: first, lies: { seq: 0 } }),
    ],
    ["lamport 0", forge({ document: ID, author: ALICE, lies: { lamport: 0 } })],
    [
      "an op of six parts, of which the last could be another op",
      forge({
        document: ID,
        author: ALICE,
        ops: [Uint8Array.of(0x86, ...op(1, 1, [place], 3, new Uint8Array(32)).subarray(1)), sixth],
      }),
    ],
  ])("%s", (_, { body }) => {
    const decoded = decodeBody(body);
    expect(decoded.ok ? "decoded" : decoded.error.code).toBe("malformed");
  });
});

describe("a genesis that is right but for one thing is none", () => {
  const genesis = { format: 1, name: "checks", nonce: null, founders: [], parameters: {} };
  it("and with nothing wrong it is one", () => {
    expect(decodeGenesis(encodeValue(genesis)).ok).toBe(true);
  });
  it.each<[string, { readonly [key: string]: Value }]>([
    ["founders that are texts of 32 characters", { founders: ["k".repeat(32)] }],
    ["parameters that are a number", { parameters: 7 }],
    ["parameters that are text", { parameters: "none" }],
    ["parameters that are bytes", { parameters: new Uint8Array(3) }],
    ["parameters that are a list", { parameters: [] }],
    ["parameters that are null", { parameters: null }],
  ])("%s", (_, wrong) => {
    expect(decodeGenesis(encodeValue({ ...genesis, ...wrong })).ok).toBe(false);
  });
});

describe("a proof of a fork that is right but for one thing proves nothing", () => {
  const alice = (recipe: Partial<Recipe>): Forged =>
    forge({ document: ID, author: ALICE, ...recipe });
  const [left, right] = [alice({ time: 1 }), alice({ time: 2 })].toSorted((a, b) =>
    a.hex < b.hex ? -1 : 1,
  ) as [Forged, Forged];
  const next = alice({ prev: left });

  /** The left change unsigned, and one that is to vouch for it. */
  const vouched = (by: Forged): Uint8Array => encodeGroup([entryOf(left, true), entryOf(by)]);
  const codeOf = (first: Uint8Array, second: Uint8Array): string => {
    const proof = decodeForkProof(encodeForkProof(first, second));
    return proof.ok ? `proves ${toHex(proof.value.author)}` : proof.error.code;
  };

  it("and with nothing wrong it names the author", () => {
    expect(codeOf(left.group, right.group)).toBe(`proves ${toHex(ALICE.publicKey)}`);
    expect(codeOf(vouched(next), right.group)).toBe(`proves ${toHex(ALICE.publicKey)}`);
  });

  it.each<[string, Forged]>([
    ["by another author", forge({ document: ID, author: MALLORY, prev: left })],
    ["of another chain", alice({ prev: left, chain: 7n })],
    ["in another document", alice({ prev: left, document: documentId("elsewhere") })],
    ["of another number", alice({ prev: left, lies: { seq: 3 } })],
    ["that builds on another change", alice({ prev: right })],
    ["that builds on nothing", alice({ time: 3 })],
  ])("a signature on a later change %s vouches for nothing", (_, later) => {
    expect(codeOf(vouched(later), right.group)).toBe("malformed");
  });

  it.each<[string, () => Uint8Array]>([
    [
      "of three groups",
      () => Uint8Array.of(0x83, ...encodeForkProof(left.group, right.group).slice(1), 0x40),
    ],
    ["with a byte behind it", () => Uint8Array.of(...encodeForkProof(left.group, right.group), 0)],
    ["whose first group is none", () => encodeForkProof(Uint8Array.of(0x80), right.group)],
    ["whose second group is none", () => encodeForkProof(left.group, Uint8Array.of(0x80))],
    [
      "with a body that is none",
      () =>
        encodeForkProof(
          encodeGroup([{ body: Uint8Array.of(0), signature: left.signature }]),
          right.group,
        ),
    ],
  ])("%s", (_, make) => {
    const proof = decodeForkProof(make());
    expect(proof.ok ? "proves" : proof.error.code).toBe("malformed");
  });
});

describe("what waits", () => {
  const first = forge({ document: ID, author: ALICE });
  const second = forge({ document: ID, author: ALICE, prev: first });

  it("is not altered when the received frame is used again for something else", () => {
    const history = new History({ document: ID });
    const frame = second.group.slice();
    expect(history.receive(frame).status).toBe("pending");
    frame.fill(0);
    history.receive(first.group);
    expect(history.length).toBe(2);
    expect(history.bodyAt(1)).toEqual(second.body);
    expect(history.signatureAt(1)).toEqual(second.signature);
  });

  it("is asked for, with what it waits for, at most 256 ids at once", () => {
    const history = new History({ document: ID });
    const unknown = Array.from({ length: 300 }, (_, number) =>
      forge({ document: ID, author: MALLORY, chain: BigInt(number) }),
    );
    const orphan = forge({ document: ID, author: ALICE, refs: unknown });
    expect(history.receive(orphan.group).missing).toHaveLength(256);
  });
});

describe("a history", () => {
  const first = forge({ document: ID, author: ALICE });
  const second = forge({ document: ID, author: ALICE, prev: first });
  const faulty = forge({ document: ID, author: MALLORY, lies: { lamport: 7 } });
  const onFaulty = forge({ document: ID, author: ALICE, parents: [faulty], lies: { lamport: 8 } });
  const unknown = forge({ document: ID, author: ALICE, chain: 9n });

  function knowing(...changes: Forged[]): History {
    const history = new History({ document: ID });
    for (const { group } of changes) history.receive(group);
    return history;
  }

  it("says of a group that holds what was applied before that it is not just what it applied", () => {
    const history = knowing(first);
    const { applied, isExact } = history.receive(groupOf([first, second]));
    expect({ applied, isExact }).toEqual({ applied: [1], isExact: false });
    expect(knowing().receive(coveredGroup([first, second])).isExact).toBe(true);
    // A signature that was not looked at is not passed on.
    expect(knowing().receive(groupOf([first, second])).isExact).toBe(false);
  });

  it("knows no id that only begins with one", () => {
    expect(knowing(first).indexOf(Uint8Array.of(...first.id, 0))).toBe(-1);
  });

  it("refuses a change again by its own fault, and not by that of a copy", () => {
    const history = knowing(faulty);
    const forged = encodeGroup([{ body: faulty.body, signature: new Uint8Array(64) }]);
    expect(history.receive(forged).results).toMatchObject([
      { code: "wrong_lamport", scope: "change" },
    ]);
  });

  it("refuses for ever an unsigned copy of what builds on a refused change", () => {
    const history = knowing(faulty);
    expect(history.receive(groupOf([onFaulty], () => true)).results).toMatchObject([
      { code: "rejected_dependency", scope: "change" },
    ]);
  });

  it("says of what waited for a later change of its group what became of it when that was refused", () => {
    const { results } = knowing().receive(groupOf([onFaulty, faulty]));
    expect(results).toMatchObject([
      { code: "rejected_dependency", scope: "change" },
      { code: "wrong_lamport", scope: "change" },
    ]);
  });

  it("asks for nothing on behalf of a refused change", () => {
    const refused = forge({ document: ID, author: ALICE, parents: [faulty, unknown] });
    expect(knowing(faulty).receive(refused.group).missing).toEqual([]);
  });

  it("does not ask for a refused change on behalf of a copy without a signature", () => {
    const { missing } = knowing().receive(groupOf([onFaulty, faulty], (one) => one === onFaulty));
    expect(missing).toEqual([]);
  });

  it("has no proof of a fork where there is none", () => {
    expect(knowing(first).forkOf(0)).toBe(null);
  });

  it("lists as many tips of a forked chain as it is asked for", () => {
    const history = knowing(first, forge({ document: ID, author: ALICE, time: 1 }));
    expect(history.tipsOf(ALICE.publicKey, 0n)).toHaveLength(2);
    expect(history.tipsOf(ALICE.publicKey, 0n, 1)).toHaveLength(1);
  });
});

describe("a document", () => {
  /** What a document shows of a chain of changes, each with these ops, and the events on the way. */
  function shown(schema: Schema, changes: readonly (readonly Uint8Array[])[]) {
    const document = new Document({ schema, id: ID });
    const events: DocumentEvent[] = [];
    document.subscribe((event) => events.push(event));
    let prev: Forged | null = null;
    for (const made of changes) {
      prev = forge({ document: ID, author: ALICE, prev, ops: made });
      expect(document.receive(prev.group).status).toBe("applied");
    }
    return { view: document.viewJson(), patches: events.flatMap(({ patches }) => patches) };
  }

  const fields = struct({ title: string(), names: list(string()), notes: map(string()) });

  it("takes no bytes but bytes", () => {
    const document = new Document({ schema: fields, id: ID });
    for (const wrong of ["\x80", [0x80], undefined, new ArrayBuffer(1)]) {
      expect(() => document.receive(wrong as unknown as Uint8Array)).toThrow(
        expect.objectContaining({ code: "bad_value" }),
      );
    }
  });

  it.each([1.5, -1, 2 ** 53, Number.NaN])("makes no change at the time %s", (time) => {
    const document = new Document({ schema: fields, id: ID, keyPair: ALICE });
    expect(() => document.change(() => undefined, { time })).toThrow(/a time is a whole number/u);
    expect(document.history.length).toBe(0);
  });

  it("tells of no items that do not fit the list", () => {
    const { view, patches } = shown(fields, [
      [ops.insert(["names"], "kept")],
      [ops.insertBy(0, [1, 0, 0], 7)],
    ]);
    expect(view).toContain('"names":["kept"]');
    expect(patches).toHaveLength(1);
  });

  it("replaces nothing by an assignment that names an element of a change that is not folded", () => {
    const detached = Uint8Array.of(
      0x85,
      ...op(4, 1, [["title"]], 3, new Uint8Array(32)).subarray(1),
    );
    const { view } = shown(fields, [
      [detached],
      [ops.assign(["title"], "kept")],
      [ops.assign(["title"], "inert", [1, 1, 0, 1])],
    ]);
    expect(view).toContain('"title":"kept"');
  });

  it("replaces nothing by an assignment that names an element of an inert op", () => {
    const { view } = shown(fields, [
      [ops.assign(["nowhere"], "x")],
      [ops.assign(["notes", "a"], "inert", [1, 0, 0, 1])],
    ]);
    expect(view).toContain('"notes":{}');
  });

  it("removes nothing where a removal names elements of a change that is not folded", () => {
    const detached = Uint8Array.of(
      0x85,
      ...op(1, 1, [["names"]], 3, new Uint8Array(32)).subarray(1),
    );
    const { view } = shown(fields, [
      [detached],
      [ops.insert(["names"], "kept")],
      [ops.remove([1, 1, 0, 1])],
    ]);
    expect(view).toContain('"names":["kept"]');
  });

  it("finds no element of a change by going back from that change itself", () => {
    const { view } = shown(fields, [
      [
        ops.insert(["names"], "kept"),
        ops.insertBy(1, [0, 1, 0], "inert"),
        ops.remove([0, 1, 0, 1]),
      ],
    ]);
    expect(view).toContain('"names":["kept"]');
  });

  it("takes what an item was made with for an assignment only to fields that it was made with", () => {
    const items = list(struct({ title: string(), note: string() }));
    const { view } = shown(items, [
      [ops.insert([], { title: "made" })],
      [
        ops.assign([1, 0, 0, "title"], "replaced", [1, 0, 0, 1]),
        ops.assign([1, 0, 0, "note"], "inert", [1, 0, 0, 1]),
      ],
    ]);
    expect(view).toBe('[{"note":"","title":"replaced"}]');
    const nested = list(struct({ inner: struct({ toString: string() }) }));
    const other = shown(nested, [
      [ops.insert([], {})],
      [ops.assign([1, 0, 0, "inner", "toString"], "inert", [1, 0, 0, 1])],
    ]);
    expect(other.view).toBe('[{"inner":{"toString":""}}]');
  });

  it("assigns nothing to a map that is named without a key", () => {
    expect(shown(map(string()), [[ops.assign([], "x")]]).view).toBe("{}");
  });
});

describe("a reader of bytes", () => {
  it("finds no null behind its end, nor once it has failed", () => {
    expect(new ByteReader(Uint8Array.of(0xf6)).isNull()).toBe(true);
    expect(new ByteReader(Uint8Array.of(0xf6), 0, 0).isNull()).toBe(false);
    const failed = new ByteReader(Uint8Array.of(0xf6));
    failed.fail();
    expect(failed.isNull()).toBe(false);
  });

  it.each([
    ["two second halves", "\udc00\udc00"],
    ["a first half at the end", "\udbff"],
    ["a first half before a letter", "\ud800a"],
    ["a first half before what comes after second halves", "\ud800\ue000"],
    ["two first halves", "\udbff\ud800"],
  ])("counts no bytes of %s of a surrogate pair", (_, text) => {
    expect(utf8Length(text)).toBe(-1);
  });
});

describe("a log whose database fails", () => {
  /** A database that gives nothing but this when it is read. */
  function failing(error: unknown): LevelLike {
    return {
      batch: () => Promise.resolve(),
      iterator: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) }),
    };
  }

  async function readAll(error: unknown): Promise<string[]> {
    const faults: string[] = [];
    for await (const read of new ChangeLog(failing(error), ID).read()) {
      faults.push(read.ok ? "a record" : read.error.detail);
    }
    return faults;
  }

  it("by its own checksums is damaged", async () => {
    const error = Object.assign(new Error("checksum mismatch"), { code: "LEVEL_CORRUPTION" });
    expect(await readAll(error)).toEqual([expect.stringContaining("checksum mismatch")]);
  });

  it.each<[string, unknown]>([
    ["an error without a code", new Error("no disk")],
    [
      "an error with another code",
      Object.assign(new Error("closed"), { code: "LEVEL_DATABASE_NOT_OPEN" }),
    ],
    ["what is no error", { code: "LEVEL_CORRUPTION" }],
  ])("by %s tells its caller", async (_, error) => {
    await expect(readAll(error)).rejects.toBe(error);
  });
});

describe("the records of a log", () => {
  const group = forge({ document: ID, author: ALICE }).group;

  /** A log that holds just this, under the key of this position. */
  async function read(position: bigint, ids: Uint8Array): Promise<string[]> {
    const key = new Uint8Array(41);
    key[0] = 0x67;
    key.set(ID, 1);
    new DataView(key.buffer).setBigUint64(33, position);
    const database: LevelLike = {
      batch: () => Promise.resolve(),
      async *iterator(): AsyncGenerator<[Uint8Array, Uint8Array]> {
        yield await Promise.resolve([key, encodeValue([ids, group])]);
      },
    };
    const found: string[] = [];
    for await (const one of new ChangeLog(database, ID).read())
      found.push(one.ok ? "a record" : one.error.detail);
    return found;
  }

  it("are read when all is as it was written", async () => {
    expect(await read(0n, new Uint8Array(32))).toEqual(["a record"]);
  });

  it("without an id are torn", async () => {
    expect(await read(0n, new Uint8Array(0))).toEqual([expect.stringContaining("torn or altered")]);
  });

  it("with a piece of an id are torn", async () => {
    expect(await read(0n, new Uint8Array(33))).toEqual([
      expect.stringContaining("torn or altered"),
    ]);
  });

  it("at a position that no log reaches have an impossible key", async () => {
    expect(await read(2n ** 63n, new Uint8Array(32))).toEqual([
      expect.stringContaining("impossible key"),
    ]);
  });
});

describe("editing", () => {
  const schema = struct({ one: text(), other: text(), words: map(string()) });
  const open = (): Document<typeof schema> => new Document({ schema, id: ID, keyPair: ALICE });

  it("behind a character of another text is a mistake, and changes nothing", () => {
    const document = open();
    document.change((doc) => {
      doc.one.append("ab");
      doc.other.append("cd");
    });
    document.change((doc) => {
      expect(() => {
        doc.other.insertAfter(doc.one.idAt(0), "x");
      }).toThrow(MisuseError);
    });
    expect(document.view()).toEqual({ one: "ab", other: "cd", words: {} });
  });

  it("a key that is no string is a mistake", () => {
    const document = open();
    document.change((doc) => {
      expect(() => {
        doc.words.set(["a"] as unknown as string, "a list");
      }).toThrow(MisuseError);
    });
    expect(document.view().words).toEqual({});
  });

  it("a saved document that says it has fewer parts than it has does not open", () => {
    const document = open();
    document.change((doc) => doc.one.append("a"));
    const groups = [document.history.groupOf(0)];
    const saved = encodeSaved({ document: ID, schema: null, groups }).slice();
    expect(Document.load(saved, { schema, id: ID }).ok).toBe(true);
    expect(saved[0]).toBe(0x85);
    saved[0] = 0x84;
    const loaded = Document.load(saved, { schema, id: ID });
    expect(loaded.ok ? "opened" : loaded.error.code).toBe("malformed");
  });
});

describe("a number", () => {
  it("that goes on behind the end of what is read is none", () => {
    const reader = new ByteReader(Uint8Array.of(0xfa, 0x3f, 0x80, 0x00, 0x01), 0, 3);
    reader.value();
    expect(reader.failed).toBe(true);
  });
});
