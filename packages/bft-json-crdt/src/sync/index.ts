/** Sync: the transport-free protocol by which two replicas come to the same history. */
export { authenticationMessage, NONCE_BYTES } from "./authentication.ts";
export { MAX_TEXT_LENGTH, MIN_RESENT_BYTES } from "./bounds.ts";
export { ResendBudget } from "./budget.ts";
export type { SyncLimits } from "./budget.ts";
export { AppliedOrder, parseCursor } from "./cursor.ts";
export type { Cursor } from "./cursor.ts";
export { batchesOf, liveGroups } from "./fan-out.ts";
export type { LiveGroup } from "../history/index.ts";
export type { LiveBatch } from "./fan-out.ts";
export { encodeMessage, parseMessage } from "./messages.ts";
export type { Frontier, ListedTip, MessageFault, Sample, SyncMessage } from "./messages.ts";
export type { SendFrame } from "./outbound.ts";
export { SyncSession } from "./session.ts";
export type { SyncErrorCode, SyncSessionOptions } from "./session.ts";
export { SliceCache } from "./slices.ts";
export type { Slice } from "./slices.ts";
export type { SyncHistory } from "./tips.ts";
