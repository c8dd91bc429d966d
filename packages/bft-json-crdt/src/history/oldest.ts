/**
 * The oldest keys of a Map or Set that is used as a queue.
 *
 * The engine leaves a hole where a key was deleted, until the table is made anew. Whoever asks for the first key by a new iterator each
 * time walks through all holes each time, which in a table of n keys takes n/4 steps on average; one iterator that stays walks
 * through each hole once.
 */

/** Gives the keys of a table in the order in which they were added, each to be deleted before the next is asked for. */
export class Oldest<Key> {
  readonly #table: { keys(): IterableIterator<Key> };
  #walk: IterableIterator<Key> | null = null;

  constructor(table: { keys(): IterableIterator<Key> }) {
    this.#table = table;
  }

  /** The oldest key; undefined when there is none. */
  next(): Key | undefined {
    const next = this.#walk?.next();
    if (next?.done === false) return next.value;
    // The first time; or all that came was deleted, and an iterator that has ended sees nothing of what comes later.
    this.#walk = this.#table.keys();
    const first = this.#walk.next();
    if (first.done !== true) return first.value;
    this.#walk = null;
    return undefined;
  }
}
