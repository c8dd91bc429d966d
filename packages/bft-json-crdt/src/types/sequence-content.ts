/**
 * What sequences hold, and how their leaves keep it: a text keeps a string beside each living run; a list keeps the values of all
 * living runs of a leaf one after the other, so that what is at an index is found without looking at any run, and a run is cut
 * without touching them. A sequence itself knows nothing of its content but the length.
 */
import { elementsBefore, type Leaf, visibleUnits } from "./sequence-nodes.ts";

/**
 * How the content of living runs is kept in their leaves. Places in content are in units, which in a list are its elements. What
 * is not alive has no content.
 */
export interface ContentRules<C> {
  /** Elements in one stored living run: no edit copies or flattens more content of a run than of so many. */
  readonly maxRun: number;
  /** Whether what a leaf has is all in one `holder`: of its first visible element at 0, of the next at 1, and so on. */
  readonly isFlat: boolean;
  /** Whether a leaf with several entries is to be split before so many living elements come into it. */
  isFull(leaf: Leaf, elements: number): boolean;
  /** So many entries without content are about to be put before the one at `index`. */
  open(leaf: Leaf, index: number, count: number): void;
  /** The entry at `index`, which has no content, is about to be taken out. */
  close(leaf: Leaf, index: number): void;
  /** The entries from `cut` on are about to go to another leaf, which is empty. */
  move(from: Leaf, cut: number, to: Leaf): void;
  /** A leaf has just got other room. */
  resize(leaf: Leaf): void;
  /** A living run that has nothing yet gets the units from `from` up to `to` of some content. */
  put(leaf: Leaf, index: number, content: C, from: number, to: number): void;
  /** A living run is about to get more behind what it has; false if it is better kept apart. Must be cheap. */
  append(leaf: Leaf, index: number, content: C): boolean;
  /** Of a run, what is before `from` stays, and what is from `to` on goes to the next living run in its leaf, at `further`. */
  split(leaf: Leaf, index: number, from: number, to: number, further: number): void;
  /** A run loses the units from `from` up to `to`, which are all, or the first, or the last. */
  drop(leaf: Leaf, index: number, from: number, to: number): void;
  /** In what the content of a living run is. */
  holder(leaf: Leaf, index: number): C;
  /** Throws an Error if what is kept is not what its entries say. */
  check(leaf: Leaf): void;
}

/** Characters in one stored living run of a text. */
const MAX_TEXT_RUN = 1_024;

/**
 * Items in a leaf of a list, beyond which it is split, if it can be: they are moved when one comes before them. And in one run:
 * half of that, so that there is room for many beside any run, and nobody can have a leaf made for each item.
 */
const MAX_LEAF_ITEMS = 256;
const MAX_LIST_RUN = MAX_LEAF_ITEMS / 2;

/** Content rules of text: a string, whose units are UTF-16. */
export const TEXT_CONTENT: ContentRules<string> = {
  maxRun: MAX_TEXT_RUN,
  isFlat: false,
  isFull: () => false,
  open({ contents, size }, index, count) {
    for (let i = size - 1; i >= index; i--) contents[i + count] = contents[i];
    for (let i = 0; i < count; i++) contents[index + i] = null;
  },
  close({ contents, size }, index) {
    for (let i = index + 1; i < size; i++) contents[i - 1] = contents[i];
    contents[size - 1] = null;
  },
  move({ contents, size }, cut, to) {
    for (let i = cut; i < size; i++) {
      to.contents[i - cut] = contents[i];
      contents[i] = null;
    }
  },
  resize(leaf) {
    const { contents, size } = leaf;
    leaf.contents = Array<unknown>(leaf.capacity);
    for (let i = 0; i < size; i++) leaf.contents[i] = contents[i];
  },
  put({ contents }, index, content, from, to) {
    contents[index] = content.slice(from, to);
  },
  append({ contents }, index, content) {
    contents[index] = (contents[index] as string) + content;
    return true;
  },
  split({ contents }, index, from, to, further) {
    const content = contents[index] as string;
    contents[index] = content.slice(0, from);
    contents[further] = content.slice(to);
  },
  drop({ contents }, index, from, to) {
    const content = contents[index] as string;
    if (from > 0) contents[index] = content.slice(0, from);
    else contents[index] = to < content.length ? content.slice(to) : null;
  },
  holder: ({ contents }, index) => contents[index] as string,
  check(leaf) {
    const { contents, size, capacity } = leaf;
    if (contents.length !== capacity) throw new Error("a leaf has other room than it says");
    for (let i = 0; i < size; i++) {
      const units = visibleUnits(leaf.columns[i]!);
      if (units === 0 ? contents[i] !== null : (contents[i] as string).length !== units)
        throw new Error("an entry has other content than it says");
    }
    for (let i = size; i < capacity; i++)
      if (contents[i] != null) throw new Error("a leaf keeps content of no entry");
  },
};

/** Content rules of a list: an array of values. */
export const LIST_CONTENT = {
  maxRun: MAX_LIST_RUN,
  isFlat: true,
  isFull: ({ items }: Leaf, elements: number) => items + elements > MAX_LEAF_ITEMS,
  open() {},
  close() {},
  resize() {},
  move(from, cut, to) {
    const { contents, items } = from;
    const start = elementsBefore(from, cut);
    to.contents = copyOf(contents, start, items);
    to.items = items - start;
    from.contents = copyOf(contents, 0, start);
    from.items = start;
  },
  put(leaf, index, content, from, to) {
    insertItems(leaf, elementsBefore(leaf, index), content, from, to);
  },
  append(leaf, index, content) {
    if (leaf.items + content.length > MAX_LEAF_ITEMS) return false;
    const end = elementsBefore(leaf, index) + leaf.countAt(index);
    insertItems(leaf, end, content, 0, content.length);
    return true;
  },
  split(leaf, index, from, to) {
    const start = elementsBefore(leaf, index);
    removeItems(leaf, start + from, start + to);
  },
  drop(leaf, index, from, to) {
    const start = elementsBefore(leaf, index);
    removeItems(leaf, start + from, start + to);
  },
  holder<T>({ contents }: Leaf): T[] {
    return contents as T[];
  },
  check(leaf) {
    const { contents, items } = leaf;
    if (items !== elementsBefore(leaf, leaf.size) || items > contents.length)
      throw new Error("a leaf has other items than it says");
    for (let i = items; i < contents.length; i++)
      if ((contents[i] ?? 0) !== 0) throw new Error("a leaf keeps an item of no entry");
  },
} satisfies ContentRules<readonly unknown[]>;

/** Puts items of some content before item `at` of a leaf. */
function insertItems(
  leaf: Leaf,
  at: number,
  content: readonly unknown[],
  from: number,
  to: number,
): void {
  const { items } = leaf;
  const count = to - from;
  if (items === 0) leaf.contents = content.slice(from, to);
  else {
    if (items + count > leaf.contents.length)
      leaf.contents = copyOf(leaf.contents, 0, items, items + count);
    const { contents } = leaf;
    for (let i = items - 1; i >= at; i--) contents[i + count] = contents[i];
    for (let i = 0; i < count; i++) contents[at + i] = content[from + i];
  }
  leaf.items = items + count;
}

/** Takes items out of a leaf, and gives back room when there is twice as much as is needed. */
function removeItems(leaf: Leaf, from: number, to: number): void {
  if (from === to) return;
  const { contents, items } = leaf;
  const count = to - from;
  for (let i = to; i < items; i++) contents[i - count] = contents[i];
  const rest = items - count;
  // An integer, so that an array of numbers remains one.
  for (let i = rest; i < items; i++) contents[i] = 0;
  leaf.items = rest;
  if (contents.length > 2 * rest + 16) leaf.contents = copyOf(contents, 0, rest);
}

/** Items from `from` up to `to` in an array of their own, with room for `needed` and an eighth more, as far as there may be. */
function copyOf(
  contents: readonly unknown[],
  from: number,
  to: number,
  needed: number = to - from,
): unknown[] {
  const room = Math.max(needed, Math.min(needed + (needed >> 3) + 2, MAX_LEAF_ITEMS));
  const copy = Array<unknown>(room);
  for (let i = from; i < to; i++) copy[i - from] = contents[i];
  return copy;
}
