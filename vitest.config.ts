import { accessSync, constants } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { imageRefusal, INSTALL, missingPrograms, refusal } from "./test/deployment/needs.ts";

/** Tests that start servers of NATS. */
const NATS_TESTS = "**/*.nats.test.ts";

/** Tests that make networks, which needs root and changes the machine: `pnpm test:partition`. */
const NETWORK_TESTS = "**/*.netns.test.ts";

/** Tests that boot machines of namespaces, which needs root, systemd, nginx, Prometheus and others. */
const MACHINE_TESTS = "**/*.machines.test.ts";

/** Those that need the same and minutes: `pnpm test:deployment`, which runs both. */
const DEPLOYMENT_TESTS = "**/*.root.test.ts";

/** Tests that build and run an image, which needs docker; `pnpm test:image` runs only them. */
const IMAGE_TESTS = "**/*.image.test.ts";

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
  "test/guides.test.ts",
  "test/model-check.test.ts",
  "oracle-consumer/contract.test.ts",
  "crdt-relayer/test/backplane.nats.test.ts",
];

/** What is found out once, though a process reads this file for each project. */
const known = ((globalThis as { leftOut?: Known }).leftOut ??= { said: new Set() });

interface Known {
  readonly said: Set<string>;
  whyNoMachines?: string;
  whyNoImage?: string;
}

/** What runs before each file of these: see there. Servers and commands mostly wait for other processes. */
const EVERY_FILE = "./packages/bft-json-crdt/test/every-file.ts";

const exclude = ["**/node_modules/**", "**/dist/**"];

export default defineConfig(({ mode }) => {
  const others = [
    ...(mode === "partition" ? [] : [NETWORK_TESTS]),
    ...(mode === "deployment" ? [] : [DEPLOYMENT_TESTS]),
    ...withoutServer(mode),
    ...withoutMachines(mode),
    ...withoutImage(mode),
  ];
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

/** What is left out where nats-server is missing: nothing in CI or when it was asked for, and never without a word. */
function withoutServer(mode: string): string[] {
  const isRequired = isInCI() || mode === "nats" || mode === "partition";
  if (isRequired || isInstalled("nats-server")) return [];
  say(`left out: ${NATS_TESTS}, for lack of nats-server; to run them: apt-get install nats-server`);
  return [NATS_TESTS];
}

/**
 * What is left out where no machines can be made, and never without a word: for lack of programs nothing in CI or when it was
 * asked for; for lack of rights, or where the kernel refuses, in CI too.
 */
function withoutMachines(mode: string): string[] {
  if (mode === "deployment") return [];
  // They are no part of what runs in other modes.
  if (mode !== "test") return [MACHINE_TESTS];
  known.whyNoMachines ??= whyNoMachines();
  if (known.whyNoMachines === "") return [];
  say(`left out: ${MACHINE_TESTS}, ${known.whyNoMachines}`);
  return [MACHINE_TESTS];
}

/** What is left out where no image can be made, which is said, in CI too: not everybody who runs tests has docker. */
function withoutImage(mode: string): string[] {
  if (mode === "image") return [];
  if (mode !== "test") return [IMAGE_TESTS];
  known.whyNoImage ??= imageRefusal() ?? "";
  if (known.whyNoImage === "") return [];
  say(`left out: ${IMAGE_TESTS}, since ${known.whyNoImage}`);
  return [IMAGE_TESTS];
}

/** Empty when there is no reason. */
function whyNoMachines(): string {
  const refused = refusal();
  if (refused !== null) return `which boot machines: ${refused}`;
  const missing = isInCI() ? [] : missingPrograms();
  if (missing.length === 0) return "";
  return `for lack of ${missing.join(", ")}; to run them: ${INSTALL}`;
}

/** Says something once in a process, which reads this file for each project. */
function say(line: string): void {
  if (known.said.has(line)) return;
  known.said.add(line);
  console.warn(line);
}

function isInCI(): boolean {
  return (process.env["CI"] ?? "") !== "";
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
