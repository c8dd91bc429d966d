/**
 * Whether a stream still is the log that it was. One that was deleted, restored from an older copy, or has lost its end
 * with a server's memory lacks what was acknowledged; a relay that went on with it would show what the log does not hold.
 */
import type { StreamInfo } from "@nats-io/jetstream";
import { equalBytes } from "bft-json-crdt";
import { BackplaneError } from "../backplane.ts";
import { NATS_DOUBT_MS } from "../limits.ts";
import type { StreamMessage } from "./reader.ts";
import { isMissing, storedMessage, type StreamReader } from "./stream.ts";

/** The stream is not the one that it was. */
export class LogLostError extends BackplaneError {}

/** What is known of a stream, to be compared whenever it may have changed behind one's back. */
export class Continuity {
  readonly #stream: string;
  /** When the stream was made: another one of its name is not the same log. */
  #created: string;
  /** How many messages it had before anything was known of them. */
  readonly #first: number;
  /** The last one that it is known to have had. */
  #newest: StreamMessage | null = null;
  /** Since when it seems to lack something, in milliseconds: a leader that was just chosen may still find it. */
  #doubtful: number | null = null;

  constructor({ config, created, state }: Pick<StreamInfo, "config" | "created" | "state">) {
    this.#stream = config.name;
    this.#created = created;
    this.#first = state.last_seq;
  }

  /** A message was read, or its publication was acknowledged. */
  saw(message: StreamMessage): void {
    if (message.seq > this.#greatest) this.#newest = message;
  }

  /** Throws LogLostError when the stream lacks what it had, and what the server answers. */
  async check(manager: StreamReader, now = performance.now()): Promise<void> {
    let info: Pick<StreamInfo, "created" | "state">;
    try {
      info = await manager.streams.info(this.#stream);
    } catch (error) {
      if (isMissing(error)) throw this.#doubt(`the stream ${this.#stream} was deleted`, now);
      throw error;
    }
    if (info.created !== this.#created) {
      if (!(await this.#isSame(manager)))
        throw new LogLostError(`the stream ${this.#stream} was deleted and made anew`);
      this.#created = info.created;
    }
    if (info.state.last_seq < this.#greatest)
      throw this.#doubt(`the stream ${this.#stream} has lost its last messages`, now);
    this.#doubtful = null;
    if (this.#newest === null) return;
    const stored = await storedMessage(manager, this.#stream, this.#newest.seq);
    // One that was deleted on purpose is no sign of anything.
    if (stored !== null && !equalBytes(stored.data, this.#newest.data))
      throw new LogLostError(`the stream ${this.#stream} has lost messages, and got others since`);
  }

  get #greatest(): number {
    return this.#newest?.seq ?? this.#first;
  }

  /**
   * Whether a stream that was made at another time holds what was seen, or nothing was. Two relays that make it at once in
   * a cluster are told two times, of which one is kept.
   */
  async #isSame(manager: StreamReader): Promise<boolean> {
    if (this.#newest === null) return this.#greatest === 0;
    const stored = await storedMessage(manager, this.#stream, this.#newest.seq);
    return stored !== null && equalBytes(stored.data, this.#newest.data);
  }

  #doubt(reason: string, now: number): BackplaneError {
    this.#doubtful ??= now;
    return now - this.#doubtful < NATS_DOUBT_MS
      ? new BackplaneError(reason)
      : new LogLostError(reason);
  }
}
