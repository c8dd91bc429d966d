/**
 * The quarantine: records of damaged rooms, in the same database under keys of their own, where nothing reads them. They
 * are kept, since whoever examines them by hand may find more than a program can.
 *
 * Key: "q" ‖ time (milliseconds since 1970, 8 bytes, big-endian) ‖ the key that the record had.
 */
import type { Database } from "./store.ts";

/** Records that were moved, or are there. Bytes of their values. */
export interface Quarantined {
  readonly records: number;
  readonly bytes: number;
}

const LOG_PREFIX = 0x67; // "g", as a change log writes it
const QUARANTINE_PREFIX = 0x71; // "q"
const DOCUMENT_BYTES = 32;
const ROOM_BYTES = 1 + DOCUMENT_BYTES;
const KEY_BYTES = ROOM_BYTES + 8;

/** Bytes moved in one write, so that a large room does not have to fit into memory twice. */
const MAX_BATCH_BYTES = 4 * 1_048_576;

/** The documents that have records, each once. */
export async function* roomsIn(db: Database): AsyncGenerator<Uint8Array, void, void> {
  const end = Uint8Array.of(LOG_PREFIX + 1);
  for (let from: Uint8Array | null = Uint8Array.of(LOG_PREFIX); from !== null;) {
    const [key]: Uint8Array[] = await db.keys({ gte: from, lt: end, limit: 1 }).all();
    if (key === undefined) return;
    if (key.length < ROOM_BYTES) {
      // Of no room, and read by nothing.
      from = Uint8Array.of(...key, 0);
      continue;
    }
    const room = new Uint8Array(ROOM_BYTES);
    room.set(key.subarray(0, ROOM_BYTES));
    yield room.slice(1);
    from = successor(room);
  }
}

/**
 * Moves a room's records from this position on, and whatever else is under its keys, to the quarantine. Each write moves
 * records whole and is synced: a crash leaves a record in one place or the other, and the rest for the next time.
 */
export async function setAside(
  db: Database,
  document: Uint8Array,
  position: number,
  now: number,
): Promise<Quarantined> {
  const room = Uint8Array.of(LOG_PREFIX, ...document);
  const end = successor(room) ?? Uint8Array.of(LOG_PREFIX + 1);
  let moved = { records: 0, bytes: 0 };
  let batch = db.batch();
  let waiting = 0;
  for await (const [key, value] of db.iterator({ gte: room, lt: end })) {
    if (isWithin(key, position)) continue;
    batch.put(quarantineKey(now, key), value).del(key);
    moved = { records: moved.records + 1, bytes: moved.bytes + value.length };
    waiting += value.length;
    if (waiting < MAX_BATCH_BYTES) continue;
    await batch.write({ sync: true });
    batch = db.batch();
    waiting = 0;
  }
  await batch.write({ sync: true });
  return moved;
}

/** What is in the quarantine. */
export async function countQuarantined(db: Database): Promise<Quarantined> {
  let records = 0;
  let bytes = 0;
  const range = { gte: Uint8Array.of(QUARANTINE_PREFIX), lt: Uint8Array.of(QUARANTINE_PREFIX + 1) };
  for await (const value of db.values(range)) {
    records++;
    bytes += value.length;
  }
  return { records, bytes };
}

/** True for the key of a record before this position. */
function isWithin(key: Uint8Array, position: number): boolean {
  if (key.length !== KEY_BYTES) return false;
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return view.getBigUint64(ROOM_BYTES) < BigInt(position);
}

function quarantineKey(now: number, key: Uint8Array): Uint8Array {
  const moved = new Uint8Array(9 + key.length);
  moved[0] = QUARANTINE_PREFIX;
  new DataView(moved.buffer).setBigUint64(1, BigInt(now));
  moved.set(key, 9);
  return moved;
}

/** The least key behind all that begin with these bytes; null when that is no key of a log any more. */
function successor(prefix: Uint8Array): Uint8Array | null {
  const next = prefix.slice();
  for (let at = next.length - 1; at > 0; at--) {
    if (next[at]! < 0xff) {
      next[at]!++;
      return next;
    }
    next[at] = 0;
  }
  return null;
}
