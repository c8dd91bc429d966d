import { accessSync, constants } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests that start servers of NATS. */
const NATS_TESTS = "**/*.nats.test.ts";

/** Tests that make networks, which needs root and changes the machine: `pnpm test:partition`. */
const NETWORK_TESTS = "**/*.netns.test.ts";

/** Tests that boot a machine of namespaces, which needs root, systemd, nginx and Prometheus: `pnpm test:deployment`. */
const DEPLOYMENT_TESTS = "**/*.root.test.ts";

/** Tests that build and run an image, which needs docker: `pnpm test:image`. */
const IMAGE_TESTS = "**/*.image.test.ts";

/** Tests of what runs in one process, and of little programs; but one puts another module in the place of a module. */
const IN_A_PROCESS = [
  "packages/bft-json-crdt/src/**/!(history-load).test.ts",
  "examples/**/*.test.ts",
];

const exclude = ["**/node_modules/**", "**/dist/**"];

export default defineConfig(({ mode }) => ({
  test: {
    // Scenarios start no commands.
    globalSetup: mode === "scenarios" ? [] : ["./test/built-programs.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "in a process",
          include: IN_A_PROCESS,
          exclude,
          // Nothing that these files leave behind in a module changes what the next one finds: each module is loaded once.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "with processes",
          include: ["{packages,bench,examples,test,fuzz}/**/*.test.ts"],
          exclude: [
            ...exclude,
            ...IN_A_PROCESS,
            ...(mode === "partition" ? [] : [NETWORK_TESTS]),
            ...(mode === "deployment" ? [] : [DEPLOYMENT_TESTS]),
            ...(mode === "image" ? [] : [IMAGE_TESTS]),
            ...withoutServer(mode),
          ],
        },
      },
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
