/** For tests: views of graphs that nobody had to sign, and trust found by trying all paths. */
import { WHOLE } from "./schema.ts";
import type { Identity } from "./recovery.ts";
import type { Path, Viewpoint, Weights } from "./trust.ts";
import type { Attestation, IdentityView } from "./view.ts";

/** An attestation: who, about whom, confidence; then what differs from a fresh "knows". */
export type Edge = readonly [
  from: string,
  subject: string,
  confidence: number,
  rest?: { readonly claim?: string; readonly time?: number },
];

/** What `viewOf` would make of these attestations at time `now`. */
export function viewFrom(
  edges: readonly Edge[],
  now = 0,
  names: readonly string[] = [],
): IdentityView {
  const identities = new Map<string, Identity>();
  for (const id of [...names, ...edges.flatMap(([from, subject]) => [from, subject])]) {
    const state = { id, key: `key of ${id}`, guardians: [], threshold: 0, override: 0, wait: 0 };
    identities.set(id, { id, key: state.key, state, formerKeys: [], attempts: [] });
  }
  const attestations = edges.map(([from, subject, confidence, rest], at): Attestation => {
    const { claim = "knows", time = now } = rest ?? {};
    return { id: `${at}`, from, subject, claim, confidence, time, expires: null, commitment: null };
  });
  attestations.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  const by = (field: "from" | "subject"): Map<string, Attestation[]> => {
    const groups = new Map<string, Attestation[]>();
    for (const it of attestations) groups.set(it[field], [...(groups.get(it[field]) ?? []), it]);
    return groups;
  };
  return {
    now,
    identities,
    attestations,
    given: by("from"),
    received: by("subject"),
    exposed: new Set(),
    ignored: [],
  };
}

/** The best score of any path without a barred identity between its ends, by trying all of them; 0 for none. */
export function bestScore(
  view: IdentityView,
  { from, via, depth }: Viewpoint,
  to: string,
  claims: Weights,
  barred: ReadonlySet<string>,
  spent: ReadonlySet<string>,
): number {
  const search = (at: string, score: number, seen: readonly string[]): number => {
    let best = 0;
    for (const hop of view.given.get(at) ?? []) {
      const ends = hop.subject === to;
      const isOut =
        seen.includes(hop.subject) || barred.has(hop.subject) || from.includes(hop.subject);
      if (ends && !(seen.length === 1 && spent.has(at))) {
        best = Math.max(best, scoreOf([hop], score, claims));
      }
      if (!ends && !isOut && seen.length < depth) {
        best = Math.max(
          best,
          search(hop.subject, scoreOf([hop], score, via), [...seen, hop.subject]),
        );
      }
    }
    return best;
  };
  return Math.max(0, ...from.map((source) => search(source, WHOLE, [source])));
}

/** The score of a path: all but its last hop by `via`. */
export function pathScore({ hops }: Path, via: Weights, claims: Weights): number {
  return scoreOf(hops.slice(-1), scoreOf(hops.slice(0, -1), WHOLE, via), claims);
}

/** Without half-lives. */
function scoreOf(hops: readonly Attestation[], start: number, weights: Weights): number {
  return hops.reduce((score, { claim, confidence }) => {
    const worth = Math.floor((confidence * (weights[claim] ?? 0)) / WHOLE);
    return Math.floor((score * worth) / WHOLE);
  }, start);
}

function placeOf({ subject, claim, from }: Attestation): string {
  return `${subject} ${claim} ${from}`;
}
