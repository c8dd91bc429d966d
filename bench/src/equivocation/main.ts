/**
 * `pnpm equivocation [--runs]`: one author who tells two honest replicas two different things, with this library and with
 * Yjs, Loro and Automerge. Prints what was seen; with --runs, every run. Takes a few seconds and always prints the same.
 */
import { parseArgs } from "node:util";
import { automerge } from "./automerge.ts";
import { loro } from "./loro.ts";
import { ours } from "./ours.ts";
import { listRuns, playAll, report } from "./report.ts";
import { yjs } from "./yjs.ts";

const { values } = parseArgs({
  options: { runs: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});
if (values.help === true) {
  process.stdout.write("usage: pnpm equivocation [--runs]\n");
} else {
  const all = [...playAll(ours), ...playAll(yjs), ...playAll(loro), ...playAll(automerge)];
  const lines = values.runs === true ? all.flatMap(listRuns) : report(all);
  process.stdout.write(`${lines.join("\n")}\n`);
}
