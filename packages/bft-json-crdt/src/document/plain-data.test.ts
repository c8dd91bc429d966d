import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { documentId } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { compareBytes, decodeValue, encodeValue } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import type {
  LeafSchema,
  ListSchema,
  MapSchema,
  Schema,
  SetSchema,
  View,
} from "../schema/index.ts";
import {
  anySchema,
  Choices,
  EVERYTHING,
  initialFor,
  KEYS,
  valueFor,
} from "../../test/random-edits.ts";
import { Document } from "./document.ts";
import type {
  CounterHandle,
  Handle,
  ListHandle,
  LogHandle,
  MapHandle,
  RegisterHandle,
} from "./handles.ts";
import type { SetHandle, TextHandle } from "./handles.ts";

const ID = documentId("plain data");
const keyPair = generateKeyPair(new Uint8Array(32).fill(1));

/** Plain data as a place that holds it. */
type Holder = Record<string | number, unknown>;

/** What a leaf shows of a value. */
function plainLeaf(schema: LeafSchema, value: Value): Value {
  const decoded = decodeValue(encodeValue(value));
  if (!decoded.ok) throw new Error(decoded.error.detail);
  return schema.type === "bigint" ? BigInt(decoded.value as number | bigint) : decoded.value;
}

/** The members of a set in their order. */
function plainSet(schema: SetSchema, values: readonly Value[]): Value[] {
  const byBytes = values.map((value) => ({ value, bytes: encodeValue(value) }));
  byBytes.sort((a, b) => compareBytes(a.bytes, b.bytes));
  return byBytes
    .filter(({ bytes }, i) => i === 0 || compareBytes(byBytes[i - 1]!.bytes, bytes) !== 0)
    .map(({ value }) => plainLeaf(schema.item, value));
}

/** What something new of a schema looks like; `initial` is undefined where it was left out. */
function plainOf(schema: Schema, initial: unknown): unknown {
  switch (schema.kind) {
    case "leaf":
      if (initial === undefined) return schema.optional ? undefined : schema.default;
      return plainLeaf(schema, initial as Value);
    case "text":
      return initial ?? "";
    case "counter":
      return BigInt((initial ?? 0) as number | bigint);
    case "set":
      return plainSet(schema, (initial ?? []) as Value[]);
    case "list":
    case "log":
      return ((initial ?? []) as unknown[]).map((item) => plainOf(schema.item, item));
    case "map":
      return Object.fromEntries(
        Object.entries(initial ?? {}).map(([key, value]) => [key, plainOf(schema.value, value)]),
      );
    case "struct":
      return Object.fromEntries(
        Object.entries(schema.fields)
          .map(([name, field]) => {
            const given = initial as Holder | undefined;
            const has = given !== undefined && Object.hasOwn(given, name);
            return [name, plainOf(field, has ? given[name] : undefined)] as const;
          })
          .filter(([, value]) => value !== undefined),
      );
  }
}

/** Makes the same edit on a document and on plain data. */
function editBoth(
  schema: Schema,
  handle: unknown,
  holder: Holder,
  name: string | number,
  choices: Choices,
): void {
  switch (schema.kind) {
    case "leaf": {
      const register = handle as RegisterHandle<Value>;
      if (choices.oneIn(4) && !Array.isArray(holder)) {
        register.clear();
        if (schema.optional && name !== "at") delete holder[name];
        else holder[name] = schema.optional ? undefined : schema.default;
      } else {
        const value = valueFor(schema, choices);
        register.set(value);
        set(holder, name, plainLeaf(schema, value));
      }
      return;
    }
    case "text": {
      const before = [...(holder[name] as string)];
      const start = choices.below(before.length + 1);
      const removed = choices.below(before.length - start + 1);
      const inserted = choices.pick(["", "a", "🙂", "x𝄞y"]);
      const units = (from: number, to: number): number => before.slice(from, to).join("").length;
      const text = handle as TextHandle;
      if (choices.oneIn(2)) {
        text.replace(units(0, start), units(start, start + removed), inserted);
      } else {
        text.characters.delete(start, removed);
        text.characters.insert(start, inserted);
      }
      before.splice(start, removed, inserted);
      set(holder, name, before.join(""));
      return;
    }
    case "counter": {
      const amount = choices.pick([1, -7, 2n ** 63n - 1n]);
      (handle as CounterHandle).increment(amount);
      set(holder, name, (holder[name] as bigint) + BigInt(amount));
      return;
    }
    case "set": {
      const members = handle as SetHandle<Value>;
      const before = holder[name] as Value[];
      if (before.length > 0 && choices.oneIn(3)) {
        const gone = choices.pick(before);
        expect(members.delete(gone)).toBe(true);
        set(
          holder,
          name,
          before.filter((member) => member !== gone),
        );
      } else {
        const value = valueFor(schema.item, choices);
        const after = plainSet(schema, [...before, value]);
        expect(members.add(value)).toBe(after.length > before.length);
        set(holder, name, after);
      }
      return;
    }
    case "log": {
      const initials = Array.from({ length: choices.below(3) }, () =>
        initialFor(schema.item, choices),
      );
      (handle as LogHandle<Schema>).append(...(initials as never[]));
      const records = initials.map((initial) => plainOf(schema.item, initial));
      set(holder, name, [...(holder[name] as unknown[]), ...records]);
      return;
    }
    case "list":
      return editList(schema, handle as ListHandle<Schema>, holder[name] as unknown[], choices);
    case "map":
      return editMap(schema, handle as MapHandle<Schema>, holder[name] as Holder, choices);
    case "struct": {
      const names = Object.keys(schema.fields);
      const field = choices.pick(names);
      const inner = (handle as Record<string, unknown>)[field];
      return editBoth(schema.fields[field]!, inner, holder[name] as Holder, field, choices);
    }
  }
}

function editList(
  schema: ListSchema<Schema>,
  handle: ListHandle<Schema>,
  plain: unknown[],
  choices: Choices,
): void {
  const initials = Array.from({ length: choices.below(3) }, () => initialFor(schema.item, choices));
  const items = initials.map((initial) => plainOf(schema.item, initial));
  const given = initials as never[];
  const { length } = plain;
  const index = choices.below(length + 1);
  switch (choices.below(length === 0 ? 2 : 8)) {
    case 0:
      handle.push(...given);
      plain.push(...items);
      return;
    case 1:
      handle.insert(index, ...given);
      plain.splice(index, 0, ...items);
      return;
    case 2: {
      const count = choices.below(length - index + 1);
      handle.delete(index, count);
      plain.splice(index, count);
      return;
    }
    case 3: {
      const after = choices.below(length);
      handle.insertAfter(handle.idAt(after), ...given);
      plain.splice(after + 1, 0, ...items);
      return;
    }
    case 4: {
      const at = choices.below(length);
      if (initials.length === 0) return;
      handle.set(at, given[0]!);
      plain[at] = items[0];
      return;
    }
    default: {
      const at = choices.below(length);
      expect(handle.get(at)).toEqual(plain[at]);
      return editBoth(schema.item, handle.at(at), plain as unknown as Holder, at, choices);
    }
  }
}

function editMap(
  schema: MapSchema<Schema>,
  handle: MapHandle<Schema>,
  plain: Holder,
  choices: Choices,
): void {
  const key = choices.pick(KEYS);
  const has = Object.hasOwn(plain, key);
  expect(handle.has(key)).toBe(has);
  if (choices.oneIn(4)) {
    expect(handle.delete(key)).toBe(has);
    delete plain[key];
  } else if (has && schema.value.kind !== "leaf" && choices.oneIn(2)) {
    editBoth(schema.value, handle.at(key), plain, key, choices);
  } else {
    const initial = initialFor(schema.value, choices);
    handle.set(key, initial);
    set(plain, key, plainOf(schema.value, initial));
  }
}

/** An assignment for which `__proto__` is a name like any other. */
function set(holder: Holder, name: string | number, value: unknown): void {
  Object.defineProperty(holder, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function expectPlain<S extends Schema>(schema: S, seeds: readonly number[]): void {
  const options = { schema, id: ID, keyPair, chain: 0n };
  let document = new Document<S>(options);
  const other = new Document<S>(options);
  const plain: { at: unknown } = { at: plainOf(schema, undefined) };
  for (const seed of seeds) {
    const choices = new Choices(seed);
    const change = document.change((root: Handle<S>) => {
      for (let n = 1 + choices.below(5); n > 0; n--) editBoth(schema, root, plain, "at", choices);
    });
    const expected = plain.at as View<S>;
    expect(document.view()).toEqual(expected);
    expect(other.receive(change.bytes).status).toBe("applied");
    expect(other.view()).toEqual(expected);
    if (choices.oneIn(6)) {
      const loaded = Document.load(document.save(), options);
      if (!loaded.ok) throw new Error(loaded.error.detail);
      document = loaded.value;
    }
  }
}

describe("to a single author a document is plain data", () => {
  const seeds = fc.array(fc.nat(), { minLength: 1, maxLength: 15 });

  test("of everything", () => {
    fc.assert(
      fc.property(seeds, (each) => expectPlain(EVERYTHING, each)),
      { numRuns: 60 },
    );
  });

  test("of any schema", () => {
    fc.assert(
      fc.property(anySchema, seeds, (schema, each) => expectPlain(schema, each)),
      { numRuns: 150 },
    );
  });
});
