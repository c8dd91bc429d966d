/** What a channel's document holds: operations of its parties, receipts of the chain, states that are signed, an order book. */
import { bigint, bytes, integer, log, string, struct } from "bft-json-crdt";
import type { Document, Initial } from "bft-json-crdt";
import { orderBook } from "example-order-book";

const operation = struct({
  /** Each party numbers its operations 0, 1, 2, … */
  number: integer(),
  /** What it does; see ledger.ts and pool.ts. The fields below that it does not use are empty. */
  kind: string(),
  asset: string(),
  amount: bigint(),
  /** Of a transfer or a lock: the receiver, public key in hex. */
  to: string(),
  /** Of a lock: SHA-256 of the secret; of a claim: the secret. */
  data: bytes(),
  /** Of a lock: the epoch in which it returns to its maker. */
  expiry: integer(),
  /** Id of the lock or the loan that is meant. */
  target: string(),
  /** Of a loan: units of eth given as security. */
  collateral: bigint(),
});

/** The document of a channel. */
export const Channel = struct({
  operations: log(operation),
  /** What the chain has signed: money that came in … */
  deposits: log(
    struct({
      index: integer(),
      party: string(),
      asset: string(),
      amount: bigint(),
      signature: bytes(),
    }),
  ),
  /** … and what time it is there, with the price of one unit of eth in units of usd. */
  epochs: log(struct({ epoch: integer(), price: bigint(), signature: bytes() })),
  /** "This is the state of all that I have seen." */
  proposals: log(struct({ version: integer(), deposits: integer(), root: bytes() })),
  /** A party's signature on a proposal's state, good on the chain. */
  signatures: log(struct({ proposal: string(), signature: bytes() })),
  book: orderBook,
});

export type Operation = Initial<typeof operation>;
export type ChannelDocument = Document<typeof Channel>;
