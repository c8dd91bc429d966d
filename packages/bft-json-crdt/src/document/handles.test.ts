import { describe, expect, expectTypeOf, test } from "vitest";
import { documentId } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { MisuseError } from "../result.ts";
import type { MisuseCode } from "../result.ts";
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
} from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { Document } from "./document.ts";
import type {
  CounterHandle,
  Handle,
  ListHandle,
  MapHandle,
  RegisterHandle,
  SetHandle,
  TextHandle,
} from "./handles.ts";

const ID = documentId("handles");

function open<S extends Schema>(schema: S, who = 1): Document<S> {
  return new Document({ schema, id: ID, keyPair: generateKeyPair(new Uint8Array(32).fill(who)) });
}

/** Two replicas, and what brings each what the other has. */
function pair<S extends Schema>(schema: S): [Document<S>, Document<S>, () => void] {
  const [alice, bob] = [open(schema, 1), open(schema, 2)];
  const sync = (): void => {
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      for (const group of from.history.groupsFor(from.history.missingFor([]))) to.receive(group);
    }
    expect(alice.frontier().map(toHex)).toEqual(bob.frontier().map(toHex));
    expect(alice.viewJson()).toBe(bob.viewJson());
  };
  return [alice, bob, sync];
}

function expectMisuse(code: MisuseCode, call: () => unknown, message: RegExp): void {
  let thrown: unknown = null;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(MisuseError);
  expect((thrown as MisuseError).message).toMatch(message);
  expect((thrown as MisuseError).code).toBe(code);
}

/** Makes a change of which every edit but a misuse stays. */
function edit<S extends Schema>(document: Document<S>, edits: (doc: Handle<S>) => void): void {
  document.change(edits);
}

/** Passes anything at all where a type would forbid it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

describe("every handle", () => {
  test("reads anywhere but edits in a change only", () => {
    const document = open(
      struct({
        a: string(),
        t: text(),
        c: counter(),
        l: list(json()),
        m: map(json()),
        s: set(json()),
      }),
    );
    const { a, t, c, l, m, s } = document.root;
    edit(document, (doc) => {
      doc.l.push(1);
      doc.m.set("k", 1);
      doc.s.add(1);
      doc.t.append("x");
    });
    for (const call of [
      () => a.set("x"),
      () => t.insert(0, "x"),
      () => t.delete(0),
      () => c.increment(),
      () => l.push(1),
      () => l.delete(0),
      () => l.set(0, 2),
      () => l.at(0).set(2),
      () => m.set("k", 2),
      () => m.delete("k"),
      () => s.add(2),
      () => s.delete(1),
    ]) {
      expectMisuse("not_in_change", call, /edit inside document\.change/);
    }
    expect(document.view()).toEqual({ a: "", t: "x", c: 0n, l: [1], m: { k: 1 }, s: [1] });
    // Kept from outside, they edit inside.
    document.change(() => {
      a.set("x");
      l.push(2);
    });
    expect(document.view()).toMatchObject({ a: "x", l: [1, 2] });
    expect([a.get(), t.toString(), c.value, l.length, m.size, s.size]).toEqual([
      "x",
      "x",
      0n,
      2,
      1,
      1,
    ]);
  });

  test("shows the present, whatever it was taken from", () => {
    const [alice, bob, sync] = pair(struct({ items: list(struct({ body: text() })) }));
    edit(alice, (doc) => doc.items.push({ body: "one" }));
    sync();
    const { body } = bob.root.items.at(0);
    edit(alice, (doc) => {
      doc.items.insert(0, { body: "zero" });
      doc.items.at(1).body.append("!");
    });
    sync();
    expect(body.toString()).toBe("one!");
    edit(alice, (doc) => doc.items.delete(1));
    sync();
    // Gone from the view; what is typed into it goes nowhere.
    edit(bob, () => body.append("?"));
    sync();
    expect(bob.view()).toEqual({ items: [{ body: "zero" }] });
  });
});

describe("a register", () => {
  test("takes values of its type only, and says what it should be", () => {
    const document = open(
      struct({
        s: string(),
        n: number(),
        i: integer(),
        b: bigint(),
        f: boolean(),
        y: bytes(),
        j: json(),
      }),
    );
    edit(document, ({ s, n, i, b, f, y, j }) => {
      const bad = (handle: { set(value: never): void }, value: unknown, message: RegExp): void =>
        expectMisuse("bad_value", () => handle.set(untyped(value)), message);
      bad(s, 5, /the value should be a string, not 5/);
      bad(s, null, /should be a string, not null/);
      bad(s, undefined, /not undefined/);
      bad(s, "lone \ud800", /well-formed string/);
      bad(n, "5", /should be a finite number, not "5"/);
      bad(n, NaN, /not NaN/);
      bad(n, Infinity, /not Infinity/);
      bad(n, 2n ** 60n, /should be a finite number, not 1152921504606846976/);
      bad(i, 0.5, /should be a safe integer, not 0\.5/);
      bad(i, 2 ** 53, /should be a safe integer/);
      bad(i, NaN, /should be a safe integer, not NaN/);
      bad(s, NaN, /should be a string, not NaN/);
      bad(j, NaN, /should be a finite number, not NaN/);
      bad(b, 0.5, /should be an integer, not 0\.5/);
      bad(b, "5", /should be an integer/);
      bad(b, 1n << 9_000n, /1024 bytes/);
      bad(f, 0, /should be a boolean, not 0/);
      bad(y, [1, 2], /should be a Uint8Array, not an array/);
      bad(y, "bytes", /should be a Uint8Array/);
      bad(j, undefined, /plain data/);
      bad(j, () => 1, /plain data at most 64 deep, not a function/);
      bad(j, Symbol("x"), /plain data/);
      bad(j, new Date(), /plain object/);
      bad(j, new Map(), /plain object/);
      bad(j, [undefined], /undefined is not a value/);
      bad(j, { a: NaN }, /NaN is not a value/);
      bad(j, ["\udc00"], /lone surrogate/);
      const cyclic: unknown[] = [];
      cyclic.push(cyclic);
      bad(j, cyclic, /nested deeper than 64, or contains itself/);
    });
    expect(document.view()).toEqual({
      s: "",
      n: 0,
      i: 0,
      b: 0n,
      f: false,
      y: new Uint8Array(0),
      j: null,
    });
  });

  test("shows what it was given as everyone else sees it", () => {
    const schema = struct({ n: number(), b: bigint(), y: bytes(), j: json() });
    const [alice, bob, sync] = pair(schema);
    const given = Uint8Array.of(1, 2);
    const deep = { ["__proto__"]: { x: 1n }, "1023": [-0, 2n ** 64n], constructor: null };
    edit(alice, (doc) => {
      doc.n.set(-0);
      doc.b.set(5n);
      doc.y.set(given);
      doc.j.set(deep);
    });
    given[0] = 9;
    sync();
    for (const { root } of [alice, bob]) {
      expect(Object.is(root.n.get(), 0)).toBe(true);
      expect(root.b.get()).toBe(5n);
      expect(root.y.get()).toEqual(Uint8Array.of(1, 2));
      const shown = root.j.get() as Record<string, Value>;
      expect(Object.keys(shown).sort()).toEqual(["1023", "__proto__", "constructor"]);
      expect(shown["__proto__"]).toEqual({ x: 1 });
      expect(shown["1023"]).toEqual([0, 2n ** 64n]);
      expect(Object.getPrototypeOf(shown)).toBeNull();
    }
    expect(alice.viewJson()).toBe(
      `{"b":"5","j":{"1023":[0,"18446744073709551616"],"__proto__":{"x":1},"constructor":null},"n":0,"y":"AQI"}`,
    );
  });

  test("holds values that nest 64 deep, also in lists, maps, sets and structs", () => {
    const schema = struct({
      j: json(),
      l: list(json()),
      m: map(json()),
      s: set(json()),
      i: list(struct({ j: json() })),
    });
    const [alice, , sync] = pair(schema);
    const nested = (depth: number): Value => {
      let value: Value = "core";
      for (let i = 0; i < depth; i++) value = [value];
      return value;
    };
    edit(alice, (doc) => {
      doc.j.set(nested(64));
      doc.l.push(nested(64), nested(64));
      doc.m.set("k", nested(64));
      doc.s.add(nested(64));
      doc.i.push({ j: nested(63) });
      expectMisuse("bad_value", () => doc.j.set(nested(65)), /deeper than 64/);
      expectMisuse("bad_value", () => doc.l.push(nested(65)), /deeper than 64/);
      expectMisuse("bad_value", () => doc.s.add(nested(65)), /deeper than 64/);
      // A struct takes one level of its own, until it is there.
      expectMisuse("bad_value", () => doc.i.push({ j: nested(64) }), /deeper than 64/);
      doc.i.at(0).j.set(nested(64));
    });
    sync();
    expect(alice.view().l).toEqual([nested(64), nested(64)]);
  });

  test("shows its default, and an optional one nothing, until it is assigned and after it is cleared", () => {
    const schema = struct({
      a: string({ default: "none" }),
      b: optional(integer({ default: 7 })),
      c: json({ default: { x: [1] } }),
    });
    const [alice, bob, sync] = pair(schema);
    expect(alice.view()).toEqual({ a: "none", c: { x: [1] } });
    expect(Object.keys(alice.view())).toEqual(["a", "c"]);
    expect(alice.root.b.get()).toBeUndefined();
    edit(alice, (doc) => {
      doc.a.set("");
      doc.b.set(0);
      doc.c.set(null);
    });
    sync();
    expect(bob.view()).toEqual({ a: "", b: 0, c: null });
    edit(bob, (doc) => {
      doc.a.clear();
      doc.b.clear();
      doc.c.clear();
      doc.c.clear();
    });
    sync();
    expect(alice.view()).toEqual({ a: "none", c: { x: [1] } });
    expect(alice.viewJson()).toBe('{"a":"none","c":{"x":[1]}}');
  });

  test("keeps concurrent values as conflicts until someone decides", () => {
    const [alice, bob, sync] = pair(struct({ a: string() }));
    edit(alice, (doc) => doc.a.set("alice"));
    edit(bob, (doc) => doc.a.set("bob"));
    sync();
    const conflicts = alice.root.a.conflicts();
    expect(conflicts.map(({ value }) => value).sort()).toEqual(["alice", "bob"]);
    expect(conflicts[0]!.value).toBe(alice.view().a);
    expect(bob.root.a.conflicts()).toEqual(conflicts);
    for (const { value, author } of conflicts) {
      expect(author).toBe(toHex((value === "alice" ? alice : bob).author!));
    }
    edit(bob, (doc) => {
      doc.a.set("first");
      expect(doc.a.conflicts()).toMatchObject([{ value: "first", author: toHex(bob.author!) }]);
      doc.a.set("decided");
    });
    sync();
    expect(alice.root.a.conflicts().map(({ value }) => value)).toEqual(["decided"]);
    // A clearing is concurrent with an assignment: that stays.
    edit(alice, (doc) => doc.a.clear());
    edit(bob, (doc) => doc.a.set("kept"));
    sync();
    expect(alice.view().a).toBe("kept");
  });
});

describe("a counter", () => {
  test("adds integers of at most 64 bits, exactly", () => {
    const [alice, bob, sync] = pair(struct({ c: counter() }));
    edit(alice, ({ c }) => {
      c.increment();
      c.increment(5);
      c.decrement(2n);
      c.decrement();
      c.increment(2n ** 63n - 1n);
      c.increment(-(2n ** 63n));
      c.decrement(-4);
      const wrong = [0.5, NaN, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n, "1", null, {}, Symbol("1")];
      for (const amount of wrong) {
        const message = /integer of at most 64 bits/;
        expectMisuse("bad_value", () => c.increment(untyped(amount)), message);
        expectMisuse("bad_value", () => c.decrement(untyped(amount)), message);
      }
      // The least integer of 64 bits has no opposite: that takes two ops.
      c.decrement(-(2n ** 63n));
      c.increment(-(2n ** 63n));
    });
    edit(bob, ({ c }) => c.increment(Number.MAX_SAFE_INTEGER));
    sync();
    expect(alice.root.c.value).toBe(BigInt(Number.MAX_SAFE_INTEGER) + 1n + 5n - 2n - 1n - 1n + 4n);
    expect(alice.viewJson()).toBe(`{"c":"${alice.view().c}"}`);
  });
});

describe("a set", () => {
  test("holds each value once, in the order of the encoded bytes", () => {
    const [alice, bob, sync] = pair(set(json()));
    edit(alice, (doc) => {
      expect(doc.add("b")).toBe(true);
      expect(doc.add("b")).toBe(false);
      for (const value of ["aa", "a", 10, -1, [1], { a: 1 }, null, 1.5, 10n, Uint8Array.of(1)]) {
        doc.add(value);
      }
      expect(doc.delete("c")).toBe(false);
      expect(doc.delete("b")).toBe(true);
      expect(doc.has("b")).toBe(false);
      expect(doc.add("b")).toBe(true);
      expect(doc.size).toBe(10);
    });
    sync();
    const expected = [10, -1, Uint8Array.of(1), "a", "b", "aa", [1], { a: 1 }, null, 1.5];
    expect(bob.view()).toEqual(expected);
    expect([...bob.root]).toEqual(expected);
    expect(bob.root.values()).toEqual(expected);
    expect(bob.root.has({ a: 1 })).toBe(true);
    expect(bob.root.has(10n)).toBe(true);
    expect(bob.root.has([1, 2])).toBe(false);
    (bob.root.values()[7] as { a: number }).a = 2;
    expect(bob.view()).toEqual(expected);
  });

  test("keeps an addition that a concurrent removal has not seen", () => {
    const [alice, bob, sync] = pair(set(string()));
    edit(alice, (doc) => doc.add("x"));
    sync();
    edit(alice, (doc) => {
      doc.delete("x");
      doc.add("x");
    });
    edit(bob, (doc) => doc.delete("x"));
    sync();
    expect(alice.view()).toEqual(["x"]);
    edit(bob, (doc) => doc.delete("x"));
    sync();
    expect(alice.view()).toEqual([]);
  });

  test("takes values of its type only", () => {
    const document = open(set(integer()));
    edit(document, (doc) => {
      expectMisuse("bad_value", () => doc.add(0.5), /should be a safe integer, not 0\.5/);
      expectMisuse(
        "bad_value",
        () => doc.delete(untyped("1")),
        /should be a safe integer, not "1"/,
      );
      doc.add(-0);
    });
    expect(document.view()).toEqual([0]);
    expect(document.root.has(-0)).toBe(true);
    const big = open(set(bigint()));
    edit(big, (doc) => {
      doc.add(5n);
      expect(doc.add(untyped(5))).toBe(false);
    });
    expect(big.view()).toEqual([5n]);
  });
});

describe("a list", () => {
  test("is edited by indexes", () => {
    const [alice, bob, sync] = pair(list(string()));
    edit(alice, (doc) => {
      doc.push("a", "b", "c");
      doc.insert(0, "start");
      doc.insert(2, "x", "y");
      doc.delete(1);
      doc.delete(2, 2);
      doc.insert(3);
      doc.push();
      doc.delete(0, 0);
      doc.set(0, "START");
    });
    sync();
    expect(bob.view()).toEqual(["START", "x", "c"]);
    expect(bob.root.length).toBe(3);
    expect(bob.root.toArray()).toEqual(["START", "x", "c"]);
    expect([...bob.root]).toEqual(["START", "x", "c"]);
    expect([0, 1, 2, 3, -1, 0.5, 1.5, NaN].map((index) => bob.root.get(index))).toEqual([
      "START",
      "x",
      "c",
      ...Array(5).fill(undefined),
    ]);
    expect(bob.root.at(1).get()).toBe("x");
  });

  test("refuses indexes that it does not have, and nothing of the edit stays", () => {
    const document = open(list(string()));
    edit(document, (doc) => {
      doc.push("a", "b");
      const outside = /not in the list, which has 2/;
      for (const index of [-1, 3, 0.5, NaN, 2 ** 53, untyped<number>("0")]) {
        expectMisuse("bad_index", () => doc.insert(index, "x"), outside);
        expectMisuse("bad_index", () => doc.delete(index), outside);
        expectMisuse("bad_index", () => doc.set(index, "x"), outside);
        expectMisuse("bad_index", () => doc.at(index), outside);
        expectMisuse("bad_index", () => doc.idAt(index), outside);
        expectMisuse("bad_index", () => doc.move(index, 0), outside);
        expectMisuse("bad_index", () => doc.move(0, index), outside);
      }
      for (const call of [
        () => doc.delete(2),
        () => doc.delete(1, 2),
        () => doc.delete(0, -1),
        () => doc.delete(0, 0.5),
        () => doc.move(0, 2),
        () => doc.set(2, "x"),
      ]) {
        expectMisuse("bad_index", call, /which has 2/);
      }
      const wrong = /an item should be a string, not 1/;
      expectMisuse("bad_value", () => doc.push("x", untyped(1)), wrong);
      expectMisuse("bad_value", () => doc.insert(0, untyped(1)), wrong);
      expectMisuse("bad_value", () => doc.set(0, untyped(1)), /should be a string, not 1/);
    });
    expect(document.view()).toEqual(["a", "b"]);
  });

  test("says what it was given for an index that is none", () => {
    const document = open(struct({ items: list(string()), notes: text() }));
    edit(document, ({ items, notes }) => {
      items.push("a", "b");
      for (const [wrong, shown] of [
        [[], "an array"],
        [[0, "name"], "an array"],
        ["", '""'],
        ["1", '"1"'],
        [{}, "an object"],
        [undefined, "undefined"],
        [null, "null"],
        [1n, "1n"],
        [Symbol("s"), "Symbol(s)"],
      ] as const) {
        const index = untyped<number>(wrong);
        const said = `${shown} is no index: it is not in the`;
        const message = new RegExp(`^${said.replaceAll(/[()]/g, "\\$&")} (list|text), which has`);
        expectMisuse("bad_index", () => items.set(index, "x"), message);
        expectMisuse("bad_index", () => items.insert(index, "x"), message);
        expectMisuse("bad_index", () => items.at(index), message);
        expectMisuse("bad_index", () => items.move(0, index), message);
        expectMisuse("bad_index", () => notes.idAt(index), message);
      }
      const many = untyped<number>([]);
      expectMisuse("bad_index", () => items.delete(0, many), /^an array from index 0 on are not/);
    });
    expect(document.view().items).toEqual(["a", "b"]);
  });

  test("gives ids that are the same everywhere and stay, whatever happens around them", () => {
    const [alice, bob, sync] = pair(list(string()));
    edit(alice, (doc) => doc.push("a", "b", "c"));
    sync();
    const ids = [0, 1, 2].map((index) => alice.root.idAt(index));
    expect([0, 1, 2].map((index) => bob.root.idAt(index))).toEqual(ids);
    expect(ids[1]).toBe(`${toHex(alice.history.idAt(0))}:1`);
    edit(bob, (doc) => doc.insert(0, "new"));
    edit(alice, (doc) => doc.deleteById(ids[0]!));
    sync();
    expect(ids.map((id) => bob.root.indexOf(id))).toEqual([-1, 1, 2]);
    expect(bob.root.byId(ids[2]!).get()).toBe("c");
    expectMisuse(
      "unknown_element",
      () => bob.root.byId(ids[0]!),
      /no element "[0-9a-f]{64}:0" here/,
    );
    edit(bob, (doc) => {
      expect(doc.deleteById(ids[0]!)).toBe(false);
      expect(doc.deleteById(ids[1]!)).toBe(true);
      expect(doc.deleteById(ids[1]!)).toBe(false);
      // Behind a deleted one, and at the start.
      doc.insertAfter(ids[1]!, "after b");
      doc.insertAfter(ids[0]!, "after a");
      doc.insertAfter(null, "first");
    });
    sync();
    expect(alice.view()).toEqual(["first", "new", "after a", "after b", "c"]);
  });

  test("knows no other ids", () => {
    const document = open(struct({ a: list(string()), b: list(string()), t: text() }));
    edit(document, (doc) => {
      doc.a.push("x");
      doc.b.push("y");
      doc.t.insert(0, "z");
    });
    const { a, b, t } = document.root;
    const foreign = [b.idAt(0), t.idAt(0)];
    const id = a.idAt(0);
    const [change, index] = id.split(":") as [string, string];
    const wrong = [
      ...foreign,
      "",
      ":",
      "x",
      change,
      `${change}:`,
      `${change}:3`,
      `${change}:00`,
      `${change}:-1`,
      `${change}: 0`,
      `${change.slice(1)}:${index}`,
      `${"0".repeat(64)}:0`,
      "self:0",
      "self:0:0",
      "self:1:0",
      `${change}:${index}:0`,
      `0:${change}:${index}`,
      "__proto__:0",
      ...([undefined, 0, 5n, {}, Symbol("s")] as unknown as string[]),
    ];
    edit(document, (doc) => {
      for (const other of wrong) {
        expect(doc.a.indexOf(other)).toBe(-1);
        for (const call of [
          () => doc.a.insertAfter(other, "x"),
          () => doc.a.deleteById(other),
          () => doc.a.byId(other),
        ]) {
          expectMisuse("unknown_element", call, /there is no element/);
        }
      }
    });
    expect(document.view()).toEqual({ a: ["x"], b: ["y"], t: "z" });
  });

  test("gives ids to what has just been inserted, good until the end of the change", () => {
    const document = open(list(string()));
    let within = "";
    edit(document, (doc) => {
      doc.push("a", "b");
      within = doc.idAt(0);
      doc.insertAfter(within, "between");
      expect(doc.indexOf(within)).toBe(0);
      expect(doc.byId(within).get()).toBe("a");
      expect(doc.deleteById(within)).toBe(true);
    });
    expect(document.view()).toEqual(["between", "b"]);
    expect(document.root.indexOf(within)).toBe(-1);
    // In the next change it does not name what has the same place there.
    edit(document, (doc) => {
      doc.push("c");
      expect(doc.indexOf(within)).toBe(-1);
      expectMisuse("unknown_element", () => doc.deleteById(within), /there is no element/);
      expect(doc.indexOf(doc.idAt(2))).toBe(2);
    });
  });

  test("moves items, which get new ids and keep what is in them", () => {
    const schema = list(
      struct({
        name: string(),
        note: optional(string()),
        body: text(),
        votes: counter(),
        m: map(list(text())),
      }),
    );
    const [alice, bob, sync] = pair(schema);
    edit(alice, (doc) => {
      doc.push(
        { name: "a", votes: 3, m: { k: ["x", "🙂"] } },
        { name: "b", body: "B" },
        { name: "c" },
      );
      doc.at(0).body.append("A");
    });
    sync();
    const before = alice.view();
    const orders = (document: typeof alice) =>
      document
        .view()
        .map(({ name }) => name)
        .join("");
    for (const [from, to, expected] of [
      [0, 2, "bca"],
      [2, 0, "abc"],
      [1, 1, "abc"],
      [1, 0, "bac"],
      [0, 1, "abc"],
    ] as const) {
      const id = bob.root.idAt(from);
      edit(bob, (doc) => doc.move(from, to));
      expect(orders(bob)).toBe(expected);
      expect(bob.root.indexOf(id)).toBe(-1);
      sync();
    }
    expect(alice.view()).toEqual(before);
    // So much is in no single increment.
    const most = 2n ** 63n - 1n;
    for (const sum of [3n * most, -5n * most]) {
      edit(alice, (doc) => {
        const { votes } = doc.at(0);
        for (let left = sum - votes.value; left !== 0n;) {
          const amount = left > most ? most : left < -most ? -most : left;
          votes.increment(amount);
          left -= amount;
        }
        doc.move(0, 1);
      });
      expect(orders(alice)).toBe("bac");
      edit(alice, (doc) => doc.move(1, 0));
      sync();
      expect([alice.root.at(0).votes.value, bob.root.at(0).votes.value]).toEqual([sum, sum]);
    }
    edit(alice, (doc) => {
      expectMisuse("bad_value", () => doc.push({ name: "d", votes: 2n ** 75n }), /75 bits/);
    });
  });

  test("assigns leaves in place, and replaces other items", () => {
    const [alice, bob, sync] = pair(
      struct({ leaves: list(string()), structs: list(struct({ x: string() })) }),
    );
    edit(alice, (doc) => {
      doc.leaves.push("a");
      doc.structs.push({ x: "a" });
    });
    sync();
    const [leaf, item] = [alice.root.leaves.idAt(0), alice.root.structs.idAt(0)];
    edit(alice, (doc) => {
      doc.leaves.set(0, "A");
      doc.structs.set(0, { x: "A" });
    });
    edit(bob, (doc) => {
      doc.leaves.at(0).set("B");
      doc.structs.at(0).x.set("B");
    });
    sync();
    expect(alice.root.leaves.idAt(0)).toBe(leaf);
    expect(alice.root.leaves.at(0).conflicts()).toHaveLength(2);
    expect(alice.root.structs.indexOf(item)).toBe(-1);
    expect(alice.view().structs).toEqual([{ x: "A" }]);
    edit(alice, (doc) => {
      expectMisuse("bad_value", () => doc.leaves.at(0).clear(), /delete the item instead/);
    });
  });

  test("does not mix up two runs that were typed at one place", () => {
    const [alice, bob, sync] = pair(list(integer()));
    for (let i = 0; i < 5; i++) {
      edit(alice, (doc) => doc.push(i));
      edit(bob, (doc) => doc.push(10 + i));
    }
    sync();
    const [low, high] = ["0,1,2,3,4", "10,11,12,13,14"];
    expect([`${low},${high}`, `${high},${low}`]).toContain(alice.view().join());
  });
});

describe("a text", () => {
  test("is edited by UTF-16 indexes, outside of surrogate pairs", () => {
    const [alice, bob, sync] = pair(text());
    edit(alice, (doc) => {
      doc.insert(0, "a🙂b");
      expect(doc.length).toBe(4);
      doc.append("𝄞");
      doc.insert(3, "-");
      doc.delete(0);
      doc.replace(2, 1, "+");
      doc.insert(0, "");
      doc.delete(1 - 1, 0);
      const inside = /inside a surrogate pair; use the methods of \.characters/;
      for (const call of [
        () => doc.insert(1, "x"),
        () => doc.delete(1),
        () => doc.delete(0, 1),
        () => doc.delete(1, 2),
        () => doc.delete(0, 5),
        () => doc.replace(0, 1, "x"),
      ]) {
        expectMisuse("bad_index", call, inside);
      }
      for (const index of [-1, 7, 0.5, NaN, untyped<number>("0")]) {
        expectMisuse("bad_index", () => doc.insert(index, "x"), /not in the text, which has 6/);
        expectMisuse("bad_index", () => doc.delete(index), /not in the text, which has 6/);
        expectMisuse("bad_index", () => doc.idAt(index), /not in the text, which has 6/);
      }
      expectMisuse("bad_index", () => doc.delete(2, 5), /5 from index 2 on are not in the text/);
      expectMisuse("bad_index", () => doc.delete(6), /1 from index 6 on are not in the text/);
      expectMisuse("bad_index", () => doc.delete(0, -1), /-1 from index 0/);
      expectMisuse("bad_index", () => doc.idAt(6), /not in the text/);
    });
    sync();
    expect(bob.view()).toBe("🙂+b𝄞");
    expect(bob.root.toString()).toBe("🙂+b𝄞");
    expect(String(bob.root)).toBe("🙂+b𝄞");
    edit(bob, (doc) => doc.delete(0, 6));
    sync();
    expect(alice.view()).toBe("");
  });

  test("takes well-formed strings only, and a replacement that fails removes nothing", () => {
    const document = open(text());
    edit(document, (doc) => {
      doc.append("abc");
      for (const bad of ["\ud83d", "\ude42", "x\udc00y", 5, null, undefined, ["x"]]) {
        expectMisuse(
          "bad_value",
          () => doc.insert(0, untyped(bad)),
          /text should be a well-formed string/,
        );
        expectMisuse("bad_value", () => doc.replace(0, 2, untyped(bad)), /well-formed string/);
        expectMisuse("bad_value", () => doc.insertAfter(null, untyped(bad)), /well-formed string/);
        expectMisuse(
          "bad_value",
          () => doc.characters.insert(0, untyped(bad)),
          /well-formed string/,
        );
      }
    });
    expect(document.view()).toBe("abc");
  });

  test("is edited by characters just as well", () => {
    const document = open(text());
    edit(document, (doc) => {
      doc.characters.insert(0, "🙂🙃");
      doc.characters.insert(1, "x𝄞");
      expect(doc.characters.length).toBe(4);
      doc.characters.delete(1, 2);
      doc.characters.delete(0);
      expectMisuse("bad_index", () => doc.characters.insert(2, "x"), /which has 1/);
      expectMisuse("bad_index", () => doc.characters.delete(0, 2), /which has 1/);
    });
    expect(document.view()).toBe("🙃");
  });

  test("gives ids to characters that are the same everywhere, both halves of a pair alike", () => {
    const [alice, bob, sync] = pair(text());
    edit(alice, (doc) => doc.insert(0, "a🙂b"));
    sync();
    const ids = [0, 1, 2, 3].map((index) => alice.root.idAt(index));
    expect([0, 1, 2, 3].map((index) => bob.root.idAt(index))).toEqual(ids);
    expect(ids[1]).toBe(ids[2]);
    edit(alice, (doc) => doc.delete(1, 2));
    edit(bob, (doc) => doc.insert(0, "𝄞"));
    sync();
    expect(ids.map((id) => bob.root.indexOf(id))).toEqual([2, -1, -1, 3]);
    edit(bob, (doc) => {
      doc.insertAfter(ids[1]!, "x");
      doc.insertAfter(null, "^");
      expectMisuse(
        "unknown_element",
        () => doc.insertAfter("nobody:0", "x"),
        /no element "nobody:0"/,
      );
    });
    sync();
    expect(alice.view()).toBe("^𝄞axb");
  });

  test("takes NUL, byte order marks and combining characters as they are", () => {
    const [alice, bob, sync] = pair(text());
    const content = "\uFEFFa\0e\u0301\u{10FFFF}\uFFFD\u2028";
    edit(alice, (doc) => doc.append(content));
    sync();
    expect(bob.view()).toBe(content);
  });
});

describe("a map", () => {
  test("assigns and removes keys of any name", () => {
    const [alice, bob, sync] = pair(map(integer()));
    const keys = ["__proto__", "constructor", "toString", "1023", "", "🙂", "hasOwnProperty", "10"];
    edit(alice, (doc) => {
      expect(doc.has("toString")).toBe(false);
      expect(doc.get("__proto__")).toBeUndefined();
      expect(doc.delete("constructor")).toBe(false);
      keys.forEach((key, i) => doc.set(key, i));
    });
    sync();
    expect(Object.keys(bob.view()).sort()).toEqual([...keys].sort());
    expect(Object.getPrototypeOf(bob.view())).toBeNull();
    expect(bob.root.keys()).toEqual([...keys].sort());
    expect([...bob.root]).toEqual([...keys].sort().map((key) => [key, keys.indexOf(key)]));
    expect(keys.map((key) => bob.root.get(key))).toEqual(keys.map((_, i) => i));
    expect(bob.root.size).toBe(keys.length);
    edit(bob, (doc) => {
      for (const key of keys) expect(doc.delete(key)).toBe(true);
      expect(doc.delete("10")).toBe(false);
    });
    sync();
    expect(alice.view()).toEqual({});
  });

  test("takes well-formed keys of at most 1,024 bytes", () => {
    const document = open(map(integer()));
    edit(document, (doc) => {
      const wellFormed = /a key should be a well-formed string/;
      expectMisuse("bad_value", () => doc.set("\ud800", 1), wellFormed);
      expectMisuse("bad_value", () => doc.set(untyped(5), 1), wellFormed);
      expectMisuse("bad_value", () => doc.delete("\ud800"), wellFormed);
      expectMisuse("bad_value", () => doc.set("é".repeat(513), 1), /at most 1024 bytes/);
      expectMisuse(
        "bad_value",
        () => doc.set("k", 0.5),
        /the value of key "k" should be a safe integer/,
      );
      doc.set("é".repeat(512), 1);
    });
    expect(document.root.size).toBe(1);
  });

  test("lets an assignment survive a concurrent removal, and keeps conflicts readable", () => {
    const [alice, bob, sync] = pair(map(struct({ name: string(), tags: set(string()) })));
    edit(alice, (doc) => doc.set("k", { name: "first" }));
    sync();
    edit(alice, (doc) => doc.delete("k"));
    edit(bob, (doc) => doc.set("k", { name: "second", tags: ["x"] }));
    sync();
    expect(alice.view()).toEqual({ k: { name: "second", tags: ["x"] } });
    edit(alice, (doc) => doc.set("k", { name: "alice" }));
    edit(bob, (doc) => doc.set("k", { name: "bob" }));
    sync();
    expect(
      alice.root
        .conflicts("k")
        .map(({ value }) => value.name)
        .sort(),
    ).toEqual(["alice", "bob"]);
    expect(alice.root.conflicts("k")).toEqual(bob.root.conflicts("k"));
    expect(alice.root.conflicts("other")).toEqual([]);
    expect(alice.root.conflicts("k")[0]!.value).toEqual(alice.view()["k"]);
    edit(alice, (doc) => doc.delete("k"));
    sync();
    expect(bob.root.has("k")).toBe(false);
  });

  test("is entered at keys that hold containers", () => {
    const document = open(struct({ m: map(struct({ n: counter() })), leaves: map(string()) }));
    edit(document, (doc) => {
      doc.m.set("a", {});
      doc.m.at("a").n.increment();
      doc.leaves.set("a", "x");
      expectMisuse("unknown_element", () => doc.m.at("b"), /there is nothing at key "b"/);
      expectMisuse(
        "unknown_element",
        () => doc.leaves.at("a"),
        /use get and set for the value at key "a"/,
      );
    });
    expect(document.view()).toEqual({ m: { a: { n: 1n } }, leaves: { a: "x" } });
  });

  test("hides what was edited inside a value that is removed or replaced meanwhile", () => {
    const [alice, bob, sync] = pair(map(struct({ body: text() })));
    edit(alice, (doc) => doc.set("k", { body: "old" }));
    sync();
    edit(alice, (doc) => doc.set("k", { body: "new" }));
    edit(bob, (doc) => doc.at("k").body.append("!"));
    sync();
    expect(alice.view()).toEqual({ k: { body: "new" } });
  });
});

test("what is assigned to a handle with an equals sign is refused and not lost", () => {
  const [document] = pair(
    struct({
      map: map(string()),
      list: list(integer()),
      log: log(integer()),
      text: text(),
      counter: counter(),
      set: set(string()),
      leaf: string(),
    }),
  );
  edit(document, (doc) => {
    const refused = (handle: unknown, name: string | symbol, call: string): void => {
      const assign = (): unknown => ((handle as { [name: string | symbol]: unknown })[name] = 1);
      expectMisuse("bad_value", assign, /^nothing in a handle is assigned with "=": call \./);
      expect(assign).toThrow(call);
    };
    refused(doc.map, "a key", 'call .set("a key", …)');
    refused(doc.map, "", 'call .set("", …)');
    refused(doc.list, "0", "call .set(0, …)");
    refused(doc.list, "first", "call .push(…)");
    refused(doc.log, "0", "call .append(…)");
    refused(doc.text, "content", "call .insert(…)");
    refused(doc.counter, "sum", "call .increment(…)");
    refused(doc.set, Symbol("x"), "call .add(…)");
    refused(doc.leaf, "val", "call .set(…)");
    expect("nothing" in doc.map).toBe(false);
    expect(doc.text.toString()).toBe("");
  });
  expect(document.view().map).toEqual({});
});

describe("a struct", () => {
  const awkward = struct({
    ["__proto__"]: struct({
      ["__proto__"]: string({ default: "deep" }),
      valueOf: optional(json()),
    }),
    constructor: text(),
    toString: counter(),
    "1023": list(integer()),
    "": map(integer()),
    then: optional(string()),
  });

  test("has a handle for each field, whatever its name", () => {
    const [alice, bob, sync] = pair(awkward);
    expect(Object.keys(alice.root).sort()).toEqual(Object.keys(awkward.fields).sort());
    expect(Object.getPrototypeOf(alice.root)).toBeNull();
    expect(alice.view()).toEqual({
      ["__proto__"]: { ["__proto__"]: "deep" },
      constructor: "",
      toString: 0n,
      "1023": [],
      "": {},
    });
    expect(alice.root["__proto__"].valueOf.get()).toBeUndefined();
    edit(alice, (doc) => {
      doc["__proto__"]["__proto__"].set("x");
      doc["__proto__"].valueOf.set({ valueOf: 1 });
      doc.constructor.append("c");
      doc.toString.increment();
      doc["1023"].push(1);
      doc[""].set("", 1);
      doc.then.set("t");
    });
    // A struct with a field of that name is no promise.
    alice.change((doc) => doc);
    sync();
    expect(bob.view()).toEqual({
      ["__proto__"]: { ["__proto__"]: "x", valueOf: { valueOf: 1 } },
      constructor: "c",
      toString: 1n,
      "1023": [1],
      "": { "": 1 },
      then: "t",
    });
  });

  test("is made with awkward names in lists and maps just as well", () => {
    const [alice, bob, sync] = pair(struct({ l: list(awkward), m: map(awkward) }));
    const initial = JSON.parse(
      `{"__proto__": {"__proto__": "p"}, "constructor": "c", "toString": 5, "1023": [7], "": {"__proto__": 1}}`,
    ) as Parameters<typeof alice.root.l.push>[0];
    edit(alice, (doc) => {
      doc.l.push(initial, untyped({ ["__proto__"]: { ["__proto__"]: "q" } }));
      doc.m.set("__proto__", initial);
    });
    sync();
    const expected = {
      ["__proto__"]: { ["__proto__"]: "p" },
      constructor: "c",
      toString: 5n,
      "1023": [7],
      "": Object.fromEntries([["__proto__", 1]]),
    };
    expect(bob.view().l[0]).toEqual(expected);
    expect(bob.view().m["__proto__"]).toEqual(expected);
    expect(bob.view().l[1]).toMatchObject({ ["__proto__"]: { ["__proto__"]: "q" }, toString: 0n });
    expect(bob.root.l.at(1)["__proto__"]["__proto__"].get()).toBe("q");
  });

  test("is filled in where its initial value leaves something out, and refuses what it has no field for", () => {
    const schema = list(
      struct({
        name: string({ default: "anonymous" }),
        inner: struct({ x: integer(), y: optional(integer()) }),
        items: list(map(set(string()))),
        sum: counter(),
      }),
    );
    const [alice, bob, sync] = pair(schema);
    edit(alice, (doc) => {
      doc.push(
        untyped({}),
        { name: "full", inner: { x: 1, y: 2 }, items: [{ k: ["a", "a"] }, {}], sum: -3n },
        untyped({ name: undefined, inner: { y: 5 }, items: undefined }),
      );
      const bad = (value: unknown, message: RegExp): void =>
        expectMisuse("bad_value", () => doc.push(untyped(value)), message);
      bad({ nam: "x" }, /an item has no field "nam"; its fields are name, inner, items, sum/);
      bad({ inner: { z: 1 } }, /field "inner" has no field "z"; its fields are x, y/);
      bad({ inner: { x: "1" } }, /field "x" should be a safe integer, not "1"/);
      bad({ inner: 5 }, /field "inner" should be an object, not 5/);
      bad({ items: {} }, /field "items" should be an array, not an object/);
      bad({ items: [{ k: [1] }] }, /should be a string, not 1/);
      bad({ items: [{ k: "x" }] }, /should be an array, not "x"/);
      bad({ sum: 0.5 }, /integer of at most 64 bits, not 0\.5/);
      bad("x", /an item should be an object, not "x"/);
      bad(null, /an item should be an object, not null/);
      bad([], /an item should be an object, not an array/);
      bad(new Uint8Array(1), /an item should be an object/);
      bad(undefined, /not undefined/);
      bad(new Map([["name", "x"]]), /an item should be a plain object, not an instance of a class/);
      bad({ items: [new Date(0)] }, /should be a plain object/);
      bad({ ["__proto__"]: 1 }, /has no field "__proto__"/);
    });
    sync();
    expect(bob.view()).toEqual([
      { name: "anonymous", inner: { x: 0 }, items: [], sum: 0n },
      { name: "full", inner: { x: 1, y: 2 }, items: [{ k: ["a"] }, {}], sum: -3n },
      { name: "anonymous", inner: { x: 0, y: 5 }, items: [], sum: 0n },
    ]);
  });
});

describe("assigning to a field of a struct, as JavaScript lets everyone try,", () => {
  const schema = struct({
    r: string(),
    "two words": integer(),
    "1023": integer(),
    ["__proto__"]: boolean(),
    t: text(),
    c: counter(),
    s: set(string()),
    l: list(struct({ name: string() })),
    f: log(string()),
    m: map(string()),
    inner: struct({ x: integer() }),
  });

  test("is refused with what does it", () => {
    const document = open(schema);
    edit(document, (doc) => {
      doc.l.push({ name: "first" });
      for (const [target, name, message] of [
        [doc, "r", "call .r.set(…)"],
        [doc, "two words", 'call ["two words"].set(…)'],
        [doc, "1023", 'call ["1023"].set(…)'],
        [doc, "__proto__", "call .__proto__.set(…)"],
        [doc, "t", "call .t.insert(…)"],
        [doc, "c", "call .c.increment(…)"],
        [doc, "s", "call .s.add(…)"],
        [doc, "l", "call .l.push(…)"],
        [doc, "f", "call .f.append(…)"],
        [doc, "m", "call .m.set(…)"],
        [doc, "inner", "edit the fields of .inner"],
        [doc.inner, "x", "call .x.set(…)"],
        [doc.l.at(0), "name", "call .name.set(…)"],
      ] as const) {
        const said = new RegExp(`"=": ${message.replaceAll(/[.()[\]]/g, "\\$&")}$`);
        expectMisuse(
          "bad_value",
          () => (untyped<{ [name: string]: unknown }>(target)[name] = 5),
          said,
        );
      }
    });
    expectMisuse("bad_value", () => (untyped<{ r: string }>(document.root).r = "x"), / \.r\.set/);
    expect(document.view()).toMatchObject({ r: "", l: [{ name: "first" }], inner: { x: 0 } });
  });

  test("is not offered by the types, and every method that is named is there", () => {
    const document = open(schema);
    expectTypeOf<Handle<typeof schema>>().toEqualTypeOf<Readonly<Handle<typeof schema>>>();
    const { r, t, c, s, l, f, m } = document.root;
    const named = [r.set, t.insert, c.increment, s.add, l.push, f.append, m.set];
    expect(named.map((method) => typeof method)).toEqual(named.map(() => "function"));
  });
});

describe("the types of handles", () => {
  test("follow from the schema", () => {
    const schema = struct({
      s: string(),
      o: optional(integer()),
      t: text(),
      c: counter(),
      set: set(bytes()),
      l: list(struct({ b: bigint() })),
      m: map(list(boolean())),
      j: json(),
    });
    type Root = Handle<typeof schema>;
    expectTypeOf<Root["s"]>().toEqualTypeOf<RegisterHandle<string>>();
    expectTypeOf<Root["o"]>().toEqualTypeOf<RegisterHandle<number, number | undefined>>();
    expectTypeOf<ReturnType<Root["o"]["get"]>>().toEqualTypeOf<number | undefined>();
    expectTypeOf<Root["o"]["set"]>().parameters.toEqualTypeOf<[number]>();
    expectTypeOf<Root["t"]>().toEqualTypeOf<TextHandle>();
    expectTypeOf<Root["c"]>().toEqualTypeOf<CounterHandle>();
    expectTypeOf<Root["set"]>().toEqualTypeOf<SetHandle<Uint8Array>>();
    expectTypeOf<Root["l"]>().toExtend<ListHandle<unknown>>();
    expectTypeOf<ReturnType<Root["l"]["at"]>["b"]>().toEqualTypeOf<RegisterHandle<bigint>>();
    expectTypeOf<ReturnType<Root["l"]["get"]>>().toEqualTypeOf<
      { readonly b: bigint } | undefined
    >();
    expectTypeOf<Root["m"]>().toExtend<MapHandle<unknown>>();
    expectTypeOf<ReturnType<Root["m"]["at"]>>().toExtend<ListHandle<unknown>>();
    expectTypeOf<ReturnType<Root["m"]["get"]>>().toEqualTypeOf<boolean[] | undefined>();
    expectTypeOf<Root["j"]>().toEqualTypeOf<RegisterHandle<Value>>();
    expectTypeOf<Root>().toExtend<{ readonly s: unknown }>();
  });
});
