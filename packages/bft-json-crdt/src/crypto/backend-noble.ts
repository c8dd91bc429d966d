/**
 * SHA-256 (FIPS 180-4) and Ed25519 (RFC 8032) in JavaScript, for every platform: @noble/hashes and @noble/ed25519.
 *
 * Verification computes [S]B − [k]A and compares its encoding with R, which is the cofactorless equation of points.ts.
 * The library's own `verify` multiplies by the cofactor, in each of its modes, and so accepts an R with torsion.
 */

import { getPublicKey, hashes, Point, sign } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { equalBytes, toHex } from "../encoding/bytes.ts";
import { decodePublicKey, hasValidForm } from "./points.ts";
import type { CryptoBackend } from "./types.ts";

// The synchronous half of @noble/ed25519 has no hash of its own.
hashes.sha512 = sha512;

/** The backend for platforms without synchronous native Ed25519. */
export const nobleBackend: CryptoBackend = {
  name: "noble",
  sha256: (bytes) => sha256(bytes),
  sign: (message, secretKey) => sign(message, secretKey),
  publicKey: (secretKey) => getPublicKey(secretKey),
  verify(signature, message, publicKey) {
    if (!hasValidForm(signature)) return false;
    const author = decodePublicKey(publicKey);
    if (author === null) return false;
    const r = signature.subarray(0, 32);
    const s = scalar(signature.subarray(32));
    const k =
      scalar(sha512.create().update(r).update(publicKey).update(message).digest()) %
      Point.CURVE().n;
    // Nothing here is secret, so the faster multiplication in variable time will do.
    const expected = Point.BASE.multiply(s, false).subtract(author.multiply(k, false));
    return equalBytes(expected.toBytes(), r);
  },
};

export { nobleBackend as backend };

function scalar(littleEndian: Uint8Array): bigint {
  return BigInt(`0x${toHex(littleEndian.toReversed())}`);
}
