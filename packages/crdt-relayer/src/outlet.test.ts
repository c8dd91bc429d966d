/** Outlets: that frames are what ws would send, in order and written together, and what is relied on below ws. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as ws from "ws";
import { WebSocket, WebSocketServer } from "ws";
import { stoppedClock } from "../test/stopped-clock.ts";
import { MOST_WRITE_MS, WRITES_REMEMBERED } from "./limits.ts";
import { encodeFrame, type Frame, Outlet, type OutletHost, Outlets, streamOf } from "./outlet.ts";

class Host implements OutletHost {
  readonly outlets = new Outlets();
  readonly given: Frame[] = [];

  sending(frame: Frame): void {
    this.given.push(frame);
  }

  sent(frame: Frame): void {
    const at = this.given.indexOf(frame);
    expect(at).not.toBe(-1);
    this.given.splice(at, 1);
  }
}

interface Connection {
  /** The end of the server. */
  readonly socket: WebSocket;
  readonly client: WebSocket;
  /** What the client got: text, or bytes. */
  readonly got: (string | number[])[];
  readonly closed: Promise<unknown>;
}

const cleanups: (() => void)[] = [];
let isOver = new AbortController();

afterEach(() => {
  isOver.abort();
  isOver = new AbortController();
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function connect(): Promise<Connection> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  cleanups.push(() => {
    client.terminate();
    server.close();
  });
  const got: (string | number[])[] = [];
  client.on("message", (data: Buffer, isBinary) => {
    got.push(isBinary ? [...data] : data.toString());
  });
  const [[socket]] = (await Promise.all([accepted, once(client, "open")])) as [
    [WebSocket],
    unknown,
  ];
  return { socket, client, got, closed: once(client, "close") };
}

async function until(condition: () => boolean): Promise<void> {
  const { signal } = isOver;
  while (!condition() && !signal.aborted) await new Promise((resolve) => setImmediate(resolve));
}

/** The socket as one that has no network socket to be found, which is what another version of ws may come to. */
function opaque(socket: WebSocket): WebSocket {
  return new Proxy(socket, {
    get(target, name) {
      if (name === "_socket") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

it("makes the very frames that ws makes, of any length", () => {
  const lengths = fc.oneof(
    fc.nat(300),
    fc.constantFrom(0, 125, 126, 127, 65_535, 65_536, 65_537, 1_048_576),
  );
  fc.assert(
    fc.property(lengths, fc.constantFrom(1 as const, 2 as const), (length, opcode) => {
      const content = Buffer.alloc(length, 7);
      const options = { fin: true, rsv1: false, opcode, mask: false, readOnly: false };
      // The types of ws leave it out.
      const { Sender } = ws as unknown as {
        readonly Sender: { frame(data: Buffer, options: object): readonly Buffer[] };
      };
      expect(
        encodeFrame(opcode, content).equals(Buffer.concat(Sender.frame(content, options))),
      ).toBe(true);
    }),
    { numRuns: 60 },
  );
});

it("frames what goes to many once, and what is text for each", () => {
  const { outlets } = new Host();
  const [one, other] = [new Uint8Array([1]), new Uint8Array([1])];
  expect(outlets.framed(one)).toBe(outlets.framed(one));
  const framed = outlets.framed(one);
  expect(outlets.framed(other)).not.toBe(framed);
  expect(outlets.framed(one)).toBe(framed);
  expect([...outlets.framed("é")]).toEqual([0x81, 2, 0xc3, 0xa9]);
  const before = outlets.framed(one);
  outlets.flush();
  expect(outlets.framed(one)).not.toBe(before);
});

it("knows from what writes took before what those will take that wait", () => {
  const clock = stoppedClock();
  const outlets = new Outlets();
  const flushed = (count: number, eachMs: number): void => {
    for (let n = 0; n < count; n++) outlets.add({ flush: () => clock.add(eachMs) });
    outlets.flush();
  };
  const owedForTen = (): number => {
    const nothing = { flush: (): void => undefined };
    for (let n = 0; n < 10; n++) outlets.add(nothing);
    return outlets.owedMs;
  };
  expect(owedForTen()).toBe(0);
  outlets.flush();
  expect(outlets.owedMs).toBe(0);
  // However many are written at once, each of them takes as long.
  for (let n = 0; n < 10 * WRITES_REMEMBERED; n++) flushed(1 + (n % 7), 0.02);
  expect(owedForTen()).toBeCloseTo(0.2, 3);
  outlets.flush();
  const before = owedForTen();
  outlets.flush();
  // A pause of the process is no reason to expect another.
  flushed(1, 500);
  expect(owedForTen() - before).toBeLessThanOrEqual((10 * MOST_WRITE_MS) / WRITES_REMEMBERED);
  outlets.flush();
});

describe.each([
  ["below ws", (socket: WebSocket) => socket],
  ["through ws", opaque],
])("an outlet that writes %s", (_, seen) => {
  it("sends all in order, also with what ws sends by itself, and says when it is done", async () => {
    const { socket, got } = await connect();
    const host = new Host();
    let drained = 0;
    const outlet = new Outlet(seen(socket), host, () => drained++);
    const frames: Frame[] = [
      "a",
      new Uint8Array([1, 2]),
      "",
      new Uint8Array(0),
      "é".repeat(70_000),
    ];
    for (const frame of frames) outlet.send(frame);
    expect(host.given).toEqual(frames);
    expect(outlet.unread).toBeGreaterThan(140_000);
    await until(() => got.length === frames.length && drained === 1);
    socket.send("from ws");
    outlet.send("last");
    await until(() => got.length === frames.length + 2 && drained === 2);
    expect(got).toEqual(["a", [1, 2], "", [], "é".repeat(70_000), "from ws", "last"]);
    expect([host.given.length, outlet.unread]).toEqual([0, 0]);
  });

  it("sends before it is closed what was given to it before", async () => {
    const { socket, got, closed } = await connect();
    const outlet = new Outlet(seen(socket), new Host(), () => undefined);
    outlet.send("last words");
    outlet.flush();
    socket.close(4_000, "over");
    expect(await closed).toEqual([4_000, Buffer.from("over")]);
    expect(got).toEqual(["last words"]);
  });

  it("gives back what it could not send, when the socket is cut", async () => {
    for (const isFlushed of [false, true]) {
      const { socket, closed } = await connect();
      const host = new Host();
      const outlet = new Outlet(seen(socket), host, () => undefined);
      // More than the system takes at once.
      for (let i = 0; i < 20; i++) outlet.send(new Uint8Array(1_000_000));
      if (isFlushed) outlet.flush();
      socket.terminate();
      await closed;
      await until(() => host.given.length === 0);
    }
  });
});

describe("what is relied on below ws", () => {
  it("is the network socket, whose waiting bytes ws counts", async () => {
    const { socket } = await connect();
    const stream = streamOf(socket);
    expect(stream).toHaveProperty("remotePort");
    stream!.cork();
    stream!.write(Buffer.alloc(100));
    expect(socket.bufferedAmount).toBe(100);
    stream!.uncork();
  });

  it("is not there any more when the socket is closing, nor where ws hides it", async () => {
    const { socket } = await connect();
    expect(streamOf(opaque(socket))).toBeNull();
    socket.close();
    expect(streamOf(socket)).toBeNull();
  });

  it("takes all frames of a tick in one write", async () => {
    const { socket, got } = await connect();
    const stream = streamOf(socket) as Duplex & { _writev(...given: unknown[]): void };
    const [one, many] = [vi.spyOn(stream, "_write"), vi.spyOn(stream, "_writev")];
    const outlet = new Outlet(socket, new Host(), () => undefined);
    for (let i = 0; i < 20; i++) outlet.send(new Uint8Array([i]));
    await until(() => got.length === 20);
    expect([one.mock.calls.length, many.mock.calls.length]).toEqual([0, 1]);
    outlet.send("alone");
    await until(() => got.length === 21);
    expect([one.mock.calls.length, many.mock.calls.length]).toEqual([1, 1]);
  });
});
