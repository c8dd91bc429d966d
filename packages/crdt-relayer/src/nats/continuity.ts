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
  /** How many messages it had at first. */
  readonly #first: number;
  /** The last message that was read of all, in order. */
  #followed: StreamMessage | null;
  /** The last one that was read at all, by a room that is ahead of that. */
  #newest: StreamMessage | null;
  /** Since when it seems to lack something, in milliseconds: a leader that was just chosen may still find it. */
  #doubtful: number | null = null;

  /** `last` is the last message that it has now, unless that was deleted. */
  constructor(
    { config, created, state }: Pick<StreamInfo, "config" | "created" | "state">,
    last: StreamMessage | null,
  ) {
    this.#stream = config.name;
    this.#created = created;
    this.#first = state.last_seq;
    this.#followed = last;
    this.#newest = last;
  }

  /** A message was read behind all before it. */
  followed(message: StreamMessage): void {
    this.#followed = message;
    this.read(message);
  }

  /** A message was read. */
  read(message: StreamMessage): void {
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
    // The newest alone would not do: a room may have read it after something was lost and before that was noticed.
    for (const known of new Set([this.#followed, this.#newest])) {
      if (known !== null && (await this.#holds(manager, known)) === false)
        throw new LogLostError(
          `the stream ${this.#stream} has lost messages, and got others since`,
        );
    }
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
    return (await this.#holds(manager, this.#newest)) === true;
  }

  /** Whether a message is stored; null when there is none of its number, which is no sign of anything: it may be deleted. */
  async #holds(
    manager: StreamReader,
    { seq, subject, data }: StreamMessage,
  ): Promise<boolean | null> {
    const stored = await storedMessage(manager, this.#stream, seq);
    return stored === null ? null : stored.subject === subject && equalBytes(stored.data, data);
  }

  #doubt(reason: string, now: number): BackplaneError {
    this.#doubtful ??= now;
    return now - this.#doubtful < NATS_DOUBT_MS
      ? new BackplaneError(reason)
      : new LogLostError(reason);
  }
}
