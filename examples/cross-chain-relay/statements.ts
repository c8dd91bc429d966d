/**
 * What validators sign. A statement names the set for which it is made (so epoch, keys and stakes), what it is about and
 * what it says; two that are about one thing and say different things convict who signed them.
 */
import { compareBytes, encodeValue, equalBytes, sign, verify } from "bft-json-crdt";
import type { KeyPair } from "bft-json-crdt";
import { joined, tag } from "./bytes.ts";

const STATEMENT = tag("statement");

/**
 * - `message`: about the nonce of a source chain; says the digest of the message that has it.
 * - `root`: about a block of a source chain; says its root.
 * - `report`: about a round of a feed; says a value.
 * - `receipt`: about a block of a destination chain; says the digest of a message delivered in it. One block has many.
 */
export type Kind = "message" | "root" | "report" | "receipt";

export interface Statement {
  readonly kind: Kind;
  /** The chain, or the feed. */
  readonly chain: string;
  /** Id of the validator set, 32 bytes. */
  readonly set: Uint8Array;
  /** Nonce, block or round. */
  readonly number: bigint;
  /** Digest or root, 32 bytes; value, 16 bytes. */
  readonly body: Uint8Array;
}

export interface SignedStatement extends Statement {
  /** Public key, 32 bytes. */
  readonly validator: Uint8Array;
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array;
}

/** Two statements of one validator that contradict each other. */
export interface Evidence {
  readonly first: SignedStatement;
  readonly second: SignedStatement;
}

/** Signs a statement. */
export function signed(statement: Statement, { publicKey, secretKey }: KeyPair): SignedStatement {
  const signature = sign(messageOf(statement), secretKey);
  return { ...statement, validator: publicKey, signature };
}

/** True when the signature is the validator's. */
export function isSigned(statement: SignedStatement): boolean {
  return verify(statement.signature, messageOf(statement), statement.validator);
}

/** True when two statements convict the validator who signed them; needs nothing but these bytes. */
export function isEvidence({ first, second }: Evidence): boolean {
  return (
    first.kind === second.kind &&
    first.kind !== "receipt" &&
    first.chain === second.chain &&
    first.number === second.number &&
    equalBytes(first.validator, second.validator) &&
    compareBytes(first.body, second.body) !== 0 &&
    isSigned(first) &&
    isSigned(second)
  );
}

function messageOf({ kind, chain, set, number, body }: Statement): Uint8Array {
  return joined(STATEMENT, encodeValue([kind, chain, set, number, body]));
}
