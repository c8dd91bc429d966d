/**
 * SHA-256 (FIPS 180-4) and Ed25519 (RFC 8032) in JavaScript, for every platform: @noble/hashes and @noble/ed25519.
 *
 * Verification computes [S]B − [k]A and compares its encoding with R, which is the cofactorless equation of points.ts.
 * The library's own `verify` multiplies by the cofactor, in each of its modes, and so accepts an R with torsion.
 */

import { getPublicKey, hashes, Point, sign } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { equalBytes } from "../encoding/bytes.ts";
import { decodePublicKey, fromLittleEndian, hasValidForm, ORDER } from "./points.ts";
import type { CryptoBackend } from "./types.ts";

// The synchronous half of @noble/ed25519 has no hash of its own.
hashes.sha512 = sha512;

/** The backend for platforms without synchronous native Ed25519. */
export const nobleBackend: CryptoBackend = {
  name: "noble",
  sha256(bytes, target) {
    target.set(sha256(bytes));
    return target;
  },
  sign: (message, secretKey) => sign(message, secretKey),
  publicKey: (secretKey) => getPublicKey(secretKey),
  signer(secretKey) {
    const seed = Uint8Array.from(secretKey);
    return (message, target) => {
      target.set(sign(message, seed));
      return target;
    };
  },
  verify,
  async verifyMany(checks) {
    await nextTurn();
    const verdicts: boolean[] = [];
    for (const { signature, message, publicKey } of checks) {
      if (verdicts.length % CHECKS_PER_TURN === CHECKS_PER_TURN - 1) await nextTurn();
      verdicts.push(verify(signature, message, publicKey));
    }
    return verdicts;
  },
};

export { nobleBackend as backend };

/** Signatures verified before others get their turn: some 20 ms, so that a page stays responsive. */
const CHECKS_PER_TURN = 16;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve);
  });
}

function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (!hasValidForm(signature)) return false;
  const author = decodePublicKey(publicKey);
  if (author === null) return false;
  const r = signature.subarray(0, 32);
  const s = fromLittleEndian(signature.subarray(32));
  const hash = sha512.create().update(r).update(publicKey).update(message).digest();
  const k = fromLittleEndian(hash) % ORDER;
  // Nothing here is secret, so the faster multiplication in variable time will do.
  const expected = Point.BASE.multiply(s, false).subtract(author.multiply(k, false));
  return equalBytes(expected.toBytes(), r);
}
