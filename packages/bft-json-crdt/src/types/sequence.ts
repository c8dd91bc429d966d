/**
 * The order of a list or a text, the same on every replica that has inserted and removed the same elements, in whatever
 * order they arrived (parents before children).
 *
 * Elements form a Fugue tree (Weidner & Kleppmann, "The Art of the Fugue", 2023): each is a left or right child of
 * another, or of the root. The order is a walk: left subtrees, the element, right subtrees, siblings of either side in
 * descending order of key. Keys (lamport, change id, index) grow from parent to child. So the place of a new element is
 * right behind its parent (right child) or where its parent's left subtree begins (left child), and then before the first
 * entry with a smaller key, or before the left subtree of that, if it has one. The tree itself is not stored:
 * sequence-tree.ts finds that entry in O(log n).
 *
 * Where a left subtree begins is told by keys: behind the nearest entry before the element that has a smaller key. Only of
 * an element with siblings this would be wrong, since others hang before it that may have greater keys: there a marker with
 * the key of the element stands before its left subtree. One who writes alone never makes siblings.
 *
 * What is guaranteed beyond convergence: two runs typed concurrently at one position do not interleave.
 */
import { IntervalSet } from "./int-map.ts";
import type { CompareElements } from "./order.ts";
import type { ContentRules } from "./sequence-content.ts";
import {
  ALIVE,
  CONTINUES,
  HAS_LEFT,
  HAS_SIBLINGS,
  MANY_LEFT,
  MANY_RIGHT,
  MAX_COUNT,
  WIDE,
  elementsBefore,
  type Leaf,
  unitsBefore,
} from "./sequence-nodes.ts";
import { SequenceTree } from "./sequence-tree.ts";

/** The side of its parent on which an element hangs. */
export const LEFT = 0;
export const RIGHT = 1;
export type Side = typeof LEFT | typeof RIGHT;

/** A removal of at most this many elements just looks each of them up. */
const SMALL_REMOVAL = 64;

/** Told of a removed piece: where it began, in units and in elements, and how much it was, at the time of removal. */
export type RemovalListener = (
  unitIndex: number,
  units: number,
  elementIndex: number,
  elements: number,
) => void;

/** Told of so many consecutive elements, each of so many units, with a content in which theirs begins at unit `from`. */
export type RunCallback<C> = (
  lv: number,
  count: number,
  content: C,
  from: number,
  width: 1 | 2,
) => void;

/** The elements of one list or text, dead ones included. `C` is the content of a run: an array or a string. */
export class Sequence<C> {
  /** Where a local insertion hangs, after `placeAt`, `placeAtUnit` or `placeAfter`: an element or -1, the root. */
  parent = -1;
  /** On which side of `parent`. */
  side: Side = RIGHT;

  /** Visible index of the element that `locateUnit` found. */
  foundIndex = -1;
  /** Units between the start of that element and the unit asked for: 0, or 1 inside a pair. */
  foundOffset = 0;

  /** What `livingRun` found: the first of so many consecutive elements. */
  foundElement = -1;
  foundCount = 0;

  /** Content of the run in which `contentAt` found its element. */
  content: C | null = null;
  /** Where in `content` that element begins, in units. */
  contentOffset = 0;

  private readonly tree: SequenceTree<C>;
  private readonly rules: ContentRules<C>;
  /** Ids of which nothing is alive, so that large removals skip them; null before the first of those. */
  private settled: IntervalSet | null = null;
  /** Greater than every known id. */
  private limit = 0;
  /** Whether the root has more than one child. */
  private manyFirst = false;

  constructor(compare: CompareElements, rules: ContentRules<C>) {
    this.tree = new SequenceTree<C>(compare, rules);
    this.rules = rules;
  }

  /** Visible elements. */
  get length(): number {
    return this.tree.elements;
  }

  /** Visible UTF-16 units; in a list the same as `length`. */
  get units(): number {
    return this.tree.units;
  }

  /** Whether some visible element takes two units. */
  get hasPairs(): boolean {
    return this.tree.units !== this.tree.elements;
  }

  /**
   * Inserts elements lv … lv + count − 1: the first is the child of `parent` (-1: the root, which has
   * only right children) on `side`, each other the right child of the one before. Every element takes `width` units of
   * `content`. With `visible` false they are dead from the start.
   * Throws if the parent is unknown or an id is known already.
   */
  insert(
    lv: number,
    count: number,
    parent: number,
    side: Side,
    width: 1 | 2,
    content: C | null,
    visible: boolean,
  ): void {
    this.admit(lv, count);
    const tree = this.tree;
    let flags = visible ? (width === 2 ? ALIVE | WIDE : ALIVE) : 0;
    if (side === RIGHT && parent >= 0 && parent === lv - 1) flags |= CONTINUES;
    const held = visible ? content : null;

    let siblings: boolean;
    if (parent < 0) {
      if (side !== RIGHT) throw new Error("the root has no left children");
      siblings = this.seekFirst(lv);
    } else {
      if (!tree.find(parent)) throw new Error(`element ${parent} is unknown`);
      if (side === LEFT) {
        if (this.openBefore(parent, count)) {
          this.insertAt(lv, count, flags, held, true);
          return;
        }
        siblings = this.seekLeft(parent, lv);
      } else {
        siblings = this.seekRight(parent, lv);
        if (!siblings && this.extend(count, flags, held)) return;
      }
    }
    this.insertAt(lv, count, siblings ? flags | HAS_SIBLINGS : flags, held, false);
  }

  /**
   * Kills elements lv … lv + count − 1 and drops their content; dead and unknown ones are skipped. `onRemoved` is told
   * of each contiguous piece, at the index it had when the earlier ones were gone. Returns how many died.
   * O((pieces that die + 1) · log n), however often the same ids are named. The listener may read, not edit.
   */
  remove(lv: number, count: number, onRemoved?: RemovalListener): number {
    const end = lv + count;
    if (count <= SMALL_REMOVAL) return this.removeRange(lv, end, onRemoved);
    this.settled ??= new IntervalSet();
    const { settled } = this;
    let died = 0;
    for (let at = lv; settled.nextGap(at, end);) {
      at = settled.gapEnd;
      died += this.removeRange(settled.gapStart, at, onRemoved);
    }
    settled.add(lv, end);
    return died;
  }

  /** Whether element `lv` was inserted here, alive or dead. */
  has(lv: number): boolean {
    return this.tree.find(lv);
  }

  /** Whether element `lv` is visible here. */
  alive(lv: number): boolean {
    const tree = this.tree;
    return tree.find(lv) && (tree.leaf.flagsAt(tree.index) & ALIVE) !== 0;
  }

  /** The visible index of element `lv`; of a dead one, where it would be; -1 if it is unknown. */
  indexOf(lv: number): number {
    const tree = this.tree;
    if (!tree.find(lv)) return -1;
    const { leaf, index } = tree;
    tree.focus(leaf);
    const within = (leaf.flagsAt(index) & ALIVE) === 0 ? 0 : lv - leaf.idAt(index);
    return tree.focusElements + elementsBefore(leaf, index) + within;
  }

  /** The visible unit index where element `lv` begins; of a dead one, where it would; -1 if it is unknown. */
  unitIndexOf(lv: number): number {
    const tree = this.tree;
    if (!tree.find(lv)) return -1;
    const { leaf, index } = tree;
    tree.focus(leaf);
    const flags = leaf.flagsAt(index);
    const within = (flags & ALIVE) === 0 ? 0 : (lv - leaf.idAt(index)) << shiftOf(flags);
    return tree.focusUnits + unitsBefore(leaf, index) + within;
  }

  /** The element at a visible index, -1 if that is out of range. */
  lvAt(elementIndex: number): number {
    const tree = this.tree;
    if (!(elementIndex >= 0 && elementIndex < tree.elements)) return -1;
    tree.seekElement(elementIndex);
    return tree.leaf.idAt(tree.index) + tree.offset;
  }

  /**
   * The element that holds a visible unit, -1 if that is out of range. Sets `foundIndex` and `foundOffset`.
   */
  locateUnit(unit: number): number {
    const tree = this.tree;
    if (!(unit >= 0 && unit < tree.units)) return -1;
    tree.seekUnit(unit);
    const { leaf, index } = tree;
    const shift = shiftOf(leaf.flagsAt(index));
    const within = tree.offset >> shift;
    this.foundOffset = tree.offset - (within << shift);
    this.foundIndex = tree.focusElements + elementsBefore(leaf, index) + within;
    return leaf.idAt(index) + within;
  }

  /**
   * Sets `parent` and `side` to where an element inserted before visible index `elementIndex` (0 … length) hangs by
   * Fugue's rule; returns false if that is out of range.
   */
  placeAt(elementIndex: number): boolean {
    const tree = this.tree;
    if (elementIndex === 0) return this.placeFirst();
    if (!(elementIndex > 0 && elementIndex <= tree.elements)) return false;
    tree.seekElement(elementIndex - 1);
    return this.placeBehind(tree.leaf, tree.index, tree.offset);
  }

  /** The same for a visible unit index (0 … units); returns false if that is out of range or inside a pair. */
  placeAtUnit(unit: number): boolean {
    const tree = this.tree;
    if (unit === 0) return this.placeFirst();
    if (!(unit > 0 && unit <= tree.units)) return false;
    tree.seekUnit(unit - 1);
    const { leaf, index, offset } = tree;
    if ((leaf.flagsAt(index) & WIDE) === 0) return this.placeBehind(leaf, index, offset);
    return (offset & 1) === 1 && this.placeBehind(leaf, index, offset >> 1);
  }

  /** The same right behind any known element, alive or dead (-1: the root); returns false if it is unknown. */
  placeAfter(lv: number): boolean {
    const tree = this.tree;
    if (lv === -1) return this.placeFirst();
    if (!tree.find(lv)) return false;
    return this.placeBehind(tree.leaf, tree.index, lv - tree.leaf.idAt(tree.index));
  }

  /** Sets `content` and `contentOffset` to what is at a visible index; returns false if that is out of range. */
  contentAt(elementIndex: number): boolean {
    const tree = this.tree;
    if (!(elementIndex >= 0 && elementIndex < tree.elements)) return false;
    if (this.rules.isFlat) {
      this.content = this.rules.holder(tree.leafOf(elementIndex), 0);
      this.contentOffset = elementIndex - tree.focusElements;
      return true;
    }
    tree.seekElement(elementIndex);
    this.content = this.rules.holder(tree.leaf, tree.index);
    this.contentOffset = tree.offset << shiftOf(tree.leaf.flagsAt(tree.index));
    return true;
  }

  /**
   * Calls back for each visible run, in order; its elements may be of several changes. What is in them begins at unit `from` of
   * `content`. No editing meanwhile.
   */
  forEachVisible(callback: RunCallback<C>): void {
    const { tree, rules } = this;
    for (let leaf: Leaf | null = tree.first; leaf !== null; leaf = tree.nextVisible(leaf)) {
      let before = 0;
      for (let index = 0; index < leaf.size; index++) {
        const flags = leaf.flagsAt(index);
        if ((flags & ALIVE) === 0) continue;
        const count = leaf.countAt(index);
        const from = rules.isFlat ? before : 0;
        callback(leaf.idAt(index), count, rules.holder(leaf, index), from, widthOf(flags));
        before += count;
      }
    }
  }

  /** The same for `count` elements from visible index `elementIndex` on. */
  forEachVisibleIn(elementIndex: number, count: number, callback: RunCallback<C>): void {
    const { tree, rules } = this;
    let rest = Math.min(count, tree.elements - elementIndex);
    if (!(elementIndex >= 0 && rest > 0)) return;
    tree.seekElement(elementIndex);
    let { index, offset } = tree;
    let before = elementIndex - tree.focusElements;
    let leaf: Leaf | null = tree.leaf;
    for (; leaf !== null && rest > 0; leaf = tree.nextVisible(leaf)) {
      for (; index < leaf.size && rest > 0; index++) {
        const flags = leaf.flagsAt(index);
        if ((flags & ALIVE) === 0) continue;
        const taken = Math.min(leaf.countAt(index) - offset, rest);
        const from = rules.isFlat ? before : offset << shiftOf(flags);
        const id = leaf.idAt(index) + offset;
        callback(id, taken, rules.holder(leaf, index), from, widthOf(flags));
        rest -= taken;
        before += taken;
        offset = 0;
      }
      index = 0;
      before = 0;
    }
  }

  /**
   * Calls back for the ranges of consecutive ids of `count` visible elements from visible index `elementIndex` on, in
   * order: what a local removal names. A range may span several changes. No editing meanwhile.
   */
  livingRanges(
    elementIndex: number,
    count: number,
    callback: (lv: number, count: number) => void,
  ): void {
    const tree = this.tree;
    const rest = Math.min(count, tree.elements - elementIndex);
    if (!(elementIndex >= 0 && rest > 0)) return;
    tree.seekElement(elementIndex);
    this.rangesFrom(tree.offset, rest, false, callback);
  }

  /** The same for `units` visible units from unit index `unit` on; a pair that is cut counts as whole. */
  livingUnitRanges(
    unit: number,
    units: number,
    callback: (lv: number, count: number) => void,
  ): void {
    const tree = this.tree;
    const rest = Math.min(units, tree.units - unit);
    if (!(unit >= 0 && rest > 0)) return;
    tree.seekUnit(unit);
    const shift = shiftOf(tree.leaf.flagsAt(tree.index));
    const offset = tree.offset >> shift;
    this.rangesFrom(offset, rest + tree.offset - (offset << shift), true, callback);
  }

  /** Whether so many visible units from a unit index on are in one run; sets `foundElement` and `foundCount` to what they are. */
  livingRun(unit: number, units: number): boolean {
    const tree = this.tree;
    if (!(unit >= 0 && units > 0 && unit + units <= tree.units)) return false;
    tree.seekUnit(unit);
    const { leaf, index } = tree;
    const shift = shiftOf(leaf.flagsAt(index));
    const offset = tree.offset >> shift;
    const end = (tree.offset + units + shift) >> shift;
    if (end > leaf.countAt(index)) return false;
    this.foundElement = leaf.idAt(index) + offset;
    this.foundCount = end - offset;
    return true;
  }

  /** Walks every invariant; throws an Error that says which one is broken. */
  check(): void {
    this.tree.check();
    this.settled?.check();
    this.settled?.forEach((start, end) => {
      for (let lv = start; lv < end; lv++)
        if (this.alive(lv)) throw new Error("a settled element is alive");
    });
  }

  /** Calls back for ranges of visible elements from element `offset` of the run that was sought, `rest` long. */
  private rangesFrom(
    offset: number,
    rest: number,
    inUnits: boolean,
    callback: (lv: number, count: number) => void,
  ): void {
    let { leaf, index } = this.tree;
    let start = -1;
    let end = -1;
    while (rest > 0) {
      if (index === leaf.size) {
        leaf = this.tree.nextVisible(leaf)!;
        index = 0;
      }
      const flags = leaf.flagsAt(index);
      if ((flags & ALIVE) !== 0) {
        const lv = leaf.idAt(index) + offset;
        const shift = inUnits ? shiftOf(flags) : 0;
        const taken = Math.min(leaf.countAt(index) - offset, (rest + shift) >> shift);
        if (lv !== end) {
          if (start >= 0) callback(start, end - start);
          start = lv;
        }
        end = lv + taken;
        rest -= taken << shift;
        offset = 0;
      }
      index += 1;
    }
    callback(start, end - start);
  }

  private admit(lv: number, count: number): void {
    if (!(lv >= 0 && count > 0)) throw new Error("a run has no elements");
    if (lv < this.limit) {
      const next = this.tree.nextRun(lv);
      if (this.tree.find(lv) || (next >= 0 && next < lv + count))
        throw new Error(`element ${lv} is known already`);
    }
    this.settled?.delete(lv, lv + count);
    if (lv + count > this.limit) this.limit = lv + count;
  }

  /** If an element, which is found, is not the first of its run: cuts that before it, and leaves a gap there for its left child. */
  private openBefore(parent: number, count: number): boolean {
    const tree = this.tree;
    const offset = parent - tree.leaf.idAt(tree.index);
    if (offset === 0) return false;
    tree.reserve(tree.leaf, tree.index, 2, count);
    this.splitRun(tree.leaf, tree.index, offset, offset, 1);
    tree.index += 1;
    tree.leaf.addFlags(tree.index + 1, HAS_LEFT);
    return true;
  }

  /** From the parent, which is found and the first of its run, to the place of its new left child. Returns whether that has siblings. */
  private seekLeft(parent: number, lv: number): boolean {
    const tree = this.tree;
    const { leaf, index } = tree;
    const flags = leaf.flagsAt(index);
    if ((flags & HAS_LEFT) !== 0) {
      leaf.addFlags(index, MANY_LEFT);
      tree.seekLeftSubtree(leaf, index);
      this.seekAmongSiblings(parent, lv, (flags & MANY_LEFT) !== 0);
      return true;
    }
    leaf.addFlags(index, HAS_LEFT);
    if ((flags & HAS_SIBLINGS) === 0) return false;
    this.placeMarker(parent);
    tree.index += 1;
    return false;
  }

  /** From the parent, which is found, to the place of its new right child. Returns whether that has siblings. */
  private seekRight(parent: number, lv: number): boolean {
    const tree = this.tree;
    const { leaf, index } = tree;
    const offset = parent - leaf.idAt(index);
    let many = false;
    if (offset < leaf.countAt(index) - 1) {
      // The rest of the run begins with another right child of the parent.
      tree.reserve(leaf, index, 2, 0);
      this.splitRun(tree.leaf, tree.index, offset + 1, offset + 1, 0);
    } else {
      // Descendants have greater keys; what follows the subtree of an element has a smaller one.
      if (tree.precedesSmaller(leaf, index, parent)) {
        tree.index += 1;
        return false;
      }
      many = (leaf.flagsAt(index) & MANY_RIGHT) !== 0;
    }
    tree.leaf.addFlags(tree.index, MANY_RIGHT);
    tree.index += 1;
    this.seekAmongSiblings(parent, lv, many);
    return true;
  }

  /** To the place of a new child of the root. Returns whether that has siblings. */
  private seekFirst(lv: number): boolean {
    const tree = this.tree;
    tree.leaf = tree.first;
    tree.index = 0;
    if (tree.first.size === 0) return false;
    this.seekAmongSiblings(-1, lv, this.manyFirst);
    this.manyFirst = true;
    return true;
  }

  /**
   * From the place that is found, where the children that hang on one side of an element (-1: the root) begin, with all that
   * hangs on them, to the place of a new one. There is one, or there are many.
   *
   * Where a left subtree begins is not told by keys once its element has siblings: what then stands before it may have a
   * greater key. So an only child that has a left subtree gets a marker before it gets a sibling.
   */
  private seekAmongSiblings(parent: number, lv: number, many: boolean): void {
    const tree = this.tree;
    const { leaf, index } = tree;
    if (!many) {
      const only = tree.leastBefore(leaf, index, parent);
      tree.find(only);
      const hasLeft = (tree.leaf.flagsAt(tree.index) & HAS_LEFT) !== 0;
      tree.leaf.addFlags(tree.index, HAS_SIBLINGS);
      tree.leaf = leaf;
      tree.index = index;
      if (hasLeft) this.placeMarker(only);
    }
    tree.seekSmaller(tree.leaf, tree.index, lv);
  }

  /** Puts the marker of an element at the place that is found: that is before it then. */
  private placeMarker(id: number): void {
    const tree = this.tree;
    tree.reserve(tree.leaf, tree.index, 1, 0);
    tree.open(tree.leaf, tree.index, 1);
    tree.fill(tree.leaf, tree.index, id, 0, 0);
    tree.lower(tree.leaf, id);
  }

  /**
   * Makes new right children of a run's last element, behind which their place was found, part of that run; returns false if
   * they cannot be.
   */
  private extend(count: number, flags: number, content: C | null): boolean {
    const tree = this.tree;
    const { leaf } = tree;
    const index = tree.index - 1;
    const alive = (flags & ALIVE) !== 0;
    const stored = leaf.countAt(index);
    if ((flags & CONTINUES) === 0) return false;
    if (((leaf.flagsAt(index) ^ flags) & (ALIVE | WIDE)) !== 0) return false;
    if (stored + count > (alive ? this.rules.maxRun : MAX_COUNT)) return false;
    if (alive && !this.rules.append(leaf, index, content!)) return false;
    const mask = -(flags & ALIVE);
    tree.index = index;
    leaf.setCount(index, stored + count);
    tree.add(leaf, count & mask, (count & mask) << shiftOf(flags), count);
    return true;
  }

  /** Puts a run at the place that was sought, in portions if it is long; the first into the gap that is open there, if one is. */
  private insertAt(
    lv: number,
    count: number,
    flags: number,
    content: C | null,
    isOpen: boolean,
  ): void {
    const tree = this.tree;
    const alive = (flags & ALIVE) !== 0;
    const shift = shiftOf(flags);
    for (let done = 0; done < count;) {
      const portion = Math.min(count - done, alive ? this.rules.maxRun : MAX_COUNT);
      if (done > 0 || !isOpen) {
        tree.reserve(tree.leaf, tree.index, 1, alive ? portion : 0);
        tree.open(tree.leaf, tree.index, 1);
      }
      const { leaf, index } = tree;
      tree.fill(
        leaf,
        index,
        lv + done,
        portion,
        done === 0 ? flags : (flags & ~HAS_SIBLINGS) | CONTINUES,
      );
      if (alive) this.rules.put(leaf, index, content!, done << shift, (done + portion) << shift);
      tree.lower(leaf, lv + done);
      if (alive) tree.add(leaf, portion, portion << shift, portion);
      else tree.add(leaf, 0, 0, portion);
      done += portion;
      if (done < count) tree.index += 1;
    }
  }

  /**
   * Cuts a run in two: one ends before its element `from`, the other begins with `to`, behind a gap of so many entries that are
   * to be filled next, for which room was reserved.
   */
  private splitRun(leaf: Leaf, index: number, from: number, to: number, gap: 0 | 1): void {
    const id = leaf.idAt(index) + to;
    const count = leaf.countAt(index);
    const flags = leaf.flagsAt(index);
    const { tree } = this;
    const further = index + 1 + gap;
    tree.open(leaf, index + 1, gap + 1);
    if ((flags & ALIVE) !== 0) {
      const shift = shiftOf(flags);
      this.rules.split(leaf, index, from << shift, to << shift, further);
    }
    leaf.setCount(index, from);
    leaf.setFlags(index, flags & ~MANY_RIGHT);
    tree.fill(leaf, further, id, count - to, furtherFlags(flags));
  }

  private removeRange(start: number, end: number, onRemoved: RemovalListener | undefined): number {
    const tree = this.tree;
    let died = 0;
    let at = start;
    while (at < end) {
      if (!tree.find(at)) {
        at = tree.nextRun(at);
        if (at < 0) break;
        continue;
      }
      const { leaf, index } = tree;
      const offset = at - leaf.idAt(index);
      const count = Math.min(leaf.countAt(index) - offset, end - at);
      if ((leaf.flagsAt(index) & ALIVE) !== 0) {
        died += count;
        this.kill(leaf, index, offset, count, onRemoved);
      }
      at += count;
    }
    return died;
  }

  /** Kills `count` elements of a living run from its element `offset` on. */
  private kill(
    leaf: Leaf,
    index: number,
    offset: number,
    count: number,
    onRemoved: RemovalListener | undefined,
  ): void {
    const tree = this.tree;
    const shift = shiftOf(leaf.flagsAt(index));
    const stored = leaf.countAt(index);
    let elementIndex = 0;
    let unitIndex = 0;
    if (onRemoved !== undefined) {
      tree.focus(leaf);
      elementIndex = tree.focusElements + elementsBefore(leaf, index) + offset;
      unitIndex = tree.focusUnits + unitsBefore(leaf, index) + (offset << shift);
    }
    const home =
      offset + count === stored && offset > 0 && this.giveToNext(leaf, index, offset)
        ? leaf
        : offset === 0 && count < stored && this.giveToPrevious(leaf, index, count)
          ? leaf
          : this.killApart(leaf, index, offset, count);
    tree.add(home, -count, -(count << shift), 0);
    onRemoved?.(unitIndex, count << shift, elementIndex, count);
  }

  /** Kills elements by making them a run of their own, then joins that with dead neighbours. Returns its leaf. */
  private killApart(leaf: Leaf, index: number, offset: number, count: number): Leaf {
    const tree = this.tree;
    const stored = leaf.countAt(index);
    if (count < stored) {
      tree.reserve(leaf, index, 2, 0);
      leaf = tree.leaf;
      index = tree.index;
      const end = offset + count;
      if (offset === 0) {
        this.splitRun(leaf, index, end, end, 0);
      } else if (end === stored) {
        this.splitRun(leaf, index, offset, offset, 0);
        index += 1;
      } else {
        // It is dead from the start: what it had of content is not copied.
        const flags = furtherFlags(leaf.flagsAt(index)) & ~(MANY_RIGHT | ALIVE | WIDE);
        this.splitRun(leaf, index, offset, end, 1);
        index += 1;
        tree.fill(leaf, index, leaf.idAt(index - 1) + offset, count, flags);
      }
    }
    const flags = leaf.flagsAt(index);
    if ((flags & ALIVE) !== 0) this.rules.drop(leaf, index, 0, count << shiftOf(flags));
    leaf.setFlags(index, flags & ~(ALIVE | WIDE));
    if (this.continuesDead(leaf, index + 1)) this.absorbNext(leaf, index);
    if (this.continuesDead(leaf, index)) {
      index -= 1;
      this.absorbNext(leaf, index);
    }
    tree.leaf = leaf;
    tree.index = index;
    return leaf;
  }

  /** Moves the elements from `offset` on, the last of a living run, to the dead run that continues it, if one does. */
  private giveToNext(leaf: Leaf, index: number, offset: number): boolean {
    const next = index + 1;
    if (next >= leaf.size || (leaf.flagsAt(next) & ALIVE) !== 0 || !this.continues(leaf, next))
      return false;
    const tree = this.tree;
    const start = leaf.idAt(index) + offset;
    const stored = leaf.countAt(index);
    const count = stored - offset;
    if (leaf.countAt(next) + count > MAX_COUNT) return false;
    tree.moveStart(leaf, next, start);
    leaf.setCount(next, leaf.countAt(next) + count);
    const shift = shiftOf(leaf.flagsAt(index));
    this.rules.drop(leaf, index, offset << shift, stored << shift);
    leaf.setCount(index, offset);
    return true;
  }

  /** Moves the first `count` elements of a living run to the dead run that it continues, if it does. */
  private giveToPrevious(leaf: Leaf, index: number, count: number): boolean {
    const previous = index - 1;
    if (index === 0 || (leaf.flagsAt(previous) & ALIVE) !== 0 || !this.continues(leaf, index))
      return false;
    if (leaf.countAt(previous) + count > MAX_COUNT) return false;
    const tree = this.tree;
    const id = leaf.idAt(index);
    const stored = leaf.countAt(index);
    const shift = shiftOf(leaf.flagsAt(index));
    tree.moveStart(leaf, index, id + count);
    leaf.setCount(previous, leaf.countAt(previous) + count);
    this.rules.drop(leaf, index, 0, count << shift);
    leaf.setCount(index, stored - count);
    return true;
  }

  /** Whether an entry's elements go on, as right children, where those of the entry before it end. */
  private continues(leaf: Leaf, index: number): boolean {
    const before = leaf.countAt(index - 1);
    return (
      (leaf.flagsAt(index) & (CONTINUES | HAS_SIBLINGS)) === CONTINUES &&
      before > 0 &&
      leaf.idAt(index - 1) + before === leaf.idAt(index)
    );
  }

  private continuesDead(leaf: Leaf, index: number): boolean {
    if (index === 0 || index >= leaf.size) return false;
    return (
      ((leaf.flagsAt(index) | leaf.flagsAt(index - 1)) & ALIVE) === 0 &&
      this.continues(leaf, index) &&
      leaf.countAt(index - 1) + leaf.countAt(index) <= MAX_COUNT
    );
  }

  /** Makes one dead run of two. */
  private absorbNext(leaf: Leaf, index: number): void {
    const next = index + 1;
    leaf.setCount(index, leaf.countAt(index) + leaf.countAt(next));
    leaf.addFlags(index, leaf.flagsAt(next) & MANY_RIGHT);
    this.tree.displace(leaf, next);
  }

  /** Fugue's rule at the very beginning. */
  private placeFirst(): boolean {
    const tree = this.tree;
    if (tree.seekRun(tree.first, 0)) this.hang(tree.leaf.idAt(tree.index), LEFT);
    else this.hang(-1, RIGHT);
    return true;
  }

  /**
   * Fugue's rule behind element `offset` of a run: as its right child if it has none yet, else as the left child of
   * what follows it, dead or alive.
   */
  private placeBehind(leaf: Leaf, index: number, offset: number): boolean {
    const tree = this.tree;
    const lv = leaf.idAt(index) + offset;
    if (offset < leaf.countAt(index) - 1) return this.hang(lv + 1, LEFT);
    if (tree.precedesSmaller(leaf, index, lv)) return this.hang(lv, RIGHT);
    tree.seekRun(leaf, index + 1);
    return this.hang(tree.leaf.idAt(tree.index), LEFT);
  }

  private hang(parent: number, side: Side): true {
    this.parent = parent;
    this.side = side;
    return true;
  }
}

/** Flags of the later part of a run that is cut. */
function furtherFlags(flags: number): number {
  return (flags & ~(HAS_LEFT | MANY_LEFT | HAS_SIBLINGS)) | CONTINUES;
}

/** Binary logarithm of the units per element. */
function shiftOf(flags: number): number {
  return (flags & WIDE) >> 1;
}

function widthOf(flags: number): 1 | 2 {
  return (flags & WIDE) === 0 ? 1 : 2;
}
