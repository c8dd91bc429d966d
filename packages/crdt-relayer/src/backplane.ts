/**
 * Where rooms keep what they have verified, and through which relays that share it hear of each other. The embedded one
 * is the store of a single relay; nats/ holds the one of several.
 *
 * What a log gives back is treated as bytes from outside, whoever wrote it: rooms verify it again.
 */
import { ChangeLog, type History, type LogFault, type NewRecord } from "bft-json-crdt";
import { Epochs } from "./epochs.ts";
import { messageOf } from "./exit-codes.ts";
import { IN_MEMORY } from "./settings.ts";
import { SharedWrites } from "./shared-writes.ts";
import { examineCommand, remedyFor, type Store } from "./store.ts";

/** Takes in a group from the log, at once; false when nothing in it was applied, is waiting, or was known. */
export type GroupListener = (group: Uint8Array) => boolean;

/** The log of one document. */
export interface RoomLog {
  /**
   * Appends records in call order, and resolves when they, and all appended before them, are durable. An empty list waits
   * for the earlier ones. Rejects when that cannot happen any more.
   */
  append(records: readonly NewRecord[]): Promise<void>;
  /**
   * Receives all that is in the log into a history; gives after each step the damage that makes the room unusable, or
   * null. Throws BackplaneError when the log cannot be read now.
   */
  replay(history: History): AsyncGenerator<LogFault | null, void, void>;
  /**
   * From the end of the replay on, hands over the groups that come into the log by others, and perhaps one's own again,
   * each once, in their order.
   */
  follow(listener: GroupListener): void;
  /** Hears of nothing any more; appends that wait are rejected. */
  close(): void;
  /**
   * Names the log, in 32 hexadecimal digits: another one as soon as there is reason to think that it is not the one that
   * it was. Never rejects. Two logs may bear one name, if one is a copy of the other.
   */
  epoch(): Promise<string>;
}

/** Whom a backplane tells of what befalls it. */
export interface BackplaneHost {
  /** Nothing can be made durable for now; appends wait. */
  backplaneLost(reason: string): void;
  /** It works again; what waited is being written. */
  backplaneBack(): void;
  /** What was durable is not there any more: the relay must end and begin anew. */
  storingFailed(error: unknown): void;
}

/** What a backplane says of itself. Counts are since it was opened. */
export interface BackplaneStatus {
  readonly kind: "embedded" | "nats";
  /** Why nothing can be made durable now, or null. */
  readonly lost: string | null;
  /** Messages of the shared log that rooms have looked at, to load or live. */
  readonly delivered: number;
  /** Those of them that held nothing of use: garbage, wrong signatures, other rooms' changes. */
  readonly dropped: number;
}

/** The logs of all rooms. */
export interface Backplane {
  /** The log of a document. A room has just one at a time. */
  open(document: Uint8Array): RoomLog;
  /** Begins to deliver and to tell; called once. */
  start(host: BackplaneHost): void;
  status(): BackplaneStatus;
  /** What to do, or to look at, when it has failed so, as a command. */
  remedyFor(error: unknown): string;
  close(): Promise<void>;
}

/** Thrown when a shared log cannot be used now; the message says why. */
export class BackplaneError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BackplaneError";
  }
}

/** The store of one relay, which nobody else writes to. */
export class EmbeddedBackplane implements Backplane {
  readonly #data: string;
  readonly #store: Store;
  readonly #epochs: Epochs;
  readonly #writes: SharedWrites;

  /** `data` is where the store is, for people. */
  constructor(store: Store, data = IN_MEMORY) {
    this.#store = store;
    this.#epochs = new Epochs(store);
    this.#writes = new SharedWrites(store);
    this.#data = data;
  }

  open(document: Uint8Array): RoomLog {
    const log = new ChangeLog(this.#writes, document);
    return {
      append: (records) => log.append(records),
      replay: (history) => log.replay(history),
      follow: () => undefined,
      close: () => undefined,
      epoch: () => this.#epochs.of(document),
    };
  }

  start(): void {
    // Nobody else writes, and a write that fails says so itself.
  }

  status(): BackplaneStatus {
    return { kind: "embedded", lost: null, delivered: 0, dropped: 0 };
  }

  remedyFor(error: unknown): string {
    return remedyFor(this.#data, messageOf(error)) ?? examineCommand(this.#data);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
