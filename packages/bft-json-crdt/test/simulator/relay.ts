/**
 * An honest relay: verifies, stores, acknowledges what is durable, and passes on the bytes that came in. It does what
 * `packages/crdt-relayer/src/room.ts` does, without sockets.
 */
import { toHex } from "../../src/encoding/index.ts";
import { History } from "../../src/history/index.ts";
import type { HistoryLimits, ReceivedGroup } from "../../src/history/index.ts";
import { parseMessage } from "../../src/sync/index.ts";
import type { Disk } from "./disk.ts";
import { Host } from "./host.ts";
import type { Sabotage, Scene } from "./host.ts";
import type { Port } from "./network.ts";
import type { Random } from "./random.ts";

/** Changes that wait and whose senders are remembered. */
export const MAX_AWAITED = 32;

/** A relay with one room. */
export class Relay extends Host {
  readonly limits: HistoryLimits;
  history: History;
  /** Who sent a change that is pending, by its hex id. */
  #awaited = new Map<string, Set<Port>>();

  constructor(
    name: string,
    limits: HistoryLimits,
    scene: Scene,
    disk: Disk,
    random: Random,
    sabotage: Sabotage | null,
  ) {
    super(name, scene, disk, random, sabotage);
    this.limits = limits;
    this.history = new History({ document: scene.document, limits });
  }

  override closed(port: Port): void {
    super.closed(port);
    for (const [id, senders] of this.#awaited) {
      senders.delete(port);
      if (senders.size === 0) this.#awaited.delete(id);
    }
  }

  protected begin(): void {
    this.history = new History({ document: this.scene.document, limits: this.limits });
    this.#awaited = new Map();
  }

  protected take(group: Uint8Array, peer: string): ReceivedGroup {
    return this.history.receive(group, peer);
  }

  protected judged(group: Uint8Array, received: ReceivedGroup, from: Port): void {
    const known: Uint8Array[] = [];
    for (const { id, status } of received.results) {
      if (status === "pending") this.#await(id, from);
      else if (this.history.indexOf(id) >= 0) known.push(id);
    }
    const { applied } = received;
    this.store(this.live(group, received), () => {
      this.#acknowledgeAwaited(applied);
    });
    this.#acknowledge(known, from);
  }

  protected override told(text: string, from: Port): void {
    if (!text.includes('"have"')) return;
    const message = parseMessage(text);
    if (!message.ok || message.value.type !== "have" || !("heads" in message.value.frontier))
      return;
    this.#acknowledge(message.value.frontier.heads, from);
  }

  /** Acknowledges those of these changes that are applied, as soon as they are durable. */
  #acknowledge(ids: readonly Uint8Array[], to: Port): void {
    const { history, sabotage } = this;
    const applied = ids.filter((id) => history.indexOf(id) >= 0);
    if (applied.length === 0) return;
    const isDurable = applied.every((id) => history.indexOf(id) < this.durable);
    if (isDurable || sabotage === "acknowledges too early") {
      this.sessions.get(to)?.acknowledge(applied);
      return;
    }
    const life = this.life;
    this.barrier().then(
      () => {
        if (life === this.life) this.sessions.get(to)?.acknowledge(applied);
      },
      () => {
        // The failure is reported by the append that it belongs to.
      },
    );
  }

  #await(id: Uint8Array, from: Port): void {
    const key = toHex(id);
    const senders = this.#awaited.get(key);
    if (senders !== undefined) {
      senders.add(from);
      return;
    }
    this.#awaited.set(key, new Set([from]));
    for (const oldest of this.#awaited.keys()) {
      if (this.#awaited.size <= MAX_AWAITED) break;
      this.#awaited.delete(oldest);
    }
    this.notes.peakAwaited = Math.max(this.notes.peakAwaited, this.#awaited.size);
  }

  #acknowledgeAwaited(applied: readonly number[]): void {
    for (const index of applied) {
      const id = this.history.idAt(index);
      const key = toHex(id);
      for (const port of this.#awaited.get(key) ?? []) this.sessions.get(port)?.acknowledge([id]);
      this.#awaited.delete(key);
    }
  }
}
