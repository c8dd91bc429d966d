/** What a node does with relays that it has connected to and that mean no good, while an honest peer is served. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  changeId,
  decodeGroup,
  Document,
  documentId,
  encodeGroup,
  encodeMessage,
  generateKeyPair,
  toHex,
} from "bft-json-crdt";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { ledger } from "../src/ledger.ts";
import { MAX_FAULTS } from "../src/limits.ts";
import { badlySigned, joined, ROOM, Village, write } from "./peers.ts";

const village = new Village();
const relays: WebSocketServer[] = [];

afterEach(async () => {
  await village.clear();
  for (const relay of relays.splice(0)) {
    for (const socket of relay.clients) socket.terminate();
    relay.close();
  }
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await village.remove();
});

/** A relay that lets everybody in and then says only what a test wants; its address, and how often it was joined. */
async function relayThat(
  says: (socket: WebSocket) => void,
): Promise<{ readonly url: string; joins: number }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  relays.push(server);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const relay = { url: `ws://127.0.0.1:${port}/websocket`, joins: 0 };
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.once("message", () => {
      relay.joins++;
      socket.send(
        JSON.stringify({ type: "joined", room: ROOM, document: toHex(documentId(ROOM)) }),
      );
      says(socket);
    });
  });
  return relay;
}

/** Says it until the connection ends. */
function always(what: string | Uint8Array): (socket: WebSocket) => void {
  return (socket) => {
    const say = (): void => {
      if (socket.readyState !== socket.OPEN) return;
      for (let i = 0; i < 16; i++) socket.send(what);
      setImmediate(say);
    };
    say();
  };
}

/** The bodies of so many changes of one author in a document. */
function bodies(count: number, room = ROOM): Uint8Array[] {
  const document = new Document({
    schema: ledger,
    id: documentId(room),
    keyPair: generateKeyPair(),
    chain: 0n,
  });
  return Array.from({ length: count }, () => {
    const { bytes } = document.change((doc) =>
      doc.transactions.push({ from: "a", to: "b", amount: 1 }),
    );
    const decoded = decodeGroup(bytes);
    if (!decoded.ok) throw new Error("a change is not a group");
    return decoded.value[0]!.body;
  });
}

const foreign = bodies(MAX_FAULTS + 1, "elsewhere");

test.each<[string, string | Uint8Array]>([
  ["wrong signatures", badlySigned(16)],
  ["messages that are none", "junk"],
  ["groups that are none", new Uint8Array(0)],
  [
    "changes of another document",
    encodeGroup(foreign.map((body) => ({ body, signature: new Uint8Array(64) }))),
  ],
])(
  "a relay that sends %s without end is left for that reason and tried again, while others are served",
  async (_, what) => {
    const liar = await relayThat(always(what));
    const honest = await village.listening("honest");
    const node = await village.open("between");
    node.node.connect([liar.url], [honest.url]);
    const reasons = new Set<string | null>();
    await village.until("it is left, tried again, and left again", () => {
      reasons.add(node.node.status().relays[0]!.reason);
      return liar.joins > 1 && node.node.status().relays[0]!.state === "waiting";
    });
    expect([...reasons].filter((reason) => reason !== null)).toEqual([
      "too much of what it sends is wrong",
    ]);
    const { changes } = node.node.status();
    await write(honest, 3);
    await write(node, 2);
    await village.equal([node, honest], changes + 5);
    await village.close(honest);
    await village.close(node);
  },
);

test("what a relay may pass on that is honest, or newer than the node, is no fault, however much of it", async () => {
  const many = 2 * MAX_FAULTS;
  const signature = new Uint8Array(64);
  const [known, ...rest] = bodies(many + 1);
  const newer = rest.map((body) => body.map((byte, at) => (at === 1 ? 2 : byte)));
  const refused = changeId(foreign[0]!);
  const onRefused = Array.from({ length: many }, () => {
    const [first, second] = bodies(2) as [Uint8Array, Uint8Array];
    const named = Buffer.from(second);
    named.set(refused, named.indexOf(changeId(first)));
    return named;
  });
  const frames = [
    // Without their covers.
    ...Array.from({ length: many }, () => encodeGroup([{ body: known!, signature: null }])),
    encodeGroup(newer.map((body) => ({ body, signature }))),
    encodeGroup([{ body: foreign[0]!, signature }]),
    encodeGroup(onRefused.map((body) => ({ body, signature: null }))),
    ...Array.from({ length: many }, () => JSON.stringify({ type: "later" })),
    ...Array.from({ length: many }, () =>
      encodeMessage({ type: "error", code: "room_read_only", detail: "no" }),
    ),
  ];
  let heard = false;
  const relay = await relayThat((socket) => {
    for (const frame of frames) socket.send(frame);
    socket.once("pong", () => {
      heard = true;
    });
    socket.ping();
  });
  const node = await village.open("tolerant");
  node.node.connect([relay.url]);
  await vi.waitFor(() => expect(heard).toBe(true), { timeout: 60_000 });
  const { faults, relays: links } = node.node.status();
  expect(faults.rejected).toEqual({
    missing_signature: many,
    wrong_document: 1,
    rejected_dependency: many,
  });
  expect(links[0]!.state).not.toBe("waiting");
  expect(relay.joins).toBe(1);
});

test("whoever sends much has one frame taken in each pass of the event loop, and others are served in between", async () => {
  const many = MAX_FAULTS - 1;
  const flood = (socket: WebSocket): void => {
    for (let i = 0; i < many; i++) socket.send("junk");
  };
  const server = await village.listening("flooded");
  const relay = await relayThat(flood);
  server.node.connect([relay.url]);
  flood(await joined(server.url));
  /** How many frames of each were taken in each pass. */
  const perPass: { readonly [kind: string]: number[] } = { relay: [], guest: [] };
  let seen = 0;
  while (seen < 2 * many) {
    const news = server.reports.slice(seen);
    seen = server.reports.length;
    for (const [kind, counts] of Object.entries(perPass))
      counts.push(news.filter((report) => report.startsWith(kind)).length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(Object.values(perPass).map((counts) => Math.max(...counts))).toEqual([1, 1]);
});
