/** What is said of a failing seed: how to see it again, what was found, and the smallest scenario that shows it. */
import { describePart, scenarioOf } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";
import { numbersOf, shrink } from "./shrink.ts";
import { simulate } from "./simulator.ts";
import type { SimulationOptions } from "./simulator.ts";
import type { Finding } from "./world.ts";

/** The command that shows a seed's run event by event. */
export function reproducer(seed: number, kept?: Scenario): string {
  const keep = kept === undefined ? "" : ` --keep ${numbersOf(kept)}`;
  return `pnpm simulate --from ${seed} --seeds 1 --trace${keep}`;
}

/** Shrinks a failing scenario and says all that is known. */
export async function describeFailure(
  seed: number,
  findings: readonly Finding[],
  options: SimulationOptions = {},
  scenario: Scenario = scenarioOf(seed),
): Promise<string> {
  const shown = findings.slice(0, 5).map(({ checker, detail }) => `  ${checker}: ${detail}`);
  const more = findings.length > 5 ? [`  and ${findings.length - 5} more`] : [];
  const checker = findings[0]?.checker;
  const smallest = await shrink(scenario, async (smaller) => {
    const outcome = await simulate(smaller, options);
    return outcome.findings.some((finding) => finding.checker === checker);
  });
  return [
    `seed ${seed} fails: ${reproducer(seed)}`,
    ...shown,
    ...more,
    `${smallest.parts.length} of ${scenario.parts.length} parts are enough: ${reproducer(seed, smallest)}`,
    ...smallest.parts.map((part) => `  ${describePart(part)}`),
  ].join("\n");
}
