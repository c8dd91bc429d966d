import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { leftOut } from "./test/left-out.ts";

/** Tests that put another module in the place of a module: each in a process of its own. */
const WITH_MOCKS = [
  "packages/bft-json-crdt/src/history/history-load.test.ts",
  "packages/bft-json-crdt/test/attacks/flooding.test.ts",
  "packages/crdt-node/src/link.test.ts",
  "packages/crdt-relayer/src/room.test.ts",
];

/** All others find each module as others left it, so that each is loaded once, among those of what is listed together. */
const SHARING_MODULES = {
  "library and examples": ["packages/bft-json-crdt/**/*.test.ts", "examples/**/*.test.ts"],
  "relay and node": ["packages/{crdt-relayer,crdt-node}/src/**/*.test.ts"],
  "servers and commands": [
    "packages/{crdt-relayer,crdt-node}/test/**/*.test.ts",
    "{bench,fuzz,test}/**/*.test.ts",
  ],
};

/** What `pnpm scenarios` runs, over and over: no projects, each of which takes its time to start. */
const SCENARIOS = {
  include: [
    "{examples,test/scenarios}/*/*.test.ts",
    "packages/bft-json-crdt/src/commit-reveal/*.test.ts",
  ],
  isolate: false,
};

/** The longest first: what starts last must not run on alone. Vitest itself only knows how long files took the last time. */
const LONGEST = [
  "test/deployment/page.machines.test.ts",
  "crdt-relayer/test/cluster.nats.test.ts",
  "simulator/simulator.test.ts",
  "test/oracle-deployment.test.ts",
  "test/scenarios/scenarios.test.ts",
  "test/transcripts.test.ts",
  "test/packaging.test.ts",
  "test/snippets.test.ts",
  "test/example-options.test.ts",
  "test/guides.test.ts",
  "test/model-check.test.ts",
  "oracle-consumer/contract.test.ts",
  "crdt-relayer/test/backplane.nats.test.ts",
];

/** What runs before each file of these: see there. Servers and commands mostly wait for other processes. */
const EVERY_FILE = "./packages/bft-json-crdt/test/every-file.ts";

const exclude = ["**/node_modules/**", "**/dist/**"];

export default defineConfig(({ mode }) => {
  const others = leftOut(mode);
  const projects = [
    ...Object.entries(SHARING_MODULES).map(([name, include]) => ({
      extends: true as const,
      test: {
        name,
        include,
        exclude: [...exclude, ...others, ...WITH_MOCKS],
        setupFiles: name === "servers and commands" ? [] : [EVERY_FILE],
        isolate: false,
      },
    })),
    {
      extends: true as const,
      test: { name: "apart", include: WITH_MOCKS, setupFiles: [EVERY_FILE] },
    },
  ];
  return {
    test: {
      // Scenarios start no commands.
      globalSetup: mode === "scenarios" ? [] : ["./test/built-programs.ts"],
      sequence: { sequencer: LongestFirst },
      ...(mode === "scenarios" ? SCENARIOS : { projects }),
      // Two more than the default: the longest tests mostly wait for other processes.
      maxWorkers: availableParallelism() + 1,
      testTimeout: 120_000,
      hookTimeout: 60_000,
    },
  };
});

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((end) => moduleId.endsWith(end));
      return at === -1 ? LONGEST.length : at;
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
