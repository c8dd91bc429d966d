/**
 * The side of a node that listens for peers. Until a connection is a guest it costs little and not for long: headers are
 * bounded in bytes and in time. Web pages are refused: a page that anyone has open could otherwise write into the room.
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { Bans } from "./bans.ts";
import { CLOSE } from "./close-codes.ts";
import { CLOSE_MS, MANY_FRAMES_AT_ONCE, MAX_FRAME_BYTES } from "./exchange.ts";
import { CommandError, EXIT, messageOf, systemCode } from "./exit-codes.ts";
import { Guest, type GuestHost } from "./guest.ts";
import { MAX_HANDSHAKES, MAX_HEADER_BYTES, type PeerBounds } from "./limits.ts";
import type { ListenAddress } from "./settings.ts";

/** The path that peers connect to, as with a relay. */
const PATH = "/websocket";

/** A listener, and the guests that came through it. */
export class PeerServer {
  readonly #host: GuestHost;
  readonly #bounds: PeerBounds;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #guests = new Set<Guest>();
  readonly #bans: Bans;
  readonly #address: ListenAddress;

  private constructor(address: ListenAddress, host: GuestHost, bounds: PeerBounds) {
    this.#address = address;
    this.#host = host;
    this.#bounds = bounds;
    this.#bans = new Bans(bounds.banMs);
    const { handshakeMs, maxPeers } = bounds;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: handshakeMs,
        requestTimeout: handshakeMs,
        connectionsCheckingInterval: Math.ceil(handshakeMs / 4),
      },
      (_request, response) => {
        // Nobody has business here who does not speak WebSocket.
        response.writeHead(426, { connection: "close", "content-length": 0 }).end();
      },
    );
    // Who does not read an answer is not waited for either.
    this.#server.timeout = 2 * handshakeMs;
    this.#server.maxConnections = maxPeers + MAX_HANDSHAKES;
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket, head);
    });
    // closeTimeout is newer than the types of ws.
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      allowSynchronousEvents: MANY_FRAMES_AT_ONCE,
      closeTimeout: CLOSE_MS,
    };
    this.#sockets = new WebSocketServer(options);
  }

  /** Begins to listen; rejects with CommandError when it cannot. */
  static async listen(
    address: ListenAddress,
    host: GuestHost,
    bounds: PeerBounds,
  ): Promise<PeerServer> {
    const server = new PeerServer(address, host, bounds);
    await server.#listen();
    return server;
  }

  get port(): number {
    const address = this.#server.address() as AddressInfo | null;
    return address?.port ?? this.#address.port;
  }

  /** Where peers of this machine find it. */
  get url(): string {
    const { host } = this.#address;
    return `ws://${host.includes(":") ? `[${host}]` : host}:${this.port}${PATH}`;
  }

  /** Those who have joined. */
  *guests(): Generator<Guest> {
    for (const guest of this.#guests) if (guest.state !== "joining") yield guest;
  }

  /** Takes nobody any more, and ends all that is there. */
  async close(): Promise<void> {
    this.#server.close();
    await Promise.all([...this.#guests].map((guest) => guest.close()));
    this.#server.closeAllConnections();
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error) => {
        reject(cannotListen(this.#address, error));
      });
      this.#server.listen(this.#address, () => {
        // An accept that fails for want of file descriptors is no reason to end.
        this.#server.on("error", () => undefined);
        resolve();
      });
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A socket without a listener would end the process with its first error.
    socket.on("error", () => socket.destroy());
    const { remoteAddress: address = "unknown", remotePort: port = 0 } = request.socket;
    if ((request.url ?? "").split("?", 1)[0] !== PATH) refuse(socket, 404);
    else if (request.headers.origin !== undefined) refuse(socket, 403);
    else if (this.#bans.has(address)) refuse(socket, 429);
    else {
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#accept(webSocket, { address, port });
      });
    }
  }

  #accept(socket: WebSocket, from: { readonly address: string; readonly port: number }): void {
    if (this.#guests.size >= this.#bounds.maxPeers) {
      socket.on("error", () => undefined);
      socket.close(CLOSE.tooManyPeers.code, CLOSE.tooManyPeers.reason);
      return;
    }
    const guest = new Guest(socket, from, this.#host, this.#bounds, (gone, wasFaulty) => {
      this.#guests.delete(gone);
      if (wasFaulty) this.#bans.add(from.address);
    });
    this.#guests.add(guest);
  }
}

/** Answers a request for an upgrade that is not granted, and is done with it: nobody watches such a socket. */
function refuse(socket: Duplex, status: number): void {
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
  );
}

function cannotListen({ host, port }: ListenAddress, error: unknown): CommandError {
  const code = systemCode(error);
  const what = `cannot listen on ${host}:${port}`;
  const complaint = (why: string, next?: string): CommandError =>
    new CommandError(EXIT.usage, { what, why, next }, { cause: error });
  if (code === "EADDRINUSE")
    return complaint(
      "another program listens there already",
      `--listen ${host === "127.0.0.1" ? "" : `${host}:`}${port === 65_535 ? 9_001 : port + 1}`,
    );
  if (code === "EACCES") return complaint("ports below 1024 need privileges", "--listen 9001");
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN")
    return complaint(`this machine has no address ${host}`, "--listen 9001");
  return complaint(messageOf(error));
}
