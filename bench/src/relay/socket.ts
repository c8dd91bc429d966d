/**
 * A WebSocket client that does as little as can be: it counts changes. A thousand of the usual ones would take more time than
 * the server that is measured. All read into one buffer, and of what it need not look at it reads only how many changes
 * follow: a group says so in its first bytes.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { changesIn } from "./groups.ts";

/** Opcodes of RFC 6455 §5.2. */
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Bytes of a group that tell how many changes it holds, at most. */
const COUNT_BYTES = 3;

/** What is read at once, for all sockets: nobody keeps it. */
const shared = Buffer.alloc(262_144);

const NOTHING = Buffer.alloc(0);

/** Is told what a socket received. */
export interface Reader {
  /** Some frames came, and are counted. */
  counted(): void;
  /** A text; asked for only until the socket has joined. */
  readonly text?: (text: string) => void;
  /** Each group, for those who look at it; it is not to be kept. */
  readonly group?: (group: Buffer) => void;
  /** The connection ended, which nobody wanted. */
  ended(why: string): void;
}

/** Takes the frames of a server apart, however they are cut into pieces. */
export class FrameCounter {
  /** Changes so far. */
  changes = 0;
  readonly #reader: Reader;
  readonly #pinged: () => void;
  /** Bytes still to come of a frame that is dealt with. */
  #skipped = 0;
  /** The beginning of a frame that is not there yet. */
  #rest = NOTHING;

  constructor(reader: Reader, pinged: () => void) {
    this.#reader = reader;
    this.#pinged = pinged;
  }

  /** Takes the next bytes; they are not kept. */
  take(next: Buffer): void {
    const bytes = this.#rest.length === 0 ? next : Buffer.concat([this.#rest, next]);
    const { length: end } = bytes;
    let at = Math.min(this.#skipped, end);
    this.#skipped -= at;
    for (;;) {
      const taken = this.#frame(bytes, at, end);
      if (taken === 0) break;
      at += taken;
      if (at < end) continue;
      this.#skipped = at - end;
      at = end;
      break;
    }
    this.#rest = at === end ? NOTHING : Buffer.from(bytes.subarray(at, end));
    this.#reader.counted();
  }

  /** Deals with the frame at a place; returns how long it is, or 0 when too little of it is there. */
  #frame(bytes: Buffer, at: number, end: number): number {
    if (end - at < 2) return 0;
    const opcode = bytes[at]! & 15;
    const short = bytes[at + 1]! & 127;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (end - at < head) return 0;
    const length =
      short < 126
        ? short
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    const content = at + head;
    const { text, group } = this.#reader;
    const isWhole = opcode === BINARY ? group !== undefined : opcode === TEXT && text !== undefined;
    const needed = isWhole ? length : opcode === BINARY ? Math.min(length, COUNT_BYTES) : 0;
    if (end - content < needed) return 0;
    if (opcode === BINARY) {
      this.changes += changesIn(bytes, content);
      group?.(bytes.subarray(content, content + length));
    } else if (opcode === TEXT) {
      text?.(bytes.toString("utf8", content, content + length));
    } else if (opcode === PING) {
      this.#pinged();
    } else if (opcode === CLOSE) {
      this.#reader.ended("the server closed a session");
    }
    return head + length;
  }
}

/** One connection. */
export class CountingSocket {
  readonly #socket: Socket;
  readonly #frames: FrameCounter;

  private constructor(socket: Socket, frames: FrameCounter) {
    this.#socket = socket;
    this.#frames = frames;
  }

  /** Connects, and begins to speak WebSocket. */
  static async open(url: string, reader: Reader): Promise<CountingSocket> {
    const { hostname, port, pathname } = new URL(url);
    let head: Buffer | null = NOTHING;
    let upgraded: (answer: string) => void = () => undefined;
    const answer = new Promise<string>((resolve) => {
      upgraded = resolve;
    });
    const take = (bytes: Buffer): void => {
      if (head === null) {
        frames.take(bytes);
        return;
      }
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const behind = head.subarray(end + 4);
      upgraded(head.toString("latin1", 0, end));
      head = null;
      frames.take(behind);
    };
    const socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (count) => {
          take(shared.subarray(0, count));
          return true;
        },
      },
    });
    const frames = new FrameCounter(reader, () => {
      socket.write(masked(PONG, NOTHING));
    });
    await once(socket, "connect");
    socket.on("error", (error) => {
      reader.ended(error.message);
    });
    socket.on("close", () => {
      reader.ended("a connection was lost");
    });
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
        `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
    const [status = ""] = (await answer).split("\r\n", 1);
    if (!status.startsWith("HTTP/1.1 101")) throw new Error(`not upgraded: ${status}`);
    return new CountingSocket(socket, frames);
  }

  /** Changes that it received so far. */
  get changes(): number {
    return this.#frames.changes;
  }

  sendText(text: string): void {
    this.#socket.write(masked(TEXT, Buffer.from(text)));
  }

  /** Sends what {@link binaryFrame} made. */
  sendFrame(frame: Buffer): void {
    this.#socket.write(frame);
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }
}

/** A frame with bytes as a client sends it, with a mask of zeros: the content stays as it is. */
export function binaryFrame(content: Uint8Array): Buffer {
  return masked(BINARY, content);
}

function masked(opcode: number, content: Uint8Array): Buffer {
  const { length } = content;
  if (length > 65_535) throw new Error("longer frames are not sent here");
  const head =
    length < 126
      ? [0x80 | opcode, 0x80 | length]
      : [0x80 | opcode, 0xfe, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), content]);
}
