/**
 * Closed groups: what travels and what is stored.
 *
 *     group = [[body, signature | null], …]
 *
 * in causal order, at most 1,024 changes and 1 MiB. "Closed" means that each change is signed or has a signed later
 * change of its own chain in the same group (its cover). One live change is a group of one, signed.
 * A group that is not closed still decodes: whether a change is covered is judged where the links are known (history/).
 */
import { ByteReader } from "../encoding/reader.ts";
import { ByteWriter, headSize } from "../encoding/writer.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { ok, rejected } from "../result.ts";
import type { Result } from "../result.ts";

/** Bytes of an Ed25519 signature. */
export const SIGNATURE_BYTES = 64;

/** Upper bound of the bytes that framing and a signature add to a body in a group. */
export const GROUP_ENTRY_OVERHEAD = 1 + 5 + 2 + SIGNATURE_BYTES;

/** The same of framing alone. */
const UNSIGNED_OVERHEAD = 1 + 5 + 1;

/** One change as it travels: its body and perhaps its signature. */
export interface SignedBody {
  /** The bytes that are hashed (docs/wire-format.md). */
  readonly body: Uint8Array;
  /** The author's Ed25519 signature, 64 bytes; null when a later change of the group vouches for this one. */
  readonly signature: Uint8Array | null;
}

/** Encodes a group. The caller keeps it within the bounds and closed. */
export function encodeGroup(entries: readonly SignedBody[]): Uint8Array {
  let bodyBytes = 0;
  let signatures = 0;
  for (const { body, signature } of entries) {
    bodyBytes += body.length;
    if (signature !== null) signatures++;
  }
  const group = new GroupWriter(entries.length, bodyBytes, signatures);
  for (const { body, signature } of entries) group.add(body, signature);
  return group.end();
}

/** The group of one signed change, in a buffer of just its size: what most edits send. */
export function signedGroup(body: Uint8Array, signature: Uint8Array): Uint8Array {
  const writer = new ByteWriter(2 + headSize(body.length) + body.length + 2 + SIGNATURE_BYTES);
  writer.arrayHeader(1);
  writer.arrayHeader(2);
  writer.bytes(body);
  writer.bytes(signature);
  return writer.whole();
}

/** Encodes a group of which one knows how many changes, bytes of bodies, and signatures it has. */
export class GroupWriter {
  readonly #writer: ByteWriter;

  constructor(changes: number, bodyBytes: number, signatures: number) {
    const framing = changes * UNSIGNED_OVERHEAD + signatures * (1 + SIGNATURE_BYTES);
    this.#writer = new ByteWriter(8 + bodyBytes + framing);
    this.#writer.arrayHeader(changes);
  }

  /** Adds the next change. */
  add(body: Uint8Array, signature: Uint8Array | null): void {
    this.beginBody(body.length).raw(body);
    this.endBody(signature);
  }

  /** Begins the next change: so many bytes of a body are to be written next, to what this returns. */
  beginBody(size: number): ByteWriter {
    const writer = this.#writer;
    writer.arrayHeader(2);
    writer.bytesHeader(size);
    return writer;
  }

  /** Ends the change that was begun. */
  endBody(signature: Uint8Array | null): void {
    if (signature === null) this.#writer.null();
    else this.#writer.bytes(signature);
  }

  /** The group. */
  end(): Uint8Array {
    // It has hardly a byte too many.
    return this.#writer.whole();
  }
}

/** Bytes at first, and bytes that are kept from one group to the next. */
const FIRST_BYTES = 1_024;
const MAX_KEPT_BYTES = 65_536;

/** Encodes, one after another, groups that grow: each is a line of changes, of which only the last is signed. */
export class LineWriter {
  readonly #entries = new ByteWriter(FIRST_BYTES);
  #changes = 0;

  /** Adds the next change, which is built on the one before; the body is copied. */
  add(body: Uint8Array): void {
    const entries = this.#entries;
    if (this.#changes > 0) entries.null();
    entries.arrayHeader(2);
    entries.bytes(body);
    this.#changes++;
  }

  /** The group of what was added, at least one change, with the signature of the last. The next group begins. */
  end(signature: Uint8Array): Uint8Array {
    const entries = this.#entries;
    entries.bytes(signature);
    const group = new ByteWriter(headSize(this.#changes) + entries.length);
    group.arrayHeader(this.#changes);
    group.raw(entries.view());
    if (entries.capacity > MAX_KEPT_BYTES) entries.renew(FIRST_BYTES);
    else entries.reset();
    this.#changes = 0;
    return group.whole();
  }
}

/** Decodes a group; bodies and signatures are views into `bytes`. */
export function decodeGroup(bytes: Uint8Array): Result<SignedBody[]> {
  if (bytes.length > MAX_GROUP_BYTES) {
    return rejected("too_large", `a group has ${bytes.length} bytes, more than ${MAX_GROUP_BYTES}`);
  }
  const reader = new ByteReader(bytes);
  const count = reader.arrayHeader();
  if (count > MAX_GROUP_CHANGES) {
    return rejected("too_large", `a group has ${count} changes, more than ${MAX_GROUP_CHANGES}`);
  }
  const entries: SignedBody[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    if (reader.arrayHeader() !== 2) reader.fail();
    const body = reader.bytes();
    const signature = reader.isNull() ? null : reader.bytesOf(SIGNATURE_BYTES);
    entries.push({ body, signature });
  }
  if (!reader.done || count === 0) return rejected("malformed", "not a group of changes");
  return ok(entries);
}
