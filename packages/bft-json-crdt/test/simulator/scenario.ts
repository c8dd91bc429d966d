/**
 * Scenarios: what happens in a simulation, as plain data that follows from a seed.
 *
 * A scenario is a list of numbered parts (hosts, links, edits, lies, faults), each with a random stream of its own by
 * its number. So any selection of the parts is a scenario too, and the numbers are enough to name it; see shrink.ts.
 */
import {
  DEFAULT_PENDING_BYTES,
  DEFAULT_PENDING_BYTES_PER_AUTHOR,
  DEFAULT_PENDING_BYTES_PER_PEER,
  DEFAULT_REJECTED_IDS,
} from "../../src/limits.ts";
import type { HistoryLimits } from "../../src/history/index.ts";
import type { DiskSpeed } from "./disk.ts";
import { RARE_STRATEGIES, STRATEGIES, TAMPERINGS } from "./liars/index.ts";
import type { LinkQuality } from "./network.ts";
import { Random } from "./random.ts";

/** One thing in a scenario. Times are in milliseconds; `person` is the number of a key pair. */
export type PartKind =
  | {
      readonly kind: "replica";
      readonly name: string;
      readonly person: number;
      readonly isDurable: boolean;
      readonly limits: HistoryLimits;
      readonly disk: DiskSpeed;
    }
  | {
      readonly kind: "relay";
      readonly name: string;
      readonly limits: HistoryLimits;
      readonly disk: DiskSpeed;
    }
  | { readonly kind: "dishonest relay"; readonly name: string }
  | { readonly kind: "tampering"; readonly who: string; readonly how: string }
  | {
      readonly kind: "liar";
      readonly name: string;
      readonly persons: readonly number[];
      readonly speaks: boolean;
    }
  | {
      readonly kind: "link";
      readonly at: number;
      readonly a: string;
      readonly b: string;
      readonly quality: LinkQuality;
      /** The way from `b` to `a`; of the same transport. */
      readonly back: LinkQuality;
    }
  | { readonly kind: "edit"; readonly at: number; readonly who: string }
  | { readonly kind: "lie"; readonly at: number; readonly who: string; readonly strategy: string }
  | {
      readonly kind: "crash";
      readonly at: number;
      readonly who: string;
      readonly down: number;
      /** Now; in the midst of the next write; because that fails; or to be restored from a backup. */
      readonly how: "now" | "writing" | "write fails" | "backup";
    }
  | {
      readonly kind: "partition";
      readonly at: number;
      readonly until: number;
      readonly side: readonly string[];
      readonly direction: "both" | "in" | "out";
      readonly breaks: boolean;
    }
  | { readonly kind: "cut"; readonly at: number; readonly a: string; readonly b: string };

/** A numbered part. */
export type Part = PartKind & { readonly number: number };

/** What happens in a simulation. */
export interface Scenario {
  readonly seed: number;
  readonly parts: readonly Part[];
}

/** Faults happen before this moment; at it, everything heals and everyone is up. */
export const HEAL_MS = 8_000;

/** Lies are begun before this moment, and late links are made. */
export const LAST_LIE_MS = 9_000;

/** By this moment all lies have been told. */
export const END_MS = 16_500;

const REPLICAS = ["alice", "bob", "carol", "dave", "erin"];
const LIARS = ["mallory", "trudy", "oscar"];

/** The scenario of a seed. */
export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed).split("scenario");
  const kinds: PartKind[] = [];
  const isLarge = random.oneIn(30);
  const replicas = REPLICAS.slice(0, random.pick(isLarge ? [4, 5] : [2, 2, 3, 3, 4]));
  const relays = ["relay1", "relay2"].slice(0, random.pick([0, 1, 1, 1, 2]));
  const shady = random.oneIn(3) ? ["shady"] : [];
  const liars = LIARS.slice(0, random.pick([0, 1, 1, 1, 2, 2, 3]));
  const honest = [...replicas, ...relays];

  kinds.push(...replicas.map((name) => replicaOf(name, replicas, random)));
  for (const name of relays) {
    kinds.push({ kind: "relay", name, limits: limitsOf(random), disk: diskOf(random) });
  }
  for (const who of shady) {
    kinds.push({ kind: "dishonest relay", name: who });
    for (const how of random.some(Object.keys(TAMPERINGS), random.between(1, 3))) {
      kinds.push({ kind: "tampering", who, how });
    }
  }
  const persons = random.some(
    Array.from({ length: 12 }, (_, at) => 20 + at),
    6,
  );
  liars.forEach((name, at) => {
    const keys = persons.slice(2 * at, 2 * at + random.between(1, 2));
    kinds.push({ kind: "liar", name, persons: keys, speaks: random.oneIn(2) });
  });

  kinds.push(...linksOf(replicas, relays, shady, liars, random));

  const edits = isLarge ? random.between(30, 80) : random.between(3, 22);
  for (let i = 0; i < edits; i++) {
    kinds.push({ kind: "edit", at: random.below(HEAL_MS + 500), who: random.pick(replicas) });
  }
  // Few strategies at a time, so that they meet themselves and each other more often than all of them would.
  const strategies = Array.from({ length: random.between(1, 6) }, () => strategyOf(random));
  for (const who of liars) {
    for (let count = random.between(1, isLarge ? 10 : 5); count > 0; count--) {
      const at = random.between(200, LAST_LIE_MS);
      kinds.push({ kind: "lie", at, who, strategy: random.pick(strategies) });
    }
  }
  kinds.push(...faultsOf(honest, random));
  return { seed, parts: kinds.map((part, number) => ({ ...part, number })) };
}

/** A scenario of only some of the parts; what has lost its host goes with it. */
export function withParts(scenario: Scenario, numbers: ReadonlySet<number>): Scenario {
  const kept = scenario.parts.filter(({ number }) => numbers.has(number));
  const names = new Set(kept.flatMap((part) => ("name" in part ? part.name : [])));
  const parts = kept.filter((part) => {
    if ("who" in part) return names.has(part.who);
    if ("a" in part) return names.has(part.a) && names.has(part.b);
    return true;
  });
  return { ...scenario, parts };
}

/** One line for people. */
export function describePart(part: Part): string {
  const at = "at" in part ? `at ${part.at} ms ` : "";
  const number = `${part.number}:`.padEnd(5);
  switch (part.kind) {
    case "replica":
      return `${number}replica ${part.name}, key ${part.person}${part.isDurable ? "" : ", a new chain each time"}`;
    case "relay":
    case "dishonest relay":
      return `${number}${part.kind} ${part.name}`;
    case "tampering":
      return `${number}${part.who} tampers: ${part.how}`;
    case "liar":
      return `${number}liar ${part.name}, keys ${part.persons.join(", ")}${part.speaks ? "" : ", silent"}`;
    case "link": {
      const there = describeQuality(part.quality);
      const back = describeQuality(part.back);
      const ways = there === back ? there : `${there}; back ${back}`;
      return `${number}${at}link ${part.a} to ${part.b}: ${part.quality.transport}, ${ways}`;
    }
    case "edit":
      return `${number}${at}${part.who} edits`;
    case "lie":
      return `${number}${at}${part.who}: ${part.strategy}`;
    case "crash":
      return `${number}${at}${part.who} crashes (${part.how}) for ${part.down} ms`;
    case "partition":
      return `${number}${at}until ${part.until} ms partition (${part.direction}${part.breaks ? ", breaks" : ""}) around ${part.side.join(", ")}`;
    case "cut":
      return `${number}${at}${part.a} to ${part.b} is cut`;
  }
}

function describeQuality(quality: LinkQuality): string {
  const { transport, latency, jitter, loss, duplication, bandwidth } = quality;
  const faults = transport === "datagram" ? `, loses ${loss}, repeats ${duplication}` : "";
  const speed = bandwidth === null ? "" : `, ${bandwidth} bytes/ms`;
  return `${latency} to ${latency + jitter} ms${faults}${speed}`;
}

function replicaOf(name: string, replicas: readonly string[], random: Random): PartKind {
  const at = replicas.indexOf(name);
  // Now and then somebody has two replicas with one key; only one of them can be the durable one.
  const isSecond = at > 0 && random.oneIn(8);
  return {
    kind: "replica",
    name,
    person: isSecond ? 1 : 1 + at,
    isDurable: !isSecond && !random.oneIn(5),
    limits: limitsOf(random),
    disk: diskOf(random),
  };
}

/** Links such that all honest hosts can reach each other over honest ones. */
function linksOf(
  replicas: readonly string[],
  relays: readonly string[],
  shady: readonly string[],
  liars: readonly string[],
  random: Random,
): PartKind[] {
  const links: PartKind[] = [];
  const linked = new Set<string>();
  const streams = random.pick([0, 0.6, 0.8, 1, 1]);
  const add = (a: string, b: string, at: number): void => {
    if (a === b || linked.has(`${a} ${b}`) || linked.has(`${b} ${a}`)) return;
    linked.add(`${a} ${b}`);
    const quality = qualityOf(random, streams);
    const back = random.oneIn(3)
      ? qualityOf(random, quality.transport === "stream" ? 1 : 0)
      : quality;
    links.push({ kind: "link", at, a, b, quality, back });
  };
  // One after another joins those that are connected already, some of them late.
  const connected = random.shuffle([...relays, ...replicas.slice(0, relays.length === 0 ? 1 : 0)]);
  for (let i = 1; i < connected.length; i++) add(random.pick(replicas), connected[i]!, 0);
  if (connected.length === 2)
    add(links[0]?.kind === "link" ? links[0].a : replicas[0]!, connected[0]!, 0);
  for (const name of replicas) {
    const hubs = connected.filter(
      (other) => other !== name && (relays.includes(other) || random.oneIn(3)),
    );
    const late = random.oneIn(6) ? random.between(2_000, LAST_LIE_MS) : random.below(200);
    const hub = hubs.length > 0 ? random.pick(hubs) : connected.find((other) => other !== name);
    if (hub !== undefined) add(name, hub, late);
    if (!connected.includes(name)) connected.push(name);
    if (random.oneIn(4)) add(name, random.pick(connected), random.below(LAST_LIE_MS));
  }
  for (const name of shady) {
    for (const replica of replicas) if (!random.oneIn(4)) add(replica, name, random.below(500));
  }
  const targets = [...replicas, ...relays, ...shady];
  for (const name of liars) {
    for (const target of random.some(targets, random.between(1, targets.length))) {
      add(name, target, random.below(300));
    }
  }
  return links;
}

function faultsOf(honest: readonly string[], random: Random): PartKind[] {
  const faults: PartKind[] = [];
  for (let count = random.pick([0, 0, 1, 2, 3, 4]); count > 0; count--) {
    const who = random.pick(honest);
    const hows = [
      "now",
      "writing",
      "writing",
      "write fails",
      ...(who.startsWith("relay") ? [] : ["backup"]),
    ] as const;
    faults.push({
      kind: "crash",
      at: random.below(HEAL_MS),
      who,
      down: random.between(20, 1_500),
      how: random.pick<"now" | "writing" | "write fails" | "backup">(hows as never),
    });
  }
  for (let count = random.pick([0, 0, 1, 2, 3]); count > 0; count--) {
    const at = random.below(HEAL_MS - 500);
    faults.push({
      kind: "partition",
      at,
      until: at + random.between(100, 4_000),
      side: random.some(honest, random.between(1, Math.max(1, honest.length - 1))),
      direction: random.pick(["both", "both", "in", "out"]),
      breaks: random.oneIn(2),
    });
  }
  for (let count = random.pick([0, 0, 1, 3]); count > 0; count--) {
    const [a, b] = random.some(honest, 2) as [string, string];
    faults.push({ kind: "cut", at: random.below(HEAL_MS), a, b });
  }
  return faults;
}

function qualityOf(random: Random, streams: number): LinkQuality {
  const isStream = random.chance(streams);
  return {
    transport: isStream ? "stream" : "datagram",
    latency: random.pick([1, 5, 20, 80]),
    jitter: random.pick([0, 3, 30, 150]),
    loss: isStream ? 0 : random.pick([0, 0.02, 0.1, 0.3]),
    duplication: isStream ? 0 : random.pick([0, 0.05, 0.3]),
    bandwidth: random.oneIn(4) ? random.pick([20, 60, 200]) : null,
  };
}

/** Mostly the limits that are the default; now and then so little that something is always dropped. */
function limitsOf(random: Random): HistoryLimits {
  const limits = {
    pendingBytes: DEFAULT_PENDING_BYTES,
    pendingBytesPerPeer: DEFAULT_PENDING_BYTES_PER_PEER,
    pendingBytesPerAuthor: DEFAULT_PENDING_BYTES_PER_AUTHOR,
    rejectedIds: DEFAULT_REJECTED_IDS,
  };
  if (!random.oneIn(3)) return limits;
  const total = random.pick([0, 4_000, 20_000]);
  return {
    pendingBytes: total,
    pendingBytesPerPeer: random.pick([total, 3_000, 8_000]),
    pendingBytesPerAuthor: random.pick([total, 3_000, 8_000]),
    rejectedIds: random.pick([1, 4, 64]),
  };
}

function diskOf(random: Random): DiskSpeed {
  const least = random.pick([0, 0, 1, 5, 200]);
  return { least, most: least + random.pick([1, 10, 100, 1_000]) };
}

function strategyOf(random: Random): string {
  const name = random.pick(Object.keys(STRATEGIES));
  return RARE_STRATEGIES.has(name) && !random.oneIn(4) ? strategyOf(random) : name;
}
