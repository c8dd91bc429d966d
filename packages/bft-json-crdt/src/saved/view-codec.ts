/**
 * Views as bytes, by their schema, exactly: what is read is what was written, to the types of its numbers.
 *
 *     leaf        its value; if it may be absent, [] or [value]
 *     text        the text
 *     counter     an integer
 *     set, list, log   an array
 *     map         a map
 *     struct      an array of the views of its fields, ascending by name (UTF-16)
 */
import { compareKeys, emptyObject, isSmallIndex, keepSparse } from "../encoding/index.ts";
import type { ByteReader, ByteWriter, Value } from "../encoding/index.ts";
import type { Fields, Schema } from "../schema/index.ts";

/** The view of any schema; undefined for an optional leaf that is not assigned. */
export type AnyView = Value | undefined | readonly AnyView[] | { readonly [key: string]: AnyView };

/** Writes the view of a document or of a part of it. */
export function writeView(writer: ByteWriter, schema: Schema, view: AnyView): void {
  switch (schema.kind) {
    case "leaf":
      if (schema.optional) writer.arrayHeader(view === undefined ? 0 : 1);
      if (view !== undefined) writer.value(view as Value);
      return;
    case "text":
    case "counter":
      writer.value(view as Value);
      return;
    case "set":
    case "list":
    case "log": {
      const items = view as readonly AnyView[];
      writer.arrayHeader(items.length);
      for (const item of items) writeView(writer, schema.item, item);
      return;
    }
    case "map": {
      const entries = view as { readonly [key: string]: AnyView };
      const keys = Object.keys(entries).sort(compareKeys);
      writer.mapHeader(keys.length);
      for (const key of keys) {
        writer.text(key);
        writeView(writer, schema.value, entries[key]);
      }
      return;
    }
    case "struct": {
      const fields = view as { readonly [key: string]: AnyView };
      const names = sortedNames(schema.fields);
      writer.arrayHeader(names.length);
      for (const name of names) writeView(writer, schema.fields[name]!, fields[name]);
      return;
    }
  }
}

/** Reads what `writeView` wrote for the same schema; never throws. The caller looks whether the reader has failed. */
export function readView(reader: ByteReader, schema: Schema): AnyView {
  switch (schema.kind) {
    case "leaf": {
      if (schema.optional) {
        const count = reader.arrayHeader();
        if (count === 0) return undefined;
        if (count !== 1) reader.fail();
      }
      const value = reader.value();
      return schema.type === "bigint" && typeof value === "number" ? BigInt(value) : value;
    }
    case "text":
      return reader.text();
    case "counter": {
      const value = reader.value();
      return typeof value === "number" ? BigInt(value) : value;
    }
    case "set":
    case "list":
    case "log": {
      const items: AnyView[] = [];
      const count = reader.arrayHeader();
      for (let i = 0; i < count && !reader.failed; i++) items.push(readView(reader, schema.item));
      return items;
    }
    case "map": {
      const entries = new Map<string, AnyView>();
      const count = reader.mapHeader();
      for (let i = 0; i < count && !reader.failed; i++) {
        const key = reader.text();
        entries.set(key, readView(reader, schema.value));
      }
      // A view has its keys in another order than their encodings.
      const keys = [...entries.keys()].sort();
      const view = emptyObject<AnyView>();
      if (keys.some(isSmallIndex)) keepSparse(view);
      for (const key of keys) view[key] = entries.get(key);
      return view;
    }
    case "struct": {
      const fields = new Map<string, AnyView>();
      const names = sortedNames(schema.fields);
      if (reader.arrayHeader() !== names.length) reader.fail();
      for (const name of names) fields.set(name, readView(reader, schema.fields[name]!));
      // A view has its fields in the order of the schema, in which replicas may differ.
      const view = emptyObject<AnyView>();
      for (const name of Object.keys(schema.fields)) {
        const field = fields.get(name);
        if (field !== undefined) view[name] = field;
      }
      return view;
    }
  }
}

function sortedNames(fields: Fields): string[] {
  return Object.keys(fields).sort();
}
