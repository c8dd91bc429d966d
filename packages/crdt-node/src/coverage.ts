/**
 * Which changes a relay has acknowledged as durable. An acknowledgement of one change covers everything that it builds
 * on, since a relay acknowledges only what it has applied.
 */

/** The part of a history that is needed to walk down it. */
interface Ancestry {
  readonly length: number;
  dependencies(index: number): readonly number[];
}

/** A set of changes, closed downwards; indexes are the history's local ones. */
export class Coverage {
  #covered = new Uint8Array(0);

  /** Adds a change and all that it builds on; each change is visited once in the life of the set. */
  add(history: Ancestry, index: number): void {
    if (index < 0 || this.has(index)) return;
    if (this.#covered.length < history.length) {
      const grown = new Uint8Array(Math.max(history.length, this.#covered.length * 2, 1_024));
      grown.set(this.#covered);
      this.#covered = grown;
    }
    const stack = [index];
    this.#covered[index] = 1;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      for (const dependency of history.dependencies(at)) {
        if (this.#covered[dependency] === 1) continue;
        this.#covered[dependency] = 1;
        stack.push(dependency);
      }
    }
  }

  has(index: number): boolean {
    return this.#covered[index] === 1;
  }
}
