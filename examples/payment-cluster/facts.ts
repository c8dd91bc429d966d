/**
 * Reads the logs. Records come from strangers: what breaks a rule is listed with its reason and counts for nothing. Everything here is
 * a function of the set of records alone.
 */
import type { ClusterDocument } from "./schema.ts";
import { isAccount } from "./terms.ts";
import type { Terms } from "./terms.ts";

/** Numbers of payments and of periods end here; far beyond what an account can pay for. */
const MAX_NUMBER = 2 ** 31;

/** What all statements have. */
interface Statement {
  readonly id: string;
  /** Public key in hex of whose statement it is. */
  readonly author: string;
  /** Local index of its change. */
  readonly change: number;
}

export interface Transfer extends Statement {
  readonly kind: "transfer";
  readonly number: number;
  readonly to: string;
  readonly amount: bigint;
}

export interface Payout extends Statement {
  readonly kind: "payout";
  readonly periods: number;
}

export interface Ack extends Statement {
  readonly kind: "ack";
  readonly target: string;
}

export interface CheckpointVote extends Statement {
  readonly kind: "checkpoint";
  readonly proposal: string;
  readonly settled: number;
  readonly root: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Claim extends Statement {
  readonly kind: "claim";
  readonly question: string;
  readonly next: number;
}

export interface Commitment extends Statement {
  readonly kind: "commitment";
  readonly digest: Uint8Array;
}

export interface Accusation extends Statement {
  readonly kind: "accusation";
  readonly commitment: string;
  readonly first: string;
  readonly second: string;
  readonly salt: Uint8Array;
}

export interface Question extends Statement {
  readonly kind: "question";
  readonly account: string;
}

export type Fact =
  | Transfer
  | Payout
  | Ack
  | CheckpointVote
  | Claim
  | Commitment
  | Accusation
  | Question;

/** A record that counts for nothing, and why. */
export interface Ignored {
  readonly id: string;
  readonly author: string;
  readonly reason: string;
}

/** What the logs say. */
export interface Facts {
  readonly byId: ReadonlyMap<string, Fact>;
  readonly transfers: readonly Transfer[];
  readonly payouts: readonly Payout[];
  readonly checkpoints: readonly CheckpointVote[];
  readonly claims: readonly Claim[];
  readonly commitments: readonly Commitment[];
  readonly accusations: readonly Accusation[];
  readonly questions: readonly Question[];
  /** Target → core nodes that acknowledged it → their acknowledgements in the order of the log: of an honest one it is one. */
  readonly acks: ReadonlyMap<string, ReadonlyMap<string, readonly Ack[]>>;
  readonly ignored: readonly Ignored[];
}

/** Reads all statements of a document, or those of the changes that `counts` says. */
export function factsOf(
  document: ClusterDocument,
  terms: Terms,
  counts: (change: number) => boolean = () => true,
): Facts {
  const { root } = document;
  const ignored: Ignored[] = [];
  const byId = new Map<string, Fact>();

  /** The records of a log that `read` takes, with their authors. */
  const gather = <V, F extends Fact>(
    log: {
      entries(): readonly { id: string; author: string; change: number; value: V }[];
    },
    read: (value: V, statement: Statement) => F | string,
  ): F[] => {
    const facts: F[] = [];
    for (const { id, author, change, value } of log.entries()) {
      if (!counts(change)) continue;
      const fact = read(value, { id, author, change });
      if (typeof fact === "string") {
        ignored.push({ id, author, reason: fact });
      } else {
        facts.push(fact);
        byId.set(id, fact);
      }
    }
    return facts;
  };

  const isCore = new Set(terms.core);
  const transfers = gather(root.transfers, ({ number, to, amount }, statement) => {
    if (!isNumber(number)) return "a payment's number is an integer from 0 on";
    if (!isAccount(to)) return "the payee is no account";
    if (to === statement.author) return "nobody pays oneself";
    if (amount <= 0n || amount > terms.supply) return "there is no such amount of money";
    return { kind: "transfer", ...statement, number, to, amount };
  });
  const payouts = gather(root.payouts, ({ periods }, statement) => {
    if (!isCore.has(statement.author)) return "only core nodes have shares";
    if (!isNumber(periods) || periods === 0) return "a payout is of one period at least";
    return { kind: "payout", ...statement, periods };
  });
  const checkpoints = gather(root.checkpoints, (value, statement) => {
    if (!isCore.has(statement.author)) return "only core nodes sign checkpoints";
    if (!isNumber(value.settled)) return "the number of payments is an integer from 0 on";
    return { kind: "checkpoint", ...statement, ...value };
  });
  const questions = gather(root.questions, ({ account }, statement) => ({
    kind: "question",
    ...statement,
    account,
  }));
  const claims = gather(root.claims, ({ question, next }, statement) => {
    const asked = byId.get(question);
    if (asked?.kind !== "question") return "it answers no question";
    if (asked.account !== statement.author) return "somebody else was asked";
    if (!isNumber(next)) return "a payment's number is an integer from 0 on";
    if (!document.history.isAncestor(asked.change, statement.change))
      return "it is older than the question";
    return { kind: "claim", ...statement, question, next };
  });
  const commitments = gather(root.commitments, ({ digest }, statement) =>
    digest.length === 32
      ? { kind: "commitment", ...statement, digest }
      : "a commitment has 32 bytes",
  );
  const accusations = gather(root.accusations, (value, statement) => ({
    kind: "accusation",
    ...statement,
    ...value,
  }));
  const acks = new Map<string, Map<string, Ack[]>>();
  gather(root.acks, ({ target }, statement) => {
    if (!isCore.has(statement.author)) return "only core nodes acknowledge";
    const kind = byId.get(target)?.kind;
    if (!["transfer", "payout", "commitment", "accusation"].includes(kind ?? ""))
      return "there is nothing to acknowledge";
    const ack: Ack = { kind: "ack", ...statement, target };
    let byCore = acks.get(target);
    if (byCore === undefined) acks.set(target, (byCore = new Map()));
    const earlier = byCore.get(ack.author);
    if (earlier === undefined) byCore.set(ack.author, [ack]);
    else earlier.push(ack);
    return ack;
  });
  return {
    byId,
    transfers,
    payouts,
    checkpoints,
    claims,
    commitments,
    accusations,
    questions,
    acks,
    ignored,
  };
}

function isNumber(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < MAX_NUMBER;
}
