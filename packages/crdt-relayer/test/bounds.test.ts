/** What a relay holds in memory is bounded in total, per author and per peer; whatever that drops is fetched again. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  counter,
  Document,
  documentId,
  generateKeyPair,
  type History,
  MAX_GROUP_BYTES,
  struct,
} from "bft-json-crdt";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { EmbeddedBackplane } from "../src/backplane.ts";
import { CLOSE } from "../src/close-codes.ts";
import { MIN_FRAME_BYTES } from "../src/limits.ts";
import { MemoryLevel } from "../src/memory-level.ts";
import type { RoomHost } from "../src/room.ts";
import { Rooms } from "../src/rooms.ts";
import { completeSettings, type Settings } from "../src/settings.ts";
import { Client, openLines, Participant, writeLine } from "./participant.ts";
import { startLimited, startRelay, temporaryFolder } from "./running.ts";

/** Changes of one author that all build on one which is left out; each of about the given size. */
function orphans(room: string, count: number, size = 0): Uint8Array[] {
  const lines = openLines(room);
  writeLine(lines, "withheld");
  return Array.from({ length: count }, (_, i) => writeLine(lines, `${i} ${"x".repeat(size)}`));
}

/** The same of many authors, a hundred each. */
function strangers(room: string, count: number): Uint8Array[] {
  return Array.from({ length: count / 100 }, () => orphans(room, 100)).flat();
}

async function joined(url: string, room: string): Promise<Client> {
  const client = await Client.open(url);
  await client.ask(JSON.stringify({ type: "join", room }));
  return client;
}

describe("changes that wait on a relay", () => {
  const nobody: RoomHost = {
    received: () => undefined,
    storingFailed: (error) => {
      throw error;
    },
  };

  async function roomsWith(given: Partial<Settings>, names: readonly string[]): Promise<History[]> {
    const settings = completeSettings({ data: ":memory:", roomGraceSeconds: 60, ...given }, {});
    const rooms = new Rooms(
      new EmbeddedBackplane(new MemoryLevel()),
      settings,
      nobody,
      pino({ level: "silent" }),
    );
    const entered = await Promise.all(names.map((name) => rooms.enter(documentId(name))));
    return entered.map((room) => {
      if (!room.ok) throw new Error(room.error.detail);
      return room.value.history;
    });
  }

  const bytesIn = (histories: readonly History[]): number =>
    histories.reduce((sum, { pending }) => sum + pending.bytes, 0);

  it("are bounded in all rooms together, and the room with most gives way", async () => {
    const total = 2 * MAX_GROUP_BYTES;
    const [small, large] = await roomsWith({ pendingBytes: total }, ["small", "large"]);
    for (const group of orphans("small", 4, 100_000)) small!.receive(group, "quiet");
    const quiet = small!.pending;
    for (const group of orphans("large", 60, 100_000)) {
      expect(large!.receive(group, "loud").status).toBe("pending");
      expect(bytesIn([small!, large!])).toBeLessThanOrEqual(total);
    }
    expect(small!.pending).toEqual(quiet);
    expect(large!.pending.bytes).toBeGreaterThan(MAX_GROUP_BYTES);
  });

  it("are bounded in a room, for each address, each author, and each author who is caught", async () => {
    const bound = MAX_GROUP_BYTES;
    for (const name of ["roomPendingBytes", "peerPendingBytes", "authorPendingBytes"] as const) {
      const [main] = await roomsWith({ [name]: bound }, ["main"]);
      for (const group of orphans("main", 20, 100_000)) main!.receive(group, "address");
      expect(main!.pending.bytes).toBeLessThanOrEqual(bound);
      expect(main!.pending.bytes).toBeGreaterThan(bound - 110_000);
    }
    const exposed = { exposedPendingBytes: bound, authorPendingBytes: 8 * bound };
    const [main] = await roomsWith(exposed, ["main"]);
    const author = generateKeyPair();
    const lines = openLines("main", author);
    writeLine(lines, "withheld");
    for (let i = 0; i < 20; i++) main!.receive(writeLine(lines, "x".repeat(100_000)), "address");
    expect(main!.pending.bytes).toBeGreaterThan(bound);
    const schema = struct({ n: counter() });
    for (const amount of [1, 2]) {
      const branch = new Document({ schema, id: documentId("main"), keyPair: author, chain: 7n });
      main!.receive(branch.change(({ n }) => n.increment(amount)).bytes, "address");
    }
    expect(main!.forks()).toHaveLength(1);
    expect(main!.pending.bytes).toBeLessThanOrEqual(bound);
    expect(main!.pending.bytes).toBeGreaterThan(bound - 110_000);
  });
});

describe("a flood of changes that wait", () => {
  it("lets honest changes through at once, and what it pushed out of the queue arrives all the same", async () => {
    // Room for the greatest change, and so for some nine hundred small ones.
    const budget = MAX_GROUP_BYTES;
    const relay = await startRelay({
      roomPendingBytes: budget,
      peerPendingBytes: budget,
      sessionFaults: 0,
    });
    const early = openLines("main");
    const first = writeLine(early, "first");
    const late = Array.from({ length: 5 }, (_, i) => writeLine(early, `late ${i}`));

    // Comes before what it builds on, and waits.
    const hasty = await joined(relay.url, "main");
    for (const group of late) hasty.send(group);
    const flooders = await Promise.all(Array.from({ length: 4 }, () => joined(relay.url, "main")));
    const alice = await Participant.join(relay.url, "main");
    const bob = await Participant.join(relay.url, "main");
    const flood = strangers("main", 1_200);
    for (const [i, group] of flood.entries()) flooders[i % flooders.length]!.send(group);

    // While that is being judged, someone else writes and is served.
    await alice.untilDurable(alice.write("hello"));
    await bob.untilLines(1);
    expect(relay.status().changes.pending).toBeLessThan(flood.length);
    await untilPending(relay, flood.length + late.length);
    expect(relay.status().changes.rejected).toBe(0);

    // The first change alone releases nothing any more: those that waited for it were pushed out.
    hasty.send(first);
    await alice.untilLines(2);
    expect(alice.lines()).toEqual(["first", "hello"]);
    // Their author comes back, as every node does, and brings what the relay lacks.
    const author = await Participant.join(relay.url, "main", early);
    await bob.untilLines(7);
    await alice.untilLines(7);
    expect(author.document.history.length).toBe(7);
    expect(bob.document.viewDigest()).toBe(alice.document.viewDigest());
  });

  it("that ends with a closed connection is still taken to its end, and holds up nobody", async () => {
    const relay = await startRelay({ sessionFaults: 0 });
    const alice = await Participant.join(relay.url, "main");
    const flooder = await joined(relay.url, "main");
    const flood = strangers("main", 600);
    for (const group of flood) flooder.send(group);
    await flooder.leave();
    await alice.untilDurable(alice.write("hello"));
    await untilPending(relay, flood.length);
    expect(relay.status().sessions).toBe(1);
  });

  async function untilPending(
    relay: { status(): { readonly changes: { readonly pending: number } } },
    count: number,
  ): Promise<void> {
    while (relay.status().changes.pending < count)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

describe("readers who do not read", () => {
  it("are bounded all together: the one with most is cut, and gets the rest when it comes back", async () => {
    const logged: string[] = [];
    const log = new PassThrough();
    log.on("data", (line) => logged.push(String(line)));
    const relay = await startRelay(
      { sendBytes: 2 * MAX_GROUP_BYTES, sendHardBytes: 16 * MIN_FRAME_BYTES },
      { logger: pino(log) },
    );
    const alice = await Participant.join(relay.url, "main");
    const slow = await Promise.all(Array.from({ length: 3 }, () => Client.open(relay.url)));
    for (const client of slow) client.socket.pause();
    // Much more than all may have waiting together, and than the kernel takes on the way to them.
    for (let i = 0; i < 40_000; i++) for (const client of slow) client.send("/help");
    while (!logged.some((line) => line.includes("the slowest is cut")))
      await new Promise((resolve) => setTimeout(resolve, 20));
    // Whoever reads is not harmed.
    await alice.untilDurable(alice.write("hello"));
    const back = await Participant.join(relay.url, "main");
    await back.untilLines(1);
    for (const client of slow) client.socket.terminate();
  });
});

describe("a relay whose process may open few files", () => {
  it.runIf(existsSync("/proc/self/limits"))(
    "says so, keeps enough of them for its store, and turns away the sessions that are too many",
    async () => {
      const limit = 300;
      const data = temporaryFolder();
      const relay = await startLimited(`ulimit -n ${limit}`, ["--data", data]);
      const alice = await Participant.join(relay.url, "main");
      let inside = 0;
      const turnedAway = new Set<unknown>();
      for (let count = 0; count < limit; count++) {
        const client = await Client.open(relay.url);
        client.send('{"type":"join","room":"junk"}');
        const ending = await Promise.race([client.next().then(() => null), client.closed]);
        if (ending === null) inside++;
        else turnedAway.add(ending.code);
      }
      expect(inside).toBeGreaterThan(limit / 4);
      expect([...turnedAway]).toEqual([CLOSE.tooManySessions.code]);
      const { pid } = relay.process;
      expect(readdirSync(`/proc/${pid}/fd`).length).toBeLessThan(limit - 64);
      // The store goes on to its next journal, and to tables, which are new files.
      for (let line = 0; line < 40; line++)
        await alice.untilDurable(alice.write("x".repeat(250_000)));
      expect(readdirSync(join(data, "store")).some((file) => file.endsWith(".ldb"))).toBe(true);
      relay.process.kill("SIGTERM");
      const { code, stderr } = await relay.outcome;
      expect(code).toBe(0);
      const [warning] = stderr.split("\n").filter((line) => line.includes("ulimit -n"));
      expect(JSON.parse(warning!)).toMatchObject({ level: "warn", limit, maxSessions: inside + 1 });
    },
  );
});
