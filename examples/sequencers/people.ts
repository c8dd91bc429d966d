/** Users and sequencers: what honest ones write. */
import { Participant } from "example-kit";
import type { ParticipantOptions } from "example-kit";
import { chainOf, GENESIS_HASH, MOST_IN_BATCH } from "./chain.ts";
import type { ChainView } from "./chain.ts";
import type { Committee, Rollup } from "./schema.ts";

/** One who sends transactions, proposes batches, or both. */
export class Person extends Participant<typeof Rollup> {
  readonly #committee: Committee;
  #nonce = 0;

  constructor(options: ParticipantOptions<typeof Rollup>, committee: Committee) {
    super(options);
    this.#committee = committee;
  }

  get view(): ChainView {
    return chainOf(this.document, this.#committee);
  }

  /** Sends the next transaction. */
  send(payload: string): void {
    const nonce = this.#nonce++;
    this.change(({ transactions }) => transactions.append({ nonce, payload }));
  }

  /** Proposes what waits as the next batch, having seen all that is here; false when nothing waits. */
  propose(without: (id: string) => boolean = () => false): boolean {
    const { chain, waiting } = this.view;
    const transactions = waiting.filter((id) => !without(id)).slice(0, MOST_IN_BATCH);
    if (transactions.length === 0) return false;
    const parent = chain.at(-1)?.hash ?? GENESIS_HASH;
    const batch = { height: chain.length, parent, transactions };
    this.change(({ batches }) => batches.append(batch), { requires: this.document.frontier() });
    return true;
  }
}
