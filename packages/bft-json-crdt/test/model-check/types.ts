/**
 * Scenarios that follow from a table: every type, edited at one place by six changes on top of a first one, in every
 * shape. Honest ones (all at once; in lines that meet) and those of an author who equivocates at the first, a middle and
 * the latest number of his chain.
 */
import type { Forged, WirePlace, WireRange } from "../forge.ts";
import { ops } from "../forge.ts";
import { counter, integer, list, map, set, string, struct, text } from "../../src/schema/index.ts";
import type { Schema } from "../../src/schema/index.ts";
import { Builder } from "./scenario.ts";
import type { Links, Scenario, WireElement } from "./scenario.ts";

/** What an edit can name: elements of the first change, and the one that its own line has made last. */
interface Ground {
  readonly base: (index: number) => WireElement;
  readonly near: WireElement;
}

/** Ops of an edit, and the index of the element that later ones of the line are about, if it makes any. */
interface Edit {
  readonly ops: readonly Uint8Array[];
  readonly made?: number;
}

/** A type under test: one container at `at`, a first change, and six edits of one place in it. */
interface Kind {
  readonly name: string;
  readonly schema: Schema;
  readonly base: readonly Uint8Array[];
  /** The element of the first change that the edits are about. */
  readonly first: number;
  readonly edits: readonly ((ground: Ground) => Edit)[];
}

const one = (element: WireElement): WireRange => [...element, 1];
const inside = (element: WireElement, ...path: string[]): WirePlace => [...element, ...path];
const at: WirePlace = ["at"];
const key: WirePlace = ["at", "k"];

/** Every type, and every type inside another. */
const KINDS: readonly Kind[] = [
  {
    name: "register",
    schema: struct({ at: string() }),
    base: [ops.assign(at, "0")],
    first: 0,
    edits: [
      ({ near }) => ({ ops: [ops.assign(at, "one", one(near))], made: 0 }),
      ({ near }) => ({ ops: [ops.assign(at, "two", one(near))], made: 0 }),
      ({ near }) => ({ ops: [ops.clear(at, one(near))] }),
      // Replaces nothing: a lie about what its author had seen.
      () => ({ ops: [ops.assign(at, "three")], made: 0 }),
      ({ near }) => ({
        // Of one change the last assignment is the only one, named or not.
        ops: [ops.assign(at, "four", one(near)), ops.assign(at, "five")],
        made: 1,
      }),
      ({ near }) => ({ ops: [ops.assign(at, 7, one(near))], made: 0 }),
    ],
  },
  {
    name: "list",
    schema: struct({ at: list(string()) }),
    base: [ops.insert(at, "a", "b", "c")],
    first: 1,
    edits: [
      ({ near }) => ({ ops: [ops.insertBy(1, near, "r", "s")], made: 1 }),
      ({ near }) => ({ ops: [ops.insertBy(0, near, "l")], made: 0 }),
      ({ near, base }) => ({
        ops: [ops.remove(one(near)), ops.insertBy(1, base(0), "m")],
        made: 0,
      }),
      ({ near }) => ({ ops: [ops.insertBy(1, near, "x", 5), ops.remove(one(near))], made: 0 }),
      ({ base }) => ({ ops: [ops.assign([...base(1)], "new", one(base(1)))] }),
      ({ near }) => ({
        ops: [ops.insertBy(0, near, "y"), ops.insertBy(1, [0, 0, 0], "z")],
        made: 1,
      }),
    ],
  },
  {
    name: "text",
    schema: struct({ at: text() }),
    base: [ops.text(at, "abc")],
    first: 1,
    edits: [
      ({ near }) => ({ ops: [ops.textBy(1, near, "rst")], made: 1 }),
      ({ near }) => ({ ops: [ops.textBy(0, near, "🙂")], made: 0 }),
      ({ near }) => ({ ops: [ops.textBy(1, near, "uv")], made: 0 }),
      ({ base }) => ({ ops: [ops.remove([...base(0), 3]), ops.textBy(0, base(2), "w")], made: 0 }),
      ({ near }) => ({ ops: [ops.remove(one(near))] }),
      ({ near }) => ({ ops: [ops.insertBy(1, near, "list"), ops.textBy(0, near, "y")], made: 1 }),
    ],
  },
  {
    name: "map",
    schema: struct({ at: map(string()) }),
    base: [ops.assign(key, "0")],
    first: 0,
    edits: [
      ({ near }) => ({ ops: [ops.assign(key, "one", one(near))], made: 0 }),
      ({ near }) => ({ ops: [ops.clear(key, one(near))] }),
      () => ({ ops: [ops.assign(key, "two"), ops.assign(key, "three")], made: 1 }),
      ({ near }) => ({ ops: [ops.remove(one(near)), ops.assign(["at", "j"], "j")], made: 0 }),
      // Names an assignment to another key.
      ({ near }) => ({ ops: [ops.assign(["at", "__proto__"], "x", one(near))], made: 0 }),
      ({ near }) => ({ ops: [ops.assign(key, null, one(near)), ops.clear(key)], made: 0 }),
    ],
  },
  {
    name: "counter",
    schema: struct({ at: counter() }),
    base: [ops.increment(at, 1)],
    first: 0,
    edits: [
      () => ({ ops: [ops.increment(at, 2n ** 63n - 1n), ops.increment(at, 2n ** 63n - 1n)] }),
      () => ({ ops: [ops.increment(at, -(2n ** 63n))] }),
      () => ({ ops: [ops.increment(at, 2n ** 63n)] }),
      () => ({ ops: [ops.increment(at, -5)] }),
      () => ({ ops: [ops.increment(at, 0.5), ops.increment(at, 3)] }),
      ({ near }) => ({ ops: [ops.remove(one(near)), ops.assign(at, 4)] }),
    ],
  },
  {
    name: "set",
    schema: struct({ at: set(string()) }),
    base: [ops.add(at, "x")],
    first: 0,
    edits: [
      () => ({ ops: [ops.add(at, "x")], made: 0 }),
      ({ near }) => ({ ops: [ops.remove(one(near))] }),
      ({ near }) => ({ ops: [ops.add(at, "y", one(near))], made: 0 }),
      ({ near }) => ({ ops: [ops.remove(one(near)), ops.add(at, "x")], made: 0 }),
      ({ near }) => ({ ops: [ops.add(at, 7, one(near))], made: 0 }),
      ({ near }) => ({ ops: [ops.add(at, "x", one(near)), ops.add(at, "z")], made: 1 }),
    ],
  },
  {
    name: "list of structs",
    schema: struct({ at: list(struct({ name: string(), body: text(), tags: set(string()) })) }),
    base: [ops.insert(at, { name: "n" }, {})],
    first: 0,
    edits: [
      ({ base }) => ({ ops: [ops.assign(inside(base(0), "name"), "one", one(base(0)))] }),
      ({ base }) => ({ ops: [ops.text(inside(base(0), "body"), "hi")] }),
      ({ near }) => ({ ops: [ops.remove(one(near))] }),
      ({ near }) => ({ ops: [ops.insertBy(0, near, { name: "q" })], made: 0 }),
      ({ near }) => ({
        ops: [ops.add(inside(near, "tags"), "t"), ops.add(inside(near, "name"), "t")],
      }),
      ({ near }) => ({
        ops: [ops.insertBy(1, near, { name: 1 }, {}), ops.assign([0, 0, 0, "name"], "s")],
        made: 1,
      }),
    ],
  },
  {
    name: "map of structs",
    schema: struct({ at: map(struct({ name: string(), log: list(text()) })) }),
    base: [ops.assign(key, { name: "n" }), ops.insert([0, 0, 0, "log"], null)],
    first: 0,
    edits: [
      ({ near }) => ({ ops: [ops.assign(key, { name: "one" }, one(near))], made: 0 }),
      ({ base }) => ({ ops: [ops.text(inside(base(1)), "written")] }),
      ({ near }) => ({ ops: [ops.clear(key, one(near))] }),
      ({ near }) => ({ ops: [ops.assign(inside(near, "name"), "in", one(near))] }),
      () => ({ ops: [ops.assign(key, {}), ops.insert([0, 0, 0, "log"], null)], made: 0 }),
      ({ near }) => ({ ops: [ops.insert(inside(near, "log"), null, "x"), ops.remove(one(near))] }),
    ],
  },
  {
    name: "list of lists",
    schema: struct({ at: list(list(integer())) }),
    base: [ops.insert(at, null, null), ops.insert([0, 0, 0], 1, 2)],
    first: 2,
    edits: [
      ({ near }) => ({ ops: [ops.insertBy(1, near, 9)], made: 0 }),
      ({ near }) => ({ ops: [ops.insertBy(0, near, 8, 7)], made: 1 }),
      ({ base }) => ({ ops: [ops.remove(one(base(0))), ops.insert([...base(1)], 3)] }),
      ({ base }) => ({ ops: [ops.insertBy(1, base(0), null), ops.insert([0, 0, 0], 4)] }),
      ({ base }) => ({ ops: [ops.assign([...base(2)], 5, one(base(2)))] }),
      ({ near, base }) => ({ ops: [ops.remove(one(near)), ops.insert([...base(0)], "x", 6)] }),
    ],
  },
  {
    name: "map of maps of counters",
    schema: struct({ at: map(map(counter())) }),
    base: [ops.assign(key, null), ops.assign([0, 0, 0, "c"], null)],
    first: 0,
    edits: [
      ({ base }) => ({ ops: [ops.increment([...base(1)], 1)] }),
      ({ near }) => ({
        ops: [ops.assign(key, null, one(near)), ops.assign([0, 0, 0, "d"], null)],
        made: 0,
      }),
      ({ near, base }) => ({ ops: [ops.clear(inside(near, "c"), one(base(1)))] }),
      ({ base }) => ({ ops: [ops.increment([...base(1)], 2), ops.increment([...base(0)], 2)] }),
      ({ near }) => ({ ops: [ops.assign(inside(near, "c"), null), ops.increment([0, 0, 0], 5)] }),
      ({ near }) => ({ ops: [ops.clear(key, one(near))] }),
    ],
  },
];

/** Makes the edits of a kind one after another, each with the number that the table gives it. */
class Editor {
  readonly builder: Builder;
  readonly base: Forged;
  readonly #kind: Kind;
  readonly #made = new Map<Forged, number>();

  constructor(kind: Kind) {
    this.#kind = kind;
    this.builder = new Builder(kind.schema);
    this.base = this.builder.make(1, {}, () => kind.base);
  }

  /** Edit `number` by person `who`. Whatever it is built on, it refers to the first change too. */
  edit(number: number, who: number, prev: Forged | null, ...parents: Forged[]): Forged {
    const { base } = this;
    const links: Links = { prev, parents, refs: [base] };
    let made: number | undefined;
    const change = this.builder.make(who, links, (name) => {
      const near = prev === null ? undefined : this.#made.get(prev);
      const edit = this.#kind.edits[number]!({
        base: (index) => name(base, index),
        near: near === undefined ? name(base, this.#kind.first) : name(prev!, near),
      });
      made = edit.made;
      return edit.ops;
    });
    if (made !== undefined) this.#made.set(change, made);
    return change;
  }
}

/** Ways to arrange seven changes, the first ones of which matter most. */
const SHAPES: Readonly<Record<string, (editor: Editor) => void>> = {
  "all at once": (editor) => {
    for (let number = 0; number < 6; number++) editor.edit(number, number + 2, null);
  },
  "in lines that meet": (editor) => {
    const b1 = editor.edit(0, 2, null);
    const c1 = editor.edit(2, 3, null);
    const b2 = editor.edit(1, 2, b1);
    const c2 = editor.edit(3, 3, c1, b1);
    const a2 = editor.edit(5, 1, editor.base, b2, c2);
    editor.edit(4, 4, null, a2);
  },
  "equivocation at the first": (editor) => {
    const m1 = editor.edit(0, 9, null);
    const n1 = editor.edit(1, 9, null);
    editor.edit(2, 9, m1);
    const n2 = editor.edit(3, 9, n1);
    editor.edit(4, 2, null, n1);
    editor.edit(5, 9, m1, n2);
  },
  "equivocation in the middle": (editor) => {
    const m1 = editor.edit(0, 9, null);
    const m2 = editor.edit(1, 9, m1);
    const n2 = editor.edit(2, 9, m1);
    editor.edit(3, 9, n2);
    editor.edit(4, 9, m2);
    editor.edit(5, 2, null, m2, n2);
  },
  "equivocation at the latest": (editor) => {
    const m1 = editor.edit(0, 9, null);
    const m2 = editor.edit(3, 9, m1);
    const m3 = editor.edit(1, 9, m2);
    const n3 = editor.edit(2, 9, m2);
    editor.edit(4, 9, m2);
    editor.edit(5, 2, null, m3, n3);
  },
};

/** Each kind in each shape: seven live changes each. */
export function typeScenarios(): Scenario[] {
  return KINDS.flatMap((kind) =>
    Object.entries(SHAPES).map(([shape, arrange]) => {
      const editor = new Editor(kind);
      arrange(editor);
      const { builder } = editor;
      return builder.live(...builder.changes).scenario(`${kind.name}, ${shape}`);
    }),
  );
}
