/** Keys, addresses and signatures as Ethereum has them: secp256k1 and Keccak-256. */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { fromHex, toHex } from "bft-json-crdt";

/** Bytes in hex, with 0x before them. */
export type Hex = `0x${string}`;

/** An ECDSA signature in the form that a contract takes: v is 27 or 28, s in the lower half of the curve's order. */
export interface EthereumSignature {
  readonly v: number;
  readonly r: Hex;
  readonly s: Hex;
}

export function hex(bytes: Uint8Array): Hex {
  return `0x${toHex(bytes)}`;
}

/** The bytes that were written in hex, with or without 0x; null when it is not hex. */
export function bytesOf(text: string): Uint8Array | null {
  const digits = text.startsWith("0x") ? text.slice(2) : text;
  return /^(?:[0-9a-f]{2})*$/.test(digits) ? fromHex(digits) : null;
}

export function keccak(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = keccak_256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The address of a secret key of 32 bytes: the last 20 bytes of the hash of the public key. */
export function addressOf(secretKey: Uint8Array): Hex {
  return addressOfPublicKey(secp256k1.getPublicKey(secretKey, false));
}

/** Signs a hash of 32 bytes. The nonce comes from RFC 6979, so the signature depends on key and hash alone. */
export function signHash(hash: Uint8Array, secretKey: Uint8Array): EthereumSignature {
  const bytes = secp256k1.sign(hash, secretKey, { prehash: false, format: "recovered" });
  return { v: 27 + bytes[0]!, r: hex(bytes.subarray(1, 33)), s: hex(bytes.subarray(33)) };
}

/** The address whose key signed a hash, or null when the signature is not one; like ecrecover, but s must be low. */
export function signerOfHash(hash: Uint8Array, { v, r, s }: EthereumSignature): Hex | null {
  const [rBytes, sBytes] = [bytesOf(r), bytesOf(s)];
  if ((v !== 27 && v !== 28) || rBytes?.length !== 32 || sBytes?.length !== 32) return null;
  try {
    const signature = secp256k1.Signature.fromBytes(
      Uint8Array.of(v - 27, ...rBytes, ...sBytes),
      "recovered",
    );
    if (signature.hasHighS()) return null;
    return addressOfPublicKey(signature.recoverPublicKey(hash).toBytes(false));
  } catch {
    return null; // r is no point of the curve, or r or s is out of range
  }
}

function addressOfPublicKey(uncompressed: Uint8Array): Hex {
  return hex(keccak(uncompressed.subarray(1)).subarray(12));
}
