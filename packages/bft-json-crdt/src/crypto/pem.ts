/**
 * Key files: an Ed25519 seed as PKCS#8 (RFC 8410 §7) in PEM (RFC 7468 §10), as openssl and node:crypto write them.
 *
 * Strict: one block, one line of base64, the one DER encoding of 48 bytes. Messages never quote the file.
 */

import { toBase64 } from "../encoding/bytes.ts";
import { MisuseError, ok, rejected, type Result } from "../result.ts";

/** The text of a key file for a 32-byte seed; throws a MisuseError for any other length. */
export function encodePrivateKeyPem(secretKey: Uint8Array): string {
  return `${BEGIN}\n${toBase64(encodePrivateKeyDer(secretKey))}\n${END}\n`;
}

/** The 32-byte seed in a key file; lines may end in LF or CRLF, the last one in nothing. */
export function decodePrivateKeyPem(text: string): Result<Uint8Array> {
  const base64 = FILE.exec(text)?.[1];
  if (base64 === undefined)
    return rejected("malformed", "not a PEM file with one unencrypted private key");
  const binary = atob(base64);
  const der = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  for (let i = 0; i < PREFIX.length; i++) {
    if (der[i] !== PREFIX[i]) return rejected("malformed", "not an Ed25519 private key in PKCS#8");
  }
  return ok(der.slice(PREFIX.length));
}

/** The 48 bytes of PKCS#8 DER for a 32-byte seed; throws a MisuseError for any other length. */
export function encodePrivateKeyDer(secretKey: Uint8Array): Uint8Array {
  if (secretKey.length !== 32)
    throw new MisuseError("bad_key", "an Ed25519 secret key is a seed of 32 bytes");
  const der = new Uint8Array(48);
  der.set(PREFIX);
  der.set(secretKey, PREFIX.length);
  return der;
}

/** SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING of 32 bytes } } up to those bytes. */
const PREFIX = Uint8Array.of(
  0x30,
  0x2e,
  0x02,
  0x01,
  0x00,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x70,
  0x04,
  0x22,
  0x04,
  0x20,
);

const BEGIN = "-----BEGIN PRIVATE KEY-----";
const END = "-----END PRIVATE KEY-----";

/** 48 bytes are 64 digits of base64 with neither padding nor spare bits: one line, and only one way to write it. */
const FILE = new RegExp(`^${BEGIN}\\r?\\n([A-Za-z0-9+/]{64})\\r?\\n${END}(?:\\r?\\n)?$`);
