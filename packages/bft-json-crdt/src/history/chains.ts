/**
 * Chains: one author's own lines of changes in a document, their tips, and where they fork.
 *
 * A chain is a tree in the worst case (its author equivocated), a line otherwise. Ancestors on a chain are found in
 * O(log n) with one jump pointer per change (Myers, "An applicative random-access stack", 1983).
 */
import { equalBytes } from "../encoding/bytes.ts";
import { IntColumn, FloatColumn } from "./columns.ts";
import { keyOf } from "./id-key.ts";
import { IndexSet } from "./index-set.ts";

/** What of a change's header matters here. */
export interface ChainHeader {
  readonly author: Uint8Array;
  readonly chain: bigint;
  readonly seq: number;
}

/** One chain of one author. */
export interface Chain {
  readonly author: Uint8Array;
  readonly chain: bigint;
  /** Changes of this chain on which no other of it builds; more than one only after an equivocation. */
  readonly tips: IndexSet;
  /** First change that was applied with seq 1. */
  first: number;
}

/** Two different applied changes of one chain with the same seq. */
export interface Fork {
  readonly chain: Chain;
  readonly seq: number;
  readonly first: number;
  readonly second: number;
}

/** The chains of one document, by the local indexes of their changes. */
export class Chains {
  readonly all: Chain[] = [];
  #byKey = new Map<string, number>();
  /** What was found last: an author who edits asks for the same chain again and again. */
  #found: Chain | undefined;
  #chainOf = new IntColumn();
  #prev = new IntColumn();
  #jump = new IntColumn();
  #seq = new FloatColumn();
  /** First applied change that builds on this one in its chain, or -1. */
  #next = new IntColumn();
  /** Elements made on the chain before this change, and by it. */
  #before = new FloatColumn();
  #elements = new IntColumn();

  /** Adds the change of the next local index; returns the fork that it makes, if any. */
  add(header: ChainHeader, prev: number, elements: number): Fork | null {
    const row = this.#prev.length;
    const chainIndex = prev >= 0 ? this.#chainOf.at(prev) : this.#intern(header);
    const chain = this.all[chainIndex]!;
    this.#chainOf.push(chainIndex);
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
    let rival: number;
    if (prev < 0) {
      rival = chain.first;
      if (rival < 0) chain.first = row;
    } else {
      rival = this.#next.at(prev);
      if (rival < 0) this.#next.set(prev, row);
      chain.tips.delete(prev);
    }
    chain.tips.add(row);
    return rival < 0 ? null : { chain, seq: header.seq, first: rival, second: row };
  }

  chainOf(row: number): Chain {
    return this.all[this.#chainOf.at(row)]!;
  }

  /** The place of a change's chain in `all`. */
  chainIndex(row: number): number {
    return this.#chainOf.at(row);
  }

  find(author: Uint8Array, chain: bigint): Chain | undefined {
    const last = this.#found;
    if (last !== undefined && last.chain === chain && equalBytes(last.author, author)) return last;
    const index = this.#byKey.get(chainKey(author, chain));
    this.#found = index === undefined ? undefined : this.all[index];
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

  #intern(header: ChainHeader): number {
    const key = chainKey(header.author, header.chain);
    let index = this.#byKey.get(key);
    if (index === undefined) {
      index = this.all.length;
      this.all.push({
        author: header.author.slice(),
        chain: header.chain,
        tips: new IndexSet(),
        first: -1,
      });
      this.#byKey.set(key, index);
    }
    return index;
  }
}

function chainKey(author: Uint8Array, chain: bigint): string {
  return keyOf(author) + chain.toString(36);
}
