/**
 * A draft: the ops of a change that is being made, with targets as local element numbers, and how they become the bytes
 * of a change once it is known what they refer to.
 */
import {
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  writeBodyHead,
  writeOp,
} from "../change/index.ts";
import type { ChangeHeader, ElementTarget, Op, Place } from "../change/index.ts";
import { ByteWriter, compareBytes } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import type { History } from "../history/index.ts";
import { RIGHT } from "../types/index.ts";
import type { Side } from "../types/index.ts";

/** A container by its owner (an element number, -1 for the root) and the names below it. */
export interface LocalPlace {
  readonly owner: number;
  readonly path: readonly string[];
}

/** One op of a draft. */
export type DraftOp =
  | {
      readonly kind: typeof OP_INSERT_VALUES;
      readonly made: number;
      readonly parent: number;
      readonly side: Side;
      readonly place: LocalPlace;
      readonly content: readonly Value[];
    }
  | {
      readonly kind: typeof OP_INSERT_TEXT;
      made: number;
      readonly parent: number;
      readonly side: Side;
      readonly place: LocalPlace;
      content: string;
    }
  | {
      readonly kind: typeof OP_REMOVE;
      readonly made: 0;
      /** Flat: first element, count, … */
      readonly elements: number[];
    }
  | {
      readonly kind: typeof OP_ASSIGN | typeof OP_ADD;
      readonly made: 0 | 1;
      readonly place: LocalPlace;
      readonly replaced: readonly number[];
      readonly content: Value;
    }
  | {
      readonly kind: typeof OP_INCREMENT;
      readonly made: 0;
      readonly place: LocalPlace;
      readonly amount: bigint;
    };

/** The ops of one change, in order. */
export class Draft {
  /** Number of the first element that this change makes. */
  readonly base: number;
  /** Elements made so far. */
  made = 0;
  /** At most so many bytes will the ops take, references included. */
  bytes = 0;
  readonly ops: DraftOp[] = [];

  constructor(base: number) {
    this.base = base;
  }

  /** The number that the next element gets. */
  get next(): number {
    return this.base + this.made;
  }

  /** Adds an op of at most `bytes`, its content included; its elements have been numbered from `next` on. */
  add(op: DraftOp, bytes: number, contentBytes: number): void {
    if (this.#extendsLast(op)) {
      this.bytes += contentBytes;
    } else {
      this.bytes += bytes;
      this.ops.push(op);
    }
    this.made += op.made;
  }

  /** Text typed right behind what the last op inserted becomes part of that op. */
  #extendsLast(op: DraftOp): boolean {
    const last = this.ops[this.ops.length - 1];
    if (op.kind !== OP_INSERT_TEXT || last?.kind !== OP_INSERT_TEXT) return false;
    if (op.parent < 0 || op.parent !== this.next - 1 || op.side !== RIGHT) return false;
    last.content += op.content;
    last.made += op.made;
    return true;
  }
}

/** What a change is made on top of: local indexes, and its header without what follows from the ops. */
export interface Ground {
  readonly prev: number;
  /** Sorted by id. */
  readonly parents: readonly number[];
  /** Dependencies that the caller asks for besides. */
  readonly required: readonly number[];
  readonly header: Omit<ChangeHeader, "refs" | "lamport">;
}

/** Encodes a draft as a change body. */
export function encodeDraft(history: History, draft: Draft, ground: Ground): Uint8Array {
  const references = new References(history, draft, ground);
  const ops = draft.ops.map((op) => toWire(op, references));
  const slots = references.slots();
  let lamport = 0;
  for (const change of slots.keys()) {
    if (change !== SELF) lamport = Math.max(lamport, history.lamportAt(change));
  }
  const refs = references.refs.map((change) => history.idAt(change));
  const writer = new ByteWriter(draft.bytes + 1_024);
  writeBodyHead(writer, { ...ground.header, lamport: lamport + 1, refs }, ops.length);
  for (const op of ops) writeOp(writer, withSlots(op, slots));
  return writer.take();
}

/** Stands for the change that is being made among local indexes. */
const SELF = -1;

/** Chooses for each element a change to refer to, with as few of them as it can. */
class References {
  /** Changes referred to besides prev and parents; sorted by id once `slots` was called. */
  readonly refs: number[] = [];
  readonly #referred = new Set<number>();
  /** The one of them that was named last, by chain. */
  readonly #lastOfChain = new Map<number, number>();
  readonly #history: History;
  readonly #draft: Draft;
  readonly #ground: Ground;
  /** For each change that owns named elements, the change to name it through. */
  readonly #via = new Map<number, number>();

  constructor(history: History, draft: Draft, ground: Ground) {
    this.#history = history;
    this.#draft = draft;
    this.#ground = ground;
    for (const change of ground.required) this.#refer(change);
  }

  element(element: number): ElementTarget {
    if (element >= this.#draft.base)
      return { ref: SELF, back: 0, index: element - this.#draft.base };
    const history = this.#history;
    const change = history.changeOfElement(element);
    const ref = this.#viaFor(change);
    const back = history.seqAt(ref) - history.seqAt(change);
    return { ref, back, index: element - history.elementBaseAt(change) };
  }

  /** Flat wire ranges (with local indexes as refs) for flat local ranges: first element, count, … */
  ranges(elements: readonly number[]): number[] {
    const pieces = this.#pieces(elements);
    // Of one chain in the order of its elements, so that a run typed over many changes becomes one range.
    pieces.sort((a, b) => a.ref - b.ref || a.position - b.position);
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

  /** The slot of every change that the body names: 0 itself, 1 prev, then parents, then refs by id. */
  slots(): Map<number, number> {
    const history = this.#history;
    this.refs.sort((a, b) => compareBytes(history.idAt(a), history.idAt(b)));
    const { prev, parents } = this.#ground;
    const slots = new Map([[SELF, 0]]);
    if (prev >= 0) slots.set(prev, 1);
    for (const change of [...parents, ...this.refs])
      slots.set(change, slots.size + (prev < 0 ? 1 : 0));
    return slots;
  }

  /** Cuts ranges of element numbers at the borders of changes. */
  #pieces(elements: readonly number[]): Piece[] {
    const history = this.#history;
    const pieces: Piece[] = [];
    for (let i = 0; i < elements.length; i += 2) {
      let element = elements[i]!;
      const end = element + elements[i + 1]!;
      while (element < end) {
        if (element >= this.#draft.base) {
          const index = element - this.#draft.base;
          pieces.push({ ref: SELF, change: SELF, position: index, index, count: end - element });
          break;
        }
        const change = history.changeOfElement(element);
        const index = element - history.elementBaseAt(change);
        const count = Math.min(end - element, history.elementsAt(change) - index);
        const position = history.chainElementsBefore(change) + index;
        pieces.push({ ref: this.#viaFor(change), change, position, index, count });
        element += count;
      }
    }
    return pieces;
  }

  #viaFor(change: number): number {
    const known = this.#via.get(change);
    if (known !== undefined) return known;
    const via = this.#choose(change);
    this.#via.set(change, via);
    this.#refer(via);
    return via;
  }

  /** Makes sure that the body names a change. */
  #refer(change: number): void {
    const { prev, parents } = this.#ground;
    if (change === prev || parents.includes(change) || this.#referred.has(change)) return;
    this.#referred.add(change);
    this.refs.push(change);
    this.#lastOfChain.set(this.#history.chainIndexAt(change), change);
  }

  /** A change named anyway that has this one behind it on its chain, else the chain's tip, else the change itself. */
  #choose(change: number): number {
    const history = this.#history;
    const { prev, parents } = this.#ground;
    for (const named of [prev, ...parents]) {
      if (named >= 0 && this.#isBehind(change, named)) return named;
    }
    // Of a chain with very many branches only the last one that was named is looked at.
    const last = this.#lastOfChain.get(history.chainIndexAt(change));
    if (last !== undefined && this.#isBehind(change, last)) return last;
    const tip = history.tipOf(change);
    return tip >= 0 ? tip : change;
  }

  #isBehind(change: number, later: number): boolean {
    const history = this.#history;
    const steps = history.seqAt(later) - history.seqAt(change);
    const oneChain = history.chainIndexAt(change) === history.chainIndexAt(later);
    return oneChain && steps >= 0 && history.ancestorOnChain(later, steps) === change;
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

type WireOp = Exclude<Op, { kind: 0 }>;

/** An op with local indexes in the place of slots. */
function toWire(op: DraftOp, references: References): WireOp {
  switch (op.kind) {
    case OP_INSERT_VALUES:
    case OP_INSERT_TEXT: {
      const { kind, made, side, content } = op;
      if (op.parent >= 0) {
        return { kind, made, side, content, place: null, parent: references.element(op.parent) };
      }
      return { kind, made, side, content, place: wirePlace(op.place, references), parent: null };
    }
    case OP_REMOVE:
      return { kind: op.kind, made: 0, ranges: references.ranges(op.elements) };
    case OP_ASSIGN:
    case OP_ADD: {
      const place = wirePlace(op.place, references);
      const ranges = references.ranges(op.replaced.flatMap((element) => [element, 1]));
      return { kind: op.kind, made: op.made, place, ranges, content: op.content };
    }
    case OP_INCREMENT:
      return { kind: op.kind, made: 0, place: wirePlace(op.place, references), amount: op.amount };
  }
}

function wirePlace({ owner, path }: LocalPlace, references: References): Place {
  return { owner: owner < 0 ? null : references.element(owner), path };
}

/** Puts the slots in the place of local indexes. */
function withSlots(op: WireOp, slots: ReadonlyMap<number, number>): WireOp {
  const slotOf = (target: ElementTarget): ElementTarget => ({
    ...target,
    ref: slots.get(target.ref)!,
  });
  const placed = (place: Place): Place =>
    place.owner === null ? place : { ...place, owner: slotOf(place.owner) };
  const ranged = (ranges: readonly number[]): number[] =>
    ranges.map((number, i) => (i % 4 === 0 ? slots.get(number)! : number));
  switch (op.kind) {
    case OP_INSERT_VALUES:
    case OP_INSERT_TEXT:
      return {
        ...op,
        parent: op.parent === null ? null : slotOf(op.parent),
        place: op.place === null ? null : placed(op.place),
      };
    case OP_REMOVE:
      return { ...op, ranges: ranged(op.ranges) };
    case OP_ASSIGN:
    case OP_ADD:
      return { ...op, place: placed(op.place), ranges: ranged(op.ranges) };
    case OP_INCREMENT:
      return { ...op, place: placed(op.place) };
  }
}
