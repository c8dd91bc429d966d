/**
 * The asking half of a session: what the peer has that is not here, as far as it is named, and the questions for it.
 *
 * A question is `have`, until a `done` whose heads are all applied here; and `want` for a missing dependency of something
 * that came. Both are bounded, so that a peer that names what does not exist cannot keep this end busy.
 */
import { toHex } from "../encoding/bytes.ts";
import type { ReceivedGroup } from "../history/index.ts";
import { MAX_ASKED_IDS, MAX_IDS, MAX_ROUNDS, MAX_WANT_DEPTH } from "./bounds.ts";
import type { Frontier, SyncMessage } from "./messages.ts";
import type { OwnFrontier } from "./own-frontier.ts";
import type { SyncHistory } from "./tips.ts";

const NOTHING: readonly Uint8Array[] = [];

/** What is lacking here of what the peer named. */
export class Inquiry {
  readonly #history: SyncHistory;
  readonly #own: OwnFrontier;
  readonly #durable: () => number;
  /** Heads that the peer named and that are not applied here. */
  #heads: readonly Uint8Array[] = NOTHING;
  /** The peer's frontier is too wide to be listed, and it is not ours. */
  #isUnnamed = false;
  /** The frontier that the peer named last. */
  #frontier: Frontier | null = null;
  #hasAsked = false;
  #isOpen = false;
  /** Nothing is missing here of what the peer had when it last named its heads, nor of what it has sent since. */
  #hasAll = false;
  #rounds = 0;
  /** Missing dependencies that were asked for by id, until the next `have` or `done`. */
  readonly #wants = new Set<string>();
  #wantDepth = 0;

  constructor(history: SyncHistory, own: OwnFrontier, durable: () => number) {
    this.#history = history;
    this.#own = own;
    this.#durable = durable;
  }

  /** True when the peer named something that is not applied here. */
  get lacksSome(): boolean {
    return this.#heads.length > 0 || this.#isUnnamed;
  }

  /** True while a `have` waits for its `done`. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True once a `have` was sent. */
  get hasAsked(): boolean {
    return this.#hasAsked;
  }

  /** True when all that the peer says it has given is applied here, so that its cursor may be kept. */
  get hasAll(): boolean {
    return this.#hasAll;
  }

  /** The frontier that the peer named last; null before its first `have`. */
  get peerFrontier(): Frontier | null {
    return this.#frontier;
  }

  /** Allows as many further rounds as there may be. */
  allowRounds(): void {
    this.#rounds = MAX_ROUNDS;
  }

  /** The question for all that is not here; it may name the heads of the first so many changes only. */
  ask(again = false, length = this.#durable()): SyncMessage {
    this.#hasAsked = true;
    this.#isOpen = true;
    this.#wants.clear();
    return { type: "have", frontier: this.#own.at(length), again };
  }

  /** All before a cursor of the peer is here, and the rest is about to come. */
  recover(): void {
    this.#hasAll = true;
    this.allowRounds();
  }

  /** A group came from the peer. */
  takeGroup({ results }: ReceivedGroup): void {
    const isHere = ({ status }: ReceivedGroup["results"][number]): boolean =>
      status === "applied" || status === "duplicate";
    if (results.length === 0 || !results.every(isHere)) this.#hasAll = false;
  }

  /** The same once more because something is still lacking; null when there were enough rounds. */
  askAgain(): SyncMessage | null {
    if (this.#rounds === 0) return null;
    this.#rounds--;
    this.#wantDepth = 0;
    return this.ask(true);
  }

  /** Takes the frontier that the peer names in a `have`. */
  takeHave(frontier: Frontier): void {
    this.#wants.clear();
    this.#note(frontier);
  }

  /** Takes the frontier that the peer names in a `done`. */
  takeDone(frontier: Frontier): void {
    this.#isOpen = false;
    this.#wants.clear();
    this.#wantDepth = 0;
    // A frontier too wide to be listed changes all the time; if what was named before has come, that is enough.
    if (!("heads" in frontier) && !this.#own.is(frontier)) return;
    this.#note(frontier);
    this.#hasAll = !this.lacksSome;
  }

  /** Something was applied; returns true when it was the last of what was lacking. */
  takeApplied(): boolean {
    if (this.#heads.length === 0) return false;
    this.#heads = this.#heads.filter((id) => this.#history.indexOf(id) < 0);
    return !this.lacksSome;
  }

  /** Gives up on what a digest stands for: it may be here in the meantime, under a frontier that has moved on. */
  forgetUnnamed(): void {
    this.#isUnnamed = false;
  }

  /** The wants were of use: nothing is missing any more. */
  takeComplete(): void {
    this.#wantDepth = 0;
  }

  /** The question for missing dependencies, each asked for once; null when there is none to ask. */
  want(missing: readonly Uint8Array[]): SyncMessage | null {
    this.#wantDepth++;
    if (this.#wantDepth > MAX_WANT_DEPTH && !this.#isOpen) {
      // A deep gap: one comparison of frontiers finds all of it.
      const question = this.askAgain();
      if (question !== null) return question;
    }
    const ids: Uint8Array[] = [];
    for (const id of missing) {
      if (this.#wants.size >= MAX_ASKED_IDS || ids.length >= MAX_IDS) break;
      const key = toHex(id);
      if (this.#wants.has(key)) continue;
      this.#wants.add(key);
      ids.push(id);
    }
    return ids.length > 0 ? { type: "want", ids } : null;
  }

  #note(frontier: Frontier): void {
    this.#frontier = frontier;
    this.#isUnnamed = "digest" in frontier && !this.#own.is(frontier);
    this.#heads =
      "heads" in frontier ? frontier.heads.filter((id) => this.#history.indexOf(id) < 0) : NOTHING;
    if (!this.lacksSome) this.#hasAll = true;
  }
}
