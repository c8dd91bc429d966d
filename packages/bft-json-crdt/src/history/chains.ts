/**
 * Chains: one author's own lines of changes in a document, their tips, and where they fork.
 *
 * A chain is a tree in the worst case (its author equivocated), a line otherwise. Ancestors on a chain are found in
 * O(log n) with one jump pointer per change (Myers, "An applicative random-access stack", 1983).
 */
import { IntColumn, FloatColumn } from "./columns.ts";
import { IdTable } from "./id-table.ts";
import { IndexSet } from "./index-set.ts";

/** What of a change's header matters here. */
export interface ChainHeader {
  readonly author: Uint8Array;
  readonly chain: bigint;
  readonly seq: number;
}

/** Two different applied changes of one chain with the same seq. */
export interface Fork {
  /** The number of the chain. */
  readonly chain: number;
  readonly seq: number;
  readonly first: number;
  readonly second: number;
}

/** Bytes of an author, and of an author and a chain. */
const AUTHOR_BYTES = 32;
const KEY_BYTES = AUTHOR_BYTES + 8;

/**
 * The chains of one document, by the local indexes of their changes. Chains are numbered in the order of their first
 * appearance. There may be as many as changes, so that no chain is an object.
 */
export class Chains {
  /** Author and chain, one after the other. */
  readonly #keys = new IdTable(KEY_BYTES);
  /** Of each chain the change on which no other of it builds; -1 when there are several, after an equivocation. */
  readonly #tips = new IntColumn();
  readonly #forked = new Map<number, IndexSet>();
  /** Of each chain the first change that was applied with seq 1. */
  readonly #firsts = new IntColumn();
  /** What was looked up last: an author who edits asks for the same chain again and again. */
  readonly #key = new Uint8Array(KEY_BYTES);
  readonly #number = new DataView(this.#key.buffer, AUTHOR_BYTES);
  #found = -1;
  #chainOf = new IntColumn();
  #prev = new IntColumn();
  #jump = new IntColumn();
  #seq = new FloatColumn();
  /** First applied change that builds on this one in its chain, or -1. */
  #next = new IntColumn();
  /** Elements made on the chain before this change, and by it. */
  #before = new FloatColumn();
  #elements = new IntColumn();

  /** How many chains there are. */
  get count(): number {
    return this.#keys.length;
  }

  /** Adds the change of the next local index; returns the fork that it makes, if any. */
  add(header: ChainHeader, prev: number, elements: number): Fork | null {
    const row = this.#prev.length;
    const found = prev >= 0 ? this.#chainOf.at(prev) : this.find(header.author, header.chain);
    const chain = found >= 0 ? found : this.#keys.add(this.#key);
    this.#chainOf.push(chain);
    this.#prev.push(prev);
    this.#seq.push(header.seq);
    this.#next.push(-1);
    this.#elements.push(elements);
    if (prev < 0) {
      this.#jump.push(row);
      this.#before.push(0);
    } else {
      const jump = this.#jump.at(prev);
      const far = this.#jump.at(jump);
      const balanced =
        this.#seq.at(prev) - this.#seq.at(jump) === this.#seq.at(jump) - this.#seq.at(far);
      this.#jump.push(balanced && prev !== jump ? far : prev);
      this.#before.push(this.#before.at(prev) + this.#elements.at(prev));
    }
    if (found < 0) {
      this.#found = chain;
      this.#firsts.push(row);
      this.#tips.push(row);
      return null;
    }
    this.#addTip(chain, prev, row);
    const rival = prev < 0 ? this.#firsts.at(chain) : this.#next.at(prev);
    if (rival < 0) {
      this.#next.set(prev, row);
      return null;
    }
    return { chain, seq: header.seq, first: rival, second: row };
  }

  /** The number of a change's chain. */
  chainIndex(row: number): number {
    return this.#chainOf.at(row);
  }

  /** The author of a chain, 32 bytes. */
  authorOf(chain: number): Uint8Array {
    return this.#keys.at(chain).slice(0, AUTHOR_BYTES);
  }

  /** Which of its author's chains a chain is. */
  numberOf(chain: number): bigint {
    const key = this.#keys.at(chain);
    return new DataView(key.buffer, key.byteOffset + AUTHOR_BYTES).getBigUint64(0);
  }

  /** Whether a chain is this author's of this number. */
  isOf(chain: number, author: Uint8Array, number: bigint): boolean {
    return this.find(author, number) === chain;
  }

  /** The tip of a chain, or -1 when there are several. */
  tipOf(chain: number): number {
    return this.#tips.at(chain);
  }

  /** All tips of a chain: more than one only after an equivocation. */
  tipsOf(chain: number): Iterable<number> {
    return this.#forked.get(chain) ?? [this.#tips.at(chain)];
  }

  /** The chain of an author, or -1 when nothing of it is applied. */
  find(author: Uint8Array, chain: bigint): number {
    if (author.length !== AUTHOR_BYTES) return -1;
    const key = this.#key;
    if (this.#found >= 0 && this.#isKey(author, chain)) return this.#found;
    this.#found = -1;
    key.set(author);
    this.#number.setBigUint64(0, chain);
    // A number of more than 64 bits was cut off.
    if (this.#number.getBigUint64(0) === chain) this.#found = this.#keys.find(key);
    return this.#found;
  }

  prev(row: number): number {
    return this.#prev.at(row);
  }

  /** The first applied change that builds on this one in its chain, or -1. */
  next(row: number): number {
    return this.#next.at(row);
  }

  seq(row: number): number {
    return this.#seq.at(row);
  }

  elements(row: number): number {
    return this.#elements.at(row);
  }

  /** Elements made on the chain before this change. */
  elementsBefore(row: number): number {
    return this.#before.at(row);
  }

  /** The change `steps` before this one on its chain, or -1 when the chain is not that long. O(log n). */
  ancestor(row: number, steps: number): number {
    const seq = this.#seq.at(row) - steps;
    if (seq < 1) return -1;
    let at = row;
    while (this.#seq.at(at) > seq) {
      const jump = this.#jump.at(at);
      at = this.#seq.at(jump) >= seq ? jump : this.#prev.at(at);
    }
    return at;
  }

  /** The nearest change at or before this one on its chain with `elementsBefore < position`, or -1. O(log n). */
  ancestorBelow(row: number, position: number): number {
    let at = row;
    while (this.#before.at(at) >= position) {
      const jump = this.#jump.at(at);
      if (jump !== at && this.#before.at(jump) >= position) at = jump;
      else at = this.#prev.at(at);
      if (at < 0) return -1;
    }
    return at;
  }

  /** Whether this is what was looked up last. */
  #isKey(author: Uint8Array, chain: bigint): boolean {
    const key = this.#key;
    for (let i = 0; i < AUTHOR_BYTES; i++) if (key[i] !== author[i]) return false;
    return this.#number.getBigUint64(0) === chain;
  }

  /** A change of a chain builds on `prev`, -1 for nothing. */
  #addTip(chain: number, prev: number, row: number): void {
    const tip = this.#tips.at(chain);
    if (tip >= 0 && tip === prev) {
      this.#tips.set(chain, row);
      return;
    }
    const tips = this.#forked.get(chain);
    if (tips === undefined) {
      this.#forked.set(chain, new IndexSet(tip, row));
      this.#tips.set(chain, -1);
      return;
    }
    tips.delete(prev);
    tips.add(row);
  }
}
