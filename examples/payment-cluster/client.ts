/** What those who are no core nodes do: pay, ask, answer, refute, accuse. */
import type { Participant } from "example-kit";
import type { Claim, Facts, Transfer } from "./facts.ts";
import { accusationDigest } from "./misbehaviour.ts";
import type { Cluster, ClusterDocument } from "./schema.ts";
import type { Terms } from "./terms.ts";
import { viewOf } from "./view.ts";

type Member = Participant<typeof Cluster>;

/** Signs a payment with the payer's next number, cents; returns its id. Liars give a number. */
export function pay(
  payer: Member,
  terms: Terms,
  to: string,
  amount: bigint,
  number = nextNumber(payer, terms),
): string {
  payer.change(({ transfers }) => transfers.append({ number, to, amount }));
  const mine = payer.document.root.transfers.entries().filter(isOf(payer));
  return mine.findLast(({ value }) => value.number === number)!.id;
}

/** The number of the next payment, after all that this replica knows of. */
export function nextNumber(payer: Member, terms: Terms): number {
  const mine = viewOf(payer.document, terms).facts.transfers.filter(isOf(payer));
  return mine.reduce((next, { number }) => Math.max(next, number + 1), 0);
}

/** A newcomer asks what an account has spent; returns the question's id. */
export function ask(member: Member, account: string): string {
  member.change(({ questions }) => questions.append({ account }));
  return member.document.root.questions.entries().findLast(isOf(member))!.id;
}

/** Answers a question. Liars give a number. */
export function answer(
  member: Member,
  terms: Terms,
  question: string,
  next = nextNumber(member, terms),
): void {
  member.change(({ claims }) => claims.append({ question, next }));
}

/**
 * The payment that the claim's author denies, although it was not made after the claim; null when nothing that is known here
 * refutes the claim. Two replicas of an honest owner can contradict each other so; on one chain it is a lie.
 */
export function refutationOf(
  { history }: ClusterDocument,
  facts: Facts,
  claim: Claim,
): Transfer | null {
  const isDenied = ({ author, number, change }: Transfer): boolean =>
    author === claim.author && number >= claim.next && !history.isAncestor(claim.change, change);
  return facts.transfers.find(isDenied) ?? null;
}

/** An accusation in the making. */
export interface Secret {
  readonly first: string;
  readonly second: string;
  readonly salt: Uint8Array;
  readonly commitment: string;
}

/** First step: publishes the hash of an accusation. `salt` should be 32 random bytes. */
export function commit(
  member: Member,
  terms: Terms,
  evidence: { readonly first: string; readonly second?: string; readonly salt: Uint8Array },
): Secret {
  const { first, second = "", salt } = evidence;
  const digest = accusationDigest(terms, member.author, { first, second, salt });
  member.change(({ commitments }) => commitments.append({ digest }));
  const commitment = member.document.root.commitments.entries().findLast(isOf(member))!.id;
  return { first, second, salt, commitment };
}

/** Second step, once enough core nodes have acknowledged the first: tells the accusation. */
export function accuse(member: Member, { first, second, salt, commitment }: Secret): void {
  member.change(({ accusations }) => accusations.append({ commitment, first, second, salt }));
}

function isOf({ author: me }: Member): (statement: { readonly author: string }) => boolean {
  return ({ author }) => author === me;
}
