/** What an auction house shares: one log of sealed bids for all of its lots. */
import { commitRevealLog, struct } from "bft-json-crdt";

/** The schema of the document. */
export const House = struct({ bids: commitRevealLog() });
