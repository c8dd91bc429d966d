/**
 * What a document must be, the slow and obvious way: an explicit Fugue tree of single elements walked anew for each
 * question, registers by set difference, add-wins sets, plain sums. It reads the ops with the library's `readOp` and
 * shares nothing else with it. For tests only.
 */
import {
  changeId,
  decodeBody,
  INERT,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  readOp,
} from "../src/change/index.ts";
import type { AssignOp, ElementTarget, InsertOp, Op, Place } from "../src/change/index.ts";
import { ByteReader, compareBytes, encodeValue, toHex } from "../src/encoding/index.ts";
import type { Value } from "../src/encoding/index.ts";
import { MAX_REPLACED } from "../src/limits.ts";
import { fitsContent, fitsLeaf, isRecord } from "../src/schema/index.ts";
import type { LeafSchema, Schema } from "../src/schema/index.ts";

/** A change as its body says it. */
export interface NaiveChange {
  readonly id: string;
  readonly author: string;
  readonly lamport: number;
  readonly prev: NaiveChange | null;
  /** What refs name: nothing for 0, then prev, parents, refs. */
  readonly slots: readonly (NaiveChange | null)[];
  readonly made: number;
  readonly detached: boolean;
  /** By index; those of inert ops too. */
  readonly elements: NaiveElement[];
}

/** One element. */
export interface NaiveElement {
  readonly change: NaiveChange;
  readonly index: number;
  /** The container that it belongs to; null when its op was inert. */
  readonly home: NaiveContainer | null;
  readonly value: Value;
  readonly parent: NaiveElement | null;
  readonly side: 0 | 1;
  readonly fits: boolean;
  removed: boolean;
  /** The container that it owns: a list's item, or a container assigned to a map's key. */
  owned: NaiveContainer | null;
}

/** A container, or the register of one key of a map. */
export interface NaiveContainer {
  readonly schema: Schema;
  readonly isEntry: boolean;
  /** The map of an entry. */
  readonly map: NaiveContainer | null;
  /** The element that owns it or the struct around it, null below the root; then the names of fields. */
  readonly owner: NaiveElement | null;
  readonly path: readonly string[];
  /** What it was made with; undefined for nothing. */
  readonly content: Value | undefined;
  /** Inserted into a list or text, assigned to a register, or added to a set, in the order of folding. */
  readonly elements: NaiveElement[];
  readonly replaced: Set<NaiveElement>;
  readonly children: Map<string, NaiveContainer>;
  sum: bigint;
}

/** The naive counterpart of `Document`, made of the bodies of changes in any order. */
export class NaiveDocument {
  readonly root: NaiveContainer;
  readonly changes = new Map<string, NaiveChange>();
  readonly elements: NaiveElement[] = [];

  constructor(schema: Schema, bodies: Iterable<Uint8Array>) {
    this.root = newContainer(schema, null, [], undefined);
    const waiting = new Map([...bodies].map((body) => [toHex(changeId(body)), body]));
    while (waiting.size > 0) {
      const before = waiting.size;
      for (const [id, body] of waiting) if (this.take(id, body)) waiting.delete(id);
      if (waiting.size === before) throw new Error("a dependency is not among the bodies");
    }
  }

  view(): unknown {
    return viewOf(this.root);
  }

  /** Everything that handles can read: see `inspect` in random-edits.ts. */
  inspect(): unknown {
    return inspectOf(this.root);
  }

  /** All containers that elements own or the root is, and the fields in them. */
  containers(): NaiveContainer[] {
    const found: NaiveContainer[] = [];
    const open = [this.root];
    for (const element of this.elements) {
      const owned = ownedBy(element);
      if (owned !== null) open.push(owned);
    }
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      found.push(at);
      if (at.schema.kind !== "struct") continue;
      for (const name of Object.keys(at.schema.fields)) open.push(fieldOf(at, name)!);
    }
    return found;
  }

  private take(id: string, body: Uint8Array): boolean {
    if (this.changes.has(id)) return true;
    const decoded = decodeBody(body);
    if (!decoded.ok) throw new Error(decoded.error.detail);
    const { prev, parents, refs, lamport, author, elements, detached } = decoded.value;
    const named = [prev, ...parents, ...refs].map((bytes) =>
      bytes === null ? null : (this.changes.get(toHex(bytes)) ?? undefined),
    );
    if (named.includes(undefined)) return false;
    const change: NaiveChange = {
      id,
      author: toHex(author),
      lamport,
      prev: named[0]!,
      slots: [null, ...(named as (NaiveChange | null)[])],
      made: elements,
      detached,
      elements: [],
    };
    this.changes.set(id, change);
    if (detached) return true;
    const reader = new ByteReader(body, decoded.value.opsOffset);
    for (let i = 0; i < decoded.value.opCount; i++) this.fold(change, readOp(reader));
    if (change.elements.length !== elements) throw new Error("the elements are miscounted");
    this.elements.push(...change.elements);
    return true;
  }

  private fold(change: NaiveChange, op: Op): void {
    const before = change.elements.length;
    switch (op.kind) {
      case OP_INSERT_VALUES:
      case OP_INSERT_TEXT:
        this.insert(change, op);
        break;
      case OP_REMOVE: {
        const named = rangesOf(change, op.ranges, Infinity);
        for (const element of named ?? [])
          if (element !== "detached" && !isRecordOfLog(element)) element.removed = true;
        break;
      }
      case OP_ASSIGN:
        this.assign(change, op);
        break;
      case OP_ADD:
        this.add(change, op);
        break;
      case OP_INCREMENT: {
        const place = this.resolve(change, op.place);
        if (place?.schema.kind === "counter") place.sum += op.amount;
        break;
      }
      case INERT:
        break;
    }
    // What an inert op makes is numbered all the same.
    while (change.elements.length < before + op.made) make(change, null, null);
  }

  private insert(change: NaiveChange, op: InsertOp): void {
    const parent = op.parent === null ? null : elementNamed(change, op.parent);
    const home = op.place === null ? (parent?.home ?? null) : this.resolve(change, op.place);
    if (home === null || home.isEntry) return;
    const { schema } = home;
    const suits =
      (op.kind === OP_INSERT_VALUES && (schema.kind === "list" || schema.kind === "log")) ||
      (op.kind === OP_INSERT_TEXT && schema.kind === "text");
    if (!suits) return;
    const values: readonly Value[] = typeof op.content === "string" ? [...op.content] : op.content;
    const fits =
      (schema.kind !== "list" && schema.kind !== "log") ||
      values.every((value) => fitsContent(schema.item, value));
    let above = parent;
    values.forEach((value, i) => {
      above = make(change, home, value, above, i === 0 ? op.side : 1, fits);
    });
  }

  private assign(change: NaiveChange, op: AssignOp): void {
    const register = this.register(change, op.place);
    if (register === null) return;
    const replaced = rangesOf(change, op.ranges, MAX_REPLACED);
    const belongs = (element: NaiveElement | "detached"): element is NaiveElement =>
      element !== "detached" && (element.home === register || makerOf(register) === element);
    if (replaced === null || !replaced.every(belongs)) return;
    if (op.made === 1 && !fitsContent(register.schema, op.content)) return;
    for (const element of replaced) register.replaced.add(element);
    if (op.made === 1) make(change, register, op.content);
  }

  private add(change: NaiveChange, op: AssignOp): void {
    const home = this.resolve(change, op.place);
    if (home?.schema.kind !== "set" || !fitsLeaf(home.schema.item.type, op.content)) return;
    const replaced = rangesOf(change, op.ranges, MAX_REPLACED);
    if (replaced === null) return;
    if (replaced.some((element) => element === "detached" || element.home !== home)) return;
    for (const element of replaced) home.replaced.add(element as NaiveElement);
    make(change, home, op.content);
  }

  private resolve(change: NaiveChange, place: Place): NaiveContainer | null {
    let at: NaiveContainer | null = this.root;
    if (place.owner !== null) {
      const owner = elementNamed(change, place.owner);
      at = owner === null ? null : ownedBy(owner);
    }
    for (const name of place.path) at = at === null ? null : fieldOf(at, name);
    return at;
  }

  private register(change: NaiveChange, place: Place): NaiveContainer | null {
    const { owner, path } = place;
    if (path.length > 0) {
      const holder = this.resolve(change, { owner, path: path.slice(0, -1) });
      if (holder?.schema.kind === "map") return entryOf(holder, path[path.length - 1]!);
    }
    const at = this.resolve(change, place);
    return at?.schema.kind === "leaf" ? at : null;
  }
}

/** The order that decides every tie: (lamport, change id, index). */
export function compareElements(a: NaiveElement, b: NaiveElement): number {
  if (a.change.lamport !== b.change.lamport) return a.change.lamport - b.change.lamport;
  if (a.change.id !== b.change.id) return a.change.id < b.change.id ? -1 : 1;
  return a.index - b.index;
}

/** What stands in a register, the greatest first. */
export function standingIn(register: NaiveContainer): NaiveElement[] {
  const maker = makerOf(register);
  const all = maker === null ? register.elements : [maker, ...register.elements];
  const isLast = (element: NaiveElement): boolean =>
    !all.some((other) => other.change === element.change && other.index > element.index);
  return all
    .filter((element) => isLast(element) && !element.removed && !register.replaced.has(element))
    .sort((a, b) => compareElements(b, a));
}

/** The visible elements of a list or text: a walk of the Fugue tree. */
export function visibleIn(home: NaiveContainer): NaiveElement[] {
  const below = new Map<NaiveElement | null, [NaiveElement[], NaiveElement[]]>();
  const childrenOf = (element: NaiveElement | null): [NaiveElement[], NaiveElement[]] => {
    const known = below.get(element) ?? [[], []];
    below.set(element, known);
    return known;
  };
  for (const element of home.elements) childrenOf(element.parent)[element.side].push(element);
  for (const sides of below.values()) {
    for (const side of sides) side.sort((a, b) => compareElements(b, a));
  }
  const visible: NaiveElement[] = [];
  // What is still to visit, last first: a node to open, or one whose left side is done.
  const open: { node: NaiveElement | null; leftDone: boolean }[] = [
    { node: null, leftDone: false },
  ];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    const { node, leftDone } = step;
    const [left, right] = childrenOf(node);
    if (leftDone && node !== null && node.fits && !node.removed) visible.push(node);
    if (!leftDone) open.push({ node, leftDone: true });
    for (const child of (leftDone ? right : left).toReversed()) {
      open.push({ node: child, leftDone: false });
    }
  }
  return visible;
}

function viewOf(at: NaiveContainer): unknown {
  const { schema } = at;
  switch (schema.kind) {
    case "leaf": {
      const [shown] = standingIn(at);
      if (shown !== undefined) return shownValue(schema, assignedBy(at, shown));
      const isItem = at.path.length === 0 && at.owner !== null;
      return schema.optional && !isItem ? undefined : shownValue(schema, schema.default);
    }
    case "text":
      return visibleIn(at)
        .map((element) => element.value)
        .join("");
    case "counter":
      return at.sum;
    case "set":
      return membersOf(at).map((value) => shownValue(schema.item, value));
    case "list":
      return visibleIn(at).map((element) => viewOf(ownedBy(element)!));
    case "log":
      return visibleIn(at).map((element) => viewOf(recordOf(element, schema.item)));
    case "map": {
      const view: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      for (const [key, entry] of at.children) {
        const [shown] = standingIn(entry);
        if (shown !== undefined) view[key] = entryValue(entry, shown);
      }
      return view;
    }
    case "struct": {
      const view: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      for (const name of Object.keys(schema.fields)) {
        const value = viewOf(fieldOf(at, name)!);
        if (value !== undefined) view[name] = value;
      }
      return view;
    }
  }
}

function inspectOf(at: NaiveContainer): unknown {
  const { schema } = at;
  switch (schema.kind) {
    case "leaf": {
      const conflicts = standingIn(at).map((element) =>
        conflict(element, shownValue(schema, assignedBy(at, element))),
      );
      return { value: viewOf(at), conflicts };
    }
    case "text":
      return { text: viewOf(at), ids: visibleIn(at).map(idOf) };
    case "counter":
    case "set":
      return viewOf(at);
    case "list":
      return visibleIn(at).map((element) => ({
        id: idOf(element),
        item: inspectOf(ownedBy(element)!),
      }));
    case "log":
      return visibleIn(at)
        .sort(compareElements)
        .map((element) => ({
          id: idOf(element),
          value: viewOf(recordOf(element, schema.item)),
          author: element.change.author,
        }));
    case "map": {
      const entries: [string, unknown][] = [];
      for (const [key, entry] of at.children) {
        const standing = standingIn(entry);
        const [shown] = standing;
        if (shown === undefined) continue;
        const conflicts = standing.map((element) => conflict(element, entryValue(entry, element)));
        const owned = ownedBy(shown);
        entries.push([key, { conflicts, inner: owned === null ? null : inspectOf(owned) }]);
      }
      return entries.sort(([a], [b]) => (a < b ? -1 : 1));
    }
    case "struct":
      return Object.keys(schema.fields).map((name) => [name, inspectOf(fieldOf(at, name)!)]);
  }
}

function conflict(element: NaiveElement, value: unknown): unknown {
  return { id: idOf(element), value, author: element.change.author };
}

/** The stable id of an element, as handles spell it. */
export function idOf(element: NaiveElement): string {
  return `${element.change.id}:${element.index}`;
}

function membersOf(set: NaiveContainer): Value[] {
  const members = new Map<string, { bytes: Uint8Array; value: Value }>();
  for (const element of set.elements) {
    if (element.removed || set.replaced.has(element)) continue;
    const bytes = encodeValue(element.value);
    members.set(toHex(bytes), { bytes, value: element.value });
  }
  return [...members.values()]
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ value }) => value);
}

function entryValue(entry: NaiveContainer, element: NaiveElement): unknown {
  const owned = ownedBy(element);
  if (owned !== null) return viewOf(owned);
  return shownValue(entry.schema as LeafSchema, element.value);
}

function shownValue(schema: LeafSchema, value: Value): Value {
  return schema.type === "bigint" && typeof value === "number" ? BigInt(value) : value;
}

/** What an assignment puts into a register; the first one may be part of what made a struct. */
function assignedBy(register: NaiveContainer, element: NaiveElement): Value {
  return element.home === register ? element.value : register.content!;
}

/** The element that a leaf was made with. */
function makerOf(register: NaiveContainer): NaiveElement | null {
  return register.isEntry || register.content === undefined ? null : register.owner;
}

/** What an element of a log shows: no container of the document, since nothing can be done inside it. */
export function recordOf(element: NaiveElement, schema: Schema): NaiveContainer {
  return newContainer(schema, element, [], element.value);
}

function isRecordOfLog({ home }: NaiveElement): boolean {
  return home !== null && !home.isEntry && home.schema.kind === "log";
}

function ownedBy(element: NaiveElement): NaiveContainer | null {
  const { home } = element;
  if (home === null) return null;
  let schema: Schema | null = null;
  if (home.isEntry) schema = home.schema.kind === "leaf" ? null : home.schema;
  else if (home.schema.kind === "list") schema = home.schema.item;
  if (schema === null) return null;
  element.owned ??= newContainer(schema, element, [], element.value);
  return element.owned;
}

function fieldOf(struct: NaiveContainer, name: string): NaiveContainer | null {
  if (struct.isEntry || struct.schema.kind !== "struct") return null;
  if (!Object.hasOwn(struct.schema.fields, name)) return null;
  const known = struct.children.get(name);
  if (known !== undefined) return known;
  const given = isRecord(struct.content) && Object.hasOwn(struct.content, name);
  const content = given ? struct.content[name] : undefined;
  const field = newContainer(
    struct.schema.fields[name]!,
    struct.owner,
    [...struct.path, name],
    content,
  );
  struct.children.set(name, field);
  return field;
}

function entryOf(map: NaiveContainer, key: string): NaiveContainer {
  const known = map.children.get(key);
  if (known !== undefined) return known;
  if (map.schema.kind !== "map") throw new Error("only maps have entries");
  const entry: NaiveContainer = {
    ...newContainer(map.schema.value, map.owner, [...map.path, key], undefined),
    isEntry: true,
    map,
  };
  map.children.set(key, entry);
  return entry;
}

function newContainer(
  schema: Schema,
  owner: NaiveElement | null,
  path: readonly string[],
  content: Value | undefined,
): NaiveContainer {
  return {
    schema,
    isEntry: false,
    map: null,
    owner,
    path,
    content,
    elements: [],
    replaced: new Set(),
    children: new Map(),
    sum: 0n,
  };
}

function make(
  change: NaiveChange,
  home: NaiveContainer | null,
  value: Value,
  parent: NaiveElement | null = null,
  side: 0 | 1 = 1,
  fits = true,
): NaiveElement {
  const index = change.elements.length;
  const element: NaiveElement = {
    change,
    index,
    home,
    value,
    parent,
    side,
    fits,
    removed: false,
    owned: null,
  };
  change.elements.push(element);
  home?.elements.push(element);
  return element;
}

/** `steps` changes back on a chain. */
function back(change: NaiveChange | null, steps: number): NaiveChange | null {
  let at = change;
  for (let i = 0; i < steps && at !== null; i++) at = at.prev;
  return at;
}

function elementNamed(change: NaiveChange, target: ElementTarget): NaiveElement | null {
  if (target.ref === 0) {
    return target.back === 0 ? (change.elements[target.index] ?? null) : null;
  }
  const made = back(change.slots[target.ref] ?? null, target.back);
  return made === null || made.detached ? null : (made.elements[target.index] ?? null);
}

/** The elements that ranges name; null when any of them names what is not there, or all of them more than `most`. */
function rangesOf(
  change: NaiveChange,
  ranges: readonly number[],
  most: number,
): (NaiveElement | "detached")[] | null {
  const named: (NaiveElement | "detached")[] = [];
  for (let i = 0; i < ranges.length; i += 4) {
    const [ref, steps, first, count] = ranges.slice(i, i + 4) as [number, number, number, number];
    const onChain: (NaiveElement | "detached")[] = [];
    if (ref === 0) {
      if (steps !== 0) return null;
      onChain.push(...change.elements);
    } else {
      const last = change.slots[ref] ?? null;
      const start = back(last, steps);
      if (start === null || first >= start.made) return null;
      for (let at = last; at !== null; at = at === start ? null : at.prev) {
        onChain.unshift(
          ...(at.detached ? Array<"detached">(at.made).fill("detached") : at.elements),
        );
      }
    }
    if (first + count > onChain.length) return null;
    named.push(...onChain.slice(first, first + count));
    if (named.length > most) return null;
  }
  return named;
}
