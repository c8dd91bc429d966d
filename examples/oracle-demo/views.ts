/**
 * Views of many replicas at one moment, most of which have the same facts: those are folded once. A view is a function of the facts,
 * the rules and the time, and a frontier names the facts, so what another replica with that frontier shows need not be computed.
 */
import { toHex } from "bft-json-crdt";
import type { Document } from "bft-json-crdt";
import { viewOf } from "example-oracle-network";
import type { NetworkRules, NetworkView, schema } from "example-oracle-network";

/** Views by frontier, of one moment: those of another one take their place. */
export class SharedViews {
  readonly #rules: NetworkRules;
  readonly #byFrontier = new Map<string, NetworkView>();
  #now = -1;

  constructor(rules: NetworkRules) {
    this.#rules = rules;
  }

  /** What a replica shows at a time, in seconds since 1970. */
  of(document: Document<typeof schema>, now: number): NetworkView {
    if (now !== this.#now) this.#byFrontier.clear();
    this.#now = now;
    const frontier = document.frontier().map(toHex).join();
    let view = this.#byFrontier.get(frontier);
    if (view === undefined) {
      this.#byFrontier.set(frontier, (view = viewOf(document, this.#rules, now)));
    }
    return view;
  }
}
