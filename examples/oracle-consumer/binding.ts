/**
 * One oracle, two keys: Ed25519 signs in the document, secp256k1 on the chain, because that is what each side can verify.
 * A binding says that both belong to one oracle. Each key signs it: the Ed25519 key the address, the Ethereum key the
 * Ed25519 key. One signature would not do: with only the first anybody could claim another's address, with only the
 * second anybody could claim another's identity.
 */
import { sign, verify } from "bft-json-crdt";
import type { KeyPair } from "bft-json-crdt";
import { joined } from "./abi.ts";
import { addressOf, bytesOf, hex, keccak, signerOfHash, signHash } from "./ethereum.ts";
import type { EthereumSignature, Hex } from "./ethereum.ts";

/** A statement that can be published anywhere: whoever has it can check it. */
export interface Binding {
  /** The Ed25519 public key: 32 bytes in hex, as `entry.author` in a document. */
  readonly identity: string;
  /** The Ethereum address: 20 bytes. */
  readonly address: Hex;
  /** By the identity, over the tag, itself and the address: 64 bytes in hex. */
  readonly byIdentity: string;
  /** By the key of the address, over the sentence of `sentenceOf`. */
  readonly byAddress: EthereumSignature;
}

/** What the Ed25519 key signs begins with this and is used for nothing else; changes begin with another tag. */
const TAG = new TextEncoder().encode("bft-json-crdt-example/1 oracle binding\0");

/** Binds a document's key and an Ethereum key to each other. It needs both secrets. */
export function bind(keyPair: KeyPair, secretKey: Uint8Array): Binding {
  const address = addressOf(secretKey);
  const identity = hex(keyPair.publicKey).slice(2);
  const message = messageOf(keyPair.publicKey, bytesOf(address)!);
  return {
    identity,
    address,
    byIdentity: hex(sign(message, keyPair.secretKey)).slice(2),
    byAddress: signHash(personalHash(sentenceOf(identity, address)), secretKey),
  };
}

/** True when both keys have signed it. Never throws, whatever it holds. */
export function isBound(binding: Binding): boolean {
  const identity = bytesOf(binding.identity);
  const address = bytesOf(binding.address);
  const byIdentity = bytesOf(binding.byIdentity);
  if (identity?.length !== 32 || address?.length !== 20 || byIdentity?.length !== 64) return false;
  const hash = personalHash(sentenceOf(binding.identity, binding.address));
  return (
    verify(byIdentity, messageOf(identity, address), identity) &&
    signerOfHash(hash, binding.byAddress) === binding.address
  );
}

/**
 * The addresses that a contract is deployed with, sorted, and the identity of each. Throws when a binding is not signed by
 * both, or when an identity or an address is in two of them: who has two addresses has two votes.
 */
export function registryOf(bindings: readonly Binding[]): ReadonlyMap<Hex, string> {
  const registry = new Map<Hex, string>();
  const identities = new Set<string>();
  for (const binding of bindings) {
    const { identity, address } = binding;
    if (!isBound(binding)) throw new Error(`${address} is not bound to ${identity}`);
    if (registry.has(address) || identities.has(identity))
      throw new Error(`${address} or ${identity} is bound twice`);
    registry.set(address, identity);
    identities.add(identity);
  }
  return new Map([...registry].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function messageOf(identity: Uint8Array, address: Uint8Array): Uint8Array {
  return joined([TAG, identity, address]);
}

/** What the Ethereum key signs: a text that a wallet can show. */
export function sentenceOf(identity: string, address: Hex): string {
  return `Oracle binding, version 1.\nEd25519 key: ${identity}\nEthereum address: ${address}`;
}

/** The hash of a text as wallets sign it (ERC-191, version 0x45): it is never that of a transaction or of typed data. */
function personalHash(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const prefix = `\u0019Ethereum Signed Message:\n${bytes.length}`;
  return keccak(new TextEncoder().encode(prefix), bytes);
}
