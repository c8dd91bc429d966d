/**
 * Holds the wire format still. The fixtures in fixtures/wire-v1 are made again from the same inputs and must come out the
 * same to the byte; the library and a second implementation must read them alike; and every example in
 * docs/wire-format.md is checked or generated here.
 *
 * Fixtures of a released version are never edited. `WIRE_FORMAT=write` writes files that do not exist yet, and the
 * generated parts of the document; it overwrites no fixture.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Point } from "@noble/ed25519";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AUTHENTICATION_TAG,
  CHANGE_TAG,
  COMMITMENT_TAG,
  decodeGenesis,
  encodeGenesis,
  GENESIS_TAG,
  INERT,
  readOp,
  SCHEMA_TAG,
  SEAL_TAG,
  SIGNATURE_TAG,
  signedMessage,
  SYNC_TAG,
} from "../src/change/index.ts";
import { ByteReader } from "../src/encoding/reader.ts";
import { encodeForkProof } from "../src/history/fork-proof.ts";
import {
  authenticationMessage,
  canonicalJson,
  changeId,
  decodeBody,
  decodeForkProof,
  decodeSaved,
  decodeValue,
  Document,
  documentId,
  encodeMessage,
  encodeSaved,
  encodeValue,
  fromHex,
  generateKeyPair,
  genesisDocumentId,
  History,
  optional,
  parseCursor,
  parseMessage,
  schemaDigest,
  set,
  sign,
  string,
  struct,
  text,
  boolean,
  toHex,
  verify,
} from "../src/index.ts";
import type { Value } from "../src/index.ts";
import * as limits from "../src/limits.ts";
import type { Schema } from "../src/schema/index.ts";
import * as bounds from "../src/sync/bounds.ts";
import { bucketOf, frontierOf, TipSummary } from "../src/sync/tips.ts";
import {
  CHANGES,
  DOCUMENT,
  FORK,
  GENESES,
  GROUPS,
  KEYS,
  NO_VALUES,
  REFUSALS,
  SCHEMA,
  VALUES,
} from "./fixtures/wire-v1/scenario.ts";
import { groupOf, writeChange } from "./fixtures/wire-v1/writer.ts";
import type { Written } from "./fixtures/wire-v1/writer.ts";
import { anySchema, EVERYTHING } from "./random-edits.ts";
import { decodeChange, decodeItem, diagnostic, SecondReplica } from "./second-implementation.ts";
import type { Change } from "./second-implementation.ts";
import { ID as TRIAL_ID, step, Trial } from "./trial.ts";

/** The schema of section 11.2. */
const EXAMPLE_SCHEMA = struct({
  title: text(),
  done: boolean(),
  tags: set(string()),
  note: optional(string({ default: "-" })),
});

const isWriting = process.env["WIRE_FORMAT"] === "write";

describe("the fixtures of version 1", () => {
  const files: { readonly [name: string]: () => unknown } = {
    "keys.json": makeKeys,
    "documents.json": makeDocuments,
    "values.json": makeValues,
    "changes.json": makeChanges,
    "rejections.json": makeRejections,
    "groups.json": makeGroups,
    "saved.json": makeSaved,
    "views.json": makeViews,
    "sync.json": makeSync,
  };

  it.each(Object.keys(files))("%s comes out the same when it is made again", (name) => {
    const url = fixture(name);
    const made = files[name]!();
    if (isWriting && !existsSync(url)) {
      writeFileSync(url, `${JSON.stringify(made, null, 2)}\n`);
    }
    expect(made).toEqual(readFixture(name));
  });

  it("hold values that read back, and bytes that nobody reads", () => {
    const { accepted, refused } = readFixture("values.json") as ReturnType<typeof makeValues>;
    for (const { diagnostic: notation, encoding, json } of accepted) {
      const value = decodeValue(bytesOf(encoding));
      if (!value.ok) throw new Error(`${notation} is refused`);
      expect(toHex(encodeValue(value.value))).toBe(encoding);
      expect(canonicalJson(value.value)).toBe(json);
      expect(diagnostic(decodeItem(bytesOf(encoding)))).toBe(notation);
    }
    for (const { encoding, reason } of refused) {
      expect(decodeValue(bytesOf(encoding)).ok, reason).toBe(false);
      expect(() => decodeItem(bytesOf(encoding)), reason).toThrow("malformed");
    }
  });

  it("hold geneses that read back", () => {
    for (const { encoding, id } of readFixture("documents.json") as ReturnType<
      typeof makeDocuments
    >) {
      const genesis = decodeGenesis(bytesOf(encoding));
      if (!genesis.ok) throw new Error("refused");
      expect(toHex(encodeGenesis(genesis.value))).toBe(encoding);
      expect(toHex(genesisDocumentId(genesis.value))).toBe(id);
      expect(sha256(GENESIS_TAG, bytesOf(encoding))).toBe(id);
    }
  });

  it("hold changes that both implementations read alike", () => {
    const { changes } = readFixture("changes.json") as ReturnType<typeof makeChanges>;
    for (const { id, body, signature, header, ops } of changes) {
      const decoded = decodeBody(bytesOf(body));
      if (!decoded.ok) throw new Error(decoded.error.detail);
      expect(toHex(changeId(bytesOf(body)))).toBe(id);
      expect(verify(bytesOf(signature), signedMessage(bytesOf(id)), decoded.value.author)).toBe(
        true,
      );
      const second = decodeChange(bytesOf(body));
      expect(second.id).toBe(id);
      expect(headerOf(second)).toEqual(header);
      expect(ops).toMatchObject(opsOf(second));
    }
  });

  it("hold groups that apply in any order, to one history and one view", () => {
    const { description, digest, frontier, view, viewDigest } = readFixture(
      "views.json",
    ) as ReturnType<typeof makeViews>;
    const { groups } = readFixture("groups.json") as ReturnType<typeof makeGroups>;
    const { changes } = readFixture("changes.json") as ReturnType<typeof makeChanges>;
    expect(toHex(schemaDigest(SCHEMA))).toBe(digest);
    expect(sha256(SCHEMA_TAG, bytesOf(description))).toBe(digest);
    const singles = changes.map(({ body, signature }) => {
      return groupOf([{ body: bytesOf(body), signature: bytesOf(signature) } as Written]);
    });
    const orders = [groups.map(bytesOf), singles, singles.toReversed()];
    for (let seed = 0; seed < 20; seed++) orders.push(shuffled(singles, seed));
    for (const order of orders) {
      const document = new Document({ schema: SCHEMA, id: DOCUMENT });
      const second = new SecondReplica(DOCUMENT);
      for (const group of order) {
        document.receive(group);
        second.receive(group);
      }
      expect(document.frontier().map(toHex)).toEqual(frontier);
      expect(second.frontier()).toEqual(frontier);
      expect(document.viewJson()).toBe(JSON.stringify(view));
      expect(second.viewJson(bytesOf(description))).toBe(JSON.stringify(view));
      expect(document.viewDigest()).toBe(viewDigest);
      expect(createHash("sha256").update(JSON.stringify(view)).digest("hex")).toBe(viewDigest);
    }
  });

  it("hold a view after each change, in both implementations", () => {
    const { description, stages } = readFixture("views.json") as ReturnType<typeof makeViews>;
    const { changes } = readFixture("changes.json") as ReturnType<typeof makeChanges>;
    const second = new SecondReplica(DOCUMENT);
    expect(stages).toHaveLength(changes.length);
    stages.forEach(({ viewDigest }, i) => {
      const { body, signature } = changes[i]!;
      second.receive(groupOf([{ body: bytesOf(body), signature: bytesOf(signature) } as Written]));
      const json = second.viewJson(bytesOf(description));
      expect(createHash("sha256").update(json).digest("hex")).toBe(viewDigest);
    });
  });

  it("hold groups to refuse, of which both implementations say the same", () => {
    const second = new SecondReplica(DOCUMENT);
    for (const { name, group, outcomes } of readFixture("rejections.json") as ReturnType<
      typeof makeRejections
    >) {
      const received = second.receive(bytesOf(group));
      const codes = typeof received === "string" ? received : received.toSorted();
      const expected =
        typeof outcomes === "string" ? outcomes : outcomes.map(({ outcome }) => outcome).toSorted();
      expect(codes, name).toEqual(expected);
    }
  });

  it("hold a fork proof that needs no history, and what is none", () => {
    const { forkProof, noForkProofs } = readFixture("groups.json") as ReturnType<typeof makeGroups>;
    const proof = decodeForkProof(bytesOf(forkProof.bytes));
    if (!proof.ok) throw new Error(proof.error.detail);
    const { document, author, chain, seq, ids } = proof.value;
    expect({ ...forkProof, bytes: undefined }).toEqual({
      document: toHex(document),
      author: toHex(author),
      chain: String(chain),
      seq,
      ids: ids.map(toHex),
    });
    for (const { name, bytes } of noForkProofs)
      expect(decodeForkProof(bytesOf(bytes)).ok, name).toBe(false);
  });

  it("hold a file that loads, and files that do not", () => {
    const { bytes, refused } = readFixture("saved.json") as ReturnType<typeof makeSaved>;
    const { view } = readFixture("views.json") as ReturnType<typeof makeViews>;
    const loaded = Document.load(bytesOf(bytes), { schema: SCHEMA, id: DOCUMENT });
    if (!loaded.ok) throw new Error(loaded.error.detail);
    expect(loaded.value.viewJson()).toBe(JSON.stringify(view));
    const again = Document.load(loaded.value.save(), { schema: SCHEMA, id: DOCUMENT });
    expect(again.ok && again.value.viewJson()).toBe(JSON.stringify(view));
    for (const { name, bytes, code } of refused) {
      const result = Document.load(bytesOf(bytes), { schema: SCHEMA, id: DOCUMENT });
      expect(result.ok ? "loaded" : result.error.code, name).toBe(code);
    }
  });
});

describe("a second implementation, written from the document alone,", () => {
  const histories = fc.array(step, { minLength: 1, maxLength: 40, size: "max" });
  const schemas = fc.oneof(fc.constant<Schema>(EVERYTHING), anySchema);

  it("shows what the library shows of honest and hostile authors", () => {
    fc.assert(
      fc.property(schemas, histories, fc.nat(), (schema, steps, seed) => {
        const description = encodeValue(describeSchema(schema));
        expect(sha256(SCHEMA_TAG, description)).toBe(toHex(schemaDigest(schema)));
        const trial = new Trial(schema);
        for (const each of steps) trial.run(each);
        // One gets each change by itself, in any order; one gets closed groups under few signatures.
        const [live, pulled] = [new SecondReplica(TRIAL_ID), new SecondReplica(TRIAL_ID)];
        for (const group of shuffled(trial.live, seed)) live.receive(group);
        const [library] = trial.settle(seed);
        const { history } = library!;
        const all = history.missingFor([]);
        for (const group of history.groupsFor(all)) pulled.receive(group);
        for (const second of [live, pulled]) {
          expect(second.frontier()).toEqual(library!.frontier().map(toHex));
          expect([...second.applied.keys()].sort()).toEqual(
            all.map((index) => toHex(history.idAt(index))).sort(),
          );
          expect(second.viewJson(description)).toBe(library!.viewJson());
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("bodies and groups at their bounds", () => {
  const title = { owner: null, path: ["title"] };
  const writeText = (length: number): Written =>
    writeChange(DOCUMENT, {
      author: KEYS.alice,
      ops: () => [
        { kind: 2, made: length, parent: null, side: 1, place: title, content: "x".repeat(length) },
      ],
    });
  const overhead = writeText(100_000).body.length - 100_000;
  const outcomesOf = (group: Uint8Array): unknown[] => {
    const { results, code } = new History({ document: DOCUMENT }).receive(group);
    const second = new SecondReplica(DOCUMENT).receive(group);
    return [
      results[0] === undefined ? code : (results[0].code ?? results[0].status),
      [second].flat()[0],
    ];
  };

  it("are taken, and refused beyond", () => {
    const largest = writeText(1_047_552 - overhead);
    expect(largest.body.length).toBe(1_047_552);
    expect(outcomesOf(groupOf([largest]))).toEqual(["applied", "applied"]);
    const over = groupOf([writeText(1_047_553 - overhead)]);
    expect(outcomesOf(over)).toEqual(["too_large", "too_large"]);
    // Another version may have other bounds.
    const unknown = encodeValue([[encodeValue([2, "x".repeat(1_048_000)]), null]]);
    expect(outcomesOf(unknown)).toEqual(["unsupported_version", "unsupported_version"]);
    const half = writeText(524_160);
    const sized = (length: number): Uint8Array =>
      groupOf([half, writeText(length - half.body.length - overhead - 145)]);
    expect(sized(1_048_576).length).toBe(1_048_576);
    expect(outcomesOf(sized(1_048_576))).toEqual(["applied", "applied"]);
    expect(outcomesOf(sized(1_048_577))).toEqual(["too_large", "too_large"]);
  });
});

describe("docs/wire-format.md", () => {
  const url = new URL("../../../docs/wire-format.md", import.meta.url);
  const page = readFileSync(url, "utf8");
  const blocks = [...page.matchAll(/^```(.*)\n([^]*?)^```$/gmu)].map(([, info, content]) => {
    return { info: info!, content: content! };
  });
  const linesOf = (info: string): string[] => {
    const found = blocks.filter((block) => block.info === info);
    expect(found, info).toHaveLength(1);
    return found[0]!.content.trimEnd().split("\n");
  };
  const columnsOf = (info: string): string[][] =>
    linesOf(info).map((line) => line.split(/\s{2,}/u));

  it("has no block that nothing below checks", () => {
    expect(blocks.map(({ info }) => info).sort()).toEqual(
      [
        "authentication",
        "change",
        "genesis main",
        "group",
        "json challenge",
        "json client",
        "json cursors",
        "json relay",
        "json sync",
        "limits",
        "refused",
        "schema",
        "small-order",
        "tags",
        "vectors",
        "view",
      ].sort(),
    );
  });

  it("shows values and their encodings", () => {
    for (const [notation, hex] of columnsOf("vectors")) {
      const value = decodeValue(bytesOf(hex!));
      expect(value.ok && toHex(encodeValue(value.value)), notation).toBe(hex);
      expect(diagnostic(decodeItem(bytesOf(hex!)))).toBe(notation);
    }
    for (const [hex, reason] of columnsOf("refused")) {
      expect(decodeValue(bytesOf(hex!)).ok, reason).toBe(false);
      expect(() => decodeItem(bytesOf(hex!)), reason).toThrow("malformed");
    }
  });

  it("shows the tags", () => {
    const tags = {
      change: CHANGE_TAG,
      signature: SIGNATURE_TAG,
      genesis: GENESIS_TAG,
      schema: SCHEMA_TAG,
      sync: SYNC_TAG,
      seal: SEAL_TAG,
      authentication: AUTHENTICATION_TAG,
      commitment: COMMITMENT_TAG,
    };
    expect(columnsOf("tags")).toEqual(
      Object.entries(tags).map(([name, tag]) => [name, toHex(tag)]),
    );
    expect(CHANGE_TAG).toEqual(new TextEncoder().encode("bft-json-crdt/1 change\0"));
  });

  it("shows a genesis", () => {
    expect(columnsOf("genesis main")).toEqual([
      ["genesis", toHex(encodeGenesis(GENESES[0]!))],
      ["document id", toHex(documentId("main"))],
    ]);
  });

  it("shows the points of small order", () => {
    for (const [hex] of columnsOf("small-order")) {
      expect(Point.fromBytes(bytesOf(hex!), true).isSmallOrder()).toBe(true);
    }
    const ys = new Set(columnsOf("small-order").flat());
    const base = Point.BASE;
    expect(ys.size).toBe(5);
    expect(ys.has(toHex(base.toBytes()))).toBe(false);
  });

  it("shows a schema and its digest", () => {
    const [, description, digest] = columnsOf("schema");
    expect(description).toEqual([
      "description",
      diagnostic(decodeItem(encodeValue(describeSchema(EXAMPLE_SCHEMA)))),
    ]);
    expect(digest).toEqual(["digest", toHex(schemaDigest(EXAMPLE_SCHEMA))]);
  });

  it("shows control messages that are read and written as they stand", () => {
    for (const line of linesOf("json sync")) {
      const message = parseMessage(line);
      if (!message.ok) throw new Error(line);
      expect(encodeMessage(message.value)).toBe(line);
    }
    const types = linesOf("json sync").map((line) => (JSON.parse(line) as { type: string }).type);
    const table = [...page.matchAll(/^\| `([a-z]+)` \|.*\|.*\|$/gmu)].map(([, type]) => type!);
    for (const type of types) expect(table).toContain(type);
    const main = toHex(documentId("main"));
    const [byName, byId] = linesOf("json client").map((line) => JSON.parse(line) as unknown);
    expect([byName, byId]).toEqual([
      { type: "join", room: "main" },
      { type: "join", document: main },
    ]);
    const [joined] = linesOf("json relay").map((line) => JSON.parse(line) as unknown);
    expect(joined).toEqual({ type: "joined", room: "main", document: main, protocol: 1 });
    const [first, again, recovered] = linesOf("json cursors").map(
      (line) => JSON.parse(line) as { readonly cursor: unknown },
    );
    expect(first).toEqual({ type: "join", room: "main", cursor: null });
    for (const message of [again, recovered]) {
      expect(parseCursor(message!.cursor)).toEqual(message!.cursor);
      expect(message!.cursor).not.toBeNull();
    }
    expect(recovered).toEqual({
      ...(joined as object),
      recovered: true,
      cursor: recovered!.cursor,
    });
  });

  it("shows a proof of a key", () => {
    const shown = Object.fromEntries(columnsOf("authentication")) as Record<string, string>;
    const nonce = Uint8Array.from({ length: 32 }, (_, at) => at);
    const keyPair = generateKeyPair(new Uint8Array(32).fill(7));
    const key = toHex(keyPair.publicKey);
    const { host } = new URL("wss://relay.example:8443/websocket");
    const message = authenticationMessage(nonce, documentId("main"), host);
    const parts = [AUTHENTICATION_TAG, nonce, documentId("main"), new TextEncoder().encode(host)];
    expect(toHex(message)).toBe(parts.map(toHex).join(""));
    const signature = toHex(sign(message, keyPair.secretKey));
    expect(verify(bytesOf(signature), message, keyPair.publicKey)).toBe(true);
    expect(shown).toEqual({
      key,
      nonce: toHex(nonce),
      document: toHex(documentId("main")),
      host,
      message: toHex(message),
      signature,
    });
    expect(linesOf("json challenge").map((line) => JSON.parse(line) as unknown)).toEqual([
      { type: "challenge", nonce: toHex(nonce) },
      { type: "proof", author: key, signature },
    ]);
  });

  it("names every bound of the format with its value", () => {
    const known: { readonly [name: string]: number } = { ...limits, ...bounds };
    const rows = columnsOf("limits");
    for (const [name, value] of rows) expect([name, Number(value)]).toEqual([name, known[name!]]);
    const source = ["limits.ts", "sync/bounds.ts"].map((name) =>
      readFileSync(new URL(`../src/${name}`, import.meta.url), "utf8"),
    );
    const format = source
      .join("")
      .matchAll(/^\/\*\* (?:Format|Wire)\.[^]*?\*\/\n((?:export const .*\n)+)/gmu);
    const names = [...format].flatMap(([, lines]) =>
      [...lines!.matchAll(/const (\w+)/gu)].map(([, name]) => name!),
    );
    expect(rows.map(([name]) => name)).toEqual(names);
  });

  it("shows a change byte by byte", () => {
    const example = workedExample();
    const marks = [
      "<!-- generated: worked example -->\n",
      "<!-- end of what is generated -->",
    ] as const;
    const start = page.indexOf(marks[0]) + marks[0].length;
    const end = page.indexOf(marks[1]);
    expect(start > marks[0].length && end >= start).toBe(true);
    if (isWriting) writeFileSync(url, page.slice(0, start) + example + page.slice(end));
    else expect(page.slice(start, end)).toBe(example);
  });
});

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === null) throw new Error(`not hexadecimal: ${hex}`);
  return bytes;
}

function sha256(...parts: Uint8Array[]): string {
  return createHash("sha256").update(Buffer.concat(parts)).digest("hex");
}

function fixture(name: string): URL {
  return new URL(`fixtures/wire-v1/${name}`, import.meta.url);
}

function readFixture(name: string): unknown {
  return JSON.parse(readFileSync(fixture(name), "utf8"));
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const keys = items.map((item, i) => ({ item, key: sha256(Uint8Array.of(seed, i)) }));
  return keys.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ item }) => item);
}

function makeKeys() {
  return Object.fromEntries(
    Object.entries(KEYS).map(([name, { secretKey, publicKey }]) => [
      name,
      { seed: toHex(secretKey), publicKey: toHex(publicKey) },
    ]),
  );
}

function makeDocuments() {
  return GENESES.map((genesis) => {
    const encoding = encodeGenesis(genesis);
    return {
      genesis: diagnostic(decodeItem(encoding)),
      encoding: toHex(encoding),
      id: toHex(genesisDocumentId(genesis)),
    };
  });
}

function makeValues() {
  return {
    accepted: VALUES.map((value) => {
      const encoding = encodeValue(value);
      return {
        diagnostic: diagnostic(decodeItem(encoding)),
        encoding: toHex(encoding),
        json: canonicalJson(value),
      };
    }),
    refused: NO_VALUES.map(([encoding, reason]) => ({ encoding, reason })),
  };
}

function makeChanges() {
  const changes = Object.entries(CHANGES).map(([name, { id, body, signature, header }]) => {
    const decoded = decodeBody(body);
    if (!decoded.ok) throw new Error(`${name}: ${decoded.error.detail}`);
    const { opsOffset, opCount, elements, detached, ...fields } = decoded.value;
    expect(fields).toEqual(header);
    const { document, author, chain, seq, prev, parents, lamport, time, refs } = fields;
    const reader = new ByteReader(body, opsOffset);
    const ops = opsOf(decodeChange(body)).map((op) => {
      const isFormed = op.isDetached ? null : readOp(reader).kind !== INERT;
      // What is behind a detached op is not read.
      if (op.isDetached) reader.fail();
      return { ...op, isFormed: detached ? null : isFormed };
    });
    expect([ops.length, ops.reduce((sum, { made }) => sum + made, 0)]).toEqual([opCount, elements]);
    return {
      name,
      id: toHex(id),
      body: toHex(body),
      signature: toHex(signature),
      header: {
        document: toHex(document),
        author: toHex(author),
        chain: String(chain),
        seq,
        prev: prev && toHex(prev),
        parents: parents.map(toHex),
        lamport,
        time,
        refs: refs.map(toHex),
      },
      ops,
    };
  });
  return { document: toHex(DOCUMENT), changes };
}

function headerOf({ document, author, chain, seq, prev, parents, lamport, time, refs }: Change) {
  return { document, author, chain: String(chain), seq, prev, parents, lamport, time, refs };
}

function opsOf({ ops }: Change) {
  return ops.map(({ kind, made, targets, content, detached }) => ({
    kind,
    made,
    targets: diagnostic(targets),
    ...(detached ? {} : { content: diagnostic(content) }),
    isDetached: detached,
  }));
}

/** What becomes of each group, received one after another by one replica. */
function makeRejections() {
  const history = new History({ document: DOCUMENT });
  return REFUSALS.map(([name, group]) => {
    const { results, code, applied } = history.receive(group);
    const ofChanges = results.map(({ id, status, code, scope }) => ({
      id: toHex(id),
      outcome: code ?? (history.indexOf(id) >= 0 && status === "pending" ? "applied" : status),
      ...(scope === undefined ? {} : { refuses: scope }),
    }));
    ofChanges.sort((a, b) => (a.id + a.outcome < b.id + b.outcome ? -1 : 1));
    return {
      name,
      group: toHex(group),
      outcomes: results.length === 0 ? code! : ofChanges,
      applied: applied.map((index) => toHex(history.idAt(index))),
    };
  });
}

function makeGroups() {
  const proof = decodeForkProof(encodeForkProof(...FORK));
  if (!proof.ok) throw new Error(proof.error.detail);
  const history = new History({ document: DOCUMENT });
  for (const group of GROUPS) expect(history.receive(group).status).toBe("applied");
  expect(history.length).toBe(Object.keys(CHANGES).length);
  const { document, author, chain, seq, ids, bytes } = proof.value;
  const { a1, a2, c1, c2x, c2y, c3x } = CHANGES as { readonly [name: string]: Written } & {
    [K in "a1" | "a2" | "c1" | "c2x" | "c2y" | "c3x"]: Written;
  };
  const [low, high] = FORK;
  const inOrder = (shown: Uint8Array): [Uint8Array, Uint8Array] =>
    toHex(c2x.id) < toHex(c2y.id) ? [shown, groupOf([c2y])] : [groupOf([c2y]), shown];
  const noProofs: [string, Uint8Array][] = [
    ["the greater id first", encodeForkProof(high, low)],
    ["the same change twice", encodeForkProof(low, low)],
    ["changes of two seqs", encodeForkProof(groupOf([c1]), groupOf([c2x]))],
    ["changes of two authors", encodeForkProof(groupOf([a1]), groupOf([c1]))],
    ["a change without a signature", encodeForkProof(groupOf([c2x], [c2x]), groupOf([c2y], [c2y]))],
    [
      "a group whose entries are not linked",
      encodeForkProof(...inOrder(groupOf([c2x, a2], [c2x]))),
    ],
    ["a signature before the last", encodeForkProof(...inOrder(groupOf([c2x, c3x])))],
    ["one group", bytesOf(`81${toHex(encodeValue(low))}`)],
  ];
  return {
    groups: GROUPS.map(toHex),
    forkProof: {
      bytes: toHex(bytes),
      document: toHex(document),
      author: toHex(author),
      chain: String(chain),
      seq,
      ids: ids.map(toHex),
    },
    /** The forks of the whole history: the ids of two changes for each forked chain. */
    forks: history
      .forks()
      .map(({ ids }) => ids.map(toHex))
      .sort((a, b) => (a[0]! < b[0]! ? -1 : 1)),
    noForkProofs: noProofs.map(([name, bytes]) => ({ name, bytes: toHex(bytes) })),
  };
}

function makeSaved() {
  const saved = { document: DOCUMENT, schema: schemaDigest(SCHEMA), groups: GROUPS };
  const bytes = encodeSaved(saved);
  const decoded = decodeSaved(bytes);
  expect(decoded.ok && [...decoded.value.groups].map(toHex)).toEqual(GROUPS.map(toHex));
  const first = { ...saved, groups: GROUPS.slice(0, 1) };
  const bad = [...GROUPS[0]!.subarray(0, -1), 0];
  const refused: [string, string, Uint8Array][] = [
    ["nothing", "malformed", new Uint8Array(0)],
    ["another text", "malformed", encodeValue(["bft-json", 1, DOCUMENT, null, []])],
    ["another version", "unsupported_version", encodeValue(["bft-json-crdt", 2])],
    ["four items", "malformed", encodeValue(["bft-json-crdt", 1, DOCUMENT, null])],
    ["a digest of 31 bytes", "malformed", encodeSaved({ ...first, schema: new Uint8Array(31) })],
    ["another document", "wrong_document", encodeSaved({ ...first, document: documentId("main") })],
    [
      "a signature that is not valid",
      "bad_signature",
      encodeSaved({ ...first, groups: [Uint8Array.from(bad)] }),
    ],
    ["bytes behind it", "malformed", Uint8Array.of(...encodeSaved(first), 0)],
  ];
  return {
    bytes: toHex(bytes),
    withoutDigest: toHex(encodeSaved({ ...first, schema: null })),
    refused: refused.map(([name, code, bytes]) => ({ name, code, bytes: toHex(bytes) })),
  };
}

function makeViews() {
  const document = new Document({ schema: SCHEMA, id: DOCUMENT });
  const stages = Object.entries(CHANGES).map(([after, change]) => {
    expect(document.receive(groupOf([change])).status, after).toBe("applied");
    return { after, viewDigest: document.viewDigest() };
  });
  return {
    description: toHex(encodeValue(describeSchema(SCHEMA))),
    digest: toHex(schemaDigest(SCHEMA)),
    frontier: document.frontier().map(toHex),
    view: JSON.parse(document.viewJson()) as unknown,
    viewDigest: document.viewDigest(),
    stages,
  };
}

function makeSync() {
  const history = new History({ document: DOCUMENT });
  for (const change of Object.values(CHANGES)) history.receive(groupOf([change]));
  const summary = new TipSummary(history);
  const wide = new History({ document: DOCUMENT });
  for (let i = 0; i < 257; i++) {
    wide.receive(groupOf([writeChange(DOCUMENT, { author: KEYS.alice, chain: BigInt(i) })]));
  }
  const frontier = frontierOf(wide);
  return {
    tips: history
      .tips()
      .map((tip) => ({
        author: toHex(tip.author),
        chain: String(tip.chain),
        seq: tip.seq,
        id: toHex(tip.id),
        bucket: bucketOf(tip),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    bucketHashes: summary.hashes.map(toHex),
    wideFrontier: {
      heads: wide.frontier().map(toHex),
      digest: "digest" in frontier ? toHex(frontier.digest) : "",
    },
  };
}

/** The description of a schema by section 11.2. */
function describeSchema(schema: Schema): Value[] {
  switch (schema.kind) {
    case "leaf":
      return ["leaf", schema.type, schema.default, schema.optional];
    case "set":
    case "list":
    case "log":
      return [schema.kind, ...describeSchema(schema.item)];
    case "map":
      return ["map", ...describeSchema(schema.value)];
    case "struct": {
      const names = Object.keys(schema.fields).sort();
      const fields = names.flatMap((name) => [name, ...describeSchema(schema.fields[name]!)]);
      return ["struct", names.length, ...fields];
    }
    default:
      return [schema.kind];
  }
}

/** Section 17: one change, from what it says to what is sent. */
function workedExample(): string {
  const { publicKey, secretKey } = KEYS.alice;
  const title = { owner: null, path: ["title"] };
  const change = writeChange(documentId("main"), {
    author: KEYS.alice,
    time: 1_700_000_000_000,
    ops: () => [
      { kind: 2, made: 5, parent: null, side: 1, place: title, content: "Hi 🌍!" },
      { kind: 3, made: 0, ranges: [0, 0, 4, 1] },
      { kind: 4, made: 1, place: { owner: null, path: ["done"] }, ranges: [], content: true },
    ],
  });
  const group = groupOf([change]);
  const document = new Document({ schema: EXAMPLE_SCHEMA, id: documentId("main") });
  expect(document.receive(group).status).toBe("applied");
  const fact = (name: string, value: string): string => `| ${name} | \`${value}\` |\n`;
  return [
    'An author with the secret seed below makes the first change of chain 0 in the document "main": it inserts "Hi 🌍!"\n',
    "into the field `title`, removes the exclamation mark, and assigns true to `done`. The body:\n\n",
    `\`\`\`change\n${dump(change.body)}\`\`\`\n\n| | |\n|---|---|\n`,
    fact("seed", toHex(secretKey)),
    fact("public key", toHex(publicKey)),
    fact("change id", toHex(change.id)),
    fact("signed message", toHex(signedMessage(change.id))),
    fact("signature", toHex(change.signature)),
    "\nThe change makes six elements: the characters `H`, `i`, space, `🌍` and `!` have the indexes 0 to 4, and the\n",
    "assignment has 5. Each character but the first is the right child of the one before it. As it is sent, in a group of\n",
    `one (\`81\`: array of 1, \`82\`: array of 2, \`58${toHex(Uint8Array.of(change.body.length))}\`: the body, \`5840\`: the signature):\n\n`,
    `\`\`\`group\n${toHex(group).replaceAll(/.{64}(?=.)/gu, "$&\n")}\n\`\`\`\n\n`,
    "Its view through the schema of 11.2, and the digest of it:\n\n",
    `\`\`\`view\n${document.viewJson()}\n${document.viewDigest()}\n\`\`\`\n\n`,
  ].join("");
}

/** A body, one item a line, with what each is. */
function dump(body: Uint8Array): string {
  const fields = "version document author chain seq prev parents lamport time refs ops".split(" ");
  const items = "kind made targets content".split(" ");
  const reader = new ByteReader(body);
  const lines: string[] = [];
  const line = (depth: number, start: number, note: string): void => {
    const hex = `${"   ".repeat(depth)}${toHex(body.subarray(start, reader.offset))}`;
    lines.push(`${hex.padEnd(80)}# ${note}\n`);
  };
  const walk = (depth: number, label: string, labels: readonly string[]): void => {
    const start = reader.offset;
    if (reader.peek() === 4) {
      const count = reader.arrayHeader();
      line(depth, start, `${label}array of ${count}`);
      for (let i = 0; i < count; i++) {
        const name = labels[i] === undefined ? "" : `${labels[i]}: `;
        walk(depth + 1, name, name === "ops: " ? ["op", "op", "op"] : name === "op: " ? items : []);
      }
      return;
    }
    reader.skip();
    const shown = diagnostic(decodeItem(body.subarray(start, reader.offset)));
    line(
      depth,
      start,
      label + (shown.startsWith("h'") ? `${reader.offset - start - 2} bytes` : shown),
    );
  };
  walk(0, "", fields);
  expect(reader.done).toBe(true);
  return lines.join("");
}
