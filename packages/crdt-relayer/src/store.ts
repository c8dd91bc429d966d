/**
 * The database of a relay: LevelDB at DIR/store, opened by one process at a time, or a map in memory that is forgotten.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LevelLike } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import type { Logger } from "pino";
import { EXIT, messageOf, RelayError, systemCode } from "./exit-codes.ts";
import { type JournalFault, readJournal } from "./journal.ts";
import { missingJournal } from "./manifest.ts";
import { MemoryLevel } from "./memory-level.ts";
import { IN_MEMORY } from "./settings.ts";

/** An open database; nobody else has it open. */
export interface Store extends LevelLike {
  close(): Promise<void>;
}

/** The database on a disk. */
export type Database = ClassicLevel<Uint8Array, Uint8Array>;

/** Where the database of a data folder is. */
export function storeFolder(data: string): string {
  return join(data, "store");
}

/** The command that examines a store. */
export function examineCommand(data: string): string {
  return `crdt-relayer doctor --data ${quoted(data)}`;
}

/** The command that mends a store. */
export function repairCommand(data: string): string {
  return `${examineCommand(data)} --repair`;
}

/** The command for what the system, and not the store, has refused; undefined where it refused nothing that is known here. */
export function remedyFor(data: string, reason: string): string | undefined {
  if (/No space left|quota exceeded/iu.test(reason)) return `df -h ${quoted(data)}`;
  // The limit of the process, not the one of the whole machine.
  if (/Too many open files(?! in system)/iu.test(reason)) return "ulimit -n 65536";
  if (/File too large/iu.test(reason)) return "ulimit -f unlimited";
  return undefined;
}

/** `path` as a shell takes it. */
export function quoted(path: string): string {
  return /^[\w./:@%+=-]+$/u.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * Opens the store in the folder `data`, which is made when it is missing. What a power cut has torn off is told to the
 * log. Throws RelayError; a store that lost what was durable is left as it is.
 */
export async function openStore(data: string, log: Logger): Promise<Store> {
  if (data === IN_MEMORY) return new MemoryLevel();
  const folder = storeFolder(data);
  try {
    // Rooms may be private: what was written in them is nobody else's business on this machine.
    makeFolder(folder);
  } catch (error) {
    throw new RelayError(EXIT.failure, {
      what: `cannot make the data folder ${data}`,
      why: messageOf(error),
      next: "crdt-relayer --data DIR",
    });
  }
  const fault = journalFault(data);
  if (fault !== null && !fault.isTail) throw damagedStore(data, describeFault(fault));
  const db = await openDatabase(data);
  if (fault !== null) {
    const { file, at, bytes } = fault;
    log.warn(
      { file, at, bytes },
      "the last write to the store was cut off, as by a power cut; it was never acknowledged",
    );
  }
  return db;
}

/** Opens the database of a data folder as it is, whatever its journal lost. Throws RelayError. */
export async function openDatabase(data: string): Promise<Database> {
  const folder = storeFolder(data);
  // LevelDB would take this for an empty database, and remove the files as left over.
  if (!existsSync(join(folder, "CURRENT")) && dataFiles(folder).length > 0)
    throw damagedStore(data, "its file CURRENT is missing");
  const journal = missingJournal(folder);
  if (journal !== null) throw damagedStore(data, `its file ${journal} is missing`);
  const db: Database = new ClassicLevel(folder, { keyEncoding: "view", valueEncoding: "view" });
  try {
    await db.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw openingError(data, folder, cause);
  }
  return db;
}

/** What the journal of a store has lost, or null. Throws RelayError when it cannot be read. */
export function journalFault(data: string): JournalFault | null {
  try {
    return readJournal(storeFolder(data));
  } catch (error) {
    throw openingError(data, storeFolder(data), error);
  }
}

/** A fault of the journal in words. */
export function describeFault({ file, at, bytes, isTail }: JournalFault): string {
  return isTail
    ? `${file} ends in a write that was cut off, at byte ${at}: ${bytes} bytes that were never acknowledged`
    : `${file} is damaged at byte ${at}, and later writes follow`;
}

/** The files of a database that hold what was written to it. */
function dataFiles(folder: string): string[] {
  return readdirSync(folder).filter((file) => /\.(?:log|ldb|sst)$/u.test(file));
}

/** The refusal of a store that is not as it was written. */
function damagedStore(data: string, why: string): RelayError {
  return new RelayError(EXIT.damaged, {
    what: `the store in ${storeFolder(data)} is damaged`,
    why,
    next: repairCommand(data),
  });
}

/** Makes a folder and those above it. Node's own recursive mkdir spins for ever where none can be made (/proc). */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) === "EEXIST" && statSync(folder).isDirectory()) return;
    if (systemCode(error) !== "ENOENT" || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
  }
}

function openingError(data: string, folder: string, cause: unknown): RelayError {
  const code = systemCode(cause);
  if (code === "LEVEL_LOCKED") {
    return new RelayError(EXIT.refused, {
      what: `another relayer is using ${data}`,
      why: "one data folder serves one process at a time",
      next: "crdt-relayer --data OTHER_DIR --port OTHER_PORT",
    });
  }
  // A database that lost one of its files says so as an I/O error.
  if (code === "LEVEL_CORRUPTION" || /no such file|missing files/iu.test(messageOf(cause))) {
    return damagedStore(data, messageOf(cause));
  }
  return new RelayError(EXIT.failure, {
    what: `cannot open the store in ${folder}`,
    why: messageOf(cause),
    next: remedyFor(data, messageOf(cause)),
  });
}
