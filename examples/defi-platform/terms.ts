/** What the platform's parties agree on before they begin. Everything else follows from four documents and the time. */
import type { Document } from "bft-json-crdt";
import type { relay, ValidatorSets } from "example-cross-chain-relay";
import type { IdentitySchema, Policy } from "example-identity";
import type { ChannelDocument, ChannelTerms } from "example-state-channel";
import type { NetworkRules, schema as oracles } from "example-oracle-network";

/** The same for everybody; whoever goes by others sees another platform. */
export interface PlatformTerms {
  /** Who may be a party. */
  readonly admission: Policy;
  /** Whose prices count, and when. */
  readonly oracles: NetworkRules;
  /** The parties, and the chain that holds their money. */
  readonly channel: ChannelTerms;
  /** Who speaks for other chains. */
  readonly validators: ValidatorSets;
  /** The name under which other chains send messages here. */
  readonly chain: string;
  /** Hundredths of a percent by which the chain's price may differ from the oracles'. */
  readonly tolerance: bigint;
}

/** One's own replicas. */
export interface PlatformDocuments {
  readonly identity: Document<typeof IdentitySchema>;
  readonly oracles: Document<typeof oracles>;
  readonly channel: ChannelDocument;
  readonly relay: Document<typeof relay>;
}

/** The one market there is. */
export const PAIR = "ETH/USD";

/** Oracles price 1 eth in usd with 8 decimals; the channel counts cents for a thousandth of an eth. */
export const ORACLE_UNITS = 1_000_000_000n;
