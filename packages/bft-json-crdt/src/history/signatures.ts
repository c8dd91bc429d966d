/** The signatures of applied changes: many changes have none of their own, since a later one vouches for them. */
import { SIGNATURE_BYTES } from "../change/index.ts";
import { ByteLog } from "./byte-log.ts";
import { IntColumn } from "./columns.ts";

/** A growable column of signatures or nulls. */
export class Signatures {
  readonly #kept = new ByteLog();
  /** Row in `#kept`, or -1. */
  readonly #rows = new IntColumn();

  /** Adds a copy of the next change's signature, or null. */
  push(signature: Uint8Array | null): void {
    this.#rows.push(-1);
    if (signature !== null) this.set(this.#rows.length - 1, signature);
  }

  /** Gives a change that has none a signature. */
  set(row: number, signature: Uint8Array): void {
    if (signature.length !== SIGNATURE_BYTES) throw new Error("a signature has 64 bytes");
    this.#rows.set(row, this.#kept.length);
    this.#kept.push(signature);
  }

  /** The signature of a change (a view, not to be written to), or null. */
  at(row: number): Uint8Array | null {
    const kept = this.#rows.at(row);
    return kept < 0 ? null : this.#kept.at(kept);
  }

  has(row: number): boolean {
    return this.#rows.at(row) >= 0;
  }
}
