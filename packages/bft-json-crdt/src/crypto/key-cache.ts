/**
 * Remembers what was worked out for a key, for a bounded number of keys.
 */

import { equalBytes, toHex } from "../encoding/bytes.ts";

/** A map from public byte strings to values that forgets its oldest entry when it is full. */
export class KeyCache<T> {
  private readonly capacity: number;
  private readonly entries = new Map<string, T>();
  /** The entry used last: runs of changes by one author are the common case. */
  private recentKey = new Uint8Array(0);
  private recentValue: T | undefined = undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The value stored for this key, or undefined. */
  get(key: Uint8Array): T | undefined {
    if (this.recentValue !== undefined && equalBytes(key, this.recentKey)) return this.recentValue;
    const value = this.entries.get(toHex(key));
    if (value !== undefined) this.remember(key, value);
    return value;
  }

  /** Stores a value for a key that has none. */
  set(key: Uint8Array, value: T): void {
    if (this.entries.size >= this.capacity) {
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest);
        break;
      }
    }
    this.entries.set(toHex(key), value);
    this.remember(key, value);
  }

  private remember(key: Uint8Array, value: T): void {
    // A copy: the caller may reuse the buffer that this key is a view of.
    this.recentKey = Uint8Array.from(key);
    this.recentValue = value;
  }
}
