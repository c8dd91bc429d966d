/**
 * Typing: edits of one text that are made at one place, one after the other, gathered until something else is done. Then
 * they take effect as what they come to: so many units removed, and this text in their place.
 *
 * People type and erase at a cursor. Gathered, a keystroke costs a few comparisons and no search; and what is typed and
 * erased again within one change leaves no trace in it.
 *
 * Positions here are UTF-16 units. The *shown* text is that of the sequence with the gathered edits in it.
 */
import { RIGHT } from "../types/index.ts";
import type { Side } from "../types/index.ts";
import type { TextNode } from "./containers.ts";

/** UTF-16 units that can be gathered: erasing in the midst of them moves what is behind. */
export const MAX_TYPED = 4_096;

/** UTF-16 units. Up to here a string is put together from pieces faster than through an array; V8 makes a rope of more. */
const SHORT = 12;

/** The edits that have not taken effect yet. */
export class Typing {
  /** The text that is edited; null when nothing is gathered. */
  node: TextNode | null = null;
  /** Where the edits are, in the sequence. */
  at = 0;
  /** Units of the sequence that go, from `at` on. */
  removed = 0;
  /** What stands there instead: the first `#length` of these units. No string is made for a key. */
  readonly #units = new Uint16Array(MAX_TYPED);
  #length = 0;

  /** What stands in the place of what goes. */
  get typed(): string {
    const length = this.#length;
    if (length > SHORT) return String.fromCharCode.apply(null, this.#shown());
    const units = this.#units;
    let typed = "";
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      typed += String.fromCharCode(units[at]!, units[at + 1]!, units[at + 2]!, units[at + 3]!);
    }
    for (; at < length; at++) typed += String.fromCharCode(units[at]!);
    return typed;
  }

  /** Begins anew, with at most MAX_TYPED units; everything gathered before must have taken effect. */
  begin(node: TextNode, at: number, removed: number, typed: string): void {
    this.node = node;
    this.at = at;
    this.removed = removed;
    this.#length = 0;
    this.#write(0, typed);
    this.#length = typed.length;
  }

  /** Forgets what is gathered. */
  clear(): void {
    this.node = null;
    this.#length = 0;
  }

  /** Units by which the shown text is longer than the sequence. */
  growthOf(node: TextNode): number {
    return this.node === node ? this.#length - this.removed : 0;
  }

  /**
   * Inserts well-formed text at a shown index; false when that is elsewhere, or inside a surrogate pair, or when it is
   * more than can be gathered.
   */
  insert(node: TextNode, index: number, text: string): boolean {
    if (this.node !== node) return false;
    const length = this.#length;
    const offset = index - this.at;
    if (length + text.length > MAX_TYPED || !(offset >= 0 && offset <= length)) return false;
    if (offset < length) {
      if (!this.#isEdge(offset)) return false;
      this.#units.copyWithin(offset + text.length, offset, length);
    }
    this.#write(offset, text);
    this.#length = length + text.length;
    return true;
  }

  /**
   * Erases shown units [from, to), which must exist; false when they do not touch what is gathered, or an end is inside a
   * surrogate pair.
   */
  erase(node: TextNode, from: number, to: number): boolean {
    if (this.node !== node) return false;
    const { at } = this;
    const length = this.#length;
    const end = at + length;
    if (!(from <= end && to >= at)) return false;
    if (!this.#isEdgeAt(node, from) || !this.#isEdgeAt(node, to)) return false;
    const before = Math.max(0, at - from);
    const behind = Math.max(0, to - end);
    if (from < end && to > at) {
      const start = Math.max(0, from - at);
      const stop = Math.min(length, to - at);
      this.#units.copyWithin(start, stop, length);
      this.#length = length - (stop - start);
    }
    this.at -= before;
    this.removed += before + behind;
    return true;
  }

  #shown(): number[] {
    // It takes anything like an array.
    return this.#units.subarray(0, this.#length) as unknown as number[];
  }

  #write(offset: number, text: string): void {
    const units = this.#units;
    for (let i = 0; i < text.length; i++) units[offset + i] = text.charCodeAt(i);
  }

  /** Whether an offset is not inside a surrogate pair of what is gathered. */
  #isEdge(offset: number): boolean {
    return offset >= this.#length || (this.#units[offset]! & 0xfc00) !== 0xdc00;
  }

  /** Whether a shown index is between two characters. */
  #isEdgeAt({ sequence }: TextNode, index: number): boolean {
    const offset = index - this.at;
    if (offset >= 0 && offset <= this.#length) return this.#isEdge(offset);
    const unit = offset < 0 ? index : index - this.#length + this.removed;
    return (
      !sequence.hasPairs ||
      unit >= sequence.units ||
      (sequence.locateUnit(unit) >= 0 && sequence.foundOffset === 0)
    );
  }
}

/**
 * What the changes of a batch have typed one after the other at one place, and what the sequence does not hold yet: their
 * ops are written, and the sequence takes it all as one run when something else is read or edited.
 */
export class TypedRun {
  /** The text that is edited; null when there is nothing. */
  node: TextNode | null = null;
  /** Where the run begins, in units of the sequence. */
  at = 0;
  /** Its first element, and where it hangs. */
  element = 0;
  parent = -1;
  side: Side = RIGHT;
  text = "";
  /** The number that the next element of the run has. */
  next = 0;

  /** Begins anew; what there was before must be in the sequence. */
  begin(node: TextNode, at: number, element: number): void {
    this.node = node;
    this.at = at;
    this.element = element;
    this.parent = node.sequence.parent;
    this.side = node.sequence.side;
    this.text = "";
    this.next = element;
  }

  /** Adds text of `made` elements to the end. */
  add(text: string, made: number): void {
    this.text += text;
    this.next += made;
  }

  clear(): void {
    this.node = null;
    this.text = "";
  }

  /** Units by which a text is longer than its sequence. */
  growthOf(node: TextNode): number {
    return this.node === node ? this.text.length : 0;
  }

  /** True when an index of a text is right behind the run. */
  endsAt(node: TextNode, index: number): boolean {
    return this.node === node && index === this.at + this.text.length;
  }
}
