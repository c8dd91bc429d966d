/** A session on a socket that is only pretended: each of its rules by itself, without waiting for a network. */
import { Duplex } from "node:stream";
import {
  authenticationMessage,
  Document,
  documentId,
  encodeMessage,
  fromHex,
  generateKeyPair,
  list,
  sign,
  string,
  struct,
  SyncSession,
  toHex,
} from "bft-json-crdt";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { openLines, writeLine } from "../test/participant.ts";
import { endWorlds, FakeSocket, settle, World } from "../test/session-world.ts";
import { stoppedClock } from "../test/stopped-clock.ts";
import { CLOSE } from "./close-codes.ts";
import { MAX_COMMAND_LENGTH, REFUSED_CHANGE_BYTES, TURN_BYTES } from "./limits.ts";
import { Rates } from "./rates.ts";
import { completeSettings } from "./settings.ts";

afterEach(() => {
  vi.restoreAllMocks();
  endWorlds();
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
    const clock = stoppedClock();
    const world = await new World().join();
    world.said();
    const receive = vi.spyOn(SyncSession.prototype, "receive").mockImplementation(() => {
      // More than what may be taken for a pause.
      clock.add(1_000);
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
    socket.emit("pong", Buffer.alloc(0));
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
      socket.emit("pong", Buffer.alloc(0));
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

describe("a session whose client has said nothing yet", () => {
  function silent(): { readonly world: World; readonly stream: Duplex } {
    const stream = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => {
        done();
      },
    });
    stream.resume();
    const socket = Object.assign(new FakeSocket(), { _socket: stream });
    return { world: new World({}, null, "peer", undefined, socket), stream };
  }

  it("has made nothing that it takes to serve it, is pinged, and comes to its end", () => {
    const meter = vi.spyOn(Rates.prototype, "meter");
    const { world } = silent();
    world.session.checkAlive();
    expect(world.socket.pings).toBe(1);
    expect([world.session.unread, world.session.awaited]).toEqual([0, 0]);
    world.session.close("notJoined");
    expect(world.socket.closes.map(({ code }) => code)).toEqual([CLOSE.notJoined.code]);
    world.socket.emit("close", CLOSE.notJoined.code);
    expect(world.endings).toBe(1);
    const gone = silent().world;
    gone.socket.emit("close", 1006);
    expect([gone.endings, gone.session.ending]).toEqual([1, "lost"]);
    gone.session.checkAlive();
    expect(gone.socket.pings).toBe(0);
    expect(meter).not.toHaveBeenCalled();
  });

  it("has all of that before the first thing it says is read", async () => {
    const meter = vi.spyOn(Rates.prototype, "meter");
    const { world, stream } = silent();
    await settle();
    stream.on("data", () => {
      world.get('{"type":"join","room":"main"}');
    });
    stream.push("anything");
    await settle();
    expect(meter).toHaveBeenCalledTimes(1);
    expect(world.entered).toHaveLength(1);
  });

  it("that is closed first takes nothing in, whatever comes then, and errors end nothing", async () => {
    const { world, stream } = silent();
    world.socket.emit("error", new Error("ECONNRESET"));
    world.session.close("notJoined");
    stream.on("data", () => {
      world.get('{"type":"join","room":"main"}');
    });
    stream.push("anything");
    await settle();
    expect([world.entered, world.steps.length, world.socket.isPaused]).toEqual([[], 0, false]);
  });

  it("is held as any other", () => {
    const { world } = silent();
    world.session.hold(true);
    expect(world.socket.isPaused).toBe(true);
    world.session.hold(false);
    expect(world.socket.isPaused).toBe(false);
  });

  it.each([
    ["takes in what it says then", false, 1],
    ["takes in nothing when the relay drains", true, 0],
  ])("%s", async (_, isDrained, taken) => {
    const { world, stream } = silent();
    if (isDrained) world.session.drain();
    stream.on("data", () => {
      world.get('{"type":"join","room":"main"}');
    });
    stream.push("anything");
    await settle();
    expect(world.entered).toHaveLength(taken);
  });
});
