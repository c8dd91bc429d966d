/** The processes of a part: relays and nodes on the loopback interface, with their folders; none outlives the part. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pause } from "./client.ts";
import { IdleGroup } from "./idle-group.ts";
import { IDLE_GROUP } from "./priorities.ts";
import { commandOf, type Outcome, Program } from "../../packages/crdt-node/test/processes.ts";

/** Milliseconds between two looks at what a script has said. */
const LOOK_MS = 20;

/** As the systemd unit and the image in packages/crdt-relayer/deploy start it. */
const RELAY_ENV = { NODE_OPTIONS: "--max-semi-space-size=4 --v8-pool-size=1" };

/** Flags of a relay all of whose clients come from one address. */
export const FROM_ONE_ADDRESS: readonly string[] = ["--max-address-sessions", "10000"];

/** A relay that is starting. */
export interface StartingRelay {
  readonly program: Program;
  /** Its address, once it listens. */
  readonly listens: Promise<string>;
}

/** A folder, and the processes that were started in it. */
export class Processes {
  readonly folder = mkdtempSync(join(tmpdir(), "torture-"));
  readonly #running = new Set<Program>();
  #idleGroup: IdleGroup | null = null;

  /** Starts a relay on a port, 0 for a free one. */
  relay(
    port: number,
    args: readonly string[] = FROM_ONE_ADDRESS,
    data = join(this.folder, "relay"),
  ): StartingRelay {
    const fixed = ["--port", String(port), "--data", data, "--log-level", "warn"];
    const program = this.#start(commandOf("crdt-relayer"), [...fixed, ...args], RELAY_ENV);
    const listens = program.line(/^listening ws:/u).then((line) => line.replace("listening ", ""));
    // Whoever kills it while it starts does not wait for this.
    listens.catch(() => undefined);
    return { program, listens };
  }

  /** Starts a crdt-node command. */
  node(args: readonly string[]): Program {
    return this.#start(commandOf("crdt-node"), args);
  }

  /** Runs a crdt-node command to its end. */
  run(args: readonly string[]): Promise<Outcome> {
    const program = this.node(args);
    program.child.stdin?.end();
    return program.exited;
  }

  /** Runs a file of the torture as a process of its own. */
  script(name: string, args: readonly string[], flags: readonly string[] = []): Program {
    return this.#start("--import", ["tsx", ...flags, fileOf(name), ...args]);
  }

  /** The same in a session of its own: what it does to the processor is not on account of the others. */
  scriptApart(name: string, args: readonly string[]): Program {
    const { folder } = (this.#idleGroup ??= new IdleGroup());
    const env = folder === null ? {} : { [IDLE_GROUP]: folder };
    return this.#start("--import", ["tsx", fileOf(name), ...args], env, true);
  }

  /** Ends what still runs and removes the folder. */
  async clear(): Promise<void> {
    await Promise.all([...this.#running].map((program) => program.end("SIGKILL")));
    this.#idleGroup?.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #start(
    bin: string,
    args: readonly string[],
    more: NodeJS.ProcessEnv = {},
    isApart = false,
  ): Program {
    const { PATH, HOME, TMPDIR } = process.env;
    const env = { PATH, HOME, TMPDIR, NO_COLOR: "1", SIDE_HOME: this.folder, ...more };
    const program = new Program(bin, args, env, isApart);
    this.#running.add(program);
    void program.exited.then(() => this.#running.delete(program));
    return program;
  }
}

function fileOf(script: string): string {
  return fileURLToPath(new URL(script, import.meta.url));
}

/** What a script of the torture says, a line of JSON each, until it says that it is over or the signal is aborted. */
export async function* eventsOf<T extends { readonly event: string }>(
  script: Program,
  signal: AbortSignal,
): AsyncGenerator<T> {
  for (let next = 0; !signal.aborted;) {
    const line = script.lines[next];
    if (line === undefined) {
      const { exitCode, signalCode } = script.child;
      if (exitCode !== null || signalCode !== null)
        throw new Error(`a script ended: ${script.errorLines.slice(-10).join("\n")}`);
      await pause(LOOK_MS, signal);
      continue;
    }
    next++;
    const event = JSON.parse(line) as T;
    if (event.event === "over") return;
    yield event;
  }
}

/** Bytes of memory that a process has in use (Linux only; 0 elsewhere). */
export function memoryOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/u.exec(status)?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

/** Milliseconds of processor time that a process has taken, of all its threads (Linux only; 0 elsewhere). */
export function processorMsOf(pid: number): number {
  try {
    // Behind the name, which may hold anything, come the state and 10 numbers; then the ticks of 10 ms in user mode and in the system.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}
