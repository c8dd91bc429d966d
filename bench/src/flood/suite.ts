/** `pnpm bench --suite flood`: what a flood of orphans does to the latency of honest changes and to memory. */
import { floodLibrary } from "./library.ts";
import { floodRelay } from "./relay.ts";

/** As many as a relay judges in some ten seconds. */
const RELAY_ORPHANS = 50_000;

/** From here on the relay gets all of them as well, which takes minutes. */
const MANY = 1_000_000;

/** Runs both parts; `orphans` is how many the library gets. */
export async function flood(orphans: number): Promise<void> {
  process.stdout.write(
    `\nflood\n  ${"honest changes".padEnd(42)}${"calm".padStart(12)}${"flooded".padStart(12)}${"ratio".padStart(9)}\n`,
  );
  floodLibrary(orphans);
  await floodRelay(orphans < MANY ? RELAY_ORPHANS : orphans);
}
