/**
 * Saved documents: all applied changes as one sequence of bytes, for files, exports and backups. docs/saved-format.md
 * defines both versions.
 *
 *     version 1 = ["bft-json-crdt", 1, document, schema digest | null, [group, …]]
 *     version 2 = ["bft-json-crdt", 2, document, schema digest | null, [chain, …], [block, …], seal | null]
 *
 * Version 2 is written: columns, deflated, in which nothing is stored that can be computed again. Loading verifies
 * everything, so that a file needs no more trust than a peer. The schema digest only tells whether the view will be the
 * same.
 */
import { ID_BYTES } from "../change/index.ts";
import { ByteReader, ByteWriter, toHex } from "../encoding/index.ts";
import { GROUP_ENTRY_OVERHEAD } from "../change/index.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { ok, rejected } from "../result.ts";
import type { Result } from "../result.ts";
import { FULL_BLOCK_BYTES } from "./layout.ts";
import { BlockReader } from "./reader.ts";
import type { SavedChain } from "./reader.ts";
import { readSeal, writeSeal } from "./seal.ts";
import type { Seal, Sealing } from "./seal.ts";
import { BlockWriter } from "./writer.ts";
import type { SavedHistory } from "./writer.ts";

const MAGIC = "bft-json-crdt";
const COLUMNAR = 2;
const FIELDS = 7;

/** What a file holds. */
export interface Saved {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  /** The digest of the schema with which it was saved, 32 bytes; null when there was none. */
  readonly schema: Uint8Array | null;
  /**
   * Closed groups in causal order, made as they are asked for. Where the file is damaged an empty one comes, which every
   * receiver refuses as malformed, and then no more.
   */
  readonly groups: Iterable<Uint8Array>;
}

/** A file, and its seal if it has one: good for nobody but who made it. */
export interface SavedFile extends Saved {
  readonly seal: Seal | null;
}

/**
 * Encodes groups as a file of version 1, which is larger than what `Document.save` writes, and needs no document.
 *
 * @param saved - what the file shall hold
 */
export function encodeSaved({ document, schema, groups }: Saved): Uint8Array {
  const all = [...groups];
  const writer = new ByteWriter(all.reduce((sum, group) => sum + group.length + 5, 128));
  writeHead(writer, 5, 1, document, schema);
  writer.arrayHeader(all.length);
  for (const group of all) writer.bytes(group);
  // Of a writer that nobody uses again: a copy would take the memory of the whole history once more.
  return writer.view();
}

/** Encodes all changes of a history as a file, and seals it if asked to. */
export function encodeHistory(
  history: SavedHistory & { groupsFor(indexes: readonly number[]): Uint8Array[] },
  schema: Uint8Array | null,
  sealing: Sealing | null = null,
): Uint8Array {
  const chains: SavedChain[] = [];
  const blocks = blocksOf(history, chains);
  if (!isTrue(history, chains, blocks)) {
    // A fault of the writer. Nothing may be lost by it.
    const all = Array.from({ length: history.length }, (_, row) => row);
    return encodeSaved({ document: history.document, schema, groups: history.groupsFor(all) });
  }
  const writer = new ByteWriter(blocks.reduce((sum, block) => sum + block.length + 5, 1_024));
  writeHead(writer, FIELDS, COLUMNAR, history.document, schema);
  writeChains(writer, chains);
  writer.arrayHeader(blocks.length);
  for (const block of blocks) writer.bytes(block);
  if (sealing !== null) return writeSeal(writer, sealing);
  writer.null();
  return writer.take();
}

/**
 * Reads the outline of a saved document, without a schema and without judging the changes: whoever receives the groups does
 * that. Refused as "malformed" or "unsupported_version".
 */
export function decodeSaved(bytes: Uint8Array): Result<SavedFile> {
  const reader = new ByteReader(bytes);
  const fields = reader.arrayHeader();
  const magic = reader.text();
  const version = reader.uint();
  if (reader.failed || magic !== MAGIC) return rejected("malformed", "not a saved document");
  const isColumnar = version === COLUMNAR && fields === FIELDS;
  if (version !== 1 && !isColumnar)
    return rejected("unsupported_version", `file version ${version} is not known here`);
  const document = reader.bytesOf(ID_BYTES);
  const schema = reader.isNull() ? null : reader.bytesOf(32);
  const groups = isColumnar ? readBlocks(reader, document) : readGroups(reader);
  const seal = isColumnar ? readSeal(reader, bytes) : null;
  if (!reader.done || (!isColumnar && fields !== 5))
    return rejected("malformed", "the file is cut off or damaged");
  return ok({ document, schema, groups, seal });
}

function writeHead(
  writer: ByteWriter,
  fields: number,
  version: number,
  document: Uint8Array,
  schema: Uint8Array | null,
): void {
  writer.arrayHeader(fields);
  writer.text(MAGIC);
  writer.uint(version);
  writer.bytes(document);
  if (schema === null) writer.null();
  else writer.bytes(schema);
}

function readGroups(reader: ByteReader): Uint8Array[] {
  const count = reader.arrayHeader();
  const groups: Uint8Array[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const group = reader.bytes();
    if (group.length > MAX_GROUP_BYTES) reader.fail();
    groups.push(group);
  }
  return groups;
}

function readBlocks(reader: ByteReader, document: Uint8Array): Iterable<Uint8Array> {
  const chains = readChains(reader);
  const count = reader.arrayHeader();
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < count && !reader.failed; i++) blocks.push(reader.bytes());
  return {
    *[Symbol.iterator]() {
      const columns = new BlockReader(document, chains);
      for (const block of blocks) {
        for (const group of columns.groups(block)) {
          yield group ?? new Uint8Array(0);
          if (group === null) return;
        }
      }
    },
  };
}

/** The table of chains: each author stands once, and is told by number after that. */
function writeChains(writer: ByteWriter, chains: readonly SavedChain[]): void {
  const numbers = new Map<string, number>();
  writer.arrayHeader(chains.length);
  for (const { author, chain } of chains) {
    const key = toHex(author);
    const known = numbers.get(key);
    writer.arrayHeader(2);
    if (known === undefined) {
      numbers.set(key, numbers.size);
      writer.bytes(author);
    } else {
      writer.uint(known);
    }
    writer.uint64(chain);
  }
}

function readChains(reader: ByteReader): SavedChain[] {
  const count = reader.arrayHeader();
  const authors: Uint8Array[] = [];
  const chains: SavedChain[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    if (reader.arrayHeader() !== 2) reader.fail();
    let author: Uint8Array | undefined;
    if (reader.peek() === 0) {
      author = authors[reader.uint()];
    } else {
      author = reader.bytesOf(ID_BYTES);
      authors.push(author);
    }
    const chain = reader.uint64();
    if (author === undefined) reader.fail();
    else chains.push({ author, chain });
  }
  return chains;
}

function blocksOf(history: SavedHistory, chains: SavedChain[]): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  const tips: number[] = [];
  let block: BlockWriter | null = null;
  const close = (): void => {
    if (block === null) return;
    const writer = new ByteWriter(1_024);
    block.finish(writer);
    blocks.push(writer.take());
    block = null;
  };
  for (const [start, end] of windowsOf(history)) {
    for (let row = start; row < end; row++) {
      chains[history.chainIndexAt(row)] ??= {
        author: history.authorAt(row),
        chain: history.chainAt(row),
      };
    }
    block ??= new BlockWriter(history, tips);
    block.addWindow(start, end);
    if (block.length >= FULL_BLOCK_BYTES) close();
  }
  close();
  return blocks;
}

/** Cuts a history into runs of closed groups, each run no more than what fits into one group. */
function* windowsOf(history: SavedHistory): Generator<readonly [number, number]> {
  let start = 0;
  let bytes = 0;
  for (let row = 0; row < history.length;) {
    const [, end] = history.groupRange(row);
    let size = 0;
    for (let i = row; i < end; i++) size += history.bodySizeAt(i) + GROUP_ENTRY_OVERHEAD;
    if (row > start && (end - start > MAX_GROUP_CHANGES || bytes + size > MAX_GROUP_BYTES - 8)) {
      yield [start, row];
      start = row;
      bytes = 0;
    }
    bytes += size;
    row = end;
  }
  if (history.length > start) yield [start, history.length];
}

/** Whether the blocks say just what the history holds. */
function isTrue(
  history: SavedHistory,
  chains: readonly SavedChain[],
  blocks: readonly Uint8Array[],
): boolean {
  let equal = 0;
  const reader = new BlockReader(history.document, chains, (row, body) => {
    if (row === equal && row < history.length && history.hasBody(row, body)) equal++;
    return history.idAt(row);
  });
  for (const block of blocks) {
    for (const group of reader.groups(block)) if (group === null) return false;
  }
  return equal === history.length;
}
