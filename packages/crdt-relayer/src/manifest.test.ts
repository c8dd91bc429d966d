import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { afterAll, expect, it } from "vitest";
import { journalNamedIn, missingJournal } from "./manifest.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A database that was written to, opened again and compacted so many times. */
async function database(times: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "manifest-"));
  folders.push(folder);
  for (let time = 0; time < times; time++) {
    const db = new ClassicLevel(folder, { writeBufferSize: 65_536 });
    await db.open();
    for (let at = 0; at < 40; at++) await db.put(`${time}/${at}`, "x".repeat(5_000));
    if (time % 2 === 1) await db.compactRange("0", "z");
    await db.close();
  }
  return folder;
}

const journalsIn = (folder: string): string[] =>
  readdirSync(folder).filter((file) => file.endsWith(".log"));

it("a manifest names the journal that is there, however often the database was opened and compacted", async () => {
  for (const times of [1, 2, 5]) {
    const folder = await database(times);
    expect(missingJournal(folder)).toBeNull();
    const [journal] = journalsIn(folder);
    rmSync(join(folder, journal!));
    expect(missingJournal(folder)).toBe(journal);
    // LevelDB itself takes what was in there for never written.
    const db = new ClassicLevel(folder);
    await db.open();
    await db.close();
    expect(missingJournal(folder)).toBeNull();
    await ClassicLevel.repair(folder);
    expect(missingJournal(folder)).toBeNull();
  }
});

it("a manifest that cannot be read names none, whatever is in it", async () => {
  const folder = await database(3);
  const name = readdirSync(folder).find((file) => file.startsWith("MANIFEST"))!;
  const manifest = readFileSync(join(folder, name));
  const numbers = new Set<number>();
  for (let at = 0; at < manifest.length; at++) {
    const damaged = Uint8Array.from(manifest);
    damaged[at]! ^= 0x81;
    numbers.add(journalNamedIn(damaged));
    numbers.add(journalNamedIn(manifest.subarray(0, at)));
  }
  // Those that it has named before, or none.
  const named = journalNamedIn(manifest);
  for (const number of numbers) expect(number).toBeLessThanOrEqual(named);
  expect(numbers.has(0)).toBe(true);
  rmSync(join(folder, "CURRENT"));
  expect(missingJournal(folder)).toBeNull();
});
