/**
 * Voting power: anchors get a budget, and in each round everybody keeps half of what came in and hands on the other half to those
 * that he vouches for. Nothing is created on the way, so a crowd of made-up identities has together no more than those
 * who vouched for it, however many they are. For the same reason power is not bent by a root: whoever splits up would gain.
 */
import { WHOLE } from "./schema.ts";
import { weightOf } from "./trust.ts";
import type { Weights } from "./trust.ts";
import type { IdentityView } from "./view.ts";

/** How power is given out. */
export interface Poll {
  /** Ids of identities that the poll begins with. */
  readonly anchors: readonly string[];
  /** Units of power for each anchor: at most 1,000,000,000. */
  readonly budget: number;
  /** Claims by which power is handed on. */
  readonly via: Weights;
  /** How often it is handed on. */
  readonly rounds: number;
}

/** The power of everyone who has any, by identity. Its sum is the anchors' budget. */
export function votingPower(view: IdentityView, poll: Poll): Map<string, number> {
  const power = new Map<string, number>();
  const anchors = [...new Set(poll.anchors)].filter((id) => view.identities.has(id));
  let moving = new Map(anchors.map((id) => [id, poll.budget]));
  for (let round = 0; round < poll.rounds; round++) {
    const next = new Map<string, number>();
    for (const [id, amount] of moving) {
      let kept = amount;
      for (const [to, part] of partsOf(view, poll, id, Math.floor(amount / 2))) {
        kept -= part;
        add(next, to, part);
      }
      add(power, id, kept);
    }
    moving = next;
  }
  for (const [id, amount] of moving) add(power, id, amount);
  return power;
}

/** What each gets of an amount that an identity hands on, by weight and confidence; what does not divide stays. */
function partsOf(
  view: IdentityView,
  { via }: Poll,
  id: string,
  amount: number,
): (readonly [to: string, part: number])[] {
  const shares = (view.given.get(id) ?? []).map(
    (it) => [it.subject, Math.floor((it.confidence * weightOf(via, it.claim)) / WHOLE)] as const,
  );
  const all = shares.reduce((sum, [, share]) => sum + share, 0);
  if (all === 0) return [];
  return shares.map(([to, share]) => [to, Math.floor((amount * share) / all)] as const);
}

function add(to: Map<string, number>, id: string, amount: number): void {
  if (amount > 0) to.set(id, (to.get(id) ?? 0) + amount);
}
