/**
 * The flat order of a sequence: a B-tree of entries that knows, for every node, how much of it is visible and the
 * smallest key in it. Finding an element by its id, an entry by a visible index, or the first entry with a smaller key
 * behind some place takes O(log n), whatever tree of elements an opponent has built. What the entries mean, and where
 * new ones go, is decided in sequence.ts.
 *
 * An entry is a run of elements with consecutive ids, each the right child of the one before, or a marker: the zero-
 * width place before the left subtree of one element, whose id and key it bears. Entries are never removed, except
 * when two become one.
 *
 * Each search leaves what it found in the fields `leaf` and `index` (and `offset`); nothing is allocated by a query.
 */
import { IntMap } from "./int-map.ts";

/** Orders the keys of elements that different changes made. */
export interface KeyOrder {
  /** Negative if the elements of change `a` have smaller keys than those of change `b`; never called with a = b. */
  compareChanges(a: number, b: number): number;
}

/** Integers per entry: the first id, the number of elements (0: a marker), the change of the first, and flags. */
export const ROW = 4;
export const ID = 0;
export const COUNT = 1;
export const CHANGE = 2;
export const FLAGS = 3;

/** Flag: the elements are visible. Its value is 1, which the sums below rely on. */
export const ALIVE = 1;
/** Flag: each element takes two UTF-16 units. Its value is 2, which the sums below rely on. */
export const WIDE = 2;
/** Flag: the first element is the right child of the element whose id is one less. */
export const CONTINUES = 4;
/** Flag: there is a marker for the first element. */
export const MARKED = 8;

const INNER_CAPACITY = 32;

/**
 * Integers per child of an inner node: visible elements, visible units, all elements, and the key of the smallest. They stand
 * in columns, since a search adds up one or two of them over all children: that is two lines of the processor's cache for
 * each, where it would be ten for all. Here are the beginnings of the columns.
 */
const SUMS = 5;
const ELEMENTS = 0;
const UNITS = INNER_CAPACITY;
const TOTAL = 2 * INNER_CAPACITY;
const MIN_CHANGE = 3 * INNER_CAPACITY;
const MIN_ID = 4 * INNER_CAPACITY;

const LEAF_CAPACITY = 64;
const FIRST_CAPACITY = 4;

/** Up to 64 entries that stand next to each other. */
export class Leaf<C> {
  parent: Inner<C> | null = null;
  slot = 0;
  next: Leaf<C> | null = null;
  /** Number of entries. */
  size = 0;
  rows: Int32Array;
  /** What is kept of the content of living runs; null for dead runs and markers. */
  contents: (C | null)[] = [];
  readonly id: number;

  constructor(id: number, capacity: number) {
    this.id = id;
    this.rows = new Int32Array(capacity * ROW);
  }
}

class Inner<C> {
  parent: Inner<C> | null = null;
  slot = 0;
  size = 0;
  readonly children: Node<C>[] = [];
  readonly sums = new Int32Array(INNER_CAPACITY * SUMS);
}

type Node<C> = Leaf<C> | Inner<C>;

/** Entries in order; see the top of the file. */
export class SequenceTree<C> {
  /** Visible elements. */
  elements = 0;
  /** Visible UTF-16 units. */
  units = 0;
  /** The first leaf; it is empty only when there are no entries at all. */
  readonly first: Leaf<C> = new Leaf<C>(0, FIRST_CAPACITY);

  /** The leaf of the entry that was found or made last; stays a good guess for where the next one is. */
  leaf: Leaf<C> = this.first;
  /** The position of that entry in its leaf, or one behind the last. */
  index = 0;
  /** Where in that entry a visible index fell: in elements after `seekElement`, in units after `seekUnit`. */
  offset = 0;

  /** Visible elements and units before the leaf that was focused last. */
  focusElements = 0;
  focusUnits = 0;
  private focused: Leaf<C> = this.first;

  private root: Node<C> = this.first;
  /** Leaves by number, which is the order in which they were made. Most sequences are tiny: null while there is one. */
  private leaves: Leaf<C>[] | null = null;
  /** First id of each run → number of its leaf; null while there is one leaf. */
  private runs: IntMap | null = null;
  /** Id of each element with a marker → number of the marker's leaf; null while there is one leaf. */
  private markers: IntMap | null = null;
  /** Where a run goes on with the elements of another change: first id of the later part → its change. */
  private joints: IntMap | null = null;
  private readonly order: KeyOrder;

  constructor(order: KeyOrder) {
    this.order = order;
  }

  /** Whether element `id1` of `change1` has a smaller key than element `id2` of `change2`. */
  less(change1: number, id1: number, change2: number, id2: number): boolean {
    return change1 === change2 ? id1 < id2 : this.order.compareChanges(change1, change2) < 0;
  }

  /** The change that made element `id` of the given run. */
  changeAt(leaf: Leaf<C>, index: number, id: number): number {
    const row = index * ROW;
    const start = leaf.rows[row + ID]!;
    const joints = this.joints;
    if (joints !== null && id > start && joints.floor(id) && joints.foundKey > start)
      return joints.foundValue;
    return leaf.rows[row + CHANGE]!;
  }

  /** Notes that element `id`, in the middle of a run, was made by `change` and the one before perhaps by another. */
  addJoint(id: number, change: number): void {
    this.joints ??= new IntMap();
    this.joints.set(id, change);
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

  /** Finds the marker of element `id`, which must have one. */
  findMarker(id: number): void {
    const leaf = this.markers === null ? this.first : this.leaves![this.markers.get(id)]!;
    let row = 0;
    while (leaf.rows[row + ID] !== id || leaf.rows[row + COUNT] !== 0) row += ROW;
    this.leaf = leaf;
    this.index = row / ROW;
  }

  /** The smallest first id of a run that is ≥ `id`, or -1. */
  nextRun(id: number): number {
    if (this.runs !== null) return this.runs.ceiling(id) ? this.runs.foundKey : -1;
    const { rows, size } = this.first;
    let least = -1;
    for (let row = 0; row < size * ROW; row += ROW) {
      const start = rows[row + ID]!;
      if (rows[row + COUNT]! > 0 && start >= id && (least < 0 || start < least)) least = start;
    }
    return least;
  }

  /** Finds the run that holds visible element `element`, which must exist, and focuses its leaf. */
  seekElement(element: number): void {
    this.focusOn(element, ELEMENTS);
    const leaf = this.focused;
    const rows = leaf.rows;
    let rest = element - this.focusElements;
    let row = 0;
    for (;;) {
      const count = rows[row + COUNT]! & -(rows[row + FLAGS]! & ALIVE);
      if (rest < count) break;
      rest -= count;
      row += ROW;
    }
    this.leaf = leaf;
    this.index = row / ROW;
    this.offset = rest;
  }

  /** Finds the run that holds visible unit `unit`, which must exist, and focuses its leaf. */
  seekUnit(unit: number): void {
    this.focusOn(unit, UNITS);
    const leaf = this.focused;
    const rows = leaf.rows;
    let rest = unit - this.focusUnits;
    let row = 0;
    for (;;) {
      const flags = rows[row + FLAGS]!;
      const count = (rows[row + COUNT]! << ((flags & WIDE) >> 1)) & -(flags & ALIVE);
      if (rest < count) break;
      rest -= count;
      row += ROW;
    }
    this.leaf = leaf;
    this.index = row / ROW;
    this.offset = rest;
  }

  /** Computes what is visible before `leaf` (`focusElements`, `focusUnits`) and keeps it right from then on. */
  focus(leaf: Leaf<C>): void {
    if (leaf === this.focused) return;
    let elements = 0;
    let units = 0;
    let node: Node<C> = leaf;
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

  /** Visible elements in a leaf before one of its entries. */
  elementsBefore(leaf: Leaf<C>, index: number): number {
    const rows = leaf.rows;
    let elements = 0;
    for (let row = index * ROW - ROW; row >= 0; row -= ROW) {
      elements += rows[row + COUNT]! & -(rows[row + FLAGS]! & ALIVE);
    }
    return elements;
  }

  /** Visible units in a leaf before one of its entries. */
  unitsBefore(leaf: Leaf<C>, index: number): number {
    const rows = leaf.rows;
    let units = 0;
    for (let row = index * ROW - ROW; row >= 0; row -= ROW) {
      const flags = rows[row + FLAGS]!;
      units += (rows[row + COUNT]! << ((flags & WIDE) >> 1)) & -(flags & ALIVE);
    }
    return units;
  }

  /** Finds the first entry from the given place on whose key is smaller; else the place behind all entries. */
  seekSmaller(leaf: Leaf<C>, index: number, change: number, id: number): void {
    this.leaf = leaf;
    this.index = index;
    // Usually the very next entry has a smaller key; if it is in the next leaf, the end of this one is as good a place.
    if (index < leaf.size) {
      const row = index * ROW;
      if (this.less(leaf.rows[row + CHANGE]!, leaf.rows[row + ID]!, change, id)) return;
      if (this.seekSmallerIn(leaf, index + 1, change, id)) return;
    } else {
      const next = leaf.next;
      if (next === null || this.less(next.rows[CHANGE]!, next.rows[ID]!, change, id)) return;
    }
    let node: Node<C> = leaf;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      let slot = this.smallerChild(parent, node.slot + 1, change, id);
      if (slot >= 0) {
        let child = parent.children[slot]!;
        while (child instanceof Inner) {
          slot = this.smallerChild(child, 0, change, id);
          child = child.children[slot]!;
        }
        this.seekSmallerIn(child, 0, change, id);
        return;
      }
      node = parent;
    }
    while (node instanceof Inner) node = node.children[node.size - 1]!;
    this.leaf = node;
    this.index = node.size;
  }

  /** Finds the first run from the given place on, passing over markers. */
  seekRun(leaf: Leaf<C>, index: number): boolean {
    if (this.seekRunIn(leaf, index)) return true;
    const further = leafBehind(leaf, TOTAL);
    return further !== null && this.seekRunIn(further, 0);
  }

  /** The next leaf in which something is visible, or null: O(log n), however much that is dead stands between. */
  nextVisible(leaf: Leaf<C>): Leaf<C> | null {
    const { next } = leaf;
    if (next === null || next.parent!.sums[next.slot + ELEMENTS]! > 0) return next;
    return leafBehind(next, ELEMENTS);
  }

  /**
   * Makes sure that `count` entries can be placed in the leaf of the given place, splitting it if need be, and leaves
   * in `leaf` and `index` where that place is now. An entry at the place stays with it.
   */
  reserve(leaf: Leaf<C>, index: number, count: number): void {
    if (leaf.size + count > LEAF_CAPACITY) {
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
    const needed = (leaf.size + count) * ROW;
    if (leaf.rows.length < needed) {
      const rows = leaf.rows;
      leaf.rows = new Int32Array(Math.min(Math.max(rows.length * 2, needed), LEAF_CAPACITY * ROW));
      leaf.rows.set(rows);
    }
    this.leaf = leaf;
    this.index = index;
  }

  /** Puts an entry before the given place, for which room was reserved; sums are the caller's to adjust. */
  place(
    leaf: Leaf<C>,
    index: number,
    id: number,
    count: number,
    change: number,
    flags: number,
    content: C | null,
  ): void {
    const { rows, size } = leaf;
    const row = index * ROW;
    // Pushing to an empty array would reserve space for seventeen.
    if (size === 0) leaf.contents = [content];
    else leaf.contents.push(content);
    if (index < size) {
      rows.copyWithin(row + ROW, row, size * ROW);
      const { contents } = leaf;
      for (let i = size; i > index; i--) contents[i] = contents[i - 1]!;
      contents[index] = content;
    }
    rows[row + ID] = id;
    rows[row + COUNT] = count;
    rows[row + CHANGE] = change;
    rows[row + FLAGS] = flags;
    leaf.size = size + 1;
    this.register(leaf, id, count);
  }

  /** Takes an entry out again; sums are the caller's to adjust. */
  displace(leaf: Leaf<C>, index: number): void {
    const { rows, contents, size } = leaf;
    this.runs?.delete(rows[index * ROW + ID]!);
    rows.copyWithin(index * ROW, (index + 1) * ROW, size * ROW);
    for (let i = index + 1; i < size; i++) contents[i - 1] = contents[i]!;
    contents.pop();
    leaf.size = size - 1;
  }

  /** Gives a run a new first element; what it loses or gains there is the caller's to account for. */
  moveStart(leaf: Leaf<C>, index: number, id: number, change: number): void {
    const row = index * ROW;
    this.runs?.delete(leaf.rows[row + ID]!);
    leaf.rows[row + ID] = id;
    leaf.rows[row + CHANGE] = change;
    this.register(leaf, id, 1);
  }

  /** Adds to what is visible in a leaf, which must be focused, and to how many elements it has. */
  add(leaf: Leaf<C>, elements: number, units: number, total: number): void {
    this.elements += elements;
    this.units += units;
    let node: Node<C> = leaf;
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
  lower(leaf: Leaf<C>, change: number, id: number): void {
    let node: Node<C> = leaf;
    for (let parent = node.parent; parent !== null; parent = node.parent) {
      const { sums } = parent;
      const { slot } = node;
      const least = sums[slot + MIN_CHANGE]!;
      if (least >= 0 && !this.less(change, id, least, sums[slot + MIN_ID]!)) return;
      sums[slot + MIN_CHANGE] = change;
      sums[slot + MIN_ID] = id;
      node = parent;
    }
  }

  private holds(leaf: Leaf<C>, index: number, id: number): boolean {
    if (index >= leaf.size) return false;
    const row = index * ROW;
    return (id - leaf.rows[row + ID]!) >>> 0 < leaf.rows[row + COUNT]!;
  }

  private register(leaf: Leaf<C>, id: number, count: number): void {
    const map = count > 0 ? this.runs : this.markers;
    if (map !== null) map.set(id, leaf.id);
  }

  /** Focuses the leaf that holds the given visible element or unit. */
  private focusOn(target: number, measure: typeof ELEMENTS | typeof UNITS): void {
    const start = measure === ELEMENTS ? this.focusElements : this.focusUnits;
    const parent = this.focused.parent;
    if (parent === null) return;
    const size = parent.sums[this.focused.slot + measure]!;
    if (target >= start && target < start + size) return;
    let elements = 0;
    let units = 0;
    let node: Node<C> = this.root;
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

  private seekSmallerIn(leaf: Leaf<C>, index: number, change: number, id: number): boolean {
    const { parent, rows } = leaf;
    if (parent !== null) {
      const { slot } = leaf;
      if (!this.less(parent.sums[slot + MIN_CHANGE]!, parent.sums[slot + MIN_ID]!, change, id))
        return false;
    }
    for (let row = index * ROW; row < leaf.size * ROW; row += ROW) {
      if (this.less(rows[row + CHANGE]!, rows[row + ID]!, change, id)) {
        this.leaf = leaf;
        this.index = row / ROW;
        return true;
      }
    }
    return false;
  }

  private smallerChild(node: Inner<C>, slot: number, change: number, id: number): number {
    const sums = node.sums;
    for (; slot < node.size; slot++) {
      if (this.less(sums[slot + MIN_CHANGE]!, sums[slot + MIN_ID]!, change, id)) return slot;
    }
    return -1;
  }

  private seekRunIn(leaf: Leaf<C>, index: number): boolean {
    for (let row = index * ROW; row < leaf.size * ROW; row += ROW) {
      if (leaf.rows[row + COUNT]! > 0) {
        this.leaf = leaf;
        this.index = row / ROW;
        return true;
      }
    }
    return false;
  }

  /** Moves the entries from `cut` on into a new leaf behind. If there are none, one is about to be placed in it. */
  private split(leaf: Leaf<C>, cut: number): Leaf<C> {
    this.leaves ??= [leaf];
    const right = new Leaf<C>(this.leaves.length, LEAF_CAPACITY);
    this.leaves.push(right);
    right.rows.set(leaf.rows.subarray(cut * ROW, leaf.size * ROW));
    for (let i = cut; i < leaf.size; i++) right.contents.push(leaf.contents[i]!);
    leaf.contents.length = cut;
    right.size = leaf.size - cut;
    leaf.size = cut;
    right.next = leaf.next;
    leaf.next = right;
    if (this.runs === null) {
      this.runs = new IntMap();
      this.markers = new IntMap();
      this.registerAll(leaf);
    }
    this.registerAll(right);
    this.attach(leaf, right, right.next === null);
    return right;
  }

  private registerAll(leaf: Leaf<C>): void {
    for (let row = 0; row < leaf.size * ROW; row += ROW) {
      this.register(leaf, leaf.rows[row + ID]!, leaf.rows[row + COUNT]!);
    }
  }

  /** Makes `right` the next sibling of `left`, splitting parents as needed. */
  private attach(left: Node<C>, right: Node<C>, appends: boolean): void {
    for (;;) {
      let parent: Inner<C> | null = left.parent;
      if (parent === null) {
        parent = new Inner<C>();
        this.root = parent;
        insertChild(parent, 0, left);
      }
      let uncle: Inner<C> | null = null;
      if (parent.size === INNER_CAPACITY) {
        uncle = new Inner<C>();
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
  private summarise(node: Node<C>): void {
    const { slot } = node;
    const { sums } = node.parent!;
    for (let column = 0; column < SUMS; column++) sums[slot + column * INNER_CAPACITY] = 0;
    sums[slot + MIN_CHANGE] = -1;
    const leaf = node instanceof Leaf;
    for (let i = 0; i < node.size; i++) {
      let change: number;
      let id: number;
      if (leaf) {
        const row = i * ROW;
        const count = node.rows[row + COUNT]!;
        const flags = node.rows[row + FLAGS]!;
        const visible = count & -(flags & ALIVE);
        sums[slot + ELEMENTS]! += visible;
        sums[slot + UNITS]! += visible << ((flags & WIDE) >> 1);
        sums[slot + TOTAL]! += count;
        change = node.rows[row + CHANGE]!;
        id = node.rows[row + ID]!;
      } else {
        sums[slot + ELEMENTS]! += node.sums[i + ELEMENTS]!;
        sums[slot + UNITS]! += node.sums[i + UNITS]!;
        sums[slot + TOTAL]! += node.sums[i + TOTAL]!;
        change = node.sums[i + MIN_CHANGE]!;
        id = node.sums[i + MIN_ID]!;
        // Below here a leaf is still empty: its entry is about to be placed and noted.
        if (change < 0) continue;
      }
      const least = sums[slot + MIN_CHANGE]!;
      if (least < 0 || this.less(change, id, least, sums[slot + MIN_ID]!)) {
        sums[slot + MIN_CHANGE] = change;
        sums[slot + MIN_ID] = id;
      }
    }
  }

  /** Walks every invariant of the tree and of the order; throws an Error that says which one is broken. */
  check(): void {
    this.checkNodes();
    this.checkOrder();
    this.checkMaps();
  }

  private checkNodes(): void {
    if (this.root.parent !== null) throw new Error("the root has a parent");
    let level: Node<C>[] = [this.root];
    while (level[0] instanceof Inner) {
      const below: Node<C>[] = [];
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
    let expected: Leaf<C> | null = this.first;
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
      let leaf: Leaf<C> | null = this.first;
      leaf !== this.focused && leaf !== null;
      leaf = leaf.next
    ) {
      elements += this.elementsBefore(leaf, leaf.size);
      units += this.unitsBefore(leaf, leaf.size);
    }
    if (elements !== this.focusElements || units !== this.focusUnits)
      throw new Error("the focus is off");
  }

  /** Markers and elements nest, and whatever stands between a marker and its element has a greater key. */
  private checkOrder(): void {
    const open: { id: number; change: number }[] = [];
    let elements = 0;
    let units = 0;
    for (let leaf: Leaf<C> | null = this.first; leaf !== null; leaf = leaf.next) {
      if (leaf.size === 0 && this.root !== leaf) throw new Error("a leaf is empty");
      if (leaf.size > LEAF_CAPACITY || leaf.contents.length !== leaf.size)
        throw new Error("a leaf miscounts");
      elements += this.elementsBefore(leaf, leaf.size);
      units += this.unitsBefore(leaf, leaf.size);
      for (let index = 0; index < leaf.size; index++) {
        const [id, count, change, flags] = leaf.rows.subarray(
          index * ROW,
          index * ROW + ROW,
        ) as unknown as [number, number, number, number];
        const top = open.at(-1);
        const closes = count > 0 && top?.id === id;
        if (closes !== (count > 0 && (flags & MARKED) !== 0))
          throw new Error("a marker is not before its element");
        if (closes) open.pop();
        else if (top !== undefined && !this.less(top.change, top.id, change, id)) {
          throw new Error("a small key stands in the left subtree of a greater one");
        }
        if (count === 0) open.push({ id, change });
        if ((flags & ALIVE) === 0 && (leaf.contents[index] !== null || (flags & WIDE) !== 0)) {
          throw new Error("a dead run or a marker keeps content");
        }
      }
    }
    if (open.length > 0) throw new Error("a marker has no element");
    if (elements !== this.elements || units !== this.units) throw new Error("the totals are off");
  }

  private checkMaps(): void {
    this.joints?.check();
    this.runs?.check();
    this.markers?.check();
    let runs = 0;
    let markers = 0;
    for (let leaf: Leaf<C> | null = this.first; leaf !== null; leaf = leaf.next) {
      for (let row = 0; row < leaf.size * ROW; row += ROW) {
        const marker = leaf.rows[row + COUNT] === 0;
        if (marker) markers += 1;
        else runs += 1;
        const map = marker ? this.markers : this.runs;
        if (map !== null && map.get(leaf.rows[row + ID]!) !== leaf.id)
          throw new Error("an entry is not where its id leads");
      }
    }
    if ((this.runs?.size ?? runs) !== runs || (this.markers?.size ?? markers) !== markers) {
      throw new Error("an id leads to no entry");
    }
  }
}

/** The first leaf behind another one that has any of what a column of the sums counts, or null. */
function leafBehind<C>(leaf: Leaf<C>, column: number): Leaf<C> | null {
  let node: Node<C> = leaf;
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

function childWith<C>(node: Inner<C>, slot: number, column: number): number {
  for (; slot < node.size; slot++) if (node.sums[slot + column]! > 0) return slot;
  return -1;
}

function insertChild<C>(parent: Inner<C>, slot: number, child: Node<C>): void {
  const { children, sums, size } = parent;
  for (let column = 0; column < sums.length; column += INNER_CAPACITY)
    sums.copyWithin(column + slot + 1, column + slot, column + size);
  children.push(child);
  for (let i = size; i > slot; i--) {
    const moved = children[i - 1]!;
    children[i] = moved;
    moved.slot = i;
  }
  children[slot] = child;
  child.parent = parent;
  child.slot = slot;
  parent.size = size + 1;
}

function moveChildren<C>(from: Inner<C>, cut: number, to: Inner<C>): void {
  for (let column = 0; column < from.sums.length; column += INNER_CAPACITY)
    to.sums.set(from.sums.subarray(column + cut, column + from.size), column);
  for (let i = cut; i < from.size; i++) {
    const child = from.children[i]!;
    child.parent = to;
    child.slot = i - cut;
    to.children.push(child);
  }
  to.size = from.size - cut;
  from.children.length = cut;
  from.size = cut;
}
