/**
 * The scene of the attacks: three people, a document with something in every container, and ways to show a change to
 * honest replicas in many orders, who must all end up with the same.
 */
import { expect } from "vitest";
import {
  bigint,
  boolean,
  counter,
  Document,
  documentId,
  encodeGroup,
  integer,
  json,
  list,
  map,
  number,
  optional,
  set,
  string,
  struct,
  text,
  toHex,
} from "../../src/index.ts";
import type { LocalChange, Schema } from "../../src/index.ts";
import { forge, person } from "../forge.ts";
import type { Forged, Recipe } from "../forge.ts";

export const ID = documentId("attacks");
export const [ALICE, BOB, MALLORY] = [person(10), person(11), person(12)];

export const Everything = struct({
  reg: string(),
  flag: boolean(),
  num: number(),
  int: integer(),
  big: bigint(),
  any: json(),
  opt: optional(string()),
  words: list(string()),
  gaps: list(optional(string())),
  items: list(struct({ name: string(), qty: integer(), tags: set(string()), log: list(string()) })),
  title: text(),
  pages: map(string()),
  people: map(struct({ name: string(), log: list(string()) })),
  total: counter(),
  tags: set(string()),
  deep: struct({ inner: struct({ x: number(), words: list(string()) }) }),
});

export function replica<S extends Schema = typeof Everything>(
  keyPair = ALICE,
  schema: S = Everything as unknown as S,
  chain = 0n,
): Document<S> {
  return new Document({ schema, id: ID, keyPair, chain });
}

/** One of Mallory's changes. */
export function mallory(recipe: Partial<Recipe> = {}): Forged {
  return forge({ document: ID, author: MALLORY, ...recipe });
}

/** The changes, in the order in which `of` has them, as if they were forged: to be built upon. */
export function known(of: Document<Schema>): Forged[] {
  const { history } = of;
  return Array.from({ length: history.length }, (_, index) => {
    const body = history.bodyAt(index);
    const id = history.idAt(index);
    const signature = history.signatureAt(index) ?? new Uint8Array(64);
    const header = {
      document: of.id,
      author: history.authorAt(index),
      chain: history.chainAt(index),
      seq: history.seqAt(index),
      prev: history.prevAt(index) < 0 ? null : history.idAt(history.prevAt(index)),
      parents: [],
      refs: [],
      lamport: history.lamportAt(index),
      time: history.timeAt(index),
    };
    return {
      id,
      hex: toHex(id),
      header,
      body,
      signature,
      group: encodeGroup([{ body, signature }]),
    };
  });
}

/** The same every time, so that a failure is seen again. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const draw = random(seed);
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

/**
 * Delivers groups to honest replicas in several orders, forwards, backwards and at random, some of them twice. All must
 * have applied and show the same. Returns one of them.
 */
export function converge<S extends Schema = typeof Everything>(
  groups: readonly Uint8Array[],
  schema: S = Everything as unknown as S,
): Document<S> {
  const orders = [groups, groups.toReversed(), ...[1, 2, 3].map((seed) => shuffled(groups, seed))];
  const documents = orders.map((order) => {
    const document = replica(BOB, schema);
    // A listener makes patches: they must not trip over anything either.
    document.subscribe(() => undefined);
    for (const group of [...order, order[0]!]) document.receive(group);
    return document;
  });
  const [first] = documents as [Document<S>];
  for (const document of documents) {
    expect(document.history.pending).toEqual({ count: 0, bytes: 0 });
    expect(document.frontier().map(toHex)).toEqual(first.frontier().map(toHex));
    expect(document.viewJson()).toBe(first.viewJson());
    expect(forksOf(document)).toEqual(forksOf(first));
  }
  return first;
}

/** What is known of equivocations: the same everywhere, in the same order, whatever came first. */
export function forksOf({ history }: Document<Schema>): string[] {
  return history.forks().map(({ seq, ids }) => `#${seq}: ${ids.map(toHex).join(" ")}`);
}

export const groupsOf = (changes: readonly { readonly group: Uint8Array }[]): Uint8Array[] =>
  changes.map(({ group }) => group);

export const bytesOf = (...changes: LocalChange[]): Uint8Array[] =>
  changes.map(({ bytes }) => bytes);

export function viewOf(document: Document<Schema>): Record<string, unknown> {
  return JSON.parse(document.viewJson()) as Record<string, unknown>;
}

/** What a change does to a document that holds a bit of everything: nothing, if the view stays the same. */
export function expectNoEffect(...attempts: (readonly Uint8Array[])[]): void {
  const { document, last, view } = ground();
  const lies: Forged[] = [];
  for (const attempt of attempts) {
    lies.push(mallory({ parents: [last], prev: lies.at(-1) ?? null, ops: attempt }));
    expect(document.receive(lies.at(-1)!.group)).toMatchObject({ status: "applied" });
    expect(viewOf(document)).toEqual(view);
  }
  const groups = known(document).map(({ group }) => group);
  expect(viewOf(converge(groups))).toEqual(view);
  // Honest people can go on where the liar was.
  const other = replica(BOB);
  for (const group of groups) other.receive(group);
  const more = document.change((doc) => {
    doc.words.push("more");
    doc.title.append("!");
    doc.reg.set("more");
    doc.items.at(0).qty.set(9);
    doc.total.increment(1);
    doc.tags.add("more");
    doc.pages.set("more", "more");
  });
  expect(other.receive(more.bytes).status).toBe("applied");
  expect(other.viewJson()).toBe(document.viewJson());
  expect(viewOf(document)).not.toEqual(view);
}

/** A document of Alice's with something in every container; `last` is its one head, the only change. */
export function ground(): { document: Document<typeof Everything>; last: Forged; view: unknown } {
  const document = replica(ALICE);
  document.change((doc) => {
    doc.reg.set("r"); // element 0
    doc.words.push("a", "b", "c"); // 1, 2, 3
    doc.title.append("text"); // 4 … 7
    doc.items.push({ name: "i", qty: 1, tags: ["t"], log: ["l"] }); // 8; inside 9, 10
    doc.pages.set("k", "v"); // 11
    doc.people.set("p", { name: "n", log: ["m"] }); // 12; inside 13
    doc.total.increment(5);
    doc.tags.add("x"); // 14
    doc.gaps.push("g"); // 15
  });
  return { document, last: known(document)[0]!, view: viewOf(document) };
}
