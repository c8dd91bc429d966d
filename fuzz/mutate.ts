/**
 * Mutations of trees: what a liar or a broken disk might do to honest data, at the level of its structure and below it,
 * in its texts, numbers and bytes.
 */
import type { Choices } from "../packages/bft-json-crdt/test/random-edits.ts";
import { depthOf, isArray, isObject, objectOf, sizeOf } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** What a mutator may take from elsewhere. */
export interface Sources {
  /** Another input of the same target. */
  readonly donor: () => Tree;
  /** Texts that mean something to the target. */
  readonly words: readonly string[];
}

/** Greatest size and depth of an input: more only takes time. */
const MAX_SIZE = 40_000;
const MAX_DEPTH = 100;

/** Numbers at which something begins or ends. */
const NUMBERS: readonly (number | bigint)[] = [
  0,
  1,
  2,
  -1,
  16,
  17,
  23,
  24,
  63,
  64,
  65,
  72,
  255,
  256,
  1_023,
  1_024,
  1_025,
  65_535,
  65_536,
  1_048_576,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  2 ** 53,
  1.5,
  0.1,
  5e-324,
  1e300,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 63n),
  2n ** 64n - 1n,
  2n ** 64n,
  -(2n ** 64n),
  -(2n ** 64n) - 1n,
  2n ** 8192n,
];

const TEXTS: readonly string[] = [
  "",
  "a",
  "__proto__",
  "constructor",
  "toString",
  "\0",
  "\n",
  "\r\n",
  "\u2028",
  "\uFEFF",
  "\u{10FFFF}",
  "\uD800",
  "\uDC00",
  "🙂",
  "e\u0301",
  '"',
  "\\",
  " ",
  "x".repeat(1_025),
];

const VALUES: readonly Tree[] = [null, true, false, [], {}, new Uint8Array(), new Uint8Array(32)];

/** A mutant of a tree, at most four steps away from it; the tree itself when every try grew too large. */
export function mutate(tree: Tree, choices: Choices, sources: Sources): Tree {
  for (let tries = 0; tries < 4; tries++) {
    let mutant = tree;
    do {
      mutant = mutateOnce(mutant, choices, sources);
    } while (choices.oneIn(3));
    if (sizeOf(mutant) <= MAX_SIZE && depthOf(mutant) <= MAX_DEPTH) return mutant;
  }
  return tree;
}

/** Changes one node, chosen evenly among all nodes (a long text is one, too, so it is not left out). */
function mutateOnce(tree: Tree, choices: Choices, sources: Sources): Tree {
  let at = choices.below(countNodes(tree));
  const visit = (node: Tree): Tree => {
    if (at-- === 0) return changed(node, tree, choices, sources);
    if (isArray(node)) {
      for (const [i, item] of node.entries()) {
        if (at < 0) break;
        const replaced = visit(item);
        if (at < 0) return node.toSpliced(i, 1, replaced);
      }
    } else if (isObject(node)) {
      const entries = Object.entries(node);
      for (const [i, [key, value]] of entries.entries()) {
        if (at < 0) break;
        const replaced = visit(value);
        if (at < 0) return objectOf(entries.toSpliced(i, 1, [key, replaced]));
      }
    }
    return node;
  };
  return visit(tree);
}

function countNodes(tree: Tree): number {
  let count = 1;
  if (isArray(tree)) for (const item of tree) count += countNodes(item);
  else if (isObject(tree)) for (const value of Object.values(tree)) count += countNodes(value);
  return count;
}

/** Another node in the place of one: rarely of another kind, mostly a variation of it. */
function changed(node: Tree, whole: Tree, choices: Choices, sources: Sources): Tree {
  if (choices.oneIn(6)) return choices.pick(nodesOf(choices.oneIn(2) ? whole : sources.donor()));
  if (choices.oneIn(12))
    return choices.pick<Tree>(choices.pick([VALUES, NUMBERS, TEXTS, [...sources.words, ""]]));
  if (typeof node === "number" || typeof node === "bigint") return changedNumber(node, choices);
  if (typeof node === "boolean") return !node;
  if (typeof node === "string") return changedText(node, choices, sources);
  if (node instanceof Uint8Array) return changedBytes(node, choices, sources);
  if (isArray(node)) return changedArray(node, whole, choices, sources);
  if (isObject(node)) return changedObject(node, choices, sources);
  return choices.pick<Tree>([...VALUES, ...NUMBERS]);
}

function nodesOf(tree: Tree): Tree[] {
  const nodes: Tree[] = [];
  const visit = (node: Tree): void => {
    nodes.push(node);
    if (isArray(node)) node.forEach(visit);
    else if (isObject(node)) Object.values(node).forEach(visit);
  };
  visit(tree);
  return nodes;
}

function changedNumber(number: number | bigint, choices: Choices): number | bigint {
  switch (choices.below(6)) {
    case 0:
      return typeof number === "bigint" ? number + 1n : number + 1;
    case 1:
      return typeof number === "bigint" ? number - 1n : number - 1;
    case 2:
      return -number;
    case 3:
      return typeof number === "bigint" ? number ^ (1n << BigInt(choices.below(70))) : number * 2;
    case 4:
      return choices.below(8);
    default:
      return choices.pick(NUMBERS);
  }
}

function changedText(text: string, choices: Choices, sources: Sources): string {
  const from = choices.below(text.length + 1);
  const until = Math.min(text.length, from + choices.below(choices.oneIn(3) ? text.length + 1 : 4));
  switch (choices.below(7)) {
    case 0:
      return text.slice(0, from) + text.slice(until);
    case 1:
      return text.slice(0, until) + text.slice(from);
    case 2:
      return text.slice(0, from) + choices.pick(TEXTS) + text.slice(from);
    case 3: {
      const other = choices.pick(
        nodesOf(sources.donor()).filter((node) => typeof node === "string"),
      );
      if (typeof other !== "string") return text;
      const start = choices.below(other.length + 1);
      return text.slice(0, from) + other.slice(start) + text.slice(until);
    }
    case 4:
      return (
        text.slice(0, from) +
        String.fromCharCode((text.charCodeAt(from) || 0) ^ (1 << choices.below(8))) +
        text.slice(from + 1)
      );
    case 5: {
      const number = /\d+/u.exec(text.slice(from));
      if (number === null) return text + choices.pick(TEXTS);
      const start = from + number.index;
      const other = String(choices.pick(NUMBERS));
      return text.slice(0, start) + other + text.slice(start + number[0].length);
    }
    default: {
      const word = sources.words.length === 0 ? choices.pick(TEXTS) : choices.pick(sources.words);
      return text.slice(0, from) + word + text.slice(choices.oneIn(2) ? from : until);
    }
  }
}

function changedBytes(bytes: Uint8Array, choices: Choices, sources: Sources): Uint8Array {
  const from = choices.below(bytes.length + 1);
  const until = Math.min(bytes.length, from + 1 + choices.below(choices.oneIn(3) ? 64 : 4));
  const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
  switch (choices.below(6)) {
    case 0:
    case 1: {
      const copy = bytes.slice();
      if (from < copy.length) copy[from]! ^= 1 << choices.below(8);
      return copy;
    }
    case 2:
      return join(bytes.subarray(0, from), bytes.subarray(until));
    case 3:
      return join(bytes.subarray(0, until), bytes.subarray(from));
    case 4: {
      const random = Uint8Array.from({ length: 1 + choices.below(4) }, () =>
        choices.pick([
          0,
          1,
          0x18,
          0x40,
          0x58,
          0x5f,
          0x7f,
          0x80,
          0x9f,
          0xbf,
          0xf6,
          0xff,
          choices.below(256),
        ]),
      );
      return join(bytes.subarray(0, from), random, bytes.subarray(from));
    }
    default: {
      const others = nodesOf(sources.donor()).filter((node) => node instanceof Uint8Array);
      if (others.length === 0) return bytes;
      const other = choices.pick(others);
      return join(bytes.subarray(0, from), other.subarray(choices.below(other.length + 1)));
    }
  }
}

function changedArray(
  items: readonly Tree[],
  whole: Tree,
  choices: Choices,
  sources: Sources,
): readonly Tree[] {
  const at = choices.below(items.length + 1);
  const other = choices.below(items.length + 1);
  switch (choices.below(8)) {
    case 0:
    case 1:
      return items.toSpliced(at, 1 + choices.below(choices.oneIn(4) ? items.length + 1 : 1));
    case 2:
      return at < items.length ? items.toSpliced(other, 0, items[at]!) : items;
    case 3: {
      if (at >= items.length || other >= items.length) return items;
      return items.with(at, items[other]!).with(other, items[at]!);
    }
    case 4:
      return at < items.length ? items.toSpliced(at, 1).toSpliced(other, 0, items[at]!) : items;
    case 5:
      return items.toSpliced(
        at,
        0,
        choices.pick(nodesOf(choices.oneIn(2) ? whole : sources.donor())),
      );
    case 6: {
      const arrays = nodesOf(sources.donor()).filter(isArray);
      const donor = arrays.length === 0 ? [] : choices.pick(arrays);
      return [...items.slice(0, at), ...donor.slice(choices.below(donor.length + 1))];
    }
    default:
      return choices.oneIn(4)
        ? items.toReversed()
        : items.toSpliced(at, 0, choices.pick<Tree>([...VALUES, ...NUMBERS]));
  }
}

function changedObject(
  object: { readonly [key: string]: Tree },
  choices: Choices,
  sources: Sources,
): Tree {
  const entries = Object.entries(object);
  const at = choices.below(entries.length);
  const entry = entries[at];
  switch (choices.below(4)) {
    case 0:
      return objectOf(entries.toSpliced(at, 1));
    case 1: {
      const words = [...sources.words, ...TEXTS];
      return objectOf([...entries, [choices.pick(words), choices.pick(nodesOf(sources.donor()))]]);
    }
    case 2:
      return entry === undefined
        ? object
        : objectOf(entries.with(at, [changedText(entry[0], choices, sources), entry[1]]));
    default:
      return entry === undefined
        ? object
        : objectOf(entries.with(at, [entry[0], choices.pick(entries)[1]]));
  }
}
