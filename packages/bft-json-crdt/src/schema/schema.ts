/**
 * Schemas: what a document may hold, written as values, with the TypeScript types of its view inferred from them.
 *
 * A schema is data: it travels nowhere, but replicas must use the same one to show the same view (an op that does not
 * fit is inert). Every leaf has a value before anyone assigns one (its default), so views have no holes; a leaf that
 * may be absent is marked `optional`.
 */
import { decodeValue, encodeValue } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { sha256 } from "../crypto/index.ts";
import { SCHEMA_TAG } from "../change/index.ts";
import { MAX_KEY_BYTES, MAX_SCHEMA_DEPTH } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { utf8Length } from "../encoding/index.ts";
import { fitsLeaf } from "./fit.ts";

/** Types of leaves: one value each. "integer" is a safe integer, "bigint" any integer, "json" any value at all. */
export type LeafType = "string" | "number" | "integer" | "bigint" | "boolean" | "bytes" | "json";

/** One value of type `T`, assigned as a whole: `string()`, `number()`, `json()` and so on. */
export interface LeafSchema<T = unknown, Optional extends boolean = boolean> {
  /** Tells schemas apart. */
  readonly kind: "leaf";
  /** Which values fit. */
  readonly type: LeafType;
  /** What the view shows while nothing is assigned. */
  readonly default: T & Value;
  /** Left out of the view while nothing is assigned. */
  readonly optional: Optional;
}

/** A string that many edit at once: `text()`. */
export interface TextSchema {
  /** Tells schemas apart. */
  readonly kind: "text";
}

/** An exact sum of integers: `counter()`. */
export interface CounterSchema {
  /** Tells schemas apart. */
  readonly kind: "counter";
}

/** A set of leaf values, `set(string())`; concurrent addition wins over removal. */
export interface SetSchema<Item extends LeafSchema = LeafSchema> {
  /** Tells schemas apart. */
  readonly kind: "set";
  /** What each value is. */
  readonly item: Item;
}

/** A sequence of items: `list(…)`. */
export interface ListSchema<Item = unknown> {
  /** Tells schemas apart. */
  readonly kind: "list";
  /** What each item is. */
  readonly item: Item;
}

/** A sequence of records that nobody takes back or alters, not even who wrote them: `log(…)`. */
export interface LogSchema<Item = unknown> {
  /** Tells schemas apart. */
  readonly kind: "log";
  /** What each record is. */
  readonly item: Item;
}

/** A value for each key, which is any string: `map(…)`. */
export interface MapSchema<Item = unknown> {
  /** Tells schemas apart. */
  readonly kind: "map";
  /** What is at each key. */
  readonly value: Item;
}

/** Named fields, all there from the start: `struct({ … })`. */
export interface StructSchema<Fields = unknown> {
  /** Tells schemas apart. */
  readonly kind: "struct";
  /** The schema of each field, by its name. */
  readonly fields: Fields;
}

/** Any schema: what `struct`, `list`, `string` and the others give. */
export type Schema =
  | LeafSchema
  | TextSchema
  | CounterSchema
  | SetSchema
  | ListSchema<Schema>
  | LogSchema<RecordSchema>
  | MapSchema<Schema>
  | StructSchema<Fields>;

/** The fields of a struct. */
export interface Fields {
  readonly [name: string]: Schema;
}

/** What a log's record can be: a leaf, or a struct of such. */
export type RecordSchema = LeafSchema | StructSchema<RecordFields>;

/** The fields of a struct in a log's record. */
export interface RecordFields {
  readonly [name: string]: RecordSchema;
}

/** A schema that is not a leaf. */
export type ContainerSchema = Exclude<Schema, LeafSchema>;

/** The type of what `document.view()` gives for a schema: plain data, with the defaults of leaves filled in. */
export type View<S> =
  S extends LeafSchema<infer T>
    ? T
    : S extends TextSchema
      ? string
      : S extends CounterSchema
        ? bigint
        : S extends SetSchema<infer Item>
          ? View<Item>[]
          : S extends ListSchema<infer Item> | LogSchema<infer Item>
            ? View<Item>[]
            : S extends MapSchema<infer Item>
              ? { [key: string]: View<Item> }
              : S extends StructSchema<infer F>
                ? Simplify<
                    { [K in keyof F as F[K] extends Absent ? never : K]: View<F[K]> } & {
                      [K in keyof F as F[K] extends Absent ? K : never]?: View<F[K]>;
                    }
                  >
                : never;

/** What the editing API takes to make something new of a schema: plain data, filled in where it is left out or undefined. */
export type Initial<S> =
  S extends LeafSchema<infer T>
    ? T
    : S extends TextSchema
      ? string
      : S extends CounterSchema
        ? number | bigint
        : S extends SetSchema<infer Item>
          ? readonly Initial<Item>[]
          : S extends ListSchema<infer Item> | LogSchema<infer Item>
            ? readonly Initial<Item>[]
            : S extends MapSchema<infer Item>
              ? { readonly [key: string]: Initial<Item> }
              : S extends StructSchema<infer F>
                ? Simplify<
                    {
                      readonly [K in keyof F as F[K] extends Required ? K : never]: Initial<F[K]>;
                    } & {
                      readonly [K in keyof F as F[K] extends Required ? never : K]?:
                        | Initial<F[K]>
                        | undefined;
                    }
                  >
                : never;

type Absent = LeafSchema<unknown, true>;
type Required = LeafSchema<unknown, false>;
type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** A string: well-formed Unicode, "" until assigned. */
export function string(options?: { default?: string }): LeafSchema<string, false> {
  return leaf("string", options?.default ?? "");
}

/** A finite double, 0 until assigned. */
export function number(options?: { default?: number }): LeafSchema<number, false> {
  return leaf("number", options?.default ?? 0);
}

/** A safe integer, 0 until assigned. */
export function integer(options?: { default?: number }): LeafSchema<number, false> {
  return leaf("integer", options?.default ?? 0);
}

/** An integer of any size up to 1,024 bytes, 0n until assigned; a decimal string in JSON views. */
export function bigint(options?: { default?: bigint }): LeafSchema<bigint, false> {
  return leaf("bigint", options?.default ?? 0n);
}

/** A boolean, false until assigned. */
export function boolean(options?: { default?: boolean }): LeafSchema<boolean, false> {
  return leaf("boolean", options?.default ?? false);
}

/** A byte string, empty until assigned; base64url in JSON views. */
export function bytes(options?: { default?: Uint8Array }): LeafSchema<Uint8Array, false> {
  return leaf("bytes", options?.default ?? new Uint8Array(0));
}

/** Any value at all, replaced as a whole; null until assigned. */
export function json(options?: { default?: Value }): LeafSchema<Value, false> {
  return leaf("json", options?.default ?? null);
}

/** The same leaf, left out of the view while nothing is assigned. */
export function optional<T>(schema: LeafSchema<T, boolean>): LeafSchema<T, true> {
  if (schema?.kind !== "leaf") throw misfit("only leaves can be optional");
  return Object.freeze({ ...schema, optional: true });
}

/** A collaborative string, edited by character ranges. */
export function text(): TextSchema {
  return Object.freeze({ kind: "text" });
}

/** An integer that anyone may add to; sums are exact. */
export function counter(): CounterSchema {
  return Object.freeze({ kind: "counter" });
}

/** A set of leaf values, shown in the order of their encoded bytes. */
export function set<Item extends LeafSchema>(item: Item): SetSchema<Item> {
  if (item?.kind !== "leaf") throw misfit("a set holds leaves, such as string() or json()");
  return Object.freeze({ kind: "set", item });
}

/** A list of anything. */
export function list<Item extends Schema>(item: Item): ListSchema<Item> {
  return Object.freeze({ kind: "list", item: checked(item) });
}

/**
 * A log: a list whose records stay as they were written. Deleting or assigning in it is inert, whoever does it, so what an
 * author has stated stands, and `entries()` says whose statement it is. Throws MisuseError unless the record is a leaf or a
 * struct of leaves and such structs.
 */
export function log<Item extends RecordSchema>(item: Item): LogSchema<Item> {
  if (!isRecordSchema(checked(item), 1)) {
    throw misfit("a log's record is a leaf, such as json(), or a struct of leaves");
  }
  return Object.freeze({ kind: "log", item });
}

/** A map from strings to anything. */
export function map<Item extends Schema>(value: Item): MapSchema<Item> {
  return Object.freeze({ kind: "map", value: checked(value) });
}

/** Named fields of any kinds. */
export function struct<const F extends Fields>(fields: F): StructSchema<F> {
  const copy: { [name: string]: Schema } = Object.create(null) as { [name: string]: Schema };
  for (const name of Object.keys(fields)) {
    const bytes = utf8Length(name);
    if (bytes < 0) throw misfit(`the field name ${JSON.stringify(name)} has a lone surrogate`);
    if (bytes > MAX_KEY_BYTES) throw misfit(`a field name is longer than ${MAX_KEY_BYTES} bytes`);
    copy[name] = checked(fields[name]!);
  }
  return Object.freeze({ kind: "struct", fields: Object.freeze(copy) as F });
}

/** The digest (32 bytes) of a schema: equal for equal schemas, whatever the order of their fields. */
export function schemaDigest(schema: Schema): Uint8Array {
  const description = encodeValue(describe(schema, []));
  const input = new Uint8Array(SCHEMA_TAG.length + description.length);
  input.set(SCHEMA_TAG);
  input.set(description, SCHEMA_TAG.length);
  return sha256(input);
}

/** Throws MisuseError unless containers nest at most {@link MAX_SCHEMA_DEPTH} deep. */
export function checkSchema(schema: Schema): void {
  let level: Schema[] = [checked(schema)];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_SCHEMA_DEPTH) throw misfit(`it nests more than ${MAX_SCHEMA_DEPTH} deep`);
    level = level.flatMap(childrenOf);
  }
}

function isRecordSchema(schema: Schema, depth: number): boolean {
  if (schema.kind !== "struct") return schema.kind === "leaf";
  if (depth > MAX_SCHEMA_DEPTH) return false;
  return Object.values(schema.fields).every((field) => isRecordSchema(field, depth + 1));
}

function childrenOf(schema: Schema): Schema[] {
  switch (schema.kind) {
    case "struct":
      return Object.values(schema.fields);
    case "list":
    case "log":
      return [schema.item];
    case "map":
      return [schema.value];
    default:
      return [];
  }
}

/**
 * Appends the parts of a schema in prefix order, flat because a value may nest less deep than a schema.
 * Recursion is bounded by {@link MAX_SCHEMA_DEPTH}, which the document checks first.
 */
function describe(schema: Schema, parts: Value[]): Value[] {
  parts.push(schema.kind);
  switch (schema.kind) {
    case "leaf":
      parts.push(schema.type, schema.default, schema.optional);
      break;
    case "struct": {
      const names = Object.keys(schema.fields).sort();
      parts.push(names.length);
      for (const name of names) {
        parts.push(name);
        describe(schema.fields[name]!, parts);
      }
      break;
    }
    case "list":
    case "log":
    case "set":
      describe(schema.item, parts);
      break;
    case "map":
      describe(schema.value, parts);
      break;
    case "text":
    case "counter":
      break;
  }
  return parts;
}

function leaf<T extends Value>(type: LeafType, value: T): LeafSchema<T, false> {
  // In a list, because that is how deep it stands in the description of which the digest is made.
  const decoded = decodeValue(encodeValue([value]));
  const [plain = null] = decoded.ok ? (decoded.value as readonly Value[]) : [];
  if (!decoded.ok || !fitsLeaf(type, plain)) throw misfit(`the default of ${type}() is not one`);
  // A copy, so that nobody can edit it; the wire does not tell 10 from 10n.
  const copy = typeof value === "bigint" ? value : (plain as T);
  return Object.freeze({ kind: "leaf", type, default: copy, optional: false });
}

const KINDS: ReadonlySet<unknown> = new Set<Schema["kind"]>([
  "leaf",
  "text",
  "counter",
  "set",
  "list",
  "log",
  "map",
  "struct",
]);

function checked<S>(schema: S): S {
  const kind = (schema as { kind?: unknown } | null | undefined)?.kind;
  if (!KINDS.has(kind)) throw misfit("expected a schema, such as string() or list(json())");
  return schema;
}

function misfit(message: string): MisuseError {
  return new MisuseError("bad_schema", `not a schema: ${message}`);
}
