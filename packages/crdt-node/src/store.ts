/**
 * A node's store on disk: LevelDB, opened by one process at a time, with the number of the chain that it writes to
 * (chain.ts) and a mark beside it that tells when the end of it is lost (mark.ts).
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { ChangeLog, type NewRecord } from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { join } from "node:path";
import { newStamp, noteOf, randomChain, readChain, renewChain, writingOf } from "./chain.ts";
import { type Cursors, StoredCursors } from "./cursors.ts";
import { type Delivered, StoredDelivered } from "./delivered.ts";
import { CommandError, EXIT, messageOf, systemCode } from "./exit-codes.ts";
import { type NodeHome, quoted } from "./home.ts";
import { type Mark, MarkFile, type OwnChange } from "./mark.ts";

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
  /** What the log has held and must still hold (see `lossIn`); as of now. */
  readonly mark: Mark;
  /** Where this store was in the logs of relays. */
  readonly cursors: Cursors;
  /** What others are known to have of what was made here. */
  readonly delivered: Delivered;
  /**
   * Appends to the log and writes the mark; what was appended may leave the process when this resolves. `own` is the
   * last of the changes made here, null when there is none among them.
   */
  append(records: readonly NewRecord[], own: OwnChange | null): Promise<void>;
  close(): Promise<void>;
}

/** "m" for what is about the store itself; the log's keys begin with "g". */
const NOTE_KEY = new TextEncoder().encode("mstore");

/** The command that gets back what a relay has, when a store is damaged. */
export function startOver(home: NodeHome): string {
  return `mv ${quoted(home.store)} ${quoted(`${home.store}.damaged`)} && crdt-node run ${home.name}`;
}

/**
 * Opens the store for one document; null when another process has it open. Throws CommandError when it cannot be read.
 * Whether the log has lost its end is for the caller to ask; such a store is left as it is.
 */
export async function openStore(
  home: NodeHome,
  document: Uint8Array,
  command: string,
): Promise<Store | null> {
  const before = { isNew: isNewStore(home), stamp: newStamp(home) };
  const db: Database = new ClassicLevel(home.store, { keyEncoding: "view", valueEncoding: "view" });
  try {
    await db.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (systemCode(cause) === "LEVEL_LOCKED") return null;
    throw cannotOpen(home, cause);
  }
  let markFile: MarkFile | null = null;
  try {
    const log = new ChangeLog(db, document);
    await log.open();
    const marks = new MarkFile(home.mark, document);
    markFile = marks;
    const chain = await chainOf(db, home, log, marks, before);
    const cursors = await StoredCursors.open(db, document);
    const delivered = await StoredDelivered.open(db, document);
    noteHolder(home, { pid: process.pid, command });
    const writing = writingOf(home.chain);
    return {
      log,
      chain,
      cursors,
      delivered,
      get mark() {
        return marks.mark ?? { records: 0, own: null };
      },
      async append(records, own) {
        // The database excludes others by a lock that somebody may remove, and that some network file systems do not keep. Two
        // processes on one store would sign two changes with one number.
        if (writingOf(home.chain) !== writing)
          throw new Error("another process has opened this store meanwhile");
        await log.append(records);
        marks.write({ records: log.length, own: own ?? marks.mark?.own ?? null });
      },
      async close() {
        rmSync(home.lock, { force: true });
        marks.close();
        await Promise.all([cursors.written(), delivered.written()]);
        await db.close();
      },
    };
  } catch (error) {
    markFile?.close();
    await db.close();
    if (error instanceof CommandError || systemCode(error) === "") throw error;
    throw cannotOpen(home, error);
  }
}

/** True when there is no database yet; throws CommandError when there is half of one. */
function isNewStore(home: NodeHome): boolean {
  if (existsSync(join(home.store, "CURRENT"))) return false;
  let files: string[] = [];
  try {
    files = readdirSync(home.store);
  } catch {
    // It is not there, or opening it will tell what is wrong.
  }
  // The database would take this for an empty one.
  if (files.some((file) => /\.(?:log|ldb|sst)$/u.test(file)))
    throw damagedStore(home, "its file CURRENT is missing");
  return true;
}

function cannotOpen(home: NodeHome, cause: unknown): CommandError {
  const message = messageOf(cause);
  if (systemCode(cause) === "LEVEL_CORRUPTION" || /CURRENT|MANIFEST/u.test(message))
    if (!isAboutSystem(message)) return damagedStore(home, message);
  const isFull = /ENOSPC|No space left/iu.test(message);
  return new CommandError(EXIT.failure, {
    what: `cannot open the store ${home.store}`,
    why: isFull ? "the disk is full" : message,
    next: isFull ? `df -h ${quoted(home.folder)}` : `ls -la ${quoted(home.store)}`,
  });
}

/** The file is right, and the system does not let us at it. */
function isAboutSystem(message: string): boolean {
  return /No space left|Permission denied|Read-only file system|Too many open files/iu.test(
    message,
  );
}

function damagedStore(home: NodeHome, why: string): CommandError {
  return new CommandError(EXIT.damaged, {
    what: `the store ${home.store} is damaged`,
    why,
    next: startOver(home),
  });
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

/** Finds out which chain the store writes to, and leaves everything ready for the next opening to find out. */
async function chainOf(
  db: Database,
  home: NodeHome,
  log: ChangeLog,
  marks: MarkFile,
  before: { readonly isNew: boolean; readonly stamp: string },
): Promise<bigint> {
  const stored = await db.get(NOTE_KEY);
  const written = readChain(home.chain);
  const isNew = before.isNew && stored === undefined && log.length === 0;
  if (isNew) marks.clear();
  // Nothing will be signed, and what there is to see must stay to be seen.
  if (log.length < (marks.mark?.records ?? 0)) return randomChain();

  const isUnused =
    isNew && written !== null && written.unused !== "" && written.unused === before.stamp;
  const isSame =
    stored !== undefined &&
    written !== null &&
    new TextDecoder().decode(stored) === `${noteOf(home.chain, written.nonce)} ${marks.inode}` &&
    marks.intact &&
    (marks.mark !== null || log.length === 0);
  const chain = isUnused ? 0n : isSame ? written.chain : randomChain();
  if (!marks.intact) marks.mend();
  if (marks.mark === null) marks.write({ records: log.length, own: null });
  // If the process dies between these two, the next one finds that they differ and takes yet another chain.
  const note = `${renewChain(home.chain, chain)} ${marks.inode}`;
  await db.put(NOTE_KEY, new TextEncoder().encode(note), {
    sync: true,
    keyEncoding: "view",
    valueEncoding: "view",
  });
  return chain;
}
