/**
 * Which chain a store writes to, and how a store is recognised as the one that was written last.
 *
 * An author must never sign two different changes with one number of one chain: that is equivocation, and evidence
 * against them for ever. Whenever it is not certain that a store holds all that was ever signed on its chain, it takes a
 * random chain instead, which costs nothing. Backups are what makes it uncertain: an older store comes back, whole or in
 * part, under the same names, and (where inodes are used again) even with the same inodes.
 *
 * So each opening writes chain.json anew, with a random nonce, and notes inside the store what the file is: its nonce,
 * its inode and the time of its last change of state (which nothing but the system can set), where it is (whereabouts.ts: copies
 * of whole file systems have the same inodes and times), and the inode of the mark. The next opening compares. Chain 0 is for the first store of a new key: `init` writes into chain.json what the key
 * file and the empty folder of the store are, and neither may have been touched since.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "./exit-codes.ts";
import { whereabouts } from "./whereabouts.ts";

/** The files that tell whether a store is new; the paths of a node have them. */
export interface NewFiles {
  readonly chain: string;
  readonly keys: string;
  /** A folder. */
  readonly store: string;
}

/** What chain.json says. */
export interface ChainFile {
  readonly chain: bigint;
  readonly nonce: string;
  /** What {@link newStamp} said when the node was made; "" once a store was opened. */
  readonly unused: string;
}

/** Identifies a file as it is now: its inode, and when that last changed in any way. */
export function stampOf(path: string): string {
  const { ino, ctimeNs } = statSync(path, { bigint: true });
  return `${ino} ${ctimeNs}`;
}

/**
 * Identifies a file as it was written: another one in its place differs, and the same one with another name or mode (a backup by
 * hard links) does not.
 */
export function writingOf(path: string): string {
  const { ino, mtimeNs } = statSync(path, { bigint: true });
  return `${ino} ${mtimeNs}`;
}

/** Says in chain.json that no store was ever opened with this key; the key and the empty store must be there. */
export function writeUnused(home: NewFiles): void {
  writeDurably(home.chain, { chain: "0", unused: newStamp(home) });
}

/** Identifies a key and a store in which nothing was ever written; "" when one of them is not there. */
export function newStamp({ keys, store }: NewFiles): string {
  try {
    return `${stampOf(keys)} ${stampOf(store)} ${whereabouts(store)}`;
  } catch {
    return "";
  }
}

/** Reads chain.json; null when it is not there or damaged. */
export function readChain(path: string): ChainFile | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    const { chain, nonce = "", unused = "" } = value as { readonly [key: string]: unknown };
    return typeof chain === "string" &&
      /^\d{1,20}$/u.test(chain) &&
      typeof nonce === "string" &&
      typeof unused === "string"
      ? { chain: BigInt.asUintN(64, BigInt(chain)), nonce, unused }
      : null;
  } catch (error) {
    const code = systemCode(error);
    if (code === "" || code === "ENOENT") return null;
    throw error;
  }
}

/** Writes chain.json anew; returns what has to be noted in the store: {@link noteOf} of it. */
export function renewChain(path: string, chain: bigint): string {
  const nonce = randomBytes(16).toString("hex");
  writeDurably(path, { chain: chain.toString(), nonce });
  return noteOf(path, nonce);
}

/** What a store has to say about chain.json as it is. */
export function noteOf(path: string, nonce: string): string {
  return `${nonce} ${stampOf(path)} ${whereabouts(path)}`;
}

/** A chain that nothing was ever signed on. */
export function randomChain(): bigint {
  return randomBytes(8).readBigUInt64BE();
}

/** Replaces the file whole or not at all, and durably. */
function writeDurably(path: string, value: object): void {
  const draft = `${path}.new`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeFileSync(file, `${JSON.stringify(value)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  if (process.platform === "win32") return;
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
