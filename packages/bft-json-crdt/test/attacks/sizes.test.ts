/**
 * Changes that are too large, too deep or too many: what is within the bounds works, what is beyond is refused by all.
 */
import { describe, expect, it } from "vitest";
import { Document, toHex } from "../../src/index.ts";
import { MAX_BODY_BYTES, MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../../src/limits.ts";
import { bodyOf, forge, groupOf, op, ops, signed } from "../forge.ts";
import type { Forged } from "../forge.ts";
import {
  ALICE,
  BOB,
  converge,
  Everything,
  groupsOf,
  ID,
  mallory,
  MALLORY,
  replica,
} from "./scene.ts";

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

  it("of bodies, groups and counts beyond the bounds: refused as too_large or malformed, whatever the replica's options", () => {
    const { header } = mallory();
    const tooLong = "x".repeat(MAX_BODY_BYTES);
    const ids = Array.from({ length: 17 }, (_, n) => new Uint8Array(32).fill(n + 1));
    const many = Array.from({ length: MAX_GROUP_CHANGES + 1 }, () => mallory());
    const cases: [string, Uint8Array][] = [
      ["too_large", signed(bodyOf(header, [ops.text(["title"], tooLong)]), header, MALLORY).group],
      ["too_large", new Uint8Array(MAX_GROUP_BYTES + 1)],
      ["too_large", groupOf(many)],
      [
        "too_large",
        mallory({ ops: [op(2, 2 ** 20 + 1, [["title"]], 0, new Uint8Array(32))] }).group,
      ],
      ["malformed", mallory({ lies: { parents: ids } }).group],
      // More elements than the content has bytes.
      ["malformed", mallory({ ops: [op(2, 1_000, [["title"]], "x")] }).group],
      ["malformed", mallory({ ops: [op(1, 2 ** 53, [["words"]], ["x"])] }).group],
    ];
    for (const pendingBytes of [0, 1e9]) {
      const limits = { pendingBytes, pendingBytesPerPeer: pendingBytes, rejectedIds: 0 };
      const document = new Document({ schema: Everything, id: ID, limits });
      for (const [code, group] of cases) {
        expect(document.receive(group)).toMatchObject({ status: "rejected", code });
        expect(document.receive(group)).toMatchObject({ status: "rejected", code });
      }
      expect(document.history.length).toBe(0);
    }
  });
});
