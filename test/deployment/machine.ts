/**
 * A machine to install services on, with systemd as its first process: made of namespaces of Linux, over a layer in memory,
 * so that the machine which it runs on stays as it was. Needs root.
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../installed-packages.ts";

const HOLD = fileURLToPath(new URL("hold.sh", import.meta.url));
const BOOT = fileURLToPath(new URL("boot.sh", import.meta.url));
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NAMESPACES = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--kill-child"];

/** What a machine is made of. */
export interface Parts {
  /** A folder of this machine with what is to be in its /usr/local. */
  readonly prefix: string;
  /** Its name. */
  readonly name: string;
  /** Its own address, which nothing routes to until it is linked. */
  readonly address: string;
}

/** One machine, from its first boot to its end. */
export class Machine {
  readonly #parts: Parts;
  readonly #folder: string;
  /** Holds its disk and its network, also while it is off. */
  readonly #holder: ChildProcess;
  /** What runs on its network and not on it, in the order of starting. */
  readonly #others: ChildProcess[] = [];
  /** Ends when its first process does, as that does. */
  #power!: ChildProcess;
  /** Its first process, as this machine numbers it. */
  #first = 0;

  private constructor(parts: Parts, folder: string, holder: ChildProcess) {
    this.#parts = parts;
    this.#folder = folder;
    this.#holder = holder;
  }

  /** Boots one for the first time; resolves when systemd has started what it starts. */
  static async boot(parts: Parts): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), "machine-"));
    const held = ["unshare", "--mount", "--net", "sh", HOLD, folder, parts.address];
    const holder = bound(held, ["ignore", "pipe", "inherit"]);
    const machine = new Machine(parts, folder, holder);
    try {
      await machine.#untilHeld();
      await machine.#switchOn();
      return machine;
    } catch (error) {
      await machine.close();
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

  /** Runs a script of this machine, with its files, on the network of that one, until that is closed and through each boot. */
  beside(script: string): void {
    const entered = ["nsenter", "--target", `${this.#holder.pid!}`, "--net", "--"];
    this.#others.push(bound([...entered, "sh", "-c", script], ["ignore", "ignore", "ignore"]));
  }

  /** Stops what runs there and boots it again, as a person does who types `systemctl reboot`. */
  async reboot(): Promise<void> {
    const power = this.#power;
    const ended = once(power, "exit");
    // Who types is killed as well.
    await this.run("systemctl reboot").catch(() => {});
    await ended;
    if (power.signalCode !== "SIGHUP") throw new Error("the machine ended and did not reboot");
    await this.#switchOn();
  }

  /** Boots it again after all that ran there has ended at once. What was written is there: its disk is memory of this machine. */
  async cutPower(): Promise<void> {
    await killed(this.#power);
    await this.#switchOn();
  }

  /** Lays a cable to another one; each then reaches the address of the other. */
  async link(other: Machine): Promise<void> {
    const [here, there] = [this.#parts, other.#parts];
    const [a, b] = [this.#holder.pid!, other.#holder.pid!];
    const on = (pid: number, command: string): Promise<string> =>
      run("nsenter", ["--target", `${pid}`, "--net", "--", "ip", ...command.split(" ")], {
        cwd: "/",
      });
    await on(a, `link add ${there.name} type veth peer name ${here.name} netns ${b}`);
    await on(a, `address add ${here.address} peer ${there.address} dev ${there.name}`);
    await on(b, `address add ${there.address} peer ${here.address} dev ${here.name}`);
    await on(b, `link set ${here.name} up`);
    await on(a, `link set ${there.name} up`);
  }

  /** Ends it and all that runs on it and beside it. */
  async close(): Promise<void> {
    for (const process of [...this.#others.toReversed(), this.#power, this.#holder])
      await killed(process);
    await this.#removeGroups();
    rmSync(this.#folder, { recursive: true });
  }

  async #untilHeld(): Promise<void> {
    const said = once(this.#holder.stdout!, "data");
    await Promise.race([said, once(this.#holder, "exit")]);
    if (this.#holder.exitCode !== null) throw new Error("no namespaces can be made");
  }

  async #switchOn(): Promise<void> {
    await this.#removeGroups();
    const { prefix, name } = this.#parts;
    const held = ["nsenter", "--target", `${this.#holder.pid!}`, "--mount", "--net", "--"];
    const boot = ["unshare", ...NAMESPACES, "sh", BOOT, this.#folder, prefix, name];
    this.#power = bound([...held, ...boot], ["ignore", "inherit", "inherit"]);
    this.#first = await childOf(this.#power);
    await this.#untilBooted();
  }

  async #untilBooted(): Promise<void> {
    for (;;) {
      if (hasEnded(this.#power)) throw new Error("the machine did not boot");
      const state = await this.run("systemctl is-system-running --wait || true").catch(() => "");
      if (state.trim() === "running") return;
      if (state.trim() === "degraded")
        throw new Error(await this.run("systemctl --failed --no-pager"));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Nothing runs there: what is left are empty control groups. */
  async #removeGroups(): Promise<void> {
    const groups = join(this.#folder, "groups");
    const group = join(groups, basename(this.#folder));
    const remove = `mkdir -p ${groups} && mount -t cgroup2 cgroup2 ${groups} && if [ -d ${group} ]; then
      until find ${group} -depth -type d -exec rmdir {} +; do sleep 0.1; done; fi`;
    await run("unshare", ["--mount", "sh", "-c", remove], { cwd: "/" });
  }
}

/** Starts a program that does not outlive who starts it. */
function bound(command: readonly string[], stdio: StdioOptions): ChildProcess {
  return spawn("setpriv", ["--pdeathsig", "KILL", ...command], { stdio });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** The one child of a process, once it has one. */
async function childOf(outer: ChildProcess): Promise<number> {
  const { pid } = outer;
  for (;;) {
    if (hasEnded(outer) || pid === undefined) throw new Error("no namespaces can be made");
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (children !== "") return Number(children);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
