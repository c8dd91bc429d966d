/** What honest validators do: they sign the blocks and messages that they have seen on their chain, deliveries, and prices. */
import type { KeyPair } from "bft-json-crdt";
import { blockTrees, digestOf } from "./facts.ts";
import type { Message, MessageRecord } from "./facts.ts";
import { joined } from "./bytes.ts";
import { encodeReport } from "./oracle.ts";
import { signed } from "./statements.ts";
import type { SignedStatement } from "./statements.ts";
import { setIdOf } from "./validators.ts";
import type { ValidatorSet } from "./validators.ts";

/** A block of a source chain, as relayers carry it. */
export interface Block {
  readonly root: Uint8Array;
  readonly records: readonly MessageRecord[];
}

/** The block that holds these messages; there is at least one. */
export function blockOf(messages: readonly Message[]): Block {
  const digests = messages.map(digestOf);
  const records = messages.map((message, at) => {
    const { index, count, path } = blockTrees.prove(digests, at);
    return { ...message, index, size: count, siblings: joined(...path) };
  });
  return { root: blockTrees.rootOf(digests), records };
}

/** A validator's word for a block and for each message in it. */
export function attestationsOf(
  { root, records }: Block,
  set: ValidatorSet,
  keyPair: KeyPair,
): SignedStatement[] {
  const about = { chain: set.chain, set: setIdOf(set) };
  const block = { ...about, kind: "root", number: records[0]!.block, body: root } as const;
  return [
    signed(block, keyPair),
    ...records.map((record) => {
      const body = digestOf(record);
      return signed({ ...about, kind: "message", number: record.nonce, body }, keyPair);
    }),
  ];
}

/** A destination validator's word that a message was delivered in a block. */
export function receiptOf(
  message: Message,
  block: bigint,
  set: ValidatorSet,
  keyPair: KeyPair,
): SignedStatement {
  const about = { kind: "receipt", chain: set.chain, set: setIdOf(set) } as const;
  return signed({ ...about, number: block, body: digestOf(message) }, keyPair);
}

/** A validator's value for a round of a feed. */
export function reportOf(
  value: bigint,
  round: bigint,
  set: ValidatorSet,
  keyPair: KeyPair,
): SignedStatement {
  const about = { kind: "report", chain: set.chain, set: setIdOf(set) } as const;
  return signed({ ...about, number: round, body: encodeReport(value) }, keyPair);
}
