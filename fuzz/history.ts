/**
 * Changes of a document as trees, and back. A change is `{author, chain, prev, parents, refs, time, ops, lies}`; others
 * are named by their numbers, ids, lamports and signatures are made anew. So a mutant's changes are linked and signed as
 * honest ones are, and reach what lies behind hashes and signatures; what shall be wrong stands in `lies`.
 */
import { changeId, documentId, encodeGroup } from "../packages/bft-json-crdt/src/change/index.ts";
import type { SignedBody } from "../packages/bft-json-crdt/src/change/index.ts";
import { Document } from "../packages/bft-json-crdt/src/document/index.ts";
import { compareBytes, decodeValue, toHex } from "../packages/bft-json-crdt/src/encoding/index.ts";
import {
  counter,
  json,
  list,
  map,
  set,
  string,
  struct,
  text,
} from "../packages/bft-json-crdt/src/schema/index.ts";
import type { Schema } from "../packages/bft-json-crdt/src/schema/index.ts";
import { person } from "../packages/bft-json-crdt/test/forge.ts";
import { forgeRandom } from "../packages/bft-json-crdt/test/hostile.ts";
import { NaiveDocument } from "../packages/bft-json-crdt/test/naive-document.ts";
import { edit, EVERYTHING } from "../packages/bft-json-crdt/test/random-edits.ts";
import type { Choices } from "../packages/bft-json-crdt/test/random-edits.ts";
import { asArray, asIndex, fieldOf, isArray } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { PEOPLE, signatureOf, wire } from "./wire.ts";

/** The document of all inputs. */
export const DOCUMENT = documentId("fuzz");

/** Schemas by which inputs are folded: one of each type, everything in everything, and nothing but text. */
export const SCHEMAS: readonly Schema[] = [
  EVERYTHING,
  struct({ title: string(), body: text(), tags: set(string()), likes: counter() }),
  struct({ items: list(struct({ name: string(), body: text(), marks: list(json()) })) }),
  struct({ people: map(map(json())), rooms: map(list(text())) }),
  text(),
  json(),
];

/** Changes and deliveries that an input holds at most; the rest is left out. */
export const MAX_CHANGES = 24;

/** A change made from a tree. */
export interface MadeChange {
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** The change as it travels live. */
  readonly group: Uint8Array;
}

/** A schema by its number. */
export function schemaOf(tree: Tree | undefined): Schema {
  return SCHEMAS[asIndex(tree, SCHEMAS.length)]!;
}

/** Makes the changes of a tree, each on top of earlier ones. Never throws. */
export function makeChanges(tree: Tree | undefined): MadeChange[] {
  const made: (MadeChange & { readonly seq: number; readonly lamport: number })[] = [];
  for (const recipe of asArray(tree).slice(0, MAX_CHANGES)) {
    const named = (field: string): (typeof made)[number][] =>
      asArray(fieldOf(recipe, field)).flatMap((number) => made[asIndex(number, made.length)] ?? []);
    const prev = named("prev")[0] ?? null;
    const taken = new Set([prev?.id]);
    const others = (field: string): Uint8Array[] => {
      const ids = named(field)
        .map(({ id }) => id)
        .filter((id) => !taken.has(id) && taken.add(id));
      return ids.sort(compareBytes);
    };
    const parents = others("parents");
    const refs = others("refs");
    const by = asIndex(fieldOf(recipe, "author"), PEOPLE);
    const greatest = [prev, ...named("parents"), ...named("refs")].map((one) => one?.lamport ?? 0);
    const lamport = Math.max(...greatest) + 1;
    const seq = (prev?.seq ?? 0) + 1;
    const chain = fieldOf(recipe, "chain") ?? 0;
    const time = fieldOf(recipe, "time") ?? null;
    const ops = asArray(fieldOf(recipe, "ops")).map(countedOp);
    const { publicKey } = person(by);
    const fields: Tree[] = [
      ...[1, DOCUMENT, publicKey, chain, seq, prev?.id ?? null],
      ...[parents, lamport, time, refs, ops],
    ];
    // Lies: [[field, what stands there], …].
    for (const lie of asArray(fieldOf(recipe, "lies"))) {
      const [at, value] = asArray(lie);
      if (value !== undefined) fields[asIndex(at, fields.length)] = value;
    }
    const body = wire(fields);
    const id = changeId(body);
    const signature = signatureOf(id, by);
    made.push({ id, body, signature, group: encodeGroup([{ body, signature }]), seq, lamport });
  }
  return made;
}

/** A group of some of these changes; negative numbers stand for unsigned copies (−1 for change 0). */
export function groupOf(changes: readonly MadeChange[], numbers: Tree | undefined): Uint8Array {
  const entries: SignedBody[] = [];
  for (const number of asArray(numbers).slice(0, MAX_CHANGES)) {
    const isBare = typeof number === "number" && number < 0;
    const change =
      changes[isBare ? asIndex(number + 1, changes.length) : asIndex(number, changes.length)];
    if (change !== undefined)
      entries.push({ body: change.body, signature: isBare ? null : change.signature });
  }
  return encodeGroup(entries);
}

/** Changes of a few authors, honest and not, on a document of a schema, as a tree. */
export function freshChanges(schema: Schema, choices: Choices, most: number): Tree[] {
  const documents = Array.from({ length: PEOPLE - 1 }, (_, by) => openAs(schema, by));
  const all: Uint8Array[] = [];
  for (let steps = 1 + choices.below(most); steps > 0; steps--) {
    const by = choices.below(PEOPLE);
    const document = documents[by % documents.length]!;
    if (by < documents.length) {
      const { groups } = document.change(
        (root) => {
          for (let edits = 1 + choices.below(3); edits > 0; edits--) edit(schema, root, choices);
        },
        { time: choices.pick([null, 1_000]) },
      );
      all.push(...groups);
    } else {
      const bodies = Array.from({ length: document.history.length }, (_, index) =>
        document.history.bodyAt(index),
      );
      const links = {
        keyPair: person(by),
        chain: BigInt(choices.below(2)),
        ...(choices.oneIn(3) ? { parents: [] } : {}),
        ...(choices.oneIn(4) ? { prev: null } : {}),
      };
      const naive = new NaiveDocument(schema, bodies);
      const { bytes } = forgeRandom(document.history, naive, links, choices);
      document.receive(bytes);
      all.push(bytes);
    }
    if (choices.oneIn(3)) for (const group of all) choices.pick(documents).receive(group);
  }
  const reader = new Document({ schema, id: DOCUMENT, chain: 1n });
  for (const group of all) reader.receive(group);
  return treesOf(reader);
}

/** Opens a document for one of the people, on chain 0. */
export function openAs(schema: Schema, by: number): Document<Schema> {
  return new Document({ schema, id: DOCUMENT, keyPair: person(by), chain: 0n });
}

/** All changes of a document as trees. */
export function treesOf({ history }: Document<Schema>): Tree[] {
  return Array.from({ length: history.length }, (_, index) => {
    const fields = decodeValue(history.bodyAt(index));
    const ops = fields.ok && isArray(fields.value) ? (fields.value[10] ?? []) : [];
    const rows = history.dependencies(index);
    const prev = history.prevAt(index);
    const author = toHex(history.authorAt(index));
    const by = Array.from({ length: PEOPLE }, (_, n) => toHex(person(n).publicKey)).indexOf(author);
    return {
      author: Math.max(by, 0),
      chain: history.chainAt(index),
      prev: prev < 0 ? [] : [prev],
      parents: rows.filter((row) => row !== prev),
      time: history.timeAt(index),
      ops,
    };
  });
}

/** `made` of an op of which it is not said: as many elements as its content makes. */
function countedOp(op: Tree): Tree {
  if (!isArray(op) || op[1] !== null) return op;
  const content = op[3] ?? null;
  const made = typeof content === "string" ? [...content].length : asArray(content).length;
  return op.with(1, made);
}
