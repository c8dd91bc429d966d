/**
 * What waits to be read by all sessions together. A frame that goes to many sessions is held in memory once, and so
 * counts once, for as long as the last of them has not read it.
 */

/** Bytes on their way to sockets. */
export class SendAccount {
  /** For how many sockets a group is on its way. */
  readonly #groups = new Map<Uint8Array, number>();
  #bytes = 0;

  /** Bytes that are held now; a UTF-16 unit of text counts as one. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A frame is given to a socket. */
  take(frame: string | Uint8Array): void {
    if (typeof frame === "string") {
      this.#bytes += frame.length;
      return;
    }
    const before = this.#groups.get(frame) ?? 0;
    this.#groups.set(frame, before + 1);
    if (before === 0) this.#bytes += frame.length;
  }

  /** The socket is done with a frame that it was given. */
  give(frame: string | Uint8Array): void {
    if (typeof frame === "string") {
      this.#bytes -= frame.length;
      return;
    }
    const left = (this.#groups.get(frame) ?? 0) - 1;
    if (left > 0) {
      this.#groups.set(frame, left);
      return;
    }
    this.#groups.delete(frame);
    this.#bytes -= frame.length;
  }
}
