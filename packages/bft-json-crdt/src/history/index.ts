export { PendingPool } from "./causal-queue.ts";
export { decodeForkProof } from "./fork-proof.ts";
export type { ForkProof } from "./fork-proof.ts";
export { History } from "./history.ts";
export type {
  ChainTip,
  HistoryOptions,
  MadeChange,
  ReceivedChange,
  ReceivedGroup,
  ReceiveStatus,
} from "./history.ts";
export type { HistoryLimits } from "./history-limits.ts";
export { AheadVerifier } from "./group-ahead.ts";
export type { GroupAhead } from "./group-ahead.ts";
export { verifyAhead } from "./verified.ts";
export type { AheadOf, VerifiedGroup } from "./verified.ts";
