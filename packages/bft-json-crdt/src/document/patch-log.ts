/**
 * Collects patches while ops take effect. Does nothing until something listens, since a patch costs paths and views.
 *
 * What a register shows may be large, and one small change may have it shown again thousands of times. So what registers show
 * is counted, and above a bound the patches of an event are one: the whole view.
 */
import type { Value } from "../encoding/index.ts";
import { MAX_BIGNUM_BYTES } from "../limits.ts";
import type {
  CounterNode,
  EntryNode,
  LeafNode,
  ListNode,
  Node,
  SetNode,
  TextNode,
} from "./containers.ts";
import type { Patch, Path, ViewValue } from "./patch.ts";
import { entryView, listView, shownItem, viewOf } from "./view.ts";

const NONE: readonly Patch[] = [];

/** Values that registers may show in one event: some ten megabytes. */
const MAX_SHOWN = 1_000_000;

type TextPatch = Patch & { readonly action: "spliceText" };

/** The patches of one event. */
export class PatchLog {
  /** Whether anybody listens. */
  enabled = false;
  #patches: Patch[] = [];
  /** The last one of a text, and which that is: what goes on there goes on in it, while it is the last one at all. */
  #text: { readonly node: TextNode; readonly patch: TextPatch } | null = null;
  /** Values in what registers have shown since the last time. */
  #shown = 0;
  readonly #root: () => Node;

  constructor(root: () => Node) {
    this.#root = root;
  }

  /** Whether patches are made: somebody listens, and they are not one patch in any case. */
  get isCollecting(): boolean {
    return this.enabled && this.#shown <= MAX_SHOWN;
  }

  /** The patches since the last time, in order. */
  take(): readonly Patch[] {
    if (this.#shown > MAX_SHOWN) {
      this.#shown = 0;
      return [{ action: "set", path: [], value: viewOf(this.#root())! }];
    }
    this.#shown = 0;
    if (this.#patches.length === 0) return NONE;
    const taken = this.#patches;
    this.#patches = [];
    return taken;
  }

  /** Items came into a list, as the elements from `element` on. */
  inserted(node: ListNode, element: number, count: number): void {
    const path = this.isCollecting ? pathOf(node) : null;
    if (path === null) return;
    const index = node.sequence.indexOf(element);
    this.#patches.push({
      action: "splice",
      path,
      index,
      remove: 0,
      insert: listView(node, index, count),
    });
  }

  /** Items went from a list. */
  listSpliced(node: ListNode, index: number, remove: number): void {
    const path = this.isCollecting ? pathOf(node) : null;
    if (path !== null) this.#patches.push({ action: "splice", path, index, remove, insert: [] });
  }

  /** Characters came into a text, as the elements from `element` on. */
  textInserted(node: TextNode, element: number, insert: string): void {
    const path = this.isCollecting ? pathOf(node) : null;
    if (path === null) return;
    const index = node.sequence.unitIndexOf(element);
    const last = this.#lastOf(node);
    if (last === null || last.remove > 0 || last.index + last.insert.length !== index) {
      this.#pushText(node, { action: "spliceText", path, index, remove: 0, insert });
    } else {
      // The characters of one op come in pieces, by how many units they have.
      this.#joinText(node, { ...last, insert: last.insert + insert });
    }
  }

  /** So many UTF-16 units went from an index of a text. */
  textRemoved(node: TextNode, index: number, remove: number): void {
    const path = this.isCollecting ? pathOf(node) : null;
    if (path === null) return;
    const last = this.#lastOf(node);
    const isBehind = last?.index === index;
    if (last === null || last.insert !== "" || !(isBehind || index + remove === last.index))
      this.#pushText(node, { action: "spliceText", path, index, remove, insert: "" });
    else this.#joinText(node, { ...last, index, remove: last.remove + remove });
  }

  /** A set has gained a value. */
  added(node: SetNode, value: Value): void {
    const path = this.isCollecting ? pathOf(node) : null;
    if (path !== null) this.#patches.push({ action: "add", path, value: shownItem(node, value) });
  }

  /** A set has lost a value. */
  deleted(node: SetNode, value: Value): void {
    const path = this.isCollecting ? pathOf(node) : null;
    if (path !== null)
      this.#patches.push({ action: "delete", path, value: shownItem(node, value) });
  }

  /** A register, a map's entry or a counter shows something else. */
  changed(node: LeafNode | EntryNode | CounterNode): void {
    if (!this.isCollecting) return;
    const path = node.kind === "entry" ? entryPath(node) : pathOf(node);
    if (path === null) return;
    let value: ViewValue | undefined;
    if (node.kind !== "entry") value = viewOf(node);
    else if (node.assignments.size > 0) value = entryView(node);
    if (value !== undefined) this.#count(value);
    if (!this.isCollecting) return;
    this.#patches.push(
      value === undefined ? { action: "unset", path } : { action: "set", path, value },
    );
  }

  /** The last patch, if it is one of this text. */
  #lastOf(node: TextNode): TextPatch | null {
    const last = this.#text;
    if (last?.node !== node || last.patch !== this.#patches[this.#patches.length - 1]) return null;
    return last.patch;
  }

  #pushText(node: TextNode, patch: TextPatch): void {
    this.#patches.push(patch);
    this.#text = { node, patch };
  }

  #joinText(node: TextNode, patch: TextPatch): void {
    this.#patches.pop();
    this.#pushText(node, patch);
  }

  #count(value: ViewValue): void {
    this.#shown += valuesIn(value);
    if (this.#shown > MAX_SHOWN) this.#patches = [];
  }
}

/** How many values a view has; a text, bytes, a key and a large integer count for each sixteen bytes of theirs. */
function valuesIn(view: ViewValue): number {
  if (typeof view === "string" || view instanceof Uint8Array) return 1 + (view.length >> 4);
  if (typeof view === "bigint") return BigInt.asIntN(64, view) === view ? 1 : MAX_BIGNUM_BYTES >> 4;
  if (typeof view !== "object" || view === null) return 1;
  let values = 1;
  if (Array.isArray(view)) {
    for (const part of view as readonly ViewValue[]) values += valuesIn(part);
    return values;
  }
  for (const [key, part] of Object.entries(view)) values += (key.length >> 4) + valuesIn(part);
  return values;
}

/** Where a node is shown, or null when it is not: inside something removed or not chosen. */
export function pathOf(node: Node): Path | null {
  const reversed: (string | number)[] = [];
  let at = node;
  for (;;) {
    const { location } = at;
    switch (location.kind) {
      case "root":
        return reversed.reverse();
      case "field":
        reversed.push(location.name);
        at = location.parent;
        break;
      case "item": {
        const { sequence } = location.parent;
        if (!sequence.alive(location.element)) return null;
        reversed.push(sequence.indexOf(location.element));
        at = location.parent;
        break;
      }
      case "value": {
        const entry = location.parent;
        if (entry.assignments.winner !== location.element) return null;
        reversed.push(entry.key);
        at = entry.map;
        break;
      }
    }
  }
}

function entryPath(entry: EntryNode): Path | null {
  const path = pathOf(entry.map);
  return path === null ? null : [...path, entry.key];
}
