/** What liars can do at worst: the rows of the page's table that the other tests do not show. */
import { reconcile, scenario } from "example-kit";
import { describe, expect, it } from "vitest";
import { freshAt, priceAt, PRICE_UNIT, textOf, viewOf } from "./index.ts";
import type { NetworkView, Oracle } from "./index.ts";
import { HONEST, keyOf, PAIR, World } from "./world.model.ts";

/** Makes an oracle say this price, in hundredths of a unit, and how sure it is, in basis points. */
function say(oracle: Oracle, cents: number, confidence = 9_900): void {
  const price = (BigInt(cents) * PRICE_UNIT) / 100n;
  oracle.behaviour = { invent: (quote) => ({ ...quote, price }), confidence };
}

/** The price of the pair in hundredths of a unit; null for none. */
function centsOf(view: NetworkView): number | null {
  const price = priceAt(view, PAIR)?.price;
  return price === undefined ? null : Number((price * 100n) / PRICE_UNIT);
}

/** One round of seven: the honest say these prices, the liars those. */
function roundOf(honest: readonly number[], lies: readonly number[]): World {
  const liars = ["mallory", "oscar", "peggy", "trudy"].slice(0, lies.length);
  const world = new World("worst", liars, HONEST.slice(0, honest.length));
  world.honest.forEach((oracle, at) => say(oracle, honest[at]!));
  world.liars.forEach((oracle, at) => say(oracle, lies[at]!, 10_000));
  world.round();
  return world;
}

function rejectedBy(world: World): number[] {
  const { rejected } = priceAt(world.view(), PAIR)!;
  return rejected.map(({ price }) => Number((price * 100n) / PRICE_UNIT)).toSorted((a, b) => a - b);
}

describe("three liars of seven", () => {
  it("widen the fence until their prices pass; the median is honest while the honest have more weight", () => {
    const honest = [250_000, 250_100, 250_200, 250_300];
    const world = roundOf(honest, [300_000, 300_000, 300_000]);
    expect(rejectedBy(world)).toEqual([]);
    expect(honest).toContain(centsOf(world.view()));
    // What they did is signed, and stays.
    const said = world.view().attestations;
    for (const liar of world.liars)
      expect(said.find(({ oracle }) => oracle === keyOf(liar))?.price).toBe(3_000n * PRICE_UNIT);
    // Four who are less sure have less weight than three who claim to be.
    world.honest.forEach((oracle, at) => say(oracle, honest[at]!, 7_000));
    world.round();
    expect(centsOf(world.view())).toBe(300_000);
  });

  it("are outliers when their prices are as far off, and they are two", () => {
    const honest = [250_000, 250_100, 250_200, 250_300, 250_400];
    expect(rejectedBy(roundOf(honest, [300_000, 300_000]))).toEqual([300_000, 300_000]);
  });
});

describe("four liars of seven", () => {
  it("make the price", () => {
    const lies = [300_000, 300_000, 300_000, 300_000];
    expect(centsOf(roundOf([250_000, 250_100, 250_200], lies).view())).toBe(300_000);
  });
});

describe("two liars of seven", () => {
  const apart = [248_000, 249_000, 250_000, 251_000, 252_000];

  it("narrow the fence, so that honest prices more than half a percent from the others are left out", () => {
    const alone = roundOf(apart, []);
    expect(rejectedBy(alone)).toEqual([]);
    const narrowed = roundOf(apart, [250_000, 250_000]);
    expect(rejectedBy(narrowed)).toEqual([248_000, 252_000]);
    expect(centsOf(narrowed.view())).toBe(250_000);
  });

  it("leave no price where too few of the honest are within the narrowed fence", () => {
    const wide = [248_000, 248_500, 250_000, 251_500, 252_000];
    expect(centsOf(roundOf(wide, []).view())).toBe(250_000);
    expect(centsOf(roundOf(wide, [250_000, 250_000]).view())).toBeNull();
  });

  it("leave no price by silence where one of the five others is an outlier", () => {
    expect(centsOf(roundOf([250_000, 250_000, 250_100, 250_100, 250_200], []).view())).toBe(
      250_100,
    );
    expect(centsOf(roundOf([250_000, 250_000, 250_100, 250_100, 260_000], []).view())).toBeNull();
  });

  it("pass the fence where only three of the honest are fresh; these have more weight", () => {
    const honest = [250_000, 250_100, 250_200];
    const world = roundOf(honest, [300_000, 300_000]);
    expect(rejectedBy(world)).toEqual([]);
    expect(honest).toContain(centsOf(world.view()));
  });
});

describe("an oracle with two stories", () => {
  it("has another price on each side of a partition, and none once the sides meet", () => {
    const world = new World("sides", ["mallory"]);
    world.round(world.honest);
    const honest = world.honest.map(({ participant }) => participant.document);
    for (const one of honest) for (const other of honest) reconcile(one, other);
    const [mallory] = world.liars as [Oracle];
    const twin = mallory.twin(world.random.split("twin"));
    say(mallory, 250_000);
    say(twin, 251_000);
    for (const oracle of [mallory, twin]) world.observe(oracle);
    const sides = [mallory, twin].map((story, at) => {
      const { document } = world.honest[at]!.participant;
      for (const group of scenario([story.participant]).groups) document.receive(group);
      return document;
    });
    const views = () => sides.map((document) => viewOf(document, world.rules, world.now));
    const prices = views().map((view) => {
      expect(view.excluded.size).toBe(0);
      return freshAt(view, PAIR).find(({ oracle }) => oracle === keyOf(mallory))!.price;
    });
    expect(prices).toEqual([2_500n * PRICE_UNIT, 2_510n * PRICE_UNIT]);
    reconcile(sides[0]!, sides[1]!);
    const [one, other] = views() as [NetworkView, NetworkView];
    expect(one.excluded).toEqual(new Map([[keyOf(mallory), "equivocated"]]));
    expect(freshAt(one, PAIR)).toHaveLength(5);
    expect(textOf(one)).toBe(textOf(other));
  });
});
