/**
 * A gap buffer: the text in one array with a hole at the cursor, so that typing there moves nothing. It is no CRDT and
 * remembers no history; nothing that keeps a text as an array of units can be much faster.
 */
import type { Library } from "./library.ts";

class GapBuffer {
  #units = new Uint16Array(1_024);
  /** The hole is [start, end). */
  #start = 0;
  #end = 1_024;

  edit(position: number, deleted: number, inserted: string): void {
    if (position !== this.#start) this.#moveTo(position);
    this.#end += deleted;
    const { length } = inserted;
    if (length > this.#end - this.#start) this.#grow(length);
    const units = this.#units;
    for (let i = 0; i < length; i++) units[this.#start++] = inserted.charCodeAt(i);
  }

  text(): string {
    const decoder = new TextDecoder("utf-16le");
    return (
      decoder.decode(this.#units.subarray(0, this.#start)) +
      decoder.decode(this.#units.subarray(this.#end))
    );
  }

  #moveTo(position: number): void {
    const by = position - this.#start;
    if (by < 0) this.#units.copyWithin(this.#end + by, position, this.#start);
    else this.#units.copyWithin(this.#start, this.#end, this.#end + by);
    this.#start += by;
    this.#end += by;
  }

  #grow(by: number): void {
    const old = this.#units;
    const units = new Uint16Array(2 * (old.length + by));
    const end = units.length - (old.length - this.#end);
    units.set(old.subarray(0, this.#start));
    units.set(old.subarray(this.#end), end);
    this.#units = units;
    this.#end = end;
  }
}

/** A bare gap buffer. */
export const gapBuffer: Library = {
  type(edits) {
    const buffer = new GapBuffer();
    for (const [position, deleted, inserted] of edits) buffer.edit(position, deleted, inserted);
    return { text: () => buffer.text(), save: () => new TextEncoder().encode(buffer.text()) };
  },
};
