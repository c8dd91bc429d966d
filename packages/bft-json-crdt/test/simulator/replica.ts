/**
 * An honest replica: a person's document on a machine that can lose its power, as `crdt-node` runs it.
 *
 * It edits, and what it signed leaves it only when that is durable. After a crash it goes on with what was durable, on
 * its own chain; restored from a backup it takes a new chain, since the old one may have gone on without it.
 */
import { Document } from "../../src/document/index.ts";
import { toHex } from "../../src/encoding/index.ts";
import type { KeyPair } from "../../src/crypto/index.ts";
import type { History, HistoryLimits, ReceivedGroup } from "../../src/history/index.ts";
import type { Schema } from "../../src/schema/index.ts";
import { MAX_LISTED_HEADS } from "../../src/sync/bounds.ts";
import { edit } from "../random-edits.ts";
import type { Disk } from "./disk.ts";
import { Host } from "./host.ts";
import type { Sabotage, Scene } from "./host.ts";
import { Mirror } from "./mirror.ts";
import type { Port } from "./network.ts";
import type { Random } from "./random.ts";

/** What makes a replica. */
export interface ReplicaOptions {
  readonly name: string;
  readonly keyPair: KeyPair;
  /** True for a store of its own, on chain 0; false for one that takes a new chain each time (a tab of a browser). */
  readonly isDurable: boolean;
  readonly limits: HistoryLimits;
}

/** Thrown by an edit that changes its mind. */
class SecondThoughts extends Error {}

/** A replica of the document. */
export class Replica extends Host {
  readonly options: ReplicaOptions;
  document: Document<Schema>;
  mirror: Mirror;
  readonly announced = new Set<string>();
  /** Own changes of this life and earlier ones, and by which relays each was acknowledged. */
  readonly #acknowledged = new Map<string, Set<string>>();
  #chain: bigint;

  constructor(
    options: ReplicaOptions,
    scene: Scene,
    disk: Disk,
    random: Random,
    sabotage: Sabotage | null,
  ) {
    super(options.name, scene, disk, random, sabotage);
    this.options = options;
    this.#chain = options.isDurable ? 0n : random.split("chain").chain();
    this.document = this.#newDocument();
    this.mirror = new Mirror(this.document.view());
  }

  get history(): History {
    return this.document.history;
  }

  get limits(): HistoryLimits {
    return this.options.limits;
  }

  /** Makes a change of a few edits; now and then one that throws in its midst and must leave no trace. */
  edit(random: Random): void {
    if (!this.isUp) return;
    const { document, scene } = this;
    const count = random.between(1, 4);
    const isFutile = random.oneIn(12);
    const before = isFutile ? document.viewJson() : "";
    const head = random.oneIn(6) ? document.frontier().slice(0, 1) : [];
    try {
      const change = document.change(
        (root) => {
          for (let i = 0; i < count; i++) edit(document.schema, root, random);
          if (isFutile) throw new SecondThoughts();
        },
        {
          time: random.oneIn(3) ? null : 1_700_000_000_000 + Math.floor(scene.clock.now),
          requires: head,
        },
      );
      this.notes.edits++;
      for (const group of change.groups) scene.universe.add(group, this.name, true);
      const live = change.groups.map((group, part) => ({
        group,
        indexes: [change.indexes[part]!],
      }));
      const last = document.history.length;
      const ids = change.indexes.map((index) => toHex(document.history.idAt(index)));
      if (last > change.indexes.at(-1)! + 1) throw new Error("an own change has released others");
      this.store(live, () => {
        // A promise to itself: what is durable here is here for ever.
        for (const hex of ids) this.vouch(hex);
      });
    } catch (error) {
      if (!(error instanceof SecondThoughts)) throw error;
      if (document.viewJson() === before) return;
      scene.report({
        checker: "invariants",
        detail: `${this.name}: a change that failed left a trace`,
      });
    }
  }

  /** Loses its power, and comes back from a backup with about half of what it had. */
  restoreBackup(): void {
    this.crash();
    this.disk.restore(this.random.below(this.disk.size + 1));
    this.#chain = this.random.split(`chain after restart ${this.life}`).chain();
    // Its word was given by another store.
    this.notes.vouched.clear();
  }

  /**
   * Own changes that a relay among the honest peers has not acknowledged, as sentences. A relay cannot tell what to
   * acknowledge from the digest of a frontier that is too wide to be listed, so then none are asked for.
   */
  get unacknowledged(): string[] {
    if (this.history.heads().length > MAX_LISTED_HEADS) return [];
    const relays = [...this.sessions.keys()]
      .map(({ peer }) => peer)
      .filter((peer) => peer.startsWith("relay"));
    if (this.document.author === null) return [];
    const own = toHex(this.document.author);
    const missing: string[] = [];
    for (const relay of relays) {
      const covered = this.#coveredBy(relay);
      for (let index = 0; index < this.history.length; index++) {
        if (toHex(this.history.authorAt(index)) !== own || covered.has(index)) continue;
        missing.push(`${relay} has not acknowledged ${toHex(this.history.idAt(index))}`);
      }
    }
    return missing;
  }

  protected begin(): void {
    if (!this.options.isDurable) this.#chain = this.random.split(`chain ${this.life}`).chain();
    this.document = this.#newDocument();
    const { document } = this;
    const mirror = new Mirror(document.view());
    this.mirror = mirror;
    this.announced.clear();
    document.subscribe(({ patches }) => {
      // What a listener throws is nobody's but its own.
      try {
        for (const patch of patches) mirror.apply(patch);
      } catch (error) {
        const detail = `${this.name}: a patch does not fit: ${String(error)}`;
        this.scene.report({ checker: "convergence", detail });
      }
    });
    document.onFork(({ author, chain }) => this.announced.add(`${toHex(author)}/${chain}`));
  }

  protected take(group: Uint8Array, peer: string): ReceivedGroup {
    return this.document.receive(group, peer);
  }

  protected judged(group: Uint8Array, received: ReceivedGroup): void {
    this.store(this.live(group, received), () => undefined);
  }

  protected override acknowledged(ids: readonly Uint8Array[], { peer }: Port): void {
    for (const id of ids) {
      const hex = toHex(id);
      const by = this.#acknowledged.get(hex) ?? new Set();
      this.#acknowledged.set(hex, by.add(peer));
    }
  }

  /** Local indexes of all that a relay has acknowledged, dependencies included. */
  #coveredBy(relay: string): Set<number> {
    const covered = new Set<number>();
    for (const [hex, by] of this.#acknowledged) {
      const known = by.has(relay) ? this.scene.universe.known.get(hex) : undefined;
      const index = known === undefined ? -1 : this.history.indexOf(known.id);
      if (index >= 0) covered.add(index);
    }
    for (const index of covered) {
      for (const dependency of this.history.dependencies(index)) covered.add(dependency);
    }
    return covered;
  }

  #newDocument(): Document<Schema> {
    const { keyPair, limits } = this.options;
    const { schema, document: id } = this.scene;
    return new Document<Schema>({ schema, id, keyPair, chain: this.#chain, limits });
  }
}
