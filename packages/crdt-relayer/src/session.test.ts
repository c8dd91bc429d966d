/** A session on a socket that is only pretended: each of its rules by itself, without waiting for a network. */
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import {
  authenticationMessage,
  Document,
  documentId,
  encodeMessage,
  fromHex,
  generateKeyPair,
  list,
  type Result,
  sign,
  string,
  struct,
  SyncSession,
  toHex,
} from "bft-json-crdt";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { openLines, writeLine } from "../test/participant.ts";
import { stoppedClock } from "../test/stopped-clock.ts";
import { Ahead } from "./ahead.ts";
import { CLOSE } from "./close-codes.ts";
import {
  CREDIT_LINE,
  CREDIT_MS,
  CREDIT_PER_MS,
  FIRST_CREDIT_MS,
  LEAST_CREDIT_SHARE,
  MOST_DEBT_MS,
  MAX_COMMAND_LENGTH,
  MIN_HOLD_MS,
  REFUSED_CHANGE_BYTES,
  TURN_BYTES,
  TURN_MS,
} from "./limits.ts";
import { EmbeddedBackplane } from "./backplane.ts";
import { MemoryLevel } from "./memory-level.ts";
import { Outlets } from "./outlet.ts";
import { Pauses } from "./pauses.ts";
import { Rates } from "./rates.ts";
import type { Room } from "./room.ts";
import { Policies } from "./room-policy.ts";
import { type RoomRefusal, Rooms } from "./rooms.ts";
import { Session, type SessionHost } from "./session.ts";
import { completeSettings, type Settings } from "./settings.ts";
import type { Step } from "./turns.ts";

/** As much of a WebSocket as a session uses. */
class FakeSocket extends EventEmitter {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  isPaused = false;
  pings = 0;
  isCut = false;
  readonly frames: (string | Uint8Array)[] = [];
  readonly closes: { readonly code: number; readonly reason: string }[] = [];
  /** What to call when a frame has been read. */
  readonly written: (() => void)[] = [];

  send(frame: string | Uint8Array, _: object, done: () => void): void {
    this.frames.push(frame);
    this.written.push(done);
  }

  ping(): void {
    this.pings++;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  terminate(): void {
    this.isCut = true;
    this.emit("close", 1006);
  }
}

/** A session, with all that it asks of its relay. */
class World implements SessionHost {
  readonly settings: Settings;
  readonly log = pino({ level: "silent" });
  readonly steps: Step[] = [];
  /** In how many milliseconds each step was due that ever stood in line. */
  readonly dueInMs: number[] = [];
  readonly turns = {
    waiting: 0,
    next: (step: Step, inMs = 0) => {
      this.steps.push(step);
      this.dueInMs.push(inMs);
    },
  };
  inboxShare = 1_000_000;
  outboxShare = 1_000_000;
  entered: string[] = [];
  /** Rooms that are being opened. */
  entering = 0;
  left = 0;
  endings = 0;
  onSending: () => void = () => undefined;
  readonly rooms: Rooms;
  readonly rates: Rates;
  readonly policies: Policies;
  readonly outlets = new Outlets();
  readonly ahead = new Ahead();
  readonly pauses = new Pauses();
  readonly socket: FakeSocket;
  readonly session: Session;

  constructor(
    given: Partial<Settings> = {},
    rates: Rates | null = null,
    peer = "peer",
    dialled: string | null = "relay.example",
    socket = new FakeSocket(),
  ) {
    this.socket = socket;
    this.settings = completeSettings({ data: ":memory:", ...given }, {});
    this.policies = new Policies(this.settings);
    const nobody = { received: () => undefined, storingFailed: () => undefined };
    this.rooms = new Rooms(
      new EmbeddedBackplane(new MemoryLevel()),
      this.settings,
      nobody,
      this.log,
      this.policies,
    );
    this.rates = rates ?? new Rates(() => this.settings);
    this.session = new Session(this.socket as unknown as WebSocket, peer, this, dialled);
    worlds.push(this);
  }

  sending(): void {
    this.onSending();
  }

  sent(): void {
    // Nobody counts.
  }

  enter(document: Uint8Array): Promise<Result<Room, RoomRefusal>> {
    this.entered.push(Buffer.from(document).toString("hex"));
    this.entering++;
    return this.rooms.enter(document).finally(() => this.entering--);
  }

  leave(document: Uint8Array): void {
    this.left++;
    this.rooms.leave(document);
  }

  joined(): void {
    // Nobody counts.
  }

  ended(): void {
    this.endings++;
  }

  /** A frame comes. */
  get(frame: string | Uint8Array): void {
    const isText = typeof frame === "string";
    this.socket.emit("message", Buffer.from(frame as string), !isText);
  }

  /** The frames that went out since this was asked last. */
  said(): (string | Uint8Array)[] {
    this.outlets.flush();
    return this.socket.frames.splice(0);
  }

  /** The code of the only answer since. */
  code(): unknown {
    const frames = this.said();
    expect(frames).toHaveLength(1);
    return (JSON.parse(String(frames[0])) as { readonly code?: unknown }).code;
  }

  /** Joins, and lets everything settle. */
  async join(join: object | string = { type: "join", room: "main" }): Promise<this> {
    this.get(typeof join === "string" ? join : JSON.stringify(join));
    // On a busy machine it may have used up its credit, and stands in line.
    do {
      this.turn();
      await settle();
    } while (this.entering > 0 || this.steps.length > 0);
    return this;
  }

  /** The steps that stand in line take their turn. */
  turn(): void {
    for (const step of this.steps.splice(0)) step();
  }
}

const worlds: World[] = [];

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

afterEach(() => {
  vi.restoreAllMocks();
  for (const { session } of worlds.splice(0)) session.terminate();
});

describe("a session that is over", () => {
  it("is closed once, whatever comes to close it again", () => {
    const { session, socket } = new World();
    session.close("stopping");
    session.close("internal");
    expect(socket.closes).toEqual([{ code: CLOSE.stopping.code, reason: CLOSE.stopping.reason }]);
  });

  it("takes nothing more from its socket", async () => {
    const world = new World();
    world.session.close("stopping");
    await world.join();
    expect(world.entered).toEqual([]);
  });

  it("sends nothing more, nor does one whose socket is closing", () => {
    const closed = new World();
    closed.session.close("stopping");
    closed.session.tell("news");
    expect(closed.said()).toEqual([]);
    const closing = new World();
    closing.socket.readyState = WebSocket.CLOSING;
    closing.session.tell("news");
    expect(closing.said()).toEqual([]);
  });

  it("goes on reading its socket, for the answer to the close frame", () => {
    const world = new World();
    world.session.await(world.inboxShare + 1);
    expect(world.socket.isPaused).toBe(true);
    world.session.close("stopping");
    expect(world.socket.isPaused).toBe(false);
    world.session.await(world.inboxShare);
    expect(world.socket.isPaused).toBe(false);
  });

  it("is told of once, when its socket is cut", () => {
    const world = new World();
    world.session.terminate();
    world.session.terminate();
    expect(world.socket.isCut).toBe(true);
    expect(world.endings).toBe(1);
  });

  it("is neither pinged nor cut while what it sent is still being taken in", async () => {
    const world = await new World().join();
    world.said();
    const clock = stoppedClock();
    // To join may have used up its credit.
    clock.add(10_000);
    const receive = vi.spyOn(SyncSession.prototype, "receive").mockImplementation(() => {
      clock.add(2 * CREDIT_MS);
    });
    for (let i = 0; i < 3; i++) world.get(new Uint8Array([i]));
    world.socket.emit("close", 1001);
    expect(world.endings).toBe(0);
    for (let i = 0; i < 3; i++) world.session.checkAlive();
    expect([world.socket.pings, world.socket.isCut]).toEqual([0, false]);
    for (let i = 0; i < 3; i++) world.turn();
    expect(receive).toHaveBeenCalledTimes(3);
    expect(world.endings).toBe(1);
  });

  it("gives back the place that it was waiting for, and none that it did not get", async () => {
    const late = new World();
    late.get('{"type":"join","room":"main"}');
    late.session.close("stopping");
    await settle();
    expect([late.entered.length, late.left]).toEqual([1, 1]);
    expect(late.said()).toEqual([]);
    const refused = new World({ maxRooms: 1, maxRoomSessions: 1 });
    await refused.rooms.enter(documentId("other"));
    refused.get('{"type":"join","room":"main"}');
    refused.session.close("stopping");
    await settle();
    expect([refused.entered.length, refused.left]).toEqual([1, 0]);
  });

  it("takes nothing in while the relay drains, and is still told what became of the rest", () => {
    const world = new World();
    world.session.drain();
    world.get('{"type":"join","room":"main"}');
    expect(world.entered).toEqual([]);
    world.session.tell("news");
    expect(world.said()).toEqual(["news"]);
  });

  it("was closed because of a mistake of the relay's own, which goes no further", () => {
    const world = new World();
    world.onSending = () => {
      throw new Error("a mistake");
    };
    world.get("hello");
    expect(world.socket.closes).toEqual([
      { code: CLOSE.internal.code, reason: CLOSE.internal.reason },
    ]);
  });
});

describe("a session that is silent", () => {
  it("is pinged, and cut when it has not answered by the next time", () => {
    const { session, socket } = new World();
    session.checkAlive();
    socket.emit("pong");
    session.checkAlive();
    expect([socket.pings, socket.isCut]).toEqual([2, false]);
    session.checkAlive();
    expect([socket.pings, socket.isCut]).toEqual([2, true]);
  });

  it("is not cut while its socket is not read, since no answer can come", () => {
    const { session, socket } = new World();
    socket.isPaused = true;
    for (let i = 0; i < 4; i++) session.checkAlive();
    expect([socket.pings, socket.isCut]).toEqual([4, false]);
  });

  it("is closed when it joins no room in time, and not once it has", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const idle = new World({ joinSeconds: 5 });
      const busy = await new World({ joinSeconds: 5 }).join();
      vi.advanceTimersByTime(5_000);
      expect(idle.socket.closes.map(({ code }) => code)).toEqual([CLOSE.notJoined.code]);
      expect(busy.socket.closes).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a session that sends faster than its rates", () => {
  const RATE = 100_000;
  const slow = { sessionRateBytes: RATE, sessionBurstBytes: RATE };
  const text = (seconds: number): string => " ".repeat(seconds * RATE);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("is not read until it has kept within them, and then again", () => {
    const { get, socket } = worldOf(slow);
    get(text(0.9));
    expect(socket.isPaused).toBe(false);
    get(text(2.1));
    vi.advanceTimersByTime(1_990);
    expect(socket.isPaused).toBe(true);
    vi.advanceTimersByTime(30);
    expect([socket.isPaused, socket.closes]).toEqual([false, []]);
  });

  it("is not stopped for a moment", () => {
    const { get, socket } = worldOf(slow);
    get(text(1));
    get(" ".repeat(Math.floor((MIN_HOLD_MS / 1_000) * RATE) - 600));
    expect(socket.isPaused).toBe(false);
  });

  it("waits longer for what its socket had read already", () => {
    const { get, socket } = worldOf(slow);
    get(text(2));
    get(text(2));
    vi.advanceTimersByTime(2_900);
    expect(socket.isPaused).toBe(true);
    vi.advanceTimersByTime(200);
    expect(socket.isPaused).toBe(false);
  });

  it("is closed when it would have to wait too long", () => {
    const { get, socket } = worldOf({ ...slow, rateCloseSeconds: 3 });
    get(text(3.9));
    expect(socket.closes).toEqual([]);
    get(text(1.1));
    expect(socket.closes).toEqual([{ code: CLOSE.tooFast.code, reason: CLOSE.tooFast.reason }]);
    expect(socket.isPaused).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has nothing of the frame handled for which it is closed", async () => {
    const { get, world, socket } = worldOf({ ...slow, rateCloseSeconds: 3 });
    get(`/join main${text(5)}`);
    await settle();
    expect(socket.closes.map(({ code }) => code)).toEqual([CLOSE.tooFast.code]);
    expect(world.entered).toEqual([]);
  });

  it("waits for the slowest of its rates", async () => {
    const quick = { keyRateBytes: 10 * RATE, keyBurstBytes: 1_024 };
    const { get, world, socket } = worldOf({ ...slow, ...quick });
    await world.join();
    get(writeLine(openLines("main"), "x".repeat(3 * RATE)));
    vi.advanceTimersByTime(1_900);
    expect(socket.isPaused).toBe(true);
    vi.advanceTimersByTime(200);
    expect(socket.isPaused).toBe(false);
  });

  it("waits until both its rates and its inbox allow it", () => {
    const { get, world, socket } = worldOf(slow);
    get(text(3));
    world.session.await(world.inboxShare + 1);
    vi.advanceTimersByTime(3_000);
    expect(socket.isPaused).toBe(true);
    world.session.await(-world.inboxShare - 1);
    expect(socket.isPaused).toBe(false);
    get(text(3));
    world.session.await(world.inboxShare + 1);
    world.session.await(-world.inboxShare - 1);
    expect(socket.isPaused).toBe(true);
  });

  it("shares the rate of its address with others from there, and of its room with all in it", async () => {
    for (const name of ["address", "room"] as const) {
      const rates = { [`${name}RateBytes`]: RATE, [`${name}BurstBytes`]: RATE };
      const first = worldOf(rates);
      const second = worldOf(rates, first.world.rates, name === "address" ? "peer" : "another");
      const elsewhere = worldOf(rates, first.world.rates, "elsewhere");
      // It is one room for all of them.
      vi.spyOn(second.world.rooms, "enter").mockImplementation((id) => first.world.rooms.enter(id));
      await Promise.all([first.world.join(), second.world.join()]);
      await elsewhere.world.join({ type: "join", room: "elsewhere" });
      first.get(text(0.6));
      second.get(text(0.6));
      elsewhere.get(text(0.6));
      const paused = [first, second, elsewhere].map(({ socket }) => socket.isPaused);
      expect([name, ...paused]).toEqual([name, false, true, false]);
    }
  });

  it("pays for what one key has signed, whoever brings it, and not for what is known", async () => {
    const keyed = { keyRateBytes: RATE, keyBurstBytes: RATE };
    const first = worldOf(keyed);
    const second = worldOf(keyed, first.world.rates, "another");
    vi.spyOn(second.world.rooms, "enter").mockImplementation((id) => first.world.rooms.enter(id));
    await Promise.all([first.world.join(), second.world.join()]);
    const [mine, others] = [openLines("main"), openLines("main")];
    const groups = ["a", "b", "c"].map((letter) => writeLine(mine, letter.repeat(0.6 * RATE)));
    first.get(groups[0]!);
    second.get(groups[0]!);
    second.get(groups[0]!);
    expect([first, second].map(({ socket }) => socket.isPaused)).toEqual([false, false]);
    second.get(writeLine(others, "d".repeat(0.6 * RATE)));
    expect(second.socket.isPaused).toBe(false);
    first.get(groups[1]!);
    expect([first, second].map(({ socket }) => socket.isPaused)).toEqual([true, false]);
  });

  it("pays for each change that is refused", async () => {
    const { get, world, socket } = worldOf({
      sessionRateBytes: REFUSED_CHANGE_BYTES,
      sessionBurstBytes: 3 * REFUSED_CHANGE_BYTES,
    });
    await world.join();
    const forged = writeLine(openLines("main"), "x");
    forged[forged.length - 1]! ^= 1;
    for (let i = 0; i < 2; i++) get(forged);
    expect(socket.isPaused).toBe(false);
    get(new Uint8Array([1, 2, 3]));
    expect(socket.isPaused).toBe(true);
  });

  it("pays as much for a change that the rules of the room refuse", async () => {
    const { get, world, socket } = worldOf({
      sessionRateBytes: REFUSED_CHANGE_BYTES,
      sessionBurstBytes: 3 * REFUSED_CHANGE_BYTES,
      rooms: { main: { "read-only": true } },
    });
    await world.join();
    for (const isTooMuch of [false, false, true]) {
      get(writeLine(openLines("main"), "x"));
      expect(socket.isPaused).toBe(isTooMuch);
    }
  });

  function worldOf(
    given: Partial<Settings>,
    rates?: Rates,
    peer?: string,
  ): {
    readonly world: World;
    readonly socket: FakeSocket;
    readonly get: (frame: string | Uint8Array) => void;
  } {
    const world = new World(given, rates, peer);
    return {
      world,
      socket: world.socket,
      get(frame) {
        world.get(frame);
        // Whoever has no credit left stands in line.
        while (world.steps.length > 0) world.turn();
      },
    };
  }
});

describe("a session before it has joined", () => {
  const SPACE = " ".repeat(MAX_COMMAND_LENGTH);

  it.each([
    ["bytes", new Uint8Array([1]), "not_joined"],
    ["a message", '{"type":"done","frontier":{"heads":[]}}', "not_joined"],
    ["a message that only speaks of a join", '{"type":"done","of":"join"}', "not_joined"],
    ["a broken message", '{"type"', "malformed"],
    ["a broken join", '{"type":"join"', "malformed"],
    ["a list that speaks of a join", '{"0":["join"]', "malformed"],
    ["a join that is too long", `{"type":"join","room":"main"${SPACE}}`, "malformed"],
    ["a message that is too long", `{"type":"done"${SPACE}}`, "malformed"],
    ["a join whose fields are inherited", '{"__proto__":{"type":"join","room":"a"}}', "not_joined"],
    ["a join of nothing", '{"type":"join"}', "bad_join"],
    ["a join of a room and a document", joinOf("main", "ab".repeat(32)), "bad_join"],
    ["a join of a list", '{"type":"join","room":["main"]}', "bad_join"],
    ["a join of no name", joinOf(""), "bad_join"],
    ["a join of too long a name", joinOf("x".repeat(1_025)), "bad_join"],
    ["a join of half a character", String.raw`{"type":"join","room":"\ud800"}`, "bad_join"],
    ["a join of no document", '{"type":"join","document":"main"}', "bad_join"],
    ["a join of a number", `{"type":"join","document":${"1".repeat(64)}}`, "bad_join"],
    [
      "a join of a list of one document",
      `{"type":"join","document":["${"ab".repeat(32)}"]}`,
      "bad_join",
    ],
  ])("is told what is wrong with %s", async (_, frame, code) => {
    const world = new World();
    world.get(frame);
    await settle();
    expect(world.entered).toEqual([]);
    expect(world.code()).toBe(code);
    expect(world.socket.closes).toEqual([]);
  });

  it.each(["hello", '"join"', '["join"]', "null", "17"])(
    "gets words for what people may type: %s",
    (text) => {
      const world = new World();
      world.get(text);
      expect(world.said()).toEqual(["error: this is neither a command nor a message; type /help"]);
      expect(world.socket.closes).toEqual([]);
    },
  );

  it("can ask who is there, and leave, though it is nowhere", () => {
    // On a busy machine its credit would run out between the two.
    stoppedClock();
    const world = new World();
    world.get("/who");
    world.get("/leave");
    expect(world.said()).toEqual([
      "error: you are in no room yet; type /join ROOM first",
      "error: you are in no room",
    ]);
    expect(world.socket.closes).toEqual([]);
    expect(world.left).toBe(0);
  });

  it("may join with the longest name and the longest text", async () => {
    const named = await new World().join(joinOf("x".repeat(1_024)));
    expect(named.entered).toHaveLength(1);
    const join = '{"type":"join","room":"main"}';
    const padded = await new World().join(join.padEnd(MAX_COMMAND_LENGTH));
    expect(padded.entered).toHaveLength(1);
  });

  it("is turned away as the program or the person that it is", async () => {
    const full = { maxRooms: 1 };
    const program = new World(full);
    const person = new World(full);
    for (const world of [program, person]) await world.rooms.enter(documentId("other"));
    await program.join();
    expect(program.code()).toBe("too_many_rooms");
    await person.join("/join main");
    expect(person.said()).toEqual(["error: this relay holds no more than 1 room at once"]);
    for (const { socket } of [program, person])
      expect(socket.closes.map(({ code }) => code)).toEqual([CLOSE.tooManyRooms.code]);
  });

  function joinOf(room: string, document?: string): string {
    return JSON.stringify({ type: "join", room, document });
  }
});

describe("a session that is asked for a key", () => {
  // A proof takes long enough for the next frame to stand in line.
  beforeEach(() => {
    stoppedClock();
  });

  const keyPair = generateKeyPair();
  const key = toHex(keyPair.publicKey);
  const document = toHex(documentId("main"));

  /** The right answer to the challenge that was the last thing said. */
  function proofFor(world: World): string {
    const { nonce } = JSON.parse(String(world.said().at(-1))) as { readonly nonce: string };
    const message = authenticationMessage(fromHex(nonce)!, documentId("main"), "relay.example");
    const signature = toHex(sign(message, keyPair.secretKey));
    return JSON.stringify({ type: "proof", author: key, signature });
  }

  it("comes in when it has proven it, by name or id, and no room is loaded before", async () => {
    for (const join of [
      { type: "join", room: "main" },
      { type: "join", document },
    ]) {
      const world = await new World({ rooms: { main: { readers: [key] } } }).join(join);
      expect(world.entered).toEqual([]);
      await world.join(proofFor(world));
      expect(world.entered).toEqual([document]);
      expect(String(world.said()[0])).toContain('"joined"');
      expect(world.socket.closes).toEqual([]);
      // There is nothing to prove any more.
      world.get(JSON.stringify({ type: "proof", author: key, signature: "ab" }));
      expect(world.code()).toBe("unknown_type");
    }
  });

  it("ends when it says anything else first, and nothing comes of it", async () => {
    const change = writeLine(openLines("main"), "x");
    const frames = [change, '{"type":"have","heads":[]}', "/who", '{"type":"join","room":"other"}'];
    for (const frame of frames) {
      const world = await new World({ authenticate: true }).join();
      world.said();
      world.get(frame);
      expect(world.code()).toBe("not_proven");
      expect(world.socket.closes.map(({ code }) => code)).toEqual([CLOSE.notProven.code]);
      await settle();
      expect(world.entered).toEqual([]);
    }
  });

  it("ends when it does not answer in time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const settings = { joinSeconds: 5, rooms: { main: { readers: [key] } } };
      const world = await new World(settings).join({ type: "join", room: "open" });
      const gone = await new World(settings).join();
      gone.session.terminate();
      await world.join();
      vi.advanceTimersByTime(4_999);
      expect(world.socket.closes).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(world.socket.closes.map(({ code }) => code)).toEqual([CLOSE.notProven.code]);
      expect(gone.socket.closes).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("leaves the room that it was in before it is asked", async () => {
    const world = await new World({ rooms: { main: { readers: [key] } } }).join({
      type: "join",
      room: "open",
    });
    expect(world.left).toBe(0);
    await world.join();
    expect(world.left).toBe(1);
  });

  it("is refused when it has called the relay by a name that is none of its own", async () => {
    const world = new World({ authenticate: true }, null, "peer", null);
    await world.join();
    expect(world.code()).toBe("wrong_host");
    expect(world.socket.closes.map(({ code }) => code)).toEqual([CLOSE.wrongHost.code]);
  });

  it("is refused when the rules want another one by the time that it answers, or has come in", async () => {
    const world = await new World({ rooms: { main: { readers: [key] } } }).join();
    const other = toHex(generateKeyPair().publicKey);
    const stricter = { rooms: { main: { readers: [other] } }, authenticate: false };
    world.policies.replace(stricter);
    await world.join(proofFor(world));
    expect(world.code()).toBe("not_allowed");
    expect(world.socket.closes.map(({ code }) => code)).toEqual([CLOSE.notAllowed.code]);
    const late = await new World({ rooms: { main: { readers: [key] } } }).join();
    late.get(proofFor(late));
    late.policies.replace(stricter);
    await settle();
    expect(late.socket.closes.map(({ code }) => code)).toEqual([CLOSE.rulesChanged.code]);
    expect([late.left, late.said()]).toEqual([1, []]);
  });

  it("costs its address what a refused change costs, when it proves none", async () => {
    const rates = {
      addressRateBytes: REFUSED_CHANGE_BYTES,
      addressBurstBytes: REFUSED_CHANGE_BYTES,
    };
    const settings = completeSettings({ data: ":memory:", ...rates, authenticate: true }, {});
    for (const isRight of [true, false]) {
      const shared = new Rates(() => settings);
      const first = await new World(settings, shared).join();
      const proof = proofFor(first);
      await first.join(isRight ? proof : proof.replace(key, toHex(generateKeyPair().publicKey)));
      expect(first.socket.closes.length).toBe(isRight ? 0 : 1);
      first.session.terminate();
      const second = await new World(settings, shared).join();
      expect(second.socket.isPaused).toBe(!isRight);
    }
  });

  it("is no person: people are told so, and stay where they are", async () => {
    const world = await new World({ rooms: { main: { readers: [key] } } }).join("/join open");
    world.said();
    await world.join("/join main");
    expect(world.said()).toEqual([
      "error: this room asks for a key; a program with one can join it",
    ]);
    world.get("/who");
    expect(world.said()).toEqual(['room "open": 0 programs and 1 person here']);
  });
});

describe("a session in a room whose rules change", () => {
  const changed = { rooms: { main: { "read-only": true } }, authenticate: false };

  it("has to join again when it is a program there, and not otherwise", async () => {
    const inside = await new World().join();
    const elsewhere = await new World().join({ type: "join", room: "other" });
    const nowhere = new World();
    for (const world of [inside, elsewhere, nowhere]) {
      expect(world.session.heedRules()).toBe(false);
      world.policies.replace(changed);
    }
    expect([inside, elsewhere, nowhere].map(({ session }) => session.heedRules())).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("is told of them when it is a person, once, and has to go when a key is asked for", async () => {
    const world = await new World().join("/join main");
    world.said();
    world.policies.replace(changed);
    expect([1, 2].map(() => world.session.heedRules())).toEqual([false, false]);
    expect(world.said()).toEqual(["* the rules have changed; read-only: no changes are taken"]);
    world.policies.replace({ rooms: {}, authenticate: false });
    expect(world.session.heedRules()).toBe(false);
    expect(world.said()).toEqual(["* the rules have changed; everybody may write"]);
    world.policies.replace({ rooms: {}, authenticate: true });
    expect(world.session.heedRules()).toBe(true);
  });

  it("is told of them when it joins, and so is a person", async () => {
    const world = await new World(changed).join();
    expect(JSON.parse(String(world.said()[0]))).toEqual({
      type: "joined",
      room: "main",
      document: toHex(documentId("main")),
      protocol: 1,
      readOnly: true,
    });
    await world.join("/join main");
    expect(world.said().join()).toMatch(/person here; read-only: no changes are taken$/u);
  });
});

describe("a session that says what it has", () => {
  const id = "ab".repeat(32);

  it.each([
    ["broken", '{"have"'],
    ["of another type", `{"type":"ack","ids":["${id}"],"have":1,"also":"have"}`],
    [
      "by a digest",
      encodeMessage({ type: "have", frontier: { digest: documentId("any") }, again: false }),
    ],
  ])("in a message %s, is told nothing of its heads, and stays", async (_, frame) => {
    const world = await new World().join();
    world.said();
    vi.restoreAllMocks();
    const acknowledge = vi.spyOn(SyncSession.prototype, "acknowledge");
    world.get(frame);
    await settle();
    expect(acknowledge).not.toHaveBeenCalled();
    expect(world.socket.closes).toEqual([]);
  });

  it("is told again which of its heads are durable", async () => {
    const document = new Document({
      schema: struct({ lines: list(string()) }),
      id: documentId("main"),
      keyPair: generateKeyPair(),
    });
    const change = document.change((doc) => doc.lines.push("hello"));
    const world = await new World().join();
    const ack = encodeMessage({ type: "ack", ids: [change.id] });
    // To join may have used up the credit, and then it takes turns until a change is judged.
    for (const frame of [
      change.bytes,
      encodeMessage({ type: "have", frontier: { heads: [change.id] }, again: false }),
    ]) {
      world.get(frame);
      do {
        world.turn();
        await settle();
      } while (!world.said().includes(ack));
    }
  });
});

describe("a session that wants cursors", () => {
  const join = (cursor?: unknown): object => ({ type: "join", room: "main", cursor });
  const told = (world: World): { readonly [key: string]: unknown }[] =>
    world
      .said()
      .filter((frame) => typeof frame === "string")
      .map((frame) => JSON.parse(frame) as { readonly [key: string]: unknown });

  /** A change that was sent is judged and durable, since it is acknowledged: that takes turns, of the line and of the loop. */
  const judged = async (world: World): Promise<void> => {
    while (!told(world).some(({ type }) => type === "ack")) {
      world.turn();
      await settle();
    }
  };

  it("is told one when it is pinged, if something came since; others are told none", async () => {
    for (const [wish, types] of [
      [join(null), ["cursor"]],
      [join(), []],
    ] as const) {
      const world = await new World().join(wish);
      world.get(encodeMessage({ type: "have", frontier: { heads: [] }, again: false }));
      world.get(writeLine(openLines("main"), "hello"));
      await judged(world);
      world.session.checkAlive();
      expect(told(world).map(({ type }) => type)).toEqual(types);
      world.session.checkAlive();
      expect(told(world)).toEqual([]);
    }
  });

  it("goes on from a cursor that the room holds, on the same connection only from what that was not sent", async () => {
    const world = await new World().join(join(null));
    const start = told(world)[0]!;
    expect(start).toMatchObject({ recovered: false, cursor: { position: 0 } });
    world.get(encodeMessage({ type: "have", frontier: { heads: [] }, again: false }));
    world.get(writeLine(openLines("main"), "hello"));
    await judged(world);
    world.session.checkAlive();
    const cursor = told(world).at(-1)!;
    expect(cursor).toMatchObject({ type: "cursor", position: 1 });
    await world.join(join(cursor));
    const [joined, ...more] = told(world);
    expect(joined).toMatchObject({ type: "joined", recovered: true, cursor: { position: 1 } });
    expect(more.map(({ type }) => type)).toEqual(["have"]);
    await world.join(join(start["cursor"]));
    expect(told(world)[0]).toMatchObject({ recovered: false, cursor: { position: 1 } });
  });

  it.each([[{}], ["cursor"], [7], [[]], [{ ["__proto__"]: 1 }], [{ position: -1 }]])(
    "is let in whatever its cursor is: %j",
    async (cursor) => {
      const world = await new World().join(join(cursor));
      const [joined, have] = told(world);
      expect(joined).toMatchObject({ type: "joined", recovered: false });
      expect(have).toMatchObject({ type: "have" });
    },
  );

  it("says nothing of cursors to who does not speak of them", async () => {
    const [joined] = told(await new World().join(join()));
    expect(Object.keys(joined!)).toEqual(["type", "room", "document", "protocol"]);
  });
});

describe("the work that a session causes", () => {
  it("waits in line once it has used up its credit, one turn at a time, and comes in its order", () => {
    const clock = stoppedClock();
    const world = new World();
    world.onSending = () => {
      clock.add(2 * CREDIT_MS);
    };
    for (const name of ["a", "b", "c"]) world.get(`/${name}nother`);
    expect(world.said()).toHaveLength(1);
    expect(world.steps).toHaveLength(1);
    for (const name of ["b", "c"]) {
      world.turn();
      expect(world.said()).toEqual([expect.stringContaining(`/${name}nother`)]);
    }
    expect(world.steps).toHaveLength(0);
    world.turn();
    expect(world.said()).toEqual([]);
  });

  it("is due the later the more it went beyond its credit, up to a bound", () => {
    const due = [0.1, 1, 2, MOST_DEBT_MS, 1_000 * MOST_DEBT_MS].map((beyondMs) => {
      vi.restoreAllMocks();
      const clock = stoppedClock();
      const world = new World();
      world.onSending = () => {
        // Some of it is earned meanwhile.
        clock.add((FIRST_CREDIT_MS + beyondMs) / (1 - CREDIT_PER_MS));
      };
      for (const name of ["a", "b"]) world.get(`/${name}nother`);
      return world.dueInMs[0];
    });
    const longest = MOST_DEBT_MS / CREDIT_PER_MS;
    const expected = [0.1 / CREDIT_PER_MS, 1 / CREDIT_PER_MS, 2 / CREDIT_PER_MS, longest, longest];
    expect(due).toHaveLength(expected.length);
    for (const [at, ms] of due.entries()) expect(ms).toBeCloseTo(expected[at]!, 6);
  });

  it("is hardly what a pause of the process takes that falls into it", () => {
    const clock = stoppedClock();
    const world = new World();
    let costMs = 0.01;
    world.onSending = () => {
      clock.add(costMs);
    };
    for (let i = 0; i < 20; i++) {
      clock.add(1_000);
      world.get("/who");
    }
    costMs = 80;
    world.get("/who");
    costMs = 0.01;
    world.said();
    world.get("/who");
    expect([world.said().length, world.steps.length]).toEqual([1, 0]);
  });

  it("is served at once for less the more others stand in line", () => {
    const served = [0, CREDIT_LINE / 2, 9 * CREDIT_LINE].map((waiting) => {
      vi.restoreAllMocks();
      const clock = stoppedClock();
      const world = new World();
      world.turns.waiting = waiting;
      world.onSending = () => {
        clock.add(CREDIT_MS / 32);
      };
      clock.add(10_000);
      for (let i = 0; i < 100; i++) world.get("/who");
      return world.said().length;
    });
    const [alone = 0, beside = 0, amongMany = 0] = served;
    expect(beside).toBeLessThanOrEqual(alone * 0.8);
    expect(amongMany).toBeLessThan(beside);
    expect(amongMany).toBeGreaterThanOrEqual(Math.floor(alone * LEAST_CREDIT_SHARE));
  });

  it("is also what it takes to read it: above its credit it is read in its turn, and again then", () => {
    const clock = stoppedClock();
    const stream = new PassThrough();
    const socket = Object.assign(new FakeSocket(), { _socket: stream });
    // As ws takes what comes apart.
    stream.on("data", () => {
      clock.add(FIRST_CREDIT_MS * 0.6);
    });
    const world = new World({}, null, "peer", undefined, socket);
    stream.emit("data", new Uint8Array(1));
    expect([socket.isPaused, world.steps.length]).toEqual([false, 0]);
    stream.emit("data", new Uint8Array(1));
    expect([socket.isPaused, world.steps.length]).toEqual([true, 1]);
    // A frame that was stored does not have it read before.
    world.session.await(0);
    expect(socket.isPaused).toBe(true);
    const [step] = world.steps.splice(0);
    expect([step?.(), socket.isPaused]).toEqual([true, false]);
    stream.emit("data", new Uint8Array(1));
    expect([socket.isPaused, world.steps.length]).toEqual([true, 1]);
    // What comes after it was closed is read, so that the answer to the close frame is.
    world.session.close("stopping");
    stream.emit("data", new Uint8Array(1));
    expect(socket.isPaused).toBe(false);
  });

  it("is counted once, though it is done while the socket is read", () => {
    const clock = stoppedClock();
    const stream = new PassThrough();
    const socket = Object.assign(new FakeSocket(), { _socket: stream });
    const world = new World({}, null, "peer", undefined, socket);
    world.onSending = () => {
      clock.add(FIRST_CREDIT_MS * 0.6);
    };
    // Behind the session's first listener, and before its last one, as that of ws is.
    stream.listeners("data").forEach((listener, at) => {
      stream.off("data", listener as () => void);
      stream.on("data", listener as () => void);
      if (at === 0) stream.on("data", () => world.get("/leave"));
    });
    stream.emit("data", new Uint8Array(1));
    expect([socket.isPaused, world.steps.length]).toEqual([false, 0]);
  });

  it("takes several frames in one turn while they are cheap, and goes on when the turn is over", () => {
    const clock = stoppedClock();
    const world = new World();
    world.onSending = () => {
      clock.add(2 * CREDIT_MS);
    };
    for (let i = 0; i < 4; i++) world.get("/leave");
    world.said();
    world.onSending = () => {
      clock.add(TURN_MS * 0.6);
    };
    world.turn();
    expect(world.said()).toHaveLength(2);
    world.turn();
    expect(world.said()).toHaveLength(1);
  });

  it("asks for no turn when nothing waits", async () => {
    const world = await new World().join();
    expect(world.steps).toEqual([]);
  });

  it("is bounded in what waits: its socket is not read above that, not even for empty frames", () => {
    const clock = stoppedClock();
    const world = new World();
    world.inboxShare = 1_000;
    world.onSending = () => {
      clock.add(2 * CREDIT_MS);
    };
    world.get("/leave");
    for (let i = 0; i < 3; i++) world.get("");
    expect(world.socket.isPaused).toBe(false);
    world.get("");
    expect(world.socket.isPaused).toBe(true);
    while (world.steps.length > 0) world.turn();
    expect(world.socket.isPaused).toBe(false);
  });
});

describe("a session whose other end reads slowly", () => {
  const SOFT = 2_000_000;

  it("gets no news above the soft bound, and is closed above the hard one", () => {
    const world = new World({ sendSoftBytes: SOFT, sendHardBytes: 2 * SOFT });
    const { session, socket, settings } = world;
    socket.bufferedAmount = settings.sendSoftBytes;
    session.tell("news");
    expect(world.said()).toEqual(["news"]);
    socket.bufferedAmount++;
    session.tell("more news");
    expect(world.said()).toEqual([]);
    expect(socket.closes).toEqual([]);
    socket.bufferedAmount = settings.sendHardBytes + 1;
    world.get("/help");
    expect(socket.closes.map(({ code }) => code)).toEqual([CLOSE.slowReader.code]);
  });

  it("is closed when something waits for longer than it may, and not while it reads what is older", async () => {
    vi.restoreAllMocks();
    const clock = stoppedClock();
    const world = await new World({ sendSeconds: 60 }).join();
    const { session, socket } = world;
    const later = (ms: number): void => {
      clock.add(ms);
      // It reads too slowly, and answers.
      socket.emit("pong");
      session.checkAlive();
    };
    const ask = (): void => {
      world.get("/who");
      world.outlets.flush();
    };
    const read = (): void => {
      socket.written.shift()!();
    };
    world.outlets.flush();
    while (socket.written.length > 0) read();
    later(1_000_000);
    ask();
    for (let i = 0; i < 5; i++) {
      ask();
      later(60_000);
      read();
    }
    while (socket.written.length > 0) read();
    ask();
    later(1);
    later(60_000);
    expect(socket.closes).toEqual([]);
    later(1);
    expect(socket.closes.map(({ code }) => code)).toEqual([CLOSE.slowReader.code]);
    // It does not even answer that.
    later(1);
    session.checkAlive();
    expect(socket.isCut).toBe(true);
  });

  it("is fed again when it has read half of the soft bound, and not before", async () => {
    vi.restoreAllMocks();
    // On a busy machine its credit would run out.
    stoppedClock();
    const resume = vi.spyOn(SyncSession.prototype, "resume");
    const world = await new World({ sendSoftBytes: SOFT }).join();
    const { socket } = world;
    const read = (): void => {
      world.outlets.flush();
      for (const done of socket.written.splice(0)) done();
    };
    read();
    expect(resume).not.toHaveBeenCalled();
    socket.bufferedAmount = SOFT + 1;
    world.get("/who");
    read();
    socket.bufferedAmount = SOFT / 2;
    expect(resume).not.toHaveBeenCalled();
    socket.bufferedAmount = SOFT + 1;
    world.get("/who");
    socket.bufferedAmount = SOFT / 2 + 1;
    read();
    expect(resume).not.toHaveBeenCalled();
    world.get("/who");
    socket.bufferedAmount = SOFT / 2;
    read();
    expect(resume).toHaveBeenCalledTimes(1);
    world.get("/who");
    read();
    expect(resume).toHaveBeenCalledTimes(1);
  });

  it("lets others have a turn after so many bytes, once, and goes on after that and not before", async () => {
    const world = await new World({ sendSoftBytes: SOFT }).join();
    vi.restoreAllMocks();
    const resume = vi.spyOn(SyncSession.prototype, "resume");
    for (let i = 0; i < 3; i++) world.session.tell("x".repeat(TURN_BYTES));
    expect(world.steps).toHaveLength(1);
    world.outlets.flush();
    for (const done of world.socket.written.splice(0)) done();
    expect(resume).not.toHaveBeenCalled();
    world.turn();
    expect(resume).toHaveBeenCalledTimes(1);
  });

  it("takes no turn for what it sends in many ticks, between which others have theirs", async () => {
    const world = await new World().join();
    for (let i = 0; i < 3; i++) {
      world.session.tell("x".repeat(TURN_BYTES / 2));
      world.outlets.flush();
    }
    expect(world.steps).toHaveLength(0);
    world.session.tell("x".repeat(TURN_BYTES / 2));
    world.session.tell("x".repeat(TURN_BYTES / 2));
    expect(world.steps).toHaveLength(1);
  });
});
