import { reconcile } from "example-kit";
import { describe, expect, it } from "vitest";
import { accuse, answer, ask, commit, pay } from "./client.ts";
import type { Secret } from "./client.ts";
import { serve, signCheckpoint } from "./core.ts";
import { ack, agreed, convicted, CORE, join, keyOf, meet, see, terms } from "./members.model.ts";
import type { Member } from "./members.model.ts";
import { signState } from "./checkpoint.ts";
import { ackCount, balanceOf } from "./settle.ts";

/** A cluster in which dan has acknowledged both payments of a double spend. */
function guilty() {
  const [ada, bea, cyd, dan, ann, eve, mallory, liar] = join(
    ...CORE,
    "ann",
    "eve",
    "mallory",
    "liar",
  ) as [Member, Member, Member, Member, Member, Member, Member, Member];
  for (let number = 0; number < 3; number++) {
    pay(ann, terms, keyOf("ben"), 10n);
    meet(ada, bea, cyd, ann);
    for (const node of [ada, bea, cyd]) serve(node, terms);
  }
  const other = liar.twin();
  const one = pay(liar, terms, keyOf("ann"), 900n, 0);
  const two = pay(other, terms, keyOf("ben"), 900n, 0);
  meet(dan, liar, other);
  const evidence = { first: ack(dan, one), second: ack(dan, two) };
  meet(ada, bea, cyd, dan, eve, mallory, ann);
  const everybody = [ada, bea, cyd, dan, ann, eve, mallory, liar, other];
  return { ada, bea, cyd, dan, ann, eve, mallory, evidence, everybody };
}

const SALT = new Uint8Array(32).fill(7);

/** The first step, acknowledged by these. */
function promise(
  prover: Member,
  evidence: { first: string; second?: string },
  nodes: readonly Member[],
): Secret {
  const secret = commit(prover, terms, { ...evidence, salt: SALT });
  meet(prover, ...nodes);
  for (const node of nodes) serve(node, terms);
  meet(prover, ...nodes);
  return secret;
}

describe("who proves that a core node lies", () => {
  it("gets half its share of all fees that it was not paid, of those to come too, and the sum stays", () => {
    const { ada, bea, cyd, dan, ann, eve, evidence, everybody } = guilty();
    accuse(eve, promise(eve, evidence, [ada, bea, cyd]));
    meet(ada, bea, cyd, eve);
    for (const node of [ada, bea, cyd]) serve(node, terms);
    meet(ada, bea, cyd, dan, ann, eve);
    const view = agreed(everybody, 1);
    expect(convicted(view)).toEqual(new Map([[dan.author, eve.author]]));
    expect([...view.verdicts.values()]).toEqual([
      {
        culprit: dan.author,
        prover: eve.author,
        offence: "two acknowledgements for one number",
      },
    ]);
    // Ann's three, and one of the liar's, which the core settled with dan.
    expect(view.settled.made.size).toBe(4);
    expect(balanceOf(view.settled, eve.author)).toBe(4n);
    expect(view.settled.pot).toBe(28n);
    pay(ann, terms, keyOf("ben"), 10n);
    meet(ada, bea, cyd, ann);
    for (const node of [ada, bea, cyd]) serve(node, terms);
    const later = agreed(everybody, 2);
    expect(balanceOf(later.settled, eve.author)).toBe(5n);
  });

  it("is not paid before enough core nodes have acknowledged the accusation", () => {
    const { ada, bea, cyd, eve, evidence, everybody } = guilty();
    accuse(eve, promise(eve, evidence, [ada, bea, cyd]));
    meet(ada, bea, eve);
    for (const node of [ada, bea]) serve(node, terms);
    const view = agreed(everybody, 3);
    expect(view.verdicts.size).toBe(1);
    expect(convicted(view).size).toBe(0);
  });

  it("is paid once, even if he proves another offence", () => {
    const { ada, bea, cyd, dan, eve, mallory, evidence, everybody } = guilty();
    const [first, second] = [eve, mallory].map((prover) =>
      promise(prover, evidence, [ada, bea, cyd]),
    ) as [Secret, Secret];
    meet(ada, bea, cyd, eve, mallory);
    accuse(eve, first);
    accuse(mallory, second);
    // Half of the core hears of one first, and keeps to whose commitment it acknowledged first.
    meet(ada, bea, cyd, eve, mallory);
    for (const node of [ada, bea, cyd]) serve(node, terms);
    const view = agreed(everybody, 4);
    expect(view.verdicts.size).toBe(2);
    expect(convicted(view)).toEqual(new Map([[dan.author, eve.author]]));
  });
});

describe("a core node that hears accusations", () => {
  const twoPayments = (payer: Member): { first: string; second: string } => {
    const other = payer.twin();
    const first = pay(payer, terms, keyOf("ben"), 1n, 0);
    const second = pay(other, terms, keyOf("eve"), 1n, 0);
    meet(payer, other);
    return { first, second };
  };

  it("acknowledges none of who is not in the core, and if liars do, nobody is paid for it", () => {
    const { ada, bea, cyd, eve, everybody } = guilty();
    const [cheat] = join("cheat") as [Member];
    const evidence = twoPayments(cheat);
    const honest = [ada, bea, cyd];
    meet(cheat, eve, ...honest);
    accuse(eve, promise(eve, evidence, honest));
    meet(eve, ...honest);
    for (const node of honest) serve(node, terms);
    meet(eve, ...honest);
    const [accusation] = see(eve).facts.accusations;
    expect(see(eve).verdicts.get(accusation!.id)?.culprit).toBe(cheat.author);
    expect(ackCount(see(eve).facts, accusation!.id)).toBe(0);
    for (const node of honest) ack(node, accusation!.id);
    const view = agreed([...everybody, cheat], 6);
    expect(ackCount(view.facts, accusation!.id)).toBe(3);
    expect(convicted(view)).toEqual(new Map());
    expect(balanceOf(view.settled, eve.author)).toBe(0n);
  });

  it("does not mind that he told his proof before his commitment was acknowledged, if nobody copies it", () => {
    const { ada, bea, cyd, dan, eve, evidence, everybody } = guilty();
    const honest = [ada, bea, cyd];
    accuse(eve, commit(eve, terms, { ...evidence, salt: SALT }));
    for (let round = 0; round < 2; round++) {
      meet(eve, ...honest);
      for (const node of honest) serve(node, terms);
    }
    expect(convicted(agreed(everybody, 7))).toEqual(new Map([[dan.author, eve.author]]));
  });

  it("keeps, of two to whom it promised itself at once, to the one with the smaller id", () => {
    const { ada, bea, cyd, eve, mallory, evidence } = guilty();
    const honest = [ada, bea, cyd];
    const secrets = [eve, mallory].map((prover) =>
      commit(prover, terms, { ...evidence, salt: SALT }),
    );
    meet(eve, mallory, ...honest);
    for (const node of honest) serve(node, terms);
    meet(eve, mallory, ...honest);
    accuse(eve, secrets[0]!);
    accuse(mallory, secrets[1]!);
    meet(eve, mallory, ...honest);
    for (const node of honest) serve(node, terms);
    meet(...honest);
    const { facts } = see(ada);
    const [least, other] = facts.accusations.map(({ id }) => id).sort() as [string, string];
    expect([least, other].map((id) => ackCount(facts, id))).toEqual([3, 0]);
  });

  it("keeps to the one to whom it promised itself, whatever others have promised to another", () => {
    // In one of the two orders at least the ids would mislead.
    for (const turn of [0, 1]) {
      const { ada, bea, cyd, dan, eve, mallory, evidence } = guilty();
      const [one, other] = turn === 0 ? [eve, mallory] : [mallory, eve];
      const mine = promise(one, evidence, [ada, bea, cyd]);
      const theirs = commit(other, terms, { ...evidence, salt: SALT });
      meet(other, bea, cyd, dan);
      for (const node of [bea, cyd]) serve(node, terms);
      ack(dan, theirs.commitment);
      accuse(one, mine);
      accuse(other, theirs);
      // All of it comes to ada at once. Three had acknowledged each commitment before they heard an accusation.
      for (const { document } of [one, other, bea, cyd, dan]) reconcile(ada.document, document);
      serve(ada, terms);
      const { facts } = see(ada);
      for (const { commitment } of [mine, theirs])
        expect(ackCount(facts, commitment)).toBeGreaterThanOrEqual(3);
      const chosen = facts.accusations.filter(({ id }) => facts.acks.get(id)?.has(ada.author));
      expect(chosen.map(({ author }) => author)).toEqual([one.author]);
    }
  });
});

describe("who copies a proof", () => {
  it("is not paid once two honest core nodes have the accusation, although a liar helps", () => {
    for (let order = 0; order < 3; order++) {
      const { ada, bea, cyd, dan, eve, mallory, evidence, everybody } = guilty();
      const honest = [ada, bea, cyd];
      accuse(eve, promise(eve, evidence, honest));
      // Two of them hear of it; the third is cut off, and hears the copy first.
      const [one, two, late] = [...honest.slice(order % 3), ...honest.slice(0, order % 3)] as [
        Member,
        Member,
        Member,
      ];
      meet(eve, one, two, mallory);
      const copied = commit(mallory, terms, { ...evidence, salt: SALT });
      const promised = copied.commitment;
      // Dan acknowledges the copy on old heads, as if he had not seen the accusation.
      meet(mallory, one, two, dan);
      ack(dan, promised);
      for (const node of [one, two]) serve(node, terms);
      meet(mallory, one, two, dan, late);
      serve(late, terms);
      accuse(mallory, copied);
      meet(mallory, one, two, late, dan);
      for (const accusation of see(dan).facts.accusations)
        if (accusation.author === mallory.author) ack(dan, accusation.id);
      meet(mallory, one, two, late, dan, eve);
      for (const node of honest) serve(node, terms);
      const view = agreed(everybody, order);
      expect(convicted(view)).toEqual(new Map([[dan.author, eve.author]]));
      const copy = view.facts.accusations.find(({ author }) => author === mallory.author)!;
      // All of the core has acknowledged the commitment: it says nothing of what is in it.
      expect(ackCount(view.facts, copied.commitment)).toBe(4);
      expect(view.verdicts.has(copy.id)).toBe(true);
      expect(ackCount(view.facts, copy.id)).toBe(1);
    }
  });

  it("is not preferred by who heard of him first: enough others had not promised themselves before", () => {
    const { ada, bea, cyd, dan, eve, mallory, evidence, everybody } = guilty();
    const secret = promise(eve, evidence, [ada, bea]);
    meet(eve, dan);
    ack(dan, secret.commitment);
    meet(eve, dan);
    accuse(eve, secret);
    meet(eve, ada, bea);
    for (const node of [ada, bea]) serve(node, terms);
    // Mallory has heard it out of band. Cyd and dan have not, when they acknowledge her commitment; ada and bea have.
    const copied = commit(mallory, terms, { ...evidence, salt: SALT });
    meet(mallory, cyd);
    serve(cyd, terms);
    const promised = [secret, copied].map(({ commitment }) => ackCount(see(cyd).facts, commitment));
    expect(promised).toEqual([0, 1]);
    meet(mallory, dan);
    ack(dan, copied.commitment);
    meet(mallory, dan);
    meet(mallory, ada, bea);
    for (const node of [ada, bea]) serve(node, terms);
    accuse(mallory, copied);
    meet(mallory, ada, bea, cyd, dan, eve);
    const { facts } = see(cyd);
    for (const { commitment } of [secret, copied])
      expect(ackCount(facts, commitment)).toBeGreaterThanOrEqual(3);
    serve(cyd, terms);
    const view = agreed(everybody, 8);
    expect(view.verdicts.size).toBe(2);
    expect(
      view.facts.accusations.map(({ id, author }) => [author, ackCount(view.facts, id)]).sort(),
    ).toEqual(
      [
        [eve.author, 3],
        [mallory.author, 0],
      ].sort(),
    );
    expect(convicted(view)).toEqual(new Map([[dan.author, eve.author]]));
  });

  it("is paid when only he and a liar got it in time: that is what this cannot prevent", () => {
    const { ada, bea, cyd, dan, eve, mallory, evidence, everybody } = guilty();
    accuse(eve, promise(eve, evidence, [ada, bea, cyd]));
    // Eve's network fails; dan alone has heard her, and tells mallory out of band.
    const copied = commit(mallory, terms, { ...evidence, salt: SALT });
    meet(mallory, ada, bea, cyd);
    for (const node of [ada, bea, cyd]) serve(node, terms);
    meet(mallory, ada, bea, cyd);
    accuse(mallory, copied);
    meet(mallory, ada, bea, cyd);
    for (const node of [ada, bea, cyd]) serve(node, terms);
    meet(mallory, ada, bea, cyd, dan, eve);
    const view = agreed(everybody, 5);
    expect(convicted(view)).toEqual(new Map([[dan.author, mallory.author]]));
  });

  it("cannot use another's commitment, nor one that he makes afterwards", () => {
    const { ada, bea, cyd, eve, mallory, evidence } = guilty();
    const secret = promise(eve, evidence, [ada, bea, cyd]);
    meet(mallory, ada);
    accuse(mallory, secret);
    mallory.change(({ accusations }) =>
      accusations.append({ commitment: "none", ...evidence, salt: SALT }),
    );
    const later = commit(mallory, terms, { ...evidence, salt: SALT });
    accuse(mallory, { ...later, salt: new Uint8Array(32) });
    accuse(mallory, { ...later, second: evidence.first, first: evidence.second });
    expect(see(mallory).facts.accusations).toHaveLength(4);
    expect(see(mallory).verdicts.size).toBe(0);
  });
});

describe("what counts as a proof", () => {
  function offence(prover: Member, first: string, second = ""): string | undefined {
    accuse(prover, commit(prover, terms, { first, second, salt: SALT }));
    const { facts, verdicts } = see(prover);
    const mine = facts.accusations.findLast(({ author }) => author === prover.author)!;
    return verdicts.get(mine.id)?.offence;
  }

  it("two payments with one number, not two payments", () => {
    const [ann, eve] = join("ann", "eve") as [Member, Member];
    const one = pay(ann, terms, keyOf("ben"), 1n, 0);
    const next = pay(ann, terms, keyOf("ben"), 1n, 1);
    const again = pay(ann, terms, keyOf("eve"), 1n, 0);
    meet(ann, eve);
    expect(offence(eve, one, next)).toBeUndefined();
    expect(offence(eve, one, one)).toBeUndefined();
    expect(offence(eve, one)).toBeUndefined();
    expect(offence(eve, one, again)).toBe("two payments with one number");
    // Nobody accuses himself.
    expect(offence(ann, one, again)).toBeUndefined();
  });

  it("two acknowledgements for one number, not two acknowledgements, nor those of two nodes", () => {
    const [ada, bea, ann, eve] = join("ada", "bea", "ann", "eve") as [
      Member,
      Member,
      Member,
      Member,
    ];
    const ids = [
      pay(ann, terms, keyOf("ben"), 1n, 0),
      pay(ann, terms, keyOf("ben"), 1n, 1),
      pay(ann, terms, keyOf("eve"), 1n, 0),
    ] as const;
    meet(ann, ada, bea);
    const [a0, a1] = [ack(ada, ids[0]), ack(ada, ids[1])];
    const b2 = ack(bea, ids[2]);
    meet(ada, bea, eve);
    expect(offence(eve, a0, a1)).toBeUndefined();
    expect(offence(eve, a0, b2)).toBeUndefined();
    const a2 = ack(ada, ids[2]);
    expect(offence(eve, a0, a2)).toBeUndefined();
    meet(ada, eve);
    expect(offence(eve, a0, a2)).toBe("two acknowledgements for one number");
    expect(offence(eve, a1, a2)).toBeUndefined();
  });

  it("acknowledging two accusers of one culprit", () => {
    const { ada, bea, cyd, eve, mallory, ann, evidence } = guilty();
    const secrets = [eve, mallory].map((prover) => promise(prover, evidence, [ada, bea, cyd]));
    accuse(eve, secrets[0]!);
    accuse(mallory, secrets[1]!);
    meet(eve, mallory, cyd);
    const acks = see(cyd).facts.accusations.map(({ id }) => ack(cyd, id));
    meet(cyd, ann);
    expect(acks).toHaveLength(2);
    expect(offence(ann, acks[0]!, acks[1])).toBe("two accusers acknowledged");
  });

  it("a denied payment, when the denier had made it already", () => {
    const [ann, eve] = join("ann", "eve") as [Member, Member];
    const question = ask(eve, ann.author);
    meet(ann, eve);
    const paid = pay(ann, terms, keyOf("ben"), 1n);
    answer(ann, terms, question, 0);
    answer(ann, terms, question, 1);
    meet(ann, eve);
    const [lie, truth] = see(eve).facts.claims;
    expect(offence(eve, lie!.id, paid)).toBe("a false claim");
    expect(offence(eve, truth!.id, paid)).toBeUndefined();
  });

  it("only what the accuser had seen, and no payment that was made after the claim", () => {
    const [ann, eve, mallory] = join("ann", "eve", "mallory") as [Member, Member, Member];
    const question = ask(eve, ann.author);
    meet(ann, eve);
    answer(ann, terms, question, 0);
    const later = pay(ann, terms, keyOf("ben"), 1n, 0);
    const again = pay(ann, terms, keyOf("eve"), 1n, 0);
    // Mallory has the names of both from somebody, and nothing else.
    accuse(mallory, commit(mallory, terms, { first: later, second: again, salt: SALT }));
    meet(ann, eve, mallory);
    expect(see(mallory).verdicts.size).toBe(0);
    expect(offence(eve, see(eve).facts.claims[0]!.id, later)).toBeUndefined();
    expect(offence(eve, later, again)).toBe("two payments with one number");
  });

  it("two stories on one chain, not two statements in a line", () => {
    const [ann, eve] = join("ann", "eve") as [Member, Member];
    const twin = ann.twin();
    const one = ask(ann, eve.author);
    const next = ask(ann, eve.author);
    const other = ask(twin, ann.author);
    meet(ann, twin, eve);
    expect(offence(eve, one, next)).toBeUndefined();
    expect(offence(eve, one, other)).toBe("two stories on one chain");
  });

  it("a checkpoint that is not what its signer had seen, and no other one", () => {
    const { ada, bea, cyd, dan, eve, everybody } = guilty();
    signCheckpoint(ada, terms);
    meet(ada, bea, cyd, dan, eve);
    const good = see(eve).facts.checkpoints[0]!;
    expect(good.settled).toBe(3);
    const add = (node: Member, given: object): string => {
      const value = { ...good, ...given };
      const signature = signState(node.keyPair, terms, value.settled, value.root);
      const { proposal, settled, root } = value;
      node.change(({ checkpoints }) =>
        checkpoints.append({ proposal, settled, root, signature, ...given }),
      );
      const { checkpoints } = node.document.root;
      return checkpoints.entries().findLast(({ author }) => author === node.author)!.id;
    };
    const joined = add(bea, { proposal: good.id });
    const bad = [
      add(dan, { root: new Uint8Array(32) }),
      add(dan, { settled: 2 }),
      add(dan, { proposal: good.id, settled: 4 }),
      add(dan, { proposal: "none" }),
      add(dan, { proposal: joined }),
      add(dan, { signature: new Uint8Array(64) }),
    ];
    meet(bea, dan, eve);
    expect(offence(eve, good.id)).toBeUndefined();
    expect(offence(eve, joined)).toBeUndefined();
    for (const id of bad) expect(offence(eve, id)).toBe("a false checkpoint");
    expect(offence(eve, bad[0]!, good.id)).toBeUndefined();
    meet(ada, eve);
    agreed(everybody, 9);
  });
});
