/**
 * The flat order of a sequence: a B-tree of entries that knows, for every node, how much of it is visible and the
 * smallest key in it. Finding an element by its id, an entry by a visible index, or the first entry with a smaller key
 * behind some place takes O(log n), whatever tree of elements an opponent has built. What the entries mean, and where
 * new ones go, is decided in sequence.ts.
 *
 * What an entry is, and how nodes hold them: sequence-nodes.ts. Entries are never removed, except when two become one.
 *
 * Each search leaves what it found in the fields `leaf` and `index` (and `offset`); nothing is allocated by a query.
 */
import { IntMap } from "./int-map.ts";
import type { ContentRules } from "./sequence-content.ts";
import type { CompareElements } from "./order.ts";
import {
  ALIVE,
  WIDE,
  HAS_LEFT,
  HAS_SIBLINGS,
  INNER_CAPACITY,
  SUMS,
  ELEMENTS,
  UNITS,
  TOTAL,
  LEAST,
  LEAF_CAPACITY,
  FIRST_CAPACITY,
  FLAG_BITS,
  Leaf,
  Inner,
  type Node,
  visibleElements,
  visibleUnits,
  elementsBefore,
  unitsBefore,
  roomFor,
  resize,
  moveEntries,
  openGap,
  closeGap,
  checkRoom,
  insertChild,
  moveChildren,
} from "./sequence-nodes.ts";

/** Of so many leaves each has room for all that it may hold: to make room again and again costs more than what it saves. */
const SMALL = 2_048;

/** Entries in order; see the top of the file. */
export class SequenceTree<C> {
  /** Visible elements. */
  elements = 0;
  /** Visible UTF-16 units. */
  units = 0;
  /** The first leaf; it is empty only when there are no entries at all. */
  readonly first: Leaf = new Leaf(0, FIRST_CAPACITY);

  /** The leaf of the entry that was found or made last; stays a good guess for where the next one is. */
  leaf: Leaf = this.first;
  /** The position of that entry in its leaf, or one behind the last. */
  index = 0;
  /** Where in that entry a visible index fell: in elements after `seekElement`, in units after `seekUnit`. */
  offset = 0;

  /** Visible elements and units before the leaf that was focused last. */
  focusElements = 0;
  focusUnits = 0;
  private focused: Leaf = this.first;

  private root: Node = this.first;
  /** Leaves by number, which is the order in which they were made. Most sequences are tiny: null while there is one. */
  private leaves: Leaf[] | null = null;
  /** First id of each run → number of its leaf; null while there is one leaf. */
  private runs: IntMap | null = null;
  private readonly compare: CompareElements;
  private readonly rules: ContentRules<C>;

  constructor(compare: CompareElements, rules: ContentRules<C>) {
    this.compare = compare;
    this.rules = rules;
    rules.resize(this.first);
  }

  /** Whether element `a` has a smaller key than element `b`. */
  less(a: number, b: number): boolean {
    return this.compare(a, b) < 0;
  }

  /** Finds the run that holds element `id`. */
  find(id: number): boolean {
    if (this.holds(this.leaf, this.index, id)) return true;
    if (this.holds(this.leaf, this.index + 1, id)) {
      this.index += 1;
      return true;
    }
    let leaf = this.first;
    if (this.runs !== null) {
      if (!this.runs.floor(id)) return false;
      leaf = this.leaves![this.runs.foundValue]!;
    }
    for (let index = 0; index < leaf.size; index++) {
      if (this.holds(leaf, index, id)) {
        this.leaf = leaf;
        this.index = index;
        return true;
      }
    }
    return false;
  }

  /** Finds the place where the left subtree of the first element of the given run begins: behind its marker, if it has one. */
  seekLeftSubtree(leaf: Leaf, index: number): void {
    const id = leaf.idAt(index);
    if (this.seekBehindNotGreater(leaf, index, id)) return;
    let node: Node = leaf;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      let slot = this.notGreaterChild(parent, node.slot, id);
      if (slot >= 0) {
        let child = parent.children[slot]!;
        while (child instanceof Inner) {
          slot = this.notGreaterChild(child, child.size, id);
          child = child.children[slot]!;
        }
        this.seekBehindNotGreater(child, child.size, id);
        return;
      }
      node = parent;
    }
    this.leaf = this.first;
    this.index = 0;
  }

  /** Whether what stands right behind an entry has a smaller key than element `id`, or nothing does. */
  precedesSmaller(leaf: Leaf, index: number, id: number): boolean {
    if (index + 1 < leaf.size) return this.less(leaf.idAt(index + 1), id);
    return leaf.next === null || this.less(leaf.next.idAt(0), id);
  }

  /**
   * The element with the smallest key from the given place on, up to the first entry with a key that is no greater than that
   * of element `id` (-1: up to the end); -1 if that is the very next. Of the children that hang on one side of an element, and
   * all that hangs on them, that is the last child.
   */
  leastBefore(leaf: Leaf, index: number, id: number): number {
    let least = -1;
    let node: Node = leaf;
    let slot = index;
    for (;;) {
      const { size } = node;
      for (; slot < size; slot++) {
        const key = node instanceof Leaf ? node.idAt(slot) : node.sums[slot + LEAST]!;
        if (id >= 0 && !this.less(id, key)) break;
        if (least < 0 || this.less(key, least)) least = key;
      }
      if (slot < size) {
        if (node instanceof Leaf) return least;
        node = node.children[slot]!;
        slot = 0;
      } else {
        if (node.parent === null) return least;
        slot = node.slot + 1;
        node = node.parent;
      }
    }
  }

  /** The smallest first id of a run that is ≥ `id`, or -1. */
  nextRun(id: number): number {
    if (this.runs !== null) return this.runs.ceiling(id) ? this.runs.foundKey : -1;
    const { first } = this;
    let least = -1;
    for (let index = 0; index < first.size; index++) {
      const start = first.idAt(index);
      if (first.countAt(index) > 0 && start >= id && (least < 0 || start < least)) least = start;
    }
    return least;
  }

  /** Focuses the leaf that holds visible element `element`, which must exist, and returns it. */
  leafOf(element: number): Leaf {
    this.focusOn(element, ELEMENTS);
    return this.focused;
  }

  /** Finds the run that holds visible element `element`, which must exist, and focuses its leaf. */
  seekElement(element: number): void {
    const leaf = this.leafOf(element);
    const { columns } = leaf;
    let rest = element - this.focusElements;
    let index = 0;
    for (;;) {
      const count = visibleElements(columns[index]!);
      if (rest < count) break;
      rest -= count;
      index++;
    }
    this.leaf = leaf;
    this.index = index;
    this.offset = rest;
  }

  /** Finds the run that holds visible unit `unit`, which must exist, and focuses its leaf. */
  seekUnit(unit: number): void {
    this.focusOn(unit, UNITS);
    const leaf = this.focused;
    const { columns } = leaf;
    let rest = unit - this.focusUnits;
    let index = 0;
    for (;;) {
      const count = visibleUnits(columns[index]!);
      if (rest < count) break;
      rest -= count;
      index++;
    }
    this.leaf = leaf;
    this.index = index;
    this.offset = rest;
  }

  /** Computes what is visible before `leaf` (`focusElements`, `focusUnits`) and keeps it right from then on. */
  focus(leaf: Leaf): void {
    if (leaf === this.focused) return;
    let elements = 0;
    let units = 0;
    let node: Node = leaf;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      const sums = parent.sums;
      for (let slot = node.slot - 1; slot >= 0; slot--) {
        elements += sums[slot + ELEMENTS]!;
        units += sums[slot + UNITS]!;
      }
      node = parent;
    }
    this.focused = leaf;
    this.focusElements = elements;
    this.focusUnits = units;
  }

  /** Finds the first entry from the given place on whose key is smaller; else the place behind all entries. */
  seekSmaller(leaf: Leaf, index: number, id: number): void {
    this.leaf = leaf;
    this.index = index;
    // Usually the very next entry has a smaller key; if it is in the next leaf, the end of this one is as good a place.
    if (index < leaf.size) {
      if (this.less(leaf.idAt(index), id)) return;
      if (this.seekSmallerIn(leaf, index + 1, id)) return;
    } else {
      const next = leaf.next;
      if (next === null || this.less(next.idAt(0), id)) return;
    }
    let node: Node = leaf;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      let slot = this.smallerChild(parent, node.slot + 1, id);
      if (slot >= 0) {
        let child = parent.children[slot]!;
        while (child instanceof Inner) {
          slot = this.smallerChild(child, 0, id);
          child = child.children[slot]!;
        }
        this.seekSmallerIn(child, 0, id);
        return;
      }
      node = parent;
    }
    while (node instanceof Inner) node = node.children[node.size - 1]!;
    this.leaf = node;
    this.index = node.size;
  }

  /** Finds the first run from the given place on, passing over markers. */
  seekRun(leaf: Leaf, index: number): boolean {
    if (this.seekRunIn(leaf, index)) return true;
    const further = nextLeafWith(leaf, TOTAL);
    return further !== null && this.seekRunIn(further, 0);
  }

  /** The next leaf in which something is visible, or null: O(log n), however much that is dead stands between. */
  nextVisible(leaf: Leaf): Leaf | null {
    const { next } = leaf;
    if (next === null || next.parent!.sums[next.slot + ELEMENTS]! > 0) return next;
    return nextLeafWith(next, ELEMENTS);
  }

  /**
   * Makes sure that `count` entries with so many more living elements can be placed in the leaf of the given place, splitting it
   * if need be, and leaves in `leaf` and `index` where that place is now. An entry at the place stays with it.
   */
  reserve(leaf: Leaf, index: number, count: number, elements: number): void {
    if (
      leaf.size + count > LEAF_CAPACITY ||
      (leaf.size > 1 && elements > 0 && this.rules.isFull(leaf, elements))
    ) {
      // Appending is the usual case: leave full leaves behind.
      const cut = index === leaf.size && leaf.next === null ? index : leaf.size >> 1;
      const right = this.split(leaf, cut);
      if (index >= cut) {
        if (this.focused === leaf) {
          this.focusElements += leaf.parent!.sums[leaf.slot + ELEMENTS]!;
          this.focusUnits += leaf.parent!.sums[leaf.slot + UNITS]!;
          this.focused = right;
        }
        leaf = right;
        index -= cut;
      }
    }
    const needed = leaf.size + count;
    if (leaf.capacity < needed) this.resize(leaf, roomFor(needed));
    this.leaf = leaf;
    this.index = index;
  }

  /** Opens a gap of so many entries before the given place, for which room was reserved. All of them are to be filled next. */
  open(leaf: Leaf, index: number, count: number): void {
    this.rules.open(leaf, index, count);
    if (index < leaf.size) openGap(leaf, index, count);
    leaf.size += count;
  }

  /** Writes an entry into a gap; sums, and what it has of content, are the caller's to see to. */
  fill(leaf: Leaf, index: number, id: number, count: number, flags: number): void {
    const { columns, capacity } = leaf;
    columns[index] = (count << FLAG_BITS) | flags;
    columns[capacity + index] = id;
    if (count > 0) this.runs?.set(id, leaf.id);
  }

  /** Takes an entry without content out again; sums are the caller's to adjust. */
  displace(leaf: Leaf, index: number): void {
    this.runs?.delete(leaf.idAt(index));
    this.rules.close(leaf, index);
    closeGap(leaf, index);
    leaf.size -= 1;
  }

  /** Gives a run a new first element; what it loses or gains there is the caller's to account for. */
  moveStart(leaf: Leaf, index: number, id: number): void {
    this.runs?.delete(leaf.idAt(index));
    leaf.columns[leaf.capacity + index] = id;
    this.runs?.set(id, leaf.id);
  }

  /** Adds to what is visible in a leaf, and to how many elements it has. */
  add(leaf: Leaf, elements: number, units: number, total: number): void {
    // What stands before the focused leaf may be other than it was; nothing ever stands before the first.
    if (leaf !== this.focused) this.focusFirst();
    this.elements += elements;
    this.units += units;
    let node: Node = leaf;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      const { sums } = parent;
      const { slot } = node;
      sums[slot + ELEMENTS]! += elements;
      sums[slot + UNITS]! += units;
      sums[slot + TOTAL]! += total;
      node = parent;
    }
  }

  /** Notes a new key in a leaf. */
  lower(leaf: Leaf, id: number): void {
    let node: Node = leaf;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      const { sums } = parent;
      const { slot } = node;
      const least = sums[slot + LEAST]!;
      if (least >= 0 && !this.less(id, least)) return;
      sums[slot + LEAST] = id;
      node = parent;
    }
  }

  private holds(leaf: Leaf, index: number, id: number): boolean {
    if (index >= leaf.size) return false;
    return (id - leaf.idAt(index)) >>> 0 < leaf.countAt(index);
  }

  private focusFirst(): void {
    this.focused = this.first;
    this.focusElements = 0;
    this.focusUnits = 0;
  }

  /** Focuses the leaf that holds the given visible element or unit. */
  private focusOn(target: number, measure: typeof ELEMENTS | typeof UNITS): void {
    const start = measure === ELEMENTS ? this.focusElements : this.focusUnits;
    const parent = this.focused.parent;
    if (parent === null) return;
    const size = parent.sums[this.focused.slot + measure]!;
    if (target >= start && target < start + size) return;
    if (this.units === this.elements) {
      this.focusOnElement(target);
      return;
    }
    let elements = 0;
    let units = 0;
    let node: Node = this.root;
    while (node instanceof Inner) {
      const sums: Int32Array = node.sums;
      let slot = 0;
      for (;;) {
        const before = measure === ELEMENTS ? elements : units;
        if (target < before + sums[slot + measure]!) break;
        elements += sums[slot + ELEMENTS]!;
        units += sums[slot + UNITS]!;
        slot++;
      }
      node = node.children[slot]!;
    }
    this.focused = node;
    this.focusElements = elements;
    this.focusUnits = units;
  }

  /** The same where each element is one unit, as in every list and most texts: one column tells both. */
  private focusOnElement(target: number): void {
    let rest = target;
    let node: Node = this.root;
    while (node instanceof Inner) {
      const sums: Int32Array = node.sums;
      let slot = ELEMENTS;
      for (let sum = sums[slot]!; rest >= sum; sum = sums[slot]!) {
        rest -= sum;
        slot++;
      }
      node = node.children[slot - ELEMENTS]!;
    }
    this.focused = node;
    this.focusElements = target - rest;
    this.focusUnits = target - rest;
  }

  private seekSmallerIn(leaf: Leaf, index: number, id: number): boolean {
    const { parent } = leaf;
    if (parent !== null && !this.less(parent.sums[leaf.slot + LEAST]!, id)) return false;
    for (; index < leaf.size; index++) {
      if (this.less(leaf.idAt(index), id)) {
        this.leaf = leaf;
        this.index = index;
        return true;
      }
    }
    return false;
  }

  /** The first child from `slot` on in which there is a smaller key, or -1. */
  private smallerChild(node: Inner, slot: number, id: number): number {
    const { sums } = node;
    for (; slot < node.size; slot++) if (this.less(sums[slot + LEAST]!, id)) return slot;
    return -1;
  }

  /** The last child before `slot` in which there is a key that is no greater, or -1. */
  private notGreaterChild(node: Inner, slot: number, id: number): number {
    const { sums } = node;
    for (slot--; slot >= 0; slot--) if (!this.less(id, sums[slot + LEAST]!)) return slot;
    return -1;
  }

  /** Finds the place behind the last entry before `index` whose key is not greater. */
  private seekBehindNotGreater(leaf: Leaf, index: number, id: number): boolean {
    for (; index > 0; index--) {
      if (!this.less(id, leaf.idAt(index - 1))) {
        this.leaf = leaf;
        this.index = index;
        return true;
      }
    }
    return false;
  }

  private seekRunIn(leaf: Leaf, index: number): boolean {
    for (; index < leaf.size; index++) {
      if (leaf.countAt(index) > 0) {
        this.leaf = leaf;
        this.index = index;
        return true;
      }
    }
    return false;
  }

  /** Moves the entries from `cut` on into a new leaf behind. If there are none, one is about to be placed in it. */
  private split(leaf: Leaf, cut: number): Leaf {
    this.leaves ??= [leaf];
    const moved = leaf.size - cut;
    const isSmall = this.leaves.length < SMALL;
    let room = moved === 0 || isSmall ? LEAF_CAPACITY : roomFor(moved);
    // A list that is appended to has a few long runs in a leaf, which is then full of items.
    if (moved === 0 && this.rules.isFlat) room = FIRST_CAPACITY;
    const right = new Leaf(this.leaves.length, room);
    this.leaves.push(right);
    this.rules.resize(right);
    if (moved > 0) {
      this.rules.move(leaf, cut, right);
      moveEntries(leaf, cut, right);
      const left = isSmall ? LEAF_CAPACITY : roomFor(cut);
      if (left !== leaf.capacity) this.resize(leaf, left);
    }
    right.next = leaf.next;
    leaf.next = right;
    if (this.runs === null) {
      this.runs = new IntMap();
      this.registerAll(leaf);
    }
    this.registerAll(right);
    this.attach(leaf, right, right.next === null);
    return right;
  }

  private resize(leaf: Leaf, capacity: number): void {
    resize(leaf, capacity);
    this.rules.resize(leaf);
  }

  private registerAll(leaf: Leaf): void {
    for (let i = 0; i < leaf.size; i++)
      if (leaf.countAt(i) > 0) this.runs!.set(leaf.idAt(i), leaf.id);
  }

  /** Makes `right` the next sibling of `left`, splitting parents as needed. */
  private attach(left: Node, right: Node, appends: boolean): void {
    for (;;) {
      let parent: Inner | null = left.parent;
      if (parent === null) {
        parent = new Inner();
        this.root = parent;
        insertChild(parent, 0, left);
      }
      let uncle: Inner | null = null;
      if (parent.size === INNER_CAPACITY) {
        uncle = new Inner();
        moveChildren(parent, appends ? INNER_CAPACITY : INNER_CAPACITY >> 1, uncle);
      }
      if (uncle !== null && (appends || left.parent === uncle)) {
        insertChild(uncle, appends ? 0 : left.slot + 1, right);
      } else insertChild(parent, left.slot + 1, right);
      this.summarise(left);
      this.summarise(right);
      if (uncle === null) return;
      left = parent;
      right = uncle;
    }
  }

  /** Computes anew what a node's parent knows about it. */
  private summarise(node: Node): void {
    const { slot } = node;
    const { sums } = node.parent!;
    for (let column = 0; column < SUMS; column++) sums[slot + column * INNER_CAPACITY] = 0;
    sums[slot + LEAST] = -1;
    const leaf = node instanceof Leaf;
    for (let i = 0; i < node.size; i++) {
      let id: number;
      if (leaf) {
        const measure = node.columns[i]!;
        sums[slot + ELEMENTS]! += visibleElements(measure);
        sums[slot + UNITS]! += visibleUnits(measure);
        sums[slot + TOTAL]! += measure >> FLAG_BITS;
        id = node.idAt(i);
      } else {
        sums[slot + ELEMENTS]! += node.sums[i + ELEMENTS]!;
        sums[slot + UNITS]! += node.sums[i + UNITS]!;
        sums[slot + TOTAL]! += node.sums[i + TOTAL]!;
        id = node.sums[i + LEAST]!;
        // Below here a leaf is still empty: its entry is about to be placed and noted.
        if (id < 0) continue;
      }
      const least = sums[slot + LEAST]!;
      if (least < 0 || this.less(id, least)) sums[slot + LEAST] = id;
    }
  }

  /** Walks every invariant of the tree and of the order; throws an Error that says which one is broken. */
  check(): void {
    this.checkNodes();
    this.checkOrder();
    this.checkRuns();
  }

  private checkNodes(): void {
    if (this.root.parent !== null) throw new Error("the root has a parent");
    let level: Node[] = [this.root];
    while (level[0] instanceof Inner) {
      const below: Node[] = [];
      for (const node of level) {
        if (!(node instanceof Inner)) throw new Error("leaves stand at different depths");
        if (node.size === 0 || node.size !== node.children.length)
          throw new Error("an inner node miscounts its children");
        node.children.forEach((child, slot) => {
          if (child.parent !== node || child.slot !== slot)
            throw new Error("a child does not know its place");
          const known = node.sums.slice();
          this.summarise(child);
          if (known.join() !== node.sums.join()) {
            throw new Error("an inner node has a wrong sum or a wrong smallest key");
          }
        });
        below.push(...node.children);
      }
      level = below;
    }
    let expected: Leaf | null = this.first;
    for (const leaf of level) {
      if (leaf !== expected) throw new Error("the list of leaves is not their order in the tree");
      if ((this.leaves ?? [this.first])[leaf.id] !== leaf)
        throw new Error("a leaf does not know its number");
      if (leaf === this.focused) this.checkFocus();
      expected = leaf.next;
    }
    if (expected !== null || (this.leaves?.length ?? 1) !== level.length)
      throw new Error("a leaf is not in the tree");
  }

  private checkFocus(): void {
    let elements = 0;
    let units = 0;
    for (
      let leaf: Leaf | null = this.first;
      leaf !== this.focused && leaf !== null;
      leaf = leaf.next
    ) {
      elements += elementsBefore(leaf, leaf.size);
      units += unitsBefore(leaf, leaf.size);
    }
    if (elements !== this.focusElements || units !== this.focusUnits)
      throw new Error("the focus is off");
  }

  /** Where the left subtree of an element begins, the next entry before it stands whose key is no greater: its marker, if it has one. */
  private checkOrder(): void {
    /** Entries so far, less those with a smaller key behind them, by their first id and their last; of a marker that is -1. */
    const firsts: number[] = [];
    const lasts: number[] = [];
    let markers = 0;
    let elements = 0;
    let units = 0;
    for (let leaf: Leaf | null = this.first; leaf !== null; leaf = leaf.next) {
      if (leaf.size === 0 && this.root !== leaf) throw new Error("a leaf is empty");
      checkRoom(leaf);
      this.rules.check(leaf);
      elements += elementsBefore(leaf, leaf.size);
      units += unitsBefore(leaf, leaf.size);
      for (let index = 0; index < leaf.size; index++) {
        const id = leaf.idAt(index);
        const count = leaf.countAt(index);
        const flags = leaf.flagsAt(index);
        let greater = 0;
        while (firsts.length > 0 && this.less(id, firsts.at(-1)!)) {
          firsts.pop();
          lasts.pop();
          greater += 1;
        }
        const closes = count > 0 && firsts.at(-1) === id;
        if (closes !== (count > 0 && (flags & HAS_LEFT) !== 0 && (flags & HAS_SIBLINGS) !== 0))
          throw new Error("a marker is not before its element");
        if ((flags & HAS_LEFT) !== 0) {
          if (greater === 0) throw new Error("a left subtree is empty");
          if (!closes && lasts.length > 0 && !this.less(lasts.at(-1)!, id))
            throw new Error("a left subtree begins where its keys do not");
        }
        if (closes) {
          markers -= 1;
          firsts.pop();
          lasts.pop();
        }
        if (count === 0) markers += 1;
        firsts.push(id);
        lasts.push(leaf.lastAt(index));
        if ((flags & (ALIVE | WIDE)) === WIDE) throw new Error("a dead run or a marker is wide");
      }
    }
    if (markers > 0) throw new Error("a marker has no element");
    if (elements !== this.elements || units !== this.units) throw new Error("the totals are off");
  }

  private checkRuns(): void {
    if (this.runs === null) return;
    this.runs.check();
    let runs = 0;
    for (let leaf: Leaf | null = this.first; leaf !== null; leaf = leaf.next) {
      for (let index = 0; index < leaf.size; index++) {
        if (leaf.countAt(index) === 0) continue;
        if (this.runs.get(leaf.idAt(index)) !== leaf.id)
          throw new Error("a run is not where its id leads");
        runs += 1;
      }
    }
    if (this.runs.size !== runs) throw new Error("an id leads to no run");
  }
}

/** The first leaf behind another one for which a column of the sums is not 0, or null. */
function nextLeafWith(leaf: Leaf, column: number): Leaf | null {
  let node: Node = leaf;
  for (let parent = node.parent; parent !== null; parent = node.parent) {
    let slot = childWith(parent, node.slot + 1, column);
    if (slot >= 0) {
      let child = parent.children[slot]!;
      while (child instanceof Inner) {
        slot = childWith(child, 0, column);
        child = child.children[slot]!;
      }
      return child;
    }
    node = parent;
  }
  return null;
}

function childWith(node: Inner, slot: number, column: number): number {
  for (; slot < node.size; slot++) if (node.sums[slot + column]! > 0) return slot;
  return -1;
}
