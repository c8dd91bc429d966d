/**
 * Seals: who saves a document states with its key what the document shows, and need not verify its own statement.
 *
 *     seal = [author, version of folding, view, signature]
 *
 * The signature is over everything else in the file. A seal is trusted by nobody but its maker, and only for the view:
 * whatever needs the changes verifies them.
 */
import { ID_BYTES, SEAL_TAG, SIGNATURE_BYTES } from "../change/index.ts";
import { sha256, sign, verify } from "../crypto/index.ts";
import type { KeyPair } from "../crypto/index.ts";
import { ByteReader, ByteWriter, equalBytes } from "../encoding/index.ts";
import type { Schema } from "../schema/index.ts";
import { readPacked, unpack, writePacked } from "./pack.ts";
import type { Packed } from "./pack.ts";
import { readView, writeView } from "./view-codec.ts";
import type { AnyView } from "./view-codec.ts";

/** To be raised by whoever corrects how changes are folded: what was sealed before may show something else. */
export const FOLDING_VERSION = 1;

/** What a seal is made of. */
export interface Sealing {
  readonly keyPair: KeyPair;
  readonly schema: Schema;
  readonly view: AnyView;
}

/** A seal as it stands in a file; nothing of it is verified. */
export interface Seal {
  readonly author: Uint8Array;
  readonly folding: number;
  readonly view: Packed;
  readonly signature: Uint8Array;
  /** The whole file. */
  readonly file: Uint8Array;
}

/** The view that a seal vouches for. */
export interface SealedView {
  /** A new copy each time. */
  read(): AnyView;
}

/** Ends a file with a seal; returns the file. */
export function writeSeal(writer: ByteWriter, { keyPair, schema, view }: Sealing): Uint8Array {
  const shown = new ByteWriter(1_024);
  writeView(shown, schema, view);
  writer.arrayHeader(4);
  writer.bytes(keyPair.publicKey);
  writer.uint(FOLDING_VERSION);
  writePacked(writer, shown.view());
  writer.bytes(new Uint8Array(SIGNATURE_BYTES));
  const file = writer.take();
  file.set(sign(sealedMessage(file), keyPair.secretKey), file.length - SIGNATURE_BYTES);
  return file;
}

/** Reads a seal, or null where there is none: the last item of a file. */
export function readSeal(reader: ByteReader, file: Uint8Array): Seal | null {
  if (reader.isNull()) return null;
  if (reader.arrayHeader() !== 4) reader.fail();
  const author = reader.bytesOf(ID_BYTES);
  const folding = reader.uint();
  const view = readPacked(reader);
  const signature = reader.bytesOf(SIGNATURE_BYTES);
  return { author, folding, view, signature, file };
}

/** What a seal shows to the holder of a key; null when that is not who made it, or when it is not valid. */
export function openSeal(seal: Seal, publicKey: Uint8Array, schema: Schema): SealedView | null {
  const { author, folding, signature, file } = seal;
  if (!equalBytes(author, publicKey) || folding !== FOLDING_VERSION) return null;
  if (!verify(signature, sealedMessage(file), publicKey)) return null;
  const bytes = unpack(seal.view);
  if (bytes === null) return null;
  const reader = new ByteReader(bytes);
  let first: { readonly view: AnyView } | null = { view: readView(reader, schema) };
  if (!reader.done) return null;
  return {
    read: () => {
      const view = first === null ? readView(new ByteReader(bytes), schema) : first.view;
      first = null;
      return view;
    },
  };
}

/** What is signed: a tag and the hash of all bytes of the file but the signature at its end. */
function sealedMessage(file: Uint8Array): Uint8Array {
  const hash = sha256(file.subarray(0, file.length - SIGNATURE_BYTES));
  const message = new Uint8Array(SEAL_TAG.length + hash.length);
  message.set(SEAL_TAG);
  message.set(hash, SEAL_TAG.length);
  return message;
}
