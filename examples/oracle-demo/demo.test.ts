/** The demo under any seed: what honest nodes show, who is found out, and what other orders of delivery would have shown. */
import { Random, replicasOf, scenario } from "example-kit";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { freshAt, priceAt, textOf, viewOf } from "example-oracle-network";
import { describe, expect, it } from "vitest";
import { Demo, HONEST, PAIR, plainMean, rangeOf, SECONDS, TWO_FACED } from "./demo.ts";
import type { State } from "./demo.ts";

const SILENT = { onEvent: () => {}, onState: () => {} };

describe("the demo", () => {
  it("keeps the price, exposes the two-faced one on every node alike, and ends in agreement", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const states: State[] = [];
        const onState = (state: State): void => {
          states.push(state);
          // Each by a whole fold of its own.
          expect(state.nodes.map(({ price }) => price)).toEqual(
            demo.oracles.map((oracle) => priceAt(demo.viewOf(oracle), PAIR)?.price ?? null),
          );
        };
        const demo = new Demo(String(seed), { ...SILENT, onState });
        demo.clock.advance(16_999);
        for (const state of states) checkPrices(state);
        expect(states.some(({ isParted }) => isParted)).toBe(true);
        demo.settle();
        expect(demo.isAgreed()).toBe(true);
        for (const name of HONEST) {
          const at = demo.noticed.get(name)!;
          expect(at).toBeGreaterThanOrEqual((SECONDS.part + SECONDS.heal) * 1_000);
        }
        const everyone = [...demo.mesh.members, demo.twin!.participant];
        const replicas = replicasOf(scenario(everyone), new Random(seed), 3);
        const shown = textOf(demo.viewOf(demo.oracles[0]!));
        for (const replica of replicas) {
          const view = viewOf(replica, demo.rules, demo.now);
          expect(textOf(view)).toBe(shown);
          expect([...view.excluded]).toEqual([[demo.twoFaced.participant.author, "equivocated"]]);
          const voices = freshAt(view, PAIR).map(({ oracle }) => oracle);
          expect(voices).not.toContain(demo.twoFaced.participant.author);
          expect(priceAt(view, PAIR)!.rejected).toHaveLength(1);
          expect(plainMean(view)! > priceAt(view, PAIR)!.price).toBe(true);
        }
      }),
      runs(2),
    );
  });

  it("tells its story in order, and the same again", () => {
    const told = [1, 2].map(() => {
      const events: string[] = [];
      const demo = new Demo("story", { ...SILENT, onEvent: (_, text) => events.push(text) });
      demo.clock.advance(15_500);
      return events;
    });
    expect(told[0]).toEqual(told[1]);
    const [parts, begins, heals, ...noticed] = told[0]!;
    expect(parts).toBe("the network parts: ann, ben, cem, mallory | dot, eve, oscar");
    expect(begins).toBe("mallory begins to tell the far side another price, with the same number");
    expect(heals).toBe("the network is whole again");
    expect(noticed.map((text) => text.split(" ")[0]).sort()).toEqual(
      ["ann", "ben", "cem", "dot", "eve", "oscar"].sort(),
    );
  });

  it("has nothing to say of equivocation before there is any", () => {
    const demo = new Demo("short", SILENT);
    demo.clock.advance(5_000);
    demo.settle();
    expect(demo.noticed.size).toBe(0);
    expect(demo.isAgreed()).toBe(true);
    expect(demo.viewOf(demo.oracles[0]!).excluded.size).toBe(0);
    expect(TWO_FACED).toBe(demo.twoFaced.name);
  });
});

/** Honest nodes show a price within 1 % of the market's, whatever is said 20 % above and below it. */
function checkPrices(state: State): void {
  const range = rangeOf(state)!;
  for (const price of [range.low, range.high]) {
    const difference = price > state.market ? price - state.market : state.market - price;
    expect(difference * 100n < state.market).toBe(true);
  }
}
