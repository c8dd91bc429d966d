/** What a node that listens does with connections that mean no good, while an honest peer is served. */
import { once } from "node:events";
import { connect } from "node:net";
import { createServer, type AddressInfo } from "node:net";
import {
  Document,
  documentId,
  decodeGroup,
  encodeGroup,
  encodeMessage,
  generateKeyPair,
  toHex,
} from "bft-json-crdt";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { CLOSE } from "../src/close-codes.ts";
import { MAX_FRAME_BYTES } from "../src/exchange.ts";
import { ledger } from "../src/ledger.ts";
import { MAX_FAULTS, MAX_HANDSHAKES } from "../src/limits.ts";
import { crdtNode } from "./in-process.ts";
import {
  badlySigned,
  connected,
  ended,
  joined,
  type Replica,
  ROOM,
  Village,
  write,
} from "./peers.ts";

const village = new Village();

afterEach(() => village.clear());
afterAll(async () => {
  vi.unstubAllEnvs();
  await village.remove();
});

/** Fails unless a peer that connects now is served. */
async function expectServed(server: Replica & { readonly url: string }): Promise<void> {
  const honest = await village.open("honest");
  honest.node.connect([], [server.url]);
  await write(honest, 1);
  await village.until("the honest one is served", () =>
    server.node.status().heads.every((head) => honest.node.status().heads.includes(head)),
  );
  await village.close(honest);
}

/** What is said before the end, and how it ends. */
async function outcome(socket: WebSocket): Promise<string[]> {
  const said: string[] = [];
  socket.on("message", (data: Buffer) => said.push(data.toString("utf8")));
  const end = await ended(socket);
  return [...said, end];
}

const reasonOf = (name: keyof typeof CLOSE): string => `${CLOSE[name].code} ${CLOSE[name].reason}`;

test.each<[string, string | Buffer]>([
  ["garbage", "\u0000 garbage"],
  ["bytes", Buffer.from([0x81, 0x82])],
  ["a join as bytes", Buffer.from(JSON.stringify({ type: "join", room: ROOM }))],
  ["null", "null"],
  ["a number", "7"],
  ["another message", JSON.stringify({ type: "have", heads: [] })],
  ["no type", JSON.stringify({ room: ROOM })],
  ["a join to nothing", JSON.stringify({ type: "join" })],
  ["a join to a number", JSON.stringify({ type: "join", room: 7 })],
  [
    "a join to two things",
    JSON.stringify({ type: "join", room: ROOM, document: toHex(documentId(ROOM)) }),
  ],
  [
    "a join that is too long",
    JSON.stringify({ type: "join", room: ROOM, more: "x".repeat(9_000) }),
  ],
])("whoever begins with %s is shown out", async (_, first) => {
  const server = await village.listening("beginnings");
  const socket = await connected(server.url);
  socket.send(first);
  const [said, end, ...more] = await outcome(socket);
  expect(JSON.parse(said!)).toMatchObject({ type: "error", code: "not_joined" });
  expect([end, more]).toEqual([reasonOf("notJoined"), []]);
  // Who has not joined is not told of.
  expect(server.guests).toEqual([]);
});

test.each([
  ["room", { room: "elsewhere" }],
  ["document", { document: toHex(documentId("elsewhere")) }],
])("another %s is refused with a code, the own one is not", async (_, named) => {
  const server = await village.listening("rooms");
  const socket = await connected(server.url);
  socket.send(JSON.stringify({ type: "join", ...named }));
  const [said, end] = await outcome(socket);
  expect(JSON.parse(said!)).toEqual({
    type: "error",
    code: "other_room",
    detail: "this node does not serve that room",
  });
  expect(end).toBe(reasonOf("otherRoom"));
  const document = toHex(documentId(ROOM));
  for (const own of [{ room: ROOM }, { document }]) {
    const other = await connected(server.url);
    other.send(JSON.stringify({ type: "join", ...own }));
    const [answer] = (await once(other, "message")) as [Buffer];
    expect(JSON.parse(answer.toString("utf8"))).toEqual({
      type: "joined",
      ...own,
      document,
      protocol: 1,
    });
    other.terminate();
  }
});

test("what is said after one was shown out is not heard, not even a join and a change", async () => {
  const server = await village.listening("endings");
  const socket = await connected(server.url);
  const author = new Document({
    schema: ledger,
    id: documentId(ROOM),
    keyPair: generateKeyPair(),
  });
  const { bytes } = author.change(() => undefined);
  socket.send("garbage");
  socket.send(JSON.stringify({ type: "join", room: ROOM }));
  socket.send(JSON.stringify({ type: "have", heads: [] }));
  socket.send(bytes);
  expect((await outcome(socket)).at(-1)).toBe(reasonOf("notJoined"));
  expect(server.node.status().changes).toBe(0);
  await expectServed(server);
});

test("a message in which a frontier might be, and is not, harms nothing", async () => {
  const server = await village.listening("frontiers");
  const socket = await joined(server.url);
  socket.send(JSON.stringify({ type: "error", code: "have", detail: "nothing" }));
  socket.send(JSON.stringify({ type: "have", digest: "22".repeat(32) }));
  // What is answered now was asked after all that is handled.
  socket.ping();
  await Promise.race([once(socket, "pong"), once(socket, "close")]);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  socket.terminate();
  await expectServed(server);
});

test("a node that connects to itself is told, and nothing counts as delivered", async () => {
  const server = await village.listening("narcissus");
  server.node.connect([], [server.url]);
  const reason = (): string => server.node.status().peers[0]?.reason ?? "";
  await village.until("it is told", () => reason() !== "");
  expect(reason()).toContain("a node cannot be its own peer");
  const [id] = await write(server, 1);
  expect(await server.node.delivered(Buffer.from(id!, "hex"), 0)).toBe(false);
});

test("frames that are too large, or are no frames, end the connection and nothing else", async () => {
  const server = await village.listening("frames");
  const large = await joined(server.url);
  large.send(Buffer.alloc(MAX_FRAME_BYTES + 1));
  expect(await ended(large)).toBe("1009");
  const { port } = new URL(server.url);
  const raw = connect(Number(port), "127.0.0.1");
  raw.write(
    "GET /websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  await once(raw, "data");
  raw.write(Buffer.alloc(64, 0xff));
  raw.resume();
  await once(raw, "close");
  await expectServed(server);
});

test("who says nothing is shown out in time: before the handshake, before the join, and after it", async () => {
  const server = await village.listening("silence", {
    handshakeMs: 200,
    joinMs: 200,
    silenceMs: 100,
  });
  const { port } = new URL(server.url);
  const mute = connect(Number(port), "127.0.0.1");
  const slow = connect(Number(port), "127.0.0.1");
  slow.write("GET /websocket HTTP/1.1\r\nhost:");
  for (const socket of [mute, slow]) {
    socket.on("error", () => undefined).resume();
    await once(socket, "close");
  }
  expect(await ended(await connected(server.url))).toBe(reasonOf("notJoined"));
  const deaf = await joined(server.url);
  // It never answers a ping.
  deaf.pong = () => undefined;
  expect(await ended(deaf)).toBe("1006");
  await village.until("nobody there", () => server.guests.at(-1) === 0);
});

test("who answers pings and says nothing else may stay", async () => {
  const server = await village.listening("quiet", { joinMs: 50, silenceMs: 20 });
  const socket = await joined(server.url);
  for (let pings = 0; pings < 10; pings++) await once(socket, "ping");
  expect(server.node.status().guests).toHaveLength(1);
  socket.terminate();
});

test("one connection too many is refused with a code, and there is room again when one has gone", async () => {
  const server = await village.listening("crowd", { maxPeers: 3 });
  const guests = await Promise.all([1, 2, 3].map(() => joined(server.url)));
  expect(await ended(await connected(server.url))).toBe(reasonOf("tooManyPeers"));
  const late = await village.open("late");
  late.node.connect([], [server.url]);
  const reason = (): string => late.node.status().peers[0]?.reason ?? "";
  await village.until("it is told", () => reason() !== "");
  expect(reason()).toBe("it closed the connection: too many peers; try again later (1013)");
  guests[0]!.terminate();
  await write(late, 1);
  await village.equal([server, late], 1);
  expect(server.node.status().guests).toHaveLength(3);
  for (const guest of guests) guest.terminate();
});

test("connections that never become one are bounded in number", async () => {
  const server = await village.listening("sockets", { maxPeers: 1, handshakeMs: 600_000 });
  const { port } = new URL(server.url);
  const sockets = Array.from({ length: MAX_HANDSHAKES + 2 }, () =>
    connect(Number(port), "127.0.0.1")
      .on("error", () => undefined)
      .resume(),
  );
  await Promise.race(sockets.map((socket) => once(socket, "close")));
  for (const socket of sockets) socket.destroy();
  await expectServed(server);
});

test.each([
  ["another path", "/", {}, 404],
  ["a web page", "/websocket", { origin: "https://page.example" }, 403],
])("a request from %s is refused", async (_, path, headers, status) => {
  const server = await village.listening("requests");
  const socket = new WebSocket(server.url.replace("/websocket", path), { headers });
  const [error] = (await once(socket, "error")) as [Error];
  expect(error.message).toBe(`Unexpected server response: ${status}`);
  const page = await fetch(server.url.replace("ws", "http"));
  expect(page.status).toBe(426);
});

test("a request that is refused and breaks off ends nothing", async () => {
  const server = await village.listening("resets");
  const { port } = new URL(server.url);
  for (let i = 0; i < 20; i++) {
    const socket = connect(Number(port), "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    socket.resetAndDestroy();
    await once(socket, "close");
  }
  await expectServed(server);
});

test("a node that has closed takes nobody any more", async () => {
  const server = await village.listening("closed");
  const socket = await joined(server.url);
  const end = ended(socket);
  await village.close(server);
  expect(await end).toBe(reasonOf("stopping"));
  const late = new WebSocket(server.url);
  const [error] = (await once(late, "error")) as [Error & { readonly code: string }];
  expect(error.code).toBe("ECONNREFUSED");
});

test("changes that find no room, or came before what covers them, are no faults of who sent them", async () => {
  const server = await village.listening("room", {}, { peerPendingBytes: 100_000 });
  const document = new Document({
    schema: ledger,
    id: documentId(ROOM),
    keyPair: generateKeyPair(),
    chain: 0n,
  });
  const live = Array.from({ length: 3 * MAX_FAULTS }, () => {
    const { bytes } = document.change((doc) =>
      doc.transactions.push({ from: "a", to: "b", amount: 1 }),
    );
    const decoded = decodeGroup(bytes);
    return decoded.ok ? decoded.value : [];
  });
  const { history } = document;
  const rest = Array.from({ length: history.length - 1 }, (_, i) => i + 1);
  // All of them signed, and all but the last unsigned; both without the first, on which they build.
  for (const groups of [[encodeGroup(live.slice(1).flat())], history.groupsFor(rest)]) {
    const socket = await joined(server.url);
    for (const group of groups) socket.send(group);
    const pong = once(socket, "pong");
    socket.ping();
    await pong;
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
  }
  const { rejected } = server.node.status().faults;
  expect(rejected["over_quota"]).toBeGreaterThan(MAX_FAULTS);
  expect(history.groupsFor(rest)).toHaveLength(1);
});

test("bad signatures at speed end the connection, and keep its address away for a while; those who are there stay", async () => {
  const server = await village.listening("signatures", { banMs: 2_000 });
  const honest = await village.open("bystander");
  honest.node.connect([], [server.url]);
  await village.until("it is there", () => server.guests.at(-1) === 1);
  const few = await joined(server.url);
  few.send(badlySigned(MAX_FAULTS));
  await village.until("they are reported", () => server.reports.length > 0);
  const liar = await joined(server.url);
  const end = ended(liar);
  const group = badlySigned(MAX_FAULTS / 4);
  for (let sent = 0; sent < 1_000 && liar.readyState === WebSocket.OPEN; sent++) {
    liar.send(group);
    if (sent % 8 === 7) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await end).toBe(reasonOf("tooManyFaults"));
  const refused = await village.open("refused");
  refused.node.connect([], [server.url]);
  const reason = (): string => refused.node.status().peers[0]?.reason ?? "";
  await village.until("it is told", () => reason() !== "");
  expect(reason()).toBe("it takes nobody from here for a while");
  await write(honest, 5);
  await village.equal([server, honest], 5);
  expect(server.node.status().faults.rejected["bad_signature"]).toBeGreaterThan(MAX_FAULTS);
  // One fault less than too many is borne.
  expect(few.readyState).toBe(WebSocket.OPEN);
  few.terminate();
  await village.equal([server, refused], 5);
});

test("messages and groups that are none end the connection when there are too many of them", async () => {
  const server = await village.listening("junk", { banMs: 0 });
  for (const junk of ["junk", Buffer.from("junk")]) {
    const socket = await joined(server.url);
    const end = ended(socket);
    for (let i = 0; i <= MAX_FAULTS; i++) socket.send(junk);
    expect(await end).toBe(reasonOf("tooManyFaults"));
  }
  // What a later version may say is no fault.
  const later = await joined(server.url);
  for (let i = 0; i <= 2 * MAX_FAULTS; i++) later.send(JSON.stringify({ type: "later" }));
  const pong = once(later, "pong");
  later.ping();
  await pong;
  expect(later.readyState).toBe(WebSocket.OPEN);
  later.terminate();
  await expectServed(server);
});

/** A history that fills whatever buffers there are on the way. */
async function fill(replica: Replica): Promise<number> {
  const changes = 400;
  for (let i = 0; i < 10; i++) await write(replica, changes / 10, "x".repeat(60_000));
  return changes;
}

test("a slow reader is sent the rest when it reads on, and is closed when it never does", async () => {
  const server = await village.listening("readers", { silenceMs: 300 });
  const changes = await fill(server);
  const ask = encodeMessage({ type: "have", frontier: { heads: [] }, again: false });
  const never = await joined(server.url);
  never.pause();
  never.send(ask);
  await village.until("it is closed", () => server.guests.at(-1) === 0);
  const later = await joined(server.url);
  let received = 0;
  const all = new Promise<void>((resolve) => {
    later.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) return;
      const entries = decodeGroup(data);
      if (entries.ok) received += entries.value.length;
      if (received === changes) resolve();
      // It reads a little at a time, and so stays behind for longer than one who reads nothing may.
      later.pause();
      setTimeout(() => {
        later.resume();
      }, 30);
    });
  });
  later.send(ask);
  await all;
  never.terminate();
  later.terminate();
});

test("an address that is wrong, or a port that is in use, is told in words with the code of a usage error", async () => {
  await crdtNode(["init", "typist"]);
  const usage = async (args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await crdtNode(["run", "typist", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    return stderr;
  };
  expect(await usage(["--peer", "127.0.0.1:9001"])).toMatch(
    /^crdt-node: --peer is not the address of a peer: 127\.0\.0\.1:9001\n {2}why: .*\n {2}next: --peer ws:\/\/127\.0\.0\.1:9001\n$/u,
  );
  expect(await usage(["--peer", "http://10.0.0.1:9001"])).toContain("try ws://10.0.0.1:9001");
  expect(await usage(["--listen", "somewhere"])).toContain('--listen cannot be "somewhere"');
  expect(await usage(["--listen", "70000"])).toContain("a port from 0 to 65535");
  for (const wrong of ["0", "x", "10001", "1.5"])
    expect(await usage(["--max-peers", wrong])).toContain("a whole number from 1 to 10000");
  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  expect(await usage(["--listen", String(port)])).toBe(
    `crdt-node: cannot listen on 127.0.0.1:${port}\n` +
      "  why:  another program listens there already\n" +
      `  next: --listen ${port === 65_535 ? 9_001 : port + 1}\n`,
  );
  expect(await usage(["--listen", "203.0.113.1:9001"])).toContain(
    "this machine has no address 203.0.113.1",
  );
  other.close();
});
