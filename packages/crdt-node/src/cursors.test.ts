/** Cursors in a store: what comes back, what does not, and what a relay that tells too many can do. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cursor, documentId } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StoredCursors } from "./cursors.ts";

const MAIN = documentId("main");
const URL = "ws://relay/websocket";

let folder = "";
let db: ClassicLevel<Uint8Array, Uint8Array>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cursors-"));
  db = new ClassicLevel(folder, { keyEncoding: "view", valueEncoding: "view" });
  await db.open();
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

function cursorAt(position: number): Cursor {
  return { epoch: "ab".repeat(16), position, order: "cd".repeat(32) };
}

test("what was kept comes back for its document and its relay", async () => {
  const cursors = await StoredCursors.open(db, MAIN);
  cursors.set(URL, cursorAt(3));
  cursors.set(`${URL}/other`, cursorAt(4));
  expect(cursors.get(URL)).toEqual(cursorAt(3));
  await cursors.written();
  const again = await StoredCursors.open(db, MAIN);
  expect([URL, `${URL}/other`, "ws://"].map((url) => again.get(url)?.position)).toEqual([
    3,
    4,
    undefined,
  ]);
  const other = await StoredCursors.open(db, documentId("other"));
  expect(other.get(URL)).toBeUndefined();
});

test("what is no cursor is passed over", async () => {
  const cursors = await StoredCursors.open(db, MAIN);
  cursors.set(URL, cursorAt(3));
  await cursors.written();
  for await (const [key] of db.iterator()) {
    for (const value of ["{", "null", JSON.stringify(cursorAt(-1))]) {
      await db.put(key, new TextEncoder().encode(value));
      expect((await StoredCursors.open(db, MAIN)).get(URL)).toBeUndefined();
    }
  }
});

test("however many are told, one write is on its way, and the last one is kept", async () => {
  const put = vi.spyOn(db, "put");
  const cursors = await StoredCursors.open(db, MAIN);
  for (let position = 1; position <= 1_000; position++) cursors.set(URL, cursorAt(position));
  await cursors.written();
  expect(put).toHaveBeenCalledTimes(2);
  expect((await StoredCursors.open(db, MAIN)).get(URL)).toEqual(cursorAt(1_000));
  cursors.set(URL, cursorAt(1_001));
  await cursors.written();
  expect((await StoredCursors.open(db, MAIN)).get(URL)).toEqual(cursorAt(1_001));
});

test("a disk that fails costs the cursor and nothing else", async () => {
  const cursors = await StoredCursors.open(db, MAIN);
  vi.spyOn(db, "put").mockRejectedValueOnce(new Error("the disk is full"));
  cursors.set(URL, cursorAt(1));
  await cursors.written();
  expect((await StoredCursors.open(db, MAIN)).get(URL)).toBeUndefined();
});
