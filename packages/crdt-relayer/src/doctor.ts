/**
 * Examines a relay's store: every room record by record, with every hash, link and signature, trusting nothing but the
 * code. What is damaged can be set aside, so that the relay starts again and nodes bring back what is missing. Nothing
 * is ever deleted: records go to a place of their own in the database (see quarantine.ts), and before the database itself
 * is mended, all its files are copied.
 */
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ChangeLog, faultOf, History, toHex } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { EXIT, messageOf, RelayError, systemCode } from "./exit-codes.ts";
import { countQuarantined, type Quarantined, roomsIn, setAside } from "./quarantine.ts";
import { type Database, describeFault, journalFault, openDatabase, storeFolder } from "./store.ts";

/** Something in a room that is not what was written. */
export interface RoomFault {
  /** The record, counted from 0. */
  readonly position: number;
  /** Ids of the changes that should be there, in hex; empty when that cannot be known. */
  readonly changes: readonly string[];
  /** One sentence for people. */
  readonly detail: string;
}

/** What was found in one room. */
export interface RoomReport {
  /** The document id in hex. */
  readonly document: string;
  /** Applied changes, and who made them. */
  readonly changes: number;
  readonly authors: number;
  /** Chains on which their author equivocated: no damage, but evidence that is kept. */
  readonly forks: number;
  /** Records that could be read, and their bytes. */
  readonly records: number;
  readonly bytes: number;
  /** Records from the first on that are all sound. */
  readonly intact: number;
  readonly faults: readonly RoomFault[];
  /** All of them; only the first few are listed. */
  readonly faultCount: number;
  /** What was moved to the quarantine; null when nothing was. */
  readonly moved: Quarantined | null;
}

/** What was found in a store. */
export interface StoreReport {
  readonly rooms: readonly RoomReport[];
  /** What is wrong with the database itself, in words. Its rooms cannot be read before that is mended. */
  readonly faults: readonly string[];
  /** Where its files were copied before it was mended; null when it was not. */
  readonly copy: string | null;
  /** What is in the quarantine now. */
  readonly quarantined: Quarantined;
  readonly isSound: boolean;
}

/** What an examination does, and whom it tells. */
export interface DoctorOptions {
  /** Sets aside what is damaged. */
  readonly repair: boolean;
  /** Called for each record. */
  readonly onProgress?: (progress: { room: number; changes: number; bytes: number }) => void;
}

/** Faults of a room that are listed one by one: a change that is damaged takes all that build on it with it. */
const MAX_LISTED = 20;

const NOTHING: Quarantined = { records: 0, bytes: 0 };

/** Examines the store in a data folder that no relay uses. Throws RelayError when there is none, or it is in use. */
export async function examineStore(data: string, options: DoctorOptions): Promise<StoreReport> {
  const folder = storeFolder(data);
  if (!existsSync(folder)) {
    throw new RelayError(EXIT.failure, {
      what: `there is no store in ${data}`,
      why: `${folder} does not exist`,
      next: "crdt-relayer doctor --data DIR",
    });
  }
  const faults: string[] = [];
  const journal = journalFault(data);
  if (journal !== null) faults.push(describeFault(journal));
  // Opening it would drop what is behind the damage.
  if (journal !== null && !journal.isTail && !options.repair) return unreadable(faults);
  let copy = journal !== null && !journal.isTail ? copyStore(data) : null;
  let db: Database;
  try {
    db = await openDatabase(data);
  } catch (error) {
    if (!(error instanceof RelayError) || error.exitCode !== EXIT.damaged) {
      // Someone else uses it: what was copied meanwhile is worth nothing.
      if (copy !== null) rmSync(copy, { recursive: true });
      throw error;
    }
    faults.push(error.why ?? error.message);
    if (!options.repair) return unreadable(faults);
    copy ??= copyStore(data);
    db = await mended(data);
  }
  try {
    let rooms: RoomReport[];
    try {
      rooms = await examineRooms(db, options);
    } catch (error) {
      if (!isDamage(error)) throw error;
      faults.push(messageOf(error));
      if (!options.repair) return unreadable(faults);
      await db.close();
      copy ??= copyStore(data);
      db = await mended(data);
      rooms = await examineRooms(db, options);
    }
    const isSound = rooms.every(({ faultCount, moved }) => faultCount === 0 || moved !== null);
    return { rooms, faults, copy, quarantined: await countQuarantined(db), isSound };
  } finally {
    await db.close();
  }
}

function unreadable(faults: readonly string[]): StoreReport {
  return { rooms: [], faults, copy: null, quarantined: NOTHING, isSound: false };
}

/** Copies the files of the database beside it; returns where to. */
function copyStore(data: string): string {
  const stamp = new Date().toISOString().replaceAll(":", "-");
  const copy = join(data, "quarantine", stamp);
  cpSync(storeFolder(data), copy, { recursive: true, errorOnExist: true, force: false });
  return copy;
}

/** Lets LevelDB save what it can of a database that it cannot read, and opens that. */
async function mended(data: string): Promise<Database> {
  await ClassicLevel.repair(storeFolder(data));
  return openDatabase(data);
}

async function examineRooms(db: Database, options: DoctorOptions): Promise<RoomReport[]> {
  const reports: RoomReport[] = [];
  const now = Date.now();
  for await (const document of roomsIn(db)) {
    const report = await examineRoom(db, document, (changes, bytes) => {
      options.onProgress?.({ room: reports.length + 1, changes, bytes });
    });
    const mustMove = options.repair && report.faultCount > 0;
    const moved = mustMove ? await setAside(db, document, report.intact, now) : null;
    reports.push({ ...report, moved });
  }
  return reports;
}

/** Receives every record of a room by itself into a history that starts empty. */
async function examineRoom(
  db: Database,
  document: Uint8Array,
  onRecord: (changes: number, bytes: number) => void,
): Promise<Omit<RoomReport, "moved">> {
  const history = new History({ document });
  const faults: RoomFault[] = [];
  let faultCount = 0;
  let records = 0;
  let bytes = 0;
  let intact = Infinity;
  for await (const read of new ChangeLog(db, document).read()) {
    if (read.ok) {
      records++;
      bytes += read.value.group.length;
      history.receive(read.value.group, "store");
      onRecord(history.length, bytes);
    }
    const fault = read.ok ? faultOf(history, read.value) : read.error;
    if (fault === null) continue;
    faultCount++;
    intact = Math.min(intact, fault.position);
    if (faults.length < MAX_LISTED) {
      const { position, ids, detail } = fault;
      faults.push({ position, changes: ids.map(toHex), detail });
    }
  }
  return {
    document: toHex(document),
    changes: history.length,
    authors: new Set(history.tips().map(({ author }) => toHex(author))).size,
    forks: history.forks().length,
    records,
    bytes,
    intact: Math.min(intact, records),
    faults,
    faultCount,
  };
}

/** True for what LevelDB says of bytes that are not what it wrote. */
function isDamage(error: unknown): boolean {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return [error, cause].some((one) => systemCode(one) === "LEVEL_CORRUPTION");
}
