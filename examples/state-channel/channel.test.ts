import { sha256 } from "bft-json-crdt";
import { Random, reconcile } from "example-kit";
import { expectReached, runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { confirm, match, offer } from "./market.ts";
import {
  agreedBy,
  chainKey,
  checkMoney,
  fund,
  join,
  meet,
  opened,
  placesOf,
  see,
  sign,
  terms,
  tick,
} from "./members.model.ts";
import type { Member } from "./members.model.ts";
import { latestState, operate, propose, signProposal } from "./party.ts";
import { signDeposit, signEpoch } from "./receipts.ts";
import type { ChannelDocument } from "./schema.ts";
import { signState } from "./state.ts";
import type { Asset } from "./terms.ts";

type Proposals = ReturnType<ChannelDocument["root"]["proposals"]["entries"]>;

const PUT = { usd: 1_500n, eth: 100n };
const SECRET = new Uint8Array([1, 2, 3]);
const LOCK = { kind: "lock", asset: "usd", amount: 1n, data: sha256(SECRET) };

function reasons(member: Member): string[] {
  return see(member).ignored.map(({ reason }) => reason);
}

/** Something that one can do in a channel, sensible or not. Liars know of all proposals, also where they hide that they do. */
function act(member: Member, random: Random, isLiar: boolean, proposals: Proposals = []): void {
  const { root } = member.document;
  const ids = root.operations.entries().map(({ id }) => id);
  const target = ids.length > 0 ? random.pick(ids) : "none";
  const amounts = isLiar ? [0n, -1n, 10n ** 40n, 90n, 900n] : [1n, 20n, 90n];
  const operation = {
    kind: random.pick([
      ...["transfer", "transfer", "lock", "claim", "withdraw", "supply", "redeem"],
      ...["borrow", "repay", "liquidate", ...(isLiar ? ["steal", "__proto__"] : [])],
    ]),
    asset: random.pick(isLiar ? ["usd", "eth", "gold"] : ["usd", "eth"]),
    amount: random.pick(amounts),
    to: random.pick([...terms.parties, ...(isLiar ? ["", "__proto__"] : [])]),
    data: random.chance(0.5) ? SECRET : sha256(SECRET),
    expiry: random.between(0, 6),
    target,
    collateral: random.pick(amounts),
  };
  const steps = [
    () => operate(member, operation),
    () => operate(member, isLiar ? { ...operation, number: random.between(-1, 3) } : operation),
    () => offer(member, random.pick(["buy", "sell"]), BigInt(random.between(1, 3)), 10n),
    () => match(member),
    () => confirm(member),
    () => confirm(member),
  ];
  const lies = [
    () => {
      const root = random.bytes(32);
      const version = random.between(0, 3);
      member.change(({ proposals }) => proposals.append({ version, deposits: 3, root }));
    },
    () => signAny(member, random, proposals),
    () => signAny(member, random, proposals),
    () => {
      const deposit = { index: 3, party: member.author, asset: "usd", amount: 10n };
      const signature = signDeposit(member.keyPair, terms, deposit);
      member.change(({ deposits }) => deposits.append({ ...deposit, signature }));
    },
  ];
  random.pick(isLiar && random.chance(0.3) ? lies : steps)();
}

/** Signs any proposal, right or not, seen or not, with a good signature or a forged one. */
function signAny(member: Member, random: Random, proposals: Proposals): void {
  if (proposals.length === 0) return;
  const { id, value } = random.pick(proposals);
  const signature = random.chance(0.5) ? random.bytes(64) : signState(member.keyPair, terms, value);
  member.change(({ signatures }) => signatures.append({ proposal: id, signature }));
}

/** Trades all usd that the buyer has by then. */
function trade(seller: Member, buyer: Member): void {
  offer(seller, "sell", 480n, 1n);
  offer(buyer, "buy", 480n, 1n);
  meet(seller, buyer);
  match(seller);
  meet(seller, buyer);
  for (const member of [seller, buyer]) confirm(member);
}

describe("a channel of three with one who lies, or two who collude", () => {
  it("shows the same everywhere, keeps all money, and never undoes what all have signed", () => {
    let undone = 0;
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), (seed, isCollusion) => {
        const random = new Random(seed);
        const { chain, ann, ben, cem } = opened();
        const liars = isCollusion ? [ben, cem] : [ben];
        // They show nothing until the end, and then stand first in the log.
        const hidden = liars.map((liar) => liar.twin());
        offer(ben, "sell", 2n, 10n);
        offer(cem, "buy", 2n, 10n);
        meet(ann, ben, cem);
        match(ann);
        meet(ann, ben, cem);
        for (const member of [ben, cem]) confirm(member);
        // It returns at the next epoch, and was good when all signed it.
        operate(ann, { ...LOCK, to: ben.author, expiry: 2 });
        sign(ann, ben, cem);
        const twins = liars.map((liar) => liar.twin());
        const members = [ann, cem, ben, ...twins];
        liars.forEach((liar, at) => {
          const transfer = { kind: "transfer", asset: liar === ben ? "eth" : "usd", amount: 50n };
          operate(liar, { ...transfer, to: ann.author });
          operate(twins[at]!, { ...transfer, to: (liar === ben ? cem : ben).author });
        });
        const lies = new Set([...liars, ...twins]);
        let kept: string[] = [];
        for (let step = 0; step < 26; step++) {
          const actor = random.pick(members);
          if (random.chance(0.1)) tick(chain, ann, BigInt(random.between(1, 100)));
          else if (random.chance(0.25)) {
            propose(random.pick(members), terms);
            meet(...members);
            for (const member of [ann, cem, ben]) signProposal(member, terms);
          } else act(actor, random, lies.has(actor), ann.document.root.proposals.entries());
          for (let i = 0; i < 2; i++)
            reconcile(random.pick(members).document, random.pick(members).document);
          checkMoney(see(actor), PUT);
          // What was signed stays, whatever comes.
          const signed = see(ann).agreed.map(({ proposal }) => proposal);
          expect(signed.slice(0, kept.length)).toEqual(kept);
          kept = signed;
        }
        const proposals = ann.document.root.proposals
          .entries()
          .filter(({ id }) => kept.includes(id));
        for (const twin of hidden) {
          const to = ann.author;
          operate(twin, { kind: "transfer", asset: "eth", amount: 1n, to });
          signAny(twin, random, proposals);
          act(twin, random, true, proposals);
        }
        if (isCollusion) trade(hidden[0]!, hidden[1]!);
        const result = agreedBy([...members, ...hidden], seed, PUT);
        const signed = result.agreed.map(({ proposal }) => proposal);
        expect(signed.slice(0, kept.length)).toEqual(kept);
        expect(kept.length).toBeGreaterThan(0);
        expect(result.trades.paid.length).toBeGreaterThan(0);
        const spenders = new Set(result.doubleSpends.map(({ party }) => party));
        expect([...spenders].sort()).toEqual(liars.map(({ author }) => author).sort());
        const places = placesOf(ann.document, see(ann).agreed);
        if (places.get(`${ben.author}/0`)!.stage < kept.length) undone++;
      }),
      runs(8),
    );
    expectReached(undone, "runs in which what a hidden operation contradicts was signed");
  });
});

describe("two of three who collude", () => {
  const pay = (member: Member, to: Member, asset: Asset, amount: bigint): string =>
    operate(member, { kind: "transfer", asset, amount, to: to.author });

  it("undo nothing that the third has signed: it leaves by that, whatever they show the chain", () => {
    const { chain, ann, ben, cem, all } = opened();
    const hidden = [ben.twin(), cem.twin()];
    pay(ben, ann, "eth", 60n);
    pay(cem, ann, "usd", 300n);
    sign(ben, ann, cem);
    const old = latestState(ben, terms)!.state;
    pay(ann, ben, "usd", 100n);
    sign(ann, ben, cem);
    // Both take back what they paid, and sign another state of the next version, and an old one once more.
    const proposals = ann.document.root.proposals.entries();
    const root = new Uint8Array(32);
    ben.change((doc) => doc.proposals.append({ version: 3, deposits: 3, root }));
    const wrong = ben.document.root.proposals.entries().at(-1)!;
    hidden.forEach((twin, at) => {
      pay(twin, at === 0 ? cem : ben, at === 0 ? "eth" : "usd", 90n);
      for (const { id, value } of [...proposals, wrong])
        for (const signature of [new Uint8Array(64), signState(twin.keyPair, terms, value)])
          twin.change(({ signatures }) => signatures.append({ proposal: id, signature }));
    });
    const { agreed, ledger, doubleSpends } = agreedBy([...all, ...hidden], 11, PUT);
    expect(agreed.map(({ version }) => version)).toEqual([1, 2]);
    expect([ledger.balance(ann.author, "usd"), ledger.balance(ann.author, "eth")]).toEqual([
      1_200n,
      60n,
    ]);
    expect(doubleSpends.map(({ party }) => party).sort()).toEqual([ben.author, cem.author].sort());
    meet(...all, ...hidden);
    expect(signProposal(ann, terms)).toBe(false);
    const { state, exits } = latestState(ann, terms)!;
    const forged = { ...wrong.value, signatures: state.signatures };
    expect(() => chain.close(forged)).toThrow("not all parties have signed it");
    chain.close(old);
    chain.challenge(state);
    for (let epoch = 0; epoch < terms.disputeEpochs; epoch++) chain.advance(100n);
    for (const { leaf, proof } of exits) chain.exit(leaf, proof);
    expect([chain.paid(ann.author, "usd"), chain.paid(ann.author, "eth")]).toEqual([1_200n, 60n]);
  });

  it("take back together what is not signed, and can see to it that nothing more is", () => {
    const { ann, ben, cem, all } = opened();
    sign(ben, ann, cem);
    const hidden = [ben.twin(), cem.twin()];
    for (const one of [ann, cem, ben]) one.change(() => {});
    meet(...all);
    pay(ben, ann, "eth", 60n);
    pay(cem, ann, "usd", 300n);
    meet(...all);
    // Ann sees 60 eth and 300 usd; they sign none of what she proposes.
    propose(ann, terms);
    signProposal(ann, terms);
    expect([see(ann).ledger.balance(ann.author, "usd"), see(ann).agreed.length]).toEqual([
      1_300n,
      1,
    ]);
    pay(hidden[0]!, cem, "eth", 90n);
    pay(hidden[1]!, ben, "usd", 500n);
    const { agreed, ledger, doubleSpends } = agreedBy([...all, ...hidden], 12, PUT);
    expect([ledger.balance(ann.author, "usd"), ledger.balance(ann.author, "eth")]).toEqual([
      1_000n,
      0n,
    ]);
    expect(agreed).toHaveLength(1);
    // All that she has besides the last signed state is the proof.
    expect(doubleSpends.map(({ party }) => party).sort()).toEqual([ben.author, cem.author].sort());
  });
});

describe("a double spend", () => {
  it("comes to one operation everywhere; both signatures prove it", () => {
    const { ann, ben, cem } = opened();
    const twin = ben.twin();
    const one = operate(ben, { kind: "transfer", asset: "eth", amount: 100n, to: ann.author });
    const two = operate(twin, { kind: "transfer", asset: "eth", amount: 100n, to: cem.author });
    const { doubleSpends, ledger } = agreedBy([ann, ben, cem, twin], 1, PUT);
    expect(doubleSpends).toHaveLength(1);
    const [{ party, number, done, refused }] = doubleSpends as [(typeof doubleSpends)[0]];
    expect([party, number]).toEqual([ben.author, 0]);
    expect([done, refused].sort()).toEqual([one, two].sort());
    const paid = [ann, cem].map(({ author }) => ledger.balance(author, "eth"));
    expect(paid).toEqual(done === one ? [100n, 0n] : [0n, 100n]);
  });

  it("cannot displace what all have signed, however old it looks", () => {
    for (let attempt = 0; attempt < 6; attempt++) {
      const { ann, ben, cem } = opened();
      const hidden = ben.twin();
      cem.change(() => {});
      // The signed one stands behind others, so the hidden one is earlier in the log.
      meet(ann, ben, cem);
      const one = operate(ben, { kind: "transfer", asset: "eth", amount: 100n, to: ann.author });
      sign(cem, ann, ben);
      const amount = BigInt(attempt + 1);
      const two = operate(hidden, { kind: "transfer", asset: "eth", amount, to: cem.author });
      meet(ann, ben, cem, hidden);
      const order = ann.document.root.operations.entries().map(({ id }) => id);
      expect(order).toEqual([two, one]);
      const { doubleSpends, ledger } = agreedBy([ann, ben, cem, hidden], attempt, PUT);
      expect(ledger.balance(ann.author, "eth")).toBe(100n);
      expect(doubleSpends).toEqual([{ party: ben.author, number: 0, done: one, refused: two }]);
    }
  });
});

describe("an operation", () => {
  it("has its place by its number, done or not", () => {
    const { ann, ben } = opened();
    operate(ann, { kind: "transfer", asset: "usd", amount: 2_000n, to: ben.author });
    operate(ann, { kind: "transfer", asset: "usd", amount: 10n, to: ben.author });
    operate(ann, { kind: "transfer", asset: "usd", amount: 10n, to: ben.author, number: 5 });
    operate(ann, { kind: "transfer", asset: "usd", amount: 10n, to: ben.author, number: -1 });
    expect(reasons(ann)).toEqual([
      "not enough money",
      "it is not the next one",
      "it is not the next one",
    ]);
    expect(see(ann).ledger.balance(ben.author, "usd")).toBe(10n);
  });

  it("that breaks a rule is ignored, with the reason", () => {
    const { ann, ben } = opened();
    const stranger = join("stranger");
    meet(ann, stranger);
    const transfer = { kind: "transfer", asset: "usd", amount: 1n, to: ben.author };
    const lock = { ...transfer, kind: "lock", data: sha256(SECRET), expiry: 5 };
    operate(stranger, transfer);
    for (const operation of [
      { ...transfer, amount: 0n },
      { ...transfer, amount: 2n ** 96n + 1n },
      { ...transfer, asset: "gold" },
      { ...transfer, to: stranger.author },
      { ...transfer, to: "__proto__" },
      { ...transfer, to: ann.author },
      { ...transfer, kind: "steal" },
      { ...lock, data: new Uint8Array(31) },
      { ...lock, expiry: 1 },
      { kind: "borrow", amount: 1n, collateral: 0n },
    ])
      operate(ann, operation);
    meet(ann, stranger);
    expect(reasons(ann)).toEqual(
      expect.arrayContaining([
        "it is by no party",
        "there is no such amount",
        "there is no such asset",
      ]),
    );
    expect(reasons(ann).slice(1)).toEqual([
      "there is no such amount",
      "there is no such amount",
      "there is no such asset",
      "the receiver is no party",
      "the receiver is no party",
      "nobody pays oneself",
      "there is no such operation",
      "a lock has a hash of 32 bytes",
      "the lock has expired already",
      "there is no such amount",
    ]);
  });
});

describe("what the chain says", () => {
  it("counts when the chain has signed it for this channel, once, in its order", () => {
    const { chain, ann, ben, cem } = opened();
    const early = chain.deposit(ann.author, "usd", 7n);
    const late = chain.deposit(ann.author, "usd", 5n);
    ann.change(({ deposits }) => deposits.append(late));
    expect(see(ann).ledger.balance(ann.author, "usd")).toBe(1_000n);
    // Anyone may hand it in, and again.
    cem.change(({ deposits }) => deposits.append(early, early, late));
    meet(ann, ben, cem);
    expect(see(ann).ledger.balance(ann.author, "usd")).toBe(1_012n);
    const forged = { index: 5, party: ben.author, asset: "usd", amount: 9n };
    const elsewhere = { ...terms, id: new Uint8Array(32) };
    ben.change(({ deposits, epochs }) => {
      deposits.append(
        { ...forged, signature: signDeposit(ben.keyPair, terms, forged) },
        { ...forged, signature: signDeposit(chainKey, elsewhere, forged) },
        { ...late, amount: 6n },
        { ...late, index: 5 },
      );
      epochs.append(
        { epoch: 9, price: 1n, signature: signEpoch(ben.keyPair, terms, { epoch: 9, price: 1n }) },
        { epoch: 9, price: 0n, signature: signEpoch(chainKey, terms, { epoch: 9, price: 0n }) },
      );
    });
    expect(reasons(ben)).toEqual(Array.from({ length: 6 }, () => "the chain has not said so"));
    const { ledger } = agreedBy([ann, ben, cem], 2, { usd: 1_512n, eth: 100n });
    expect([ledger.deposits, ledger.epoch, ledger.price]).toEqual([5, 1, 100n]);
  });
});

describe("a lock", () => {
  const lock = (to: Member, expiry: number) =>
    ({
      kind: "lock",
      asset: "usd",
      amount: 100n,
      to: to.author,
      data: sha256(SECRET),
      expiry,
    }) as const;

  it("pays its receiver for the secret, nobody else and nothing else, once", () => {
    const { ann, ben, cem } = opened();
    const target = operate(ann, lock(ben, 3));
    meet(ann, ben, cem);
    operate(cem, { kind: "claim", target, data: SECRET });
    operate(ben, { kind: "claim", target, data: new Uint8Array([9]) });
    operate(ben, { kind: "claim", target, data: SECRET });
    operate(ben, { kind: "claim", target, data: SECRET });
    meet(ann, ben, cem);
    const { ledger } = agreedBy([ann, ben, cem], 3, PUT);
    expect(ledger.balance(ben.author, "usd")).toBe(100n);
    expect(ledger.balance(ann.author, "usd")).toBe(900n);
    expect(reasons(ben).sort()).toEqual([
      "it is locked for somebody else",
      "that is not the secret",
      "there is no such lock",
    ]);
  });

  it("returns when the chain's epoch has come, however old the claim looks, unless all signed it", () => {
    for (const isSigned of [true, false]) {
      const { chain, ann, ben, cem } = opened();
      const target = operate(ann, lock(ben, 3));
      meet(ann, ben, cem);
      operate(ben, { kind: "claim", target, data: SECRET });
      if (isSigned) sign(cem, ann, ben);
      tick(chain, ann, 100n);
      tick(chain, ann, 100n);
      const { ledger } = agreedBy([ann, ben, cem], 4, PUT);
      expect(ledger.balance(ben.author, "usd")).toBe(isSigned ? 100n : 0n);
      expect(ledger.balance(ann.author, "usd")).toBe(isSigned ? 900n : 1_000n);
    }
  });

  it("is not signed away by its maker after that", () => {
    const { chain, ann, ben, cem } = opened();
    const target = operate(ann, lock(ben, 2));
    sign(cem, ann, ben);
    tick(chain, ann, 100n);
    // Ben proposes, as if he had not heard what time it is.
    operate(ben, { kind: "claim", target, data: SECRET });
    propose(ben, terms);
    meet(ann, ben, cem);
    expect([ann, cem].map((member) => signProposal(member, terms))).toEqual([false, false]);
  });
});

describe("a party", () => {
  it("signs one state for each version, and no wrong one", () => {
    const { ann, ben, cem } = opened();
    const { deposits } = see(ben).ledger;
    ben.change(({ proposals }) =>
      proposals.append(
        { version: 1, deposits, root: new Uint8Array(32) },
        { version: 2, deposits, root: new Uint8Array(32) },
      ),
    );
    meet(ann, ben, cem);
    expect(signProposal(ann, terms)).toBe(false);
    propose(cem, terms);
    operate(ann, { kind: "transfer", asset: "usd", amount: 1n, to: ben.author });
    meet(ann, ben, cem);
    const good = ann.document.root.proposals.entries().at(-1)!.value;
    ben.change(({ proposals }) => proposals.append({ ...good, deposits: good.deposits + 1 }));
    propose(ben, terms);
    meet(ann, ben, cem);
    expect(signProposal(ann, terms)).toBe(true);
    expect(signProposal(ann, terms)).toBe(false);
    expect(latestState(ann, terms)).toBeNull();
    for (const member of [ben, cem]) expect(signProposal(member, terms)).toBe(true);
    meet(ann, ben, cem);
    expect(latestState(ann, terms)?.state.root).toEqual(good.root);
  });

  it("takes no signature back by another that it back-dates, forged or good", () => {
    for (const isForged of [true, false]) {
      const { ann, ben, cem } = opened();
      const hidden = ben.twin();
      operate(ben, { kind: "transfer", asset: "eth", amount: 50n, to: ann.author });
      sign(ann, ben, cem);
      sign(cem, ben, ann);
      const [first] = ann.document.root.proposals.entries();
      const signature = isForged ? new Uint8Array(64) : signState(ben.keyPair, terms, first!.value);
      hidden.change(({ signatures }) => signatures.append({ proposal: first!.id, signature }));
      meet(ann, ben, cem, hidden);
      expect(ann.document.root.signatures.entries()[0]!.value.signature).toEqual(signature);
      expect(agreedBy([ann, ben, cem, hidden], 13, PUT).agreed).toHaveLength(2);
    }
  });

  it("is needed: a state without its signature, or with a forged one, is none", () => {
    const { ann, ben, cem } = opened();
    propose(cem, terms);
    meet(ann, ben, cem);
    for (const member of [ann, cem]) signProposal(member, terms);
    const { id, value } = cem.document.root.proposals.entries()[0]!;
    const forged = signState(cem.keyPair, terms, value);
    ben.change(({ signatures }) => signatures.append({ proposal: id, signature: forged }));
    meet(ann, ben, cem);
    expect(agreedBy([ann, ben, cem], 5, PUT).agreed).toHaveLength(0);
  });

  it("cannot be talked into a second version that was made without the first", () => {
    const { ann, ben, cem, all } = opened();
    propose(cem, terms);
    ben.change(({ proposals }) =>
      proposals.append({ version: 2, deposits: 3, root: new Uint8Array(32) }),
    );
    meet(...all);
    const [one, two] = ann.document.root.proposals
      .entries()
      .sort((a, b) => a.value.version - b.value.version);
    for (const member of all) {
      // All of them sign both, as no honest one would.
      for (const { id, value } of [one!, two!]) {
        const signature = signState(member.keyPair, terms, value);
        member.change(({ signatures }) => signatures.append({ proposal: id, signature }));
      }
    }
    meet(...all);
    expect(see(ann).agreed.map(({ version }) => version)).toEqual([1]);
  });
});

describe("the order book of a channel", () => {
  it("pays a trade that both have confirmed, as far as both have the money, once", () => {
    const { ann, ben, cem, all } = opened();
    offer(ben, "sell", 9n, 60n);
    offer(ann, "buy", 10n, 40n);
    meet(...all);
    match(cem);
    meet(...all);
    confirm(ann);
    expect(see(ann).trades.paid).toHaveLength(0);
    meet(...all);
    confirm(ben);
    meet(...all);
    const { trades, ledger } = agreedBy(all, 6, PUT);
    expect(trades.paid).toHaveLength(1);
    expect(trades.paid[0]).toMatchObject({ buyer: ann.author, seller: ben.author, amount: 40n });
    const price = trades.paid[0]!.price;
    expect(ledger.balance(ann.author, "eth")).toBe(40n);
    expect(ledger.balance(ben.author, "usd")).toBe(40n * price);
    sign(cem, ann, ben);
    expect(see(ann).trades.paid).toHaveLength(1);
  });

  it("pays nothing that is not covered, until it is", () => {
    const { chain, ann, ben, cem, all } = opened();
    offer(ben, "sell", 50n, 60n);
    offer(cem, "buy", 50n, 60n);
    meet(...all);
    match(ann);
    meet(...all);
    for (const member of [ben, cem]) confirm(member);
    meet(...all);
    expect(see(ann).trades.paid).toHaveLength(0);
    sign(ann, ben, cem);
    fund(chain, cem, "usd", 2_500n);
    meet(...all);
    const { trades } = agreedBy(all, 7, { usd: 4_000n, eth: 100n });
    expect(trades.paid.map(({ amount }) => amount)).toEqual([60n]);
  });
});

describe("the lending pool", () => {
  it("lends against security, takes interest by the chain's epochs, and gives it to lenders", () => {
    const { chain, ann, ben, cem, all } = opened();
    operate(ann, { kind: "supply", amount: 800n });
    meet(...all);
    operate(ben, { kind: "borrow", amount: 501n, collateral: 10n });
    const loan = operate(ben, { kind: "borrow", amount: 500n, collateral: 10n });
    expect(reasons(ben)).toEqual(["the security is worth too little"]);
    sign(cem, ann, ben);
    operate(ann, { kind: "redeem", amount: 400n });
    operate(ann, { kind: "redeem", amount: 900n });
    operate(cem, { kind: "repay", target: loan });
    operate(cem, { kind: "transfer", asset: "usd", amount: 100n, to: ben.author });
    expect(reasons(ann)).toEqual(
      expect.arrayContaining(["the pool has lent too much", "not enough shares"]),
    );
    meet(...all);
    expect(reasons(ann)).toContain("somebody else has borrowed it");
    sign(cem, ann, ben);
    for (let i = 0; i < 3; i++) tick(chain, ann, 100n);
    meet(...all);
    // Three epochs at one percent.
    operate(ben, { kind: "repay", target: loan });
    meet(...all);
    operate(ann, { kind: "redeem", amount: 800n });
    const { ledger } = agreedBy(all, 8, PUT);
    expect(ledger.balance(ann.author, "usd")).toBe(1_015n);
    expect(ledger.balance(ben.author, "usd")).toBe(500n + 100n - 515n);
    expect(ledger.balance(ben.author, "eth")).toBe(100n);
    expect([ledger.pool.cash, ledger.pool.totalShares, ledger.pool.loans.size]).toEqual([
      0n,
      0n,
      0,
    ]);
  });

  it("lets anyone liquidate what is worth too little, for a reward, and nothing before", () => {
    const { chain, ann, ben, cem, all } = opened();
    operate(ann, { kind: "supply", amount: 800n });
    meet(...all);
    const loan = operate(ben, { kind: "borrow", amount: 450n, collateral: 10n });
    sign(cem, ann, ben);
    operate(cem, { kind: "liquidate", target: loan });
    sign(cem, ann, ben);
    expect(reasons(cem)).toEqual(["the security is good"]);
    tick(chain, ann, 60n);
    meet(...all);
    operate(cem, { kind: "liquidate", target: loan });
    const { ledger } = agreedBy(all, 9, PUT);
    // The debt is 455 with interest; 105 % of that are 8 units of eth at 60.
    expect(ledger.balance(cem.author, "usd")).toBe(500n - 455n);
    expect(ledger.balance(cem.author, "eth")).toBe(8n);
    expect(ledger.balance(ben.author, "eth")).toBe(92n);
    expect(ledger.pool.cash).toBe(805n);
  });

  it("gives who liquidates no more than the security", () => {
    const { chain, ann, ben, cem, all } = opened();
    operate(ann, { kind: "supply", amount: 800n });
    meet(...all);
    const target = operate(ben, { kind: "borrow", amount: 450n, collateral: 10n });
    sign(cem, ann, ben);
    tick(chain, ann, 40n);
    meet(...all);
    operate(cem, { kind: "liquidate", target });
    const { ledger } = agreedBy(all, 10, PUT);
    expect(ledger.balance(cem.author, "eth")).toBe(10n);
    expect(ledger.balance(ben.author, "eth")).toBe(90n);
  });
});
