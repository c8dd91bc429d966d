/**
 * Connections that want to be sessions, one after the other. Thousands who come at once from one network stand in line behind
 * each other, and not before somebody who comes from elsewhere.
 */
import { MOST_UPGRADES_MS } from "./limits.ts";
import { networkOf } from "./rates.ts";
import { Turns } from "./turns.ts";

/**
 * Milliseconds by which each who waits makes the next of the same network due later: what counts is only who comes before whom. With
 * ten, those of a few networks were due faster than they could be served, and who came alone stood behind all of them.
 */
const APART_MS = 1_000;

/** The line of those who want to be sessions. */
export class Upgrades {
  readonly #turns = new Turns(MOST_UPGRADES_MS);
  /** How many of each network stand in line. */
  readonly #waiting = new Map<string, number>();

  /** Makes somebody a session in their turn. `upgrade` must not throw. */
  next(address: string, upgrade: () => void): void {
    const network = networkOf(address);
    const before = this.#waiting.get(network) ?? 0;
    this.#waiting.set(network, before + 1);
    this.#turns.next(() => {
      const left = this.#waiting.get(network)! - 1;
      if (left > 0) this.#waiting.set(network, left);
      else this.#waiting.delete(network);
      upgrade();
    }, before * APART_MS);
  }
}
