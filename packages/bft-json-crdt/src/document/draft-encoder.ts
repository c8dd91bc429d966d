/**
 * Drafts to bytes: once all ops of a change are known, it is chosen through which changes the body names their targets,
 * and the body is written and hashed. The first pass over the ops collects what they refer to, the second writes them.
 *
 * One encoder serves one document and keeps its buffers: typing makes a change for each key.
 */
import {
  BodyBuffer,
  ID_BYTES,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  writeBodyRest,
  writeElement,
  writeInserted,
  writeOpHead,
} from "../change/index.ts";
import type { ByteWriter } from "../encoding/index.ts";
import type { History, MadeChange } from "../history/index.ts";
import { empty } from "./draft.ts";
import type { Draft, DraftOp, LocalPlace } from "./draft.ts";

/** What a change is made on top of, in local indexes, and who makes it. */
export interface Ground {
  readonly author: Uint8Array;
  readonly chain: bigint;
  readonly time: number | null;
  /** The previous change of the chain, or -1. */
  readonly prev: number;
  /** Sorted by id. */
  readonly parents: readonly number[];
  /** Dependencies that the caller asks for besides. */
  readonly required: readonly number[];
}

/** Stands for the change that is being made among local indexes. */
const SELF = -1;

const NO_INDEXES: readonly number[] = [];
const NO_IDS: readonly Uint8Array[] = [];
const NO_BYTES = new Uint8Array(0);

/** Makes changes of drafts. */
export class DraftEncoder {
  readonly #history: History;
  readonly #buffer: BodyBuffer;
  readonly #writer: ByteWriter;
  /** What was encoded last, and its header: objects of their own for each key typed would be most of what the collector gets. */
  readonly #made = {
    id: new Uint8Array(ID_BYTES),
    body: NO_BYTES as Uint8Array,
    author: NO_BYTES as Uint8Array,
    chain: 0n,
    seq: 0,
    prev: -1,
    links: NO_INDEXES,
    lamport: 0,
    time: null as number | null,
    opsOffset: 0,
    opCount: 0,
    elements: 0,
    detached: false,
  };
  readonly #header = {
    seq: 0,
    prev: null as Uint8Array | null,
    parents: NO_IDS,
    lamport: 0,
    time: null as number | null,
    refs: NO_IDS,
  };
  readonly #prevId = new Uint8Array(ID_BYTES);
  /** The local index of what was encoded last; -1 until it is appended. */
  #madeIndex = -1;
  #base = 0;
  #prev = -1;
  #parents: readonly number[] = NO_INDEXES;
  /** Changes referred to besides prev and parents, sorted by id once all are known. */
  #refs: number[] = [];
  /** Ranges of removals and replacements, in the order of the ops, with local indexes as refs. */
  readonly #ranges: number[][] = [];
  /** For each change that owns named elements, the change to name it through. */
  readonly #via = new Map<number, number>();
  /** Of each chain the one of `#refs` that was named last. */
  readonly #lastOfChain = new Map<number, number>();
  readonly #referred = new Set<number>();
  readonly #slots = new Map<number, number>();
  /** The change that was looked up last, and its elements [start, end). */
  #change = -1;
  #start = 0;
  #end = 0;

  constructor(history: History) {
    this.#history = history;
    this.#buffer = new BodyBuffer(history.document);
    this.#writer = this.#buffer.writer;
  }

  /**
   * Encodes and hashes a draft. What is returned lasts until the next call: `appendMade` copies it into the history.
   */
  encode(draft: Draft, ground: Ground): MadeChange {
    const history = this.#history;
    const { author, chain, time, prev, parents } = ground;
    const { ops } = draft;
    this.#begin(draft, ground);
    for (let i = 0; i < ops.length; i++) this.#collect(ops[i]!);
    const links = this.#settleSlots();
    let greatest = prev < 0 ? 0 : history.lamportAt(prev);
    for (const link of links) greatest = Math.max(greatest, history.lamportAt(link));
    const lamport = greatest + 1;
    const seq = prev < 0 ? 1 : history.seqAt(prev) + 1;

    const buffer = this.#buffer;
    const { writer } = buffer;
    buffer.begin(author, chain);
    const header = this.#header;
    header.seq = seq;
    header.prev = prev < 0 ? null : this.#idOf(prev);
    this.#madeIndex = -1;
    header.parents = this.#idsOf(parents);
    header.lamport = lamport;
    header.time = time;
    header.refs = this.#idsOf(this.#refs);
    writeBodyRest(writer, header, ops.length);
    const opsOffset = buffer.length;
    let range = 0;
    for (let i = 0; i < ops.length; i++) {
      const op = ops[i]!;
      const isRanged = op.kind === OP_REMOVE || op.kind === OP_ASSIGN || op.kind === OP_ADD;
      this.#write(op, isRanged ? this.#ranges[range++]! : NO_INDEXES);
    }
    const made = this.#made;
    made.body = buffer.body();
    buffer.hash(made.id);
    buffer.settle();
    made.author = author;
    made.chain = chain;
    made.seq = seq;
    made.prev = prev;
    made.links = links;
    made.lamport = lamport;
    made.time = time;
    made.opsOffset = opsOffset;
    made.opCount = ops.length;
    made.elements = draft.made;
    return made;
  }

  /** What was encoded last has this local index now. */
  appended(index: number): void {
    this.#madeIndex = index;
  }

  /** Keeps nothing of what was encoded last, which may have been large. */
  forget(): void {
    this.#made.body = NO_BYTES;
    empty(this.#ranges);
  }

  /** The id of a change; nearly always of the one that was encoded last. Good until the next is hashed. */
  #idOf(change: number): Uint8Array {
    if (change === this.#madeIndex) return this.#made.id;
    this.#history.copyId(change, this.#prevId);
    return this.#prevId;
  }

  #begin(draft: Draft, { prev, parents, required }: Ground): void {
    this.#base = draft.base;
    this.#prev = prev;
    this.#parents = parents;
    if (this.#refs.length > 0) this.#refs = [];
    empty(this.#ranges);
    // What is empty stays untouched: to clear a Map makes a new table for it.
    if (this.#via.size > 0) this.#via.clear();
    if (this.#lastOfChain.size > 0) this.#lastOfChain.clear();
    if (this.#referred.size > 0) this.#referred.clear();
    if (this.#slots.size > 0) this.#slots.clear();
    for (const change of required) this.#refer(change);
  }

  /** Looks at what an op refers to. */
  #collect(op: DraftOp): void {
    switch (op.kind) {
      case OP_INSERT_VALUES:
      case OP_INSERT_TEXT:
        if (op.parent >= 0) this.#viaOf(op.parent);
        else this.#collectPlace(op.place);
        return;
      case OP_REMOVE:
        this.#ranges.push(this.#rangesOf(op.elements));
        return;
      case OP_ASSIGN:
      case OP_ADD:
        this.#collectPlace(op.place);
        this.#ranges.push(this.#rangesOf(op.replaced.flatMap((element) => [element, 1])));
        return;
      case OP_INCREMENT:
        this.#collectPlace(op.place);
        return;
    }
  }

  #collectPlace({ owner }: LocalPlace): void {
    if (owner >= 0) this.#viaOf(owner);
  }

  /** Sorts the refs and gives each named change its slot: 0 itself, 1 prev, then parents, then refs. Returns the links. */
  #settleSlots(): readonly number[] {
    const parents = this.#parents;
    const refs = this.#refs;
    if (refs.length === 0 && parents.length === 0) return NO_INDEXES;
    refs.sort((a, b) => this.#history.compareIds(a, b));
    const links = refs.length === 0 ? parents : [...parents, ...refs];
    for (let i = 0; i < links.length; i++) this.#slots.set(links[i]!, i + 2);
    return links;
  }

  #slotOf(change: number): number {
    if (change === SELF) return 0;
    return change === this.#prev ? 1 : this.#slots.get(change)!;
  }

  #idsOf(changes: readonly number[]): readonly Uint8Array[] {
    if (changes.length === 0) return NO_IDS;
    return changes.map((change) => this.#history.idViewAt(change));
  }

  #write(op: DraftOp, ranges: readonly number[]): void {
    const writer = this.#writer;
    writeOpHead(writer, op.kind, op.made);
    switch (op.kind) {
      case OP_INSERT_VALUES:
      case OP_INSERT_TEXT:
        if (op.parent >= 0) {
          writer.arrayHeader(4);
          writer.uint(op.side);
          this.#writeElement(op.parent);
        } else {
          writer.arrayHeader(1);
          this.#writePlace(op.place);
        }
        writeInserted(writer, op.content);
        return;
      case OP_REMOVE:
        writer.arrayHeader(ranges.length);
        this.#writeRanges(ranges);
        writer.null();
        return;
      case OP_ASSIGN:
      case OP_ADD:
        writer.arrayHeader(1 + ranges.length);
        this.#writePlace(op.place);
        this.#writeRanges(ranges);
        writer.value(op.content);
        return;
      case OP_INCREMENT:
        writer.arrayHeader(1);
        this.#writePlace(op.place);
        writer.value(op.amount);
        return;
    }
  }

  #writeElement(element: number): void {
    if (element >= this.#base) {
      writeElement(this.#writer, 0, 0, element - this.#base);
      return;
    }
    const history = this.#history;
    const via = this.#viaOf(element);
    const back = history.seqAt(via) - history.seqAt(this.#change);
    writeElement(this.#writer, this.#slotOf(via), back, element - this.#start);
  }

  #writePlace({ owner, path }: LocalPlace): void {
    const writer = this.#writer;
    writer.arrayHeader(path.length + (owner < 0 ? 0 : 3));
    if (owner >= 0) this.#writeElement(owner);
    for (const name of path) writer.text(name);
  }

  /** Writes ranges that have local indexes as refs. */
  #writeRanges(ranges: readonly number[]): void {
    const writer = this.#writer;
    for (let i = 0; i < ranges.length; i += 4) {
      writer.uint(this.#slotOf(ranges[i]!));
      for (let part = 1; part < 4; part++) writer.uint(ranges[i + part]!);
    }
  }

  /** Flat wire ranges (with local indexes as refs) for flat local ranges: first element, count, … */
  #rangesOf(elements: readonly number[]): number[] {
    const simple = this.#singleRange(elements) ?? this.#ownRanges(elements);
    if (simple !== null) return simple;
    const pieces = this.#pieces(elements);
    // Of one chain in the order of its elements, so that a run typed over many changes becomes one range.
    if (pieces.length > 1) pieces.sort((a, b) => a.ref - b.ref || a.position - b.position);
    const ranges: number[] = [];
    let end = -1;
    let endRef = Number.NaN;
    for (const { ref, change, position, index, count } of pieces) {
      if (ref === endRef && position === end) {
        ranges[ranges.length - 1]! += count;
      } else {
        const back = ref === SELF ? 0 : this.#history.seqAt(ref) - this.#history.seqAt(change);
        ranges.push(ref, back, index, count);
      }
      end = position + count;
      endRef = ref;
    }
    return ranges;
  }

  /** The wire range of one local range inside of one change: a backspace. Null for anything else. */
  #singleRange(elements: readonly number[]): number[] | null {
    if (elements.length !== 2) return null;
    const element = elements[0]!;
    const count = elements[1]!;
    if (element >= this.#base) return [SELF, 0, element - this.#base, count];
    const ref = this.#viaOf(element);
    if (element + count > this.#end) return null;
    const back = this.#history.seqAt(ref) - this.#history.seqAt(this.#change);
    return [ref, back, element - this.#start, count];
  }

  /** The wire ranges of elements of this change whose numbers ascend; null for anything else. */
  #ownRanges(elements: readonly number[]): number[] | null {
    const ranges: number[] = [];
    let end = this.#base;
    for (let i = 0; i < elements.length; i += 2) {
      const element = elements[i]!;
      const count = elements[i + 1]!;
      if (element < end) return null;
      if (element === end && i > 0) ranges[ranges.length - 1]! += count;
      else ranges.push(SELF, 0, element - this.#base, count);
      end = element + count;
    }
    return ranges;
  }

  /** Cuts ranges of element numbers at the borders of changes. */
  #pieces(elements: readonly number[]): Piece[] {
    const history = this.#history;
    const pieces: Piece[] = [];
    for (let i = 0; i < elements.length; i += 2) {
      let element = elements[i]!;
      const end = element + elements[i + 1]!;
      while (element < end) {
        if (element >= this.#base) {
          const index = element - this.#base;
          pieces.push({ ref: SELF, change: SELF, position: index, index, count: end - element });
          break;
        }
        const ref = this.#viaOf(element);
        const change = this.#change;
        const index = element - this.#start;
        const count = Math.min(end, this.#end) - element;
        const position = history.chainElementsBefore(change) + index;
        pieces.push({ ref, change, position, index, count });
        element += count;
      }
    }
    return pieces;
  }

  /** The change through which an element is named, SELF for one of this change. Leaves its own change in `#change`. */
  #viaOf(element: number): number {
    if (element >= this.#base) return SELF;
    const history = this.#history;
    if (!(element >= this.#start && element < this.#end)) {
      this.#change = history.changeOfElement(element);
      this.#start = history.elementBaseAt(this.#change);
      this.#end = this.#start + history.elementsAt(this.#change);
    }
    const change = this.#change;
    // What one has written oneself, or seen of a chain before going on with it, is named through prev.
    if (this.#prev >= 0 && history.isBehind(change, this.#prev)) return this.#prev;
    const known = this.#via.get(change);
    if (known !== undefined) return known;
    const via = this.#choose(change);
    this.#via.set(change, via);
    this.#refer(via);
    return via;
  }

  /** Makes sure that the body names a change. */
  #refer(change: number): void {
    if (change === this.#prev || this.#parents.includes(change) || this.#referred.has(change))
      return;
    this.#referred.add(change);
    this.#refs.push(change);
    this.#lastOfChain.set(this.#history.chainIndexAt(change), change);
  }

  /** A parent that has this change behind it on its chain, else the chain's tip, else the change itself. */
  #choose(change: number): number {
    const history = this.#history;
    for (const parent of this.#parents) {
      if (history.isBehind(change, parent)) return parent;
    }
    // Of a chain with very many branches only the last one that was named is looked at.
    const last = this.#lastOfChain.get(history.chainIndexAt(change));
    if (last !== undefined && history.isBehind(change, last)) return last;
    const tip = history.tipOf(change);
    return tip >= 0 ? tip : change;
  }
}

/** Consecutive elements of one change. */
interface Piece {
  readonly ref: number;
  readonly change: number;
  /** Of the first element, counted along its chain. */
  readonly position: number;
  readonly index: number;
  readonly count: number;
}
