/**
 * Packing: byte strings deflated (RFC 1951) where that makes them shorter.
 *
 *     packed = bytes | [length, deflated]
 *
 * Nobody inflates more than a length that was declared and judged before: inflating stops where it goes beyond.
 */
import { deflateSync, Inflate } from "fflate";
import type { ByteReader, ByteWriter } from "../encoding/index.ts";

/** Below this many bytes deflate hardly ever gains anything. */
const LEAST_DEFLATED = 24;

/** Bytes inflated at once: of these may come 1,032 times as many before it is known that they are too many. */
const PIECE = 8_192;

/** Deflate makes no more than so many bytes of one: 258 of two bits. */
const MAX_RATIO = 1_032;

/** One packed byte string, as it stands in a file. */
export interface Packed {
  /** Bytes when it is unpacked. */
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly isDeflated: boolean;
}

/** Writes bytes, deflated if that is shorter. */
export function writePacked(writer: ByteWriter, bytes: Uint8Array): void {
  if (bytes.length >= LEAST_DEFLATED) {
    const deflated = deflateSync(bytes, { level: 9 });
    if (deflated.length + 4 < bytes.length) {
      writer.arrayHeader(2);
      writer.uint(bytes.length);
      writer.bytes(deflated);
      return;
    }
  }
  writer.bytes(bytes);
}

/** Reads the outline of a packed byte string: nothing is inflated yet. */
export function readPacked(reader: ByteReader): Packed {
  if (reader.peek() === 2) {
    const bytes = reader.bytes();
    return { length: bytes.length, bytes, isDeflated: false };
  }
  if (reader.arrayHeader() !== 2) reader.fail();
  return { length: reader.uint(), bytes: reader.bytes(), isDeflated: true };
}

/** The bytes of a packed byte string, or null when they are not of just the declared length. */
export function unpack({ length, bytes, isDeflated }: Packed): Uint8Array | null {
  if (!isDeflated) return bytes;
  if (length > MAX_RATIO * bytes.length) return null;
  const out = new Uint8Array(length);
  const got = { length: 0 };
  const inflate = new Inflate((piece) => {
    if (piece.length <= length - got.length) out.set(piece, got.length);
    got.length += piece.length;
  });
  try {
    for (let at = 0; at < bytes.length && got.length <= length; at += PIECE) {
      inflate.push(bytes.subarray(at, at + PIECE), at + PIECE >= bytes.length);
    }
  } catch {
    // The library throws for what is not deflated.
    return null;
  }
  return got.length === length ? out : null;
}
