import { Document, sign, toHex } from "bft-json-crdt";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyPairOf, Random, reconcile, taggedBytes } from "example-kit";
import { hasSigned, isCertified, isProven, proveBalance, rootOf, signState } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { accuse, answer, ask, commit, pay, refutationOf } from "./client.ts";
import { serve, signCheckpoint, takePayout } from "./core.ts";
import { ack, agreed, convicted, CORE, join, keyOf, meet, see, terms } from "./members.model.ts";
import type { Member } from "./members.model.ts";
import { Cluster } from "./schema.ts";
import { ackCount, balanceOf } from "./settle.ts";
import type { ClusterView } from "./view.ts";

/** Payments that enough core nodes have acknowledged, whether they were made or not. */
function certified({ facts }: ClusterView): { id: string; slot: string }[] {
  return facts.transfers
    .filter(({ id }) => ackCount(facts, id) >= terms.threshold)
    .map(({ id, author, number }) => ({ id, slot: `${author}/${number}` }));
}

/** What a liar does: anything, most of it absurd; `twin` tells another story. */
function misbehave(liar: Member, random: Random, victims: readonly string[]): void {
  const { root } = liar.document;
  const { transfers, payouts, commitments, accusations, acks, checkpoints } = root;
  const ids = [transfers, payouts, commitments, accusations, acks, checkpoints]
    .flatMap((log) => log.entries() as readonly { id: string }[])
    .map(({ id }) => id);
  const anyId = (): string => (ids.length > 0 && random.chance(0.9) ? random.pick(ids) : "x:0");
  const absurd = random.chance(0.3);
  const number = absurd ? random.pick([3, -1, 2 ** 40, Number.MAX_SAFE_INTEGER]) : random.below(2);
  const amount = absurd ? random.pick([0n, -5n, 10n ** 30n]) : random.pick([1n, 50n, 900n]);
  const to = random.chance(0.8)
    ? random.pick(victims)
    : random.pick([liar.author, "__proto__", "", "z".repeat(64)]);
  const transfer = (): unknown =>
    liar.change(({ transfers }) => transfers.append({ number, to, amount }));
  const deeds = [
    transfer,
    transfer,
    () =>
      liar.change(({ payouts }) => payouts.append({ periods: absurd ? number : random.below(4) })),
    () => liar.change(({ acks }) => acks.append({ target: anyId() }, { target: anyId() })),
    () => {
      const settled = random.below(3);
      const root = random.bytes(32);
      const signature = signState(liar.keyPair, terms, settled, root);
      const proposal = random.chance(0.5) ? "" : anyId();
      liar.change(({ checkpoints }) => checkpoints.append({ proposal, settled, root, signature }));
    },
    () => {
      const secret = commit(liar, terms, {
        first: anyId(),
        second: anyId(),
        salt: random.bytes(32),
      });
      accuse(liar, secret);
    },
    () => {
      const question = ask(liar, liar.author);
      answer(liar, terms, question, random.below(3));
    },
  ];
  random.pick(deeds)();
}

describe("with one core node of four and a payer that lie", () => {
  it("replicas agree, money is conserved, and what was settled stays for whoever has seen it", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = new Random(seed);
        const [ada, bea, cyd, dan, ann, ben, liar] = join(...CORE, "ann", "ben", "liar") as [
          Member,
          Member,
          Member,
          Member,
          Member,
          Member,
          Member,
        ];
        const honest = [ada, bea, cyd, ann, ben];
        pay(ann, terms, ben.author, 20n);
        meet(...honest);
        for (const node of [ada, bea, cyd]) serve(node, terms);
        const other = liar.twin();
        pay(liar, terms, ann.author, 900n, 0);
        pay(other, terms, ben.author, 900n, 0);
        const twins = [liar, other, dan, dan.twin()];
        const victims = [ann.author, ben.author, keyOf("eve")];
        const relied = new Set<string>();
        const paidOut = new Map<string, number>();
        for (let step = 0; step < 32; step++) {
          const actor = random.pick([...honest, ...twins]);
          if (twins.includes(actor)) misbehave(actor, random, victims);
          else if (actor === ann || actor === ben) {
            pay(
              actor,
              terms,
              random.pick([liar.author, ...victims.filter((to) => to !== actor.author)]),
              20n,
            );
          } else {
            serve(actor, terms);
            takePayout(actor, terms);
            if (random.chance(0.2)) signCheckpoint(actor, terms);
          }
          for (let meeting = 0; meeting < 3; meeting++) {
            reconcile(
              random.pick([...honest, ...twins]).document,
              random.pick([...honest, ...twins]).document,
            );
          }
          const view = see(actor);
          for (const id of view.settled.made) relied.add(id);
          for (const { core, paid } of view.shares) {
            paidOut.set(core, Math.max(paid, paidOut.get(core) ?? 0));
            // Whoever has the acknowledgements has all the fees that a payout is of.
            expect(paid * terms.period).toBeLessThanOrEqual(view.settled.made.size);
          }
          const sure = certified(view);
          expect(new Set(sure.map(({ slot }) => slot)).size).toBe(sure.length);
          // Whoever has the acknowledgements has all that the payment needs.
          expect(new Set(sure.map(({ id }) => id))).toEqual(view.settled.made);
        }
        const view = agreed([...honest, ...twins], seed);
        for (const id of relied) expect(view.settled.made.has(id)).toBe(true);
        for (const { core, paid } of view.shares) {
          expect(paid).toBeGreaterThanOrEqual(paidOut.get(core)!);
          expect(paid * terms.period).toBeLessThanOrEqual(view.settled.made.size);
        }
        for (const id of view.settled.made) expect(view.expected.made.has(id)).toBe(true);
        for (const culprit of [...view.verdicts.values()].map((verdict) => verdict.culprit))
          expect([liar.author, dan.author]).toContain(culprit);
        for (const culprit of convicted(view).keys()) expect(culprit).toBe(dan.author);
        expect(view.settled.made.size).toBeGreaterThan(0);
        expect(view.doubleSpends.length).toBeGreaterThan(0);
      }),
      runs(10),
    );
  });

  it("honest core nodes are never proven to lie, are paid, and settle all that honest people pay", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = new Random(seed);
        const [ada, bea, cyd, dan, ann, ben] = join(...CORE, "ann", "ben") as [
          Member,
          Member,
          Member,
          Member,
          Member,
          Member,
        ];
        const everybody = [ada, bea, cyd, ann, ben];
        const paid: string[] = [];
        for (let step = 0; step < 12; step++) {
          const payer = random.pick([ann, ben]);
          paid.push(pay(payer, terms, payer === ann ? ben.author : ann.author, 10n));
          misbehave(dan, random, [ann.author]);
          reconcile(random.pick(everybody).document, random.pick(everybody).document);
          reconcile(dan.document, random.pick(everybody).document);
          const node = random.pick([ada, bea, cyd]);
          serve(node, terms);
          takePayout(node, terms);
        }
        // The network heals, and three of four answer.
        for (let round = 0; round < paid.length; round++) {
          meet(...everybody);
          if ([ada, bea, cyd].map((node) => serve(node, terms)).every((count) => count === 0))
            break;
        }
        const view = agreed([...everybody, dan], seed);
        for (const id of paid) expect(view.settled.made.has(id)).toBe(true);
        for (const { id, author, periods } of view.facts.payouts)
          if (author !== dan.author && ackCount(view.facts, id) < terms.threshold)
            expect(view.shares.find(({ core }) => core === author)!.paid).toBeGreaterThan(periods);
        for (const { culprit } of view.verdicts.values()) expect(culprit).toBe(dan.author);
      }),
      runs(4),
    );
  });
});

describe("a double spend", () => {
  /** The liar pays two people with one number. */
  function twice(...helpers: Member[]): { liar: Member; other: Member; one: string; two: string } {
    const [liar] = join("liar") as [Member];
    for (const helper of helpers) reconcile(helper.document, liar.document);
    const other = liar.twin();
    const one = pay(liar, terms, keyOf("ann"), 900n, 0);
    const two = pay(other, terms, keyOf("ben"), 900n, 0);
    return { liar, other, one, two };
  }

  it("comes to one payment on every replica, the one that more core nodes acknowledge", () => {
    const [ada, bea, cyd] = join(...CORE) as [Member, Member, Member];
    const { liar, other, one, two } = twice();
    reconcile(ada.document, liar.document);
    reconcile(bea.document, liar.document);
    serve(ada, terms);
    serve(bea, terms);
    meet(ada, bea, cyd, other);
    // The third sees both and joins the majority.
    serve(cyd, terms);
    const view = agreed([ada, bea, cyd, liar, other], 1);
    expect(view.settled.made).toEqual(new Set([one]));
    expect(view.doubleSpends).toEqual([
      { account: liar.author, number: 0, ids: [one, two].sort(), chosen: one, isSettled: true },
    ]);
    expect(balanceOf(view.settled, keyOf("ben"))).toBe(500n);
    expect(ada.document.history.forks()).toHaveLength(1);
  });

  it("by two replicas of one owner is treated the same, without a fork of a chain", () => {
    const [ada, ann] = join("ada", "ann") as [Member, Member];
    // Another replica of the same owner, with a line of its own.
    const keyPair = keyPairOf("test", "ann");
    const phone = new Document({ schema: Cluster, id: terms.id, keyPair, chain: 7n });
    const one = pay(ann, terms, keyOf("ben"), 600n);
    phone.change(({ transfers }) =>
      transfers.append({ number: 0, to: keyOf("liar"), amount: 600n }),
    );
    reconcile(ada.document, ann.document);
    reconcile(ada.document, phone);
    const [spend] = see(ada).doubleSpends;
    expect(spend?.ids).toContain(one);
    expect(ada.document.history.forks()).toHaveLength(0);
    serve(ada, terms);
    expect(see(ada).doubleSpends[0]?.isSettled).toBe(false);
    agreed([ada, ann], 3);
  });

  it("freezes the liar's account when the core is divided, and nobody else's", () => {
    const [ada, bea, cyd, dan, ann] = join(...CORE, "ann") as [
      Member,
      Member,
      Member,
      Member,
      Member,
    ];
    const { liar, other, one, two } = twice();
    for (const node of [ada, bea]) reconcile(node.document, liar.document);
    for (const node of [cyd, dan]) reconcile(node.document, other.document);
    for (const node of [ada, bea, cyd, dan]) serve(node, terms);
    const paid = pay(ann, terms, keyOf("ben"), 10n);
    pay(liar, terms, keyOf("ben"), 10n, 1);
    meet(ada, bea, cyd, dan, ann, liar);
    for (const node of [ada, bea, cyd, dan]) serve(node, terms);
    const view = agreed([ada, bea, cyd, dan, ann, liar], 4);
    expect([one, two].map((id) => ackCount(view.facts, id))).toEqual([2, 2]);
    expect(view.settled.made).toEqual(new Set([paid]));
    // What will be expected is decided by ids all the same.
    expect(view.expected.made.has([one, two].sort()[0]!)).toBe(true);
  });

  it("can be settled twice when two core nodes of four lie: then it shows, and all agree", () => {
    const [ada, bea, cyd, dan] = join(...CORE) as [Member, Member, Member, Member];
    const { liar, other, one, two } = twice();
    const [cyd2, dan2] = [cyd.twin(), dan.twin()];
    const left = [ada, cyd, dan, liar];
    const right = [bea, cyd2, dan2, other];
    for (const side of [left, right]) {
      meet(...side);
      for (const node of side.slice(0, 3)) serve(node, terms);
      meet(...side);
    }
    expect(see(ada).settled.made).toEqual(new Set([one]));
    expect(see(bea).settled.made).toEqual(new Set([two]));
    const view = agreed([...left, ...right], 5);
    expect(certified(view)).toHaveLength(2);
    expect(view.settled.made).toEqual(new Set([[one, two].sort()[0]]));
    meet(ada, bea);
    const culprits = ada.document.history.forks().map(({ author }) => toHex(author));
    expect(culprits.sort()).toEqual([liar, cyd, dan].map(({ author }) => author).sort());
  });
});

describe("a core node", () => {
  it("acknowledges no payment without the money, out of turn, or for the second time", () => {
    const [ada, ann, eve] = join("ada", "ann", "eve") as [Member, Member, Member];
    const poor = pay(eve, terms, keyOf("ben"), 1n);
    const late = pay(ann, terms, keyOf("ben"), 1n, 1);
    meet(ada, ann, eve);
    expect(serve(ada, terms)).toBe(0);
    const now = pay(ann, terms, keyOf("ben"), 992n, 0);
    meet(ada, ann);
    expect(serve(ada, terms)).toBe(1);
    expect(serve(ada, terms)).toBe(0);
    const { facts } = see(ada);
    expect([poor, late, now].map((id) => ackCount(facts, id))).toEqual([0, 0, 1]);
    const more = pay(eve, terms, keyOf("ann"), 993n, 0);
    expect(ackCount(see(eve).facts, more)).toBe(0);
  });

  it("takes the fee into account to the cent", () => {
    const [ada, ann] = join("ada", "ann") as [Member, Member];
    pay(ann, terms, keyOf("ben"), 993n);
    meet(ada, ann);
    expect(serve(ada, terms)).toBe(0);
  });

  it.each([15, 16, 40])(
    "makes its acknowledgement build on all that it has, although %d liars make a head each",
    (count) => {
      const [ada, ann] = join("ada", "ann") as [Member, Member];
      const crowd = join(...Array.from({ length: count }, (_, i) => `stranger ${i}`));
      for (const stranger of crowd) {
        ask(stranger, ann.author);
        ask(stranger, ann.author);
        reconcile(ada.document, stranger.document);
      }
      pay(ann, terms, keyOf("ben"), 1n);
      reconcile(ada.document, ann.document);
      const had = ada.document.history.length;
      serve(ada, terms);
      const [mine] = ada.document.root.acks.entries();
      const unseen = ada.document.history.missingFor([mine!.change]);
      expect(unseen.filter((change) => change < had)).toEqual([]);
    },
  );

  it("has acknowledged a payment when it did so first, however often it says it again", () => {
    const [ada, ann] = join("ada", "ann") as [Member, Member];
    const paid = pay(ann, terms, keyOf("ben"), 1n);
    reconcile(ada.document, ann.document);
    const first = ack(ada, paid);
    ada.change(({ acks }) => acks.append({ target: paid }, { target: paid }));
    ack(ada, paid);
    const { facts } = agreed([ada, ann], 2);
    expect(ackCount(facts, paid)).toBe(1);
    expect(facts.acks.get(paid)!.get(ada.author)![0]!.id).toBe(first);
  });

  it("that writes on two chains has not acknowledged first what it did before, but what stands first in the log", () => {
    const [ada, ann] = join("ada", "ann") as [Member, Member];
    const keyPair = keyPairOf("test", "ada");
    const elsewhere = new Document({ schema: Cluster, id: terms.id, keyPair, chain: 1n });
    const paid = pay(ann, terms, keyOf("ben"), 1n);
    for (const document of [ada.document, elsewhere]) reconcile(document, ann.document);
    for (let questions = 0; questions < 3; questions++) ask(ada, ann.author);
    const before = ack(ada, paid);
    expect(see(ada).facts.acks.get(paid)!.get(ada.author)![0]!.id).toBe(before);
    elsewhere.change(({ acks }) => acks.append({ target: paid }));
    const [after] = elsewhere.root.acks.entries();
    reconcile(elsewhere, ann.document);
    const { facts } = agreed([ada, ann], 3);
    expect(ackCount(facts, paid)).toBe(1);
    expect(facts.acks.get(paid)!.get(ada.author)![0]!.id).toBe(after!.id);
  });

  it("acknowledges sixteen commitments of one author, since they cost him nothing, and those of others", () => {
    const [ada, eve, mallory] = join("ada", "eve", "mallory") as [Member, Member, Member];
    const evidence = { first: "x", salt: new Uint8Array(32) };
    const many = Array.from({ length: 18 }, () => commit(mallory, terms, evidence).commitment);
    const { commitment } = commit(eve, terms, evidence);
    meet(ada, eve, mallory);
    expect(serve(ada, terms)).toBe(17);
    expect(serve(ada, terms)).toBe(0);
    const { facts } = see(ada);
    expect(many.map((id) => ackCount(facts, id))).toEqual(many.map((_, at) => (at < 16 ? 1 : 0)));
    expect(ackCount(facts, commitment)).toBe(1);
  });

  it("that is not one is ignored, as is every record that breaks a rule", () => {
    const [ann, eve] = join("ann", "eve") as [Member, Member];
    const id = pay(ann, terms, keyOf("ben"), 1n);
    meet(ann, eve);
    const signature = signState(eve.keyPair, terms, 1, new Uint8Array(32));
    const [ada] = join("ada") as [Member];
    ada.change(({ payouts }) =>
      payouts.append({ periods: 0 }, { periods: -1 }, { periods: 2 ** 31 }),
    );
    meet(ada, eve);
    eve.change(({ acks, transfers, payouts, checkpoints, claims, commitments }) => {
      acks.append({ target: id });
      payouts.append({ periods: 1 });
      transfers.append(
        { number: -1, to: ann.author, amount: 1n },
        { number: 0, to: "ann", amount: 1n },
        { number: 0, to: eve.author, amount: 1n },
        { number: 0, to: ann.author, amount: 0n },
        { number: 0, to: ann.author, amount: terms.supply + 1n },
      );
      checkpoints.append({ proposal: "", settled: 1, root: new Uint8Array(32), signature });
      claims.append({ question: "none", next: 0 });
      commitments.append({ digest: new Uint8Array(31) });
    });
    expect(
      see(eve)
        .facts.ignored.map(({ reason }) => reason)
        .sort(),
    ).toEqual([
      "a commitment has 32 bytes",
      "a payment's number is an integer from 0 on",
      "a payout is of one period at least",
      "a payout is of one period at least",
      "a payout is of one period at least",
      "it answers no question",
      "nobody pays oneself",
      "only core nodes acknowledge",
      "only core nodes have shares",
      "only core nodes sign checkpoints",
      "the payee is no account",
      "there is no such amount of money",
      "there is no such amount of money",
    ]);
  });
});

describe("a newcomer", () => {
  it("refutes who denies a payment, as soon as anybody who has it sends it", () => {
    const [ann, ben, eve] = join("ann", "ben", "eve") as [Member, Member, Member];
    const before = ann.twin();
    const paid = pay(ann, terms, ben.author, 100n);
    meet(ann, ben);
    const question = ask(eve, ann.author);
    meet(before, eve);
    answer(before, terms, question);
    meet(before, eve);
    const alone = see(eve);
    expect(alone.facts.claims).toHaveLength(1);
    expect(refutationOf(eve.document, alone.facts, alone.facts.claims[0]!)).toBeNull();
    meet(eve, ben);
    const { facts } = see(eve);
    expect(refutationOf(eve.document, facts, facts.claims[0]!)?.id).toBe(paid);
    expect(eve.document.history.forks()).toHaveLength(1);
  });

  it("refutes nobody who paid only after the answer, and takes no older answer for a new one", () => {
    const [ann, eve] = join("ann", "eve") as [Member, Member];
    const question = ask(eve, ann.author);
    // Anyone could have guessed what will be asked.
    ann.change(({ claims }) => claims.append({ question, next: 0 }));
    meet(ann, eve);
    expect(see(eve).facts.claims).toHaveLength(0);
    answer(ann, terms, question);
    pay(ann, terms, keyOf("ben"), 1n);
    meet(ann, eve);
    const { facts } = see(eve);
    expect(facts.claims).toHaveLength(1);
    expect(refutationOf(eve.document, facts, facts.claims[0]!)).toBeNull();
  });
});

describe("a checkpoint", () => {
  function signed(): Member[] {
    const [ada, bea, cyd, dan, ann] = join(...CORE, "ann") as [
      Member,
      Member,
      Member,
      Member,
      Member,
    ];
    pay(ann, terms, keyOf("ben"), 100n);
    meet(ada, bea, cyd, dan, ann);
    for (const node of [ada, bea, cyd]) serve(node, terms);
    meet(ada, bea, cyd, dan, ann);
    return [ada, bea, cyd, dan, ann];
  }

  it("is checked with the terms and nothing else, and proves what an account had", () => {
    const members = signed();
    const [ada, bea, cyd, , ann] = members as [Member, Member, Member, Member, Member];
    expect(signCheckpoint(ada, terms)).toBe(true);
    expect(signCheckpoint(ada, terms)).toBe(false);
    // Meanwhile there is more: the others sign what ada has signed all the same.
    pay(ann, terms, keyOf("ben"), 5n);
    meet(...members);
    for (const node of [bea, cyd, ada]) serve(node, terms);
    meet(...members);
    expect(see(bea).checkpoint).toBeNull();
    signCheckpoint(bea, terms);
    signCheckpoint(cyd, terms);
    meet(...members);
    const { checkpoint, facts, verdicts } = see(ann);
    expect(checkpoint?.settled).toBe(1);
    expect(isCertified(checkpoint!, terms)).toBe(true);
    expect(verdicts.size + facts.ignored.length).toBe(0);
    const early = agreed(members, 8);
    expect(early.checkpoint).toEqual(checkpoint);

    const proofs = new Map(
      [ann.author, keyOf("ben")].map((account) => [account, proveBalance(early.settled, account)!]),
    );
    // Those are of the newer state.
    for (const proof of proofs.values()) expect(isProven(proof, checkpoint!)).toBe(false);
    type Signature = Checkpoint["signatures"][number];
    const [first, second, third] = checkpoint!.signatures as [Signature, Signature, Signature];
    const withSignatures = (...signatures: Signature[]): boolean =>
      isCertified({ ...checkpoint!, signatures }, terms);
    expect(withSignatures(first, second, third)).toBe(true);
    expect(withSignatures(first, second)).toBe(false);
    expect(withSignatures(first, second, second)).toBe(false);
    expect(withSignatures(first, second, { ...third, signature: second.signature })).toBe(false);
    expect(withSignatures(first, second, { ...third, core: ann.author })).toBe(false);
    // Nor does a stranger count who signs just this.
    const { settled, root } = checkpoint!;
    const signature = signState(ann.keyPair, terms, settled, root);
    expect(hasSigned(ann.author, terms, { settled, root, signature })).toBe(true);
    expect(withSignatures(first, second, { ...third, core: ann.author, signature })).toBe(false);
    const other = { ...checkpoint!, settled: 2 };
    expect(isCertified(other, terms)).toBe(false);
  });

  it("is signed once by each, and not at all by who comes when enough have", () => {
    const members = signed();
    const [ada, bea, cyd, dan] = members as [Member, Member, Member, Member];
    signCheckpoint(ada, terms);
    meet(...members);
    expect(signCheckpoint(bea, terms)).toBe(true);
    meet(...members);
    for (const node of [ada, bea]) expect(signCheckpoint(node, terms)).toBe(false);
    expect(see(ada).checkpoint).toBeNull();
    expect(signCheckpoint(cyd, terms)).toBe(true);
    meet(...members);
    expect(see(dan).checkpoint?.settled).toBe(1);
    expect(signCheckpoint(dan, terms)).toBe(false);
    expect(see(dan).facts.checkpoints.map(({ proposal }) => proposal === "")).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("that is wrong, or is no proposal, is signed by no honest node: it proposes another", () => {
    const members = signed();
    const [ada, bea, , dan] = members as [Member, Member, Member, Member];
    const right = rootOf(see(dan).settled);
    const vote = (proposal: string, settled: number, root: Uint8Array): string => {
      const signature = signState(dan.keyPair, terms, settled, root);
      dan.change(({ checkpoints }) => checkpoints.append({ proposal, settled, root, signature }));
      return dan.document.root.checkpoints.entries().at(-1)!.id;
    };
    const wrong = vote("", 1, new Uint8Array(32));
    vote("", 2, right);
    vote(wrong, 1, right);
    meet(...members);
    expect(signCheckpoint(ada, terms)).toBe(true);
    meet(...members);
    const mine = see(bea).facts.checkpoints.at(-1)!;
    expect({ ...mine, root: toHex(mine.root) }).toMatchObject({
      ...{ author: ada.author, proposal: "", settled: 1, root: toHex(right) },
    });
    expect(signCheckpoint(bea, terms)).toBe(true);
    expect(see(bea).facts.checkpoints.at(-1)!.proposal).toBe(mine.id);
  });

  it("holds all that its signer has, although a crowd of liars makes a head each", () => {
    const [ada, , , , ann] = signed() as [Member, Member, Member, Member, Member];
    for (const stranger of join(...Array.from({ length: 40 }, (_, i) => `stranger ${i}`))) {
      ask(stranger, ann.author);
      reconcile(ada.document, stranger.document);
    }
    const had = ada.document.history.length;
    expect(signCheckpoint(ada, terms)).toBe(true);
    const [mine] = ada.document.root.checkpoints.entries();
    const unseen = ada.document.history.missingFor([mine!.change]);
    expect(unseen.filter((change) => change < had)).toEqual([]);
  });

  it("proves a balance, and no other one", () => {
    const members = signed();
    for (const node of members.slice(0, 3)) {
      signCheckpoint(node, terms);
      meet(...members);
    }
    const { checkpoint, settled } = see(members[3]!);
    const proof = proveBalance(settled, keyOf("ben"))!;
    expect(proof.state.balance).toBe(600n);
    expect(isProven(proof, checkpoint!)).toBe(true);
    expect(isProven({ ...proof, account: keyOf("eve") }, checkpoint!)).toBe(false);
    expect(isProven({ ...proof, state: { balance: 601n, next: 0 } }, checkpoint!)).toBe(false);
    expect(isProven({ ...proof, state: { balance: 600n, next: 1 } }, checkpoint!)).toBe(false);
    expect(proveBalance(settled, keyOf("eve"))).toBeNull();
  });

  it("is signed for this cluster only, and behind its tag", () => {
    const members = signed();
    const [ada] = members as [Member];
    const root = new Uint8Array(32);
    const signature = signState(ada.keyPair, terms, 1, root);
    expect(hasSigned(ada.author, terms, { settled: 1, root, signature })).toBe(true);
    const elsewhere = { ...terms, id: new Uint8Array(32) };
    expect(hasSigned(ada.author, elsewhere, { settled: 1, root, signature })).toBe(false);
    const bare = sign(taggedBytes("another", [terms.id, 1, root]), ada.keyPair.secretKey);
    expect(hasSigned(ada.author, terms, { settled: 1, root, signature: bare })).toBe(false);
  });
});
