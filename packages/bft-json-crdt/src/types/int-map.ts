/**
 * Ordered maps and sets of small integers: every operation takes O(log n) whatever the keys, also when an opponent
 * chooses them, and appending at the end takes O(1) amortised. Queries allocate nothing: what they find is left in
 * fields.
 *
 * A B+ tree (Bayer & McCreight 1972) over typed arrays. Full nodes split; a node less than a quarter full merges with a
 * neighbour unless that is more than half full, so n keys take O(n) memory after any history. A leaf whose keys follow one
 * another without a gap keeps only the first: what is numbered through, as the elements of a list that grows at random
 * places are, takes half the memory.
 */

/** Entries per leaf and children per inner node: moving this many integers costs less than following a pointer more. */
const CAPACITY = 256;
const UNDERFULL = CAPACITY / 4;
/** Neighbours merge up to this size, not to the brim, or the next insertion would part them again. */
const MERGED = (CAPACITY * 3) / 4;
/** The first leaf of a map starts at this capacity and grows: most maps in a document are tiny. */
const FIRST_CAPACITY = 4;

class Leaf {
  parent: Inner | null = null;
  previous: Leaf | null = null;
  next: Leaf | null = null;
  size = 0;
  /** The smallest key. */
  start = 0;
  /** All keys, ascending; null while each is one more than the one before. */
  keys: Int32Array | null = null;
  values: Int32Array;

  constructor(capacity: number) {
    this.values = new Int32Array(capacity);
  }
}

class Inner {
  parent: Inner | null = null;
  size = 0;
  readonly children: (Leaf | Inner)[] = [];
  /** The smallest key below each child; on the left edge of the tree the first is not kept, since nothing reads it. */
  readonly bounds: Int32Array = new Int32Array(CAPACITY);
}

/** An ordered map from integers in [0, 2³¹) to 32-bit integers. */
export class IntMap {
  /** Number of keys. */
  size = 0;
  /** The key that the last `floor`, `ceiling` or `next` found; meaningless when that returned false. */
  foundKey = -1;
  /** The value of `foundKey`. */
  foundValue = -1;

  private root: Leaf | Inner | null = null;
  private first: Leaf | null = null;
  private last: Leaf | null = null;
  /** The leaf of the last access: neighbouring keys tend to be asked for in succession. */
  private recent: Leaf | null = null;

  /** Gives `key` the value `value`, in place of any earlier one. */
  set(key: number, value: number): void {
    let leaf = this.leafOf(key) ?? this.plant();
    let position = rankIn(leaf, key);
    if (position > 0 && keyIn(leaf, position - 1) === key) {
      leaf.values[position - 1] = value;
      return;
    }
    if (leaf.size === CAPACITY) {
      // Ascending keys are the usual case: full leaves left behind make them cheap and dense.
      const appends = leaf.next === null && position === CAPACITY;
      const cut = appends ? CAPACITY : CAPACITY >> 1;
      const right = this.splitLeaf(leaf, cut, key);
      if (appends || position > cut) {
        leaf = right;
        position -= cut;
      }
    }
    insertEntry(leaf, position, key, value);
    this.recent = leaf;
    this.size += 1;
  }

  /** The value of `key`, or `missing` when there is none. */
  get(key: number, missing: number = -1): number {
    const leaf = this.leafOf(key);
    if (leaf === null) return missing;
    const position = rankIn(leaf, key) - 1;
    return position >= 0 && keyIn(leaf, position) === key ? leaf.values[position]! : missing;
  }

  /** Whether `key` has a value. */
  has(key: number): boolean {
    const leaf = this.leafOf(key);
    if (leaf === null) return false;
    const position = rankIn(leaf, key) - 1;
    return position >= 0 && keyIn(leaf, position) === key;
  }

  /** Forgets `key`; returns whether it was there. */
  delete(key: number): boolean {
    const leaf = this.leafOf(key);
    if (leaf === null) return false;
    const position = rankIn(leaf, key) - 1;
    if (position < 0 || keyIn(leaf, position) !== key) return false;
    removeEntry(leaf, position);
    this.size -= 1;
    if (leaf.size === 0) this.removeLeaf(leaf);
    else {
      if (position === 0) raiseBound(leaf, leaf.start);
      if (leaf.size < UNDERFULL) this.mergeLeaf(leaf);
    }
    return true;
  }

  /** Finds the greatest key ≤ `key`. */
  floor(key: number): boolean {
    const leaf = this.leafOf(key);
    if (leaf === null) return false;
    // Bounds are exact, so only the first leaf can lack a key this small.
    const position = rankIn(leaf, key) - 1;
    return position >= 0 && this.found(leaf, position);
  }

  /** Finds the smallest key ≥ `key`. */
  ceiling(key: number): boolean {
    const leaf = this.leafOf(key);
    if (leaf === null) return false;
    const position = rankIn(leaf, key);
    if (position > 0 && keyIn(leaf, position - 1) === key) return this.found(leaf, position - 1);
    if (position < leaf.size) return this.found(leaf, position);
    return leaf.next !== null && this.found(leaf.next, 0);
  }

  /** Finds the smallest key > `key`; -1 finds the first of all. */
  next(key: number): boolean {
    return this.ceiling(key + 1);
  }

  /** Calls back for every key, ascending. The map must not be changed meanwhile. */
  forEach(callback: (key: number, value: number) => void): void {
    for (let leaf = this.first; leaf !== null; leaf = leaf.next) {
      for (let i = 0; i < leaf.size; i++) callback(keyIn(leaf, i), leaf.values[i]!);
    }
  }

  /** Walks every invariant of the tree; throws an Error that says which one is broken. */
  check(): void {
    const root = this.root;
    if (root === null) {
      if (this.size !== 0 || this.first !== null || this.last !== null)
        throw new Error("an empty map keeps leaves");
      return;
    }
    if (root.parent !== null) throw new Error("the root has a parent");
    let level: (Leaf | Inner)[] = [root];
    while (level[0] instanceof Inner) {
      const below: (Leaf | Inner)[] = [];
      for (const node of level) {
        if (!(node instanceof Inner)) throw new Error("leaves stand at different depths");
        checkInner(node);
        below.push(...node.children);
      }
      level = below;
    }
    this.checkLeaves(level);
  }

  private checkLeaves(level: readonly (Leaf | Inner)[]): void {
    let size = 0;
    let before = -1;
    let previous: Leaf | null = null;
    for (const leaf of level) {
      if (!(leaf instanceof Leaf)) throw new Error("leaves stand at different depths");
      if (leaf.previous !== previous || (previous === null ? this.first : previous.next) !== leaf) {
        throw new Error("the list of leaves is not their order in the tree");
      }
      if (leaf.size === 0 || leaf.size > CAPACITY) throw new Error("a leaf is empty or too full");
      if (leaf.start !== keyIn(leaf, 0)) throw new Error("a leaf does not know its first key");
      for (let i = 0; i < leaf.size; i++) {
        if (keyIn(leaf, i) <= before) throw new Error("keys do not ascend");
        before = keyIn(leaf, i);
      }
      size += leaf.size;
      previous = leaf;
    }
    if (this.last !== previous || previous?.next != null)
      throw new Error("the last leaf is not the last");
    if (this.size !== size) throw new Error("size is not the number of keys");
  }

  private found(leaf: Leaf, position: number): true {
    this.foundKey = keyIn(leaf, position);
    this.foundValue = leaf.values[position]!;
    return true;
  }

  private plant(): Leaf {
    const leaf = new Leaf(FIRST_CAPACITY);
    this.root = this.first = this.last = leaf;
    return leaf;
  }

  /** The one leaf where `key` is or would be. */
  private leafOf(key: number): Leaf | null {
    const recent = this.recent;
    if (
      recent !== null &&
      key >= recent.start &&
      (recent.next === null || key < recent.next.start)
    ) {
      return recent;
    }
    const last = this.last;
    if (last !== null && key >= last.start) return (this.recent = last);
    let node = this.root;
    while (node instanceof Inner)
      node = node.children[Math.max(upperBound(node.bounds, node.size, key, 1) - 1, 0)]!;
    this.recent = node;
    return node;
  }

  /** Moves the entries from `cut` on into a new leaf behind; if there are none, one with `key` is about to follow. */
  private splitLeaf(leaf: Leaf, cut: number, key: number): Leaf {
    const right = new Leaf(cut < CAPACITY ? roomFor(CAPACITY - cut) : CAPACITY);
    right.start = key;
    if (cut < CAPACITY) {
      right.start = keyIn(leaf, cut);
      right.size = CAPACITY - cut;
      right.values.set(leaf.values.subarray(cut));
      const { keys } = leaf;
      if (keys !== null && !isUnbroken(keys, cut, CAPACITY)) {
        right.keys = new Int32Array(right.values.length);
        right.keys.set(keys.subarray(cut));
      }
      resize(leaf, cut, roomFor(cut));
    }
    if (leaf.keys !== null && isUnbroken(leaf.keys, 0, cut)) leaf.keys = null;
    right.previous = leaf;
    right.next = leaf.next;
    if (leaf.next === null) this.last = right;
    else leaf.next.previous = right;
    leaf.next = right;
    this.attach(leaf, right, right.start, right.size === 0);
    return right;
  }

  /** Makes `right` the next sibling of `left`, splitting parents as needed. */
  private attach(left: Leaf | Inner, right: Leaf | Inner, bound: number, appends: boolean): void {
    for (;;) {
      let parent: Inner | null = left.parent;
      if (parent === null) {
        parent = new Inner();
        insertChild(parent, 0, left, 0);
        this.root = parent;
      }
      const position = parent.children.indexOf(left) + 1;
      if (parent.size < CAPACITY) {
        insertChild(parent, position, right, bound);
        return;
      }
      const cut = appends ? CAPACITY : CAPACITY >> 1;
      const uncle = new Inner();
      for (let i = cut; i < CAPACITY; i++)
        insertChild(uncle, i - cut, parent.children[i]!, parent.bounds[i]!);
      parent.children.length = cut;
      parent.size = cut;
      if (appends || position > cut) insertChild(uncle, position - cut, right, bound);
      else insertChild(parent, position, right, bound);
      left = parent;
      right = uncle;
      bound = uncle.bounds[0]!;
    }
  }

  private mergeLeaf(leaf: Leaf): void {
    const parent = leaf.parent;
    if (parent === null) return;
    const position = parent.children.indexOf(leaf);
    const left = position > 0 ? (parent.children[position - 1] as Leaf) : null;
    const right = position + 1 < parent.size ? (parent.children[position + 1] as Leaf) : null;
    if (left !== null && left.size + leaf.size <= MERGED) this.absorb(left, leaf);
    else if (right !== null && leaf.size + right.size <= MERGED) this.absorb(leaf, right);
  }

  private absorb(left: Leaf, right: Leaf): void {
    const { size } = left;
    grow(left, size + right.size);
    if (left.keys !== null || right.keys !== null || left.start + size !== right.start) {
      const keys = writtenOut(left);
      for (let i = 0; i < right.size; i++) keys[size + i] = keyIn(right, i);
    }
    left.values.set(right.values.subarray(0, right.size), size);
    left.size = size + right.size;
    this.removeLeaf(right);
  }

  private removeLeaf(leaf: Leaf): void {
    if (leaf.previous === null) this.first = leaf.next;
    else leaf.previous.next = leaf.next;
    if (leaf.next === null) this.last = leaf.previous;
    else leaf.next.previous = leaf.previous;
    this.recent = null;
    this.removeNode(leaf);
  }

  private removeNode(node: Leaf | Inner): void {
    let parent = node.parent;
    while (parent !== null) {
      const position = parent.children.indexOf(node);
      removeChild(parent, position);
      if (parent.size > 0) {
        if (position === 0) raiseBound(parent, parent.bounds[0]!);
        if (parent.size < UNDERFULL) this.mergeInner(parent);
        return;
      }
      node = parent;
      parent = parent.parent;
    }
    this.root = null;
  }

  private mergeInner(node: Inner): void {
    const parent = node.parent;
    if (parent === null) {
      if (node.size > 1) return;
      const root = node.children[0]!;
      root.parent = null;
      this.root = root;
      if (root instanceof Inner) this.mergeInner(root);
      return;
    }
    const position = parent.children.indexOf(node);
    const left = position > 0 ? (parent.children[position - 1] as Inner) : null;
    const right = position + 1 < parent.size ? (parent.children[position + 1] as Inner) : null;
    if (left !== null && left.size + node.size <= MERGED) this.absorbInner(left, node);
    else if (right !== null && node.size + right.size <= MERGED) this.absorbInner(node, right);
  }

  private absorbInner(left: Inner, right: Inner): void {
    for (let i = 0; i < right.size; i++) {
      insertChild(left, left.size, right.children[i]!, right.bounds[i]!);
    }
    this.removeNode(right);
  }
}

/** A set of integers in [0, 2³¹), kept as disjoint half-open intervals that do not touch. */
export class IntervalSet {
  /** Start and end of the gap that the last `nextGap` found. */
  gapStart = -1;
  gapEnd = -1;

  private readonly ends = new IntMap();

  /** Number of intervals. */
  get size(): number {
    return this.ends.size;
  }

  /** Adds [start, end): O(log n) amortised, since the intervals that it swallows are gone. */
  add(start: number, end: number): void {
    if (start >= end) return;
    const ends = this.ends;
    if (ends.floor(start) && ends.foundValue >= start) {
      if (ends.foundValue >= end) return;
      start = ends.foundKey;
    }
    while (ends.next(start) && ends.foundKey <= end) {
      if (ends.foundValue > end) end = ends.foundValue;
      ends.delete(ends.foundKey);
    }
    ends.set(start, end);
  }

  /** Takes [start, end) out: O(log n) amortised. */
  delete(start: number, end: number): void {
    if (start >= end) return;
    const ends = this.ends;
    if (ends.floor(start) && ends.foundValue > start) {
      const enclosing = ends.foundValue;
      if (ends.foundKey < start) ends.set(ends.foundKey, start);
      else ends.delete(start);
      if (enclosing > end) {
        ends.set(end, enclosing);
        return;
      }
    }
    while (ends.ceiling(start) && ends.foundKey < end) {
      const rest = ends.foundValue;
      ends.delete(ends.foundKey);
      if (rest > end) ends.set(end, rest);
    }
  }

  /** Whether `value` is in the set. */
  contains(value: number): boolean {
    return this.ends.floor(value) && value < this.ends.foundValue;
  }

  /** The end of the last interval, 0 when there is none: nothing from here on is in the set. */
  get limit(): number {
    return this.ends.floor(0x7fff_ffff) ? this.ends.foundValue : 0;
  }

  /**
   * Finds the first gap in [start, end), clipped to that, and leaves it in `gapStart` and `gapEnd`. To visit all gaps,
   * go on from `gapEnd`: `for (let at = a; set.nextGap(at, b); at = set.gapEnd)`.
   */
  nextGap(start: number, end: number): boolean {
    const ends = this.ends;
    if (ends.floor(start) && ends.foundValue > start) start = ends.foundValue;
    if (start >= end) return false;
    this.gapStart = start;
    this.gapEnd = ends.ceiling(start) && ends.foundKey < end ? ends.foundKey : end;
    return true;
  }

  /** Calls back for every interval, ascending. The set must not be changed meanwhile. */
  forEach(callback: (start: number, end: number) => void): void {
    this.ends.forEach(callback);
  }

  /** Walks every invariant; throws an Error that says which one is broken. */
  check(): void {
    this.ends.check();
    let before = -1;
    this.ends.forEach((start, end) => {
      if (start >= end) throw new Error("an interval is empty");
      if (start <= before) throw new Error("two intervals touch or overlap");
      before = end;
    });
  }
}

/** The first position in [from, size) whose key is greater than `key`, or `size`. */
function upperBound(keys: Int32Array, size: number, key: number, from: number = 0): number {
  let low = from;
  let high = size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The key at a position of a leaf. */
function keyIn(leaf: Leaf, position: number): number {
  return leaf.keys === null ? leaf.start + position : leaf.keys[position]!;
}

/** How many keys of a leaf are at most `key`. */
function rankIn(leaf: Leaf, key: number): number {
  if (leaf.keys !== null) return upperBound(leaf.keys, leaf.size, key);
  return Math.min(Math.max(key - leaf.start + 1, 0), leaf.size);
}

/** Whether keys from position `from` up to `to`, of which there are some, follow one another without a gap. */
function isUnbroken(keys: Int32Array, from: number, to: number): boolean {
  return keys[to - 1]! - keys[from]! === to - 1 - from;
}

/** The array of a leaf's keys, which is made if there was no need for one. */
function writtenOut(leaf: Leaf): Int32Array {
  if (leaf.keys !== null) return leaf.keys;
  const keys = new Int32Array(leaf.values.length);
  for (let i = 0; i < leaf.size; i++) keys[i] = leaf.start + i;
  return (leaf.keys = keys);
}

function insertEntry(leaf: Leaf, position: number, key: number, value: number): void {
  const size = leaf.size;
  grow(leaf, size + 1);
  if (leaf.keys !== null || (size > 0 && key !== leaf.start + size)) {
    const keys = writtenOut(leaf);
    if (position < size) keys.copyWithin(position + 1, position, size);
    keys[position] = key;
  }
  if (position === 0) leaf.start = key;
  if (position < size) leaf.values.copyWithin(position + 1, position, size);
  leaf.values[position] = value;
  leaf.size = size + 1;
}

function removeEntry(leaf: Leaf, position: number): void {
  const size = leaf.size - 1;
  if (leaf.keys !== null || (position > 0 && position < size)) {
    writtenOut(leaf).copyWithin(position, position + 1, size + 1);
  }
  leaf.values.copyWithin(position, position + 1, size + 1);
  leaf.size = size;
  if (position === 0) leaf.start = leaf.keys === null ? leaf.start + 1 : leaf.keys[0]!;
}

function grow(leaf: Leaf, size: number): void {
  if (size > leaf.values.length) resize(leaf, leaf.size, roomFor(size));
}

/** A quarter more than is needed, not twice as much: where keys come at random, most of what is there is used. */
function roomFor(size: number): number {
  return Math.min(size + (size >> 2) + 2, CAPACITY);
}

/** Gives a leaf, of which so many entries are kept, arrays of another length. */
function resize(leaf: Leaf, size: number, capacity: number): void {
  leaf.size = size;
  leaf.values = resized(leaf.values, size, capacity);
  if (leaf.keys !== null) leaf.keys = resized(leaf.keys, size, capacity);
}

function resized(numbers: Int32Array, size: number, capacity: number): Int32Array {
  const copy = new Int32Array(capacity);
  copy.set(numbers.subarray(0, size));
  return copy;
}

function insertChild(parent: Inner, position: number, child: Leaf | Inner, bound: number): void {
  parent.bounds.copyWithin(position + 1, position, parent.size);
  parent.bounds[position] = bound;
  parent.children.splice(position, 0, child);
  parent.size += 1;
  child.parent = parent;
}

function removeChild(parent: Inner, position: number): void {
  parent.bounds.copyWithin(position, position + 1, parent.size);
  parent.children.splice(position, 1);
  parent.size -= 1;
}

/** The smallest key below `node` has become `bound`: tells the one ancestor that notes it. */
function raiseBound(node: Leaf | Inner, bound: number): void {
  for (let parent = node.parent; parent !== null; parent = node.parent) {
    const position = parent.children.indexOf(node);
    parent.bounds[position] = bound;
    if (position > 0) return;
    node = parent;
  }
}

function checkInner(node: Inner): void {
  if (node.size !== node.children.length) throw new Error("an inner node miscounts its children");
  if (node.size === 0 || node.size > CAPACITY)
    throw new Error("an inner node is empty or too full");
  if (node.parent === null && node.size === 1) throw new Error("the root has a single child");
  node.children.forEach((child, position) => {
    if (child.parent !== node) throw new Error("a child has another parent");
    if (position === 0) return;
    let least: Leaf | Inner = child;
    while (least instanceof Inner) least = least.children[0]!;
    if (node.bounds[position] !== least.start)
      throw new Error("a bound is not the smallest key below its child");
  });
}
