/** The name that was meant by one that nobody has: what messages ask, "did you mean …?". */

/** Letters that may differ: more of them make a guess that helps nobody. */
const MOST_DIFFERENCES = 2;

/** The one of these names that is nearest to `typed`; undefined when none is near. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  return names
    .map((name) => ({ name, distance: differences(name, typed) }))
    .filter(({ distance }) => distance <= MOST_DIFFERENCES)
    .toSorted((a, b) => a.distance - b.distance)[0]?.name;
}

/** The question as the end of a message, or `otherwise` when no name is near. */
export function guess(typed: string, names: readonly string[], otherwise = ""): string {
  const meant = nearest(typed, names);
  return meant === undefined ? otherwise : `; did you mean "${meant}"?`;
}

/** How many letters have to be put in, left out or exchanged to make one name of the other (Levenshtein). */
function differences(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, exchanged));
    }
    row = next;
  }
  return row[b.length]!;
}
