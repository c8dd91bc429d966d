/**
 * A relay: an HTTP server whose `/websocket` takes sessions (RFC 6455) and whose `/healthz` says how it is; the rooms
 * behind it; and the order in which all of that starts and stops.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import type { ReceivedGroup, ReceiveStatus } from "bft-json-crdt";
import { type Logger, pino } from "pino";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import {
  type Backplane,
  type BackplaneHost,
  type BackplaneStatus,
  EmbeddedBackplane,
} from "./backplane.ts";
import type { CloseName } from "./close-codes.ts";
import { EXIT, messageOf, RelayError, systemCode } from "./exit-codes.ts";
import { CLOSE_MS, DRAIN_MS } from "./limits.ts";
import type { Room, RoomHost } from "./room.ts";
import { Rooms } from "./rooms.ts";
import { SendAccount } from "./send-account.ts";
import { Session, type SessionHost } from "./session.ts";
import { completeSettings, EMBEDDED, type Settings } from "./settings.ts";
import { openStore, type Store } from "./store.ts";
import { Turns } from "./turns.ts";

/** The path of the WebSocket. */
export const WEBSOCKET_PATH = "/websocket";

/** Connections beyond the sessions: /healthz must answer, and a refused session must be told why. */
const SPARE_CONNECTIONS = 256;

/** A running relay. */
export interface Relay {
  /** Where it listens: `ws://127.0.0.1:8080/websocket`. */
  readonly url: string;
  readonly port: number;
  /** Resolves when the relay had to end by itself, after it has closed everything; never when close() was called. */
  readonly failed: Promise<RelayError>;
  /** What /healthz says. */
  status(): RelayStatus;
  /**
   * Stops: takes nothing more in, stores what is on its way, closes the sessions, then the store. Rejects with
   * RelayError, after all that, when something received could not be stored.
   */
  close(): Promise<void>;
}

/** How a relay is. Counts of changes are since it started. */
export interface RelayStatus {
  readonly status: "ok" | "stopping" | "failed";
  readonly uptime: number;
  /** False while nothing that is received could be made durable: a load balancer should choose another relay. */
  readonly ready: boolean;
  readonly backplane: BackplaneStatus;
  readonly rooms: number;
  readonly sessions: number;
  readonly changes: { readonly [status in ReceiveStatus]: number };
}

/** What a program may bring along. */
export interface RelayOptions {
  /** Nothing is logged without one. */
  readonly logger?: Logger;
  /** Opens another database than the settings name; the relay closes it. */
  readonly openStore?: (data: string) => Promise<Store>;
  /** For SIDE_HOME, where `data` is not given; the process's own by default. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a relay; settings that are left out have the defaults of the command. Throws RelayError when it cannot. */
export async function createRelay(
  settings: Partial<Settings> = {},
  options: RelayOptions = {},
): Promise<Relay> {
  const complete = completeSettings(settings, options.env ?? process.env);
  const log = options.logger ?? pino({ level: "silent" });
  const backplane = await openBackplane(complete, options, log);
  const relay = new RunningRelay(complete, backplane, log);
  try {
    await relay.listen();
  } catch (error) {
    await backplane.close();
    throw listeningError(error, complete);
  }
  return relay;
}

async function openBackplane(
  settings: Settings,
  options: RelayOptions,
  log: Logger,
): Promise<Backplane> {
  if (settings.backplane === EMBEDDED) {
    const store = await (options.openStore ?? openStore)(settings.data);
    return new EmbeddedBackplane(store, settings.data);
  }
  // Imported late: most relays need none of it.
  const { openNatsBackplane } = await import("./nats/backplane.ts");
  return openNatsBackplane(settings, log);
}

class RunningRelay implements Relay, SessionHost, RoomHost, BackplaneHost {
  readonly settings: Settings;
  readonly log: Logger;
  readonly turns = new Turns();
  readonly failed: Promise<RelayError>;
  readonly #backplane: Backplane;
  readonly #rooms: Rooms;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #sessions = new Set<Session>();
  readonly #sending = new SendAccount();
  readonly #started = performance.now();
  readonly #changes = { applied: 0, duplicate: 0, pending: 0, rejected: 0, unsupported: 0 };
  #state: RelayStatus["status"] = "ok";
  #closing: Promise<void> | null = null;
  #ping: NodeJS.Timeout | null = null;
  #fail: (error: RelayError) => void = () => undefined;
  #noSessions: (() => void) | null = null;
  #storeError: unknown = null;
  #isLost = false;
  /** Closes the sessions when the backplane has been lost for long. */
  #grace: NodeJS.Timeout | null = null;

  constructor(settings: Settings, backplane: Backplane, log: Logger) {
    this.settings = settings;
    this.log = log;
    this.#backplane = backplane;
    this.#rooms = new Rooms(backplane, settings, this, log);
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#http = createServer((request, response) => {
      this.#respond(request, response);
    });
    this.#http.maxConnections = settings.maxSessions + SPARE_CONNECTIONS;
    this.#http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket, head);
    });
    // closeTimeout is newer than the types of ws.
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      // Compression costs memory for each socket and time for each frame, and hashes do not compress.
      perMessageDeflate: false,
      maxPayload: settings.maxFrameBytes,
      closeTimeout: CLOSE_MS,
    };
    this.#sockets = new WebSocketServer(options);
  }

  get port(): number {
    return (this.#http.address() as AddressInfo | null)?.port ?? this.settings.port;
  }

  get url(): string {
    const { host } = this.settings;
    return `ws://${host.includes(":") ? `[${host}]` : host}:${this.port}${WEBSOCKET_PATH}`;
  }

  listen(): Promise<void> {
    this.#backplane.start(this);
    return new Promise((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen({ host: this.settings.host, port: this.settings.port }, () => {
        this.#http.off("error", reject);
        this.#http.on("error", (error) => {
          this.log.error({ err: error }, "server error");
        });
        resolve();
      });
    });
  }

  status(): RelayStatus {
    return {
      status: this.#state,
      uptime: Math.round((performance.now() - this.#started) / 1_000),
      ready: this.#state === "ok" && !this.#isLost,
      backplane: this.#backplane.status(),
      rooms: this.#rooms.size,
      sessions: this.#sessions.size,
      changes: { ...this.#changes },
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close("stopping", "stopping");
    return this.#closing;
  }

  get inboxShare(): number {
    const { inboxBytes, sessionInboxBytes } = this.settings;
    return Math.min(sessionInboxBytes, inboxBytes / Math.max(1, this.#sessions.size));
  }

  get outboxShare(): number {
    const { sendBytes, sendSoftBytes } = this.settings;
    return Math.min(sendSoftBytes, sendBytes / Math.max(1, this.#sessions.size));
  }

  sending(frame: string | Uint8Array): () => void {
    const sent = this.#sending.take(frame);
    if (this.#sending.bytes > this.settings.sendBytes) this.#cutSlowest();
    return sent;
  }

  /** Frees the memory at once: whoever does not read what waits would not read a close frame behind it either. */
  #cutSlowest(): void {
    let slowest: Session | null = null;
    for (const session of this.#sessions) {
      if (session.unread > (slowest?.unread ?? 0)) slowest = session;
    }
    if (slowest === null) return;
    const { peer, unread } = slowest;
    this.log.info({ peer, unread }, "too much waits for slow readers; the slowest is cut");
    slowest.terminate();
  }

  enter(document: Uint8Array): ReturnType<Rooms["enter"]> {
    return this.#rooms.enter(document);
  }

  leave(document: Uint8Array): void {
    this.#rooms.leave(document);
  }

  ended(session: Session): void {
    this.#sessions.delete(session);
    if (this.#sessions.size > 0) return;
    // An idle relay has no timer to wake up for.
    if (this.#ping !== null) clearInterval(this.#ping);
    this.#ping = null;
    this.#noSessions?.();
  }

  received({ status, code, applied, results }: ReceivedGroup, room: Room): void {
    this.#changes.applied += applied.length;
    for (const result of results) if (result.status !== "applied") this.#changes[result.status]++;
    if (results.length === 0) this.#changes.rejected++;
    if (status === "rejected")
      this.log.debug({ code, document: Buffer.from(room.document).toString("hex") }, "rejected");
  }

  storingFailed(error: unknown): void {
    this.#storeError ??= error;
    if (this.#closing !== null) return;
    this.log.fatal({ reason: messageOf(error) }, "changes cannot be stored; the relay stops");
    this.#closing = this.#close("failed", "storeFailed").then(() => {
      this.#fail(this.#storingError(error));
    });
  }

  backplaneLost(reason: string): void {
    this.#isLost = true;
    for (const session of this.#sessions) session.hold(true);
    this.#grace ??= globalThis
      .setTimeout(() => {
        this.log.warn({ reason, sessions: this.#sessions.size }, "sessions are closed");
        for (const session of this.#sessions) session.close("backplaneLost");
      }, this.settings.backplaneGraceSeconds * 1_000)
      .unref();
  }

  backplaneBack(): void {
    this.#isLost = false;
    if (this.#grace !== null) clearTimeout(this.#grace);
    this.#grace = null;
    for (const session of this.#sessions) session.hold(false);
  }

  async #close(state: "stopping" | "failed", how: CloseName): Promise<void> {
    this.#state = state;
    if (this.#grace !== null) clearTimeout(this.#grace);
    this.#http.close();
    this.#http.closeIdleConnections();
    for (const session of this.#sessions) session.drain();
    if (state === "stopping" && !(await within(DRAIN_MS, this.#rooms.close()))) {
      this.#storeError ??= new Error(`the store did not answer within ${DRAIN_MS / 1_000} s`);
    }
    const lost = this.#storeError;
    const gone = new Promise<void>((resolve) => {
      this.#noSessions = resolve;
      if (this.#sessions.size === 0) resolve();
    });
    for (const session of this.#sessions) session.close(how);
    await within(CLOSE_MS, gone);
    for (const session of this.#sessions) session.terminate();
    this.#http.closeAllConnections();
    await this.#backplane.close();
    if (state === "stopping" && lost !== null) throw this.#storingError(lost);
  }

  /** Whatever is not stored was not acknowledged, so the nodes still have it. */
  #storingError(error: unknown): RelayError {
    const next = `${this.#backplane.remedy}  # then start the relay again: nodes send what was not acknowledged`;
    return new RelayError(
      EXIT.failure,
      { what: "changes cannot be stored; the relay has stopped", why: messageOf(error), next },
      { cause: error },
    );
  }

  #respond({ url = "", method = "" }: IncomingMessage, response: ServerResponse): void {
    const path = url.split("?", 1)[0];
    const isRead = method === "GET" || method === "HEAD";
    const isGood = path === "/readyz" ? this.status().ready : this.#state === "ok";
    const [code, body] =
      path === WEBSOCKET_PATH
        ? [426, { status: "error", detail: "this is a WebSocket" }]
        : path !== "/healthz" && path !== "/readyz"
          ? [404, { status: "error", detail: `try ${WEBSOCKET_PATH} or /healthz` }]
          : isRead
            ? [isGood ? 200 : 503, this.status()]
            : [405, { status: "error", detail: "GET only" }];
    const text = `${JSON.stringify(body)}\n`;
    response.writeHead(code, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(method === "HEAD" ? undefined : text);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A socket without a listener would end the process with its first error.
    socket.on("error", () => socket.destroy());
    if ((request.url ?? "").split("?", 1)[0] !== WEBSOCKET_PATH) {
      refuse(socket, 404);
    } else if (this.#state !== "ok") {
      refuse(socket, 503);
    } else {
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#accept(webSocket, (socket as Socket).remoteAddress ?? "unknown");
      });
    }
  }

  #accept(socket: WebSocket, address: string): void {
    const session = new Session(socket, address, this);
    const isOver = this.#sessions.size >= this.settings.maxSessions;
    this.#sessions.add(session);
    if (isOver || this.#isLost) {
      session.close(isOver ? "tooManySessions" : "backplaneLost");
      return;
    }
    this.#ping ??= setInterval(() => {
      for (const one of this.#sessions) one.checkAlive();
    }, this.settings.pingSeconds * 1_000);
  }
}

/** Answers a request for an upgrade that is not granted. */
function refuse(socket: Duplex, status: number): void {
  const text = STATUS_CODES[status] ?? "";
  socket.end(`HTTP/1.1 ${status} ${text}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

/** True when the promise resolves within so many milliseconds; resolves at the latest then. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const timeout = setTimeout(ms, false, { signal: late.signal }).catch(() => false);
  const isDone = await Promise.race([promise.then(() => true), timeout]);
  late.abort();
  return isDone;
}

function listeningError(error: unknown, { host, port }: Settings): RelayError {
  const code = systemCode(error);
  const what = `cannot listen on ${host}:${port}`;
  if (code === "EADDRINUSE") {
    return new RelayError(EXIT.failure, {
      what,
      why: "another program listens there already",
      next: `crdt-relayer --port ${port === 65_535 ? 8080 : port + 1}`,
    });
  }
  if (code === "EACCES") {
    return new RelayError(EXIT.failure, {
      what,
      why: "ports below 1024 need privileges",
      next: "crdt-relayer --port 8080",
    });
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    const why = `this machine has no address ${host}`;
    return new RelayError(EXIT.failure, { what, why, next: "crdt-relayer --host 127.0.0.1" });
  }
  return new RelayError(EXIT.failure, { what, why: messageOf(error) });
}
