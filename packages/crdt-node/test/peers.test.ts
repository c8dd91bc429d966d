/** Nodes that talk to each other: with no relay, with a relay that dies, with a relay that lies, and with an author who does. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { documentId, History, SyncSession, toHex } from "bft-json-crdt";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { joined, type Replica, ROOM, stranger, type Tap, Village, write } from "./peers.ts";
import { Place } from "./processes.ts";

const village = new Village();
const place = new Place();

afterEach(() => village.clear());
afterAll(async () => {
  vi.unstubAllEnvs();
  await place.clear();
  await village.remove();
});

const synced = ({ node }: Replica): boolean =>
  [...node.status().relays, ...node.status().peers].every(({ state }) => state === "synced");

/** Ids that went more than once in one direction of one connection. */
function repeated(taps: readonly Tap[]): string[] {
  return taps
    .flatMap(({ connections }) => connections)
    .flatMap(({ up, down }) => [up, down])
    .flatMap((ids) => ids.filter((id, i) => ids.indexOf(id) !== i));
}

describe("two nodes without a relay", () => {
  test("converge, acknowledge what is stored, and give nothing back to where it came from", async () => {
    const anna = await village.listening("anna");
    const bert = await village.open("bert");
    const early = await write(anna, 30);
    const tap = await village.tap(anna.url);
    bert.node.connect([], [tap.url]);
    await village.equal([anna, bert], 30);
    const [first, second] = [await write(anna, 40), await write(bert, 50)];
    for (const [{ node }, ids] of [
      [anna, early],
      [anna, first],
      [bert, second],
    ] as const) {
      expect(await node.delivered(Buffer.from(ids.at(-1)!, "hex"), 60_000)).toBe(true);
    }
    for (const { node } of [anna, bert]) expect(node.status().unacknowledged).toBe(0);
    await village.equal([anna, bert], 120);
    const [{ up, down }, ...others] = tap.connections as [Tap["connections"][number]];
    expect(others).toEqual([]);
    expect(down).toEqual([...early, ...first]);
    expect(up).toEqual(second);
  });

  test("of which one was away catches up, from its store", async () => {
    const anna = await village.listening("away-anna");
    const bert = await village.open("away-bert");
    bert.node.connect([], [anna.url]);
    await write(bert, 3);
    await village.equal([anna, bert], 3);
    await village.close(bert);
    await village.until("nobody there", () => anna.guests.at(-1) === 0);
    await write(anna, 3_000);
    const again = await village.open("away-bert");
    await write(again, 2);
    again.node.connect([], [anna.url]);
    await village.equal([anna, again], 3_005);
  });

  test("learn that the other has a change though the connection broke before it said so", async () => {
    const anna = await village.listening("broken-anna");
    const bert = await village.open("broken-bert");
    const [id] = await write(bert, 1);
    // What it may have heard is not remembered.
    vi.spyOn(bert.node.store.delivered, "set").mockImplementation(() => undefined);
    const first = await village.tap(anna.url);
    bert.node.connect([], [first.url]);
    await village.equal([anna, bert], 1);
    await village.close(bert);
    // Nothing is missing any more, so all that can say it is the answer to what the other has.
    const again = await village.open("broken-bert");
    const second = await village.tap(anna.url);
    again.node.connect([], [second.url]);
    expect(await again.node.delivered(Buffer.from(id!, "hex"), 60_000)).toBe(true);
    expect(second.connections.map(({ up, down }) => [up, down])).toEqual([[[], []]]);
  });

  test("know after a restart what nobody has, and what somebody has", async () => {
    const anna = await village.listening("later-anna");
    const bert = await village.open("later-bert");
    await write(bert, 3);
    expect(bert.node.status().unacknowledged).toBe(3);
    await village.close(bert);
    const again = await village.open("later-bert");
    expect(again.node.status().unacknowledged).toBe(3);
    again.node.connect([], [anna.url]);
    // Nothing is told of an acknowledgement.
    await vi.waitFor(() => expect(again.node.status().unacknowledged).toBe(0), { timeout: 60_000 });
    await village.close(again);
    const last = await village.open("later-bert");
    expect(last.node.status().unacknowledged).toBe(0);
    await write(last, 2);
    await village.close(last);
    expect((await village.open("later-bert")).node.status().unacknowledged).toBe(2);
  });
});

describe("three nodes", () => {
  test("in a ring converge; no connection carries a change twice, and nothing goes round", async () => {
    const ring = await Promise.all(["r1", "r2", "r3"].map((name) => village.listening(name)));
    const taps = await Promise.all(ring.map(({ url }) => village.tap(url)));
    ring.forEach(({ node }, i) => {
      node.connect([], [taps[(i + 1) % 3]!.url]);
    });
    for (let round = 1; round <= 10; round++) {
      await Promise.all(ring.map((replica) => write(replica, 8)));
      if (round % 5 === 0) await village.equal(ring, round * 24);
    }
    // Frames keep their order, so what still went round would be seen with one of these.
    for (let marker = 1; marker <= 3; marker++) {
      await write(ring[marker - 1]!, 1);
      await village.equal(ring, 240 + marker);
    }
    const connections = taps.flatMap((tap) => tap.connections);
    expect(connections).toHaveLength(3);
    expect(repeated(taps)).toEqual([]);
    const carried = connections.reduce((sum, { up, down }) => sum + up.length + down.length, 0);
    expect(carried).toBeGreaterThanOrEqual(2 * 243);
    expect(carried).toBeLessThanOrEqual(4 * 243);
  });

  test("in a line converge, though the ends never meet", async () => {
    const middle = await village.listening("middle");
    const ends = [await village.open("left"), await village.open("right")];
    for (const { node } of ends) node.connect([], [middle.url]);
    await Promise.all([middle, ...ends].map((replica) => write(replica, 20)));
    await village.equal([middle, ...ends], 60);
    expect(ends.map(({ node }) => node.status().peers.map(({ url }) => url))).toEqual([
      [middle.url],
      [middle.url],
    ]);
    expect(middle.node.status().guests).toHaveLength(2);
  });

  test("converge with relays and peers at once, also when the relay is killed in the midst", async () => {
    const [relay, other] = [await place.relay(":memory:"), await place.relay(":memory:")];
    const hub = await village.listening("hub");
    const [near, far] = [await village.open("near"), await village.open("far")];
    hub.node.connect([relay.url, other.url]);
    near.node.connect([relay.url], [hub.url]);
    far.node.connect([relay.url, other.url], [hub.url]);
    const all = [hub, near, far];
    await village.until("all are in step", () => all.every(synced));
    await Promise.all(all.map((replica) => write(replica, 20)));
    const writes = all.map((replica) => write(replica, 200));
    relay.program.child.kill("SIGKILL");
    await Promise.all(writes);
    await village.equal(all, 660);
    await village.until("the relay is missed", () =>
      all.every(({ node }) => node.status().relays[0]?.state !== "synced"),
    );
    await write(near, 1);
    await village.equal(all, 661);
  });
});

describe("an author who shows two peers two histories", () => {
  test("is caught by both", async () => {
    const anna = await village.listening("fork-anna");
    const bert = await village.listening("fork-bert");
    const { author, write } = stranger();
    const sockets = [await joined(anna.url), await joined(bert.url)];
    sockets[0]!.send(write("to anna"));
    sockets[1]!.send(write("to bert"));
    await village.until("each has a branch", () =>
      [anna, bert].every(({ node }) => node.durable === 1),
    );
    bert.node.connect([], [anna.url]);
    await village.equal([anna, bert], 2);
    const proofs = [anna, bert].map(({ node }) => node.status().faults.forks);
    expect(proofs[0]).toMatchObject([{ author, seq: 1, own: false }]);
    expect(proofs[1]).toEqual(proofs[0]);
    expect(anna.node.forks()).toEqual(bert.node.forks());
    for (const socket of sockets) socket.terminate();
  });
});

/** A relay that keeps what it is given from all others, and shows each of its clients what it likes. */
class LyingRelay {
  readonly url: string;
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/websocket`;
  }

  /** The first client is shown the first of these groups, and so on. */
  static async showing(groups: readonly Uint8Array[]): Promise<LyingRelay> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    const rest = [...groups];
    server.on("connection", (socket) => {
      LyingRelay.#serve(socket, rest.shift());
    });
    return new LyingRelay(server);
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  static #serve(socket: WebSocket, shown: Uint8Array | undefined): void {
    const history = new History({ document: documentId(ROOM) });
    if (shown !== undefined) history.receive(shown);
    const session = new SyncSession({
      history,
      peer: "client",
      send: (frame) => {
        socket.send(frame);
        return true;
      },
      receiveGroup: (group) => {
        const received = history.receive(group);
        // It says that it has them, and nobody else ever hears of them.
        setImmediate(() => {
          session.acknowledge(received.applied.map((index) => history.idAt(index)));
        });
        return received;
      },
    });
    socket.once("message", () => {
      socket.send(
        JSON.stringify({ type: "joined", room: ROOM, document: toHex(documentId(ROOM)) }),
      );
      session.open();
      socket.on("message", (data: RawData, isBinary) => {
        session.receive(isBinary ? (data as Buffer) : (data as Buffer).toString("utf8"));
      });
    });
  }
}

describe("a relay that withholds and shows two histories", () => {
  const shown = (): { author: string; groups: Uint8Array[] } => {
    const { author, write } = stranger();
    return { author, groups: [write("one history"), write("another")] };
  };

  test("parts nobody who has one other path", async () => {
    const { author, groups } = shown();
    const relay = await LyingRelay.showing(groups);
    const anna = await village.listening("path-anna");
    const bert = await village.open("path-bert");
    anna.node.connect([relay.url]);
    bert.node.connect([relay.url], [anna.url]);
    await Promise.all([write(anna, 10), write(bert, 10)]);
    await village.equal([anna, bert], 22);
    for (const { node } of [anna, bert])
      expect(node.status().faults.forks).toMatchObject([{ author }]);
    relay.close();
  });

  test("parts those who have none, until they meet: the changes and the proof arrive", async () => {
    const { author, groups } = shown();
    const relay = await LyingRelay.showing(groups);
    const anna = await village.listening("none-anna");
    const bert = await village.open("none-bert");
    for (const { node } of [anna, bert]) node.connect([relay.url]);
    for (const replica of [anna, bert]) {
      const ids = await write(replica, 10);
      // The relay says that it has them.
      expect(await replica.node.delivered(Buffer.from(ids.at(-1)!, "hex"), 60_000)).toBe(true);
    }
    await village.until("each is shown a history", () =>
      [anna, bert].every(({ node }) => node.durable === 11),
    );
    for (const { node } of [anna, bert]) expect(node.status().faults.forks).toEqual([]);
    bert.node.connect([], [anna.url]);
    await village.equal([anna, bert], 22);
    for (const { node } of [anna, bert])
      expect(node.status().faults.forks).toMatchObject([{ author }]);
    expect(anna.node.forks()).toEqual(bert.node.forks());
    relay.close();
  });
});
