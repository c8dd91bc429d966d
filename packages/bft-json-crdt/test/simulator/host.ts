/**
 * What honest replicas and honest relays have in common: a history, its log on a disk, and a session with each peer.
 *
 * The code under test is the real one: History or Document, ChangeLog and SyncSession. What is here is what a host has
 * to do around them: store first, then pass on; come back after a crash with what was durable; compare frontiers now and
 * then. It also notes what the checkers want to know.
 */
import { decodeGroup } from "../../src/change/index.ts";
import { toHex } from "../../src/encoding/index.ts";
import { History } from "../../src/history/index.ts";
import type { HistoryLimits, ReceivedGroup } from "../../src/history/index.ts";
import { MAX_GROUP_BYTES } from "../../src/limits.ts";
import type { Schema } from "../../src/schema/index.ts";
import { ChangeLog } from "../../src/store/index.ts";
import { liveGroups, parseMessage, SyncSession } from "../../src/sync/index.ts";
import type { LiveGroup } from "../../src/sync/index.ts";
import { MAX_TEXT_LENGTH } from "../../src/sync/bounds.ts";
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Endpoint, Frame, Network, Port } from "./network.ts";
import type { Random } from "./random.ts";
import type { Universe } from "./universe.ts";
import { Notes } from "./world.ts";
import type { Finding } from "./world.ts";

/** What all actors of a simulation share. */
export interface Scene {
  readonly clock: Clock;
  readonly network: Network;
  readonly universe: Universe;
  readonly document: Uint8Array;
  readonly schema: Schema;
  /** Names of all honest hosts. */
  readonly honest: ReadonlySet<string>;
  report(finding: Finding): void;
  /** A host cannot go on: its power is cut, and it comes back after a while. */
  powerCycle(host: Host): void;
}

/** Breaks a host on purpose, to see that the checkers notice. */
export type Sabotage =
  /** Sends own changes before they are durable. */
  | "sends too early"
  /** Acknowledges before the write is durable. */
  | "acknowledges too early"
  /** Never compares frontiers again. */
  | "never refreshes"
  /** Hands frames to a full transport. */
  | "ignores backpressure"
  /** Stores and passes on groups as they came, whatever of them was applied. */
  | "stores what came";

/** Milliseconds between two comparisons of frontiers. */
export const REFRESH_MS = 1_000;

/** An honest host. */
export abstract class Host implements Endpoint {
  readonly name: string;
  readonly disk: Disk;
  readonly notes = new Notes();
  isUp = false;
  protected readonly scene: Scene;
  protected readonly random: Random;
  protected readonly sabotage: Sabotage | null;
  /** Changes below this local index are durable. */
  protected durable = 0;
  /** Counts the times that it came up: what an earlier life has left behind does nothing. */
  protected life = 0;
  protected readonly sessions = new Map<Port, SyncSession>();
  #log: ChangeLog | null = null;
  readonly #full = new Set<Port>();

  constructor(name: string, scene: Scene, disk: Disk, random: Random, sabotage: Sabotage | null) {
    this.name = name;
    this.scene = scene;
    this.disk = disk;
    this.random = random;
    this.sabotage = sabotage;
  }

  abstract get history(): History;
  abstract get limits(): HistoryLimits;

  /** Makes the empty history or document of a new life. */
  protected abstract begin(): void;
  /** Gives a group to the history or document. */
  protected abstract take(group: Uint8Array, peer: string): ReceivedGroup;
  /** Acts on a group that a session has received and that was judged. */
  protected abstract judged(group: Uint8Array, received: ReceivedGroup, from: Port): void;
  /** A peer has acknowledged changes. */
  protected acknowledged(_ids: readonly Uint8Array[], _from: Port): void {}
  /** A text frame came in and was handled. */
  protected told(_text: string, _from: Port): void {}

  /** Comes up with what is on the disk. */
  start(): void {
    this.life++;
    const life = this.life;
    this.notes.rejected.clear();
    this.begin();
    this.#log = new ChangeLog(this.disk, this.scene.document);
    this.scene.clock.unsettle();
    this.#load(this.#log).then(
      () => {
        if (life !== this.life) return;
        this.durable = this.history.length;
        this.isUp = true;
        this.noteLost();
        this.scene.network.up(this.name);
        this.#planRefresh(life);
      },
      (error: unknown) => {
        this.scene.report({
          checker: "throws",
          detail: `${this.name} at its start: ${describe(error)}`,
        });
      },
    );
  }

  /** Loses its power. */
  crash(): void {
    this.life++;
    this.notes.restarts++;
    this.isUp = false;
    this.disk.crash();
    this.sessions.clear();
    this.#full.clear();
    this.#log = null;
    this.scene.network.down(this.name);
  }

  /** Compares frontiers with all peers. */
  refresh(): void {
    for (const session of this.sessions.values()) session.refresh();
  }

  /** How many of its changes may have left it. */
  get published(): number {
    return this.durable;
  }

  /** Sessions with honest peers. */
  get honestSessions(): number {
    return [...this.sessions.keys()].filter(({ peer }) => this.scene.honest.has(peer)).length;
  }

  /** Names of the honest peers whose sessions do not say that they are synced. */
  get unsynced(): string[] {
    return [...this.sessions]
      .filter(([port, session]) => this.scene.honest.has(port.peer) && !session.synced)
      .map(([port]) => port.peer);
  }

  /** What the next start would find on the disk, and what it would find damaged there. */
  async stored(): Promise<{ history: History; faults: string[] }> {
    const { document } = this.scene;
    const history = new History({ document, limits: this.limits });
    const faults: string[] = [];
    for await (const fault of new ChangeLog(this.disk, document).replay(history)) {
      if (fault !== null) faults.push(fault.detail);
    }
    return { history, faults };
  }

  opened(port: Port): void {
    const life = this.life;
    const session = new SyncSession({
      history: this.history,
      peer: port.peer,
      send: (frame) => life === this.life && this.#send(port, frame),
      receiveGroup: (group) => this.#receive(group, port),
      durable: () => (this.sabotage === "sends too early" ? Infinity : this.durable),
      onAck: (ids) => {
        this.acknowledged(ids, port);
      },
      onError: (code, detail) => {
        if (code === "unsupported_version" || code === "refused") return;
        if (this.scene.honest.has(port.peer) && !TEMPORARY.has(code)) {
          this.notes.blames.push(`${this.name} says of ${port.peer}: ${code}, ${detail}`);
        }
      },
    });
    this.sessions.set(port, session);
    session.open();
  }

  received(port: Port, frame: Frame): void {
    this.sessions.get(port)?.receive(frame);
    if (typeof frame === "string") this.told(frame, port);
  }

  drained(port: Port): void {
    this.#full.delete(port);
    this.sessions.get(port)?.resume();
  }

  closed(port: Port): void {
    this.sessions.get(port)?.close();
    this.sessions.delete(port);
    this.#full.delete(port);
  }

  /** Resolves when everything that was applied so far is durable. */
  protected barrier(): Promise<void> {
    this.scene.clock.unsettle();
    return this.#log!.append([]);
  }

  /** What is to be stored and passed on of a group that was received. */
  protected live(group: Uint8Array, received: ReceivedGroup): LiveGroup[] {
    const { applied } = received;
    if (this.sabotage === "stores what came" && applied.length > 0)
      return [{ group, indexes: applied }];
    return liveGroups(this.history, group, received);
  }

  /** Stores what was applied; then passes it on, and calls back. */
  protected store(live: readonly LiveGroup[], whenDurable: () => void): void {
    const last = live.at(-1)?.indexes.at(-1);
    if (last === undefined) return;
    const life = this.life;
    const records = live.map(({ group, indexes }) => ({
      ids: indexes.map((index) => this.history.idAt(index)),
      group,
    }));
    if (this.sabotage === "sends too early") this.#push(live);
    this.scene.clock.unsettle();
    this.#log!.append(records)
      .then(
        () => {
          if (life !== this.life) return;
          this.durable = Math.max(this.durable, last + 1);
          if (this.sabotage !== "sends too early") this.#push(live);
          whenDurable();
        },
        () => {
          if (life === this.life) this.scene.powerCycle(this);
        },
      )
      .catch((error: unknown) => {
        this.scene.report({ checker: "throws", detail: `${this.name}: ${describe(error)}` });
      });
  }

  /** Notes a change as one that this host has promised to keep. */
  protected vouch(hex: string): void {
    this.notes.vouched.add(hex);
  }

  /** Notes what was vouched for and is gone. */
  protected noteLost(): void {
    const { vouched, lost } = this.notes;
    for (const hex of vouched) {
      const known = this.scene.universe.known.get(hex);
      if (known !== undefined && this.history.indexOf(known.id) < 0) lost.push(hex);
    }
  }

  async #load(log: ChangeLog): Promise<void> {
    const replayed = log.replay({
      receive: (group) => this.take(group, "store"),
      indexOf: (id) => this.history.indexOf(id),
    });
    for await (const fault of replayed) if (fault !== null) throw new Error(fault.detail);
  }

  #planRefresh(life: number): void {
    const delay = REFRESH_MS / 2 + this.random.below(REFRESH_MS);
    this.scene.clock.after(delay, "", () => {
      if (life !== this.life || this.scene.network.isHealed) return;
      if (this.sabotage !== "never refreshes") this.refresh();
      this.#planRefresh(life);
    });
  }

  #push(live: readonly LiveGroup[]): void {
    for (const session of this.sessions.values()) {
      for (const { group, indexes } of live) session.push(group, indexes);
    }
  }

  #receive(group: Uint8Array, port: Port): ReceivedGroup {
    const received = this.take(group, port.peer);
    this.#note(received, port);
    this.judged(group, received, port);
    return received;
  }

  #note({ results, applied, missing }: ReceivedGroup, port: Port): void {
    const { notes } = this;
    const hasNoRoom = results.some(({ code }) => code === "over_quota");
    for (const { id, status, code, scope } of results) {
      // What builds on something that is on its way, or was lost, cannot wait without a signature: it is sent again.
      const isEarly = code === "missing_signature" && (missing.length > 0 || hasNoRoom);
      const isFault = scope === "change" || !(isEarly || TEMPORARY.has(code ?? ""));
      if (status === "rejected" && this.scene.honest.has(port.peer) && isFault) {
        notes.blames.push(`${this.name} got from ${port.peer} what is ${code}: ${toHex(id)}`);
      }
      if (status !== "rejected" || scope !== "change") continue;
      noteVerdict(notes, toHex(id), `rejected ${code}`);
      notes.rejected.add(toHex(id));
    }
    for (const index of applied) noteVerdict(notes, toHex(this.history.idAt(index)), "applied");
    const { count, bytes } = this.history.pending;
    notes.peakPendingBytes = Math.max(notes.peakPendingBytes, bytes);
    if (count > 0 && this.history.pendingMissing().length === 0) {
      notes.breaches.push(`${count} changes wait for nothing at ${this.name}`);
    }
  }

  #send(port: Port, frame: Frame): boolean {
    const { breaches, vouched } = this.notes;
    if (this.#full.has(port)) breaches.push(`${this.name} sends to ${port.peer}, which is full`);
    if (typeof frame === "string") {
      const message = parseMessage(frame);
      if (!message.ok)
        breaches.push(`${this.name} sends what is no message: ${frame.slice(0, 80)}`);
      else if (message.value.type === "ack")
        for (const id of message.value.ids) vouched.add(toHex(id));
      if (frame.length > MAX_TEXT_LENGTH) breaches.push(`${this.name} sends too long a message`);
    } else if (frame.length > MAX_GROUP_BYTES || !decodeGroup(frame).ok) {
      breaches.push(`${this.name} sends what is no group`);
    }
    if (this.scene.honest.has(port.peer)) this.notes.framesToHonest++;
    const hasRoom = port.send(frame);
    if (!hasRoom) this.#full.add(port);
    return hasRoom || this.sabotage === "ignores backpressure";
  }
}

/** Faults that an honest peer can show for a while: a queue was full, or it was asked for too much. */
const TEMPORARY = new Set<string>(["over_quota", "flooding"]);

function noteVerdict(notes: Notes, hex: string, verdict: string): void {
  const known = notes.verdicts.get(hex);
  if (known === undefined) notes.verdicts.set(hex, new Set([verdict]));
  else known.add(verdict);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
