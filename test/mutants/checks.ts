/** All checks of the sources as they are. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CURATED, curatedSitesOf } from "./curated.ts";
import { SCOPE } from "./scope.ts";
import { sitesOf } from "./sites.ts";
import type { Site } from "./sites.ts";

/** Curated checks whose code is not in the sources any more. */
export function staleChecks(sites: readonly Site[]): string[] {
  const there = new Set(sites.map(({ file, what }) => `${file}: ${what}`));
  return CURATED.map(({ file, what }) => `${file}: ${what}`).filter((one) => !there.has(one));
}

/** Finds the checks of the repository at `root`. */
export function findChecks(root: string): Site[] {
  const files = new Set([...Object.keys(SCOPE), ...CURATED.map(({ file }) => file)]);
  const order = [...files].sort((a, b) => (a < b ? -1 : 1));
  return order.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const reading = SCOPE[file];
    return [
      ...(reading === undefined ? [] : sitesOf(file, text, reading)),
      ...curatedSitesOf(file, text),
    ];
  });
}
