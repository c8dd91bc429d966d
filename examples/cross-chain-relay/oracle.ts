/**
 * Prices out of many mouths: the median by stake of what the validators of a feed report, and the median over messages in which
 * chains say what something costs there.
 */
import { decodeValue, encodeValue, toHex } from "bft-json-crdt";
import type { RelayFacts } from "./facts.ts";
import { Tally } from "./tally.ts";
import { isQuorum, totalOf } from "./validators.ts";
import type { ValidatorSets } from "./validators.ts";
import { compare, messagesBetween } from "./view.ts";
import type { RelayView } from "./view.ts";

/** Bytes of a value. */
const VALUE_BYTES = 16;

/** A value as validators sign it: 16 bytes, big-endian. Throws a RangeError unless it is from 0 to 2^128 − 1. */
export function encodeReport(value: bigint): Uint8Array {
  if (value < 0n || value >= 1n << 128n)
    throw new RangeError(`${value} does not fit into 16 bytes`);
  const bytes = new Uint8Array(VALUE_BYTES);
  for (let at = VALUE_BYTES - 1, rest = value; at >= 0; at--, rest >>= 8n) {
    bytes[at] = Number(rest & 0xffn);
  }
  return bytes;
}

/** The median of a round, and the stake behind the reports that count. */
export interface Median {
  readonly value: bigint;
  readonly stake: bigint;
  readonly total: bigint;
}

/**
 * The least reported value with at least half of the reporting stake at or below it. Null while no more than two thirds of
 * the stake has reported. Who reported two values for the round counts for none.
 */
export function medianOf(
  facts: RelayFacts,
  sets: ValidatorSets,
  feed: string,
  round: bigint,
): Median | null {
  const epoch = sets.at(feed, round);
  if (epoch === undefined) return null;
  const { id, set } = epoch;
  const statements = facts.statements.filter(
    ({ value }) => value.kind === "report" && value.chain === feed && value.number === round,
  );
  const tally = new Tally({ messages: [], statements }, sets, () => {});
  const reports: { readonly value: bigint; readonly stake: bigint }[] = [];
  for (const body of new Set(statements.map(({ value }) => toHex(value.body)))) {
    for (const validator of tally.signers(id, "report", feed, round, body)) {
      if (tally.isConvicted(validator, "report", feed, round)) continue;
      reports.push({ value: BigInt(`0x${body}`), stake: set.stakes.get(validator)! });
    }
  }
  reports.sort((a, b) => compare(a.value, b.value));
  const stake = reports.reduce((sum, report) => sum + report.stake, 0n);
  const total = totalOf(set);
  if (!isQuorum(stake, total)) return null;
  let below = 0n;
  for (const report of reports) {
    below += report.stake;
    if (below * 2n >= stake) return { value: report.value, stake, total };
  }
  return null;
}

/** What the payload of a message begins with that tells a price. */
const PRICE = "price";

/** A price as one chain tells it to another. */
export interface Price {
  readonly pair: string;
  readonly value: bigint;
}

/** A price as the payload of a message. */
export function encodePrice({ pair, value }: Price): Uint8Array {
  return encodeValue([PRICE, pair, value]);
}

/** The price that a payload tells, or null: a payload may be any bytes. */
export function priceIn(payload: Uint8Array): Price | null {
  const decoded = decodeValue(payload);
  if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length !== 3) return null;
  const [kind, pair, value] = decoded.value;
  if (kind !== PRICE || typeof pair !== "string") return null;
  // A small integer is read as a number.
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) return null;
  const whole = BigInt(value as bigint | number);
  return whole >= 0n ? { pair, value: whole } : null;
}

/** Which messages count: those to a chain about a pair, in blocks with times from `from` to `to`, both included. */
export interface PriceQuestion {
  readonly destination: string;
  readonly pair: string;
  /** In milliseconds since 1970. */
  readonly from: bigint;
  readonly to: bigint;
  /** So many source chains have to have spoken: with 2f + 1 of them f dishonest ones cannot move it beyond the honest. */
  readonly least: number;
}

/** The median over messages, and how many source chains it is over. */
export interface MedianOfMessages {
  readonly value: bigint;
  readonly sources: number;
}

/**
 * The median of what source chains say in messages that are vouched for and in no conflict; of an even number the lower one of
 * the two in the middle. A chain has one voice, however much it says: its last message by (block, nonce). Null when too few have
 * spoken.
 */
export function medianOfMessages(
  view: RelayView,
  { destination, pair, from, to, least }: PriceQuestion,
): MedianOfMessages | null {
  const last = new Map<string, bigint>();
  for (const message of messagesBetween(view, from, to)) {
    if (message.destination !== destination || message.state === "conflict") continue;
    const price = priceIn(message.payload);
    if (price?.pair === pair) last.set(message.source, price.value);
  }
  const values = [...last.values()].sort(compare);
  const sources = values.length;
  if (sources === 0 || sources < least) return null;
  return { value: values[Math.floor((sources - 1) / 2)]!, sources };
}
