/** Rooms and relays on a backplane that others write to, and that fails when a test says so. */
import { documentId, History, type NewRecord, PendingPool, toHex } from "bft-json-crdt";
import { pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { Client, openLines, Participant, writeLine } from "../test/participant.ts";
import { startRelay } from "../test/running.ts";
import {
  BackplaneError,
  type BackplaneHost,
  EmbeddedBackplane,
  type GroupListener,
  type RoomLog,
} from "./backplane.ts";
import { CLOSE } from "./close-codes.ts";
import { MemoryLevel } from "./memory-level.ts";
import type { Relay } from "./relay.ts";
import { type Member, Room } from "./room.ts";
import { Rooms } from "./rooms.ts";
import { completeSettings } from "./settings.ts";

/** A log whose appends wait for the test, and into which a test delivers. */
class SharedLog implements RoomLog {
  readonly appended: NewRecord[] = [];
  held: (() => void)[] = [];
  isHolding = false;
  isClosed = false;
  failure: Error | null = null;
  deliver: GroupListener = () => {
    throw new Error("nobody listens");
  };

  async append(records: readonly NewRecord[]): Promise<void> {
    this.appended.push(...records);
    if (this.isHolding) await new Promise<void>((resolve) => this.held.push(resolve));
  }

  async *replay(): AsyncGenerator<null, void, void> {
    await Promise.resolve();
    if (this.failure !== null) throw this.failure;
    yield null;
  }

  follow(listener: GroupListener): void {
    this.deliver = listener;
  }

  close(): void {
    this.isClosed = true;
  }

  epoch(): Promise<string> {
    return Promise.resolve("ab".repeat(16));
  }
}

const settings = completeSettings({ data: ":memory:", roomGraceSeconds: 1_000 }, {});

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
const host = { received: () => undefined, storingFailed: () => undefined };

function load(log: RoomLog): ReturnType<typeof Room.load> {
  const bounds = { settings, pool: new PendingPool(1e9) };
  return Room.load(documentId("main"), { open: () => log }, host, bounds);
}

async function loaded(log: RoomLog): Promise<Room> {
  const room = await load(log);
  if (!room.ok) throw new Error(room.error.detail);
  return room.value;
}

/** Someone who notes what they are told. */
class Listener implements Member {
  readonly peer = "peer";
  readonly kind = "program";
  readonly acknowledged: string[] = [];
  readonly pushed: number[] = [];

  constructor(room: Room) {
    room.enter(this);
  }

  acknowledge(ids: readonly Uint8Array[]): void {
    this.acknowledged.push(...ids.map(toHex));
  }

  push({ indexes }: { readonly indexes: readonly number[] }): void {
    this.pushed.push(...indexes);
  }

  tell(): void {
    // No person is here.
  }

  await(): void {
    // Nobody is slow.
  }
}

describe("a room on a shared log", () => {
  it("passes on what comes from the log, and does not append it again", async () => {
    const log = new SharedLog();
    const room = await loaded(log);
    const someone = new Listener(room);
    const isKept = log.deliver(writeLine(openLines("main"), "hello"));
    await turn();
    expect([isKept, room.durable, someone.pushed, log.appended]).toEqual([true, 1, [0], []]);
    expect(someone.acknowledged).toEqual([]);
  });

  it("appends of what a delivery has released just what the log does not have", async () => {
    const log = new SharedLog();
    const room = await loaded(log);
    const someone = new Listener(room);
    const document = openLines("main");
    const [first, second] = [writeLine(document, "first"), writeLine(document, "second")];
    expect(room.receive(second, someone).status).toBe("pending");
    log.deliver(first);
    await turn();
    const second_id = toHex(document.history.idAt(1));
    expect(log.appended.map(({ ids, group }) => [ids.map(toHex), group])).toEqual([
      [[second_id], second],
    ]);
    expect(someone.acknowledged).toEqual([second_id]);
    expect([...someone.pushed].sort()).toEqual([0, 1]);
  });

  it("takes what comes from the log for durable once what it applied before is", async () => {
    const log = new SharedLog();
    const room = await loaded(log);
    const someone = new Listener(room);
    log.isHolding = true;
    room.receive(writeLine(openLines("main"), "here"), someone);
    log.deliver(writeLine(openLines("main"), "there"));
    await Promise.resolve();
    expect([room.history.length, room.durable, someone.pushed]).toEqual([2, 0, [0, 1]]);
    for (const pass of log.held.splice(0)) pass();
    await turn();
    expect(room.durable).toBe(2);
  });

  it("waits once for what is held up, however much comes from the log meanwhile, and tells of all", async () => {
    const log = new SharedLog();
    const room = await loaded(log);
    const someone = new Listener(room);
    log.isHolding = true;
    room.receive(writeLine(openLines("main"), "here"), someone);
    const document = openLines("main");
    const first = writeLine(document, "first");
    const waiting = writeLine(document, "second");
    room.receive(waiting, someone);
    for (const group of [first, waiting]) log.deliver(group);
    for (let line = 0; line < 20; line++) log.deliver(writeLine(document, `line ${line}`));
    await turn();
    // What released the second had to be appended with it; all others wait together.
    expect([room.history.length, room.durable, log.held.length]).toEqual([23, 0, 3]);
    for (let round = 0; round < 3; round++) {
      for (const pass of log.held.splice(0)) pass();
      await turn();
    }
    expect([room.durable, log.held.length]).toEqual([23, 0]);
    expect(someone.acknowledged).toContain(toHex(document.history.idAt(1)));
  });

  it("is settled with what came from the log", async () => {
    const log = new SharedLog();
    const room = await loaded(log);
    log.isHolding = true;
    const document = openLines("main");
    log.deliver(writeLine(document, "first"));
    log.deliver(writeLine(document, "second"));
    const settled = room.settled();
    for (const pass of log.held.splice(0)) pass();
    await settled;
    expect(room.isSettled).toBe(true);
    for (const pass of log.held.splice(0)) pass();
  });

  it("says of a delivery whether anything in it was of use", async () => {
    const log = new SharedLog();
    const room = await loaded(log);
    const group = writeLine(openLines("main"), "hello");
    const forged = group.slice();
    forged[forged.length - 1]! ^= 1;
    const deliveries = [
      new Uint8Array(),
      forged,
      writeLine(openLines("other"), "astray"),
      group,
      group,
    ];
    expect(deliveries.map((bytes) => log.deliver(bytes))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(room.history.length).toBe(1);
  });

  it("lets go of its log when it cannot be loaded, and not before it is forgotten when it can", async () => {
    const log = new SharedLog();
    log.failure = new BackplaneError("no leader");
    await expect(load(log)).rejects.toThrow("no leader");
    expect(log.isClosed).toBe(true);
    const other = new SharedLog();
    const room = await loaded(other);
    expect(other.isClosed).toBe(false);
    room.close();
    expect(other.isClosed).toBe(true);
  });
});

describe("rooms on a shared log", () => {
  it("refuse for now what cannot be read now, and read again for the next who comes", async () => {
    const log = new SharedLog();
    const open = vi.fn<() => RoomLog>(() => log);
    const rooms = new Rooms({ open }, settings, host, pino({ level: "silent" }));
    log.failure = new BackplaneError("no leader");
    expect(await rooms.enter(documentId("main"))).toMatchObject({
      ok: false,
      error: { code: "unavailable", close: "backplaneLost" },
    });
    // It is forgotten with the next timer, though rooms stay for long.
    await vi.waitUntil(() => rooms.size === 0, { timeout: 30_000 });
    log.failure = null;
    const entered = await rooms.enter(documentId("main"));
    expect(entered.ok).toBe(true);
    expect(open).toHaveBeenCalledTimes(2);
    await rooms.close();
  });

  it("let go of the log of a room that is forgotten", async () => {
    const log = new SharedLog();
    const small = { ...settings, maxRooms: 1 };
    const rooms = new Rooms({ open: () => log }, small, host, pino({ level: "silent" }));
    await rooms.enter(documentId("main"));
    rooms.leave(documentId("main"));
    await rooms.enter(documentId("other"));
    expect(log.isClosed).toBe(true);
  });
});

describe("a relay whose backplane is lost", () => {
  const hostOf = (relay: Relay): BackplaneHost => relay as unknown as BackplaneHost;
  const ready = async ({ port }: Relay): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/readyz`)).status;

  it("reads nothing, lets nobody in, is not ready, and goes on when it is back", async () => {
    const relay = await startRelay({ backplaneGraceSeconds: 1_000 });
    const alice = await Participant.join(relay.url, "main");
    await alice.untilDurable(alice.write("before"));
    hostOf(relay).backplaneLost("no leader");
    const id = alice.write("meanwhile");
    const { code, reason } = CLOSE.backplaneLost;
    expect(await (await Client.open(relay.url)).closed).toEqual({ code, reason });
    expect(await ready(relay)).toBe(503);
    expect((await fetch(`http://127.0.0.1:${relay.port}/healthz`)).status).toBe(200);
    expect(relay.status()).toMatchObject({ status: "ok", ready: false, changes: { applied: 1 } });
    hostOf(relay).backplaneBack();
    await alice.untilDurable(id);
    expect(await ready(relay)).toBe(200);
  });

  it("closes who waits after some time", async () => {
    const relay = await startRelay({ backplaneGraceSeconds: 0.05 });
    const alice = await Participant.join(relay.url, "main");
    hostOf(relay).backplaneLost("no leader");
    hostOf(relay).backplaneLost("no leader");
    const { code, reason } = CLOSE.backplaneLost;
    expect(await alice.client.closed).toEqual({ code, reason });
    hostOf(relay).backplaneBack();
    const again = await Participant.join(relay.url, "main");
    await again.untilDurable(again.write("after"));
  });

  it("closes nobody when it is back in time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const relay = await startRelay({ backplaneGraceSeconds: 5 });
      const client = await Client.open(relay.url);
      hostOf(relay).backplaneLost("no leader");
      vi.advanceTimersByTime(4_999);
      hostOf(relay).backplaneBack();
      vi.advanceTimersByTime(60_000);
      client.send("/who");
      expect(await client.text()).toContain("no room yet");
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    ["No space left on device", "df -h '/srv/the rooms'"],
    ["Disk quota exceeded", "df -h '/srv/the rooms'"],
    ["Too many open files", "ulimit -n 65536"],
    ["Too many open files in system", "crdt-relayer doctor --data '/srv/the rooms'"],
    ["File too large", "ulimit -f unlimited"],
    ["Input/output error", "crdt-relayer doctor --data '/srv/the rooms'"],
  ])("is told by the embedded one what to do about: %s", (reason, command) => {
    const backplane = new EmbeddedBackplane(new MemoryLevel(), "/srv/the rooms");
    expect(backplane.remedyFor(new Error(`IO error: /x/000012.log: ${reason}`))).toBe(command);
  });

  it("is not told of by the embedded one, which is there as long as the process is", async () => {
    const store = new MemoryLevel();
    const backplane = new EmbeddedBackplane(store, "/srv/rooms");
    expect(backplane.status()).toEqual({ kind: "embedded", lost: null, delivered: 0, dropped: 0 });
    const log = backplane.open(documentId("main"));
    const group = writeLine(openLines("main"), "hello");
    await log.append([{ ids: [documentId("some id")], group }]);
    const history = new History({ document: documentId("main") });
    const faults = [];
    for await (const fault of log.replay(history)) faults.push(fault);
    expect(history.length).toBe(1);
    expect(faults).toHaveLength(1);
    await backplane.close();
  });
});
