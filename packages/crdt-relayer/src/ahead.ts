/**
 * Verifying ahead: while groups stand in line, their signatures are verified by other threads, so that the one that serves
 * has only the rest to do when their turn comes. Nothing else happens ahead, and nothing in another order.
 *
 * How much is ahead at once is bounded for the whole relay; what is beyond is verified in its turn. Whatever was begun is
 * waited for and not verified again.
 */
import { type AheadOf, AheadVerifier, type GroupAhead, type VerifiedGroup } from "bft-json-crdt";
import { MAX_AHEAD_BYTES, MAX_AHEAD_SIGNATURES } from "./limits.ts";

/** All that a relay verifies ahead. */
export class Ahead {
  readonly #verifier = new AheadVerifier();
  /** Who waits for space; the first came first. */
  readonly #waiting: (() => boolean)[] = [];
  #bytes = 0;

  /** Signatures that are being verified. */
  get signatures(): number {
    return this.#verifier.signatures;
  }

  /** Bytes of the groups that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True when enough is ahead for now. */
  get isFull(): boolean {
    return this.signatures >= MAX_AHEAD_SIGNATURES || this.#bytes >= MAX_AHEAD_BYTES;
  }

  /** Calls back once, when there is space again; `then` tells whether it is still wanted. To be called while it is full. */
  whenSpace(then: () => boolean): void {
    this.#waiting.push(then);
  }

  /** As many are called as there is space for signatures; whoever does not want it any more leaves it to the next. */
  readonly #less = (): void => {
    if (this.#waiting.length === 0) return;
    let space = this.isFull ? 0 : MAX_AHEAD_SIGNATURES - this.signatures;
    while (space > 0 && this.#waiting.length > 0) if (this.#waiting.shift()!()) space--;
  };

  /** Begins with a group, which must not be changed from now on; null when that would be too much. */
  begin(history: AheadOf, group: Uint8Array): Foreseen | null {
    if (this.isFull || this.#bytes + group.length > MAX_AHEAD_BYTES) return null;
    const ahead = this.#verifier.begin(history, group);
    this.#bytes += group.length;
    return new Foreseen(ahead, this.#less, () => {
      this.#bytes -= group.length;
      this.#less();
    });
  }
}

/** A group that is ahead. Whoever began it releases it. */
export class Foreseen {
  readonly #ahead: GroupAhead;
  readonly #freed: () => void;
  /** Nothing is being verified for it any more. */
  #isOver = false;
  #isReleased = false;
  #then: (() => void) | null = null;

  /**
   * `verified` is called when no signature is being verified any more, and `freed` when it is not held any more either.
   */
  constructor(ahead: GroupAhead, verified: () => void, freed: () => void) {
    this.#ahead = ahead;
    this.#freed = freed;
    void ahead.verified.then(() => {
      this.#isOver = true;
      verified();
      if (this.#isReleased) freed();
      this.#then?.();
    });
  }

  /** What the history receives; null as long as it is being verified. */
  get group(): VerifiedGroup | null {
    return this.#ahead.group;
  }

  /** Signatures that are, or were, verified for it. */
  get signatures(): number {
    return this.#ahead.signatures;
  }

  /** Calls back once, when it is verified, unless it is released before that. Not before this returns. */
  whenVerified(then: () => void): void {
    this.#then = then;
  }

  /** It was received, or nobody needs it any more. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#then = null;
    this.#ahead.release();
    if (this.#isOver) this.#freed();
  }
}
