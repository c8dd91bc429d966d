/** All checkers, the cheapest first. */
import type { Checker } from "../world.ts";
import { checkBounds } from "./bounds.ts";
import { checkConvergence } from "./convergence.ts";
import { checkDurability } from "./durability.ts";
import { checkForks } from "./forks.ts";
import { checkInvariants } from "./invariants.ts";
import { checkLiveness } from "./liveness.ts";
import { checkVerdicts } from "./verdicts.ts";

/** What every simulation is judged by. */
export const CHECKERS: readonly Checker[] = [
  checkBounds,
  checkDurability,
  checkLiveness,
  checkConvergence,
  checkForks,
  checkVerdicts,
  checkInvariants,
];
