/** A small world to be checked in every order: changes, and the groups of bytes in which they are delivered. */
import { documentId, encodeGroup, signedMessage } from "../../src/change/index.ts";
import type { KeyPair } from "../../src/crypto/index.ts";
import { equalBytes, toHex } from "../../src/encoding/index.ts";
import type { RejectionCode } from "../../src/result.ts";
import type { Schema } from "../../src/schema/index.ts";
import { flipped, forge, person, signAgain, signed } from "../forge.ts";
import type { Forged, Recipe } from "../forge.ts";

/** The document of all scenarios. */
export const DOCUMENT = documentId("model check");

/** One entry of a delivery: the number of a change, and what stands in the place of its signature. */
export interface Entry {
  readonly at: number;
  readonly signature: "good" | "bad" | "none";
}

/** What arrives at once: a group of bytes, and what is in it. */
export interface Delivery {
  readonly bytes: Uint8Array;
  readonly entries: readonly Entry[];
}

/** What is delivered, and how it is shown. */
export interface Scenario {
  readonly name: string;
  readonly document: Uint8Array;
  readonly schema: Schema;
  readonly changes: readonly Forged[];
  /** In an order in which the first few alone are a scenario too. */
  readonly deliveries: readonly Delivery[];
  /** Codes of those changes whose bytes are at fault. */
  readonly faults: ReadonlyMap<string, RejectionCode>;
}

/** The same with the first few deliveries only. */
export function shortened(scenario: Scenario, most: number): Scenario {
  return { ...scenario, deliveries: scenario.deliveries.slice(0, most) };
}

/** An element on the wire: ref, steps back, index. */
export type WireElement = readonly [ref: number, back: number, index: number];

/** Names an element of a change that the change in the making builds on. */
export type Naming = (change: Forged, index: number) => WireElement;

/** What a change is built on; everybody has one chain, chain 0, unless it says otherwise. */
export type Links = Partial<Omit<Recipe, "document" | "author" | "ops">>;

/** What can stand in the place of a signature. */
const SIGNATURES = {
  own: { signature: "good", write: ({ signature }: Forged) => signature },
  another: {
    signature: "good",
    write: ({ id, header }: Forged) => signAgain(signedMessage(id), authorOf(header), 12_345n),
  },
  bad: { signature: "bad", write: ({ signature }: Forged) => flipped(signature, 77) },
  "stranger's": {
    signature: "bad",
    write: ({ body, header }: Forged) => signed(body, header, person(99)).signature,
  },
  none: { signature: "none", write: () => null },
} as const;

function authorOf({ author }: Forged["header"]): KeyPair {
  for (let who = 0; ; who++) if (equalBytes(person(who).publicKey, author)) return person(who);
}

/** Makes changes and deliveries by hand. */
export class Builder {
  readonly changes: Forged[] = [];
  readonly deliveries: Delivery[] = [];
  readonly faults = new Map<string, RejectionCode>();
  readonly #schema: Schema;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** Makes a change by person `who`, not yet delivered; `ops` gets to know how to name elements of others. */
  make(who: number, links: Links, ops: (name: Naming) => readonly Uint8Array[]): Forged {
    const recipe: Recipe = {
      document: DOCUMENT,
      author: person(who),
      // Makes no two changes alike.
      time: this.changes.length,
      ...links,
    };
    const { header } = forge(recipe);
    const others = [...header.parents, ...header.refs].map(toHex);
    const name: Naming = (change, index) => {
      if (change === links.prev) return [1, 0, index];
      const slot = others.indexOf(change.hex);
      if (slot < 0) throw new Error("an op names a change that its own does not build on");
      return [slot + 2, 0, index];
    };
    return this.take(forge({ ...recipe, ops: ops(name) }));
  }

  /** Takes in a change that was made elsewhere; `fault` is what is wrong with its bytes, if anything is. */
  take(change: Forged, fault?: RejectionCode): Forged {
    this.changes.push(change);
    if (fault !== undefined) this.faults.set(change.hex, fault);
    return change;
  }

  /** Delivers each of the changes alone and signed, as it travels live. */
  live(...changes: readonly Forged[]): this {
    for (const change of changes) this.group(change);
    return this;
  }

  /** Delivers a group of changes, each signed, or with something else in the place of the signature. */
  group(...members: readonly (Forged | readonly [Forged, keyof typeof SIGNATURES])[]): this {
    const entries: Entry[] = [];
    const written = members.map((member) => {
      const [change, kind] = "hex" in member ? [member, "own" as const] : member;
      const at = this.changes.indexOf(change);
      if (at < 0) throw new Error("a change of another scenario");
      const { signature, write } = SIGNATURES[kind];
      entries.push({ at, signature });
      return { body: change.body, signature: write(change) };
    });
    this.deliveries.push({ bytes: encodeGroup(written), entries });
    return this;
  }

  /** Delivers bytes that are no group. */
  junk(bytes: Uint8Array): this {
    this.deliveries.push({ bytes, entries: [] });
    return this;
  }

  /** The scenario of all that was made and delivered. */
  scenario(name: string): Scenario {
    const { changes, deliveries, faults } = this;
    return { name, document: DOCUMENT, schema: this.#schema, changes, deliveries, faults };
  }
}
