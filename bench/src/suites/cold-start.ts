/** How soon a program of ours has started, loaded everything and ended. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expectEqual, samplesOf } from "../measure.ts";
import { MILLISECONDS, textOf } from "../suite.ts";
import type { Suite } from "../suite.ts";

const SAMPLES = 10;

/** See above. */
export const coldStart: Suite = {
  name: "cold-start",
  title: "Cold start",
  about:
    "From the start of a process to its end: a program of the built packages that prints its version, and Node with " +
    "nothing to do.",
  metrics: [MILLISECONDS],
  jobs: (plan) => [
    ...["crdt-node", "crdt-relayer"].map((name) => ({
      subject: `${name} --version`,
      on: "start",
      parameters: { file: join(plan.built, "node_modules", name, "bin", `${name}.js`) },
    })),
    { subject: "node -e 0", on: "start", parameters: {} },
  ],
  measure(job, plan) {
    const file = textOf(job, "file");
    const args = file === "" ? ["-e", "0"] : [file, "--version"];
    return samplesOf(
      plan,
      () => {
        const start = performance.now();
        const printed = execFileSync(process.execPath, args, { encoding: "utf8" });
        const time = performance.now() - start;
        expectEqual(/^\d+\.\d+\.\d+\s*$/.test(printed), file !== "", "a version printed");
        return { time };
      },
      { warmUp: 1, part: 1, enough: 5_000, most: SAMPLES },
    );
  },
};
