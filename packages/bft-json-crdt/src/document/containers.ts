/**
 * Containers: the live state of one document as a tree of nodes, one class for each kind of schema.
 *
 * Only the root is there from the start; every other node is made when an op or a handle first asks for it, so a list of
 * 100,000 structs that nobody edits inside costs no more than its contents.
 */
import type { Value } from "../encoding/index.ts";
import { isRecord } from "../schema/index.ts";
import type {
  CounterSchema,
  LeafSchema,
  ListSchema,
  LogSchema,
  MapSchema,
  RecordSchema,
  Schema,
  SetSchema,
  StructSchema,
  TextSchema,
  Fields,
} from "../schema/index.ts";
import { Additions, Assignments, LIST_CONTENT, Sequence, TEXT_CONTENT } from "../types/index.ts";
import type { CompareElements } from "../types/index.ts";

/** Where a node hangs: at the root, in a field of a struct, or owned by an element of a list or of a map's entry. */
export type Location =
  | { readonly kind: "root" }
  | { readonly kind: "field"; readonly parent: StructNode; readonly name: string }
  | { readonly kind: "item"; readonly parent: ListNode; readonly element: number }
  | { readonly kind: "value"; readonly parent: EntryNode; readonly element: number };

/** A register. */
export class LeafNode {
  readonly kind = "leaf";
  readonly schema: LeafSchema;
  readonly location: Location;
  readonly assignments: Assignments<Value>;

  constructor(schema: LeafSchema, location: Location, compare: CompareElements) {
    this.schema = schema;
    this.location = location;
    this.assignments = new Assignments(compare);
  }
}

/** A text. */
export class TextNode {
  readonly kind = "text";
  readonly schema: TextSchema;
  readonly location: Location;
  readonly sequence: Sequence<string>;

  constructor(schema: TextSchema, location: Location, compare: CompareElements) {
    this.schema = schema;
    this.location = location;
    this.sequence = new Sequence<string>(compare, TEXT_CONTENT);
  }
}

/** A counter. */
export class CounterNode {
  readonly kind = "counter";
  readonly schema: CounterSchema;
  readonly location: Location;
  sum = 0n;

  constructor(schema: CounterSchema, location: Location) {
    this.schema = schema;
    this.location = location;
  }
}

/** A set. */
export class SetNode {
  readonly kind = "set";
  readonly schema: SetSchema;
  readonly location: Location;
  readonly additions: Additions = new Additions();

  constructor(schema: SetSchema, location: Location) {
    this.schema = schema;
    this.location = location;
  }
}

/** A list or a log; `items` holds the nodes of those items that something has asked for, none of a log. */
export class ListNode {
  readonly kind = "list";
  readonly schema: ListSchema<Schema> | LogSchema<RecordSchema>;
  readonly location: Location;
  readonly sequence: Sequence<readonly Value[]>;
  readonly items = new Map<number, Node>();

  constructor(
    schema: ListSchema<Schema> | LogSchema<RecordSchema>,
    location: Location,
    compare: CompareElements,
  ) {
    this.schema = schema;
    this.location = location;
    this.sequence = new Sequence<readonly Value[]>(compare, LIST_CONTENT);
  }
}

/** A map: an entry for each key that has standing assignments. */
export class MapNode {
  readonly kind = "map";
  readonly schema: MapSchema<Schema>;
  readonly location: Location;
  readonly entries = new Map<string, EntryNode>();

  constructor(schema: MapSchema<Schema>, location: Location) {
    this.schema = schema;
    this.location = location;
  }
}

/**
 * The register of one key of a map. `values` holds the nodes of values that are containers, once there is one. It is its
 * own `assignments`: each op on a map of many keys has one object less to fetch from memory.
 */
export class EntryNode extends Assignments<Value> {
  readonly kind = "entry";
  readonly map: MapNode;
  readonly key: string;
  readonly assignments: Assignments<Value> = this;
  values: Map<number, Node> | null = null;

  constructor(map: MapNode, key: string, compare: CompareElements) {
    super(compare);
    this.map = map;
    this.key = key;
  }
}

/** A struct; `content` is what its element was made with, by the element `owner`. */
export class StructNode {
  readonly kind = "struct";
  readonly schema: StructSchema<Fields>;
  readonly location: Location;
  readonly content: { readonly [name: string]: Value };
  readonly owner: number;
  readonly fields = new Map<string, Node>();

  constructor(
    schema: StructSchema<Fields>,
    location: Location,
    content: { readonly [name: string]: Value },
    owner: number,
  ) {
    this.schema = schema;
    this.location = location;
    this.content = content;
    this.owner = owner;
  }
}

/** Any container that a place can name. */
export type Node = LeafNode | TextNode | CounterNode | SetNode | ListNode | MapNode | StructNode;

/** Anything that owns elements. */
export type ElementOwner = LeafNode | TextNode | SetNode | ListNode | EntryNode;

/** The nodes of one document. */
export class Containers {
  readonly root: Node;
  readonly #compare: CompareElements;

  constructor(schema: Schema, compare: CompareElements) {
    this.#compare = compare;
    this.root = this.#make(schema, { kind: "root" }, null, -1);
  }

  /** The node of a struct's field; undefined when the schema has no such field. */
  field(parent: StructNode, name: string): Node | undefined {
    const known = parent.fields.get(name);
    if (known !== undefined) return known;
    const schema = parent.schema.fields[name];
    if (schema === undefined) return undefined;
    const has = Object.hasOwn(parent.content, name);
    const content = has ? parent.content[name]! : null;
    const made = this.#make(schema, { kind: "field", parent, name }, content, parent.owner);
    if (made.kind === "leaf" && has) made.assignments.add(parent.owner, content);
    parent.fields.set(name, made);
    return made;
  }

  /** The node of a list's item, alive or dead; `content` is what the item was made with. */
  item(parent: ListNode, element: number, content: Value): Node {
    const known = parent.items.get(element);
    if (known !== undefined) return known;
    const made = this.#make(
      parent.schema.item,
      { kind: "item", parent, element },
      content,
      element,
    );
    if (made.kind === "leaf") made.assignments.add(element, content);
    parent.items.set(element, made);
    return made;
  }

  /** The node of a map entry's value that is a container; `content` is what the assignment made it with. */
  value(parent: EntryNode, element: number, content: Value): Node {
    const values = (parent.values ??= new Map());
    const known = values.get(element);
    if (known !== undefined) return known;
    const location: Location = { kind: "value", parent, element };
    const made = this.#make(parent.map.schema.value, location, content, element);
    values.set(element, made);
    return made;
  }

  /** An entry for a key of a map, in the map only once something is assigned to it. */
  newEntry(parent: MapNode, key: string): EntryNode {
    return new EntryNode(parent, key, this.#compare);
  }

  /** The element that a leaf was made with, which counts as its first assignment; -1 for none. */
  makerOf({ location }: LeafNode): number {
    if (location.kind === "item") return location.element;
    if (location.kind !== "field") return -1;
    return Object.hasOwn(location.parent.content, location.name) ? location.parent.owner : -1;
  }

  #make(schema: Schema, location: Location, content: Value, owner: number): Node {
    switch (schema.kind) {
      case "leaf":
        return new LeafNode(schema, location, this.#compare);
      case "text":
        return new TextNode(schema, location, this.#compare);
      case "counter":
        return new CounterNode(schema, location);
      case "set":
        return new SetNode(schema, location);
      case "list":
      case "log":
        return new ListNode(schema, location, this.#compare);
      case "map":
        return new MapNode(schema, location);
      case "struct":
        return new StructNode(schema, location, isRecord(content) ? content : {}, owner);
    }
  }
}
