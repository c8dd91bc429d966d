/**
 * The JSON of a view: RFC 8785 (JSON Canonicalization Scheme), extended to bigints and byte strings.
 *
 * Keys are sorted by UTF-16 code units, numbers and strings are written as ECMAScript does. Bigints become decimal
 * strings and byte strings base64url without padding, so this is for people and digests: it does not tell 2n ** 64n
 * from the text of its digits. Whether two values are equal is decided by their encoding, not by this.
 */

import { MAX_SCHEMA_DEPTH, MAX_VALUE_DEPTH } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { toBase64Url } from "./bytes.ts";
import { fieldsOf, isBytes } from "./objects.ts";
import { isWellFormed } from "./text.ts";
import type { Value } from "./value.ts";

/** Canonical JSON text of a value or a whole view; throws a MisuseError for what is not a value. */
export function canonicalJson(value: Value): string {
  return write(value, MAX_JSON_DEPTH);
}

/** Containers nest to one depth and the values in them to another; twice that leaves room to wrap a view. */
const MAX_JSON_DEPTH = 2 * (MAX_SCHEMA_DEPTH + MAX_VALUE_DEPTH);

function write(value: unknown, levels: number): string {
  switch (typeof value) {
    case "string":
      return writeText(value);
    case "number":
      if (!Number.isFinite(value))
        throw new MisuseError("bad_value", `${value} is not a value: numbers must be finite`);
      return `${value}`;
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return `"${value}"`;
    case "object":
      if (value === null) return "null";
      if (isBytes(value)) return `"${toBase64Url(value)}"`;
      if (levels === 0) {
        throw new MisuseError(
          "bad_value",
          `a value is nested deeper than ${MAX_JSON_DEPTH}, or contains itself`,
        );
      }
      return Array.isArray(value) ? writeArray(value, levels - 1) : writeObject(value, levels - 1);
    default:
      throw new MisuseError("bad_value", `${typeof value} is not a value`);
  }
}

function writeText(text: string): string {
  // JSON.stringify would escape a lone surrogate; RFC 8785 §3.2.2.2 demands an error.
  if (!isWellFormed(text))
    throw new MisuseError("bad_value", "a string with a lone surrogate is not a value");
  return JSON.stringify(text);
}

function writeArray(items: readonly unknown[], levels: number): string {
  let json = "[";
  for (let i = 0; i < items.length; i++) {
    if (i > 0) json += ",";
    json += write(items[i], levels);
  }
  return `${json}]`;
}

function writeObject(object: object, levels: number): string {
  const fields = fieldsOf(object);
  // Without a comparison function, sort orders by UTF-16 code units: what RFC 8785 §3.2.3 asks for.
  const keys = Object.keys(fields).sort();
  let json = "{";
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (i > 0) json += ",";
    json += `${writeText(key)}:${write(fields[key], levels)}`;
  }
  return `${json}}`;
}
