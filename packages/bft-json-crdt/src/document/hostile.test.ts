import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  documentId,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
} from "../change/index.ts";
import type { ElementTarget } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import {
  boolean,
  counter,
  integer,
  json,
  list,
  map,
  optional,
  set,
  string,
  struct,
  text,
} from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { forge, slotOf } from "../../test/hostile.ts";
import type { RawOp } from "../../test/hostile.ts";
import { NaiveDocument } from "../../test/naive-document.ts";
import { inspect } from "../../test/random-edits.ts";
import { permutations } from "../../test/trial.ts";
import { Document } from "./document.ts";

const ID = documentId("hostile");

/** Changes made by hand, in an order in which each can be applied. */
class Scene {
  readonly schema: Schema;
  readonly groups: Uint8Array[] = [];
  /** Has everything, so that the next change can build on it. */
  readonly observer: Document<Schema>;

  constructor(schema: Schema) {
    this.schema = schema;
    this.observer = new Document({ schema, id: ID });
  }

  /** A change by author `who`, on top of that author's own and the `known` ones; returns its id. */
  make(
    who: number,
    known: readonly Uint8Array[],
    ops: readonly RawOp[] | ((slot: (id: Uint8Array) => number) => readonly RawOp[]),
    prev?: Uint8Array | null,
  ): Uint8Array {
    const { history } = this.observer;
    const keyPair = generateKeyPair(new Uint8Array(32).fill(who));
    const links = { keyPair, parents: known, ...(prev === undefined ? {} : { prev }) };
    const slot = (id: Uint8Array): number => slotOf(history, links, id);
    const { id, bytes } = forge(history, links, typeof ops === "function" ? ops(slot) : ops);
    this.groups.push(bytes);
    expect(this.observer.receive(bytes).status).toBe("applied");
    return id;
  }

  /** Delivers the last five changes or fewer in every order; returns the view, which is the same each time. */
  view(): unknown {
    const start = Math.max(0, this.groups.length - 5);
    const base = new Document({ schema: this.schema, id: ID });
    for (const group of this.groups.slice(0, start)) base.receive(group);
    const saved = base.save();
    const expected = inspect(this.schema, this.observer.root);
    const bodies = Array.from({ length: this.groups.length }, (_, index) =>
      this.observer.history.bodyAt(index),
    );
    const naive = new NaiveDocument(this.schema, bodies);
    expect(this.observer.view()).toEqual(naive.view());
    expect(expected).toEqual(naive.inspect());
    for (const order of permutations(this.groups.slice(start))) {
      const replica = new Document({ schema: this.schema, id: ID });
      expect(replica.merge(saved)).toEqual({ ok: true, value: start });
      for (const group of order) replica.receive(group);
      expect(replica.frontier().map(toHex)).toEqual(this.observer.frontier().map(toHex));
      expect(replica.viewJson()).toBe(this.observer.viewJson());
      expect(inspect(this.schema, replica.root)).toEqual(expected);
    }
    return this.observer.view();
  }
}

const at = (...path: string[]) => ({ owner: null, path });
const within = (ref: number, index: number, ...path: string[]) => ({
  owner: { ref, back: 0, index },
  path,
});
const self = (index: number): ElementTarget => ({ ref: 0, back: 0, index });

function assign(
  place: ReturnType<typeof at> | ReturnType<typeof within>,
  content: Value,
  ranges: number[] = [],
): RawOp {
  return { kind: OP_ASSIGN, made: 1, place, ranges, content };
}

function clear(place: ReturnType<typeof at> | ReturnType<typeof within>, ranges: number[]): RawOp {
  return { kind: OP_ASSIGN, made: 0, place, ranges, content: null };
}

function insert(place: ReturnType<typeof at> | ReturnType<typeof within>, values: Value[]): RawOp {
  return {
    kind: OP_INSERT_VALUES,
    made: values.length,
    parent: null,
    side: 1,
    place,
    content: values,
  };
}

function type(place: ReturnType<typeof at> | ReturnType<typeof within>, content: string): RawOp {
  return {
    kind: OP_INSERT_TEXT,
    made: [...content].length,
    parent: null,
    side: 1,
    place,
    content,
  };
}

function below(parent: ElementTarget, side: 0 | 1, content: string | Value[]): RawOp {
  const kind = typeof content === "string" ? OP_INSERT_TEXT : OP_INSERT_VALUES;
  const made = typeof content === "string" ? [...content].length : content.length;
  return { kind, made, parent, side, place: null, content };
}

function remove(...ranges: number[]): RawOp {
  return { kind: OP_REMOVE, made: 0, ranges };
}

describe("registers", () => {
  const schema = struct({ a: string(), b: string(), n: integer(), o: optional(string()) });

  test("of one change only the last assignment counts, whatever arrived before it", () => {
    const scene = new Scene(schema);
    const first = scene.make(1, [], []);
    const rival = scene.make(1, [first], [assign(at("a"), "greater")]);
    const twice = scene.make(2, [], [assign(at("a"), "first"), assign(at("a"), "last")]);
    // Nothing but the last one and the rival is there to be cleared.
    scene.make(3, [rival, twice], (slot) => [
      clear(at("a"), [slot(rival), 0, 0, 1, slot(twice), 0, 1, 1]),
    ]);
    expect(scene.view()).toEqual({ a: "", b: "", n: 0 });
  });

  test("a value of a wrong type changes nothing and replaces nothing", () => {
    const scene = new Scene(schema);
    const good = scene.make(1, [], [assign(at("a"), "good"), assign(at("n"), 5)]);
    scene.make(2, [good], (slot) => [
      assign(at("a"), 7, [slot(good), 0, 0, 1]),
      assign(at("n"), 0.5, [slot(good), 0, 1, 1]),
      assign(at("n"), 2n ** 60n, [slot(good), 0, 1, 1]),
      assign(at("a"), { a: "x" }, [slot(good), 0, 0, 1]),
    ]);
    expect(scene.view()).toEqual({ a: "good", b: "", n: 5 });
  });

  test("an assignment that claims to replace something of another register does nothing", () => {
    const scene = new Scene(schema);
    const good = scene.make(1, [], [assign(at("a"), "a"), assign(at("b"), "b")]);
    scene.make(2, [good], (slot) => [
      assign(at("a"), "liar", [slot(good), 0, 0, 2]),
      clear(at("b"), [slot(good), 0, 0, 1]),
    ]);
    expect(scene.view()).toEqual({ a: "a", b: "b", n: 0 });
  });

  test("an assignment may name 64 others, and not one more, even twice the same", () => {
    const scene = new Scene(schema);
    const many = Array.from({ length: 65 }, (_, i) =>
      scene.make(10 + i, [], [assign(at("a"), `v${i}`)]),
    );
    const winner = (scene.observer.view() as { a: string }).a;
    const named = (slot: (id: Uint8Array) => number, count: number): number[] =>
      many.slice(0, count).flatMap((id) => [slot(id), 0, 0, 1]);
    const { history } = scene.observer;
    const keyPair = generateKeyPair(new Uint8Array(32).fill(2));
    const links = { keyPair, parents: [], refs: many };
    const slot = (id: Uint8Array): number => slotOf(history, links, id);
    for (const [ops, shown] of [
      [[assign(at("a"), "65", named(slot, 65))], winner],
      [[assign(at("a"), "65", [...named(slot, 64), ...named(slot, 1)])], winner],
      [[assign(at("a"), "64", named(slot, 64))], "64"],
    ] as const) {
      const replica = new Document({ schema, id: ID });
      for (const group of scene.groups) replica.receive(group);
      const { bytes } = forge(history, links, ops);
      expect(replica.receive(bytes).status).toBe("applied");
      expect(replica.view().a).toBe(shown);
      expect(replica.root.a.conflicts()).toHaveLength(shown === "64" ? 2 : 65);
    }
  });

  test("an edit replaces at most 64 of the conflicts that strangers made, and is shown", () => {
    const scene = new Scene(schema);
    for (let i = 0; i < 140; i++) scene.make(10 + i, [], [assign(at("a"), `v${i}`)]);
    const replica = new Document({ schema, id: ID, keyPair: generateKeyPair() });
    for (const group of scene.groups) replica.receive(group);
    const change = replica.change((doc) => doc.a.set("mine"));
    expect(replica.view().a).toBe("mine");
    expect(replica.root.a.conflicts()).toHaveLength(77);
    expect(scene.observer.receive(change.bytes).status).toBe("applied");
    expect(scene.observer.viewJson()).toBe(replica.viewJson());
    const patches: unknown[] = [];
    replica.subscribe((event) => patches.push(...event.patches));
    const cleared = replica.change((doc) => doc.a.clear());
    expect(replica.view().a).toBe("");
    expect(replica.root.a.conflicts()).toEqual([]);
    expect(patches).toEqual([{ action: "set", path: ["a"], value: "" }]);
    expect(scene.observer.receive(cleared.bytes).status).toBe("applied");
    expect(scene.observer.viewJson()).toBe(replica.viewJson());
  });

  test("an assignment after its own removal in one change stands", () => {
    const scene = new Scene(schema);
    scene.make(1, [], [assign(at("o"), "x"), remove(0, 0, 0, 1), assign(at("o"), "y")]);
    expect(scene.view()).toEqual({ a: "", b: "", n: 0, o: "y" });
  });
});

describe("ops that fit nothing", () => {
  const schema = struct({
    text: text(),
    list: list(string()),
    map: map(integer()),
    set: set(string()),
    sum: counter(),
    leaf: json(),
    flag: boolean(),
  });

  test("in wrong containers do nothing, and what they made can be named by nobody", () => {
    const scene = new Scene(schema);
    const wrong = scene.make(
      1,
      [],
      [
        type(at("list"), "abc"),
        insert(at("text"), ["a", "b"]),
        assign(at("text"), "text"),
        assign(at("list"), ["x"]),
        assign(at("set"), "x"),
        assign(at("sum"), 5),
        assign(at(), {}),
        assign(at("map"), {}),
        assign(at("nowhere"), 1),
        assign(at("leaf", "deeper"), 1),
        { kind: OP_INCREMENT, made: 0, place: at("leaf"), amount: 1n },
        { kind: OP_INCREMENT, made: 0, place: at("map", "key"), amount: 1n },
        { kind: OP_ADD, made: 1, place: at("list"), ranges: [], content: "x" },
        { kind: OP_ADD, made: 1, place: at("map"), ranges: [], content: "x" },
        { kind: OP_ADD, made: 1, place: at("set"), ranges: [], content: 5 },
      ],
    );
    scene.make(2, [wrong], (slot) => {
      const name = (index: number): ElementTarget => ({ ref: slot(wrong), back: 0, index });
      return [
        below(name(1), 1, "x"),
        below(name(0), 1, ["x"]),
        below(name(3), 0, "x"),
        remove(slot(wrong), 0, 0, 9),
        assign(within(slot(wrong), 4), "x"),
      ];
    });
    expect(scene.view()).toEqual({
      text: "",
      list: [],
      map: {},
      set: [],
      sum: 0n,
      leaf: null,
      flag: false,
    });
  });

  test("of unknown kinds or shapes leave the numbers of later elements as they are", () => {
    const scene = new Scene(schema);
    scene.make(
      1,
      [],
      [
        [99, 3, [], "abc"],
        [OP_INSERT_TEXT, 2, [["text"]], "abc"],
        [OP_INSERT_VALUES, 1, [2, 0, 0], ["x"]],
        [OP_REMOVE, 0, [0, 0, 0], null],
        [OP_REMOVE, 0, [0, 0, 0, 0], null],
        [OP_REMOVE, 0, [], null],
        [OP_ASSIGN, 1, [["leaf"], 0, 0], 1],
        [OP_ASSIGN, 2, [["leaf"]], "twice"],
        [OP_ASSIGN, 0, [["leaf"]], "content of nothing"],
        [OP_INCREMENT, 0, [["sum"]], 2n ** 63n],
        [OP_INCREMENT, 0, [["sum"]], 1.5],
        [OP_INCREMENT, 1, [["sum"]], 1],
        [OP_ADD, 0, [["set"]], null],
        [0, 0, [], null],
        type(at("text"), "ok"),
        // Elements 0–9 were made by what is above.
        below(self(10), 1, "!"),
        remove(0, 0, 11, 1),
      ],
    );
    expect(scene.view()).toMatchObject({ text: "o!", sum: 0n, leaf: null });
  });

  test("with targets out of range do nothing at all", () => {
    const scene = new Scene(schema);
    const one = scene.make(1, [], [type(at("text"), "one"), insert(at("list"), ["x"])]);
    const two = scene.make(1, [], [type(at("text"), "two")]);
    scene.make(2, [two], (slot) => {
      const ref = slot(two);
      return [
        remove(ref, 0, 0, 4),
        remove(ref, 0, 3, 1),
        remove(ref, 1, 0, 8),
        // The first of the last change may not be named as one too many of the change before.
        remove(ref, 1, 4, 1),
        remove(ref, 2, 0, 1),
        remove(ref, 2 ** 53 - 1, 0, 1),
        remove(ref, 0, 0, 2 ** 53 - 1),
        remove(ref, 0, 2 ** 53 - 1, 2 ** 53 - 1),
        remove(99, 0, 0, 1),
        // Without an own change before there is no prev.
        remove(1, 0, 0, 1),
        // A range of which one part is wrong is wrong as a whole.
        remove(ref, 0, 0, 1, ref, 0, 3, 1),
        remove(0, 0, 0, 1),
        remove(0, 1, 0, 1),
        below({ ref, back: 0, index: 3 }, 1, "x"),
        below({ ref, back: 2, index: 0 }, 1, "x"),
        below({ ref: 99, back: 0, index: 0 }, 1, "x"),
        below({ ref: 0, back: 0, index: 9 }, 1, "x"),
        below({ ref: 0, back: 1, index: 0 }, 1, "x"),
        assign(within(ref, 9), "x"),
      ];
    });
    expect(toHex(one)).not.toBe(toHex(two));
    expect(scene.view()).toMatchObject({ list: ["x"] });
    expect((scene.view() as { text: string }).text).toMatch(/^(onetwo|twoone)$/);
  });

  test("and increments beyond 64 bits in sum are exact", () => {
    const scene = new Scene(schema);
    const most: RawOp = { kind: OP_INCREMENT, made: 0, place: at("sum"), amount: 2n ** 63n - 1n };
    for (let i = 0; i < 4; i++) scene.make(i, [], [most, most]);
    expect(scene.view()).toMatchObject({ sum: 8n * (2n ** 63n - 1n) });
  });
});

describe("removals", () => {
  const schema = struct({ text: text(), list: list(json()) });

  test("name a run typed over many changes by its last one and steps back", () => {
    const scene = new Scene(schema);
    const ids = [scene.make(1, [], [type(at("text"), "ab")])];
    for (const letters of ["cd", "", "ef", "gh", "ij"]) {
      ids.push(
        scene.make(1, [], () =>
          letters === "" ? [] : [type(at("list"), "inert"), below(last(scene), 1, letters)],
        ),
      );
    }
    expect(scene.observer.view()).toMatchObject({ text: "abcdefghij" });
    // From "d", which is element 6 of the second change, to "g": inert elements between them count.
    scene.make(2, [ids[5]!], (slot) => [remove(slot(ids[5]!), 4, 6, 14)]);
    expect(scene.observer.view()).toMatchObject({ text: "abchij" });
    scene.make(2, [ids[3]!], (slot) => [remove(slot(ids[3]!), 3, 1, 7)]);
    expect(scene.observer.view()).toMatchObject({ text: "ahij" });
    // The range may not run on beyond the change that it is named by.
    scene.make(3, [ids[3]!], (slot) => [remove(slot(ids[3]!), 3, 0, 17)]);
    expect(scene.view()).toMatchObject({ text: "ahij" });
  });

  test("of one range again and again, in parts and by many, remove it once", () => {
    const scene = new Scene(schema);
    const run = scene.make(1, [], [type(at("text"), "0123456789")]);
    const more = scene.make(1, [], [below({ ref: 1, back: 0, index: 9 }, 1, "abcdef")]);
    for (let who = 2; who < 6; who++) {
      scene.make(who, [more], (slot) => [
        remove(slot(more), 1, who, 6),
        remove(slot(more), 1, who, 6, slot(more), 1, who, 6, slot(more), 1, 5, 8),
        remove(slot(more), 1, 0, 1),
      ]);
    }
    expect(toHex(run)).not.toBe(toHex(more));
    expect(scene.view()).toMatchObject({ text: "1def" });
  });

  test("on a forked chain reach along their own branch only", () => {
    const scene = new Scene(schema);
    const root = scene.make(1, [], [type(at("text"), "root")]);
    const left = scene.make(1, [], [below({ ref: 1, back: 0, index: 3 }, 1, "LEFT")], root);
    const right = scene.make(1, [], [below({ ref: 1, back: 0, index: 3 }, 1, "RIGHT")], root);
    expect((scene.view() as { text: string }).text).toMatch(/^root(LEFTRIGHT|RIGHTLEFT)$/);
    scene.make(2, [left, right], (slot) => [remove(slot(right), 1, 2, 4)]);
    expect((scene.view() as { text: string }).text).toMatch(/^ro(LEFTGHT|GHTLEFT)$/);
  });

  test("of elements that nobody can see do no harm", () => {
    const scene = new Scene(schema);
    const run = scene.make(1, [], [insert(at("list"), [1, 2, 3]), [99, 2, [], [1, 2]]]);
    const gone = scene.make(2, [run], (slot) => [remove(slot(run), 0, 1, 4)]);
    scene.make(3, [gone], (slot) => [below({ ref: slot(gone), back: 0, index: 0 }, 1, ["inert"])]);
    scene.make(4, [gone, run], (slot) => [below({ ref: slot(run), back: 0, index: 1 }, 0, ["L"])]);
    expect(scene.view()).toMatchObject({ list: [1, "L"] });
  });
});

describe("lists and texts", () => {
  test("values that do not fit leave no phantom, and others may still stand beside them", () => {
    const schema = list(struct({ name: string(), body: text() }));
    const scene = new Scene(schema);
    const bad = scene.make(
      1,
      [],
      [
        insert(at(), [{ name: "a" }, { name: 7 }]),
        insert(at(), [{ body: "text is no content" }]),
        insert(at(), [{ stranger: 1 }]),
        insert(at(), [null]),
        insert(at(), [[]]),
      ],
    );
    expect(scene.view()).toEqual([]);
    scene.make(2, [bad], (slot) => [
      below({ ref: slot(bad), back: 0, index: 0 }, 1, [{ name: "right" }]),
      below({ ref: slot(bad), back: 0, index: 1 }, 0, [{}]),
      // Inside of what nobody sees nothing is seen.
      type(within(slot(bad), 0, "body"), "hidden"),
      assign(within(slot(bad), 1, "name"), "hidden"),
    ]);
    expect(scene.view()).toEqual([
      { name: "right", body: "" },
      { name: "", body: "" },
    ]);
  });

  test("children on both sides, in every order, stand as the Fugue tree says", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ parent: fc.nat(20), side: fc.boolean(), wide: fc.boolean() }), {
          minLength: 2,
          maxLength: 4,
        }),
        (children) => {
          const scene = new Scene(text());
          const ids = [scene.make(1, [], [type(at(), "a🙂b")])];
          children.forEach(({ parent, side, wide }, i) => {
            const id = ids[parent % ids.length]!;
            ids.push(
              scene.make(2 + i, [id], (slot) => [
                below(
                  { ref: slot(id), back: 0, index: parent % 3 },
                  side ? 1 : 0,
                  wide ? "x𝄞y" : "xyz",
                ),
              ]),
            );
          });
          scene.view();
        },
      ),
      { numRuns: 8 },
    );
  });

  test("what is typed into a deleted item stays hidden in every order", () => {
    const schema = list(struct({ body: text(), tags: set(string()), more: map(list(json())) }));
    const scene = new Scene(schema);
    const item = scene.make(1, [], [insert(at(), [{}, {}])]);
    const filled = scene.make(
      1,
      [],
      [
        type({ owner: { ref: 1, back: 0, index: 0 }, path: ["body"] }, "body"),
        assign({ owner: { ref: 1, back: 0, index: 0 }, path: ["more", "k"] }, null),
      ],
    );
    scene.make(2, [item], (slot) => [remove(slot(item), 0, 0, 1)]);
    scene.make(3, [filled], (slot) => [
      below({ ref: slot(filled), back: 0, index: 1 }, 1, "inside"),
      insert({ owner: { ref: slot(filled), back: 0, index: 4 }, path: [] }, [1]),
      remove(slot(filled), 0, 0, 2),
    ]);
    scene.make(4, [filled], (slot) => [
      assign({ owner: { ref: slot(filled), back: 1, index: 0 }, path: ["more", "k"] }, null, [
        ...[slot(filled), 0, 4, 1],
      ]),
      { kind: OP_ADD, made: 1, place: within(slot(filled), 4), ranges: [], content: "x" },
    ]);
    expect(scene.view()).toEqual([{ body: "", tags: [], more: {} }]);
  });

  test("a stranger who clears an item does not make a hole in the list", () => {
    for (const item of [optional(string()), string({ default: "gone" }), optional(json())]) {
      const scene = new Scene(list(item));
      const made = scene.make(1, [], [insert(at(), ["a", "b"])]);
      scene.make(2, [made], (slot) => [clear(within(slot(made), 0), [slot(made), 0, 0, 1])]);
      expect(scene.view()).toEqual([item.default, "b"]);
      expect(scene.observer.viewJson()).toBe(JSON.stringify([item.default, "b"]));
    }
  });
});

describe("maps", () => {
  const schema = map(struct({ name: string(), tags: set(string()), log: list(text()) }));

  test("what goes into a value that was replaced or removed is hidden, and shows no conflict", () => {
    const scene = new Scene(schema);
    const first = scene.make(1, [], [assign(at("k"), { name: "first" })]);
    const second = scene.make(2, [first], (slot) => [
      assign(at("k"), { name: "second" }, [slot(first), 0, 0, 1]),
    ]);
    scene.make(3, [first], (slot) => [
      assign(within(slot(first), 0, "name"), "edited", [slot(first), 0, 0, 1]),
      { kind: OP_ADD, made: 1, place: within(slot(first), 0, "tags"), ranges: [], content: "x" },
      insert(within(slot(first), 0, "log"), [null]),
      type({ owner: self(2), path: [] }, "text"),
    ]);
    scene.make(4, [second], (slot) => [
      { kind: OP_ADD, made: 1, place: within(slot(second), 0, "tags"), ranges: [], content: "y" },
      // Replaces what is replaced already, and names the same one twice.
      assign(at("k"), { name: "again" }, [slot(second), 0, 0, 1, slot(second), 0, 0, 1]),
    ]);
    expect(scene.view()).toEqual({ k: { name: "again", tags: [], log: [] } });
  });

  test("a key that was removed comes back with an assignment that names what was there", () => {
    const scene = new Scene(map(string()));
    const first = scene.make(1, [], [assign(at("k"), "first"), assign(at("j"), "other")]);
    const gone = scene.make(2, [first], (slot) => [
      clear(at("k"), [slot(first), 0, 0, 1]),
      remove(slot(first), 0, 1, 1),
    ]);
    scene.make(3, [first], (slot) => [assign(at("k"), "kept", [slot(first), 0, 0, 1])]);
    scene.make(4, [gone, first], (slot) => [assign(at("j"), "back", [slot(first), 0, 1, 1])]);
    expect(scene.view()).toEqual({ k: "kept", j: "back" });
  });

  test("an assignment that claims to replace something of another key or map does nothing", () => {
    const scene = new Scene(struct({ m: map(string()), n: map(string()) }));
    const good = scene.make(
      1,
      [],
      [assign(at("m", "k"), "m.k"), assign(at("m", "j"), "m.j"), assign(at("n", "k"), "n.k")],
    );
    scene.make(2, [good], (slot) => [
      assign(at("n", "k"), "liar", [slot(good), 0, 0, 1]),
      assign(at("m", "k"), "liar", [slot(good), 0, 1, 1]),
      clear(at("m", "j"), [slot(good), 0, 1, 2]),
      assign(at("m", "new"), "liar", [slot(good), 0, 0, 1]),
    ]);
    expect(scene.view()).toEqual({ m: { j: "m.j", k: "m.k" }, n: { k: "n.k" } });
  });

  test("keys longer than the bound are no keys", () => {
    const scene = new Scene(map(integer()));
    scene.make(
      1,
      [],
      [
        assign(at("k".repeat(1_024)), 1),
        assign(at("k".repeat(1_025)), 2),
        assign(at("é".repeat(512)), 3),
        assign(at("é".repeat(513)), 4),
      ],
    );
    expect(Object.values(scene.view() as object)).toEqual([1, 3]);
  });
});

describe("sets", () => {
  test("an addition may take the place of others, of the same set only", () => {
    const schema = struct({ a: set(string()), b: set(string()) });
    const scene = new Scene(schema);
    const add = (field: string, content: string, ranges: number[] = []): RawOp => ({
      kind: OP_ADD,
      made: 1,
      place: at(field),
      ranges,
      content,
    });
    const both = scene.make(1, [], [add("a", "x"), add("a", "y"), add("b", "z")]);
    scene.make(2, [both], (slot) => [
      add("a", "w", [slot(both), 0, 0, 2]),
      add("b", "v", [slot(both), 0, 1, 2]),
    ]);
    scene.make(3, [both], [add("a", "x")]);
    scene.make(4, [both], (slot) => [add("a", "y", [slot(both), 0, 1, 1])]);
    expect(scene.view()).toEqual({ a: ["w", "x", "y"], b: ["z"] });
  });
});

describe("changes whose content is detached", () => {
  test("fold none of their ops, and ranges step over them", () => {
    const schema = struct({ text: text(), leaf: string(), list: list(string()) });
    const scene = new Scene(schema);
    const hash = new Uint8Array(32);
    const first = scene.make(1, [], [type(at("text"), "abc"), assign(at("leaf"), "first")]);
    const detached = scene.make(
      1,
      [],
      [
        [OP_INSERT_TEXT, 5, [["text"]], 5, hash],
        assign(at("leaf"), "never", [1, 0, 3, 1]),
        [OP_INCREMENT, 0, [["sum"]], 0, hash],
      ],
    );
    const third = scene.make(1, [], [below({ ref: 1, back: 1, index: 2 }, 1, "def")]);
    expect(scene.view()).toEqual({ text: "abcdef", leaf: "first", list: [] });
    scene.make(2, [third], (slot) => [
      // Elements 1 of the first up to 0 of the third, over six that cannot be told.
      remove(slot(third), 2, 1, 10),
      below({ ref: slot(third), back: 1, index: 0 }, 1, "inert"),
      assign(at("leaf"), "inert", [slot(third), 1, 5, 1]),
    ]);
    expect(toHex(detached)).not.toBe(toHex(first));
    expect(scene.view()).toEqual({ text: "aef", leaf: "", list: [] });
  });
});

/** The last character that the last change of author 1 made, named from the next one. */
function last(scene: Scene): ElementTarget {
  const { history } = scene.observer;
  let row = history.length - 1;
  let back = 0;
  while (history.elementsAt(row) === 0) {
    row = history.prevAt(row);
    back++;
  }
  return { ref: 1, back, index: history.elementsAt(row) - 1 };
}
