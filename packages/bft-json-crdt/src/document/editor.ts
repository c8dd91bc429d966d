/**
 * The editor: local edits. Each one is checked first, then takes effect at once, then is written into the draft of the
 * change that is being made, so that later edits of the same change build on it.
 */
import {
  countElements,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
} from "../change/index.ts";
import { encodeValue, fromHex, toHex, utf8Length } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import type { History } from "../history/index.ts";
import { MAX_BODY_BYTES, MAX_ELEMENTS_PER_CHANGE, MAX_REPLACED } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { RIGHT } from "../types/index.ts";
import type { Side } from "../types/index.ts";
import type { Schema } from "../schema/index.ts";
import type {
  CounterNode,
  EntryNode,
  LeafNode,
  ListNode,
  MapNode,
  Node,
  SetNode,
  StructNode,
  TextNode,
} from "./containers.ts";
import { Draft, empty } from "./draft.ts";
import type { AssignDraftOp, DraftOp, LocalPlace } from "./draft.ts";
import {
  counterInitial,
  elementContent,
  fieldsOf,
  leafContent,
  mapKey,
  show,
  textContent,
} from "./initial.ts";
import type { DocumentState, Register } from "./state.ts";
import { MAX_TYPED, TypedRun, Typing } from "./typing.ts";

/** Bytes that an op takes at most besides its content, its path and what it refers to: heads, kind, `made`, side. */
const OP_OVERHEAD = 24;

/** Bytes that the numbers of a target or range take at most. */
const TARGET_BYTES = 24;

/** Bytes that a reference to a change takes in the table of a body. */
export const REFERENCE_BYTES = 34;

/** Bytes of ops after which a change is closed and the next begun; leaves room for the header. */
const PART_BYTES = MAX_BODY_BYTES - 4_096;

/** Bytes of content that one op takes at most, so that several fit into a part. */
const PIECE_BYTES = PART_BYTES >> 2;

/** Items and UTF-16 units that one op inserts at most, for the same reason. */
const PIECE_ITEMS = MAX_ELEMENTS_PER_CHANGE >> 3;
const PIECE_UNITS = Math.floor(PIECE_BYTES / 3);

/** The greatest and the least amount of one op. */
const MOST = 2n ** 63n - 1n;
const LEAST = -(2n ** 63n);

/** No items. */
const NOTHING: readonly unknown[] = [];

/** Of an op that hangs below an element, which needs no place. */
const NO_PLACE: LocalPlace = { owner: -1, path: [] };

/** UTF-16 units of one op that may wait to be put into the sequence, and of all that wait there together. */
const MAX_RUN_PIECE = 256;
const MAX_RUN_UNITS = 4_096;

/** What the editor needs from the document. */
export interface EditorHost {
  readonly history: History;
  /** Public key of who edits here, in hex. */
  readonly author: string;
}

/** Makes local edits. */
export class Editor {
  /** The parts of the change that is being made, in order: one, unless it is full. None outside of a change. */
  readonly drafts: Draft[] = [];
  /** The draft of the change before, which nobody needs any more. */
  #spare: Draft | null = null;
  readonly #typing = new Typing();
  readonly #run = new TypedRun();
  readonly #host: EditorHost;
  #placed: { readonly node: ListNode | TextNode; readonly place: LocalPlace } | null = null;
  /** The last assignment to a register that holds a plain value. */
  #assigned: {
    readonly op: AssignDraftOp;
    readonly register: Register;
    readonly element: number;
  } | null = null;
  /** What ended an edit of which a part has taken effect: the change cannot be made any more, even if somebody caught it. */
  #broken: { readonly cause: unknown } | null = null;
  /** Changes that were begun. */
  #changes = 0;

  /** What is edited. */
  state: DocumentState;

  constructor(host: EditorHost, state: DocumentState) {
    this.#host = host;
    this.state = state;
  }

  get history(): History {
    return this.#host.history;
  }

  get author(): string {
    return this.#host.author;
  }

  /** Begins a change, of which the first part is to be begun. */
  beginChange(): void {
    this.#changes++;
  }

  /** Begins the first part of a change, or the next, in which so many bytes are taken already. */
  beginPart(reserved = 0): void {
    const base = this.#part?.next ?? this.history.elementCount;
    const draft = this.#spare ?? new Draft();
    this.#spare = null;
    draft.begin(base, reserved);
    this.drafts.push(draft);
    this.state.drafted.push(draft.base);
  }

  /** Everything gathered takes effect: to be called before anything else is read or edited. */
  settle(): void {
    this.#settleTyping();
    this.#settleRun();
  }

  /**
   * Ends a change: its ops are complete. In a batch what it typed may wait for what the next change types behind it. Throws
   * what ended an edit in the middle, if anything has.
   */
  endChange(isInBatch: boolean): void {
    if (this.#broken !== null) throw this.#broken.cause;
    this.#settleTyping();
    if (!isInBatch) this.#settleRun();
  }

  /** Forgets the change that was being made. */
  abandon(): void {
    this.#typing.clear();
    this.#assigned = null;
    this.#broken = null;
    const { drafts } = this;
    if (drafts.length === 1) {
      this.#spare = drafts[0]!;
      this.#spare.end();
    }
    empty(drafts);
  }

  /** From now on edits another state, which is folded anew: what the one before did not hold yet is forgotten. */
  refolded(state: DocumentState): void {
    this.state = state;
    this.#run.clear();
  }

  /** The stable id of an element: its change and its index there, such as `"9f…e1:0"`. */
  elementId(element: number): string {
    const { history } = this.#host;
    if (element >= history.elementCount) {
      // Its change has no id yet; it can be named that way in this change, and in no other.
      return `self:${this.#changes}:${element - history.elementCount}`;
    }
    const change = history.changeOfElement(element);
    return `${toHex(history.idAt(change))}:${element - history.elementBaseAt(change)}`;
  }

  /** The number of the element with a stable id, -1 when there is none, whatever was given for it. */
  elementOf(id: unknown): number {
    if (typeof id !== "string") return -1;
    const { history } = this.#host;
    const [change = "", ...numbers] = id.split(":");
    const within = indexOf(numbers.pop());
    if (within < 0) return -1;
    if (change === "self") {
      const element = history.elementCount + within;
      const isOfThis = numbers.length === 1 && numbers[0] === String(this.#changes);
      return isOfThis && this.#part !== undefined && element < this.#part.next ? element : -1;
    }
    if (numbers.length > 0) return -1;
    const bytes = fromHex(change);
    const row = bytes === null ? -1 : history.indexOf(bytes);
    if (row < 0 || within >= history.elementsAt(row) || !history.isFoldable(row)) return -1;
    return history.elementBaseAt(row) + within;
  }

  /** Inserts items before a visible index. */
  insertItems(node: ListNode, index: number, initials: readonly unknown[]): void {
    checkIndex(index, node.sequence.length, "the list");
    node.sequence.placeAt(index);
    this.#insertItems(node, initials);
  }

  /** Inserts items right behind an element (-1: at the start). */
  insertItemsAfter(node: ListNode, element: number, initials: readonly unknown[]): void {
    node.sequence.placeAfter(element);
    this.#insertItems(node, initials);
  }

  /** Removes visible items. */
  removeItems(node: ListNode, index: number, count: number): void {
    checkRange(index, count, node.sequence.length, "the list");
    this.#removeUnits(node, index, count);
  }

  /** UTF-16 units of a text. */
  lengthOf(node: TextNode): number {
    return node.sequence.units + this.#run.growthOf(node) + this.#typing.growthOf(node);
  }

  /** Inserts text before a visible UTF-16 index. */
  insertText(node: TextNode, index: number, text: unknown): void {
    const content = textContent(text);
    const typing = this.#typing;
    if (typing.insert(node, index, content)) return;
    this.#settleTyping();
    if (!this.#run.endsAt(node, index)) {
      this.#settleRun();
      checkIndex(index, node.sequence.units, "the text");
      this.#checkEdge(node.sequence, index);
    }
    this.#checkInChange();
    if (content.length <= MAX_TYPED) {
      typing.begin(node, index, 0, content);
      return;
    }
    this.#settleRun();
    node.sequence.placeAtUnit(index);
    this.#insertText(node, content);
  }

  /** Inserts text before a visible character index. */
  insertTextAtCharacter(node: TextNode, index: number, text: unknown): void {
    const content = textContent(text);
    checkIndex(index, node.sequence.length, "the text");
    node.sequence.placeAt(index);
    this.#insertText(node, content);
  }

  /** Inserts text right behind a character (-1: at the start). */
  insertTextAfter(node: TextNode, element: number, text: unknown): void {
    const content = textContent(text);
    node.sequence.placeAfter(element);
    this.#insertText(node, content);
  }

  /** Removes UTF-16 units, which must not cut a surrogate pair. */
  removeText(node: TextNode, index: number, units: number): void {
    checkRange(index, units, this.lengthOf(node), "the text");
    const typing = this.#typing;
    if (typing.erase(node, index, index + units)) return;
    this.settle();
    const { sequence } = node;
    this.#checkEdge(sequence, index);
    this.#checkEdge(sequence, index + units);
    this.#checkInChange();
    typing.begin(node, index, units, "");
  }

  /** Removes UTF-16 units and inserts text in their place. */
  replaceText(node: TextNode, index: number, units: number, text: unknown): void {
    const content = textContent(text);
    this.removeText(node, index, units);
    this.insertText(node, index, content);
  }

  /** Removes characters by character index. */
  removeCharacters(node: TextNode, index: number, count: number): void {
    checkRange(index, count, node.sequence.length, "the text");
    const elements: number[] = [];
    node.sequence.livingRanges(index, count, (element, length) => elements.push(element, length));
    this.removeElements(elements);
  }

  /** Removes elements of any kind; flat: first element, count, … */
  removeElements(elements: readonly number[]): void {
    const most = Math.floor(PIECE_BYTES / (TARGET_BYTES + REFERENCE_BYTES));
    // A run may span many changes and then take a range for each: count those.
    let piece: number[] = [];
    let ranges = 0;
    let bytes = 0;
    for (let i = 0; i < elements.length; i += 2) {
      let element = elements[i]!;
      const end = element + elements[i + 1]!;
      while (element < end) {
        const stop = Math.min(end, this.#endOfChange(element));
        const last = piece.length - 2;
        if (last >= 0 && piece[last]! + piece[last + 1]! === element)
          piece[last + 1]! += stop - element;
        else piece.push(element, stop - element);
        bytes += TARGET_BYTES + this.#referenceBytes(element);
        element = stop;
        if (++ranges === most) {
          this.#remove(piece, bytes);
          piece = [];
          ranges = 0;
          bytes = 0;
        }
      }
    }
    if (ranges > 0) this.#remove(piece, bytes);
  }

  /** Assigns to a leaf. */
  assignLeaf(node: LeafNode, value: unknown): void {
    this.#assign(node, 1, leafContent(node.schema, value));
  }

  /** Clears a leaf: nothing is assigned any more. */
  clearLeaf(node: LeafNode): void {
    if (node.location.kind === "item") {
      throw new MisuseError(
        "bad_value",
        "an item of a list always has a value; delete the item instead",
      );
    }
    // The one that is shown goes last, so that the view changes once.
    const standing = node.assignments.standing().reverse();
    for (let i = 0; i < standing.length; i += MAX_REPLACED) {
      this.#assign(node, 0, null, standing.slice(i, i + MAX_REPLACED));
    }
  }

  /** Assigns to a map's key. */
  assignKey(map: MapNode, key: string, initial: unknown): void {
    const { value } = map.schema;
    const content = elementContent(
      value,
      initial,
      `the value of key ${JSON.stringify(mapKey(key))}`,
    );
    const element = this.#assign(this.state.entryOf(map, key), 1, content);
    if (value.kind === "leaf") return;
    const before = this.#opCount - 1;
    try {
      this.fill(this.state.nodeOf(element)!, initial);
    } catch (error) {
      this.#breakAfter(before, error);
      throw error;
    }
  }

  /** Removes a map's key; false when it is not there. */
  removeKey(map: MapNode, key: string): boolean {
    const entry = map.entries.get(mapKey(key));
    if (entry === undefined) return false;
    this.removeElements(entry.assignments.standing().flatMap((element) => [element, 1]));
    return true;
  }

  /** Adds a value to a set; false when it is in there. */
  addToSet(node: SetNode, value: unknown): boolean {
    const content = leafContent(node.schema.item, value);
    if (node.additions.has(content)) return false;
    const place = placeOf(node);
    this.#record(
      { kind: OP_ADD, made: 1, place, replaced: [], content },
      sizeOf(content),
      place,
      (element) => this.state.add(node, element, [], content),
    );
    return true;
  }

  /** Removes a value from a set; false when it is not in there. */
  removeFromSet(node: SetNode, value: unknown): boolean {
    const content = leafContent(node.schema.item, value);
    const additions = node.additions.elementsOf(content);
    if (additions.length === 0) return false;
    this.removeElements(additions.flatMap((element) => [element, 1]));
    return true;
  }

  /** Adds to a counter, what is more than 64 bits by several ops. */
  increment(node: CounterNode, sum: bigint): void {
    const place = placeOf(node);
    let left = sum;
    do {
      const amount = left > MOST ? MOST : left < LEAST ? LEAST : left;
      left -= amount;
      this.#record({ kind: OP_INCREMENT, made: 0, place, amount }, 16, place, () =>
        this.state.increment(node, amount),
      );
    } while (left !== 0n);
  }

  /** Fills a new container with what the caller gave for it. Recursion follows the schema. */
  fill(node: Node, initial: unknown): void {
    switch (node.kind) {
      case "text":
        if (initial !== "") this.insertText(node, 0, initial);
        return;
      case "counter":
        if (counterInitial(initial) !== 0n) this.increment(node, counterInitial(initial));
        return;
      case "set":
        for (const item of initial as readonly unknown[]) this.addToSet(node, item);
        return;
      case "list":
        this.insertItems(node, 0, initial as readonly unknown[]);
        return;
      case "map": {
        const given = fieldsOf(initial, "a map");
        for (const key of Object.keys(given)) this.assignKey(node, key, given[key]);
        return;
      }
      case "struct":
        this.#fillStruct(node, initial);
        return;
      case "leaf":
    }
  }

  #fillStruct(node: StructNode, initial: unknown): void {
    const given = fieldsOf(initial, "a struct");
    for (const name of Object.keys(given)) {
      const { kind } = node.schema.fields[name]!;
      if (given[name] === undefined || kind === "leaf") continue;
      this.fill(this.state.containers.field(node, name)!, given[name]);
    }
  }

  /** Inserts items where the sequence has just been placed. */
  #insertItems(node: ListNode, initials: readonly unknown[]): void {
    const { item } = node.schema;
    const contents = initials.map((initial) => elementContent(item, initial, "an item"));
    const before = this.#opCount;
    try {
      this.#insertContents(node, contents, isFilled(item) ? initials : NOTHING);
    } catch (error) {
      this.#breakAfter(before, error);
      throw error;
    }
  }

  /** Inserts items of these contents there, and fills those that are containers. */
  #insertContents(node: ListNode, contents: readonly Value[], toFill: readonly unknown[]): void {
    let { parent, side } = node.sequence;
    const place = this.#placeOf(node);
    const elements: number[] = [];
    for (let start = 0; start < contents.length;) {
      let bytes = 0;
      let end = start;
      for (; end < contents.length && end - start < PIECE_ITEMS; end++) {
        const size = sizeOf(contents[end]!);
        if (end > start && bytes + size > PIECE_BYTES) break;
        bytes += size;
      }
      const isWhole = start === 0 && end === contents.length;
      const content = isWhole ? contents : contents.slice(start, end);
      const made = content.length;
      const op: DraftOp = { kind: OP_INSERT_VALUES, made, parent, side, place, content };
      const first = this.#record(op, bytes, place, (element) =>
        this.state.insertValues(node, element, op.parent, op.side, content),
      );
      for (let i = start; i < end && i < toFill.length; i++) elements.push(first + i - start);
      parent = first + made - 1;
      side = RIGHT;
      start = end;
    }
    for (let i = 0; i < elements.length; i++)
      this.fill(this.state.nodeOf(elements[i]!)!, toFill[i]);
  }

  #checkEdge(sequence: TextNode["sequence"], unit: number): void {
    if (!sequence.hasPairs) return;
    if (unit < sequence.units && sequence.locateUnit(unit) >= 0 && sequence.foundOffset > 0)
      throw insidePair(unit);
  }

  /** What was gathered becomes ops. */
  #settleTyping(): void {
    const { node, at, removed, typed } = this.#typing;
    if (node === null) return;
    this.#typing.clear();
    if (removed > 0) {
      this.#settleRun();
      this.#removeUnits(node, at, removed);
    }
    if (typed === "") return;
    if (typed.length <= MAX_RUN_PIECE) {
      this.#typeOn(node, at, typed);
      return;
    }
    this.#settleRun();
    node.sequence.placeAtUnit(at);
    this.#insertText(node, typed);
  }

  /** Writes the op of a little text, which the sequence takes with what is typed behind it. */
  #typeOn(node: TextNode, at: number, typed: string): void {
    const run = this.#run;
    const made = countElements(typed);
    const isOn = run.endsAt(node, at);
    const place = isOn ? NO_PLACE : this.#placeOf(node);
    // What the op takes at most, as in #record.
    const bytes =
      3 * typed.length + OP_OVERHEAD + TARGET_BYTES + REFERENCE_BYTES + pathBytes(place);
    const draft = this.#draftWithRoom(bytes, made);
    const element = draft.next;
    let parent = run.next - 1;
    let side: Side = RIGHT;
    if (!isOn || run.next !== element) {
      // Elsewhere; or right behind what was typed last, and other elements were made since.
      this.#settleRun();
      node.sequence.placeAtUnit(at);
      run.begin(node, at, element);
      ({ parent, side } = run);
    }
    draft.add(
      { kind: OP_INSERT_TEXT, made, parent, side, place, content: typed },
      bytes,
      3 * typed.length,
    );
    run.add(typed, made);
    if (run.text.length >= MAX_RUN_UNITS) this.#settleRun();
  }

  /** The place of a list or text, which is the same as last time when it is the same one. */
  #placeOf(node: ListNode | TextNode): LocalPlace {
    if (this.#placed?.node !== node) this.#placed = { node, place: placeOf(node) };
    return this.#placed.place;
  }

  /** What changes of a batch have typed at one place goes into the sequence. */
  #settleRun(): void {
    const { node, element, parent, side, text } = this.#run;
    if (node === null) return;
    this.#run.clear();
    this.state.insertText(node, element, parent, side, text);
  }

  /** Removes items, or UTF-16 units whose ends are between characters. */
  #removeUnits({ sequence }: ListNode | TextNode, index: number, units: number): void {
    if (sequence.livingRun(index, units)) {
      // A backspace, or whatever else takes elements of one change.
      const { foundElement: element, foundCount: count } = sequence;
      if (element + count <= this.#endOfChange(element)) {
        this.#removeRun(element, count);
        return;
      }
    }
    const elements: number[] = [];
    sequence.livingUnitRanges(index, units, (element, length) => elements.push(element, length));
    this.removeElements(elements);
  }

  /** Removes consecutive elements of one change. */
  #removeRun(element: number, count: number): void {
    const bytes = OP_OVERHEAD + TARGET_BYTES + this.#referenceBytes(element);
    const draft = this.#draftWithRoom(bytes, 0);
    this.state.remove(element, count);
    draft.add({ kind: OP_REMOVE, made: 0, elements: [element, count] }, bytes, 0);
  }

  /** Inserts text where the sequence has just been placed. */
  #insertText(node: TextNode, text: string): void {
    let { parent, side } = node.sequence;
    const place = this.#placeOf(node);
    for (let start = 0; start < text.length;) {
      let end = Math.min(text.length, start + PIECE_UNITS);
      if (end < text.length && (text.charCodeAt(end) & 0xfc00) === 0xdc00) end--;
      const content = text.slice(start, end);
      const made = countElements(content);
      const op: DraftOp = { kind: OP_INSERT_TEXT, made, parent, side, place, content };
      const first = this.#record(op, utf8Length(content), place, (element) =>
        this.state.insertText(node, element, op.parent, op.side, content),
      );
      parent = first + made - 1;
      side = RIGHT;
      start = end;
    }
  }

  #remove(elements: number[], bytes: number): void {
    this.#record({ kind: OP_REMOVE, made: 0, elements }, bytes, null, () => {
      for (let i = 0; i < elements.length; i += 2)
        this.state.remove(elements[i]!, elements[i + 1]!);
    });
  }

  /** Assigns in the place of what stands: of very many concurrent assignments only of the greatest. */
  #assign(register: Register, made: 0 | 1, content: Value, standing?: readonly number[]): number {
    if (made === 1 && this.#assignAgain(register, content)) return this.#assigned!.element;
    const replaced = standing ?? register.assignments.greatest(MAX_REPLACED);
    const place = placeOf(register);
    const bytes = sizeOf(content) + replaced.length * (TARGET_BYTES + REFERENCE_BYTES);
    const op: AssignDraftOp = { kind: OP_ASSIGN, made, place, replaced, content };
    const element = this.#record(op, bytes, place, (element) =>
      this.state.assign(register, made === 0 ? -1 : element, replaced, content, this.#part!.base),
    );
    const isPlain = register.kind === "leaf" || register.map.schema.value.kind === "leaf";
    this.#assigned = made === 1 && isPlain ? { op, register, element } : null;
    return element;
  }

  /** What was assigned last, and nothing was done since, is assigned again: only what it is in the end is ever seen. */
  #assignAgain(register: Register, content: Value): boolean {
    const last = this.#assigned;
    if (last === null || last.register !== register) return false;
    const part = this.#part!;
    if (part.ops[part.ops.length - 1] !== last.op) return false;
    const bytes = part.bytes + sizeOf(content) - sizeOf(last.op.content);
    if (bytes > PART_BYTES) return false;
    part.bytes = bytes;
    last.op.content = content;
    this.state.assignAgain(register, last.element, content);
    return true;
  }

  /** Makes room for an op, lets it take effect and writes it into the draft; returns the number of its first element. */
  #record(
    op: DraftOp,
    contentBytes: number,
    place: LocalPlace | null,
    effect: (element: number) => void,
  ): number {
    const parent = "parent" in op && op.parent >= 0 ? op.parent : (place?.owner ?? -1);
    const named = parent < 0 ? 0 : TARGET_BYTES + this.#referenceBytes(parent);
    const bytes = contentBytes + OP_OVERHEAD + pathBytes(place) + named;
    const draft = this.#draftWithRoom(bytes, op.made);
    const element = draft.next;
    effect(element);
    draft.add(op, bytes, contentBytes);
    return element;
  }

  /** An element of the change that is being made needs no reference; for others one each is room enough. */
  #referenceBytes(element: number): number {
    return element >= this.history.elementCount ? 0 : REFERENCE_BYTES;
  }

  /** How many ops the change has so far. */
  get #opCount(): number {
    let count = 0;
    for (const { ops } of this.drafts) count += ops.length;
    return count;
  }

  /** An edit has failed that began with so many ops: those that it has added stand, and nothing takes them back alone. */
  #breakAfter(before: number, cause: unknown): void {
    if (this.#opCount > before) this.#broken ??= { cause };
  }

  /** The part that edits go into. */
  get #part(): Draft | undefined {
    const { drafts } = this;
    return drafts.length === 0 ? undefined : drafts[drafts.length - 1];
  }

  #draftWithRoom(bytes: number, made: number): Draft {
    const part = this.#checkInChange();
    if (bytes > PART_BYTES) {
      throw new MisuseError(
        "too_large",
        `one value takes ${bytes} bytes, more than the ${PART_BYTES} of a change`,
      );
    }
    if (part.bytes + bytes > PART_BYTES || part.made + made > MAX_ELEMENTS_PER_CHANGE)
      this.beginPart();
    return this.#part!;
  }

  #checkInChange(): Draft {
    const part = this.#part;
    if (part !== undefined) return part;
    throw new MisuseError(
      "not_in_change",
      "edit inside document.change((doc) => …), so that the edit is signed",
    );
  }

  #endOfChange(element: number): number {
    const { history } = this;
    if (element >= history.elementCount) return Number.MAX_SAFE_INTEGER;
    const change = history.changeOfElement(element);
    return history.elementBaseAt(change) + history.elementsAt(change);
  }
}

/** The place of a node or of a map's entry. */
export function placeOf(node: Node | EntryNode): LocalPlace {
  const path: string[] = [];
  let at: Node;
  if (node.kind === "entry") {
    path.push(node.key);
    at = node.map;
  } else {
    at = node;
  }
  while (at.location.kind === "field") {
    path.push(at.location.name);
    at = at.location.parent;
  }
  const owner = at.location.kind === "root" ? -1 : at.location.element;
  return { owner, path: path.reverse() };
}

/** True when something made of this schema has containers inside that are filled by ops of their own. */
function isFilled(schema: Schema): boolean {
  if (schema.kind !== "struct") return schema.kind !== "leaf";
  return Object.values(schema.fields).some(isFilled);
}

/** At most so many bytes does a value take. */
function sizeOf(value: Value): number {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return 9;
  if (typeof value === "string") return utf8Length(value) + 9;
  return encodeValue(value).length;
}

/** A number as an id has it; -1 for any other text. */
function indexOf(text: string | undefined): number {
  return text !== undefined && /^(0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : -1;
}

function pathBytes(place: LocalPlace | null): number {
  if (place === null) return 0;
  let bytes = 0;
  for (const name of place.path) bytes += utf8Length(name) + 3;
  return bytes;
}

function checkIndex(index: number, length: number, what: string): void {
  if (Number.isSafeInteger(index) && index >= 0 && index <= length) return;
  throw outside(index, what, length);
}

/** The error for an index that a list, log or text of this length does not have; it may be no number at all. */
export function outside(index: unknown, what: string, length: number): MisuseError {
  const named = typeof index === "number" ? `index ${index}` : `${show(index)} is no index: it`;
  return new MisuseError("bad_index", `${named} is not in ${what}, which has ${length}`);
}

function checkRange(index: number, count: number, length: number, what: string): void {
  checkIndex(index, length, what);
  if (Number.isSafeInteger(count) && count >= 0 && index + count <= length) return;
  throw new MisuseError(
    "bad_index",
    `${show(count)} from index ${index} on are not in ${what}, which has ${length}`,
  );
}

function insidePair(index: number): MisuseError {
  return new MisuseError(
    "bad_index",
    `index ${index} is inside a surrogate pair; use the methods of .characters to count characters`,
  );
}
