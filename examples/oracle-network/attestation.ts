/**
 * What an oracle says, in the shape in which it leaves the document for a contract or another program, and when that is too
 * old, too new, or resting on too little. All checks are on integers, so that a contract can make them too.
 */
import { MAX_PRICE, WHOLE } from "./aggregate.ts";

/** An attestation for other programs. Who takes it in has to check who handed it over: it carries no signature itself. */
export interface ExportedAttestation {
  /** Ed25519 public key of the oracle, 64 hex digits. */
  readonly oracle: string;
  /** What is priced in what, such as "ETH/USD"; at most 31 ASCII characters, so that it fits 32 bytes. */
  readonly pair: string;
  /** 1 … 2⁹⁶ − 1, with 8 decimals. */
  readonly price: bigint;
  /** Basis points, 0 … 10,000. */
  readonly confidence: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** How many sources it rests on, 1 … 16. */
  readonly sources: number;
  /** Grows with each attestation of an oracle, whatever the pair; from 1. */
  readonly nonce: number;
}

/** When an attestation counts. */
export interface Freshness {
  /** Seconds after its timestamp during which it counts. */
  readonly maximumAge: number;
  /** Seconds that its timestamp may lie ahead of the reader's clock. */
  readonly maximumLead: number;
  /** Sources that it has to rest on. */
  readonly minimumSources: number;
}

/** Why an attestation does not count at a moment. */
export type FreshnessFault = "too few sources" | "from the future" | "too old";

/** The most sources of one attestation. */
export const MAX_SOURCES = 16;

/** The most characters of a pair. */
export const MAX_PAIR_LENGTH = 31;

/** The greatest timestamp: the year 2106. A contract may keep it in 32 bits. */
export const MAX_TIMESTAMP = 2 ** 32 - 1;

const PAIR = /^[A-Z0-9]{1,15}\/[A-Z0-9]{1,15}$/;

/**
 * Why an attestation does not count at `now` (seconds); null when it does. It counts from `now = timestamp − maximumLead` to
 * `now = timestamp + maximumAge`, both included.
 */
export function freshnessFault(
  attestation: Pick<ExportedAttestation, "timestamp" | "sources">,
  now: number,
  rules: Freshness,
): FreshnessFault | null {
  if (attestation.sources < rules.minimumSources) return "too few sources";
  if (attestation.timestamp > now + rules.maximumLead) return "from the future";
  return attestation.timestamp + rules.maximumAge < now ? "too old" : null;
}

/** True for a pair such as "ETH/USD". */
export function isPair(text: string): boolean {
  return text.length <= MAX_PAIR_LENGTH && PAIR.test(text);
}

/** True for a price within bounds. */
export function isPrice(price: bigint): boolean {
  return price >= 1n && price <= MAX_PRICE;
}

/** True for a confidence in basis points. */
export function isConfidence(confidence: number): boolean {
  return isWithin(confidence, 0, Number(WHOLE));
}

/** True for an integer from `least` to `most`, both included. */
export function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
