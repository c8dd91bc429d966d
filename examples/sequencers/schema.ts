/** What sequencers share: signed transactions, and batches that put them into an order. */
import { bytes, genesisDocumentId, integer, json, log, string, struct } from "bft-json-crdt";

/** The schema of the document. */
export const Rollup = struct({
  /** A user's transaction: its author is the user, `nonce` counts from 0. */
  transactions: log(struct({ nonce: integer(), payload: string() })),
  /** Batch number `height` behind the batch with the hash `parent`; `transactions` is an array of ids. */
  batches: log(struct({ height: integer(), parent: bytes(), transactions: json() })),
});

/** Who may propose batches. */
export interface Committee {
  readonly name: string;
  /** Public keys. */
  readonly sequencers: readonly Uint8Array[];
}

/** The id of the document of this committee. */
export function rollupId({ name, sequencers }: Committee): Uint8Array {
  return genesisDocumentId({ name, nonce: null, founders: sequencers, parameters: {} });
}
