/**
 * Balances out of payments, without any order between accounts. Each account's payments are a line by their numbers; one is
 * made as soon as those before it are and the money is there. A payment takes from its own payer only and can but help
 * everybody else, so it does not matter who goes first: every order ends in the same balances.
 *
 * What the pot pays depends on *how many* payments were made, never on which: it only grows with them. So it too can but help,
 * whoever has it may spend it, and what could be made stays so: there is one greatest set of payments, which every order comes to.
 */
import type { Facts, Transfer } from "./facts.ts";
import type { Terms } from "./terms.ts";

/** An account: cents, and the number of its next payment. */
export interface Account {
  readonly balance: bigint;
  readonly next: number;
}

/** Where the money is. */
export interface Balances {
  /** Accounts that have or had anything. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** Fees that nobody has. */
  readonly pot: bigint;
  /** Ids of the payments that were made. */
  readonly made: ReadonlySet<string>;
}

/** Who gets the shares of one core node: itself those of the first periods, then half of each who proved that it lies. */
export interface Share {
  readonly core: string;
  /** Periods that it was paid for. */
  readonly paid: number;
  /** Null while nobody has proved anything. */
  readonly prover: string | null;
  /** Periods that the prover gets nothing of. */
  readonly after: number;
}

/** Payer → number → payment. */
export type Lines = ReadonlyMap<string, ReadonlyMap<number, Transfer>>;

/** One payment for each number of each account: the one that more core nodes acknowledge, else that with the smaller id. */
export function chosenLines(facts: Facts): Lines {
  const lines = new Map<string, Map<number, Transfer>>();
  for (const transfer of facts.transfers) {
    let line = lines.get(transfer.author);
    if (line === undefined) lines.set(transfer.author, (line = new Map()));
    const rival = line.get(transfer.number);
    if (rival === undefined || precedes(transfer, rival, facts))
      line.set(transfer.number, transfer);
  }
  return lines;
}

function precedes(one: Transfer, other: Transfer, facts: Facts): boolean {
  const difference = ackCount(facts, one.id) - ackCount(facts, other.id);
  return difference !== 0 ? difference > 0 : one.id < other.id;
}

/** How many core nodes have acknowledged a statement. */
export function ackCount(facts: Facts, id: string): number {
  return facts.acks.get(id)?.size ?? 0;
}

/** Of the lines what the core has acknowledged often enough. */
export function certifiedLines(lines: Lines, facts: Facts, terms: Terms): Lines {
  const certified = new Map<string, Map<number, Transfer>>();
  for (const [payer, line] of lines) {
    const kept = [...line].filter(([, { id }]) => ackCount(facts, id) >= terms.threshold);
    if (kept.length > 0) certified.set(payer, new Map(kept));
  }
  return certified;
}

/**
 * Makes all payments that can be made. A fee goes into the pot, an equal share for each core node. `shares` has at most one entry
 * for each. No share is paid twice, whatever it says: the core node gets those of whole periods up to `paid`, its prover half of
 * those after it. The other half is nobody's.
 */
export function settle(terms: Terms, lines: Lines, shares: readonly Share[]): Balances {
  const accounts = new Map<string, { balance: bigint; next: number }>();
  const made = new Set<string>();
  const halfShare = terms.fee / BigInt(2 * terms.core.length);
  const ofPeriod = 2n * halfShare * BigInt(terms.period);
  let pot = 0n;
  const waiting: string[] = [];
  const credit = (account: string, amount: bigint): void => {
    if (amount === 0n) return;
    const found = accounts.get(account);
    if (found === undefined) accounts.set(account, { balance: amount, next: 0 });
    else found.balance += amount;
    waiting.push(account);
  };
  const draw = (account: string, amount: bigint): void => {
    pot -= amount;
    credit(account, amount);
  };
  for (const [account, amount] of terms.allocation) credit(account, amount);
  for (let payer = waiting.pop(); payer !== undefined; payer = waiting.pop()) {
    const account = accounts.get(payer)!;
    for (;;) {
      const transfer = lines.get(payer)?.get(account.next);
      if (transfer === undefined || account.balance < transfer.amount + terms.fee) break;
      account.balance -= transfer.amount + terms.fee;
      account.next++;
      made.add(transfer.id);
      pot += terms.fee;
      credit(transfer.to, transfer.amount);
      const periods = made.size / terms.period;
      for (const { core, paid, prover, after } of shares) {
        if (Number.isInteger(periods) && periods <= paid) draw(core, ofPeriod);
        if (prover !== null && periods > Math.max(paid, after)) draw(prover, halfShare);
      }
    }
  }
  return { accounts, pot, made };
}

/** What an account has. */
export function balanceOf(balances: Balances, account: string): bigint {
  return balances.accounts.get(account)?.balance ?? 0n;
}

/** All money there is: the same as the supply, always. */
export function totalOf(balances: Balances): bigint {
  let total = balances.pot;
  for (const { balance } of balances.accounts.values()) total += balance;
  return total;
}
