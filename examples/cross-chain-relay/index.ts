/**
 * Messages between chains that trust neither the relayers nor any single validator: `relay` is the schema, `relayOf` what all
 * replicas show, `medianOf` a price by stake, `medianOfMessages` one over messages.
 */
import type { Document } from "bft-json-crdt";
import { factsIn } from "./facts.ts";
import type { relay } from "./facts.ts";
import type { ValidatorSets } from "./validators.ts";
import { relayOf } from "./view.ts";
import type { RelayView } from "./view.ts";

export { attestationsOf, blockOf, receiptOf, reportOf } from "./attesting.ts";
export type { Block } from "./attesting.ts";
export { blockTrees, digestOf, factsIn, relay } from "./facts.ts";
export type { Message, MessageRecord, RelayFacts, StatementRecord } from "./facts.ts";
export { encodePrice, encodeReport, medianOf, medianOfMessages, priceIn } from "./oracle.ts";
export type { Median, MedianOfMessages, Price, PriceQuestion } from "./oracle.ts";
export { isEvidence, isSigned, signed } from "./statements.ts";
export type { Evidence, Kind, SignedStatement, Statement } from "./statements.ts";
export { isQuorum, setIdOf, totalOf, ValidatorSets } from "./validators.ts";
export type { ValidatorSet } from "./validators.ts";
export { messagesBetween, pendingFor, relayOf } from "./view.ts";
export type { Conflict, Ignored, RelayedMessage, RelayView } from "./view.ts";

/** What a document says, under the validator sets that the application goes by. */
export function viewOf(document: Document<typeof relay>, sets: ValidatorSets): RelayView {
  return relayOf(factsIn(document), sets);
}
