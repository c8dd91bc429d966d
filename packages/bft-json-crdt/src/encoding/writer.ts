/**
 * Writes the canonical encoding (see value.ts) into a buffer that grows and can be used again.
 *
 * Follows RFC 8949 §4.2.1: every head as short as it can be, everything of definite length, map keys sorted by the
 * bytes of their encoding. What cannot be written is a programmer error: a MisuseError, and the writer stays as it was.
 */

import { MAX_BIGNUM_BYTES, MAX_VALUE_DEPTH } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { copyPart, fromHex } from "./bytes.ts";
import { toHalf } from "./float.ts";
import {
  ARRAY,
  BYTES,
  FALSE,
  FLOAT_16,
  FLOAT_32,
  FLOAT_64,
  MAP,
  NEGATIVE,
  NEGATIVE_BIGNUM,
  NULL,
  POSITIVE_BIGNUM,
  TEXT,
  TRUE,
  UNSIGNED,
} from "./heads.ts";
import { fieldsOf, isBytes } from "./objects.ts";
import { compareKeys, utf8Length } from "./text.ts";
import type { Value } from "./value.ts";

/** A growing buffer of canonical items; the caller sees to it that array and map headers match what follows them. */
export class ByteWriter {
  private buffer: Uint8Array;
  private position = 0;

  /** `initialCapacity` is in bytes. */
  constructor(initialCapacity = 256) {
    this.buffer = new Uint8Array(Math.max(16, initialCapacity));
  }

  /** Bytes written since the start or the last reset. */
  get length(): number {
    return this.position;
  }

  /** Bytes for which there is room. */
  get capacity(): number {
    return this.buffer.length;
  }

  /** Begins anew with a buffer of so many bytes, at least 16; views of the old one stay as they are. */
  renew(capacity: number): void {
    this.buffer = new Uint8Array(capacity);
    this.position = 0;
  }

  /** Forgets what was written behind the first `length` bytes and keeps the buffer. */
  reset(length = 0): void {
    this.position = length;
  }

  /** A safe integer that is not negative. */
  uint(n: number): void {
    this.count(UNSIGNED, n);
  }

  /** An integer with 0 ≤ n < 2^64. */
  uint64(n: bigint): void {
    if (n < 0n || n >= TWO_64) {
      throw new MisuseError("bad_value", "an unsigned integer must be at least 0 and below 2^64");
    }
    this.wideHead(UNSIGNED, n);
  }

  /** A byte string. */
  bytes(bytes: Uint8Array): void {
    this.head(BYTES, bytes.length);
    this.raw(bytes);
  }

  /** The head of a byte string of `n` bytes, which must follow. */
  bytesHeader(n: number): void {
    this.count(BYTES, n);
  }

  /** A well-formed string; throws for a lone surrogate. */
  text(text: string): void {
    const start = this.position;
    // Nearly all text is ASCII: suppose that it is, and begin again if a character takes more than a byte.
    this.head(TEXT, text.length);
    this.reserve(text.length);
    if (this.ascii(text)) return;
    this.position = start;
    const size = utf8Length(text);
    if (size < 0) {
      throw new MisuseError("bad_value", "a string with a lone surrogate has no UTF-8 encoding");
    }
    this.head(TEXT, size);
    this.reserve(size);
    encoder.encodeInto(text, this.buffer.subarray(this.position, this.position + size));
    this.position += size;
  }

  /** The head of an array of `n` items, which must follow. */
  arrayHeader(n: number): void {
    this.count(ARRAY, n);
  }

  /** The head of a map of `n` pairs, which must follow, sorted by their encoded keys. */
  mapHeader(n: number): void {
    this.count(MAP, n);
  }

  /** Null, which also stands for what is absent. */
  null(): void {
    this.byte(NULL);
  }

  /** True or false. */
  boolean(b: boolean): void {
    this.byte(b ? TRUE : FALSE);
  }

  /** Any value; throws, and writes nothing, for what is not one or is nested deeper than 64. */
  value(value: Value): void {
    const start = this.position;
    try {
      this.item(value, MAX_VALUE_DEPTH);
    } catch (error) {
      this.position = start;
      throw error;
    }
  }

  /** Bytes as they are: an item that is already encoded. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** The bytes from `start` up to `end` as they are. */
  part(bytes: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    copyPart(this.buffer, this.position, bytes, start, end);
    this.position += end - start;
  }

  /** What was written from an offset on, without a copy: good until the next write or reset. */
  view(start = 0): Uint8Array {
    return this.buffer.subarray(start, this.position);
  }

  /** What was written, of a writer that nobody uses any more: without a copy, and without a view where its buffer is full. */
  whole(): Uint8Array {
    return this.position === this.buffer.length ? this.buffer : this.view();
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.buffer.slice(0, this.position);
  }

  /** `levels` is how many arrays and maps may still be opened: it bounds the recursion, also for cyclic input. */
  private item(value: unknown, levels: number): void {
    switch (typeof value) {
      case "string":
        return this.text(value);
      case "number":
        return this.number(value);
      case "boolean":
        return this.boolean(value);
      case "bigint":
        return this.bigint(value);
      case "object":
        if (value === null) return this.null();
        if (isBytes(value)) return this.bytes(value);
        if (levels === 0) {
          throw new MisuseError(
            "bad_value",
            `a value is nested deeper than ${MAX_VALUE_DEPTH}, or contains itself`,
          );
        }
        if (Array.isArray(value)) return this.array(value, levels - 1);
        return this.map(value, levels - 1);
      default:
        throw new MisuseError("bad_value", `${typeof value} is not a value`);
    }
  }

  private number(n: number): void {
    if (Number.isSafeInteger(n)) {
      if (n >= 0) this.head(UNSIGNED, n);
      else this.head(NEGATIVE, -1 - n);
    } else {
      this.float(n);
    }
  }

  private float(n: number): void {
    if (!Number.isFinite(n)) {
      throw new MisuseError("bad_value", `${n} is not a value: numbers must be finite`);
    }
    this.reserve(9);
    const half = toHalf(n);
    if (half >= 0) {
      this.buffer[this.position++] = FLOAT_16;
      this.buffer[this.position++] = half >> 8;
      this.buffer[this.position++] = half;
      return;
    }
    const single = Math.fround(n) === n;
    this.buffer[this.position++] = single ? FLOAT_32 : FLOAT_64;
    if (single) floatView.setFloat32(0, n);
    else floatView.setFloat64(0, n);
    const size = single ? 4 : 8;
    for (let i = 0; i < size; i++) this.buffer[this.position++] = floatBytes[i]!;
  }

  private bigint(n: bigint): void {
    const negative = n < 0n;
    const magnitude = negative ? -1n - n : n;
    if (magnitude < TWO_64) {
      this.wideHead(negative ? NEGATIVE : UNSIGNED, magnitude);
      return;
    }
    const hex = magnitude.toString(16);
    const bytes = fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
    if (bytes === null || bytes.length > MAX_BIGNUM_BYTES) {
      throw new MisuseError("bad_value", `an integer takes more than ${MAX_BIGNUM_BYTES} bytes`);
    }
    this.byte(negative ? NEGATIVE_BIGNUM : POSITIVE_BIGNUM);
    this.bytes(bytes);
  }

  private array(items: readonly unknown[], levels: number): void {
    const count = items.length;
    this.head(ARRAY, count);
    for (let i = 0; i < count; i++) this.item(items[i], levels);
  }

  private map(object: object, levels: number): void {
    const fields = fieldsOf(object);
    const keys = Object.keys(fields);
    sortKeys(keys);
    this.head(MAP, keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      this.text(key);
      this.item(fields[key], levels);
    }
  }

  private count(major: number, n: number): void {
    if (!Number.isSafeInteger(n) || n < 0) {
      throw new MisuseError("bad_value", "a count must be a safe integer that is not negative");
    }
    this.head(major, n);
  }

  /** `n` is a safe integer that is not negative. */
  private head(major: number, n: number): void {
    this.reserve(9);
    const buffer = this.buffer;
    const type = major << 5;
    let position = this.position;
    if (n < 24) {
      buffer[position++] = type | n;
    } else if (n < 0x100) {
      buffer[position++] = type | 24;
      buffer[position++] = n;
    } else if (n < 0x10000) {
      buffer[position++] = type | 25;
      buffer[position++] = n >> 8;
      buffer[position++] = n;
    } else if (n < 0x100000000) {
      buffer[position++] = type | 26;
      buffer[position++] = n >>> 24;
      buffer[position++] = n >>> 16;
      buffer[position++] = n >>> 8;
      buffer[position++] = n;
    } else {
      position = putUint64(buffer, position, major, Math.floor(n / 0x100000000), n >>> 0);
    }
    this.position = position;
  }

  private wideHead(major: number, n: bigint): void {
    if (n <= MAX_SAFE) {
      this.head(major, Number(n));
    } else {
      this.reserve(9);
      this.position = putUint64(
        this.buffer,
        this.position,
        major,
        Number(n >> 32n),
        Number(n & 0xffffffffn),
      );
    }
  }

  /** Appends a string for which there is room if it is ASCII, and says whether it was. */
  private ascii(text: string): boolean {
    const size = text.length;
    const buffer = this.buffer;
    const start = this.position;
    if (size <= SHORT_TEXT) {
      for (let i = 0; i < size; i++) {
        const unit = text.charCodeAt(i);
        if (unit >= 0x80) return false;
        buffer[start + i] = unit;
      }
    } else if (encoder.encodeInto(text, buffer.subarray(start, start + size)).read !== size) {
      // As many bytes as code units were not enough for all of them.
      return false;
    }
    this.position = start + size;
    return true;
  }

  private byte(byte: number): void {
    this.reserve(1);
    this.buffer[this.position++] = byte;
  }

  private reserve(size: number): void {
    const needed = this.position + size;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.buffer.length));
    grown.set(this.buffer);
    this.buffer = grown;
  }
}

/** Bytes of the head of an item of `n` bytes or items, n < 2^32. */
export function headSize(n: number): number {
  if (n < 24) return 1;
  if (n < 0x100) return 2;
  if (n < 0x10000) return 3;
  return n < 0x1_0000_0000 ? 5 : 9;
}

/** UTF-16 code units. Up to here a loop is faster than the call into the encoder. */
const SHORT_TEXT = 48;

const TWO_64 = 1n << 64n;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

const encoder = new TextEncoder();
const floatBytes = new Uint8Array(8);
const floatView = new DataView(floatBytes.buffer);

function putUint64(
  buffer: Uint8Array,
  at: number,
  major: number,
  high: number,
  low: number,
): number {
  buffer[at] = (major << 5) | 27;
  buffer[at + 1] = high >>> 24;
  buffer[at + 2] = high >>> 16;
  buffer[at + 3] = high >>> 8;
  buffer[at + 4] = high;
  buffer[at + 5] = low >>> 24;
  buffer[at + 6] = low >>> 16;
  buffer[at + 7] = low >>> 8;
  buffer[at + 8] = low;
  return at + 9;
}

/** Most objects come sorted or nearly so, and are small. */
function sortKeys(keys: string[]): void {
  for (let i = 1; i < keys.length; i++) {
    if (compareKeys(keys[i - 1]!, keys[i]!) > 0) {
      keys.sort(compareKeys);
      return;
    }
  }
}
