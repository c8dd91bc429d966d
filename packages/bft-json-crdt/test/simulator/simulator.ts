/**
 * Runs a scenario: builds its hosts, lets happen what it says, heals everything, waits until all are in step, and asks
 * the checkers. Equal scenarios are equal runs, event for event.
 */
import { documentId } from "../../src/change/index.ts";
import { toHex } from "../../src/encoding/index.ts";
import {
  counter,
  integer,
  json,
  list,
  map,
  optional,
  set,
  string,
  struct,
  text,
} from "../../src/schema/index.ts";
import type { Schema } from "../../src/schema/index.ts";
import { person } from "../forge.ts";
import { rememberVerdicts } from "../remembered-verdicts.ts";
import { CHECKERS } from "./checkers/index.ts";
import { Clock } from "./clock.ts";
import { Disk } from "./disk.ts";
import { DishonestRelay } from "./dishonest-relay.ts";
import { REFRESH_MS } from "./host.ts";
import type { Host, Sabotage, Scene } from "./host.ts";
import { Liar } from "./liar.ts";
import type { Source } from "./liar.ts";
import { STRATEGIES, TAMPERINGS } from "./liars/index.ts";
import { Network } from "./network.ts";
import { Random } from "./random.ts";
import { Relay } from "./relay.ts";
import { Replica } from "./replica.ts";
import { END_MS, HEAL_MS } from "./scenario.ts";
import type { Part, PartKind, Scenario } from "./scenario.ts";
import { Universe } from "./universe.ts";
import type { Checker, Finding, Observed, World } from "./world.ts";

/** How a simulation is run. */
export interface SimulationOptions {
  /** Given a line for each event. */
  readonly trace?: (line: string) => void;
  /** Breaks all honest hosts on purpose. */
  readonly sabotage?: Sabotage;
  /** Instead of the usual ones. */
  readonly checkers?: readonly Checker[];
}

/** What came out of a simulation. */
export interface Outcome {
  /** Empty when all is well. */
  readonly findings: readonly Finding[];
  /** A hash of all that happened: equal for equal runs. */
  readonly trace: string;
  readonly events: number;
  readonly frames: number;
  /** Changes that the honest hosts have in the end. */
  readonly changes: number;
  /** Comparisons of frontiers that it took until all were in step. */
  readonly rounds: number;
  readonly tally: Tally;
}

/** How much of everything there was, to see that a simulation is not idle. */
export interface Tally {
  /** Changes of honest authors and of liars that honest hosts have in the end. */
  readonly honestChanges: number;
  readonly liarsChanges: number;
  /** Ids that honest hosts rejected for ever. */
  readonly rejected: number;
  /** Chains whose author was exposed. */
  readonly forks: number;
  readonly restarts: number;
  /** Most bytes that the causal queue of an honest host held. */
  readonly peakPendingBytes: number;
}

/** Comparisons of frontiers, one a second, after which all must be in step. */
export const MAX_SETTLING_ROUNDS = 12;

/** The schema of all simulations: every type, and most of them inside others. */
export const SCHEMA: Schema = struct({
  title: string({ default: "untitled" }),
  note: optional(string()),
  extra: optional(json()),
  body: text(),
  likes: counter(),
  tags: set(json()),
  flat: list(json()),
  cards: list(
    struct({
      name: string(),
      body: text(),
      items: list(string()),
      votes: counter(),
      labels: set(string()),
    }),
  ),
  shelves: map(list(integer())),
  rooms: list(map(text())),
  sums: map(counter()),
});

const DOCUMENT = documentId("simulation");

/** Runs a scenario to its end. It never rejects: whatever is thrown is a finding. */
export async function simulate(
  scenario: Scenario,
  options: SimulationOptions = {},
): Promise<Outcome> {
  const forget = rememberVerdicts();
  const run = new Run(scenario, options);
  try {
    await run.toTheEnd();
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    run.findings.push({ checker: "throws", detail });
  } finally {
    forget();
  }
  return run.outcome();
}

class Run {
  readonly findings: Finding[] = [];
  readonly #scenario: Scenario;
  readonly #options: SimulationOptions;
  readonly #clock: Clock;
  readonly #network: Network;
  readonly #random: Random;
  readonly #universe = new Universe();
  readonly #hosts = new Map<string, Host>();
  readonly #liars = new Map<string, Liar>();
  readonly #scene: Scene;
  #rounds = 0;

  constructor(scenario: Scenario, options: SimulationOptions) {
    this.#scenario = scenario;
    this.#options = options;
    this.#random = new Random(scenario.seed);
    this.#clock = new Clock(options.trace ?? null);
    this.#network = new Network(this.#clock, this.#random.split("network"));
    const honest = this.#parts("replica", "relay").map(({ name }) => name);
    this.#scene = {
      clock: this.#clock,
      network: this.#network,
      universe: this.#universe,
      document: DOCUMENT,
      schema: SCHEMA,
      honest: new Set(honest),
      report: (finding) => this.findings.push(finding),
      powerCycle: (host) => {
        this.#crash(host, 300);
      },
    };
  }

  async toTheEnd(): Promise<void> {
    const clock = this.#clock;
    this.#setUp();
    for (const part of this.#scenario.parts) this.#plan(part);
    await clock.run(HEAL_MS);
    this.#heal();
    await clock.run(END_MS);
    while (!this.#isInStep() && this.#rounds < MAX_SETTLING_ROUNDS) {
      this.#rounds++;
      await this.#compareFrontiers();
    }
    // Liars could go on for ever. Once more, so that all know what was acknowledged, and then for the silence.
    const { honest } = this.#scene;
    this.#network.silence(this.#names().filter((name) => !honest.has(name)));
    await this.#compareFrontiers();
    const before = this.#framesToHonest();
    await this.#compareFrontiers();
    const world = await this.#world(this.#framesToHonest() - before);
    for (const check of this.#options.checkers ?? CHECKERS) this.findings.push(...check(world));
  }

  outcome(): Outcome {
    const hosts = [...this.#hosts.values()];
    return {
      findings: this.findings,
      trace: this.#clock.digest(),
      events: this.#clock.events,
      frames: this.#network.frames,
      changes: Math.max(0, ...hosts.map(({ history }) => history.length)),
      rounds: this.#rounds,
      tally: this.#tally(),
    };
  }

  #tally(): Tally {
    const hosts = [...this.#hosts.values()];
    const applied = new Set<string>();
    const rejected = new Set<string>();
    for (const { notes } of hosts) {
      for (const [hex, verdicts] of notes.verdicts) {
        if (!verdicts.has("applied")) rejected.add(hex);
      }
    }
    for (const { history } of hosts) {
      for (let index = 0; index < history.length; index++) applied.add(toHex(history.idAt(index)));
    }
    const honest = [...applied].filter((hex) => this.#universe.honest.has(hex)).length;
    return {
      honestChanges: honest,
      liarsChanges: applied.size - honest,
      rejected: rejected.size,
      forks: Math.max(0, ...hosts.map(({ history }) => history.forks().length)),
      restarts: hosts.reduce((sum, { notes }) => sum + notes.restarts, 0),
      peakPendingBytes: Math.max(0, ...hosts.map(({ notes }) => notes.peakPendingBytes)),
    };
  }

  #parts<K extends PartKind["kind"]>(...kinds: K[]): Extract<Part, { kind: K }>[] {
    return this.#scenario.parts.filter((part) => kinds.includes(part.kind as K)) as Extract<
      Part,
      { kind: K }
    >[];
  }

  /** Names of all endpoints. */
  #names(): string[] {
    return this.#parts("replica", "relay", "dishonest relay", "liar").map(({ name }) => name);
  }

  #isInStep(): boolean {
    return this.#components().every(areInStep);
  }

  #setUp(): void {
    const sabotage = this.#options.sabotage ?? null;
    for (const part of this.#parts("replica", "relay")) {
      const { name } = part;
      const random = this.#random.split(name);
      const disk = new Disk(`${name}'s disk`, this.#clock, random.split("disk"), part.disk);
      const host =
        part.kind === "relay"
          ? new Relay(name, part.limits, this.#scene, disk, random, sabotage)
          : new Replica(
              { ...part, keyPair: person(part.person) },
              this.#scene,
              disk,
              random,
              sabotage,
            );
      this.#hosts.set(name, host);
      this.#network.add(host);
    }
    for (const { name } of this.#parts("dishonest relay")) this.#setUpDishonestRelay(name);
    for (const part of this.#parts("liar")) {
      const liar = new Liar({
        ...part,
        keys: part.persons.map(person),
        victims: this.#victims(),
        sources: () => this.#sources(),
        scene: this.#scene,
        random: this.#random.split(part.name),
      });
      this.#liars.set(part.name, liar);
      this.#network.add(liar);
    }
    for (const host of this.#hosts.values()) {
      this.#clock.after(0, `${host.name} starts`, () => {
        host.start();
      });
    }
  }

  /** Its faces have a disk that never fails, and are no part of the honest world. */
  #setUpDishonestRelay(name: string): void {
    const random = this.#random.split(name);
    const tampers = this.#parts("tampering")
      .filter(({ who }) => who === name)
      .map(({ how, number }) =>
        TAMPERINGS[how]!({
          random: random.split(`${how} ${number}`),
          authors: [
            ...this.#victims(),
            ...this.#parts("liar").flatMap(({ persons }) =>
              persons.map((n) => person(n).publicKey),
            ),
          ],
          peers: [...this.#hosts.keys()],
          later: (delay, step) => {
            this.#clock.after(delay, `${name} goes on tampering`, step);
          },
        }),
      );
    // What passes between the faces and their peers goes through masks, which the network does not know.
    const nowhere = new Network(this.#clock, random);
    const faces = [0, 1].map((face) => {
      const stream = random.split(`face ${face}`);
      const disk = new Disk(`face ${face} of ${name}`, this.#clock, stream, { least: 0, most: 1 });
      const relay = new Relay(
        `${name}${face}`,
        DEFAULT_LIMITS,
        { ...this.#scene, network: nowhere },
        disk,
        stream,
        null,
      );
      this.#clock.after(0, "", () => {
        relay.start();
      });
      return relay;
    });
    this.#network.add(new DishonestRelay(name, faces, tampers));
  }

  #victims(): Uint8Array[] {
    const persons = new Set(this.#parts("replica").map((part) => part.person));
    return [...persons].map((number) => person(number).publicKey);
  }

  #sources(): Source[] {
    return [...this.#hosts.values()]
      .filter(({ isUp }) => isUp)
      .map((host) => ({ history: host.history, published: host.published }));
  }

  #plan(part: Part): void {
    if (!("at" in part)) return;
    const random = this.#random.split(`part ${part.number}`);
    const clock = this.#clock;
    const host = "who" in part ? this.#hosts.get(part.who) : undefined;
    switch (part.kind) {
      case "link":
        clock.at(part.at, `link ${part.a} to ${part.b}`, () => {
          this.#network.link(part.a, part.b, part.quality, part.back);
        });
        return;
      case "edit":
        clock.at(part.at, `${part.who} edits`, () => {
          if (host instanceof Replica) host.edit(random);
        });
        return;
      case "lie":
        clock.at(part.at, `${part.who}: ${part.strategy}`, () => {
          this.#liars.get(part.who)?.tell(STRATEGIES[part.strategy]!, random);
        });
        return;
      case "crash":
        clock.at(part.at, `${part.who} will crash: ${part.how}`, () => {
          if (host !== undefined && host.isUp) this.#fail(host, part, random);
        });
        return;
      case "partition":
        this.#planPartition(part);
        return;
      case "cut":
        clock.at(part.at, `${part.a} and ${part.b} are cut`, () => {
          this.#network.cut(part.a, part.b);
        });
    }
  }

  #fail(host: Host, { how, down }: Extract<Part, { kind: "crash" }>, random: Random): void {
    switch (how) {
      case "now":
        this.#crash(host, down);
        return;
      case "writing":
        host.disk.trap = {
          begins: () => {
            // Peers that come back meanwhile ask for all that there is, while some of it is still being written.
            if (random.oneIn(2)) this.#network.isolate(host.name);
          },
          ends: () => {
            if (host.isUp) this.#crash(host, down);
          },
        };
        return;
      case "write fails":
        host.disk.breaks = true;
        return;
      case "backup":
        if (!(host instanceof Replica)) return;
        host.restoreBackup();
        this.#comeBack(host, down);
    }
  }

  #crash(host: Host, down: number): void {
    this.#clock.note(`${host.name} crashes`);
    host.crash();
    this.#comeBack(host, down);
  }

  #comeBack(host: Host, after: number): void {
    this.#clock.after(after, `${host.name} comes back`, () => {
      if (!host.isUp) host.start();
    });
  }

  #planPartition({
    at,
    until,
    side,
    direction,
    breaks,
  }: Extract<Part, { kind: "partition" }>): void {
    const inside = new Set(side);
    const outside = new Set(this.#names().filter((name) => !inside.has(name)));
    const partitions = [
      ...(direction === "in" ? [] : [{ from: inside, to: outside }]),
      ...(direction === "out" ? [] : [{ from: outside, to: inside }]),
    ];
    this.#clock.at(at, `partition around ${side.join(", ")}`, () => {
      for (const partition of partitions) this.#network.partition(partition, breaks);
    });
    this.#clock.at(until, "a partition heals", () => {
      for (const partition of partitions) this.#network.heal(partition);
    });
  }

  #heal(): void {
    this.#clock.note("everything heals");
    this.#network.healAll();
    for (const host of this.#hosts.values()) {
      host.disk.heal();
      if (!host.isUp) this.#comeBack(host, 0);
    }
  }

  async #compareFrontiers(): Promise<void> {
    if (this.#options.sabotage !== "never refreshes") {
      this.#clock.after(0, "all compare frontiers", () => {
        for (const host of this.#hosts.values()) host.refresh();
      });
    }
    await this.#clock.run(this.#clock.now + REFRESH_MS);
  }

  #framesToHonest(): number {
    let frames = 0;
    for (const { notes } of this.#hosts.values()) frames += notes.framesToHonest;
    return frames;
  }

  /** Honest hosts in groups that honest links connect. */
  #components(): Host[][] {
    const component = new Map([...this.#hosts.keys()].map((name) => [name, name]));
    for (const { a, b } of this.#parts("link")) {
      const [from, to] = [component.get(a), component.get(b)];
      if (from === undefined || to === undefined) continue;
      for (const [name, of] of component) if (of === from) component.set(name, to);
    }
    return [...new Set(component.values())].map((of) =>
      [...this.#hosts.values()].filter(({ name }) => component.get(name) === of),
    );
  }

  async #world(idleFrames: number): Promise<World> {
    let sessions = 0;
    const components: Observed[][] = [];
    for (const hosts of this.#components()) {
      components.push(await Promise.all(hosts.map(observe)));
    }
    for (const host of this.#hosts.values()) sessions += host.honestSessions;
    return {
      document: DOCUMENT,
      schema: SCHEMA,
      universe: this.#universe,
      honestKeys: new Set(this.#victims().map(toHex)),
      components,
      rounds: this.#rounds,
      idleFrames,
      sessions,
    };
  }
}

const DEFAULT_LIMITS = {
  pendingBytes: 1_000_000,
  pendingBytesPerPeer: 1_000_000,
  pendingBytesPerAuthor: 1_000_000,
  rejectedIds: 1_000,
};

function areInStep(hosts: readonly Host[]): boolean {
  const frontiers = hosts.map(({ history }) => history.frontier().map(toHex).join());
  return frontiers.every((frontier) => frontier === frontiers[0]);
}

async function observe(host: Host): Promise<Observed> {
  const { name, history, limits, notes, unsynced } = host;
  const { history: stored, faults } = await host.stored();
  const replica = host instanceof Replica ? host : null;
  return {
    name,
    history,
    limits,
    notes,
    unsynced,
    stored,
    storedFaults: faults,
    document: replica?.document ?? null,
    mirror: replica?.mirror.view,
    announced: replica?.announced ?? new Set(),
    unacknowledged: replica?.unacknowledged ?? [],
  };
}
