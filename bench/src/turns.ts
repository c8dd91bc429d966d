/**
 * The turns of a trace of two authors: who types what before hearing of the other again. A turn of one ends where its
 * author hears of more, and where the other has heard of just so much. So both replicas can be brought to exactly the
 * state that each change was made on, with one message per turn.
 */
import type { Edit, Txn } from "./trace.ts";

/** What one author types at a stretch. */
export interface Turn {
  readonly author: number;
  /** How many turns of the other author must have been received before. */
  readonly heard: number;
  /** A change each. */
  readonly changes: (readonly Edit[])[];
}

/** All turns in an order in which each comes after those that it has heard of. */
export function turnsOf(txns: readonly Txn[]): Turn[] {
  // How many changes of each author each change has in its past, itself included.
  const pasts: [number, number][] = [];
  const heardBy: [number[], number[]] = [[], []];
  for (const { agent, parents } of txns) {
    const past: [number, number] = [0, 0];
    for (const parent of parents) {
      const [a, b] = pasts[parent]!;
      past[0] = Math.max(past[0], a);
      past[1] = Math.max(past[1], b);
    }
    const own = heardBy[agent as 0 | 1];
    if (past[agent as 0 | 1] !== own.length) throw new Error("an author forgot own changes");
    own.push(past[1 - agent]!);
    past[agent as 0 | 1]++;
    pasts.push(past);
  }
  const cuts = [new Set(heardBy[1]), new Set(heardBy[0])] as const;
  const turns: Turn[] = [];
  const current: [Turn | null, Turn | null] = [null, null];
  const made: [number, number] = [0, 0];
  // How many turns of an author hold the first so many changes.
  const turnsAt = [new Map([[0, 0]]), new Map([[0, 0]])] as const;
  const counts: [number, number] = [0, 0];
  for (const { agent, patches } of txns) {
    const by = agent as 0 | 1;
    const other = (1 - by) as 0 | 1;
    const heard = heardBy[by][made[by]]!;
    if (current[by] === null || current[by].heard !== turnsAt[other].get(heard)!) {
      if (current[by] !== null) turnsAt[by].set(made[by], counts[by]);
      current[by] = { author: by, heard: turnsAt[other].get(heard)!, changes: [] };
      turns.push(current[by]);
      counts[by]++;
    }
    current[by].changes.push(patches);
    made[by]++;
    if (cuts[by].has(made[by])) {
      turnsAt[by].set(made[by], counts[by]);
      current[by] = null;
    }
  }
  return turns;
}
