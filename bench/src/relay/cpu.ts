/** Processor time. */
import { readFileSync } from "node:fs";

/** Milliseconds of a tick of Linux's clock for such things: what is less cannot be told from nothing. */
export const TICK_MS = 10;

/** Milliseconds that this process has used so far, with all its threads. */
export function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The same of another process, to a hundredth of a second; NaN where there is no /proc. */
export function cpuOf(pid: number): number {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return Number.NaN;
  }
  // The name before it may hold anything; the 14th and 15th field of all are meant (proc(5)).
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
