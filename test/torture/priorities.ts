/**
 * Who gets a processor first where what attacks, what is attacked and what measures share one machine.
 *
 * What is to take the time of a relay, and not the processor from it, has the lowest priority that there is: a control group that
 * is idle (see IdleGroup), `nice 19`, and no more than what nobody else wants.
 *
 * Where Linux divides the processor between sessions first (autogroups), that is for its session, which must be its own: a
 * session that precedes others would take its attackers along, before the threads of the kernel that write to the disk. A
 * write of the relay that takes 0.3 ms then took up to 200.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { enterIdleGroup } from "./idle-group.ts";

/** The folder of an idle group, for who starts a process of the lowest priority to say; unset where there is none. */
export const IDLE_GROUP = "IDLE_GROUP";

/** Gives this process, in a session of its own, the lowest priority. Returns true when it is in an idle group. */
export function takeLowestPriority(): boolean {
  const group = process.env[IDLE_GROUP];
  const isIdle = group !== undefined && enterIdleGroup(group);
  setPriority(constants.priority.PRIORITY_LOW);
  try {
    writeFileSync("/proc/self/autogroup", String(constants.priority.PRIORITY_LOW));
  } catch {
    // There are none here: the priority counts for the whole system.
  }
  try {
    // Linux only: gone at once when somebody else wants the processor, also in the middle of a slice of time.
    execFileSync("chrt", ["--all-tasks", "--idle", "--pid", "0", String(process.pid)]);
  } catch {
    // The priority has to do.
  }
  return isIdle;
}

/** Flags of Node for who is to have the first priority: whatever its other threads would do for its main one, it does itself. */
export const FIRST_PRIORITY_FLAGS: readonly string[] = ["--single-threaded-gc"];

/**
 * Gives the main thread of this process, which measures, a processor as soon as it has something to do: what it waits for one is not
 * on account of who is measured. Not the others, which compile and collect garbage: with the same priority they had both processors
 * for ten milliseconds, now and then, and who is measured waited for that. Returns false where that is not allowed.
 */
export function takeFirstPriority(): boolean {
  try {
    execFileSync("chrt", ["--rr", "--pid", "1", String(process.pid)]);
    return true;
  } catch {
    return false;
  }
}
