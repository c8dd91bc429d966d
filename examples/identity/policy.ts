/**
 * Who is let in: a policy is data, and its verdict lists for each of its demands what was found. Whose word counts is part of
 * the policy (named issuers, or whoever the verifier trusts), since a crowd of made-up identities can attest anything.
 */
import { sybilScore } from "./sybil.ts";
import type { SybilNorm } from "./sybil.ts";
import { trustIn } from "./trust.ts";
import type { Viewpoint } from "./trust.ts";
import type { Attestation, IdentityView } from "./view.ts";

/** What must be attested. */
export interface Demand {
  /** Any of these claims. */
  readonly claims: readonly string[];
  /** Basis points. */
  readonly confidence: number;
  /** Most milliseconds since it was attested. */
  readonly age: number;
  /** How many different identities have to attest it. */
  readonly issuers: number;
  /** Ids of those whose word counts, or the least trust in basis points in whoever gives it. */
  readonly by: readonly string[] | number;
}

/** What a verifier asks for. */
export interface Policy {
  readonly at: Viewpoint;
  readonly demands: readonly Demand[];
  /** Least score against made-up crowds, in basis points, if that is asked for. */
  readonly sybil?: { readonly norm: SybilNorm; readonly score: number };
}

/** One demand's part of a verdict. */
export interface Finding {
  readonly isMet: boolean;
  /** In words. */
  readonly reason: string;
}

export interface Verdict {
  readonly isAllowed: boolean;
  readonly findings: readonly Finding[];
}

/** Most attestations of one demand whose issuers' trust is computed. */
export const MAX_JUDGED = 64;

/** What a policy says to an identity. */
export function judge(view: IdentityView, policy: Policy, id: string): Verdict {
  const identity = view.identities.get(id);
  const key = identity?.key ?? null;
  const findings: Finding[] = [
    identity === undefined
      ? refusal("there is no such identity")
      : key === null
        ? refusal("two keys claim the identity")
        : view.exposed.has(key)
          ? refusal("its key has signed two histories")
          : { isMet: true, reason: "the identity is held by one key" },
    ...policy.demands.map((demand) => meets(view, policy, demand, id)),
  ];
  if (policy.sybil !== undefined) {
    const { score } = sybilScore(view, policy.at, policy.sybil.norm, id);
    const least = policy.sybil.score;
    findings.push({ isMet: score >= least, reason: `Sybil score ${score} of ${least} needed` });
  }
  return { isAllowed: findings.every((finding) => finding.isMet), findings };
}

function meets(view: IdentityView, policy: Policy, demand: Demand, id: string): Finding {
  const found = (view.received.get(id) ?? []).filter((it) => demand.claims.includes(it.claim));
  const strong = found.filter(
    (it) => it.confidence >= demand.confidence && view.now - it.time <= demand.age,
  );
  const issuers = issuersOf(view, policy, demand, strong);
  const isMet = issuers.size >= demand.issuers;
  const what = `${demand.claims.join(" or ")} by ${issuers.size} of ${demand.issuers} needed`;
  const weak = found.length - strong.length;
  const others = new Set(strong.map((it) => it.from)).size - issuers.size;
  const but = [
    ...(weak > 0 ? [`${weak} too weak or too old`] : []),
    ...(others > 0 ? [`${others} whose word does not count`] : []),
  ];
  return { isMet, reason: but.length > 0 ? `${what} (${but.join(", ")})` : what };
}

/** Those whose word counts: the most confident first, until there are enough or too many were looked at. */
function issuersOf(
  view: IdentityView,
  { at }: Policy,
  { by, issuers }: Demand,
  strong: readonly Attestation[],
): Set<string> {
  if (typeof by !== "number") {
    return new Set(strong.map((it) => it.from).filter((from) => by.includes(from)));
  }
  const counted = new Set<string>();
  const judged = [...strong].sort(
    (a, b) => b.confidence - a.confidence || (a.from < b.from ? -1 : 1),
  );
  for (const { from } of judged.slice(0, MAX_JUDGED)) {
    if (counted.size >= issuers) break;
    if (trustIn(view, at, from).score >= by) counted.add(from);
  }
  return counted;
}

function refusal(reason: string): Finding {
  return { isMet: false, reason };
}
