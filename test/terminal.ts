/**
 * A terminal into which a test types what a page shows: one bash, whose commands are ours as a global installation would have
 * them. What is typed while a command runs is that command's input.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { commandOf } from "../packages/crdt-node/test/processes.ts";

/** Milliseconds after which a wait gives up; far above what a loaded machine needs. */
const PATIENCE_MS = 60_000;

/** A home of its own, with terminals in it; all of them end, and all that was made is gone, when it is closed. */
export class Desk {
  readonly home = mkdtempSync(join(tmpdir(), "snippets-"));
  readonly env: NodeJS.ProcessEnv;
  readonly #terminals: Terminal[] = [];

  /** `programs`: the lines of a script, by the name of a command, besides our two. */
  constructor(programs: { readonly [name: string]: string } = {}) {
    const bin = join(this.home, "bin");
    mkdirSync(bin);
    const ours = (["crdt-node", "crdt-relayer"] as const).map((name): [string, string] => [
      name,
      `exec "${process.execPath}" "${commandOf(name)}" "$@"`,
    ]);
    for (const [name, script] of [...ours, ...Object.entries(programs)]) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("SIDE_"));
    this.env = {
      ...Object.fromEntries(kept),
      NO_COLOR: "1",
      HOME: this.home,
      PATH: `${bin}${delimiter}${process.env["PATH"]}`,
    };
  }

  /** A new terminal, in the home unless another folder is named. */
  terminal(env: NodeJS.ProcessEnv = {}, cwd = this.home): Terminal {
    const terminal = new Terminal(cwd, { ...this.env, ...env });
    this.#terminals.push(terminal);
    return terminal;
  }

  async close(): Promise<void> {
    await Promise.all(this.#terminals.map((terminal) => terminal.end()));
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** One shell; it ends when a command fails. */
export class Terminal {
  readonly #shell: ChildProcess;
  readonly #closed: Promise<unknown>;
  #printed = "";
  #isOver = false;
  #count = 0;
  #wake: () => void = () => undefined;

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#shell = spawn("bash", ["--noprofile", "--norc"], {
      env,
      cwd,
      detached: true,
      stdio: "pipe",
    });
    this.#shell.stdin!.on("error", () => undefined); // it has ended: `until` says so
    this.#shell.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.#printed += text;
      this.#wake();
    });
    this.#shell.stderr!.resume();
    this.#closed = new Promise((resolve) => {
      this.#shell.once("close", (code) => {
        this.#isOver = true;
        this.#wake();
        resolve(code);
      });
    });
    this.type("set -eu -o pipefail; exec 2>&1\n");
  }

  /** All that was printed so far, on either stream. */
  get printed(): string {
    return this.#printed;
  }

  /** Types; whole lines, each with its line feed. */
  type(text: string): void {
    this.#shell.stdin!.write(text);
  }

  /** Resolves when what was printed fits; rejects with it when the shell has ended, or after a minute. */
  async until(wanted: RegExp): Promise<RegExpExecArray> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, PATIENCE_MS);
    try {
      for (;;) {
        const match = wanted.exec(this.#printed);
        if (match !== null) return match;
        if (this.#isOver || isLate) throw new Error(`${wanted} never came:\n${this.#printed}`);
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Types commands that come to their end; resolves to what they have printed. Rejects when one fails. */
  async run(commands: string): Promise<string> {
    const from = this.#printed.length;
    const mark = `done-${++this.#count}-`;
    this.type(`${commands.trimEnd()}\necho ${mark}\n`);
    await this.until(new RegExp(`^${mark}$`, "mu"));
    return this.#printed.slice(from).replace(`${mark}\n`, "");
  }

  /** The address that the next relay or node says it listens on; so many others said so before. */
  async listening(before = 0): Promise<string> {
    const [, url = ""] = await this.until(
      new RegExp(`^(?:[^]*?^listening ){${before + 1}}(ws:\\S+)$`, "mu"),
    );
    return url;
  }

  /** Ends it and what it has started, as who closes its window. */
  async end(): Promise<void> {
    if (!this.#isOver) {
      try {
        process.kill(-this.#shell.pid!, "SIGTERM");
      } catch {
        // Nothing of it is left.
      }
    }
    await this.#closed;
  }
}
