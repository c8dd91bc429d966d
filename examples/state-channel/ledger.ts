/**
 * Who has what inside the channel. Each method moves money or says why not; none ever makes or loses any. Units are bigints.
 */
import { equalBytes, sha256 } from "bft-json-crdt";
import { Pool } from "./pool.ts";
import { ASSETS } from "./terms.ts";
import type { Asset } from "./terms.ts";

/** Money that waits for a secret: `to` gets it by telling the secret before the epoch `expiry`, else `from` has it again. */
export interface Lock {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly asset: Asset;
  readonly amount: bigint;
  readonly hash: Uint8Array;
  readonly expiry: number;
}

/** Why something was not done; null when it was. */
export type Refusal = string | null;

/** Balances, locks, withdrawals, the lending pool. */
export class Ledger {
  readonly #balances = new Map<string, bigint>();
  readonly #withdrawn = new Map<string, bigint>();
  readonly locks = new Map<string, Lock>();
  readonly pool = new Pool(this);
  /** Deposits that are in, by their index on the chain: all before this one. */
  deposits = 0;
  epoch = 0;
  /** Of one unit of eth, in units of usd; 0 while the chain has not said. */
  price = 0n;

  balance(party: string, asset: Asset): bigint {
    return this.#balances.get(`${party}/${asset}`) ?? 0n;
  }

  /** What a party has taken out of the channel, all in all: the chain pays it out. */
  withdrawn(party: string, asset: Asset): bigint {
    return this.#withdrawn.get(`${party}/${asset}`) ?? 0n;
  }

  credit(party: string, asset: Asset, amount: bigint): void {
    this.#balances.set(`${party}/${asset}`, this.balance(party, asset) + amount);
  }

  /** Takes an amount from a balance; false when that has not as much. */
  debit(party: string, asset: Asset, amount: bigint): boolean {
    const left = this.balance(party, asset) - amount;
    if (left < 0n) return false;
    this.#balances.set(`${party}/${asset}`, left);
    return true;
  }

  transfer(from: string, to: string, asset: Asset, amount: bigint): Refusal {
    if (!this.debit(from, asset, amount)) return "not enough money";
    this.credit(to, asset, amount);
    return null;
  }

  withdraw(party: string, asset: Asset, amount: bigint): Refusal {
    if (!this.debit(party, asset, amount)) return "not enough money";
    this.#withdrawn.set(`${party}/${asset}`, this.withdrawn(party, asset) + amount);
    return null;
  }

  lock(lock: Lock): Refusal {
    if (lock.expiry <= this.epoch) return "the lock has expired already";
    if (!this.debit(lock.from, lock.asset, lock.amount)) return "not enough money";
    this.locks.set(lock.id, lock);
    return null;
  }

  claim(party: string, id: string, secret: Uint8Array): Refusal {
    const lock = this.locks.get(id);
    if (lock === undefined) return "there is no such lock";
    if (lock.to !== party) return "it is locked for somebody else";
    if (!equalBytes(sha256(secret), lock.hash)) return "that is not the secret";
    this.locks.delete(id);
    this.credit(lock.to, lock.asset, lock.amount);
    return null;
  }

  /** It is that late: locks that have expired go back. */
  reach(epoch: number, price: bigint): void {
    if (epoch <= this.epoch) return;
    this.epoch = epoch;
    this.price = price;
    for (const [id, lock] of this.locks) {
      if (lock.expiry > epoch) continue;
      this.locks.delete(id);
      this.credit(lock.from, lock.asset, lock.amount);
    }
  }

  /** All units of an asset that were ever put in. */
  total(asset: Asset): bigint {
    let total = this.pool.holds(asset);
    for (const [key, amount] of [...this.#balances, ...this.#withdrawn])
      if (key.endsWith(`/${asset}`)) total += amount;
    for (const lock of this.locks.values()) if (lock.asset === asset) total += lock.amount;
    return total;
  }

  /** What everybody would have if the channel were closed now: loans are settled by their security. */
  closing(parties: readonly string[]): {
    readonly party: string;
    readonly asset: Asset;
    readonly balance: bigint;
    readonly withdrawn: bigint;
  }[] {
    const shares = this.pool.closing(parties);
    return parties.flatMap((party) =>
      ASSETS.map((asset) => ({
        party,
        asset,
        balance: this.balance(party, asset) + (shares.get(`${party}/${asset}`) ?? 0n),
        withdrawn: this.withdrawn(party, asset),
      })),
    );
  }
}
