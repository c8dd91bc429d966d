/** Where things are, as seen from the sources (not from what is built of them). */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the benchmark. */
export const BENCH: string = fileURLToPath(new URL("..", import.meta.url));

/** The workspace. */
export const WORKSPACE: string = join(BENCH, "..");

/** Where what is measured is built, each state of the sources in a folder of its own. */
export const DIST: string = join(BENCH, "dist");

/** Where the raw results are kept. */
export const RESULTS: string = join(BENCH, "results");
