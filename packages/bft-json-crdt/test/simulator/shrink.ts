/**
 * Makes a failing scenario smaller: drops parts, many at once and then one by one, while it still fails in the same way.
 * (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002, with kinds of parts tried first.)
 */
import { withParts } from "./scenario.ts";
import type { Part, Scenario } from "./scenario.ts";

/** Simulations that one shrinking may take. */
const MAX_ATTEMPTS = 400;

/** The smallest scenario found that still fails. `fails` is asked for scenarios of fewer and fewer parts. */
export async function shrink(
  scenario: Scenario,
  fails: (smaller: Scenario) => Promise<boolean>,
  attempts = MAX_ATTEMPTS,
): Promise<Scenario> {
  let best = scenario;
  const budget = { left: attempts };
  const without = async (dropped: readonly Part[]): Promise<boolean> => {
    if (dropped.length === 0 || budget.left === 0) return false;
    budget.left--;
    const gone = new Set(dropped.map(({ number }) => number));
    const kept = best.parts.filter(({ number }) => !gone.has(number));
    const smaller = withParts(scenario, new Set(kept.map(({ number }) => number)));
    if (!(await fails(smaller))) return false;
    best = smaller;
    return true;
  };
  for (const kind of new Set(scenario.parts.map((part) => part.kind))) {
    await without(best.parts.filter((part) => part.kind === kind));
  }
  for (let size = best.parts.length >> 1; size >= 1 && budget.left > 0;) {
    let hasShrunk = false;
    // From the end: edits and faults go before the hosts that they need.
    for (let end = best.parts.length; end > 0 && budget.left > 0; end -= size) {
      end = Math.min(end, best.parts.length);
      if (await without(best.parts.slice(Math.max(0, end - size), end))) hasShrunk = true;
    }
    if (size === 1 && !hasShrunk) break;
    size = size === 1 ? 1 : size >> 1;
  }
  return best;
}

/** The numbers of a scenario's parts, as `--keep` takes them: `0-3,7`. */
export function numbersOf({ parts }: Scenario): string {
  const ranges: [number, number][] = [];
  for (const { number } of parts) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join();
}

/** Reads what {@link numbersOf} writes; null when it is something else. */
export function readNumbers(text: string): Set<number> | null {
  const numbers = new Set<number>();
  for (const range of text.split(",")) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/u.exec(range.trim());
    if (match === null) return null;
    for (let n = Number(match[1]); n <= Number(match[2] ?? match[1]); n++) numbers.add(n);
  }
  return numbers;
}
