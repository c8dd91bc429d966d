/**
 * How little an identity looks like one of a crowd that somebody made up, as seen from somewhere: four figures, of which only one
 * is hard to forge. A crowd can vouch for itself in any pattern and at any times that it claims, so what its members say of each
 * other (clustering, rate) may lower the score; it rises no higher than `diversity`, which counts ways through identities
 * that the viewer's own circle vouches for.
 */
import { WHOLE } from "./schema.ts";
import { trustIn, weightOf } from "./trust.ts";
import type { Viewpoint } from "./trust.ts";
import type { IdentityView } from "./view.ts";

/** What is asked of an identity for the full score. */
export interface SybilNorm {
  /** Paths that share no inner identity. */
  readonly paths: number;
  /** Milliseconds since it was attested. */
  readonly age: number;
  /** Attestations received within `window` milliseconds that look ordinary. */
  readonly burst: number;
  readonly window: number;
  /** How many of those who say how old it is may lie. */
  readonly liars: number;
}

/** Basis points; 10,000 is beyond suspicion. */
export interface SybilScore {
  /** The mean of the four, but no more than `diversity`. */
  readonly score: number;
  /** Paths from the viewer, against the norm. */
  readonly diversity: number;
  /** Attestations that its circle (it and who attests it) has from outside, against all that the circle has. */
  readonly clustering: number;
  /** Falls when more attestations than a burst claim to be of one window. */
  readonly rate: number;
  /** Time since the attestations at the end of those paths, the oldest `liars` of them left out, against the norm. */
  readonly age: number;
}

/** The score of an identity. */
export function sybilScore(
  view: IdentityView,
  at: Viewpoint,
  norm: SybilNorm,
  of: string,
): SybilScore {
  const { paths } = trustIn(view, { ...at, paths: norm.paths }, of);
  const ends = paths.map((path) => path.hops.at(-1)!.time).sort((a, b) => a - b);
  const since = ends[norm.liars];
  const parts = {
    diversity: against(at.from.includes(of) ? norm.paths : paths.length, norm.paths),
    clustering: openness(view, at, of),
    rate: against(norm.burst, densest(view, at, of, norm.window)),
    age: since === undefined ? 0 : against(view.now - since, norm.age),
  };
  const sum = parts.diversity + parts.clustering + parts.rate + parts.age;
  return { score: Math.min(Math.floor(sum / 4), parts.diversity), ...parts };
}

/** A share of what is wanted, in basis points, at most all of it. */
function against(value: number, wanted: number): number {
  return value >= wanted ? WHOLE : Math.floor((value * WHOLE) / wanted);
}

/** How much of what a circle is vouched for with comes from outside. Looks at each attestation of the circle once. */
function openness(view: IdentityView, at: Viewpoint, of: string): number {
  const received = (id: string): readonly string[] =>
    (view.received.get(id) ?? []).flatMap((it) => (weightOf(at.via, it.claim) > 0 ? it.from : []));
  const circle = new Set([of, ...received(of)]);
  let outside = 0;
  let all = 0;
  for (const member of circle) {
    for (const from of received(member)) {
      all++;
      if (!circle.has(from)) outside++;
    }
  }
  // Half of it from outside is open enough.
  return all === 0 ? 0 : against(2 * outside, all);
}

/** Most attestations that claim to have been received within one window. */
function densest(view: IdentityView, at: Viewpoint, of: string, window: number): number {
  const times = (view.received.get(of) ?? [])
    .filter((it) => weightOf(at.via, it.claim) > 0)
    .map((it) => it.time)
    .sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [last, time] of times.entries()) {
    while (time - times[first]! >= window) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
