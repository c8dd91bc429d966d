/** Which values fit which schema. Decided from the value and the schema alone, never from the state of the moment. */
import type { Value } from "../encoding/index.ts";
import type { LeafType, Schema } from "./schema.ts";

/** True when a decoded value is of a leaf's type. */
export function fitsLeaf(type: LeafType, value: Value): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "integer":
      return Number.isSafeInteger(value);
    case "bigint":
      return typeof value === "bigint" || Number.isSafeInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "bytes":
      return value instanceof Uint8Array;
    case "json":
      return true;
  }
}

/**
 * True when a value can be the content of a new element of this schema: a value for a leaf; an object of contents for
 * the leaves and structs inside a struct; null for every other container, which begins empty.
 * Recursion is bounded by the depth of the schema.
 */
export function fitsContent(schema: Schema, content: Value): boolean {
  if (schema.kind === "leaf") return fitsLeaf(schema.type, content);
  if (schema.kind !== "struct") return content === null;
  if (!isRecord(content)) return false;
  for (const name of Object.keys(content)) {
    const field = schema.fields[name];
    if (field === undefined || (field.kind !== "leaf" && field.kind !== "struct")) return false;
    if (!fitsContent(field, content[name]!)) return false;
  }
  return true;
}

/** True for objects of the value domain: not null, an array or bytes. */
export function isRecord(value: Value | undefined): value is { readonly [key: string]: Value } {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}
