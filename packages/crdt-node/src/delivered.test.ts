import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { documentId } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StoredDelivered } from "./delivered.ts";

const MAIN = documentId("main");

let folder = "";
let db: ClassicLevel<Uint8Array, Uint8Array>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "delivered-"));
  db = new ClassicLevel(folder, { keyEncoding: "view", valueEncoding: "view" });
  await db.open();
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

test("what was delivered is known again, of its document only", async () => {
  const delivered = await StoredDelivered.open(db, MAIN);
  expect(delivered.id).toBeNull();
  delivered.set(documentId("a change"));
  expect(delivered.id).toEqual(documentId("a change"));
  await delivered.written();
  expect((await StoredDelivered.open(db, MAIN)).id).toEqual(documentId("a change"));
  expect((await StoredDelivered.open(db, documentId("other"))).id).toBeNull();
});

test("however often it is told, one write is on its way, and the last one is kept", async () => {
  const put = vi.spyOn(db, "put");
  const delivered = await StoredDelivered.open(db, MAIN);
  for (let i = 0; i < 1_000; i++) delivered.set(documentId(String(i)));
  await delivered.written();
  expect(put.mock.calls.length).toBeLessThan(4);
  expect((await StoredDelivered.open(db, MAIN)).id).toEqual(documentId("999"));
});

test("a disk that fails ends nothing here", async () => {
  vi.spyOn(db, "put").mockRejectedValue(new Error("ENOSPC"));
  const delivered = await StoredDelivered.open(db, MAIN);
  delivered.set(documentId("a change"));
  await delivered.written();
  expect((await StoredDelivered.open(db, MAIN)).id).toBeNull();
});
