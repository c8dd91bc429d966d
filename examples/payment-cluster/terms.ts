/**
 * What all who take part have agreed on before the first payment: who had how much, who the core nodes are, how many of them
 * make a payment final. It is the genesis of the document, so whoever has the document's id has these terms, and no others.
 */
import { compareBytes, fromHex, genesisDocumentId, toHex } from "bft-json-crdt";
import type { Genesis } from "bft-json-crdt";

/** The terms of a cluster. Amounts are in cents of a token. */
export interface Terms {
  /** Public keys of the core nodes, in hex, sorted. */
  readonly core: readonly string[];
  /** How many core nodes may lie without harm to who relies on a settled payment. */
  readonly faults: number;
  /** How many acknowledgements settle a payment. */
  readonly threshold: number;
  /** What the payer of each payment puts into the pot. */
  readonly fee: bigint;
  /** After how many settled payments, again and again, each core node may take its shares of their fees. */
  readonly period: number;
  /** Account in hex → what it has at first. */
  readonly allocation: ReadonlyMap<string, bigint>;
  /** The sum of all money. */
  readonly supply: bigint;
  /** The document's id. */
  readonly id: Uint8Array;
}

const ACCOUNT = /^[0-9a-f]{64}$/;

/** True for a public key in hex. */
export function isAccount(text: string): boolean {
  return ACCOUNT.test(text);
}

/**
 * Makes terms for n core nodes of which f may lie. The threshold is n − f: as many as answer even if the liars are silent.
 * Throws RangeError unless n > 3f, because else two conflicting payments could both be settled.
 */
export function termsOf(options: {
  readonly name: string;
  readonly core: readonly Uint8Array[];
  readonly faults: number;
  readonly fee: bigint;
  readonly period: number;
  readonly allocation: readonly (readonly [account: string, amount: bigint])[];
}): Terms {
  const { name, faults, fee, period } = options;
  const n = options.core.length;
  if (!Number.isSafeInteger(faults) || faults < 0 || n <= 3 * faults)
    throw new RangeError(`${n} core nodes cannot bear ${faults} liars: more than ${3 * faults}`);
  if (fee < 0n || fee % BigInt(2 * n) !== 0n)
    throw new RangeError(`the fee should be a multiple of ${2 * n}, half a share for each of ${n}`);
  if (!Number.isSafeInteger(period) || period < 1)
    throw new RangeError("a period has a whole number of payments, at least 1");
  const allocation = new Map(options.allocation);
  if (![...allocation].every(([account, amount]) => isAccount(account) && amount >= 0n))
    throw new RangeError("an allocation gives an account, 64 hexadecimal digits, at least 0");
  const core = options.core.toSorted(compareBytes);
  const genesis: Genesis = {
    name,
    nonce: null,
    founders: core,
    parameters: {
      faults,
      fee,
      period,
      allocation: [...allocation]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([account, amount]) => [fromHex(account)!, amount]),
    },
  };
  return {
    core: core.map(toHex),
    faults,
    threshold: n - faults,
    fee,
    period,
    allocation,
    supply: [...allocation.values()].reduce((sum, amount) => sum + amount, 0n),
    id: genesisDocumentId(genesis),
  };
}
