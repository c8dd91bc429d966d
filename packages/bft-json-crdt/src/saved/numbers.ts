/**
 * Columns of counts: what a saved file says of each change or op, all values of one kind one after another.
 *
 *     column = (length << 1, value) or (length << 1 | 1, value, value, …), and so on
 *
 * that is, runs of one value, and runs of any values; each number in LEB128. Reading never throws and keeps nothing but
 * where it is: a run of a billion takes no more memory than a run of two.
 */

/** A run shorter than this is written out: deflate does better with it. */
const LEAST_RUN = 8;

/** The integer n as a count: 0, −1, 1, −2, … become 0, 1, 2, 3, … Exact up to 2^52. */
export function zigzag(n: number): number {
  return n < 0 ? -2 * n - 1 : 2 * n;
}

/** The integer that `zigzag` made this count of. */
export function unzigzag(count: number): number {
  return count % 2 === 0 ? count / 2 : -(count + 1) / 2;
}

/** A growing byte string. */
export class ByteColumn {
  length = 0;
  #bytes = new Uint8Array(64);

  push(byte: number): void {
    if (this.length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.length++] = byte;
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A safe integer that is not negative, in LEB128. */
  count(n: number): void {
    while (n >= 0x80) {
      this.push((n % 0x80) | 0x80);
      n = Math.floor(n / 0x80);
    }
    this.push(n);
  }

  /** All bytes so far, without a copy. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #grow(by: number): void {
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.length + by));
    grown.set(this.view());
    this.#bytes = grown;
  }
}

/** Writes a column. */
export class NumberWriter {
  readonly #column = new ByteColumn();
  /** Values not written yet, before the run at the end. */
  readonly #loose: number[] = [];
  #value = 0;
  #run = 0;

  /** A safe integer that is not negative. */
  push(value: number): void {
    if (value === this.#value) {
      this.#run++;
      return;
    }
    this.#endRun();
    this.#value = value;
    this.#run = 1;
  }

  /** Bytes so far, about. */
  get length(): number {
    return this.#column.length + this.#loose.length;
  }

  /** The whole column; nothing may be pushed after. */
  finish(): Uint8Array {
    this.#endRun();
    this.#endLoose();
    return this.#column.view();
  }

  #endRun(): void {
    if (this.#run < LEAST_RUN) {
      for (; this.#run > 0; this.#run--) this.#loose.push(this.#value);
      return;
    }
    this.#endLoose();
    this.#column.count(2 * this.#run);
    this.#column.count(this.#value);
    this.#run = 0;
  }

  #endLoose(): void {
    if (this.#loose.length === 0) return;
    this.#column.count(2 * this.#loose.length + 1);
    for (const value of this.#loose) this.#column.count(value);
    this.#loose.length = 0;
  }
}

/** Shared by all that reads one block: whether anything in it was refused. */
export interface Fault {
  failed: boolean;
}

/** Reads a column. A failure sticks; each later read returns 0, so that a caller looks at the fault now and then. */
export class NumberReader {
  readonly #bytes: Uint8Array;
  readonly #fault: Fault;
  #offset = 0;
  /** Values left of the present run. */
  #left = 0;
  /** The value of the run, or -1 when each is written out. */
  #value = -1;

  constructor(bytes: Uint8Array, fault: Fault) {
    this.#bytes = bytes;
    this.#fault = fault;
  }

  /** The next value: a safe integer that is not negative. */
  next(): number {
    if (this.#left === 0) this.#beginRun();
    this.#left--;
    return this.#value >= 0 ? this.#value : this.#count();
  }

  /** Whether all was read. */
  get done(): boolean {
    return this.#left === 0 && this.#offset >= this.#bytes.length;
  }

  #beginRun(): void {
    const head = this.#count();
    this.#left = Math.floor(head / 2);
    this.#value = head % 2 === 0 ? this.#count() : -1;
    if (this.#left > 0 && !this.#fault.failed) return;
    this.#fault.failed = true;
    // Of what failed there is no end of zeros.
    this.#left = Infinity;
    this.#value = 0;
  }

  #count(): number {
    let n = 0;
    let unit = 1;
    for (;;) {
      const byte = this.#bytes[this.#offset++];
      // A count that goes on for ever is none, as one that is cut off.
      if (byte === undefined || unit > 2 ** 49) break;
      n += (byte & 0x7f) * unit;
      if (byte < 0x80) {
        if (n <= Number.MAX_SAFE_INTEGER) return n;
        break;
      }
      unit *= 0x80;
    }
    this.#fault.failed = true;
    return 0;
  }
}
