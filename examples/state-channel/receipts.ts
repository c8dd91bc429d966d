/**
 * What the chain says to the channel, under its key: that money came in, and what time it is. (On a real chain a party proves it by
 * its own node or a light client; here one key stands for that.)
 */
import { sign, verify } from "bft-json-crdt";
import type { KeyPair } from "bft-json-crdt";
import { taggedBytes } from "example-kit";
import type { ChannelTerms } from "./terms.ts";

export interface Deposit {
  /** Deposits of a channel are numbered from 0 on. */
  readonly index: number;
  readonly party: string;
  readonly asset: string;
  readonly amount: bigint;
}

export interface Epoch {
  readonly epoch: number;
  /** Of one unit of eth, in units of usd. */
  readonly price: bigint;
}

export function signDeposit(keyPair: KeyPair, terms: ChannelTerms, deposit: Deposit): Uint8Array {
  return sign(depositBytes(terms, deposit), keyPair.secretKey);
}

export function signEpoch(keyPair: KeyPair, terms: ChannelTerms, epoch: Epoch): Uint8Array {
  return sign(epochBytes(terms, epoch), keyPair.secretKey);
}

export function isDeposit(terms: ChannelTerms, deposit: Deposit, signature: Uint8Array): boolean {
  return verify(signature, depositBytes(terms, deposit), terms.chain);
}

export function isEpoch(terms: ChannelTerms, epoch: Epoch, signature: Uint8Array): boolean {
  return verify(signature, epochBytes(terms, epoch), terms.chain);
}

function depositBytes({ id }: ChannelTerms, { index, party, asset, amount }: Deposit): Uint8Array {
  return taggedBytes("state-channel deposit", [id, index, party, asset, amount]);
}

function epochBytes({ id }: ChannelTerms, { epoch, price }: Epoch): Uint8Array {
  return taggedBytes("state-channel epoch", [id, epoch, price]);
}
