/** Relays and folders that a test has started, and that are gone when it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
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
  const { child, outcome } = launch(["--port", "0", ...args], env);
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

/** A command in a terminal of its own. */
export interface InTerminal {
  /** The address that it announced. */
  readonly url: string;
  readonly pid: number;
  /** As who closes its window. */
  closeTerminal(): void;
  /** Resolves when it has said this. */
  says(pattern: RegExp): Promise<unknown>;
  /** Its exit code, or the negative number of the signal that ended it; comes after its terminal was closed. */
  readonly ended: Promise<number>;
}

/**
 * Node cannot make terminals, and Python can: this makes one, starts a command in it, and shows what that prints, until its
 * own input ends. The command finds the output of all this as descriptor 3.
 */
const TERMINAL = `
import os, pty, select, sys
os.dup2(1, 3)
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
print("process", child, flush=True)
while 0 not in (ready := select.select([0, terminal], [], [])[0]):
    os.write(1, os.read(terminal, 4096))
os.close(terminal)
print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
`;

/** Starts the command on a free port in a terminal; what of it that is to be is for a line of sh to say, for which it is "$@". */
export async function startInTerminal(
  script: string,
  args: readonly string[],
): Promise<InTerminal> {
  const command = [process.execPath, COMMAND, "--port", "0", ...args];
  const child = spawn("python3", ["-c", TERMINAL, "sh", "-c", script, "sh", ...command], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1" },
  });
  child.on("error", () => undefined); // `close` comes as well
  child.stdin.on("error", () => undefined);
  let text = "";
  const closed = once(child, "close");
  const told = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = pattern.exec(text)?.[1];
      if (found !== undefined) return found;
      const isOver = child.stdout.readableEnded || child.stdout.destroyed;
      if (isOver) throw new Error(`python3, which the test needs, never told ${pattern}: ${text}`);
      await Promise.race([once(child.stdout, "data"), closed]);
    }
  };
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => (text += data.toString()));
  let isEnded = false;
  const ended = told(/^ended (-?\d+)\n/mu).then((code) => {
    isEnded = true;
    return Number(code);
  });
  // Whoever does not wait for it has failed already.
  ended.catch(() => undefined);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    const pid = /^process (\d+)$/mu.exec(text)?.[1];
    if (!isEnded && pid !== undefined) process.kill(Number(pid), "SIGKILL");
    await closed;
  });
  const url = await told(/^listening (ws:\S+)\r?\n/mu);
  const pid = Number(await told(/^process (\d+)$/mu));
  return { url, pid, ended, says: told, closeTerminal: () => child.stdin.end() };
}

/** The same for somebody who reads nothing of what it prints. */
export function runUnread(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const { child, outcome } = launch(args, env);
  child.stdout?.destroy();
  return outcome;
}

function launch(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { child: ChildProcess; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1", ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
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
