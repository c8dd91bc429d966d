import { Document } from "bft-json-crdt";
import { expectReached, runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cast, keyPairOf, Random, reconcile } from "example-kit";
import { accuse, commit, pay } from "./client.ts";
import type { Secret } from "./client.ts";
import { serve, takePayout } from "./core.ts";
import { ack, agreed, CORE, join, keyOf, meet, see, terms } from "./members.model.ts";
import type { Member } from "./members.model.ts";
import { Cluster } from "./schema.ts";
import { ackCount, balanceOf } from "./settle.ts";
import type { Share } from "./settle.ts";
import type { ClusterView } from "./view.ts";

const SALT = new Uint8Array(32).fill(7);

/** A cluster with so many settled payments of ann. A period has two; a core node's share of one is two cents. */
function cluster(payments: number) {
  const [ada, bea, cyd, dan, ann, eve] = cast([...CORE, "ann", "eve"], (name) => join(name)[0]!);
  const honest = [ada, bea, cyd];
  const everybody = [...honest, dan, ann, eve];
  for (let number = 0; number < payments; number++) {
    pay(ann, terms, keyOf("ben"), 10n);
    meet(ann, ...honest);
    for (const node of honest) serve(node, terms);
  }
  meet(...everybody);
  return { ada, bea, cyd, dan, ann, eve, honest, everybody };
}

function shareOf({ shares }: ClusterView, { author }: Member): Share {
  return shares.find(({ core }) => core === author)!;
}

/** States a payout as liars do, and returns its id. */
function take(node: Member, periods: number): string {
  node.change(({ payouts }) => payouts.append({ periods }));
  return node.document.root.payouts.entries().findLast(({ author }) => author === node.author)!.id;
}

/** A lie that is simple to prove: two payments with one number. */
function lie(liar: Member): { first: string; second: string } {
  const [first, second] = [1n, 2n].map((cents) => pay(liar, terms, keyOf("ben"), cents, 0));
  return { first: first!, second: second! };
}

/** Commits to an accusation and tells it when these have acknowledged the commitment; they do not acknowledge it here. */
function prove(prover: Member, evidence: Omit<Secret, "salt" | "commitment">, nodes: Member[]) {
  const secret = commit(prover, terms, { ...evidence, salt: SALT });
  meet(prover, ...nodes);
  for (const node of nodes) serve(node, terms);
  meet(prover, ...nodes);
  accuse(prover, secret);
}

function offence(prover: Member, first: string, second = ""): string | undefined {
  accuse(prover, commit(prover, terms, { first, second, salt: SALT }));
  const { facts, verdicts } = see(prover);
  return verdicts.get(facts.accusations.findLast(({ author }) => author === prover.author)!.id)
    ?.offence;
}

describe("a core node", () => {
  it("is paid its shares of whole periods once the core has acknowledged it, and spends them", () => {
    const { ada, bea, cyd, ann, honest, everybody } = cluster(7);
    expect(takePayout(ada, terms)).toBe(true);
    expect(takePayout(ada, terms)).toBe(false);
    // Three periods of four cents; a fee is eight. Before the core has acknowledged it, there is nothing to spend.
    const spent = pay(ada, terms, keyOf("ben"), 4n);
    meet(...everybody);
    expect([serve(ada, terms), serve(bea, terms)]).toEqual([1, 1]);
    meet(...everybody);
    expect(balanceOf(agreed(everybody, 1).settled, ada.author)).toBe(0n);
    expect(serve(cyd, terms)).toBe(2);
    meet(...everybody);
    const paid = agreed(everybody, 2);
    expect(shareOf(paid, ada)).toEqual({ core: ada.author, paid: 3, prover: null, after: 0 });
    expect(balanceOf(paid.settled, ada.author)).toBe(12n);
    expect(paid.settled.pot).toBe(7n * 8n - 12n);
    for (const node of honest) serve(node, terms);
    meet(...everybody);
    const view = agreed(everybody, 3);
    expect(view.settled.made.has(spent)).toBe(true);
    expect(balanceOf(view.settled, ada.author)).toBe(0n);
    // The eighth payment was its own, and ends a period.
    expect(takePayout(ada, terms)).toBe(true);
    expect(see(ada).facts.payouts.at(-1)!.periods).toBe(4);
    expect(takePayout(ann, terms)).toBe(true);
    expect(see(ann).facts.ignored.at(-1)?.reason).toBe("only core nodes have shares");
  });

  it("is paid the most that enough acknowledge, in whichever of its statements", () => {
    const { ada, bea, cyd, dan, everybody } = cluster(6);
    const [one, two, three] = [1, 2, 3].map((periods) => take(dan, periods)) as [
      string,
      string,
      string,
    ];
    meet(...everybody);
    ack(ada, one);
    ack(bea, two);
    ack(cyd, three);
    meet(...everybody);
    const view = agreed(everybody, 4);
    expect(view.facts.payouts.map(({ id }) => ackCount(view.facts, id))).toEqual([1, 1, 1]);
    expect(shareOf(view, dan).paid).toBe(1);
    // Who has acknowledged fewer periods acknowledges the most there are, and none twice.
    expect([ada, bea, cyd].map((node) => serve(node, terms))).toEqual([1, 1, 0]);
    meet(...everybody);
    expect(shareOf(agreed(everybody, 5), dan).paid).toBe(3);
  });

  it("acknowledges no payout of a period that is not over; who does is proven to lie, once it is proven", () => {
    const { ada, bea, dan, ann, eve, everybody } = cluster(3);
    const [good, early] = [take(dan, 1), take(dan, 2)] as const;
    take(dan, 2 ** 30);
    meet(...everybody);
    expect(serve(ada, terms)).toBe(1);
    const fair = see(ada).facts.acks.get(good)!.get(ada.author)![0]!.id;
    const wrong = ack(bea, early);
    // What comes afterwards does not make it right.
    pay(ann, terms, keyOf("ben"), 10n);
    meet(...everybody);
    for (const node of [ada, bea, dan]) serve(node, terms);
    meet(...everybody);
    expect(see(eve).settled.made.size).toBe(4);
    const again = ack(dan, early);
    reconcile(dan.document, eve.document);
    expect(offence(eve, wrong)).toBe("a payout acknowledged wrongly");
    expect(offence(eve, fair)).toBeUndefined();
    expect(offence(eve, again)).toBeUndefined();
    expect(offence(eve, wrong, fair)).toBeUndefined();
  });

  it("that is proven to lie keeps what it got and gets no more; its prover gets half of the rest", () => {
    const { ada, dan, ann, eve, honest, everybody } = cluster(4);
    takePayout(dan, terms);
    meet(...everybody);
    for (const node of honest) serve(node, terms);
    prove(eve, lie(dan), [dan, ...honest]);
    meet(...everybody);
    for (const node of honest) serve(node, terms);
    meet(...everybody);
    const convicted = agreed(everybody, 6);
    expect(shareOf(convicted, dan)).toMatchObject({ paid: 2, prover: eve.author, after: 2 });
    expect(balanceOf(convicted.settled, dan.author)).toBe(8n);
    expect(balanceOf(convicted.settled, eve.author)).toBe(0n);
    for (let number = 0; number < 3; number++) {
      pay(ann, terms, keyOf("ben"), 10n);
      meet(ann, ...honest);
      for (const node of honest) serve(node, terms);
    }
    meet(...everybody);
    expect(takePayout(dan, terms)).toBe(true);
    meet(...everybody);
    for (const node of honest) expect(serve(node, terms)).toBe(0);
    const view = agreed(everybody, 7);
    expect(shareOf(view, dan).paid).toBe(2);
    expect(balanceOf(view.settled, dan.author)).toBe(8n);
    expect(balanceOf(view.settled, eve.author)).toBe(3n);
    // Another's is a payout like any other.
    takePayout(ada, terms);
    meet(...everybody);
    for (const node of honest) expect(serve(node, terms)).toBe(1);
    meet(...everybody);
    const fair = see(eve).facts.acks.get(see(eve).facts.payouts.at(-1)!.id)!.get(ada.author)![0]!;
    expect(offence(eve, fair.id)).toBeUndefined();
    // Who acknowledges dan's all the same had seen the proof.
    const wrong = ack(ada, view.facts.payouts.at(-1)!.id);
    meet(...everybody);
    expect(offence(eve, wrong)).toBe("a payout acknowledged wrongly");
  });

  it("that acknowledges a payout after the proof on another chain is proven to lie too", () => {
    const { ada, dan, ann, eve, honest, everybody } = cluster(2);
    const keyPair = keyPairOf("test", "ada");
    const elsewhere = new Document({ schema: Cluster, id: terms.id, keyPair, chain: 1n });
    const before = take(dan, 1);
    meet(...everybody);
    const fair = ack(ada, before);
    const later = take(dan, 1);
    reconcile(elsewhere, dan.document);
    prove(eve, lie(dan), [dan, ...honest]);
    meet(...everybody);
    serve(ada, terms);
    const accusation = see(ada).facts.accusations[0]!.id;
    const convicting = see(ada).facts.acks.get(accusation)!.get(ada.author)![0]!.id;
    elsewhere.change(({ acks }) => acks.append({ target: later }));
    reconcile(elsewhere, ada.document);
    meet(...everybody);
    const wrong = see(ann).facts.acks.get(later)!.get(ada.author)![0]!.id;
    expect(ann.document.history.forks().length).toBe(0);
    expect(offence(ann, wrong)).toBeUndefined();
    expect(offence(ann, fair, convicting)).toBeUndefined();
    expect(offence(ann, wrong, convicting)).toBe("a payout acknowledged wrongly");
  });
});

describe("a payout and a proof at once", () => {
  it("pay a period to the one for which all but f are, else to nobody, until the last core node answers", () => {
    const { ada, bea, cyd, dan, eve, honest, everybody } = cluster(2);
    const other = dan.twin();
    takePayout(dan, terms);
    meet(dan, ada);
    serve(ada, terms);
    // The rest hears of the payout and of the proof together.
    const evidence = lie(other);
    prove(eve, evidence, [bea, cyd, other]);
    meet(eve, ...honest);
    for (const node of honest) serve(node, terms);
    meet(eve, ...honest);
    const view = see(bea);
    expect(shareOf(view, dan)).toMatchObject({ paid: 0, prover: eve.author, after: 1 });
    expect([dan, eve].map(({ author }) => balanceOf(view.settled, author))).toEqual([0n, 0n]);
    // Dan can decide it for his prover only.
    reconcile(dan.document, bea.document);
    ack(dan, see(dan).facts.accusations[0]!.id);
    const decided = agreed(everybody, 8);
    expect(shareOf(decided, dan)).toMatchObject({ paid: 0, prover: eve.author, after: 0 });
    expect(balanceOf(decided.settled, eve.author)).toBe(2n);
  });

  it("are not decided anew by acknowledgements that a liar back-dates: what the prover was shown stays", () => {
    const { ada, bea, cyd, dan, eve, honest, everybody } = cluster(2);
    const [other, hidden] = [dan.twin(), dan.twin()];
    takePayout(dan, terms);
    const payout = see(dan).facts.payouts[0]!.id;
    meet(dan, ada);
    serve(ada, terms);
    // For the rest of the core, which has not heard of it, the period is the prover's.
    prove(eve, lie(other), [bea, cyd, other]);
    meet(eve, bea, cyd, other);
    for (const node of [bea, cyd]) serve(node, terms);
    const accusation = see(other).facts.accusations[0]!.id;
    const convicting = ack(other, accusation);
    meet(eve, bea, cyd, other);
    expect(shareOf(see(eve), dan)).toMatchObject({ paid: 0, prover: eve.author, after: 0 });
    for (const target of [payout, accusation]) hidden.change(({ acks }) => acks.append({ target }));
    meet(...everybody, other, hidden);
    for (const node of honest) serve(node, terms);
    meet(...everybody);
    const mine = eve.document.root.acks.entries().filter(({ author }) => author === dan.author);
    const again = mine.filter(({ value }) => value.target === accusation).map(({ id }) => id);
    expect(again).toHaveLength(2);
    expect(again[1]).toBe(convicting);
    const view = agreed([...everybody, other, hidden], 10);
    expect(shareOf(view, dan)).toMatchObject({ paid: 0, prover: eve.author, after: 0 });
    expect(balanceOf(view.settled, eve.author)).toBe(2n);
  });

  it("are both settled when two core nodes of four lie: the payout counts, no money comes or goes, both are named", () => {
    const { ada, bea, cyd, dan, eve, everybody } = cluster(2);
    const [cyd2, dan2] = [cyd.twin(), dan.twin()];
    const [left, right] = [
      [ada, cyd, dan],
      [bea, cyd2, dan2, eve],
    ] as const;
    takePayout(dan, terms);
    meet(...left);
    for (const node of left) serve(node, terms);
    meet(...left);
    const evidence = lie(dan2);
    prove(eve, evidence, [bea, cyd2, dan2]);
    meet(...right);
    for (const node of [bea, cyd2, dan2]) serve(node, terms);
    meet(...right);
    expect(shareOf(see(ada), dan)).toMatchObject({ paid: 1, prover: null });
    expect(shareOf(see(bea), dan)).toMatchObject({ paid: 0, prover: eve.author, after: 0 });
    expect(balanceOf(see(bea).settled, eve.author)).toBe(2n);
    const view = agreed([...everybody, cyd2, dan2], 9);
    expect(shareOf(view, dan)).toMatchObject({ paid: 1, prover: eve.author, after: 0 });
    expect(balanceOf(view.settled, dan.author)).toBe(4n);
    expect(balanceOf(view.settled, eve.author)).toBe(0n);
    reconcile(ada.document, bea.document);
    expect(ada.document.history.forks()).toHaveLength(2);
  });

  it("never pay a period to both, nor take one back from who was shown it, while one core node of four lies", () => {
    let reached = 0;
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 2 }), (seed, liars) => {
        const random = new Random(seed);
        const { ada, bea, cyd, dan, ann, eve } = cluster(2);
        const honest = liars === 1 ? [ada, bea, cyd] : [ada, bea];
        const twins = [...(liars === 1 ? [] : [cyd, cyd.twin()]), dan, dan.twin()];
        const everybody = [...honest, ...twins, ann, eve];
        // It says nothing until the end, and then stands first in the log.
        const hidden = dan.twin();
        const evidence = lie(dan);
        meet(dan, eve);
        const secret = commit(eve, terms, { ...evidence, salt: SALT });
        meet(...everybody);
        for (const node of [ada, bea, cyd]) serve(node, terms);
        meet(...everybody);
        takePayout(dan, terms);
        reconcile(dan.document, ada.document);
        serve(ada, terms);
        // The proof is told at some time, while all take and acknowledge what they can.
        const told = random.below(24);
        const seen = { paid: 0, after: Infinity };
        for (let step = 0; step < 28; step++) {
          const actor = step === told ? eve : random.pick(everybody);
          if (step === told) accuse(eve, secret);
          else if (actor === ann) pay(ann, terms, keyOf("ben"), 1n);
          else if (actor !== eve) {
            const { facts } = see(actor);
            const ids = [...facts.payouts, ...facts.accusations].map(({ id }) => id);
            const deeds = [
              () => take(actor, 1 + random.below(4)),
              () => ids.length > 0 && ack(actor, random.pick(ids)),
            ];
            if (twins.includes(actor) && random.chance(0.5)) random.pick(deeds)();
            else {
              takePayout(actor, terms);
              serve(actor, terms);
            }
          }
          for (let meeting = 0; meeting < 4; meeting++)
            reconcile(random.pick(everybody).document, random.pick(everybody).document);
          if (liars === 2) continue;
          const view = see(actor);
          const { paid, prover, after } = shareOf(view, dan);
          seen.paid = Math.max(seen.paid, paid);
          if (prover !== null) seen.after = Math.min(seen.after, after);
          expect(seen.paid).toBeLessThanOrEqual(seen.after);
          for (const share of view.shares)
            expect(share.paid * terms.period).toBeLessThanOrEqual(view.settled.made.size);
          for (const { culprit } of view.verdicts.values()) expect(culprit).toBe(dan.author);
        }
        // The network heals, and the honest ones answer.
        for (let round = 0; round < 2; round++) {
          meet(...honest, eve);
          for (const node of honest) serve(node, terms);
        }
        const { facts } = see(eve);
        for (const { id } of [...facts.payouts, ...facts.accusations]) ack(hidden, id);
        const view = agreed([...everybody, hidden], seed);
        const { paid, prover, after } = shareOf(view, dan);
        if (liars === 1) {
          expect(paid).toBeGreaterThanOrEqual(seen.paid);
          expect(prover).toBe(eve.author);
          expect(after).toBeLessThanOrEqual(seen.after);
          expect(paid).toBeLessThanOrEqual(after);
        }
        if (paid > 0 && prover !== null) reached++;
      }),
      runs(12),
    );
    expectReached(reached, "runs with a payout and a proof");
  });
});
