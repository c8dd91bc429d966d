/** Who can do a job: those whose skills are attested by identities that the seeker trusts, the most trusted first. */
import { WHOLE } from "./schema.ts";
import { reachFrom, trustIn } from "./trust.ts";
import type { Viewpoint } from "./trust.ts";
import type { IdentityView } from "./view.ts";

/** Somebody who can do it. */
export interface Match {
  readonly id: string;
  /** Trust in the skill that is trusted least, in basis points. */
  readonly score: number;
  /** Trust in each, in the order of the job. */
  readonly skills: readonly number[];
}

/** Most candidates that are looked at closely: a crowd that stands nearer than all others can push them out. */
export const MAX_CANDIDATES = 64;

/** Those who have every skill of a job with at least some trust in basis points. */
export function matchSkills(
  view: IdentityView,
  at: Viewpoint,
  skills: readonly string[],
  least: number,
): Match[] {
  const near = reachFrom(view, at);
  return candidates(view, near, skills)
    .slice(0, MAX_CANDIDATES)
    .map((id): Match => {
      const scores = skills.map(
        (skill) => trustIn(view, at, id, { [`skill:${skill}`]: WHOLE }).score,
      );
      return { id, score: Math.min(...scores), skills: scores };
    })
    .filter((match) => match.score >= least)
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}

/** Those whose skills are attested by someone within reach: first those with the nearest attester, then by id. */
function candidates(
  view: IdentityView,
  near: ReadonlyMap<string, number>,
  skills: readonly string[],
): string[] {
  const scored: [id: string, score: number][] = [];
  for (const [id, received] of view.received) {
    const scores = skills.map((skill) =>
      received.reduce(
        (best, it) =>
          it.claim === `skill:${skill}` ? Math.max(best, near.get(it.from) ?? 0) : best,
        0,
      ),
    );
    const score = Math.min(...scores);
    if (score > 0) scored.push([id, score]);
  }
  return scored.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([id]) => id);
}
