/**
 * A naive model of a history: sets of changes and the rules of the format, word by word, with no order of arrival.
 *
 * Also random worlds for it to judge: changes by several authors, some of whom fork their chains, link wrongly, lie
 * about lamports or write into another document.
 */
import fc from "fast-check";
import { toHex } from "../src/encoding/index.ts";
import { forge, person } from "./forge.ts";
import type { Forged } from "./forge.ts";

/** Ids in hex of everything that a change depends on. */
export function dependenciesOf({ header: { prev, parents, refs } }: Forged): string[] {
  return [...(prev === null ? [] : [prev]), ...parents, ...refs].map(toHex);
}

/** Those of the changes that a history of `document` must apply once it has received them all, by id in hex. */
export function validOf(document: Uint8Array, changes: readonly Forged[]): Map<string, Forged> {
  const valid = new Map<string, Forged>();
  for (let before = -1; before !== valid.size;) {
    before = valid.size;
    for (const change of changes)
      if (isValid(document, change, valid)) valid.set(change.hex, change);
  }
  return valid;
}

function isValid(
  document: Uint8Array,
  change: Forged,
  valid: ReadonlyMap<string, Forged>,
): boolean {
  const { header } = change;
  if (toHex(header.document) !== toHex(document)) return false;
  const dependencies = dependenciesOf(change).map((hex) => valid.get(hex)?.header);
  if (dependencies.includes(undefined)) return false;
  const greatest = Math.max(0, ...dependencies.map((dependency) => dependency!.lamport));
  if (header.lamport !== greatest + 1) return false;
  if (header.prev === null) return header.seq === 1;
  const prev = valid.get(toHex(header.prev))!.header;
  return chainOf(prev) === chainOf(header) && header.seq === prev.seq + 1;
}

/** The name of the chain that a change says it is in. */
export function chainOf({ author, chain }: Forged["header"]): string {
  return `${toHex(author)}/${chain}`;
}

/** Ids on which none of the changes builds, sorted. */
export function frontierOf(changes: ReadonlyMap<string, Forged>): string[] {
  const named = new Set([...changes.values()].flatMap(dependenciesOf));
  return [...changes.keys()].filter((hex) => !named.has(hex)).toSorted();
}

/** Ids that no other change of their chain continues, sorted. */
export function tipsOf(changes: ReadonlyMap<string, Forged>): string[] {
  const continued = new Set(
    [...changes.values()].map(({ header }) => header.prev && toHex(header.prev)),
  );
  return [...changes.keys()].filter((hex) => !continued.has(hex)).toSorted();
}

/** For each forked chain its name, the least seq that two changes have, and the least two ids among those. */
export function forksOf(changes: ReadonlyMap<string, Forged>): string[] {
  const rivals = new Map<string, Map<number, string[]>>();
  for (const { hex, header } of changes.values()) {
    const chain = rivals.get(chainOf(header)) ?? new Map<number, string[]>();
    rivals.set(chainOf(header), chain.set(header.seq, [...(chain.get(header.seq) ?? []), hex]));
  }
  const forks: string[] = [];
  for (const [chain, bySeq] of rivals) {
    const forked = [...bySeq].filter(([, ids]) => ids.length > 1).toSorted(([a], [b]) => a - b)[0];
    if (forked !== undefined)
      forks.push(forkName(chain, forked[0], forked[1].toSorted().slice(0, 2)));
  }
  return forks.toSorted();
}

/** How a fork is written in `forksOf`. */
export function forkName(chain: string, seq: number, ids: readonly string[]): string {
  return `${chain} #${seq}: ${ids.join(" ")}`;
}

/** The ids and everything that they build on. */
export function ancestryOf(
  changes: ReadonlyMap<string, Forged>,
  ids: Iterable<string>,
): Set<string> {
  const ancestry = new Set(ids);
  for (const hex of ancestry)
    for (const dependency of dependenciesOf(changes.get(hex)!)) ancestry.add(dependency);
  return ancestry;
}

/** Ways in which a change of a random world can be wrong. */
const LIES = [
  "lamport+",
  "lamport-",
  "seq",
  "foreign prev",
  "other chain",
  "document",
  "beginning",
] as const;

/** A change of a random world; numbers are reduced to what there is when it is made. */
interface Step {
  readonly author: number;
  readonly chain: number;
  /** Changes of the chain passed over for `prev`: 0 continues it, more fork it. */
  readonly back: number;
  readonly parents: readonly number[];
  readonly refs: readonly number[];
  readonly lie: (typeof LIES)[number] | null;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  author: fc.nat(2),
  chain: fc.integer({ min: 0, max: 4 }).map((n) => (n === 4 ? 1 : 0)),
  back: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  parents: fc.array(fc.nat(6), { maxLength: 3 }),
  refs: fc.array(fc.nat(40), { maxLength: 2 }),
  lie: fc.oneof(
    { weight: 14, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(...LIES) },
  ),
});

/** Random worlds: changes in an order in which each comes after all that it builds on. */
export function anyWorld(document: Uint8Array, most: number): fc.Arbitrary<Forged[]> {
  return fc
    .array(anyStep, { minLength: 1, maxLength: most, size: "max" })
    .map((steps) => build(document, steps));
}

function build(document: Uint8Array, steps: readonly Step[]): Forged[] {
  const changes: Forged[] = [];
  for (const [at, { author, chain, back, parents, refs, lie }] of steps.entries()) {
    const keys = person(author);
    const line = changes.filter(
      ({ header }) => header.author === keys.publicKey && header.chain === BigInt(chain),
    );
    const picked = (picks: readonly number[]): Forged[] =>
      picks.flatMap((pick) => changes[changes.length - 1 - pick] ?? []);
    const stranger = changes.find(({ header }) => header.author !== keys.publicKey);
    const other = changes.find(
      ({ header }) => header.author === keys.publicKey && header.chain !== BigInt(chain),
    );
    let prev = line[line.length - 1 - back] ?? null;
    if (lie === "foreign prev") prev = stranger ?? null;
    if (lie === "other chain") prev = other ?? null;
    const recipe = {
      document,
      author: keys,
      chain: BigInt(chain),
      prev: lie === "beginning" ? null : prev,
      parents: picked(parents),
      refs: picked(refs),
      // Makes no two changes alike.
      time: at,
    };
    const truth = forge(recipe);
    switch (lie) {
      case "lamport+":
        changes.push(forge({ ...recipe, lies: { lamport: truth.header.lamport + 1 } }));
        break;
      case "lamport-":
        changes.push(
          forge({ ...recipe, lies: { lamport: Math.max(1, truth.header.lamport - 1) } }),
        );
        break;
      case "seq":
        changes.push(
          forge({ ...recipe, lies: prev === null ? {} : { seq: truth.header.seq + 1 } }),
        );
        break;
      case "document":
        changes.push(forge({ ...recipe, lies: { document: truth.id } }));
        break;
      case "beginning":
      case "foreign prev":
      case "other chain":
      case null:
        changes.push(truth);
        break;
    }
  }
  return changes;
}
