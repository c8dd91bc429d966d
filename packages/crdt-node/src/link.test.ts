/** A link on a WebSocket that is only pretended: when it speaks, when it gives up, and what it does not listen to. */
import {
  type Cursor,
  Document,
  documentId,
  encodeMessage,
  generateKeyPair,
  History,
  MAX_GROUP_BYTES,
  type ReceivedGroup,
  string,
  struct,
  SyncSession,
  toHex,
} from "bft-json-crdt";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UNSTORED_BYTES } from "./exchange.ts";
import { DEFAULT_BUDGETS, MAX_FAULTS } from "./limits.ts";
import { Link, type LinkHost, type Proof } from "./link.ts";

const { sockets, FakeSocket } = await vi.hoisted(async () => {
  const { EventEmitter: Emitter } = await import("node:events");
  const made: InstanceType<typeof Fake>[] = [];
  /** As much of a WebSocket as a link uses. */
  class Fake extends Emitter {
    static readonly OPEN = 1;
    static readonly CLOSED = 3;
    readyState = 0;
    bufferedAmount = 0;
    pings = 0;
    isCut = false;
    isPaused = false;
    readonly url: string;
    readonly options: { readonly maxPayload?: number };
    readonly frames: (string | Uint8Array)[] = [];
    readonly written: (() => void)[] = [];

    constructor(url: string, options: { readonly maxPayload?: number }) {
      super();
      this.url = url;
      this.options = options;
      made.push(this);
    }

    send(frame: string | Uint8Array, done?: () => void): void {
      this.frames.push(frame);
      if (done !== undefined) this.written.push(done);
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

    close(): void {
      this.terminate();
    }

    terminate(): void {
      this.isCut = true;
      this.readyState = Fake.CLOSED;
    }
  }
  return { sockets: made, FakeSocket: Fake };
});

vi.mock("ws", () => ({ WebSocket: FakeSocket }));

type Socket = InstanceType<typeof FakeSocket>;

/** A node that notes what its links tell it. */
class Host implements LinkHost {
  readonly room = "main";
  readonly history = new History({ document: documentId("main") });
  readonly instance = "0011";
  readonly key = "ab";
  readonly proofs: string[] = [];
  readonly cursors = new Map<string, Cursor>();
  readonly told: string[] = [];
  stores: Promise<void> = Promise.resolve();

  get durable(): number {
    return 0;
  }

  prove(nonce: Uint8Array, host: string): Proof {
    this.proofs.push(`${toHex(nonce)} ${host}`);
    return { author: this.key, signature: "cd" };
  }

  receive(group: Uint8Array): ReceivedGroup {
    return this.history.receive(group, "relay");
  }

  stored(): Promise<void> {
    return this.stores;
  }

  acknowledged(): void {
    this.told.push("acknowledged");
  }

  linkChanged(link: Link, reason: string | null): void {
    this.told.push(reason === null ? link.state : `${link.state}: ${reason}`);
  }

  linkReported(_: unknown, code: string): void {
    this.told.push(`reported ${code}`);
  }
}

const JOINED = JSON.stringify({ type: "joined", document: toHex(documentId("main")) });
const NOTHING = { heads: [] };

let host = new Host();
let link = new Link("ws://relay", host);

/** Begins anew. */
function fresh(kind: Link["kind"] = "relay"): void {
  vi.restoreAllMocks();
  vi.clearAllTimers();
  sockets.length = 0;
  host = new Host();
  link = new Link("ws://relay", host, kind);
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  const closed = link.close();
  sockets.at(-1)?.emit("close", 1006, Buffer.alloc(0));
  await closed;
});

/** The link's socket, which is open and has not let it in yet. */
function opened(): Socket {
  link.open();
  const socket = sockets.at(-1)!;
  socket.readyState = FakeSocket.OPEN;
  socket.emit("open");
  return socket;
}

function joined(): Socket {
  const socket = opened();
  say(socket, JOINED);
  host.told.length = 0;
  return socket;
}

function say(socket: Socket, frame: string | Uint8Array): void {
  socket.emit("message", Buffer.from(frame as string), typeof frame !== "string");
}

test("a link joins the room, and takes no frame that is greater than two groups", () => {
  fresh();
  const socket = opened();
  expect(socket.options.maxPayload).toBe(2 * MAX_GROUP_BYTES);
  expect(socket.frames).toEqual(['{"type":"join","room":"main","cursor":null}']);
  say(socket, JOINED);
  expect(host.told).toEqual(["joining", "syncing"]);
});

test.each([
  ["no JSON", "hello"],
  ["nothing", "null"],
  ["a number", "17"],
  ["a text", '"joined"'],
  ["a list", '["joined"]'],
  ["of a later version", '{"type":"later","document":"ab"}'],
  ["without a type", "{}"],
  ["a join of no document", '{"type":"joined"}'],
  ["bytes", Buffer.from('{"type":"error","detail":"no"}')],
  ["bytes that would let it in", Buffer.from(JOINED)],
])("before it is let in, a frame that is %s says nothing", (_, frame) => {
  fresh();
  const socket = opened();
  say(socket, frame);
  expect([link.state, socket.isCut]).toEqual(["joining", false]);
  say(socket, JOINED);
  expect(link.state).toBe("syncing");
});

test.each([
  ['{"type":"error","detail":"no"}', "it does not let us in: no"],
  ['{"type":"error","detail":7}', "it does not let us in: no reason given"],
  [
    JSON.stringify({ type: "joined", document: toHex(documentId("other")) }),
    'its room "main" holds another document',
  ],
])("a relay that answers %s is left, and tried again", (frame, reason) => {
  fresh();
  const socket = opened();
  say(socket, frame);
  expect(socket.isCut).toBe(true);
  expect(host.told).toEqual(["joining", `waiting: ${reason}`]);
  // What that socket still says is not heard.
  socket.emit("close", 1006, Buffer.alloc(0));
  say(socket, JOINED);
  expect(host.told).toHaveLength(2);
  vi.advanceTimersToNextTimer();
  expect(sockets).toHaveLength(2);
  vi.advanceTimersByTime(5_000);
  expect(sockets).toHaveLength(2);
});

test("a connection that never opens is given up in time, whatever comes on it", () => {
  fresh();
  link.open();
  const socket = sockets.at(-1)!;
  vi.advanceTimersByTime(19_999);
  expect(socket.isCut).toBe(false);
  vi.advanceTimersByTime(1);
  expect(socket.isCut).toBe(true);
  expect(host.told.at(-1)).toBe("waiting: it did not answer in time");
});

test("a relay that does not let the link in is left in time, one that does is not", () => {
  fresh();
  const socket = opened();
  vi.advanceTimersByTime(10_000);
  expect(socket.isCut).toBe(true);
  expect(host.told.at(-1)).toBe("waiting: it did not let us into the room in time");
  const other = joined();
  vi.advanceTimersByTime(10_000);
  expect(other.isCut).toBe(false);
});

test("a relay that has gone silent is asked once, and left when it does not answer", () => {
  fresh();
  const socket = joined();
  for (const pings of [0, 1]) {
    vi.advanceTimersByTime(30_000);
    expect([socket.pings, socket.isCut]).toEqual([pings, false]);
  }
  socket.emit("pong");
  for (const pings of [1, 2]) {
    vi.advanceTimersByTime(30_000);
    expect([socket.pings, socket.isCut]).toEqual([pings, false]);
  }
  vi.advanceTimersByTime(30_000);
  expect([socket.pings, socket.isCut]).toEqual([2, true]);
  expect(host.told).toEqual(["waiting: it has gone silent"]);
});

test.each([
  [1000, "bye", "it closed the connection: bye (1000)"],
  [4003, "", "it closed the connection (4003)"],
  [1005, "", "the connection ended"],
  [1006, "", "the connection ended"],
])("a connection that ends with %d and %j says why", (code, text, reason) => {
  fresh();
  joined().emit("close", code, Buffer.from(text));
  expect(host.told).toEqual([`waiting: ${reason}`]);
});

test("who sends too much that is wrong is tried ever less often, however well it behaves before that", () => {
  fresh();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  /** Milliseconds until the next attempt. */
  const waited = (): number => {
    const [before, count] = [performance.now(), sockets.length];
    while (sockets.length === count) vi.advanceTimersToNextTimer();
    return performance.now() - before;
  };
  /** Lets the link in, and stays with it for so long. */
  const stay = (ms: number): Socket => {
    const socket = sockets.at(-1)!;
    socket.readyState = FakeSocket.OPEN;
    socket.emit("open");
    say(socket, JOINED);
    for (let passed = 0; passed < ms; passed += 1_000) {
      vi.advanceTimersByTime(1_000);
      socket.emit("pong");
    }
    return socket;
  };
  link.open();
  const waits = Array.from({ length: 12 }, () => {
    const socket = stay(10_000);
    for (let i = 0; i < MAX_FAULTS; i++) say(socket, "junk");
    expect(socket.isCut).toBe(false);
    host.told.length = 0;
    say(socket, "junk");
    expect(socket.isCut).toBe(true);
    // What that socket still says is not heard.
    say(socket, "junk");
    expect(host.told).toEqual([
      "reported malformed",
      "waiting: too much of what it sends is wrong",
    ]);
    return waited();
  });
  expect(waits).toEqual([
    50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
  ]);
  // A short visit is no new start, a long one is.
  stay(59_000).emit("close", 1006, Buffer.alloc(0));
  expect(waited()).toBe(30_000);
  stay(60_000).emit("close", 1006, Buffer.alloc(0));
  expect(waited()).toBe(50);
  stay(5_000).emit("close", 1006, Buffer.alloc(0));
  expect(waited()).toBe(50);
});

test("a relay that asks for time gets it, and the usual wait comes on top", () => {
  fresh();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  joined().emit("close", 1001, Buffer.from("the relay is stopping; retry in 7000 ms"));
  vi.advanceTimersByTime(7_049);
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(sockets).toHaveLength(2);
  // The next time it does not ask.
  sockets[1]!.emit("close", 1001, Buffer.from("the relay is stopping"));
  vi.advanceTimersByTime(100);
  expect(sockets).toHaveLength(3);
});

test("a relay that asks for more than a minute gets a minute", () => {
  fresh();
  vi.spyOn(Math, "random").mockReturnValue(0);
  joined().emit("close", 1001, Buffer.from("retry in 999999999 ms"));
  vi.advanceTimersByTime(59_999);
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(sockets).toHaveLength(2);
});

test.each([
  [
    new Error("Unexpected server response: 404"),
    "it answered with HTTP status 404, not as a relay",
  ],
  [Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), "nothing listens there"],
  [Object.assign(new Error(""), { code: "EOTHER" }), "EOTHER"],
  [new Error("something else"), "something else"],
])("a connection that cannot be made says why: %s", (error, reason) => {
  fresh();
  link.open();
  sockets[0]!.emit("error", error);
  sockets[0]!.emit("close", 1006, Buffer.alloc(0));
  expect(host.told).toEqual([`waiting: ${reason}`]);
});

const CURSOR = { epoch: "ab".repeat(16), position: 0, order: "0".repeat(64) };

test.each([
  ["that recovered", CURSOR, true, []],
  ["that did not", CURSOR, false, ["have"]],
  ["that says something else", CURSOR, "true", ["have"]],
  ["that says so, but was told no cursor", null, true, ["have"]],
])("a relay %s is heard first, or asked at once", (_, cursor, recovered, said) => {
  fresh();
  if (cursor !== null) host.cursors.set("ws://relay", cursor);
  const socket = opened();
  expect(socket.frames).toEqual([JSON.stringify({ type: "join", room: "main", cursor })]);
  say(socket, JSON.stringify({ ...(JSON.parse(JOINED) as object), recovered }));
  expect(sent(socket).slice(1)).toEqual(said);
  say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
  expect([...said, ...sent(socket)].toSorted()).toEqual(["done", "have"]);
});

test("a peer is told no cursor, and asked at once, whatever it says", () => {
  fresh("peer");
  host.cursors.set("ws://relay", CURSOR);
  const socket = opened();
  expect(socket.frames).toEqual(['{"type":"join","room":"main","instance":"0011"}']);
  say(socket, JSON.stringify({ ...(JSON.parse(JOINED) as object), recovered: true }));
  expect(sent(socket).slice(1)).toEqual(["have"]);
});

test("the last cursor is kept when what is before it is stored, each time, and never when that fails", async () => {
  fresh();
  const socket = joined();
  const cursorAt = (position: number): Cursor => ({ ...CURSOR, position });
  const tell = (position: number): void => {
    say(socket, encodeMessage({ type: "cursor", cursor: cursorAt(position) }));
  };
  tell(1);
  expect(host.cursors.size).toBe(0);
  say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
  const stores: { readonly pass: () => void; readonly fail: (error: Error) => void }[] = [];
  vi.spyOn(host, "stored").mockImplementation(
    () => new Promise((pass, fail) => stores.push({ pass, fail })),
  );
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  for (const position of [2, 3, 4]) tell(position);
  await turn();
  expect([stores.length, host.cursors.size]).toEqual([1, 0]);
  stores.shift()!.pass();
  await turn();
  expect([stores.length, host.cursors.get("ws://relay")]).toEqual([1, cursorAt(2)]);
  stores.shift()!.pass();
  await turn();
  expect([stores.length, host.cursors.get("ws://relay")]).toEqual([0, cursorAt(4)]);
  tell(5);
  stores.shift()!.fail(new Error("the disk is full"));
  await turn();
  expect(host.cursors.get("ws://relay")).toEqual(cursorAt(4));
});

test("that all is there on both sides is told once, however often they agree", () => {
  fresh();
  const socket = joined();
  const frames = [
    encodeMessage({ type: "have", frontier: NOTHING, again: false }),
    encodeMessage({ type: "done", frontier: NOTHING }),
  ];
  for (const frame of frames) say(socket, frame);
  expect(host.told).toEqual(["synced"]);
  vi.advanceTimersByTime(30_000);
  socket.emit("ping");
  vi.advanceTimersByTime(30_000);
  for (const frame of frames) say(socket, frame);
  expect(host.told).toEqual(["synced"]);
});

test("a slow relay is sent no more until it has read most, and then the rest", () => {
  fresh();
  const resume = vi.spyOn(SyncSession.prototype, "resume");
  const socket = joined();
  const { sendBytes } = DEFAULT_BUDGETS;
  const read = (buffered: number): void => {
    socket.bufferedAmount = buffered;
    for (const done of socket.written.splice(0)) done();
  };
  const write = (): void => {
    say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
    expect(socket.written.length).toBeGreaterThan(0);
  };
  read(0);
  expect(resume).not.toHaveBeenCalled();
  socket.bufferedAmount = sendBytes + 1;
  write();
  const [first] = socket.written;
  read(sendBytes / 4 + 1);
  expect(resume).not.toHaveBeenCalled();
  socket.bufferedAmount = sendBytes / 4;
  first!();
  expect(resume).toHaveBeenCalledTimes(1);
  first!();
  expect(resume).toHaveBeenCalledTimes(1);
});

test("what an earlier connection has read does not concern the next one", () => {
  fresh();
  const earlier = joined();
  earlier.bufferedAmount = 0;
  const old = earlier.written[0]!;
  earlier.emit("close", 1006, Buffer.alloc(0));
  const socket = joined();
  socket.bufferedAmount = DEFAULT_BUDGETS.sendBytes + 1;
  say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
  const resume = vi.spyOn(SyncSession.prototype, "resume");
  old();
  expect(resume).not.toHaveBeenCalled();
});

test("a socket that is closing is given nothing", () => {
  fresh();
  const socket = joined();
  socket.frames.length = 0;
  socket.readyState = 2;
  say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
  expect(socket.frames).toEqual([]);
});

test("a link that is closed stays closed, and tells nothing more", async () => {
  fresh();
  link.open();
  const [socket] = sockets;
  host.told.length = 0;
  const closed = link.close();
  socket!.emit("open");
  socket!.emit("close", 1000, Buffer.alloc(0));
  await closed;
  link.open();
  vi.advanceTimersByTime(5_000);
  expect(sockets).toHaveLength(1);
  expect([link.state, host.told, socket!.frames]).toEqual(["closed", [], []]);
});

/** A change of some size, signed by someone. */
function changeOf(bytes: number): Uint8Array {
  const document = new Document({
    schema: struct({ text: string() }),
    id: documentId("main"),
    keyPair: generateKeyPair(),
    chain: 0n,
  });
  return document.change((doc) => doc.text.set("x".repeat(bytes))).bytes;
}

/** The types of the messages that were sent since the last look. */
function sent(socket: Socket): string[] {
  return socket.frames
    .splice(0)
    .map((frame) =>
      typeof frame === "string" ? (JSON.parse(frame) as { type: string }).type : "group",
    );
}

test("a peer is told whom it talks to, a relay is not", () => {
  fresh("peer");
  expect(opened().frames).toEqual(['{"type":"join","room":"main","instance":"0011"}']);
});

test.each([
  ["peer", 0, 22_500],
  ["peer", 0.5, 30_000],
  ["peer", 0.75, 33_750],
  ["relay", 0.5, 60_000],
] as const)("frontiers are compared with a %s about so often (%d: %d ms)", (kind, random, ms) => {
  fresh(kind);
  vi.spyOn(Math, "random").mockReturnValue(random);
  const socket = joined();
  expect(sent(socket)).toContain("have");
  for (let i = 0; i < 3; i++) {
    // An answer, so that it may ask again.
    say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
    say(socket, encodeMessage({ type: "done", frontier: NOTHING }));
    sent(socket);
    const before = Math.ceil(ms) - 2;
    vi.advanceTimersByTime(before / 2);
    socket.emit("pong");
    vi.advanceTimersByTime(before / 2);
    socket.emit("pong");
    expect(sent(socket)).toEqual([]);
    vi.advanceTimersByTime(ms - before);
    expect(sent(socket)).toEqual(["have"]);
  }
});

test.each(["peer", "relay"] as const)(
  "what came from a %s is acknowledged when it is stored, to a peer only",
  async (kind) => {
    fresh(kind);
    const socket = joined();
    say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
    sent(socket);
    let store = (): void => undefined;
    host.stores = new Promise((resolve) => {
      store = resolve;
    });
    const change = changeOf(10);
    say(socket, change);
    await Promise.resolve();
    expect(sent(socket)).toEqual([]);
    store();
    await host.stores;
    expect(sent(socket)).toEqual(kind === "peer" ? ["ack"] : []);
    // The same again, and when it is named.
    say(socket, change);
    await host.stores;
    expect(sent(socket)).toEqual(kind === "peer" ? ["ack"] : []);
    const frontier = { heads: [...host.history.frontier(), new Uint8Array(32)] };
    say(socket, encodeMessage({ type: "have", frontier, again: false }));
    await host.stores;
    expect(sent(socket).includes("ack")).toBe(kind === "peer");
  },
);

test("what cannot be stored is not acknowledged", async () => {
  fresh("peer");
  const socket = joined();
  host.stores = Promise.reject(new Error("the disk is full"));
  say(socket, changeOf(10));
  await host.stores.catch(() => undefined);
  expect(sent(socket)).not.toContain("ack");
});

test("a socket is not read while too much of what came from it is not stored", async () => {
  fresh("peer");
  const socket = joined();
  let store = (): void => undefined;
  host.stores = new Promise((resolve) => {
    store = resolve;
  });
  let bytes = 0;
  while (bytes <= UNSTORED_BYTES) {
    expect(socket.isPaused).toBe(false);
    const change = changeOf(900_000);
    bytes += change.length;
    say(socket, change);
  }
  expect(socket.isPaused).toBe(true);
  // No answer can come meanwhile, so none is missed.
  vi.advanceTimersByTime(200_000);
  expect([socket.isCut, link.state]).toEqual([false, "syncing"]);
  store();
  await host.stores;
  expect(socket.isPaused).toBe(false);
});

test("who reads nothing of what waits for it is left, who reads slowly is not", () => {
  fresh();
  const socket = joined();
  const { sendBytes } = DEFAULT_BUDGETS;
  socket.bufferedAmount = 2 * sendBytes;
  say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
  for (let i = 1; i <= 20; i++) {
    socket.bufferedAmount = 2 * sendBytes - i;
    vi.advanceTimersByTime(30_000);
    expect(socket.isCut).toBe(false);
  }
  vi.advanceTimersByTime(30_000);
  expect(socket.isCut).toBe(true);
  expect(host.told.at(-1)).toBe("waiting: it does not read what it is sent");
});

test.each([
  [404, "it answered with HTTP status 404, not as a node"],
  [429, "it takes nobody from here for a while"],
])("a peer that answers with %d is not one", (status, reason) => {
  fresh("peer");
  link.open();
  sockets[0]!.emit("error", new Error(`Unexpected server response: ${status}`));
  sockets[0]!.emit("close", 1006, Buffer.alloc(0));
  expect(host.told).toEqual([`waiting: ${reason}`]);
});

test("a link that is closed leaves no timer, and reads the answer to that though it was not reading", async () => {
  fresh("peer");
  const socket = joined();
  socket.isPaused = true;
  const closed = link.close();
  expect(socket.isPaused).toBe(false);
  socket.emit("close", 1000, Buffer.alloc(0));
  await closed;
  expect(vi.getTimerCount()).toBe(0);
});

const CHALLENGE = JSON.stringify({ type: "challenge", nonce: "0123456789abcdef".repeat(4) });

test("a relay that wants to know whose node it is gets one signature of its nonce, for the host that was dialled", () => {
  fresh();
  link = new Link("ws://Relay.Example:80/websocket", host);
  const socket = opened();
  socket.frames.length = 0;
  say(socket, CHALLENGE);
  expect(host.proofs).toEqual([`${"0123456789abcdef".repeat(4)} relay.example`]);
  expect(socket.frames).toEqual(['{"type":"proof","author":"ab","signature":"cd"}']);
  say(socket, JOINED);
  expect(link.state).toBe("syncing");
});

test("the port is signed unless it is the usual one, and each connection has a proof of its own", () => {
  fresh();
  for (const [url, dialled] of [
    ["wss://relay.example:443/websocket", "relay.example"],
    ["wss://relay.example:80/", "relay.example:80"],
    ["ws://[::1]:8080/", "[::1]:8080"],
  ] as const) {
    link = new Link(url, host);
    const socket = opened();
    say(socket, CHALLENGE);
    expect(host.proofs.at(-1)).toBe(`${"0123456789abcdef".repeat(4)} ${dialled}`);
    socket.emit("close", 1006, Buffer.alloc(0));
    vi.advanceTimersToNextTimer();
    const again = sockets.at(-1)!;
    again.readyState = FakeSocket.OPEN;
    again.emit("open");
    say(again, CHALLENGE);
    expect(again.isCut).toBe(false);
    void link.close();
  }
  expect(host.proofs).toHaveLength(6);
});

test.each([
  ["no nonce", "{}"],
  ["a nonce that is too short", `{"nonce":"${"ab".repeat(31)}"}`],
  ["a nonce that is too long", `{"nonce":"${"ab".repeat(33)}"}`],
  ["a nonce in capitals", `{"nonce":"${"AB".repeat(32)}"}`],
  ["a nonce that is no text", '{"nonce":7}'],
  ["what is no hexadecimal", `{"nonce":"${"xy".repeat(32)}"}`],
  ["a text around it", `{"nonce":" ${"ab".repeat(32)}"}`],
])("a relay whose challenge has %s gets no signature, and is left", (_, fields) => {
  fresh();
  const socket = opened();
  say(socket, JSON.stringify({ type: "challenge", ...(JSON.parse(fields) as object) }));
  expect([host.proofs, socket.isCut]).toEqual([[], true]);
  expect(host.told.at(-1)).toBe("waiting: it asks for a signature that no relay needs");
});

test("a relay that asks twice, or after it has let the node in, gets no second signature", () => {
  fresh();
  const socket = opened();
  say(socket, CHALLENGE);
  say(socket, CHALLENGE);
  expect([host.proofs.length, socket.isCut]).toEqual([1, true]);
  const other = joined();
  say(other, CHALLENGE);
  expect([host.proofs.length, other.isCut]).toEqual([1, false]);
});

test("a relay that takes no changes, or not these, is not sent them, and others are; a person is told", () => {
  const stays = "there; what you write stays here, and goes to your other relays and peers";
  const rest = `read-only ${stays}`;
  const mayNot = `may not write into this room ${stays}`;
  const own = generateKeyPair();
  const key = toHex(own.publicKey);
  const document = new Document({
    schema: struct({ text: string() }),
    id: documentId("main"),
    keyPair: own,
  });
  const { bytes } = document.change((doc) => doc.text.set("x"));
  for (const [rules, told, groups] of [
    [{}, ["syncing"], 1],
    [{ readOnly: true }, [`syncing: this room is ${rest}`, "reported room_read_only"], 0],
    [{ authors: ["00"] }, [`syncing: your key ${mayNot}`, "reported author_not_allowed"], 0],
    // The author's own changes, brought by somebody else.
    [{ authors: [key] }, [`syncing: your key ${mayNot}`, "reported author_not_allowed"], 1],
  ] as const) {
    fresh();
    const socket = opened();
    say(socket, JSON.stringify({ ...(JSON.parse(JOINED) as object), ...rules }));
    expect(host.told).toEqual(["joining", ...told]);
    say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: false }));
    sent(socket);
    const { applied } = host.history.receive(bytes);
    vi.spyOn(host, "durable", "get").mockReturnValue(1);
    link.push(bytes, applied);
    expect(socket.frames.length).toBe(groups);
    // Nor again, however often that is missed there; and what is said besides goes on.
    say(socket, encodeMessage({ type: "have", frontier: NOTHING, again: true }));
    expect(sent(socket).filter((type) => type === "group").length).toBe(2 * groups);
    void link.close();
  }
});
