/** A reader on a connection that a test holds in its hand: what a server or a network could leave out. */
import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { afterEach, describe, expect, it, vi } from "vitest";
import { NATS_BATCH, NATS_SILENCE_MS } from "../limits.ts";
import { ReadError, readStream } from "./reader.ts";

type Read = Awaited<ReturnType<ReturnType<typeof readStream>["next"]>>["value"];

/** The server's end. */
class FakeServer {
  readonly abort = new AbortController();
  /** Reply subjects of the batches that were asked for. */
  readonly pulls: string[] = [];
  deleted = 0;
  unsubscribed = 0;
  refusal: Error | null = null;
  #deliver: (error: Error | null, message: Msg) => void = () => undefined;

  readonly connection = {
    subscribe: (_: string, { callback }: { readonly callback: FakeServer["deliver"] }) => {
      this.#deliver = callback;
      return { unsubscribe: () => this.unsubscribed++ };
    },
    publish: (_: string, __: string, { reply }: { readonly reply: string }) => {
      this.pulls.push(reply);
    },
    isClosed: () => false,
  } as unknown as NatsConnection;

  readonly manager = {
    consumers: {
      add: () =>
        this.refusal === null ? Promise.resolve({ name: "c" }) : Promise.reject(this.refusal),
      delete: () => Promise.resolve(++this.deleted > 0),
    },
  } as unknown as JetStreamManager;

  get deliver(): (error: Error | null, message: Msg) => void {
    return this.#deliver;
  }

  read(): AsyncGenerator<Read, void, void> {
    const reading = { stream: "s", filter: "s.*", from: 1, signal: this.abort.signal };
    return readStream(this.connection, this.manager, reading);
  }

  message(seq: number, delivered: number, reply?: string): void {
    this.deliver(null, {
      subject: "s.x",
      data: new Uint8Array([seq]),
      reply: reply ?? `$JS.ACK.s.c.1.${seq}.${delivered}.0.0`,
    } as Msg);
  }

  status(code: number, description = "", unsent = "", pull = this.pulls.length): void {
    const headers = { code, description, get: () => unsent };
    this.deliver(null, { subject: this.pulls[pull - 1] ?? "", headers } as unknown as Msg);
  }
}

/** A reader that has begun and asked for its first batch. */
async function begun(): Promise<{ server: FakeServer; next: () => Promise<Read> }> {
  const server = new FakeServer();
  const reader = server.read();
  const next = async (): Promise<Read> => (await reader.next()).value as Read;
  expect(await next()).toBeNull();
  return { server, next };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a reader", () => {
  it("gives what comes in its order, from old and new servers, and asks for more after each batch", async () => {
    const { server, next } = await begun();
    const first = next();
    await turn();
    server.message(3, 1);
    server.message(9, 2, "$JS.ACK.hub.hash.s.c.1.9.2.0.0.token");
    expect(await first).toMatchObject({ seq: 3, subject: "s.x" });
    expect(await next()).toMatchObject({ seq: 9 });
    server.status(100, "Idle Heartbeat");
    server.status(408, "Request Timeout", String(NATS_BATCH - 2));
    expect(await next()).toBeNull();
    const third = next();
    await turn();
    expect(server.pulls).toHaveLength(2);
    // What is said of a former batch is of no interest.
    server.status(409, "Consumer Deleted", "", 1);
    server.message(12, 3);
    expect(await third).toMatchObject({ seq: 12 });
    server.status(409, "Message Size Exceeds MaxBytes");
    expect(await next()).toBeNull();
  });

  it("asks for more when a batch is full", async () => {
    const { server, next } = await begun();
    const first = next();
    await turn();
    for (let n = 1; n <= NATS_BATCH; n++) server.message(n, n);
    await first;
    for (let n = 2; n <= NATS_BATCH; n++) expect(await next()).toMatchObject({ seq: n });
    expect(await next()).toBeNull();
  });

  it.each([
    ["a message is left out", (server: FakeServer) => server.message(7, 2)],
    ["a message comes twice", (server: FakeServer) => server.message(7, 0)],
    [
      "a message has no place",
      (server: FakeServer) => server.message(7, 1, "$JS.ACK.s.c.1.x.1.0.0"),
    ],
    ["a message has no reply subject", (server: FakeServer) => server.message(7, 1, "")],
    [
      "the last of a batch are missing",
      (server: FakeServer) => server.status(408, "Request Timeout", String(NATS_BATCH - 1)),
    ],
    ["its consumer is gone", (server: FakeServer) => server.status(409, "Consumer Deleted")],
    ["nobody is there", (server: FakeServer) => server.status(503)],
    ["the subscription fails", (server: FakeServer) => server.deliver(new Error("no"), {} as Msg)],
    ["it is broken off", (server: FakeServer) => server.abort.abort()],
  ])("ends when %s", async (_, happen) => {
    const { server, next } = await begun();
    const reading = next().catch((error: unknown) => error);
    await turn();
    happen(server);
    expect(await reading).toBeInstanceOf(ReadError);
    expect([server.unsubscribed, server.deleted]).toEqual([1, 1]);
  });

  it("ends when nothing comes, not even a heartbeat", async () => {
    const { next } = await begun();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const reading = next().catch((error: unknown) => error);
    await turn();
    vi.advanceTimersByTime(NATS_SILENCE_MS);
    expect(String(await reading)).toContain("fell silent");
  });

  it("does not begin where the server makes no consumer", async () => {
    const server = new FakeServer();
    server.refusal = new Error("insufficient resources");
    await expect(server.read().next()).rejects.toThrow(ReadError);
    expect([server.unsubscribed, server.deleted]).toEqual([1, 0]);
  });
});
