/**
 * Which test files are no part of a run, and why: what a file's name says it needs (a server, docker, root, another machine's
 * programs) is missing here, or was not asked for. A file that `pnpm test` would run here if something were installed is never
 * left out without a line that says so.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { imageRefusal, INSTALL, missingPrograms, refusal } from "./deployment/needs.ts";

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

/** What is found out once, though a process reads this file for each project. */
const known = ((globalThis as { leftOut?: Known }).leftOut ??= { said: new Set() });

interface Known {
  readonly said: Set<string>;
  whyNoMachines?: string;
  whyNoImage?: string;
}

/** Globs of the files that are left out in this mode of Vitest (`test` is that of `pnpm test`). */
export function leftOut(mode: string): string[] {
  return [
    ...(mode === "partition" ? [] : [NETWORK_TESTS]),
    ...(mode === "deployment" ? [] : [DEPLOYMENT_TESTS]),
    ...withoutServer(mode),
    ...withoutMachines(mode),
    ...withoutImage(mode),
  ];
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
