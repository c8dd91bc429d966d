/**
 * Where a running node's lines of data go: stdout, as far as somebody reads it. The node waits for no reader, so what would
 * wait for one beyond some bytes is left out and counted, and that is told once lines flow again.
 */
import type { Writable } from "node:stream";

/** Bytes that wait for a reader at most, and one piece more: what a node shows of some 100,000 transactions. */
export const MAX_UNREAD_BYTES = 32 * 1_048_576;

/** One stream of lines. */
export class Outlet {
  readonly #stream: Writable;
  readonly #write: (text: string) => void;
  readonly #onOmitted: (lines: number) => void;
  #omitted = 0;

  /** `write` writes to the stream; `onOmitted` is told how many lines were left out when there is room again. */
  constructor(stream: Writable, write: (text: string) => void, onOmitted: (lines: number) => void) {
    this.#stream = stream;
    this.#write = write;
    this.#onOmitted = onOmitted;
  }

  /** Writes whole lines, or leaves them out. */
  write(text: string): void {
    if (text === "") return;
    if (this.#omitted === 0 && this.#stream.writableLength <= MAX_UNREAD_BYTES) {
      this.#write(text);
      return;
    }
    // All that waits is read first: lines come in one piece, or not at all.
    if (this.#omitted === 0)
      this.#stream.once("drain", () => {
        const lines = this.#omitted;
        this.#omitted = 0;
        this.#onOmitted(lines);
      });
    this.#omitted += text.split("\n").length - 1;
  }
}
