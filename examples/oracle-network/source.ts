/**
 * Where a price comes from, and the proof of it. An oracle asks exchanges, and keeps the bytes that each answered. Its
 * attestation names what it read in them and commits to the bytes by a salted SHA-256. Later it reveals salt and bytes:
 * then everybody can read the price there, and an oracle that claimed something else has convicted itself. What this does
 * not prove is that the exchange sent those bytes: exchanges do not sign their answers.
 */
import { isWellFormed, sha256 } from "bft-json-crdt";
import type { Value } from "bft-json-crdt";
import { PRICE_DECIMALS, PRICE_UNIT, weightedMedian } from "./aggregate.ts";
import { isPair, isPrice, isWithin, MAX_SOURCES, MAX_TIMESTAMP } from "./attestation.ts";

/** What an oracle claims of one source. */
export interface Source {
  readonly name: string;
  readonly price: bigint;
  /** Units traded in the last minute; how much this source counts in the oracle's price. */
  readonly volume: number;
  /** SHA-256 of tag, salt and response, 32 bytes. */
  readonly commitment: Uint8Array;
}

/** What an exchange answers. */
export interface Quote {
  readonly source: string;
  readonly pair: string;
  readonly price: bigint;
  readonly volume: number;
  /** Seconds since 1970. */
  readonly time: number;
}

/** Bytes of a salt: too many to try, so that a commitment tells nothing before it is opened. */
export const SALT_BYTES = 32;

/** The longest response that can be revealed, in UTF-16 units. */
export const MAX_RESPONSE_LENGTH = 1_024;

const MAX_VOLUME = 10 ** 12;
const TAG = new TextEncoder().encode("oracle-network/source/1\0");
const NAME = /^[a-z0-9.-]{1,32}$/;
const DECIMAL = new RegExp(`^(\\d{1,22})\\.(\\d{${PRICE_DECIMALS}})$`);

/** The answer of an exchange, as text. */
export function responseOf({ source, pair, price, volume, time }: Quote): string {
  return JSON.stringify({ source, pair, price: decimal(price), volume, time });
}

/** What an answer says; null for anything that is not one. Never throws. */
export function readResponse(text: string): Quote | null {
  if (text.length > MAX_RESPONSE_LENGTH) return null;
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const { source, pair, price, volume, time } = parsed as { readonly [name: string]: unknown };
  const digits = typeof price === "string" ? DECIMAL.exec(price) : null;
  if (digits === null || typeof source !== "string" || typeof pair !== "string") return null;
  const value = BigInt(digits[1]! + digits[2]!);
  if (!NAME.test(source) || !isPair(pair) || !isPrice(value)) return null;
  if (typeof volume !== "number" || !isWithin(volume, 1, MAX_VOLUME)) return null;
  if (typeof time !== "number" || !isWithin(time, 0, MAX_TIMESTAMP)) return null;
  return { source, pair, price: value, volume, time };
}

/** A price with all its decimals, such as "2500.00000000". */
export function decimal(price: bigint): string {
  const fraction = String(price % PRICE_UNIT).padStart(PRICE_DECIMALS, "0");
  return `${price / PRICE_UNIT}.${fraction}`;
}

/** The commitment to a response. The salt has 32 bytes. */
export function commitmentTo(salt: Uint8Array, response: string): Uint8Array {
  if (salt.length !== SALT_BYTES) throw new RangeError(`a salt has ${SALT_BYTES} bytes`);
  const text = new TextEncoder().encode(response);
  const bytes = new Uint8Array(TAG.length + SALT_BYTES + text.length);
  bytes.set(TAG);
  bytes.set(salt, TAG.length);
  bytes.set(text, TAG.length + SALT_BYTES);
  return sha256(bytes);
}

/** True when salt and response are those that a source was committed to. Never throws. */
export function opens(source: Source, salt: Uint8Array, response: string): boolean {
  if (salt.length !== SALT_BYTES || response.length > MAX_RESPONSE_LENGTH) return false;
  // A lone surrogate would be encoded like U+FFFD: two texts for one commitment.
  if (!isWellFormed(response)) return false;
  const commitment = commitmentTo(salt, response);
  return commitment.every((byte, at) => byte === source.commitment[at]);
}

/** True when a response says what was claimed of the source, within `maximumAge` seconds of the attestation's time. */
export function supports(
  source: Source,
  response: string,
  claimed: { readonly pair: string; readonly timestamp: number },
  maximumAge: number,
): boolean {
  const quote = readResponse(response);
  return (
    quote !== null &&
    quote.source === source.name &&
    quote.pair === claimed.pair &&
    quote.price === source.price &&
    quote.volume === source.volume &&
    Math.abs(quote.time - claimed.timestamp) <= maximumAge
  );
}

/** The price that follows from sources: their median by volume. */
export function priceOf(sources: readonly Source[]): bigint | null {
  return weightedMedian(sources.map(({ price, volume }) => ({ price, weight: BigInt(volume) })));
}

/** The sources in a record, which may hold anything; null when they are none, or more than 16, or not all different. */
export function readSources(value: Value): Source[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SOURCES) return null;
  const sources: Source[] = [];
  for (const each of value as readonly Value[]) {
    const source = readSource(each);
    if (source === null || sources.some(({ name }) => name === source.name)) return null;
    sources.push(source);
  }
  return sources;
}

function readSource(value: Value): Source | null {
  if (typeof value !== "object" || value === null) return null;
  const { name, price, volume, commitment } = value as { readonly [name: string]: Value };
  if (typeof name !== "string" || !NAME.test(name)) return null;
  // A bigint that is small comes out of free-form data as a number.
  if (typeof price !== "bigint" && !(typeof price === "number" && Number.isSafeInteger(price))) {
    return null;
  }
  if (!isPrice(BigInt(price))) return null;
  if (typeof volume !== "number" || !isWithin(volume, 1, MAX_VOLUME)) return null;
  if (!(commitment instanceof Uint8Array) || commitment.length !== 32) return null;
  return { name, price: BigInt(price), volume, commitment };
}
