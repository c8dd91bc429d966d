/** The simulation ends in agreement under any seed, and its measures are those that the rules promise. */
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distance, HONEST, MISQUOTER, Simulation } from "./simulation.ts";

describe("the simulation", () => {
  it("ends with one view on all replicas, a price near the market, and the misquoter out", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const simulation = new Simulation(String(seed), { "ETH/USD": 2_500 });
        simulation.clock.advance(75_000);
        simulation.mesh.settle();
        expect(simulation.isAgreed()).toBe(true);
        const { asked, missing, worst, worstOfMean } = simulation.measures;
        expect(asked).toBe(15 * HONEST.length);
        expect(missing).toBeLessThan(asked / 4);
        expect(worst).toBeLessThan(100);
        expect(worstOfMean).toBeGreaterThan(200);
        const misquoter = simulation.oracles.find(({ name }) => name === MISQUOTER)!;
        const view = simulation.viewOf(simulation.oracles[0]!);
        expect([...view.excluded]).toEqual([[misquoter.participant.author, "lied about a source"]]);
        expect([...simulation.convicted.keys()].sort()).toEqual([...HONEST]);
      }),
      runs(2),
    );
  });

  it("draws the same again under one seed", () => {
    const drawn = ["a", "a", "b"].map((seed) => {
      const simulation = new Simulation(seed, { "ETH/USD": 2_500 });
      simulation.clock.advance(12_000);
      return JSON.stringify([simulation.measures, String(simulation.market.priceOf("ETH/USD"))]);
    });
    expect(drawn[0]).toBe(drawn[1]);
    expect(drawn[0]).not.toBe(drawn[2]);
  });

  it("measures in basis points", () => {
    expect([distance(101n, 100n), distance(99n, 100n), distance(100n, 100n)]).toEqual([
      100, 100, 0,
    ]);
  });
});
