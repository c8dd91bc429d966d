/** What parties and the chain can do at worst: the rows of the page's table that the other tests do not show. */
import { describe, expect, it } from "vitest";
import { chainKey, meet, opened, see, sign, terms, tick } from "./members.model.ts";
import type { Member } from "./members.model.ts";
import type { Chain } from "./chain.ts";
import { latestState, operate, propose, signProposal } from "./party.ts";
import { signDeposit } from "./receipts.ts";
import type { Agreed } from "./fold.ts";

/** The dispute passes; then each line of the latest state that a party knows is paid. */
function leave(chain: Chain, member: Member): void {
  for (let epoch = 0; epoch < terms.disputeEpochs; epoch++) chain.advance(10n);
  for (const { leaf, proof } of latestState(member, terms)!.exits) chain.exit(leaf, proof);
}

function pay(from: Member, to: Member, amount: bigint): void {
  operate(from, { kind: "transfer", asset: "usd", amount, to: to.author });
}

describe("at worst", () => {
  it("a party that signs nothing more leaves the others the last state, without what came after", () => {
    const { chain, ann, ben, cem, all } = opened();
    pay(ann, cem, 100n);
    sign(cem, ann, ben);
    pay(ann, cem, 500n);
    propose(cem, terms);
    meet(...all);
    for (const member of [ann, cem]) expect(signProposal(member, terms)).toBe(true);
    meet(...all);
    expect(see(cem).ledger.balance(cem.author, "usd")).toBe(1_100n);
    const { state } = latestState(cem, terms)!;
    expect(state.version).toBe(1);
    chain.close(state);
    leave(chain, cem);
    expect(chain.paid(cem.author, "usd")).toBe(600n);
    expect(chain.paid(ann.author, "usd")).toBe(900n);
  });

  it("a party leaves by an old state that nobody answers within the dispute", () => {
    const { chain, ann, ben, cem } = opened();
    sign(cem, ann, ben);
    const old = latestState(ann, terms)!;
    pay(ann, ben, 900n);
    sign(cem, ann, ben);
    chain.close(old.state);
    for (let epoch = 0; epoch < terms.disputeEpochs; epoch++) chain.advance(10n);
    expect(() => chain.challenge(latestState(ben, terms)!.state)).toThrow("the dispute is over");
    for (const { leaf, proof } of old.exits) chain.exit(leaf, proof);
    expect(chain.paid(ann.author, "usd")).toBe(1_000n);
    expect(chain.paid(ben.author, "usd")).toBe(0n);
  });

  it("a borrower whom nobody liquidates in time leaves lenders what the security is worth", () => {
    const { chain, ann, ben, cem } = opened();
    operate(ann, { kind: "supply", amount: 800n });
    meet(ann, ben, cem);
    operate(ben, { kind: "borrow", amount: 450n, collateral: 10n });
    sign(cem, ann, ben);
    tick(chain, ann, 10n); // The security is worth 100, the debt is 455.
    sign(cem, ann, ben);
    chain.close(latestState(ann, terms)!.state satisfies Agreed);
    leave(chain, ann);
    expect(chain.paid(ann.author, "usd")).toBe(1_000n - 450n);
    expect(chain.paid(ann.author, "eth")).toBe(10n);
    expect(chain.paid(ben.author, "usd")).toBe(450n);
    expect(chain.paid(ben.author, "eth")).toBe(90n);
  });

  it("the chain's key says that money came in which did not, and the channel believes it", () => {
    const { ann, ben, cem, all } = opened();
    const made = { index: 3, party: ben.author, asset: "usd", amount: 7_000n };
    const signature = signDeposit(chainKey, terms, made);
    ben.change(({ deposits }) => deposits.append({ ...made, signature }));
    meet(...all);
    for (const member of [ann, cem])
      expect(see(member).ledger.balance(ben.author, "usd")).toBe(7_000n);
  });
});
