/** What a relay answers over HTTP, whom it lets become a session, and how it gets rid of the others. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { connect as connectTls } from "node:tls";
import { pino } from "pino";
import { Registry } from "prom-client";
import { describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { CLOSE, createRelay, type Relay, RelayError, type Settings } from "../src/index.ts";
import { HttpSide } from "../src/http.ts";
import { METRICS_EVERY_MS } from "../src/limits.ts";
import { MemoryLevel } from "../src/memory-level.ts";
import { Metrics } from "../src/metrics.ts";
import { RequestQueue } from "../src/request-queue.ts";
import { completeSettings } from "../src/settings.ts";
import { Client, Participant } from "./participant.ts";
import { startRelay } from "./running.ts";
import { TLS } from "./tls.ts";

/** The address of a page of a relay. */
function page(relay: Relay, path: string): string {
  return `http://127.0.0.1:${relay.port}${path}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The measurements of a relay that does nothing. */
function idleMetrics(): Metrics {
  return new Metrics({
    connections: () => 0,
    rooms: () => 0,
    changes: () => ({ applied: 0, duplicate: 0, pending: 0, rejected: 0, unsupported: 0 }),
    sendWaiting: () => 0,
    inboxWaiting: () => 0,
  });
}

/** A store that holds back what is written until it is let go. */
class Held extends MemoryLevel {
  release = (): void => undefined;

  override async batch(...[operations]: Parameters<MemoryLevel["batch"]>): Promise<void> {
    await new Promise<void>((resolve) => (this.release = resolve));
    await super.batch(operations);
  }
}

/** A connection whose bytes are collected. */
class Raw {
  readonly socket: Socket;
  /** Resolves with all that came, when the connection is gone. */
  readonly gone: Promise<string>;
  #text = "";

  constructor(
    relay: { readonly port: number },
    options: { readonly allowHalfOpen?: boolean } = {},
  ) {
    this.socket = connect({ port: relay.port, host: "127.0.0.1", ...options });
    this.socket.on("data", (data: Buffer) => (this.#text += data.toString("latin1")));
    this.socket.on("error", () => undefined);
    this.gone = new Promise((resolve) => {
      this.socket.once("close", () => {
        resolve(this.#text);
      });
    });
  }

  get text(): string {
    return this.#text;
  }
}

const UPGRADE = [
  "GET /websocket HTTP/1.1",
  "host: relay",
  "connection: upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n",
].join("\r\n");

/** The relay still works for others. */
async function expectAlive(relay: Relay): Promise<void> {
  const [alice, bob] = await Promise.all([
    Participant.join(relay.url, "alive"),
    Participant.join(relay.url, "alive"),
  ]);
  const before = bob.document.view().lines.length;
  alice.write("still there");
  await bob.until(() => bob.document.view().lines.length > before);
  await Promise.all([alice.leave(), bob.leave()]);
}

describe("/readyz", () => {
  it("says no while as many sessions are connected as may be, and why", async () => {
    const relay = await startRelay({ maxSessions: 1 });
    const ready = await fetch(page(relay, "/readyz"));
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true }]);
    const client = await Client.open(relay.url);
    const full = await fetch(page(relay, "/readyz"));
    expect([full.status, await full.json()]).toEqual([
      503,
      { ready: false, reason: "this relay takes no more than 1 session at once" },
    ]);
    expect((await fetch(page(relay, "/healthz"))).status).toBe(200);
    await client.leave();
    await vi.waitUntil(async () => (await fetch(page(relay, "/readyz"))).status === 200, {
      timeout: 30_000,
    });
  });

  it("says no while the relay stops", async () => {
    const store = new Held();
    const relay = await startRelay({}, { openStore: () => Promise.resolve(store) });
    const alice = await Participant.join(relay.url, "main");
    alice.write("hello");
    await vi.waitUntil(() => relay.status().changes.applied === 1, { timeout: 30_000 });
    const late = new Raw(relay);
    await once(late.socket, "connect");
    const closing = relay.close();
    late.socket.write("GET /readyz HTTP/1.1\r\nhost: relay\r\n\r\n");
    await once(late.socket, "data");
    expect(late.text).toMatch(/^HTTP\/1\.1 503 [^]*"reason":"the relay is stopping"/u);
    store.release();
    await closing;
    await late.gone;
  });
});

describe("/info", () => {
  it("says what a client needs to know", async () => {
    const relay = await startRelay({ maxFrameBytes: 2_000_000, pingSeconds: 7, maxSessions: 3 });
    expect(await (await fetch(page(relay, "/info"))).json()).toEqual({
      name: "crdt-relayer",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/u) as string,
      protocol: 1,
      path: "/websocket",
      authenticate: false,
      limits: {
        frameBytes: 2_000_000,
        sessions: 3,
        roomSessions: 5_000,
        addressSessions: 1_000,
        sessionRateBytes: 4_194_304,
        sessionBurstBytes: 16_777_216,
        rooms: 1_000,
        joinSeconds: 300,
        pingSeconds: 7,
        handshakeSeconds: 10,
        headerBytes: 16_384,
        sendBytes: 16_777_216,
        resendBytes: 4_194_304,
      },
    });
  });
});

describe("pages", () => {
  const paths = ["/healthz", "/readyz", "/info", "/metrics"];

  it.each(paths)("%s answers GET and HEAD only", async (path) => {
    const relay = await startRelay();
    const [got, head, posted] = await Promise.all(
      ["GET", "HEAD", "POST"].map((method) => fetch(page(relay, path), { method })),
    );
    expect([got!.status, head!.status, posted!.status]).toEqual([200, 200, 405]);
    expect(posted!.headers.get("allow")).toBe("GET, HEAD");
    expect(await head!.text()).toBe("");
    expect(Number(head!.headers.get("content-length"))).toBeGreaterThan(0);
    expect((await got!.text()).length).toBeGreaterThan(0);
    expect((await fetch(page(relay, `${path}?a=b`))).status).toBe(200);
  });

  it.each(["/", "/metric", "/healthz/", "//healthz", "/__proto__", "/%68ealthz"])(
    "there is none at %s",
    async (path) => {
      const relay = await startRelay();
      expect((await fetch(page(relay, path))).status).toBe(404);
    },
  );

  it("are sent in the line of all requests, with those of the same network behind each other", async () => {
    const relay = await startRelay();
    const steps: (() => void)[] = [];
    const next = vi.spyOn(RequestQueue.prototype, "next");
    next.mockImplementation((address, serve) => {
      expect(address).toBe("127.0.0.1");
      steps.push(serve);
    });
    let answered = 0;
    const asked = ["/healthz", "/info"].map(async (path) => {
      expect((await fetch(page(relay, path))).status).toBe(200);
      answered++;
    });
    while (steps.length < asked.length) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(answered).toBe(0);
    for (const step of steps) step();
    await Promise.all(asked);
    next.mockRestore();
  });

  it("are not all there when one has a mistake, and the relay goes on", async () => {
    const relay = await startRelay();
    const text = vi.spyOn(Metrics.prototype, "text").mockRejectedValueOnce(new Error("a mistake"));
    expect((await fetch(page(relay, "/metrics"))).status).toBe(500);
    expect((await fetch(page(relay, "/metrics"))).status).toBe(200);
    text.mockRestore();
  });
});

describe("metrics", () => {
  it("are where the sessions are unless told otherwise", async () => {
    const relay = await startRelay();
    expect(relay.metricsUrl).toBe(page(relay, "/metrics"));
  });

  it("are made one at a time, and others have their turn meanwhile", async () => {
    const metrics = idleMetrics();
    await metrics.text();
    let passes = 0;
    let isMade = false;
    const pass = (): void => {
      passes++;
      if (!isMade) setImmediate(pass);
    };
    const making = metrics.text();
    // Until then it waits, since it was made just now.
    await new Promise((resolve) => setTimeout(resolve, METRICS_EVERY_MS / 2));
    const begun = vi.spyOn(Registry.prototype, "getSingleMetricAsString");
    begun.mockImplementationOnce(function (this: Registry, name) {
      pass();
      begun.mockRestore();
      return this.getSingleMetricAsString(name);
    });
    const text = await making;
    isMade = true;
    const made = text.match(/^# TYPE /gmu)!.length;
    expect(made).toBeGreaterThan(20);
    expect(passes).toBeGreaterThanOrEqual(made);
  });

  it("can be off", async () => {
    const relay = await startRelay({ metricsPort: "off" });
    expect(relay.metricsUrl).toBeNull();
    expect((await fetch(page(relay, "/metrics"))).status).toBe(404);
  });

  it("can have a port of their own, where nothing else is", async () => {
    const metricsPort = await freePort();
    const relay = await startRelay({ metricsPort });
    const there = `http://127.0.0.1:${metricsPort}`;
    expect(relay.metricsUrl).toBe(`${there}/metrics`);
    expect((await fetch(page(relay, "/metrics"))).status).toBe(404);
    const metrics = await fetch(`${there}/metrics`);
    expect(metrics.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/u);
    expect(await metrics.text()).toContain("crdt_relayer_connections 0");
    expect((await fetch(`${there}/healthz`)).status).toBe(200);
    expect((await fetch(`${there}/websocket`)).status).toBe(404);
    const upgrade = new Raw({ port: metricsPort });
    upgrade.socket.write(UPGRADE);
    await once(upgrade.socket, "data");
    expect(upgrade.text).toContain("HTTP/1.1 404 ");
    await relay.close();
    await upgrade.gone;
    await expect(fetch(`${there}/metrics`)).rejects.toThrow();
  });

  it("whose port is taken keep the relay from starting, and leave its own port free", async () => {
    const port = await freePort();
    const taken = await startRelay();
    const error: unknown = await createRelay({
      port,
      data: ":memory:",
      metricsPort: taken.port,
    }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RelayError);
    expect(error).toMatchObject({
      message: `cannot listen on 127.0.0.1:${taken.port}`,
      next: `crdt-relayer --metrics-port ${taken.port + 1}`,
    });
    await startRelay({ port });
  });
});

describe("a connection that does not become a session in time", () => {
  const settings: Partial<Settings> = { handshakeSeconds: 0.2, maxHeaderBytes: 1_024 };

  it("is closed when it says nothing", async () => {
    const relay = await startRelay(settings);
    await new Raw(relay).gone;
    await expectAlive(relay);
  });

  it("is closed when it says a little all the time", async () => {
    const relay = await startRelay(settings);
    const raw = new Raw(relay);
    raw.socket.write("GET /websocket HTTP/1.1\r\n");
    const dribble = setInterval(() => raw.socket.write("a: b\r\n"), 20);
    expect(await raw.gone).toMatch(/^HTTP\/1\.1 4\d\d /u);
    clearInterval(dribble);
    await expectAlive(relay);
  });

  it("is closed when it stops amid a request for an upgrade", async () => {
    const relay = await startRelay(settings);
    const raw = new Raw(relay);
    raw.socket.write(UPGRADE.slice(0, -2));
    expect(await raw.gone).toMatch(/^HTTP\/1\.1 408 /u);
    await expectAlive(relay);
  });

  it("is closed when it sends a body that nobody asked for, bit by bit", async () => {
    const relay = await startRelay({ ...settings, handshakeSeconds: 60 });
    const raw = new Raw(relay);
    raw.socket.write("POST /healthz HTTP/1.1\r\nhost: relay\r\ncontent-length: 1000000\r\n\r\n");
    const dribble = setInterval(() => raw.socket.write("x"), 20);
    expect(await raw.gone).toMatch(/^HTTP\/1\.1 405 /u);
    clearInterval(dribble);
    await expectAlive(relay);
  });

  it("is closed when the body of its question never ends", async () => {
    const relay = await startRelay(settings);
    const raw = new Raw(relay);
    raw.socket.write("GET /healthz HTTP/1.1\r\nhost: relay\r\ncontent-length: 1000000\r\n\r\n");
    const dribble = setInterval(() => raw.socket.write("x"), 20);
    expect(await raw.gone).toMatch(/^HTTP\/1\.1 200 /u);
    clearInterval(dribble);
    await expectAlive(relay);
  });

  it("is closed when it asks for nothing more", async () => {
    const relay = await startRelay(settings);
    const raw = new Raw(relay);
    raw.socket.write("GET /healthz HTTP/1.1\r\nhost: relay\r\n\r\n");
    expect(await raw.gone).toMatch(/^HTTP\/1\.1 200 /u);
    await expectAlive(relay);
  });

  it("is answered once and closed when it asks more before that", async () => {
    const relay = await startRelay({ ...settings, handshakeSeconds: 60 });
    const raw = new Raw(relay);
    raw.socket.write("GET /healthz HTTP/1.1\r\nhost: relay\r\n\r\n".repeat(3));
    const text = await raw.gone;
    expect(text.match(/^HTTP\/1\.1 200 /gmu)).toHaveLength(1);
    expect(text).toMatch(/^connection: close\r$/imu);
    await expectAlive(relay);
  });

  it("is answered and closed when it asks to be a session before it has its answer", async () => {
    const relay = await startRelay({ handshakeSeconds: 60 });
    const question = "GET /metrics HTTP/1.1\r\nhost: relay\r\n\r\n";
    for (const ahead of [question, question.repeat(2)]) {
      const raw = new Raw(relay);
      raw.socket.write(ahead + UPGRADE);
      const text = await raw.gone;
      expect(text.match(/^HTTP\/1\.1 \d+ /gmu)).toEqual(["HTTP/1.1 200 "]);
      expect(text).toMatch(/^connection: close\r$/imu);
    }
    expect(relay.status().sessions).toBe(0);
    await expectAlive(relay);
  });

  it("becomes a session when it asks to after it has its answer", async () => {
    const relay = await startRelay();
    const raw = new Raw(relay);
    raw.socket.write("GET /healthz HTTP/1.1\r\nhost: relay\r\n\r\n");
    await once(raw.socket, "data");
    raw.socket.write(UPGRADE);
    await once(raw.socket, "data");
    expect(raw.text).toMatch(/^HTTP\/1\.1 200 [^]*^HTTP\/1\.1 101 /mu);
    raw.socket.destroy();
  });

  it("is closed when it asks on and on and takes no answer", async () => {
    const relay = await startRelay({ ...settings, handshakeSeconds: 60 });
    const raw = new Raw(relay);
    raw.socket.pause();
    const asking = setInterval(
      () => raw.socket.write("GET /metrics HTTP/1.1\r\nhost: relay\r\n\r\n"),
      1,
    );
    await raw.gone;
    clearInterval(asking);
    await expectAlive(relay);
  });

  it("may ask as often as it likes, one thing after the other", async () => {
    const relay = await startRelay({ ...settings, handshakeSeconds: 60 });
    const raw = new Raw(relay);
    for (let count = 0; count < 50; count++) {
      const answered = once(raw.socket, "data");
      raw.socket.write("GET /healthz HTTP/1.1\r\nhost: relay\r\n\r\n");
      expect(String((await answered)[0])).toMatch(/^HTTP\/1\.1 200 /u);
    }
    raw.socket.destroy();
    await raw.gone;
  });

  it("is closed when it asks and does not read", async () => {
    const relay = await startRelay(settings);
    const raw = new Raw(relay);
    raw.socket.pause();
    const question = "GET /metrics HTTP/1.1\r\nhost: relay\r\n\r\n";
    raw.socket.write(question.repeat(200_000));
    await raw.gone;
    await expectAlive(relay);
  });

  it("is closed at once when its headers are too large", async () => {
    const relay = await startRelay({ ...settings, handshakeSeconds: 60 });
    const raw = new Raw(relay);
    raw.socket.write(`GET /healthz HTTP/1.1\r\nhost: relay\r\ncookie: ${"x".repeat(2_000)}`);
    expect(await raw.gone).toMatch(/^HTTP\/1\.1 431 /u);
    await expectAlive(relay);
  });

  it("is closed at once when it does not speak HTTP", async () => {
    const relay = await startRelay({ handshakeSeconds: 60 });
    const raw = new Raw(relay);
    raw.socket.write("\0\u0001\u0002 hello?\r\n\r\n");
    expect(await raw.gone).toMatch(/^HTTP\/1\.1 400 /u);
    await expectAlive(relay);
  });

  it("is closed at once when its upgrade is refused, though it never closes its own end", async () => {
    const relay = await startRelay({ handshakeSeconds: 60 });
    const raw = new Raw(relay, { allowHalfOpen: true });
    raw.socket.write(UPGRADE.replace("/websocket", "/elsewhere"));
    await once(raw.socket, "end");
    // Nobody takes what it still sends.
    const more = setInterval(() => raw.socket.write("more"), 20);
    expect(await raw.gone).toMatch(/^HTTP\/1\.1 404 /u);
    clearInterval(more);
    await expectAlive(relay);
  });

  it("is closed when it does not begin with TLS where that is spoken", async () => {
    const relay = await startRelay({ ...settings, tlsCert: TLS.cert, tlsKey: TLS.key });
    await new Raw(relay).gone;
    const plain = new Raw(relay);
    plain.socket.write(UPGRADE);
    await plain.gone;
    const half = connectTls({ port: relay.port, host: "127.0.0.1", ca: TLS.pem });
    await once(half, "secureConnect");
    half.on("error", () => undefined);
    half.write("GET /websocket HTTP/1.1\r\n");
    await once(half.resume(), "close");
  });

  it("is closed when the relay stops", async () => {
    const relay = await startRelay({ handshakeSeconds: 600, tlsCert: TLS.cert, tlsKey: TLS.key });
    const raw = new Raw(relay);
    await once(raw.socket, "connect");
    await relay.close();
    await raw.gone;
  });

  it("can be as slow as the time allows", async () => {
    const relay = await startRelay({ handshakeSeconds: 60 });
    const raw = new Raw(relay);
    await once(raw.socket, "connect");
    raw.socket.setNoDelay(true);
    for (const byte of UPGRADE) {
      raw.socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await once(raw.socket, "data");
    expect(raw.text).toMatch(/^HTTP\/1\.1 101 /u);
    raw.socket.destroy();
  });

  it("leaves those alone that are sessions", async () => {
    const relay = await startRelay({ ...settings, joinSeconds: 60 });
    const client = await Client.open(relay.url);
    await new Raw(relay).gone;
    await new Raw(relay).gone;
    expect(await client.ask("/leave")).toBe("error: you are in no room");
  });
});

describe("too many connections that are no sessions", () => {
  it.each([
    ["", {}],
    [" with TLS", { tlsCert: TLS.cert, tlsKey: TLS.key }],
  ])("cost the oldest of them its place, and no session%s", async (_name, tls) => {
    const relay = await startRelay({ maxHttpConnections: 2, handshakeSeconds: 600, ...tls });
    const client = new Client(relay.url, { ca: TLS.pem });
    await client.opened;
    const [first, second] = [new Raw(relay), new Raw(relay)];
    await Promise.all([once(first.socket, "connect"), once(second.socket, "connect")]);
    // One of the first two is the oldest: which, the system decides.
    const third = new Raw(relay);
    const [oldest, other] = await Promise.race([
      first.gone.then(() => [first, second] as const),
      second.gone.then(() => [second, first] as const),
    ]);
    expect(oldest.socket.destroyed).toBe(true);
    expect([other.socket.destroyed, third.socket.destroyed]).toEqual([false, false]);
    expect(await client.ask("/leave")).toBe("error: you are in no room");
    other.socket.destroy();
    third.socket.destroy();
  });

  it("count no more once they are gone", async () => {
    const relay = await startRelay({ maxHttpConnections: 1, handshakeSeconds: 600 });
    for (let i = 0; i < 3; i++) {
      const raw = new Raw(relay);
      raw.socket.write("GET /healthz HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n");
      expect(await raw.gone).toMatch(/^HTTP\/1\.1 200 /u);
    }
    await expectAlive(await startRelay({ maxHttpConnections: 2 }));
  });
});

describe("TLS", () => {
  it("is spoken with a certificate, and announced", async () => {
    const relay = await startRelay({ tlsCert: TLS.cert, tlsKey: TLS.key });
    expect(relay.url).toBe(`wss://127.0.0.1:${relay.port}/websocket`);
    expect(relay.metricsUrl).toBe(`https://127.0.0.1:${relay.port}/metrics`);
    const client = new Client(relay.url, { ca: TLS.pem });
    await client.opened;
    expect(await client.ask('{"type":"join","room":"main"}')).toContain('"joined"');
    const closed = relay.close();
    expect(await client.closed).toMatchObject({ code: CLOSE.stopping.code });
    await closed;
  });

  it("keeps a relay from starting whose certificate is not good, and leaves the port free", async () => {
    const port = await freePort();
    await expect(
      createRelay({ port, data: ":memory:", tlsCert: TLS.cert, tlsKey: TLS.otherKey }),
    ).rejects.toThrow("does not belong to the certificate");
    await startRelay({ port });
  });

  it("goes by another certificate, and other bounds, when the settings change", async () => {
    const settings: { -readonly [K in keyof Settings]: Settings[K] } = {
      ...completeSettings({ port: 0, tlsCert: TLS.cert, tlsKey: TLS.key }, {}),
    };
    const accepted: string[] = [];
    const http = new HttpSide(
      {
        settings,
        log: pino({ level: "silent" }),
        conduct: { admits: () => true },
        metrics: idleMetrics(),
        status: () => ({ status: "ok" }),
        unready: () => null,
      },
      (socket, address) => {
        accepted.push(address);
        socket.close();
      },
    );
    await http.listen();
    try {
      settings.tlsKey = TLS.otherKey;
      expect(() => {
        http.settingsChanged();
      }).toThrow(RelayError);
      settings.tlsKey = TLS.key;
      settings.trustProxy = ["127.0.0.1"];
      settings.handshakeSeconds = 0.1;
      http.settingsChanged();
      const client = new Client(http.url, {
        ca: TLS.pem,
        headers: { "x-forwarded-for": "192.0.2.7" },
      });
      await client.closed;
      expect(accepted).toEqual(["192.0.2.7"]);
    } finally {
      http.close();
      http.closeAllConnections();
    }
  });
});

describe("origins", () => {
  const origins = ["https://app.example", "http://localhost:3000"];

  /** Opens a session, or says with which status it was refused. */
  async function knock(url: string, origin?: string): Promise<string> {
    const socket = new WebSocket(url, origin === undefined ? {} : { origin });
    return new Promise((resolve) => {
      socket.once("open", () => {
        resolve("open");
        socket.close();
      });
      socket.once("error", (error) => {
        resolve(error.message);
      });
    });
  }

  it("may be any unless told otherwise", async () => {
    const { url } = await startRelay();
    expect(await knock(url, "https://evil.example")).toBe("open");
  });

  it("that are not allowed are refused with 403 and a line in the log", async () => {
    const stream = new PassThrough();
    const { url } = await startRelay({ origins }, { logger: pino({ level: "info" }, stream) });
    expect(await knock(url, "https://app.example")).toBe("open");
    expect(await knock(url, "http://localhost:3000")).toBe("open");
    expect(await knock(url)).toBe("open");
    stream.read();
    const evil = `https://evil.example/${"x".repeat(1_000)}`;
    expect(await knock(url, evil)).toBe("Unexpected server response: 403");
    const line = JSON.parse(String(stream.read())) as { readonly [key: string]: unknown };
    expect(line).toMatchObject({
      peer: "127.0.0.1",
      origin: evil.slice(0, 256),
      msg: "refused: its origin is not allowed",
    });
    expect(await knock(url, "http://localhost")).toBe("Unexpected server response: 403");
  });

  it("can be demanded", async () => {
    const { url } = await startRelay({ origins: [...origins, "only-browsers"] });
    expect(await knock(url)).toBe("Unexpected server response: 403");
    expect(await knock(url, "https://app.example")).toBe("open");
  });
});

describe("behind a proxy", () => {
  /** The address that is logged of a session that joins with this header. */
  async function peerOf(settings: Partial<Settings>, forwarded: string): Promise<unknown> {
    const stream = new PassThrough();
    const { url } = await startRelay(settings, { logger: pino({ level: "info" }, stream) });
    const client = new Client(url, { headers: { "x-forwarded-for": forwarded } });
    await client.opened;
    await client.ask("/join main");
    const lines = String(stream.read()).split("\n").filter(Boolean);
    const line = lines.find((text) => text.includes('"joined"'));
    return (JSON.parse(line!) as { readonly peer: unknown }).peer;
  }

  it("the address is what the proxy says", async () => {
    const settings = { trustProxy: ["127.0.0.0/8"] };
    expect(await peerOf(settings, "192.0.2.1, 198.51.100.1")).toBe("198.51.100.1");
    expect(await peerOf(settings, "192.0.2.1, junk")).toBe("127.0.0.1");
  });

  it("nobody else is believed", async () => {
    expect(await peerOf({}, "198.51.100.1")).toBe("127.0.0.1");
    expect(await peerOf({ trustProxy: ["10.0.0.0/8"] }, "198.51.100.1")).toBe("127.0.0.1");
  });
});
