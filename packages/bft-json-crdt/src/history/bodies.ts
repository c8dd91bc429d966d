/**
 * The bodies of changes without what each begins with: document, author, chain, seq and prev are known otherwise and are
 * most of a small one. Encoding is canonical, so that what was left out is written again, to the byte, when somebody asks.
 */
import { ID_BYTES, writeChainHead } from "../change/index.ts";
import { ByteWriter, headSize } from "../encoding/writer.ts";
import { ByteLog } from "./byte-log.ts";
import type { Chains } from "./chains.ts";
import { IntColumn } from "./columns.ts";
import type { IdTable } from "./id-table.ts";

/** Bytes of a prev, with its head, and of none. */
const PREV_BYTES = 2 + ID_BYTES;
const NO_PREV_BYTES = 1;

/** Bytes that the changes of a chain begin with, at most. */
const CHAIN_HEAD_BYTES = 2 + 2 * (2 + ID_BYTES) + 9;

/** Bytes at first, and bytes that are kept from one body to the next. */
const FIRST_BYTES = 512;
const MAX_KEPT_BYTES = 65_536;

/** Chains of which it is kept what their changes begin with: of those who write by turns each. */
const KEPT_HEADS = 16;

/** The bodies of all changes of one document, by their local indexes. */
export class Bodies {
  readonly #document: Uint8Array;
  readonly #ids: IdTable;
  readonly #chains: Chains;
  readonly #tails = new ByteLog();
  readonly #writer = new ByteWriter(FIRST_BYTES);
  /** What all changes of a chain begin with, of chains that were asked for lately, each at the place of its number. */
  readonly #chainHeads: { readonly chain: number; readonly head: Uint8Array }[] = [];
  /** Of each chain how many bytes its changes begin with. */
  readonly #chainHeadSizes = new IntColumn();

  /** `ids` and `chains` know of each change what is left out. */
  constructor(document: Uint8Array, ids: IdTable, chains: Chains) {
    this.#document = document;
    this.#ids = ids;
    this.#chains = chains;
  }

  /** How many there are. */
  get length(): number {
    return this.#tails.length;
  }

  /**
   * Adds the body of the next change, which the chains know, of a seq and with a prev (-1: none). Returns how many bytes stand
   * before its tail.
   */
  push(body: Uint8Array, seq: number, prev: number): number {
    const { length } = this;
    const chain = this.#chains.chainIndex(length);
    if (chain === this.#chainHeadSizes.length)
      this.#chainHeadSizes.push(this.#headOf(chain).length);
    const head = this.#headBytes(chain, seq, prev);
    this.#tails.push(body, head);
    return head;
  }

  /** The bytes of a body from its parents on: a view, not to be written to. */
  tailAt(index: number): Uint8Array {
    return this.#tails.at(index);
  }

  /** How many bytes of a body stand before its tail. */
  headBytesAt(index: number): number {
    const chains = this.#chains;
    return this.#headBytes(chains.chainIndex(index), chains.seq(index), chains.prev(index));
  }

  /** How many bytes a body has. */
  sizeAt(index: number): number {
    return this.headBytesAt(index) + this.#tails.sizeAt(index);
  }

  /** A body: good until the next call. */
  passingAt(index: number): Uint8Array {
    const writer = this.#writer;
    if (writer.capacity > MAX_KEPT_BYTES) writer.renew(FIRST_BYTES);
    writer.reset();
    this.writeTo(writer, index);
    return writer.view();
  }

  /** Writes a body. */
  writeTo(writer: ByteWriter, index: number): void {
    const chains = this.#chains;
    writer.raw(this.#headOf(chains.chainIndex(index)));
    writer.uint(chains.seq(index));
    const prev = chains.prev(index);
    if (prev < 0) writer.null();
    else {
      writer.bytesHeader(ID_BYTES);
      this.#ids.writeTo(writer, prev);
    }
    this.#tails.writeTo(writer, index);
  }

  #headBytes(chain: number, seq: number, prev: number): number {
    return this.#chainHeadSizes.at(chain) + headSize(seq) + (prev < 0 ? NO_PREV_BYTES : PREV_BYTES);
  }

  /** What the changes of a chain begin with. */
  #headOf(chain: number): Uint8Array {
    const place = chain % KEPT_HEADS;
    const kept = this.#chainHeads[place];
    if (kept?.chain === chain) return kept.head;
    const writer = new ByteWriter(CHAIN_HEAD_BYTES);
    writeChainHead(writer, {
      document: this.#document,
      author: this.#chains.authorOf(chain),
      chain: this.#chains.numberOf(chain),
    });
    const head = writer.whole();
    this.#chainHeads[place] = { chain, head };
    return head;
  }
}
