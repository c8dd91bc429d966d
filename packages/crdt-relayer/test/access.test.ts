/**
 * Who may read and write in a room, on a real relay: rules that hold by name and by id, from the first join and after a
 * reload; and proofs of keys, with what a stranger can make of them.
 */
import {
  authenticationMessage,
  documentId,
  encodeGroup,
  decodeGroup,
  fromHex,
  generateKeyPair,
  type KeyPair,
  sign,
  toHex,
} from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { CLOSE, type Relay, type Settings } from "../src/index.ts";
import { Client, type Ending, joined, openLines, Participant, writeLine } from "./participant.ts";
import { startRelay } from "./running.ts";

const BASE = { port: 0, data: ":memory:" };
const MAIN = toHex(documentId("main"));

function keyOf({ publicKey }: KeyPair): string {
  return toHex(publicKey);
}

/** Whoever writes with this key. */
function writer(keyPair = generateKeyPair()): {
  readonly key: string;
  readonly keyPair: KeyPair;
  readonly lines: ReturnType<typeof openLines>;
} {
  return { key: keyOf(keyPair), keyPair, lines: openLines("main", keyPair) };
}

async function rejections(relay: Relay, code: string): Promise<number> {
  const text = await (await fetch(relay.metricsUrl!)).text();
  const [, count] =
    new RegExp(`^crdt_relayer_rejections_total\\{code="${code}"\\} (\\d+)$`, "mu").exec(text) ?? [];
  return Number(count);
}

describe("a room that is read-only", () => {
  const rooms = { main: { "read-only": true } };

  it("refuses every change, by name and by id, before anything is kept of it", async () => {
    const relay = await startRelay({ rooms });
    for (const join of [{ room: "main" }, { document: MAIN }]) {
      const client = await Client.open(relay.url);
      client.send(JSON.stringify({ type: "join", ...join }));
      expect(await client.message()).toMatchObject({
        type: "joined",
        document: MAIN,
        readOnly: true,
      });
      const alice = new Participant(client, openLines("main"));
      const id = alice.write("hello");
      await alice.until(() => alice.errors.length > 0);
      expect(alice.errors).toEqual([
        `refused: the peer refused something (room_read_only): a change was refused: ${id}`,
      ]);
      await alice.leave();
    }
    expect(relay.status().changes).toMatchObject({ applied: 0, pending: 0, rejected: 2 });
    expect(await rejections(relay, "room_read_only")).toBe(2);
    const bob = await Participant.join(relay.url, "other");
    await bob.untilDurable(bob.write("other rooms are as they were"));
  });

  it("shows what is there already, and what was written before it became so", async () => {
    const relay = await startRelay();
    const alice = await Participant.join(relay.url, "main");
    await alice.untilDurable(alice.write("early"));
    const elsewhere = await Participant.join(relay.url, "other");
    expect(relay.reload({ ...BASE, rooms })).toEqual({ changed: ["rooms"], needRestart: [] });
    const { code, reason } = await alice.client.closed;
    expect([code, reason]).toEqual([
      CLOSE.rulesChanged.code,
      expect.stringMatching(/^the rules of this room have changed; reconnect; retry in \d+ ms$/u),
    ]);
    const late = alice.write("late");
    const again = await Participant.join(relay.url, "main", alice.document);
    await again.until(() => again.errors.length > 0);
    expect(again.errors[0]).toContain(`(room_read_only): a change was refused: ${late}`);
    const bob = await Participant.join(relay.url, "main");
    await bob.untilLines(1);
    expect(bob.lines()).toEqual(["early"]);
    // When it is open again, what was refused is brought by whoever has it.
    relay.reload(BASE);
    await Promise.all([again.client.closed, bob.client.closed]);
    const back = await Participant.join(relay.url, "main", alice.document);
    await back.untilDurable(late);
    await elsewhere.untilDurable(elsewhere.write("nobody here had to go"));
  });

  it("tells people that it is", async () => {
    const relay = await startRelay({ rooms });
    const person = await Client.open(relay.url);
    expect(await person.ask("/join main")).toMatch(
      /1 person here; read-only: no changes are taken$/u,
    );
    expect(await person.ask("/who")).toBe('room "main": 0 programs and 1 person here');
    relay.reload(BASE);
    expect(await person.text()).toBe("* the rules have changed; everybody may write");
  });
});

describe("a room with authors", () => {
  it("takes their changes, whoever brings them and whatever comes with them", async () => {
    const [alice, bob, mallory] = [writer(), writer(), writer()];
    const relay = await startRelay({ rooms: { [MAIN]: { authors: [alice.key, bob.key] } } });
    const client = await joined(relay.url, { room: "main" });
    const groups = [mallory, alice, mallory, bob].map(({ lines }) =>
      decodeGroup(writeLine(lines, "x")),
    );
    const changes = groups.flatMap((group) => (group.ok ? group.value : []));
    client.send(encodeGroup(changes));
    const reader = await Participant.join(relay.url, "main");
    await reader.untilLines(2);
    expect(relay.status().changes).toMatchObject({ applied: 2, pending: 0, rejected: 2 });
    expect(await rejections(relay, "author_not_allowed")).toBe(2);
    expect(
      reader.document.history
        .tips()
        .map(({ author }) => toHex(author))
        .sort(),
    ).toEqual([alice.key, bob.key].sort());
    // The client was told of one of them, and goes on.
    let answer = await client.message();
    while (answer["type"] !== "error") answer = await client.message();
    expect(answer).toMatchObject({ code: "author_not_allowed" });
  });

  it("names them to who joins", async () => {
    const alice = writer();
    const relay = await startRelay({ rooms: { main: { authors: [alice.key] } } });
    const client = await Client.open(relay.url);
    client.send('{"type":"join","room":"main"}');
    expect(await client.message()).toMatchObject({ type: "joined", authors: [alice.key] });
  });
});

/** Asks for a room that wants to know who comes; resolves to the socket and the nonce. */
async function challenged(
  url: string,
  join: object = { room: "main" },
): Promise<{ readonly client: Client; readonly nonce: Uint8Array }> {
  const client = await Client.open(url);
  client.send(JSON.stringify({ type: "join", ...join }));
  const { type, nonce } = await client.message();
  expect([type, typeof nonce]).toEqual(["challenge", "string"]);
  return { client, nonce: fromHex(String(nonce))! };
}

function proof(nonce: Uint8Array, keyPair: KeyPair, host: string, document = "main"): string {
  const message = authenticationMessage(nonce, documentId(document), host);
  const signature = toHex(sign(message, keyPair.secretKey));
  return JSON.stringify({ type: "proof", author: keyOf(keyPair), signature });
}

/** How the relay answers, and ends. */
async function refusal(client: Client): Promise<readonly [unknown, number]> {
  const { code } = await client.message();
  const ending: Ending = await client.closed;
  return [code, ending.code];
}

describe("a room with readers", () => {
  const [reader, author, stranger] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
  const rooms: Settings["rooms"] = {
    main: { readers: [keyOf(reader)], authors: [keyOf(author)] },
  };
  const WRONG = ["wrong_proof", CLOSE.wrongProof.code];
  const NONE = ["not_proven", CLOSE.notProven.code];

  it("lets in who proves to be one, or an author, and nobody else", async () => {
    const relay = await startRelay({ rooms });
    const { host } = new URL(relay.url);
    const people = [];
    for (const join of [{ room: "main" }, { document: MAIN }]) {
      for (const keyPair of [reader, author]) {
        const { client, nonce } = await challenged(relay.url, join);
        client.send(proof(nonce, keyPair, host));
        expect(await client.message()).toMatchObject({ type: "joined", document: MAIN });
        people.push(new Participant(client, openLines("main", keyPair)));
      }
    }
    const [first, second, third, fourth] = people as [
      Participant,
      Participant,
      Participant,
      Participant,
    ];
    await second.untilDurable(second.write("by an author"));
    await Promise.all([first, third, fourth].map((one) => one.untilLines(1)));
    const { client, nonce } = await challenged(relay.url);
    client.send(proof(nonce, stranger, host));
    expect(await refusal(client)).toEqual(["not_allowed", CLOSE.notAllowed.code]);
    const person = await Client.open(relay.url);
    expect(await person.ask("/join main")).toContain("error: this room asks for a key");
    expect(await person.ask("/join other")).toMatch(/^joined/u);
  });

  it("shows out who may not read any more, at once, and lets others come again", async () => {
    const relay = await startRelay({ rooms });
    const { host } = new URL(relay.url);
    const { client, nonce } = await challenged(relay.url);
    client.send(proof(nonce, reader, host));
    await client.message();
    relay.reload({ ...BASE, rooms: { main: { readers: [keyOf(stranger)] } } });
    expect((await client.closed).code).toBe(CLOSE.rulesChanged.code);
    const again = await challenged(relay.url);
    again.client.send(proof(again.nonce, reader, host));
    expect(await refusal(again.client)).toEqual(["not_allowed", CLOSE.notAllowed.code]);
    const other = await challenged(relay.url);
    other.client.send(proof(other.nonce, stranger, host));
    expect(await other.client.message()).toMatchObject({ type: "joined" });
  });

  it("is not opened by a proof that was made for anything else", async () => {
    const relay = await startRelay({ rooms });
    const { host } = new URL(relay.url);
    const heard = await challenged(relay.url);
    const replayed = proof(heard.nonce, reader, host);
    heard.client.send(replayed);
    expect(await heard.client.message()).toMatchObject({ type: "joined" });
    const wrong: readonly ((nonce: Uint8Array) => string)[] = [
      () => replayed,
      (nonce) => proof(nonce, reader, host, "other"),
      (nonce) => proof(nonce, reader, "evil.example"),
      (nonce) => proof(nonce, reader, host).replace(keyOf(reader), keyOf(author)),
      (nonce) => {
        const signature = toHex(sign(nonce, reader.secretKey));
        return JSON.stringify({ type: "proof", author: keyOf(reader), signature });
      },
    ];
    for (const make of wrong) {
      const { client, nonce } = await challenged(relay.url);
      client.send(make(nonce));
      expect(await refusal(client)).toEqual(WRONG);
    }
  });

  it("is not opened by anything but a proof, however large", async () => {
    const relay = await startRelay({ rooms });
    const { host } = new URL(relay.url);
    const { client, nonce } = await challenged(relay.url);
    client.send(proof(nonce, reader, host) + " ".repeat(1_000_000));
    expect(await refusal(client)).toEqual(NONE);
    for (const frame of [
      '{"type":"join","room":"main"}',
      new Uint8Array(1_000_000),
      '{"type":"proof"',
      "/help",
    ]) {
      const other = await challenged(relay.url);
      other.client.send(frame);
      expect(await refusal(other.client)).toEqual(NONE);
    }
    expect(relay.status().rooms).toBe(0);
  });

  it("takes one proof, after the join, and no second one", async () => {
    const relay = await startRelay({ rooms });
    const { host } = new URL(relay.url);
    const early = await Client.open(relay.url);
    early.send(proof(new Uint8Array(32), reader, host));
    expect(await early.message()).toMatchObject({ code: "not_joined" });
    const { client, nonce } = await challenged(relay.url);
    const wrong = proof(nonce, reader, "evil.example");
    // The second one, which would be right, is not even looked at.
    client.send(wrong);
    client.send(proof(nonce, reader, host));
    expect(await refusal(client)).toEqual(WRONG);
    const other = await challenged(relay.url);
    const right = proof(other.nonce, reader, host);
    other.client.send(right);
    other.client.send(right);
    expect(await other.client.message()).toMatchObject({ type: "joined" });
    let answer = await other.client.message();
    while (answer["type"] !== "error") answer = await other.client.message();
    expect(answer).toMatchObject({ code: "unknown_type" });
  });

  it("knows by which names it is called, and cannot be lied to about them", async () => {
    const names = { hosts: ["relay.example"], trustProxy: ["127.0.0.1"] };
    const relay = await startRelay({ rooms, ...names });
    // A dishonest relay that has asked its own client with our nonce would say whatever that client has dialled.
    const liar = new Client(relay.url, { headers: { host: "evil.example" } });
    await liar.opened;
    liar.send('{"type":"join","room":"main"}');
    expect(await refusal(liar)).toEqual(["wrong_host", CLOSE.wrongHost.code]);
    for (const headers of [
      { host: "Relay.Example" },
      { host: "inner:8080", "x-forwarded-host": "relay.example" },
    ]) {
      const client = new Client(relay.url, { headers });
      await client.opened;
      client.send('{"type":"join","room":"main"}');
      const { nonce } = await client.message();
      client.send(proof(fromHex(String(nonce))!, reader, "relay.example"));
      expect(await client.message()).toMatchObject({ type: "joined" });
    }
  });
});

describe("a relay that asks everybody for a key", () => {
  it("lets in whoever has one, into any room, from a reload on", async () => {
    const relay = await startRelay();
    const { host } = new URL(relay.url);
    const before = await joined(relay.url, { room: "main" });
    relay.reload({ ...BASE, authenticate: true });
    expect((await before.closed).code).toBe(CLOSE.rulesChanged.code);
    for (const room of ["main", "any"]) {
      const { client, nonce } = await challenged(relay.url, { room });
      client.send(proof(nonce, generateKeyPair(), host, room));
      expect(await client.message()).toMatchObject({ type: "joined", room });
    }
  });
});
