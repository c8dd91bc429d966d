/**
 * The own frontier, as one peer has this end look at it.
 *
 * A wide frontier takes time for each of its heads, and each change makes another one. So that nobody has it found again after
 * every change, a peer that asks too often gets one of a moment ago, which the protocol allows: at most as many changes old that
 * finding it costs each of them no more than a listed frontier does.
 */
import { FRESH_FRONTIERS, FRESH_FRONTIERS_AGAIN, MAX_LISTED_HEADS } from "./bounds.ts";
import type { Frontier } from "./messages.ts";
import { foundFrontier, frontierOf, sameFrontier } from "./tips.ts";
import type { SyncHistory } from "./tips.ts";

/** The frontier of one history, for one peer. */
export class OwnFrontier {
  readonly #history: SyncHistory;
  /** Times that it may be found because of the peer. */
  #left = FRESH_FRONTIERS;

  constructor(history: SyncHistory) {
    this.#history = history;
  }

  /** The host wants to know it, or some time has gone by: the peer may have it found some times more. */
  allowMore(): void {
    this.#left = Math.min(FRESH_FRONTIERS, this.#left + FRESH_FRONTIERS_AGAIN);
  }

  /** That of the first so many changes; maybe of fewer, if the peer has asked too often. */
  at(length = this.#history.length): Frontier {
    const width = this.#history.headCount / MAX_LISTED_HEADS;
    if (width <= 1) return frontierOf(this.#history, length);
    const latest = foundFrontier(this.#history, length);
    const age = length - (latest?.length ?? -Infinity);
    if (age === 0) return latest!.frontier;
    if (age < width) {
      if (this.#left === 0) return latest!.frontier;
      this.#left--;
    }
    return frontierOf(this.#history, length);
  }

  /** Whether the peer names the very same. */
  is(frontier: Frontier): boolean {
    // A wide one is never listed, nor has a narrow one a digest.
    const isWide = this.#history.headCount > MAX_LISTED_HEADS;
    return isWide === "digest" in frontier && sameFrontier(frontier, this.at());
  }
}
