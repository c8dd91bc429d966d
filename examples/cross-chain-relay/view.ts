/**
 * What all replicas show: which messages are vouched for, which wait for delivery and in which order, who contradicted
 * himself. A function of the set of records and of the validator sets that the application goes by.
 */
import { toHex } from "bft-json-crdt";
import { blockTrees, digestOf } from "./facts.ts";
import type { Fact, Message, MessageRecord, RelayFacts } from "./facts.ts";
import type { Evidence } from "./statements.ts";
import { Tally } from "./tally.ts";
import type { StatementFault } from "./tally.ts";
import { isQuorum, totalOf } from "./validators.ts";
import type { ValidatorSet, ValidatorSets } from "./validators.ts";

/** Bytes of a payload at most. */
export const MOST_PAYLOAD = 4_096;

/** Blocks, nonces and times are from 0 to this. */
export const MOST_NUMBER = 2n ** 64n - 1n;

/** Why a record has no effect. A message: `malformed`, a chain without a set for the block, no proof, known already. */
export type Reason = StatementFault | "unknown chain" | "no proof" | "repeated";

export interface Ignored {
  readonly id: string;
  readonly reason: Reason;
}

/** A message and how far it has come. */
export interface RelayedMessage extends Message {
  /** Of all of it, in hex. */
  readonly digest: string;
  /** Root of its block to which its proof leads, in hex. */
  readonly root: string;
  /** Stake, of `total`, that signed the message, and that signed the root. */
  readonly messageStake: bigint;
  readonly rootStake: bigint;
  readonly total: bigint;
  /**
   * `waiting`: not vouched for. `pending`: vouched for, to be delivered. `conflict`: another message with its nonce is
   * vouched for as well, and nobody shall deliver either. `delivered`: the destination's validators say so.
   */
  readonly state: "waiting" | "pending" | "conflict" | "delivered";
}

/** Two or more messages of one source with one nonce, for each of which a validator has signed. */
export interface Conflict {
  readonly source: string;
  readonly nonce: bigint;
  /** Digests in hex. */
  readonly digests: readonly string[];
}

export interface RelayView {
  /** By (block, nonce), then source and digest. */
  readonly messages: readonly RelayedMessage[];
  readonly conflicts: readonly Conflict[];
  readonly evidence: readonly Evidence[];
  readonly ignored: readonly Ignored[];
}

type Mutable = { -readonly [K in keyof RelayedMessage]: RelayedMessage[K] };

/** The view that follows from the records. Time: a signature check for each statement in a validator's name. */
export function relayOf(facts: RelayFacts, sets: ValidatorSets): RelayView {
  const ignored: Ignored[] = [];
  const ignore = ({ id }: Fact<unknown>, reason: Reason): void => void ignored.push({ id, reason });
  const tally = new Tally(facts, sets, ignore);
  const messages = new Map<string, Mutable>();
  for (const fact of facts.messages) {
    const message = read(fact.value, sets, tally);
    if (typeof message === "string") ignore(fact, message);
    else {
      // One message can come with many proofs, and lead to many roots: the one with the most stake counts.
      const known = messages.get(message.digest);
      if (known !== undefined && known.rootStake >= message.rootStake) ignore(fact, "repeated");
      else messages.set(message.digest, message);
    }
  }
  const all = [...messages.values()].sort(inOrder);
  const conflicts = conflictsIn(all);
  const rivals = new Map(conflicts.flatMap(({ digests }) => digests.map((one) => [one, digests])));
  for (const message of all) {
    const isRivalled = (rivals.get(message.digest) ?? []).some(
      (digest) => digest !== message.digest && isVouchedFor(messages.get(digest)!),
    );
    if (!isVouchedFor(message)) message.state = "waiting";
    else if (isDelivered(message, sets, tally)) message.state = "delivered";
    else message.state = isRivalled ? "conflict" : "pending";
  }
  return { messages: all, conflicts, evidence: tally.evidence, ignored };
}

/** What a destination has to deliver, in the order of (block, nonce). */
export function pendingFor(view: RelayView, destination: string): RelayedMessage[] {
  return view.messages.filter(
    (message) => message.destination === destination && message.state === "pending",
  );
}

/** Messages vouched for, of blocks with times from `from` to `to`, both included, in milliseconds since 1970. */
export function messagesBetween(view: RelayView, from: bigint, to: bigint): RelayedMessage[] {
  return view.messages.filter(
    ({ time, state }) => state !== "waiting" && time >= from && time <= to,
  );
}

function read(record: MessageRecord, sets: ValidatorSets, tally: Tally): Mutable | Reason {
  const { index, size, siblings, ...message } = record;
  const { source, block, nonce, time, payload } = message;
  if (![block, nonce, time].every((n) => n >= 0n && n <= MOST_NUMBER)) return "malformed";
  if (payload.length > MOST_PAYLOAD || siblings.length % 32 !== 0) return "malformed";
  const epoch = sets.at(source, block);
  if (epoch === undefined) return "unknown chain";
  const digest = digestOf(message);
  const root = blockTrees.rootFrom(digest, { index, count: size, path: partsOf(siblings) });
  if (root === null) return "no proof";
  const { id, set } = epoch;
  const [digestHex, rootHex] = [toHex(digest), toHex(root)];
  return {
    ...message,
    digest: digestHex,
    root: rootHex,
    messageStake: stakeOf(set, tally.signers(id, "message", source, nonce, digestHex)),
    rootStake: stakeOf(set, tally.signers(id, "root", source, block, rootHex)),
    total: totalOf(set),
    state: "waiting",
  };
}

/** True when more than two thirds of the stake signed the message, and as much the root to which its proof leads. */
function isVouchedFor({ messageStake, rootStake, total }: RelayedMessage): boolean {
  return isQuorum(messageStake, total) && isQuorum(rootStake, total);
}

function conflictsIn(messages: readonly RelayedMessage[]): Conflict[] {
  const groups = new Map<string, RelayedMessage[]>();
  for (const message of messages) {
    if (message.messageStake === 0n) continue;
    const key = JSON.stringify([message.source, String(message.nonce)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [message]);
    else group.push(message);
  }
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => {
      const { source, nonce } = group[0]!;
      return { source, nonce, digests: group.map(({ digest }) => digest) };
    });
}

/** True when more than two thirds of the stake of one of the destination's sets has signed receipts. */
function isDelivered(
  { digest, destination }: RelayedMessage,
  sets: ValidatorSets,
  tally: Tally,
): boolean {
  return sets.of(destination).some(({ id, set }) => {
    const signers = tally.signers(id, "receipt", destination, 0n, digest);
    return isQuorum(stakeOf(set, signers), totalOf(set));
  });
}

function stakeOf(set: ValidatorSet, keys: Iterable<string>): bigint {
  let stake = 0n;
  for (const key of keys) stake += set.stakes.get(key)!;
  return stake;
}

function partsOf(siblings: Uint8Array): Uint8Array[] {
  return Array.from({ length: siblings.length / 32 }, (_, i) =>
    siblings.subarray(32 * i, 32 * i + 32),
  );
}

function inOrder(a: RelayedMessage, b: RelayedMessage): number {
  return (
    compare(a.block, b.block) ||
    compare(a.nonce, b.nonce) ||
    compare(a.source, b.source) ||
    compare(a.digest, b.digest)
  );
}

/** For sorting, ascending. */
export function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
