/** All parts, in the order in which they run. */
import { catchUp } from "./catch-up.ts";
import { churn } from "./churn.ts";
import { hostile } from "./hostile.ts";
import { killNode } from "./kill-node.ts";
import { killRelay } from "./kill-relay.ts";
import type { Part } from "./part.ts";
import { power } from "./power.ts";
import { reconnect } from "./reconnect.ts";
import { stalled } from "./stalled.ts";

export const PARTS: readonly Part[] = [
  killRelay,
  killNode,
  power,
  catchUp,
  stalled,
  reconnect,
  churn,
  hostile,
];
