/** What relayers write down: messages with their proofs, and what validators have signed. Anyone may carry anything. */
import { bigint, bytes, encodeValue, integer, log, sha256, string, struct } from "bft-json-crdt";
import type { Document, View } from "bft-json-crdt";
import { MerkleTrees } from "example-kit";
import { joined, tag } from "./bytes.ts";

const MESSAGE = tag("message");

/** Messages in one block at most. */
export const MOST_MESSAGES = 65_536;

/** The trees over the digests of a block's messages. */
export const blockTrees = new MerkleTrees("cross-chain-relay block", MOST_MESSAGES);

const message = struct({
  source: string(),
  destination: string(),
  /** Of the source chain. */
  block: bigint(),
  /** Counts the messages of the source chain. */
  nonce: bigint(),
  /** Of the block, in milliseconds since 1970. */
  time: bigint(),
  payload: bytes(),
  /** The proof: place in the block, messages in the block, the siblings' hashes one behind the other. */
  index: integer(),
  size: integer(),
  siblings: bytes(),
});

const statement = struct({
  kind: string(),
  chain: string(),
  set: bytes(),
  number: bigint(),
  body: bytes(),
  validator: bytes(),
  signature: bytes(),
});

/** The document of a relay network. */
export const relay = struct({ messages: log(message), statements: log(statement) });

export type MessageRecord = View<typeof message>;
export type StatementRecord = View<typeof statement>;
export type Message = Omit<MessageRecord, "index" | "size" | "siblings">;

/** One record; a `LogEntry` is one. Who wrote it does not matter: what counts is signed inside. */
export interface Fact<T> {
  readonly id: string;
  readonly value: T;
}

/** All that a relay's view is computed from, each list in an order that is the same on every replica. */
export interface RelayFacts {
  readonly messages: readonly Fact<MessageRecord>[];
  readonly statements: readonly Fact<StatementRecord>[];
}

export function factsIn({ root }: Document<typeof relay>): RelayFacts {
  return { messages: root.messages.entries(), statements: root.statements.entries() };
}

/** 32 bytes that stand for all of a message. */
export function digestOf({
  source,
  destination,
  block,
  nonce,
  time,
  payload,
}: Message): Uint8Array {
  return sha256(joined(MESSAGE, encodeValue([source, destination, block, nonce, time, payload])));
}
