/** Nodes and a relay, as processes, against floods and liars: what was dropped comes back, what was proven stays so. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Document, documentId, generateKeyPair, type KeyPair, toHex } from "bft-json-crdt";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { ledger } from "../src/ledger.ts";
import { crdtNode, transactionsOf, useHome } from "./in-process.ts";
import { Place } from "./processes.ts";

const ROOM = "main";
/** The least that a room can have: some nine hundred small changes. */
const place = new Place({
  SIDE_RELAYER_ROOM_PENDING_BYTES: "1048576",
  // Whoever floods is not closed for it.
  SIDE_RELAYER_SESSION_FAULTS: "0",
});
let relay: Awaited<ReturnType<Place["relay"]>>;
const data = join(place.home, "relay-data");

beforeAll(async () => {
  relay = await place.relay(data);
  useHome(place.home, { SIDE_RELAY: relay.url });
});
afterAll(() => {
  vi.unstubAllEnvs();
  return place.clear();
});

/** A document of the room, and what was written into it: one signed group for each memo. */
function written(memos: readonly string[], keyPair = generateKeyPair()) {
  const document = new Document({ schema: ledger, id: documentId(ROOM), keyPair, chain: 0n });
  const groups = memos.map(
    (memo) =>
      document.change((doc) => doc.transactions.push({ from: "a", to: "b", amount: 1, memo }))
        .bytes,
  );
  return { document, groups };
}

async function joined(): Promise<WebSocket> {
  const socket = new WebSocket(relay.url, { perMessageDeflate: false });
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "join", room: ROOM }));
  await once(socket, "message");
  return socket;
}

async function judged(count: number): Promise<void> {
  const url = relay.url.replace(/^ws/u, "http").replace("websocket", "healthz");
  for (;;) {
    const { changes } = (await (await fetch(url)).json()) as { changes: { pending: number } };
    if (changes.pending >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function importInto(name: string, document: { save(): Uint8Array }): Promise<void> {
  const file = join(place.home, `${name}-${toHex(generateKeyPair().publicKey).slice(0, 8)}`);
  writeFileSync(file, document.save());
  expect((await crdtNode(["import", name, file])).code).toBe(0);
}

async function memosOf(name: string): Promise<(string | undefined)[]> {
  return (await transactionsOf(name)).map(({ memo }) => memo).toSorted();
}

describe("what a flood pushed out of a relay's queue", () => {
  test("arrives with the next node that has it", async () => {
    const memos = ["one", "two", "three", "four"];
    const { document, groups } = written(memos);
    const socket = await joined();
    // Ahead of what they build on: they wait, until a flood takes their place.
    for (const group of groups.slice(1)) socket.send(group);
    let sent = groups.length - 1;
    for (let i = 0; i < 12; i++) {
      const { groups: line } = written(Array.from({ length: 101 }, (_, n) => `${i} ${n}`));
      for (const group of line.slice(1)) socket.send(group);
      sent += line.length - 1;
    }
    await judged(sent);
    socket.send(groups[0]!);

    await crdtNode(["init", "alice"]);
    await importInto("alice", document);
    expect((await crdtNode(["send", "alice", "alice -> bob 2 hers"])).code).toBe(0);
    await crdtNode(["init", "bob"]);
    expect((await crdtNode(["send", "bob", "bob -> alice 3 his"])).code).toBe(0);
    expect(await memosOf("bob")).toEqual([...memos, "hers", "his"].toSorted());
    socket.terminate();
  });
});

describe("a fork proof", () => {
  test("spreads through a relay to those who were shown one branch or none, and outlives restarts", async () => {
    const liar: KeyPair = generateKeyPair();
    for (const [name, memo] of [
      ["dora", "to dora"],
      ["emil", "to emil"],
    ] as const) {
      await crdtNode(["init", name]);
      await importInto(name, written([memo], liar).document);
      expect((await crdtNode(["forks", name, "--json"])).stdout).toBe("");
    }
    // Dora's branch goes to the relay, which is restarted; then Emil brings his.
    expect((await crdtNode(["send", "dora", "dora -> emil 1"])).code).toBe(0);
    await relay.program.end();
    relay = await place.relay(data, relay.port);
    expect((await crdtNode(["send", "emil", "emil -> dora 1"])).code).toBe(0);
    await relay.program.end();
    relay = await place.relay(data, relay.port);
    // Someone new, who only ever talks to the relay.
    await crdtNode(["init", "frida"]);
    expect((await crdtNode(["send", "frida", "frida -> all 1"])).code).toBe(0);
    const found: unknown[] = [];
    for (const name of ["emil", "frida"]) {
      const { stdout } = await crdtNode(["forks", name, "--of", toHex(liar.publicKey), "--json"]);
      const { author, seq, changes } = JSON.parse(stdout) as {
        author: string;
        seq: number;
        changes: { id: string; says: string[] }[];
      };
      expect([author, seq]).toEqual([toHex(liar.publicKey), 1]);
      expect(changes.flatMap(({ says }) => says).toSorted()).toEqual([
        "a -> b 1 to dora",
        "a -> b 1 to emil",
      ]);
      found.push(changes);
    }
    expect(found[1]).toEqual(found[0]);
    const proof = join(place.home, "from-frida.proof");
    const args = ["forks", "frida", "--of", toHex(liar.publicKey), "--proof", proof];
    expect((await crdtNode(args)).code).toBe(0);
    expect((await crdtNode(["verify-proof", proof, "--room", ROOM])).code).toBe(0);
  });
});
