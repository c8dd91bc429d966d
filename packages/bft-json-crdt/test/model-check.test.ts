/**
 * The model check: small worlds of up to seven deliveries, delivered in all ways, and compared with a model after each.
 *
 * What is enumerated, for each scenario (`model-check/`: every type in five shapes, and liars' headers, signatures, groups
 * and ops; a delivery is a group of bytes, mostly one change):
 *
 * - here, with all seven: every state that any deliveries lead to by the model, so every subset (the rest is lost), in
 *   every order, each repeated any number of times; in each state every delivery goes to a real document once (two ways
 *   that lead to one state by the model, and show the same, are gone on with once);
 * - here, with the first four, and by `pnpm model-check` with all seven: every order, each to a document of its own from
 *   nothing on, compared after each delivery (so every order of every subset, and what was lost comes later); the same
 *   with everything again after each delivery; and each order in which one of up to five stands twice.
 *
 * Compared are: what is said about each change, which are applied and pending, what is missing, the frontier, tips, forks
 * and their proofs, the view, its digest, everything that handles tell, the view made of patches, and what was saved.
 */
import { describe, expect, it } from "vitest";
import { check } from "./model-check/check.ts";
import { allScenarios } from "./model-check/index.ts";
import { Model } from "./model-check/model.ts";
import type { Scenario } from "./model-check/scenario.ts";

const SCENARIOS = allScenarios(3);
const LIARS = 24;
const TYPES = 50;

describe("in whatever order, how often and whichever of them things are delivered,", () => {
  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    "there is one history, one view and one verdict for each change: %s",
    (_, scenario) => {
      const tally = check(scenario, { graph: 7, orders: 4, repeated: 0, doubled: 0 });
      // Every subset is a state at least, and there is a way on from each with every delivery.
      const count = scenario.deliveries.length;
      expect(tally.states).toBeGreaterThanOrEqual(2 ** count);
      expect(tally.ways).toBe(tally.states * count);
    },
  );

  it("of seven deliveries each", () => {
    expect(SCENARIOS.length).toBe(LIARS + TYPES + 3);
    expect(SCENARIOS.map(({ deliveries }) => deliveries.length)).toEqual(SCENARIOS.map(() => 7));
  });

  it("of which some are refused, some wait for ever, and some authors equivocate", () => {
    const ends = SCENARIOS.map(endOf);
    const having = (verdict: string): number => ends.filter((end) => end.includes(verdict)).length;
    expect(having("wrong_lamport")).toBeGreaterThan(3);
    expect(having("wrong_prev")).toBeGreaterThan(0);
    expect(having("wrong_document")).toBeGreaterThan(0);
    expect(having("malformed")).toBeGreaterThan(0);
    expect(having("rejected_dependency")).toBeGreaterThan(3);
    expect(having("pending")).toBeGreaterThan(3);
    expect(having("unheard")).toBeGreaterThan(3);
  });
});

/** What becomes of each change when everything has been delivered often enough. */
function endOf(scenario: Scenario): readonly string[] {
  const model = new Model(scenario);
  let state = model.start();
  for (let round = 0; round < 7; round++)
    for (const delivery of scenario.deliveries) state = model.deliver(state, delivery).state;
  return state;
}
