/** The real commands as child processes, with what they print available line by line. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The two commands, as they lie in the repository. */
const COMMANDS = {
  node: fileURLToPath(new URL("../../packages/crdt-node/bin/crdt-node.js", import.meta.url)),
  relayer: fileURLToPath(
    new URL("../../packages/crdt-relayer/bin/crdt-relayer.js", import.meta.url),
  ),
};

/** Milliseconds after which something that should have been printed is given up. */
const PATIENCE = 15_000;

/** One running command. */
export class Running {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(command: keyof typeof COMMANDS, args: readonly string[], home: string) {
    this.#child = spawn(process.execPath, [COMMANDS[command], ...args], {
      env: { ...process.env, SIDE_HOME: home, NO_COLOR: "1" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.#lines.push(line);
        for (const check of this.#waiting) check();
      });
    }
  }

  /** Types a line into it. */
  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** The first printed line, from number `from` on, in which a text stands; waits for it. */
  async line(text: string, from = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(
          new Error(
            `no line with "${text}" came; the last ones: ${this.#lines.slice(-5).join(" | ")}`,
          ),
        );
      }, PATIENCE);
      const check = (): void => {
        const found = this.#lines.slice(from).find((line) => line.includes(text));
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Asks it to end, and waits until it has. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }
}

/** Runs a node command to its end; returns what it printed on stdout. */
export async function runNode(args: readonly string[], home: string): Promise<string> {
  const child = spawn(process.execPath, [COMMANDS.node, ...args], {
    env: { ...process.env, SIDE_HOME: home, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (code !== 0)
    throw new Error(`crdt-node ${args.join(" ")} ended with ${code ?? signal}: ${err.trim()}`);
  return out.trim();
}
