/**
 * Liveness: once everything has healed, a bounded number of comparisons of frontiers brings all honest hosts in step;
 * then their sessions say so, authors hear that relays have stored their changes, and silence falls.
 */
import { toHex } from "../../../src/encoding/index.ts";
import type { Checker, Finding } from "../world.ts";

/** Comparisons after which all must be in step: one finds what is missing, the others what that was waiting for. */
export const MAX_ROUNDS = 6;

/** Frames that one session may send for one comparison when nothing is missing: have, done, ack. */
export const IDLE_FRAMES_PER_SESSION = 3;

/** In step after a few rounds, synced, acknowledged, silent, and nothing waits for what is there. */
export const checkLiveness: Checker = ({ components, rounds, idleFrames, sessions }) => {
  const findings: Finding[] = [];
  if (rounds > MAX_ROUNDS)
    findings.push(finding(`the hosts were in step only after ${rounds} rounds`));
  if (idleFrames > sessions * IDLE_FRAMES_PER_SESSION) {
    findings.push(finding(`${sessions} sessions sent ${idleFrames} frames with nothing to say`));
  }
  for (const { name, history, notes, limits, unsynced, unacknowledged } of components.flat()) {
    if (unsynced.length > 0)
      findings.push(finding(`${name} is not synced with ${unsynced.join(", ")}`));
    if (unacknowledged.length > 0) findings.push(finding(`${name}: ${unacknowledged[0]}`));
    const missing = history.pendingMissing();
    if (missing.some((id) => history.indexOf(id) >= 0)) {
      findings.push(finding(`at ${name} a change waits for another that is applied`));
    }
    const remembersAll = notes.rejected.size < limits.rejectedIds;
    if (remembersAll && missing.some((id) => notes.rejected.has(toHex(id)))) {
      findings.push(finding(`at ${name} a change waits for another that is rejected`));
    }
  }
  return findings;
};

function finding(detail: string): Finding {
  return { checker: "liveness", detail };
}
