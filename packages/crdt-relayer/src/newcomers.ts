/**
 * Connections that are no sessions yet, or sessions that have joined no room, by the network that they come from: above a bound, the
 * network that has most of them loses the oldest one, so that thousands who come from a few and say nothing do not put out
 * somebody who has come alone.
 */
import type { Socket } from "node:net";
import { networkOf } from "./rates.ts";

/** The end of a connection that is needed here. */
export type End = Pick<Socket, "remoteAddress" | "remotePort">;

/** The network that somebody has come from, and what tells them from others who have. */
type Place = readonly [network: string, key: unknown];

/** All who have come and are nothing more so far. Of a connection, a TLS socket and the one below it are the same here. */
export class Newcomers<Connection extends Other, Other = End> {
  readonly #placeOf: (one: Other) => Place;
  /** The oldest network first, and in it the oldest connection. */
  readonly #networks = new Map<string, Map<unknown, Connection>>();
  #size = 0;

  /** `placeOf` tells where somebody has come from: connections are told apart by their ports. */
  constructor(placeOf: (one: Other) => Place) {
    this.#placeOf = placeOf;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** How many networks they come from. */
  get networks(): number {
    return this.#networks.size;
  }

  /** A connection has come. */
  add(connection: Connection): void {
    const [network, key] = this.#placeOf(connection);
    let there = this.#networks.get(network);
    if (there === undefined) this.#networks.set(network, (there = new Map<unknown, Connection>()));
    if (!there.has(key)) this.#size++;
    there.set(key, connection);
  }

  /** A connection has become a session, or has ended: what has the same port since is another one. */
  delete(end: Other, connection?: Connection): void {
    const [network, key] = this.#placeOf(end);
    const there = this.#networks.get(network);
    const known = there?.get(key);
    if (known === undefined || (connection !== undefined && known !== connection)) return;
    there?.delete(key);
    if (there?.size === 0) this.#networks.delete(network);
    this.#size--;
  }

  /** The oldest connection of the network that has most, of several the one that has been here longest; null when there is none. */
  get nextToGo(): Connection | null {
    let most: Map<unknown, Connection> | null = null;
    for (const there of this.#networks.values()) if (there.size > (most?.size ?? 0)) most = there;
    return most?.values().next().value ?? null;
  }

  /** All of them. */
  *[Symbol.iterator](): Generator<Connection, void, void> {
    for (const there of this.#networks.values()) yield* there.values();
  }
}

/** The network of a connection's end, and its port. */
export function placeOfEnd({ remoteAddress = "", remotePort = 0 }: End): Place {
  return [networkOf(remoteAddress), `${remoteAddress} ${remotePort}`];
}
