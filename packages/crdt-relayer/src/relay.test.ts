/** What a relay keeps account of for all its sessions, and how it starts and ends. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { type Logger, pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Client, Participant } from "../test/participant.ts";
import { startRelay } from "../test/running.ts";
import { CLOSE } from "./close-codes.ts";
import { EXIT, RelayError } from "./exit-codes.ts";
import { MIN_BUDGET_BYTES, MIN_FRAME_BYTES } from "./limits.ts";
import { MemoryLevel } from "./memory-level.ts";
import type { Relay } from "./relay.ts";
import type { RoomHost } from "./room.ts";
import { Rooms } from "./rooms.ts";
import { Session, type SessionHost } from "./session.ts";

/** A relay, as its sessions and rooms see it. */
function inner(relay: Relay): SessionHost & RoomHost {
  return relay as unknown as SessionHost & RoomHost;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a relay", () => {
  it("that cannot listen says why, and closes its store", async () => {
    const { port } = await startRelay();
    const store = new MemoryLevel();
    const close = vi.spyOn(store, "close");
    const error: unknown = await startRelay(
      { port },
      { openStore: () => Promise.resolve(store) },
    ).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RelayError);
    expect(error).toMatchObject({
      exitCode: EXIT.failure,
      why: `another program listens there already, maybe a relay left running: curl -s http://127.0.0.1:${port}/info`,
    });
    expect(close).toHaveBeenCalledTimes(1);
  });

  it("gives each session its part of what may wait, and none more than one may have", async () => {
    const inboxBytes = 3 * MIN_BUDGET_BYTES;
    const relay = await startRelay({ inboxBytes, sessionInboxBytes: 2 * MIN_BUDGET_BYTES });
    expect(inner(relay).inboxShare).toBe(2 * MIN_BUDGET_BYTES);
    for (const share of [2, 1.5, 1]) {
      await Client.open(relay.url);
      expect(inner(relay).inboxShare).toBe(share * MIN_BUDGET_BYTES);
    }
  });

  it("goes by other settings from then on: how many may come, how long a frame may be, how often it asks who is there", async () => {
    const base = { port: 0, data: ":memory:" };
    const relay = await startRelay({ maxSessions: 1, pingSeconds: 3_600 });
    const first = await Client.open(relay.url);
    // Who has joined no room would give way to whoever comes.
    first.send('{"type":"join","room":"main"}');
    await first.message();
    expect((await (await Client.open(relay.url)).closed).code).toBe(CLOSE.tooManySessions.code);
    const big = new Uint8Array(MIN_FRAME_BYTES + 1);

    const asked = once(first.socket, "ping");
    const told = vi.spyOn(Rooms.prototype, "settingsChanged");
    expect(relay.reload({ ...base, maxSessions: 1, pingSeconds: 0.5 })).toEqual({
      changed: ["pingSeconds"],
      needRestart: [],
    });
    await asked;
    expect(told).toHaveBeenCalledTimes(1);
    const next = { ...base, maxSessions: 400, maxFrameBytes: 2 * MIN_FRAME_BYTES };
    expect(relay.reload(next).changed).toEqual(["maxSessions", "maxFrameBytes", "pingSeconds"]);
    // More than the operating system's side let in before.
    const many = await Promise.all(Array.from({ length: 300 }, () => Client.open(relay.url)));
    expect(relay.status().sessions).toBe(301);
    const [longer] = many;
    longer!.send(big);
    expect(await longer!.message()).toMatchObject({ code: "not_joined" });
    // Whoever was there before is held to what was then.
    first.send(big);
    expect((await first.closed).code).toBe(CLOSE.tooLarge.code);
  });

  it("changes nothing when one of its new settings is wrong, and tells which need a restart", async () => {
    const relay = await startRelay({ maxSessions: 1 });
    const first = await Client.open(relay.url);
    first.send('{"type":"join","room":"main"}');
    await first.message();
    expect(() => relay.reload({ maxSessions: 5, maxRooms: 0 })).toThrow(RelayError);
    expect((await (await Client.open(relay.url)).closed).code).toBe(CLOSE.tooManySessions.code);
    expect(relay.reload({ data: ":memory:", host: "::1", port: 0, maxSessions: 1 })).toEqual({
      changed: [],
      needRestart: ["host"],
    });
  });

  it("takes no more sessions from one address than it is told, and others when one has left", async () => {
    const relay = await startRelay({ maxAddressSessions: 2 });
    const [first] = [await Client.open(relay.url), await Client.open(relay.url)];
    const third = await Client.open(relay.url);
    expect((await third.closed).code).toBe(CLOSE.tooManyFromAddress.code);
    await first.leave();
    while (relay.status().sessions > 1) await new Promise((resolve) => setImmediate(resolve));
    const fourth = await Client.open(relay.url);
    expect(await fourth.ask("/leave")).toBe("error: you are in no room");
  });

  it("cuts whoever has most to read when all together have too much, and nobody before", async () => {
    const sendBytes = MIN_BUDGET_BYTES;
    const relay = await startRelay({ sendBytes });
    for (let i = 0; i < 3; i++) await Client.open(relay.url);
    const sizes = [1, 3, 2];
    const unread = new Map<Session, number>();
    vi.spyOn(Session.prototype, "unread", "get").mockImplementation(function (this: Session) {
      if (!unread.has(this)) unread.set(this, sizes[unread.size] ?? 0);
      return unread.get(this)!;
    });
    const cut: (number | undefined)[] = [];
    vi.spyOn(Session.prototype, "terminate").mockImplementation(function (this: Session) {
      cut.push(unread.get(this));
    });
    const much = "x".repeat(sendBytes);
    inner(relay).sending(much);
    expect(cut).toEqual([]);
    inner(relay).sending("x");
    inner(relay).sent("x");
    expect(cut).toEqual([3]);
    inner(relay).sent(much);
    inner(relay).sending("x");
    expect(cut).toEqual([3]);
    vi.restoreAllMocks();
  });

  it("cuts nobody when nobody has anything to read", async () => {
    const relay = await startRelay({ sendBytes: MIN_BUDGET_BYTES });
    const client = await Client.open(relay.url);
    const much = "x".repeat(2 * MIN_BUDGET_BYTES);
    inner(relay).sending(much);
    inner(relay).sent(much);
    expect(await client.ask("/leave")).toBe("error: you are in no room");
  });

  it("goes on pinging who is there when another has left", async () => {
    const relay = await startRelay({ pingSeconds: 0.05 });
    const silent = new Client(relay.url, { autoPong: false });
    await silent.opened;
    const other = await Client.open(relay.url);
    await other.leave();
    expect(await silent.closed).toMatchObject({ code: 1006 });
  });

  it("ends once when it cannot store, however often it is told", async () => {
    const { logger, lines } = log();
    const relay = await startRelay({}, { logger });
    for (const why of ["the first", "the second"]) inner(relay).storingFailed(new Error(why));
    expect((await relay.failed).why).toBe("the first");
    expect(lines().filter((line) => line.includes("cannot be stored"))).toHaveLength(1);
  });

  it("that is stopping already goes on stopping when it cannot store", async () => {
    const { logger, lines } = log();
    const relay = await startRelay({}, { logger });
    const closing = relay.close().catch((error: unknown) => error);
    inner(relay).storingFailed(new Error("the disk is full"));
    expect(relay.status().status).toBe("stopping");
    expect(await closing).toMatchObject({ why: "the disk is full" });
    expect(relay.status().status).toBe("stopping");
    expect(lines().filter((line) => line.includes("cannot be stored"))).toEqual([]);
  });

  it("grants no upgrade while it stops, nor one on another path", async () => {
    let pass = (): void => undefined;
    class Held extends MemoryLevel {
      override async batch(...[operations]: Parameters<MemoryLevel["batch"]>): Promise<void> {
        await new Promise<void>((resolve) => (pass = resolve));
        await super.batch(operations);
      }
    }
    const relay = await startRelay({}, { openStore: () => Promise.resolve(new Held()) });
    const alice = await Participant.join(relay.url, "main");
    alice.write("hello");
    await vi.waitUntil(() => relay.status().changes.applied === 1, { timeout: 30_000 });
    const [early, late, lost] = await Promise.all([1, 2, 3].map(() => connected(relay.port)));
    expect(await answer(lost!, "/elsewhere")).toContain("HTTP/1.1 404 ");
    lost!.destroy();
    expect(await answer(early!, "/websocket?a=b")).toContain("HTTP/1.1 101 ");
    early!.destroy();
    const closing = relay.close();
    expect(await answer(late!, "/websocket")).toContain("HTTP/1.1 503 ");
    pass();
    await closing;
    late!.destroy();
  });
});

function log(): { readonly logger: Logger; lines(): string[] } {
  const stream = new PassThrough();
  const logger = pino({ level: "fatal" }, stream);
  return {
    logger,
    lines: () =>
      String(stream.read() ?? "")
        .split("\n")
        .filter(Boolean),
  };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** The beginning of the answer to a request for an upgrade. */
async function answer(socket: Socket, path: string): Promise<string> {
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: relay\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [data] = (await once(socket, "data")) as [Buffer];
  return data.toString("latin1");
}
