/** Prices over many reports: the median by stake of what the validators of a feed say. */
import { toHex } from "bft-json-crdt";
import type { RelayFacts } from "./facts.ts";
import { Tally } from "./tally.ts";
import { isQuorum, totalOf } from "./validators.ts";
import type { ValidatorSets } from "./validators.ts";

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
  reports.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
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
