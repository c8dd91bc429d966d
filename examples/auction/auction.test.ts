/** The auction: its arithmetic against a sort, and that liars gain nothing. */
import { closeRecord, commitRecord, compareBytes, documentId } from "bft-json-crdt";
import type { Value } from "bft-json-crdt";
import { Clock, Random, reconcile, replicasOf, scenario } from "example-kit";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { centsOf, House, MOST_CENTS, outcomeOf, Person } from "./index.ts";
import type { Lot, Outcome } from "./index.ts";

const TOPIC = "lot";
const id = documentId("test auction");

function person(name: string): Person {
  return new Person({ name, seed: "test", schema: House, id, clock: new Clock() });
}

function twinOf(of: Person): Person {
  const twin = person(of.name);
  reconcile(twin.document, of.document);
  return twin;
}

function meet(...people: readonly Person[]): void {
  for (let turn = 0; turn < 2; turn++) {
    for (const one of people) reconcile(people[0]!.document, one.document);
  }
}

function lotOf(threshold: number, closers: readonly Person[], reserve = 100): Lot {
  const keys = closers.map(({ keyPair }) => keyPair.publicKey);
  return { round: { topic: TOPIC, closers: keys, threshold }, reserve };
}

const salt = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** An auction of honest bidders, one auctioneer; those in `silent` do not reveal. */
function held(
  values: readonly Value[],
  silent: readonly number[] = [],
  reserve = 100,
): { outcome: Outcome; bidders: Person[] } {
  const host = person("host");
  const bidders = values.map((_, at) => person(`bidder ${at}`));
  const lot = lotOf(1, [host], reserve);
  for (const [at, bidder] of bidders.entries()) bidder.bid(TOPIC, values[at]!, salt(at));
  meet(host, ...bidders);
  host.close(TOPIC);
  meet(host, ...bidders);
  for (const [at, bidder] of bidders.entries()) if (!silent.includes(at)) bidder.reveal(lot.round);
  meet(host, ...bidders);
  expect(outcomeOf(host.document, lot).status).toBe("open");
  host.end(TOPIC);
  return { outcome: outcomeOf(host.document, lot), bidders };
}

describe("a lot", () => {
  test("goes to the highest bid at the second highest, and not below the reserve", () => {
    const { outcome, bidders } = held([300, 500, 400, 50]);
    expect(outcome).toMatchObject({
      status: "sold",
      winner: bidders[1]!.author,
      price: 400,
      forfeits: [],
    });
    expect(held([300, 50]).outcome).toMatchObject({ status: "sold", price: 100 });
    expect(held([50, 99]).outcome).toMatchObject({ status: "unsold", winner: null, price: 0 });
    expect(held([100]).outcome).toMatchObject({ status: "sold", price: 100 });
    expect(held([]).outcome).toMatchObject({ status: "unsold" });
    expect(held([700, 700]).outcome).toMatchObject({ status: "sold", price: 700 });
  });

  test("goes by their seals between equal bids, whoever made them, and the winner pays what was bid", () => {
    const { outcome, bidders } = held([700, 700, 700, 700, 700, 600]);
    const sealOf = ({ author }: Person): Uint8Array =>
      outcome.round.commitments.find((it) => it.author === author)!.commitment;
    const bySeal = bidders.slice(0, 5).toSorted((a, b) => compareBytes(sealOf(a), sealOf(b)));
    expect(outcome.bids.map(({ bidder }) => bidder)).toEqual(
      [...bySeal, bidders[5]!].map(({ author }) => author),
    );
    expect(outcome).toMatchObject({ status: "sold", winner: bySeal[0]!.author, price: 700 });
  });

  test("costs those their deposit who do not reveal, or reveal what is no bid", () => {
    const wrong: Value[] = [
      0,
      -1,
      1.5,
      MOST_CENTS + 1,
      "900",
      null,
      [900],
      2n ** 70n,
      { cents: 900 },
    ];
    expect(wrong.map(centsOf)).toEqual(wrong.map(() => null));
    expect([1, MOST_CENTS].map(centsOf)).toEqual([1, MOST_CENTS]);
    const { outcome, bidders } = held([300, 200, 1_000, ...wrong], [2]);
    expect(outcome).toMatchObject({ status: "sold", winner: bidders[0]!.author, price: 200 });
    expect(outcome.forfeits).toEqual(
      bidders
        .slice(2)
        .map(({ author }) => author)
        .sort(),
    );
  });

  test("is void when its only auctioneer closes twice, and costs nobody anything", () => {
    const [host, ann, lou] = [person("host"), person("ann"), person("lou")];
    const lot = lotOf(1, [host]);
    ann.bid(TOPIC, 300, salt(1));
    meet(host, ann);
    const liar = twinOf(host);
    host.close(TOPIC);
    meet(host, ann);
    ann.reveal(lot.round);
    lou.bid(TOPIC, 301, salt(2));
    reconcile(lou.document, liar.document);
    liar.close(TOPIC);
    meet(host, ann, liar);
    host.end(TOPIC);
    expect(outcomeOf(host.document, lot)).toMatchObject({
      status: "void",
      winner: null,
      bids: [],
      forfeits: [],
    });
  });
});

describe("a lot whose only auctioneer ends twice", () => {
  test("is void too, and costs nobody anything", () => {
    const [host, ann, ben] = [person("host"), person("ann"), person("ben")];
    const lot = lotOf(1, [host]);
    ann.bid(TOPIC, 300, salt(1));
    ben.bid(TOPIC, 200, salt(2));
    meet(host, ann, ben);
    host.close(TOPIC);
    meet(host, ann, ben);
    const liar = twinOf(host);
    ann.reveal(lot.round);
    ben.reveal(lot.round);
    host.end(TOPIC);
    reconcile(ann.document, liar.document);
    liar.end(TOPIC);
    meet(host, ann, ben, liar);
    expect(outcomeOf(host.document, lot)).toMatchObject({ status: "void", bids: [], forfeits: [] });
  });
});

describe("whatever f of 3f + 1 auctioneers and any bidders do", () => {
  test("the honest highest bid wins over all that is late, all replicas agree, and no honest bidder forfeits", () => {
    const story = fc.record({
      honest: fc.array(fc.integer({ min: 100, max: 10_000 }), { minLength: 1, maxLength: 3 }),
      moves: fc.array(fc.nat(5), { maxLength: 6 }),
      seed: fc.nat(),
      f: fc.constantFrom(1, 2, 2),
      isHeard: fc.constantFrom(true, true, true, false),
    });
    fc.assert(
      fc.property(story, ({ honest, moves, seed, f, isHeard }) => {
        const hosts = Array.from({ length: 3 * f + 1 }, (_, at) => person(`host ${at}`));
        const truthful = hosts.slice(f);
        const liars = hosts.slice(0, f);
        const mallory = person("mallory");
        const lot = lotOf(2 * f + 1, hosts);
        const bidders = honest.map((_, at) => person(`bidder ${at}`));
        for (const [at, bidder] of bidders.entries()) bidder.bid(TOPIC, honest[at]!, salt(at));
        const all = [...hosts, ...bidders, mallory];
        meet(...all);
        const others: Person[] = [];
        const early = twinOf(mallory);
        others.push(early);
        // Before the closing: the liars' best moves while nothing is known.
        if (moves.includes(0))
          mallory.write(
            commitRecord(TOPIC, outcomeOf(mallory.document, lot).round.commitments[0]!.commitment),
          );
        if (moves.includes(1)) early.bid(TOPIC, 10_001, salt(90));
        if (moves.includes(2)) mallory.bid(TOPIC, 10_002, salt(91));
        if (moves.includes(3)) for (const liar of liars) liar.close(TOPIC);
        const late = liars.map(twinOf);
        others.push(...late);
        for (const host of truthful) host.close(TOPIC);
        meet(...all);
        for (const bidder of bidders) expect(bidder.reveal(lot.round)).toBe(true);
        meet(...all);
        // After the reveals: one cent more than the best, back-dated, with a closing for it.
        const winner = Math.max(...honest);
        const lou = person("lou");
        lou.bid(TOPIC, winner + 1, salt(92));
        for (const liar of late) {
          reconcile(lou.document, liar.document);
          liar.write(closeRecord(TOPIC));
          if (moves.includes(4)) reconcile(early.document, liar.document);
          if (moves.includes(5)) liar.end(TOPIC);
        }
        meet(lou, truthful[0]!, ...late);
        // Also where it does not count.
        lou.write({ kind: "reveal", topic: TOPIC, value: winner + 1, salt: salt(92) });
        mallory.reveal(lot.round);
        others.push(lou);
        meet(...all, ...(isHeard ? others : []));
        for (const host of truthful) host.end(TOPIC);
        meet(...all, ...others);
        const whole = scenario([...all, ...others]);
        const outcomes = replicasOf(whole, new Random(seed), 3).map((replica) => {
          expect(replica.history.length).toBe(whole.groups.length);
          return plain(outcomeOf(replica, lot));
        });
        for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
        const outcome = outcomeOf(truthful[0]!.document, lot);
        expect(outcome.bids.map(({ bidder }) => bidder)).not.toContain(lou.author);
        for (const [at, bidder] of bidders.entries()) {
          expect(outcome.forfeits).not.toContain(bidder.author);
          expect(outcome.bids).toContainEqual({ bidder: bidder.author, cents: honest[at] });
        }
        expect(outcome.status).toBe("sold");
        const cents = outcome.bids.map((bid) => bid.cents).toSorted((a, b) => b - a);
        expect(outcome.price).toBe(cents[1] ?? 100);
        expect(outcome.bids.find(({ bidder }) => bidder === outcome.winner)!.cents).toBe(cents[0]);
      }),
      runs(8),
    );
  });
});

function plain({ round, ...rest }: Outcome): unknown {
  return { ...rest, states: round.commitments.map(({ id, state }) => [id, state]) };
}
