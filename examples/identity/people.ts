/** Those who take part: each with a key and a replica, and the identity that begins with that key. */
import { documentId } from "bft-json-crdt";
import { Participant } from "example-kit";
import type { Clock } from "example-kit";
import { stateOf } from "./recovery.ts";
import type { Plan } from "./recovery.ts";
import { IdentitySchema } from "./schema.ts";
import type { IdentityLogs } from "./schema.ts";
import { viewOf } from "./view.ts";
import type { IdentityView } from "./view.ts";

/** The document that all of them share. */
export const DOCUMENT = documentId("example/identity");

/** One who takes part. */
export class Person {
  readonly name: string;
  readonly participant: Participant<typeof IdentitySchema>;
  /** Id of the identity; it is the same whichever key speaks for it. */
  readonly id: string;
  readonly #clock: Clock;

  constructor(participant: Participant<typeof IdentitySchema>, clock: Clock, id: string) {
    this.name = participant.name;
    this.participant = participant;
    this.id = id;
    this.#clock = clock;
  }

  /** A new participant with a new identity, which is stated in the document. */
  static found(
    name: string,
    seed: string,
    clock: Clock,
    guardians: readonly string[],
    rest: Partial<Plan> = {},
  ): Person {
    const participant = keyOnly(name, seed, clock);
    const majority = guardians.length === 0 ? 0 : (guardians.length >> 1) + 1;
    const plan = { guardians, threshold: majority, override: majority, wait: 0, ...rest };
    const person = new Person(participant, clock, stateOf(participant.author, plan).id);
    person.state(({ identities }) => identities.append({ ...plan, guardians: [...guardians] }));
    return person;
  }

  /** States something at the clock's time, or at another that is claimed. */
  state(facts: (logs: IdentityLogs) => void, claimed = this.#clock.now): void {
    this.participant.change(facts, { time: claimed });
  }

  /** Attests something about another one, with a confidence in basis points. */
  attest(other: Person, claim: string, confidence: number): void {
    const record = { from: this.id, subject: other.id, claim, confidence };
    this.state(({ attestations }) => attestations.append(record));
  }

  /** Takes back all that it has attested about another one with a claim, and sees; returns how many that are. */
  revoke(other: Person, claim: string): number {
    const stated = this.participant.document.root.attestations
      .entries()
      .filter(({ author, value }) => {
        return (
          author === this.participant.author && value.subject === other.id && value.claim === claim
        );
      });
    if (stated.length > 0) {
      const records = stated.map(({ id }) => ({ attestation: id }));
      this.state(({ revocations }) => revocations.append(...records));
    }
    return stated.length;
  }

  /** What its replica shows, now or at another time. */
  view(now = this.#clock.now): IdentityView {
    const { root, history } = this.participant.document;
    return viewOf(root, history, now);
  }
}

/** A key with a replica that has no identity yet. */
export function keyOnly(
  name: string,
  seed: string,
  clock: Clock,
): Participant<typeof IdentitySchema> {
  return new Participant({ name, seed, schema: IdentitySchema, id: DOCUMENT, clock });
}
