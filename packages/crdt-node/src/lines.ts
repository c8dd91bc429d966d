/**
 * Cuts a stream of bytes into lines of UTF-8, however the bytes are chopped up on their way. A line is bounded: what is
 * too long is skipped to its end and reported once, holding no more than the bound in memory.
 */

/** One line without its line break (LF or CRLF), or why it cannot be read. */
export type Line =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: "too_long" | "not_utf8" };

const LF = 0x0a;
const CR = 0x0d;

/** Feeds on chunks and gives back the lines that they complete. */
export class LineSplitter {
  readonly #maxBytes: number;
  // A byte order mark is no part of a text: dropping it is what this decoder does on its own.
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #overlong = false;

  /** `maxBytes` bounds one line, its line break not counted. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are held of the line that has not ended yet: at most one more than the bound. */
  get held(): number {
    return this.#heldBytes;
  }

  /** The lines that end in this chunk. The chunk must not be changed afterwards. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#hold(chunk.subarray(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
    return lines;
  }

  /** What is left after the last line break, or null when that is nothing. */
  end(): Line | null {
    return this.#heldBytes === 0 && !this.#overlong ? null : this.#take();
  }

  #hold(piece: Uint8Array): void {
    if (piece.length === 0 || this.#overlong) return;
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    // One more than the bound, as the last byte may be the CR of a line break.
    if (this.#heldBytes > this.#maxBytes + 1) {
      this.#overlong = true;
      this.#held = [];
      this.#heldBytes = 0;
    }
  }

  #take(): Line {
    const pieces = this.#held;
    const overlong = this.#overlong;
    this.#held = [];
    this.#heldBytes = 0;
    this.#overlong = false;
    if (overlong) return { ok: false, reason: "too_long" };
    let bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    if (bytes.at(-1) === CR) bytes = bytes.subarray(0, -1);
    if (bytes.length > this.#maxBytes) return { ok: false, reason: "too_long" };
    try {
      return { ok: true, text: this.#decoder.decode(bytes) };
    } catch {
      return { ok: false, reason: "not_utf8" };
    }
  }
}
