/** Histories of several authors, honest and not, of one document. For tests only. */
import fc from "fast-check";
import { expect } from "vitest";
import { documentId } from "../src/change/index.ts";
import { generateKeyPair } from "../src/crypto/index.ts";
import { Document } from "../src/document/index.ts";
import type { DocumentOptions } from "../src/document/index.ts";
import type { Schema } from "../src/schema/index.ts";
import { forgeRandom } from "./hostile.ts";
import { NaiveDocument } from "./naive-document.ts";
import { Choices, edit } from "./random-edits.ts";

/** The document of all trials. */
export const ID = documentId("convergence");
const KEYS = [1, 2, 3, 4].map((n) => generateKeyPair(new Uint8Array(32).fill(n)));
const FORGER = generateKeyPair(new Uint8Array(32).fill(9));

/** One step of a history; numbers are reduced to what exists when it is their turn. */
export interface Step {
  readonly who: number;
  readonly kind: "edit" | "forge" | "pull" | "gossip" | "restart";
  readonly seed: number;
}

/** Any step. */
export const step: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(4),
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant("edit" as const) },
    { weight: 3, arbitrary: fc.constant("forge" as const) },
    { weight: 2, arbitrary: fc.constant("pull" as const) },
    { weight: 2, arbitrary: fc.constant("gossip" as const) },
    { weight: 1, arbitrary: fc.constant("restart" as const) },
  ),
  seed: fc.nat(),
});

/** Several authors of one document, two of whom are one equivocator, and a forger who sees what they see. */
export class Trial {
  readonly schema: Schema;
  /** All changes ever made, each as its author sends it. */
  readonly live: Uint8Array[] = [];
  readonly documents: Document<Schema>[];

  constructor(schema: Schema) {
    this.schema = schema;
    this.documents = [0, 1, 2, 3, 3].map((key) => new Document(this.#options(key)));
  }

  run({ who, kind, seed }: Step): void {
    const choices = new Choices(seed);
    const document = this.documents[who]!;
    switch (kind) {
      case "edit": {
        const change = document.change(
          (root) => {
            for (let n = 1 + choices.below(4); n > 0; n--) edit(this.schema, root, choices);
          },
          { time: choices.pick([null, 1_000]) },
        );
        this.live.push(...change.groups);
        return;
      }
      case "forge": {
        const links = {
          keyPair: FORGER,
          chain: BigInt(choices.below(2)),
          ...(choices.oneIn(3) ? { parents: [] } : {}),
          ...(choices.oneIn(4) ? { prev: null } : {}),
        };
        const { bytes } = forgeRandom(document.history, naiveOf(document), links, choices);
        this.live.push(bytes);
        expect(document.receive(bytes).status).toMatch(/applied|duplicate/);
        return;
      }
      case "pull":
        pull(document, choices.pick(this.documents));
        return;
      case "gossip":
        for (const group of choices.shuffle(this.live).slice(0, 4)) document.receive(group);
        return;
      case "restart": {
        const loaded = Document.load(document.save(), this.#options(Math.min(who, 3)));
        expect(loaded.ok).toBe(true);
        if (loaded.ok) this.documents[who] = loaded.value;
      }
    }
  }

  /** Delivers everything everywhere, in orders of all sorts; returns all replicas. */
  settle(seed: number): Document<Schema>[] {
    const choices = new Choices(seed);
    for (const document of this.documents) {
      for (const group of choices.shuffle(this.live)) document.receive(group);
    }
    // One gets everything one by one, most of it twice, the other half of it so and then bundles under few signatures.
    const one = new Document({ schema: this.schema, id: ID });
    const twice = [...this.live, ...this.live].filter(() => !choices.oneIn(4));
    for (const group of choices.shuffle([...twice, ...this.live])) one.receive(group);
    const two = new Document({ schema: this.schema, id: ID });
    for (const group of choices.shuffle(this.live).slice(choices.below(2 * this.live.length))) {
      two.receive(group);
    }
    pull(two, choices.pick(this.documents));
    return [...this.documents, one, two];
  }

  #options(key: number): DocumentOptions<Schema> {
    return { schema: this.schema, id: ID, keyPair: KEYS[key]!, chain: 0n };
  }
}

/** Brings what another has and this one lacks, as closed groups under covering signatures. */
export function pull(document: Document<Schema>, from: Document<Schema>): void {
  const common = document
    .frontier()
    .map((id) => from.history.indexOf(id))
    .filter((index) => index >= 0);
  for (const group of from.history.groupsFor(from.history.missingFor(common))) {
    document.receive(group);
  }
}

/** The bodies of all applied changes. */
export function bodiesOf({ history }: Document<Schema>): Uint8Array[] {
  return Array.from({ length: history.length }, (_, index) => history.bodyAt(index));
}

/** What the definition says about a document. */
export function naiveOf(document: Document<Schema>): NaiveDocument {
  return new NaiveDocument(document.schema, bodiesOf(document));
}

/** All orders of a few things. */
export function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (let i = 0; i < items.length; i++) {
    for (const rest of permutations(items.toSpliced(i, 1))) yield [items[i]!, ...rest];
  }
}
