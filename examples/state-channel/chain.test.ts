import { sha256 } from "bft-json-crdt";
import { Random } from "example-kit";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { opened, sign, terms, tick } from "./members.model.ts";
import type { Member } from "./members.model.ts";
import type { Chain } from "./chain.ts";
import { latestState, operate } from "./party.ts";
import type { Exit } from "./party.ts";
import type { Asset } from "./terms.ts";

const SECRET = new Uint8Array([1, 2, 3]);

/** A state that all have signed, with proofs of its lines. */
function stateOf(member: Member) {
  return latestState(member, terms)!;
}

function lineOf(exits: readonly Exit[], { author }: Member, asset: Asset): Exit {
  return exits.find(
    ({ leaf }) => leaf.kind === "balance" && leaf.party === author && leaf.asset === asset,
  )!;
}

function wait(chain: Chain, epochs: number): void {
  for (let i = 0; i < epochs; i++) chain.advance(100n);
}

describe("leaving a channel", () => {
  it("goes by the newest state; older ones are refused, and each line is paid once", () => {
    const { chain, ann, ben, cem } = opened();
    operate(ann, { kind: "transfer", asset: "usd", amount: 100n, to: ben.author });
    sign(cem, ann, ben);
    const old = stateOf(ann);
    operate(ann, { kind: "transfer", asset: "usd", amount: 200n, to: cem.author });
    sign(cem, ann, ben);
    const { state, exits } = stateOf(ann);
    const line = lineOf(exits, ann, "usd");
    expect(() => chain.challenge(state)).toThrow("nobody closes the channel");
    chain.close(old.state);
    expect(() => chain.close(state)).toThrow("the channel is closing already");
    wait(chain, 1);
    chain.challenge(state);
    expect(() => chain.challenge(state)).toThrow("it is no newer state");
    expect(() => chain.challenge(old.state)).toThrow("it is no newer state");
    // The dispute began anew.
    wait(chain, 1);
    expect(() => chain.exit(line.leaf, line.proof)).toThrow("the dispute is not over");
    wait(chain, 1);
    expect(() => chain.challenge({ ...state, version: 9 })).toThrow("the dispute is over");
    const stale = lineOf(old.exits, ann, "usd");
    expect(() => chain.exit(stale.leaf, stale.proof)).toThrow("that is not in the state");
    expect(chain.exit(line.leaf, line.proof)).toBe(700n);
    expect(() => chain.exit(line.leaf, line.proof)).toThrow("it was paid already");
    for (const { leaf, proof } of exits) if (leaf !== line.leaf) chain.exit(leaf, proof);
    expect([chain.vault("usd"), chain.vault("eth")]).toEqual([0n, 0n]);
    expect(chain.paid(cem.author, "usd")).toBe(700n);
  });

  it("needs every party's signature on that very state, and a line that is in it", () => {
    const { chain, ann, ben, cem } = opened();
    sign(cem, ann, ben);
    const { state, exits } = stateOf(ann);
    const [first, ...others] = state.signatures;
    for (const wrong of [
      { ...state, signatures: others },
      { ...state, signatures: [first!, first!, first!] },
      { ...state, signatures: [{ ...first!, signature: others[0]!.signature }, ...others] },
      { ...state, version: 2 },
      { ...state, deposits: 2 },
      { ...state, root: new Uint8Array(32) },
    ])
      expect(() => chain.close(wrong)).toThrow("not all parties have signed it");
    expect(() => chain.close({ ...state, version: 0 })).toThrow("that is no version");
    chain.close(state);
    wait(chain, 2);
    const { leaf, proof } = lineOf(exits, ben, "eth");
    if (leaf.kind !== "balance") throw new Error("a balance");
    for (const wrong of [
      { ...leaf, balance: 101n },
      { ...leaf, withdrawn: 1n },
      { ...leaf, party: ann.author },
      { ...leaf, asset: "usd" as const },
    ])
      expect(() => chain.exit(wrong, proof)).toThrow("that is not in the state");
    expect(() => chain.claim(leaf, proof)).toThrow("that is no lock");
    expect(() => chain.refund(leaf, proof)).toThrow("that is no lock");
    expect(chain.exit(leaf, proof)).toBe(100n);
  });

  it("without any state everybody has the own deposits back", () => {
    const { chain, ann, ben } = opened();
    chain.close(null);
    expect(() => chain.reclaim(0)).toThrow("the dispute is not over");
    expect(() => chain.deposit(ann.author, "usd", 1n)).toThrow("the channel is closing");
    wait(chain, 2);
    expect([0, 1, 2].map((index) => chain.reclaim(index))).toEqual([1_000n, 100n, 500n]);
    expect(() => chain.reclaim(1)).toThrow("it was paid already");
    expect(() => chain.reclaim(3)).toThrow("there is no such deposit");
    expect(chain.paid(ben.author, "eth")).toBe(100n);
    expect([chain.vault("usd"), chain.vault("eth")]).toEqual([0n, 0n]);
  });

  it("gives back a deposit that came after the state, and none that is in it", () => {
    const { chain, ann, ben, cem } = opened();
    sign(cem, ann, ben);
    chain.deposit(cem.author, "eth", 7n);
    const { state } = stateOf(ann);
    chain.close(state);
    wait(chain, 2);
    expect(() => chain.reclaim(2)).toThrow("the deposit is in the state");
    expect(chain.reclaim(3)).toBe(7n);
  });
});

describe("a withdrawal", () => {
  it("is paid while the channel is open, as far as it was not paid, and counted at the end", () => {
    const { chain, ann, ben, cem } = opened();
    operate(ann, { kind: "withdraw", asset: "usd", amount: 300n });
    operate(ann, { kind: "withdraw", asset: "usd", amount: 701n });
    sign(cem, ann, ben);
    const old = stateOf(ann);
    const first = lineOf(old.exits, ann, "usd");
    expect(chain.payWithdrawal(old.state, first.leaf, first.proof)).toBe(300n);
    expect(chain.payWithdrawal(old.state, first.leaf, first.proof)).toBe(0n);
    operate(ann, { kind: "withdraw", asset: "usd", amount: 50n });
    sign(cem, ann, ben);
    const { state, exits } = stateOf(ann);
    const line = lineOf(exits, ann, "usd");
    expect(() => chain.payWithdrawal(state, first.leaf, first.proof)).toThrow(
      "that is not in the state",
    );
    expect(chain.payWithdrawal(state, line.leaf, line.proof)).toBe(50n);
    expect(() => chain.payWithdrawal(old.state, first.leaf, first.proof)).toThrow(
      "there is a newer state",
    );
    expect(() => chain.close(old.state)).toThrow("there is a newer state");
    chain.close(state);
    expect(() => chain.payWithdrawal(state, line.leaf, line.proof)).toThrow("closing");
    wait(chain, 2);
    for (const { leaf, proof } of exits) chain.exit(leaf, proof);
    expect(chain.paid(ann.author, "usd")).toBe(1_000n);
    expect(chain.vault("usd")).toBe(0n);
  });
});

describe("a lock at the end", () => {
  it("is paid if its secret was told before its epoch, though the dispute took longer; else it goes back", () => {
    for (const waits of [0, 1, 2]) {
      const { chain, ann, ben, cem } = opened();
      operate(ann, {
        kind: "lock",
        asset: "usd",
        amount: 100n,
        to: ben.author,
        data: sha256(SECRET),
        expiry: 3,
      });
      sign(cem, ann, ben);
      const { state, exits } = stateOf(ann);
      const { leaf, proof } = exits.find((exit) => exit.leaf.kind === "lock")!;
      chain.close(state);
      chain.tell(new Uint8Array(3));
      wait(chain, waits);
      chain.tell(SECRET);
      expect(() => chain.claim(leaf, proof)).toThrow(/not over|in time/);
      wait(chain, 2);
      // Once more is of no use, and does no harm.
      chain.tell(SECRET);
      expect(() => chain.exit(leaf, proof)).toThrow("that is no balance");
      if (waits < 2) {
        expect(() => chain.refund(leaf, proof)).toThrow("the secret was told in time");
        expect(chain.claim(leaf, proof)).toBe(100n);
        expect(() => chain.claim(leaf, proof)).toThrow("it was paid already");
        expect(chain.paid(ben.author, "usd")).toBe(100n);
      } else {
        expect(() => chain.claim(leaf, proof)).toThrow("nobody told the secret in time");
        expect(chain.refund(leaf, proof)).toBe(100n);
        expect(() => chain.refund(leaf, proof)).toThrow("it was paid already");
        expect(chain.paid(ann.author, "usd")).toBe(100n);
      }
    }
  });

  it("does not go back before its epoch", () => {
    const { chain, ann, ben, cem } = opened();
    const lock = { kind: "lock", asset: "usd", amount: 1n, to: ben.author } as const;
    operate(ann, { ...lock, data: sha256(SECRET), expiry: 9 });
    sign(cem, ann, ben);
    const { state, exits } = stateOf(ann);
    const { leaf, proof } = exits.find((exit) => exit.leaf.kind === "lock")!;
    chain.close(state);
    wait(chain, 2);
    expect(() => chain.refund(leaf, proof)).toThrow("the lock has not expired");
    expect(() => chain.claim(leaf, proof)).toThrow("nobody told the secret in time");
  });
});

describe("with loans open", () => {
  it("everybody leaves with what the state says, and nothing is left over", () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 900n),
        fc.bigInt(1n, 400n),
        fc.bigInt(1n, 100n),
        fc.bigInt(1n, 120n),
        fc.nat(3),
        (supplied, borrowed, collateral, price, epochs) => {
          const { chain, ann, ben, cem } = opened();
          operate(ann, { kind: "supply", amount: supplied });
          operate(cem, { kind: "supply", amount: 77n });
          sign(cem, ann, ben);
          operate(ben, { kind: "borrow", amount: borrowed, collateral });
          sign(ann, ben, cem);
          for (let i = 0; i < epochs; i++) tick(chain, ann, price);
          operate(cem, { kind: "redeem", amount: BigInt(new Random(epochs).between(1, 77)) });
          sign(ben, ann, cem);
          const { state, exits } = stateOf(ann);
          chain.close(state);
          wait(chain, 2);
          for (const { leaf, proof } of exits) chain.exit(leaf, proof);
          expect([chain.vault("usd"), chain.vault("eth")]).toEqual([0n, 0n]);
        },
      ),
      runs(8),
    );
  });
});
