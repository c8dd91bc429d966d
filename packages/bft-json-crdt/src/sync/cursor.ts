/**
 * A cursor: a place in the order in which one end, mostly a relay, has applied its changes. Whoever kept one and comes
 * back is sent what is behind it, without a comparison of tips. To whoever keeps it, it is opaque.
 *
 * `epoch` names the log that the order is of, `position` counts the changes before the place, and `order` is a hash over
 * their ids in that order. So a log that lost its end and grew again otherwise, or was read back in another order, does
 * not take a cursor for its own, whatever names it bears.
 */
import { SYNC_TAG } from "../change/index.ts";
import { sha256 } from "../crypto/index.ts";
import { toHex } from "../encoding/bytes.ts";
import type { History } from "../history/index.ts";
import { ORDER_BLOCK } from "./bounds.ts";

/** A place in the log of a peer, as it travels. */
export interface Cursor {
  /** 32 lower-case hexadecimal digits. */
  readonly epoch: string;
  /** How many changes are before it. */
  readonly position: number;
  /** 64 lower-case hexadecimal digits: which changes these are, in their order. */
  readonly order: string;
}

const EPOCH_PATTERN = /^[0-9a-f]{32}$/u;
const ORDER_PATTERN = /^[0-9a-f]{64}$/u;

/** Reads the fields of a cursor; null for anything else. Never throws; fields of other names are passed over. */
export function parseCursor(value: unknown): Cursor | null {
  if (typeof value !== "object" || value === null) return null;
  const { epoch, position, order } = value as { readonly [key in keyof Cursor]?: unknown };
  if (typeof epoch !== "string" || !EPOCH_PATTERN.test(epoch)) return null;
  if (typeof order !== "string" || !ORDER_PATTERN.test(order)) return null;
  if (!Number.isSafeInteger(position) || (position as number) < 0) return null;
  return { epoch, position: position as number, order };
}

/** What goes before the hashed bytes, after the tag; 0 to 2 are in tips.ts. */
const KIND_ORDER = 3;

const HASH_BYTES = 32;

/**
 * The order of one history and the cursors in it. The hash of the first n changes is SHA-256(sync tag ‖ 3 ‖ the hash of
 * the first b ‖ the ids from there on), where b is the greatest multiple of 256 below n; that of none is 32 zeros. So each
 * block is hashed once, and any place costs one more hash of at most a block.
 */
export class AppliedOrder {
  readonly #history: Pick<History, "idViewAt">;
  readonly #epoch: string;
  /** The hash at each multiple of ORDER_BLOCK, as far as it was asked for. */
  readonly #blocks: Uint8Array[] = [new Uint8Array(HASH_BYTES)];
  #last: Cursor;

  /** `epoch`: 32 hexadecimal digits that no other log bears. */
  constructor(history: Pick<History, "idViewAt">, epoch: string) {
    this.#history = history;
    this.#epoch = epoch;
    this.#last = { epoch, position: 0, order: toHex(this.#blocks[0]!) };
  }

  /** The cursor behind the first `position` changes, which must be there. */
  at(position: number): Cursor {
    // Many sessions ask for the same place.
    if (position !== this.#last.position)
      this.#last = { epoch: this.#epoch, position, order: toHex(this.#hashAt(position)) };
    return this.#last;
  }

  /** Whether a cursor is one of this log, and among its first `length` changes. */
  holds({ epoch, position, order }: Cursor, length: number): boolean {
    return epoch === this.#epoch && position <= length && order === this.at(position).order;
  }

  #hashAt(position: number): Uint8Array {
    const block = Math.floor(position / ORDER_BLOCK);
    while (this.#blocks.length <= block) {
      const start = (this.#blocks.length - 1) * ORDER_BLOCK;
      this.#blocks.push(this.#hash(start, start + ORDER_BLOCK));
    }
    const start = block * ORDER_BLOCK;
    return start === position ? this.#blocks[block]! : this.#hash(start, position);
  }

  #hash(start: number, end: number): Uint8Array {
    const at = SYNC_TAG.length + 1;
    const input = new Uint8Array(at + HASH_BYTES * (1 + end - start));
    input.set(SYNC_TAG);
    input[SYNC_TAG.length] = KIND_ORDER;
    input.set(this.#blocks[start / ORDER_BLOCK]!, at);
    for (let index = start; index < end; index++)
      input.set(this.#history.idViewAt(index), at + HASH_BYTES * (1 + index - start));
    return sha256(input);
  }
}
