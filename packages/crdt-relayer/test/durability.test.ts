import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ChangeLog, documentId, toHex } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { CLOSE, EXIT, RelayError, type Store } from "../src/index.ts";
import { MemoryLevel } from "../src/memory-level.ts";
import { openLines, Participant, writeLine } from "./participant.ts";
import { startCommand, startLimited, startRelay, temporaryFolder } from "./running.ts";

/** "e"; see epochs.ts. */
const EPOCH_KEY = 0x65;

/** A database whose writes of changes wait until they are let through, or fail. */
class HeldStore implements Store {
  readonly #inner = new MemoryLevel();
  #held: { readonly pass: () => void; readonly fail: (error: Error) => void }[] = [];
  #arrived: (() => void) | null = null;
  isHolding = true;

  async batch(...[operations]: Parameters<Store["batch"]>): Promise<void> {
    // The name of the store is written beside them, and nobody waits for it.
    if (this.isHolding && operations.some(({ key }) => key[0] !== EPOCH_KEY)) {
      await new Promise<void>((pass, fail) => {
        this.#held.push({ pass, fail });
        this.#arrived?.();
      });
    }
    await this.#inner.batch(operations);
  }

  iterator(...range: Parameters<Store["iterator"]>): ReturnType<Store["iterator"]> {
    return this.#inner.iterator(...range);
  }

  /** Resolves when a write waits. */
  async untilHeld(): Promise<void> {
    if (this.#held.length > 0) return;
    await new Promise<void>((resolve) => (this.#arrived = resolve));
  }

  pass(): void {
    for (const { pass } of this.#held.splice(0)) pass();
  }

  fail(error: Error): void {
    for (const { fail } of this.#held.splice(0)) fail(error);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

async function heldRelay(): Promise<{
  url: string;
  store: HeldStore;
  failed: Promise<RelayError>;
}> {
  const store = new HeldStore();
  const { url, failed } = await startRelay({}, { openStore: () => Promise.resolve(store) });
  return { url, store, failed };
}

describe("a relay", () => {
  it("passes a change on before it is durable, and acknowledges it once it is and not before", async () => {
    const { url, store } = await heldRelay();
    const alice = await Participant.join(url, "main");
    const bob = await Participant.join(url, "main");
    const id = alice.write("hello");
    await store.untilHeld();
    // Someone who comes now hears of it, too; whoever sends it again, or has it, is told as little as its author.
    const carol = await Participant.join(url, "main");
    const copy = await Participant.join(url, "main");
    copy.client.send(alice.document.history.groupOf(0));
    await Promise.all([bob, carol].map((one) => one.untilLines(1)));
    for (const one of [bob, carol]) one.refresh();
    for (const one of [alice, bob, carol, copy]) await roundTrip(one);
    for (const one of [alice, bob, carol, copy]) expect(one.acknowledged.size).toBe(0);
    store.isHolding = false;
    store.pass();
    await Promise.all([alice, bob, carol].map((one) => one.untilDurable(id)));
  });

  it("gets back what it passed on and lost from whoever has it, also when its author is gone", async () => {
    const { url, store, failed } = await heldRelay();
    const alice = await Participant.join(url, "main");
    const bob = await Participant.join(url, "main");
    const id = alice.write("hello");
    await Promise.all([store.untilHeld(), bob.untilLines(1)]);
    store.fail(new Error("the power is gone"));
    await failed;
    expect(alice.acknowledged.size).toBe(0);
    const again = await startRelay();
    const back = await Participant.join(again.url, "main", bob.document);
    await back.untilDurable(id);
    const carol = await Participant.join(again.url, "main");
    await carol.untilLines(1);
  });

  it("stores with one write what comes while another is on its way", async () => {
    const { url, store } = await heldRelay();
    const alice = await Participant.join(url, "main");
    alice.write("first");
    await store.untilHeld();
    let last = "";
    for (let line = 0; line < 100; line++) last = alice.write(`line ${line}`);
    await roundTrip(alice);
    store.pass();
    await store.untilHeld();
    store.pass();
    await alice.untilDurable(last);
  });

  it("closes everyone with a code of its own when it cannot store, and says why it ended", async () => {
    const { url, store, failed } = await heldRelay();
    const alice = await Participant.join(url, "main");
    const bob = await Participant.join(url, "other");
    alice.write("lost");
    await store.untilHeld();
    store.fail(new Error("no space left on device"));
    const ending = { code: CLOSE.storeFailed.code, reason: CLOSE.storeFailed.reason };
    expect(await Promise.all([alice.client.closed, bob.client.closed])).toEqual([ending, ending]);
    expect(alice.acknowledged.size).toBe(0);
    const error = await failed;
    expect(error.exitCode).toBe(EXIT.failure);
    expect(error.why).toContain("no space left on device");
  });

  it("that may write no greater files ends, and says what to do about that", async () => {
    const data = temporaryFolder();
    const relay = await startLimited("trap '' XFSZ; ulimit -f 100", ["--data", data]);
    const alice = await Participant.join(relay.url, "main");
    for (let line = 0; line < 8; line++) alice.write("x".repeat(30_000));
    const { code, stderr } = await relay.outcome;
    expect(code).toBe(EXIT.failure);
    expect(stderr).toContain("next: ulimit -f unlimited  # then start the relay again");
  });

  it("stores what is on its way before it stops", async () => {
    const data = temporaryFolder();
    const relay = await startRelay({ data });
    const alice = await Participant.join(relay.url, "main");
    for (let line = 0; line < 200; line++) alice.write(`line ${line}`);
    await alice.until(() => alice.acknowledged.size > 0);
    await relay.close();
    expect(await alice.client.closed).toEqual({
      code: CLOSE.stopping.code,
      reason: expect.stringMatching(/^the relay is stopping; retry in \d+ ms$/u) as string,
    });
    const again = await startRelay({ data });
    const bob = await Participant.join(again.url, "main");
    await bob.until(() => bob.document.history.length >= alice.acknowledged.size);
  });

  it("acknowledges what it took in before it stops, takes nothing more, and does not claim what failed", async () => {
    const store = new HeldStore();
    const relay = await startRelay({}, { openStore: () => Promise.resolve(store) });
    const alice = await Participant.join(relay.url, "main");
    const taken = alice.write("taken");
    await store.untilHeld();
    const stopped = relay.close();
    alice.write("too late");
    store.isHolding = false;
    store.pass();
    await stopped;
    expect(await alice.client.closed).toMatchObject({ code: CLOSE.stopping.code });
    expect([...alice.acknowledged]).toEqual([taken]);

    const failing = new HeldStore();
    const second = await startRelay({}, { openStore: () => Promise.resolve(failing) });
    const bob = await Participant.join(second.url, "main");
    bob.write("lost");
    await failing.untilHeld();
    const outcome = second.close().catch((error: unknown) => error);
    failing.fail(new Error("disk on fire"));
    expect(await outcome).toMatchObject({
      exitCode: EXIT.failure,
      why: expect.stringContaining("disk on fire") as string,
    });
  });

  it("keeps all rooms over a restart, in a folder that only its owner can enter", async () => {
    const data = join(temporaryFolder(), "new", "relayer");
    const first = await startRelay({ data });
    const alice = await Participant.join(first.url, "main");
    const bob = await Participant.join(first.url, "other");
    await Promise.all([
      alice.untilDurable(alice.write("hello")),
      bob.untilDurable(bob.write("apart")),
    ]);
    await first.close();
    for (const folder of [data, join(data, "store")])
      expect(statSync(folder).mode & 0o777).toBe(0o700);
    const second = await startRelay({ data });
    const [inMain, inOther] = await Promise.all([
      Participant.join(second.url, "main"),
      Participant.join(second.url, "other"),
    ]);
    await Promise.all([inMain.untilLines(1), inOther.untilLines(1)]);
    expect([inMain.lines(), inOther.lines()]).toEqual([["hello"], ["apart"]]);
  });

  it("still has what it acknowledged after it was killed", async () => {
    const data = temporaryFolder();
    for (let round = 1; round <= 3; round++) {
      const relay = await startCommand(["--data", data]);
      const alice = await Participant.join(relay.url, "main");
      await alice.untilLines((round - 1) * 10);
      const ids = Array.from({ length: 10 }, (_, line) => alice.write(`${round}-${line}`));
      await alice.untilDurable(ids[9] ?? "");
      relay.process.kill("SIGKILL");
      await relay.outcome;
    }
    const relay = await startRelay({ data });
    const bob = await Participant.join(relay.url, "main");
    await bob.untilLines(30);
  });

  it("refuses a damaged room with a code of its own, names the change, and serves the others", async () => {
    const data = temporaryFolder();
    const document = openLines("main");
    for (let line = 0; line < 3; line++) writeLine(document, `line ${line}`);
    const first = await startRelay({ data });
    const alice = await Participant.join(first.url, "main", document);
    const head = toHex(document.history.idAt(2));
    await alice.untilDurable(head);
    const bob = await Participant.join(first.url, "other");
    await bob.untilDurable(bob.write("fine"));
    await first.close();
    await alterLastRecord(join(data, "store"), documentId("main"));

    const second = await startRelay({ data });
    const refusal = await Participant.join(second.url, "main").catch((error: unknown) =>
      String(error),
    );
    expect(refusal).toContain("room_damaged");
    expect(refusal).toContain(head);
    const healthy = await Participant.join(second.url, "other");
    await healthy.untilLines(1);
  });

  it("does not start on a damaged store, and says what to do", async () => {
    const data = temporaryFolder();
    const first = await startRelay({ data });
    const alice = await Participant.join(first.url, "main");
    await alice.untilDurable(alice.write("hello"));
    await first.close();
    for (const file of readdirSync(join(data, "store"))) {
      if (file.startsWith("MANIFEST")) writeFileSync(join(data, "store", file), "junk");
    }
    const error = await startRelay({ data }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RelayError);
    expect(error).toMatchObject({
      exitCode: EXIT.damaged,
      next: `crdt-relayer doctor --data ${data} --repair`,
    });
  });

  it("does not take a store that lost its file CURRENT for an empty one", async () => {
    const data = temporaryFolder();
    const first = await startRelay({ data });
    const alice = await Participant.join(first.url, "main");
    await alice.untilDurable(alice.write("hello"));
    await first.close();
    const store = join(data, "store");
    rmSync(join(store, "CURRENT"));
    const files = readdirSync(store);
    const error = await startRelay({ data }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      exitCode: EXIT.damaged,
      why: "its file CURRENT is missing",
      next: `crdt-relayer doctor --data ${data} --repair`,
    });
    expect(readdirSync(store)).toEqual(files);
  });

  it("does not take a store that lost its journal for an empty one", async () => {
    const data = temporaryFolder();
    const first = await startRelay({ data });
    const alice = await Participant.join(first.url, "main");
    await alice.untilDurable(alice.write("hello"));
    await first.close();
    const store = join(data, "store");
    const [journal] = readdirSync(store).filter((file) => file.endsWith(".log"));
    rmSync(join(store, journal!));
    const files = readdirSync(store);
    const error = await startRelay({ data }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      exitCode: EXIT.damaged,
      why: `its file ${journal} is missing`,
      next: `crdt-relayer doctor --data ${data} --repair`,
    });
    expect(readdirSync(store)).toEqual(files);
  });

  it("cuts off a write that a power cut tore, says so in its log, and has all that it acknowledged", async () => {
    const data = temporaryFolder();
    const first = await startRelay({ data });
    const alice = await Participant.join(first.url, "main");
    await alice.untilDurable(alice.write("acknowledged"));
    const [acknowledged] = journals(data);
    await alice.untilDurable(alice.write("torn"));
    await first.close();
    const [journal] = journals(data);
    // All but the last byte of the last write.
    writeFileSync(journal!.path, journal!.bytes.subarray(0, -1));

    const lines: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
    const second = await startRelay({ data }, { logger });
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({
        msg: expect.stringContaining("was cut off") as string,
        file: basename(journal!.path),
        at: acknowledged!.bytes.length,
        bytes: journal!.bytes.length - 1 - acknowledged!.bytes.length,
      }),
    ]);
    const bob = await Participant.join(second.url, "main");
    await bob.untilLines(1);
    expect(bob.lines()).toEqual(["acknowledged"]);
  });

  it("does not start when its journal is damaged before what was durable, and leaves it as it is", async () => {
    const data = temporaryFolder();
    const first = await startRelay({ data });
    const alice = await Participant.join(first.url, "main");
    for (const line of ["one", "two"]) await alice.untilDurable(alice.write(line));
    await first.close();
    const [journal] = journals(data);
    const damaged = journal!.bytes.slice();
    damaged[20]! ^= 1;
    writeFileSync(journal!.path, damaged);
    const error = await startRelay({ data }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      exitCode: EXIT.damaged,
      why: `${basename(journal!.path)} is damaged at byte 0, and later writes follow`,
      next: `crdt-relayer doctor --data ${data} --repair`,
    });
    expect(journals(data)).toEqual([{ path: journal!.path, bytes: damaged }]);
  });

  it("does not start on a folder that another relay uses, or that cannot be made", async () => {
    const data = temporaryFolder();
    await startRelay({ data });
    const second = await startRelay({ data }).catch((reason: unknown) => reason);
    expect(second).toMatchObject({
      exitCode: EXIT.refused,
      message: `another relayer is using ${data}`,
    });
    writeFileSync(join(data, "file"), "");
    for (const folder of [
      join(data, "file"),
      join(data, "file", "below"),
      "/proc/nowhere/relayer",
    ]) {
      const third = await startRelay({ data: folder }).catch((reason: unknown) => reason);
      expect(third).toMatchObject({
        exitCode: EXIT.failure,
        message: `cannot make the data folder ${folder}`,
      });
    }
  });
});

describe("a change log on LevelDB", () => {
  it("reads back after a restart what concurrent appends wrote", async () => {
    const folder = join(temporaryFolder(), "store");
    mkdirSync(folder);
    const document = new Uint8Array(32).fill(9);
    const record = (n: number) => ({
      ids: [new Uint8Array(32).fill(n)],
      group: new Uint8Array(1_000).fill(n),
    });
    for (let run = 0; run < 2; run++) {
      const db = await openLevel(folder);
      const log = new ChangeLog(db, document);
      await Promise.all(Array.from({ length: 100 }, (_, n) => log.append([record(n)])));
      expect(log.length).toBe((run + 1) * 100);
      await db.close();
    }
    const db = await openLevel(folder);
    const found: number[] = [];
    for await (const read of new ChangeLog(db, document).read()) {
      if (read.ok) found.push(read.value.group[0] ?? -1);
    }
    await db.close();
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    expect(found).toEqual([...numbers, ...numbers]);
  });

  it("rejects appends to a database that was closed, and all later ones", async () => {
    const db = await openLevel(join(temporaryFolder(), "store"));
    const log = new ChangeLog(db, new Uint8Array(32));
    await log.append([{ ids: [new Uint8Array(32)], group: new Uint8Array(1) }]);
    await db.close();
    const record = { ids: [new Uint8Array(32)], group: new Uint8Array(1) };
    await expect(log.append([record])).rejects.toMatchObject({ code: "write_failed" });
    await db.open();
    await expect(log.append([record])).rejects.toMatchObject({ code: "write_failed" });
    await db.close();
  });
});

/** The journals of a store. */
function journals(data: string): { readonly path: string; readonly bytes: Buffer }[] {
  const folder = join(data, "store");
  return readdirSync(folder)
    .filter((file) => file.endsWith(".log"))
    .map((file) => ({ path: join(folder, file), bytes: readFileSync(join(folder, file)) }));
}

async function openLevel(folder: string): Promise<ClassicLevel<Uint8Array, Uint8Array>> {
  const db = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
    keyEncoding: "view",
    valueEncoding: "view",
  });
  await db.open();
  return db;
}

/** Changes the last byte of the last record of a document: a bit of the signature. */
async function alterLastRecord(folder: string, document: Uint8Array): Promise<void> {
  const db = await openLevel(folder);
  const prefix = new Uint8Array([0x67, ...document]);
  let last: [Uint8Array, Uint8Array] | null = null;
  for await (const entry of db.iterator({ gte: prefix, lt: new Uint8Array([...prefix, 0xff]) }))
    last = entry;
  if (last === null) throw new Error("the log is empty");
  const [key, value] = last;
  const altered = value.slice();
  altered[altered.length - 1]! ^= 1;
  await db.put(key, altered);
  await db.close();
}

/** Everything that the relay had to say so far has come. */
async function roundTrip(one: Participant): Promise<void> {
  const before = one.errors.length;
  one.client.send('{"type":"are you there"}');
  await one.until(() => one.errors.length > before);
}
