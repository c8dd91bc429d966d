/** Sessions whose groups are verified ahead, beside those whose groups are not: only the time may differ. */
import { EventEmitter } from "node:events";
import {
  type AheadOf,
  decodeGroup,
  documentId,
  encodeGroup,
  History,
  parseMessage,
  type Result,
  SliceCache,
  toHex,
} from "bft-json-crdt";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { openLines, writeLine } from "../test/participant.ts";
import { Ahead, type Foreseen } from "./ahead.ts";
import { EmbeddedBackplane } from "./backplane.ts";
import {
  AHEAD_GROUPS,
  CREDIT_MS,
  LINE_INBOX_BYTES,
  MAX_AHEAD_BYTES,
  MAX_AHEAD_SIGNATURES,
} from "./limits.ts";
import { MemoryLevel } from "./memory-level.ts";
import { Outlets } from "./outlet.ts";
import { Conduct } from "./conduct.ts";
import { Rates } from "./rates.ts";
import { Room } from "./room.ts";
import { Policies, RoomPolicy } from "./room-policy.ts";
import { type RoomRefusal, Rooms } from "./rooms.ts";
import { Session, type SessionHost } from "./session.ts";
import { completeSettings, type Settings } from "./settings.ts";
import { Turns } from "./turns.ts";

const ROOM = "main";

/** Counts what it begins with. */
class Counting extends Ahead {
  begun = 0;
  most = 0;

  override begin(history: AheadOf, group: Uint8Array): Foreseen | null {
    const foreseen = super.begin(history, group);
    if (foreseen !== null) this.begun++;
    this.most = Math.max(this.most, this.signatures);
    return foreseen;
  }
}

/** Begins with nothing: the relay as it would be without. */
class None extends Counting {
  override get isFull(): boolean {
    return true;
  }
}

/** Has no space for a while. */
class Space extends Counting {
  isTaken = false;

  override get isFull(): boolean {
    return this.isTaken || super.isFull;
  }
}

/** As much of a WebSocket as a session uses. */
class FakeSocket extends EventEmitter {
  readyState: number = WebSocket.OPEN;
  readonly bufferedAmount = 0;
  isPaused = false;
  readonly got: (string | Uint8Array)[] = [];

  send(frame: string | Uint8Array, _: object, done: () => void): void {
    this.got.push(frame);
    queueMicrotask(done);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  ping(): void {
    // Nobody asks.
  }

  close(code: number): void {
    this.readyState = WebSocket.CLOSED;
    this.emit("close", code);
  }

  terminate(): void {
    this.close(1006);
  }

  feed(frame: string | Uint8Array): void {
    if (this.readyState === WebSocket.OPEN)
      this.emit("message", Buffer.from(frame as string), typeof frame !== "string");
  }
}

/** One end of a session. */
interface End {
  readonly socket: FakeSocket;
  readonly session: Session;
}

/** Rooms and sessions, with real turns; the clock stands still, and moves only when a session is to lose its credit. */
class Place implements SessionHost {
  readonly settings: Settings = completeSettings({ data: ":memory:", sessionFaults: 0 }, {});
  readonly log = pino({ level: "silent" });
  readonly turns = new Turns();
  readonly outlets = new Outlets();
  readonly policies: Policies;
  readonly rates = new Rates(() => this.settings);
  readonly conduct = new Conduct(() => this.settings);
  readonly ahead: Counting;
  /** What takes long here is work. */
  readonly pauses = { in: () => 0 };
  readonly inboxShare = 10_000_000;
  readonly outboxShare = 1_000_000;
  readonly slices = new SliceCache(0);
  readonly rooms: Rooms;
  /** The next answer takes so long that whoever gets it has no credit any more. */
  isCostly = false;
  readonly ended = vi.fn<() => void>();
  #now = 1_000;
  /** Rooms that are being opened. */
  #entering = 0;

  constructor(ahead = new Counting(), given: Partial<Settings> = {}) {
    this.ahead = ahead;
    vi.spyOn(performance, "now").mockImplementation(() => this.#now);
    this.settings = completeSettings({ data: ":memory:", sessionFaults: 0, ...given }, {});
    this.policies = new Policies(this.settings);
    const nobody = { received: () => undefined, storingFailed: () => undefined };
    const backplane = new EmbeddedBackplane(new MemoryLevel());
    this.rooms = new Rooms(backplane, this.settings, nobody, this.log, this.policies);
  }

  sending(): void {
    if (this.isCostly) this.#now += 1_000_000 * CREDIT_MS;
    this.isCostly = false;
  }

  sent(): void {
    // Nobody counts.
  }

  enter(document: Uint8Array): Promise<Result<Room, RoomRefusal>> {
    this.#entering++;
    return this.rooms.enter(document).finally(() => this.#entering--);
  }

  leave(document: Uint8Array): void {
    this.rooms.leave(document);
  }

  joined(): void {
    // Nobody counts.
  }

  /** A session that has joined, is sent what comes, and has credit for nothing any more: what it sends stands in line. */
  async join(isCostly = true): Promise<End> {
    const socket = new FakeSocket();
    const session = new Session(socket as unknown as WebSocket, "peer", this);
    for (const frame of [
      JSON.stringify({ type: "join", room: ROOM }),
      '{"type":"have","heads":[]}',
      '{"type":"done","heads":[]}',
    ]) {
      socket.feed(frame);
      await this.settle();
    }
    this.isCostly = isCostly;
    if (isCostly) socket.feed("/who");
    await this.settle();
    socket.got.length = 0;
    return { socket, session };
  }

  /** Resolves when nothing stands in line, is being opened or verified, and the store in memory had time. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 8; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#entering + this.turns.waiting + this.ahead.signatures > 0) quiet = 0;
    }
  }

  /** The ids of all that was applied in the room, in the order in which it was. */
  async applied(): Promise<string[]> {
    const room = await this.enter(documentId(ROOM));
    if (!room.ok) throw new Error("the room is not there");
    const { history } = room.value;
    return Array.from({ length: history.length }, (_, index) => toHex(history.idAt(index)));
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Changes of three authors, who know of some of each other's, so many at a time; each a group of one. */
function someChanges(count: number, seed: number, streak = 1): Uint8Array[] {
  const authors = [0, 1, 2].map(() => openLines(ROOM));
  return Array.from({ length: count }, (_, n) => {
    const author = (Math.floor(n / streak) * 7 + seed) % 3;
    const group = writeLine(authors[author]!, `line ${n}`);
    if ((n + seed) % 4 === 0) for (const author of authors) author.receive(group);
    return group;
  });
}

describe("whoever waits for space", () => {
  it("is called in order, as many as there is space for, and nobody for those who do not want it any more", async () => {
    const ahead = new Ahead();
    const history = openLines(ROOM).history;
    const begin = (count: number): Foreseen =>
      ahead.begin(history, together(lonelyChanges(count)))!;
    const verified = (foreseen: Foreseen): Promise<void> =>
      new Promise((resolve) => {
        foreseen.whenVerified(resolve);
      });
    const first = begin(MAX_AHEAD_SIGNATURES);
    expect(ahead.isFull).toBe(true);
    const called: number[] = [];
    for (let n = 0; n < MAX_AHEAD_SIGNATURES + 10; n++) {
      ahead.whenSpace(() => {
        called.push(n);
        return n % 8 !== 0;
      });
    }
    await verified(first);
    const wanted = called.filter((n) => n % 8 !== 0);
    expect(wanted).toHaveLength(MAX_AHEAD_SIGNATURES);
    expect(called).toEqual(Array.from({ length: called.length }, (_, n) => n));
    const second = begin(1);
    await verified(second);
    expect(called).toHaveLength(MAX_AHEAD_SIGNATURES + 10);
    first.release();
    second.release();
  });
});

/** Changes that nobody else can vouch for: each by somebody else, a group of one. */
function lonelyChanges(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, n) => writeLine(openLines(ROOM), `line ${n}`));
}

/** Resolves when those who wait for the end of this tick had their turn. */
function tick(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

/** The changes in the frames that a session got, in their order. */
function pushed(frames: readonly (string | Uint8Array)[]): string[] {
  return frames.flatMap((frame) => {
    const group = typeof frame === "string" ? null : decodeGroup(frame);
    return group?.ok === true ? group.value.map(({ body }) => toHex(body)) : [];
  });
}

/**
 * The texts that a session got: without acknowledgements, which may come together, and without the heads of a `have`, which
 * are those that are durable at that moment.
 */
function answers(frames: readonly (string | Uint8Array)[]): string[] {
  return frames
    .filter((frame): frame is string => typeof frame === "string" && !frame.includes('"ack"'))
    .map((text) => text.replace(/^(\{"type":"have",)"heads":\[[^\]]*\],/u, "$1"));
}

/** The codes of the errors that a session got. */
function codesOf(frames: readonly (string | Uint8Array)[]): string[] {
  return answers(frames).flatMap((text) => /"code":"(\w+)"/u.exec(text)?.slice(1) ?? []);
}

/** What was acknowledged to a session, with all that it builds on; sorted. */
function acknowledged(
  frames: readonly (string | Uint8Array)[],
  all: readonly Uint8Array[],
): string[] {
  const history = new History({ document: documentId(ROOM) });
  for (const group of all) history.receive(group);
  const known = new Set<number>();
  const stack = frames.flatMap((frame) => {
    const message = typeof frame === "string" ? parseMessage(frame) : null;
    const isAck = message?.ok === true && message.value.type === "ack";
    return isAck ? message.value.ids.map((id) => history.indexOf(id)) : [];
  });
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    if (known.has(index)) continue;
    known.add(index);
    stack.push(...history.dependencies(index));
  }
  return [...known].map((index) => toHex(history.idAt(index))).toSorted();
}

/** One group of several. */
function together(groups: readonly Uint8Array[]): Uint8Array {
  const decoded = groups.map((group) => decodeGroup(group));
  return encodeGroup(decoded.flatMap((entries) => (entries.ok ? entries.value : [])));
}

/** A group with one bit of its signatures, or of its bodies, changed. */
function damaged(group: Uint8Array, isBody: boolean, at = 7): Uint8Array {
  const entries = decodeGroup(group);
  if (!entries.ok) throw new Error("not a group");
  return encodeGroup(
    entries.value.map(({ body, signature }) => {
      const [changed, other] = [body.slice(), signature!.slice()];
      if (isBody) changed[changed.length - 1]! ^= 1;
      else other[at]! ^= 1;
      return { body: changed, signature: other };
    }),
  );
}

/** What somebody sends of some changes: each once, most in order, with whatever else they think of in between. */
const anyFrames = (changes: readonly Uint8Array[]): fc.Arbitrary<(string | Uint8Array)[]> =>
  fc.array(fc.tuple(fc.nat(9), fc.nat(changes.length - 1)), { maxLength: 30 }).chain((extras) =>
    fc.nat(changes.length - 1).map((late) => {
      // One change comes last, so that what builds on it waits.
      const order = [...changes.filter((_, at) => at !== late), changes[late]!];
      const frames: (string | Uint8Array)[] = [];
      for (const [at, group] of order.entries()) {
        for (const [kind, about] of extras.slice(at * 2, at * 2 + 2)) {
          const other = changes[about]!;
          frames.push(
            [
              damaged(other, false),
              damaged(other, true),
              damaged(group, false),
              other,
              together([...changes.slice(0, 2), damaged(other, false), group]),
              Uint8Array.of(at, about),
              "/who",
              "junk",
              '{"type":"nonsense"}',
              new Uint8Array(0),
            ][kind]!,
          );
        }
        frames.push(group);
      }
      return frames;
    }),
  );

/** Nothing goes on where the frame before it ends: each is taken by itself. */
const apart = (frames: readonly (string | Uint8Array)[]): (string | Uint8Array)[] =>
  frames.flatMap((frame) => [frame, "/who"]);

const anyCase = fc
  .record({
    count: fc.integer({ min: 1, max: 24 }),
    seed: fc.nat(11),
    streak: fc.constantFrom(1, 1, 4, 24),
  })
  .map(({ count, seed, streak }) => someChanges(count, seed, streak))
  .chain((changes) => fc.record({ changes: fc.constant(changes), frames: anyFrames(changes) }));

describe("a session whose groups are verified ahead", () => {
  it("is answered as without that, in the same order, and so is who listens", async () => {
    let begun = 0;
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ changes, frames }) => {
        const outcomes = [];
        for (const ahead of [new None(), new Counting()]) {
          const verified = vi.spyOn(History.prototype, "receiveVerified");
          const place = new Place(ahead);
          const [sender, listener] = [await place.join(), await place.join()];
          for (const frame of apart(frames)) sender.socket.feed(frame);
          await place.settle();
          const { got } = sender.socket;
          for (const answer of answers(got))
            codes.add(/"code":"(\w+)"/u.exec(answer)?.[1] ?? "other");
          outcomes.push({
            answers: answers(got),
            acknowledged: acknowledged(got, changes),
            pushed: pushed(listener.socket.got),
            applied: await place.applied(),
          });
          // Who sent it all gets some of it back: what was waiting, and what became durable together with that.
          const back = pushed(got);
          expect(new Set(back).size).toBe(back.length);
          expect(outcomes.at(-1)!.pushed).toEqual(expect.arrayContaining(back));
          begun += ahead.begun;
          // Nothing that was begun is verified again.
          expect(verified).toHaveBeenCalledTimes(ahead.begun);
          verified.mockRestore();
          expect([ahead.signatures, ahead.bytes]).toEqual([0, 0]);
        }
        expect(outcomes[1]).toEqual(outcomes[0]);
        expect(outcomes[1]!.applied.toSorted()).toEqual(outcomes[1]!.acknowledged);
      }),
      { numRuns: 60 },
    );
    expect(begun).toBeGreaterThan(100);
    expect([...codes]).toEqual(expect.arrayContaining(["bad_signature", "malformed", "other"]));
  });

  it("ends at the same changes when those that go on where others end are taken together", async () => {
    let together = 0;
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ changes, frames }) => {
        const [separate, joined] = [new Place(), new Place()];
        const [one, other] = [await separate.join(), await joined.join()];
        const listener = await joined.join();
        for (const frame of apart(frames)) one.socket.feed(frame);
        await separate.settle();
        const receive = vi.spyOn(Room.prototype, "receive");
        for (const frame of frames) other.socket.feed(frame);
        await joined.settle();
        const groups = frames.filter((frame) => typeof frame !== "string");
        together += groups.length - receive.mock.calls.length;
        receive.mockRestore();
        const applied = (await joined.applied()).toSorted();
        expect(applied).toEqual((await separate.applied()).toSorted());
        expect(acknowledged(other.socket.got, changes)).toEqual(applied);
        expect(new Set(pushed(listener.socket.got)).size).toBe(applied.length);
        // A bad signature is not looked at where a later one of the chain is good, and of several faults one is told.
        // Nor is a bad copy told of that comes when what it was a copy of, and was waiting, has just been applied.
        const told = codesOf(other.socket.got).filter((code) => code !== "bad_signature");
        expect(codesOf(one.socket.got)).toEqual(expect.arrayContaining(told));
      }),
      { numRuns: 60 },
    );
    expect(together).toBeGreaterThan(50);
  });

  it("ends with the others at the same changes, whoever sent what, and however they take turns", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyCase,
        fc.infiniteStream(fc.nat(5)),
        async ({ changes, frames }, choices) => {
          const place = new Place();
          const [first, second] = [await place.join(), await place.join()];
          const rest = [[...frames], [...changes]];
          while (rest.some((list) => list.length > 0)) {
            const choice = choices.next().value;
            const frame = rest[choice % 2]!.shift();
            if (frame !== undefined) [first, second][choice % 2]!.socket.feed(frame);
            if (choice > 3) await new Promise((resolve) => setImmediate(resolve));
          }
          await place.settle();
          const applied = (await place.applied()).toSorted();
          expect(applied).toHaveLength(changes.length);
          for (const { socket } of [first, second])
            expect(acknowledged(socket.got, changes)).toEqual(applied);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("frees all when it ends in the midst of it, in whichever way, and others lose nothing", async () => {
    const changes = someChanges(60, 1);
    for (const end of [
      ({ socket }: End) => socket.close(1001),
      ({ session }: End) => session.close("stopping"),
      ({ session }: End) => session.terminate(),
      ({ session }: End) => session.drain(),
    ]) {
      for (const passes of [0, 1, 2, 5]) {
        const place = new Place();
        const [leaver, other] = [await place.join(), await place.join()];
        for (const group of changes) {
          leaver.socket.feed(damaged(group, false));
          leaver.socket.feed(group);
          other.socket.feed(group);
        }
        await tick();
        expect(place.ahead.begun).toBeGreaterThan(0);
        for (let i = 0; i < passes; i++) await new Promise((resolve) => setImmediate(resolve));
        end(leaver);
        await place.settle();
        expect([place.ahead.signatures, place.ahead.bytes]).toEqual([0, 0]);
        expect(acknowledged(other.socket.got, changes)).toHaveLength(60);
        expect(await place.applied()).toHaveLength(60);
        leaver.socket.close(1001);
        expect(place.ended).toHaveBeenCalledOnce();
        place.ended.mockClear();
      }
    }
  });

  it("is still taken in when its socket is gone, as far as it was sent before", async () => {
    const changes = someChanges(40, 2);
    const place = new Place();
    const { socket } = await place.join();
    for (const group of changes) socket.feed(group);
    socket.close(1001);
    expect(place.ended).not.toHaveBeenCalled();
    await place.settle();
    expect(await place.applied()).toHaveLength(40);
    expect(place.ended).toHaveBeenCalledOnce();
  });

  it("has nothing verified ahead while nothing stands in line, nor what the rules of its room refuse", async () => {
    const changes = someChanges(3, 0);
    const idle = new Place();
    const { socket } = await idle.join(false);
    for (const group of changes) {
      socket.feed(group);
      await idle.settle();
    }
    expect([idle.ahead.begun, (await idle.applied()).length]).toEqual([0, 3]);
    const closed = new Place(new Counting(), { rooms: { [ROOM]: { "read-only": true } } });
    const end = await closed.join();
    for (const group of changes) end.socket.feed(group);
    await closed.settle();
    expect([closed.ahead.begun, (await closed.applied()).length]).toEqual([0, 0]);
    expect(answers(end.socket.got).join()).toContain("room_read_only");
    // A person's bytes are no changes.
    const place = new Place();
    const { socket: person } = await place.join();
    place.isCostly = true;
    for (const frame of [`/join ${ROOM}`, ...changes]) {
      person.feed(frame);
      if (frame === `/join ${ROOM}`) await place.settle();
    }
    expect(place.turns.waiting).toBe(1);
    await place.settle();
    expect([place.ahead.begun, (await place.applied()).length]).toEqual([0, 0]);
  });

  it("has verified what still stands in line after a turn, once there is space for it again", async () => {
    const changes = someChanges(3, 6);
    const space = new Space();
    const place = new Place(space);
    const { socket } = await place.join();
    space.isTaken = true;
    // The first one takes so long that its turn is over then.
    place.isCostly = true;
    for (const frame of ["/who", ...changes]) socket.feed(frame);
    await tick();
    space.isTaken = false;
    expect(space.begun).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect([answers(socket.got).length, space.begun]).toEqual([1, 3]);
    await place.settle();
    expect(await place.applied()).toHaveLength(3);
  });

  it("waits outside of the line while there is no space, when it would be taken with others", async () => {
    const lines = openLines(ROOM);
    const changes = [0, 1, 2].map((n) => writeLine(lines, `line ${n}`));
    const space = new Space();
    const place = new Place(space);
    const { socket } = await place.join();
    space.isTaken = true;
    place.isCostly = true;
    for (const frame of ["/who", ...changes]) socket.feed(frame);
    for (let pass = 0; pass < 20; pass++) await new Promise((resolve) => setImmediate(resolve));
    expect([answers(socket.got).length, place.turns.waiting]).toEqual([1, 0]);
    expect(await place.applied()).toEqual([]);
    space.isTaken = false;
    // Somebody else's change is verified, and so it is known that there is space.
    const room = await place.enter(documentId(ROOM));
    if (!room.ok) throw new Error("no room");
    space.begin(room.value.history, lonelyChanges(1)[0]!)?.release();
    await place.settle();
    expect(await place.applied()).toHaveLength(3);
    expect(space.begun).toBe(2);
  });

  it("is not read for longer than its part of the inbox lasts while it is being verified", async () => {
    // More than other threads are given at once, so that it is not over when its turn comes.
    const group = together(lonelyChanges(200));
    const place = new Place();
    const { socket } = await place.join();
    socket.feed(group);
    await new Promise((resolve) => setImmediate(resolve));
    expect([place.turns.waiting, place.ahead.signatures, socket.isPaused]).toEqual([0, 200, false]);
    socket.feed(new Uint8Array(LINE_INBOX_BYTES / 2));
    expect(socket.isPaused).toBe(true);
    await place.settle();
    expect(socket.isPaused).toBe(false);
    expect(await place.applied()).toHaveLength(200);
  });

  it("goes by the rules of its room as they are when its turn comes", async () => {
    const [alice, bob] = [openLines(ROOM), openLines(ROOM)];
    const group = together([writeLine(alice, "hello"), writeLine(bob, "hello")]);
    const place = new Place();
    const { socket } = await place.join();
    const room = await place.enter(documentId(ROOM));
    socket.feed(group);
    await tick();
    expect(place.ahead.begun).toBe(1);
    if (room.ok) room.value.rule(new RoomPolicy({ authors: [toHex(alice.author!)] }));
    await place.settle();
    expect(await place.applied()).toEqual([toHex(alice.history.idAt(0))]);
    expect(answers(socket.got).join()).toContain("author_not_allowed");
  });

  it("has no more verified ahead than the bounds allow, and the rest in its turn", async () => {
    const changes = lonelyChanges(200);
    const place = new Place();
    const honest = await place.join();
    const others: End[] = [];
    for (let n = 0; n < 4; n++) others.push(await place.join());
    for (const group of changes) honest.socket.feed(group);
    await tick();
    expect(place.ahead.begun).toBe(AHEAD_GROUPS);
    for (const [at, { socket }] of others.entries())
      for (const group of changes) socket.feed(damaged(group, false, at));
    await place.settle();
    expect(place.ahead.most).toBe(MAX_AHEAD_SIGNATURES);
    expect(await place.applied()).toHaveLength(200);
    for (const { socket } of others)
      for (const answer of answers(socket.got)) expect(answer).toContain("bad_signature");
  });
});

describe("what is verified ahead", () => {
  const history = new History({ document: documentId(ROOM) });

  it("is bounded in signatures, which are counted until they are verified", async () => {
    const ahead = new Ahead();
    const groups = someChanges(MAX_AHEAD_SIGNATURES + 1, 4);
    const begun = groups.map((group) => ahead.begin(history, group));
    expect(begun.map((one) => one === null)).toEqual(groups.map((_, n) => n === groups.length - 1));
    expect([ahead.isFull, ahead.signatures]).toEqual([true, MAX_AHEAD_SIGNATURES]);
    // Whoever releases them does not stop what is being done.
    for (const one of begun.slice(1)) one?.release();
    expect([ahead.isFull, ahead.signatures]).toEqual([true, MAX_AHEAD_SIGNATURES]);
    const then = vi.fn<() => void>();
    begun[0]!.whenVerified(then);
    begun[1]!.whenVerified(vi.fn<() => void>());
    await vi.waitFor(
      () => {
        expect(ahead.signatures).toBe(0);
      },
      { timeout: 30_000 },
    );
    expect(then).toHaveBeenCalledOnce();
    expect(ahead.bytes).toBe(groups[0]!.length);
    begun[0]!.release();
    begun[0]!.release();
    expect(ahead.bytes).toBe(0);
  });

  it("is bounded in bytes, which are counted until it is released, and verified", async () => {
    const ahead = new Ahead();
    const rubbish = new Uint8Array(MAX_AHEAD_BYTES / 4 - 1);
    const begun = Array.from({ length: 5 }, () => ahead.begin(history, rubbish));
    expect(begun.map((one) => one === null)).toEqual([false, false, false, false, true]);
    expect(ahead.isFull).toBe(false);
    const four = new Uint8Array(4);
    expect(ahead.begin(history, four)).not.toBeNull();
    expect([ahead.isFull, ahead.bytes]).toEqual([true, MAX_AHEAD_BYTES]);
    expect(ahead.begin(history, new Uint8Array(0))).toBeNull();
    begun[0]!.release();
    expect(ahead.bytes).toBe(MAX_AHEAD_BYTES);
    await vi.waitFor(
      () => {
        expect([ahead.isFull, ahead.bytes]).toEqual([false, MAX_AHEAD_BYTES - rubbish.length]);
      },
      { timeout: 30_000 },
    );
  });

  it("tells nobody who has released it", async () => {
    const ahead = new Ahead();
    const [group] = someChanges(1, 5);
    const then = vi.fn<() => void>();
    const one = ahead.begin(history, group!);
    one!.whenVerified(then);
    one!.release();
    await vi.waitFor(
      () => {
        expect([ahead.signatures, ahead.bytes]).toEqual([0, 0]);
      },
      { timeout: 30_000 },
    );
    expect(then).not.toHaveBeenCalled();
  });
});
