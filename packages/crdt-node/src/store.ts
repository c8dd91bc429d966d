/**
 * A node's store on disk: LevelDB, opened by one process at a time, and the number of the chain that it writes to.
 *
 * An author must never sign two different changes with one number of one chain: that is equivocation, and evidence
 * against them for ever. Chain 0 therefore belongs to the first store that was ever made with a key. A store that is
 * not that one any more (the folder was copied to another machine, restored from a backup, or deleted and made anew)
 * gets a random chain of its own. It is recognised by a random mark inside the store, and by the mark and the store's
 * inode noted in a file beside it: a copy has another inode, and a new store another mark.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { ChangeLog, toHex } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { CommandError, EXIT, messageOf, systemCode } from "./exit-codes.ts";
import type { NodeHome } from "./home.ts";

type Database = ClassicLevel<Uint8Array, Uint8Array>;

/** Who has a store open, for messages. */
export interface Holder {
  readonly pid: number;
  /** The command that it runs: "run", "send", … */
  readonly command: string;
}

/** An open store; nobody else has it open. */
export interface Store {
  readonly log: ChangeLog;
  /** The chain that this store's changes belong to, 64 bits. */
  readonly chain: bigint;
  close(): Promise<void>;
}

/** "m" for marks; the log's keys begin with "g". */
const MARK_KEY = new TextEncoder().encode("mstore");

/**
 * Opens the store for one document; null when another process has it open. Throws CommandError when it cannot be read.
 */
export async function openStore(
  home: NodeHome,
  document: Uint8Array,
  command: string,
): Promise<Store | null> {
  const db: Database = new ClassicLevel(home.store, { keyEncoding: "view", valueEncoding: "view" });
  try {
    await db.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (systemCode(cause) === "LEVEL_LOCKED") return null;
    const damaged = systemCode(cause) === "LEVEL_CORRUPTION";
    throw new CommandError(damaged ? EXIT.damaged : EXIT.failure, {
      what: damaged ? `the store ${home.store} is damaged` : `cannot open the store ${home.store}`,
      why: messageOf(cause),
    });
  }
  try {
    const log = new ChangeLog(db, document);
    await log.open();
    const chain = await chainOf(db, home);
    noteHolder(home, { pid: process.pid, command });
    return {
      log,
      chain,
      async close() {
        rmSync(home.lock, { force: true });
        await db.close();
      },
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** Leaves a note for the messages of others; the database's own lock is what excludes them. */
function noteHolder(home: NodeHome, holder: Holder): void {
  try {
    writeFileSync(home.lock, JSON.stringify(holder), { mode: 0o600 });
  } catch {
    // A full disk: whoever comes is told of "another process".
  }
}

/** Who has the store open, as far as is known. */
export function holderOf(home: NodeHome): Holder | null {
  try {
    const value: unknown = JSON.parse(readFileSync(home.lock, "utf8"));
    const { pid, command } = value as Partial<Holder>;
    return typeof pid === "number" && typeof command === "string" ? { pid, command } : null;
  } catch {
    // Between the opening of a store and the writing of this file, or after a crash.
    return null;
  }
}

async function chainOf(db: Database, home: NodeHome): Promise<bigint> {
  const mark = await db.get(MARK_KEY);
  const inode = statSync(home.store, { bigint: true }).ino.toString();
  const noted = readNote(home.chain);
  if (noted !== null && mark !== undefined && noted.mark === toHex(mark) && noted.inode === inode)
    return noted.chain;

  const first = noted === null && mark === undefined;
  const chain = first ? 0n : randomBytes(8).readBigUInt64BE();
  const newMark = new Uint8Array(randomBytes(16));
  // If the process dies between these two, the next one finds that they differ and takes yet another chain.
  writeNote(home.chain, { chain, mark: toHex(newMark), inode });
  await db.put(MARK_KEY, newMark, { sync: true, keyEncoding: "view", valueEncoding: "view" });
  return chain;
}

interface Note {
  readonly chain: bigint;
  readonly mark: string;
  readonly inode: string;
}

function readNote(path: string): Note | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
  try {
    const { chain, mark, inode } = JSON.parse(text) as { [key: string]: unknown };
    if (
      typeof chain === "string" &&
      /^\d{1,20}$/u.test(chain) &&
      typeof mark === "string" &&
      typeof inode === "string"
    ) {
      return { chain: BigInt.asUintN(64, BigInt(chain)), mark, inode };
    }
  } catch {
    // Damaged: below, it matches no store, which is what leads to a new chain.
  }
  return { chain: 0n, mark: "", inode: "" };
}

/** Replaces the file whole or not at all, and durably. */
function writeNote(path: string, { chain, mark, inode }: Note): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, "w", 0o600);
  try {
    writeFileSync(file, `${JSON.stringify({ chain: chain.toString(), mark, inode })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
