/** What is read out of the logs, and what is found in it. */
import type { LogEntry, View } from "bft-json-crdt";
import type { schema } from "./network.ts";
import type { Source } from "./source.ts";

/** An attestation that is well-formed. */
export interface Attestation {
  /** Id of the record. */
  readonly id: string;
  /** Who signed it: public key in hex. */
  readonly oracle: string;
  readonly pair: string;
  readonly price: bigint;
  /** Basis points. */
  readonly confidence: bigint;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly nonce: number;
  readonly sources: readonly Source[];
}

/** Why an oracle is out altogether. Both are proofs that it made itself. */
export type Exclusion = "equivocated" | "lied about a source";

/** What can be wrong with an attestation, or with its oracle. */
export const ANOMALY_KINDS = [
  "outlier",
  "contradiction",
  "frozen feed",
  "withheld sources",
  "false source",
  "equivocation",
] as const;

/** One of them. */
export type AnomalyKind = (typeof ANOMALY_KINDS)[number];

/** Something wrong, found in the facts. */
export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly oracle: string;
  /** Id of the record; null for what is wrong with the oracle. */
  readonly attestation: string | null;
  readonly detail: string;
}

/** A record that breaks a rule. */
export interface Ignored {
  readonly id: string;
  readonly author: string;
  readonly log: LogName;
  readonly reason: string;
}

/** The logs of the document. */
export type LogName = "attestations" | "reveals" | "reports";

/** A record of a log with its author. */
export type Entry<Name extends LogName> = LogEntry<View<typeof schema>[Name][number]>;
