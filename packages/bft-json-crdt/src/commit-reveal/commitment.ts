/**
 * Commitments: the hash of a value with a salt, bound to who makes it, for what, and in which document. It says nothing of
 * the value until it is opened, can be opened to no other value, and by nobody but its author.
 */
import { COMMITMENT_TAG, ID_BYTES } from "../change/index.ts";
import { randomBytes, sha256 } from "../crypto/index.ts";
import { ByteWriter, encodeValue, utf8Length } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { MAX_COMMITTED_BYTES, MAX_KEY_BYTES, SALT_BYTES } from "../limits.ts";
import { MisuseError } from "../result.ts";

/** What a commitment is bound to. */
export interface CommitmentContext {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  /** Public key of who commits, 32 bytes. */
  readonly author: Uint8Array;
  /** What it is for, such as the name of a lot: text of 1 to 1,024 bytes. */
  readonly topic: string;
}

/** What opens a commitment. To be kept, and kept secret, until it is revealed: without the salt nobody can. */
export interface Opening {
  /** What was committed to. */
  readonly value: Value;
  /** 32 bytes. */
  readonly salt: Uint8Array;
}

/** A commitment, and what opens it. */
export interface Committed {
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** What opens it. */
  readonly opening: Opening;
}

/**
 * Commits to a value. The salt is 32 random bytes; give one only where it must be reproducible, and never one twice: by
 * equal salts a guesser can try values. Throws MisuseError for what could not be revealed: more than 4,096 encoded bytes,
 * a salt, key, document id or topic of the wrong size.
 */
export function commitTo(
  context: CommitmentContext,
  value: Value,
  salt: Uint8Array = randomBytes(SALT_BYTES),
): Committed {
  const commitment = commitmentOf(context, { value, salt });
  // Copies: whoever goes on to edit what they have committed to must still be able to reveal it.
  if (commitment !== null)
    return { commitment, opening: { value: structuredClone(value), salt: salt.slice() } };
  throw new MisuseError(
    "bad_value",
    `what is committed to takes at most ${MAX_COMMITTED_BYTES} bytes, a salt, a document id and a public key take 32, a topic 1 to ${MAX_KEY_BYTES}`,
  );
}

/**
 * The commitment (32 bytes) that an opening opens: SHA-256(tag ‖ [document, author, topic, salt, value]), in the canonical
 * encoding. Null when any part has a size that is not allowed. The value must be one that can be encoded, as all are that
 * come out of a document.
 */
export function commitmentOf(
  { document, author, topic }: CommitmentContext,
  { value, salt }: Opening,
): Uint8Array | null {
  if (document.length !== ID_BYTES || author.length !== ID_BYTES) return null;
  if (!isTopic(topic) || salt.length !== SALT_BYTES) return null;
  const encoded = encodeValue(value);
  if (encoded.length > MAX_COMMITTED_BYTES) return null;
  const writer = new ByteWriter();
  writer.raw(COMMITMENT_TAG);
  writer.arrayHeader(5);
  writer.bytes(document);
  writer.bytes(author);
  writer.text(topic);
  writer.bytes(salt);
  writer.raw(encoded);
  return sha256(writer.view());
}

/** True for text of 1 to 1,024 bytes without lone surrogates. */
export function isTopic(topic: string): boolean {
  const bytes = utf8Length(topic);
  return bytes > 0 && bytes <= MAX_KEY_BYTES;
}
