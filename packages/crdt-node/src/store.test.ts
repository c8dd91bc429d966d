import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Document, documentId, generateKeyPair, list, string, struct } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renewChain, writeUnused } from "./chain.ts";
import { ensureSideHome, type NodeHome, nodeHome } from "./home.ts";
import { MarkFile } from "./mark.ts";
import { holderOf, openStore } from "./store.ts";
import { whereabouts } from "./whereabouts.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function homeOf(name: string): NodeHome {
  const home = nodeHome(name, { SIDE_HOME: folder });
  mkdirSync(home.store, { recursive: true });
  writeFileSync(home.keys, "a new key");
  writeUnused(home);
  return home;
}

async function chainOf(home: NodeHome): Promise<bigint> {
  const store = await openStore(home, documentId("main"), "test");
  if (store === null) throw new Error("the store is in use");
  await store.close();
  return store.chain;
}

test("one process has a store open at a time, and says who it is", async () => {
  ensureSideHome({ SIDE_HOME: folder });
  const home = homeOf("exclusive");
  const store = await openStore(home, documentId("main"), "run");
  expect(await openStore(home, documentId("main"), "view")).toBeNull();
  expect(holderOf(home)).toEqual({ pid: process.pid, command: "run" });
  await store?.close();
  expect(holderOf(home)).toBeNull();
  await chainOf(home);
});

test("a store that another process has opened meanwhile, whatever became of the lock, stores nothing more", async () => {
  const home = homeOf("unlocked");
  const store = await openStore(home, documentId("main"), "run");
  await store!.append([], null);
  // A backup by hard links changes the file's state, not what was written.
  linkSync(home.chain, `${home.chain}.backup`);
  await store!.append([], null);
  renewChain(home.chain, 7n);
  await expect(store!.append([], null)).rejects.toThrow("another process has opened this store");
  await store!.close();
});

test("the first store made with a key writes to chain 0, every time, even after it was moved", async () => {
  const home = homeOf("first");
  expect(await chainOf(home)).toBe(0n);
  expect(await chainOf(home)).toBe(0n);
  const moved = nodeHome("moved", { SIDE_HOME: folder });
  renameSync(home.folder, moved.folder);
  expect(await chainOf(moved)).toBe(0n);
});

test("a copy, a restored backup and a store made anew each write to a chain of their own", async () => {
  const home = homeOf("original");
  expect(await chainOf(home)).toBe(0n);

  const copy = nodeHome("copy", { SIDE_HOME: folder });
  cpSync(home.folder, copy.folder, { recursive: true });
  const copied = await chainOf(copy);
  expect(copied).not.toBe(0n);
  expect(await chainOf(copy)).toBe(copied);
  expect(await chainOf(home)).toBe(0n);

  rmSync(home.store, { recursive: true });
  const anew = await chainOf(home);
  expect([0n, copied]).not.toContain(anew);
  expect(await chainOf(home)).toBe(anew);

  rmSync(home.chain);
  expect([0n, copied, anew]).not.toContain(await chainOf(home));
  expect(readFileSync(home.chain, "utf8")).toContain("chain");
});

/** Changes what a store says of chain.json, as text. */
async function renote(home: NodeHome, change: (note: string) => string): Promise<void> {
  const database = new ClassicLevel(home.store);
  const note = await database.get("mstore");
  await database.put("mstore", change(note!));
  await database.close();
}

test("a store that was written last in another place, as in another container of one image, takes a chain of its own", async () => {
  const home = homeOf("image");
  expect(await chainOf(home)).toBe(0n);
  const here = whereabouts(home.chain);
  await renote(home, (note) => note.replace(here, here));
  expect(await chainOf(home)).toBe(0n);
  await renote(home, (note) => note.replace(here, "0".repeat(32)));
  const chain = await chainOf(home);
  expect(chain).not.toBe(0n);
  expect(await chainOf(home)).toBe(chain);

  const unused = homeOf("unused-image");
  const file = readFileSync(unused.chain, "utf8");
  writeFileSync(unused.chain, file.replace(whereabouts(unused.store), "0".repeat(32)));
  expect(await chainOf(unused)).not.toBe(0n);
});

test("a store of an earlier version, which did not say where it was, takes another chain once", async () => {
  const home = homeOf("earlier");
  expect(await chainOf(home)).toBe(0n);
  await renote(home, (note) => note.replace(`${whereabouts(home.chain)} `, ""));
  const chain = await chainOf(home);
  expect(chain).not.toBe(0n);
  expect(await chainOf(home)).toBe(chain);
});

test("chain 0 is not for a key that was there before, nor for a new store of an old one", async () => {
  const key = homeOf("old-key");
  writeFileSync(key.keys, "a key from a backup");
  expect(await chainOf(key)).not.toBe(0n);

  const emptied = homeOf("emptied");
  const files = readFileSync(emptied.chain);
  expect(await chainOf(emptied)).toBe(0n);
  // As rsync does it: what is unchanged stays, the rest is replaced by what it was before the first start.
  rmSync(emptied.mark);
  for (const name of readdirSync(emptied.store)) rmSync(join(emptied.store, name));
  writeFileSync(emptied.chain, files);
  expect(await chainOf(emptied)).not.toBe(0n);
});

test("a store whose CURRENT is damaged or missing is reported as damaged, and not made anew", async () => {
  const damages: ((path: string) => void)[] = [
    (path) => {
      writeFileSync(path, "MANIFEST-999999\n");
    },
    (path) => {
      writeFileSync(path, "junk");
    },
    rmSync,
  ];
  for (const [i, damage] of damages.entries()) {
    const home = homeOf(`damaged-${i}`);
    await chainOf(home);
    damage(join(home.store, "CURRENT"));
    await expect(chainOf(home)).rejects.toMatchObject({
      exitCode: 5,
      complaint: { next: expect.stringContaining(`mv ${home.store} `) as string },
    });
  }
});

test("chain 0 is not for a store without chain.json, without a key, or that was opened before", async () => {
  const without = homeOf("without-chain");
  rmSync(without.chain);
  expect(await chainOf(without)).not.toBe(0n);

  const keyless = homeOf("keyless");
  rmSync(keyless.keys);
  writeFileSync(keyless.chain, '{"chain":"0"}');
  expect(await chainOf(keyless)).not.toBe(0n);

  const opened = homeOf("opened-before");
  expect(await chainOf(opened)).toBe(0n);
  writeUnused(opened);
  expect(await chainOf(opened)).not.toBe(0n);
});

test("a store whose mark has damage in it takes another chain", async () => {
  const home = homeOf("torn-mark");
  expect(await chainOf(home)).toBe(0n);
  writeFileSync(home.mark, "torn", { flag: "a" });
  expect(await chainOf(home)).not.toBe(0n);
});

test("a note of who holds the store is taken only if it says both", () => {
  const home = homeOf("noted");
  for (const note of ["", "{", "null", '{"pid":"1","command":"run"}', '{"pid":1,"command":2}']) {
    writeFileSync(home.lock, note);
    expect(holderOf(home)).toBeNull();
  }
});

test("a mark that cannot be opened is an error of the file system, in words", async () => {
  const home = homeOf("no-mark");
  mkdirSync(home.mark);
  await expect(chainOf(home)).rejects.toMatchObject({
    exitCode: 1,
    complaint: { what: `cannot open the store ${home.store}` },
  });
});

/** Records of as many changes as are asked for. */
function someRecords(count: number): { ids: Uint8Array[]; group: Uint8Array }[] {
  const document = new Document({
    schema: struct({ lines: list(string()) }),
    id: documentId("main"),
    keyPair: generateKeyPair(),
  });
  return Array.from({ length: count }, (_, at) => {
    const { id, bytes } = document.change((doc) => doc.lines.push(String(at)));
    return { ids: [id], group: bytes };
  });
}

/** The mark in a store's file, for its document. */
function markOf(home: NodeHome): MarkFile["mark"] {
  const file = new MarkFile(home.mark, documentId("main"));
  file.close();
  return file.mark;
}

function writeMark(home: NodeHome, records: number): void {
  const file = new MarkFile(home.mark, documentId("main"));
  file.write({ records, own: null });
  file.close();
}

test("each append moves the mark to the end of the log", async () => {
  const home = homeOf("marked");
  const store = await openStore(home, documentId("main"), "test");
  const records = someRecords(3);
  await store!.append(records.slice(0, 2), null);
  expect([store!.mark.records, markOf(home)?.records]).toEqual([2, 2]);
  await store!.append(records.slice(2), null);
  await store!.close();
  expect(markOf(home)?.records).toBe(3);
});

test("a store that has lost its end keeps no chain, and its mark stays to be seen", async () => {
  const home = homeOf("lost-end");
  expect(await chainOf(home)).toBe(0n);
  writeMark(home, 5);
  const chains = [await chainOf(home), await chainOf(home)];
  expect(chains).not.toContain(0n);
  expect(chains[0]).not.toBe(chains[1]);
  expect(markOf(home)?.records).toBe(5);
});

test("a database that was there before and is empty is not taken for a new one", async () => {
  const home = homeOf("emptied-database");
  const database = new ClassicLevel(home.store);
  await database.open();
  await database.close();
  writeMark(home, 5);
  expect(await chainOf(home)).not.toBe(0n);
  expect(markOf(home)?.records).toBe(5);
});

test("a log with records whose mark is gone takes another chain", async () => {
  const home = homeOf("no-mark-left");
  const store = await openStore(home, documentId("main"), "test");
  await store!.append(someRecords(1), null);
  await store!.close();
  expect(store!.chain).toBe(0n);
  truncateSync(home.mark, 0);
  expect(await chainOf(home)).not.toBe(0n);
});

test("a mistake in the program is not told as a fault of the store", async () => {
  const home = homeOf("mistaken");
  await expect(openStore(home, null as unknown as Uint8Array, "test")).rejects.toThrow(TypeError);
});
