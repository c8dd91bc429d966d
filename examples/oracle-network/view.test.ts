/** What every replica shows of a network of oracles, whoever lies and whatever comes in which order. */
import { reconcile, replicasOf, scenario } from "example-kit";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  exportedAt,
  freshAt,
  outerOf,
  priceAt,
  pricesBetween,
  PRICE_UNIT,
  responseOf,
  SALT_BYTES,
  shifted,
  textOf,
  twapOf,
  viewOf,
  volatilityAdjustedAt,
  weightOf,
} from "./index.ts";
import type { NetworkView, Oracle } from "./index.ts";
import { claimAt, keyOf, PAIR, START, World } from "./world.model.ts";
import type { Claim } from "./world.model.ts";

describe("a network of oracles", () => {
  it("shows a price, its history, and what a contract is given", () => {
    const world = new World("honest", []);
    for (let round = 0; round < 12; round++) world.round();
    const view = world.view();
    expect(view.ignored).toEqual([]);
    expect(view.anomalies.filter(({ kind }) => kind !== "outlier")).toEqual([]);
    const price = priceAt(view, PAIR)!;
    const prices = freshAt(view, PAIR).map((each) => each.price);
    expect(prices).toHaveLength(5);
    expect(prices).toContain(price.price);
    const until = world.now;
    const history = pricesBetween(view, PAIR, START, until);
    expect(history).toHaveLength(12);
    const sum = history.reduce((all, each) => all + each.price, 0n);
    expect(twapOf(view, PAIR, START, until)).toBe(sum / 12n);
    expect(twapOf(view, "BTC/USD", START, until)).toBeNull();
    expect(volatilityAdjustedAt(view, PAIR, 200n)).toMatchObject({ isVolatile: false });
    expect(exportedAt(view, PAIR)[0]).toEqual({
      oracle: world.honest.map(keyOf).sort()[0],
      pair: PAIR,
      price: expect.any(BigInt),
      confidence: expect.any(Number),
      timestamp: until - 5,
      sources: 3,
      nonce: 12,
    });
    expect(view.index.pairs).toEqual([PAIR]);
    for (const reputation of view.reputations.values()) {
      expect(reputation.attestations).toBe(12);
      expect(reputation.lastSpoke).toBe(until - 5);
    }
  });

  it("leaves the price out when too few have spoken lately, and counts none that is too old", () => {
    const world = new World("few", []);
    world.round();
    world.clock.advance(50_000);
    world.round(world.honest.slice(0, 4));
    expect(priceAt(world.view(), PAIR)).not.toBeNull();
    world.clock.advance(5_000);
    expect(freshAt(world.view(), PAIR)).toHaveLength(4);
    expect(priceAt(world.view(), PAIR)).toBeNull();
  });

  it("counts no attestation of the future before its time", () => {
    const world = new World("future", ["mallory"]);
    world.round(world.honest);
    const [mallory] = world.liars as [Oracle];
    mallory.observe(world.now + 1_000, world.market.ask(world.now + 1_000));
    expect(freshAt(world.view(), PAIR).map(({ oracle }) => oracle)).not.toContain(keyOf(mallory));
  });

  it("judges nobody in a round in which too few spoke", () => {
    const world = new World("unjudged");
    const [mallory, oscar] = world.liars as [Oracle, Oracle];
    mallory.behaviour = { invent: (quote) => ({ ...quote, price: shifted(quote.price, 2_000) }) };
    world.round([...world.honest.slice(0, 2), mallory, oscar]);
    const { reputations, anomalies } = world.view();
    expect(anomalies).toEqual([]);
    for (const { kept, outliers } of reputations.values()) expect(kept + outliers).toBe(0);
  });

  it("gives less weight to whoever is an outlier, round for round", () => {
    const world = new World("outlier");
    const [mallory] = world.liars as [Oracle];
    mallory.behaviour = { invent: (quote) => ({ ...quote, price: shifted(quote.price, 2_000) }) };
    for (let round = 0; round < 6; round++) world.round();
    const view = world.view();
    const { score, outliers, kept } = view.reputations.get(keyOf(mallory))!;
    expect({ outliers, kept }).toEqual({ outliers: 6, kept: 0 });
    // He reveals what he invented, so that nothing convicts him.
    expect(view.excluded.size).toBe(0);
    expect(score).toBe(20_000n / 28n);
    expect(view.reputations.get(keyOf(world.honest[0]!))!.score).toBeGreaterThan(7_000n);
    const result = priceAt(view, PAIR)!;
    expect(result.rejected.map(({ attestation }) => attestation.oracle)).toEqual([keyOf(mallory)]);
    for (const { weight, confidence, attestation } of result.kept) {
      expect(weight).toBe(weightOf(confidence, view.reputations.get(attestation.oracle)!.score));
    }
  });

  it("puts out whoever commits to one answer and claims another, once the answer is revealed", () => {
    const world = new World("misquote");
    const [mallory] = world.liars as [Oracle];
    world.round();
    mallory.behaviour = { misquote: (quote) => ({ ...quote, price: shifted(quote.price, 20) }) };
    world.round();
    expect(world.view().excluded).toEqual(new Map());
    world.round();
    const view = world.view();
    expect(view.excluded).toEqual(new Map([[keyOf(mallory), "lied about a source"]]));
    expect(view.reputations.get(keyOf(mallory))!.score).toBe(0n);
    expect(view.attestations.some(({ oracle }) => oracle === keyOf(mallory))).toBe(false);
  });

  it("does not let anyone else convict an oracle", () => {
    const world = new World("frame");
    world.round();
    world.round();
    const [mallory] = world.liars as [Oracle];
    const victim = world.honest[0]!.participant;
    const { attestations } = victim.document.root;
    const attestation = attestations.idAt(attestations.length - 1);
    const salt = new Uint8Array(SALT_BYTES);
    const [quote] = world.market.ask(world.now)[0]!.quotes;
    const response = responseOf({ ...quote!, price: 1n });
    reconcile(mallory.participant.document, victim.document);
    mallory.participant.change(({ reveals }) =>
      reveals.append(
        { attestation, source: 0, salt, response },
        { attestation, source: 99, salt, response },
        { attestation, source: -1, salt, response },
        { attestation: "__proto__", source: 0, salt, response },
        { attestation, source: 0, salt: new Uint8Array(3), response: "\u{1F600}".repeat(2_000) },
      ),
    );
    const view = world.view();
    expect(view.excluded.size).toBe(0);
    expect(view.ignored.map(({ reason }) => reason).sort()).toEqual([
      "does not open it",
      "does not open it",
      "of no attestation",
      "of no source",
      "of no source",
    ]);
  });

  it("puts out whoever equivocates, with all that was said before", () => {
    const world = new World("twin");
    world.round();
    const [mallory] = world.liars as [Oracle];
    const twin = world.twinOf(mallory);
    world.round();
    twin.change(({ attestations }) => attestations.append(claimAt(world, 2)));
    const view = world.view();
    expect(view.excluded).toEqual(new Map([[keyOf(mallory), "equivocated"]]));
    expect(view.anomalies[0]).toMatchObject({ kind: "equivocation", attestation: null });
    expect(view.attestations.some(({ oracle }) => oracle === keyOf(mallory))).toBe(false);
    expect(priceAt(view, PAIR)!.kept).toHaveLength(6);
  });

  it("shows the same whichever of two equivocators a replica learned of first", () => {
    const world = new World("two forks");
    world.round();
    const stories = world.liars.map((liar) => {
      const twin = world.twinOf(liar);
      world.observe(liar);
      twin.change(({ attestations }) => attestations.append(claimAt(world, 9)));
      return [liar.participant, twin] as const;
    });
    const [ann, ben] = world.honest.map((oracle) => oracle.participant.document);
    // One way only: whoever tells one must not learn from it what to tell the other.
    const scenarios = stories.map((both) => scenario(both).groups);
    for (const group of scenarios.flat()) ann!.receive(group);
    for (const group of scenarios.toReversed().flat()) ben!.receive(group);
    reconcile(ann!, ben!);
    const [one, other] = [ann!, ben!].map((document) => viewOf(document, world.rules, world.now));
    expect(one!.excluded.size).toBe(2);
    expect(textOf(one!)).toBe(textOf(other!));
  });

  it("voids both records with one nonce, or of one round, and those whose time runs backwards", () => {
    const world = new World("contradiction");
    world.clock.advance(100_000);
    const { participant } = world.liars[0]!;
    participant.change(({ attestations }) =>
      attestations.append(
        // Not in the order of their nonces, which is what counts.
        claimAt(world, 6, { timestamp: world.now - 10 }),
        claimAt(world, 5, { timestamp: world.now - 30 }),
        claimAt(world, 4, { timestamp: world.now - 20 }),
        claimAt(world, 3, { timestamp: world.now - 38 }),
        claimAt(world, 2, { timestamp: world.now - 40 }),
        claimAt(world, 1, { timestamp: world.now - 50 }),
        claimAt(world, 1, { timestamp: world.now - 60 }),
      ),
    );
    const view = world.view();
    expect(view.attestations.map(({ nonce }) => nonce).sort()).toEqual([4, 6]);
    expect(view.ignored.map(({ reason }) => reason).sort()).toEqual([
      "time runs backwards",
      "two prices in one round",
      "two prices in one round",
      "two records with one nonce",
      "two records with one nonce",
    ]);
    expect(view.reputations.get(participant.author)!.broken).toBe(5);
  });

  it("says why it ignores a record", () => {
    const world = new World("reasons", ["mallory", "stranger"]);
    const [mallory, stranger] = world.liars as [Oracle, Oracle];
    const rules = { ...world.rules, members: world.rules.members.slice(0, -1) };
    const good = claimAt(world, 1);
    const [source] = good.sources as { readonly name: string }[];
    const cases: [Partial<Claim>, string][] = [
      [{ pair: "__proto__" }, "no pair"],
      [{ pair: "A".repeat(10_000) }, "no pair"],
      [{ price: 0n }, "no price"],
      [{ price: -5n }, "no price"],
      [{ price: 2n ** 96n }, "no price"],
      [{ confidence: 10_001 }, "no confidence"],
      [{ confidence: -1 }, "no confidence"],
      [{ timestamp: 0 }, "no time"],
      [{ timestamp: 2 ** 32 }, "no time"],
      [{ nonce: 0 }, "no nonce"],
      [{ sources: null }, "no sources"],
      [{ sources: [] }, "no sources"],
      [{ sources: { length: 3 } }, "no sources"],
      [
        { sources: Array.from({ length: 17 }, (_, at) => ({ ...source, name: `s${at}` })) },
        "no sources",
      ],
      [{ sources: [source!, source!] }, "no sources"],
      [{ sources: [{ ...source, volume: 0 }] }, "no sources"],
      [{ sources: [{ ...source, price: -1 }] }, "no sources"],
      [{ sources: [{ ...source, price: 0.5 }] }, "no sources"],
      [{ sources: [{ ...source, name: "__proto__" }] }, "no sources"],
      [{ sources: [{ ...source, commitment: new Uint8Array(31) }] }, "no sources"],
      [{ sources: [source!] }, "too few sources"],
      [{ price: 2_501n * PRICE_UNIT }, "the price does not follow from its sources"],
    ];
    mallory.participant.change(({ attestations }) =>
      attestations.append(...cases.map(([change]) => ({ ...good, ...change }))),
    );
    stranger.participant.change(({ attestations, reports }) => {
      attestations.append(good);
      reports.append({ attestation: "x", kind: "outlier" });
    });
    const { ignored, attestations, reputations } = world.view(rules);
    const of = (oracle: Oracle): string[] =>
      ignored.filter(({ author }) => author === keyOf(oracle)).map(({ reason }) => reason);
    expect(of(mallory)).toEqual(cases.map(([, reason]) => reason));
    expect(of(stranger)).toEqual(["not by an oracle", "not by an oracle"]);
    expect(attestations).toEqual([]);
    expect(reputations.has(keyOf(stranger))).toBe(false);
  });

  it("counts answers that are not revealed in time, until they are", () => {
    const world = new World("withheld", []);
    world.round();
    const found = (): number =>
      world.view().anomalies.filter(({ kind }) => kind === "withheld sources").length;
    world.clock.advance(25_000);
    expect(found()).toBe(0);
    world.clock.advance(1_000);
    expect(found()).toBe(5);
    const scores = (): bigint[] => [...world.view().reputations.values()].map(({ score }) => score);
    expect(scores()).toEqual(Array.from({ length: 5 }, () => 30_000n / 6n));
    world.round();
    expect(found()).toBe(0);
  });

  it("tells of a feed that stands still", () => {
    const world = new World("frozen");
    const [mallory] = world.liars as [Oracle];
    mallory.behaviour = { invent: (quote) => ({ ...quote, price: 2_500n * PRICE_UNIT }) };
    for (let round = 0; round < 11; round++) world.round();
    const frozen = world.view().anomalies.filter(({ kind }) => kind === "frozen feed");
    expect(frozen.map(({ oracle }) => oracle)).toEqual([keyOf(mallory), keyOf(mallory)]);
  });

  it("believes a report only if the facts say the same", () => {
    const world = new World("reports");
    const [mallory, oscar] = world.liars as [Oracle, Oracle];
    mallory.behaviour = { invent: (quote) => ({ ...quote, price: shifted(quote.price, 2_000) }) };
    world.round();
    const { attestations } = world.view();
    const idOf = (oracle: Oracle): string =>
      attestations.find((each) => each.oracle === keyOf(oracle))!.id;
    const ann = world.honest[0]!;
    oscar.participant.change(({ reports }) =>
      reports.append(
        { attestation: idOf(mallory), kind: "outlier" },
        { attestation: idOf(ann), kind: "outlier" },
        { attestation: idOf(ann), kind: "ugly" },
        { attestation: "constructor", kind: "outlier" },
      ),
    );
    const view = world.view();
    expect(view.reports.map(({ isConfirmed }) => isConfirmed)).toEqual([true, false]);
    expect(view.ignored.map(({ reason }) => reason).sort()).toEqual([
      "of no attestation",
      "of no known kind",
    ]);
    expect(view.reputations.get(keyOf(ann))!.outliers).toBe(0);
  });
});

describe("whatever two liars of seven do", () => {
  it("all replicas show the same, and the price is one that the honest answer for", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const world = new World(seed);
        for (let round = 0; round < 6; round++) {
          world.market.move();
          for (const oracle of world.honest) world.observe(oracle);
          for (const liar of world.liars) misbehave(world, liar);
          mix(world);
          world.clock.advance(5_000);
        }
        const replicas = replicasOf(scenario(world.everyone), world.random, 4);
        const views = replicas.map((replica) => viewOf(replica, world.rules, world.now));
        for (const view of views) {
          expect(shown(view)).toBe(shown(views[0]!));
          checkSafety(world, view);
        }
      }),
      runs(8),
    );
  });
});

/** Some hear of some of the others. */
function mix({ everyone, random }: World): void {
  for (const one of everyone) {
    const other = random.pick(everyone);
    if (one !== other && random.chance(0.5)) reconcile(one.document, other.document);
  }
}

function misbehave(world: World, liar: Oracle): void {
  const { random, now } = world;
  const { participant } = liar;
  const shift = random.pick([2_000, -2_000, 40, -9_000, 0]);
  switch (random.below(8)) {
    case 0: {
      const twin = world.twinOf(liar);
      twin.change(({ attestations }) => attestations.append(claimAt(world, 1)));
      break;
    }
    case 1:
      liar.behaviour = { misquote: (quote) => ({ ...quote, price: shifted(quote.price, shift) }) };
      break;
    case 2:
      liar.observe(now + random.between(-100, 100), world.market.ask(now));
      break;
    case 3: {
      const other = random.pick(world.oracles).participant.document.root.attestations;
      const copied = other.get(random.below(Math.max(1, other.length)));
      if (copied !== undefined) participant.change((doc) => doc.attestations.append(copied));
      break;
    }
    case 4: {
      const wild = {
        price: random.pick([0n, -1n, 2n ** 96n, 1n]),
        confidence: random.pick([0, 10_000, 10_001, -1]),
        nonce: random.pick([0, 1, 5, 2 ** 53 - 1]),
      };
      participant.change((doc) => doc.attestations.append(claimAt(world, 1, wild)));
      break;
    }
    case 5: {
      const { attestations } = participant.document.root;
      if (attestations.length === 0) break;
      const attestation = attestations.idAt(random.below(attestations.length));
      const salt = random.bytes(SALT_BYTES);
      participant.change((doc) => {
        doc.reveals.append({ attestation, source: random.between(-1, 3), salt, response: "{}" });
        doc.reports.append({ attestation, kind: random.pick(["outlier", "equivocation", ""]) });
      });
      break;
    }
    default:
      liar.behaviour = {
        invent: (quote) => ({ ...quote, price: shifted(quote.price, shift) }),
        confidence: 10_000,
      };
      liar.observe(now, world.market.ask(now));
  }
}

/** All of a view, and what is asked of it, as text. */
function shown(view: NetworkView): string {
  const prices = pricesBetween(view, PAIR, START, view.now).map(({ price }) => String(price));
  const fresh = view.index.newest(PAIR, 0, view.now).map((attestation) => attestation.id);
  return [textOf(view), ...prices, ...fresh].join("\n");
}

function checkSafety(world: World, view: NetworkView): void {
  const honest = new Set(world.honest.map(keyOf));
  for (const oracle of view.excluded.keys()) expect(honest.has(oracle)).toBe(false);
  for (const { author, log } of view.ignored) {
    expect(log === "attestations" && honest.has(author)).toBe(false);
  }
  const fresh = freshAt(view, PAIR);
  const answered = fresh.filter(({ oracle }) => honest.has(oracle)).map(({ price }) => price);
  expect(answered).toHaveLength(5);
  expect(fresh.length - answered.length).toBeLessThanOrEqual(outerOf(fresh.length));
  const low = answered.reduce((a, b) => (a < b ? a : b));
  const high = answered.reduce((a, b) => (a > b ? a : b));
  const spread = ((high - low) * 3n) / 2n;
  const tolerated = shifted(high, 50) - high;
  const margin = spread > tolerated ? spread : tolerated;
  const result = priceAt(view, PAIR);
  // Few honest ones can be left out when the others agree more closely: then there may be too few for a price.
  if (result === null) return;
  expect(result.price >= low - margin && result.price <= high + margin).toBe(true);
  const weigh = (isHonest: boolean): bigint =>
    result.kept
      .filter(({ attestation }) => honest.has(attestation.oracle) === isHonest)
      .reduce((sum, { weight }) => sum + weight, 0n);
  if (weigh(true) > weigh(false)) expect(result.price >= low && result.price <= high).toBe(true);
}
