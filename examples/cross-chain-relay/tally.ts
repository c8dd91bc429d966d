/** Counts what validators have signed, and keeps what convicts them. */
import { toHex } from "bft-json-crdt";
import type { Fact, RelayFacts, StatementRecord } from "./facts.ts";
import { isSigned } from "./statements.ts";
import type { Evidence, Kind, SignedStatement } from "./statements.ts";
import { speaksFor } from "./validators.ts";
import type { ValidatorSets } from "./validators.ts";

/** Bytes of a body. */
const BODY: Readonly<Record<Kind, number>> = { message: 32, root: 32, receipt: 32, report: 16 };

/** Why a statement has no effect. */
export type StatementFault =
  /** A kind that is none, or a body of another length. */
  | "malformed"
  /** The set is not one of the chain's, or does not speak for the block or round, or has no such validator. */
  | "no validator"
  /** The same was counted before. */
  | "repeated"
  | "bad signature";

/** What was signed. */
export class Tally {
  readonly evidence: Evidence[] = [];
  /** Keys in hex of the validators who have said something, by what they said. */
  readonly #signers = new Map<string, Set<string>>();
  /** What each validator said first about a thing. */
  readonly #said = new Map<string, SignedStatement>();
  /** Validators, with what they contradicted themselves about. */
  readonly #convicted = new Set<string>();

  /** Takes in all statements; those without effect go to `ignore`. */
  constructor(
    { statements }: RelayFacts,
    sets: ValidatorSets,
    ignore: (fact: Fact<unknown>, reason: StatementFault) => void,
  ) {
    for (const fact of statements) {
      const fault = this.#take(fact.value, sets);
      if (fault !== null) ignore(fact, fault);
    }
  }

  /** Keys in hex of those of a set who have said this. A receipt may be of any block. */
  signers(
    set: string,
    kind: Kind,
    chain: string,
    number: bigint,
    body: string,
  ): ReadonlySet<string> {
    return this.#signers.get(saying(set, kind, chain, number, body)) ?? new Set();
  }

  /** True when a validator has said two things about one. */
  isConvicted(validator: string, kind: Kind, chain: string, number: bigint): boolean {
    return this.#convicted.has(subject(validator, kind, chain, number));
  }

  #take(record: StatementRecord, sets: ValidatorSets): StatementFault | null {
    const { kind, chain, number } = record;
    if (!isKind(kind) || record.body.length !== BODY[kind]) return "malformed";
    const [setId, validator, body] = [record.set, record.validator, record.body].map(toHex) as [
      string,
      string,
      string,
    ];
    const set = sets.byId(setId);
    // What a message is about is a nonce: whether the set speaks for its block is asked of the message.
    const isOfEpoch = set !== undefined && (kind === "message" || speaksFor(set, number));
    if (!isOfEpoch || set.chain !== chain || !set.stakes.has(validator)) return "no validator";
    const key = saying(setId, kind, chain, number, body);
    const signers = this.#signers.get(key) ?? new Set();
    if (signers.has(validator)) return "repeated";
    const statement: SignedStatement = { ...record, kind };
    if (!isSigned(statement)) return "bad signature";
    this.#signers.set(key, signers.add(validator));
    if (kind !== "receipt") this.#compare(validator, body, statement);
    return null;
  }

  #compare(validator: string, body: string, statement: SignedStatement): void {
    const about = subject(validator, statement.kind, statement.chain, statement.number);
    const first = this.#said.get(about);
    if (first === undefined) this.#said.set(about, statement);
    else if (toHex(first.body) !== body && !this.#convicted.has(about)) {
      this.#convicted.add(about);
      this.evidence.push({ first, second: statement });
    }
  }
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(BODY, text);
}

function saying(set: string, kind: Kind, chain: string, number: bigint, body: string): string {
  return JSON.stringify([set, kind, chain, kind === "receipt" ? "" : String(number), body]);
}

function subject(validator: string, kind: Kind, chain: string, number: bigint): string {
  return JSON.stringify([validator, kind, chain, String(number)]);
}
