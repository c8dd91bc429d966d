/**
 * What is to take the time of a relay, and not the processor from it, has the lowest priority that there is: `nice 19`, and no
 * more than what nobody else wants.
 *
 * Where Linux divides the processor between sessions first (autogroups), that is for its session, which must be its own: a
 * session that precedes others would take its attackers along, before the threads of the kernel that write to the disk. A
 * write of the relay that takes 0.3 ms then took up to 200.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";

/** Gives this process, in a session of its own, the lowest priority. */
export function takeLowestPriority(): void {
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
}
