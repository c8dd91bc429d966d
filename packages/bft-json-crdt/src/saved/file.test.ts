import { Inflate } from "fflate";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { changeId, decodeGroup } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { ByteReader, ByteWriter, toHex } from "../encoding/index.ts";
import { Document } from "../document/index.ts";
import { History } from "../history/index.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { schemaDigest, text } from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { Choices, EVERYTHING, anySchema } from "../../test/random-edits.ts";
import { forge, op, ops, person } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { bodiesOf, ID, step, Trial } from "../../test/trial.ts";
import { decodeSaved, encodeHistory } from "./file.ts";
import { BYTE_COLUMNS, MAX_BLOCK_BYTES, NUMBER_COLUMNS } from "./layout.ts";
import { NumberWriter } from "./numbers.ts";
import { readPacked, unpack, writePacked } from "./pack.ts";

const histories = fc.array(step, { minLength: 1, maxLength: 40, size: "max" });
const schemas = fc.oneof(fc.constant<Schema>(EVERYTHING), anySchema);

describe("a columnar file", () => {
  test("gives back every body to the byte, whoever wrote what", () => {
    fc.assert(
      fc.property(schemas, histories, fc.nat(), (schema, steps, seed) => {
        const trial = new Trial(schema);
        for (const each of steps) trial.run(each);
        const [document] = trial.settle(seed);
        const { history } = document!;
        const file = encodeHistory(history, schemaDigest(schema));
        expect(versionOf(file)).toBe(2);
        expect(bodiesIn(file).map(toHex)).toEqual(bodiesOf(document!).map(toHex));
        const copy = new History({ document: ID });
        for (const group of groupsIn(file)) expect(copy.receive(group).isExact).toBe(true);
        expect(copy.frontier()).toEqual(history.frontier());
      }),
      { numRuns: 60 },
    );
  });

  test("holds any op of any change: unknown, inert, detached, of odd names and numbers", () => {
    const huge = Number.MAX_SAFE_INTEGER;
    const author = person(1);
    const hash = new Uint8Array(32);
    const bodies: Uint8Array[][] = [
      [ops.text(["title"], "a🙂b"), op(2, 3, [1, 0, 0, 2], "c\u0000d")],
      [op(2, 1, [1, 0, 0, huge], "x"), op(3, 0, [0, 0, 0, huge], null)],
      [op(3, 0, [1, 0, 0, 3, 1, 1, 2, 1], null), op(3, 0, [1, 0, huge, 1], null)],
      [op(3, 0, [1, huge, 0, 1], null), op(3, 0, [7, 0, 0, 1], null), op(3, 0, [], null)],
      [op(2, 1, [1, 0, 1, 0], "x"), op(2, 1, [1, 1, 0, 0], "x"), op(2, 1, [2, 1, 0, 0], "x")],
      [op(99, 7, [{ any: [1, 2] }], "1234567"), op(4, 1, [["k"], 1, 0, 0, 1], [null])],
      [op(1, 2, [["list"]], [1, "two"]), op(1, 1, [0, 0, 0, 0], [Uint8Array.of(3)])],
      [op(2, 4, [["title"]], 4, hash), op(2, 1, [["title"]], "y")],
      [
        op(5, 0, [[1, 0, 0, "n"]], -7),
        op(6, 1, [["set"], 1, 1, 0, 1], "v"),
        op(4, 0, [["k"]], null),
      ],
      [op(2, 1, [["", "", ""]], "z"), op(4, 1, [["", "k"]], 2 ** 53), op(2, 1, [[]], "é")],
      [],
    ];
    const made: Forged[] = [];
    for (const [i, list] of bodies.entries()) {
      const time = [null, 0, huge, 5, 5, 2 ** 40][i % 6]!;
      made.push(forge({ document: ID, author, prev: made.at(-1) ?? null, ops: list, time }));
    }
    // A fork of the chain, and a second beginning of it.
    made.push(forge({ document: ID, author, prev: made[2]!, ops: [ops.text(["title"], "f")] }));
    made.push(forge({ document: ID, author, ops: [ops.text(["title"], "g")] }));
    const [a, b] = [made.at(-1)!, made.at(-2)!].sort((x, y) => (x.hex < y.hex ? -1 : 1));
    made.push(forge({ document: ID, author: person(2), parents: [a!], refs: [b!] }));
    const history = new History({ document: ID });
    for (const change of made) expect(history.receive(change.group).status).toBe("applied");
    const file = encodeHistory(history, null);
    expect(versionOf(file)).toBe(2);
    expect(bodiesIn(file).map(toHex)).toEqual(made.map(({ body }) => toHex(body)));
  });

  test("stores next to nothing for a change that only types on, but the text and a signature for many", () => {
    const document = new Document({ schema: text(), id: ID, keyPair: KEYS });
    const typed = 3_000;
    document.batch((change) => {
      for (let i = 0; i < typed; i++) change((doc) => doc.append("x"), { time: null });
    });
    const [windows, rest] = [Math.ceil(typed / MAX_GROUP_CHANGES), 250];
    expect(document.save({ seal: false }).length).toBeLessThan(windows * 64 + rest);
    expect(columnsOf(document.save({ seal: false }))[0]!.signatures.length).toBe(windows * 64);
  });

  test("is cut into blocks that nobody has to hold all of", () => {
    const document = new Document({ schema: text(), id: ID, keyPair: KEYS });
    const choices = new Choices(1);
    const random = Uint16Array.from({ length: 200_000 }, () => 0x4e00 + choices.below(20_000));
    for (let i = 0; i < 7; i++) {
      // Three bytes a character; the second part names characters of the first.
      document.change((doc) =>
        doc.insert(i, String.fromCharCode(...random.subarray(i, i + 60_000))),
      );
      document.change((doc) => doc.append(new TextDecoder("utf-16").decode(random)));
      document.change((doc) => doc.delete(3, 7));
    }
    const file = document.save({ seal: false });
    const blocks = columnsOf(file);
    expect(blocks.length).toBeGreaterThan(1);
    for (const { columns } of blocks) {
      expect(columns.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(
        MAX_BLOCK_BYTES / 2,
      );
    }
    expect(bodiesIn(file).map(toHex)).toEqual(bodiesOf(document).map(toHex));
  });

  test("keeps to the bounds of groups, and saves again as it was", () => {
    const document = new Document({ schema: text(), id: ID, keyPair: KEYS });
    for (let i = 0; i < 30; i++) {
      document.batch((change) => {
        for (let n = 0; n < 100; n++) change((doc) => doc.append("y"), { time: 5 });
      });
      if (i % 10 === 0) document.change((doc) => doc.append("z".repeat(500_000)));
    }
    const file = document.save({ seal: false });
    for (const group of groupsIn(file)) expect(group.length).toBeLessThanOrEqual(MAX_GROUP_BYTES);
    const loaded = Document.load(file, { schema: text(), id: ID });
    if (!loaded.ok) throw new Error(loaded.error.detail);
    expect(toHex(loaded.value.save())).toBe(toHex(file));
  });

  test("is of version 1, with every change in it, when the columns do not tell the truth", () => {
    const document = new Document({ schema: text(), id: ID, keyPair: KEYS });
    document.change((doc) => doc.append("true"));
    document.change((doc) => doc.append("!"));
    document.change((doc) => doc.delete(0));
    const { history } = document;
    const truth = {
      document: history.document,
      length: history.length,
      idAt: (row: number) => history.idAt(row),
      bodySizeAt: (row: number) => history.bodySizeAt(row),
      bodyTailAt: (row: number) => history.bodyTailAt(row),
      hasBody: (row: number, body: Uint8Array) => history.hasBody(row, body),
      signatureAt: (row: number) => history.signatureAt(row),
      authorAt: (row: number) => history.authorAt(row),
      chainAt: (row: number) => history.chainAt(row),
      chainIndexAt: (row: number) => history.chainIndexAt(row),
      prevAt: (row: number) => history.prevAt(row),
      timeAt: (row: number) => history.timeAt(row),
      dependencySlots: (row: number) => history.dependencySlots(row),
      dependencyAt: (row: number, slot: number) => history.dependencyAt(row, slot),
      opsOffsetAt: (row: number) => history.opsOffsetAt(row),
      elementsAt: (row: number) => history.elementsAt(row),
      chainElementsBefore: (row: number) => history.chainElementsBefore(row),
      ancestorOnChain: (row: number, steps: number) => history.ancestorOnChain(row, steps),
      groupRange: (row: number) => history.groupRange(row),
      groupsFor: (rows: readonly number[]) => history.groupsFor(rows),
    };
    expect(versionOf(encodeHistory(truth, null))).toBe(2);
    for (const lie of [
      { timeAt: () => 17 },
      { signatureAt: () => null },
      { ancestorOnChain: (row: number) => row },
      { opsOffsetAt: (row: number) => history.opsOffsetAt(row) + 1 },
    ]) {
      const file = encodeHistory({ ...truth, ...lie }, null);
      expect(versionOf(file), Object.keys(lie)[0]).toBe(1);
      expect(bodiesIn(file).map(toHex)).toEqual(bodiesOf(document).map(toHex));
    }
  });
});

describe("a columnar file that somebody has tampered with", () => {
  test("never throws, and gives nothing that its authors did not write, whatever stands in which column", () => {
    const trial = new Trial(EVERYTHING);
    const choices = new Choices(5);
    for (let i = 0; i < 25; i++) {
      const kind = choices.pick(["edit", "edit", "forge", "gossip"] as const);
      trial.run({ who: choices.below(5), kind, seed: choices.below(2 ** 31) });
    }
    const [document] = trial.settle(0);
    const known = new Set(bodiesOf(document!).map((body) => toHex(changeId(body))));
    const file = document!.save({ seal: false });
    const names = [...NUMBER_COLUMNS, ...BYTE_COLUMNS];
    const reached = new Set<string>();
    fc.assert(
      fc.property(
        fc.nat(names.length - 1),
        fc.nat(),
        fc.nat(255),
        fc.constantFrom("set", "cut", "add" as const),
        (column, at, byte, how) => {
          const forgery = withColumns(file, (columns) => {
            const old = columns[column]!;
            const place = at % (old.length + 1);
            if (how === "set" && place < old.length) columns[column] = old.with(place, byte);
            if (how === "cut") columns[column] = old.subarray(0, place);
            if (how === "add") columns[column] = Uint8Array.of(...old, byte);
          });
          const loaded = Document.load<Schema>(forgery, { schema: EVERYTHING, id: ID });
          reached.add(loaded.ok ? "opens" : loaded.error.code);
          if (!loaded.ok) return;
          for (const body of bodiesOf(loaded.value)) {
            expect(known.has(toHex(changeId(body)))).toBe(true);
          }
        },
      ),
      { numRuns: 1_500 },
    );
    expect([...reached]).toEqual(expect.arrayContaining(["malformed", "bad_signature"]));
  });

  test("is malformed, after little work, when a run is said to go on and on", () => {
    const document = new Document({ schema: EVERYTHING, id: ID, keyPair: KEYS });
    document.change((doc) => doc.body.append("abc"), { time: null });
    document.change((doc) => doc.body.append("def"), { time: null });
    const file = document.save({ seal: false });
    const endless = 2 ** 45;
    const runs = (value: number): Uint8Array => {
      const writer = new NumberWriter();
      for (let i = 0; i < 8; i++) writer.push(value);
      // In the place of 16, the head of a run of 8.
      return Uint8Array.of(...leb(2 * endless), ...writer.finish().subarray(1));
    };
    const cases: { readonly [column: string]: Uint8Array } = {
      windows: runs(1),
      chains: runs(0),
      parents: runs(16),
      refs: runs(20_000),
      ops: runs(endless),
      made: runs(endless),
      ranges: runs(endless),
      paths: runs(endless),
      lengths: runs(endless),
      sizes: runs(0),
      dependencies: runs(0),
      counts: runs(endless),
      names: runs(1),
      deltas: runs(endless),
      times: runs(endless),
    };
    for (const [name, column] of Object.entries(cases)) {
      const forgery = withColumns(file, (columns) => {
        columns[NUMBER_COLUMNS.indexOf(name as "windows")] = column;
      });
      const groups = groupsIn(forgery);
      // What is made of it goes no further than what is there.
      expect(groups.length, name).toBeLessThanOrEqual(2);
      expect(load(forgery), name).toMatchObject({ ok: false });
    }
    // All of them at once, with codes for ops that take next to nothing.
    for (const code of [1, 2, 6, 11, 15, 16, 17, 18, 19, 20, 255]) {
      const forgery = withColumns(file, (columns) => {
        for (const [name, column] of Object.entries(cases))
          columns[NUMBER_COLUMNS.indexOf(name as "windows")] = column;
        columns[NUMBER_COLUMNS.length] = new Uint8Array(100_000).fill(code);
      });
      expect(load(forgery), String(code)).toMatchObject({
        ok: false,
        error: { code: "malformed" },
      });
    }
  });

  test("gives an empty group in the place of the first that is not what a body can be", () => {
    const author = person(1);
    const line: Forged[] = [];
    for (let i = 0; i < 20; i++) {
      const list = [ops.text(["title"], "ab"), ops.textBy(0, i === 0 ? [0, 0, 0] : [1, 0, 0], "c")];
      line.push(forge({ document: ID, author, prev: line.at(-1) ?? null, ops: list }));
    }
    const other = forge({
      document: ID,
      author: person(2),
      parents: [line[19]!],
      ops: [ops.insertBy(1, [2, 3, 1], "v")],
    });
    const history = new History({ document: ID });
    for (const change of [...line, other]) history.receive(change.group);
    const file = encodeHistory(history, null);
    const one = (...values: number[]): Uint8Array => {
      const writer = new NumberWriter();
      for (const value of values) writer.push(value);
      return writer.finish();
    };
    const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
    /** An endless run behind some values. */
    const endless = (value: number, ...before: number[]): Uint8Array =>
      Uint8Array.of(...leb(2 * before.length + 1), ...before.flatMap(leb), ...leb(2 ** 46), value);
    const big = "x".repeat(1_100_000);
    const cases: { readonly [what: string]: { readonly [column: string]: Uint8Array } } = {
      "no change": { windows: one(0) },
      "a chain that is not in the table": { chains: one(...zeros(20), 2) },
      "17 parents": {
        parents: one(...zeros(20), 17),
        dependencies: one(...zeros(17).map((_, i) => i)),
      },
      "refs without end": { refs: endless(0, ...zeros(20), 2 ** 40), dependencies: endless(0, 0) },
      "a parent before the first change": { parents: one(1, ...zeros(20)), dependencies: one(0) },
      "a prev of another chain": { prevs: one(...zeros(20), 2) },
      "a prev before the first change": { prevs: one(...zeros(20), 1_000) },
      "a line that is none": { lines: one(...zeros(19), 7) },
      "a position before the first": { deltas: one(...zeros(19), 1) },
      "a position behind the last of a line": { deltas: one(...zeros(19), 1_000) },
      "positions that add up to no safe integer": {
        codes: Uint8Array.from(zeros(41), () => 14),
        deltas: one(...zeros(41).map(() => 2 ** 53 - 2)),
        counts: one(...zeros(41).map(() => 1)),
      },
      "more elements than a change may make": { made: one(2 ** 20 + 1) },
      "no such code": { codes: Uint8Array.from(zeros(41), () => 20) },
      "codes cut off": { codes: Uint8Array.of(1) },
      "a name that was not told before": { names: one(9) },
      "names without end": { paths: endless(2, 2 ** 40), names: endless(1, 0) },
      "ranges without end": {
        codes: Uint8Array.from(zeros(41), () => 15),
        ranges: endless(0, 2 ** 40),
      },
      "a body that is too long": { text: new TextEncoder().encode(big), lengths: one(big.length) },
      "a time before 1970": { times: one(3) },
      "a time that is no safe integer": { times: one(1, 3), dates: one(2 ** 53 - 1) },
    };
    for (const [what, altered] of Object.entries(cases)) {
      const forgery = withColumns(file, (columns) => {
        for (const [name, column] of Object.entries(altered)) columns[indexOf(name)] = column;
      });
      expect(groupsIn(forgery), what).toEqual([new Uint8Array(0)]);
    }
    // Whatever is left over at the end of the block.
    for (const name of [...NUMBER_COLUMNS, ...BYTE_COLUMNS]) {
      const forgery = withColumns(file, (columns) => {
        const rest = indexOf(name) < NUMBER_COLUMNS.length ? [3, 1] : [0];
        columns[indexOf(name)] = Uint8Array.of(...columns[indexOf(name)]!, ...rest);
      });
      expect(groupsIn(forgery).at(-1), name).toEqual(new Uint8Array(0));
    }
    const longer = withColumns(file, (columns) => {
      columns[indexOf("refs")] = Uint8Array.of(...leb(2 * 22), 0);
    });
    expect(groupsIn(longer)).toHaveLength(2);
    expect(groupsIn(longer)[1]).toEqual(new Uint8Array(0));
    const unsigned = withColumns(file, (_, signatures) => signatures.subarray(1));
    expect(groupsIn(unsigned)).toEqual([new Uint8Array(0)]);
  });

  test("gives no group beyond the bounds of groups", () => {
    const document = new Document({ schema: text(), id: ID, keyPair: KEYS, chain: 1n });
    for (let i = 0; i < 2; i++) {
      document.change((doc) => doc.append("x".repeat(600_000)), { time: null });
    }
    const merged = withColumns(document.save({ seal: false }), (columns) => {
      expect(columns[0]).toEqual(Uint8Array.of(5, 1, 1));
      columns[0] = Uint8Array.of(3, 2);
    });
    expect(groupsIn(merged)).toEqual([new Uint8Array(0)]);
    const typist = new Document({ schema: text(), id: ID, keyPair: KEYS, chain: 1n });
    typist.batch((change) => {
      for (let i = 0; i < 1_025; i++) change((doc) => doc.append("y"), { time: null });
    });
    const wide = withColumns(typist.save({ seal: false }), (columns) => {
      expect(columns[0]).toEqual(Uint8Array.of(5, ...leb(1_024), 1));
      columns[0] = Uint8Array.of(3, ...leb(1_025));
    });
    expect(groupsIn(wide)).toEqual([new Uint8Array(0)]);
  });

  test("is malformed when its columns are declared to be too long, before any is unpacked", () => {
    const file = new Document({ schema: EVERYTHING, id: ID }).save();
    const block = new ByteWriter();
    block.arrayHeader(1 + NUMBER_COLUMNS.length + BYTE_COLUMNS.length);
    block.bytes(new Uint8Array(0));
    for (const _ of [...NUMBER_COLUMNS, ...BYTE_COLUMNS]) {
      block.arrayHeader(2);
      block.uint(1_000_000);
      block.bytes(new Uint8Array(2_000));
    }
    const push = vi.spyOn(Inflate.prototype, "push");
    expect(load(withBlocks(file, [block.take()]))).toMatchObject({
      ok: false,
      error: { code: "malformed" },
    });
    expect(push).not.toHaveBeenCalled();
    push.mockRestore();
  });

  test("is malformed when a block has other parts than it should, or a window none or too many changes", () => {
    const document = new Document({ schema: EVERYTHING, id: ID, keyPair: KEYS });
    document.change((doc) => doc.body.append("abc"));
    const file = document.save({ seal: false });
    const [good] = blocksOf(file);
    expect(load(withBlocks(file, [good!])).ok).toBe(true);
    const wrong: Uint8Array[] = [
      new Uint8Array(0),
      Uint8Array.of(0x80),
      Uint8Array.of(...good!, 0),
      good!.subarray(0, -1),
      good!.with(1, good![1]! - 1),
    ];
    for (const block of wrong) {
      expect(load(withBlocks(file, [block])), toHex(block).slice(0, 20)).toMatchObject({
        ok: false,
        error: { code: "malformed" },
      });
    }
    for (const windows of [[1, 0], [1, 1], [1_025], [2]]) {
      const forgery = withColumns(file, (columns) => {
        columns[0] = Uint8Array.of(...leb(2 * windows.length + 1), ...windows.flatMap(leb));
      });
      expect(load(forgery), String(windows)).toMatchObject({ ok: false });
    }
    // A signature that nobody asks for.
    const spare = withColumns(file, (_, signatures) => Uint8Array.of(...signatures, 0));
    expect(load(spare)).toMatchObject({ ok: false, error: { code: "malformed" } });
  });

  test("is malformed when its table names an author that did not stand before", () => {
    const document = new Document({ schema: EVERYTHING, id: ID, keyPair: KEYS, chain: 5n });
    document.change(() => undefined);
    const file = document.save({ seal: false });
    const { publicKey } = KEYS;
    const blocks = blocksOf(file);
    const tables: [boolean, (writer: ByteWriter) => void][] = [
      [true, (writer) => chainEntry(writer, publicKey, 5)],
      [false, (writer) => chainEntry(writer, 0, 5)],
      [false, (writer) => chainEntry(writer, publicKey, 6)],
      [false, (writer) => chainEntry(writer, publicKey.subarray(1), 5)],
      [
        false,
        (writer) => {
          writer.arrayHeader(1);
          writer.bytes(publicKey);
          writer.uint(5);
        },
      ],
    ];
    for (const [isGood, entry] of tables) {
      const writer = new ByteWriter();
      writer.arrayHeader(7);
      writer.text("bft-json-crdt");
      writer.uint(2);
      writer.bytes(ID);
      writer.null();
      writer.arrayHeader(1);
      entry(writer);
      writer.arrayHeader(1);
      writer.bytes(blocks[0]!);
      writer.null();
      expect(load(writer.take()).ok).toBe(isGood);
    }
  });
});

const KEYS = generateKeyPair(new Uint8Array(32).fill(1));

function chainEntry(writer: ByteWriter, author: Uint8Array | number, chain: number): void {
  writer.arrayHeader(2);
  if (typeof author === "number") writer.uint(author);
  else writer.bytes(author);
  writer.uint(chain);
}

function load(bytes: Uint8Array) {
  return Document.load<Schema>(bytes, { schema: EVERYTHING, id: ID });
}

/** The place of a column in a block. */
function indexOf(name: string): number {
  const index = ([...NUMBER_COLUMNS, ...BYTE_COLUMNS] as string[]).indexOf(name);
  if (index < 0) throw new Error(`no column ${name}`);
  return index;
}

function versionOf(file: Uint8Array): number {
  return file[1 + 1 + "bft-json-crdt".length]!;
}

function groupsIn(file: Uint8Array): Uint8Array[] {
  const saved = decodeSaved(file);
  if (!saved.ok) throw new Error(saved.error.detail);
  return [...saved.value.groups];
}

function bodiesIn(file: Uint8Array): Uint8Array[] {
  return groupsIn(file).flatMap((group) => {
    const decoded = decodeGroup(group);
    if (!decoded.ok) throw new Error(decoded.error.detail);
    return decoded.value.map(({ body }) => body);
  });
}

/** An unsealed file of version 2, cut before and behind its blocks. */
function outline(file: Uint8Array): { head: Uint8Array; blocks: Uint8Array[] } {
  const reader = new ByteReader(file);
  reader.arrayHeader();
  for (let i = 1; i < 6; i++) reader.skip();
  const head = file.subarray(0, reader.offset);
  const blocks = Array.from({ length: reader.arrayHeader() }, () => reader.bytes());
  expect(reader.isNull()).toBe(true);
  return { head, blocks };
}

function blocksOf(file: Uint8Array): Uint8Array[] {
  return outline(file).blocks;
}

function withBlocks(file: Uint8Array, blocks: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(outline(file).head);
  writer.arrayHeader(blocks.length);
  for (const block of blocks) writer.bytes(block);
  writer.null();
  return writer.take();
}

function columnsOf(
  file: Uint8Array,
): readonly { signatures: Uint8Array; columns: readonly Uint8Array[] }[] {
  let columns = unpacked.get(file);
  if (columns === undefined) unpacked.set(file, (columns = unpackedIn(file)));
  return columns;
}

/** By file: many forgeries are made of one. */
const unpacked = new WeakMap<Uint8Array, ReturnType<typeof columnsOf>>();

function unpackedIn(file: Uint8Array): ReturnType<typeof columnsOf> {
  return blocksOf(file).map((block) => {
    const reader = new ByteReader(block);
    const count = reader.arrayHeader() - 1;
    const signatures = reader.bytes();
    const columns = Array.from({ length: count }, () => unpack(readPacked(reader))!);
    return { signatures, columns };
  });
}

/** The same file with other columns, and perhaps other signatures. */
function withColumns(
  file: Uint8Array,
  alter: (columns: Uint8Array[], signatures: Uint8Array) => Uint8Array | void,
): Uint8Array {
  const blocks = columnsOf(file).map(({ signatures, columns: found }) => {
    const columns = [...found];
    const others = alter(columns, signatures);
    const writer = new ByteWriter();
    writer.arrayHeader(1 + columns.length);
    writer.bytes(others instanceof Uint8Array ? others : signatures);
    for (const column of columns)
      writer.raw(found.includes(column) ? packedOnce(column) : packed(column));
    return writer.take();
  });
  return withBlocks(file, blocks);
}

/** What many files share is packed once. */
function packedOnce(column: Uint8Array): Uint8Array {
  let bytes = known.get(column);
  if (bytes === undefined) known.set(column, (bytes = packed(column)));
  return bytes;
}

const known = new WeakMap<Uint8Array, Uint8Array>();

function packed(column: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  writePacked(writer, column);
  return writer.take();
}

function leb(n: number): number[] {
  return n < 0x80 ? [n] : [(n % 0x80) | 0x80, ...leb(Math.floor(n / 0x80))];
}
