import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeValue, encodeValue } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { anySchema, Choices, contentFor } from "../../test/random-edits.ts";
import {
  bigint,
  counter,
  fitsContent,
  fitsLeaf,
  isRecord,
  json,
  list,
  map,
  optional,
  set,
  string,
  struct,
  text,
} from "./index.ts";
import type { LeafType } from "./index.ts";

describe("a value fits a leaf", () => {
  const cases: [Value, LeafType[]][] = [
    ["x", ["string"]],
    ["", ["string"]],
    [0, ["number", "integer", "bigint"]],
    [-5, ["number", "integer", "bigint"]],
    [Number.MAX_SAFE_INTEGER, ["number", "integer", "bigint"]],
    [0.5, ["number"]],
    [2 ** 60, ["number"]],
    [2n ** 60n, ["bigint"]],
    [-(2n ** 100n), ["bigint"]],
    [true, ["boolean"]],
    [null, []],
    [Uint8Array.of(1), ["bytes"]],
    [[1], []],
    [{ a: 1 }, []],
  ];
  const types: LeafType[] = ["string", "number", "integer", "bigint", "boolean", "bytes", "json"];

  test("when it is of the type, and any fits json", () => {
    for (const [value, fitting] of cases) {
      const fits = types.filter((type) => fitsLeaf(type, value));
      expect(fits).toEqual(types.filter((type) => type === "json" || fitting.includes(type)));
    }
  });

  test("the same before and after a journey over the wire", () => {
    for (const [value] of cases) {
      const decoded = decodeValue(encodeValue(value));
      if (!decoded.ok) throw new Error(decoded.error.detail);
      for (const type of types) expect(fitsLeaf(type, decoded.value)).toBe(fitsLeaf(type, value));
    }
  });
});

describe("a content fits an element", () => {
  const schema = struct({
    name: string(),
    size: bigint(),
    note: optional(json()),
    inner: struct({ ["__proto__"]: string() }),
    body: text(),
    items: list(string()),
  });

  test("when it has nothing but the leaves and structs of a struct", () => {
    const inner = Object.fromEntries([["__proto__", "x"]]);
    for (const content of [
      {},
      { name: "x" },
      { name: "x", size: 5, note: null },
      { inner },
      { inner: {} },
    ] as Value[]) {
      expect(fitsContent(schema, content)).toBe(true);
    }
    for (const content of [
      null,
      [],
      "x",
      Uint8Array.of(1),
      { name: 5 },
      { body: "x" },
      { body: null },
      { items: [] },
      { items: null },
      { stranger: 1 },
      { toString: "x" },
      { inner: null },
      { inner: { stranger: 1 } },
      { inner: Object.fromEntries([["__proto__", 5]]) },
    ] as Value[]) {
      expect(fitsContent(schema, content)).toBe(false);
    }
  });

  test("of any other container when it is null", () => {
    for (const container of [text(), counter(), set(string()), list(json()), map(json())]) {
      expect(fitsContent(container, null)).toBe(true);
      for (const content of ["", 0, [], {}, false] as Value[]) {
        expect(fitsContent(container, content)).toBe(false);
      }
    }
  });

  test("when it was made for its schema", () => {
    fc.assert(
      fc.property(anySchema, fc.nat(), (any, seed) => {
        const content = contentFor(any, new Choices(seed));
        expect(fitsContent(any, content)).toBe(true);
      }),
    );
  });

  test("and records are objects that are nothing else", () => {
    expect(isRecord({})).toBe(true);
    expect(isRecord(Object.create(null) as Value)).toBe(true);
    for (const value of [null, undefined, [], Uint8Array.of(), "x", 5, 5n, true]) {
      expect(isRecord(value)).toBe(false);
    }
  });
});
