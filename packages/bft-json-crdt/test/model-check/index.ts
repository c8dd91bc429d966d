/** All scenarios of the model check. */
import { liarScenarios } from "./liars.ts";
import { randomScenario } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { typeScenarios } from "./types.ts";

/** Every scenario of the tables, and the first `random` of those by chance. */
export function allScenarios(random: number): Scenario[] {
  const seeds = Array.from({ length: random }, (_, i) => i + 1);
  return [...liarScenarios(), ...typeScenarios(), ...seeds.map(randomScenario)];
}
