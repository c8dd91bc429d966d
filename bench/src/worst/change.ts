/**
 * Changes made by hand, for liars: any links, any ops. They go in under few signatures, and in this suite signatures
 * cost nothing (see free-signatures.ts), so that what is measured is everything else.
 */
import {
  changeId,
  compareBytes,
  documentId,
  encodeGroup,
  encodeValue,
  generateKeyPair,
  MAX_GROUP_BYTES,
  MAX_GROUP_CHANGES,
} from "bft-json-crdt";
import type { KeyPair, Value } from "bft-json-crdt";
import { SIGNATURE } from "../free-signatures.ts";

/** The document of all cases. */
export const ID = documentId("worst");

/** One change by hand. */
export interface Made {
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly author: KeyPair;
  readonly chain: bigint;
  readonly seq: number;
  readonly lamport: number;
  readonly prev: Made | null;
}

/** What a change is made of; ops as they stand on the wire. */
export interface Recipe {
  readonly author?: KeyPair;
  readonly chain?: bigint;
  readonly prev?: Made | null;
  readonly parents?: readonly Made[];
  readonly refs?: readonly Made[];
  /** Any number: makes changes differ that are alike otherwise. */
  readonly time?: number | null;
  readonly ops?: readonly Value[];
}

/** The key pair of a number. */
export function person(number: number): KeyPair {
  const seed = new Uint8Array(32).fill(0x77);
  new DataView(seed.buffer).setUint32(0, number);
  return generateKeyPair(seed);
}

/** Somebody whose key has not been seen before: checking a key takes about a millisecond, once. */
export function stranger(): KeyPair {
  return person(1_000 + strangers++);
}

let strangers = 0;

export const MALLORY: KeyPair = person(1);
export const TRUDY: KeyPair = person(2);
export const ALICE: KeyPair = person(3);

/** Makes a change that tells the truth about what it builds on. */
export function make(recipe: Recipe): Made {
  const { author = MALLORY, chain = 0n, prev = null, parents = [], refs = [] } = recipe;
  let lamport = prev?.lamport ?? 0;
  for (const list of [parents, refs]) {
    for (const dependency of list) lamport = Math.max(lamport, dependency.lamport);
  }
  lamport++;
  const seq = (prev?.seq ?? 0) + 1;
  const body = encodeValue([
    1,
    ID,
    author.publicKey,
    chain,
    seq,
    prev?.id ?? null,
    sortedIds(parents),
    lamport,
    recipe.time ?? null,
    sortedIds(refs),
    recipe.ops ?? [],
  ]);
  return { id: changeId(body), body, author, chain, seq, lamport, prev };
}

/** Ops on the wire. A ref is 0 for the change itself, 1 for `prev` (2 without one), then parents, then refs. */
export const ops = {
  insert: (place: Value, ...values: Value[]): Value => [1, values.length, [place], values],
  left: (element: readonly number[], ...values: Value[]): Value => [
    1,
    values.length,
    [0, ...element],
    values,
  ],
  right: (element: readonly number[], ...values: Value[]): Value => [
    1,
    values.length,
    [1, ...element],
    values,
  ],
  remove: (...ranges: number[]): Value => [3, 0, ranges, null],
  removeAll: (ranges: readonly number[]): Value => [3, 0, ranges, null],
  assign: (place: Value, value: Value, ...replaced: number[]): Value => [
    4,
    1,
    [place, ...replaced],
    value,
  ],
  increment: (place: Value, amount: number): Value => [5, 0, [place], amount],
  add: (place: Value, value: Value): Value => [6, 1, [place], value],
};

/** A chain of `length` changes on top of `prev`; `opsOf` gives the ops of each. */
export function chainOf(
  length: number,
  opsOf: (at: number) => readonly Value[],
  recipe: Recipe = {},
): Made[] {
  const changes: Made[] = [];
  let prev = recipe.prev ?? null;
  for (let at = 0; at < length; at++) {
    prev = make({ ...recipe, prev, ops: opsOf(at) });
    changes.push(prev);
  }
  return changes;
}

/** Closed groups of these changes, as full as may be, with a signature on the last of each chain. */
export function groupsOf(changes: readonly Made[]): Uint8Array[] {
  const groups: Uint8Array[] = [];
  let group: Made[] = [];
  let bytes = 8;
  for (const change of changes) {
    const cost = change.body.length + 80;
    if (group.length === MAX_GROUP_CHANGES || bytes + cost > MAX_GROUP_BYTES) {
      groups.push(covered(group));
      group = [];
      bytes = 8;
    }
    group.push(change);
    bytes += cost;
  }
  if (group.length > 0) groups.push(covered(group));
  return groups;
}

/** One closed group of these changes. */
export function covered(changes: readonly Made[]): Uint8Array {
  const builtOn = new Set<Made | null>(changes.map(({ prev }) => prev));
  return encodeGroup(
    changes.map((change) => ({
      body: change.body,
      signature: builtOn.has(change) ? null : SIGNATURE,
    })),
  );
}

/** A change alone, signed: as it travels live. */
export function live({ body }: Made): Uint8Array {
  return encodeGroup([{ body, signature: SIGNATURE }]);
}

/** Numbers from 0 below `below`, the same every time. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The same things in another order, the same every time. */
export function shuffled<T>(items: readonly T[]): T[] {
  const draw = random(items.length);
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

function sortedIds(changes: readonly Made[]): Uint8Array[] {
  return changes.map(({ id }) => id).toSorted(compareBytes);
}
