/**
 * Entries of a sequence, and the nodes of the tree in which they stand: sequence-tree.ts searches it.
 *
 * An entry is a run of elements with consecutive ids, each the right child of the one before, or a marker: the zero-
 * width place before the left subtree of one element, whose id and key it bears. Only elements that have siblings have
 * markers: of others that subtree is all that stands before them with greater keys.
 */

/** Flag: the elements are visible. Its value is 1, which the sums below rely on. */
export const ALIVE = 1;
/** Flag: each element takes two UTF-16 units. Its value is 2, which the sums below rely on. */
export const WIDE = 2;
/** Flag: the first element is the right child of the element whose id is one less. */
export const CONTINUES = 4;
/** Flag: the first element has left children. */
export const HAS_LEFT = 8;
/** Flag: other elements hang on the same side of the parent of the first element. If it has left children, too, it has a marker. */
export const HAS_SIBLINGS = 16;
/** Flag: the first element has more than one left child. */
export const MANY_LEFT = 32;
/** Flag: the last element has more than one right child. */
export const MANY_RIGHT = 64;

/** Bits of the flags, which stand below the number of elements in one integer. */
export const FLAG_BITS = 7;
const FLAGS = (1 << FLAG_BITS) - 1;

/** Elements of one entry at most, so that their number and the flags are a positive integer of 32 bits. */
export const MAX_COUNT = 2 ** (31 - FLAG_BITS) - 1;

export const INNER_CAPACITY = 64;

/**
 * Integers per child of an inner node: visible elements, visible units, all elements, and the id with the smallest key. They
 * stand in columns, since a search adds up one or two of them over all children: that is four lines of the processor's cache
 * for each, where it would be sixteen for all. Here are the beginnings of the columns.
 */
export const SUMS = 4;
export const ELEMENTS = 0;
export const UNITS = INNER_CAPACITY;
export const TOTAL = 2 * INNER_CAPACITY;
export const LEAST = 3 * INNER_CAPACITY;

export const LEAF_CAPACITY = 96;
export const FIRST_CAPACITY = 4;

/** The content of a leaf that has none yet; never written to. */
const NOTHING: unknown[] = [];

/** Integers per entry of a leaf. */
const COLUMNS = 2;

/** Up to so many entries that stand next to each other. */
export class Leaf {
  parent: Inner | null = null;
  slot = 0;
  next: Leaf | null = null;
  /** Number of entries. */
  size = 0;
  /** Number of entries that there is room for. */
  capacity: number;
  /**
   * Columns of `capacity` integers: of each entry the number of elements (0: a marker) with the flags below it, and the first
   * id. A search for an index reads only the first.
   */
  columns: Int32Array;
  /** The content of living runs, as the rules of the sequence have it: see sequence-content.ts. */
  contents: unknown[];
  /** In a list, how many items of that are in use. */
  items = 0;
  readonly id: number;

  constructor(id: number, capacity: number) {
    this.id = id;
    this.capacity = capacity;
    this.columns = new Int32Array(capacity * COLUMNS);
    this.contents = NOTHING;
  }

  /** The id of an entry's first element. */
  idAt(index: number): number {
    return this.columns[this.capacity + index]!;
  }

  /** The id of a run's last element; of a marker its own. */
  lastAt(index: number): number {
    return this.idAt(index) + Math.max(this.countAt(index) - 1, 0);
  }

  /** The number of an entry's elements; 0 of a marker. */
  countAt(index: number): number {
    return this.columns[index]! >> FLAG_BITS;
  }

  /** An entry's flags. */
  flagsAt(index: number): number {
    return this.columns[index]! & FLAGS;
  }

  /** Gives an entry another number of elements; sums are the caller's to adjust. */
  setCount(index: number, count: number): void {
    this.columns[index] = (count << FLAG_BITS) | this.flagsAt(index);
  }

  /** Gives an entry other flags; sums are the caller's to adjust. */
  setFlags(index: number, flags: number): void {
    this.columns[index] = (this.columns[index]! & ~FLAGS) | flags;
  }

  /** Gives an entry some flags more; sums are the caller's to adjust. */
  addFlags(index: number, flags: number): void {
    this.columns[index]! |= flags;
  }
}

/** Up to so many nodes of one level that stand next to each other. */
export class Inner {
  parent: Inner | null = null;
  slot = 0;
  size = 0;
  readonly children: Node[] = [];
  readonly sums = new Int32Array(INNER_CAPACITY * SUMS);
}

/** A node of the tree. */
export type Node = Leaf | Inner;

/** The visible elements of an entry, by its integer in the first column. */
export function visibleElements(measure: number): number {
  return (measure >> FLAG_BITS) & -(measure & ALIVE);
}

/** Its visible UTF-16 units. */
export function visibleUnits(measure: number): number {
  return visibleElements(measure) << ((measure & WIDE) >> 1);
}

/** Visible elements in a leaf before one of its entries. */
export function elementsBefore({ columns }: Leaf, index: number): number {
  let elements = 0;
  for (let i = index - 1; i >= 0; i--) elements += visibleElements(columns[i]!);
  return elements;
}

/** Visible units in a leaf before one of its entries. */
export function unitsBefore({ columns }: Leaf, index: number): number {
  let units = 0;
  for (let i = index - 1; i >= 0; i--) units += visibleUnits(columns[i]!);
  return units;
}

/** An eighth more than is needed, not twice as much: where entries come at random, most of what is there is used. */
export function roomFor(size: number): number {
  return Math.min(size + (size >> 3) + 2, LEAF_CAPACITY);
}

/** Gives a leaf room for so many entries; their content is the caller's to see to. */
export function resize(leaf: Leaf, capacity: number): void {
  const { columns, size, capacity: before } = leaf;
  leaf.columns = new Int32Array(capacity * COLUMNS);
  for (let column = 0; column < COLUMNS; column++) {
    const start = column * before;
    leaf.columns.set(columns.subarray(start, start + size), column * capacity);
  }
  leaf.capacity = capacity;
}

/** Moves the entries from `cut` on to a new leaf; their content is the caller's to move. */
export function moveEntries(from: Leaf, cut: number, to: Leaf): void {
  const { columns, capacity, size } = from;
  for (let column = 0; column < COLUMNS; column++) {
    const start = column * capacity;
    to.columns.set(columns.subarray(start + cut, start + size), column * to.capacity);
  }
  to.size = size - cut;
  from.size = cut;
}

/** Moves the entries from `index` on by `by`, for which there is room; their content is the caller's to move. */
export function openGap(leaf: Leaf, index: number, by: number): void {
  const { columns, capacity, size } = leaf;
  for (let start = 0; start < columns.length; start += capacity)
    columns.copyWithin(start + index + by, start + index, start + size);
}

/** Moves the entries behind `index` back by one, over that one; their content is the caller's to move. */
export function closeGap(leaf: Leaf, index: number): void {
  const { columns, capacity, size } = leaf;
  for (let start = 0; start < columns.length; start += capacity)
    columns.copyWithin(start + index, start + index + 1, start + size);
}

/** Throws an Error if a leaf and what it says about its room differ. */
export function checkRoom(leaf: Leaf): void {
  const { size, capacity } = leaf;
  if (size > capacity || capacity > LEAF_CAPACITY) throw new Error("a leaf is too full");
  if (leaf.columns.length !== capacity * COLUMNS)
    throw new Error("a leaf has other room than it says");
}

/** Puts a node among the children of another, which is not full; its sums are the caller's to fill. */
export function insertChild(parent: Inner, slot: number, child: Node): void {
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

/** Moves the children from `cut` on, with their sums, to a new node. */
export function moveChildren(from: Inner, cut: number, to: Inner): void {
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
