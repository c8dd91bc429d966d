/**
 * The cursors that relays have told, kept in the store beside the changes that they stand for: a store that is restored
 * from a backup comes with the cursors of its time. Each is written after those changes are durable, and not synced: what
 * is lost of it costs a comparison of frontiers.
 *
 * Key: "c" ‖ document (32 bytes) ‖ the relay's URL in UTF-8. Value: the cursor as JSON.
 */
import { type Cursor, parseCursor } from "bft-json-crdt";
import type { ClassicLevel } from "classic-level";

type Database = Pick<ClassicLevel<Uint8Array, Uint8Array>, "iterator" | "put">;

/** Where one was in the logs of relays, by their URLs. */
export interface Cursors {
  get(url: string): Cursor | undefined;
  /** Keeps a cursor; everything before it must be durable in this store. */
  set(url: string, cursor: Cursor): unknown;
}

const PREFIX = 0x63; // "c"
const ENCODINGS = { keyEncoding: "view", valueEncoding: "view" } as const;

/** The cursors for one document in a store. */
export class StoredCursors implements Cursors {
  readonly #db: Database;
  readonly #document: Uint8Array;
  readonly #cursors: Map<string, Cursor>;
  /** URLs whose cursors are not written yet; a relay that tells them faster than that is not waited for. */
  readonly #unwritten = new Set<string>();
  #writing: Promise<void> | null = null;

  private constructor(db: Database, document: Uint8Array, cursors: Map<string, Cursor>) {
    this.#db = db;
    this.#document = document;
    this.#cursors = cursors;
  }

  /** Reads what is there; what is not a cursor is passed over. Throws what the database throws. */
  static async open(db: Database, document: Uint8Array): Promise<StoredCursors> {
    const first = keyOf(document, "");
    const cursors = new Map<string, Cursor>();
    // No URL holds a byte of 0xff.
    const range = { gte: first, lt: Uint8Array.of(...first, 0xff), ...ENCODINGS };
    for await (const [key, value] of db.iterator(range)) {
      const cursor = readCursor(value);
      if (cursor !== null)
        cursors.set(new TextDecoder().decode(key.subarray(first.length)), cursor);
    }
    return new StoredCursors(db, document, cursors);
  }

  get(url: string): Cursor | undefined {
    return this.#cursors.get(url);
  }

  set(url: string, cursor: Cursor): void {
    this.#cursors.set(url, cursor);
    this.#unwritten.add(url);
    this.#writing ??= this.#write();
  }

  /** Resolves when all that was set is written, or cannot be. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (const url of this.#unwritten) {
      this.#unwritten.delete(url);
      const value = new TextEncoder().encode(JSON.stringify(this.#cursors.get(url)));
      // What cannot be written now will not be there; a disk that fails is told of by the changes.
      await this.#db.put(keyOf(this.#document, url), value, ENCODINGS).catch(() => undefined);
    }
    this.#writing = null;
  }
}

function keyOf(document: Uint8Array, url: string): Uint8Array {
  return Uint8Array.of(PREFIX, ...document, ...new TextEncoder().encode(url));
}

function readCursor(value: Uint8Array): Cursor | null {
  try {
    return parseCursor(JSON.parse(new TextDecoder().decode(value)));
  } catch {
    return null;
  }
}
