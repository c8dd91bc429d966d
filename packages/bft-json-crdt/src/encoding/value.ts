/**
 * Values: what a register, a list element or an op's content may hold, and their one encoding.
 *
 * A closed subset of deterministic CBOR (RFC 8949 §4.2.1): integers, byte strings, text, arrays, maps with text keys,
 * bignums beyond 64 bits (tags 2 and 3), false, true, null, and floats in their shortest width. Each value has exactly
 * one byte string, each byte string at most one value: `decodeValue` accepts just the bytes that `encodeValue` makes.
 */

import { ok, rejected, type Result } from "../result.ts";
import { ByteReader } from "./reader.ts";
import { ByteWriter } from "./writer.ts";

/**
 * Anything that can be written. A number that is a safe integer is an integer, any other finite number a float; −0 is 0.
 * A bigint in the range of safe integers reads back as a number. Nesting is at most 64 arrays and objects.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value };

/** The canonical encoding of a value; throws a MisuseError for what is not a value. */
export function encodeValue(value: Value): Uint8Array {
  const writer = new ByteWriter(64);
  writer.value(value);
  return writer.take();
}

/** The value whose canonical encoding is exactly these bytes; objects have no prototype, bytes are copies. */
export function decodeValue(bytes: Uint8Array): Result<Value> {
  const reader = new ByteReader(bytes);
  const value = reader.value();
  return reader.done ? ok(value) : rejected("malformed", "not the canonical encoding of one value");
}
