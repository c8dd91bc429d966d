/**
 * Keys and amounts that trip up programs: they are data like any other, or have no effect.
 */
import { describe, expect, it } from "vitest";
import { Document, list, number, optional, string, struct } from "../../src/index.ts";
import type { Schema, Value } from "../../src/index.ts";
import { encodeValue } from "../../src/encoding/index.ts";
import { forge, groupOf, op, ops } from "../forge.ts";
import type { Forged } from "../forge.ts";
import {
  ID,
  ALICE,
  BOB,
  replica,
  mallory,
  converge,
  groupsOf,
  viewOf,
  expectNoEffect,
} from "./scene.ts";

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
