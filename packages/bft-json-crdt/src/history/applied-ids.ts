/**
 * Finding applied changes by their ids. To search the table of all ids is to look at a random place in memory, and has the ids
 * placed that were added since: nearly all changes tell by what they build on that they are new, and where that is.
 */
import type { ChangeHeader } from "../change/index.ts";
import type { Chains } from "./chains.ts";
import type { IdTable } from "./id-table.ts";

/** What of a header tells the change before on its chain. */
export type PlaceOnChain = Pick<ChangeHeader, "author" | "chain" | "prev">;

/** The applied changes of one history, by their ids. */
export class AppliedIds {
  readonly #ids: IdTable;
  readonly #chains: Chains;

  constructor(ids: IdTable, chains: Chains) {
    this.#ids = ids;
    this.#chains = chains;
  }

  /** The local index of a change, or -1. */
  find(id: Uint8Array): number {
    return this.#ids.find(id);
  }

  /** The local index of the change that one with this header names as `prev`, or -1. */
  findPrev(header: PlaceOnChain): number {
    if (header.prev === null) return -1;
    const tip = this.tipBefore(header);
    return tip >= 0 ? tip : this.#ids.find(header.prev);
  }

  /**
   * The same when it is the only tip of the chain of which the header says to be: then no change with this header is applied,
   * or it would be the tip. Otherwise -1, which tells nothing.
   */
  tipBefore({ author, chain, prev }: PlaceOnChain): number {
    if (prev === null) return -1;
    const number = this.#chains.find(author, chain);
    const tip = number < 0 ? -1 : this.#chains.tipOf(number);
    return tip >= 0 && this.#ids.isAt(tip, prev) ? tip : -1;
  }
}
