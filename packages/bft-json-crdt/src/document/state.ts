/**
 * The state of a document: the fold of its history through a schema.
 *
 * Whether an op is inert is decided from the op, what its targets are, and the schema, never from what happens to be
 * alive at the moment; so the state depends on the set of applied changes alone. The same effects serve remote changes
 * (folded from their bytes) and local editing (made before the change has an id: its lamport is greater than any other,
 * which is all that its order needs).
 */
import {
  INERT,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  readOp,
} from "../change/index.ts";
import type { AssignOp, InsertOp, Op, Place, RemoveOp } from "../change/index.ts";
import { ByteReader } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import type { History } from "../history/index.ts";
import { MAX_REPLACED } from "../limits.ts";
import { fitsContent, fitsLeaf } from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { IntervalSet, RIGHT } from "../types/index.ts";
import type { CompareElements, RemovalListener, Side } from "../types/index.ts";
import { Containers } from "./containers.ts";
import type {
  CounterNode,
  ElementOwner,
  EntryNode,
  LeafNode,
  ListNode,
  MapNode,
  Node,
  SetNode,
  TextNode,
} from "./containers.ts";
import { ElementRecords } from "./element-records.ts";
import { PatchLog } from "./patch-log.ts";
import { resolveElement, resolveRange, resolveSingle } from "./targets.ts";
import type { ChainRange, TargetScope } from "./targets.ts";
import { hasPairs, wideRuns } from "./wide-runs.ts";

const NOTHING: readonly number[] = [];

/** A register as an op addresses it: a leaf, or the entry of a map's key. */
export type Register = LeafNode | EntryNode;

/** Orders elements by (lamport, change id, index). What is being made sorts after all others, its parts in order. */
function elementOrder(history: History): CompareElements {
  return (a, b) => {
    const known = history.elementCount;
    if (a >= known || b >= known) return a - b;
    const changeA = history.changeOfElement(a);
    const changeB = history.changeOfElement(b);
    return changeA === changeB ? a - b : history.compare(changeA, changeB);
  };
}

/** The folded state of one document. */
export class DocumentState {
  readonly containers: Containers;
  readonly patches: PatchLog;
  /** Orders elements by (lamport, change id, index). */
  readonly compareElements: CompareElements;
  /** First elements of the parts of the change that is being made: they get the next indexes of the history. */
  readonly drafted: number[] = [];
  readonly #history: History;
  readonly #records = new ElementRecords();
  /** Elements that a removal has named: no removal visits them again. */
  readonly #removed = new IntervalSet();
  /** For changes all of whose elements are removed: where a walk back along the chain can go on. */
  readonly #spent = new Map<number, number>();

  constructor(schema: Schema, history: History) {
    this.#history = history;
    this.compareElements = elementOrder(history);
    this.containers = new Containers(schema, this.compareElements);
    this.patches = new PatchLog(() => this.containers.root);
  }

  /** The change that made an element; for one that is being made, the index that it will have. */
  changeOf(element: number): number {
    const history = this.#history;
    if (element < history.elementCount) return history.changeOfElement(element);
    let part = this.drafted.length - 1;
    while (part > 0 && this.drafted[part]! > element) part--;
    return history.length + Math.max(part, 0);
  }

  /** Folds the change of a local index into the state. Changes are folded in their local order, each once. */
  fold(change: number): void {
    const history = this.#history;
    const reader = new ByteReader(history.bodyTailAt(change), history.opsOffsetAt(change));
    const scope: TargetScope = { change, base: history.elementBaseAt(change), made: 0 };
    for (let i = history.opCountAt(change); i > 0; i--) {
      const op = readOp(reader);
      this.#foldOp(scope, op);
      scope.made += op.made;
    }
  }

  /** Inserts values as the elements from `element` on, below `parent` (-1: the start) on `side`. */
  insertValues(
    node: ListNode,
    element: number,
    parent: number,
    side: Side,
    values: readonly Value[],
  ): void {
    const { item } = node.schema;
    const visible = values.every((value) => fitsContent(item, value));
    this.#records.append(element, values.length, node);
    const content = visible ? values : null;
    node.sequence.insert(element, values.length, parent, side, 1, content, visible);
    if (visible) this.patches.inserted(node, element, values.length);
  }

  /** Inserts characters, at least one, as the elements from `element` on, below `parent` (-1: the start) on `side`. */
  insertText(node: TextNode, element: number, parent: number, side: Side, text: string): void {
    if (!hasPairs(text)) {
      // As nearly all text.
      this.#insertRun(node, element, text.length, parent, side, 1, text);
      this.#records.append(element, text.length, node);
      return;
    }
    let at = element;
    for (const { content, count, width } of wideRuns(text)) {
      if (at === element) this.#insertRun(node, at, count, parent, side, width, content);
      else this.#insertRun(node, at, count, at - 1, RIGHT, width, content);
      at += count;
    }
    this.#records.append(element, at - element, node);
  }

  /** Removes elements of any kind; those that are removed already are not visited. */
  remove(element: number, count: number): void {
    const removed = this.#removed;
    const end = element + count;
    for (let at = element; removed.nextGap(at, end);) {
      const start = removed.gapStart;
      at = removed.gapEnd;
      this.#removeRecorded(start, at);
    }
    removed.add(element, end);
  }

  /**
   * Assigns to a register in the place of `replaced`; `element` is -1 when nothing takes their place. `base` is the first
   * element of the change that is being folded or made.
   */
  assign(
    register: Register,
    element: number,
    replaced: readonly number[],
    value: Value,
    base: number,
  ): void {
    const { assignments } = register;
    const before = assignments.winner;
    // Mostly there is one to replace; it is when its successor is put in its place.
    const single = element >= 0 && replaced.length === 1 ? replaced[0]! : -1;
    if (single < 0) for (const old of replaced) this.#replace(register, old);
    if (element >= 0) {
      // Within one change the last assignment to a register is the only one, whatever others are greater.
      const last = assignments.latestFrom(base);
      if (last >= 0) this.#replace(register, last);
      this.#records.append(element, 1, register);
      if (single < 0) {
        assignments.add(element, value);
      } else {
        assignments.replace(single, element, value);
        if (register.kind === "entry") register.values?.delete(single);
      }
      // While anything stands, the entry is in its map.
      if (before < 0 && register.kind === "entry") register.map.entries.set(register.key, register);
    }
    this.#registerChanged(register, before);
  }

  /** Gives an assignment of the change that is being made another value. */
  assignAgain(register: Register, element: number, value: Value): void {
    register.assignments.setValue(element, value);
    if (register.assignments.winner === element) this.patches.changed(register);
  }

  /** Adds a value to a set in the place of `replaced` additions. */
  add(node: SetNode, element: number, replaced: readonly number[], value: Value): void {
    this.#records.append(element, 1, node);
    const isNew = node.additions.add(element, value);
    if (isNew) this.patches.added(node, value);
    for (const old of replaced) {
      const gone = node.additions.remove(old);
      if (gone !== undefined) this.patches.deleted(node, gone);
    }
  }

  /** Adds to a counter. */
  increment(node: CounterNode, amount: bigint): void {
    node.sum += amount;
    this.patches.changed(node);
  }

  /** The entry of a map's key; one that is new is put into the map by its first assignment. */
  entryOf(map: MapNode, key: string): EntryNode {
    return map.entries.get(key) ?? this.containers.newEntry(map, key);
  }

  /** The node that an element owns: an item of a list, or a container assigned to a map's key. */
  nodeOf(element: number): Node | null {
    const owner = this.#records.ownerOf(element);
    if (owner?.kind === "list") {
      // A record of a log is no place: nothing can be assigned in it.
      if (owner.schema.kind === "log") return null;
      const known = owner.items.get(element);
      if (known !== undefined) return known;
      const { sequence } = owner;
      const alive = sequence.alive(element) && sequence.contentAt(sequence.indexOf(element));
      // Of what is dead nothing is ever shown again, so that what it was made with does not matter.
      const content = alive ? sequence.content![sequence.contentOffset]! : null;
      return this.containers.item(owner, element, content);
    }
    if (owner?.kind === "entry" && owner.map.schema.value.kind !== "leaf") {
      const content = owner.assignments.valueOf(element) ?? null;
      return this.containers.value(owner, element, content);
    }
    return null;
  }

  /** The owner of an element, or null for one of an inert op. */
  ownerOf(element: number): ElementOwner | null {
    return this.#records.ownerOf(element);
  }

  #foldOp(scope: TargetScope, op: Op): void {
    switch (op.kind) {
      case OP_INSERT_VALUES:
      case OP_INSERT_TEXT:
        this.#foldInsert(scope, op);
        return;
      case OP_REMOVE:
        this.#foldRemove(scope, op);
        return;
      case OP_ASSIGN:
        this.#foldAssign(scope, op);
        return;
      case OP_ADD:
        this.#foldAdd(scope, op);
        return;
      case OP_INCREMENT: {
        const place = this.#resolvePlace(scope, op.place);
        if (place?.kind === "counter") this.increment(place, op.amount);
        return;
      }
      case INERT:
        return;
    }
  }

  #foldInsert(scope: TargetScope, op: InsertOp): void {
    let parent = -1;
    let node: ElementOwner | Node | null = null;
    if (op.parent !== null) {
      parent = resolveElement(this.#history, scope, op.parent);
      node = parent < 0 ? null : this.#records.ownerOf(parent);
    } else if (op.place !== null) {
      node = this.#resolvePlace(scope, op.place);
    }
    const element = scope.base + scope.made;
    if (node?.kind === "list" && op.kind === OP_INSERT_VALUES) {
      const values = op.content as readonly Value[];
      this.insertValues(node, element, parent, op.side, values);
    } else if (node?.kind === "text" && op.kind === OP_INSERT_TEXT) {
      this.insertText(node, element, parent, op.side, op.content as string);
    }
  }

  #foldRemove(scope: TargetScope, op: RemoveOp): void {
    const resolved: ChainRange[] = [];
    for (let i = 0; i < op.ranges.length; i += 4) {
      const range = resolveRange(this.#history, scope, op.ranges, i);
      if (range === null) return;
      resolved.push(range);
    }
    for (const { last, from, to } of resolved) {
      if (last < 0) this.remove(scope.base + from, to - from);
      else this.#removeOnChain(last, from, to);
    }
  }

  /** Removes the elements at positions [from, to) of a chain, walking back from the change in which they end. */
  #removeOnChain(last: number, from: number, to: number): void {
    const history = this.#history;
    for (let change = last; change >= 0;) {
      const before = history.chainElementsBefore(change);
      const elements = history.elementsAt(change);
      if (before + elements <= from) return;
      const start = Math.max(from - before, 0);
      const end = Math.min(to - before, elements);
      if (start < end && history.isFoldable(change)) {
        this.remove(history.elementBaseAt(change) + start, end - start);
      }
      if (before <= from) return;
      change = this.#unspent(history.prevAt(change));
    }
  }

  /** The nearest change at or before this one on its chain that has elements left to remove, or -1. */
  #unspent(change: number): number {
    const path: number[] = [];
    let at = change;
    while (at >= 0) {
      const further = this.#spent.get(at);
      if (further === undefined && !this.#isSpent(at)) break;
      path.push(at);
      at = further ?? this.#history.prevAt(at);
    }
    for (const passed of path) this.#spent.set(passed, at);
    return at;
  }

  #isSpent(change: number): boolean {
    const history = this.#history;
    if (!history.isFoldable(change)) return true;
    const base = history.elementBaseAt(change);
    return !this.#removed.nextGap(base, base + history.elementsAt(change));
  }

  #foldAssign(scope: TargetScope, op: AssignOp): void {
    const register = this.#resolveRegister(scope, op.place);
    if (register === null) return;
    const replaced = this.#resolveReplaced(scope, op.ranges, register);
    if (replaced === null) return;
    if (op.made === 0) {
      this.assign(register, -1, replaced, null, scope.base);
      return;
    }
    const schema = register.kind === "leaf" ? register.schema : register.map.schema.value;
    if (!fitsContent(schema, op.content)) return;
    this.assign(register, scope.base + scope.made, replaced, op.content, scope.base);
  }

  #foldAdd(scope: TargetScope, op: AssignOp): void {
    const node = this.#resolvePlace(scope, op.place);
    if (node?.kind !== "set" || !fitsLeaf(node.schema.item.type, op.content)) return;
    const replaced = this.#resolveReplaced(scope, op.ranges, node);
    if (replaced === null) return;
    this.add(node, scope.base + scope.made, replaced, op.content);
  }

  /** The elements that ranges name, or null when they are too many or any is not one of `owner`. */
  #resolveReplaced(
    scope: TargetScope,
    ranges: readonly number[],
    owner: Register | SetNode,
  ): readonly number[] | null {
    if (ranges.length === 0) return NOTHING;
    const history = this.#history;
    if (ranges.length === 4 && ranges[3] === 1) {
      // Mostly it is one.
      const single = resolveSingle(history, scope, ranges, 0);
      if (single >= 0) return isOf(owner, single, this) ? [single] : null;
    }
    const elements: number[] = [];
    for (let i = 0; i < ranges.length; i += 4) {
      const single = ranges[i + 3] === 1 ? resolveSingle(history, scope, ranges, i) : -1;
      if (single >= 0) {
        if (elements.length === MAX_REPLACED || !isOf(owner, single, this)) return null;
        elements.push(single);
        continue;
      }
      const range = resolveRange(history, scope, ranges, i);
      if (range === null || elements.length + range.to - range.from > MAX_REPLACED) return null;
      let change = range.last;
      for (let position = range.to - 1; position >= range.from; position--) {
        let element = scope.base + position;
        if (change >= 0) {
          while (history.chainElementsBefore(change) > position)
            change = history.chainAncestorBelow(change, position + 1);
          if (!history.isFoldable(change)) return null;
          element = history.elementBaseAt(change) + position - history.chainElementsBefore(change);
        }
        if (!isOf(owner, element, this)) return null;
        elements.push(element);
      }
    }
    return elements;
  }

  #resolvePlace(scope: TargetScope, place: Place): Node | null {
    return this.#walk(scope, place, place.path.length);
  }

  /** The register that a place names: a leaf, or a map followed by a key. */
  #resolveRegister(scope: TargetScope, place: Place): Register | null {
    const { path } = place;
    const holder = path.length === 0 ? null : this.#walk(scope, place, path.length - 1);
    if (holder?.kind === "map") return this.entryOf(holder, path[path.length - 1]!);
    const node = this.#resolvePlace(scope, place);
    return node?.kind === "leaf" ? node : null;
  }

  /** Follows the first `steps` names of a place through structs. */
  #walk(scope: TargetScope, { owner, path }: Place, steps: number): Node | null {
    let node: Node | null = this.containers.root;
    if (owner !== null) {
      const element = resolveElement(this.#history, scope, owner);
      node = element < 0 ? null : this.nodeOf(element);
    }
    for (let i = 0; i < steps && node !== null; i++) {
      node = node.kind === "struct" ? (this.containers.field(node, path[i]!) ?? null) : null;
    }
    return node;
  }

  /** Takes a replaced assignment out of its register. The element of a list's item stays: it is more than its value. */
  #replace(register: Register, element: number): void {
    register.assignments.remove(element);
    if (register.kind === "entry") register.values?.delete(element);
  }

  #registerChanged(register: Register, before: number): void {
    if (register.kind === "entry" && register.assignments.size === 0) {
      const { map, key } = register;
      if (map.entries.get(key) === register) map.entries.delete(key);
    }
    if (register.assignments.winner !== before) this.patches.changed(register);
  }

  /** Inserts characters that take `width` UTF-16 units each. */
  #insertRun(
    node: TextNode,
    element: number,
    count: number,
    parent: number,
    side: Side,
    width: 1 | 2,
    content: string,
  ): void {
    node.sequence.insert(element, count, parent, side, width, content, true);
    this.patches.textInserted(node, element, content);
  }

  /** What hears of removals from a list; nobody needs to, mostly, and then the sequence does not look for the indexes. */
  #listListener(owner: ListNode): RemovalListener | undefined {
    const { patches } = this;
    if (!patches.isCollecting) return undefined;
    return (_unit, _units, index, count) => patches.listSpliced(owner, index, count);
  }

  #textListener(owner: TextNode): RemovalListener | undefined {
    const { patches } = this;
    if (!patches.isCollecting) return undefined;
    return (unit, units) => patches.textRemoved(owner, unit, units);
  }

  /** Removes elements that nothing has removed yet, whatever they belong to. */
  #removeRecorded(start: number, end: number): void {
    const records = this.#records;
    for (let at = start; at < end && records.find(at) && records.start < end;) {
      const owner = records.owner!;
      const from = Math.max(at, records.start);
      at = Math.min(end, records.end);
      switch (owner.kind) {
        case "list":
          if (owner.schema.kind === "log") break;
          if (owner.items.size > 0) for (let e = from; e < at; e++) owner.items.delete(e);
          owner.sequence.remove(from, at - from, this.#listListener(owner));
          break;
        case "text":
          owner.sequence.remove(from, at - from, this.#textListener(owner));
          break;
        case "leaf":
        case "entry":
          for (let e = from; e < at; e++) {
            const before = owner.assignments.winner;
            this.#replace(owner, e);
            this.#registerChanged(owner, before);
          }
          break;
        case "set":
          for (let e = from; e < at; e++) {
            const gone = owner.additions.remove(e);
            if (gone !== undefined) this.patches.deleted(owner, gone);
          }
          break;
      }
    }
  }
}

/** True when an element is an addition to this set or an assignment to this register, alive or not, or what a leaf was made with. */
function isOf(register: Register | SetNode, element: number, state: DocumentState): boolean {
  if (register.kind === "set") return state.ownerOf(element) === register;
  if (register.assignments.has(element)) return true;
  const owner = state.ownerOf(element);
  if (owner === null) return false;
  if (register.kind === "entry") {
    return owner.kind === "entry" && owner.map === register.map && owner.key === register.key;
  }
  return owner === register || state.containers.makerOf(register) === element;
}
