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
  readonly inGroup: Candidate[];
  /** Keys of dependencies that are neither applied nor earlier in the group. */
  readonly missing: string[];
  /** The candidate that is `prev`, when it is in the group. */
  prev: Candidate | null;
  /** A fault of the id, found once all dependencies were known. */
  fault: RejectionCode | null;
  /** Still part of the set that is applied in this step. */
  admitted: boolean;
}

/**
 * Marks as `admitted` the greatest set of candidates that can be applied in one step, in their order.
 * Expects `inGroup`, `missing`, `prev` and `fault` to be set.
 */
export function admit(candidates: readonly Candidate[]): void {
  for (const candidate of candidates) {
    candidate.admitted =
      candidate.fault === null &&
      candidate.missing.length === 0 &&
      candidate.inGroup.every((dependency) => dependency.admitted);
  }
  // Dropping one candidate can take the cover from an earlier one and the ground from a later one. Each round drops
  // at least one, and a round is linear in the group, which is bounded.
  for (let shrank = true; shrank;) {
    shrank = false;
    const covered = new Set<Candidate>();
    for (let i = candidates.length - 1; i >= 0; i--) {
      const candidate = candidates[i]!;
      if (!candidate.admitted) continue;
      if (candidate.signature === null && !covered.has(candidate)) {
        candidate.admitted = false;
        shrank = true;
      } else if (candidate.prev !== null) {
        covered.add(candidate.prev);
      }
    }
    if (!shrank) return;
    for (const candidate of candidates) {
      if (candidate.admitted && !candidate.inGroup.every((dependency) => dependency.admitted)) {
        candidate.admitted = false;
      }
    }
  }
}
