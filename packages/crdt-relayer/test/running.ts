/** Relays and folders that a test has started, and that are gone when it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { type InTerminal, runInTerminal } from "../../../test/in-terminal.ts";
import { createRelay, type Relay, type RelayOptions, type Settings } from "../src/index.ts";

/** Built, where the tests' setup has built it (see test/built-programs.ts of the workspace), else in the sources. */
const COMMAND = join(
  process.env["BUILT_PACKAGES"] ?? fileURLToPath(new URL("../..", import.meta.url)),
  "crdt-relayer/bin/crdt-relayer.js",
);

/** A new folder, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "crdt-relayer-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A relay in this process on a free port, in memory unless told otherwise; closed after the test. */
export async function startRelay(
  settings: Partial<Settings> = {},
  options: RelayOptions = {},
): Promise<Relay> {
  const relay = await createRelay({ port: 0, data: ":memory:", ...settings }, options);
  // A test that made the store fail has seen the error already.
  onTestFinished(() => relay.close().catch(() => undefined));
  return relay;
}

/** How a process ended, and everything that it wrote. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a process of its own. */
export interface RelayProcess {
  /** The address that it announced. */
  readonly url: string;
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** Runs the command to its end. */
export function runCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return launch(args, env).outcome;
}

/** Starts the command on a free port and waits until it listens; killed after the test if it still runs. */
export async function startCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RelayProcess> {
  return listening(launch(["--port", "0", ...args], env));
}

async function listening({ child, outcome }: Launched): Promise<RelayProcess> {
  const line = await Promise.race([
    once(createInterface({ input: child.stdout! }), "line").then(([text]) => String(text)),
    outcome.then(({ stderr }) => {
      throw new Error(`the relay ended: ${stderr}`);
    }),
  ]);
  const url = /^listening (\S+)$/u.exec(line)?.[1];
  if (url === undefined) throw new Error(`unexpected line: ${line}`);
  return { url, process: child, outcome };
}

/** The same under limits of the process, which a line of sh sets. */
export async function startLimited(limits: string, args: readonly string[]): Promise<RelayProcess> {
  return listening(launch(["--port", "0", ...args], {}, { limits }));
}

/** A relay in a terminal of its own. */
export interface RelayInTerminal extends InTerminal {
  /** The address that it announced. */
  readonly url: string;
}

/** Starts the command on a free port in a terminal; `script` as for `runInTerminal`. */
export async function startInTerminal(
  script: string,
  args: readonly string[],
): Promise<RelayInTerminal> {
  const command = [process.execPath, COMMAND, "--port", "0", ...args];
  const { PATH, HOME } = process.env;
  const terminal = runInTerminal(script, command, { PATH, HOME, NO_COLOR: "1" });
  const url = await terminal.says(/^listening (ws:\S+)\r?\n/mu);
  return { url, ...terminal };
}

/** The same for somebody who reads nothing of what it prints. */
export function runUnread(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const { child, outcome } = launch(args, env);
  child.stdout?.destroy();
  return outcome;
}

/** The same with what it prints going into a file. */
export async function runInto(
  path: string,
  args: readonly string[],
): Promise<Pick<Outcome, "code" | "stderr">> {
  const file = openSync(path, "w");
  try {
    return await launch(args, {}, { output: file }).outcome;
  } finally {
    closeSync(file);
  }
}

interface Launched {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** `limits` is a line of sh that goes before the command; `output` is what it prints into. */
function launch(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { limits = "", output = "pipe" }: { limits?: string; output?: "pipe" | number } = {},
): Launched {
  const command = [process.execPath, COMMAND, ...args];
  const [program, ...rest] =
    limits === "" ? command : ["sh", "-c", `${limits}; exec "$@"`, "sh", ...command];
  const child = spawn(program!, rest, {
    stdio: ["ignore", output, "pipe"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1", ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr!.on("data", (data: Buffer) => (stderr += data.toString()));
  const outcome = once(child, "close").then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
  }));
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await outcome;
  });
  return { child, outcome };
}
