/** Who sends what no correct client sends is closed, comes back slowly, and takes nobody else along. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Document, documentId, generateKeyPair, list, string, struct } from "bft-json-crdt";
import { expect, describe, it } from "vitest";
import { WebSocket } from "ws";
import { CLOSE, type Relay } from "../src/index.ts";
import {
  FORGIVEN_STRIKES,
  FRAGMENT_BYTES,
  HELD_MS,
  LEAST_FRAGMENT_BYTES,
  MIN_FRAME_BYTES,
  MISBEHAVED_CLOSE_MS,
  PENDING_FAULT,
} from "../src/limits.ts";
import { Client, openLines, writeLine } from "./participant.ts";
import { startRelay } from "./running.ts";

const JOIN = '{"type":"join","room":"main"}';

/** One that comes from an address, by a proxy that is believed. */
async function from(relay: Relay, address: string): Promise<Client> {
  const client = new Client(relay.url, { headers: { "x-forwarded-for": address } });
  await client.opened;
  return client;
}

/** Changes in the room with signatures that are wrong. */
function forgeries(count: number): Uint8Array[] {
  const lines = openLines("main");
  return Array.from({ length: count }, (_, n) => {
    const group = writeLine(lines, `line ${n}`).slice();
    group[group.length - 40]! ^= 1;
    return group;
  });
}

/** So many sessions of a network are closed: as many as make it one that is watched. */
async function misbehave(
  relay: Relay,
  address: string,
  times = FORGIVEN_STRIKES + 1,
): Promise<void> {
  const clients = await Promise.all(Array.from({ length: times }, () => from(relay, address)));
  for (const client of clients) for (let n = 0; n < 40; n++) client.send("{");
  for (const { closed } of clients) expect((await closed).code).toBe(CLOSE.misbehaves.code);
}

describe("a session that sends what no correct client sends", () => {
  it("is closed when that is too much, and told so", async () => {
    const relay = await startRelay({ sessionFaults: 5 });
    const client = await Client.open(relay.url);
    for (let i = 0; i < 5; i++) expect(await client.ask('{"type":"join"}')).toContain("bad_join");
    expect(await client.ask(JOIN)).toContain("joined");
    await client.text();
    for (let i = 0; i < 4; i++) client.send("{");
    expect(await client.closed).toEqual({
      code: 4009,
      reason: "too much of what no correct client sends; see the errors before",
    });
  });

  it("has each group that is none counted once", async () => {
    const relay = await startRelay({ sessionFaults: 5 });
    const client = await Client.open(relay.url);
    expect(await client.ask(JOIN)).toContain("joined");
    await client.text();
    for (let i = 0; i < 5; i++) client.send(Uint8Array.of(7));
    expect(await client.ask("/help")).toContain("malformed");
    client.send(Uint8Array.of(7));
    expect((await client.closed).code).toBe(CLOSE.misbehaves.code);
    for (let i = 0; i < 4; i++) expect(await client.text()).toContain("malformed");
    expect(await client.text()).toMatch(/^commands:/u);
  });

  it("is closed for changes with wrong signatures, while others in the room are served", async () => {
    const relay = await startRelay({ sessionFaults: 5 });
    const [flooder, honest] = [await Client.open(relay.url), await Client.open(relay.url)];
    for (const client of [flooder, honest]) expect(await client.ask(JOIN)).toContain("joined");
    await honest.text();
    for (const group of forgeries(20)) flooder.send(group);
    expect((await flooder.closed).code).toBe(CLOSE.misbehaves.code);
    const lines = openLines("main");
    honest.send(writeLine(lines, "still here"));
    expect(await honest.text()).toContain('"ack"');
  });

  it("is not read any more, whatever it goes on to send, and is gone though it says nothing", async () => {
    const relay = await startRelay({ sessionFaults: 1 });
    const { hostname, port } = new URL(relay.url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    socket.write(
      "GET /websocket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
        "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await once(socket, "data");
    // Frames of one character under a mask of zeros.
    const faults = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x7b]);
    const start = performance.now();
    socket.write(Buffer.concat(Array<Buffer>(10).fill(faults)));
    const closed = once(socket, "close");
    socket.resume();
    await closed;
    // A correct client would have answered, and been gone at once.
    expect(performance.now() - start).toBeGreaterThan(MISBEHAVED_CLOSE_MS * 0.9);
    await expect.poll(() => relay.status().sessions).toBe(0);
  });

  it("is not closed for what a person types, nor for a few pings, but for very many", async () => {
    const relay = await startRelay({ sessionFaults: 2 });
    const person = await Client.open(relay.url);
    for (let i = 0; i < 20; i++) expect(await person.ask("helo?")).toMatch(/^error: /u);
    for (let i = 0; i < 50; i++) person.socket.ping();
    expect(await person.ask("/help")).toMatch(/^commands:/u);
    // Answers that nobody has asked for: of more pings than it can answer at once, ws itself cuts the connection.
    for (let i = 0; i < 1_000; i++) person.socket.pong();
    expect((await person.closed).code).toBe(CLOSE.misbehaves.code);
  });

  it("is closed for messages in crumbs, and not for such in fair fragments, with pings in between", async () => {
    const relay = await startRelay({ sessionFaults: 2 });
    const client = await Client.open(relay.url);
    const inFragments = (text: string, bytes: number): void => {
      for (let at = 0; at < text.length; at += bytes) {
        client.socket.send(text.slice(at, at + bytes), { fin: at + bytes >= text.length });
        if (at === 0) client.socket.ping();
      }
    };
    const long = `/${"x".repeat(40 * FRAGMENT_BYTES)}`;
    for (let i = 0; i < 10; i++) inFragments(long, FRAGMENT_BYTES + 100);
    for (let i = 0; i < 10; i++) expect(await client.text()).toMatch(/^error: /u);
    for (let i = 0; i < 100; i++) inFragments("/help", 1);
    expect((await client.closed).code).toBe(CLOSE.misbehaves.code);
  });

  it("is closed for a message in more fragments than the greatest one has", async () => {
    const relay = await startRelay({ sessionFaults: 0 });
    const client = await Client.open(relay.url);
    const most = Math.ceil(MIN_FRAME_BYTES / LEAST_FRAGMENT_BYTES);
    for (let i = 0; i < most; i++)
      client.socket.send(i === 0 ? "/help" : "", { fin: i === most - 1 });
    expect(await client.text()).toMatch(/^commands:/u);
    const other = await Client.open(relay.url);
    for (let i = 0; i <= most; i++) other.socket.send("", { fin: false });
    expect((await other.closed).code).toBe(CLOSE.fragments.code);
  });

  it("is closed for answers that nobody has asked for", async () => {
    const relay = await startRelay({ sessionFaults: 5 });
    const client = await Client.open(relay.url);
    expect(await client.ask(JOIN)).toContain("joined");
    for (let i = 0; i < 6; i++) client.send('{"type":"lacks","of":1,"at":[],"tips":[]}');
    expect((await client.closed).code).toBe(CLOSE.misbehaves.code);
  });

  it("may bring changes that have to wait, as long as what they wait for comes", async () => {
    const relay = await startRelay({ sessionFaults: 2 });
    const client = await Client.open(relay.url);
    expect(await client.ask(JOIN)).toContain("joined");
    await client.text();
    const schema = struct({ lines: list(string()) });
    const lines = new Document({ schema, id: documentId("main"), keyPair: generateKeyPair() });
    const most = 2 / PENDING_FAULT;
    const write = (count: number): Uint8Array[] =>
      Array.from({ length: count }, (_, n) => lines.change((doc) => doc.lines.push(`${n}`)).bytes);
    for (let round = 0; round < 3; round++) {
      const [first, ...rest] = write(most);
      for (const group of [...rest, first!]) client.send(group);
      for (let acks = ""; !acks.includes(Buffer.from(lines.frontier()[0]!).toString("hex"));)
        acks = await client.text();
    }
    write(1);
    for (const group of write(3 * most)) client.send(group);
    expect((await client.closed).code).toBe(CLOSE.misbehaves.code);
  });

  it("is never closed for it when nobody is", async () => {
    const relay = await startRelay({ sessionFaults: 0 });
    const client = await Client.open(relay.url);
    for (let i = 0; i < 200; i++) client.send("{");
    for (let i = 0; i < 200; i++) expect(await client.text()).toContain("malformed");
    expect(await client.ask("/help")).toMatch(/^commands:/u);
  });
});

describe("newcomers from where many were closed", () => {
  it("are let in one by one, while those who are there stay, and others come in at once", async () => {
    const relay = await startRelay({ sessionFaults: 5, trustProxy: ["127.0.0.1", "::1"] });
    const before = await from(relay, "203.0.113.7");
    await misbehave(relay, "203.0.113.7");
    // The first of them may be let in, if nobody was for some time.
    const answers: string[] = [];
    for (let i = 0; i < 3; i++) {
      const one = new Client(relay.url, { headers: { "x-forwarded-for": "203.0.113.7" } });
      answers.push(await one.opened.then(() => "in").catch((error: unknown) => String(error)));
    }
    expect(answers.slice(1).join(" ")).toContain("429");
    const other = await from(relay, "203.0.113.8");
    for (const client of [before, other]) expect(await client.ask(JOIN)).toContain("joined");
    // Somebody is let in after a second or two.
    for (let attempts = 0; ; attempts++) {
      const again = new Client(relay.url, { headers: { "x-forwarded-for": "203.0.113.7" } });
      if (await again.opened.then(() => true).catch(() => false)) break;
      expect(attempts).toBeLessThan(100);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  it("are let in one by one also when they broke the WebSocket protocol", async () => {
    const relay = await startRelay({ trustProxy: ["127.0.0.1", "::1"] });
    for (let i = 0; i <= FORGIVEN_STRIKES; i++) {
      const client = await from(relay, "203.0.113.7");
      // A frame of a type that there is not.
      (client.socket as unknown as { readonly _socket: Socket })._socket.write(
        Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
      );
      expect((await client.closed).code).toBe(CLOSE.protocol.code);
    }
    const answers: string[] = [];
    for (let i = 0; i < 3; i++) {
      const one = new Client(relay.url, { headers: { "x-forwarded-for": "203.0.113.7" } });
      answers.push(await one.opened.then(() => "in").catch((error: unknown) => String(error)));
    }
    expect(answers.join(" ")).toContain("429");
  });

  it("are let in as they come as long as there were few, each counted once", async () => {
    const relay = await startRelay({ sessionFaults: 5, trustProxy: ["127.0.0.1", "::1"] });
    await misbehave(relay, "203.0.113.7", FORGIVEN_STRIKES - 1);
    // What one read brings is looked at to its end, also when it is closed in the middle of it.
    const another = await from(relay, "203.0.113.7");
    for (let i = 0; i < 1_000; i++) another.socket.pong();
    expect((await another.closed).code).toBe(CLOSE.misbehaves.code);
    for (let i = 0; i < 5; i++) await from(relay, "203.0.113.7");
  });

  it("are held without being read, where they come from there themselves, and ended", async () => {
    const relay = await startRelay({ sessionFaults: 5 });
    const before = await Client.open(relay.url);
    await misbehave(relay, "ignored");
    const { hostname, port } = new URL(relay.url);
    // The first may be let in, if nobody was for some time.
    const first = connect(Number(port), hostname);
    first.on("error", () => undefined);
    await once(first, "connect");
    first.destroy();
    const start = performance.now();
    const held: Socket = connect(Number(port), hostname);
    let answer = "";
    held.on("data", (data) => (answer += data.toString()));
    held.on("error", () => undefined);
    held.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
    await once(held, "close");
    expect(answer).toBe("");
    expect(performance.now() - start).toBeGreaterThan(HELD_MS * 0.9);
    expect(await before.ask(JOIN)).toContain("joined");
  });

  it("who are held do not keep the relay from stopping", async () => {
    const relay = await startRelay({ sessionFaults: 5 });
    await misbehave(relay, "ignored");
    const { hostname, port } = new URL(relay.url);
    const held = connect(Number(port), hostname);
    held.on("error", () => undefined);
    await once(held, "connect");
    const closed = once(held, "close");
    await relay.close();
    await closed;
  });
});

describe("a relay that is full of those who have joined no room", () => {
  it("turns away who comes from where most of them do, and makes space for others", async () => {
    const relay = await startRelay({ maxSessions: 4, trustProxy: ["127.0.0.1", "::1"] });
    const crowd = [];
    for (let i = 0; i < 3; i++) crowd.push(await from(relay, "203.0.113.7"));
    const alone = await from(relay, "203.0.113.8");
    for (let i = 0; i < 3; i++) {
      const more = await from(relay, "203.0.113.7");
      expect((await more.closed).code).toBe(CLOSE.tooManySessions.code);
    }
    // Those who were turned away take nobody's place while they are being closed.
    const silent = new WebSocket(relay.url, { headers: { "x-forwarded-for": "203.0.113.7" } });
    silent.on("error", () => undefined);
    await once(silent, "open");
    silent.pause();
    const newcomer = await from(relay, "203.0.113.9");
    expect((await crowd[0]!.closed).code).toBe(1006);
    for (const client of [crowd[1]!, crowd[2]!, alone, newcomer])
      expect(await client.ask(JOIN)).toContain("joined");
    silent.terminate();
  });
});
