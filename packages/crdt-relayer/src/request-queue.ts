/**
 * Requests of HTTP, one after the other: for an upgrade, and for a page once it is there. Thousands who come at once from one network
 * stand in line behind each other, and not before somebody who comes from elsewhere.
 */
import { MOST_REQUESTS_MS } from "./limits.ts";
import { networkOf } from "./rates.ts";
import { Turns } from "./turns.ts";

/**
 * Milliseconds by which each who waits makes the next of the same network due later: what counts is only who comes before whom. With
 * ten, those of a few networks were due faster than they could be served, and who came alone stood behind all of them.
 */
const APART_MS = 1_000;

/** The line of those whose requests are to be served. */
export class RequestQueue {
  readonly #turns = new Turns(MOST_REQUESTS_MS);
  /** How many of each network stand in line. */
  readonly #waiting = new Map<string, number>();

  /** Serves a request in its turn. `serve` must not throw. */
  next(address: string, serve: () => void): void {
    const network = networkOf(address);
    const before = this.#waiting.get(network) ?? 0;
    this.#waiting.set(network, before + 1);
    this.#turns.next(() => {
      const left = this.#waiting.get(network)! - 1;
      if (left > 0) this.#waiting.set(network, left);
      else this.#waiting.delete(network);
      serve();
    }, before * APART_MS);
  }
}
