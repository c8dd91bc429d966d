/**
 * From what a caller passes to what an op carries: values are checked, copied and brought to the form that they have
 * after a journey over the wire, so that the author's own view never differs from anyone else's.
 */
import { decodeValue, encodeValue, isWellFormed } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { MAX_KEY_BYTES, MAX_VALUE_DEPTH } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { fitsLeaf, isRecord } from "../schema/index.ts";
import type { LeafSchema, Schema } from "../schema/index.ts";
import { utf8Length } from "../encoding/index.ts";

/** The content of a leaf. Throws MisuseError when the value does not fit. */
export function leafContent(schema: LeafSchema, value: unknown, name = "the value"): Value {
  const content = normalized(value, name, NUMBERS[schema.type]);
  if (fitsLeaf(schema.type, content)) return content;
  throw new MisuseError(
    "bad_value",
    `${name} should be ${ARTICLES[schema.type]}, not ${show(value)}`,
  );
}

/**
 * The content of a new element: a leaf's value, the leaves and structs inside a struct, null for other containers (which
 * are filled by ops of their own). Throws MisuseError when the value does not fit. Recursion follows the schema.
 */
export function elementContent(schema: Schema, initial: unknown, name = "the value"): Value {
  if (schema.kind === "leaf") return leafContent(schema, initial, name);
  if (schema.kind !== "struct") {
    checkContainerInitial(schema, initial, name);
    return null;
  }
  const given = fieldsOf(initial, name);
  const content: { [key: string]: Value } = Object.create(null) as { [key: string]: Value };
  for (const key of Object.keys(given)) {
    const field = schema.fields[key];
    if (field === undefined) {
      const known = Object.keys(schema.fields).join(", ");
      throw new MisuseError(
        "bad_value",
        `${name} has no field ${JSON.stringify(key)}; its fields are ${known}`,
      );
    }
    if (given[key] === undefined) continue;
    const inner = elementContent(field, given[key], `field ${JSON.stringify(key)}`);
    if (field.kind === "leaf" || field.kind === "struct") content[key] = inner;
  }
  return content;
}

/** Checks a map's key. */
export function mapKey(key: unknown): string {
  if (typeof key !== "string" || !isWellFormed(key)) {
    throw new MisuseError("bad_value", `a key should be a well-formed string, not ${show(key)}`);
  }
  if (utf8Length(key) > MAX_KEY_BYTES) {
    throw new MisuseError("bad_value", `a key should have at most ${MAX_KEY_BYTES} bytes`);
  }
  return key;
}

/** Checks text to be inserted. */
export function textContent(text: unknown, name = "text"): string {
  if (typeof text !== "string" || !isWellFormed(text)) {
    throw new MisuseError("bad_value", `${name} should be a well-formed string, not ${show(text)}`);
  }
  return text;
}

/** Checks an amount for a counter: an integer of at most 64 bits. */
export function counterAmount(amount: unknown): bigint {
  const fits =
    typeof amount === "bigint" || (typeof amount === "number" && Number.isSafeInteger(amount));
  const integer = fits ? BigInt(amount) : 0n;
  if (!fits || BigInt.asIntN(64, integer) !== integer) {
    throw new MisuseError(
      "bad_value",
      `an amount should be an integer of at most 64 bits, not ${show(amount)}`,
    );
  }
  return integer;
}

/** Increments that what a counter begins with may take: what two of them can make must be able to be moved. */
const MAX_INITIAL_INCREMENTS = 4_096n;

/** Checks what a counter begins with: an integer, which may be more than one increment can add. */
export function counterInitial(sum: unknown): bigint {
  if (typeof sum !== "bigint") return counterAmount(sum);
  const size = sum < 0n ? -sum : sum;
  if (size >> 63n < MAX_INITIAL_INCREMENTS) return sum;
  throw new MisuseError(
    "bad_value",
    "what a counter begins with should be an integer of at most 75 bits",
  );
}

/** The fields of a plain object; those of a Map or a Date would silently be none. */
export function fieldsOf(initial: unknown, name: string): { readonly [key: string]: unknown } {
  if (isRecord(initial as Value)) {
    const prototype: unknown = Object.getPrototypeOf(initial);
    if (prototype !== null && prototype !== Object.prototype) {
      throw new MisuseError(
        "bad_value",
        `${name} should be a plain object, not an instance of a class`,
      );
    }
    return initial as { readonly [key: string]: unknown };
  }
  throw new MisuseError("bad_value", `${name} should be an object, not ${show(initial)}`);
}

function checkContainerInitial(schema: Schema, initial: unknown, name: string): void {
  switch (schema.kind) {
    case "text":
      textContent(initial, name);
      return;
    case "counter":
      counterInitial(initial);
      return;
    case "set":
    case "list":
    case "log": {
      if (!Array.isArray(initial)) {
        throw new MisuseError("bad_value", `${name} should be an array, not ${show(initial)}`);
      }
      for (const item of initial as readonly unknown[])
        elementContent(schema.item, item, `an item of ${name}`);
      return;
    }
    case "map": {
      const given = fieldsOf(initial, name);
      for (const key of Object.keys(given)) {
        elementContent(schema.value, given[key], `the value of key ${JSON.stringify(mapKey(key))}`);
      }
      return;
    }
    default:
  }
}

/** Checks and copies a value; `number` is what a number should have been that is none. */
function normalized(value: unknown, name: string, number: string): Value {
  switch (typeof value) {
    case "boolean":
      return value;
    case "string":
      return textContent(value, name);
    case "number":
      if (Number.isFinite(value)) return value === 0 ? 0 : value;
      throw new MisuseError("bad_value", `${name} should be ${number}, not ${value}`);
    case "object": {
      // Throws MisuseError for anything that is not plain data, or nests too deep.
      const decoded = decodeValue(encodeValue(value as Value));
      if (decoded.ok) return decoded.value;
      break;
    }
    case "bigint": {
      const decoded = decodeValue(encodeValue(value));
      if (decoded.ok) return decoded.value;
      break;
    }
    default:
  }
  throw new MisuseError(
    "bad_value",
    `${name} should be plain data at most ${MAX_VALUE_DEPTH} deep, not ${show(value)}`,
  );
}

const ARTICLES = {
  string: "a string",
  number: "a finite number",
  integer: "a safe integer",
  bigint: "an integer",
  boolean: "a boolean",
  bytes: "a Uint8Array",
  json: "plain data",
} as const;

/** What should stand in the place of a NaN: where any plain data may, a number. */
const NUMBERS = { ...ARTICLES, json: ARTICLES.number };

/** A value as a sentence names it. */
export function show(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? "an array" : "an object";
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "function" ? "a function" : String(value);
}
