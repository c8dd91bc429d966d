/**
 * Every single bit of the frames that a relay reads, flipped: the join, and each control message in a room. The relay
 * answers from a closed set, or closes for text that is no UTF-8; it lives on, and its rooms are as they were.
 */
import { encodeMessage, fromHex, toHex } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { Client, openLines, Participant, writeLine } from "./participant.ts";
import { startRelay } from "./running.ts";

/** The close code of RFC 6455 for text that is not UTF-8. */
const NOT_UTF8 = 1007;

/** Connections at once. */
const BATCH = 64;

/** What a relay may answer. */
const ANSWERS = new Set([
  "joined",
  "error",
  "have",
  "known",
  "done",
  "tips",
  "lacks",
  "buckets",
  "differ",
  "probe",
  "samples",
  "want",
  "ack",
]);

function flipped(text: string, bit: number): Buffer {
  const bytes = Buffer.from(text);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return bytes;
}

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

/** The bits of a text, a few connections at a time. */
async function eachBit(text: string, what: (bytes: Buffer) => Promise<void>): Promise<void> {
  for (let start = 0; start < 8 * text.length; start += BATCH) {
    const bits = Array.from(
      { length: Math.min(BATCH, 8 * text.length - start) },
      (_, i) => start + i,
    );
    await Promise.all(bits.map((bit) => what(flipped(text, bit))));
  }
}

/** A room with two lines, and how to look whether it still has just these. */
async function honestRoom(url: string): Promise<() => Promise<void>> {
  const alice = await Participant.join(url, "main");
  alice.write("one");
  await alice.untilDurable(alice.write("two"));
  return async () => {
    await alice.untilDurable(alice.write("still here"));
    const late = await Participant.join(url, "main");
    await late.untilLines(3);
    expect(late.lines()).toEqual(["one", "still here", "two"]);
    await Promise.all([alice.leave(), late.leave()]);
  };
}

describe("a relay", () => {
  it.each([
    '{"type":"join","room":"main"}',
    `{"type":"join","document":"${toHex(openLines("main").id)}"}`,
  ])("answers each bit flipped in %s by joined, by an error, or by closing", async (join) => {
    const relay = await startRelay({ maxRooms: 2_000, sessionFaults: 0 });
    const check = await honestRoom(relay.url);
    await eachBit(join, async (bytes) => {
      const client = await Client.open(relay.url);
      client.socket.send(bytes, { binary: false });
      if (!isUtf8(bytes)) {
        expect((await client.closed).code).toBe(NOT_UTF8);
        return;
      }
      const answer = await client.text();
      if (answer.startsWith("{")) {
        const { type, document } = JSON.parse(answer) as { type: string; document?: string };
        expect(["joined", "error"]).toContain(type);
        // Another room is another document.
        if (type === "joined")
          expect(document === toHex(openLines("main").id)).toBe(bytes.includes(`:"main"`));
      } else {
        expect(answer).toMatch(/^error: /u);
      }
      client.socket.terminate();
    });
    await check();
  });

  const document = openLines("main");
  const group = writeLine(document, "elsewhere");
  const known = document.history.idAt(0);
  const unknown = fromHex("ab".repeat(32))!;
  const tip = { author: document.author!, chain: 0n, seq: 1, id: known };
  const messages = [
    encodeMessage({ type: "have", frontier: { heads: [known] }, again: true }),
    encodeMessage({ type: "done", frontier: { digest: unknown } }),
    encodeMessage({ type: "known", ids: [unknown] }),
    encodeMessage({ type: "want", ids: [known] }),
    encodeMessage({ type: "ack", ids: [unknown] }),
    encodeMessage({ type: "tips", page: 1, chains: [tip] }),
    encodeMessage({ type: "lacks", of: 1, at: [0], tips: [unknown] }),
    encodeMessage({ type: "differ", of: 1, buckets: [0, 9] }),
    encodeMessage({ type: "probe", tips: [known] }),
    encodeMessage({ type: "samples", of: unknown, ids: [{ seq: 1, id: known }] }),
    encodeMessage({ type: "error", code: "refused", detail: "no" }),
  ];

  it("answers each bit flipped in any control message from the closed set, and serves the room as before", async () => {
    const relay = await startRelay({ sessionFaults: 0 });
    const check = await honestRoom(relay.url);
    for (const message of messages) {
      // Everything that is UTF-8 through one connection: a bad frame must not spoil what follows.
      const client = await Client.open(relay.url);
      client.send('{"type":"join","room":"main"}');
      const broken: Buffer[] = [];
      for (let bit = 0; bit < 8 * message.length; bit++) {
        const bytes = flipped(message, bit);
        if (isUtf8(bytes)) client.socket.send(bytes, { binary: false });
        else broken.push(bytes);
      }
      client.send("/who");
      for (;;) {
        const answer = await client.next();
        if (typeof answer !== "string") continue;
        if (answer.startsWith('room "main": ')) break;
        expect(ANSWERS.has((JSON.parse(answer) as { type: string }).type), answer).toBe(true);
      }
      client.socket.terminate();
      expect(broken).toHaveLength(message.length);
    }
    await check();
  });

  it("closes a session for each bit flipped that makes its text no UTF-8, and the room does not notice", async () => {
    const relay = await startRelay({ sessionFaults: 0 });
    const check = await honestRoom(relay.url);
    // The eighth bit of any letter: the frame never gets to what reads messages.
    const [message] = messages as [string];
    const letters = Array.from({ length: message.length }, (_, at) => 8 * at + 7);
    for (let start = 0; start < letters.length; start += BATCH) {
      await Promise.all(
        letters.slice(start, start + BATCH).map(async (bit) => {
          const client = await Client.open(relay.url);
          client.send('{"type":"join","room":"main"}');
          client.socket.send(flipped(message, bit), { binary: false });
          expect((await client.closed).code).toBe(NOT_UTF8);
        }),
      );
    }
    await check();
  });

  it("takes in nothing of a group with any one bit flipped, and the true one afterwards", async () => {
    const relay = await startRelay({ sessionFaults: 0 });
    const client = await Client.open(relay.url);
    client.send('{"type":"join","room":"main"}');
    for (let bit = 0; bit < 8 * group.length; bit++) {
      const bytes = group.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      client.send(bytes);
    }
    client.send(group);
    const acknowledged: unknown[] = [];
    while (acknowledged.length === 0) {
      const { type, ids } = await client.message();
      expect(["joined", "error", "have", "done", "want", "ack"]).toContain(type);
      if (type === "ack") acknowledged.push(ids);
    }
    expect(acknowledged).toEqual([[toHex(known)]]);
    const late = await Participant.join(relay.url, "main");
    await late.untilLines(1);
    expect(late.lines()).toEqual(["elsewhere"]);
  });
});
