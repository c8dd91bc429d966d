/**
 * The database of a relay: LevelDB at DIR/store, opened by one process at a time, or a map in memory that is forgotten.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LevelLike } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { EXIT, messageOf, RelayError, systemCode } from "./exit-codes.ts";
import { MemoryLevel } from "./memory-level.ts";
import { IN_MEMORY } from "./settings.ts";

/** An open database; nobody else has it open. */
export interface Store extends LevelLike {
  close(): Promise<void>;
}

/** Opens the store in the folder `data`, which is made when it is missing. Throws RelayError. */
export async function openStore(data: string): Promise<Store> {
  if (data === IN_MEMORY) return new MemoryLevel();
  const folder = join(data, "store");
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
  const db = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
    keyEncoding: "view",
    valueEncoding: "view",
  });
  try {
    await db.open();
  } catch (error) {
    throw openingError(
      data,
      folder,
      error instanceof Error && error.cause !== undefined ? error.cause : error,
    );
  }
  return db;
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
    return new RelayError(EXIT.damaged, {
      what: `the store in ${folder} is damaged`,
      why: messageOf(cause),
      next: `mv ${folder} ${folder}.damaged  # then start again: nodes send what they have`,
    });
  }
  return new RelayError(EXIT.failure, {
    what: `cannot open the store in ${folder}`,
    why: messageOf(cause),
  });
}
