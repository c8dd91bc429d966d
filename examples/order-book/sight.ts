/**
 * Who had seen what, asked many times at once. `History.isAncestor` walks what lies between two changes, which strangers
 * can make long and ask for often; here `History.marksSeen` walks once for each 32 of the earlier changes.
 */
import type { History } from "bft-json-crdt";

/** Had the author of the later change seen the earlier one? Local indexes in a history. */
export type Question = readonly [earlier: number, later: number];

/** Earlier changes in one walk: as many as there are marks. */
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
  for (let from = 0; from < sources.length; from += SWEPT) {
    const swept = sources.slice(from, from + SWEPT);
    const seen = history.marksSeen(new Map(swept.map((source, bit) => [source, 1 << bit])));
    swept.forEach((source, bit) => {
      const answers = asked.get(source)!;
      for (const later of answers.keys()) answers.set(later, ((seen[later]! >>> bit) & 1) === 1);
    });
  }
  return (earlier, later) => asked.get(earlier)?.get(later) ?? history.isAncestor(earlier, later);
}
