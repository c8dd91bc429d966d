/**
 * What liars try, and what honest replicas make of it. The first part takes the mistakes of the proof of concept one by
 * one (its node, relayer and demos, 16 to 18, have their tests where those are); the others are attacks on each type.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bigint,
  boolean,
  counter,
  Document,
  documentId,
  encodeGroup,
  History,
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
  toHex,
} from "../src/index.ts";
import type { LocalChange, Schema, Value } from "../src/index.ts";
import { signedMessage } from "../src/change/index.ts";
import { encodeValue } from "../src/encoding/index.ts";
import { forge, groupOf, op, ops, person, signAgain, signed } from "./forge.ts";
import type { Forged, Recipe } from "./forge.ts";

const ID = documentId("attacks");
const [ALICE, BOB, MALLORY] = [person(10), person(11), person(12)];

const Everything = struct({
  reg: string(),
  flag: boolean(),
  num: number(),
  int: integer(),
  big: bigint(),
  any: json(),
  opt: optional(string()),
  words: list(string()),
  gaps: list(optional(string())),
  items: list(struct({ name: string(), qty: integer(), tags: set(string()), log: list(string()) })),
  title: text(),
  pages: map(string()),
  people: map(struct({ name: string(), log: list(string()) })),
  total: counter(),
  tags: set(string()),
  deep: struct({ inner: struct({ x: number(), words: list(string()) }) }),
});

function replica<S extends Schema = typeof Everything>(
  keyPair = ALICE,
  schema: S = Everything as unknown as S,
  chain = 0n,
): Document<S> {
  return new Document({ schema, id: ID, keyPair, chain });
}

/** One of Mallory's changes. */
function mallory(recipe: Partial<Recipe> = {}): Forged {
  return forge({ document: ID, author: MALLORY, ...recipe });
}

/** The changes, in the order in which `of` has them, as if they were forged: to be built upon. */
function known(of: Document<Schema>): Forged[] {
  const { history } = of;
  return Array.from({ length: history.length }, (_, index) => {
    const body = history.bodyAt(index);
    const id = history.idAt(index);
    const signature = history.signatureAt(index) ?? new Uint8Array(64);
    const header = {
      document: of.id,
      author: history.authorAt(index),
      chain: history.chainAt(index),
      seq: history.seqAt(index),
      prev: history.prevAt(index) < 0 ? null : history.idAt(history.prevAt(index)),
      parents: [],
      refs: [],
      lamport: history.lamportAt(index),
      time: history.timeAt(index),
    };
    return {
      id,
      hex: toHex(id),
      header,
      body,
      signature,
      group: encodeGroup([{ body, signature }]),
    };
  });
}

/** The same every time, so that a failure is seen again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const draw = random(seed);
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

/**
 * Delivers groups to honest replicas in several orders, forwards, backwards and at random, some of them twice. All must
 * have applied and show the same. Returns one of them.
 */
function converge<S extends Schema = typeof Everything>(
  groups: readonly Uint8Array[],
  schema: S = Everything as unknown as S,
): Document<S> {
  const orders = [groups, groups.toReversed(), ...[1, 2, 3].map((seed) => shuffled(groups, seed))];
  const documents = orders.map((order) => {
    const document = replica(BOB, schema);
    // A listener makes patches: they must not trip over anything either.
    document.subscribe(() => undefined);
    for (const group of [...order, order[0]!]) document.receive(group);
    return document;
  });
  const [first] = documents as [Document<S>];
  for (const document of documents) {
    expect(document.history.pending).toEqual({ count: 0, bytes: 0 });
    expect(document.frontier().map(toHex)).toEqual(first.frontier().map(toHex));
    expect(document.viewJson()).toBe(first.viewJson());
    expect(forksOf(document)).toEqual(forksOf(first));
  }
  return first;
}

/** What is known of equivocations: the same everywhere, in whatever order it came out. */
function forksOf({ history }: Document<Schema>): string[] {
  return history
    .forks()
    .map(({ seq, ids }) => `#${seq}: ${ids.map(toHex).join(" ")}`)
    .toSorted();
}

const groupsOf = (changes: readonly { readonly group: Uint8Array }[]): Uint8Array[] =>
  changes.map(({ group }) => group);

const bytesOf = (...changes: LocalChange[]): Uint8Array[] => changes.map(({ bytes }) => bytes);

function viewOf(document: Document<Schema>): Record<string, unknown> {
  return JSON.parse(document.viewJson()) as Record<string, unknown>;
}

/** What a change does to a document that holds a bit of everything: nothing, if the view stays the same. */
function expectNoEffect(...attempts: (readonly Uint8Array[])[]): void {
  const { document, last, view } = ground();
  const lies: Forged[] = [];
  for (const attempt of attempts) {
    lies.push(mallory({ parents: [last], prev: lies.at(-1) ?? null, ops: attempt }));
    expect(document.receive(lies.at(-1)!.group)).toMatchObject({ status: "applied" });
    expect(viewOf(document)).toEqual(view);
  }
  const groups = known(document).map(({ group }) => group);
  expect(viewOf(converge(groups))).toEqual(view);
  // Honest people can go on where the liar was.
  const other = replica(BOB);
  for (const group of groups) other.receive(group);
  const more = document.change((doc) => {
    doc.words.push("more");
    doc.title.append("!");
    doc.reg.set("more");
    doc.items.at(0).qty.set(9);
    doc.total.increment(1);
    doc.tags.add("more");
    doc.pages.set("more", "more");
  });
  expect(other.receive(more.bytes).status).toBe("applied");
  expect(other.viewJson()).toBe(document.viewJson());
  expect(viewOf(document)).not.toEqual(view);
}

/** A document of Alice's with something in every container; `last` is its one head, the only change. */
function ground(): { document: Document<typeof Everything>; last: Forged; view: unknown } {
  const document = replica(ALICE);
  document.change((doc) => {
    doc.reg.set("r"); // element 0
    doc.words.push("a", "b", "c"); // 1, 2, 3
    doc.title.append("text"); // 4 … 7
    doc.items.push({ name: "i", qty: 1, tags: ["t"], log: ["l"] }); // 8; inside 9, 10
    doc.pages.set("k", "v"); // 11
    doc.people.set("p", { name: "n", log: ["m"] }); // 12; inside 13
    doc.total.increment(5);
    doc.tags.add("x"); // 14
    doc.gaps.push("g"); // 15
  });
  return { document, last: known(document)[0]!, view: viewOf(document) };
}

describe("mistake 1: only the outer author is checked", () => {
  it("nobody can sign in another's name, on a chain of theirs or their own", () => {
    const { document, last, view } = ground();
    const assign = [ops.assign(["reg"], "mine now")];
    const honest = forge({ document: ID, author: ALICE, prev: last, ops: assign });
    const stolen = [
      // Alice's name, Mallory's signature.
      signed(honest.body, honest.header, MALLORY),
      // Mallory's name and signature on Alice's chain.
      mallory({ prev: last, ops: assign }),
      // Alice's signature of something else.
      { ...honest, group: groupOf([{ ...honest, signature: last.signature }]) },
    ];
    const codes = stolen.map(({ group }) => document.receive(group).code);
    expect(codes).toEqual(["bad_signature", "wrong_prev", "bad_signature"]);
    expect(viewOf(document)).toEqual(view);
    // And what Alice signs herself applies, although a stranger had it first.
    expect(document.receive(honest.group).status).toBe("applied");
    expect(document.view().reg).toBe("mine now");
  });
});

describe("mistake 2: the path is outside the id, and hashed with losses", () => {
  it("an op that is moved to another path is another change, and not signed by its author", () => {
    const body = forge({ document: ID, author: ALICE, ops: [ops.assign(["reg"], "x")] });
    const moved = forge({ document: ID, author: ALICE, ops: [ops.assign(["opt"], "x")] });
    expect(moved.hex).not.toBe(body.hex);
    const document = replica(BOB);
    const group = encodeGroup([{ body: moved.body, signature: body.signature }]);
    expect(document.receive(group).code).toBe("bad_signature");
    expect(viewOf(document)["opt"]).toBeUndefined();
  });

  it("paths that read alike are different, and only the true one has an effect", () => {
    const paths = [
      ["deep", "inner", "x"],
      ["deep.inner", "x"],
      ["deepinner", "x"],
      ["deep", "inner.x"],
      ["deep", "inner", "x", ""],
    ];
    const changes = paths.map((path) =>
      forge({ document: ID, author: ALICE, ops: [ops.assign(path, 7)] }),
    );
    expect(new Set(changes.map(({ hex }) => hex)).size).toBe(paths.length);
    const shown = changes.map(({ group }) => converge([group]).view().deep.inner.x);
    expect(shown).toEqual([7, 0, 0, 0, 0]);
  });
});

describe("mistake 3: a chosen sequence number wins for ever", () => {
  it("numbers follow from the links, and an author can choose none that decides an order", () => {
    const { document, last, view } = ground();
    const assign = [ops.assign(["reg"], "for ever")];
    const greatest = Number.MAX_SAFE_INTEGER;
    const lies: [string, Forged][] = [
      ["malformed", mallory({ ops: assign, lies: { seq: greatest } })],
      ["wrong_prev", mallory({ ops: assign, prev: mallory(), lies: { seq: greatest } })],
      ["wrong_lamport", mallory({ ops: assign, parents: [last], lies: { lamport: greatest } })],
      ["wrong_lamport", mallory({ ops: assign, parents: [last], lies: { lamport: 1 } })],
    ];
    document.receive(mallory().group);
    for (const [code, { group }] of lies) expect(document.receive(group).code).toBe(code);
    // Beyond the safe integers there is no encoding.
    const beyond = encodeValue([
      1,
      ID,
      MALLORY.publicKey,
      0,
      2n ** 64n - 1n,
      last.id,
      [],
      1,
      null,
      [],
      [],
    ]);
    expect(document.receive(signed(beyond, last.header, MALLORY).group).code).toBe("malformed");
    expect(viewOf(document)).toEqual(view);
    // A claimed time, of which anyone may choose any, orders nothing.
    document.receive(mallory({ chain: 1n, ops: assign, time: greatest }).group);
    document.change((doc) => doc.reg.set("honest"));
    expect(document.view().reg).toBe("honest");
    expect(document.history.lamportAt(document.history.length - 1)).toBe(2);
  });
});

describe("mistake 4: equal (seq, author) is ordered by arrival", () => {
  it("an equivocator with two changes of one number does not split honest replicas", () => {
    const [first, second] = [1, 2].map((n) =>
      mallory({
        time: n,
        ops: [
          ops.assign(["reg"], `value ${n}`),
          ops.insert(["words"], `a${n}`, `b${n}`),
          ops.text(["title"], `text ${n}`),
        ],
      }),
    ) as [Forged, Forged];
    const [a, b] = [replica(ALICE), replica(BOB)];
    a.receive(first.group);
    b.receive(second.group);
    expect(a.view().reg).not.toBe(b.view().reg);
    // Each goes on with what it has seen before the lie comes out.
    const more = a.change((doc) => doc.words.push("from a"));
    const other = b.change((doc) => doc.title.append(" from b"));
    for (const document of [a, b]) {
      for (const group of [second.group, first.group, other.bytes, more.bytes])
        document.receive(group);
    }
    expect(a.viewJson()).toBe(b.viewJson());
    expect(a.frontier()).toEqual(b.frontier());
    expect(a.history.forks()[0]!.author).toEqual(MALLORY.publicKey);
    expect(converge([...groupsOf([first, second]), ...bytesOf(more, other)]).viewJson()).toBe(
      a.viewJson(),
    );
  });
});

describe("mistake 5: nested containers forget who their author is", () => {
  it("two honest people who edit inside one container at once converge, with no attacker at all", () => {
    const { document: a, last } = ground();
    const b = replica(BOB);
    b.receive(last.group);
    const edit = (who: string) => (doc: typeof a.root) => {
      doc.items.at(0).log.push(who, `${who}${who}`);
      doc.items.at(0).name.set(who);
      doc.items.at(0).tags.add(who);
      doc.people.at("p").log.insert(0, who);
      doc.deep.inner.words.push(who);
      doc.deep.inner.x.set(who === "a" ? 1 : 2);
    };
    const [one, two] = [a.change(edit("a")), b.change(edit("b"))];
    a.receive(two.bytes);
    b.receive(one.bytes);
    expect(a.viewJson()).toBe(b.viewJson());
    const { items, people, deep } = converge([last.group, ...bytesOf(one, two)]).view();
    expect(items[0]!.log.toSorted()).toEqual(["a", "aa", "b", "bb", "l"]);
    expect(items[0]!.tags).toEqual(["a", "b", "t"]);
    expect(people["p"]!.log.toSorted()).toEqual(["a", "b", "m"]);
    expect(deep.inner.words.toSorted()).toEqual(["a", "b"]);
  });
});

describe("mistake 6: ids hash the print of an unordered map", () => {
  it("an object has one id whatever the order of its keys, and every receiver agrees", () => {
    const object = fc.dictionary(fc.string({ unit: "binary", maxLength: 4 }), fc.nat(), {
      minKeys: 3,
      maxKeys: 9,
    });
    fc.assert(
      fc.property(object, (given) => {
        const turned = Object.fromEntries(Object.entries(given).toReversed());
        const changes = [given, turned].map((value) =>
          replica(ALICE).change((doc) => doc.any.set(value), { time: 0 }),
        );
        expect(changes[1]!.bytes).toEqual(changes[0]!.bytes);
        const receiver = replica(BOB);
        expect(receiver.receive(changes[0]!.bytes).status).toBe("applied");
        expect(JSON.parse(receiver.viewJson())).toMatchObject({
          any: JSON.parse(JSON.stringify(given)) as unknown,
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe("mistake 7: a failed change counts as received", () => {
  it("what builds on a refused change is refused, whichever comes first", () => {
    const lie = mallory({ lies: { lamport: 2 }, ops: [ops.assign(["reg"], "lie")] });
    const child = forge({
      document: ID,
      author: ALICE,
      parents: [lie],
      ops: [ops.assign(["reg"], "child")],
    });
    const grandchild = forge({
      document: ID,
      author: BOB,
      refs: [child],
      ops: [ops.increment(["total"], 1)],
    });
    for (const order of [
      [lie, child, grandchild],
      [grandchild, child, lie],
      [child, lie, grandchild],
    ]) {
      const document = replica(BOB);
      for (const { group } of order) document.receive(group);
      expect(document.history.length).toBe(0);
      expect(document.history.pending.count).toBe(0);
      expect(document.view()).toMatchObject({ reg: "", total: 0n });
      expect(document.receive(grandchild.group).code).toBe("rejected_dependency");
    }
  });

  it("an op without effect fails alone: the change is known, and what builds on it applies", () => {
    const inert = mallory({ ops: [ops.assign(["reg"], 7), ops.increment(["total"], 3)] });
    const child = forge({
      document: ID,
      author: ALICE,
      parents: [inert],
      ops: [ops.assign(["reg"], "ok")],
    });
    expect(converge(groupsOf([inert, child])).view()).toMatchObject({ reg: "ok", total: 3n });
  });
});

describe("mistake 8: dependencies name signatures", () => {
  it("two valid signatures under one change do not part those who build on it", () => {
    const change = mallory({ ops: [ops.assign(["reg"], "x")] });
    const again = signAgain(signedMessage(change.id), MALLORY, 123_456_789n);
    expect(again).not.toEqual(change.signature);
    const [a, b] = [replica(ALICE), replica(BOB)];
    expect(a.receive(change.group).status).toBe("applied");
    expect(b.receive(encodeGroup([{ body: change.body, signature: again }])).status).toBe(
      "applied",
    );
    const [one, two] = [
      a.change((doc) => doc.reg.set("a")),
      b.change((doc) => doc.words.push("b")),
    ];
    expect(a.receive(two.bytes).status).toBe("applied");
    expect(b.receive(one.bytes).status).toBe("applied");
    expect(a.frontier()).toEqual(b.frontier());
    expect(a.viewJson()).toBe(b.viewJson());
    expect(a.receive(encodeGroup([{ body: change.body, signature: again }])).status).toBe(
      "duplicate",
    );
    expect(a.history.forks()).toEqual([]);
  });
});

describe("mistake 9: nothing says which document a change is of", () => {
  it("a change replayed into another document is refused, and so is all that was built on it", () => {
    const { document, last } = ground();
    const next = document.change((doc) => doc.reg.set("pay 10"));
    const elsewhere = new Document({
      schema: Everything,
      id: documentId("elsewhere"),
      keyPair: BOB,
    });
    for (const group of [last.group, next.bytes, groupOf(known(document))]) {
      expect(elsewhere.receive(group)).toMatchObject({
        status: "rejected",
        code: "wrong_document",
        applied: [],
      });
    }
    expect(elsewhere.history.length).toBe(0);
    expect(elsewhere.history.pending.count).toBe(0);
    // A chain does not go on in another document.
    const hopping = forge({
      document: elsewhere.id,
      author: ALICE,
      prev: last,
      ops: [ops.assign(["reg"], "x")],
    });
    expect(elsewhere.receive(hopping.group).code).toBe("rejected_dependency");
    expect(new History({ document: elsewhere.id }).receive(hopping.group).status).toBe("pending");
    // The same author may be in both.
    const alice = new Document({ schema: Everything, id: elsewhere.id, keyPair: ALICE, chain: 0n });
    expect(elsewhere.receive(alice.change((doc) => doc.reg.set("here")).bytes).status).toBe(
      "applied",
    );
  });
});

describe("mistake 10: ops that point at nothing end the process", () => {
  const contents: [string, (place: (number | string)[]) => Uint8Array][] = [
    ["insert values", (place) => ops.insert(place, "x")],
    ["insert text", (place) => ops.text(place, "x")],
    ["assign", (place) => ops.assign(place, "x")],
    ["clear", (place) => ops.clear(place)],
    ["increment", (place) => ops.increment(place, 1)],
    ["add", (place) => ops.add(place, "x")],
  ];
  // Parents come second, so that ref 2 is Alice's change.
  const nowhere: (number | string)[][] = [
    [],
    ["nope"],
    [""],
    ["deep"],
    ["deep", "inner"],
    ["deep", "nope"],
    ["reg", "x"],
    ["title", "x", "y"],
    ["__proto__"],
    ["constructor", "prototype"],
    ["deep", "__proto__"],
    [0, 0, 0],
    [0, 0, 0, "reg"],
    [1, 0, 0, "reg"],
    [2, 0, 99, "name"],
    [2, 1, 8, "name"],
    [2, 2 ** 53 - 1, 8, "name"],
    [2, 0, 2 ** 53 - 1],
    [9, 0, 8, "name"],
    [2 ** 53 - 1, 0, 0],
    [2, 0, 8],
    [2, 0, 8, "nope"],
    [2, 0, 8, "name", "x"],
    [2, 0, 9],
    [2, 0, 14],
    [2, 0, 4],
    [2, 0, 0],
    [2, 0, 0, "reg"],
    [2, 0, 12],
    [2, 0, 12, "nope"],
  ];

  it.each(contents)("%s has no effect where nothing of its kind is", (_what, made) => {
    expectNoEffect(...nowhere.map((place) => [made(place)]));
  });

  it("removals of what does not exist have no effect, not even on what else they name", () => {
    expectNoEffect(
      [ops.remove([0, 0, 0, 1])],
      [ops.remove([1, 0, 0, 1])],
      [ops.remove([2, 0, 99, 1])],
      [ops.remove([2, 0, 0, 99])],
      [ops.remove([2, 0, 15, 2])],
      [ops.remove([2, 1, 0, 1])],
      [ops.remove([2, 0, 0, 2 ** 53 - 1])],
      [ops.remove([2, 0, 2 ** 53 - 1, 2 ** 53 - 1])],
      [ops.remove([2, 2 ** 53 - 1, 0, 1])],
      [ops.remove([2 ** 53 - 1, 0, 0, 1])],
      [ops.remove([2, 0, 1, 1], [2, 0, 99, 1])],
      [ops.remove([9, 0, 0, 1], [2, 0, 1, 1])],
    );
  });

  it("references beside what does not exist have no effect", () => {
    const elements = [
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
      [2, 0, 99],
      [2, 1, 1],
      [3, 0, 0],
      [2 ** 53 - 1, 2 ** 53 - 1, 2 ** 53 - 1],
    ];
    for (const side of [0, 1] as const) {
      expectNoEffect(
        ...elements.map((element) => [ops.insertBy(side, element, "x")]),
        ...elements.map((element) => [ops.textBy(side, element, "x")]),
      );
    }
  });
});

describe("mistake 11: a wrong type wipes a register or leaves a phantom", () => {
  const wrong: [string, Value][] = [
    ["reg", 7],
    ["reg", null],
    ["reg", true],
    ["reg", new Uint8Array(1)],
    ["reg", ["x"]],
    ["reg", {}],
    ["flag", 0],
    ["flag", "true"],
    ["num", "1"],
    ["num", 2n ** 60n],
    ["int", 0.5],
    ["int", 2n ** 53n],
    ["big", 0.5],
    ["big", "1"],
    ["opt", 1],
    ["opt", null],
  ];

  it("an assignment of a wrong type leaves the register as it is, with what it pretends to replace", () => {
    expectNoEffect(
      ...wrong.map(([name, value]) => [ops.assign([name], value)]),
      ...wrong.map(([name, value]) => [ops.assign([name], value, [2, 0, 0, 1])]),
      [ops.assign(["pages", "k"], 7, [2, 0, 11, 1])],
      [ops.assign(["pages", "new"], { a: 1 })],
      [ops.assign(["people", "p"], "x", [2, 0, 12, 1])],
      [ops.assign(["people", "p"], { name: 7 }, [2, 0, 12, 1])],
      [ops.assign(["people", "p"], { nope: "x" }, [2, 0, 12, 1])],
      [ops.assign(["people", "p"], { log: ["x"] }, [2, 0, 12, 1])],
      [ops.assign(["people", "p"], null, [2, 0, 12, 1])],
      [ops.assign([2, 0, 8, "name"], 7, [2, 0, 8, 1])],
      [ops.add(["tags"], 7, [2, 0, 14, 1])],
      [ops.add(["tags"], null)],
    );
  });

  it("items of a wrong type are not shown and shift no index, and others can still stand beside them", () => {
    const { document, last, view } = ground();
    const lie = mallory({
      parents: [last],
      ops: [
        ops.insertBy(1, [2, 0, 1], 7, 8),
        ops.insertBy(1, [2, 0, 8], { name: 7 }),
        ops.insert(["words"], "fits", null),
        ops.insert(["title"], "x"),
        ops.text(["words"], "x"),
        ops.insertBy(1, [2, 0, 5], "x"),
        ops.textBy(1, [2, 0, 1], "x"),
      ],
    });
    document.receive(lie.group);
    expect(viewOf(document)).toEqual(view);
    expect(document.root.words.length).toBe(3);
    expect(document.root.words.idAt(1)).toBe(`${last.hex}:2`);
    // Beside the second phantom, which stands between "a" and "b".
    const beside = forge({
      document: ID,
      author: BOB,
      parents: [lie],
      ops: [ops.insertBy(1, [2, 0, 1], "here")],
    });
    const edit = document.change((doc) => doc.words.insert(1, "a2"));
    const result = converge([...groupsOf([last, lie, beside]), edit.bytes]);
    expect(result.view().words.toSorted()).toEqual(["a", "a2", "b", "c", "here"]);
    expect(result.view().words.slice(-2)).toEqual(["b", "c"]);
    expect(result.view().words[0]).toBe("a");
  });
});

describe("mistake 12: an insertion behind a deletion waits for ever", () => {
  it("what is deleted is a place like any other", () => {
    const { document, last } = ground();
    const removal = document.change((doc) => doc.words.delete(1));
    const behind = forge({
      document: ID,
      author: BOB,
      prev: null,
      refs: [last],
      ops: [ops.insertBy(1, [2, 0, 2], "x")],
    });
    const later = mallory({
      parents: known(document).slice(1),
      refs: [last],
      ops: [ops.insertBy(0, [3, 0, 2], "y")],
    });
    const result = converge([last.group, removal.bytes, behind.group, later.group]);
    expect(result.view().words).toEqual(["a", "y", "x", "c"]);
  });

  it("an insertion that names a deletion, which makes no element, has no effect and does not wait", () => {
    const { document, last } = ground();
    const removal = document.change((doc) => doc.words.delete(1));
    const [, deletion] = known(document);
    const lie = mallory({
      parents: [deletion!],
      ops: [ops.insertBy(1, [2, 0, 0], "x"), ops.increment(["total"], 1)],
    });
    const result = converge([last.group, removal.bytes, lie.group]);
    expect(result.view()).toMatchObject({ words: ["a", "c"], total: 6n });
  });
});

describe("mistake 13: draining a reversed chain recurses", () => {
  it("10,000 changes that come last first are all applied when the first comes", () => {
    const line: Forged[] = [];
    for (let i = 0; i < 10_000; i++) {
      line.push(mallory({ prev: line.at(-1) ?? null, ops: [ops.increment(["total"], 1)] }));
    }
    const document = new Document({
      schema: Everything,
      id: ID,
      limits: { pendingBytes: 1e9, pendingBytesPerPeer: 1e9, pendingBytesPerAuthor: 1e9 },
    });
    // Groups of 1,000, themselves the wrong way round.
    for (let end = line.length; end > 1; end -= 1_000) {
      const part = line.slice(Math.max(1, end - 1_000), end);
      expect(document.receive(groupOf(part.toReversed())).status).toBe("pending");
    }
    expect(document.history.pending.count).toBe(9_999);
    expect(document.receive(line[0]!.group).applied).toHaveLength(10_000);
    expect(document.view().total).toBe(10_000n);
  });
});

describe("mistake 14: the queue has no bound", () => {
  it("a flood of changes that wait for ever stays within the bounds, and honest changes still arrive", () => {
    const limits = {
      pendingBytes: 40_000,
      pendingBytesPerPeer: 20_000,
      pendingBytesPerAuthor: 20_000,
    };
    const document = new Document({ schema: Everything, id: ID, keyPair: BOB, limits });
    const alice = replica(ALICE);
    const first = alice.change((doc) => doc.words.push("first"));
    const second = alice.change((doc) => doc.words.push("second"));
    expect(document.receive(second.bytes, "honest").status).toBe("pending");
    for (let i = 0; i < 300; i++) {
      const never = mallory({ chain: BigInt(i) });
      const flood = mallory({
        chain: BigInt(i),
        prev: never,
        ops: [ops.assign(["reg"], "x".repeat(i))],
      });
      document.receive(flood.group, `peer ${i % 3}`);
      expect(document.history.pending.bytes).toBeLessThanOrEqual(limits.pendingBytes);
    }
    expect(document.history.pending.count).toBeGreaterThan(5);
    document.receive(first.bytes, "honest");
    document.receive(second.bytes, "honest");
    expect(document.view().words).toEqual(["first", "second"]);
  });
});

describe("mistake 15: a sequence number is used again after a deletion", () => {
  it("it is an equivocation like any other: both branches stay, everybody converges, the proof is there", () => {
    const insert = mallory({ ops: [ops.insert(["words"], "x"), ops.assign(["reg"], "x")] });
    const removal = mallory({ prev: insert, ops: [ops.remove([1, 0, 0, 2])] });
    const reuse = mallory({
      prev: insert,
      ops: [ops.insertBy(1, [1, 0, 0], "y"), ops.assign(["reg"], "y", [1, 0, 1, 1])],
    });
    const result = converge(groupsOf([insert, removal, reuse]));
    expect(result.view()).toMatchObject({ words: ["y"], reg: "y" });
    const [proof] = result.history.forks();
    expect(proof).toMatchObject({ author: MALLORY.publicKey, seq: 2 });
    // Nobody is shunned: what the liar wrote can be built upon and deleted.
    const mend = forge({
      document: ID,
      author: ALICE,
      parents: [removal, reuse],
      refs: [insert],
      ops: [],
    });
    const order = [removal, reuse].toSorted((a, b) => (a.hex < b.hex ? -1 : 1));
    const ref = 2 + order.indexOf(reuse);
    const clean = forge({
      document: ID,
      author: ALICE,
      prev: mend,
      parents: [removal, reuse],
      ops: [ops.remove([ref, 0, 0, 2])],
    });
    expect(converge(groupsOf([insert, removal, reuse, mend, clean])).view()).toMatchObject({
      words: [],
      reg: "",
    });
  });
});

describe("equivocation", () => {
  /** For each type what an author can do first, and then on top of it (its elements are those of ref 1). */
  const kinds: [string, Uint8Array[], (n: number) => Uint8Array[]][] = [
    ["a register", [ops.assign(["reg"], "0")], (n) => [ops.assign(["reg"], `${n}`, [1, 0, 0, 1])]],
    [
      "a list",
      [ops.insert(["words"], "a", "b")],
      (n) => [ops.insertBy(1, [1, 0, 0], `${n}`, "z"), ops.remove([1, 0, 1, 1])],
    ],
    [
      "a text",
      [ops.text(["title"], "ab")],
      (n) => [ops.textBy(0, [1, 0, 1], `${n}x`), ops.remove([1, 0, n % 2, 1])],
    ],
    [
      "a map",
      [ops.assign(["pages", "k"], "0")],
      (n) => [
        ops.assign(["pages", "k"], `${n}`, [1, 0, 0, 1]),
        ops.assign(["pages", `${n % 2}`], "v"),
      ],
    ],
    [
      "a map of structs",
      [ops.assign(["people", "p"], { name: "0" })],
      (n) => [
        n % 2 === 0
          ? ops.remove([1, 0, 0, 1])
          : ops.assign([1, 0, 0, "name"], `${n}`, [1, 0, 0, 1]),
        ops.assign(["people", "p"], { name: `${n}` }),
      ],
    ],
    ["a counter", [ops.increment(["total"], 1)], (n) => [ops.increment(["total"], n)]],
    [
      "a set",
      [ops.add(["tags"], "x")],
      (n) => [
        n % 2 === 0 ? ops.remove([1, 0, 0, 1]) : ops.add(["tags"], "x", [1, 0, 0, 1]),
        ops.add(["tags"], `${n % 2}`),
      ],
    ],
    [
      "a list of structs",
      [ops.insert(["items"], { name: "0" })],
      (n) => [
        ops.assign([1, 0, 0, "qty"], n),
        ops.insert([1, 0, 0, "log"], `${n}`),
        n === 3 ? ops.remove([1, 0, 0, 1]) : ops.add([1, 0, 0, "tags"], `${n}`),
      ],
    ],
  ];

  it.each(kinds)(
    "at the first, a middle or the last change, in %s, splits nobody",
    (_what, begin, edit) => {
      const root = mallory({ ops: begin });
      const others = [2, 3].map((n) => mallory({ ops: begin, time: n }));
      const branches = [1, 2, 3].map((n) => mallory({ prev: root, ops: edit(n), time: n }));
      const [left, right] = branches as [Forged, Forged];
      const deeper = [left, right].map((prev) =>
        mallory({ prev, refs: [root], ops: edit(2).concat(ops.assign(["opt"], prev.hex)) }),
      );
      // Honest people build on either branch before they see the other.
      const honest = branches.map((branch, n) =>
        forge({
          document: ID,
          author: person(50 + n),
          parents: [branch],
          refs: [root],
          ops: [ops.increment(["total"], 1)],
        }),
      );
      const changes = [root, ...others, ...branches, ...deeper, ...honest];
      const result = converge(groupsOf(changes));
      expect(result.history.length).toBe(changes.length);
      // Forked at the first change as well as at the second; the proof is of the first.
      expect(result.history.forks().map(({ seq }) => seq)).toEqual([1]);
      expect(viewOf(result)).not.toEqual(viewOf(replica(BOB)));
      const last = converge(groupsOf([root, left, right, ...deeper]));
      expect(last.history.forks()[0]!.ids.map(toHex)).toEqual([left.hex, right.hex].toSorted());
    },
  );

  it("by one's own second machine is mended: the next change joins the branches and goes on", () => {
    const one = replica(ALICE);
    const two = replica(ALICE);
    const [a, b] = [
      one.change((doc) => doc.words.push("one")),
      two.change((doc) => doc.words.push("two")),
    ];
    one.receive(b.bytes);
    two.receive(a.bytes);
    const joined = one.change((doc) => doc.words.push("three"));
    expect(one.history.frontier()).toEqual([joined.id]);
    const result = converge(bytesOf(a, b, joined));
    expect(result.view().words.at(-1)).toBe("three");
    expect(result.history.tips()).toHaveLength(2);
    expect(result.history.forks()).toHaveLength(1);
    // Without a fixed chain each machine has its own, and no fork comes about.
    const machines = [0, 1].map(() => new Document({ schema: Everything, id: ID, keyPair: ALICE }));
    const changes = machines.map((machine) => machine.change((doc) => doc.words.push("x")));
    expect(converge(bytesOf(...changes)).history.forks()).toEqual([]);
  });
});

describe("references", () => {
  it("into another container have no effect", () => {
    expectNoEffect(
      // Values below a character, a register, an entry, an addition, an item of another list.
      [ops.insertBy(1, [2, 0, 4], "x")],
      [ops.insertBy(1, [2, 0, 0], "x")],
      [ops.insertBy(0, [2, 0, 11], "x")],
      [ops.insertBy(0, [2, 0, 14], "x")],
      [ops.insertBy(1, [2, 0, 8], "x")],
      [ops.textBy(1, [2, 0, 1], "x")],
      [ops.textBy(1, [2, 0, 14], "x")],
      // In the place of what belongs to another register, key or set.
      [ops.assign(["opt"], "x", [2, 0, 0, 1])],
      [ops.assign(["reg"], "x", [2, 0, 1, 1])],
      [ops.assign(["reg"], "x", [2, 0, 0, 2])],
      [ops.assign(["reg"], "x", [2, 0, 0, 1], [2, 0, 4, 1])],
      [ops.assign(["pages", "other"], "x", [2, 0, 11, 1])],
      [ops.assign(["pages", "k"], "x", [2, 0, 12, 1])],
      [ops.assign(["people", "p"], { name: "x" }, [2, 0, 11, 1])],
      [ops.assign([2, 0, 8, "name"], "x", [2, 0, 12, 1])],
      [ops.assign([2, 0, 12, "name"], "x", [2, 0, 8, 1])],
      [ops.add(["tags"], "y", [2, 0, 1, 1])],
      [ops.add(["tags"], "y", [2, 0, 9, 1])],
      [ops.clear(["reg"], [2, 0, 14, 1])],
      [ops.clear(["pages", "k"], [2, 0, 14, 1])],
    );
  });

  it("within one change go back only: to itself or to what comes later they have no effect", () => {
    expectNoEffect(
      [ops.insertBy(1, [0, 0, 0], "x")],
      [ops.insertBy(1, [0, 0, 1], "x", "y")],
      [ops.insertBy(1, [0, 0, 1], "x"), ops.insertBy(1, [0, 0, 0], "y")],
      [ops.assign(["reg"], "x", [0, 0, 0, 1])],
      [ops.assign(["reg"], "x", [0, 0, 1, 1]), ops.assign(["reg"], 7)],
      [ops.add(["tags"], "y", [0, 0, 0, 1])],
      [ops.remove([0, 0, 0, 1]), ops.insertBy(1, [0, 0, 1], "x")],
      [ops.assign([0, 0, 0, "name"], "x")],
    );
  });

  it("within one change to what came before have one", () => {
    const change = mallory({
      ops: [
        ops.insert(["items"], { name: "a" }),
        ops.insert([0, 0, 0, "log"], "x", "z"),
        ops.insertBy(1, [0, 0, 1], "y"),
        ops.assign([0, 0, 0, "name"], "b", [0, 0, 0, 1]),
        ops.remove([0, 0, 2, 1]),
      ],
    });
    expect(converge([change.group]).view().items).toMatchObject([{ name: "b", log: ["x", "y"] }]);
  });

  it("to more than 64 replaced elements have no effect, to 64 they have", () => {
    const many = Array.from({ length: 65 }, (_, n) =>
      forge({ document: ID, author: person(100 + n), ops: [ops.assign(["reg"], `${n}`)] }),
    );
    const join = forge({ document: ID, author: ALICE, refs: many });
    const ranges = many.map((_, n) => [2 + n, 0, 0, 1] as const);
    const all = mallory({ prev: null, refs: many, ops: [ops.assign(["reg"], "all", ...ranges)] });
    const most = mallory({
      prev: null,
      refs: many,
      ops: [ops.assign(["reg"], "most", ...ranges.slice(1))],
    });
    const conflicts = (change: Forged): number => {
      const document = replica(BOB);
      document.receive(groupOf([...many, join]));
      document.receive(change.group);
      return document.root.reg.conflicts().length;
    };
    expect(conflicts(all)).toBe(65);
    expect(conflicts(most)).toBe(2);
    converge(groupsOf([...many, all, most]));
  });

  it("to the same element many times count once", () => {
    const { document, last } = ground();
    const lie = mallory({
      parents: [last],
      ops: [
        ops.assign(["reg"], "x", [2, 0, 0, 1], [2, 0, 0, 1], [2, 0, 0, 1]),
        ops.remove([2, 0, 1, 1], [2, 0, 1, 1], [2, 0, 1, 2]),
        ops.remove([2, 0, 1, 1]),
        ops.add(["tags"], "x", [2, 0, 14, 1], [2, 0, 14, 1]),
      ],
    });
    const result = converge([last.group, lie.group]);
    expect(result.view()).toMatchObject({ reg: "x", words: ["c"], tags: ["x"] });
    expect(result.root.reg.conflicts()).toHaveLength(1);
    expect(document.receive(lie.group).status).toBe("applied");
    expect(document.viewJson()).toBe(result.viewJson());
  });
});

describe("keys that mean something to JavaScript", () => {
  const names = [
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "then",
    "length",
    "0",
    "",
  ];

  it("are keys of maps and objects like any other", () => {
    const assignments = names.map((name) => ops.assign(["pages", name], `value of ${name}`));
    const object = encodeValue(
      JSON.parse(`{${names.map((name) => `"${name}":{"x":1}`).join(",")}}`) as Value,
    );
    const whole = new Uint8Array([...op(4, 1, [["any"]], null).slice(0, -1), ...object]);
    const { pages, any } = converge([mallory({ ops: [...assignments, whole] }).group]).view();
    expect(Object.keys(pages).toSorted()).toEqual(names.toSorted());
    for (const name of names) expect(pages[name]).toBe(`value of ${name}`);
    expect(Object.keys(any as object).toSorted()).toEqual(names.toSorted());
    expect(Object.getPrototypeOf(pages)).toBeNull();
    expect(Object.getPrototypeOf(any)).toBeNull();
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    const document = replica(ALICE);
    document.change((doc) => {
      for (const name of names) doc.pages.set(name, name);
      expect(doc.pages.delete("__proto__")).toBe(true);
      expect(doc.pages.delete("valueOf")).toBe(false);
    });
    expect(document.root.pages.has("__proto__")).toBe(false);
    expect(document.root.pages.has("valueOf")).toBe(false);
    expect(document.root.pages.get("constructor")).toBe("constructor");
    expect(document.root.pages.get("valueOf")).toBeUndefined();
  });

  it("are fields of structs where a schema says so, and nowhere else", () => {
    const Odd = struct({
      ["__proto__"]: struct({ constructor: string(), toString: optional(string()) }),
      constructor: string(),
      list: list(struct({ ["__proto__"]: string(), valueOf: struct({ x: number() }) })),
    });
    const document = new Document({ schema: Odd, id: ID, keyPair: ALICE });
    expect(viewOf(document)).toEqual(
      JSON.parse('{"__proto__":{"constructor":""},"constructor":"","list":[]}'),
    );
    const changes = [
      mallory({
        ops: [ops.assign(["__proto__", "constructor"], "a"), ops.assign(["constructor"], "b")],
      }),
      mallory({
        chain: 1n,
        ops: [ops.insert(["list"], JSON.parse('{"__proto__":"c"}') as Value, {})],
      }),
      mallory({
        chain: 2n,
        ops: [ops.assign(["hasOwnProperty"], "x"), ops.assign(["__proto__", "__proto__"], "x")],
      }),
    ];
    const result = converge(groupsOf(changes), Odd as Schema);
    expect(viewOf(result)).toEqual(
      JSON.parse(
        '{"__proto__":{"constructor":"a"},"constructor":"b","list":[{"__proto__":"c","valueOf":{"x":0}},{"__proto__":"","valueOf":{"x":0}}]}',
      ),
    );
  });

  it("do nothing to structs, which have the fields of their schema and no others", () => {
    expectNoEffect(
      ...names.map((name) => [ops.assign([name], "x")]),
      ...names.map((name) => [ops.assign(["deep", name], "x")]),
      ...names.map((name) => [op(1, 1, [["items"]], [JSON.parse(`{"${name}":"x"}`) as Value])]),
    );
  });
});

describe("sizes", () => {
  it("of a text as long as a change may be: it comes in, and goes with one range", () => {
    const long = "x".repeat(2 ** 20 - 2_000);
    const write = mallory({ ops: [ops.text(["title"], long)] });
    const erase = mallory({ prev: write, ops: [ops.remove([1, 0, 10, long.length - 20])] });
    expect(converge(groupsOf([write])).view().title).toBe(long);
    expect(converge(groupsOf([write, erase])).view().title).toBe("x".repeat(20));
  });

  it("of a range over many changes and forks: what it names on its own branch goes, and nothing else", () => {
    const line: Forged[] = [mallory({ ops: [ops.text(["title"], "0")] })];
    for (let i = 1; i < 60; i++) {
      line.push(
        mallory({
          prev: line.at(-1)!,
          ops: i % 3 === 0 ? [] : [ops.textBy(1, [1, 0, 0], "x"), ops.text(["title"], `${i % 10}`)],
        }),
      );
    }
    const rival = mallory({ prev: line[30]!, ops: [ops.text(["title"], "rival")], time: 1 });
    const made = line.reduce((sum, _, i) => sum + (i === 0 ? 1 : i % 3 === 0 ? 0 : 2), 0);
    const erase = forge({ document: ID, author: ALICE, parents: [line.at(-1)!, rival], ops: [] });
    const refOf = erase.header.parents.findIndex((id) => toHex(id) === line.at(-1)!.hex) + 2;
    const all = forge({
      document: ID,
      author: ALICE,
      parents: [line.at(-1)!, rival],
      ops: [ops.remove([refOf, 59, 0, made])],
    });
    const tooMany = forge({
      document: ID,
      author: BOB,
      parents: [line.at(-1)!, rival],
      ops: [ops.remove([refOf, 59, 0, made + 1])],
    });
    const before = converge(groupsOf([...line, rival])).view().title;
    expect(before.length).toBeGreaterThan(40);
    expect(converge(groupsOf([...line, rival, tooMany])).view().title).toBe(before);
    expect(converge(groupsOf([...line, rival, all, tooMany])).view().title).toBe("rival");
  });

  it("of elements that exist by an author's word only cost nothing and count as he says", () => {
    const detached = mallory({
      ops: [op(2, 2 ** 20, [["title"]], 2 ** 20, new Uint8Array(32)), ops.increment(["total"], 1)],
    });
    const more = mallory({ prev: detached, ops: [ops.text(["title"], "ab")] });
    const lies = mallory({
      prev: more,
      refs: [detached],
      ops: [
        ops.textBy(1, [2, 0, 5], "x"),
        ops.assign([2, 0, 5], "x"),
        ops.assign(["reg"], "x", [2, 0, 5, 1]),
        // From the detached change on into the next one: what can be shown goes.
        ops.remove([1, 1, 2 ** 20 - 3, 4]),
      ],
    });
    const result = converge(groupsOf([detached, more, lies]));
    // No op of a change with detached content is folded.
    expect(result.view()).toMatchObject({ title: "b", total: 0n, reg: "" });
    expect(result.history.elementCount).toBe(2 + 3);
    const tooMany = mallory({ ops: [op(2, 2 ** 20 + 1, [["title"]], 0, new Uint8Array(32))] });
    expect(replica(BOB).receive(tooMany.group).code).toBe("too_large");
  });

  it("of values: 64 levels deep are shown, 65 have no effect", () => {
    const nested = (depth: number): Uint8Array => {
      const head = op(4, 1, [["any"]], null).slice(0, -1);
      return new Uint8Array([...head, ...new Uint8Array(depth - 1).fill(0x81), 0x80]);
    };
    const shown = converge([mallory({ ops: [nested(64)] }).group]).viewJson();
    expect(shown).toContain("[".repeat(64) + "]".repeat(64));
    expect(converge([mallory({ ops: [nested(65)] }).group]).view().any).toBeNull();
    expect(replica(BOB).receive(mallory({ ops: [nested(70)] }).group).code).toBe("malformed");
  });

  it("of keys: 1,024 bytes are a key, one more is none", () => {
    const key = "k".repeat(1_024);
    const change = mallory({
      ops: [ops.assign(["pages", key], "x"), ops.assign(["pages", `${key}k`], "x")],
    });
    expect(Object.keys(converge([change.group]).view().pages)).toEqual([key]);
  });
});

describe("counters", () => {
  it("add up exactly beyond what 64 bits hold, in any order", () => {
    const most = 2n ** 63n - 1n;
    const line: Forged[] = [];
    for (let i = 0; i < 6; i++) {
      line.push(
        mallory({
          prev: line.at(-1) ?? null,
          ops: [ops.increment(["total"], most), ops.increment(["total"], i % 2 === 0 ? 1 : -1)],
        }),
      );
    }
    const down = forge({
      document: ID,
      author: ALICE,
      ops: [ops.increment(["total"], -(2n ** 63n))],
    });
    expect(converge(groupsOf([...line, down])).view().total).toBe(6n * most - 2n ** 63n);
  });

  it("count a change once, however its copies are arranged", () => {
    const line: Forged[] = [];
    for (let i = 0; i < 4; i++) {
      line.push(mallory({ prev: line.at(-1) ?? null, ops: [ops.increment(["total"], 1)] }));
    }
    const [a, b, c, d] = line as [Forged, Forged, Forged, Forged];
    const deliveries = [
      [[c], [b, a, c]],
      [
        [d, c],
        [d, b, a, c, d],
      ],
      [
        [b, b, a],
        [a, b, c, c, d],
      ],
      [[d], [c], [b], [c, b, a, d]],
      [[d, c, b, a, a, b, c, d]],
    ];
    for (const groups of deliveries) {
      const document = replica(BOB);
      for (const changes of groups) document.receive(groupOf(changes));
      for (const change of line) document.receive(change.group);
      expect(document.view().total).toBe(4n);
      expect(document.history.length).toBe(4);
    }
  });

  it("take no increments beyond 64 bits, and nothing that is not an integer", () => {
    const wrong: Value[] = [
      2n ** 63n,
      -(2n ** 63n) - 1n,
      2n ** 64n,
      2n ** 2_000n,
      0.5,
      1e300,
      "1",
      null,
      true,
      [1],
      { n: 1 },
    ];
    expectNoEffect(...wrong.map((amount) => [ops.increment(["total"], amount)]));
    expectNoEffect(
      [op(5, 1, [["total"]], 1)],
      [op(5, 0, [["total"], ["total"]], 1)],
      [op(5, 0, ["total"], 1)],
    );
  });
});

describe("what somebody else holds", () => {
  it("cannot be taken out of a list of optional values so that a hole is shown", () => {
    const { document, last } = ground();
    const lie = mallory({
      parents: [last],
      ops: [ops.clear([2, 0, 15], [2, 0, 15, 1]), ops.clear([2, 0, 1], [2, 0, 1, 1])],
    });
    document.receive(lie.group);
    // Whatever is shown in its place, it is a value, and the document can be shown and edited.
    expect(document.view().gaps).toHaveLength(1);
    expect(document.view().gaps).not.toContain(undefined);
    expect(document.view().words).toHaveLength(3);
    expect(() => document.viewDigest()).not.toThrow();
    converge([last.group, lie.group]);
  });

  it("is removed by name only: a wide range over one's own chain does not reach it", () => {
    const { document, last } = ground();
    const own = mallory({ parents: [last], ops: [ops.insertBy(1, [2, 0, 1], "m1", "m2")] });
    const erase = mallory({ prev: own, parents: [last], ops: [ops.remove([1, 0, 0, 2])] });
    document.receive(own.group);
    expect(document.view().words).toEqual(["a", "m1", "m2", "b", "c"]);
    document.receive(erase.group);
    expect(document.view().words).toEqual(["a", "b", "c"]);
  });

  it("survives a removal that had not seen it", () => {
    const { document, last } = ground();
    const removal = mallory({
      parents: [last],
      ops: [ops.remove([2, 0, 11, 1], [2, 0, 14, 1], [2, 0, 0, 1])],
    });
    const again = document.change((doc) => {
      doc.pages.set("k", "again");
      doc.reg.set("again");
    });
    const added = forge({
      document: ID,
      author: BOB,
      parents: [last],
      ops: [ops.add(["tags"], "x")],
    });
    const result = converge([last.group, removal.group, again.bytes, added.group]);
    expect(result.view()).toMatchObject({ pages: { k: "again" }, reg: "again", tags: ["x"] });
  });
});

describe("any ops at all, of authors who also fork their chains,", () => {
  const anyRef = fc.integer({ min: 0, max: 3 });
  const anyBack = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat(2) },
  );
  const anyElement = fc.tuple(anyRef, anyBack, fc.nat(16));
  const anyRange = fc
    .tuple(anyElement, fc.integer({ min: 1, max: 4 }))
    .map(([element, count]) => [...element, count] as unknown as [number, number, number, number]);
  const ranges = fc.array(anyRange, { maxLength: 2 });
  const anySide = fc.constantFrom(0 as const, 1 as const);
  const names = [
    "reg",
    "opt",
    "any",
    "words",
    "gaps",
    "items",
    "title",
    "pages",
    "people",
    "total",
    "tags",
  ];
  const anyName = fc.constantFrom(
    ...names,
    "deep",
    "inner",
    "x",
    "name",
    "qty",
    "log",
    "k",
    "p",
    "nope",
  );
  const anyPlace: fc.Arbitrary<(number | string)[]> = fc.oneof(
    fc.array(anyName, { minLength: 1, maxLength: 3 }),
    fc
      .tuple(anyElement, fc.array(anyName, { maxLength: 2 }))
      .map(([element, path]) => [...element, ...path]),
  );
  const contents: Value[] = [
    "a",
    "b🙂",
    "",
    1,
    0.5,
    null,
    true,
    {},
    { name: "n" },
    { name: "n", qty: 2 },
    [],
  ];
  const anyContent = fc.constantFrom(...contents);
  const values = fc.array(anyContent, { minLength: 1, maxLength: 3 });
  const strings = fc.array(fc.constantFrom("a", "b🙂", ""), { minLength: 1, maxLength: 3 });
  const anyText = fc.constantFrom("a", "xyz", "🙂b", "é");
  /** Inside an item of the list or the map of structs, wherever Alice's change is among the dependencies. */
  const inside = (name: string, index: number): fc.Arbitrary<(number | string)[]> =>
    anyRef.map((ref) => [ref, 0, index, name]);
  const fitting = fc.oneof(
    strings.map((items) => ops.insert(["words"], ...items)),
    fc
      .tuple(anySide, anyElement, strings)
      .map(([side, at, items]) => ops.insertBy(side, at, ...items)),
    anyText.map((content) => ops.text(["title"], content)),
    fc
      .tuple(anySide, anyElement, anyText)
      .map(([side, at, content]) => ops.textBy(side, at, content)),
    ranges.map((list) => ops.remove([2, 0, 0, 1], ...list)),
    anyRange.map((range) => ops.remove(range)),
    fc.tuple(anyRef, fc.nat(12)).map(([ref, n]) => ops.assign(["reg"], `${n}`, [ref, 0, 0, 1])),
    fc.nat(9).map((n) => ops.assign(["deep", "inner", "x"], n)),
    anyRef.map((ref) => ops.clear(["reg"], [ref, 0, 0, 1])),
    fc
      .tuple(fc.constantFrom("k", "j"), anyRef)
      .map(([key, ref]) => ops.assign(["pages", key], key, [ref, 0, 11, 1])),
    anyText.map((name) => ops.assign(["people", "p"], { name })),
    anyText.map((name) => ops.insert(["items"], { name }, {})),
    fc.tuple(inside("name", 8), anyRef).map(([at, ref]) => ops.assign(at, "m", [ref, 0, 8, 1])),
    fc.tuple(inside("name", 12), anyRef).map(([at, ref]) => ops.assign(at, "m", [ref, 0, 12, 1])),
    fc.tuple(inside("log", 8), strings).map(([at, items]) => ops.insert(at, ...items)),
    fc.tuple(inside("log", 12), strings).map(([at, items]) => ops.insert(at, ...items)),
    inside("tags", 8).map((at) => ops.add(at, "x")),
    fc.integer({ min: -9, max: 9 }).map((amount) => ops.increment(["total"], amount)),
    fc.constantFrom("a", "x").map((value) => ops.add(["tags"], value)),
    anyRef.map((ref) => ops.add(["tags"], "y", [ref, 0, 14, 1])),
    anyRef.map((ref) => ops.clear([ref, 0, 15], [ref, 0, 15, 1])),
  );
  const wild = fc.oneof(
    fc.tuple(anyPlace, values).map(([place, items]) => ops.insert(place, ...items)),
    fc
      .tuple(anySide, anyElement, values)
      .map(([side, at, items]) => ops.insertBy(side, at, ...items)),
    fc.tuple(anyPlace, anyText).map(([place, content]) => ops.text(place, content)),
    fc
      .tuple(anyPlace, anyContent, ranges)
      .map(([place, value, list]) => ops.assign(place, value, ...list)),
    fc.tuple(anyPlace, ranges).map(([place, list]) => ops.clear(place, ...list)),
    fc.tuple(anyPlace, fc.nat(9)).map(([place, amount]) => ops.increment(place, amount)),
    fc
      .tuple(anyPlace, anyContent, ranges)
      .map(([place, value, list]) => ops.add(place, value, ...list)),
  );
  const anyOp = fc.oneof(
    { weight: 30, arbitrary: fitting },
    { weight: 20, arbitrary: wild },
    { weight: 1, arbitrary: anyPlace.map((place) => op(1, 2, [place], 9, new Uint8Array(32))) },
  );
  const anyLiar = fc.array(
    fc.record({
      who: fc.nat(2),
      back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) }),
      parents: fc.array(fc.nat(4), { maxLength: 2 }),
      ops: fc.array(anyOp, { minLength: 1, maxLength: 5 }),
      honest: fc.boolean(),
    }),
    { minLength: 4, maxLength: 14, size: "max" },
  );

  it("leave honest replicas equal, whose own edits on that ground others see as they do", () => {
    let effective = 0;
    fc.assert(
      fc.property(anyLiar, fc.nat(), (steps, seed) => {
        const draw = random(seed);
        const { document: honest } = ground();
        const start = known(honest);
        const changes: Forged[] = [...start];
        const groups: Uint8Array[] = groupsOf(start);
        for (const step of steps) {
          const author = person(200 + step.who);
          const line = changes.filter(
            ({ header }) => toHex(header.author) === toHex(author.publicKey),
          );
          const lie = forge({
            document: ID,
            author,
            prev: line[line.length - 1 - step.back] ?? null,
            parents: [
              start[0]!,
              ...step.parents.flatMap((pick) => changes[changes.length - 1 - pick] ?? []),
            ],
            ops: step.ops,
          });
          if (changes.some(({ hex }) => hex === lie.hex)) continue;
          changes.push(lie);
          groups.push(lie.group);
          const before = honest.viewJson();
          honest.receive(lie.group);
          if (honest.viewJson() !== before) effective++;
          if (step.honest) groups.push(editAnything(honest, draw).bytes);
        }
        expect(honest.history.length).toBe(groups.length);
        const result = converge(groups);
        expect(result.viewJson()).toBe(honest.viewJson());
        expect(result.frontier()).toEqual(honest.frontier());
        const saved = Document.load(result.save(), { schema: Everything, id: ID });
        expect(saved.ok && saved.value.viewJson()).toBe(honest.viewJson());
      }),
      { numRuns: 60 },
    );
    expect(effective).toBeGreaterThan(50);
  });
});

/** One change with edits all over the document, wherever there is something to edit. */
function editAnything(
  document: Document<typeof Everything>,
  draw: (below: number) => number,
): LocalChange {
  return document.change((doc) => {
    doc.words.insert(draw(doc.words.length + 1), "w", "v");
    if (draw(2) === 0) doc.words.delete(draw(doc.words.length));
    const { characters } = doc.title;
    characters.insert(draw(characters.length + 1), "t🙂");
    if (draw(2) === 0) characters.delete(draw(characters.length));
    if (draw(2) === 0) doc.reg.set(`${draw(9)}`);
    if (draw(4) === 0) doc.reg.clear();
    doc.total.increment(draw(5));
    doc.pages.set("k", `${draw(9)}`);
    if (draw(2) === 0) doc.pages.delete("k");
    if (draw(2) === 0) doc.tags.add("a");
    else doc.tags.delete("a");
    if (draw(3) === 0) doc.people.set("p", { name: "new", log: ["x"] });
    else if (doc.people.has("p")) doc.people.at("p").log.push("y");
    if (doc.items.length > 0) {
      const item = doc.items.at(draw(doc.items.length));
      item.qty.set(draw(9));
      item.log.insert(draw(item.log.length + 1), "z");
      if (draw(3) === 0) doc.items.delete(draw(doc.items.length));
    } else doc.items.push({ name: "i", qty: 1 });
    if (doc.gaps.length > 0) doc.gaps.at(draw(doc.gaps.length)).set("s");
    doc.deep.inner.x.set(draw(9));
  });
}
