/**
 * Who had seen what, asked many times at once. `History.isAncestor` walks what lies between two changes, which strangers
 * can make long and ask for often; here the history is swept once for each 32 of the earlier changes.
 */
import type { History } from "bft-json-crdt";

/** Had the author of the later change seen the earlier one? Local indexes in a history. */
export type Question = readonly [earlier: number, later: number];

/** Earlier changes in one sweep: as many as a bitwise operation takes. */
const SWEPT = 32;

/**
 * The answers: true too where both are one change. What was not asked beforehand is looked up one by one.
 * Time: the length of the history for each 32 different earlier changes, whatever the questions.
 */
export function sightOf(
  history: History,
  questions: readonly Question[],
): (earlier: number, later: number) => boolean {
  const asked = new Map<number, Map<number, boolean>>();
  for (const [earlier, later] of questions) {
    const answers = asked.get(earlier) ?? new Map<number, boolean>();
    asked.set(earlier, answers.set(later, false));
  }
  const sources = [...asked.keys()].sort((a, b) => a - b);
  const seen = new Int32Array(history.length);
  for (let from = 0; from < sources.length; from += SWEPT) {
    const swept = sources.slice(from, from + SWEPT);
    const start = swept[0]!;
    const end = Math.max(...swept.map((source) => greatest(asked.get(source)!)));
    sweep(history, seen, swept, end);
    swept.forEach((source, bit) => {
      const answers = asked.get(source)!;
      for (const later of answers.keys()) {
        answers.set(later, later >= start && ((seen[later]! >>> bit) & 1) === 1);
      }
    });
  }
  return (earlier, later) => asked.get(earlier)?.get(later) ?? history.isAncestor(earlier, later);
}

/** Sets in `seen`, from the first source to `end`, a bit for each of the sources that a change had seen. */
function sweep(history: History, seen: Int32Array, sources: readonly number[], end: number): void {
  const start = sources[0]!;
  let next = 0;
  for (let change = start; change <= end; change++) {
    let bits = 0;
    for (let slot = 0; slot < history.dependencySlots(change); slot++) {
      const dependency = history.dependencyAt(change, slot);
      if (dependency >= start) bits |= seen[dependency]!;
    }
    if (sources[next] === change) bits |= 1 << next++;
    seen[change] = bits;
  }
}

function greatest(answers: ReadonlyMap<number, boolean>): number {
  let most = 0;
  for (const later of answers.keys()) most = Math.max(most, later);
  return most;
}
