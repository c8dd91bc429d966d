/**
 * A WebSocket client that does as little as can be: it counts frames. A thousand of the usual ones would take more time than
 * the server that is measured.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Opcodes of RFC 6455 §5.2. */
const TEXT = 1;
const BINARY = 2;
const PING = 9;
const PONG = 10;

/** One connection. */
export class CountingSocket {
  /** Frames with bytes so far. */
  count = 0;
  /** Is told of the content of each of them, when it is set; it is not to be kept. */
  onBytes: ((content: Buffer) => void) | null = null;
  onText: ((text: string) => void) | null = null;
  readonly #socket: Socket;
  readonly #counted: () => void;
  /** The beginning of a frame whose end has not come yet. */
  #rest: Buffer | null = null;

  private constructor(socket: Socket, counted: () => void) {
    this.#socket = socket;
    this.#counted = counted;
  }

  /** Connects; `counted` is called for each frame with bytes. */
  static async open(url: string, counted: () => void): Promise<CountingSocket> {
    const { hostname, port, pathname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    await once(socket, "connect");
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
        `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
    const opened = new CountingSocket(socket, counted);
    let head = Buffer.alloc(0);
    await new Promise<void>((resolve, reject) => {
      const take = (data: Buffer): void => {
        head = Buffer.concat([head, data]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        socket.off("data", take);
        if (!head.toString("latin1").startsWith("HTTP/1.1 101")) {
          reject(new Error(`not upgraded: ${head.toString("latin1").split("\r\n", 1)[0]}`));
          return;
        }
        socket.on("data", (more: Buffer) => {
          opened.#take(more);
        });
        opened.#take(head.subarray(end + 4));
        resolve();
      };
      socket.on("data", take);
      socket.once("error", reject);
    });
    return opened;
  }

  sendText(text: string): void {
    this.#socket.write(masked(TEXT, Buffer.from(text)));
  }

  /** Sends what `masked` made. */
  sendFrame(frame: Buffer): void {
    this.#socket.write(frame);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    let bytes = this.#rest === null ? data : Buffer.concat([this.#rest, data]);
    this.#rest = null;
    while (bytes.length >= 2) {
      const short = bytes[1]! & 127;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length < head) break;
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(2)
            : Number(bytes.readBigUInt64BE(2));
      if (bytes.length < head + length) break;
      this.#frame(bytes[0]! & 15, bytes, head, head + length);
      bytes = bytes.subarray(head + length);
    }
    if (bytes.length > 0) this.#rest = Buffer.from(bytes);
  }

  #frame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === BINARY) {
      this.count++;
      this.#counted();
      this.onBytes?.(bytes.subarray(start, end));
    } else if (opcode === TEXT) {
      this.onText?.(bytes.toString("utf8", start, end));
    } else if (opcode === PING) {
      this.#socket.write(masked(PONG, bytes.subarray(start, end)));
    }
  }
}

/** A frame with bytes as a client sends it, with a mask of zeros: the content stays as it is. */
export function binaryFrame(content: Uint8Array): Buffer {
  return masked(BINARY, content);
}

function masked(opcode: number, content: Uint8Array): Buffer {
  const { length } = content;
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | length])
      : length < 65_536
        ? Buffer.from([0x80 | opcode, 0xfe, length >> 8, length & 255])
        : Buffer.from([0x80 | opcode, 0xff, 0, 0, 0, 0, ...uint32(length)]);
  return Buffer.concat([head, Buffer.alloc(4), content]);
}

function uint32(n: number): number[] {
  return [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
}
