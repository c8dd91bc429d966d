/**
 * The log of one document in a stream: all messages on its subject. One publication is on its way at a time, and what
 * waits meanwhile goes with the next, so that the log is in causal order and a busy room costs few messages.
 *
 * Reading and hearing are joined by numbers: while the log is being read, live messages of the room are not kept, only the
 * newest number is; the end of the reading is moved up to it until nothing was missed. So nothing waits in between,
 * nothing is left out, and nothing comes twice.
 */
import {
  changeId,
  decodeGroup,
  type History,
  type LogFault,
  type LogRecord,
  type NewRecord,
  replay,
  type Result,
} from "bft-json-crdt";
import { BackplaneError, type GroupListener, type RoomLog } from "../backplane.ts";
import { Merging } from "./merging.ts";
import type { StreamMessage } from "./reader.ts";

/** What a room's log needs of the connection. */
export interface LogPort {
  /** Names the log. */
  readonly epoch: string;
  /** Resolves when the bytes are durable in the stream; tries until then. Rejects when the log was closed. */
  publish(bytes: Uint8Array): Promise<void>;
  /** The number of the newest message of the room, 0 when there is none. Throws BackplaneError. */
  last(): Promise<number>;
  /** Messages of the room from number `from` on; ends behind what is `to` by then. Throws BackplaneError. */
  read(from: number, to: () => number): AsyncGenerator<StreamMessage, void, void>;
  /** A message of the room was looked at. */
  delivered(): void;
  /** There was nothing of use in one. */
  dropped(): void;
  closed(log: NatsRoomLog): void;
}

interface Waiting {
  /** Null: waits for what is before it. */
  readonly group: Uint8Array | null;
  readonly resolve: () => void;
  readonly reject: (error: BackplaneError) => void;
}

/** One room's log. */
export class NatsRoomLog implements RoomLog {
  readonly #port: LogPort;
  readonly #queue: Waiting[] = [];
  #isWriting = false;
  #isClosed = false;
  /** All messages of the room up to this number were given to it. */
  #position = 0;
  /** The newest that came by while the log was being read. */
  #missed = 0;
  #isRead = false;
  #listener: GroupListener | null = null;
  /** What came between the end of the reading and the first listener: within one turn of the event loop. */
  #early: Uint8Array[] = [];

  constructor(port: LogPort) {
    this.#port = port;
  }

  append(records: readonly NewRecord[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const groups: (Uint8Array | null)[] = records.map(({ group }) => group);
      if (groups.length === 0) groups.push(null);
      groups.forEach((group, index) => {
        const isLast = index === groups.length - 1;
        this.#queue.push({ group, reject, resolve: isLast ? resolve : () => undefined });
      });
      if (!this.#isWriting) void this.#drain();
    });
  }

  async *replay(history: History): AsyncGenerator<LogFault | null, void, void> {
    let end = await this.#port.last();
    for (;;) {
      if (end > this.#position) {
        for await (const fault of replay(this.#records(end), history)) {
          if (fault !== null) this.#port.dropped();
          // The stream is open to others: what does not hold is theirs, and not damage of ours.
          yield null;
        }
      }
      if (this.#missed <= this.#position) break;
      end = this.#missed;
    }
    this.#isRead = true;
  }

  follow(listener: GroupListener): void {
    this.#listener = listener;
    for (const group of this.#early.splice(0)) this.#give(group, listener);
  }

  epoch(): Promise<string> {
    return Promise.resolve(this.#port.epoch);
  }

  /** A live message of the room. */
  hear({ seq, data }: StreamMessage): void {
    if (seq <= this.#position) return;
    if (!this.#isRead) {
      this.#missed = seq;
      return;
    }
    this.#position = seq;
    if (this.#listener !== null) this.#give(data, this.#listener);
    else this.#early.push(data);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#port.closed(this);
    for (const { reject } of this.#queue.splice(0)) reject(closedError());
  }

  #give(group: Uint8Array, listener: GroupListener): void {
    const isKept = listener(group);
    this.#port.delivered();
    if (!isKept) this.#port.dropped();
  }

  async #drain(): Promise<void> {
    this.#isWriting = true;
    while (this.#queue.length > 0) {
      const merging = new Merging();
      let count = 0;
      for (const { group } of this.#queue) {
        if (group !== null && !merging.add(group)) break;
        count++;
      }
      const batch = this.#queue.splice(0, count);
      const message = merging.take();
      try {
        if (message !== null) await this.#port.publish(message);
      } catch {
        for (const { reject } of batch) reject(closedError());
        break;
      }
      for (const { resolve } of batch) resolve();
    }
    this.#isWriting = false;
  }

  /**
   * The messages up to a number, or up to what came by meanwhile, as records of a log. What is no group at all is left out. The
   * end moves while it is read, since to begin anew for what was missed may take as long as it takes others to write more.
   */
  async *#records(to: number): AsyncGenerator<Result<LogRecord, LogFault>, void, void> {
    const end = (): number => Math.max(to, this.#missed);
    for await (const { seq, data } of this.#port.read(this.#position + 1, end)) {
      this.#position = seq;
      const decoded = decodeGroup(data);
      this.#port.delivered();
      if (!decoded.ok) {
        this.#port.dropped();
        continue;
      }
      const ids = decoded.value.map(({ body }) => changeId(body));
      yield { ok: true, value: { position: seq, ids, group: data } };
    }
    if (this.#position < to) this.#position = to;
  }
}

function closedError(): BackplaneError {
  return new BackplaneError("the room's log was closed");
}
