/** What /metrics says, read as strictly as Prometheus reads it, after traffic that is known. */
import { once } from "node:events";
import { connect } from "node:net";
import { generateKeyPair, type RejectionCode } from "bft-json-crdt";
import { describe, expect, it, vi } from "vitest";
import type { WebSocket } from "ws";
import { CLOSE, type Relay } from "../src/index.ts";
import { MIN_BUDGET_BYTES, MIN_FRAME_BYTES } from "../src/limits.ts";
import { MemoryLevel } from "../src/memory-level.ts";
import { Metrics } from "../src/metrics.ts";
import { Session, type SessionHost } from "../src/session.ts";
import { Client, joined, openLines, Participant, writeLine } from "./participant.ts";
import { startRelay } from "./running.ts";

/** One metric of the exposition: its type, and the value of each of its lines by what stands before the value. */
interface Exposed {
  readonly type: string;
  readonly help: string;
  readonly values: Map<string, number>;
}

const VALUE = /^(?:[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|NaN|Nan|[-+]Inf)$/u;
const LINE = /^([a-z_:][\w:]*)(\{(?:[a-z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (\S+)$/iu;

/** Reads an exposition (text format 0.0.4): each line must be in its place. */
function parse(text: string): Map<string, Exposed> {
  expect(text.endsWith("\n")).toBe(true);
  const metrics = new Map<string, Exposed>();
  let help: { readonly name: string; readonly text: string } | null = null;
  let current: { readonly name: string; readonly exposed: Exposed } | null = null;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const helped = /^# HELP (\S+) (.+)$/u.exec(line);
    const typed = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/u.exec(line);
    if (helped !== null) {
      help = { name: helped[1]!, text: helped[2]! };
    } else if (typed !== null) {
      const name = typed[1]!;
      expect([help?.name, metrics.has(name)]).toEqual([name, false]);
      const exposed = { type: typed[2]!, help: help!.text, values: new Map<string, number>() };
      current = { name, exposed };
      metrics.set(name, exposed);
    } else {
      const [, name = "", labels = "", value = ""] = LINE.exec(line) ?? [];
      const { type, values } = current!.exposed;
      const endings = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      expect(endings.map((ending) => current!.name + ending)).toContain(name);
      expect(value).toMatch(VALUE);
      const key = name + labels;
      expect(values.has(key)).toBe(false);
      values.set(key, Number(value));
    }
  }
  return metrics;
}

async function metricsOf(relay: Relay): Promise<Map<string, Exposed>> {
  const answer = await fetch(relay.metricsUrl!);
  expect(answer.status).toBe(200);
  return parse(await answer.text());
}

/** The values of a counter by its one label. */
function byLabel(metrics: Map<string, Exposed>, name: string): { [label: string]: number } {
  const values = [...metrics.get(name)!.values];
  return Object.fromEntries(values.map(([key, value]) => [/"(.*)"/u.exec(key)![1], value]));
}

function valueOf(metrics: Map<string, Exposed>, name: string): number | undefined {
  return metrics.get(name)!.values.get(name);
}

/** Counts what a client is sent, as the relay counts it. */
function countFrames({ socket }: { readonly socket: WebSocket }): {
  groups: number;
  units: number;
} {
  const counts = { groups: 0, units: 0 };
  socket.on("message", (data: Buffer, isBinary) => {
    counts.units += isBinary ? data.length : data.toString().length;
    if (isBinary) counts.groups++;
  });
  return counts;
}

/** Every code, as the type of the library has them. */
const CODES: Record<RejectionCode, true> = {
  malformed: true,
  too_large: true,
  unsupported_version: true,
  wrong_document: true,
  bad_signature: true,
  missing_signature: true,
  wrong_prev: true,
  wrong_lamport: true,
  rejected_dependency: true,
  over_quota: true,
  room_read_only: true,
  author_not_allowed: true,
};
const NO_REJECTIONS = Object.fromEntries(Object.keys(CODES).map((code) => [code, 0]));
const NO_ENDINGS = Object.fromEntries(
  [...Object.keys(CLOSE), "client", "lost", "cut"].map((name) => [name, 0]),
);

describe("/metrics", () => {
  it("has each metric with its type, and nothing has happened yet", async () => {
    const metrics = await metricsOf(await startRelay());
    const own = [...metrics].filter(([name]) => name.startsWith("crdt_relayer_"));
    expect(Object.fromEntries(own.map(([name, { type }]) => [name, type]))).toEqual({
      crdt_relayer_connections: "gauge",
      crdt_relayer_rooms: "gauge",
      crdt_relayer_changes_total: "counter",
      crdt_relayer_rejections_total: "counter",
      crdt_relayer_groups_sent_total: "counter",
      crdt_relayer_sent_bytes_total: "counter",
      crdt_relayer_send_waiting_bytes: "gauge",
      crdt_relayer_inbox_waiting_bytes: "gauge",
      crdt_relayer_sessions_closed_total: "counter",
      crdt_relayer_fan_out_seconds: "histogram",
      crdt_relayer_store_append_seconds: "histogram",
      crdt_relayer_event_loop_delay_seconds: "gauge",
    });
    for (const [name, { values, help }] of own) {
      expect(help.length).toBeGreaterThan(10);
      expect(values.size).toBeGreaterThan(0);
      if (name.includes("event_loop")) continue;
      expect([...values.values()].every((value) => value === 0)).toBe(true);
    }
    expect(byLabel(metrics, "crdt_relayer_event_loop_delay_seconds")).toEqual({
      "0.5": expect.any(Number) as number,
      "0.99": expect.any(Number) as number,
      "1": expect.any(Number) as number,
    });
    // To count these, each connection is looked at.
    for (const name of ["process_open_fds", "nodejs_active_handles", "nodejs_active_resources"])
      expect(metrics.has(name)).toBe(false);
    expect(metrics.get("process_resident_memory_bytes")?.type).toBe("gauge");
    expect(metrics.get("process_cpu_seconds_total")?.type).toBe("counter");
  });

  it("has exact numbers after three changes and one bad signature", async () => {
    const relay = await startRelay();
    const room = "a room with a name of its own";
    const clients = await Promise.all([1, 2, 3].map(() => Client.open(relay.url)));
    const counts = clients.map(countFrames);
    for (const client of clients) {
      client.send(JSON.stringify({ type: "join", room }));
      expect(await client.text()).toContain('"joined"');
    }
    const [alice, bob] = clients
      .slice(0, 2)
      .map((client) => new Participant(client, openLines(room)));
    for (const [before, line] of ["one", "two", "three"].entries()) {
      const id = alice!.write(line);
      await bob!.untilLines(before + 1);
      await alice!.untilDurable(id);
    }
    const forged = writeLine(openLines(room, generateKeyPair()), "forged");
    forged[forged.length - 1]! ^= 1;
    const liar = clients[2]!;
    liar.send(forged);
    await vi.waitUntil(() => relay.status().changes.rejected === 1, { timeout: 30_000 });
    // What is asked last is answered last.
    liar.send("/who");
    for (;;) if ((await liar.text()).includes("programs and")) break;

    const metrics = await metricsOf(relay);
    expect(valueOf(metrics, "crdt_relayer_connections")).toBe(3);
    expect(valueOf(metrics, "crdt_relayer_rooms")).toBe(1);
    expect(byLabel(metrics, "crdt_relayer_changes_total")).toEqual({
      applied: 3,
      duplicate: 0,
      pending: 0,
      rejected: 1,
      unsupported: 0,
    });
    expect(byLabel(metrics, "crdt_relayer_rejections_total")).toEqual({
      ...NO_REJECTIONS,
      bad_signature: 1,
    });
    expect(counts[1]!.groups).toBe(3);
    expect(valueOf(metrics, "crdt_relayer_groups_sent_total")).toBe(
      counts.reduce((sum, { groups }) => sum + groups, 0),
    );
    expect(valueOf(metrics, "crdt_relayer_sent_bytes_total")).toBe(
      counts.reduce((sum, { units }) => sum + units, 0),
    );
    for (const name of ["crdt_relayer_fan_out_seconds", "crdt_relayer_store_append_seconds"]) {
      const { values } = metrics.get(name)!;
      expect(values.get(`${name}_count`)).toBe(3);
      expect(values.get(`${name}_bucket{le="+Inf"}`)).toBe(3);
      expect(values.get(`${name}_sum`)).toBeGreaterThan(0);
      const buckets = [...values].filter(([key]) => key.includes("_bucket"));
      expect(buckets.map(([, value]) => value)).toEqual(
        buckets.map(([, value]) => value).sort((a, b) => a - b),
      );
    }
    expect(
      [...metrics.values()].some(({ values }) => [...values.keys()].join().includes(room)),
    ).toBe(false);

    await bob!.leave();
    await vi.waitUntil(() => relay.status().sessions === 2, { timeout: 30_000 });
    const after = await metricsOf(relay);
    expect(valueOf(after, "crdt_relayer_connections")).toBe(2);
    expect(byLabel(after, "crdt_relayer_sessions_closed_total")).toEqual({
      ...NO_ENDINGS,
      client: 1,
    });
  });

  it("counts groups that cannot be read, and what has to be set aside", async () => {
    const relay = await startRelay();
    const client = await joined(relay.url, { room: "main" });
    client.send(new Uint8Array([0x9f]));
    client.send(writeLine(openLines("another"), "hello"));
    await vi.waitUntil(() => relay.status().changes.rejected === 2, { timeout: 30_000 });
    expect(byLabel(await metricsOf(relay), "crdt_relayer_rejections_total")).toEqual({
      ...NO_REJECTIONS,
      malformed: 1,
      wrong_document: 1,
    });
  });

  it("measures from when a group came, though it had to wait", async () => {
    const start = performance.now();
    const relay = await startRelay();
    const client = await Client.open(relay.url);
    client.send('{"type":"join","room":"main"}');
    client.send(writeLine(openLines("main"), "before the room is open"));
    const name = "crdt_relayer_fan_out_seconds";
    await vi.waitUntil(
      async () => (await metricsOf(relay)).get(name)!.values.get(`${name}_count`) === 1,
      { timeout: 30_000 },
    );
    const seconds = (await metricsOf(relay)).get(name)!.values.get(`${name}_sum`)!;
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan((performance.now() - start) / 1e3);
  });

  it("is about one relay, though there are two in the process", async () => {
    const [one, other] = [await startRelay(), await startRelay()];
    const alice = await Participant.join(one.url, "main");
    await alice.untilDurable(alice.write("hello"));
    const [first, second] = [await metricsOf(one), await metricsOf(other)];
    expect(byLabel(first, "crdt_relayer_changes_total")).toMatchObject({ applied: 1 });
    expect(byLabel(second, "crdt_relayer_changes_total")).toMatchObject({ applied: 0 });
    expect([first, second].map((metrics) => valueOf(metrics, "crdt_relayer_rooms"))).toEqual([
      1, 0,
    ]);
  });

  it("says what waits to be stored, and to be read", async () => {
    let release = (): void => undefined;
    class Held extends MemoryLevel {
      override async batch(...[operations]: Parameters<MemoryLevel["batch"]>): Promise<void> {
        await new Promise<void>((resolve) => (release = resolve));
        await super.batch(operations);
      }
    }
    const relay = await startRelay({}, { openStore: () => Promise.resolve(new Held()) });
    const client = await joined(relay.url, { room: "main" });
    const group = writeLine(openLines("main"), "hello");
    client.send(group);
    await vi.waitUntil(() => relay.status().changes.applied === 1, { timeout: 30_000 });
    (relay as unknown as SessionHost).sending("x".repeat(1_000));
    const held = await metricsOf(relay);
    expect(valueOf(held, "crdt_relayer_inbox_waiting_bytes")).toBe(group.length);
    expect(valueOf(held, "crdt_relayer_send_waiting_bytes")).toBe(1_000);
    const timed = ["crdt_relayer_fan_out_seconds", "crdt_relayer_store_append_seconds"];
    const counts = (metrics: typeof held) =>
      timed.map((name) => metrics.get(name)!.values.get(`${name}_count`));
    expect(counts(held)).toEqual([1, 0]);
    release();
    await vi.waitUntil(
      async () => valueOf(await metricsOf(relay), "crdt_relayer_inbox_waiting_bytes") === 0,
      { timeout: 30_000 },
    );
    expect(counts(await metricsOf(relay))).toEqual([1, 1]);
  });
});

describe("sessions that end are counted by how", () => {
  async function endings(relay: Relay): Promise<{ [name: string]: number }> {
    await vi.waitUntil(() => relay.status().sessions === 0, { timeout: 30_000 });
    return byLabel(await metricsOf(relay), "crdt_relayer_sessions_closed_total");
  }

  it.each<[string, object, (client: Client) => unknown, string]>([
    ["says goodbye", {}, ({ socket }) => socket.close(1_001), "client"],
    ["just goes", {}, ({ socket }) => socket.terminate(), "lost"],
    ["never joins", { joinSeconds: 0.02 }, () => undefined, "notJoined"],
    ["finds no room", { maxRooms: 1 }, (client) => client.send("/join two"), "tooManyRooms"],
    [
      "sends too much at once",
      {},
      (client) => client.send(new Uint8Array(MIN_FRAME_BYTES + 1)),
      "tooLarge",
    ],
    [
      "sends text that is none",
      {},
      ({ socket }) => socket.send(new Uint8Array([0xff]), { binary: false }),
      "notText",
    ],
    [
      "sends endless fragments",
      {},
      ({ socket }) => {
        for (let i = 0; i < 200_000; i++) socket.send("", { fin: false });
      },
      "fragments",
    ],
  ])("of one that %s", async (_name, settings, act, ending) => {
    const relay = await startRelay(settings);
    const keeper = await joined(relay.url, { room: "one" });
    const client = new Client(relay.url);
    await client.opened;
    act(client);
    await client.closed;
    await keeper.leave();
    expect(await endings(relay)).toEqual({
      ...NO_ENDINGS,
      client: 1,
      ...(ending === "client" ? { client: 2 } : { [ending]: 1 }),
    });
  });

  it("of one that breaks the protocol", async () => {
    const relay = await startRelay();
    const socket = connect(relay.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      "GET /websocket HTTP/1.1\r\nhost: relay\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await once(socket, "data");
    socket.write(new Uint8Array([0xff, 0xff]));
    await new Promise((resolve) => socket.resume().once("close", resolve));
    expect(await endings(relay)).toEqual({ ...NO_ENDINGS, protocol: 1 });
  });

  it("of one that does not answer pings", async () => {
    const relay = await startRelay({ pingSeconds: 0.05 });
    const silent = new Client(relay.url, { autoPong: false });
    await silent.closed;
    expect(await endings(relay)).toEqual({ ...NO_ENDINGS, cut: 1 });
  });

  it("of one that the relay cuts", async () => {
    const relay = await startRelay({ sendBytes: MIN_BUDGET_BYTES });
    const client = await Client.open(relay.url);
    const unread = vi.spyOn(Session.prototype, "unread", "get").mockReturnValue(1);
    (relay as unknown as SessionHost).sending("x".repeat(MIN_BUDGET_BYTES + 1));
    await client.closed;
    unread.mockRestore();
    expect(await endings(relay)).toEqual({ ...NO_ENDINGS, cut: 1 });
  });

  it("of one that is too many", async () => {
    const relay = await startRelay({ maxSessions: 1 });
    const first = await joined(relay.url, { room: "main" });
    const second = await Client.open(relay.url);
    await second.closed;
    await first.leave();
    expect(await endings(relay)).toEqual({ ...NO_ENDINGS, client: 1, tooManySessions: 1 });
  });
});

describe("many who ask for metrics at once", () => {
  it("get one text, and who asks later another one", async () => {
    let asked = 0;
    const metrics = new Metrics({
      connections: () => ++asked,
      rooms: () => 0,
      changes: () => ({ applied: 0, duplicate: 0, pending: 0, rejected: 0, unsupported: 0 }),
      sendWaiting: () => 0,
      inboxWaiting: () => 0,
    });
    const texts = await Promise.all(Array.from({ length: 10 }, () => metrics.text()));
    expect(new Set(texts).size).toBe(1);
    expect(asked).toBe(1);
    expect(await metrics.text()).toContain("crdt_relayer_connections 2\n");
  });
});
