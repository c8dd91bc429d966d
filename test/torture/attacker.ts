/** What an attacker has: addresses of the loopback interface, sockets below the WebSocket protocol, and a clock to keep to. */
import { connect, type Socket } from "node:net";
import type { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { pause } from "./client.ts";

/** Milliseconds between two looks at what is to be sent. */
const TICK_MS = 20;

/** Bytes that may wait in one of its sockets: more would only fill the attacker's own memory. */
const HIGH_BYTES = 262_144;

/** What a WebSocket frame is (RFC 6455 §5.2). */
export const OPCODE = { more: 0, text: 1, binary: 2, ping: 9, pong: 10 } as const;

/** A swarm of sockets that all do the same. */
export interface Swarm {
  readonly sockets: number;
  /** Sockets that may be opened in a second; without it, all at once. */
  readonly openPerSecond?: number;
  /** Milliseconds between two pieces on one socket. */
  readonly everyMs: number;
  /** Makes a socket ready; null when the relay did not let it in. */
  readonly open: () => Promise<Socket | null>;
  /** The next piece for a socket, and how many frames or requests that is; null: nothing now. */
  readonly piece: (socket: Socket) => readonly [bytes: Uint8Array, count: number] | null;
}

/** One attacker; everything it opens is closed when its signal is aborted. */
export class Attacker {
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Frames, requests or connections, whichever the attack is made of. */
  count = 0;
  /** Sockets that the relay ended. */
  ended = 0;
  readonly #url: URL;
  readonly #addresses: readonly string[];
  readonly #sockets = new Set<Socket>();
  #next = 0;

  /** Connections come from these addresses by turns. */
  constructor(url: string, addresses: readonly string[], random: Random, signal: AbortSignal) {
    this.#url = new URL(url);
    this.#addresses = addresses;
    this.random = random;
    this.signal = signal;
    signal.addEventListener("abort", () => {
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** Sockets that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** The request that makes a connection a WebSocket. */
  get upgrade(): string {
    return (
      `GET ${this.#url.pathname} HTTP/1.1\r\nhost: ${this.#url.host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
  }

  /** A connection that has said nothing; null when it was not taken. */
  connect(): Promise<Socket | null> {
    const localAddress = this.#addresses[this.#next++ % this.#addresses.length]!;
    const socket = connect({
      host: this.#url.hostname,
      port: Number(this.#url.port),
      localAddress,
    });
    this.#sockets.add(socket);
    return new Promise((resolve) => {
      socket.on("connect", () => {
        resolve(socket);
      });
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        if (!this.signal.aborted) this.ended++;
        resolve(null);
      });
      // What it is told is read and thrown away.
      socket.resume();
    });
  }

  /** A connection that speaks WebSocket, after its first frame where there is one; null when it was not taken. */
  async upgraded(first?: string): Promise<Socket | null> {
    const socket = await this.connect();
    if (socket === null) return null;
    socket.write(this.upgrade);
    const answer = await this.#heard(socket);
    if (!answer.startsWith("HTTP/1.1 101")) {
      socket.destroy();
      return null;
    }
    if (first !== undefined) {
      socket.write(frame(OPCODE.text, Buffer.from(first)));
      await this.#heard(socket);
    }
    return socket.destroyed ? null : socket;
  }

  /** A connection that is in a room. */
  joined(room: string): Promise<Socket | null> {
    return this.upgraded(JSON.stringify({ type: "join", room }));
  }

  /** Keeps so many sockets open and sends on each, until the end; what the relay ends is opened again. */
  async swarm({ sockets, openPerSecond, everyMs, open, piece }: Swarm): Promise<void> {
    const places = Array.from({ length: sockets }, () => ({
      socket: null as Socket | null,
      isOpening: false,
      due: 0,
    }));
    let allowed = openPerSecond === undefined ? Infinity : 0;
    while (!this.signal.aborted) {
      if (openPerSecond !== undefined)
        allowed = Math.min(allowed + (openPerSecond * TICK_MS) / 1_000, openPerSecond);
      for (const place of places) {
        const { socket } = place;
        if (socket === null || socket.destroyed) {
          if (place.isOpening || allowed < 1) continue;
          allowed--;
          place.isOpening = true;
          void open().then((opened) => {
            place.socket = opened;
            place.isOpening = false;
          });
          continue;
        }
        const now = performance.now();
        if (now < place.due || socket.writableLength > HIGH_BYTES) continue;
        place.due = now + everyMs;
        const next = piece(socket);
        if (next === null) continue;
        socket.write(next[0]);
        this.count += next[1];
      }
      await pause(TICK_MS, this.signal);
    }
  }

  /** The next that comes through a socket; nothing when it ends instead. */
  #heard(socket: Socket): Promise<string> {
    return new Promise((resolve) => {
      const done = (data?: Buffer): void => {
        socket.off("data", done);
        socket.off("close", ended);
        resolve(data?.toString("latin1") ?? "");
      };
      const ended = (): void => {
        done();
      };
      socket.on("data", done);
      socket.on("close", ended);
    });
  }
}

/** A frame as a client sends it, under a mask of zeros. */
export function frame(opcode: number, content: Uint8Array, isLast = true): Buffer {
  const { length } = content;
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.alloc(head + 4 + length);
  bytes[0] = (isLast ? 0x80 : 0) | opcode;
  if (head === 2) {
    bytes[1] = 0x80 | length;
  } else if (head === 4) {
    bytes[1] = 0x80 | 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 0x80 | 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.set(content, head + 4);
  return bytes;
}
