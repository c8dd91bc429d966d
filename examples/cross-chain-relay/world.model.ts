/** For tests: two chains and a feed with four validators of 30, 30, 20 and 20 of stake each, and facts as plain lists. */
import { generateKeyPair, sha256, toHex } from "bft-json-crdt";
import type { KeyPair } from "bft-json-crdt";
import { ValidatorSets } from "./index.ts";
import type { Message, MessageRecord, RelayFacts, SignedStatement, ValidatorSet } from "./index.ts";

export const STAKES = [30n, 30n, 20n, 20n];

/** The four keys of a chain. */
export function keysOf(chain: string): KeyPair[] {
  return STAKES.map((_, at) =>
    generateKeyPair(sha256(new TextEncoder().encode(`${chain} validator ${at}`))),
  );
}

/** The set of a chain for blocks from `first` on. */
export function setOf(chain: string, epoch = 1, first = 0n, last = 99n): ValidatorSet {
  const stakes = new Map(keysOf(chain).map(({ publicKey }, at) => [toHex(publicKey), STAKES[at]!]));
  return { chain, epoch, first, last, stakes };
}

export const SETS = new ValidatorSets(
  ["amber", "basalt", "ETH/USD"].flatMap((chain) => [setOf(chain), setOf(chain, 2, 100n, 199n)]),
);

/** A message from amber to basalt. */
export function messageOf(nonce: bigint, text = `message ${nonce}`, block = 7n): Message {
  const payload = new TextEncoder().encode(text);
  return { source: "amber", destination: "basalt", block, nonce, time: 1_000n * block, payload };
}

/** Records as they stand in the logs. */
export function factsOf(
  messages: readonly MessageRecord[],
  statements: readonly SignedStatement[],
): RelayFacts {
  return {
    messages: messages.map((value, at) => ({ id: `m${at}`, value })),
    statements: statements.map((value, at) => ({ id: `s${at}`, value })),
  };
}
