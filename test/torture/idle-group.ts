/**
 * A control group of Linux whose processes get what nobody else wants of the processor (`cpu.idle`), and are interrupted at once
 * when somebody does. `nice` and SCHED_IDLE count only within a session (autogroup): between sessions the one that runs may end
 * its slice of time, so that a write to the disk, which a thread of the kernel has to go on with, waited up to two ticks of
 * 4 ms for a single attacker that computes.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NAME = "torture-attackers";

/** Where control groups are mounted, and which of them this process is in: version 1 says "cpu", version 2 nothing. */
const MOUNTS = "/proc/self/mountinfo";
const MEMBERSHIPS = "/proc/self/cgroup";

/** One control group; processes go in by `enterIdleGroup`. */
export class IdleGroup {
  /** Its folder; null where none can be made, for want of a right or of such a system. */
  readonly folder: string | null = makeFolder();

  /** Removes it once all in it have ended; what another run has in it stays. */
  remove(): void {
    if (this.folder !== null) removeFolder(this.folder);
  }
}

/** Puts this process, with all its threads, into a group; false where that is not allowed. */
export function enterIdleGroup(folder: string): boolean {
  try {
    writeFileSync(join(folder, "cgroup.procs"), String(process.pid));
    return true;
  } catch {
    return false;
  }
}

function makeFolder(): string | null {
  for (const parent of groupsOfThis()) {
    const folder = join(parent, NAME);
    try {
      if (!existsSync(folder)) mkdirSync(folder);
      writeFileSync(join(folder, "cpu.idle"), "1");
      return folder;
    } catch {
      // No right to it, or no group for the processor: the next one, if there is any.
      removeFolder(folder);
    }
  }
  return null;
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It was never there, or somebody is in it.
  }
}

/** Folders of the groups that this process is in which may divide the processor. */
function groupsOfThis(): string[] {
  try {
    const mounts = readFileSync(MOUNTS, "utf8").trim().split("\n").map(mountOf);
    return readFileSync(MEMBERSHIPS, "utf8")
      .trim()
      .split("\n")
      .flatMap((line) => {
        const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/u.exec(line) ?? [];
        const names = controllers.split(",");
        const isOne = (mount: Mount): boolean =>
          controllers === "" ? mount.type === "cgroup2" : mount.options.includes("cpu");
        if (controllers !== "" && !names.includes("cpu")) return [];
        return mounts.filter(isOne).map((mount) => join(mount.folder, path));
      });
  } catch {
    return [];
  }
}

interface Mount {
  readonly folder: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** A line of mountinfo: see proc(5). */
function mountOf(line: string): Mount {
  const [before = "", after = ""] = line.split(" - ");
  const [type = "", , options = ""] = after.split(" ");
  return { folder: before.split(" ")[4] ?? "", type, options: options.split(",") };
}
