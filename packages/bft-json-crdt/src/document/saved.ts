/**
 * Saved documents: all applied changes as one sequence of bytes, for files, exports and backups.
 *
 *     saved = ["bft-json-crdt", 1, document, schema digest | null, [group, …]]
 *
 * Nothing that can be computed again is stored, and loading verifies everything, so that a file needs no more trust than
 * a peer. The schema digest only tells whether the view will be the same.
 */
import { ByteReader, ByteWriter } from "../encoding/index.ts";
import { MAX_GROUP_BYTES } from "../limits.ts";
import { ok, rejected } from "../result.ts";
import type { Result } from "../result.ts";

const MAGIC = "bft-json-crdt";
const VERSION = 1;

/** What a file holds. */
export interface Saved {
  readonly document: Uint8Array;
  readonly schema: Uint8Array | null;
  readonly groups: readonly Uint8Array[];
}

/** Encodes a file. */
export function encodeSaved({ document, schema, groups }: Saved): Uint8Array {
  const writer = new ByteWriter(groups.reduce((sum, group) => sum + group.length + 5, 128));
  writer.arrayHeader(5);
  writer.text(MAGIC);
  writer.uint(VERSION);
  writer.bytes(document);
  if (schema === null) writer.null();
  else writer.bytes(schema);
  writer.arrayHeader(groups.length);
  for (const group of groups) writer.bytes(group);
  // Of a writer that nobody uses again: a copy would take the memory of the whole history once more.
  return writer.view();
}

/** Reads the outline of a file; the groups are judged by whoever receives them. */
export function decodeSaved(bytes: Uint8Array): Result<Saved> {
  const reader = new ByteReader(bytes);
  const fields = reader.arrayHeader();
  const magic = reader.text();
  const version = reader.uint();
  if (reader.failed || magic !== MAGIC) return rejected("malformed", "not a saved document");
  if (version !== VERSION)
    return rejected("unsupported_version", `file version ${version} is not known here`);
  const document = reader.bytesOf(32);
  const schema = reader.isNull() ? null : reader.bytesOf(32);
  const count = reader.arrayHeader();
  const groups: Uint8Array[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const group = reader.bytes();
    if (group.length > MAX_GROUP_BYTES) reader.fail();
    groups.push(group);
  }
  if (fields !== 5 || !reader.done) return rejected("malformed", "the file is cut off or damaged");
  return ok({ document, schema, groups });
}
