/**
 * What follows from `history.marksSeen`, for up to 32 marks at once: who had seen something, and which record of an author is the first.
 * A local index is greater than those of all dependencies, so one direction suffices.
 */
import type { History } from "../history/index.ts";

/** What a walk needs of a history: `document.history` is one. */
export type WalkedHistory = Pick<
  History,
  "length" | "dependencySlots" | "dependencyAt" | "marksSeen"
>;

/** Marks, one bit each, by the local index of the change that bears them. */
export type Marks = ReadonlyMap<number, number>;

/** How many marks fit. */
export const MOST_MARKS = 32;

/** For each change the marks of all whose authors had seen it, its own included. */
export function marksAbove(history: WalkedHistory, marks: Marks): Uint32Array {
  const above = new Uint32Array(history.length);
  for (const [index, bits] of marks) above[index] = bits;
  for (let index = history.length - 1; index >= 0; index--) {
    const bits = above[index]!;
    if (bits === 0) continue;
    for (let slot = 0; slot < history.dependencySlots(index); slot++) {
      const dependency = history.dependencyAt(index, slot);
      if (dependency >= 0) above[dependency]! |= bits;
    }
  }
  return above;
}

/** How many bits are set. */
export function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

/** A record of a log, as far as this matters. */
interface Written {
  readonly author: string;
  readonly change: number;
}

/**
 * Those records whose authors had not written another of them before: by each author who tells one story just one. They
 * must come in the order of `entries()`. Which they are never changes again, since nothing can get into what a change had
 * seen.
 */
export function firstsOf<R extends Written>(history: WalkedHistory, records: readonly R[]): R[] {
  const byAuthor = new Map<string, R[]>();
  for (const record of records) {
    const written = byAuthor.get(record.author);
    if (written === undefined) byAuthor.set(record.author, [record]);
    else written.push(record);
  }
  const firsts: R[] = [];
  const repeated: (readonly R[])[] = [];
  for (const written of byAuthor.values()) {
    if (written.length === 1) firsts.push(written[0]!);
    else repeated.push(written);
  }
  for (let from = 0; from < repeated.length; from += MOST_MARKS) {
    const some = repeated.slice(from, from + MOST_MARKS);
    const marks = new Map<number, number>();
    for (const [bit, written] of some.entries()) {
      for (const { change } of written) marks.set(change, (marks.get(change) ?? 0) | (1 << bit));
    }
    const seen = history.marksSeen(marks);
    for (const [bit, written] of some.entries()) {
      let last = -1;
      for (const record of written) {
        const before = marksBefore(history, seen, record.change);
        // Of several in one change the one that stands first.
        if ((before & (1 << bit)) === 0 && record.change !== last) firsts.push(record);
        last = record.change;
      }
    }
  }
  return firsts;
}

/** The marks of all that a change's author had seen, without its own. */
function marksBefore(history: WalkedHistory, seen: Uint32Array, index: number): number {
  let before = 0;
  for (let slot = 0; slot < history.dependencySlots(index); slot++) {
    const dependency = history.dependencyAt(index, slot);
    if (dependency >= 0) before |= seen[dependency]!;
  }
  return before;
}
