/**
 * Trust by paths: how far an identity is vouched for, seen from somewhere. A path's score is the product of its hops. Paths are
 * taken best first, and none shares an inner identity with another, so that a crowd behind one cheated identity is worth one
 * path. All of it is in integers, rounded down, and looks at no more than 2 × depth × paths × attestations, on any graph.
 */
import { WHOLE } from "./schema.ts";
import type { Attestation, IdentityView } from "./view.ts";

/** How much an attestation of each claim counts, in basis points; claims that are not named count nothing. */
export interface Weights {
  readonly [claim: string]: number;
}

/** From where to look, and how. */
export interface Viewpoint {
  /** Ids of the identities that are trusted wholly: oneself, or anchors that several have agreed on. */
  readonly from: readonly string[];
  /** Claims that carry trust on: whose attestations to follow. */
  readonly via: Weights;
  /** Most hops of a path. */
  readonly depth: number;
  /** Milliseconds in which an attestation loses half of its worth, at most ten years; null for never. */
  readonly halfLife: number | null;
  /** Most paths. */
  readonly paths: number;
}

/** One chain of attestations. */
export interface Path {
  /** Basis points. */
  readonly score: number;
  readonly hops: readonly Attestation[];
}

/** What was found. */
export interface Trust {
  /** Basis points: the whole without the product of the paths' doubts. */
  readonly score: number;
  /** The best first; no two share an inner identity. */
  readonly paths: readonly Path[];
  /** Attestations that were looked at. */
  readonly steps: number;
}

/** How far an identity is trusted with one of some claims; without claims, with any that carries trust on. */
export function trustIn(
  view: IdentityView,
  at: Viewpoint,
  to: string,
  claims: Weights = at.via,
): Trust {
  const sources = sourcesOf(view, at);
  if (sources.includes(to)) return { score: WHOLE, paths: [], steps: 0 };
  const last = (view.received.get(to) ?? []).filter((hop) => weightOf(claims, hop.claim) > 0);
  // Inner identities of the paths so far; and sources whose own word about `to` is one of them.
  const used = new Set([to]);
  const spent = new Set<string>();
  const paths: Path[] = [];
  let doubt = WHOLE;
  let steps = 0;
  while (paths.length < at.paths) {
    const reached = reach(view, at, sources, at.depth - 1, used);
    steps += reached.steps + reached.layers.length * last.length;
    const path = bestPath(
      reached.layers,
      last.filter((hop) => !spent.has(hop.from)),
      (hop) => worthOf(view, at, claims, hop),
    );
    if (path === null) break;
    paths.push(path);
    doubt = Math.ceil((doubt * (WHOLE - path.score)) / WHOLE);
    for (const hop of path.hops.slice(1)) used.add(hop.from);
    if (path.hops.length === 1) spent.add(path.hops[0]!.from);
  }
  return { score: WHOLE - doubt, paths, steps };
}

/** The score in basis points of the best single path to everyone within reach, the sources included. */
export function reachFrom(view: IdentityView, at: Viewpoint): Map<string, number> {
  const scores = new Map<string, number>();
  // Who stands in several layers stands better in the later ones.
  for (const layer of reach(view, at, sourcesOf(view, at), at.depth, new Set()).layers) {
    for (const [id, { score }] of layer) scores.set(id, score);
  }
  return scores;
}

/** The weight of a claim in basis points; a stranger's claim may have the name of anything. */
export function weightOf(weights: Weights, claim: string): number {
  return Object.hasOwn(weights, claim) ? weights[claim]! : 0;
}

/** What is left in basis points of an attestation of some age: a line from each half-life to the next. */
export function freshness(age: number, halfLife: number | null): number {
  if (halfLife === null) return WHOLE;
  const halvings = Math.floor(age / halfLife);
  const whole = halvings > 13 ? 0 : WHOLE >> halvings;
  return whole - Math.ceil((whole * (age - halvings * halfLife)) / (2 * halfLife));
}

/** Where a path stands after some hops. */
interface Stand {
  readonly score: number;
  /** The last hop; null at the start. */
  readonly hop: Attestation | null;
}

/** By number of hops: who is reached, and better than with fewer. */
type Layers = readonly ReadonlyMap<string, Stand>[];

/**
 * The best path to each identity for each number of hops. A hop never adds to a score, so what comes around to an identity
 * again is never better than what was there before: such paths end by themselves.
 */
function reach(
  view: IdentityView,
  at: Viewpoint,
  sources: readonly string[],
  hops: number,
  barred: ReadonlySet<string>,
): { readonly layers: Layers; readonly steps: number } {
  const best = new Map(sources.map((id) => [id, WHOLE]));
  const layers = [new Map<string, Stand>(sources.map((id) => [id, { score: WHOLE, hop: null }]))];
  let steps = 0;
  for (let count = 1; count <= hops; count++) {
    const next = new Map<string, Stand>();
    for (const [id, { score }] of layers[count - 1]!) {
      for (const hop of view.given.get(id) ?? []) {
        steps++;
        if (barred.has(hop.subject)) continue;
        const stand = { score: times(score, worthOf(view, at, at.via, hop)), hop };
        if (stand.score <= (best.get(hop.subject) ?? 0)) continue;
        const other = next.get(hop.subject);
        if (other === undefined || isBetter(stand, other)) next.set(hop.subject, stand);
      }
    }
    if (next.size === 0) break;
    for (const [id, { score }] of next) best.set(id, score);
    layers.push(next);
  }
  return { layers, steps };
}

/** The best path that ends with one of some hops: the greatest score, then the fewest hops, then the least id before the end. */
function bestPath(
  layers: Layers,
  last: readonly Attestation[],
  worth: (hop: Attestation) => number,
): Path | null {
  let best: Stand = { score: 0, hop: null };
  let length = 0;
  for (const [count, layer] of layers.entries()) {
    for (const hop of last) {
      const before = layer.get(hop.from);
      if (before === undefined) continue;
      const stand = { score: times(before.score, worth(hop)), hop };
      if (stand.score > best.score || (length === count + 1 && isBetter(stand, best))) {
        best = stand;
        length = count + 1;
      }
    }
  }
  if (best.hop === null) return null;
  const hops = [best.hop];
  for (let count = length - 1; count > 0; count--) {
    hops.unshift(layers[count]!.get(hops[0]!.from)!.hop!);
  }
  return { score: best.score, hops };
}

function isBetter(one: Stand, other: Stand): boolean {
  if (one.score !== other.score) return one.score > other.score;
  return one.hop!.from < other.hop!.from;
}

/** An attestation in basis points: its confidence, by the weight of its claim, by how fresh it is. */
function worthOf(view: IdentityView, at: Viewpoint, weights: Weights, hop: Attestation): number {
  const fresh = freshness(view.now - hop.time, at.halfLife);
  return times(times(hop.confidence, weightOf(weights, hop.claim)), fresh);
}

function sourcesOf(view: IdentityView, at: Viewpoint): string[] {
  return [...new Set(at.from)].filter((id) => view.identities.has(id)).sort();
}

/** A product of basis points, rounded down. */
function times(one: number, other: number): number {
  return Math.floor((one * other) / WHOLE);
}
