/**
 * Reads LevelDB's journal (its *.log files) for what LevelDB itself passes over in silence: it takes the journal up to
 * damage and drops what it cannot read, whether that is the last write, which a power cut tore off and nobody was told was
 * durable, or one in the middle, which everybody was. The two must not be treated alike.
 *
 * A journal is blocks of 32 KiB. In a block are fragments: checksum (4 bytes, CRC-32C of what follows the length, masked),
 * length (2 bytes), kind (1 byte), content; none crosses the end of a block. A write is one whole fragment, or a first,
 * any number of middle, and a last one. Each write is synced before the next one begins.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where a journal cannot be read as it was written. */
export interface JournalFault {
  readonly file: string;
  /** The byte at which the write begins that is not whole. */
  readonly at: number;
  /** From there to the end of the file. */
  readonly bytes: number;
  /** True when nothing whole follows: the write that was under way when the machine stopped. */
  readonly isTail: boolean;
}

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;

const WHOLE = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** Reads the journal in a database's folder; null when all of it is whole, or when there is none. */
export function readJournal(folder: string): JournalFault | null {
  const files = journalsIn(folder);
  for (const [index, file] of files.entries()) {
    const fault = faultIn(readFileSync(join(folder, file)));
    if (fault === null) continue;
    const isLast = files.slice(index + 1).every((later) => isEmpty(join(folder, later)));
    return { file, ...fault, isTail: fault.isTail && isLast };
  }
  return null;
}

/** The first write in a journal's bytes that is not whole, or null. */
export function faultIn(bytes: Uint8Array): Omit<JournalFault, "file"> | null {
  let at = 0;
  let start = -1;
  while (at < bytes.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const fragment = fragmentAt(bytes, at);
    const continues = fragment?.kind === MIDDLE || fragment?.kind === LAST;
    if (fragment === null || continues !== start >= 0) {
      const begin = start >= 0 ? start : at;
      return { at: begin, bytes: bytes.length - begin, isTail: !isFollowed(bytes, at) };
    }
    if (fragment.kind === FIRST) start = at;
    if (fragment.kind === LAST) start = -1;
    at = fragment.end;
  }
  return start < 0 ? null : { at: start, bytes: bytes.length - start, isTail: true };
}

/** The whole writes of a journal's bytes, or of whatever else has its form, up to the first that is not whole. */
export function* writesIn(bytes: Uint8Array): Generator<Uint8Array> {
  const fault = faultIn(bytes);
  const end = fault === null ? bytes.length : fault.at;
  let parts: Uint8Array[] = [];
  for (let at = 0; at < end;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    const fragment = left < HEADER_BYTES ? null : fragmentAt(bytes, at);
    if (fragment === null) {
      at += left;
      continue;
    }
    parts.push(bytes.subarray(at + HEADER_BYTES, fragment.end));
    at = fragment.end;
    if (fragment.kind !== WHOLE && fragment.kind !== LAST) continue;
    yield Buffer.concat(parts);
    parts = [];
  }
}

/** True when a write begins at or behind this place, wherever: a damaged length hides where the next fragment is. */
function isFollowed(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at + HEADER_BYTES <= bytes.length; at++) {
    const kind = bytes[at + 6];
    if ((kind === WHOLE || kind === FIRST) && fragmentAt(bytes, at) !== null) return true;
  }
  return false;
}

/** The fragment at a place, or null when there is none whose checksum is right. */
function fragmentAt(bytes: Uint8Array, at: number): { kind: number; end: number } | null {
  if (at + HEADER_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_BYTES);
  const end = at + HEADER_BYTES + view.getUint16(4, true);
  const kind = view.getUint8(6);
  if (kind < WHOLE || kind > LAST) return null;
  if (end > bytes.length) return null;
  return view.getUint32(0, true) === masked(crc32c(bytes.subarray(at + 6, end)))
    ? { kind, end }
    : null;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  return crc;
});

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

/** LevelDB masks its checksums, because it also computes those of bytes that hold checksums. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}

/** The journals in a folder, the oldest first; none when there is no folder. */
function journalsIn(folder: string): string[] {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    return [];
  }
  return files
    .filter((file) => /^\d+\.log$/u.test(file))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

function isEmpty(path: string): boolean {
  return readFileSync(path).length === 0;
}
