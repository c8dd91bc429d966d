/**
 * A draft: the ops of a change that is being made, with targets as local element numbers. draft-encoder.ts makes the bytes
 * of a change of it.
 */
import { OP_INSERT_TEXT } from "../change/index.ts";
import type {
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_VALUES,
  OP_REMOVE,
} from "../change/index.ts";
import type { Value } from "../encoding/index.ts";
import { RIGHT } from "../types/index.ts";
import type { Side } from "../types/index.ts";

/** A container by its owner (an element number, -1 for the root) and the names below it. */
export interface LocalPlace {
  readonly owner: number;
  readonly path: readonly string[];
}

/** Assigns, or adds to a set. */
export interface AssignDraftOp {
  readonly kind: typeof OP_ASSIGN | typeof OP_ADD;
  readonly made: 0 | 1;
  readonly place: LocalPlace;
  readonly replaced: readonly number[];
  content: Value;
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
  | AssignDraftOp
  | {
      readonly kind: typeof OP_INCREMENT;
      readonly made: 0;
      readonly place: LocalPlace;
      readonly amount: bigint;
    };

/** The ops of one change, in order. It can be used for one change after another: typing makes one for each key. */
export class Draft {
  /** Number of the first element that this change makes. */
  base = 0;
  /** Elements made so far. */
  made = 0;
  /** At most so many bytes will the ops take, references included, and what else was reserved. */
  bytes = 0;
  readonly ops: DraftOp[] = [];

  /**
   * Begins a change whose first element has this number, and in which something else takes `reserved` bytes. The draft is new, or
   * the change before has ended.
   */
  begin(base: number, reserved: number): void {
    this.base = base;
    this.made = 0;
    this.bytes = reserved;
  }

  /** The change is made: what it was made of is not kept, however large. */
  end(): void {
    empty(this.ops);
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
    const { ops } = this;
    // To ask an empty array for its last is slow.
    if (op.kind !== OP_INSERT_TEXT || ops.length === 0) return false;
    const last = ops[ops.length - 1];
    if (last?.kind !== OP_INSERT_TEXT) return false;
    if (op.parent < 0 || op.parent !== this.next - 1 || op.side !== RIGHT) return false;
    last.content += op.content;
    last.made += op.made;
    return true;
  }
}

/** Empties an array; a small one keeps its room, which to set its length would take away. */
export function empty(array: unknown[]): void {
  if (array.length > FEW) array.length = 0;
  else while (array.length > 0) array.pop();
}

/** Items that are taken out one by one. */
const FEW = 8;
