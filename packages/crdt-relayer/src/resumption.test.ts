/**
 * Resuming from cursors, against a model that is nothing but lists of ids: random histories of several authors, changes
 * that wait for others, restarts, backups that are put back, and cursors of every kind.
 */
import {
  type Cursor,
  encodeMessage,
  type LiveGroup,
  liveGroups,
  PendingPool,
  parseMessage,
  ResendBudget,
  SyncSession,
  documentId,
  toHex,
} from "bft-json-crdt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Lines, openLines, writeLine } from "../test/participant.ts";
import { EmbeddedBackplane } from "./backplane.ts";
import { Epochs } from "./epochs.ts";
import { MemoryLevel } from "./memory-level.ts";
import { type Member, Room } from "./room.ts";
import { resumptionOf } from "./resumption.ts";

/** Pseudo-random choices that depend on a seed alone. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 to less than this. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.below(1_000) < probability * 1_000;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  shuffle<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, key: this.below(2 ** 31) }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item);
  }
}

const BOUNDS = {
  roomPendingBytes: 4_000_000,
  peerPendingBytes: 4_000_000,
  authorPendingBytes: 4_000_000,
  exposedPendingBytes: 4_000_000,
};

/** A database that can be copied, as a backup does. */
class CopiedLevel extends MemoryLevel {
  #writes: Parameters<MemoryLevel["batch"]>[0] = [];

  override batch(operations: Parameters<MemoryLevel["batch"]>[0]): Promise<void> {
    this.#writes.push(...operations);
    return super.batch(operations);
  }

  async copy(): Promise<CopiedLevel> {
    const copy = new CopiedLevel();
    await copy.batch([...this.#writes]);
    return copy;
  }
}

/** A relay with one room. */
class Relay {
  database = new CopiedLevel();
  room!: Room;

  /** Starts, or starts again, with what is in the database. */
  async start(): Promise<this> {
    const host = { received: () => undefined, storingFailed: () => undefined };
    const bounds = { settings: BOUNDS, pool: new PendingPool(1e9) };
    const loaded = await Room.load(
      documentId("main"),
      new EmbeddedBackplane(this.database),
      host,
      bounds,
    );
    if (!loaded.ok) throw new Error(loaded.error.detail);
    this.room = loaded.value;
    return this;
  }

  async take(groups: readonly Uint8Array[]): Promise<void> {
    for (const group of groups) this.room.receive(group, NOBODY);
    await this.room.settled();
  }

  /** Ids in the order of the room. */
  get order(): string[] {
    const { history, durable } = this.room;
    return Array.from({ length: durable }, (_, index) => toHex(history.idAt(index)));
  }
}

const NOBODY: Member = {
  peer: "somebody",
  kind: "program",
  acknowledge: () => undefined,
  push: () => undefined,
  tell: () => undefined,
  await: () => undefined,
};

/** Someone with a document, who comes and goes, and keeps the cursors that may be kept. */
class Client {
  readonly document: Lines = openLines("main");
  cursor: Cursor | null = null;
  /** What the order was when the cursor was kept: the model. */
  before: readonly string[] = [];
  unsent = 0;

  get ids(): Set<string> {
    const { history } = this.document;
    return new Set(
      Array.from({ length: history.length }, (_, index) => toHex(history.idAt(index))),
    );
  }

  /** Comes to a relay and stays until both have the same; `lie` is what the relay says in the place of the truth. */
  async visit(
    relay: Relay,
    join: unknown = this.cursor,
    during: readonly Uint8Array[] = [],
    lie: boolean | null = null,
  ): Promise<Visit> {
    const { room } = relay;
    const { history } = this.document;
    const visit: Visit = { recovered: false, ids: [], types: [], start: room.durable };
    // What comes is stored a moment later.
    let durable = history.length;
    const stored: LiveGroup[] = [];
    const there: (string | Uint8Array)[] = [];
    const here: (string | Uint8Array)[] = [];
    const resumption = resumptionOf(room, join, 0)!;
    const member: Member = {
      ...NOBODY,
      acknowledge: (ids) => server.acknowledge(ids),
      push: ({ group, indexes }) => server.push(group, indexes),
    };
    const server: SyncSession = new SyncSession({
      history: room.history,
      peer: "client",
      send: (frame) => here.push(frame) > 0,
      receiveGroup: (group) => room.receive(group, member),
      onHeads: (ids) => {
        room.acknowledge(ids, member);
      },
      budget: new ResendBudget(room.history),
      cursorAt: (position) => room.cursorAt(position),
    });
    const client: SyncSession = new SyncSession({
      history,
      peer: "relay",
      send: (frame) => there.push(frame) > 0,
      receiveGroup: (group) => {
        const received = this.document.receive(group, "relay");
        visit.ids.push(...received.results.map(({ id }) => toHex(id)));
        stored.push(...liveGroups(history, group, received));
        return received;
      },
      durable: () => durable,
      onCursor: (cursor) => {
        this.cursor = cursor;
        this.before = relay.order.slice(0, cursor.position);
        // Never one for what is not here.
        const { ids } = this;
        expect(this.before.filter((id) => !ids.has(id))).toEqual([]);
      },
    });
    room.enter(member);
    if (resumption.from === null) server.open();
    else server.recover(resumption.from);
    visit.recovered = lie ?? resumption.fields.recovered;
    if (visit.recovered) client.awaitRecovery();
    else client.open();
    const late = [...during];
    for (let quiet = 0; quiet < 3;) {
      const frame = here.shift();
      if (frame !== undefined) client.receive(frame);
      const answer = there.shift();
      if (answer !== undefined) server.receive(answer);
      if (typeof frame === "string" || typeof answer === "string")
        for (const text of [frame, answer]) visit.types.push(typeOf(text));
      for (const { group, indexes } of stored.splice(0)) {
        durable = indexes.at(-1)! + 1;
        client.push(group, indexes);
      }
      if (late.length > 0) await relay.take([late.shift()!]);
      await room.settled();
      quiet = frame === undefined && answer === undefined && late.length === 0 ? quiet + 1 : 0;
    }
    server.tellCursor();
    for (const frame of here.splice(0)) client.receive(frame);
    room.leave(member);
    this.unsent = 0;
    return visit;
  }

  write(line: string): void {
    writeLine(this.document, line);
    this.unsent++;
  }
}

interface Visit {
  recovered: boolean;
  /** Of the changes that came, in their order. */
  readonly ids: string[];
  readonly types: string[];
  /** Changes that the room had when the client came. */
  readonly start: number;
}

function typeOf(frame: string | Uint8Array | undefined): string {
  const message = typeof frame === "string" ? parseMessage(frame) : null;
  return message?.ok === true ? message.value.type : "";
}

/** Several authors who write, and now and then see what others wrote. */
class Authors {
  readonly #documents = Array.from({ length: 4 }, () => openLines("main"));
  readonly #random: Random;
  #lines = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** So many changes, each as a group; some stand before what they build on. */
  write(count: number): Uint8Array[] {
    const groups: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const document = this.#random.pick(this.#documents);
      groups.push(writeLine(document, `line ${this.#lines++}`));
      if (this.#random.chance(0.4)) this.#read(document, this.#random.pick(this.#documents));
    }
    return this.#random.chance(0.5) ? groups : this.#random.shuffle(groups);
  }

  #read(reader: Lines, { history }: Lines): void {
    const all = Array.from({ length: history.length }, (_, index) => index);
    for (const group of history.groupsFor(all)) reader.receive(group, "another author");
  }
}

function isPrefix(part: readonly string[], whole: readonly string[]): boolean {
  return part.every((id, position) => whole[position] === id);
}

function frontierOf(document: Lines): string[] {
  return document.history.frontier().map(toHex);
}

describe("a client that comes back", () => {
  it("is told that it recovered just when the room still has all that it had in that order, gets what it lacks, and the rest is compared", async () => {
    let recoveries = 0;
    let refusals = 0;
    let released = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const random = new Random(seed);
        const authors = new Authors(random);
        const relay = await new Relay().start();
        const other = await new Relay().start();
        const client = new Client();
        const cursors: { readonly cursor: Cursor; readonly before: readonly string[] }[] = [];
        let backup = await relay.database.copy();
        for (let step = 0; step < 12; step++) {
          switch (random.below(6)) {
            case 0:
              await relay.start();
              break;
            case 1:
              backup = await relay.database.copy();
              break;
            case 2:
              relay.database = await backup.copy();
              await relay.start();
              break;
            case 3:
              client.write(`own ${step}`);
              break;
            default: {
              const groups = authors.write(random.between(1, 8));
              const { length } = relay.room.history;
              await relay.take(groups);
              if (relay.room.history.length > length + 1) released++;
              await other.take(random.shuffle(groups));
            }
          }
          if (!random.chance(0.6)) continue;
          const old = random.pick([{ cursor: client.cursor, before: client.before }, ...cursors]);
          const { cursor, before } = random.chance(0.8) ? client : old;
          const whom = random.chance(0.85) ? relay : other;
          const lacked = whom.order.filter((id) => !client.ids.has(id));
          const { ids } = client;
          const mayRecover =
            cursor !== null &&
            cursor.epoch === whom.room.cursorAt(0).epoch &&
            before.length <= whom.order.length &&
            isPrefix(before, whom.order);
          const order = whom.order;
          const late = random.chance(0.3) ? authors.write(random.between(1, 3)) : [];
          const visit = await client.visit(whom, cursor, late);
          expect(visit.recovered).toBe(mayRecover);
          if (mayRecover) {
            recoveries++;
            const behind = order.slice(before.length);
            // What a newer visit brought is sent again to an older cursor; nothing else is, and each once.
            expect(visit.ids.filter((id) => order.includes(id)).toSorted()).toEqual(
              behind.toSorted(),
            );
            if (cursor === client.cursor)
              expect(behind.filter((id) => !ids.has(id))).toEqual(lacked);
          } else {
            refusals++;
            expect(visit.ids.filter((id) => order.includes(id)).toSorted()).toEqual(
              lacked.toSorted(),
            );
          }
          expect(whom.room.history.frontier().map(toHex)).toEqual(frontierOf(client.document));
          if (client.cursor !== null)
            cursors.push({ cursor: client.cursor, before: client.before });
        }
      }),
      { numRuns: 30 },
    );
    expect(Math.min(recoveries, refusals, released)).toBeGreaterThan(5);
  });

  it("finds the same order after a restart, whatever waited and was released", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const authors = new Authors(new Random(seed));
        const relay = await new Relay().start();
        for (let i = 0; i < 6; i++) await relay.take(authors.write(20));
        const { durable } = relay.room;
        const [order, cursor] = [relay.order, relay.room.cursorAt(durable)];
        await relay.start();
        expect(relay.order).toEqual(order);
        expect(relay.room.cursorAt(durable)).toEqual(cursor);
      }),
      { numRuns: 10 },
    );
  });

  it("loses nothing to a relay that says that it recovered when it did not", async () => {
    const relay = await new Relay().start();
    const authors = new Authors(new Random(1));
    await relay.take(authors.write(30));
    const client = new Client();
    client.write("own");
    const visit = await client.visit(relay, null, [], true);
    expect(visit.recovered).toBe(true);
    expect(relay.room.history.frontier().map(toHex)).toEqual(frontierOf(client.document));
  });

  it("that made its cursor up is caught up all the same", async () => {
    const relay = await new Relay().start();
    const authors = new Authors(new Random(2));
    await relay.take(authors.write(30));
    const client = new Client();
    client.write("own");
    // It knows the room's cursor, and has nothing of what is before it.
    const visit = await client.visit(relay, relay.room.cursorAt(relay.room.durable - 3));
    expect(visit.recovered).toBe(true);
    expect(relay.room.history.frontier().map(toHex)).toEqual(frontierOf(client.document));
  });
});

describe("the cursor in a join", () => {
  it.each([
    ["nothing", null],
    ["a text", "cursor"],
    ["a list", []],
    ["no place", { epoch: "good", order: "good" }],
    ["a negative place", { position: -1 }],
    ["half a place", { position: 0.5 }],
    ["a place beyond numbers", { position: 2 ** 53 }],
    ["a place that is no number", { position: "1" }],
    ["a place that is to come", { position: 6 }],
    ["another place", { position: 4 }],
    ["another epoch", { epoch: "ab".repeat(16) }],
    ["an epoch that is no text", { epoch: 7 }],
    ["another order", { order: "cd".repeat(32) }],
    ["an order that is no text", { order: ["cd".repeat(32)] }],
    ["inherited fields", JSON.parse('{"__proto__":{"position":5}}')],
  ])("that is %s recovers nothing, and the room says where it is", async (_, fields) => {
    const relay = await new Relay().start();
    await relay.take(new Authors(new Random(3)).write(5));
    const { room } = relay;
    const good = room.cursorAt(5);
    const isObject = typeof fields === "object" && fields !== null && !Array.isArray(fields);
    const isWhole = isObject && !("epoch" in fields && fields.epoch === "good");
    const isInherited = isObject && Object.hasOwn(fields, "__proto__");
    const field = isWhole && !isInherited ? { ...good, ...fields } : fields;
    expect(resumptionOf(room, field, 0)).toEqual({
      fields: { recovered: false, cursor: good },
      from: null,
    });
    expect(resumptionOf(room, good, 0)?.from).toBe(5);
  });

  it("is not spoken of to who sent none", async () => {
    const { room } = await new Relay().start();
    expect(resumptionOf(room, undefined, 0)).toBeNull();
  });

  it("asks for nothing that the connection was sent before", async () => {
    const relay = await new Relay().start();
    await relay.take(new Authors(new Random(4)).write(5));
    const { room } = relay;
    expect(resumptionOf(room, room.cursorAt(3), 4)?.from).toBeNull();
    expect(resumptionOf(room, room.cursorAt(4), 4)?.from).toBe(4);
  });
});

describe("the name of a room's log", () => {
  it("stays with the store, is another for each room and each store, and goes with a backup", async () => {
    const database = new CopiedLevel();
    const [main, other] = [documentId("main"), documentId("other")];
    const name = await new Epochs(database).of(main);
    expect(name).toMatch(/^[0-9a-f]{32}$/u);
    expect(await new Epochs(database).of(main)).toBe(name);
    expect(await new Epochs(await database.copy()).of(main)).toBe(name);
    expect(await new Epochs(database).of(other)).not.toBe(name);
    expect(await new Epochs(new MemoryLevel()).of(main)).not.toBe(name);
  });

  it("lasts as long as the process where it cannot be kept", async () => {
    class FullLevel extends MemoryLevel {
      override batch(): Promise<void> {
        return Promise.reject(new Error("the disk is full"));
      }
    }
    const full = new FullLevel();
    const epochs = new Epochs(full);
    const name = await epochs.of(documentId("main"));
    expect(await epochs.of(documentId("main"))).toBe(name);
    expect(await new Epochs(full).of(documentId("main"))).not.toBe(name);
  });
});

it("a message of cursors is no question and is not answered", async () => {
  const relay = await new Relay().start();
  await relay.take(new Authors(new Random(5)).write(3));
  const frames: unknown[] = [];
  const session = new SyncSession({
    history: relay.room.history,
    peer: "peer",
    send: (frame) => frames.push(frame) > 0,
    receiveGroup: (group) => relay.room.receive(group, NOBODY),
  });
  session.receive(encodeMessage({ type: "cursor", cursor: relay.room.cursorAt(2) }));
  expect(frames).toEqual([]);
});
