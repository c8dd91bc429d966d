/**
 * Admission: which changes of a received group can be applied now, in one step.
 *
 * A signed change is applied when everything it depends on is applied. An unsigned one is applied only together with
 * its cover (a later change of its own chain, signed, that links back to it within this group); otherwise that copy
 * is discarded. So the candidates shrink to the greatest set in which everything holds at once.
 */
import type { DecodedBody } from "../change/index.ts";
import type { RejectionCode } from "../result.ts";

/** A change of a group on its way in. */
export interface Candidate {
  readonly key: string;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  /** A signature that has been verified, or null. */
  readonly signature: Uint8Array | null;
  readonly header: DecodedBody;
  /** Dependencies that are earlier candidates of the same group. */
  readonly inGroup: readonly Candidate[];
  /** Keys of dependencies that are neither applied nor earlier in the group. */
  readonly missing: readonly string[];
  /** The candidate that is `prev`, when it is in the group. */
  readonly prev: Candidate | null;
  /** A fault of the id, found once all dependencies were known. */
  fault: RejectionCode | null;
  /** Candidates of which this is `prev`; counted by `admit`. */
  covers: number;
  /** Still part of the set that is applied in this step. */
  admitted: boolean;
}

/**
 * Marks as `admitted` the greatest set of candidates that can be applied in one step. Expects `inGroup`, `missing`, `prev`
 * and `fault` to be set. Linear in the candidates and their dependencies: each falls once, whatever it takes with it.
 */
export function admit(candidates: readonly Candidate[]): void {
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
      (candidate.signature === null && candidate.covers === 0),
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
    if (prev.covers === 0 && prev.signature === null) falling.push(prev);
  }
}

function dependentsOf(candidates: readonly Candidate[]): Map<Candidate, Candidate[]> {
  const dependents = new Map<Candidate, Candidate[]>();
  for (const candidate of candidates) {
    for (const dependency of candidate.inGroup) {
      const known = dependents.get(dependency);
      if (known === undefined) dependents.set(dependency, [candidate]);
      else known.push(candidate);
    }
  }
  return dependents;
}
