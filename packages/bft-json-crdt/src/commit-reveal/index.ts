/** Commit and reveal: values that are fixed before anyone can see them. */
export { commitmentOf, commitTo } from "./commitment.ts";
export type { CommitmentContext, Committed, Opening } from "./commitment.ts";
export { closeRecord, commitRecord, commitRevealLog, endRecord } from "./records.ts";
export type { RoundLog, RoundRecord, RoundRecordSchema } from "./records.ts";
export { readRound, revealRecord } from "./round.ts";
export type {
  CommitmentState,
  IgnoredReason,
  IgnoredRecord,
  Round,
  RoundCloser,
  RoundCommitment,
  RoundPhase,
  RoundSource,
  RoundView,
} from "./round.ts";
export type { WalkedHistory } from "./reach.ts";
