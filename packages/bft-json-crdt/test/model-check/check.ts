/** The passes that the command and the tests make over one scenario. */
import { rememberVerdicts } from "../remembered-verdicts.ts";
import { Exploration, noTally } from "./explore.ts";
import type { Tally } from "./explore.ts";
import { shortened } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";

/** How many deliveries of a scenario (its first ones) each pass takes; 0 leaves a pass out. */
export interface Passes {
  /** Every state, and every way on from it. */
  readonly graph: number;
  /** Every order, each from nothing on. */
  readonly orders: number;
  /** The same, with everything again after each delivery. */
  readonly repeated: number;
  /** Every order in which one delivery stands twice. */
  readonly doubled: number;
}

/** Makes the passes; throws an Error that names the scenario and the deliveries as soon as anything is wrong. */
export function check(scenario: Scenario, passes: Passes): Tally {
  const tally = noTally();
  const explore = (most: number, pass: (exploration: Exploration) => Exploration): void => {
    if (most > 0) add(tally, pass(new Exploration(shortened(scenario, most))).tally);
  };
  const forget = rememberVerdicts();
  try {
    explore(passes.graph, (all) => all.checkGraph());
    explore(passes.orders, (all) => all.checkOrders({ repeats: false }));
    explore(passes.repeated, (all) => all.checkOrders({ repeats: true }));
    explore(passes.doubled, (all) => all.checkDoubled());
  } finally {
    forget();
  }
  return tally;
}

/** Adds the second tally to the first. */
export function add(sum: Tally, { states, ways, deliveries, documents }: Tally): void {
  sum.states += states;
  sum.ways += ways;
  sum.deliveries += deliveries;
  sum.documents += documents;
}
