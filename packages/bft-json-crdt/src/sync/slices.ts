/**
 * Stretches of histories as they were encoded for one peer, kept for others who lack the same: thousands who come back after a
 * restart, and whoever asks for everything again and again.
 */
import { MisuseError } from "../result.ts";
import type { SyncHistory } from "./tips.ts";

/** Consecutive changes as closed groups. */
export interface Slice {
  /** The local index after the last one. */
  readonly end: number;
  /** What the groups may take at most, in bytes. */
  readonly bytes: number;
  /** What is sent, a frame each. */
  readonly groups: readonly Uint8Array[];
}

/** A slice, and where it is found. */
interface Kept extends Slice {
  readonly start: number;
  readonly among: Map<number, Kept>;
}

/**
 * What sessions of any number of histories share (see `SyncSessionOptions.slices`): up to so many bytes, of which those go first that
 * were not sent for longest. What an applied change is encoded as never changes, so nothing in here becomes wrong.
 */
export class SliceCache {
  readonly #mostBytes: number;
  #bytes = 0;
  /** By their histories, of which none is kept alive by this, and their first local indexes. */
  readonly #histories = new WeakMap<object, Map<number, Kept>>();
  /** The one that was sent last stands last. */
  readonly #order = new Set<Kept>();

  /** Throws MisuseError for a bound that is no number of bytes. */
  constructor(mostBytes: number) {
    if (!Number.isSafeInteger(mostBytes) || mostBytes < 0)
      throw new MisuseError("bad_value", "the bytes must be a whole number of at least 0");
    this.#mostBytes = mostBytes;
  }

  /** How many bytes all slices take together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True when a slice is kept that begins at a local index. */
  has(history: SyncHistory, start: number): boolean {
    return this.#histories.get(history)?.has(start) === true;
  }

  /** The slice that begins at a local index, to be sent; null when none is kept. */
  take(history: SyncHistory, start: number): Slice | null {
    const kept = this.#histories.get(history)?.get(start);
    if (kept === undefined) return null;
    this.#order.delete(kept);
    this.#order.add(kept);
    return kept;
  }

  /** Keeps the slice that begins at a local index, in the place of another one. */
  keep(history: SyncHistory, start: number, slice: Slice): void {
    if (slice.bytes > this.#mostBytes) return;
    let among = this.#histories.get(history);
    if (among === undefined) this.#histories.set(history, (among = new Map<number, Kept>()));
    const before = among.get(start);
    if (before !== undefined) this.#forget(before);
    const kept: Kept = { ...slice, start, among };
    among.set(start, kept);
    this.#order.add(kept);
    this.#bytes += slice.bytes;
    for (const oldest of this.#order) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(kept: Kept): void {
    kept.among.delete(kept.start);
    this.#order.delete(kept);
    this.#bytes -= kept.bytes;
  }
}
