/**
 * Admission: which changes of a received group can be applied now, in one step.
 *
 * A signed change is applied when everything it depends on is applied. An unsigned one is applied only together with
 * its cover (a later change of its own chain, signed, that links back to it within this group); otherwise that copy
 * is discarded. So the candidates shrink to the greatest set in which everything holds at once. A signature beside a cover
 * is looked at when the cover falls.
 */
import type { Incoming } from "./incoming.ts";

/**
 * Marks as `admitted` the greatest set of candidates that can be applied in one step. Expects `inGroup`, `missing`, `prev`
 * and `fault` to be set; `verify` sees to a signature that is still `unverified`, and tells whether it is valid. Linear in the
 * candidates and their dependencies: each falls once, whatever it takes with it.
 */
export function admit(
  candidates: readonly Incoming[],
  verify: (candidate: Incoming) => boolean,
): void {
  const isSigned = (candidate: Incoming): boolean =>
    candidate.signature !== null || (candidate.unverified !== null && verify(candidate));
  for (const candidate of candidates) {
    candidate.admitted = true;
    candidate.covers = 0;
    const { prev } = candidate;
    if (prev !== null) prev.covers++;
  }
  const falling = candidates.filter(
    (candidate) =>
      candidate.fault !== null ||
      candidate.missing.length > 0 ||
      (candidate.covers === 0 && !isSigned(candidate)),
  );
  if (falling.length === 0) return;
  const dependents = dependentsOf(candidates);
  // Who falls takes the ground from what builds on it, and perhaps the last cover from the change before it.
  for (const candidate of falling) {
    if (!candidate.admitted) continue;
    candidate.admitted = false;
    for (const dependent of dependents.get(candidate) ?? []) falling.push(dependent);
    const { prev } = candidate;
    if (prev === null) continue;
    prev.covers--;
    if (prev.covers === 0 && prev.admitted && !isSigned(prev)) falling.push(prev);
  }
}

/**
 * Whether each of these changes, in order, that came without a signature came with its cover: a later one among them that is
 * signed, or has its cover there. Nobody has to have looked at signatures so far.
 */
export function hasItsCovers(changes: readonly Incoming[]): boolean {
  for (let i = changes.length - 1; i >= 0; i--) {
    const { signature, unverified, hasCover, prev } = changes[i]!;
    if (signature === null && unverified === null && !hasCover) return false;
    if (prev !== null) prev.hasCover = true;
  }
  return true;
}

function dependentsOf(candidates: readonly Incoming[]): Map<Incoming, Incoming[]> {
  const dependents = new Map<Incoming, Incoming[]>();
  for (const candidate of candidates) {
    for (const dependency of candidate.inGroup) {
      const known = dependents.get(dependency);
      if (known === undefined) dependents.set(dependency, [candidate]);
      else known.push(candidate);
    }
  }
  return dependents;
}
