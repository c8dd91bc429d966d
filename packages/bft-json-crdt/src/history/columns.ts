/** Growable flat columns: one number per row without an object per row. */

/** Rows for which there is room at first: V8 keeps so small an array in one piece, and a relay holds very many short histories. */
const FEW = 8;

/** A growable column of 32-bit signed integers. */
export class IntColumn {
  length = 0;
  #cells = new Int32Array(FEW);

  push(value: number): void {
    if (this.length === this.#cells.length) {
      const grown = new Int32Array(this.#cells.length * 2);
      grown.set(this.#cells);
      this.#cells = grown;
    }
    this.#cells[this.length++] = value;
  }

  at(row: number): number {
    return this.#cells[row]!;
  }

  set(row: number, value: number): void {
    this.#cells[row] = value;
  }
}

/** A growable column of doubles, for counts that may exceed 32 bits. */
export class FloatColumn {
  length = 0;
  #cells = new Float64Array(FEW);

  push(value: number): void {
    if (this.length === this.#cells.length) {
      const grown = new Float64Array(this.#cells.length * 2);
      grown.set(this.#cells);
      this.#cells = grown;
    }
    this.#cells[this.length++] = value;
  }

  at(row: number): number {
    return this.#cells[row]!;
  }
}
