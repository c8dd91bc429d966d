/**
 * Writes changes of a history into the columns of a block.
 *
 * What the columns cannot tell is written raw, op by op. Nothing here has to be right for the data to be safe: file.ts reads
 * back what was written and compares every body.
 */
import {
  INERT,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  readOp,
} from "../change/index.ts";
import type { AssignOp, ElementTarget, InsertOp, Op, Place, RemoveOp } from "../change/index.ts";
import { ByteReader, utf8Length } from "../encoding/index.ts";
import type { ByteWriter } from "../encoding/index.ts";
import type { History } from "../history/index.ts";
import {
  ADD,
  ANY_RANGES,
  ASSIGN,
  AT_CURSOR,
  AT_PLACE,
  BYTE_COLUMNS,
  CLEAR,
  Cursors,
  ELSEWHERE,
  ENDS_ELSEWHERE,
  ENDS_NEAR,
  INCREMENT,
  INSERT_TEXT,
  INSERT_VALUES,
  MAX_POSITION,
  MAX_TIME_STEP,
  NUMBER_COLUMNS,
  RAW,
  REMOVE,
} from "./layout.ts";
import { ByteColumn, NumberWriter, zigzag } from "./numbers.ts";
import { writePacked } from "./pack.ts";

/** What the writer asks of a history. */
export type SavedHistory = Pick<
  History,
  | "document"
  | "length"
  | "idAt"
  | "bodySizeAt"
  | "bodyTailAt"
  | "hasBody"
  | "signatureAt"
  | "authorAt"
  | "chainAt"
  | "chainIndexAt"
  | "prevAt"
  | "timeAt"
  | "dependencySlots"
  | "dependencyAt"
  | "opsOffsetAt"
  | "elementsAt"
  | "chainElementsBefore"
  | "ancestorOnChain"
  | "groupRange"
>;

/** An element, or the elements of a range, by position on a line. */
interface Target {
  /** 0 the line of the change itself, else one more than the place among its parents and refs. */
  readonly line: number;
  readonly chain: number;
  readonly position: number;
}

interface Range extends Target {
  readonly count: number;
}

/** The changes of one block. */
export class BlockWriter {
  readonly #history: SavedHistory;
  /** The last change written of each chain, in this block or before. */
  readonly #tips: number[];
  readonly #numbers = Object.fromEntries(
    NUMBER_COLUMNS.map((name) => [name, new NumberWriter()]),
  ) as Record<(typeof NUMBER_COLUMNS)[number], NumberWriter>;
  readonly #bytes = Object.fromEntries(
    BYTE_COLUMNS.map((name) => [name, new ByteColumn()]),
  ) as Record<(typeof BYTE_COLUMNS)[number], ByteColumn>;
  readonly #signatures = new ByteColumn();
  readonly #cursors = new Cursors();
  readonly #names = new Map<string, number>();
  #lastTime = 0;

  /** `tips` holds the last change of each chain that blocks before this one hold, and is kept so. */
  constructor(history: SavedHistory, tips: number[]) {
    this.#history = history;
    this.#tips = tips;
  }

  /** Bytes of the columns so far, about. */
  get length(): number {
    let sum = this.#signatures.length;
    for (const name of NUMBER_COLUMNS) sum += this.#numbers[name].length;
    for (const name of BYTE_COLUMNS) sum += this.#bytes[name].length;
    return sum;
  }

  /** Writes the changes [start, end): whole closed groups, and no more than one group may hold. */
  addWindow(start: number, end: number): void {
    const history = this.#history;
    const covered = new Set<number>();
    for (let row = start; row < end; row++) {
      this.#addChange(row);
      covered.add(history.prevAt(row));
    }
    this.#numbers.windows.push(end - start);
    for (let row = start; row < end; row++) {
      const signature = covered.has(row) ? null : history.signatureAt(row);
      if (signature !== null) this.#signatures.append(signature);
    }
  }

  /** Writes the block as one item. */
  finish(writer: ByteWriter): void {
    writer.arrayHeader(1 + NUMBER_COLUMNS.length + BYTE_COLUMNS.length);
    writer.bytes(this.#signatures.view());
    for (const name of NUMBER_COLUMNS) writePacked(writer, this.#numbers[name].finish());
    for (const name of BYTE_COLUMNS) writePacked(writer, this.#bytes[name].view());
  }

  #addChange(row: number): void {
    const history = this.#history;
    const numbers = this.#numbers;
    const tail = history.bodyTailAt(row);
    const chain = history.chainIndexAt(row);
    const prev = history.prevAt(row);
    numbers.chains.push(chain);
    if (prev === (this.#tips[chain] ?? -1)) numbers.prevs.push(0);
    else numbers.prevs.push(prev < 0 ? 1 : row - prev + 1);
    this.#tips[chain] = row;
    const named = history.dependencySlots(row) - 1;
    const parents = named === 0 ? 0 : new ByteReader(tail).arrayHeader();
    numbers.parents.push(parents);
    numbers.refs.push(named - parents);
    for (let slot = 1; slot <= named; slot++)
      numbers.dependencies.push(row - 1 - history.dependencyAt(row, slot));
    this.#addTime(history.timeAt(row));
    const reader = new ByteReader(tail, history.opsOffsetAt(row));
    let ops = 0;
    let made = 0;
    while (reader.offset < tail.length) {
      const start = reader.offset;
      made += this.#addOp(row, tail, reader, made);
      // No op is empty, unless the history is not what it says.
      if (reader.offset === start) break;
      ops++;
    }
    numbers.ops.push(ops);
  }

  #addTime(time: number | null): void {
    const { times, dates } = this.#numbers;
    if (time === null) {
      times.push(0);
      return;
    }
    const step = time - this.#lastTime;
    if (Math.abs(step) <= MAX_TIME_STEP) {
      times.push(2 + zigzag(step));
    } else {
      times.push(1);
      dates.push(time);
    }
    this.#lastTime = time;
  }

  /** Writes the next op of a change that has made so many elements; returns how many this one makes. */
  #addOp(row: number, tail: Uint8Array, reader: ByteReader, made: number): number {
    const start = reader.offset;
    const fields = reader.arrayHeader();
    reader.uint();
    const own = reader.uint();
    reader.offset = start;
    let op: Op | null = null;
    if (fields === 4) op = readOp(reader);
    else reader.skip(Infinity);
    if (op === null || op.kind === INERT || !this.#addKnown(row, tail, start, reader, op, made)) {
      this.#bytes.codes.push(RAW);
      this.#addValue(tail.subarray(start, reader.offset));
    }
    return own;
  }

  /** Writes an op in columns; false, with nothing written, when they cannot tell it. */
  #addKnown(
    row: number,
    tail: Uint8Array,
    start: number,
    { offset: end }: ByteReader,
    op: Exclude<Op, { kind: typeof INERT }>,
    made: number,
  ): boolean {
    switch (op.kind) {
      case OP_INSERT_TEXT: {
        if (!this.#addInsert(row, INSERT_TEXT, op, made)) return false;
        const size = utf8Length(op.content as string);
        this.#numbers.lengths.push(size);
        this.#bytes.text.append(tail.subarray(end - size, end));
        return true;
      }
      case OP_INSERT_VALUES: {
        if (!this.#addInsert(row, INSERT_VALUES, op, made)) return false;
        this.#numbers.made.push(op.made);
        const content = contentOf(tail, start, end);
        content.arrayHeader();
        this.#addValue(tail.subarray(content.offset, end));
        return true;
      }
      case OP_REMOVE:
        return this.#addRemove(row, op);
      case OP_ASSIGN:
      case OP_ADD: {
        const owner = this.#ownerOf(row, op.place);
        const ranges = this.#rangesOf(row, op.ranges);
        if (owner === null || ranges === null) return false;
        this.#bytes.codes.push(codeOf(op));
        this.#addPlace(op.place, owner);
        this.#addRanges(ranges, "replaced");
        if (op.made === 1) this.#addValue(tail.subarray(contentOf(tail, start, end).offset, end));
        return true;
      }
      case OP_INCREMENT: {
        const owner = this.#ownerOf(row, op.place);
        if (owner === null) return false;
        this.#bytes.codes.push(INCREMENT);
        this.#addPlace(op.place, owner);
        this.#addValue(tail.subarray(contentOf(tail, start, end).offset, end));
        return true;
      }
    }
  }

  #addInsert(
    row: number,
    base: typeof INSERT_TEXT | typeof INSERT_VALUES,
    { parent, place, side, made: own }: InsertOp,
    made: number,
  ): boolean {
    const chain = this.#history.chainIndexAt(row);
    const { edits } = this.#cursors;
    if (parent === null) {
      const owner = this.#ownerOf(row, place!);
      if (owner === null) return false;
      this.#bytes.codes.push(base + AT_PLACE);
      this.#addPlace(place!, owner);
    } else {
      const target = this.#target(row, parent.ref, parent.back, parent.index);
      if (target === null) return false;
      if (target.line === 0 && target.position === (edits[chain] ?? 0)) {
        this.#bytes.codes.push(base + AT_CURSOR + side);
      } else {
        this.#bytes.codes.push(base + ELSEWHERE + side);
        this.#addTarget(target, "deltas", edits);
      }
    }
    edits[chain] = this.#history.chainElementsBefore(row) + made + own - 1;
    return true;
  }

  #addRemove(row: number, op: RemoveOp): boolean {
    const ranges = this.#rangesOf(row, op.ranges);
    if (ranges === null) return false;
    const { codes } = this.#bytes;
    const { edits } = this.#cursors;
    const [first] = ranges;
    if (ranges.length > 1 || first!.line !== 0) {
      codes.push(REMOVE + ANY_RANGES);
      this.#addRanges(ranges, "deltas");
      return true;
    }
    const { chain, position, count } = first!;
    const step = position + count - 1 - (edits[chain] ?? 0);
    if (Math.abs(step) <= 1) {
      codes.push(REMOVE + ENDS_NEAR + zigzag(step));
    } else {
      codes.push(REMOVE + ENDS_ELSEWHERE);
      this.#numbers.deltas.push(zigzag(step));
    }
    this.#numbers.counts.push(count);
    edits[chain] = position;
    return true;
  }

  #addRanges(ranges: readonly Range[], column: "deltas" | "replaced"): void {
    const { ranges: lengths, counts } = this.#numbers;
    lengths.push(ranges.length);
    const cursors = column === "deltas" ? this.#cursors.edits : this.#cursors.replaced;
    for (const range of ranges) {
      this.#addTarget(range, column, cursors);
      counts.push(range.count);
    }
  }

  #addTarget(
    { line, chain, position }: Target,
    column: "deltas" | "owners" | "replaced",
    cursors: number[],
  ): void {
    this.#numbers.lines.push(line);
    this.#numbers[column].push(zigzag(position - (cursors[chain] ?? 0)));
    cursors[chain] = position;
  }

  #addPlace({ path }: Place, owner: Target | "root"): void {
    const { paths, names, sizes } = this.#numbers;
    paths.push(2 * path.length + (owner === "root" ? 0 : 1));
    if (owner !== "root") this.#addTarget(owner, "owners", this.#cursors.owners);
    for (const name of path) {
      const known = this.#names.get(name);
      names.push(known ?? 0);
      if (known !== undefined) continue;
      this.#names.set(name, this.#names.size + 1);
      const bytes = encoder.encode(name);
      sizes.push(bytes.length);
      this.#bytes.nameTexts.append(bytes);
    }
  }

  #addValue(bytes: Uint8Array): void {
    this.#numbers.sizes.push(bytes.length);
    this.#bytes.values.append(bytes);
  }

  #ownerOf(row: number, { owner }: Place): Target | "root" | null {
    return owner === null ? "root" : this.#element(row, owner);
  }

  #element(row: number, { ref, back, index }: ElementTarget): Target | null {
    return this.#target(row, ref, back, index);
  }

  #rangesOf(row: number, flat: readonly number[]): Range[] | null {
    const ranges: Range[] = [];
    for (let i = 0; i < flat.length; i += 4) {
      const target = this.#target(row, flat[i]!, flat[i + 1]!, flat[i + 2]!);
      const count = flat[i + 3]!;
      if (target === null || count > MAX_POSITION) return null;
      ranges.push({ ...target, count });
    }
    return ranges;
  }

  /** Where an element stands on its line; null when its name is not the one that the position has. */
  #target(row: number, ref: number, back: number, index: number): Target | null {
    const history = this.#history;
    const own = history.chainIndexAt(row);
    if (ref === 0) {
      const position = history.chainElementsBefore(row) + index;
      if (back !== 0 || position > MAX_POSITION) return null;
      return { line: 0, chain: own, position };
    }
    if (ref > history.dependencySlots(row)) return null;
    const named = history.dependencyAt(row, ref - 1);
    const change = named < 0 ? -1 : history.ancestorOnChain(named, back);
    if (change < 0 || index >= history.elementsAt(change)) return null;
    const position = history.chainElementsBefore(change) + index;
    const chain = ref === 1 ? own : history.chainIndexAt(named);
    return { line: ref - 1, chain, position };
  }
}

const encoder = new TextEncoder();

/** A reader at the content of the op that stands in [start, end). */
function contentOf(tail: Uint8Array, start: number, end: number): ByteReader {
  const reader = new ByteReader(tail, start, end);
  reader.arrayHeader();
  reader.uint();
  reader.uint();
  reader.skip(Infinity);
  return reader;
}

function codeOf({ kind, made }: AssignOp): number {
  if (kind === OP_ADD) return ADD;
  return made === 1 ? ASSIGN : CLEAR;
}
