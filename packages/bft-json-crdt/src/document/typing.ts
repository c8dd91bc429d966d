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

/** Units of gathered text beyond which it takes effect: erasing copies what was typed before. */
const MAX_TYPED = 4_096;

/** The edits that have not taken effect yet. */
export class Typing {
  /** The text that is edited; null when nothing is gathered. */
  node: TextNode | null = null;
  /** Where the edits are, in the sequence. */
  at = 0;
  /** Units of the sequence that go, from `at` on. */
  removed = 0;
  /** What stands there instead. */
  typed = "";

  /** True when the gathered edits should take effect before there are more of them. */
  get isFull(): boolean {
    return this.typed.length >= MAX_TYPED;
  }

  /** Begins anew; everything gathered before must have taken effect. */
  begin(node: TextNode, at: number, removed: number, typed: string): void {
    this.node = node;
    this.at = at;
    this.removed = removed;
    this.typed = typed;
  }

  /** Forgets what is gathered. */
  clear(): void {
    this.node = null;
    this.typed = "";
  }

  /** Units by which the shown text is longer than the sequence. */
  growthOf(node: TextNode): number {
    return this.node === node ? this.typed.length - this.removed : 0;
  }

  /** Inserts well-formed text at a shown index; false when that is elsewhere, or inside a surrogate pair. */
  insert(node: TextNode, index: number, text: string): boolean {
    if (this.node !== node) return false;
    const { typed } = this;
    const offset = index - this.at;
    if (offset === typed.length) {
      this.typed = typed + text;
      return true;
    }
    if (!(offset >= 0 && offset < typed.length) || !isEdge(typed, offset)) return false;
    this.typed = typed.slice(0, offset) + text + typed.slice(offset);
    return true;
  }

  /**
   * Erases shown units [from, to), which must exist; false when they do not touch what is gathered, or an end is inside a
   * surrogate pair.
   */
  erase(node: TextNode, from: number, to: number): boolean {
    if (this.node !== node) return false;
    const { typed, at } = this;
    const end = at + typed.length;
    if (!(from <= end && to >= at)) return false;
    if (!this.#isEdgeAt(node, from) || !this.#isEdgeAt(node, to)) return false;
    const before = Math.max(0, at - from);
    const behind = Math.max(0, to - end);
    if (from < end && to > at) {
      this.typed = typed.slice(0, Math.max(0, from - at)) + typed.slice(to - at);
    }
    this.at -= before;
    this.removed += before + behind;
    return true;
  }

  /** Whether a shown index is between two characters. */
  #isEdgeAt({ sequence }: TextNode, index: number): boolean {
    const { typed } = this;
    const offset = index - this.at;
    if (offset >= 0 && offset <= typed.length) return isEdge(typed, offset);
    const unit = offset < 0 ? index : index - typed.length + this.removed;
    return unit >= sequence.units || (sequence.locateUnit(unit) >= 0 && sequence.foundOffset === 0);
  }
}

/** Whether an offset is not inside a surrogate pair of a well-formed text. */
function isEdge(text: string, offset: number): boolean {
  return (text.charCodeAt(offset) & 0xfc00) !== 0xdc00;
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
  /** Its first element, the change that made that, and where it hangs. */
  element = 0;
  change = 0;
  parent = -1;
  side: Side = RIGHT;
  text = "";
  /** The number that the next element of the run has. */
  next = 0;

  /** Begins anew; what there was before must be in the sequence. */
  begin(node: TextNode, at: number, element: number, change: number): void {
    this.node = node;
    this.at = at;
    this.element = element;
    this.change = change;
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
