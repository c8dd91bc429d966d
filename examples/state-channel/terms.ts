/** What the parties and the chain have agreed on: the genesis of the document, so its id stands for all of it. */
import { compareBytes, genesisDocumentId, toHex } from "bft-json-crdt";

/** What is kept: units are integers (cents of usd, thousandths of eth). */
export const ASSETS = ["eth", "usd"] as const;
export type Asset = (typeof ASSETS)[number];

/** The terms of a channel. */
export interface ChannelTerms {
  /** Public keys of the parties in hex, sorted. */
  readonly parties: readonly string[];
  /** The key under which the chain signs receipts. */
  readonly chain: Uint8Array;
  /** Epochs that a state on the chain can be challenged by a newer one. */
  readonly disputeEpochs: number;
  /** The document's id. */
  readonly id: Uint8Array;
}

/** Makes terms. */
export function channelTerms(options: {
  readonly name: string;
  readonly parties: readonly Uint8Array[];
  readonly chain: Uint8Array;
  readonly disputeEpochs: number;
}): ChannelTerms {
  const { name, chain, disputeEpochs } = options;
  const founders = options.parties.toSorted(compareBytes);
  const id = genesisDocumentId({
    name,
    nonce: null,
    founders,
    parameters: { chain, disputeEpochs },
  });
  return { parties: founders.map(toHex), chain, disputeEpochs, id };
}

/** True for the name of an asset. */
export function isAsset(text: string): text is Asset {
  return text === "eth" || text === "usd";
}
