/**
 * The one Ed25519 verification rule, as far as it does not depend on the backend.
 *
 * RFC 8032 leaves room for verifiers that disagree ("Taming the many EdDSAs", Chalkias, Garillot, Nikolaenko, 2020), and
 * one author could use that to split a network. The rule here, on every backend, for a signature R ‖ S by A:
 *   - S < L;
 *   - A is canonically encoded, has no torsion component, and is not of small order;
 *   - R is canonically encoded and not of small order;
 *   - the cofactorless equation [S]B = R + [k]A holds, with k = SHA-512(R ‖ A ‖ message).
 */

import { Point } from "@noble/ed25519";
import { toHex } from "../encoding/bytes.ts";
import { KeyCache } from "./key-cache.ts";

/** Whether a byte string can be an author: a canonical encoding of a point of the prime-order subgroup, not its identity. */
export function isValidPublicKey(publicKey: Uint8Array): boolean {
  return decodePublicKey(publicKey) !== null;
}

/** The point of a valid public key, else null; cached, because the check costs about as much as a verification. */
export function decodePublicKey(publicKey: Uint8Array): Point | null {
  if (publicKey.length !== 32) return null;
  const known = pointCache.get(publicKey);
  if (known !== undefined) return known;
  const point = decodePoint(publicKey);
  const accepted = point !== null && !point.is0() && point.isTorsionFree() ? point : null;
  pointCache.set(publicKey, accepted);
  return accepted;
}

/**
 * Whether a signature meets the rule's conditions on S and R: 64 bytes, S < L, R canonical and not of small order.
 * That R is on the curve is left to the equation: a point computed from S and A never encodes to bytes that are not.
 */
export function hasValidForm(signature: Uint8Array): boolean {
  return (
    signature.length === 64 &&
    isBelow(signature, 32, ORDER_BYTES, 0xff) &&
    isCanonicalLargeOrder(signature)
  );
}

/**
 * Whether 32 bytes, or those that more bytes begin with, have a y below the prime, and not that of a point of small order.
 * The only other encoding that is not canonical, a sign on x = 0, has y = ±1. Says nothing of whether there is an x.
 */
export function isCanonicalLargeOrder(bytes: Uint8Array): boolean {
  if (!isBelow(bytes, 0, PRIME_BYTES, 0x7f)) return false;
  for (const y of SMALL_ORDER) {
    // In place: a copy by `slice` would share its memory if this were a Buffer.
    if ((bytes[31]! & 0x7f) !== y[31]) continue;
    let at = 0;
    while (at < 31 && bytes[at] === y[at]) at++;
    if (at === 31) return false;
  }
  return true;
}

/** A number below 2^256 as 32 bytes, least significant first. */
export function littleEndian(n: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i++) bytes[i] = Number((n >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

/** The number that bytes stand for, least significant first. */
export function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}

/** Keys whose check is remembered: more authors than a busy document has; an entry takes about half a kilobyte. */
export const CACHED_KEYS = 4_096;

/** The order L of the prime-order subgroup. */
export const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;

/** The field's prime. */
export const PRIME = (1n << 255n) - 19n;

const ORDER_BYTES = littleEndian(ORDER);
const PRIME_BYTES = littleEndian(PRIME);

/**
 * The y coordinates of the 8 points of small order: 0 (order 4), 1 (the identity), −1 (order 2), and the two of order 8.
 * Both signs of x belong to a y, where they exist, so an encoding is of small order just when its y is one of these.
 */
const SMALL_ORDER = [
  0n,
  1n,
  PRIME - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
].map(littleEndian);

const pointCache = new KeyCache<Point | null>(CACHED_KEYS);

function decodePoint(bytes: Uint8Array): Point | null {
  try {
    // Strict RFC 8032 decoding: y < p, and no sign on x = 0.
    return Point.fromBytes(bytes, false);
  } catch {
    return null;
  }
}

/** Whether the little-endian number in 32 bytes from `start`, its last byte masked by `mask`, is less than `bound`. */
function isBelow(bytes: Uint8Array, start: number, bound: Uint8Array, mask: number): boolean {
  for (let i = 31; i >= 0; i--) {
    const byte = bytes[start + i]!;
    const difference = (i === 31 ? byte & mask : byte) - bound[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
