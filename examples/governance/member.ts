/** An honest member: what it may write, and when. */
import { Participant } from "example-kit";
import type { ParticipantOptions } from "example-kit";
import { councilOf } from "./council.ts";
import type { CouncilView, Proposal, Stance } from "./council.ts";
import type { Constitution, Council } from "./schema.ts";

/** A member with its replica. */
export class Member extends Participant<typeof Council> {
  readonly #constitution: Constitution;

  constructor(options: ParticipantOptions<typeof Council>, constitution: Constitution) {
    super(options);
    this.#constitution = constitution;
  }

  get view(): CouncilView {
    return councilOf(this.document, this.#constitution);
  }

  /** Proposes a value in the place of the one in force. */
  propose(parameter: string, value: number): string {
    const base = this.view.parameters.get(parameter)?.proposal ?? "";
    this.change(({ proposals }) => proposals.append({ parameter, value, base }));
    return this.document.root.proposals.entries().findLast(({ author }) => author === this.author)!
      .id;
  }

  /** Votes, or changes its vote: the new one names all of its own that it has here. */
  vote(proposal: string, stance: Stance): void {
    const own = this.document.root.votes
      .entries()
      .filter(({ author, value }) => author === this.author && value.proposal === proposal);
    const replaces = own.slice(-16).map(({ id }) => id);
    this.change(({ votes }) => votes.append({ proposal, stance, replaces }));
  }

  /** Confirms what passes, unless it has confirmed another in the place of the same. */
  confirmAll(): void {
    for (const proposal of this.view.proposals) {
      if (proposal.status === "passing" && !this.#hasConfirmed(proposal)) {
        this.change(({ confirmations }) => confirmations.append({ proposal: proposal.id }));
      }
    }
  }

  #hasConfirmed({ parameter, base }: Proposal): boolean {
    const own = this.document.root.confirmations
      .entries()
      .filter(({ author }) => author === this.author);
    const rivals = this.view.proposals.filter(
      (it) => it.parameter === parameter && it.base === base,
    );
    return own.some(({ value }) => rivals.some(({ id }) => id === value.proposal));
  }
}
