/**
 * The buffer in which bodies are written one after another, ready to be hashed.
 *
 * Typing makes a change for each key, so what the next body is likely to need again stays: behind the tag that is hashed
 * before a body, what the changes of one chain begin with, which is nearly half of a small one; and the views of bodies of
 * one length, each of which costs as much as copying the body.
 */
import { ByteWriter } from "../encoding/writer.ts";
import { sha256 } from "../crypto/index.ts";
import { writeChainHead } from "./body.ts";
import { CHANGE_TAG } from "./tags.ts";

/** Bytes at first, and bytes that are kept from one body to the next. */
const FIRST_BYTES = 512;
const MAX_KEPT_BYTES = 65_536;

/** Views that are kept, by the lengths of what they show; a power of two. */
const KEPT_VIEWS = 64;

/** Where the bodies of one document are written. What is written goes through `writer`, between `begin` and `hash`. */
export class BodyBuffer {
  /** Appends to the body that was begun last. */
  readonly writer = new ByteWriter(FIRST_BYTES);
  readonly #document: Uint8Array;
  /** Whose head the buffer begins with, and where that ends; 0 when it does not begin with any. */
  #author: Uint8Array | null = null;
  #chain = 0n;
  #headEnd = 0;
  /** Views of the whole and of the body alone, while the buffer has so many bytes. */
  readonly #wholes: Uint8Array[] = [];
  readonly #bodies: Uint8Array[] = [];
  #capacity = FIRST_BYTES;

  /** For bodies of a document, by its id. */
  constructor(document: Uint8Array) {
    this.#document = document;
  }

  /** Begins a body with its head, up to the chain; the one before is overwritten. */
  begin(author: Uint8Array, chain: bigint): void {
    const { writer } = this;
    if (this.#headEnd > 0 && author === this.#author && chain === this.#chain) {
      writer.reset(this.#headEnd);
      return;
    }
    writer.reset();
    writer.raw(CHANGE_TAG);
    writeChainHead(writer, { document: this.#document, author, chain });
    this.#author = author;
    this.#chain = chain;
    this.#headEnd = writer.length;
  }

  /** Bytes of the body so far. */
  get length(): number {
    return this.writer.length - CHANGE_TAG.length;
  }

  /** The body: a view that lasts until the next one is begun. */
  body(): Uint8Array {
    return this.#view(this.#bodies, CHANGE_TAG.length);
  }

  /** Writes the id of the body, 32 bytes, to `id`. */
  hash(id: Uint8Array): void {
    sha256(this.#view(this.#wholes, 0), id);
  }

  /** Gives up a large buffer: to be called when the body is complete. What was seen of it lasts. */
  settle(): void {
    if (this.writer.capacity <= MAX_KEPT_BYTES) return;
    this.writer.renew(FIRST_BYTES);
    this.#headEnd = 0;
    this.#capacity = FIRST_BYTES;
    // They hold the buffer that is given up.
    this.#wholes.length = 0;
    this.#bodies.length = 0;
  }

  #view(views: Uint8Array[], start: number): Uint8Array {
    const { writer } = this;
    if (writer.capacity !== this.#capacity) {
      this.#wholes.length = 0;
      this.#bodies.length = 0;
      this.#capacity = writer.capacity;
    }
    const size = writer.length - start;
    const known = views[size % KEPT_VIEWS];
    if (known !== undefined && known.length === size) return known;
    const view = writer.view(start);
    views[size % KEPT_VIEWS] = view;
    return view;
  }
}
