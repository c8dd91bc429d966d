/** Logs: what nobody takes back, who stands for it, and what its author had seen. */
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { documentId, OP_ASSIGN, OP_REMOVE } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { toHex } from "../encoding/index.ts";
import { integer, json, list, log, map, optional, string, struct } from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { forge } from "../../test/hostile.ts";
import { Document } from "./document.ts";
import type { LogHandle } from "./handles.ts";

const ID = documentId("log");
const schema = struct({
  facts: log(struct({ text: string(), note: optional(string()), size: integer() })),
  shelf: map(log(json())),
});

function open(who: number): Document<typeof schema> {
  const keyPair = generateKeyPair(new Uint8Array(32).fill(who));
  return new Document({ schema, id: ID, keyPair, chain: 0n });
}

function exchange(...documents: Document<Schema>[]): void {
  for (const from of documents) {
    for (const to of documents) {
      for (const group of from.history.groupsFor(from.history.missingFor([]))) to.receive(group);
    }
  }
}

describe("a log", () => {
  test("says whose each record is, when, and what its author had seen", () => {
    const [alice, bob] = [open(1), open(2)];
    alice.change(({ facts }) => facts.append({ text: "one", size: 1 }), { time: 7 });
    exchange(alice, bob);
    bob.change(({ facts }) => facts.append({ text: "two", size: 2, note: "b" }), { time: null });
    alice.change(({ facts }) => facts.append({ text: "three", size: 3 }), { time: 9 });
    exchange(alice, bob);
    const { history } = bob;
    const entries = bob.root.facts.entries();
    const by = (text: string): (typeof entries)[0] =>
      entries.find(({ value }) => value.text === text)!;
    expectTypeOf(entries[0]!.value).toExtend<{ text: string; note?: string; size: number }>();
    expect(by("one").author).toBe(toHex(alice.author!));
    expect(by("two").author).toBe(toHex(bob.author!));
    expect([by("one").time, by("two").time, by("three").time]).toEqual([7, null, 9]);
    expect(by("two").value).toEqual({ text: "two", size: 2, note: "b" });
    expect(entries[0]).toEqual(by("one"));
    expect(history.isAncestor(by("one").change, by("two").change)).toBe(true);
    expect(history.isAncestor(by("two").change, by("one").change)).toBe(false);
    expect(history.isAncestor(by("two").change, by("three").change)).toBe(false);
    expect(history.isAncestor(by("three").change, by("two").change)).toBe(false);
    expect(history.isAncestor(by("two").change, by("two").change)).toBe(true);
    expect([...bob.root.facts]).toEqual(entries);
    expect(entries.map(({ id }) => id)).toEqual(alice.root.facts.entries().map(({ id }) => id));
  });

  test("shows what is being made last, by its maker, without a time", () => {
    const alice = open(1);
    alice.change(({ facts }) => facts.append({ text: "one", size: 1 }));
    alice.change(({ facts }) => {
      facts.append({ text: "two", size: 2 }, { text: "three", size: 3 });
      const made = facts.entries();
      expect(made.map(({ value, time }) => [value.text, time === null])).toEqual([
        ["one", false],
        ["two", true],
        ["three", true],
      ]);
      expect(new Set(made.map(({ author }) => author))).toEqual(new Set([toHex(alice.author!)]));
      expect(facts.length).toBe(3);
      expect(facts.get(2)).toEqual({ text: "three", size: 3 });
    });
    expect(alice.root.facts.get(3)).toBeUndefined();
    expect(alice.root.facts.get(0.5)).toBeUndefined();
    expect(alice.root.facts.idAt(1)).toBe(alice.root.facts.entries()[1]!.id);
    expect(() => alice.root.facts.idAt(3)).toThrow(/index 3 is not in the log, which has 3/);
    expect(() => alice.root.facts.idAt(0.5)).toThrow(/is not in the log/);
  });

  test("keeps its records as they were written, whoever removes them or assigns in them", () => {
    const alice = open(1);
    const { id } = alice.change(({ facts, shelf }) => {
      facts.append({ text: "one", size: 1 });
      shelf.set("a", []);
      shelf.at("a").append("kept");
    });
    const before = alice.viewJson();
    // By a stranger, and by the author: each names the first element of the author's change.
    for (const who of [9, 1]) {
      const keyPair = generateKeyPair(new Uint8Array(32).fill(who));
      const links = { keyPair, chain: 5n, prev: null, parents: [id] };
      const named = { ref: 2, back: 0, index: 0 };
      const { bytes } = forge(alice.history, links, [
        { kind: OP_REMOVE, made: 0, ranges: [2, 0, 0, 1] },
        {
          kind: OP_ASSIGN,
          made: 1,
          place: { owner: named, path: ["text"] },
          ranges: [],
          content: "changed",
        },
        { kind: OP_ASSIGN, made: 1, place: { owner: named, path: [] }, ranges: [], content: {} },
        {
          kind: OP_ASSIGN,
          made: 0,
          place: { owner: named, path: ["note"] },
          ranges: [],
          content: null,
        },
      ]);
      expect(alice.receive(bytes).status).toBe("applied");
      expect(alice.viewJson()).toBe(before);
    }
  });

  test("goes with the key of a map that holds it: it protects its records, not its place", () => {
    const alice = open(1);
    alice.change(({ shelf }) => {
      shelf.set("a", [1, 2]);
      shelf.at("a").append(3);
    });
    expect(alice.view().shelf).toEqual({ a: [1, 2, 3] });
    alice.change(({ shelf }) => shelf.delete("a"));
    expect(alice.view().shelf).toEqual({});
  });

  test("has no way to delete or change", () => {
    type Logs = LogHandle<ReturnType<typeof string>>;
    expectTypeOf<Logs>().not.toHaveProperty("delete");
    expectTypeOf<Logs>().not.toHaveProperty("set");
    expectTypeOf<Logs>().not.toHaveProperty("at");
  });

  test("holds leaves, and structs of them, nothing that could be edited inside", () => {
    const untyped = (inner: Schema): never => inner as never;
    log(struct({ a: string(), b: struct({ c: optional(json()) }) }));
    for (const inner of [list(string()), map(json()), log(json()), struct({ a: list(json()) })]) {
      expect(() => log(untyped(inner))).toThrow(/a log's record is a leaf, such as json\(\)/);
    }
    expect(() => log(undefined as never)).toThrow(/expected a schema/);
    let deep: Schema = struct({ a: string() });
    for (let depth = 1; depth < 70; depth++) deep = struct({ deep });
    expect(() => log(untyped(deep))).toThrow(/not a schema/);
  });
});

describe("ancestry", () => {
  test("is what a walk over all dependencies finds", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 25 }), (steps) => {
        const documents = [1, 2, 3, 4].map(open);
        for (const [who, whom] of steps) {
          const document = documents[who]!;
          document.change(({ facts }) => facts.append({ text: "x", size: 0 }));
          for (const group of document.history.groupsFor(document.history.missingFor([]))) {
            documents[whom]!.receive(group);
          }
        }
        for (const { history } of documents) {
          const seen: Set<number>[] = [];
          for (let index = 0; index < history.length; index++) {
            const below = history.dependencies(index).flatMap((at) => [...seen[at]!]);
            seen.push(new Set([index, ...below]));
            for (let other = 0; other < history.length; other++) {
              if (other <= index)
                expect(history.isAncestor(other, index)).toBe(seen[index]!.has(other));
              else expect(history.isAncestor(other, index)).toBe(false);
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
