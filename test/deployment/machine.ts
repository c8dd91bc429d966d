/**
 * A machine to install services on, with systemd as its first process: made of namespaces of Linux, over a layer in memory,
 * so that the machine which it runs on stays as it was. Needs root.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../installed-packages.ts";

const BOOT = fileURLToPath(new URL("boot.sh", import.meta.url));
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NAMESPACES = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--kill-child"];

/** The machine's own address, which nothing routes to. */
export const ADDRESS = "10.213.0.1";

/** One machine, from its boot to its end. */
export class Machine {
  readonly #outer: ChildProcess;
  readonly #folder: string;
  /** Its first process, as this machine numbers it. */
  readonly #first: number;

  private constructor(outer: ChildProcess, folder: string, first: number) {
    this.#outer = outer;
    this.#folder = folder;
    this.#first = first;
  }

  /** Boots one that has in /usr/local what is below `prefix`; resolves when systemd has started what it starts. */
  static async boot(prefix: string): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), "machine-"));
    const boot = ["unshare", ...NAMESPACES, "sh", BOOT, folder, prefix, ADDRESS];
    // It does not outlive whoever boots it.
    const outer = spawn("setpriv", ["--pdeathsig", "KILL", ...boot], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    try {
      const machine = new Machine(outer, folder, await childOf(outer));
      await machine.#untilBooted();
      return machine;
    } catch (error) {
      await end(outer, folder);
      throw error;
    }
  }

  /** Types a script into a shell of root; resolves to what it has printed on stdout, rejects when a command fails. */
  run(script: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const variables = Object.entries({ PATH, HOME: "/root", ...env });
    const clean = ["env", "-i", ...variables.map(([name, value]) => `${name}=${value}`)];
    const shell = ["bash", "--noprofile", "--norc", "-eu", "-o", "pipefail", "-c", script];
    return run("nsenter", ["--target", `${this.#first}`, "--all", "--", ...clean, ...shell], {
      cwd: "/",
    });
  }

  /** Copies a folder or file of this machine there. */
  copy(from: string, to: string): void {
    cpSync(from, join(`/proc/${this.#first}/root`, to), { recursive: true });
  }

  /** Ends it and all that runs on it. */
  close(): Promise<void> {
    return end(this.#outer, this.#folder);
  }

  async #untilBooted(): Promise<void> {
    for (;;) {
      if (this.#outer.exitCode !== null) throw new Error("the machine did not boot");
      const state = await this.run("systemctl is-system-running || true").catch(() => "");
      if (state.trim() === "running") return;
      if (state.trim() === "degraded")
        throw new Error(await this.run("systemctl --failed --no-pager"));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The one child of a process, once it has one. */
async function childOf(outer: ChildProcess): Promise<number> {
  const { pid } = outer;
  for (;;) {
    if (outer.exitCode !== null || pid === undefined) throw new Error("no namespaces can be made");
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (children !== "") return Number(children);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Kills the first process, and with it all of its namespace; then nothing is left but an empty control group. */
async function end(outer: ChildProcess, folder: string): Promise<void> {
  if (outer.exitCode === null && outer.signalCode === null) {
    outer.kill("SIGKILL");
    await once(outer, "exit");
  }
  const groups = join(folder, "groups");
  const remove = `mount --make-rprivate / && mount -t cgroup2 cgroup2 ${groups} &&
    until find ${groups}/${basename(folder)} -depth -type d -exec rmdir {} +; do sleep 0.1; done`;
  await run("unshare", ["--mount", "sh", "-c", remove], { cwd: "/" });
  rmSync(folder, { recursive: true });
}
