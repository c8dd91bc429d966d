/**
 * What an oracle signs for a contract: typed data as of EIP-712. The digest names the chain and the contract, so that a
 * signature for one is worth nothing on another. OracleConsumer.sol computes the same digest.
 */
import type { ExportedAttestation } from "example-oracle-network";
import { joined, wordOf } from "./abi.ts";
import type { AbiValue } from "./abi.ts";
import { bytes32Of } from "./chain.ts";
import type { Contract } from "./chain.ts";
import { addressOf, bytesOf, keccak, signerOfHash, signHash } from "./ethereum.ts";
import type { EthereumSignature, Hex } from "./ethereum.ts";

/** For which contract on which chain something is signed. */
export interface Domain {
  readonly chainId: bigint;
  readonly contract: Hex;
}

/** What one oracle says about the price of one pair. */
export interface Statement {
  /** Its name as bytes32. */
  readonly pair: Hex;
  readonly oracle: Hex;
  /** Greater than any that the contract has taken from this oracle for this pair. */
  readonly nonce: bigint;
  /** Seconds since 1970. */
  readonly time: bigint;
  /** With 8 decimals. */
  readonly price: bigint;
  /** Basis points. */
  readonly confidence: bigint;
  readonly sources: bigint;
}

/** A statement with the signature that the contract asks for. */
export interface Attestation extends Statement {
  readonly signature: EthereumSignature;
}

const DOMAIN_TYPE =
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const ATTESTATION_TYPE =
  "Attestation(bytes32 pair,address oracle,uint64 nonce,uint48 time,uint96 price,uint16 confidence,uint8 sources)";

/** The hash of 32 bytes that is signed. */
export function digestOf(statement: Statement, { chainId, contract }: Domain): Uint8Array {
  const domain = keccak(
    textHash(DOMAIN_TYPE),
    textHash("OracleAggregator"),
    textHash("1"),
    wordOf(chainId),
    word(contract),
  );
  const content = keccak(
    textHash(ATTESTATION_TYPE),
    word(statement.pair),
    word(statement.oracle),
    wordOf(statement.nonce),
    wordOf(statement.time),
    wordOf(statement.price),
    wordOf(statement.confidence),
    wordOf(statement.sources),
  );
  return keccak(Uint8Array.of(0x19, 0x01), domain, content);
}

/** What an attestation of the document says, in the units of the contract; all but who says it. */
export function statementOf(exported: ExportedAttestation): Omit<Statement, "oracle"> {
  return {
    pair: bytes32Of(exported.pair),
    nonce: BigInt(exported.nonce),
    time: BigInt(exported.timestamp),
    price: exported.price,
    confidence: BigInt(exported.confidence),
    sources: BigInt(exported.sources),
  };
}

/** Signs a statement with the key of the address that it is to be from. */
export function attest(
  statement: Omit<Statement, "oracle">,
  secretKey: Uint8Array,
  domain: Domain,
): Attestation {
  const said = { ...statement, oracle: addressOf(secretKey) };
  return { ...said, signature: signHash(digestOf(said, domain), secretKey) };
}

/** The address that signed it for this contract, or null when the signature is none. */
export function signerOf(attestation: Attestation, domain: Domain): Hex | null {
  return signerOfHash(digestOf(attestation, domain), attestation.signature);
}

/** An attestation as the contract takes it. */
export function argumentOf({ signature, ...said }: Attestation): AbiValue {
  const { pair, oracle, nonce, time, price, confidence, sources } = said;
  const { v, r, s } = signature;
  return [pair, oracle, nonce, time, price, confidence, sources, BigInt(v), r, s];
}

/** A batch as the contract takes it: sorted by oracle. */
export function batchOf(attestations: readonly Attestation[]): AbiValue {
  return [...attestations].sort((a, b) => (a.oracle < b.oracle ? -1 : 1)).map(argumentOf);
}

/** The domain of a contract. */
export function domainOf(chainId: bigint, { address }: Contract): Domain {
  return { chainId, contract: address };
}

function textHash(text: string): Uint8Array {
  return keccak(new TextEncoder().encode(text));
}

/** An address or bytes32 as a word. */
function word(value: Hex): Uint8Array {
  const bytes = bytesOf(value);
  if (bytes === null || bytes.length > 32) throw new TypeError(`${value} is no word`);
  return joined([new Uint8Array(32 - bytes.length), bytes]);
}
