/**
 * Stores: a log of changes of which records were altered, lost, swapped or slipped in, a saved file, and the small files
 * beside a node's store. Reading never throws, nothing is applied that was never made, and no change is lost without a
 * word, but for what no log can know: that its end is missing, or that a record in it is another honest one.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryLevel } from "memory-level";
import { DOCUMENT, freshChanges, makeChanges, schemaOf, SCHEMAS } from "../history.ts";
import type { MadeChange } from "../history.ts";
import { Document } from "../../packages/bft-json-crdt/src/document/index.ts";
import {
  compareBytes,
  equalBytes,
  toHex,
} from "../../packages/bft-json-crdt/src/encoding/index.ts";
import { History } from "../../packages/bft-json-crdt/src/history/index.ts";
import { ChangeLog, recordsOf } from "../../packages/bft-json-crdt/src/store/index.ts";
import type { LevelLike } from "../../packages/bft-json-crdt/src/store/index.ts";
import type { Choices } from "../../packages/bft-json-crdt/test/random-edits.ts";
import { readChain } from "../../packages/crdt-node/src/chain.ts";
import { MarkFile } from "../../packages/crdt-node/src/mark.ts";
import { promise } from "../target.ts";
import type { Target } from "../target.ts";
import { asArray, asBytes, asIndex, asText, fieldOf } from "../tree.ts";
import type { Tree } from "../tree.ts";

/** Opens a log; a test may open broken ones. */
export type OpenLog = (db: LevelLike, document: Uint8Array) => ChangeLog;

type Database = MemoryLevel<Uint8Array, Uint8Array>;

/**
 * A log, a file and what stands beside a store. Input: `{schema, changes, damage: [{kind, at, with}, …], saved: [bit, …],
 * mark, chain}`.
 */
export function storeTarget(open: OpenLog = (db, document) => new ChangeLog(db, document)): Target {
  return {
    name: "store",
    about: "damaged logs, saved files, and the mark and chain files of a node",
    words: ["chain", "nonce", "unused", "18446744073709551615", '{"chain":"', '"}'],
    fresh,
    run: async (input) => {
      const changes = makeChanges(fieldOf(input, "changes"));
      await checkLog(changes, asArray(fieldOf(input, "damage")), open);
      checkFile(changes, input);
      checkNotes(input);
    },
  };
}

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

async function checkLog(
  changes: readonly MadeChange[],
  damage: readonly Tree[],
  open: OpenLog,
): Promise<void> {
  const db: Database = new MemoryLevel({
    keyEncoding: "view",
    valueEncoding: "view",
    storeEncoding: "view",
  });
  const original = new History({ document: DOCUMENT });
  const log = open(db, DOCUMENT);
  for (const { group } of changes)
    await log.append(recordsOf(original, original.receive(group).applied));
  const before = await entriesOf(db);
  for (const one of damage.slice(0, 8)) await harm(db, one);
  const after = await entriesOf(db);

  const damaged = open(db, DOCUMENT);
  await damaged.open();
  const history = new History({ document: DOCUMENT });
  let faults = 0;
  for await (const fault of damaged.replay(history)) if (fault !== null) faults++;

  const made = new Set(changes.map(({ id }) => toHex(id)));
  for (let index = 0; index < history.length; index++)
    promise(made.has(toHex(history.idAt(index))), "a change is applied that nobody made");
  if (faults === 0) checkLoss(original, history, before, after);
  // What is appended after damage is there afterwards.
  await damaged.append([]);
}

/** Without a fault, only the end may be missing, and what stands in the place of a record that is another one's. */
function checkLoss(
  original: History,
  history: History,
  before: readonly Entry[],
  after: readonly Entry[],
): void {
  const last = after.at(-1);
  let index = 0;
  for (const { key, value } of before) {
    const row = index++;
    if (history.indexOf(original.idAt(row)) >= 0) continue;
    if (last === undefined || compareBytes(key, last.key) > 0) continue;
    const there = after.find((entry) => equalBytes(entry.key, key));
    const isOther = before.some(
      (entry) => there !== undefined && equalBytes(entry.value, there.value),
    );
    promise(isOther && !equalBytes(value, there!.value), "a change is lost, and nothing says so");
  }
}

async function entriesOf(db: Database): Promise<Entry[]> {
  const entries = await db.iterator().all();
  // Others than those of this log may lie in the same database.
  const isOurs = (key: Uint8Array): boolean =>
    key.length === 41 && key[0] === 0x67 && equalBytes(key.subarray(1, 33), DOCUMENT);
  return entries.flatMap(([key, value]) => (isOurs(key) ? [{ key, value }] : []));
}

/** One thing that a disk, or whoever has it in their hands, may do. */
async function harm(db: Database, damage: Tree): Promise<void> {
  const entries = await db.iterator().all();
  const at = asIndex(fieldOf(damage, "at"), entries.length);
  const entry = entries[at];
  if (entry === undefined) return;
  const [key, value] = entry;
  const what = fieldOf(damage, "with");
  const flipped = (bytes: Uint8Array): Uint8Array => {
    const bit = asIndex(what, 8 * bytes.length);
    return bytes.length === 0 ? bytes : bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)));
  };
  switch (asIndex(fieldOf(damage, "kind"), 7)) {
    case 0:
      return db.put(key, flipped(value));
    case 1:
      await db.del(key);
      return db.put(flipped(key), value);
    case 2:
      return db.del(key);
    case 3:
      return db.put(key, value.slice(0, asIndex(what, value.length + 1)));
    case 4:
      return db.put(key, entries[asIndex(what, entries.length)]![1]);
    case 5:
      return db.put(key, asBytes(what));
    default:
      return db.put(new Uint8Array(Buffer.concat([key, asBytes(what)])), value);
  }
}

/** A saved file with flipped bits: refused, or a document of changes that were made. */
function checkFile(changes: readonly MadeChange[], input: Tree): void {
  const schema = schemaOf(fieldOf(input, "schema"));
  const document = new Document({ schema, id: DOCUMENT, chain: 1n });
  for (const { group } of changes) document.receive(group);
  const bytes = document.save();
  const bits = asArray(fieldOf(input, "saved")).slice(0, 8);
  for (const bit of bits) {
    const at = asIndex(bit, 8 * bytes.length);
    bytes[at >> 3]! ^= 1 << (at & 7);
  }
  const loaded = Document.load(bytes, { schema, id: DOCUMENT, chain: 1n });
  if (!loaded.ok) return promise(bits.length > 0, "an undamaged file is refused");
  loaded.value.view();
  for (const id of loaded.value.frontier())
    promise(document.history.indexOf(id) >= 0, "a file holds a change that nobody made");
}

/** The mark and chain.json of a node, whatever they hold. */
function checkNotes(input: Tree): void {
  const folder = scratch();
  const chain = join(folder, "chain.json");
  writeFileSync(chain, asText(fieldOf(input, "chain")));
  const read = readChain(chain);
  promise(read === null || BigInt.asUintN(64, read.chain) === read.chain, "a chain beyond 64 bits");
  const path = join(folder, "mark");
  writeFileSync(path, asBytes(fieldOf(input, "mark")));
  const mark = new MarkFile(path, DOCUMENT);
  try {
    const written = { records: 3, own: { id: new Uint8Array(32).fill(5), chain: 7n, seq: 2 } };
    if (!mark.intact) mark.mend();
    mark.write(written);
  } finally {
    mark.close();
  }
  const again = new MarkFile(path, DOCUMENT);
  again.close();
  promise(again.intact && again.mark?.records === 3, "a mark is not there after it was written");
}

let folder = "";

/** A folder of this process, which goes when it ends. */
function scratch(): string {
  if (folder === "") {
    folder = mkdtempSync(join(tmpdir(), "fuzz-store-"));
    process.once("exit", () => {
      rmSync(folder, { recursive: true, force: true });
    });
  }
  return folder;
}

function fresh(choices: Choices): Tree {
  const schema = 1 + choices.below(SCHEMAS.length - 1);
  const changes = freshChanges(schemaOf(schema), choices, 8);
  const damage = Array.from({ length: choices.below(4) }, (): Tree => {
    const kind = choices.below(7);
    const bytes = choices.pick([
      new Uint8Array(),
      Uint8Array.of(0x82, 0x40, 0x40),
      Uint8Array.of(0),
    ]);
    return { kind, at: choices.below(12), with: kind > 4 ? bytes : choices.below(4_000) };
  });
  const saved = choices.oneIn(2) ? [choices.below(20_000)] : [];
  const chain = choices.pick(['{"chain":"5","nonce":"ab"}', "", "{}", "null", '{"chain":5}']);
  return {
    schema,
    changes,
    damage,
    saved,
    mark: new Uint8Array(choices.pick([0, 128, 130])),
    chain,
  };
}
