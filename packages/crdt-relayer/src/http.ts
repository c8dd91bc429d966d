/**
 * The HTTP side of a relay: its listener, with TLS when it has a certificate; who is answered what pages.ts says; and which
 * requests for an upgrade are granted. Until a connection is a session it costs little and not for long: headers are
 * bounded in bytes and in time, and of too many such connections the oldest gives way.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { clientAddress, isProxy, TrustedProxies } from "./client-address.ts";
import type { Conduct } from "./conduct.ts";
import { EXIT, messageOf, RelayError, systemCode } from "./exit-codes.ts";
import { dialledHost } from "./host-names.ts";
import {
  CLOSE_MS,
  HANDSHAKE_CHECKS,
  HELD_MS,
  KEEP_ALIVE_MS,
  LEAST_FRAGMENT_BYTES,
  LEAST_HANDSHAKE_CHECK_MS,
  MAX_METRICS_CONNECTIONS,
  MOST_HANDSHAKE_CHECK_MS,
} from "./limits.ts";
import { Newcomers, placeOfEnd } from "./newcomers.ts";
import { mostConnections, mostHeld } from "./open-files.ts";
import { allowsOrigin } from "./origins.ts";
import { type Answer, type PagesHost, Pages, problem, WEBSOCKET_PATH } from "./pages.ts";
import { giveBack } from "./pieces.ts";
import { RequestQueue } from "./request-queue.ts";
import { METRICS_OFF, METRICS_SAME_PORT, type Settings } from "./settings.ts";
import { hasTls, readTls } from "./tls.ts";

/** In the place of what came with a request for an upgrade, which is in the socket again. */
const NOTHING = Buffer.alloc(0);

/** Characters of an Origin header that are logged. */
const LOGGED_ORIGIN = 256;

/** What the HTTP side needs from its relay. */
export interface HttpHost extends PagesHost {
  readonly log: Logger;
  /** Whether somebody new is let in from an address now. */
  readonly conduct: Pick<Conduct, "admits">;
}

/** The listeners of a relay. */
export class HttpSide {
  readonly #host: HttpHost;
  readonly #pages: Pages;
  readonly #accept: (socket: WebSocket, address: string, dialled: string | null) => void;
  readonly #server: Server;
  /** For /metrics apart from the sessions; null when there is none. */
  readonly #metricsServer: Server | null;
  readonly #sockets: WebSocketServer;
  /** Connections that are no sessions. */
  readonly #newcomers = new Newcomers<Socket>(placeOfEnd);
  /** Connections that are not let in, until they are ended. */
  readonly #held = new Set<Socket>();
  #proxies: TrustedProxies;
  readonly #requests = new RequestQueue();
  /** What each connection asked last and may not have got yet. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();

  /**
   * `accept` takes what has become a WebSocket, the address that it comes from, and the host that it has dialled, or null
   * when that is no name of this relay.
   */
  constructor(
    host: HttpHost,
    accept: (socket: WebSocket, address: string, dialled: string | null) => void,
  ) {
    this.#host = host;
    this.#pages = new Pages(host);
    this.#accept = accept;
    const { settings } = host;
    const options = boundsOf(settings);
    this.#server = hasTls(settings) ? createTlsServer(options) : createServer(options);
    // What Node does with a connection costs more than all that is done with one that is not let in.
    const serve = this.#server.listeners("connection");
    this.#server.removeAllListeners("connection");
    this.#server.on("connection", (socket: Socket) => {
      if (this.#turnsAway(socket)) return;
      for (const listener of serve) Reflect.apply(listener, this.#server, [socket]);
      this.#wait(socket);
    });
    this.#server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#respond(request, response, true);
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on("error", destroyThis);
      if (this.#isAhead(request.socket, null)) return;
      this.#requests.next(this.#addressOf(request), () => {
        this.#upgrade(request, socket, head);
      });
    });
    const { metricsPort } = settings;
    const isApart = metricsPort !== METRICS_SAME_PORT && metricsPort !== METRICS_OFF;
    this.#metricsServer = isApart ? createServer(options) : null;
    this.#metricsServer?.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#respond(request, response, false);
    });
    // The last two are newer than the types of ws.
    const socketOptions: SocketOptions = {
      noServer: true,
      clientTracking: false,
      // Compression costs memory for each socket and time for each frame, and hashes do not compress.
      perMessageDeflate: false,
      maxPayload: settings.maxFrameBytes,
      maxFragments: fragmentsOf(settings),
      closeTimeout: CLOSE_MS,
    };
    this.#sockets = new WebSocketServer(socketOptions);
    this.#proxies = new TrustedProxies(settings.trustProxy);
    this.#bound();
  }

  get port(): number {
    return portOf(this.#server) ?? this.#host.settings.port;
  }

  get url(): string {
    const { settings } = this.#host;
    const scheme = hasTls(settings) ? "wss" : "ws";
    return `${scheme}://${hostInUrl(settings.host)}:${this.port}${WEBSOCKET_PATH}`;
  }

  /** Where /metrics is; null when it is off. */
  get metricsUrl(): string | null {
    const { settings } = this.#host;
    if (settings.metricsPort === METRICS_OFF) return null;
    if (this.#metricsServer === null)
      return `${this.url.replace(/^ws/u, "http").slice(0, -WEBSOCKET_PATH.length)}/metrics`;
    const port = portOf(this.#metricsServer) ?? settings.metricsPort;
    return `http://${hostInUrl(settings.metricsHost)}:${port}/metrics`;
  }

  /** Begins to listen. Rejects when it cannot, with RelayError or what the system says. */
  async listen(): Promise<void> {
    const { host, port, metricsHost, metricsPort } = this.#host.settings;
    this.#useCertificate();
    await this.#listenOn(this.#server, host, port);
    if (this.#metricsServer === null) return;
    try {
      await this.#listenOn(this.#metricsServer, metricsHost, Number(metricsPort));
    } catch (error) {
      this.#server.close();
      const there = { host: metricsHost, port: Number(metricsPort), tlsCert: "" };
      throw listeningError(error, there, "metrics-");
    }
    this.#host.log.info({ url: this.metricsUrl }, "metrics have a port of their own");
  }

  /** Goes by settings that have changed, and reads the certificate anew. Throws RelayError when it is not good. */
  settingsChanged(): void {
    this.#useCertificate();
    const { settings } = this.#host;
    this.#sockets.options.maxPayload = settings.maxFrameBytes;
    (this.#sockets.options as SocketOptions).maxFragments = fragmentsOf(settings);
    this.#proxies = new TrustedProxies(settings.trustProxy);
    this.#bound();
  }

  /** Takes no connections any more. */
  close(): void {
    this.#server.close();
    this.#metricsServer?.close();
  }

  /** Closes connections that ask for nothing at the moment. */
  closeIdleConnections(): void {
    this.#server.closeIdleConnections();
    this.#metricsServer?.closeIdleConnections();
  }

  /** Closes all that are no sessions. */
  closeAllConnections(): void {
    this.#server.closeAllConnections();
    this.#metricsServer?.closeAllConnections();
    for (const socket of [...this.#newcomers, ...this.#held]) socket.destroy();
  }

  /** Sets the bounds on the listeners that can be changed while they listen. */
  #bound(): void {
    const { settings } = this.#host;
    const { headersTimeout, requestTimeout, keepAliveTimeout } = boundsOf(settings);
    for (const server of [this.#server, this.#metricsServer]) {
      if (server === null) continue;
      Object.assign(server, { headersTimeout, requestTimeout, keepAliveTimeout });
      // Who asks and does not read the answer is not waited for either; who does not ask at all is told so before.
      server.timeout = 2 * headersTimeout;
    }
    // Beyond that nobody is told why; some are just being ended.
    this.#server.maxConnections = mostConnections(settings);
    if (this.#metricsServer !== null) this.#metricsServer.maxConnections = MAX_METRICS_CONNECTIONS;
  }

  #useCertificate(): void {
    if (this.#server instanceof TlsServer)
      this.#server.setSecureContext(readTls(this.#host.settings));
  }

  #listenOn(server: Server, host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.off("error", reject);
        server.on("error", (error) => {
          this.#host.log.error({ err: error }, "server error");
        });
        resolve();
      });
    });
  }

  /**
   * Whether a connection is not let in now. It is not read, and ended after some time: whoever floods and waits for an answer comes
   * back less often.
   */
  #turnsAway(socket: Socket): boolean {
    if (this.#mayBeProxy(socket) || this.#host.conduct.admits(socket.remoteAddress ?? ""))
      return false;
    socket.on("error", destroyThis);
    if (this.#held.size >= mostHeld(this.#host.settings)) {
      socket.destroy();
      return true;
    }
    socket.pause();
    this.#held.add(socket);
    const timer = setTimeout(() => {
      socket.destroy();
    }, HELD_MS).unref();
    socket.once("close", () => {
      clearTimeout(timer);
      this.#held.delete(socket);
    });
    return true;
  }

  /** A connection has come that is no session yet. */
  #wait(socket: Socket): void {
    this.#newcomers.add(socket);
    // A socket that is closed does not know any more where it came from.
    const { remoteAddress, remotePort } = socket;
    socket.once("close", () => {
      this.#newcomers.delete({ remoteAddress, remotePort }, socket);
    });
    if (this.#newcomers.size <= this.#host.settings.maxHttpConnections) return;
    const { nextToGo } = this.#newcomers;
    if (nextToGo === null) return;
    this.#host.log.debug({ peer: nextToGo.remoteAddress }, "too many wait to be sessions");
    this.#newcomers.delete(nextToGo, nextToGo);
    nextToGo.destroy();
  }

  #respond(request: IncomingMessage, response: ServerResponse, isMain: boolean): void {
    if (this.#isAhead(request.socket, response)) return;
    const { url = "", method = "" } = request;
    const address = this.#addressOf(request);
    const path = url.split("?", 1)[0] ?? "";
    void this.#pages
      .answer(path, method, isMain)
      .catch((error: unknown): Answer => {
        this.#host.log.error({ err: error }, "an internal error; a request is not answered");
        return problem(500, "an internal error");
      })
      // What many have waited for is there for all of them at once.
      .then((answer) => {
        this.#requests.next(address, () => {
          this.#send(answer, method, response);
        });
      });
  }

  #send(answer: Answer, method: string, response: ServerResponse): void {
    const { code, body, type = "application/json" } = answer;
    const isRead = method === "GET" || method === "HEAD";
    try {
      response.writeHead(code, {
        "content-type": type,
        "content-length": Buffer.byteLength(body),
        "cache-control": "no-store",
        ...(code === 405 ? { allow: "GET, HEAD" } : {}),
        // What else it sends is not waited for.
        ...(isRead ? {} : { connection: "close" }),
      });
      response.end(method === "HEAD" ? undefined : body);
    } catch (error) {
      this.#host.log.debug({ reason: messageOf(error) }, "a request is not answered");
      response.destroy();
    }
  }

  /**
   * True when a connection asks again before it has its answer: it gets that one, and is closed. Else a packet of questions
   * would be answered in one pass of the event loop, and all others wait for that; and what is still owed to who asks to be a session
   * (then there is no `response`) would come amid the frames of that.
   */
  #isAhead(socket: Socket, response: ServerResponse | null): boolean {
    const before = this.#answers.get(socket);
    if (before === undefined || before.writableFinished) {
      if (response !== null) this.#answers.set(socket, response);
      return false;
    }
    if (before.headersSent) socket.destroy();
    else before.shouldKeepAlive = false;
    return true;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { origin } = request.headers;
    if ((request.url ?? "").split("?", 1)[0] !== WEBSOCKET_PATH) {
      refuse(socket, 404);
    } else if (this.#host.status().status !== "ok") {
      refuse(socket, 503);
    } else if (!allowsOrigin(this.#host.settings.origins, origin)) {
      const peer = this.#addressOf(request);
      const shown = origin?.slice(0, LOGGED_ORIGIN) ?? null;
      this.#host.log.info({ peer, origin: shown }, "refused: its origin is not allowed");
      refuse(socket, 403);
    } else if (
      this.#mayBeProxy(request.socket) &&
      !this.#host.conduct.admits(this.#addressOf(request))
    ) {
      refuse(socket, 429);
    } else {
      const address = this.#addressOf(request);
      const { hosts } = this.#host.settings;
      const usualPort = hasTls(this.#host.settings) ? 443 : 80;
      const dialled = dialledHost(request, this.#proxies, hosts, usualPort);
      giveBack(socket, head);
      this.#sockets.handleUpgrade(request, socket, NOTHING, (webSocket) => {
        this.#newcomers.delete(socket as Socket);
        this.#accept(webSocket, address, dialled);
      });
    }
  }

  /** Whoever is behind a proxy is known only by what it says. */
  #mayBeProxy({ remoteAddress = "" }: Socket): boolean {
    return isProxy(remoteAddress, this.#proxies);
  }

  #addressOf({ socket, headers }: IncomingMessage): string {
    const forwarded = headers["x-forwarded-for"];
    return clientAddress(
      socket.remoteAddress ?? "unknown",
      Array.isArray(forwarded) ? forwarded.join(",") : forwarded,
      this.#proxies,
    );
  }
}

/**
 * A socket without a listener would end the process with its first error. This is no closure: what was made beside one would
 * be kept for as long as the connection lasts, the whole request among it.
 */
function destroyThis(this: Duplex): void {
  this.destroy();
}

/** Why a relay cannot listen, in words. `flags` stands before the names of the settings that say where. */
export function listeningError(
  error: unknown,
  { host, port, tlsCert }: Pick<Settings, "host" | "port" | "tlsCert">,
  flags: "" | "metrics-" = "",
): RelayError {
  if (error instanceof RelayError) return error;
  const code = systemCode(error);
  const what = `cannot listen on ${host}:${port}`;
  if (code === "EADDRINUSE") {
    // One that was started as this one is speaks as this one would.
    const ask = tlsCert === "" ? "curl -s http" : "curl -sk https";
    const own = hostInUrl(host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host);
    return new RelayError(EXIT.failure, {
      what,
      why: `another program listens there already, maybe a relay left running: ${ask}://${own}:${port}/info`,
      next: `crdt-relayer --${flags}port ${port === 65_535 ? 8080 : port + 1}`,
    });
  }
  if (code === "EACCES") {
    return new RelayError(EXIT.failure, {
      what,
      why: "ports below 1024 need privileges",
      next: `crdt-relayer --${flags}port 8080`,
    });
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    const why = `this machine has no address ${host}`;
    const next = `crdt-relayer --${flags}host 127.0.0.1`;
    return new RelayError(EXIT.failure, { what, why, next });
  }
  return new RelayError(EXIT.failure, { what, why: messageOf(error) });
}

interface SocketOptions extends ServerOptions {
  maxFragments: number;
  readonly closeTimeout: number;
}

/** How many fragments a message may come in: of an endless one each is kept until it ends. */
function fragmentsOf({ maxFrameBytes }: Settings): number {
  return Math.ceil(maxFrameBytes / LEAST_FRAGMENT_BYTES);
}

/** Bounds on what is no session yet, in milliseconds and bytes. */
interface Bounds {
  readonly maxHeaderSize: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly handshakeTimeout: number;
  readonly keepAliveTimeout: number;
  readonly connectionsCheckingInterval: number;
}

/** Time-outs are looked at a few times while they last. */
function boundsOf({ handshakeSeconds, maxHeaderBytes }: Settings): Bounds {
  const ms = Math.ceil(handshakeSeconds * 1_000);
  return {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: ms,
    requestTimeout: ms,
    handshakeTimeout: ms,
    keepAliveTimeout: Math.min(KEEP_ALIVE_MS, ms),
    connectionsCheckingInterval: Math.min(
      MOST_HANDSHAKE_CHECK_MS,
      Math.max(LEAST_HANDSHAKE_CHECK_MS, Math.ceil(ms / HANDSHAKE_CHECKS)),
    ),
  };
}

/** Answers a request for an upgrade that is not granted, and is done with it: nobody watches such a socket. */
function refuse(socket: Duplex, status: number): void {
  const text = STATUS_CODES[status] ?? "";
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${text}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function portOf(server: Server): number | undefined {
  return (server.address() as AddressInfo | null)?.port;
}

function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
