import { describe, expect, expectTypeOf, test } from "vitest";
import { toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { MAX_SCHEMA_DEPTH } from "../limits.ts";
import { MisuseError } from "../result.ts";
import {
  bigint,
  boolean,
  bytes,
  checkSchema,
  counter,
  integer,
  json,
  list,
  map,
  number,
  optional,
  schemaDigest,
  set,
  string,
  struct,
  text,
} from "./index.ts";
import type { Fields, Initial, LeafSchema, Schema, View } from "./index.ts";

/** Anything at all where a type would forbid it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

function expectMisfit(call: () => unknown, message: RegExp): void {
  let thrown: unknown = null;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(MisuseError);
  expect((thrown as MisuseError).message).toMatch(message);
  expect((thrown as MisuseError).code).toMatch(/bad_schema|bad_value/);
}

describe("a schema", () => {
  test("is refused when it is none", () => {
    for (const wrong of [undefined, null, 5, "string", {}, { kind: "tree" }, { kind: 5 }, string]) {
      expectMisfit(() => list(untyped<Schema>(wrong)), /expected a schema, such as string\(\)/);
      expectMisfit(() => map(untyped<Schema>(wrong)), /expected a schema/);
      expectMisfit(() => struct({ a: untyped<Schema>(wrong) }), /expected a schema/);
      expectMisfit(() => checkSchema(untyped<Schema>(wrong)), /expected a schema/);
    }
    expectMisfit(() => set(untyped<LeafSchema>(text())), /a set holds leaves, such as string\(\)/);
    expectMisfit(() => set(untyped<LeafSchema>(undefined)), /a set holds leaves/);
    expectMisfit(
      () => optional(untyped<LeafSchema>(list(string()))),
      /only leaves can be optional/,
    );
    expectMisfit(() => optional(untyped<LeafSchema>(null)), /only leaves can be optional/);
  });

  test("has fields with well-formed names of at most 1,024 bytes", () => {
    struct({ ["é".repeat(512)]: text(), "": text(), ["__proto__"]: text() });
    expectMisfit(() => struct({ ["é".repeat(513)]: text() }), /longer than 1024 bytes/);
    expectMisfit(() => struct({ "\ud800": text() }), /"\\ud800" has a lone surrogate/);
  });

  test("has defaults of its own types, which nobody can edit afterwards", () => {
    for (const wrong of [
      () => string({ default: untyped(5) }),
      () => string({ default: "\ud800" }),
      () => number({ default: NaN }),
      () => number({ default: untyped("5") }),
      () => integer({ default: 0.5 }),
      () => integer({ default: 2 ** 53 }),
      () => bigint({ default: untyped("5") }),
      () => boolean({ default: untyped(0) }),
      () => bytes({ default: untyped([1]) }),
      () => json({ default: untyped(new Date()) }),
      () => json({ default: untyped(() => 1) }),
    ]) {
      expectMisfit(wrong, /./);
    }
    const given = { list: [1], bytes: Uint8Array.of(1) };
    const schema = json({ default: given });
    given.list.push(2);
    given.bytes[0] = 2;
    expect(schema.default).toEqual({ list: [1], bytes: Uint8Array.of(1) });
    const data = Uint8Array.of(1);
    const binary = bytes({ default: data });
    data[0] = 2;
    expect(binary.default).toEqual(Uint8Array.of(1));
    expect(bigint({ default: 5n }).default).toBe(5n);
    expect(Object.is(number({ default: -0 }).default, 0)).toBe(true);
    expect(Object.isFrozen(schema)).toBe(true);
    expect(Object.isFrozen(struct({ a: text() }).fields)).toBe(true);
  });

  test("nests at most 64 deep", () => {
    const nested = (depth: number): Schema => {
      let schema: Schema = string();
      for (let i = 1; i < depth; i++) {
        schema = [list<Schema>, map<Schema>, (inner: Schema) => struct({ a: text(), inner })][
          i % 3
        ]!(schema);
      }
      return schema;
    };
    checkSchema(nested(MAX_SCHEMA_DEPTH));
    expect(schemaDigest(nested(MAX_SCHEMA_DEPTH))).toHaveLength(32);
    expectMisfit(() => checkSchema(nested(MAX_SCHEMA_DEPTH + 1)), /nests more than 64 deep/);
    expectMisfit(() => checkSchema(nested(100_000)), /nests more than 64 deep/);
  });

  test("keeps its fields from those who edit what it was made of", () => {
    const fields: { [name: string]: Schema } = { a: text() };
    const schema = struct(fields);
    fields["b"] = text();
    expect(Object.keys(schema.fields)).toEqual(["a"]);
    expect(Object.getPrototypeOf(schema.fields)).toBeNull();
    expect("toString" in schema.fields).toBe(false);
  });
});

describe("the digest of a schema", () => {
  test("is the same whatever the order of the fields", () => {
    const one = struct({ a: string(), b: struct({ c: text(), d: counter() }) });
    const other = struct({ b: struct({ d: counter(), c: text() }), a: string() });
    expect(schemaDigest(one)).toEqual(schemaDigest(other));
  });

  test("differs whenever anything about it does", () => {
    const schemas: Schema[] = [
      string(),
      string({ default: "x" }),
      optional(string()),
      number(),
      integer(),
      integer({ default: 1 }),
      bigint(),
      boolean(),
      bytes(),
      json(),
      json({ default: [] }),
      json({ default: {} }),
      text(),
      counter(),
      set(string()),
      set(integer()),
      set(optional(string())),
      list(string()),
      list(text()),
      list(list(string())),
      map(string()),
      map(list(string())),
      list(map(string())),
      struct({}),
      list(struct({})),
      struct({ a: string() }),
      struct({ b: string() }),
      struct({ a: text() }),
      struct({ a: string(), b: string() }),
      struct({ a: struct({ b: string() }) }),
      struct({ a: struct({}), b: string() }),
      struct({ ["__proto__"]: string() }),
      struct({ "": string() }),
    ];
    expect(new Set(schemas.map((schema) => toHex(schemaDigest(schema)))).size).toBe(schemas.length);
  });
});

describe("types", () => {
  const schema = struct({
    s: string(),
    n: number(),
    i: integer(),
    b: bigint(),
    f: boolean(),
    y: bytes(),
    j: json(),
    o: optional(string()),
    t: text(),
    c: counter(),
    set: set(integer()),
    l: list(struct({ x: number(), y: optional(number()), z: text() })),
    m: map(list(counter())),
  });

  test("of views follow from the schema", () => {
    type V = View<typeof schema>;
    expectTypeOf<V["s"]>().toEqualTypeOf<string>();
    expectTypeOf<V["n"]>().toEqualTypeOf<number>();
    expectTypeOf<V["i"]>().toEqualTypeOf<number>();
    expectTypeOf<V["b"]>().toEqualTypeOf<bigint>();
    expectTypeOf<V["f"]>().toEqualTypeOf<boolean>();
    expectTypeOf<V["y"]>().toEqualTypeOf<Uint8Array>();
    expectTypeOf<V["j"]>().toEqualTypeOf<Value>();
    expectTypeOf<V["o"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<V["t"]>().toEqualTypeOf<string>();
    expectTypeOf<V["c"]>().toEqualTypeOf<bigint>();
    expectTypeOf<V["set"]>().toEqualTypeOf<number[]>();
    expectTypeOf<V["l"][number]>().toEqualTypeOf<{
      readonly x: number;
      readonly y?: number;
      readonly z: string;
    }>();
    expectTypeOf<V["m"]>().toEqualTypeOf<{ [key: string]: bigint[] }>();
    // An optional field may be missing, and no other.
    expectTypeOf<Pick<V, "o">>().toExtend<{ o?: string }>();
    expectTypeOf<object>().not.toExtend<Pick<V, "s">>();
    expectTypeOf<object>().toExtend<Pick<V, "o">>();
  });

  test("of initial values ask for leaves and let everything else be left out", () => {
    type I = Initial<(typeof schema.fields.l)["item"]>;
    // What is left out may also be undefined: so it often comes, from another field that is optional.
    expectTypeOf<I>().toEqualTypeOf<{
      readonly x: number;
      readonly y?: number | undefined;
      readonly z?: string | undefined;
    }>();
    const y = undefined as number | undefined;
    expectTypeOf({ x: 1, y }).toExtend<I>();
    expectTypeOf({ x: y }).not.toExtend<I>();
    expectTypeOf<Initial<typeof schema.fields.c>>().toEqualTypeOf<number | bigint>();
    expectTypeOf<Initial<typeof schema.fields.set>>().toEqualTypeOf<readonly number[]>();
    expectTypeOf<Initial<typeof schema.fields.m>>().toEqualTypeOf<{
      readonly [key: string]: readonly (number | bigint)[];
    }>();
    expectTypeOf<Initial<typeof schema.fields.t>>().toEqualTypeOf<string>();
  });

  test("of any schema at all are still there", () => {
    expectTypeOf(schema).toExtend<Schema>();
    expectTypeOf<(typeof schema)["fields"]>().toExtend<Fields>();
    expectTypeOf(list(schema)).toExtend<Schema>();
  });
});
