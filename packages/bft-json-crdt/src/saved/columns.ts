/**
 * The columns of one block, ready to be read.
 *
 *     block = [signatures, column, …]
 *
 * Before anything is unpacked, the lengths that are declared are added up: all columns together have at most 16 MiB.
 */
import { SIGNATURE_BYTES } from "../change/index.ts";
import { ByteReader, ByteWriter } from "../encoding/index.ts";
import { MAX_BODY_BYTES } from "../limits.ts";
import { BYTE_COLUMNS, Cursors, MAX_BLOCK_BYTES, NUMBER_COLUMNS } from "./layout.ts";
import { NumberReader, unzigzag } from "./numbers.ts";
import type { Fault } from "./numbers.ts";
import { readPacked, unpack } from "./pack.ts";

/** A cursor over a column of bytes. */
class Slices {
  readonly #bytes: Uint8Array;
  readonly #fault: Fault;
  #offset = 0;

  constructor(bytes: Uint8Array, fault: Fault) {
    this.#bytes = bytes;
    this.#fault = fault;
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) {
      this.#fault.failed = true;
      return 0;
    }
    this.#offset++;
    return byte;
  }

  take(length: number): Uint8Array {
    const start = this.#offset;
    if (length > this.#bytes.length - start) {
      this.#fault.failed = true;
      return NOTHING;
    }
    this.#offset = start + length;
    return this.#bytes.subarray(start, this.#offset);
  }
}

/** All columns of a block. Reads never throw: a fault sticks, and what is read after it means nothing. */
export class Columns {
  readonly fault: Fault = { failed: false };
  readonly cursors = new Cursors();
  readonly windows: NumberReader;
  readonly chains: NumberReader;
  readonly prevs: NumberReader;
  readonly parents: NumberReader;
  readonly refs: NumberReader;
  readonly dependencies: NumberReader;
  readonly ops: NumberReader;
  readonly lines: NumberReader;
  readonly deltas: NumberReader;
  readonly counts: NumberReader;
  readonly owners: NumberReader;
  readonly replaced: NumberReader;
  readonly made: NumberReader;
  readonly paths: NumberReader;
  readonly #times: NumberReader;
  readonly #dates: NumberReader;
  readonly #ranges: NumberReader;
  readonly #names: NumberReader;
  readonly #lengths: NumberReader;
  readonly #sizes: NumberReader;
  readonly #codes: Slices;
  readonly #text: Slices;
  readonly #values: Slices;
  readonly #nameTexts: Slices;
  readonly #signatures: Slices;
  readonly #all: readonly { readonly done: boolean }[];
  /** Names met in this block, encoded. */
  readonly #known: Uint8Array[] = [];
  #lastTime = 0;

  /** `columns` are the unpacked columns in their order. */
  private constructor(signatures: Uint8Array, columns: readonly Uint8Array[]) {
    const { fault } = this;
    const numbers = NUMBER_COLUMNS.map((_, i) => new NumberReader(columns[i]!, fault));
    const bytes = BYTE_COLUMNS.map(
      (_, i) => new Slices(columns[NUMBER_COLUMNS.length + i]!, fault),
    );
    const number = (name: (typeof NUMBER_COLUMNS)[number]): NumberReader =>
      numbers[NUMBER_COLUMNS.indexOf(name)]!;
    const slices = (name: (typeof BYTE_COLUMNS)[number]): Slices =>
      bytes[BYTE_COLUMNS.indexOf(name)]!;
    this.windows = number("windows");
    this.chains = number("chains");
    this.prevs = number("prevs");
    this.parents = number("parents");
    this.refs = number("refs");
    this.dependencies = number("dependencies");
    this.#times = number("times");
    this.#dates = number("dates");
    this.ops = number("ops");
    this.lines = number("lines");
    this.deltas = number("deltas");
    this.counts = number("counts");
    this.#ranges = number("ranges");
    this.owners = number("owners");
    this.replaced = number("replaced");
    this.made = number("made");
    this.paths = number("paths");
    this.#names = number("names");
    this.#lengths = number("lengths");
    this.#sizes = number("sizes");
    this.#codes = slices("codes");
    this.#text = slices("text");
    this.#values = slices("values");
    this.#nameTexts = slices("nameTexts");
    this.#signatures = new Slices(signatures, fault);
    this.#all = [...numbers, ...bytes, this.#signatures];
  }

  /** Columns that hold nothing. */
  static none(): Columns {
    return new Columns(
      NOTHING,
      [...NUMBER_COLUMNS, ...BYTE_COLUMNS].map(() => NOTHING),
    );
  }

  /** The columns of a block, or null when it is not one. */
  static read(block: Uint8Array): Columns | null {
    const reader = new ByteReader(block);
    const count = NUMBER_COLUMNS.length + BYTE_COLUMNS.length;
    if (reader.arrayHeader() !== 1 + count) return null;
    const signatures = reader.bytes();
    const packed = Array.from({ length: count }, () => readPacked(reader));
    const total = packed.reduce((sum, { length }) => sum + length, 0);
    if (!reader.done || total > MAX_BLOCK_BYTES) return null;
    const columns: Uint8Array[] = [];
    for (const each of packed) {
      const column = unpack(each);
      if (column === null) return null;
      columns.push(column);
    }
    return new Columns(signatures, columns);
  }

  /** Whether all columns were read to their ends. */
  get done(): boolean {
    return this.#all.every((column) => column.done);
  }

  /** The code of the next op. */
  code(): number {
    return this.#codes.byte();
  }

  /** The next signature: 64 bytes. */
  signature(): Uint8Array {
    return this.#signatures.take(SIGNATURE_BYTES);
  }

  /** The content of the next insertion of text, in UTF-8. */
  typed(): Uint8Array {
    return this.#text.take(this.#lengths.next());
  }

  /** The next encoded value, values or raw op. */
  value(): Uint8Array {
    return this.#values.take(this.#sizes.next());
  }

  /** How many ranges follow; a count that no body could hold is a fault. */
  rangeCount(): number {
    const count = this.#ranges.next();
    if (count <= MAX_BODY_BYTES) return count;
    this.fault.failed = true;
    return 0;
  }

  /** The next name of a path, encoded as an item. */
  name(): Uint8Array {
    const number = this.#names.next();
    if (number === 0) {
      const utf8 = this.#nameTexts.take(this.#sizes.next());
      const head = textHead(utf8.length);
      const name = new Uint8Array(head.length + utf8.length);
      name.set(head);
      name.set(utf8, head.length);
      this.#known.push(name);
      return name;
    }
    const known = this.#known[number - 1];
    if (known === undefined) this.fault.failed = true;
    return known ?? NOTHING;
  }

  /** The claimed time of the next change. */
  time(): number | null {
    const code = this.#times.next();
    if (code === 0) return null;
    const time = code === 1 ? this.#dates.next() : this.#lastTime + unzigzag(code - 2);
    if (Number.isSafeInteger(time) && time >= 0) this.#lastTime = time;
    else this.fault.failed = true;
    return this.#lastTime;
  }
}

/** The head of a text of so many bytes. */
export function textHead(bytes: number): Uint8Array {
  const known = TEXT_HEADS[bytes];
  if (known !== undefined) return known;
  const writer = new ByteWriter(16);
  writer.arrayHeader(bytes);
  const head = writer.take();
  // The major type of arrays is 4, that of text 3; the rest of the head is the same.
  head[0]! -= 0x20;
  return head;
}

const NOTHING = new Uint8Array(0);
const TEXT_HEADS = Array.from({ length: 24 }, (_, bytes) => Uint8Array.of(0x60 + bytes));
