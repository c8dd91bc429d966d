/**
 * The outlet of a session: what it sends, framed once for all sessions, and written once per tick.
 *
 * A change that a room passes on goes to each of its sessions. `ws` makes a frame for each of them and writes each frame by
 * itself, which is a system call for every one. Here the frame (RFC 6455 §5.2) of a group is made once, and what comes together
 * for one socket within a tick is handed to the system in one write.
 *
 * That needs the network socket, which `ws` keeps as `_socket`. A test pins what is relied on. Where it is not there, frames
 * go through `ws` itself.
 */
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { MOST_WRITE_MS, WRITES_REMEMBERED } from "./limits.ts";

/** Text, or a group of changes. */
export type Frame = string | Uint8Array;

/** Who is told of what an outlet holds. */
export interface OutletHost {
  readonly outlets: Outlets;
  /** A frame is given to a socket. */
  sending(frame: Frame): void;
  /** The socket is done with a frame that it was given. */
  sent(frame: Frame): void;
}

/** What can be written at the end of a tick. */
type Flushable = Pick<Outlet, "flush">;

/** Collects what is to be written until the end of the tick, and frames groups. One for all sessions of a relay. */
export class Outlets {
  #waiting: Flushable[] = [];
  /** Milliseconds that it takes to write one. */
  #eachMs = 0;
  /** The groups that were framed in this tick. */
  readonly #framed = new Map<Uint8Array, Buffer>();

  /** Has an outlet written at the end of this tick. */
  add(outlet: Flushable): void {
    if (this.#waiting.push(outlet) === 1) process.nextTick(this.#atEndOfTick);
  }

  /** The frame around some content; of what goes to many within a tick, it is made once. */
  framed(frame: Frame): Buffer {
    if (typeof frame === "string") return encodeFrame(TEXT, Buffer.from(frame));
    let framed = this.#framed.get(frame);
    if (framed === undefined) this.#framed.set(frame, (framed = encodeFrame(BINARY, frame)));
    return framed;
  }

  /** Milliseconds that it will take, by what it took before, to write all that waits. */
  get owedMs(): number {
    return this.#waiting.length * this.#eachMs;
  }

  /** Writes all that waits. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    // Nobody is sent the same group again.
    this.#framed.clear();
    if (waiting.length === 0) return;
    const start = performance.now();
    for (const outlet of waiting) outlet.flush();
    // A pause of the process is soon forgotten.
    const eachMs = (performance.now() - start) / waiting.length;
    this.#eachMs += (Math.min(eachMs, MOST_WRITE_MS) - this.#eachMs) / WRITES_REMEMBERED;
  }

  readonly #atEndOfTick = (): void => {
    this.flush();
  };
}

/** What one session sends. */
export class Outlet {
  readonly #socket: WebSocket;
  readonly #host: OutletHost;
  readonly #drained: () => void;
  /** What is to be written in this tick. */
  #frames: Frame[] = [];
  #framed: Buffer[] = [];
  #bytes = 0;
  /** Writes that were begun, and those that the system has taken; they are taken in their order. */
  #begun = 0;
  #taken = 0;
  /** What `waitedMs` looks at: the last write that had begun when it was asked, and when that was. */
  #watched = 0;
  #watchedAt = 0;

  /** `drained` is called whenever the system has taken what was written. */
  constructor(socket: WebSocket, host: OutletHost, drained: () => void) {
    this.#socket = socket;
    this.#host = host;
    this.#drained = drained;
  }

  /** Bytes that wait for the other end to read them. */
  get unread(): number {
    return this.#bytes + this.#socket.bufferedAmount;
  }

  /**
   * For how long, in milliseconds, something has been waiting to be read, as far as this is asked from time to time: at
   * least so long, and less than the time between two questions longer. No list of times is kept.
   */
  waitedMs(now: number): number {
    if (this.#taken >= this.#watched) {
      this.#watched = this.#begun;
      this.#watchedAt = now;
    }
    return this.#taken < this.#watched ? now - this.#watchedAt : 0;
  }

  /** True when nothing is to be written in this tick so far. */
  get isFlushed(): boolean {
    return this.#frames.length === 0;
  }

  /** Sends a frame, in this tick, behind all before it. The socket must be open. */
  send(frame: Frame): void {
    this.#host.sending(frame);
    const framed = this.#host.outlets.framed(frame);
    this.#frames.push(frame);
    this.#framed.push(framed);
    this.#bytes += framed.length;
    if (this.#frames.length === 1) this.#host.outlets.add(this);
  }

  /** Writes what is to be written: to be called before the socket is closed, so that it arrives. */
  flush(): void {
    const frames = this.#frames;
    if (frames.length === 0) return;
    const framed = this.#framed;
    this.#frames = [];
    this.#framed = [];
    this.#bytes = 0;
    this.#begun++;
    const done = (): void => {
      this.#taken++;
      for (const frame of frames) this.#host.sent(frame);
      this.#drained();
    };
    const stream = streamOf(this.#socket);
    const last = frames.length - 1;
    if (stream === null) {
      frames.forEach((frame, at) => {
        this.#socket.send(frame, { binary: typeof frame !== "string" }, at === last ? done : noop);
      });
      return;
    }
    stream.cork();
    for (let at = 0; at <= last; at++) stream.write(framed[at]!, at === last ? done : undefined);
    stream.uncork();
  }
}

/** The open network socket below a WebSocket, or null when frames have to go through ws. */
export function streamOf(socket: WebSocket): Duplex | null {
  const { _socket: stream } = socket as unknown as { readonly _socket?: Duplex | null };
  const isUsable =
    socket.readyState === WebSocket.OPEN &&
    typeof stream === "object" &&
    stream !== null &&
    typeof stream.cork === "function" &&
    stream.writable;
  return isUsable ? stream : null;
}

const TEXT = 1;
const BINARY = 2;

function noop(): void {
  // Only the last of several frames is waited for: they are written in order.
}

/** A whole message in one frame, unmasked, as a server sends it. */
export function encodeFrame(opcode: typeof TEXT | typeof BINARY, content: Uint8Array): Buffer {
  const { length } = content;
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafeSlow(head + length);
  frame[0] = 0x80 | opcode;
  if (head === 2) {
    frame[1] = length;
  } else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(content, head);
  return frame;
}
