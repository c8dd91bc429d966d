/**
 * Reads the canonical encoding (see value.ts) and refuses everything else.
 *
 * Strict by RFC 8949 §4.2.1: a head that could be shorter, an indefinite length, a float that fits a shorter width, an
 * unsorted or repeated key, any other tag or simple value fails. Never throws, for any bytes: the first failure sticks,
 * and each later read returns a zero value, so that a caller checks `done` once at the end. A declared length is
 * compared with the bytes that remain before anything is allocated or counted.
 */

import { MAX_BIGNUM_BYTES, MAX_BODY_DEPTH, MAX_VALUE_DEPTH } from "../limits.ts";
import { toHex } from "./bytes.ts";
import { fromHalf, toHalf } from "./float.ts";
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
  SIMPLE,
  TAG,
  TEXT,
  TRUE,
  UNSIGNED,
} from "./heads.ts";
import { emptyObject, isSmallIndex, keepSparse } from "./objects.ts";
import type { Value } from "./value.ts";

/** A cursor over bytes[start, end). */
export class ByteReader {
  /** Where the next item begins. */
  offset: number;
  /** Where reading stops. */
  readonly end: number;
  /** Whether anything was refused; once true, every read returns 0, 0n, "", null or an empty byte string. */
  failed = false;

  private readonly source: Uint8Array;
  /** The argument of the head read last, in two 32-bit halves: what a double cannot always hold. */
  private high = 0;
  private low = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    // A subclass may have its own ideas of slice and subarray (Node's Buffer does), and it is slower to index.
    this.source =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = start;
    this.end = end;
    if (!(start >= 0 && start <= end && end <= bytes.length)) this.fail();
  }

  /** Whether all was read and nothing refused. */
  get done(): boolean {
    return !this.failed && this.offset === this.end;
  }

  /** Makes this reader fail: for callers that find fault with a value that is well encoded. */
  fail(): void {
    this.failed = true;
  }

  /** The major type (0–7) of the next item, or -1 if there is none. */
  peek(): number {
    return this.failed || this.offset >= this.end ? -1 : this.source[this.offset]! >> 5;
  }

  /** Steps over the next item if it is null, and says whether it was. */
  isNull(): boolean {
    if (this.failed || this.offset >= this.end || this.source[this.offset] !== NULL) return false;
    this.offset++;
    return true;
  }

  /** A safe integer that is not negative. */
  uint(): number {
    return this.count(UNSIGNED);
  }

  /** An integer with 0 ≤ n < 2^64. */
  uint64(): bigint {
    this.head(UNSIGNED);
    return this.failed ? 0n : this.wide();
  }

  /** An integer with −2^64 ≤ n < 2^64: a number if that is safe, else a bigint. */
  int(): number | bigint {
    return this.peek() === NEGATIVE ? this.negative() : this.unsigned();
  }

  /** A byte string, as a view of the source; or `known` itself, when it is the same: a view takes longer than a comparison. */
  bytes(known: Uint8Array = EMPTY): Uint8Array {
    const length = this.lengthOf(BYTES);
    if (this.failed) return EMPTY;
    const start = this.offset;
    this.offset = start + length;
    if (length === known.length && this.hasAt(start, known)) return known;
    return this.source.subarray(start, this.offset);
  }

  /** The same of exactly `length` bytes. */
  bytesOf(length: number, known: Uint8Array = EMPTY): Uint8Array {
    const bytes = this.bytes(known);
    if (bytes.length === length) return bytes;
    this.fail();
    return EMPTY;
  }

  /** Steps over the head of a byte string and returns how long that is; its content is the caller's to read, or to step over. */
  bytesHeader(): number {
    return this.lengthOf(BYTES);
  }

  /** Steps over a byte string of just so many bytes; false when none is next. */
  skipBytesOf(length: number): boolean {
    if (this.lengthOf(BYTES) !== length) this.fail();
    else this.offset += length;
    return !this.failed;
  }

  /** Text: well-formed UTF-8, with any byte order mark kept. */
  text(): string {
    return this.textItem(true);
  }

  /** How many items follow; at most as many as bytes remain. */
  arrayHeader(): number {
    const count = this.head(ARRAY);
    if (count <= this.end - this.offset) return count;
    this.fail();
    return 0;
  }

  /** How many pairs follow; at most half as many as bytes remain. The caller checks the order of the keys. */
  mapHeader(): number {
    const count = this.head(MAP);
    if (2 * count <= this.end - this.offset) return count;
    this.fail();
    return 0;
  }

  /**
   * Any value, with at most `maxDepth` nested arrays and maps (never more than 72, whatever is asked for). Objects have
   * no prototype; byte strings are copies, so that whoever gets the value cannot alter the source.
   */
  value(maxDepth = MAX_VALUE_DEPTH): Value {
    const value = this.item(Math.min(maxDepth, MAX_BODY_DEPTH), true);
    return this.failed ? null : value;
  }

  /** Steps over one item; fails just when `value` would. */
  skip(maxDepth = MAX_VALUE_DEPTH): void {
    this.item(Math.min(maxDepth, MAX_BODY_DEPTH), false);
  }

  /** Whether these bytes stand at a place of the source, which has so many from there on. */
  private hasAt(start: number, bytes: Uint8Array): boolean {
    const { source } = this;
    for (let i = 0; i < bytes.length; i++) if (source[start + i] !== bytes[i]) return false;
    return true;
  }

  /** `levels` is how many arrays and maps may still be opened; with `build` false the result means nothing. */
  private item(levels: number, build: boolean): Value {
    switch (this.peek()) {
      case UNSIGNED:
        return this.unsigned();
      case NEGATIVE:
        return this.negative();
      case BYTES: {
        const bytes = this.bytes();
        return build && bytes.length > 0 ? bytes.slice() : EMPTY;
      }
      case TEXT:
        return this.textItem(build);
      case ARRAY:
        return this.array(levels, build);
      case MAP:
        return this.map(levels, build);
      case TAG:
        return this.bignum();
      case SIMPLE:
        return this.simple();
      default:
        this.fail();
        return null;
    }
  }

  private array(levels: number, build: boolean): Value {
    const count = this.arrayHeader();
    if (!(levels > 0)) this.fail();
    if (!build) {
      this.stepOver(count, levels - 1);
      return NOTHING;
    }
    const items: Value[] = [];
    for (let i = 0; i < count && !this.failed; i++) items.push(this.item(levels - 1, true));
    return items;
  }

  /** Steps over so many items. */
  private stepOver(count: number, levels: number): void {
    for (let i = 0; i < count && !this.failed; i++) {
      // Most of what ops name are numbers of one byte.
      if (this.offset < this.end && this.source[this.offset]! < 24) this.offset++;
      else this.item(levels, false);
    }
  }

  private map(levels: number, build: boolean): Value {
    const count = this.mapHeader();
    if (!(levels > 0)) this.fail();
    const object = emptyObject<Value>();
    let sparse = false;
    let previousStart = 0;
    let previousEnd = 0;
    for (let i = 0; i < count && !this.failed; i++) {
      const start = this.offset;
      const key = this.textItem(build);
      if (i > 0 && !this.ascends(previousStart, previousEnd, start)) this.fail();
      previousStart = start;
      previousEnd = this.offset;
      const item = this.item(levels - 1, build);
      if (!build) continue;
      if (!sparse && isSmallIndex(key)) {
        keepSparse(object);
        sparse = true;
      }
      object[key] = item;
    }
    return object;
  }

  /** Whether the bytes of [start, offset) sort after those of the item that stands in [previousStart, previousEnd). */
  private ascends(previousStart: number, previousEnd: number, start: number): boolean {
    const source = this.source;
    const shared = Math.min(previousEnd - previousStart, this.offset - start);
    for (let i = 0; i < shared; i++) {
      const difference = source[start + i]! - source[previousStart + i]!;
      if (difference !== 0) return difference > 0;
    }
    // Neither encoded text can be a proper prefix of the other, as each begins with its length: these are equal.
    return false;
  }

  private unsigned(): number | bigint {
    const n = this.head(UNSIGNED);
    return n <= Number.MAX_SAFE_INTEGER ? n : this.wide();
  }

  private negative(): number | bigint {
    const n = this.head(NEGATIVE);
    if (this.failed) return 0;
    // −2^53, whose argument is the greatest safe integer, is itself not safe.
    return n < Number.MAX_SAFE_INTEGER ? -1 - n : -1n - this.wide();
  }

  /** Tags 2 and 3 over the bytes of an integer that 64 bits cannot hold. */
  private bignum(): Value {
    const tag = this.source[this.offset];
    if (tag !== POSITIVE_BIGNUM && tag !== NEGATIVE_BIGNUM) {
      this.fail();
      return 0;
    }
    this.offset++;
    const bytes = this.bytes();
    if (bytes.length <= 8 || bytes.length > MAX_BIGNUM_BYTES || bytes[0] === 0) {
      this.fail();
      return 0;
    }
    const magnitude = BigInt(`0x${toHex(bytes)}`);
    return tag === POSITIVE_BIGNUM ? magnitude : -1n - magnitude;
  }

  private simple(): Value {
    const start = this.offset++;
    switch (this.source[start]) {
      case FALSE:
        return false;
      case TRUE:
        return true;
      case NULL:
        return null;
      case FLOAT_16:
        return this.float(2);
      case FLOAT_32:
        return this.float(4);
      case FLOAT_64:
        return this.float(8);
      default:
        this.fail();
        return null;
    }
  }

  private float(size: number): number {
    const start = this.offset;
    if (size > this.end - start) {
      this.fail();
      return 0;
    }
    this.offset = start + size;
    let n: number;
    let shortest = true;
    if (size === 2) {
      n = fromHalf((this.source[start]! << 8) | this.source[start + 1]!);
    } else {
      for (let i = 0; i < size; i++) floatBytes[i] = this.source[start + i]!;
      n = size === 4 ? floatView.getFloat32(0) : floatView.getFloat64(0);
      shortest = size === 4 ? toHalf(n) < 0 : Math.fround(n) !== n;
    }
    // Safe integers (and so −0) are integer items; NaN and the infinities are not values.
    if (shortest && Number.isFinite(n) && !Number.isSafeInteger(n)) return n;
    this.fail();
    return 0;
  }

  private textItem(build: boolean): string {
    const length = this.lengthOf(TEXT);
    if (this.failed) return "";
    const source = this.source;
    const start = this.offset;
    const end = start + length;
    this.offset = end;
    if (length <= SHORT_TEXT || !build) {
      let hash = length;
      let at = start;
      for (; at < end; at++) {
        const byte = source[at]!;
        if (byte >= 0x80) break;
        hash = Math.imul(hash ^ byte, 0x9e3779b1);
      }
      if (at === end) return build ? shortText(source, start, end, hash) : "";
    }
    try {
      return decoder.decode(source.subarray(start, end));
    } catch {
      this.fail();
      return "";
    }
  }

  /** The length of a byte or text string, checked against the bytes that remain. */
  private lengthOf(major: number): number {
    const length = this.head(major);
    if (length <= this.end - this.offset) return length;
    this.fail();
    return 0;
  }

  private count(major: number): number {
    const n = this.head(major);
    if (n <= Number.MAX_SAFE_INTEGER) return n;
    this.fail();
    return 0;
  }

  /** Reads a head of this major type and returns its argument, which is exact only up to 2^53 − 1 (else see `wide`). */
  private head(major: number): number {
    if (this.failed || this.offset >= this.end) return this.refuse();
    const source = this.source;
    const at = this.offset;
    const first = source[at]!;
    if (first >> 5 !== major) return this.refuse();
    const info = first & 31;
    if (info < 24) {
      this.high = 0;
      this.low = info;
      this.offset = at + 1;
      return info;
    }
    const size = 1 << (info - 24);
    if (info > 27 || size >= this.end - at) return this.refuse();
    this.offset = at + 1 + size;
    let high = 0;
    let low: number;
    let least: number;
    if (size === 1) {
      low = source[at + 1]!;
      least = 24;
    } else if (size === 2) {
      low = (source[at + 1]! << 8) | source[at + 2]!;
      least = 0x100;
    } else {
      low = readUint32(source, at + 1);
      least = 0x10000;
      if (size === 8) {
        high = low;
        low = readUint32(source, at + 5);
        least = 0x100000000;
      }
    }
    const n = high * 0x100000000 + low;
    if (n < least) return this.refuse();
    this.high = high;
    this.low = low;
    return n;
  }

  /** The exact argument of the head read last. */
  private wide(): bigint {
    const { high, low } = this;
    if (high !== lastHigh || low !== lastLow) {
      lastHigh = high;
      lastLow = low;
      lastWide = (BigInt(high) << 32n) | BigInt(low);
    }
    return lastWide;
  }

  private refuse(): number {
    this.failed = true;
    return 0;
  }
}

/** What `wide` made last: the changes of one chain all have the same number. */
let lastHigh = 0;
let lastLow = 0;
let lastWide = 0n;

/** Bytes. Up to here building the string is faster than the call into the decoder. */
const SHORT_TEXT = 12;

const EMPTY = new Uint8Array(0);

/** Stands for an array that is not built. */
const NOTHING: Value[] = [];

/**
 * Short ASCII strings that were read before: keys and names come again and again. Each hash of their bytes leads to a set of
 * WAYS slots; what is in the way of another is mostly seen to be that by a tag of hash and length, without a look at the string.
 */
const WAYS = 4;
const recentTexts: string[] = Array.from({ length: 32_768 }, () => "");
const recentTags = new Int32Array(recentTexts.length);
let nextWay = 0;

/** The string of at most SHORT_TEXT bytes, all below 0x80: one that is kept, when it was read lately. */
function shortText(source: Uint8Array, start: number, end: number, hash: number): string {
  const length = end - start;
  const set = (hash ^ (hash >>> 15)) & (recentTexts.length - WAYS);
  // The length takes the lowest four bits.
  const tag = (hash & -16) | length;
  for (let way = set; way < set + WAYS; way++) {
    if (recentTags[way] !== tag) continue;
    const recent = recentTexts[way]!;
    let i = 0;
    while (i < length && recent.charCodeAt(i) === source[start + i]) i++;
    if (i === length) return recent;
  }
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(source[at]!);
  nextWay = (nextWay + 1) % WAYS;
  recentTexts[set + nextWay] = text;
  recentTags[set + nextWay] = tag;
  return text;
}

/** Fatal: refuses malformed UTF-8. ignoreBOM, despite its name, keeps a byte order mark as a character. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const floatBytes = new Uint8Array(8);
const floatView = new DataView(floatBytes.buffer);

function readUint32(source: Uint8Array, at: number): number {
  return (
    ((source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!) >>> 0
  );
}
