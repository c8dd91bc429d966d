/**
 * Ops that refer to what does not exist, is of another type, stands elsewhere, or is somebody else's.
 */
import { describe, expect, it } from "vitest";
import { forge, groupOf, ops, person } from "../forge.ts";
import type { Forged } from "../forge.ts";
import {
  ID,
  ALICE,
  BOB,
  replica,
  mallory,
  converge,
  groupsOf,
  expectNoEffect,
  ground,
} from "./scene.ts";

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
