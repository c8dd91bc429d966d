/**
 * What the proof of concept could do, this library can do: its scenarios, with its outcomes wherever those were right.
 * (Where they were wrong, see attacks/prototype-mistakes.test.ts.)
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  boolean,
  canonicalJson,
  changeId,
  decodeBody,
  decodeGroup,
  Document,
  documentId,
  generateKeyPair,
  json,
  list,
  MisuseError,
  number,
  optional,
  sha256,
  string,
  struct,
  text,
  toHex,
} from "../src/index.ts";
import type { LocalChange, Schema, Value } from "../src/index.ts";

const ID = documentId("prototype");

/** Replicas of one document, each with its own author. */
function replicas<S extends Schema>(schema: S, count: number): Document<S>[] {
  return Array.from(
    { length: count },
    (_, i) =>
      new Document({ schema, id: ID, keyPair: generateKeyPair(new Uint8Array(32).fill(i + 1)) }),
  );
}

function pair<S extends Schema>(schema: S): [Document<S>, Document<S>] {
  return replicas(schema, 2) as [Document<S>, Document<S>];
}

/** Delivers changes in this order; returns what each led to. */
function deliver(to: Document<Schema>, ...changes: LocalChange[]): string[] {
  return changes.map((change) => to.receive(change.bytes).status);
}

function expectConverged(...documents: Document<Schema>[]): void {
  const [first] = documents;
  for (const document of documents) {
    expect(document.frontier().map(toHex)).toEqual(first!.frontier().map(toHex));
    expect(document.viewJson()).toBe(first!.viewJson());
    expect(document.viewDigest()).toBe(first!.viewDigest());
    expect(document.history.pending.count).toBe(0);
  }
}

/** The view as data that tests can compare: JSON has no prototypes. */
function viewOf(document: Document<Schema>): unknown {
  return JSON.parse(document.viewJson()) as unknown;
}

function misuse(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof MisuseError) return error.code;
    throw error;
  }
  return "none";
}

const Lww = struct({ a: optional(number()), b: optional(boolean()), c: optional(string()) });
const Letters = struct({ list: list(string()) });
const Item = struct({ name: string(), soulbound: boolean() });
const Player = struct({
  pos: struct({ x: number(), y: number() }),
  balance: number(),
  inventory: list(Item),
  messages: list(string()),
});

describe("a change", () => {
  it("says who made it, which of theirs it is, on what it builds, and has the SHA-256 of its bytes as id", () => {
    const [a, b] = pair(Letters);
    const first = a.change((doc) => doc.list.push("x"), { time: 1_700_000_000_000 });
    const second = a.change((doc) => doc.list.push("y"));
    expect(deliver(b, first, second)).toEqual(["applied", "applied"]);
    const { history } = b;
    expect(history.authorAt(1)).toEqual(a.author);
    expect([history.seqAt(0), history.seqAt(1)]).toEqual([1, 2]);
    expect([history.lamportAt(0), history.lamportAt(1)]).toEqual([1, 2]);
    expect(history.timeAt(0)).toBe(1_700_000_000_000);
    expect(history.prevAt(1)).toBe(0);
    expect(history.idAt(0)).toEqual(first.id);
    const [entry] = groupEntries(second);
    const tag = new TextEncoder().encode("bft-json-crdt/1 change\0");
    expect(second.id).toEqual(sha256(new Uint8Array([...tag, ...entry!.body])));
    expect(second.id).toEqual(changeId(entry!.body));
    expect(decodeBody(entry!.body)).toMatchObject({
      ok: true,
      value: { document: ID, author: a.author, seq: 2, prev: first.id, opCount: 1, elements: 1 },
    });
  });

  it("holds one op or many, and they apply together", () => {
    const [a, b] = pair(Player);
    const change = a.change((doc) => {
      doc.balance.set(10);
      doc.pos.x.set(1);
      doc.messages.push("hi", "there");
    });
    const seen: number[] = [];
    b.subscribe(({ changes }) => seen.push(changes.length));
    expect(deliver(b, change)).toEqual(["applied"]);
    expect(seen).toEqual([1]);
    expect(viewOf(b)).toMatchObject({
      balance: 10,
      pos: { x: 1, y: 0 },
      messages: ["hi", "there"],
    });
  });

  it("is all or nothing: when the callback throws, no edit of it stands and nothing is signed", () => {
    const [a, b] = pair(Letters);
    deliver(
      b,
      a.change((doc) => doc.list.push("x")),
    );
    expect(() =>
      a.change((doc) => {
        doc.list.push("y");
        throw new Error("second thoughts");
      }),
    ).toThrow("second thoughts");
    expect(viewOf(a)).toEqual({ list: ["x"] });
    expect(
      deliver(
        b,
        a.change((doc) => doc.list.push("z")),
      ),
    ).toEqual(["applied"]);
    expectConverged(a, b);
  });
});

function groupEntries(change: LocalChange): readonly { body: Uint8Array }[] {
  const group = decodeGroup(change.bytes);
  if (!group.ok) throw new Error(group.error.detail);
  return group.value;
}

describe("states of what is received", () => {
  const [a, b] = pair(Letters);
  const first = a.change((doc) => doc.list.push("x"));
  const second = a.change((doc) => doc.list.push("y"));

  it("pending, with the ids that are missing, for something whose dependencies have not come", () => {
    expect(b.receive(second.bytes)).toMatchObject({
      status: "pending",
      missing: [first.id],
      applied: [],
    });
    expect(viewOf(b)).toEqual({ list: [] });
  });

  it("applied, together with what waited for it", () => {
    expect(b.receive(first.bytes)).toMatchObject({
      status: "applied",
      missing: [],
      applied: [0, 1],
    });
    expect(viewOf(b)).toEqual({ list: ["x", "y"] });
  });

  it("duplicate for what is known", () => {
    expect(b.receive(first.bytes)).toMatchObject({ status: "duplicate", applied: [] });
    expect(b.receive(second.bytes)).toMatchObject({ status: "duplicate", applied: [] });
  });

  it("rejected, with a code, for what was altered on the way", () => {
    const third = a.change((doc) => doc.list.push("z"));
    const at = third.bytes.length - 70;
    const altered = third.bytes.slice();
    altered[at]! ^= 1;
    expect(b.receive(altered)).toMatchObject({ status: "rejected", applied: [] });
    const resigned = third.bytes.slice();
    resigned[third.bytes.length - 1]! ^= 1;
    expect(b.receive(resigned)).toMatchObject({ status: "rejected", code: "bad_signature" });
    expect(b.receive(third.bytes).status).toBe("applied");
  });

  it("rejected as malformed for what is no change at all", () => {
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode("{}"), new Uint8Array(99)]) {
      expect(b.receive(bytes)).toMatchObject({ status: "rejected", code: "malformed" });
    }
  });
});

describe("registers", () => {
  it("show the last value, of whoever has seen more", () => {
    const [a, b] = pair(Lww);
    expect(viewOf(a)).toEqual({});
    const a1 = a.change((doc) => doc.a.set(3));
    const a2 = a.change((doc) => doc.b.set(true));
    const b1 = b.change((doc) => doc.a.set(1.5));
    const b2 = b.change((doc) => doc.a.set(2.13));
    const b3 = b.change((doc) => doc.c.set("abc"));
    expect(viewOf(a)).toEqual({ a: 3, b: true });
    expect(viewOf(b)).toEqual({ a: 2.13, c: "abc" });
    expect(deliver(a, b1, b2, b3)).toEqual(["applied", "applied", "applied"]);
    expect(deliver(b, a1, a2)).toEqual(["applied", "applied"]);
    expectConverged(a, b);
    expect(viewOf(a)).toEqual({ a: 2.13, b: true, c: "abc" });
  });

  it("do not change when the same comes again, and not when it comes in another order", () => {
    const [a, b, c] = replicas(Lww, 3) as [
      Document<typeof Lww>,
      Document<typeof Lww>,
      Document<typeof Lww>,
    ];
    const one = a.change((doc) => doc.a.set(1));
    const two = a.change((doc) => doc.a.set(2));
    const three = b.change((doc) => doc.a.set(3));
    deliver(a, three);
    deliver(b, one, two, one, three, two);
    deliver(c, two, three, one);
    expectConverged(a, b, c);
    expect(viewOf(c)).toEqual({ a: 2 });
  });

  it("keep the values of several writers at once readable until somebody decides", () => {
    const [a, b] = pair(Lww);
    const one = a.change((doc) => doc.c.set("from a"));
    const two = b.change((doc) => doc.c.set("from b"));
    deliver(a, two);
    deliver(b, one);
    expectConverged(a, b);
    expect(
      a.root.c
        .conflicts()
        .map(({ value }) => value)
        .toSorted(),
    ).toEqual(["from a", "from b"]);
    expect(a.root.c.get()).toBe(a.root.c.conflicts()[0]!.value);
    const decided = b.change((doc) => doc.c.set("both"));
    deliver(a, decided);
    expectConverged(a, b);
    expect(a.root.c.conflicts().map(({ value }) => value)).toEqual(["both"]);
  });

  it("hold arbitrary JSON, replaced as a whole", () => {
    const Arbitrary = struct({ reg: json() });
    const [a, b] = pair(Arbitrary);
    expect(viewOf(a)).toEqual({ reg: null });
    const value: Value = {
      strct: [{ list: [1.5, -2, 1e300, 9007199254740991], ["__proto__"]: { x: null } }],
      text: "€ 🙂 \u0000",
      flag: false,
      empty: [{}, []],
    };
    deliver(
      b,
      a.change((doc) => doc.reg.set(value)),
    );
    expectConverged(a, b);
    expect(canonicalJson(b.root.reg.get())).toBe(canonicalJson(value));
    deliver(
      b,
      a.change((doc) => doc.reg.set([])),
    );
    expect(viewOf(b)).toEqual({ reg: [] });
  });

  it("hold whatever JSON there is, on the author's side as on the receiver's", () => {
    const Arbitrary = struct({ reg: json() });
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const [a, b] = pair(Arbitrary);
        deliver(
          b,
          a.change((doc) => doc.reg.set(value as Value)),
        );
        expectConverged(a, b);
        const expected = JSON.parse(JSON.stringify(value)) as unknown;
        expect(JSON.parse(b.viewJson())).toEqual({ reg: expected });
      }),
      { numRuns: 100 },
    );
  });
});

describe("nested structs", () => {
  it("have all their fields from the start", () => {
    const [a] = pair(Player);
    expect(viewOf(a)).toEqual({ balance: 0, inventory: [], messages: [], pos: { x: 0, y: 0 } });
    expect(Object.keys(a.root)).toEqual(["pos", "balance", "inventory", "messages"]);
    expect(Object.keys(a.root.pos)).toEqual(["x", "y"]);
  });

  it("merge field by field", () => {
    const [a, b] = pair(Player);
    const one = a.change((doc) => doc.pos.x.set(3.5));
    const two = b.change((doc) => {
      doc.pos.y.set(-4);
      doc.balance.set(100);
    });
    deliver(a, two);
    deliver(b, one);
    expectConverged(a, b);
    expect(viewOf(a)).toMatchObject({ pos: { x: 3.5, y: -4 }, balance: 100 });
  });

  it("in lists are edited inside by several people at once", () => {
    const [a, b] = pair(Player);
    deliver(
      b,
      a.change((doc) => doc.inventory.push({ name: "Sword", soulbound: true })),
    );
    const one = a.change((doc) => doc.inventory.at(0).name.set("Longsword"));
    const two = b.change((doc) => doc.inventory.at(0).soulbound.set(false));
    deliver(a, two);
    deliver(b, one);
    expectConverged(a, b);
    expect(viewOf(a)).toMatchObject({ inventory: [{ name: "Longsword", soulbound: false }] });
  });
});

describe("dependencies across fields", () => {
  it("hold the inventory back until the balance it requires is there", () => {
    const [a, b] = pair(Player);
    const balance = a.change((doc) => doc.balance.set(3_000));
    const inventory = a.change((doc) => doc.inventory.push({ name: "Sword", soulbound: true }), {
      requires: [balance.id],
    });
    expect(b.receive(inventory.bytes)).toMatchObject({ status: "pending", missing: [balance.id] });
    expect(viewOf(b)).toMatchObject({ balance: 0, inventory: [] });
    expect(deliver(b, balance)).toEqual(["applied"]);
    expectConverged(a, b);
    expect(viewOf(b)).toMatchObject({
      balance: 3_000,
      inventory: [{ name: "Sword", soulbound: true }],
    });
  });

  it("can name any change that is known, also of somebody else, also one built upon long ago", () => {
    const [a, b, c] = replicas(Player, 3) as [
      Document<typeof Player>,
      Document<typeof Player>,
      Document<typeof Player>,
    ];
    const balance = a.change((doc) => doc.balance.set(1));
    const more = a.change((doc) => doc.balance.set(2));
    deliver(b, balance, more);
    const bought = b.change((doc) => doc.inventory.push({ name: "Bow", soulbound: false }), {
      requires: [balance.id],
    });
    const { history } = b;
    const named = history
      .dependencies(history.indexOf(bought.id))
      .map((index) => toHex(history.idAt(index)));
    expect(named).toContain(toHex(balance.id));
    expect(deliver(c, bought, more, balance)).toEqual(["pending", "pending", "applied"]);
    deliver(a, bought);
    expectConverged(a, b, c);
  });

  it("can only be on what is here", () => {
    const [a] = pair(Player);
    const requires = [new Uint8Array(32)];
    expect(misuse(() => a.change((doc) => doc.balance.set(1), { requires }))).toBe(
      "unknown_dependency",
    );
    expect(a.view().balance).toBe(0);
    expect(misuse(() => a.change((doc) => doc.balance.set(1)))).toBe("none");
    expect(a.history.length).toBe(1);
  });

  it("of a long queue are let go in order once the first has come, whatever order they came in", () => {
    const [a, b] = pair(Letters);
    const changes = Array.from({ length: 50 }, (_, i) => a.change((doc) => doc.list.push(`${i}`)));
    for (const change of changes.slice(1).toReversed())
      expect(deliver(b, change)).toEqual(["pending"]);
    expect(b.history.pending.count).toBe(49);
    expect(b.receive(changes[0]!.bytes).applied).toHaveLength(50);
    expectConverged(a, b);
    expect(b.view().list).toEqual([...changes.keys()].map(String));
  });
});

describe("lists", () => {
  const viewList = (document: Document<typeof Letters>): string => document.view().list.join("");

  it("insert at an index and after an id, give the id at an index, delete by both, and iterate", () => {
    const [a, b] = pair(Letters);
    const changes = [a.change((doc) => doc.list.push("a", "c"))];
    const idOfA = a.root.list.idAt(0);
    changes.push(a.change((doc) => doc.list.insertAfter(idOfA, "b")));
    changes.push(a.change((doc) => doc.list.insert(0, "z")));
    changes.push(a.change((doc) => doc.list.insertAfter(null, "y")));
    expect(viewList(a)).toBe("yzabc");
    expect(a.root.list.indexOf(idOfA)).toBe(2);
    expect([...a.root.list]).toEqual(["y", "z", "a", "b", "c"]);
    expect(a.root.list.length).toBe(5);
    expect(a.root.list.get(4)).toBe("c");
    changes.push(a.change((doc) => expect(doc.list.deleteById(idOfA)).toBe(true)));
    changes.push(a.change((doc) => doc.list.delete(0)));
    changes.push(a.change((doc) => expect(doc.list.deleteById(idOfA)).toBe(false)));
    expect(viewList(a)).toBe("zbc");
    expect(a.root.list.indexOf(idOfA)).toBe(-1);
    // What is deleted is a place still.
    changes.push(a.change((doc) => doc.list.insertAfter(idOfA, "A")));
    expect(viewList(a)).toBe("zAbc");
    deliver(b, ...changes);
    expectConverged(a, b);
    // Ids are the same on every replica.
    expect(b.root.list.idAt(2)).toBe(a.root.list.idAt(2));
  });

  it("refuse what is not there, and stay as they are", () => {
    const [a] = pair(Letters);
    a.change((doc) => doc.list.push("a"));
    const id = a.root.list.idAt(0);
    const attempts: [string, () => unknown][] = [
      ["bad_index", () => a.change((doc) => doc.list.insert(2, "x"))],
      ["bad_index", () => a.change((doc) => doc.list.insert(-1, "x"))],
      ["bad_index", () => a.change((doc) => doc.list.insert(0.5, "x"))],
      ["bad_index", () => a.change((doc) => doc.list.delete(1))],
      ["bad_index", () => a.change((doc) => doc.list.delete(0, 2))],
      ["bad_index", () => a.root.list.idAt(1)],
      ["unknown_element", () => a.change((doc) => doc.list.deleteById(`${"0".repeat(64)}:0`))],
      ["unknown_element", () => a.change((doc) => doc.list.insertAfter("nonsense", "x"))],
      [
        "unknown_element",
        () => a.change((doc) => doc.list.insertAfter(id.replace(/0$/, "7"), "x")),
      ],
      ["not_in_change", () => a.root.list.push("x")],
    ];
    for (const [code, attempt] of attempts) expect(misuse(attempt)).toBe(code);
    expect(viewList(a)).toBe("a");
    expect(a.history.length).toBe(1);
  });

  it("wait for the element behind which somebody inserted", () => {
    const [a, b] = pair(Letters);
    const one = a.change((doc) => doc.list.push("a"));
    const two = a.change((doc) => doc.list.push("b"));
    deliver(b, one);
    const three = b.change((doc) => doc.list.push("c"));
    const other = replicas(Letters, 3)[2]!;
    expect(deliver(other, two, three)).toEqual(["pending", "pending"]);
    expect(deliver(other, one)).toEqual(["applied"]);
    deliver(a, three);
    deliver(b, two);
    expectConverged(a, b, other);
    expect(viewList(a)[0]).toBe("a");
    expect([...viewList(a)].toSorted().join("")).toBe("abc");
  });

  it("stay the same when the same comes again", () => {
    const [a, b] = pair(Letters);
    const one = a.change((doc) => doc.list.push("a"));
    const two = a.change((doc) => doc.list.delete(0));
    expect(deliver(b, one, one, two, two, one)).toEqual([
      "applied",
      "duplicate",
      "applied",
      "duplicate",
      "duplicate",
    ]);
    expectConverged(a, b);
    expect(viewList(b)).toBe("");
  });

  it("delete what two people delete at once only once", () => {
    const [a, b] = pair(Letters);
    deliver(
      b,
      a.change((doc) => doc.list.push("a", "b", "c")),
    );
    const one = a.change((doc) => doc.list.delete(1));
    const two = b.change((doc) => doc.list.delete(1, 2));
    deliver(a, two);
    deliver(b, one);
    expectConverged(a, b);
    expect(viewList(a)).toBe("a");
  });

  it("do not weave what two people type at one place at the same time", () => {
    const [a, b] = pair(Letters);
    const type = (document: Document<typeof Letters>, word: string): LocalChange[] =>
      [...word].map((letter) => document.change((doc) => doc.list.push(letter)));
    const left = type(a, "hello");
    const right = type(b, "WORLD");
    deliver(a, ...right);
    deliver(b, ...left.toReversed());
    expectConverged(a, b);
    expect(["helloWORLD", "WORLDhello"]).toContain(viewList(a));
  });

  it("converge however many people edit them in whatever order", () => {
    const anyEdit = fc.record({
      who: fc.nat(2),
      at: fc.nat(),
      do: fc.constantFrom("insert", "insertAfter", "delete", "deleteById", "sync"),
    });
    fc.assert(
      fc.property(
        fc.array(anyEdit, { minLength: 5, maxLength: 40, size: "max" }),
        fc.infiniteStream(fc.nat()),
        (edits, draws) => {
          const people = replicas(Letters, 3);
          const changes: LocalChange[] = [];
          for (const [n, edit] of edits.entries()) {
            const person = people[edit.who]!;
            const { list: letters } = person.root;
            if (edit.do === "sync") {
              for (const change of changes) person.receive(change.bytes);
              continue;
            }
            const isEmpty = letters.length === 0;
            changes.push(
              person.change(({ list }) => {
                const index = isEmpty ? 0 : edit.at % letters.length;
                if (edit.do === "insert" || isEmpty) list.insert(index, `${n}`);
                else if (edit.do === "insertAfter") list.insertAfter(list.idAt(index), `${n}`);
                else if (edit.do === "delete") list.delete(index);
                else list.deleteById(list.idAt(index));
              }),
            );
          }
          const shuffled = changes.map((change) => ({ change, at: draws.next().value! }));
          for (const person of people) {
            shuffled.sort((a, b) => a.at - b.at);
            for (const { change } of shuffled) person.receive(change.bytes);
            shuffled.reverse();
          }
          expectConverged(...people);
          expect(people[0]!.history.length).toBe(changes.length);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("lists of lists", () => {
  const Game = struct({ grid: list(list(boolean())) });

  it("are a grid in which several people set cells and add rows and cells at once", () => {
    const [a, b] = pair(Game);
    deliver(
      b,
      a.change((doc) => doc.grid.push([false, false], [false, false])),
    );
    const one = [
      a.change((doc) => doc.grid.at(0).at(0).set(true)),
      a.change((doc) => doc.grid.at(1).set(1, true)),
      a.change((doc) => doc.grid.at(0).push(true)),
    ];
    const two = [
      b.change((doc) => doc.grid.insert(1, [true, true])),
      b.change((doc) => doc.grid.at(2).delete(0)),
      b.change((doc) => doc.grid.at(0).at(1).set(true)),
    ];
    deliver(a, ...two);
    deliver(b, ...one.toReversed());
    expectConverged(a, b);
    expect(viewOf(a)).toEqual({ grid: [[true, true, true], [true, true], [true]] });
  });

  it("lose a row with all that is written into it at the same time", () => {
    const [a, b] = pair(Game);
    deliver(
      b,
      a.change((doc) => doc.grid.push([false], [false])),
    );
    const one = a.change((doc) => doc.grid.delete(0));
    const two = b.change((doc) => {
      doc.grid.at(0).push(true);
      doc.grid.at(0).at(0).set(true);
    });
    deliver(a, two);
    deliver(b, one);
    expectConverged(a, b);
    expect(viewOf(a)).toEqual({ grid: [[false]] });
  });
});

describe("wrong types", () => {
  const Typed = struct({
    reg: boolean(),
    strct: list(struct({ list: list(number()) })),
    title: text(),
  });

  it("are the caller's mistake on the way out", () => {
    const [a] = pair(Typed);
    const wrong = a.root as unknown as {
      reg: { set(value: unknown): void };
      strct: { push(...values: unknown[]): void };
      title: { insert(index: number, text: unknown): void };
    };
    const attempts: (() => void)[] = [
      () => wrong.reg.set(7),
      () => wrong.reg.set("true"),
      () => wrong.reg.set(null),
      () => wrong.reg.set(undefined),
      () => wrong.reg.set([true]),
      () => wrong.strct.push(7),
      () => wrong.strct.push({ list: 7 }),
      () => wrong.strct.push({ list: ["1"] }),
      () => wrong.strct.push({ list: [Number.NaN] }),
      () => wrong.strct.push({ other: [] }),
      () => wrong.strct.push([]),
      () => wrong.title.insert(0, 7),
      () => wrong.title.insert(0, "\ud800"),
    ];
    for (const attempt of attempts) expect(misuse(() => a.change(attempt))).toBe("bad_value");
    expect(viewOf(a)).toEqual({ reg: false, strct: [], title: "" });
    expect(a.history.length).toBe(0);
  });

  it("have no effect on the way in: an author of another mind is heard, and overheard", () => {
    const Other = struct({
      reg: json(),
      strct: list(struct({ list: list(json()), more: string() })),
      title: list(string()),
      unknown: number(),
    });
    const stranger = new Document({
      schema: Other,
      id: ID,
      keyPair: generateKeyPair(new Uint8Array(32).fill(77)),
    });
    const [a, b] = pair(Typed);
    deliver(
      b,
      a.change((doc) => {
        doc.reg.set(true);
        doc.strct.push({ list: [1] });
        doc.title.append("hi");
      }),
    );
    const misfits = [
      stranger.change((doc) => doc.reg.set("true")),
      stranger.change((doc) => doc.strct.push({ list: [], more: "x" })),
      stranger.change((doc) => doc.strct.push({ list: ["x"], more: "y" })),
      stranger.change((doc) => doc.title.push("a", "b")),
      stranger.change((doc) => doc.unknown.set(9)),
    ];
    for (const document of [a, b]) {
      expect(deliver(document, ...misfits)).toEqual(Array(5).fill("applied"));
      expect(viewOf(document)).toEqual({ reg: true, strct: [{ list: [1] }], title: "hi" });
    }
    // What fits of the same author counts.
    const fitting = stranger.change((doc) => doc.reg.set(false));
    const more = a.change((doc) => doc.strct.push({ list: [2] }));
    deliver(a, fitting);
    deliver(b, more, fitting);
    expectConverged(a, b);
    expect(viewOf(a)).toMatchObject({ strct: [{ list: [1] }, { list: [2] }] });
  });
});

describe("what is shown for people to look at", () => {
  it("is plain JSON, the same on every replica, whatever the order of keys on the way in", () => {
    const Arbitrary = struct({ reg: json() });
    const [a, b] = pair(Arbitrary);
    deliver(
      b,
      a.change((doc) => doc.reg.set({ z: 1, a: 2, m: { y: 1, b: 2 } })),
    );
    expect(b.viewJson()).toBe('{"reg":{"a":2,"m":{"b":2,"y":1},"z":1}}');
    expect(b.viewDigest()).toBe(toHex(sha256(new TextEncoder().encode(b.viewJson()))));
    expectConverged(a, b);
  });

  it("survives saving and loading", () => {
    const [a, b] = pair(Player);
    deliver(
      b,
      a.change((doc) => doc.messages.push("one", "two")),
    );
    deliver(
      a,
      b.change((doc) => doc.messages.delete(0)),
    );
    const loaded = Document.load(a.save(), { schema: Player, id: ID });
    if (!loaded.ok) throw new Error(loaded.error.detail);
    expectConverged(a, b, loaded.value);
  });
});
