/** What a cluster's document holds: logs of signed statements. Whose statement it is says its signature, never a field. */
import { bigint, bytes, integer, log, string, struct } from "bft-json-crdt";
import type { Document, Handle } from "bft-json-crdt";

/** The document of a cluster. Accounts are public keys in hex; other statements are named by their element ids. */
export const Cluster = struct({
  /** "My payment with this number": each account numbers its payments 0, 1, 2, … */
  transfers: log(struct({ number: integer(), to: string(), amount: bigint() })),
  /** A core node takes from the pot its shares of the first so many periods, all it ever took included. */
  payouts: log(struct({ periods: integer() })),
  /** A core node has checked a transfer, a payout, a commitment or an accusation. */
  acks: log(struct({ target: string() })),
  /** A core node's signature on a state; `proposal` names the checkpoint that it joins, "" when it is the first. */
  checkpoints: log(
    struct({ proposal: string(), settled: integer(), root: bytes(), signature: bytes() }),
  ),
  /** A newcomer asks an account what it has spent. */
  questions: log(struct({ account: string() })),
  /** The answer: "my next payment will have this number". */
  claims: log(struct({ question: string(), next: integer() })),
  /** The hash of an accusation that will be made. */
  commitments: log(struct({ digest: bytes() })),
  /** Names the statements that prove misbehaviour (`second` is "" where one is enough). */
  accusations: log(
    struct({ commitment: string(), first: string(), second: string(), salt: bytes() }),
  ),
});

export type ClusterDocument = Document<typeof Cluster>;
export type ClusterHandle = Handle<typeof Cluster>;
