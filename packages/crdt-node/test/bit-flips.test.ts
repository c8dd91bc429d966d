/**
 * Every single bit flipped of the one frame that only a node reads: the relay's `joined`. A node lets the sync protocol
 * begin only for the document that it has; for anything else it waits or hangs up, and tells why.
 */
import { once } from "node:events";
import { documentId, History, toHex } from "bft-json-crdt";
import { WebSocketServer } from "ws";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Link } from "../src/link.ts";

const ROOM = "main";
const DOCUMENT = documentId(ROOM);
const JOINED = JSON.stringify({
  type: "joined",
  room: ROOM,
  document: toHex(DOCUMENT),
  protocol: 1,
});

/** Connections at once. */
const BATCH = 64;

let server: WebSocketServer;
let url = "";
/** What connections are answered to their join, by the number in the address that they connect to. */
const answers: Buffer[] = [];

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const address = server.address();
  url = typeof address === "object" ? `ws://127.0.0.1:${address?.port}` : "";
  server.on("connection", (socket, request) => {
    const answer = answers[Number(request.url?.slice(1))]!;
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => {
      if (!data.includes('"join"')) return;
      socket.send(answer, { binary: false });
      // An answer that the node does not understand leaves it waiting; then comes one that it does.
      socket.send('{"type":"error","code":"full","detail":"the room is full"}');
    });
  });
});

afterAll(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

/** How a node takes an answer: the state that its connection gets into, and why it was lost. */
async function taken(answer: Buffer): Promise<string> {
  const address = `${url}/${answers.push(answer) - 1}`;
  return new Promise((resolve) => {
    const history = new History({ document: DOCUMENT });
    const link: Link = new Link(address, {
      history,
      room: ROOM,
      durable: 0,
      cursors: new Map(),
      instance: "",
      key: "",
      prove: () => ({ author: "", signature: "" }),
      receive: (group) => history.receive(group),
      stored: () => Promise.resolve(),
      acknowledged: () => undefined,
      linkReported: () => undefined,
      linkChanged: (_link, reason) => {
        if (link.state !== "syncing" && link.state !== "waiting") return;
        const outcome = reason ?? link.state;
        void link.close().then(() => {
          resolve(outcome);
        });
      },
    });
    link.open();
  });
}

test("a node joins its own document only, whatever bit of the answer is flipped", async () => {
  const outcomes = new Map<string, number>();
  for (let start = 0; start < 8 * JOINED.length; start += BATCH) {
    const bits = Array.from(
      { length: Math.min(BATCH, 8 * JOINED.length - start) },
      (_, i) => start + i,
    );
    await Promise.all(
      bits.map(async (bit) => {
        const bytes = Buffer.from(JOINED);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        const outcome = await taken(bytes);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        // The session begins only where the document is named in full; the rest of the answer is for people.
        if (outcome === "syncing") expect(bytes.includes(toHex(DOCUMENT))).toBe(true);
      }),
    );
  }
  expect([...outcomes.keys()].toSorted()).toEqual([
    "Invalid WebSocket frame: invalid UTF-8 sequence",
    "it does not let us in: the room is full",
    'its room "main" holds another document',
    "syncing",
  ]);
  expect(outcomes.get('its room "main" holds another document')).toBeGreaterThan(200);
  expect(await taken(Buffer.from(JOINED))).toBe("syncing");
});
