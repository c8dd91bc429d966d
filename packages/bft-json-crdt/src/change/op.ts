/**
 * Ops: what a change does. On the wire `[kind, made, targets, content]`, or with detached content
 * `[kind, made, targets, length, hash]`.
 *
 * `made` counts the elements that the op makes (values of a list, characters of a text, assignments, additions to a
 * set); elements are numbered through a change from 0. A place names a container, a range names elements:
 *
 *     place = [ref, back, index, …path]  the container owned by an element, then fields of structs, then a map's key
 *           | […path]                    the same, from the root of the document
 *     range = ref, back, first, count    `count` elements on one chain, beginning with element `first` of the change
 *                                        `back` steps before `ref` and going on through later changes up to `ref`
 *     ref   = 0 this change, 1 prev, 2… parents, then refs
 *
 * An op that does not fit its kind is inert, never a reason to reject: {@link readOp} gives it the kind INERT and keeps
 * its `made`, so that every replica numbers elements alike. Detached content is what redaction and encryption will use;
 * version 1 folds no op of a change that has any.
 */
import type { ByteReader } from "../encoding/reader.ts";
import type { Value } from "../encoding/value.ts";
import type { ByteWriter } from "../encoding/writer.ts";
import { MAX_BODY_DEPTH, MAX_KEY_BYTES, MAX_VALUE_DEPTH } from "../limits.ts";

/** Kinds of ops as they stand on the wire; INERT is local and never written. */
export const OP_INSERT_VALUES = 1;
export const OP_INSERT_TEXT = 2;
export const OP_REMOVE = 3;
export const OP_ASSIGN = 4;
export const OP_INCREMENT = 5;
export const OP_ADD = 6;
export const INERT = 0;

/** Where a run hangs in the Fugue tree: below an element on one side, or at the start of a container. */
export const LEFT = 0;
export const RIGHT = 1;

/** An element named through a change that the body refers to. */
export interface ElementTarget {
  readonly ref: number;
  readonly back: number;
  readonly index: number;
}

/** A container: owned by an element (null: the root of the document), then down a path of names. */
export interface Place {
  readonly owner: ElementTarget | null;
  readonly path: readonly string[];
}

/** Inserts a run: below `parent` on `side`, or at the start of `place`; exactly one of the two is set. */
export interface InsertOp {
  readonly kind: typeof OP_INSERT_VALUES | typeof OP_INSERT_TEXT;
  readonly made: number;
  readonly parent: ElementTarget | null;
  readonly side: typeof LEFT | typeof RIGHT;
  readonly place: Place | null;
  /** Values of list items (null for items that are containers), or the inserted string. */
  readonly content: readonly Value[] | string;
}

/** Removes elements of any kind; `ranges` is flat: ref, back, first, count, … */
export interface RemoveOp {
  readonly kind: typeof OP_REMOVE;
  readonly made: 0;
  readonly ranges: readonly number[];
}

/**
 * Assigns to a register or a map's key (OP_ASSIGN), or adds to a set (OP_ADD), in the place of what `ranges` name.
 * OP_ASSIGN with `made` 0 and null content puts nothing in their place: it clears.
 */
export interface AssignOp {
  readonly kind: typeof OP_ASSIGN | typeof OP_ADD;
  readonly made: 0 | 1;
  readonly place: Place;
  readonly ranges: readonly number[];
  readonly content: Value;
}

/** Adds a signed 64-bit integer to a counter. */
export interface IncrementOp {
  readonly kind: typeof OP_INCREMENT;
  readonly made: 0;
  readonly place: Place;
  readonly amount: bigint;
}

/** Anything that has no effect here: unknown or misfitting. */
export interface InertOp {
  readonly kind: typeof INERT;
  readonly made: number;
}

export type Op = InsertOp | RemoveOp | AssignOp | IncrementOp | InertOp;

/** Reads the next op, with inline content, of a body whose outline decodeBody has checked; never throws. */
export function readOp(reader: ByteReader): Op {
  reader.arrayHeader();
  const kind = reader.uint();
  const made = reader.uint();
  const start = reader.offset;
  // Each part of what is known takes as many items as its head says, so that what was read whole ends where the op ends.
  const op = readKnown(reader, kind, made);
  if (op !== null && !reader.failed) return op;
  reader.failed = false;
  reader.offset = start;
  reader.skip(MAX_BODY_DEPTH);
  reader.skip(MAX_BODY_DEPTH);
  return { kind: INERT, made };
}

function readKnown(reader: ByteReader, kind: number, made: number): Op | null {
  const count = reader.arrayHeader();
  switch (kind) {
    case OP_INSERT_VALUES:
    case OP_INSERT_TEXT: {
      let parent: ElementTarget | null = null;
      let place: Place | null = null;
      let side: typeof LEFT | typeof RIGHT = RIGHT;
      if (count === 1) {
        place = readPlace(reader);
        if (place === null) return null;
      } else {
        const wireSide = reader.uint();
        if (count !== 4 || wireSide > 1) return null;
        side = wireSide === 0 ? LEFT : RIGHT;
        parent = { ref: reader.uint(), back: reader.uint(), index: reader.uint() };
      }
      if (reader.failed || made === 0) return null;
      const content = kind === OP_INSERT_TEXT ? reader.text() : readValues(reader);
      if (content === null || countElements(content) !== made) return null;
      return { kind, made, parent, side, place, content };
    }
    case OP_REMOVE: {
      const ranges = readRanges(reader, count);
      if (made !== 0 || count === 0 || ranges === null || !reader.isNull()) return null;
      return { kind, made, ranges };
    }
    case OP_ASSIGN:
    case OP_ADD: {
      const place = count === 0 ? null : readPlace(reader);
      if (place === null || made > 1) return null;
      const ranges = readRanges(reader, count - 1);
      if (ranges === null) return null;
      const content = reader.value(MAX_VALUE_DEPTH);
      if (made === 0 && (kind === OP_ADD || content !== null)) return null;
      return { kind, made: made === 0 ? 0 : 1, place, ranges, content };
    }
    case OP_INCREMENT: {
      const place = count === 1 ? readPlace(reader) : null;
      if (place === null || made !== 0 || reader.peek() > 1) return null;
      const amount = BigInt(reader.int());
      if (BigInt.asIntN(64, amount) !== amount) return null;
      return { kind, made, place, amount };
    }
    default:
      return null;
  }
}

function readPlace(reader: ByteReader): Place | null {
  if (reader.peek() !== 4) return null;
  const count = reader.arrayHeader();
  let owner: ElementTarget | null = null;
  let named = 0;
  if (count > 0 && reader.peek() === 0) {
    if (count < 3) return null;
    owner = { ref: reader.uint(), back: reader.uint(), index: reader.uint() };
    named = 3;
  }
  return { owner, path: readPath(reader, count - named) };
}

/** Mostly one or two names: an array of just their size takes a third of one that grows. */
function readPath(reader: ByteReader, count: number): string[] {
  if (count === 1) return [readName(reader)];
  if (count === 2) return [readName(reader), readName(reader)];
  const path: string[] = [];
  for (let i = 0; i < count; i++) path.push(readName(reader));
  return path;
}

function readName(reader: ByteReader): string {
  const start = reader.offset;
  const name = reader.text();
  if (reader.offset - start > MAX_KEY_BYTES + 3) reader.fail();
  return name;
}

function readRanges(reader: ByteReader, count: number): number[] | null {
  if (count % 4 !== 0) return null;
  const ranges = readNumbers(reader, count);
  for (let i = 3; i < count; i += 4) if (ranges[i] === 0) return null;
  return ranges;
}

/** Mostly one range. */
function readNumbers(reader: ByteReader, count: number): number[] {
  if (count === 4) return [reader.uint(), reader.uint(), reader.uint(), reader.uint()];
  const numbers: number[] = [];
  for (let i = 0; i < count; i++) numbers.push(reader.uint());
  return numbers;
}

function readValues(reader: ByteReader): Value[] | null {
  if (reader.peek() !== 4) return null;
  const count = reader.arrayHeader();
  const values: Value[] = [];
  for (let i = 0; i < count && !reader.failed; i++) values.push(reader.value(MAX_VALUE_DEPTH));
  return values;
}

/** Elements that a content makes: values of a list, or Unicode scalar values of a string. */
export function countElements(content: readonly Value[] | string): number {
  if (typeof content !== "string") return content.length;
  let pairs = 0;
  for (let i = 0; i < content.length; i++) {
    if ((content.charCodeAt(i) & 0xfc00) === 0xd800) pairs++;
  }
  return content.length - pairs;
}

/** Writes what every op begins with: its targets, an array, and its content have to follow. */
export function writeOpHead(writer: ByteWriter, kind: number, made: number): void {
  writer.arrayHeader(4);
  writer.uint(kind);
  writer.uint(made);
}

/** Writes what an op inserts. Each value may nest as deep as values may, like when it is read: the list around them does not count. */
export function writeInserted(writer: ByteWriter, content: readonly Value[] | string): void {
  if (typeof content === "string") {
    writer.text(content);
    return;
  }
  writer.arrayHeader(content.length);
  for (const value of content) writer.value(value);
}

/** Writes the three numbers that name an element. */
export function writeElement(writer: ByteWriter, ref: number, back: number, index: number): void {
  writer.uint(ref);
  writer.uint(back);
  writer.uint(index);
}
