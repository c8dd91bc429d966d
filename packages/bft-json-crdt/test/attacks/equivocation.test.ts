/**
 * Authors who contradict themselves: honest replicas keep every branch, show the same, and name who it was.
 */
import { describe, expect, it } from "vitest";
import { Document, toHex } from "../../src/index.ts";
import { forge, ops, person } from "../forge.ts";
import type { Forged } from "../forge.ts";
import {
  ID,
  ALICE,
  BOB,
  Everything,
  replica,
  mallory,
  MALLORY,
  converge,
  groupsOf,
  bytesOf,
  viewOf,
} from "./scene.ts";

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

  it("on several chains of one author is listed by chain, whichever came first", () => {
    const chains = [9n, 2n, 2n ** 63n, 0n];
    const changes = chains.flatMap((chain) => [1, 2].map((time) => mallory({ chain, time })));
    const { history } = converge(groupsOf(changes));
    expect(history.forks().map(({ chain }) => chain)).toEqual([0n, 2n, 9n, 2n ** 63n]);
  });

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

  it("by several colluding authors who build on each other's branches leaves one history and a proof against each", () => {
    const liars = [90, 91, 92].map(person);
    const roots = liars.map((author) =>
      forge({ document: ID, author, ops: [ops.insert(["words"], "root")] }),
    );
    // Two branches each; every branch builds on one of the next liar's, so that no half can have only one side.
    const branches = liars.map((author, at) =>
      [0, 1].map((side) =>
        forge({
          document: ID,
          author,
          prev: roots[at]!,
          time: side,
          ops: [ops.insertBy(1, [1, 0, 0], `${at}${side}`), ops.assign(["reg"], `${at}${side}`)],
        }),
      ),
    );
    const knots = liars.flatMap((author, at) =>
      [0, 1].map((side) =>
        forge({
          document: ID,
          author,
          prev: branches[at]![side]!,
          parents: [branches[(at + 1) % 3]![side]!, branches[(at + 2) % 3]![1 - side]!],
          ops: [ops.increment(["total"], 1)],
        }),
      ),
    );
    const changes = [...roots, ...branches.flat(), ...knots];
    const result = converge(groupsOf(changes));
    expect(result.history.length).toBe(changes.length);
    expect(result.view().total).toBe(6n);
    const exposed = result.history.forks().map(({ author, seq }) => `${toHex(author)} ${seq}`);
    expect(exposed).toEqual(liars.map(({ publicKey }) => `${toHex(publicKey)} 2`).toSorted());
    // Nobody honest is exposed by what others do to them.
    const honest = forge({ document: ID, author: ALICE, parents: knots.slice(0, 3), ops: [] });
    expect(converge(groupsOf([...changes, honest])).history.forks()).toHaveLength(3);
  });

  it("shown to half the network each and revealed late is in every history, and the halves agree again", () => {
    const root = mallory({ ops: [ops.insert(["words"], "root")] });
    const branches = [0, 1].map((time) =>
      mallory({ prev: root, time, ops: [ops.insertBy(1, [1, 0, 0], `branch ${time}`)] }),
    );
    const halves = branches.map((branch, side) =>
      [0, 1].map((n) => {
        const document = new Document({
          schema: Everything,
          id: ID,
          keyPair: person(80 + 2 * side + n),
        });
        for (const { group } of [root, branch]) document.receive(group);
        return document;
      }),
    );
    // Each half lives on with the one branch that it knows, and agrees with itself.
    const written: Uint8Array[] = [];
    for (const [side, half] of halves.entries()) {
      for (let round = 0; round < 5; round++)
        for (const document of half) {
          const { bytes } = document.change((doc) => doc.words.insert(1, `${side} ${round}`));
          written.push(bytes);
          for (const other of half) other.receive(bytes);
        }
      expect(half[1]!.viewJson()).toBe(half[0]!.viewJson());
      expect(half.map(({ history }) => history.forks())).toEqual([[], []]);
    }
    const all = [...groupsOf([root, ...branches]), ...written];
    const result = converge(all);
    for (const document of halves.flat()) {
      for (const group of all.toReversed()) document.receive(group);
      expect(document.viewJson()).toBe(result.viewJson());
      expect(document.frontier()).toEqual(result.frontier());
      expect(document.history.forks()).toMatchObject([{ author: MALLORY.publicKey, seq: 2 }]);
    }
    expect(result.view().words).toHaveLength(3 + 20);
  });
});
