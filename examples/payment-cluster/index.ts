/** Payments among many, settled by the acknowledgements of core nodes; signed states. */
export { balanceOf, settle, totalOf } from "./settle.ts";
export type { Account, Balances, Share } from "./settle.ts";
export { isCertified, isProven, proveBalance } from "./checkpoint.ts";
export type { BalanceProof, Checkpoint } from "./checkpoint.ts";
export { accuse, answer, ask, commit, nextNumber, pay, refutationOf } from "./client.ts";
export { serve, signCheckpoint, takePayout } from "./core.ts";
export { Cluster } from "./schema.ts";
export type { ClusterDocument } from "./schema.ts";
export { isAccount, termsOf } from "./terms.ts";
export type { Terms } from "./terms.ts";
export { viewOf } from "./view.ts";
export type { ClusterView, DoubleSpend } from "./view.ts";
