/** Who takes part in an auction: one who bids or closes, honestly. */
import {
  closeRecord,
  commitRecord,
  commitTo,
  endRecord,
  readRound,
  revealRecord,
} from "bft-json-crdt";
import type { Opening, Round, RoundRecord, Value } from "bft-json-crdt";
import { Participant } from "example-kit";
import type { House } from "./schema.ts";

/** A participant, and what it keeps secret until it reveals. */
export class Person extends Participant<typeof House> {
  #opening: Opening | null = null;

  /** Commits to a bid in cents, under a salt of 32 bytes. */
  bid(topic: string, value: Value, salt: Uint8Array): void {
    const context = { document: this.document.id, author: this.keyPair.publicKey, topic };
    const { commitment, opening } = commitTo(context, value, salt);
    this.#opening = opening;
    this.write(commitRecord(topic, commitment));
  }

  close(topic: string): void {
    this.write(closeRecord(topic));
  }

  /** Reveals the bid; false when it does not count, so that it is better kept secret. */
  reveal(round: Round): boolean {
    const view = readRound(this.document, this.document.root.bids, round);
    const isSealed = view.commitments.some(
      ({ author, state }) => author === this.author && state === "sealed",
    );
    if (!isSealed || this.#opening === null) return false;
    this.write(revealRecord(view, this.keyPair.publicKey, this.#opening));
    return true;
  }

  end(topic: string): void {
    this.write(endRecord(topic));
  }

  /** Appends a record that says what this one has seen: all of it, however many heads there are. */
  write(record: RoundRecord): void {
    this.change(({ bids }) => bids.append(record), { requires: this.document.frontier() });
  }
}
