/**
 * Reading a socket in pieces. One read brings up to 64 KiB, and all of that is taken apart before anybody else has a turn: ten
 * thousand frames of nothing, which take 40 ms. So it is handed on a piece at a time, and whoever takes the pieces may pause the
 * socket in between: then the rest waits in its stream. The dearer a byte was lately, the smaller the pieces are.
 */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import {
  CHEAP_PIECE_MS,
  DEAR_PIECE_MS,
  FIRST_PIECE_BYTES,
  FRAGMENT_BYTES,
  LEAST_PIECE_BYTES,
  MOST_PIECE_BYTES,
  MOST_SPARE_FRAGMENTS,
} from "./limits.ts";
import { streamOf } from "./outlet.ts";

/** What one socket brings, in pieces. */
export class Pieces {
  readonly #stream: Duplex;
  #bytes = FIRST_PIECE_BYTES;
  #isHandingOn = false;
  /** Bytes that were read and belong to no message that is whole; less than none while one piece is being taken apart. */
  #openBytes = 0;
  /** Fragments that messages may have come in: which headers were theirs is seen only after what comes with them is taken apart. */
  #spare = 0;

  /** `comes` is called before what one read brought is handed on. If it pauses the socket, all of it waits. */
  constructor(stream: Duplex, comes: () => void) {
    this.#stream = stream;
    // Nobody waits for the first read any more.
    Reflect.deleteProperty(stream, "push");
    const push = stream.push.bind(stream);
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      comes();
      if (!(chunk instanceof Uint8Array) || chunk.length <= this.#bytes)
        return push(chunk, encoding);
      let at = 0;
      this.#isHandingOn = true;
      while (chunk.length - at > this.#bytes && !stream.destroyed)
        push(chunk.subarray(at, (at += this.#bytes)));
      this.#isHandingOn = false;
      return !stream.destroyed && push(chunk.subarray(at));
    };
    // ws takes all that is left at once when the connection is gone. Nobody was told that any of it is kept.
    stream.prependListener("close", () => {
      if (stream.readableLength > this.#bytes) stream.read(stream.readableLength);
    });
  }

  /** More has come than what was handed on. */
  get hasMore(): boolean {
    return this.#isHandingOn || this.#stream.readableLength > 0;
  }

  /** Has one piece of what waits in the stream read now, though it is paused. */
  read(): void {
    this.#stream.read(Math.min(this.#bytes, this.#stream.readableLength));
  }

  /** A control frame has come, maybe between two fragments of a message. */
  control(bytes: number): void {
    this.#openBytes -= headerBytes(bytes) + bytes;
  }

  /**
   * A message is whole. Returns in how many fragments more it came than it may: what was read for it beyond its content and one
   * header are headers of fragments.
   */
  message(bytes: number): number {
    this.#openBytes -= headerBytes(bytes) + bytes;
    this.#spare = Math.min(MOST_SPARE_FRAGMENTS, this.#spare + bytes / FRAGMENT_BYTES);
    if (this.#openBytes <= 0) return 0;
    const beyond = this.#openBytes / headerBytes(0) - this.#spare;
    this.#openBytes = 0;
    this.#spare = Math.max(0, -beyond);
    return Math.max(0, beyond);
  }

  /** To take a piece of so many bytes apart took so long, without what was done with what it held. */
  took(bytes: number, ms: number): void {
    this.#openBytes += bytes;
    if (ms > DEAR_PIECE_MS) this.#bytes = Math.max(LEAST_PIECE_BYTES, this.#bytes >> 1);
    else if (ms < CHEAP_PIECE_MS && bytes >= this.#bytes)
      this.#bytes = Math.min(MOST_PIECE_BYTES, this.#bytes << 1);
  }
}

/** Calls back before the first of what a socket brings is read; at once when something has come already, or it cannot be told. */
export function whenFirstRead(socket: WebSocket, first: () => void): void {
  const stream = streamOf(socket);
  if (stream === null || stream.readableLength > 0) {
    first();
    return;
  }
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    Reflect.deleteProperty(stream, "push");
    if (chunk !== null) first();
    return stream.push(chunk, encoding);
  };
}

/** Gives a stream that nobody reads yet back what was read of it, in pieces. */
export function giveBack(stream: Duplex, bytes: Uint8Array): void {
  for (let end = bytes.length; end > 0; end -= FIRST_PIECE_BYTES)
    stream.unshift(bytes.subarray(Math.max(0, end - FIRST_PIECE_BYTES), end));
}

/** Bytes of the header of a client's frame with so many bytes (RFC 6455 §5.2), mask included. */
function headerBytes(bytes: number): number {
  return 6 + (bytes < 126 ? 0 : bytes < 65_536 ? 2 : 8);
}
