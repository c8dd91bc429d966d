/**
 * Byte strings: order, equality, hexadecimal (RFC 4648 §8) and base64 (RFC 4648 §4 and §5), all strict.
 */

/** Orders byte strings as unsigned bytes from the left, a prefix first; negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether two byte strings are the same (not in constant time: for public data only). */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** Copies the bytes from `start` up to `end` into `target`, at `at`. */
export function copyPart(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start > SHORT_PART) target.set(bytes.subarray(start, end), at);
  else for (let i = start; i < end; i++) target[at++] = bytes[i]!;
}

/** Bytes. Up to here a loop is faster than a view to copy from, and a call. */
const SHORT_PART = 96;

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (let i = 0; i < bytes.length; i++) hex += HEX_PAIRS[bytes[i]!]!;
  return hex;
}

/** The bytes that hexadecimal text stands for, or null if its length is odd or a digit is not one of 0–9, a–f, A–F. */
export function fromHex(hex: string): Uint8Array | null {
  if (hex.length % 2 !== 0) return null;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigit(hex.charCodeAt(2 * i));
    const low = hexDigit(hex.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return null;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

/**
 * The `size` bytes that hexadecimal text in lower case stands for, or null if it is anything else: an id as it is written in
 * messages, of which a stranger may send thousands.
 */
export function fromLowerHex(hex: string, size: number): Uint8Array | null {
  if (hex.length !== 2 * size) return null;
  const bytes = new Uint8Array(size);
  let signs = 0;
  for (let i = 0; i < size; i++) {
    const high = hex.charCodeAt(2 * i);
    const low = hex.charCodeAt(2 * i + 1);
    const byte =
      ((high < 128 ? LOWER_DIGITS[high]! : -1) << 4) | (low < 128 ? LOWER_DIGITS[low]! : -1);
    signs |= byte;
    bytes[i] = byte;
  }
  return signs < 0 ? null : bytes;
}

/** Base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  return encodeBase64(bytes, BASE64_ALPHABET) + "=".repeat((3 - (bytes.length % 3)) % 3);
}

/** URL-safe base64 without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes, BASE64_URL_ALPHABET);
}

const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const BASE64_COMMON = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64_ALPHABET = `${BASE64_COMMON}+/`;
const BASE64_URL_ALPHABET = `${BASE64_COMMON}-_`;

/** What a character stands for, by its code; -1 for those that are no digit in lower case. */
const LOWER_DIGITS = Int8Array.from({ length: 128 }, (_, code) =>
  "0123456789abcdef".indexOf(String.fromCharCode(code)),
);

function hexDigit(code: number): number {
  const lower = code >= 0x41 && code <= 0x46 ? code | 0x20 : code;
  return lower < 128 ? LOWER_DIGITS[lower]! : -1;
}

function encodeBase64(bytes: Uint8Array, alphabet: string): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const present = Math.min(3, bytes.length - i);
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let digit = 0; digit <= present; digit++)
      text += alphabet[(group >> (18 - 6 * digit)) & 63]!;
  }
  return text;
}
