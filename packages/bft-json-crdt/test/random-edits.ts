/**
 * Random schemas, contents and edits through the public API, and everything that handles can tell about a document.
 * For tests only.
 */
import fc from "fast-check";
import type { Value } from "../src/encoding/index.ts";
import {
  bigint,
  boolean,
  bytes,
  counter,
  integer,
  json,
  list,
  log,
  map,
  number,
  optional,
  set,
  string,
  struct,
  text,
} from "../src/schema/index.ts";
import type { LeafSchema, RecordSchema, Schema } from "../src/schema/index.ts";

/** A stream of choices that depends on its seed alone (mulberry32). */
export class Choices {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to n − 1. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * n);
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    return shuffled;
  }
}

/** Keys and names that have bitten others. */
export const KEYS: readonly string[] = [
  "a",
  "b",
  "__proto__",
  "constructor",
  "toString",
  "1023",
  "",
  "🙂",
];

const LEAVES: readonly LeafSchema[] = [
  string(),
  string({ default: "unset" }),
  number(),
  integer({ default: 7 }),
  bigint(),
  boolean({ default: true }),
  bytes(),
  json(),
];

/** A struct of everything, in which everything nests in everything. */
export const EVERYTHING = struct({
  title: string({ default: "untitled" }),
  note: optional(string()),
  extra: optional(json()),
  size: bigint(),
  body: text(),
  likes: counter(),
  tags: set(json()),
  flat: list(json()),
  grid: list(list(integer())),
  cards: list(
    struct({
      name: string(),
      done: optional(boolean()),
      body: text(),
      items: list(string()),
      scores: map(integer()),
      votes: counter(),
      labels: set(bytes()),
      inner: struct({ x: number({ default: 1 }), more: list(text()) }),
    }),
  ),
  people: map(struct({ name: string(), tags: set(string()), log: list(text()) })),
  shelves: map(list(bigint())),
  rooms: list(map(text())),
  notes: list(text()),
  sums: map(counter()),
  ledger: log(struct({ from: string(), note: optional(string()), sum: struct({ of: bigint() }) })),
  words: map(log(json())),
  deep: map(map(list(struct({ ["__proto__"]: json(), toString: optional(string()) })))),
});

/** Schemas of at most three containers around each other. */
export const anySchema: fc.Arbitrary<Schema> = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "medium" },
    { weight: 2, arbitrary: fc.constantFrom<Schema>(...LEAVES, text(), counter()) },
    { weight: 1, arbitrary: fc.constantFrom(...LEAVES).map((item) => set(item)) },
    { weight: 2, arbitrary: tie("schema").map((item) => list(item)) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom<RecordSchema>(...LEAVES, struct({ a: json(), b: struct({ c: string() }) }))
        .map((item) => log(item)),
    },
    { weight: 2, arbitrary: tie("schema").map((item) => map(item)) },
    {
      weight: 3,
      arbitrary: fc
        .array(
          fc.tuple(
            fc.constantFrom(...KEYS),
            fc.oneof(
              tie("schema"),
              fc.constantFrom(...LEAVES).map((leaf) => optional(leaf)),
            ),
          ),
          { minLength: 1, maxLength: 4 },
        )
        .map((fields) => struct(Object.fromEntries(fields))),
    },
  ),
})).schema;

const TEXTS = [
  "a",
  "bc",
  "🙂",
  "𝄞q",
  "é",
  "e\u0301",
  "\0",
  "\uFEFF",
  "\u{10FFFF}\u{10000}",
  "long er",
];

const VALUES: { readonly [type in LeafSchema["type"]]: readonly Value[] } = {
  string: ["", "x", "🙂", "__proto__", "1023"],
  number: [0, -0, -1.5, 1e300, 42, 5e-324, 2 ** 60],
  integer: [0, 1, -7, Number.MAX_SAFE_INTEGER],
  bigint: [0n, 5n, -(2n ** 70n), 2n ** 64n - 1n, 2n ** 53n],
  boolean: [true, false],
  bytes: [new Uint8Array(0), Uint8Array.of(1, 2), Uint8Array.of(255)],
  json: [
    null,
    true,
    1,
    10n,
    2n ** 80n,
    "s",
    Uint8Array.of(7),
    [1, [2, []]],
    Object.fromEntries<Value>([
      ["a", 1],
      ["__proto__", { b: [] }],
      ["1023", "index"],
    ]),
  ],
};

/** A value for a leaf. */
export function valueFor(schema: LeafSchema, choices: Choices): Value {
  return choices.pick(VALUES[schema.type]);
}

/** What an element of a schema can be made with on the wire. */
export function contentFor(schema: Schema, choices: Choices): Value {
  if (schema.kind === "leaf") return valueFor(schema, choices);
  if (schema.kind !== "struct") return null;
  const fields: [string, Value][] = [];
  for (const name of Object.keys(schema.fields)) {
    const field = schema.fields[name]!;
    const isInline = field.kind === "leaf" || field.kind === "struct";
    if (isInline && !choices.oneIn(3)) fields.push([name, contentFor(field, choices)]);
  }
  return Object.fromEntries(fields);
}

/** What the editing API takes to make something of a schema. */
export function initialFor(schema: Schema, choices: Choices): unknown {
  const some = (): unknown[] => Array.from({ length: choices.below(3) });
  switch (schema.kind) {
    case "leaf":
      return valueFor(schema, choices);
    case "text":
      return choices.oneIn(3) ? "" : choices.pick(TEXTS);
    case "counter":
      return choices.pick([0, 3, -2n, 2n ** 62n]);
    case "set":
      return some().map(() => valueFor(schema.item, choices));
    case "list":
    case "log":
      return some().map(() => initialFor(schema.item, choices));
    case "map":
      return Object.fromEntries(
        some().map(() => [choices.pick(KEYS), initialFor(schema.value, choices)]),
      );
    case "struct": {
      const given: [string, unknown][] = [];
      for (const name of Object.keys(schema.fields)) {
        const field = schema.fields[name]!;
        const needed = field.kind === "leaf" && !field.optional;
        if (needed || !choices.oneIn(2)) given.push([name, initialFor(field, choices)]);
      }
      return Object.fromEntries(given);
    }
  }
}

/** Handles as far as edits go whose types are only known at run time. */
interface AnyRegister {
  get(): unknown;
  set(value: unknown): void;
  clear(): void;
  conflicts(): unknown[];
}
interface AnyCounter {
  readonly value: bigint;
  increment(amount?: number | bigint): void;
  decrement(amount?: number | bigint): void;
}
interface AnySet {
  values(): Value[];
  add(value: unknown): boolean;
  delete(value: unknown): boolean;
}
interface AnyList {
  readonly length: number;
  at(index: number): unknown;
  push(...items: unknown[]): void;
  insert(index: number, ...items: unknown[]): void;
  insertAfter(id: string | null, ...items: unknown[]): void;
  delete(index: number, count?: number): void;
  deleteById(id: string): boolean;
  move(from: number, to: number): void;
  set(index: number, item: unknown): void;
  idAt(index: number): string;
}
interface AnyLog {
  append(...records: unknown[]): void;
  entries(): { id: string; value: unknown; author: string }[];
}
interface AnyText {
  readonly length: number;
  readonly characters: {
    readonly length: number;
    insert(index: number, text: string): void;
    delete(index: number, count?: number): void;
  };
  toString(): string;
  insert(index: number, text: string): void;
  append(text: string): void;
  insertAfter(id: string | null, text: string): void;
  delete(index: number, count?: number): void;
  replace(index: number, count: number, text: string): void;
  idAt(index: number): string;
}
interface AnyMap {
  keys(): string[];
  at(key: string): unknown;
  set(key: string, value: unknown): void;
  delete(key: string): boolean;
  conflicts(key: string): unknown[];
}

/** One random edit somewhere below a handle. */
export function edit(schema: Schema, handle: unknown, choices: Choices): void {
  switch (schema.kind) {
    case "leaf":
      return editLeaf(schema, handle as AnyRegister, choices);
    case "text":
      return editText(handle as AnyText, choices);
    case "counter": {
      const counter = handle as AnyCounter;
      const amount = choices.pick([1, 5, -3, 2n ** 63n - 1n]);
      return choices.oneIn(2) ? counter.increment(amount) : counter.decrement(amount);
    }
    case "set": {
      const members = handle as AnySet;
      const present = members.values();
      if (present.length > 0 && choices.oneIn(3)) members.delete(choices.pick(present));
      else members.add(valueFor(schema.item, choices));
      return;
    }
    case "log":
      return (handle as AnyLog).append(initialFor(schema.item, choices));
    case "list":
      return editList(schema.item, handle as AnyList, choices);
    case "map":
      return editMap(schema.value, handle as AnyMap, choices);
    case "struct": {
      const names = Object.keys(schema.fields);
      if (names.length === 0) return;
      const name = choices.pick(names);
      return edit(schema.fields[name]!, (handle as Record<string, unknown>)[name], choices);
    }
  }
}

function editLeaf(schema: LeafSchema, register: AnyRegister, choices: Choices): void {
  if (choices.oneIn(4)) {
    try {
      register.clear();
      return;
    } catch {
      // An item of a list cannot be cleared.
    }
  }
  register.set(valueFor(schema, choices));
}

function editText(handle: AnyText, choices: Choices): void {
  const { length } = handle;
  const content = handle.toString();
  const edge = (): number => {
    const index = choices.below(length + 1);
    return /[\uDC00-\uDFFF]/.test(content[index] ?? "") ? index - 1 : index;
  };
  const [a, b] = [edge(), edge()];
  const [start, end] = a < b ? [a, b] : [b, a];
  const id = length === 0 || choices.oneIn(5) ? null : handle.idAt(choices.below(length));
  switch (choices.below(8)) {
    case 0:
      return handle.delete(start, end - start);
    case 1:
      return handle.replace(start, end - start, choices.pick(TEXTS));
    case 2:
      return handle.characters.insert(
        choices.below(handle.characters.length + 1),
        choices.pick(TEXTS),
      );
    case 3:
      if (length === 0) return;
      return handle.characters.delete(choices.below(handle.characters.length));
    case 4:
      return handle.append(choices.pick(TEXTS));
    case 5:
      if (id !== null && choices.oneIn(2)) handle.delete(start, end - start);
      return handle.insertAfter(id, choices.pick(TEXTS));
    default:
      return handle.insert(start, choices.pick(TEXTS));
  }
}

function editList(item: Schema, handle: AnyList, choices: Choices): void {
  const { length } = handle;
  const initials = Array.from({ length: 1 + choices.below(3) }, () => initialFor(item, choices));
  if (length === 0) return handle.push(...initials);
  const index = choices.below(length);
  switch (choices.below(12)) {
    case 0:
      return handle.push(...initials);
    case 1:
    case 2:
      return handle.insert(choices.below(length + 1), ...initials);
    case 3: {
      const id = choices.oneIn(4) ? null : handle.idAt(index);
      if (choices.oneIn(2)) handle.delete(index);
      return handle.insertAfter(id, ...initials);
    }
    case 4:
      return handle.delete(index, 1 + choices.below(length - index));
    case 5:
      handle.deleteById(handle.idAt(index));
      return;
    case 6:
      return handle.set(index, initials[0]);
    case 7:
      try {
        return handle.move(index, choices.below(length));
      } catch {
        // A counter beyond 64 bits cannot be made anew.
        return;
      }
    default:
      return edit(item, handle.at(index), choices);
  }
}

function editMap(value: Schema, handle: AnyMap, choices: Choices): void {
  const keys = handle.keys();
  if (keys.length > 0 && choices.oneIn(4)) {
    handle.delete(choices.pick(keys));
  } else if (keys.length > 0 && value.kind !== "leaf" && !choices.oneIn(3)) {
    edit(value, handle.at(choices.pick(keys)), choices);
  } else {
    handle.set(choices.pick(KEYS), initialFor(value, choices));
  }
}

/** Everything that handles can tell: values, ids of elements, conflicts with their authors. */
export function inspect(schema: Schema, handle: unknown): unknown {
  switch (schema.kind) {
    case "leaf": {
      const register = handle as AnyRegister;
      return { value: register.get(), conflicts: register.conflicts() };
    }
    case "text": {
      const content = handle as AnyText;
      const ids: string[] = [];
      let index = 0;
      for (const character of content.toString()) {
        ids.push(content.idAt(index));
        index += character.length;
      }
      return { text: content.toString(), ids };
    }
    case "counter":
      return (handle as AnyCounter).value;
    case "set":
      return (handle as AnySet).values();
    case "list": {
      const items = handle as AnyList;
      return Array.from({ length: items.length }, (_, index) => ({
        id: items.idAt(index),
        item: inspect(schema.item, items.at(index)),
      }));
    }
    case "log":
      return (handle as AnyLog).entries().map(({ id, value, author }) => ({ id, value, author }));
    case "map": {
      const entries = handle as AnyMap;
      return entries.keys().map((key) => {
        const inner = schema.value.kind === "leaf" ? null : inspect(schema.value, entries.at(key));
        return [key, { conflicts: entries.conflicts(key), inner }];
      });
    }
    case "struct":
      return Object.keys(schema.fields).map((name) => [
        name,
        inspect(schema.fields[name]!, (handle as Record<string, unknown>)[name]),
      ]);
  }
}
