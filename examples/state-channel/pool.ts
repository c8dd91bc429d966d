/**
 * A lending pool: some supply usd, others borrow it against eth and pay interest for each epoch; when the security is worth too
 * little anyone may pay the debt and take it. All in integers, rounded in favour of the pool.
 */
import type { Ledger, Refusal } from "./ledger.ts";

/** Interest of one epoch, in hundredths of a percent of what was borrowed. */
export const INTEREST = 100n;
/** A loan may be worth at most so many percent of its security when it is made … */
export const MOST_AT_FIRST = 50n;
/** … and anyone may liquidate it when it is worth more than this. */
export const MOST_EVER = 75n;
/** Percent of the debt that who liquidates gets, in eth, if there is as much. */
export const REWARD = 105n;

/** What is owed. */
export interface Loan {
  readonly id: string;
  readonly borrower: string;
  /** Units of usd. */
  readonly principal: bigint;
  /** Units of eth. */
  readonly collateral: bigint;
  /** The epoch in which it was made. */
  readonly since: number;
}

/** The pool of one channel. */
export class Pool {
  readonly #ledger: Ledger;
  /** Units of usd that nobody has borrowed. */
  cash = 0n;
  readonly shares = new Map<string, bigint>();
  readonly loans = new Map<string, Loan>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get totalShares(): bigint {
    return sum(this.shares.values());
  }

  /** What is to be paid back, with interest up to now. */
  debt({ principal, since }: Loan): bigint {
    return ceil(principal * (10_000n + INTEREST * BigInt(this.#ledger.epoch - since)), 10_000n);
  }

  /** What the pool is worth: cash and what is owed. */
  get value(): bigint {
    return this.cash + sum([...this.loans.values()].map((loan) => this.debt(loan)));
  }

  /** Puts usd in, for shares at their present worth. */
  supply(party: string, amount: bigint): Refusal {
    const { totalShares, value } = this;
    const shares = totalShares === 0n ? amount : (amount * totalShares) / value;
    if (shares === 0n) return "it is less than a share";
    if (!this.#ledger.debit(party, "usd", amount)) return "not enough money";
    this.cash += amount;
    this.shares.set(party, (this.shares.get(party) ?? 0n) + shares);
    return null;
  }

  /** Gives shares back for usd. */
  redeem(party: string, shares: bigint): Refusal {
    const has = this.shares.get(party) ?? 0n;
    if (shares > has) return "not enough shares";
    const amount = (shares * this.value) / this.totalShares;
    if (amount > this.cash) return "the pool has lent too much";
    this.cash -= amount;
    if (shares === has) this.shares.delete(party);
    else this.shares.set(party, has - shares);
    this.#ledger.credit(party, "usd", amount);
    return null;
  }

  borrow(id: string, borrower: string, amount: bigint, collateral: bigint): Refusal {
    if (amount > this.cash) return "the pool has not as much";
    if (amount * 100n > collateral * this.#ledger.price * MOST_AT_FIRST)
      return "the security is worth too little";
    if (!this.#ledger.debit(borrower, "eth", collateral)) return "not enough money";
    this.cash -= amount;
    this.loans.set(id, {
      id,
      borrower,
      principal: amount,
      collateral,
      since: this.#ledger.epoch,
    });
    this.#ledger.credit(borrower, "usd", amount);
    return null;
  }

  /** The borrower pays all and has the security again. */
  repay(party: string, id: string): Refusal {
    const loan = this.loans.get(id);
    if (loan === undefined) return "there is no such loan";
    if (loan.borrower !== party) return "somebody else has borrowed it";
    const debt = this.debt(loan);
    if (!this.#ledger.debit(party, "usd", debt)) return "not enough money";
    this.cash += debt;
    this.loans.delete(id);
    this.#ledger.credit(party, "eth", loan.collateral);
    return null;
  }

  /** Somebody else pays and gets eth for it; what remains is the borrower's. */
  liquidate(party: string, id: string): Refusal {
    const loan = this.loans.get(id);
    if (loan === undefined) return "there is no such loan";
    const { price } = this.#ledger;
    const debt = this.debt(loan);
    if (debt * 100n <= loan.collateral * price * MOST_EVER) return "the security is good";
    if (!this.#ledger.debit(party, "usd", debt)) return "not enough money";
    const seized = least(loan.collateral, ceil(debt * REWARD, 100n * price));
    this.cash += debt;
    this.loans.delete(id);
    this.#ledger.credit(party, "eth", seized);
    this.#ledger.credit(loan.borrower, "eth", loan.collateral - seized);
    return null;
  }

  /** Units of an asset that are in the pool. */
  holds(asset: "eth" | "usd"): bigint {
    if (asset === "usd") return this.cash;
    return sum([...this.loans.values()].map(({ collateral }) => collateral));
  }

  /** "party/asset" → units, if all loans ended now, paid by their security as far as that goes. */
  closing(parties: readonly string[]): Map<string, bigint> {
    const paid = new Map<string, bigint>();
    const credit = (party: string, asset: string, amount: bigint): void => {
      paid.set(`${party}/${asset}`, (paid.get(`${party}/${asset}`) ?? 0n) + amount);
    };
    let eth = 0n;
    for (const loan of this.loans.values()) {
      const taken = least(loan.collateral, ceil(this.debt(loan), this.#ledger.price));
      eth += taken;
      credit(loan.borrower, "eth", loan.collateral - taken);
    }
    const { totalShares } = this;
    const lenders = parties.filter((party) => this.shares.has(party));
    const [first = parties[0]!] = lenders;
    for (const [asset, amount] of [
      ["eth", eth],
      ["usd", this.cash],
    ] as const) {
      let left = amount;
      for (const lender of lenders) {
        const part = (amount * this.shares.get(lender)!) / totalShares;
        credit(lender, asset, part);
        left -= part;
      }
      // What cannot be divided.
      credit(first, asset, left);
    }
    return paid;
  }
}

function ceil(amount: bigint, divisor: bigint): bigint {
  return (amount + divisor - 1n) / divisor;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}
