/** A channel of many parties: a shared ledger with locks, loans and trades, settled on a chain by signed states. */
export { Chain, Refused } from "./chain.ts";
export { fold, foldBehind } from "./fold.ts";
export type { Agreed, DoubleSpend, Fold, Ignored } from "./fold.ts";
export { Ledger } from "./ledger.ts";
export type { Lock } from "./ledger.ts";
export { latestState, operate, propose, signProposal } from "./party.ts";
export type { Exit } from "./party.ts";
export { confirm, match, offer } from "./market.ts";
export type { Loan } from "./pool.ts";
export { Channel } from "./schema.ts";
export type { ChannelDocument, Operation } from "./schema.ts";
export { isSignedByAll } from "./state.ts";
export type { Leaf, SignedState, State } from "./state.ts";
export { ASSETS, channelTerms } from "./terms.ts";
export type { Asset, ChannelTerms } from "./terms.ts";
export type { Paid } from "./trades.ts";
