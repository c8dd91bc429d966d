/**
 * Handles: what applications hold to read and edit a document. A handle names a place, not a moment: it always shows the
 * present state. Editing is possible inside `document.change(…)` only.
 */
import { toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { MisuseError } from "../result.ts";
import type {
  CounterSchema,
  Fields,
  Initial,
  LeafSchema,
  ListSchema,
  LogSchema,
  MapSchema,
  Schema,
  SetSchema,
  StructSchema,
  TextSchema,
  View,
} from "../schema/index.ts";
import type {
  CounterNode,
  LeafNode,
  ListNode,
  MapNode,
  Node,
  SetNode,
  StructNode,
  TextNode,
} from "./containers.ts";
import { outside, placeOf } from "./editor.ts";
import type { Editor } from "./editor.ts";
import { counterAmount, show } from "./initial.ts";
import { contentView, entryView, itemView, leafView, shown, textOf, viewOf } from "./view.ts";

/**
 * The stable id of an element: change id in hex, a colon, the index within the change. Valid on every replica. What the change
 * that is being made has made itself has an id that begins with `self:` until that has ended, and that names nothing later.
 */
export type ElementId = string;

/** One of several concurrent values of a register or a map's key. */
export interface Conflict<T> {
  /** The id of the assignment. */
  readonly id: ElementId;
  /** What was assigned. */
  readonly value: T;
  /** Public key of who assigned it, in hex. */
  readonly author: string;
}

/** One record of a log, and who stands for it. */
export interface LogEntry<T> {
  /** The id of the record, the same on every replica. */
  readonly id: ElementId;
  /** The record as it was written. */
  readonly value: T;
  /** Public key of who wrote it, in hex. */
  readonly author: string;
  /** The time that its author claimed, in milliseconds since 1970; null for none. */
  readonly time: number | null;
  /** Local index of its change in `document.history`: asks `isAncestor` what its author had seen. */
  readonly change: number;
}

/**
 * The handle by which a place of this schema is read and edited: a {@link TextHandle} for `text()`, a {@link ListHandle} for
 * `list(…)`, a {@link RegisterHandle} for a leaf, and so on; for a struct an object that holds the handles of its fields.
 */
export type Handle<S> =
  S extends LeafSchema<infer T, infer Optional>
    ? RegisterHandle<T, Optional extends false ? T : T | undefined>
    : S extends TextSchema
      ? TextHandle
      : S extends CounterSchema
        ? CounterHandle
        : S extends SetSchema<infer Item>
          ? SetHandle<View<Item>>
          : S extends ListSchema<infer Item>
            ? ListHandle<Item>
            : S extends LogSchema<infer Item>
              ? LogHandle<Item>
              : S extends MapSchema<infer Item>
                ? MapHandle<Item>
                : S extends StructSchema<infer F>
                  ? { readonly [K in keyof F]: Handle<F[K]> }
                  : never;

/** Finds the node of a handle again after the state was folded anew. */
export interface HandleHost {
  readonly editor: Editor;
  /** Grows by one whenever the state is folded anew and nodes are replaced. */
  readonly epoch: number;
  /** The node in the present state of what had this place in an earlier epoch. */
  locate(owner: number, path: readonly string[], epoch: number): Node;
}

/**
 * Stands behind the methods of every handle, so that `doc.map.name = value`, which the types forbid, is refused and not lost
 * without a word: what a handle has no name for is looked for here last. It costs nothing when a handle is made.
 */
const REFUSES_ASSIGNMENTS: object = new Proxy(Object.create(Object.prototype) as object, {
  set(_behind, name, _value, handle): never {
    throw new MisuseError(
      "bad_value",
      `nothing in a handle is assigned with "=": call .${methodFor(handle, name)}`,
    );
  },
});

abstract class NodeHandle<N extends Node> {
  /** @internal */
  protected readonly host: HandleHost;
  #node: N;
  #epoch: number;

  /** @internal */
  constructor(host: HandleHost, node: N) {
    this.host = host;
    this.#node = node;
    this.#epoch = host.epoch;
  }

  /** The node, with all edits so far in it. */
  protected get node(): N {
    this.host.editor.settle();
    return this.current;
  }

  /** The same without those that the editor has only gathered yet. */
  protected get current(): N {
    if (this.#epoch !== this.host.epoch) {
      const { owner, path } = placeOf(this.#node);
      this.#node = this.host.locate(owner, path, this.#epoch) as N;
      this.#epoch = this.host.epoch;
    }
    return this.#node;
  }

  /** @internal */
  protected get editor(): Editor {
    return this.host.editor;
  }
}

Object.setPrototypeOf(NodeHandle.prototype, REFUSES_ASSIGNMENTS);

/** A register: one value, assigned as a whole. `Shown` is what it shows: undefined too if it is optional. */
export class RegisterHandle<T, Shown = T> extends NodeHandle<LeafNode> {
  /** The value shown: the greatest of the concurrent ones; while nothing is assigned the default, or undefined. */
  get(): Shown {
    return leafView(this.node) as Shown;
  }

  /** Assigns, in the place of all values that are seen here. Throws MisuseError for what the schema does not take. */
  set(value: T): void {
    this.editor.assignLeaf(this.node, value);
  }

  /** Takes the assignment back: the default is shown again, and an optional field is gone from the view. */
  clear(): void {
    this.editor.clearLeaf(this.node);
  }

  /** All values that were assigned concurrently, the shown one first. */
  conflicts(): Conflict<T>[] {
    const { assignments, schema } = this.node;
    return conflictsOf(this.editor, assignments.standing(), (element) =>
      shown(schema, assignments.valueOf(element)!),
    ) as Conflict<T>[];
  }
}

/** A sum that anyone may add to. */
export class CounterHandle extends NodeHandle<CounterNode> {
  /** The sum of all increments; 0n to begin with. */
  get value(): bigint {
    return this.node.sum;
  }

  /** Adds an integer of at most 64 bits, 1 by default; negative ones subtract. */
  increment(amount: number | bigint = 1): void {
    this.editor.increment(this.node, counterAmount(amount));
  }

  /** Subtracts an integer of at most 64 bits, 1 by default. */
  decrement(amount: number | bigint = 1): void {
    this.editor.increment(this.node, -counterAmount(amount));
  }
}

/** A set of leaf values. */
export class SetHandle<T> extends NodeHandle<SetNode> {
  /** How many values are in it. */
  get size(): number {
    return this.node.additions.size;
  }

  /** True when the value is in it; byte strings and objects are compared by what they hold. */
  has(value: T): boolean {
    return this.node.additions.has(value as Value);
  }

  /** Adds a value; false when it was in the set already. */
  add(value: T): boolean {
    return this.editor.addToSet(this.node, value);
  }

  /** Removes a value; false when it was not in the set. An addition made concurrently by someone else survives. */
  delete(value: T): boolean {
    return this.editor.removeFromSet(this.node, value);
  }

  /** The values in the order of their encoded bytes. */
  values(): T[] {
    return viewOf(this.node) as T[];
  }

  /** Iterates over `values()`. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.values()[Symbol.iterator]();
  }
}

/** A list: items at places, which move as others are inserted and deleted. */
export class ListHandle<Item> extends NodeHandle<ListNode> {
  /** How many items are shown; deleted ones do not count. */
  get length(): number {
    return this.node.sequence.length;
  }

  /** The view of the item at an index; undefined when there is none. */
  get(index: number): View<Item> | undefined {
    if (!Number.isSafeInteger(index)) return undefined;
    return itemView(this.node, index) as View<Item> | undefined;
  }

  /** The handle of the item at an index, to edit inside of it. Throws MisuseError when there is none. */
  at(index: number): Handle<Item> {
    return handleOf(this.host, this.editor.state.nodeOf(this.#elementAt(index))!) as Handle<Item>;
  }

  /** Appends items, as plain data; throws MisuseError for what the schema does not take. */
  push(...items: Initial<Item>[]): void {
    this.editor.insertItems(this.node, this.length, items);
  }

  /** Inserts items before the one at an index (0 … length). */
  insert(index: number, ...items: Initial<Item>[]): void {
    this.editor.insertItems(this.node, index, items);
  }

  /** Inserts items right behind an element, also one that is deleted; null for the start of the list. */
  insertAfter(id: ElementId | null, ...items: Initial<Item>[]): void {
    const element = id === null ? -1 : this.#known(id);
    this.editor.insertItemsAfter(this.node, element, items);
  }

  /** Deletes items from an index on, one by default. Throws MisuseError when there are not so many. */
  delete(index: number, count = 1): void {
    this.editor.removeItems(this.node, index, count);
  }

  /** Deletes the element with an id; false when it was deleted already. */
  deleteById(id: ElementId): boolean {
    const element = this.#known(id);
    if (!this.node.sequence.alive(element)) return false;
    this.editor.removeElements([element, 1]);
    return true;
  }

  /** Moves an item so that it stands at index `to` afterwards: a deletion and an insertion, with a new id. */
  move(from: number, to: number): void {
    if (!(Number.isSafeInteger(to) && to >= 0 && to < this.length)) {
      throw outside(to, "the list", this.length);
    }
    this.#elementAt(from);
    const item = this.get(from) as Initial<Item>;
    this.insert(to > from ? to + 1 : to, item);
    this.delete(to > from ? from : from + 1);
  }

  /** Replaces the item at an index: an assignment for leaves, a deletion and an insertion for others. */
  set(index: number, item: Initial<Item>): void {
    const node = this.editor.state.nodeOf(this.#elementAt(index))!;
    if (node.kind === "leaf") {
      this.editor.assignLeaf(node, item);
    } else {
      this.insert(index, item);
      this.delete(index + 1);
    }
  }

  /** The stable id of the item at an index. Throws MisuseError when there is none. */
  idAt(index: number): ElementId {
    return this.editor.elementId(this.#elementAt(index));
  }

  /** The index of an element, -1 when it is deleted or not of this list. */
  indexOf(id: ElementId): number {
    const element = this.editor.elementOf(id);
    const { sequence } = this.node;
    return element >= 0 && sequence.has(element) && sequence.alive(element)
      ? sequence.indexOf(element)
      : -1;
  }

  /** The handle of the element with an id. Throws MisuseError when it is not of this list or deleted. */
  byId(id: ElementId): Handle<Item> {
    const element = this.#known(id);
    if (!this.node.sequence.alive(element)) throw unknownElement(id);
    return handleOf(this.host, this.editor.state.nodeOf(element)!) as Handle<Item>;
  }

  /** The view of the whole list. */
  toArray(): View<Item>[] {
    return viewOf(this.node) as View<Item>[];
  }

  /** Iterates over `toArray()`. */
  [Symbol.iterator](): IterableIterator<View<Item>> {
    return this.toArray()[Symbol.iterator]();
  }

  #elementAt(index: number): number {
    const element = Number.isSafeInteger(index) ? this.node.sequence.lvAt(index) : -1;
    if (element >= 0) return element;
    throw outside(index, "the list", this.length);
  }

  #known(id: ElementId): number {
    const element = this.editor.elementOf(id);
    if (element < 0 || !this.node.sequence.has(element)) throw unknownElement(id);
    return element;
  }
}

/** A log: a list of records that stay as they were written. */
export class LogHandle<Item> extends NodeHandle<ListNode> {
  /** How many records there are. */
  get length(): number {
    return this.node.sequence.length;
  }

  /** The record at an index of the view; undefined when there is none. */
  get(index: number): View<Item> | undefined {
    if (!Number.isSafeInteger(index)) return undefined;
    return itemView(this.node, index) as View<Item> | undefined;
  }

  /** Appends records, as plain data; throws MisuseError for what the schema does not take. */
  append(...records: Initial<Item>[]): void {
    this.editor.insertItems(this.node, this.length, records);
  }

  /** The stable id of the record at an index of the view. Throws MisuseError when there is none. */
  idAt(index: number): ElementId {
    const { sequence } = this.node;
    const element = Number.isSafeInteger(index) ? sequence.lvAt(index) : -1;
    if (element >= 0) return this.editor.elementId(element);
    throw outside(index, "the log", this.length);
  }

  /**
   * All records with their authors, by (length of the history behind them, change id, index): the same order on every
   * replica, in which nothing stands before what its author had seen. A liar can still choose to have seen little, and so
   * to stand early. Inside `change` those that are being made come last, without a time.
   */
  entries(): LogEntry<View<Item>>[] {
    return logEntries(this.editor, this.node) as LogEntry<View<Item>>[];
  }

  /** The view of the whole log, in the places that its authors gave to their records. */
  toArray(): View<Item>[] {
    return viewOf(this.node) as View<Item>[];
  }

  /** Iterates over `entries()`. */
  [Symbol.iterator](): IterableIterator<LogEntry<View<Item>>> {
    return this.entries()[Symbol.iterator]();
  }
}

/** A text. Indexes count UTF-16 units, as JavaScript strings do; `characters` counts Unicode characters instead. */
export class TextHandle extends NodeHandle<TextNode> {
  /** UTF-16 units. */
  get length(): number {
    return this.editor.lengthOf(this.current);
  }

  /** The whole text. */
  override toString(): string {
    return textOf(this.node.sequence);
  }

  /** Inserts text before an index. Throws MisuseError inside a surrogate pair. */
  insert(index: number, text: string): void {
    this.editor.insertText(this.current, index, text);
  }

  /** Appends text. */
  append(text: string): void {
    this.editor.insertText(this.current, this.length, text);
  }

  /** Inserts text right behind a character, also one that is deleted; null for the start. */
  insertAfter(id: ElementId | null, text: string): void {
    const element = id === null ? -1 : this.editor.elementOf(id);
    if (id !== null && (element < 0 || !this.node.sequence.has(element))) throw unknownElement(id);
    this.editor.insertTextAfter(this.node, element, text);
  }

  /** Deletes units from an index on. Throws MisuseError when that would cut a surrogate pair. */
  delete(index: number, count = 1): void {
    this.editor.removeText(this.current, index, count);
  }

  /** Deletes and inserts at one place. */
  replace(index: number, count: number, text: string): void {
    this.editor.replaceText(this.current, index, count, text);
  }

  /** The stable id of the character at an index. Throws MisuseError when there is none. */
  idAt(index: number): ElementId {
    const element = Number.isSafeInteger(index) ? this.node.sequence.locateUnit(index) : -1;
    if (element >= 0) return this.editor.elementId(element);
    throw outside(index, "the text", this.length);
  }

  /** The index of a character, -1 when it is deleted or not of this text. */
  indexOf(id: ElementId): number {
    const element = this.editor.elementOf(id);
    const { sequence } = this.node;
    return element >= 0 && sequence.has(element) && sequence.alive(element)
      ? sequence.unitIndexOf(element)
      : -1;
  }

  /** The same text by character indexes. */
  get characters(): Characters {
    const { editor } = this;
    // Asks for the node each time: the one of this moment is gone once the state is folded anew.
    const current = (): TextNode => this.node;
    return {
      get length() {
        return current().sequence.length;
      },
      insert: (index, text) => editor.insertTextAtCharacter(current(), index, text),
      delete: (index, count = 1) => editor.removeCharacters(current(), index, count),
    };
  }
}

/** A text by the indexes of its Unicode characters (scalar values). */
export interface Characters {
  /** How many characters there are. */
  readonly length: number;
  /** Inserts text before the character at an index. Throws MisuseError when there is no such place. */
  insert(index: number, text: string): void;
  /** Deletes characters from an index on, one by default. Throws MisuseError when there are not so many. */
  delete(index: number, count?: number): void;
}

/** A map from strings to values or containers. */
export class MapHandle<Item> extends NodeHandle<MapNode> {
  /** How many keys have a value. */
  get size(): number {
    return this.node.entries.size;
  }

  /** True when the key has a value. */
  has(key: string): boolean {
    return this.node.entries.has(key);
  }

  /** The view of the value at a key; undefined when there is none. */
  get(key: string): View<Item> | undefined {
    const entry = this.node.entries.get(key);
    return entry === undefined ? undefined : (entryView(entry) as View<Item>);
  }

  /** The handle of the container at a key, to edit inside of it. Throws MisuseError when there is none. */
  at(key: string): Handle<Item> {
    const entry = this.node.entries.get(key);
    const node = entry === undefined ? null : this.editor.state.nodeOf(entry.assignments.winner);
    if (node !== null) return handleOf(this.host, node) as Handle<Item>;
    const why = entry === undefined ? "there is nothing at" : "use get and set for the value at";
    throw new MisuseError("unknown_element", `${why} key ${JSON.stringify(key)}`);
  }

  /** Assigns a key; a container there is replaced by a new one. */
  set(key: string, value: Initial<Item>): void {
    this.editor.assignKey(this.node, key, value);
  }

  /** Removes a key; false when it is not there. An assignment made concurrently by someone else survives. */
  delete(key: string): boolean {
    return this.editor.removeKey(this.node, key);
  }

  /** All values that were assigned to a key concurrently, the shown one first. */
  conflicts(key: string): Conflict<View<Item>>[] {
    const entry = this.node.entries.get(key);
    if (entry === undefined) return [];
    return conflictsOf(this.editor, entry.assignments.standing(), (element) =>
      entryView(entry, element),
    ) as Conflict<View<Item>>[];
  }

  /** The keys, sorted by UTF-16 code units, so that every replica lists them alike. */
  keys(): string[] {
    return [...this.node.entries.keys()].sort();
  }

  /** Iterates over keys, sorted, and the views of their values. */
  [Symbol.iterator](): IterableIterator<[string, View<Item>]> {
    return this.keys()
      .map((key): [string, View<Item>] => [key, this.get(key)!])
      [Symbol.iterator]();
  }
}

/** The handle of a node. */
export function handleOf(host: HandleHost, node: Node): unknown {
  switch (node.kind) {
    case "leaf":
      return new RegisterHandle(host, node);
    case "text":
      return new TextHandle(host, node);
    case "counter":
      return new CounterHandle(host, node);
    case "set":
      return new SetHandle(host, node);
    case "list":
      return node.schema.kind === "log" ? new LogHandle(host, node) : new ListHandle(host, node);
    case "map":
      return new MapHandle(host, node);
    case "struct":
      return structHandle(new StructReference(host, node));
  }
}

/** What the getters of a struct's handle close over. */
class StructReference extends NodeHandle<StructNode> {
  readonly #fields = new Map<string, unknown>();

  fields(): readonly StructField[] {
    return fieldsOf(this.current.schema);
  }

  /** The handle of a field, made when it is first asked for: it finds its node again by itself. */
  field(name: string): unknown {
    let handle = this.#fields.get(name);
    if (handle === undefined) {
      handle = handleOf(this.host, this.editor.state.containers.field(this.current, name)!);
      this.#fields.set(name, handle);
    }
    return handle;
  }
}

/** What edits a handle that somebody assigned `name` of: with that as the key or index, where it may have been meant so. */
function methodFor(handle: unknown, name: string | symbol): string {
  if (handle instanceof MapHandle) return `set(${JSON.stringify(String(name))}, …)`;
  if (handle instanceof ListHandle)
    return /^\d+$/.test(String(name)) ? `set(${String(name)}, …)` : "push(…)";
  if (handle instanceof LogHandle) return `${METHODS.log}(…)`;
  if (handle instanceof TextHandle) return `${METHODS.text}(…)`;
  if (handle instanceof CounterHandle) return `${METHODS.counter}(…)`;
  return handle instanceof SetHandle ? `${METHODS.set}(…)` : `${METHODS.leaf}(…)`;
}

/** What edits a field of each kind. */
const METHODS: { readonly [kind in Exclude<Schema["kind"], "struct">]: string } = {
  leaf: "set",
  text: "insert",
  counter: "increment",
  set: "add",
  list: "push",
  log: "append",
  map: "set",
};

/** The name of a field, and the setter that refuses `doc.name = value`, which the types forbid. */
interface StructField {
  readonly name: string;
  readonly refuse: () => never;
}

/** The fields of each struct of a schema: made once, because a list may hold very many structs. */
const FIELDS = new WeakMap<StructSchema<Fields>, readonly StructField[]>();

function fieldsOf(schema: StructSchema<Fields>): readonly StructField[] {
  let fields = FIELDS.get(schema);
  if (fields === undefined) {
    fields = Object.entries(schema.fields).map(([name, { kind }]) => ({
      name,
      refuse: () => {
        const field = /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
        const instead =
          kind === "struct" ? `edit the fields of ${field}` : `call ${field}.${METHODS[kind]}(…)`;
        throw new MisuseError("bad_value", `a field is not assigned with "=": ${instead}`);
      },
    }));
    FIELDS.set(schema, fields);
  }
  return fields;
}

/** An object with a getter for each field. It has no prototype, so that any name can be a field. */
function structHandle(reference: StructReference): object {
  const handle = Object.create(null) as object;
  for (const { name, refuse } of reference.fields()) {
    const get = (): unknown => reference.field(name);
    Object.defineProperty(handle, name, { get, set: refuse, enumerable: true });
  }
  return handle;
}

function logEntries(editor: Editor, node: ListNode): LogEntry<unknown>[] {
  const { history, state } = editor;
  const elements: number[] = [];
  const values = new Map<number, unknown>();
  node.sequence.forEachVisible((element, count, contents, from) => {
    for (let i = 0; i < count; i++) {
      elements.push(element + i);
      values.set(element + i, contentView(node.schema.item, contents[from + i]!));
    }
  });
  elements.sort((a, b) => state.compareElements(a, b));
  return elements.map((element) => {
    const change = state.changeOf(element);
    return {
      id: editor.elementId(element),
      value: values.get(element),
      author: authorOf(editor, change),
      time: change < history.length ? history.timeAt(change) : null,
      change,
    };
  });
}

function conflictsOf(
  editor: Editor,
  elements: readonly number[],
  valueOf: (element: number) => unknown,
): Conflict<unknown>[] {
  return elements.map((element) => {
    const author = authorOf(editor, editor.state.changeOf(element));
    return { id: editor.elementId(element), value: valueOf(element), author };
  });
}

/** Public key in hex of who made a change, or is making it. */
function authorOf({ history, author }: Editor, change: number): string {
  return change < history.length ? toHex(history.authorAt(change)) : author;
}

function unknownElement(id: unknown): MisuseError {
  const named = typeof id === "string" ? JSON.stringify(id) : show(id);
  return new MisuseError("unknown_element", `there is no element ${named} here`);
}
