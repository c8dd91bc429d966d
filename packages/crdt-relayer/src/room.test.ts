/** A room by itself: whom it tells what, and when. */
import { documentId, PendingPool, toHex } from "bft-json-crdt";
import { MAX_GROUP_BYTES } from "bft-json-crdt";
import type { HistoryLimits, LiveBatch } from "bft-json-crdt";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openLines, writeLine } from "../test/participant.ts";
import { EmbeddedBackplane } from "./backplane.ts";
import {
  ACKNOWLEDGED_AT_ONCE,
  GATHERING_FACTOR,
  MAX_GATHERING_MS,
  NEWS_MS,
  PENDING_CHANGE_BYTES,
  ROOM_REJECTED_IDS,
} from "./limits.ts";
import { MemoryLevel } from "./memory-level.ts";
import { type Member, Room } from "./room.ts";

const given = vi.hoisted(() => ({ limits: [] as unknown[] }));

vi.mock(import("bft-json-crdt"), async (original) => {
  const all = await original();
  class History extends all.History {
    constructor(options: ConstructorParameters<typeof all.History>[0]) {
      super(options);
      given.limits.push(options.limits);
    }
  }
  return { ...all, History };
});

const BOUNDS = {
  roomPendingBytes: 4_000_000,
  peerPendingBytes: 3_000_000,
  authorPendingBytes: 2_000_000,
  exposedPendingBytes: 1_000_000,
};

/** Writes wait until they are let through, or fail. */
class HeldLevel extends MemoryLevel {
  held: { readonly pass: () => void; readonly fail: (error: Error) => void }[] = [];
  isHolding = false;

  override async batch(...[operations]: Parameters<MemoryLevel["batch"]>): Promise<void> {
    if (this.isHolding)
      await new Promise<void>((pass, fail) => {
        this.held.push({ pass, fail });
      });
    await super.batch(operations);
  }
}

/** Someone who notes what a room tells them. */
class Listener implements Member {
  readonly peer = "peer";
  readonly kind: Member["kind"];
  readonly acknowledged: string[][] = [];
  readonly pushed: number[] = [];
  /** How many groups each batch was merged from. */
  readonly batches: number[] = [];
  /** What passing on to this one does besides. */
  whenPushed: () => void = () => undefined;
  readonly news: string[] = [];
  awaited = 0;

  constructor(room: Room, kind: Member["kind"] = "program") {
    this.kind = kind;
    room.enter(this);
  }

  acknowledge(ids: readonly Uint8Array[]): void {
    this.acknowledged.push(ids.map(toHex));
  }

  push({ indexes, parts }: LiveBatch): void {
    this.pushed.push(...indexes);
    this.batches.push(parts.length);
    this.whenPushed();
  }

  tell(news: string): void {
    this.news.push(news);
  }

  await(bytes: number): void {
    this.awaited += bytes;
  }
}

const failures: unknown[] = [];

async function loaded(
  database = new MemoryLevel(),
  settings: Partial<typeof BOUNDS> = {},
): Promise<Room> {
  const host = {
    received: () => undefined,
    storingFailed: (error: unknown) => failures.push(error),
  };
  const room = await Room.load(documentId("main"), new EmbeddedBackplane(database), host, {
    settings: { ...BOUNDS, ...settings },
    pool: new PendingPool(1e9),
  });
  if (!room.ok) throw new Error(room.error.detail);
  return room.value;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  failures.length = 0;
  given.limits.length = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a room", () => {
  it("hands each bound of what waits in it to its history", async () => {
    await loaded();
    const limits: Partial<HistoryLimits> = {
      pendingBytes: 4_000_000,
      pendingBytesPerPeer: 3_000_000,
      pendingBytesPerAuthor: 2_000_000,
      pendingBytesPerExposedAuthor: 1_000_000,
      rejectedIds: ROOM_REJECTED_IDS,
    };
    expect(given.limits).toEqual([limits]);
    expect(ROOM_REJECTED_IDS).toBeLessThanOrEqual(4_096);
  });

  it("acknowledges together what becomes durable by one write, as much as one message names", async () => {
    const database = new HeldLevel();
    const room = await loaded(database);
    const [sender, gone] = [new Listener(room), new Listener(room)];
    const groups = Array.from({ length: ACKNOWLEDGED_AT_ONCE + 3 }, () =>
      writeLine(openLines("main"), "hello"),
    );
    database.isHolding = true;
    for (const group of groups) room.receive(group, sender);
    room.receive(writeLine(openLines("main"), "hello"), gone);
    room.leave(gone);
    await settle();
    // The first change was alone.
    database.held.shift()!.pass();
    await settle();
    expect(sender.acknowledged.map(({ length }) => length)).toEqual([1]);
    database.held.shift()!.pass();
    await settle();
    expect(sender.acknowledged.map(({ length }) => length)).toEqual([1, ACKNOWLEDGED_AT_ONCE, 2]);
    const ids = Array.from({ length: groups.length }, (_, index) =>
      toHex(room.history.idAt(index)),
    );
    expect(sender.acknowledged.flat()).toEqual(ids);
    expect(gone.acknowledged).toEqual([]);
  });

  it("passes a change on at once, and acknowledges it once it is stored and not before, to whoever sent or has it", async () => {
    const database = new HeldLevel();
    const room = await loaded(database);
    const [sender, other, late] = [new Listener(room), new Listener(room), new Listener(room)];
    const document = openLines("main");
    const { bytes: group, id } = document.change((doc) => doc.lines.push("hello"));
    const ids = [toHex(id)];
    database.isHolding = true;
    room.receive(group, sender);
    room.receive(group, late);
    room.acknowledge([id], other);
    await settle();
    expect([room.isSettled, room.durable, room.history.length]).toEqual([false, 0, 1]);
    expect(sender.awaited).toBe(group.length);
    for (const { acknowledged, pushed } of [sender, other, late])
      expect([acknowledged, pushed]).toEqual([[], [0]]);
    database.isHolding = false;
    for (const { pass } of database.held.splice(0)) pass();
    await settle();
    expect([room.isSettled, room.durable, sender.awaited]).toEqual([true, 1, 0]);
    for (const { acknowledged, pushed } of [sender, other, late])
      expect([acknowledged, pushed]).toEqual([[ids], [0]]);
  });

  it("names in a cursor what is durable and no more", async () => {
    const database = new HeldLevel();
    const room = await loaded(database);
    const sender = new Listener(room);
    const document = openLines("main");
    room.receive(writeLine(document, "stored"), sender);
    await settle();
    database.isHolding = true;
    room.receive(writeLine(document, "on its way"), sender);
    await settle();
    const positions = [0, 1, 2].map((position) => room.cursorAt(position).position);
    expect(positions).toEqual([0, 1, 1]);
    for (const { pass } of database.held.splice(0)) pass();
    await settle();
    expect(room.cursorAt(2).position).toBe(2);
  });

  it("acknowledges nothing that it does not have", async () => {
    const room = await loaded();
    const someone = new Listener(room);
    room.acknowledge([documentId("unknown")], someone);
    room.acknowledge([], someone);
    await settle();
    expect(someone.acknowledged).toEqual([]);
  });

  it("that cannot store says so, and acknowledges the change to nobody", async () => {
    const database = new HeldLevel();
    const room = await loaded(database);
    const [sender, other] = [new Listener(room), new Listener(room)];
    database.isHolding = true;
    room.receive(writeLine(openLines("main"), "hello"), sender);
    await settle();
    for (const { fail } of database.held.splice(0)) fail(new Error("the disk is full"));
    await settle();
    expect(failures.map(String)).toEqual([expect.stringContaining("the disk is full")]);
    for (const { acknowledged } of [sender, other]) expect(acknowledged).toEqual([]);
    expect(room.isSettled).toBe(false);
  });

  it("remembers who waits for an acknowledgement, for as many changes as can wait and no more", async () => {
    const most = 4;
    const settings = { roomPendingBytes: most * PENDING_CHANGE_BYTES };
    const room = await loaded(new MemoryLevel(), settings);
    const [hasty, author] = [new Listener(room), new Listener(room)];
    const document = openLines("main");
    const groups = Array.from({ length: 12 }, (_, i) => writeLine(document, `line ${i}`));
    for (const group of groups.slice(1)) room.receive(group, hasty);
    expect(hasty.acknowledged).toEqual([]);
    for (const group of groups) room.receive(group, author);
    await settle();
    expect(room.durable).toBe(groups.length);
    expect(hasty.acknowledged.flat().length).toBeGreaterThan(0);
    expect(hasty.acknowledged.flat().length).toBeLessThanOrEqual(most);
    expect(new Set(author.acknowledged.flat()).size).toBe(groups.length);
  });

  it("remembers more of them when its bounds are raised", async () => {
    const room = await loaded(new MemoryLevel(), { roomPendingBytes: PENDING_CHANGE_BYTES });
    room.bound(BOUNDS);
    const [hasty, author] = [new Listener(room), new Listener(room)];
    const document = openLines("main");
    const groups = Array.from({ length: 12 }, (_, i) => writeLine(document, `line ${i}`));
    for (const group of groups.slice(1)) room.receive(group, hasty);
    room.receive(groups[0]!, author);
    await settle();
    expect(hasty.acknowledged.flat()).toHaveLength(11);
  });

  it("gathers news for people who are there, tells them once, and nobody of what was before", async () => {
    const room = await loaded();
    const program = new Listener(room);
    const document = openLines("main");
    room.receive(writeLine(document, "before"), program);
    await settle();
    const person = new Listener(room, "person");
    vi.advanceTimersByTime(NEWS_MS);
    expect(person.news).toEqual([]);
    for (const line of ["one", "two", "three"]) {
      room.receive(writeLine(document, line), program);
      await settle();
    }
    vi.advanceTimersByTime(NEWS_MS);
    expect(person.news).toEqual([
      expect.stringMatching(/^\* 3 new changes by author .* 4 in all$/u),
    ]);
    vi.advanceTimersByTime(10 * NEWS_MS);
    // Nothing becomes durable that was not.
    await room.settled();
    vi.advanceTimersByTime(NEWS_MS);
    expect(person.news).toHaveLength(1);
    expect(program.news).toEqual([]);
  });
});

describe("what a room passes on", () => {
  it("is one batch for all that is applied in one step of the event loop, whatever the disk does", async () => {
    const database = new HeldLevel();
    const room = await loaded(database);
    const reader = new Listener(room);
    const document = openLines("main");
    database.isHolding = true;
    for (const line of ["one", "two", "three"]) room.receive(writeLine(document, line), reader);
    expect(reader.pushed).toEqual([]);
    await Promise.resolve();
    expect(reader.pushed).toEqual([0, 1, 2]);
    expect(reader.batches).toEqual([3]);
    expect(room.durable).toBe(0);
  });

  /** A room in which passing on takes so many milliseconds, by the clock that the room reads. */
  async function slow(ms: number) {
    let now = 1_000;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const room = await loaded();
    const reader = new Listener(room);
    reader.whenPushed = () => {
      now += ms;
    };
    const document = openLines("main");
    const write = async (line: string): Promise<void> => {
      room.receive(writeLine(document, line), reader);
      await settle();
    };
    const pass = (milliseconds: number): void => {
      now += milliseconds;
      vi.advanceTimersByTime(milliseconds);
    };
    return { room, reader, write, pass };
  }

  it("is gathered for some times as long as passing on took before", async () => {
    const { reader, write, pass } = await slow(10 / GATHERING_FACTOR);
    await write("at once");
    expect(reader.pushed).toEqual([0]);
    await write("later");
    pass(9);
    await write("later too");
    expect(reader.pushed).toEqual([0]);
    expect(vi.getTimerCount()).toBe(1);
    pass(1);
    expect(reader.pushed).toEqual([0, 1, 2]);
    expect(reader.batches).toEqual([0, 2]);
    await settle();
    pass(10);
    await write("at once again");
    expect(reader.pushed).toEqual([0, 1, 2, 3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is never gathered for long", async () => {
    const { reader, write, pass } = await slow(60_000);
    await write("at once");
    await write("later");
    pass(MAX_GATHERING_MS - 1);
    expect(reader.pushed).toEqual([0]);
    pass(1);
    expect(reader.pushed).toEqual([0, 1]);
  });

  it("is gathered no longer when it fills a group, or when the room is to settle", async () => {
    const { room, reader, write } = await slow(10);
    await write("at once");
    await write("x".repeat(MAX_GROUP_BYTES / 2));
    expect(reader.pushed).toEqual([0]);
    await write("x".repeat(MAX_GROUP_BYTES / 2));
    expect(reader.pushed).toEqual([0, 1, 2]);
    expect(vi.getTimerCount()).toBe(0);
    await write("later");
    expect(reader.pushed).toEqual([0, 1, 2]);
    await room.settled();
    expect(reader.pushed).toEqual([0, 1, 2, 3]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
