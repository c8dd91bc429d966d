/**
 * Random histories of hand-written changes: valid headers, hostile ops. They name anything made before in whatever way
 * the format has, from the right containers and from wrong ones, fork their chains, and make much that is inert.
 */
import fc from "fast-check";
import {
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  LEFT,
  RIGHT,
} from "../src/change/index.ts";
import type { ElementTarget, InsertOp, Place } from "../src/change/index.ts";
import {
  bigint,
  boolean,
  bytes,
  counter,
  documentId,
  generateKeyPair,
  integer,
  json,
  list,
  map,
  number,
  optional,
  set,
  string,
  struct,
  text,
} from "../src/index.ts";
import type { Value } from "../src/index.ts";
import { writeChange } from "./fixtures/wire-v1/writer.ts";
import type { OpToWrite, Written } from "./fixtures/wire-v1/writer.ts";

/** Every kind of container, inside each that can hold it. */
export const everything = struct({
  title: text(),
  words: list(string()),
  items: list(
    struct({
      name: string({ default: "?" }),
      maybe: optional(boolean()),
      note: text(),
      count: counter(),
      tags: set(bigint()),
      inner: struct({ real: number(), by: map(integer()), more: list(json()) }),
    }),
  ),
  notes: map(text()),
  people: map(struct({ name: string(), age: bigint(), friends: list(string()) })),
  scores: map(bigint()),
  visits: counter(),
  tags: set(json()),
  anything: json(),
  maybe: optional(bytes()),
  grid: list(list(integer())),
});

/** The document of random histories. */
export const RANDOM_DOCUMENT = documentId("random");

/** Where an op can go, from the root or from an element that owns a container; `contents` fit there. */
interface Spot {
  readonly kind: "text" | "list" | "counter" | "set" | "register";
  readonly path: readonly string[];
  readonly contents: readonly Value[];
  /** What an element made here owns, if anything. */
  readonly owns?: readonly Spot[];
}

const at = (kind: Spot["kind"], path: string, contents: Value[], owns?: readonly Spot[]): Spot => {
  return { kind, path: path === "" ? [] : path.split(" "), contents, ...(owns && { owns }) };
};
const HUGE = 2n ** 70n;
const ITEM = [
  at("register", "name", ["n", "m"]),
  at("register", "maybe", [true, false]),
  at("text", "note", []),
  at("counter", "count", []),
  at("set", "tags", [1, HUGE]),
  at("register", "inner real", [1.5, 2]),
  at("register", "inner by k", [1, 2]),
  at("list", "inner more", [null, [1]]),
];
const PERSON = [
  at("register", "name", ["p", "q"]),
  at("register", "age", [3, -HUGE]),
  at("list", "friends", ["f", "g"], [at("register", "", ["h"])]),
];
const ITEMS = [{}, { name: "i" }, { inner: { real: 0.5 } }, { maybe: true, inner: {} }];
const ROOT = [
  at("text", "title", []),
  at("list", "words", ["v", "w"], [at("register", "", ["x", "y"])]),
  at("list", "items", ITEMS, ITEM),
  at("register", "notes k", [null], [at("text", "", [])]),
  at("register", "people k", [{}, { name: "r", age: 7 }], PERSON),
  at("register", "scores k", [1, HUGE]),
  at("register", "scores __proto__", [2, 3]),
  at("counter", "visits", []),
  at("set", "tags", ["t", 1.5, [null]]),
  at("register", "anything", [1, "a", { b: [2] }]),
  at("register", "maybe", [new Uint8Array([1, 255])]),
  at("list", "grid", [null], [at("list", "", [4, 5], [at("register", "", [6])])]),
];
/** Contents that fit hardly anywhere. */
const MISFITS: Value[] = [null, -1, "🌍", { name: 1 }, { note: null }, { nowhere: 1 }, [[]], HUGE];

const nat = fc.nat(999);
const pick = fc.record({ element: nat, via: nat, count: fc.integer({ min: 1, max: 3 }), any: fc.nat(9) });
const opStep = fc.record({
  spot: nat,
  owner: nat,
  mode: fc.nat(5),
  value: nat,
  count: fc.integer({ min: 1, max: 3 }),
  picks: fc.array(pick, { maxLength: 3 }),
  junk: fc.nat(40),
});
const changeStep = fc.record({
  author: fc.nat(2),
  /** 0 forks the chain: the change builds on any earlier one of it, or begins it anew. */
  fork: fc.nat(7),
  base: nat,
  parents: fc.array(nat, { maxLength: 2 }),
  ops: fc.array(opStep, { minLength: 1, maxLength: 4 }),
  junk: fc.nat(40),
});

/** Steps for {@link writeHistory}. */
export const historySteps = fc.record({
  /** Few places below the root, so that much happens concurrently at each. */
  focus: nat,
  width: fc.constantFrom(1, 2, ROOT.length),
  steps: fc.array(changeStep, { minLength: 1, maxLength: 14, size: "max" }),
});
type HistorySteps = typeof historySteps extends fc.Arbitrary<infer T> ? T : never;
type ChangeStep = typeof changeStep extends fc.Arbitrary<infer T> ? T : never;
type OpStep = typeof opStep extends fc.Arbitrary<infer T> ? T : never;

/** Changes in causal order, and for each the positions of those it depends on. */
export interface RandomHistory {
  readonly changes: readonly Written[];
  readonly dependencies: readonly (readonly number[])[];
}

/** Writes a history. */
export function writeHistory({ focus, width, steps }: HistorySteps): RandomHistory {
  const roots = Array.from({ length: width }, (_, i) => ROOT[(focus + i) % ROOT.length]!);
  const writer = new HistoryWriter(roots);
  for (const step of steps) writer.write(step);
  return writer;
}

/** Positions in a random order in which dependencies come first. */
export function randomOrder({ dependencies }: RandomHistory, seed: number): number[] {
  const order: number[] = [];
  const waiting = new Set(dependencies.keys());
  let state = seed;
  while (waiting.size > 0) {
    const ready = [...waiting].filter((i) => !dependencies[i]!.some((d) => waiting.has(d)));
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const next = ready[(state >>> 8) % ready.length]!;
    waiting.delete(next);
    order.push(next);
  }
  return order;
}

interface Made {
  readonly change: number;
  readonly index: number;
  /** Of its container or register. */
  readonly place: string;
  readonly spot: Spot;
  readonly owner: Made | null;
}

type Slot = (change: Written) => number;

const AUTHORS = [1, 2, 3].map((seed) => generateKeyPair(new Uint8Array(32).fill(seed)));

class HistoryWriter implements RandomHistory {
  readonly changes: Written[] = [];
  readonly dependencies: number[][] = [];
  readonly #prev: number[] = [];
  readonly #authors: number[] = [];
  readonly #made: Made[] = [];
  readonly #roots: readonly Spot[];

  constructor(roots: readonly Spot[]) {
    this.#roots = roots;
  }

  write(step: ChangeStep): void {
    const index = this.changes.length;
    const prev = this.#choosePrev(step);
    const parents = new Set(index === 0 ? [] : step.parents.map((n) => n % index));
    parents.delete(prev);
    const refs = new Set<number>();
    const made: Made[] = [];
    const refer = (change: number): void => {
      if (change !== prev && !parents.has(change)) refs.add(change);
    };
    const ops = step.ops.map((op) => this.#op(op, index, made, refer));
    const changesOf = (set: Iterable<number>): Written[] => [...set].map((i) => this.changes[i]!);
    const change = writeChange(RANDOM_DOCUMENT, {
      author: AUTHORS[step.author]!,
      ...(prev < 0 ? {} : { prev: this.changes[prev]! }),
      parents: changesOf(parents),
      refs: changesOf(refs),
      // So that no two changes are the same.
      time: index,
      ops: (slot) => [...ops.map((write) => write(slot)), ...(step.junk === 0 ? [DETACHED] : [])],
    });
    this.#made.push(...made);
    this.changes.push(change);
    this.#prev.push(prev);
    this.#authors.push(step.author);
    this.dependencies.push([...(prev < 0 ? [] : [prev]), ...parents, ...refs]);
  }

  #choosePrev({ author, fork, base }: ChangeStep): number {
    const own = [...this.changes.keys()].filter((i) => this.#authors[i] === author);
    const tips = own.filter((i) => !this.#prev.includes(i));
    const choice = fork === 0 ? [-1, ...own] : tips;
    return choice[base % choice.length] ?? -1;
  }

  #op(step: OpStep, change: number, made: Made[], refer: (change: number) => void): (slot: Slot) => OpToWrite {
    const pool = [...this.#made, ...made];
    const owners = pool.filter(({ spot }) => spot.owns !== undefined);
    const owner = step.owner % 2 === 0 ? null : (owners[(step.owner >> 1) % owners.length] ?? null);
    const spots = owner?.spot.owns ?? this.#roots;
    let spot = spots[step.spot % spots.length]!;
    if (step.junk === 0) spot = { ...spot, path: ROOT[step.value % ROOT.length]!.path };
    const key = `${owner === null ? "" : `${owner.change}:${owner.index} `}${spot.path.join(" ")}`;
    const siblings = pool.filter((other) => other.place === key);
    const spared = siblings[step.value % siblings.length];
    const all = siblings.filter((sibling) => sibling !== spared);
    // What is spared shows through when all others are replaced.
    const picked = step.picks.flatMap(({ element, via, count, any }) => {
      // A first assignment is named by the element that owns the leaf.
      const candidates = any > 1 ? (owner === null || any > 2 ? siblings : [owner]) : pool;
      const found = candidates[element % candidates.length];
      return found === undefined ? [] : [{ found, via, count: any === 3 ? count : 1 }];
    });
    const targets =
      step.mode === 2 ? all.map((found) => ({ found, via: step.value, count: 1 })) : picked;
    const named = targets.map(({ found, via, count }) => {
      return { name: this.#name(found, change, via, refer), count };
    });
    const ownerName = owner === null ? null : this.#name(owner, change, step.value, refer);
    const below = siblings.length === 0 ? null : this.#name(siblings[step.value % siblings.length]!, change, step.spot, refer);
    const place = (slot: Slot): Place => ({ owner: ownerName?.(slot) ?? null, path: spot.path });
    const ranges = (slot: Slot): number[] =>
      named.flatMap(({ name, count }) => {
        const { ref, back, index } = name(slot);
        return step.junk === 1 ? [ref, back, index, 5] : [ref, back, index, count];
      });
    const make = (count: number): void => {
      const first = made.length;
      for (let i = 0; i < count; i++) made.push({ change, index: first + i, place: key, spot, owner });
    };
    const content = (i: number): Value => {
      const choice = step.junk === 2 ? MISFITS : spot.contents;
      return choice[(step.value + i) % choice.length] ?? null;
    };
    if (step.mode === 0 && named.length > 0) {
      return (slot) => ({ kind: OP_REMOVE, made: 0, ranges: ranges(slot) });
    }
    switch (spot.kind) {
      case "counter":
        return (slot) => ({ kind: OP_INCREMENT, made: 0, place: place(slot), amount: BigInt(step.value - 500) });
      case "set":
        make(1);
        return (slot) => ({ kind: OP_ADD, made: 1, place: place(slot), ranges: ranges(slot), content: content(0) });
      case "register": {
        const isClear = step.mode === 1;
        if (!isClear) make(1);
        return (slot) => ({
          kind: OP_ASSIGN,
          made: isClear ? 0 : 1,
          place: place(slot),
          ranges: ranges(slot),
          content: isClear ? null : content(0),
        });
      }
      default: {
        const isBelow = below !== null && step.mode > 1;
        const side = isBelow && step.mode === 2 ? LEFT : RIGHT;
        const where = (slot: Slot): Pick<InsertOp, "side" | "place" | "parent"> => ({
          side,
          place: isBelow ? null : place(slot),
          parent: isBelow ? below(slot) : null,
        });
        const { count } = step;
        make(count);
        if (spot.kind === "text") {
          const inserted = ["a", "é🌍", "xyz"][count - 1]!;
          return (slot) => ({ kind: OP_INSERT_TEXT, made: count, ...where(slot), content: inserted });
        }
        const values = Array.from({ length: count }, (_, i) => content(i));
        return (slot) => ({ kind: OP_INSERT_VALUES, made: count, ...where(slot), content: values });
      }
    }
  }

  /** Some way to name an element: through its change, or through a later one on its line. */
  #name({ change, index }: Made, by: number, via: number, refer: (change: number) => void): (slot: Slot) => ElementTarget {
    if (change === by) return () => ({ ref: 0, back: 0, index });
    const ways: { readonly ref: number; readonly back: number }[] = [];
    for (let ref = change; ref < by; ref++) {
      let back = 0;
      for (let i = ref; i > change; i = this.#prev[i]!) back++;
      let line = ref;
      for (let i = 0; i < back; i++) line = this.#prev[line]!;
      if (line === change) ways.push({ ref, back });
    }
    const { ref, back } = ways[via % ways.length]!;
    refer(ref);
    return (slot) => ({ ref: slot(this.changes[ref]!), back, index });
  }
}

/** An op with detached content, which makes its change unreadable. */
const DETACHED = Uint8Array.of(0x85, OP_ADD, 2, 0x80, 0, 0x58, 32, ...new Uint8Array(32));
