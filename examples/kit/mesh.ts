/**
 * A network in memory: what is sent arrives late, twice or never, groups of participants are parted and find each other
 * again, and now and then two compare their histories by the library's own protocol.
 */
import { SyncSession } from "bft-json-crdt";
import type { Document, Schema } from "bft-json-crdt";
import type { Clock } from "./clock.ts";
import type { Participant } from "./participant.ts";
import type { Random } from "./random.ts";

/** How bad the network is. */
export interface MeshOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Least and most milliseconds on the way. */
  readonly latency?: readonly [number, number];
  /** Probability that a message is lost. */
  readonly loss?: number;
  /** Probability that a message comes twice. */
  readonly duplication?: number;
}

/** Participants who send each other what they change. */
export class Mesh<S extends Schema> {
  readonly members: readonly Participant<S>[];
  /** Messages that were sent, lost, and stopped at a partition. */
  readonly counts = { sent: 0, lost: 0, stopped: 0, gossip: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #latency: readonly [number, number];
  readonly #loss: number;
  readonly #duplication: number;
  /** The side of each member; one side when the network is whole. */
  readonly #sides = new Map<Participant<S>, number>();

  constructor(members: readonly Participant<S>[], options: MeshOptions) {
    this.members = members;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#latency = options.latency ?? [5, 50];
    this.#loss = options.loss ?? 0;
    this.#duplication = options.duplication ?? 0;
    for (const member of members) {
      member.onChange((groups) => {
        for (const other of members) if (other !== member) this.send(member, other, groups);
      });
    }
  }

  /** True while messages and gossip pass between two members. */
  connected(one: Participant<S>, other: Participant<S>): boolean {
    return (this.#sides.get(one) ?? 0) === (this.#sides.get(other) ?? 0);
  }

  /** Parts the network: nothing passes between the sides until `heal`. Who is in no side is alone with its like. */
  part(...sides: readonly (readonly Participant<S>[])[]): void {
    this.#sides.clear();
    sides.forEach((side, number) => side.forEach((member) => this.#sides.set(member, number + 1)));
  }

  /** Puts the network together again. */
  heal(): void {
    this.#sides.clear();
  }

  /** Sends groups to one member. */
  send(from: Participant<S>, to: Participant<S>, groups: readonly Uint8Array[]): void {
    const copies = this.#random.chance(this.#duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.counts.sent++;
      if (!this.connected(from, to)) this.counts.stopped++;
      else if (this.#random.chance(this.#loss)) this.counts.lost++;
      else {
        this.#clock.after(this.#random.between(...this.#latency), () => {
          for (const group of groups) to.document.receive(group, from.name);
        });
      }
    }
  }

  /** One member compares histories with another one that it reaches; false when there is none. */
  gossip(member: Participant<S>): boolean {
    const reached = this.members.filter(
      (other) => other !== member && this.connected(member, other),
    );
    if (reached.length === 0) return false;
    this.counts.gossip++;
    reconcile(member.document, this.#random.pick(reached).document);
    return true;
  }

  /** Everybody compares with everybody who can be reached, until nothing is new. */
  settle(): void {
    for (let isNew = true; isNew;) {
      isNew = false;
      for (const one of this.members) {
        for (const other of this.members) {
          if (one !== other && this.connected(one, other)) {
            isNew = reconcile(one.document, other.document) || isNew;
          }
        }
      }
    }
  }
}

/** Brings two replicas to the same history by the sync protocol; true when either learned something. */
export function reconcile(a: Document<Schema>, b: Document<Schema>): boolean {
  const before = a.history.length + b.history.length;
  const queue: (() => void)[] = [];
  const sessions: SyncSession[] = [];
  const open = (document: Document<Schema>, peer: string, other: number): SyncSession =>
    new SyncSession({
      history: document.history,
      peer,
      receiveGroup: (group) => document.receive(group, peer),
      send: (frame) => {
        // Taken in later, as on a socket: a session does not expect an answer while it speaks.
        queue.push(() => sessions[other]!.receive(frame));
        return true;
      },
    });
  sessions.push(open(a, "b", 1), open(b, "a", 0));
  for (const session of sessions) session.open();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  for (const session of sessions) session.close();
  return a.history.length + b.history.length > before;
}
