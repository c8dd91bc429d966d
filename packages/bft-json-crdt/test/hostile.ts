/** Changes that no honest replica would make, correctly linked and signed. For tests only. */
import {
  changeId,
  encodeGroup,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  signedMessage,
  writeBodyHead,
} from "../src/change/index.ts";
import type { ElementTarget, InertOp, Op, Place } from "../src/change/index.ts";
import { sign } from "../src/crypto/index.ts";
import type { KeyPair } from "../src/crypto/index.ts";
import { ByteWriter, compareBytes, fromHex } from "../src/encoding/index.ts";
import type { Value } from "../src/encoding/index.ts";
import type { History } from "../src/history/index.ts";
import type { RecordSchema, Schema } from "../src/schema/index.ts";
import { recordOf, standingIn } from "./naive-document.ts";
import type { NaiveChange, NaiveContainer, NaiveDocument, NaiveElement } from "./naive-document.ts";
import { contentFor, KEYS, valueFor } from "./random-edits.ts";
import type { Choices } from "./random-edits.ts";
import { writeOp } from "./write-op.ts";

/** An op as it will be written, or an array that stands in the place of one. */
export type RawOp = Exclude<Op, InertOp> | readonly Value[];

/** What a forged change is built on; everything is given by change ids. */
export interface Links {
  readonly keyPair: KeyPair;
  readonly chain?: bigint;
  /** The greatest own tip by default. */
  readonly prev?: Uint8Array | null;
  /** All other heads by default. */
  readonly parents?: readonly Uint8Array[];
  readonly refs?: readonly Uint8Array[];
}

/** A change by its id and as a group of one. */
export interface Forged {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Signs a change with any ops, on top of what a history holds; does not apply it there. */
export function forge(history: History, links: Links, ops: readonly RawOp[]): Forged {
  const { keyPair } = links;
  const { prev, parents, refs } = placed(history, links);
  const chain = links.chain ?? 0n;
  const rows = [prev, ...parents, ...refs].flatMap((id) =>
    id === null ? [] : [history.indexOf(id)],
  );
  if (rows.includes(-1)) throw new Error("a forged change builds on one that is unknown");
  const header = {
    document: history.document,
    author: keyPair.publicKey,
    chain,
    seq: prev === null ? 1 : history.seqAt(history.indexOf(prev)) + 1,
    prev,
    parents,
    lamport: 1 + Math.max(0, ...rows.map((row) => history.lamportAt(row))),
    time: null,
    refs,
  };
  const writer = new ByteWriter();
  writeBodyHead(writer, header, ops.length);
  for (const op of ops) {
    if ("kind" in op) writeOp(writer, op);
    else writer.value(op);
  }
  const body = writer.take();
  const id = changeId(body);
  const signature = sign(signedMessage(id), keyPair.secretKey);
  return { id, bytes: encodeGroup([{ body, signature }]) };
}

/** The number by which an op of such a change names another change. */
export function slotOf(history: History, links: Links, id: Uint8Array): number {
  const { prev, parents, refs } = placed(history, links);
  const slot = [prev, ...parents, ...refs].findIndex(
    (named) => named !== null && compareBytes(named, id) === 0,
  );
  if (slot < 0) throw new Error("a change is not named");
  return slot + 1;
}

interface Placed {
  readonly prev: Uint8Array | null;
  readonly parents: readonly Uint8Array[];
  readonly refs: readonly Uint8Array[];
}

function placed(history: History, links: Links): Placed {
  const { keyPair, chain = 0n } = links;
  const tips = history.tipsOf(keyPair.publicKey, chain);
  tips.sort((a, b) => b.seq - a.seq || compareBytes(b.id, a.id));
  const prev = links.prev === undefined ? (tips[0]?.id ?? null) : links.prev;
  const others = (
    ids: readonly Uint8Array[],
    taken: readonly (Uint8Array | null)[],
  ): Uint8Array[] =>
    ids
      .filter((id) => !taken.some((other) => other !== null && compareBytes(other, id) === 0))
      .sort(compareBytes);
  const parents = others((links.parents ?? history.frontier()).slice(0, 16), [prev]);
  const refs = others(links.refs ?? [], [prev, ...parents]);
  return { prev, parents, refs };
}

/** Forges a change of a few random ops on top of a history, of which `naive` knows what is where. */
export function forgeRandom(
  history: History,
  naive: NaiveDocument,
  links: Links,
  choices: Choices,
): Forged {
  const targets = new Targets(naive, choices);
  const draft = Array.from({ length: 1 + choices.below(4) }, () =>
    randomOp(naive, targets, choices),
  );
  const refs = [...targets.named].map((id) => fromHex(id)!);
  const whole = { ...links, refs };
  return forge(
    history,
    whole,
    draft.map((op) => op((id) => slotOf(history, whole, fromHex(id)!))),
  );
}

type Slots = (id: string) => number;
type Later<T> = (slots: Slots) => T;

/** Chooses elements and how to name them. */
class Targets {
  /** Changes that the forged one has to name. */
  readonly named = new Set<string>();
  /** Elements that its ops so far have made. */
  made = 0;
  readonly #naive: NaiveDocument;
  readonly #choices: Choices;

  constructor(naive: NaiveDocument, choices: Choices) {
    this.#naive = naive;
    this.#choices = choices;
  }

  /** An element by its change or a later one of the same chain; now and then one that is not there. */
  element(element: NaiveElement | null): Later<ElementTarget> {
    const choices = this.#choices;
    if (element === null) {
      const index = choices.below(this.made + 1);
      return () => ({ ref: 0, back: choices.oneIn(8) ? 1 : 0, index });
    }
    const { via, steps } = this.#via(element.change);
    const index = choices.oneIn(12) ? choices.below(2 * element.change.made + 2) : element.index;
    const back = choices.oneIn(12) ? choices.below(5) : steps;
    return (slots) => ({ ref: choices.oneIn(60) ? 99 : slots(via), back, index });
  }

  /** A random element of the document, or of the change itself. */
  any(): NaiveElement | null {
    const { elements } = this.#naive;
    return elements.length === 0 || this.#choices.oneIn(6) ? null : this.#choices.pick(elements);
  }

  /** A range from an element on. */
  range(element: NaiveElement | null, count: number): Later<number[]> {
    const target = this.element(element);
    return (slots) => {
      const { ref, back, index } = target(slots);
      return [ref, back, index, count];
    };
  }

  /** Where a container is, mostly. */
  place(at: NaiveContainer, ...names: string[]): Later<Place> {
    const path = [...at.path, ...names];
    if (this.#choices.oneIn(15)) path.push(this.#choices.pick(KEYS));
    if (at.owner === null) return () => ({ owner: null, path });
    const owner = this.element(at.owner);
    return (slots) => ({ owner: owner(slots), path });
  }

  #via(change: NaiveChange): { via: string; steps: number } {
    let via = change;
    let steps = 0;
    while (this.#choices.oneIn(2)) {
      const next = [...this.#naive.changes.values()].find((later) => later.prev === via);
      if (next === undefined) break;
      via = next;
      steps++;
    }
    this.named.add(via.id);
    return { via: via.id, steps };
  }
}

function randomOp(naive: NaiveDocument, targets: Targets, choices: Choices): Later<RawOp> {
  const at = choices.pick(naive.containers());
  const op = choices.oneIn(5) ? misplacedOp(at, targets, choices) : opFor(at, targets, choices);
  return op;
}

/** An op that mostly suits a container. */
function opFor(at: NaiveContainer, targets: Targets, choices: Choices): Later<RawOp> {
  const { schema } = at;
  switch (schema.kind) {
    case "leaf":
      return assignment(at, [], schema, standingIn(at), targets, choices);
    case "map": {
      const key = choices.pick([...at.children.keys(), ...KEYS]);
      const entry = at.children.get(key);
      const standing = entry === undefined ? [] : standingIn(entry);
      return assignment(at, [key], schema.value, standing, targets, choices);
    }
    case "set": {
      const place = targets.place(at);
      const content = choices.oneIn(8) ? choices.pick(MISFITS) : valueFor(schema.item, choices);
      const replaced = someRanges(choices.pick([[], at.elements]), targets, choices);
      targets.made += 1;
      return (slots) => ({
        kind: OP_ADD,
        made: 1,
        place: place(slots),
        ranges: replaced.flatMap((range) => range(slots)),
        content,
      });
    }
    case "counter": {
      const place = targets.place(at);
      const amount = choices.pick([1n, -5n, 2n ** 63n - 1n, -(2n ** 63n)]);
      return (slots) => ({ kind: OP_INCREMENT, made: 0, place: place(slots), amount });
    }
    case "text":
    case "list":
    case "log":
      if (schema.kind === "log" && at.elements.length > 0 && choices.oneIn(3))
        return intoRecord(at, schema.item, targets, choices);
      if (at.elements.length > 0 && choices.oneIn(3)) return removal(at.elements, targets, choices);
      return insertion(at, schema, targets, choices);
    case "struct":
      return removal([], targets, choices);
  }
}

/** An assignment into a record of a log, as if it were an item of a list. */
function intoRecord(
  at: NaiveContainer,
  item: RecordSchema,
  targets: Targets,
  choices: Choices,
): Later<RawOp> {
  const record = recordOf(choices.pick(at.elements), item);
  if (item.kind === "leaf") return assignment(record, [], item, at.elements, targets, choices);
  const name = choices.pick(Object.keys(item.fields));
  return assignment(record, [name], item.fields[name]!, at.elements, targets, choices);
}

/** An op that suits another container, or none at all. */
function misplacedOp(at: NaiveContainer, targets: Targets, choices: Choices): Later<RawOp> {
  switch (choices.below(6)) {
    case 0:
      targets.made += 2;
      return () => [choices.pick([0, 7, 99]), 2, [], [1, 2, 3]];
    case 1:
      return assignment(at, [choices.pick(KEYS)], at.schema, [], targets, choices);
    case 2: {
      const place = targets.place(at);
      return (slots) => ({ kind: OP_INCREMENT, made: 0, place: place(slots), amount: 3n });
    }
    case 3:
      return insertion(at, choices.pick<Schema>([{ kind: "text" }, at.schema]), targets, choices);
    case 4:
      targets.made += 1;
      return () => [OP_INSERT_VALUES, 1, [[["deep"]]], [choices.pick(MISFITS)]];
    default:
      return removal([], targets, choices);
  }
}

function assignment(
  at: NaiveContainer,
  names: string[],
  schema: Schema,
  standing: readonly NaiveElement[],
  targets: Targets,
  choices: Choices,
): Later<RawOp> {
  const place = targets.place(at, ...names);
  const known = choices.pick([standing, standing, at.elements, []]);
  const replaced = someRanges(known, targets, choices);
  const made = choices.oneIn(6) ? 0 : 1;
  const content = choices.oneIn(10) ? choices.pick(MISFITS) : contentFor(schema, choices);
  targets.made += made;
  return (slots) => ({
    kind: OP_ASSIGN,
    made,
    place: place(slots),
    ranges: replaced.flatMap((range) => range(slots)),
    content: made === 0 ? null : content,
  });
}

function insertion(
  at: NaiveContainer,
  schema: Schema,
  targets: Targets,
  choices: Choices,
): Later<RawOp> {
  const content =
    schema.kind === "list" || schema.kind === "log"
      ? Array.from({ length: 1 + choices.below(3) }, () =>
          choices.oneIn(10) ? choices.pick(MISFITS) : contentFor(schema.item, choices),
        )
      : choices.pick(["hostile", "🙂x", "y"]);
  const kind = typeof content === "string" ? OP_INSERT_TEXT : OP_INSERT_VALUES;
  const made = typeof content === "string" ? [...content].length : content.length;
  const side = choices.oneIn(2) ? 0 : 1;
  const below = at.elements.length === 0 || choices.oneIn(5) ? null : choices.pick(at.elements);
  const parent = below !== null || choices.oneIn(4) ? targets.element(below) : null;
  const place = targets.place(at);
  targets.made += made;
  return (slots) => ({
    kind,
    made,
    parent: parent === null ? null : parent(slots),
    side,
    place: parent === null ? place(slots) : null,
    content,
  });
}

function removal(known: readonly NaiveElement[], targets: Targets, choices: Choices): Later<RawOp> {
  const ranges = Array.from({ length: 1 + choices.below(3) }, () =>
    targets.range(
      known.length > 0 && !choices.oneIn(4) ? choices.pick(known) : targets.any(),
      choices.pick([1, 1, 1, 2, 3, 7, 2 ** 40]),
    ),
  );
  return (slots) => ({ kind: OP_REMOVE, made: 0, ranges: ranges.flatMap((range) => range(slots)) });
}

function someRanges(
  known: readonly NaiveElement[],
  targets: Targets,
  choices: Choices,
): Later<number[]>[] {
  const chosen = known.filter(() => !choices.oneIn(4)).slice(0, 4);
  const ranges = chosen.map((element) => targets.range(element, choices.oneIn(15) ? 2 : 1));
  if (choices.oneIn(12)) ranges.push(targets.range(targets.any(), choices.pick([1, 65])));
  return ranges;
}

/** Values that few schemas have room for. */
const MISFITS: readonly Value[] = [
  null,
  "misfit",
  7,
  0.5,
  2n ** 70n,
  Uint8Array.of(9),
  ["array"],
  { a: 1, b: "x" },
  { nobody: 1 },
];
