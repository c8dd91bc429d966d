/**
 * The mistakes of the proof of concept, one by one, and what honest replicas make of them here. (Those of its node, its
 * relayer and its demos, 16 to 18, have their tests where those are: see docs/attacks.md.)
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Document, documentId, encodeGroup, History } from "../../src/index.ts";
import type { Value } from "../../src/index.ts";
import { signedMessage } from "../../src/change/index.ts";
import { encodeValue } from "../../src/encoding/index.ts";
import { forge, groupOf, ops, signAgain, signed } from "../forge.ts";
import type { Forged } from "../forge.ts";
import {
  ID,
  ALICE,
  bytesOf,
  BOB,
  MALLORY,
  Everything,
  replica,
  mallory,
  known,
  converge,
  groupsOf,
  viewOf,
  expectNoEffect,
  ground,
} from "./scene.ts";

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
