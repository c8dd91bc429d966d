/** What a council shares: proposals, votes and confirmations, each a log of signed facts. */
import { genesisDocumentId, integer, json, log, string, struct } from "bft-json-crdt";

/** The schema of the document. */
export const Council = struct({
  /** Sets a parameter, in the place of what the proposal `base` set ("" for the first of all). */
  proposals: log(struct({ parameter: string(), value: integer(), base: string() })),
  /** `stance` is "support", "oppose" or "abstain"; `replaces` an array of ids of own votes. */
  votes: log(struct({ proposal: string(), stance: string(), replaces: json() })),
  confirmations: log(struct({ proposal: string() })),
});

/** What the members agree on before they begin: the document id is made of it. */
export interface Constitution {
  readonly name: string;
  /** Public keys, one vote each. */
  readonly members: readonly Uint8Array[];
  /** Least votes of any stance, in basis points of the members. */
  readonly quorum: number;
  /** More than this part of support and opposition must be support, in basis points. */
  readonly majority: number;
}

/** The id of the council's document: no other constitution has the same. */
export function councilId({ name, members, quorum, majority }: Constitution): Uint8Array {
  const parameters = { quorum, majority };
  return genesisDocumentId({ name, nonce: null, founders: members, parameters });
}
