/** A list kept in chunks, to know what a list must hold after many edits at random places: simple, and fast enough. */
import type { Random } from "./random.ts";
import type { ListDocument, ListEdit } from "./subjects/library.ts";

const CHUNK = 1_000;

/** The model. */
export class ModelList {
  readonly #chunks: number[][] = [[]];

  constructor(items: readonly number[] = []) {
    for (let at = 0; at < items.length; at += CHUNK) this.#chunks.push(items.slice(at, at + CHUNK));
  }

  edit([index, value]: ListEdit): void {
    let at = 0;
    let offset = index;
    // What is deleted must be there; an insertion may stand behind all.
    const least = value === null ? 1 : 0;
    while (offset + least > this.#chunks[at]!.length) {
      offset -= this.#chunks[at]!.length;
      at++;
    }
    const chunk = this.#chunks[at]!;
    if (value === null) {
      chunk.splice(offset, 1);
      return;
    }
    chunk.splice(offset, 0, value);
    if (chunk.length > 2 * CHUNK)
      this.#chunks.splice(at, 1, chunk.slice(0, CHUNK), chunk.slice(CHUNK));
  }

  toArray(): number[] {
    return this.#chunks.flat();
  }
}

/** Items appended at once. */
const AT_ONCE = 1_000;

/** Appends the numbers from 0 on, a thousand at a time. */
export function appendTo(list: ListDocument, size: number): void {
  for (let from = 0; from < size; from += AT_ONCE) {
    list.append(numbersFrom(from, Math.min(size, from + AT_ONCE)));
  }
}

/** The numbers from one up to another. */
export function numbersFrom(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Inserts the numbers from 0 on, each anywhere. */
export function scattered(size: number, random: Random): ListEdit[] {
  return Array.from({ length: size }, (_, i) => [Math.floor(random() * (i + 1)), i] as const);
}

/** Inserts and deletes by turns, each anywhere in a list of so many. */
export function mixed(count: number, size: number, random: Random): ListEdit[] {
  return Array.from({ length: count }, (_, i) => {
    const isDeletion = i % 2 === 1;
    const places = size + 1;
    return [Math.floor(random() * places), isDeletion ? null : size + i] as const;
  });
}

/** The order-dependent sum of a list: two lists have the same only if they are equal, as good as surely. */
export function digestOf(values: readonly number[]): string {
  let [a, b] = [0, 0];
  for (const value of values) {
    a = (Math.imul(a, 31) + value) | 0;
    b = (Math.imul(b ^ value, 0x01000193) + 1) | 0;
  }
  return `${values.length}:${a}:${b}`;
}
