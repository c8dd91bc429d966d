/**
 * The merge logic of a set: a value is in it while at least one of its additions stands.
 *
 * An addition is an element; a removal names additions. So an addition that a removal had not seen survives it
 * (observed-remove set, Shapiro et al. 2011, with elements in the place of unique tags).
 */
import { encodeValue } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";

interface Entry {
  readonly value: Value;
  readonly elements: Set<number>;
}

/** The additions of one set that stand; elements are named by their local numbers. */
export class Additions {
  readonly #entries = new Map<string, Entry>();
  readonly #keys = new Map<number, string>();

  /** How many different values are in the set. */
  get size(): number {
    return this.#entries.size;
  }

  has(value: Value): boolean {
    return this.#entries.has(keyOf(encodeValue(value)));
  }

  /** True when this addition stands. */
  stands(element: number): boolean {
    return this.#keys.has(element);
  }

  /** The standing additions of a value. */
  elementsOf(value: Value): readonly number[] {
    return [...(this.#entries.get(keyOf(encodeValue(value)))?.elements ?? [])];
  }

  /** Adds an addition; true when the value was not in the set before. */
  add(element: number, value: Value): boolean {
    const bytes = encodeValue(value);
    const key = keyOf(bytes);
    this.#keys.set(element, key);
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      entry.elements.add(element);
      return false;
    }
    this.#entries.set(key, { value, elements: new Set([element]) });
    return true;
  }

  /** Removes an addition; returns the value when it has left the set with it, undefined otherwise. */
  remove(element: number): Value | undefined {
    const key = this.#keys.get(element);
    if (key === undefined) return undefined;
    this.#keys.delete(element);
    const entry = this.#entries.get(key)!;
    entry.elements.delete(element);
    if (entry.elements.size > 0) return undefined;
    this.#entries.delete(key);
    return entry.value;
  }

  /** All values in the order of their encoded bytes. */
  values(): Value[] {
    // Keys are bytes as code units, so the order of strings is the order of bytes.
    return [...this.#entries.keys()]
      .sort(compareStrings)
      .map((key) => this.#entries.get(key)!.value);
  }
}

function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Bytes as a string of code units 0–255, in pieces that fit an argument list. */
function keyOf(bytes: Uint8Array): string {
  let key = "";
  for (let start = 0; start < bytes.length; start += 4_096) {
    key += String.fromCharCode(...bytes.subarray(start, start + 4_096));
  }
  return key;
}
