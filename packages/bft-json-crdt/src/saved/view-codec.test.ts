import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../encoding/index.ts";
import { bigint, json, list, map, number, optional, string, struct } from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { anySchema, EVERYTHING } from "../../test/random-edits.ts";
import { step, Trial } from "../../test/trial.ts";
import { readView, writeView } from "./view-codec.ts";
import type { AnyView } from "./view-codec.ts";

describe("the view of a document as bytes", () => {
  test("reads back as just what it was, types and order of keys included, for any schema", () => {
    const schemas = fc.oneof(fc.constant<Schema>(EVERYTHING), anySchema);
    const steps = fc.array(step, { minLength: 1, maxLength: 25, size: "max" });
    fc.assert(
      fc.property(schemas, steps, (schema, given) => {
        const trial = new Trial(schema);
        for (const each of given) trial.run(each);
        for (const document of trial.settle(0)) {
          const view = document.view() as AnyView;
          expectSame(again(schema, view), view);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("keeps apart what is nothing and what is null, 1 and 1n, bytes and numbers", () => {
    const schema = struct({ nothing: optional(json()), null: optional(json()), big: bigint() });
    const view = { null: null, big: 1n };
    expect(again(schema, view)).toEqual(view);
    expect(again(optional(string()), undefined)).toBeUndefined();
    expect(again(list(number()), [1, 2 ** 53, 0.5])).toEqual([1, 2 ** 53, 0.5]);
    expect(again(map(json()), { 1023: Uint8Array.of(1), ["__proto__"]: [] })).toEqual(
      Object.assign(Object.create(null) as object, {
        1023: Uint8Array.of(1),
        ["__proto__"]: [],
      }),
    );
  });

  test("reads any bytes without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const reader = new ByteReader(bytes);
        readView(reader, EVERYTHING);
        expect(reader.done).toBe(false);
      }),
    );
    for (const bytes of [
      [0x82, 0xf6, 0xf6],
      [0x81, 0x01, 0x01],
    ]) {
      const reader = new ByteReader(Uint8Array.from(bytes));
      readView(reader, optional(json()));
      expect(reader.done).toBe(false);
    }
    // A struct of one field that says it has two, or none.
    for (const head of [0x80, 0x82]) {
      const reader = new ByteReader(Uint8Array.of(head, 0x61, 0x61));
      readView(reader, struct({ title: string() }));
      expect(reader.done).toBe(false);
    }
  });
});

function again(schema: Schema, view: AnyView): AnyView {
  const writer = new ByteWriter();
  writeView(writer, schema, view);
  const reader = new ByteReader(writer.take());
  const read = readView(reader, schema);
  expect(reader.done).toBe(true);
  return read;
}

/** Stricter than any equality of the test runner: prototypes, the order of keys, 0 and −0, numbers and bigints. */
function expectSame(a: unknown, b: unknown): void {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) {
    expect(Object.is(a, b), `${String(a)} and ${String(b)}`).toBe(true);
    return;
  }
  expect(Object.getPrototypeOf(a)).toBe(Object.getPrototypeOf(b));
  expect(Object.keys(a)).toEqual(Object.keys(b));
  for (const key of Object.keys(a)) expectSame(Reflect.get(a, key), Reflect.get(b, key));
}
