import { accessSync, constants } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests that start servers of NATS. */
const NATS_TESTS = "**/*.nats.test.ts";

/** Tests that make networks, which needs root and changes the machine: `pnpm test:partition`. */
const NETWORK_TESTS = "**/*.netns.test.ts";

export default defineConfig(({ mode }) => ({
  test: {
    include: ["{packages,bench,examples,test,fuzz}/**/*.test.ts"],
    exclude: [
      "**/node_modules/**",
      "**/dist/**",
      ...(mode === "partition" ? [] : [NETWORK_TESTS]),
      ...withoutServer(mode),
    ],
    // Two more than the default: the longest tests mostly wait for other processes.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
}));

/** What is left out where nats-server is missing: nothing in CI or when it was asked for, and never without a word. */
function withoutServer(mode: string): string[] {
  const isRequired = (process.env["CI"] ?? "") !== "" || mode === "nats" || mode === "partition";
  if (isRequired || isInstalled("nats-server")) return [];
  console.warn(
    `left out: ${NATS_TESTS}, for lack of nats-server; to run them: apt-get install nats-server`,
  );
  return [NATS_TESTS];
}

function isInstalled(command: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
