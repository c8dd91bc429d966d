import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { documentId } from "bft-json-crdt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MarkFile } from "./mark.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mark-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function opened<R>(path: string, room: string, use: (file: MarkFile) => R): R {
  const file = new MarkFile(path, documentId(room));
  try {
    return use(file);
  } finally {
    file.close();
  }
}

const own = { id: documentId("any 32 bytes"), chain: 2n ** 64n - 1n, seq: 7 };

test("each document has a mark of its own in one file, which stays the same file", () => {
  const path = join(folder, "two");
  const inode = opened(path, "a", (file) => {
    expect([file.mark, file.intact]).toEqual([null, true]);
    file.write({ records: 3, own });
    file.write({ records: 4, own });
    return file.inode;
  });
  opened(path, "b", (file) => {
    expect(file.mark).toBeNull();
    file.write({ records: 1, own: null });
  });
  opened(path, "a", (file) => {
    expect([file.mark, file.intact, file.inode]).toEqual([{ records: 4, own }, true, inode]);
  });
  expect(opened(path, "b", (file) => file.mark)).toEqual({ records: 1, own: null });
  expect(readFileSync(path)).toHaveLength(256);
});

test("a damaged slot is noticed and can be left out, and the others stay", () => {
  const path = join(folder, "damaged");
  for (const room of ["a", "b"])
    opened(path, room, (file) => {
      file.write({ records: 5, own });
    });
  const bytes = readFileSync(path);
  bytes[81] = 1;
  writeFileSync(path, Buffer.concat([bytes, Buffer.from("torn")]));
  opened(path, "a", (file) => {
    expect([file.mark, file.intact]).toEqual([null, false]);
    file.mend();
  });
  opened(path, "b", (file) => {
    expect([file.mark, file.intact]).toEqual([{ records: 5, own }, true]);
  });
});
