/**
 * Connections that are no sessions yet, by the network that they come from: above a bound, the network that has most of them loses
 * the oldest one, so that thousands who come from a few and say nothing do not put out somebody who has come alone.
 */
import type { Socket } from "node:net";
import { networkOf } from "./rates.ts";

/** The end of a connection that is needed here. */
export type End = Pick<Socket, "remoteAddress" | "remotePort">;

/** All that wait to become sessions, or have asked for something else. A TLS socket and the one below it are the same here. */
export class Newcomers<Connection extends End> {
  /** The oldest network first, and in it the oldest connection. */
  readonly #networks = new Map<string, Map<string, Connection>>();
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** A connection has come. */
  add(connection: Connection): void {
    const [network, key] = placeOf(connection);
    let there = this.#networks.get(network);
    if (there === undefined) this.#networks.set(network, (there = new Map<string, Connection>()));
    if (!there.has(key)) this.#size++;
    there.set(key, connection);
  }

  /** A connection has become a session, or has ended: what has the same port since is another one. */
  delete(end: End, connection?: Connection): void {
    const [network, key] = placeOf(end);
    const there = this.#networks.get(network);
    const known = there?.get(key);
    if (known === undefined || (connection !== undefined && known !== connection)) return;
    there?.delete(key);
    if (there?.size === 0) this.#networks.delete(network);
    this.#size--;
  }

  /** The oldest connection of the network that has most, of several the one that has been here longest; null when there is none. */
  get nextToGo(): Connection | null {
    let most: Map<string, Connection> | null = null;
    for (const there of this.#networks.values()) if (there.size > (most?.size ?? 0)) most = there;
    return most?.values().next().value ?? null;
  }

  /** All of them. */
  *[Symbol.iterator](): Generator<Connection, void, void> {
    for (const there of this.#networks.values()) yield* there.values();
  }
}

/** The network of an end, and what tells its connections apart. */
function placeOf({ remoteAddress = "", remotePort = 0 }: End): readonly [string, string] {
  return [networkOf(remoteAddress), `${remoteAddress} ${remotePort}`];
}
