/** The journal of a real database, cut off and altered at every byte. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { faultIn, readJournal } from "./journal.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crdt-relayer-journal-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes values of these lengths one by one, synced; returns the journal and where each write ends. */
async function journalOf(lengths: readonly number[]): Promise<{ bytes: Buffer; ends: number[] }> {
  const db = new ClassicLevel<string, Uint8Array>(folder, { valueEncoding: "view" });
  await db.open();
  const [file] = journals();
  const read = (): Buffer => readFileSync(join(folder, file!));
  const ends: number[] = [];
  for (const [index, length] of lengths.entries()) {
    await db.put(`key ${index}`, new Uint8Array(length).fill(index + 1), { sync: true });
    ends.push(read().length);
  }
  await db.close();
  return { bytes: read(), ends };
}

function journals(): string[] {
  return readdirSync(folder).filter((file) => file.endsWith(".log"));
}

describe("a journal", () => {
  it("that was written whole has no fault, whatever the lengths of the writes", async () => {
    // Around the end of a block, and over several.
    const block = 32_768;
    const lengths = [0, 1, 500, block - 700, block, 3 * block, 0, 2 * block - 60, 1];
    const { bytes } = await journalOf(lengths);
    expect(faultIn(bytes)).toBeNull();
    expect(readJournal(folder)).toBeNull();
  });

  it("cut off within its last write ends there; the database then has all the others", async () => {
    const { bytes, ends } = await journalOf([30, 70_000, 30]);
    for (const [before, after] of [
      [ends[1]!, ends[2]!],
      [ends[0]!, ends[1]!],
      [0, ends[0]!],
    ] as const) {
      const step = Math.max(1, Math.floor((after - before) / 50));
      for (let cut = before + 1; cut < after; cut += step) {
        expect(faultIn(bytes.subarray(0, cut)), `cut at ${cut}`).toEqual({
          at: before,
          bytes: cut - before,
          isTail: true,
        });
      }
      expect(faultIn(bytes.subarray(0, before))).toBeNull();
    }
    const [file] = journals();
    writeFileSync(join(folder, file!), bytes.subarray(0, ends[2]! - 1));
    expect(readJournal(folder)).toMatchObject({ file, at: ends[1], isTail: true });
    const db = new ClassicLevel(folder);
    await db.open();
    expect(await db.keys().all()).toEqual(["key 0", "key 1"]);
    await db.close();
  });

  it("whose last write came to the disk in parts, or as zeros, ends before it", async () => {
    const { bytes, ends } = await journalOf([30, 100_000]);
    // The first page of the write is missing, all that follows is there.
    const parts = Buffer.from(bytes);
    parts.fill(0, ends[0], ends[0]! + 4_096);
    const zeros = Buffer.from(bytes);
    zeros.fill(0, ends[0]);
    for (const torn of [parts, zeros])
      expect(faultIn(torn)).toMatchObject({ at: ends[0], isTail: true });
  });

  it("with any byte altered before its last write is damaged, and never taken for one that was cut off", async () => {
    const { bytes, ends } = await journalOf([20, 200, 20, 20]);
    for (let at = 0; at < ends[2]!; at++) {
      const altered = Buffer.from(bytes);
      altered[at]! ^= 0x10;
      const start = [0, ...ends].findLast((end) => end <= at);
      expect(faultIn(altered), `byte ${at}`).toMatchObject({ at: start, isTail: false });
    }
  });

  it("that lost its first block, or the end of a write, is damaged", async () => {
    const { bytes, ends } = await journalOf([100_000, 10]);
    expect(faultIn(bytes.subarray(32_768))).toMatchObject({ at: 0, isTail: false });
    const lost = Buffer.concat([bytes.subarray(0, 98_304), bytes.subarray(ends[0])]);
    expect(faultIn(lost)).toEqual({ at: 0, bytes: lost.length, isTail: false });
  });

  it("that ends torn is damaged when a later one was written to", async () => {
    const { bytes, ends } = await journalOf([10, 10]);
    const [file] = journals();
    writeFileSync(join(folder, file!), bytes.subarray(0, ends[1]! - 1));
    const later = join(folder, "999999.log");
    writeFileSync(later, "");
    expect(readJournal(folder)).toMatchObject({ file, isTail: true });
    writeFileSync(later, bytes);
    expect(readJournal(folder)).toMatchObject({ file, isTail: false });
  });

  it("is none where there is no folder", () => {
    expect(readJournal(join(folder, "nowhere"))).toBeNull();
  });
});
