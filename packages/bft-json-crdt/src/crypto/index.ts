/**
 * SHA-256 (FIPS 180-4) and Ed25519 (RFC 8032) under one verification rule (see points.ts), by the backend that the
 * package's `imports` conditions choose: node:crypto under Node, JavaScript elsewhere. Both give the same verdicts.
 */

import { backend } from "#backend";
import { MisuseError } from "../result.ts";
import type { KeyPair, SignatureCheck, Signer } from "./types.ts";

export { decodePrivateKeyPem, encodePrivateKeyPem } from "./pem.ts";
export { isValidPublicKey } from "./points.ts";
export type { CryptoBackend, KeyPair, SignatureCheck, Signer } from "./types.ts";

/** The SHA-256 of some bytes, 32 bytes: in `target`, which is returned, when that is given. */
export function sha256(bytes: Uint8Array, target: Uint8Array = new Uint8Array(32)): Uint8Array {
  return backend.sha256(bytes, target);
}

/** A deterministic Ed25519 signature: 64 bytes; throws a MisuseError unless `secretKey` is a seed of 32 bytes. */
export function sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  checkSeed(secretKey);
  return backend.sign(message, secretKey);
}

/**
 * `sign` for one key, which is copied: several signatures cost less, because the key is made ready once. Throws a
 * MisuseError unless `secretKey` is a seed of 32 bytes.
 */
export function signerOf(secretKey: Uint8Array): Signer {
  checkSeed(secretKey);
  return backend.signer(secretKey);
}

/** Whether a signature is valid under the rule; false, never an exception, for input of any length. */
export function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  return backend.verify(signature, message, publicKey);
}

/**
 * The verdicts of `verify` on many signatures, in order: under Node on several threads, elsewhere with pauses. Resolves in a
 * later turn of the event loop, even without any checks, and never rejects. The bytes must not be changed meanwhile.
 */
export function verifyMany(checks: readonly SignatureCheck[]): Promise<readonly boolean[]> {
  return backend.verifyMany(checks);
}

/** The public key (32 bytes) of a seed; throws a MisuseError unless that has 32 bytes. */
export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  checkSeed(secretKey);
  return backend.publicKey(secretKey);
}

/** A new key pair, from the platform's random source or from a given seed of 32 bytes, which is copied. */
export function generateKeyPair(seed?: Uint8Array): KeyPair {
  const secretKey = seed === undefined ? randomBytes(32) : Uint8Array.from(seed);
  return { publicKey: publicKeyOf(secretKey), secretKey };
}

/** `count` bytes from the platform's cryptographic random source. */
export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let start = 0; start < count; start += RANDOM_QUOTA) {
    globalThis.crypto.getRandomValues(bytes.subarray(start, start + RANDOM_QUOTA));
  }
  return bytes;
}

/** Bytes that one call of getRandomValues may ask for (Web Cryptography API §10.1.1). */
const RANDOM_QUOTA = 65_536;

function checkSeed(secretKey: Uint8Array): void {
  if (secretKey.length !== 32)
    throw new MisuseError("bad_key", "an Ed25519 secret key is a seed of 32 bytes");
}
