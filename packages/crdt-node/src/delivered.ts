/**
 * The last own change that a relay or peer has acknowledged, kept in the store: a node that starts anew knows what it has not
 * delivered. It is not synced: what is lost of it is learnt again from the first relay that is met.
 *
 * Key: "d" ‖ document (32 bytes). Value: the id of the change (32 bytes).
 */
import type { ClassicLevel } from "classic-level";

type Database = Pick<ClassicLevel<Uint8Array, Uint8Array>, "get" | "put">;

/** What was delivered. */
export interface Delivered {
  /** The last own change that was acknowledged, and with it all that it builds on; null when none is known. */
  readonly id: Uint8Array | null;
  set(id: Uint8Array): void;
}

const PREFIX = 0x64; // "d"
const ENCODINGS = { keyEncoding: "view", valueEncoding: "view" } as const;

/** What is known of one document's changes in a store. */
export class StoredDelivered implements Delivered {
  id: Uint8Array | null;
  readonly #db: Database;
  readonly #key: Uint8Array;
  /** What the write that is on its way will not have written. */
  #isBehind = false;
  #writing: Promise<void> | null = null;

  private constructor(db: Database, key: Uint8Array, id: Uint8Array | null) {
    this.#db = db;
    this.#key = key;
    this.id = id;
  }

  /** Reads what is there. Throws what the database throws. */
  static async open(db: Database, document: Uint8Array): Promise<StoredDelivered> {
    const key = Uint8Array.of(PREFIX, ...document);
    const id = await db.get(key, ENCODINGS);
    return new StoredDelivered(db, key, id === undefined ? null : new Uint8Array(id));
  }

  set(id: Uint8Array): void {
    this.id = id;
    this.#isBehind = true;
    this.#writing ??= this.#write();
  }

  /** Resolves when what was set is written, or cannot be. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#isBehind) {
      this.#isBehind = false;
      // What cannot be written now will not be there; a disk that fails is told of by the changes.
      await this.#db.put(this.#key, this.id!, ENCODINGS).catch(() => undefined);
    }
    this.#writing = null;
  }
}
