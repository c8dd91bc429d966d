/** All strategies of Byzantine authors and all ways in which relays tamper, by name. */
import type { Tampering } from "../dishonest-relay.ts";
import type { Strategy } from "../liar.ts";
import * as content from "./content.ts";
import * as dependencies from "./dependencies.ts";
import * as equivocation from "./equivocation.ts";
import * as forms from "./forms.ts";
import * as headers from "./headers.ts";
import * as junk from "./junk.ts";
import * as pressure from "./pressure.ts";
import * as signatures from "./signatures.ts";
import * as tampering from "./tampering.ts";

/** What Byzantine authors do. */
export const STRATEGIES = sorted<Strategy>({
  ...equivocation,
  ...headers,
  ...dependencies,
  ...content,
  ...signatures,
  ...junk,
  ...forms,
  ...pressure,
});

/** What dishonest relays do. */
export const TAMPERINGS = sorted<Tampering>({ ...tampering });

/** Strategies that are too costly to be drawn as often as others. */
export const RARE_STRATEGIES: ReadonlySet<string> = new Set(["crowd"]);

/** The same in an order of names: that of a module's exports depends on what has loaded it. */
function sorted<T>(named: { readonly [name: string]: T }): { readonly [name: string]: T } {
  return Object.fromEntries(Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1)));
}
