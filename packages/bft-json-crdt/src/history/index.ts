export { decodeForkProof } from "./fork-proof.ts";
export type { ForkProof } from "./fork-proof.ts";
export { History } from "./history.ts";
export type {
  ChainTip,
  HistoryLimits,
  ReceivedChange,
  ReceivedGroup,
  ReceiveStatus,
} from "./history.ts";
