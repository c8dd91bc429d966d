/**
 * `crdt-relayer doctor`, as a process of its own, on stores that were damaged in every way: what it says, what it sets
 * aside, and that the relay and its nodes go on from there.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Document, documentId, generateKeyPair, toHex } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { describe, expect, it } from "vitest";
import type { StoreReport } from "../src/doctor.ts";
import { type Lines, openLines, Participant, writeLine } from "./participant.ts";
import { runCommand, startCommand, startRelay, temporaryFolder } from "./running.ts";

type Level = ClassicLevel<Uint8Array, Uint8Array>;

const LINES = 12;

/** A data folder whose room "main" has some lines, one record each, and "other" has one; and who wrote them. */
async function filledStore(): Promise<{ data: string; alice: Participant; bob: Participant }> {
  const data = temporaryFolder();
  const relay = await startRelay({ data });
  const alice = await Participant.join(relay.url, "main");
  for (let line = 0; line < LINES; line++) await alice.untilDurable(alice.write(`line ${line}`));
  const bob = await Participant.join(relay.url, "other");
  await bob.untilDurable(bob.write("apart"));
  await relay.close();
  return { data, alice, bob };
}

async function withLevel<T>(data: string, work: (db: Level) => Promise<T>): Promise<T> {
  const db: Level = new ClassicLevel(join(data, "store"), {
    keyEncoding: "view",
    valueEncoding: "view",
  });
  await db.open();
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

function keyOf(room: string, position: number): Uint8Array {
  const key = new Uint8Array(41);
  key[0] = 0x67;
  key.set(documentId(room), 1);
  new DataView(key.buffer).setBigUint64(33, BigInt(position));
  return key;
}

/** Everything in a store, by hex keys. */
function contentsOf(data: string): Promise<Map<string, string>> {
  return withLevel(data, async (db) => {
    const entries = await db.iterator().all();
    return new Map(entries.map(([key, value]) => [toHex(key), toHex(value)]));
  });
}

/** Alters one byte of a record. */
async function alter(data: string, room: string, position: number, at: number): Promise<void> {
  await withLevel(data, async (db) => {
    const key = keyOf(room, position);
    const value = (await db.get(key))!.slice();
    value[at < 0 ? value.length + at : at]! ^= 1;
    await db.put(key, value);
  });
}

async function examine(
  data: string,
  ...flags: string[]
): Promise<{ code: number | null; report: StoreReport; stderr: string }> {
  const { code, stdout, stderr } = await runCommand(["doctor", "--data", data, "--json", ...flags]);
  return { code, report: JSON.parse(stdout) as StoreReport, stderr };
}

function roomIn({ rooms }: StoreReport, name: string): StoreReport["rooms"][number] {
  return rooms.find(({ document }) => document === toHex(documentId(name)))!;
}

describe("crdt-relayer doctor", () => {
  it("finds a sound store sound, and counts what is in it", async () => {
    const { data, alice } = await filledStore();
    const before = await contentsOf(data);
    const { code, report, stderr } = await examine(data);
    expect([code, stderr]).toEqual([0, ""]);
    expect(report).toMatchObject({ faults: [], copy: null, isSound: true });
    expect(report.rooms).toHaveLength(2);
    const { history } = alice.document;
    let bytes = 0;
    for (let index = 0; index < LINES; index++) bytes += history.groupOf(index).length;
    expect(roomIn(report, "main")).toEqual({
      document: toHex(documentId("main")),
      changes: LINES,
      authors: 1,
      forks: 0,
      records: LINES,
      bytes,
      intact: LINES,
      faults: [],
      faultCount: 0,
      moved: null,
    });
    expect(await contentsOf(data)).toEqual(before);
    const { stdout } = await runCommand(["doctor", "--data", data]);
    expect(stdout).toContain(`sound: ${LINES} changes by 1 author, 0 forks`);
    expect(stdout).toContain("2 rooms, all sound: every hash, link and signature is right");
  });

  it("counts forks, which are evidence and no damage", async () => {
    const data = temporaryFolder();
    const relay = await startRelay({ data });
    const keyPair = generateKeyPair();
    const open = (): Lines => {
      const { id, schema } = openLines("main");
      return new Document({ id, schema, keyPair, chain: 0n });
    };
    const alice = await Participant.join(relay.url, "main", open());
    const twin = open();
    await alice.untilDurable(alice.write("one"));
    alice.client.send(writeLine(twin, "two"));
    await alice.untilDurable(alice.write("three"));
    await relay.close();
    const { code, report } = await examine(data);
    expect(code).toBe(0);
    expect(roomIn(report, "main")).toMatchObject({ forks: 1, faultCount: 0, changes: 3 });
  });

  it.each([
    // All that builds on a change is lost with it.
    ["a signature", -1, LINES - 5],
    ["the change itself", -80, LINES - 5],
    ["an id beside it", 10, 1],
  ])("names the record and the change when %s is altered, and what to do", async (_, at, lost) => {
    const { data, alice } = await filledStore();
    await alter(data, "main", 5, at);
    const before = await contentsOf(data);
    const { code, report, stderr } = await examine(data);
    expect(code).toBe(5);
    expect(report.isSound).toBe(false);
    const room = roomIn(report, "main");
    expect(room).toMatchObject({ records: LINES, intact: 5, faultCount: lost, moved: null });
    const [id] = room.faults[0]!.changes;
    expect(room.faults[0]).toMatchObject({ position: 5 });
    expect(id === toHex(alice.document.history.idAt(5))).toBe(at < 0);
    expect(room.changes).toBe(at < 0 ? 5 : LINES);
    expect(roomIn(report, "other")).toMatchObject({ changes: 1, faultCount: 0 });
    expect(stderr).toContain("1 room of 2 cannot be trusted");
    expect(stderr).toContain(`next: crdt-relayer doctor --data ${data} --repair`);
    // It only looked.
    expect(await contentsOf(data)).toEqual(before);
    const { stdout } = await runCommand(["doctor", "--data", data]);
    expect(stdout).toMatch(new RegExp(`DAMAGED: ${lost} faults? in ${LINES} records`, "u"));
    expect(stdout).toContain("position 5 of the log");
  });

  it("finds holes, records that are none, and keys that no log writes", async () => {
    const { data } = await filledStore();
    await withLevel(data, async (db) => {
      await db.del(keyOf("main", 7));
      await db.put(keyOf("other", 1), new Uint8Array([1, 2, 3]));
      await db.put(new Uint8Array([...keyOf("other", 0), 0]), new Uint8Array([9]));
      // Of no room.
      await db.put(new Uint8Array([0x67, 1, 2]), new Uint8Array([9]));
    });
    const { code, report } = await examine(data);
    expect(code).toBe(5);
    expect(report.rooms).toHaveLength(2);
    const main = roomIn(report, "main");
    expect(main.faults[0]).toMatchObject({ position: 7, changes: [] });
    expect(main.faults[0]!.detail).toContain("1 record is missing");
    expect(roomIn(report, "other")).toMatchObject({ changes: 1, intact: 1, faultCount: 2 });
    const repaired = await examine(data, "--repair");
    expect(repaired.code).toBe(0);
    // Of main 8 to 11, of other the two strange ones.
    expect(repaired.report.quarantined.records).toBe(LINES - 8 + 2);
    expect((await examine(data)).report).toMatchObject({ isSound: true });
  });

  it("repairs by moving records aside, and deletes nothing", async () => {
    const { data } = await filledStore();
    await alter(data, "main", 5, -1);
    const before = await contentsOf(data);
    const { code, report } = await examine(data, "--repair");
    expect(code).toBe(0);
    const room = roomIn(report, "main");
    expect(room).toMatchObject({ intact: 5, moved: { records: LINES - 5 } });
    expect(report.quarantined).toEqual(room.moved);
    const after = await contentsOf(data);
    const unmoved = [...after].map(([key, value]) => [
      key.startsWith("71") ? key.slice(18) : key,
      value,
    ]);
    expect(new Map(unmoved as [string, string][])).toEqual(before);
    const kept = [...after.keys()].filter((key) =>
      key.startsWith(toHex(keyOf("main", 0)).slice(0, 66)),
    );
    expect(kept).toEqual(
      Array.from({ length: 5 }, (_, position) => toHex(keyOf("main", position))),
    );
    // A second time there is nothing to do.
    const again = await examine(data, "--repair");
    expect(again).toMatchObject({ code: 0, report: { quarantined: report.quarantined } });
    expect(roomIn(again.report, "main")).toMatchObject({ changes: 5, faultCount: 0, moved: null });
    expect(await contentsOf(data)).toEqual(after);
  });

  it("lets the relay start again, and whoever has the changes fills the room to the same frontier", async () => {
    const { data, alice, bob } = await filledStore();
    await alter(data, "main", 5, -80);
    // A relay refuses the room, and says what to run.
    const refusing = await startCommand(["--data", data]);
    await expect(Participant.join(refusing.url, "main")).rejects.toThrow("room_damaged");
    refusing.process.kill("SIGTERM");
    const { stderr } = await refusing.outcome;
    expect(stderr).toContain(`crdt-relayer doctor --data ${data} --repair`);
    const { stdout, code } = await runCommand(["doctor", "--data", data, "--repair"]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `repaired: 5 records kept, ${LINES - 5} records moved to the quarantine`,
    );
    expect(stdout).toContain("start the relay");

    const relay = await startCommand(["--data", data]);
    const late = await Participant.join(relay.url, "main");
    await late.untilLines(5);
    const back = await Participant.join(relay.url, "main", alice.document);
    const { history } = alice.document;
    await back.untilDurable(toHex(history.idAt(LINES - 1)));
    await late.untilLines(LINES);
    expect(late.document.history.frontier()).toEqual(history.frontier());
    const other = await Participant.join(relay.url, "other");
    await other.untilLines(1);
    expect(other.document.history.frontier()).toEqual(bob.document.history.frontier());
    relay.process.kill("SIGTERM");
    await relay.outcome;
    // What came back is stored and sound, and what was set aside is still there.
    const { report } = await examine(data);
    expect(report).toMatchObject({ isSound: true, quarantined: { records: LINES - 5 } });
    expect(roomIn(report, "main")).toMatchObject({ changes: LINES, faultCount: 0 });
  });

  it("looks at nothing while a relay uses the folder, and ends with 4", async () => {
    const data = temporaryFolder();
    const relay = await startCommand(["--data", data]);
    const alice = await Participant.join(relay.url, "main");
    await alice.untilDurable(alice.write("hello"));
    for (const flags of [[], ["--repair"]]) {
      const { code, stdout, stderr } = await runCommand(["doctor", "--data", data, ...flags]);
      expect([code, stdout]).toEqual([4, ""]);
      expect(stderr).toContain(`a relayer is using ${data}`);
      expect(stderr).toContain(`next: stop that relayer, then: crdt-relayer doctor --data ${data}`);
    }
    await alice.untilDurable(alice.write("still there"));
    expect(existsSync(join(data, "quarantine"))).toBe(false);
  });

  it("says that there is no store, and makes none", async () => {
    const data = temporaryFolder();
    const { code, stderr } = await runCommand(["doctor", "--data", data]);
    expect(code).toBe(1);
    expect(stderr).toContain(`there is no store in ${data}`);
    expect(readdirSync(data)).toEqual([]);
    expect(await runCommand(["doctor", "--data", ":memory:"])).toMatchObject({ code: 2 });
  });

  it("does not open a store whose journal lost what was durable; repairing keeps a copy of all files", async () => {
    const { data, alice } = await filledStore();
    const store = join(data, "store");
    const [journal] = readdirSync(store).filter((file) => file.endsWith(".log"));
    const bytes = readFileSync(join(store, journal!));
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    writeFileSync(join(store, journal!), bytes);
    const { code, report, stderr } = await examine(data);
    expect(code).toBe(5);
    expect(report).toMatchObject({ rooms: [], copy: null, isSound: false });
    expect(report.faults).toEqual([expect.stringContaining(`${journal} is damaged at byte`)]);
    expect(stderr).toContain(`next: crdt-relayer doctor --data ${data} --repair`);
    expect(readFileSync(join(store, journal!))).toEqual(bytes);

    const repaired = await examine(data, "--repair");
    expect(repaired).toMatchObject({ code: 0, report: { isSound: true } });
    const copy = repaired.report.copy!;
    expect(copy.startsWith(join(data, "quarantine"))).toBe(true);
    expect(readFileSync(join(copy, journal!))).toEqual(bytes);
    await refills(data, alice);
  });

  it.each(["CURRENT", "MANIFEST"])(
    "repairs a store whose %s is gone or junk, from what is left",
    async (name) => {
      const { data, alice } = await filledStore();
      // So that there are tables besides the journal.
      await withLevel(data, (db) => db.compactRange(new Uint8Array([0]), new Uint8Array([255])));
      const store = join(data, "store");
      for (const file of readdirSync(store).filter((file) => file.startsWith(name))) {
        if (name === "CURRENT") rmSync(join(store, file));
        else writeFileSync(join(store, file), "junk");
      }
      const { code, report } = await examine(data);
      expect(code).toBe(5);
      expect(report.faults).toHaveLength(1);
      const repaired = await examine(data, "--repair");
      expect(repaired).toMatchObject({ code: 0, report: { isSound: true } });
      expect(roomIn(repaired.report, "main")).toMatchObject({ changes: LINES });
      expect(existsSync(repaired.report.copy!)).toBe(true);
      await refills(data, alice);
    },
  );

  it("repairs a store whose journal is gone, from what is left", async () => {
    const { data, alice } = await filledStore();
    const store = join(data, "store");
    const journal = readdirSync(store).find((file) => file.endsWith(".log"))!;
    rmSync(join(store, journal));
    const { code, report } = await examine(data);
    expect(code).toBe(5);
    expect(report.faults).toEqual([`its file ${journal} is missing`]);
    expect(await examine(data, "--repair")).toMatchObject({ code: 0, report: { isSound: true } });
    await refills(data, alice);
  });

  it("repairs a store of which a table cannot be read", async () => {
    const { data, alice } = await filledStore();
    await withLevel(data, (db) => db.compactRange(new Uint8Array([0]), new Uint8Array([255])));
    const store = join(data, "store");
    const tables = readdirSync(store).filter((file) => file.endsWith(".ldb"));
    expect(tables.length).toBeGreaterThan(0);
    for (const file of tables) {
      const bytes = readFileSync(join(store, file));
      bytes.fill(0xff, 0, Math.floor(bytes.length / 2));
      writeFileSync(join(store, file), bytes);
    }
    expect(await examine(data)).toMatchObject({ code: 5, report: { isSound: false } });
    expect(await examine(data, "--repair")).toMatchObject({ code: 0, report: { isSound: true } });
    await refills(data, alice);
  });

  it("quotes a folder for the shell where it names a command", async () => {
    const data = join(temporaryFolder(), "it's here");
    mkdirSync(join(data, "store"), { recursive: true });
    writeFileSync(join(data, "store", "000003.log"), "junk");
    const { stderr } = await examine(data);
    expect(stderr).toContain(`--data '${data.replace("'", String.raw`'\''`)}' --repair`);
  });
});

/** The relay starts, and from someone who has everything gets everything. */
async function refills(data: string, alice: Participant): Promise<void> {
  const relay = await startRelay({ data });
  const back = await Participant.join(relay.url, "main", alice.document);
  await back.untilDurable(toHex(alice.document.history.idAt(LINES - 1)));
  const late = await Participant.join(relay.url, "main");
  await late.untilLines(LINES);
  expect(late.document.history.frontier()).toEqual(alice.document.history.frontier());
}
