/**
 * Reads the columns of a block back into the bodies of changes, byte for byte.
 *
 * Whatever the bytes, it never throws, and it holds no more than the columns, the group that it is at work on, and for
 * each change that was read before some 100 bytes. What it makes is judged by whoever receives it, like anything else.
 */
import { BodyBuffer, encodeGroup, ID_BYTES } from "../change/index.ts";
import {
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
} from "../change/index.ts";
import type { SignedBody } from "../change/index.ts";
import type { ByteWriter } from "../encoding/index.ts";
import { ByteReader } from "../encoding/index.ts";
import { Chains } from "../history/chains.ts";
import { FloatColumn, IntColumn } from "../history/columns.ts";
import {
  MAX_BODY_BYTES,
  MAX_ELEMENTS_PER_CHANGE,
  MAX_GROUP_BYTES,
  MAX_GROUP_CHANGES,
  MAX_PARENTS,
} from "../limits.ts";
import {
  ADD,
  ANY_RANGES,
  ASSIGN,
  AT_CURSOR,
  AT_PLACE,
  CLEAR,
  ELSEWHERE,
  ENDS_ELSEWHERE,
  INCREMENT,
  INSERT_TEXT,
  INSERT_VALUES,
  MAX_POSITION,
  RAW,
  REMOVE,
} from "./layout.ts";
import { Columns, textHead } from "./columns.ts";
import { unzigzag } from "./numbers.ts";
import type { Fault, NumberReader } from "./numbers.ts";

/** One line of changes, as the table at the head of a file names it. */
export interface SavedChain {
  readonly author: Uint8Array;
  readonly chain: bigint;
}

/** Gives the id of a body where that is known; null has it hashed. */
export type KnownId = (row: number, body: Uint8Array) => Uint8Array | null;

/** Reads the blocks of one file, in order. */
export class BlockReader {
  readonly #chainTable: readonly SavedChain[];
  readonly #knownId: KnownId;
  readonly #chains = new Chains();
  /** The number of each change's chain in the table. */
  readonly #chainOf = new IntColumn();
  readonly #lamports = new FloatColumn();
  readonly #ids = new Ids();
  readonly #id = new Uint8Array(ID_BYTES);
  /** The last change of each chain so far. */
  readonly #tips: number[] = [];
  readonly #buffer: BodyBuffer;
  /** What appends to the body at hand. */
  readonly #body: ByteWriter;
  /** Dependencies of the change at hand: prev or -1, then parents and refs. */
  readonly #named: number[] = [];
  /** Of the line of the change at hand: elements before it. */
  #before = 0;
  #columns = Columns.none();
  #length = 0;

  constructor(document: Uint8Array, chains: readonly SavedChain[], knownId: KnownId = () => null) {
    this.#buffer = new BodyBuffer(document);
    this.#body = this.#buffer.writer;
    this.#chainTable = chains;
    this.#knownId = knownId;
  }

  /** The groups of a block, one for each window; null, and nothing more, where the block is damaged. */
  *groups(block: Uint8Array): Generator<Uint8Array | null> {
    const columns = Columns.read(block);
    if (columns === null) {
      yield null;
      return;
    }
    this.#columns = columns;
    const { windows, fault } = columns;
    while (!windows.done) {
      const group = this.#window(windows.next());
      yield group;
      if (group === null) return;
    }
    if (fault.failed || !columns.done) yield null;
  }

  /** The next changes as a closed group, null when something is wrong with them. */
  #window(count: number): Uint8Array | null {
    const { fault } = this.#columns;
    if (count === 0 || count > MAX_GROUP_CHANGES) return null;
    const start = this.#length;
    const bodies: Uint8Array[] = [];
    const covered = new Set<number>();
    let bytes = 0;
    for (let row = start; row < start + count; row++) {
      const body = this.#change();
      if (body === null) return null;
      bytes += body.length;
      if (bytes > MAX_GROUP_BYTES) return null;
      bodies.push(body);
      covered.add(this.#named[0]!);
    }
    const entries: SignedBody[] = bodies.map((body, i) => ({
      body,
      signature: covered.has(start + i) ? null : this.#columns.signature(),
    }));
    return fault.failed ? null : encodeGroup(entries);
  }

  /** The body of the next change, null when the columns do not tell one. */
  #change(): Uint8Array | null {
    const columns = this.#columns;
    const row = this.#length;
    const chain = columns.chains.next();
    const entry = this.#chainTable[chain];
    if (entry === undefined) return null;
    const prev = this.#prevOf(row, chain, columns.prevs.next());
    if (prev === null) return null;
    const seq = prev < 0 ? 1 : this.#chains.seq(prev) + 1;
    const named = this.#named;
    named.length = 0;
    named.push(prev);
    let lamport = prev < 0 ? 0 : this.#lamports.at(prev);
    const parents = columns.parents.next();
    const refs = columns.refs.next();
    if (parents > MAX_PARENTS || refs * ID_BYTES > MAX_BODY_BYTES) return null;
    for (let i = 0; i < parents + refs; i++) {
      const dependency = row - 1 - columns.dependencies.next();
      if (dependency < 0) return null;
      named.push(dependency);
      lamport = Math.max(lamport, this.#lamports.at(dependency));
    }
    lamport++;

    const writer = this.#body;
    this.#buffer.begin(entry.author, entry.chain);
    writer.uint(seq);
    if (prev < 0) writer.null();
    else writer.bytes(this.#ids.at(prev));
    this.#writeIds(1, parents);
    writer.uint(lamport);
    const time = columns.time();
    if (time === null) writer.null();
    else writer.uint(time);
    this.#writeIds(1 + parents, refs);
    const ops = columns.ops.next();
    writer.arrayHeader(ops);
    this.#before = prev < 0 ? 0 : this.#chains.elementsBefore(prev) + this.#chains.elements(prev);
    let made = 0;
    for (let i = 0; i < ops; i++) {
      made += this.#op(chain, made);
      // Nothing may go on for ever: every op takes its code from a column, and puts bytes into the body.
      if (columns.fault.failed || made > MAX_ELEMENTS_PER_CHANGE) return null;
      if (this.#buffer.length > MAX_BODY_BYTES) return null;
    }
    if (columns.fault.failed) return null;

    const body = this.#buffer.body();
    const known = this.#knownId(row, body);
    if (known === null) this.#buffer.hash(this.#id);
    this.#chains.add({ author: entry.author, chain: entry.chain, seq }, prev, made);
    this.#chainOf.push(chain);
    this.#lamports.push(lamport);
    this.#tips[chain] = row;
    this.#length++;
    this.#ids.push(known ?? this.#id);
    this.#buffer.settle();
    return body.slice();
  }

  /** The change before this one on its chain, -1 for none; null when that cannot be. */
  #prevOf(row: number, chain: number, code: number): number | null {
    if (code === 0) return this.#tips[chain] ?? -1;
    if (code === 1) return -1;
    const prev = row - (code - 1);
    // What would come before the first change is of no chain.
    return this.#chainOf.at(prev) === chain ? prev : null;
  }

  #writeIds(slot: number, count: number): void {
    const writer = this.#body;
    writer.arrayHeader(count);
    for (let i = slot; i < slot + count; i++) writer.bytes(this.#ids.at(this.#named[i]!));
  }

  /** Writes the next op of a change that has made so many elements; returns how many this one makes. */
  #op(chain: number, made: number): number {
    const columns = this.#columns;
    const code = columns.code();
    if (code === RAW) {
      const bytes = columns.value();
      this.#body.raw(bytes);
      return madeBy(bytes, columns.fault);
    }
    this.#body.arrayHeader(4);
    if (code < REMOVE) return this.#insert(code, chain, made);
    if (code < ASSIGN) return this.#remove(code - REMOVE, chain);
    return this.#other(code, chain);
  }

  #insert(code: number, chain: number, made: number): number {
    const columns = this.#columns;
    const writer = this.#body;
    const isText = code < INSERT_VALUES;
    const form = code - (isText ? INSERT_TEXT : INSERT_VALUES);
    writer.uint(isText ? OP_INSERT_TEXT : OP_INSERT_VALUES);
    const typed = isText ? columns.typed() : NOTHING;
    const own = isText ? scalarsIn(typed) : columns.made.next();
    writer.uint(own);
    const { edits } = columns.cursors;
    if (form === AT_PLACE) {
      writer.arrayHeader(1);
      this.#place(chain);
    } else {
      writer.arrayHeader(4);
      const isAtCursor = form < ELSEWHERE;
      writer.uint(form - (isAtCursor ? AT_CURSOR : ELSEWHERE));
      if (isAtCursor) this.#element(0, edits[chain] ?? 0);
      else this.#target(chain, columns.deltas, edits);
    }
    if (isText) writer.raw(textHead(typed.length));
    else writer.arrayHeader(own);
    writer.raw(isText ? typed : columns.value());
    edits[chain] = this.#before + made + own - 1;
    return own;
  }

  #remove(form: number, chain: number): number {
    const columns = this.#columns;
    const writer = this.#body;
    const { edits } = columns.cursors;
    writer.uint(OP_REMOVE);
    writer.uint(0);
    if (form === ANY_RANGES) {
      const ranges = columns.rangeCount();
      writer.arrayHeader(4 * ranges);
      this.#ranges(ranges, chain, columns.deltas, edits);
    } else {
      const step = unzigzag(form === ENDS_ELSEWHERE ? columns.deltas.next() : form);
      const count = columns.counts.next();
      const position = (edits[chain] ?? 0) + step - count + 1;
      writer.arrayHeader(4);
      this.#element(0, position);
      writer.uint(count);
      edits[chain] = position;
    }
    writer.null();
    return 0;
  }

  #other(code: number, chain: number): number {
    const columns = this.#columns;
    const writer = this.#body;
    if (code > INCREMENT) {
      columns.fault.failed = true;
      return 0;
    }
    const isMaking = code === ASSIGN || code === ADD;
    writer.uint(code === INCREMENT ? OP_INCREMENT : code === ADD ? OP_ADD : OP_ASSIGN);
    writer.uint(isMaking ? 1 : 0);
    const ranges = code === INCREMENT ? 0 : columns.rangeCount();
    writer.arrayHeader(1 + 4 * ranges);
    this.#place(chain);
    this.#ranges(ranges, chain, columns.replaced, columns.cursors.replaced);
    if (code === CLEAR) writer.null();
    else writer.raw(columns.value());
    return isMaking ? 1 : 0;
  }

  #place(chain: number): void {
    const columns = this.#columns;
    const writer = this.#body;
    const path = columns.paths.next();
    const names = Math.floor(path / 2);
    const hasOwner = path % 2 === 1;
    writer.arrayHeader(names + (hasOwner ? 3 : 0));
    if (hasOwner) this.#target(chain, columns.owners, columns.cursors.owners);
    for (let i = 0; i < names && !this.#isOver(); i++) writer.raw(columns.name());
  }

  #ranges(ranges: number, chain: number, steps: NumberReader, cursors: number[]): void {
    for (let i = 0; i < ranges && !this.#isOver(); i++) {
      this.#target(chain, steps, cursors);
      this.#body.uint(this.#columns.counts.next());
    }
  }

  /** Whether the change at hand cannot become a body any more. */
  #isOver(): boolean {
    return this.#columns.fault.failed || this.#body.length > 2 * MAX_BODY_BYTES;
  }

  #target(chain: number, steps: NumberReader, cursors: number[]): void {
    const line = this.#columns.lines.next();
    const named = this.#named[line];
    if (named === undefined) {
      this.#columns.fault.failed = true;
      return;
    }
    const at = line === 0 ? chain : this.#chainOf.at(named);
    const position = (cursors[at] ?? 0) + unzigzag(steps.next());
    this.#element(line, position);
    cursors[at] = position;
  }

  /** Writes the element at a position of a line that there is: ref, back, index. */
  #element(line: number, position: number): void {
    const writer = this.#body;
    const { fault } = this.#columns;
    if (!(position >= 0 && position <= MAX_POSITION)) {
      fault.failed = true;
      return;
    }
    if (line === 0 && position >= this.#before) {
      writer.uint(0);
      writer.uint(0);
      writer.uint(position - this.#before);
      return;
    }
    // The own line has no prev only where nothing was made before: then the element is one of this change.
    const chains = this.#chains;
    const named = this.#named[line]!;
    const change = chains.ancestorBelow(named, position + 1);
    const index = position - chains.elementsBefore(change);
    if (index >= chains.elements(change)) {
      fault.failed = true;
      return;
    }
    writer.uint(line + 1);
    writer.uint(chains.seq(named) - chains.seq(change));
    writer.uint(index);
  }
}

/** The ids of all changes read so far, 32 bytes each, one after another. */
class Ids {
  #bytes = new Uint8Array(64 * ID_BYTES);
  #length = 0;

  push(id: Uint8Array): void {
    const end = (this.#length + 1) * ID_BYTES;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(id, end - ID_BYTES);
    this.#length++;
  }

  at(row: number): Uint8Array {
    return this.#bytes.subarray(row * ID_BYTES, (row + 1) * ID_BYTES);
  }
}

const NOTHING = new Uint8Array(0);

/** Scalar values in UTF-8; of anything else some number. */
function scalarsIn(utf8: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < utf8.length; i++) if ((utf8[i]! & 0xc0) !== 0x80) count++;
  return count;
}

/** Elements that a raw op makes, by its own count. */
function madeBy(op: Uint8Array, fault: Fault): number {
  const reader = new ByteReader(op);
  reader.arrayHeader();
  reader.uint();
  const made = reader.uint();
  if (reader.failed) fault.failed = true;
  return made;
}
