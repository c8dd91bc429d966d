/**
 * The platform: a pure function of four documents, the terms, and the time at which one looks. It adds no statements of its own and
 * merges nothing: each part is what its own module makes of its document. What it adds is what an honest party concludes:
 * whom to admit, which loans are unsafe, and whether to sign what the channel shows.
 */
import { toHex } from "bft-json-crdt";
import { factsIn as relayFactsIn, relayOf } from "example-cross-chain-relay";
import { judge, viewOf as identitiesOf } from "example-identity";
import type { IdentityView, Policy } from "example-identity";
import { bookOf, factsIn as bookFactsIn } from "example-order-book";
import type { Book } from "example-order-book";
import { fold } from "example-state-channel";
import type { DoubleSpend, Fold, Loan } from "example-state-channel";
import { priceAt, viewOf as oraclesOf } from "example-oracle-network";
import { pausesOf } from "./alerts.ts";
import type { Pause } from "./alerts.ts";
import { ORACLE_UNITS, PAIR } from "./terms.ts";
import type { PlatformDocuments, PlatformTerms } from "./terms.ts";

/** What a party's key is worth here. */
export interface Admission {
  readonly party: string;
  readonly isAdmitted: boolean;
  /** Why not. */
  readonly reasons: readonly string[];
}

/** A loan as the oracles see it. */
export interface LoanView extends Loan {
  /** Units of usd. */
  readonly debt: bigint;
  /** Percent of what the security is worth; null while there is no price. */
  readonly percent: bigint | null;
}

/** All that is shown. */
export interface Platform {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly admissions: readonly Admission[];
  /** Units of usd for one unit of eth, by the oracles; null while too few speak. */
  readonly price: bigint | null;
  /** Oracles that proved themselves liars, by key in hex. */
  readonly excluded: ReadonlyMap<string, string>;
  readonly channel: Fold;
  readonly loans: readonly LoanView[];
  readonly book: Book;
  readonly pauses: readonly Pause[];
  /** Parties who have signed two histories of the channel, in hex. */
  readonly equivocators: readonly string[];
  /** Why an honest party signs no further state now; empty: it signs. */
  readonly objections: readonly string[];
}

/** What one's replicas show at a time, in milliseconds since 1970. */
export function platformOf(
  documents: PlatformDocuments,
  terms: PlatformTerms,
  now: number,
): Platform {
  const identities = identitiesOf(documents.identity.root, documents.identity.history, now);
  const admissions = terms.channel.parties.map((party) =>
    admit(identities, terms.admission, party),
  );
  const oracles = oraclesOf(documents.oracles, terms.oracles, Math.floor(now / 1_000));
  const aggregate = priceAt(oracles, PAIR);
  const price = aggregate === null ? null : aggregate.price / ORACLE_UNITS;
  const { root, history } = documents.channel;
  const channel = fold(documents.channel, terms.channel);
  const { pool, price: settled } = channel.ledger;
  const loans = [...pool.loans.values()].map((loan) => {
    const debt = pool.debt(loan);
    const worth = loan.collateral * (price ?? 0n);
    return { ...loan, debt, percent: worth === 0n ? null : (debt * 100n) / worth };
  });
  const pauses = pausesOf(relayOf(relayFactsIn(documents.relay), terms.validators), terms.chain);
  const equivocators = [...new Set(history.forks().map(({ author }) => toHex(author)))]
    .filter((author) => terms.channel.parties.includes(author))
    .sort();
  return {
    now,
    admissions,
    price,
    excluded: oracles.excluded,
    channel,
    loans,
    book: bookOf(bookFactsIn(root.book, history)),
    pauses,
    equivocators,
    objections: [
      ...admissions.flatMap(({ isAdmitted, party }) =>
        isAdmitted ? [] : [`${party} is not admitted`],
      ),
      ...(price === null ? ["the oracles have no price"] : []),
      ...(price !== null && settled > 0n && !isNear(price, settled, terms.tolerance)
        ? [`the chain says ${settled}, the oracles ${price}`]
        : []),
      ...pauses.map(({ source }) => `${source} has paused the market`),
      ...equivocators.map((party) => `${party} has signed two histories`),
      ...channel.doubleSpends.map(({ party, number }) => `${party} has spent ${number} twice`),
    ],
  };
}

/** Whether a key speaks for an identity that a policy lets in. */
export function admit(identities: IdentityView, policy: Policy, party: string): Admission {
  const verdicts = [...identities.identities.values()]
    .filter(({ key }) => key === party)
    .map(({ id }) => judge(identities, policy, id));
  const isAdmitted = verdicts.some((verdict) => verdict.isAllowed);
  const reasons = verdicts.flatMap(({ findings }) =>
    findings.filter((finding) => !finding.isMet).map((finding) => finding.reason),
  );
  return {
    party,
    isAdmitted,
    reasons: isAdmitted ? [] : verdicts.length === 0 ? ["it holds no identity"] : reasons,
  };
}

/** All of a platform as text: equal exactly where the same is shown. Local indexes of changes are left out. */
export function textOf({ channel, ...rest }: Platform): string {
  const { ledger, agreed, ignored, doubleSpends, trades } = channel;
  const shown = {
    ...rest,
    ledger: {
      ...{ epoch: ledger.epoch, price: ledger.price, deposits: ledger.deposits },
      locks: ledger.locks,
      loans: ledger.pool.loans,
      shares: ledger.pool.shares,
      cash: ledger.pool.cash,
      closing: ledger.closing(rest.admissions.map(({ party }) => party)),
    },
    agreed: agreed.map(({ change: _local, ...state }) => state),
    ignored,
    doubleSpends: doubleSpends satisfies readonly DoubleSpend[],
    paid: trades.paid,
  };
  return JSON.stringify(shown, (_key, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    if (value instanceof Uint8Array) return toHex(value);
    return value instanceof Map || value instanceof Set ? [...value] : value;
  });
}

/** True when two prices differ by so many hundredths of a percent at most. */
function isNear(one: bigint, other: bigint, tolerance: bigint): boolean {
  const difference = one > other ? one - other : other - one;
  return difference * 10_000n <= one * tolerance;
}
