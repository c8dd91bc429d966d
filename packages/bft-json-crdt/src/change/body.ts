/**
 * The body of a change: the bytes that are hashed, linked and signed (format version 1).
 *
 *     body = [version, document, author, chain, seq, prev, parents, lamport, time, refs, ops]
 *
 * in deterministic CBOR. This file checks everything that can be judged from the bytes alone; what needs the history
 * (links, lamport) is judged in history/. Ops are checked for their outline only, because a fault inside an op makes
 * that op inert and never the change invalid; they are read in op.ts.
 */
import { compareBytes, equalBytes } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import type { ByteWriter } from "../encoding/writer.ts";
import { sha256 } from "../crypto/index.ts";
import { MAX_BODY_BYTES, MAX_BODY_DEPTH, MAX_ELEMENTS_PER_CHANGE, MAX_PARENTS } from "../limits.ts";
import { ok, rejected } from "../result.ts";
import type { Result } from "../result.ts";
import { CHANGE_TAG, SIGNATURE_TAG } from "./tags.ts";

/** The format version that this build reads and writes. */
export const FORMAT_VERSION = 1;

/** Bytes of a change id, a document id and a public key. */
export const ID_BYTES = 32;

/** What the header of a change says; ids are 32 bytes each. */
export interface ChangeHeader {
  /** The document id. */
  readonly document: Uint8Array;
  /** The author's public key, 32 bytes. */
  readonly author: Uint8Array;
  /** 0, or 64 random bits; one author may have many chains in a document. */
  readonly chain: bigint;
  /** 1 for the first change of a chain. */
  readonly seq: number;
  /** The previous change of the same chain; null for the first. */
  readonly prev: Uint8Array | null;
  /** Other heads that the author had seen: at most 16, sorted, unique. */
  readonly parents: readonly Uint8Array[];
  /** One more than the greatest among all dependencies; 1 without any. */
  readonly lamport: number;
  /** Claimed milliseconds since 1970, or null; shown to people, never used for order. */
  readonly time: number | null;
  /** Further changes that the ops refer to: sorted, unique, none of them `prev` or a parent. */
  readonly refs: readonly Uint8Array[];
}

/** What there is to know of the ops of a change without reading them. */
export interface OpsOutline {
  /** Offset of the first op in the body, in bytes. */
  readonly opsOffset: number;
  /** How many ops there are. */
  readonly opCount: number;
  /** Elements made by all ops together: they have the indexes 0 … elements − 1. */
  readonly elements: number;
  /** True when an op has detached content: then version 1 folds none of the change's ops. */
  readonly detached: boolean;
}

/** A header together with the outline of its ops. */
export interface DecodedBody extends ChangeHeader, OpsOutline {}

/** A change that was decoded, as far as others may repeat what it says. */
export interface IdentifiedHeader {
  /** The change id, 32 bytes. */
  readonly id: Uint8Array;
  /** What its body says. */
  readonly header: DecodedBody;
}

/** The id of a change: SHA-256 of the change tag and its body. */
export function changeId(body: Uint8Array): Uint8Array {
  const size = CHANGE_TAG.length + body.length;
  if (size > smallInput.length) {
    const input = new Uint8Array(size);
    input.set(CHANGE_TAG);
    input.set(body, CHANGE_TAG.length);
    return sha256(input);
  }
  smallInput.set(body, CHANGE_TAG.length);
  return sha256(smallView(size));
}

/** What is hashed for a change that is small, as most are: used again and again. */
const smallInput = new Uint8Array(2_048);
smallInput.set(CHANGE_TAG);

/** Views of the beginning of that, of up to so many bytes: to make one takes as long as to copy what it shows. */
const KEPT_VIEWS = 512;
const smallViews = new Map<number, Uint8Array>();

function smallView(size: number): Uint8Array {
  const known = smallViews.get(size);
  if (known !== undefined) return known;
  const view = smallInput.subarray(0, size);
  if (size <= KEPT_VIEWS) smallViews.set(size, view);
  return view;
}

/** The message that an author signs for a change id. */
export function signedMessage(id: Uint8Array): Uint8Array {
  return passingMessage(id).slice();
}

/** The same, good until the next call: each signature that is made or verified needs one, and is done with it at once. */
export function passingMessage(id: Uint8Array): Uint8Array {
  message.set(id, SIGNATURE_TAG.length);
  return message;
}

const message = new Uint8Array(SIGNATURE_TAG.length + ID_BYTES);
message.set(SIGNATURE_TAG);

/** Writes the head of a body; the caller goes on with exactly `opCount` ops. */
export function writeBodyHead(writer: ByteWriter, header: ChangeHeader, opCount: number): void {
  writeChainHead(writer, header);
  writeBodyRest(writer, header, opCount);
}

/** Writes what all changes of one chain begin with. */
export function writeChainHead(
  writer: ByteWriter,
  header: Pick<ChangeHeader, "document" | "author" | "chain">,
): void {
  writer.arrayHeader(11);
  writer.uint(FORMAT_VERSION);
  writer.bytes(header.document);
  writer.bytes(header.author);
  writer.uint64(header.chain);
}

/** Writes what follows it, up to the ops. */
export function writeBodyRest(
  writer: ByteWriter,
  header: Omit<ChangeHeader, "document" | "author" | "chain">,
  opCount: number,
): void {
  writer.uint(header.seq);
  if (header.prev === null) writer.null();
  else writer.bytes(header.prev);
  writeIds(writer, header.parents);
  writer.uint(header.lamport);
  if (header.time === null) writer.null();
  else writer.uint(header.time);
  writeIds(writer, header.refs);
  writer.arrayHeader(opCount);
}

const NO_IDS: readonly Uint8Array[] = [];

/**
 * Reads the header of a change from its body, and judges everything that its bytes alone decide: refused as "malformed",
 * "too_large" or "unsupported_version". Its links, and its signature, are judged by {@link History.receive | History}.
 * Of a change that came before, `before`, fields are used again where they are the same.
 */
export function decodeBody(
  body: Uint8Array,
  before: IdentifiedHeader | null = null,
): Result<DecodedBody> {
  const reader = new ByteReader(body);
  const fields = reader.arrayHeader();
  const version = reader.uint();
  if (reader.failed) return malformed("it does not begin with a version");
  if (version !== FORMAT_VERSION) {
    return rejected("unsupported_version", `format version ${version} is not known here`);
  }
  // A bound of this version says nothing about others.
  if (body.length > MAX_BODY_BYTES) {
    return rejected(
      "too_large",
      `a change body has ${body.length} bytes, more than ${MAX_BODY_BYTES}`,
    );
  }
  if (fields !== 11) return malformed(`it has ${fields} fields instead of 11`);
  const header = readHeader(reader, before);
  if (header === null) return malformed("its header is not canonical");
  const { seq, prev, parents, lamport, refs } = header;
  if (seq < 1 || lamport < 1) return malformed("seq and lamport begin at 1");
  if ((prev === null) !== (seq === 1)) return malformed("prev is null for seq 1 and only for it");
  if (!areDisjoint(prev, parents, refs)) return malformed("a dependency is named twice");

  const opCount = reader.arrayHeader();
  header.opCount = opCount;
  header.opsOffset = reader.offset;
  let elements = 0;
  for (let i = 0; i < opCount && !reader.failed; i++) {
    const fields = reader.arrayHeader();
    if (fields === 5) header.detached = true;
    elements += skipOp(reader, fields);
    if (elements > MAX_ELEMENTS_PER_CHANGE) {
      return rejected("too_large", `a change makes more than ${MAX_ELEMENTS_PER_CHANGE} elements`);
    }
  }
  if (!reader.done) return malformed("its ops are not canonical");
  header.elements = elements;
  return ok(header);
}

/** Steps over what a body has before its author; false when it does not begin like one of this version. */
export function skipToAuthor(reader: ByteReader): boolean {
  reader.arrayHeader();
  return reader.uint() === FORMAT_VERSION && reader.skipBytesOf(ID_BYTES);
}

/** Reads the header of a body that was decoded before, of which `outline` was kept: its ops are not stepped over again. */
export function decodeAgain(body: Uint8Array, outline: OpsOutline): DecodedBody {
  const reader = new ByteReader(body);
  reader.arrayHeader();
  reader.uint();
  const header = readHeader(reader, null);
  if (header === null) throw new Error("a body that decoded once decodes again");
  header.opsOffset = outline.opsOffset;
  header.opCount = outline.opCount;
  header.elements = outline.elements;
  header.detached = outline.detached;
  return header;
}

/** Reads what lies between the version and the ops, null when that is not canonical; without an outline yet. */
function readHeader(
  reader: ByteReader,
  before: IdentifiedHeader | null,
): Writable<DecodedBody> | null {
  const document = reader.bytesOf(ID_BYTES, before?.header.document);
  const author = reader.bytesOf(ID_BYTES, before?.header.author);
  const chain = reader.uint64();
  const seq = reader.uint();
  const prev = reader.isNull() ? null : reader.bytesOf(ID_BYTES, before?.id);
  const parents = readIds(reader, MAX_PARENTS);
  const lamport = reader.uint();
  const time = reader.isNull() ? null : reader.uint();
  const refs = readIds(reader, Number.MAX_SAFE_INTEGER);
  if (reader.failed || parents === null || refs === null) return null;
  return {
    document,
    author,
    chain,
    seq,
    prev,
    parents,
    lamport,
    time,
    refs,
    opsOffset: 0,
    opCount: 0,
    elements: 0,
    detached: false,
  };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Levels that may be open in the targets and the content of an op: a body, its ops, and an op are open around them. */
const OP_PART_DEPTH = MAX_BODY_DEPTH - 3;

/**
 * Steps over the rest of one op `[kind, made, targets, content]` or `[kind, made, targets, length, hash]`; returns `made`.
 * Every element made by inline content takes at least one byte of it, so that nobody gets elements for nothing.
 */
function skipOp(reader: ByteReader, fields: number): number {
  reader.uint();
  const made = reader.uint();
  if (reader.peek() !== 4) reader.fail();
  reader.skip(OP_PART_DEPTH);
  if (fields === 4) {
    const contentStart = reader.offset;
    reader.skip(OP_PART_DEPTH);
    if (made > reader.offset - contentStart) reader.fail();
  } else if (fields === 5) {
    reader.uint();
    reader.bytesOf(32);
  } else {
    reader.fail();
  }
  return made;
}

function writeIds(writer: ByteWriter, ids: readonly Uint8Array[]): void {
  writer.arrayHeader(ids.length);
  for (const id of ids) writer.bytes(id);
}

function readIds(reader: ByteReader, most: number): readonly Uint8Array[] | null {
  const count = reader.arrayHeader();
  if (count === 0) return NO_IDS;
  if (count > most) return null;
  const ids: Uint8Array[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const id = reader.bytesOf(ID_BYTES);
    const last = ids[ids.length - 1];
    if (reader.failed || (last !== undefined && compareBytes(last, id) >= 0)) return null;
    ids.push(id);
  }
  return ids;
}

/** True when no id stands in two of the places; `parents` and `refs` are sorted, so one pass over both decides. */
function areDisjoint(
  prev: Uint8Array | null,
  parents: readonly Uint8Array[],
  refs: readonly Uint8Array[],
): boolean {
  if (parents.length + refs.length === 0) return true;
  for (const list of [parents, refs]) {
    if (prev !== null && list.some((id) => equalBytes(id, prev))) return false;
  }
  let p = 0;
  let r = 0;
  while (p < parents.length && r < refs.length) {
    const order = compareBytes(parents[p]!, refs[r]!);
    if (order === 0) return false;
    if (order < 0) p++;
    else r++;
  }
  return true;
}

function malformed(detail: string): Result<never> {
  return rejected("malformed", `not a change body: ${detail}`);
}
