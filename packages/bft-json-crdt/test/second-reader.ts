/**
 * A second reader of saved files of version 2, written from docs/saved-format.md alone, on node:zlib and node:crypto. Slow
 * and plain on purpose; it shares no code with the library. Numbers in comments are sections there.
 */
import { createHash } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { decodeItem } from "./second-implementation.ts";
import type { Item } from "./second-implementation.ts";

/** What a window holds: bodies, and signatures where there are any. */
export type Window = { readonly body: Buffer; readonly signature: Buffer | null }[];

/** A file as it is read. */
export interface SecondFile {
  readonly document: Buffer;
  readonly windows: Window[];
  /** The seal: who made it, the view as it is encoded, and what was signed. */
  readonly seal: { author: Buffer; view: Item; message: Buffer; signature: Buffer } | null;
}

interface Row {
  readonly id: Buffer;
  readonly chain: number;
  readonly prev: number;
  readonly seq: number;
  readonly lamport: number;
  readonly made: number;
  /** Position of its first element on its line. */
  readonly base: number;
}

/** Reads a file; throws for one that is damaged. */
export function readSecond(bytes: Uint8Array): SecondFile {
  const [magic, version, document, , chains, blocks, seal] = decodeItem(bytes) as Item[];
  must(magic === "bft-json-crdt" && version === 2n);
  const authors: Item[] = [];
  const table = (chains as Item[][]).map(([author, chain]) => {
    if (author instanceof Uint8Array) authors.push(author);
    const id = author instanceof Uint8Array ? author : authors[Number(author)]!;
    return { author: Buffer.from(id as Uint8Array), chain: chain as bigint };
  });
  const file = new Reader(Buffer.from(document as Uint8Array), table);
  const windows = (blocks as Uint8Array[]).flatMap((block) => file.block(block));
  return { document: file.document, windows, seal: seal === null ? null : sealOf(seal!, bytes) };
}

/** 3 */
function sealOf(seal: Item, bytes: Uint8Array): SecondFile["seal"] {
  const [author, folding, view, signature] = seal as Item[];
  must(folding === 1n);
  const hash = createHash("sha256").update(bytes.subarray(0, -64)).digest();
  return {
    author: Buffer.from(author as Uint8Array),
    view: decodeItem(unpacked(view!), 140),
    message: Buffer.concat([Buffer.from("bft-json-crdt/1 seal\0"), hash]),
    signature: Buffer.from(signature as Uint8Array),
  };
}

class Reader {
  readonly document: Buffer;
  readonly #table: readonly { author: Buffer; chain: bigint }[];
  readonly #rows: Row[] = [];

  constructor(document: Buffer, table: readonly { author: Buffer; chain: bigint }[]) {
    this.document = document;
    this.#table = table;
  }

  /** 1: a block. */
  block(bytes: Uint8Array): Window[] {
    const [signatures, ...columns] = decodeItem(bytes) as Item[];
    must(columns.length === 24);
    const block = new Block(columns.map(unpacked));
    const unread = Buffer.from(signatures as Uint8Array);
    let used = 0;
    const windows: Window[] = [];
    while (!block.isOver(0)) {
      const start = this.#rows.length;
      const bodies = Array.from({ length: block.next(0) }, () => this.#change(block));
      const covered = new Set(this.#rows.slice(start).map(({ prev }) => prev));
      windows.push(
        bodies.map((body, i) => {
          if (covered.has(start + i)) return { body, signature: null };
          used += 64;
          return { body, signature: unread.subarray(used - 64, used) };
        }),
      );
    }
    for (let column = 0; column < 24; column++) must(block.isOver(column));
    must(used === unread.length);
    return windows;
  }

  #change(block: Block): Buffer {
    const rows = this.#rows;
    const row = rows.length;
    const chain = block.next(1);
    const code = block.next(2);
    const before = rows.map((each) => each.chain).lastIndexOf(chain);
    const prev = code === 0 ? before : code === 1 ? -1 : row - (code - 1);
    must(prev < 0 || rows[prev]!.chain === chain);
    const parents = block.next(3);
    const refs = block.next(4);
    const named = Array.from({ length: parents + refs }, () => row - 1 - block.next(5));
    const line = prev < 0 ? null : rows[prev]!;
    const seq = line === null ? 1 : line.seq + 1;
    const base = line === null ? 0 : line.base + line.made;
    const lamport = 1 + Math.max(0, ...[prev, ...named].map((each) => rows[each]?.lamport ?? 0));
    const time = block.time();
    const ops = block.next(8);
    const ids = named.map((each) => bytesItem(rows[each]!.id));
    const { author, chain: number } = this.#table[chain]!;
    const writing = { chain, prev, named, base, made: 0 };
    const parts = Array.from({ length: ops }, () => this.#op(block, writing));
    const body = Buffer.concat([
      head(4, 11),
      head(0, 1),
      bytesItem(this.document),
      bytesItem(author),
      head(0, number),
      head(0, seq),
      line === null ? NULL : bytesItem(line.id),
      head(4, parents),
      ...ids.slice(0, parents),
      head(0, lamport),
      time === null ? NULL : head(0, time),
      head(4, refs),
      ...ids.slice(parents),
      head(4, ops),
      ...parts,
    ]);
    const id = createHash("sha256")
      .update(Buffer.concat([Buffer.from("bft-json-crdt/1 change\0"), body]))
      .digest();
    rows.push({ id, chain, prev, seq, lamport, made: writing.made, base });
    return body;
  }

  /** 2 */
  #op(block: Block, at: Writing): Buffer {
    const code = block.bytes(20, 1)[0]!;
    must(code <= 19);
    if (code === 0) {
      const op = block.bytes(22, block.next(19));
      at.made += Number((decodeItem(op, 72) as Item[])[1]);
      return op;
    }
    if (code <= 10) return this.#insert(block, at, code <= 5 ? 2 : 1, (code - 1) % 5);
    if (code <= 15) {
      const ranges = code === 15 ? this.#ranges(block, at, 10) : [this.#ownRange(block, at, code)];
      const list = Buffer.concat(ranges);
      return Buffer.concat([
        head(4, 4),
        head(0, 3),
        head(0, 0),
        head(4, 4 * ranges.length),
        list,
        NULL,
      ]);
    }
    if (code === 19) {
      const place = this.#place(block, at);
      const amount = block.bytes(22, block.next(19));
      return Buffer.concat([head(4, 4), head(0, 5), head(0, 0), head(4, 1), place, amount]);
    }
    const count = block.next(12);
    const place = this.#place(block, at);
    const ranges = Array.from({ length: count }, () => this.#range(block, at, 14));
    const own = code === 17 ? 0 : 1;
    const value = own === 0 ? NULL : block.bytes(22, block.next(19));
    at.made += own;
    const start = [head(4, 4), head(0, code === 18 ? 6 : 4), head(0, own), head(4, 1 + 4 * count)];
    return Buffer.concat([...start, place, ...ranges, value]);
  }

  #insert(block: Block, at: Writing, kind: number, form: number): Buffer {
    const cursor = block.cursor(10, at.chain);
    const side = head(0, (form + 1) % 2);
    const targets =
      form === 0
        ? [head(4, 1), this.#place(block, at)]
        : [head(4, 4), side, form <= 2 ? this.#named(at, 0, cursor) : this.#target(block, at, 10)];
    let own: number;
    let content: Buffer[];
    if (kind === 2) {
      const text = block.bytes(21, block.next(18));
      own = [...text.toString("utf8")].length;
      content = [head(3, text.length), text];
    } else {
      own = block.next(15);
      content = [head(4, own), block.bytes(22, block.next(19))];
    }
    at.made += own;
    block.setCursor(10, at.chain, at.base + at.made - 1);
    return Buffer.concat([head(4, 4), head(0, kind), head(0, own), ...targets, ...content]);
  }

  /** Codes 11 to 14. */
  #ownRange(block: Block, at: Writing, code: number): Buffer {
    const step = code === 14 ? unzigzag(block.next(10)) : [0, -1, 1][code - 11]!;
    const count = block.next(11);
    const first = block.cursor(10, at.chain) + step - count + 1;
    block.setCursor(10, at.chain, first);
    return Buffer.concat([this.#named(at, 0, first), head(0, count)]);
  }

  #ranges(block: Block, at: Writing, column: number): Buffer[] {
    return Array.from({ length: block.next(12) }, () => this.#range(block, at, column));
  }

  #range(block: Block, at: Writing, column: number): Buffer {
    const target = this.#target(block, at, column);
    return Buffer.concat([target, head(0, block.next(11))]);
  }

  #place(block: Block, at: Writing): Buffer {
    const path = block.next(16);
    const names = path >> 1;
    const owner = path % 2 === 1 ? [this.#target(block, at, 13)] : [];
    const parts = Array.from({ length: names }, () => block.name());
    return Buffer.concat([head(4, names + 3 * owner.length), ...owner, ...parts]);
  }

  /** 2.2 */
  #target(block: Block, at: Writing, column: number): Buffer {
    const line = block.next(9);
    const chain = line === 0 ? at.chain : this.#rows[at.named[line - 1]!]!.chain;
    const position = block.cursor(column, chain) + unzigzag(block.next(column));
    block.setCursor(column, chain, position);
    return this.#named(at, line, position);
  }

  #named(at: Writing, line: number, position: number): Buffer {
    must(position >= 0);
    if (line === 0 && position >= at.base) {
      return Buffer.concat([head(0, 0), head(0, 0), head(0, position - at.base)]);
    }
    let back = 0;
    let row = this.#rows[line === 0 ? at.prev : at.named[line - 1]!]!;
    for (; position < row.base; back++) row = this.#rows[row.prev]!;
    must(position < row.base + row.made);
    return Buffer.concat([head(0, line + 1), head(0, back), head(0, position - row.base)]);
  }
}

/** The change that is being read. */
interface Writing {
  readonly chain: number;
  readonly prev: number;
  readonly named: readonly number[];
  readonly base: number;
  made: number;
}

class Block {
  readonly #columns: readonly Buffer[];
  readonly #offsets: number[] = Array.from({ length: 24 }, () => 0);
  /** The rest of the run of each column: how many, and the value or null for each its own. */
  readonly #runs: ({ left: number; value: number | null } | undefined)[] = [];
  readonly #cursors = new Map<string, number>();
  readonly #names: Buffer[] = [];
  #lastTime = 0;

  constructor(columns: readonly Buffer[]) {
    this.#columns = columns;
  }

  isOver(column: number): boolean {
    const run = this.#runs[column];
    return (run?.left ?? 0) === 0 && this.#offsets[column] === this.#columns[column]!.length;
  }

  next(column: number): number {
    let run = this.#runs[column];
    if (run === undefined || run.left === 0) {
      const length = this.#leb(column);
      run = { left: Math.floor(length / 2), value: length % 2 === 1 ? null : this.#leb(column) };
      must(run.left > 0);
      this.#runs[column] = run;
    }
    run.left--;
    return run.value ?? this.#leb(column);
  }

  bytes(column: number, length: number): Buffer {
    const start = this.#offsets[column]!;
    must(start + length <= this.#columns[column]!.length);
    this.#offsets[column] = start + length;
    return this.#columns[column]!.subarray(start, start + length);
  }

  time(): number | null {
    const code = this.next(6);
    if (code === 0) return null;
    this.#lastTime = code === 1 ? this.next(7) : this.#lastTime + unzigzag(code - 2);
    return this.#lastTime;
  }

  name(): Buffer {
    const number = this.next(17);
    if (number > 0) return this.#names[number - 1]!;
    const text = this.bytes(23, this.next(19));
    const name = Buffer.concat([head(3, text.length), text]);
    this.#names.push(name);
    return name;
  }

  cursor(column: number, chain: number): number {
    return this.#cursors.get(`${column} ${chain}`) ?? 0;
  }

  setCursor(column: number, chain: number, position: number): void {
    this.#cursors.set(`${column} ${chain}`, position);
  }

  #leb(column: number): number {
    let n = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes(column, 1)[0]!;
      n |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(n);
    }
  }
}

const NULL = Buffer.of(0xf6);

function unpacked(column: Item): Buffer {
  if (column instanceof Uint8Array) return Buffer.from(column);
  const [length, deflated] = column as Item[];
  const bytes = inflateRawSync(deflated as Uint8Array);
  must(BigInt(bytes.length) === length);
  return bytes;
}

function unzigzag(count: number): number {
  return count % 2 === 0 ? count / 2 : -(count + 1) / 2;
}

/** The head of an item (wire-format.md, 2): as short as it can be. */
function head(major: number, n: number | bigint): Buffer {
  const value = BigInt(n);
  if (value < 24n) return Buffer.of(major * 32 + Number(value));
  const info = [8n, 16n, 32n, 64n].findIndex((bits) => value < 1n << bits);
  const argument = Buffer.alloc(8);
  argument.writeBigUInt64BE(value);
  return Buffer.concat([Buffer.of(major * 32 + 24 + info), argument.subarray(8 - 2 ** info)]);
}

function bytesItem(bytes: Buffer): Buffer {
  return Buffer.concat([head(2, bytes.length), bytes]);
}

function must(condition: boolean): asserts condition {
  if (!condition) throw new Error("damaged");
}
