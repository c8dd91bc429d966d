/**
 * Views: plain data of what a node shows. Objects have no prototype, so keys such as `__proto__` are data.
 * Recursion is bounded by the depth of the schema.
 */
import { emptyObject, isSmallIndex, keepSparse } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { isRecord } from "../schema/index.ts";
import type { LeafSchema, Schema } from "../schema/index.ts";
import type { EntryNode, LeafNode, ListNode, Node, SetNode, StructNode } from "./containers.ts";
import type { ViewValue } from "./patch.ts";

/** The view of a node; undefined for an optional leaf that is not assigned. */
export function viewOf(node: Node): ViewValue | undefined {
  switch (node.kind) {
    case "leaf":
      return leafView(node);
    case "text":
      return textOf(node.sequence);
    case "counter":
      return node.sum;
    case "set":
      return node.additions.values().map((value) => shownItem(node, value));
    case "list":
      return listView(node, 0, node.sequence.length);
    case "map": {
      const view = recordFor<ViewValue>([...node.entries.keys()].sort());
      for (const key of Object.keys(view)) view[key] = entryView(node.entries.get(key)!);
      return view;
    }
    case "struct":
      return structView(node);
  }
}

/** The value that a register shows; an item of a list is never left out, even if a stranger has cleared it. */
export function leafView({ schema, assignments, location }: LeafNode): Value | undefined {
  if (assignments.size > 0) return shown(schema, assignments.valueOf(assignments.winner)!);
  const isLeftOut = schema.optional && location.kind !== "item";
  return isLeftOut ? undefined : shown(schema, schema.default);
}

/** The value that a map's key shows. */
export function entryView(entry: EntryNode, element = entry.assignments.winner): ViewValue {
  const node = entry.values?.get(element);
  if (node !== undefined) return viewOf(node)!;
  return contentView(entry.map.schema.value, entry.assignments.valueOf(element)!)!;
}

/** Views of `count` items of a list from a visible index on. */
export function listView(node: ListNode, index: number, count: number): ViewValue[] {
  const views: ViewValue[] = [];
  const { item } = node.schema;
  node.sequence.forEachVisibleIn(index, count, (element, length, contents, from) => {
    for (let i = 0; i < length; i++) {
      const known = node.items.size === 0 ? undefined : node.items.get(element + i);
      // Items have content and are never left out, so that their view is never undefined.
      views.push(known === undefined ? contentView(item, contents[from + i]!)! : viewOf(known)!);
    }
  });
  return views;
}

/** The view of the item at a visible index; undefined when there is none. */
export function itemView(
  { schema, sequence, items }: ListNode,
  index: number,
): ViewValue | undefined {
  if (!sequence.contentAt(index)) return undefined;
  const known = items.size === 0 ? undefined : items.get(sequence.lvAt(index));
  if (known !== undefined) return viewOf(known);
  return contentView(schema.item, sequence.content![sequence.contentOffset]!);
}

/** The whole text of a sequence. */
export function textOf(sequence: {
  forEachVisible(callback: (element: number, count: number, content: string) => void): void;
}): string {
  const parts: string[] = [];
  sequence.forEachVisible((_element, _count, content) => parts.push(content));
  return parts.join("");
}

/** The view of something that was made with `content` and that nobody has edited since. */
export function contentView(schema: Schema, content: Value): ViewValue | undefined {
  switch (schema.kind) {
    case "leaf":
      return shown(schema, content);
    case "text":
      return "";
    case "counter":
      return 0n;
    case "set":
    case "list":
    case "log":
      return [];
    case "map":
      return emptyObject<ViewValue>();
    case "struct": {
      const view = emptyObject<ViewValue>();
      const given = isRecord(content) ? content : {};
      for (const name of Object.keys(schema.fields)) {
        const field = schema.fields[name]!;
        const has = Object.hasOwn(given, name);
        if (!has && field.kind === "leaf") {
          if (!field.optional) view[name] = shown(field, field.default);
        } else {
          view[name] = contentView(field, has ? given[name]! : null)!;
        }
      }
      return view;
    }
  }
}

/** A value of a set as its view shows it. */
export function shownItem(node: SetNode, value: Value): Value {
  return shown(node.schema.item, value);
}

/** A stored value as a leaf shows it: the wire does not tell 10 from 10n, the schema does. */
export function shown(schema: LeafSchema, value: Value): Value {
  if (typeof value === "object") return copyOf(value);
  return schema.type === "bigint" && typeof value === "number" ? BigInt(value) : value;
}

/** A copy, so that nobody can edit the state through a view. Values nest at most 64 deep. */
function copyOf(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copyOf);
  const given = value as { readonly [key: string]: Value };
  const copy = recordFor<Value>(Object.keys(given));
  for (const key of Object.keys(given)) copy[key] = copyOf(given[key]!);
  return copy;
}

function structView(node: StructNode): ViewValue {
  const view = emptyObject<ViewValue>();
  for (const name of Object.keys(node.schema.fields)) {
    const child = node.fields.get(name);
    const value = child === undefined ? fieldView(node, name) : viewOf(child);
    if (value !== undefined) view[name] = value;
  }
  return view;
}

function fieldView(node: StructNode, name: string): ViewValue | undefined {
  const schema = node.schema.fields[name]!;
  if (Object.hasOwn(node.content, name)) return contentView(schema, node.content[name]!);
  if (schema.kind !== "leaf") return contentView(schema, null);
  return schema.optional ? undefined : shown(schema, schema.default);
}

/** An object with these keys, all null: strangers choose them, so ones like indexes must not make V8 reserve room. */
function recordFor<T>(keys: readonly string[]): Record<string, T | null> {
  const view = emptyObject<T | null>();
  if (keys.some(isSmallIndex)) keepSparse(view);
  for (const key of keys) view[key] = null;
  return view;
}
