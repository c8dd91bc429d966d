/** How the process ends: with its exit code, or, if its terminal was closed meanwhile, by the signal for that. */
import { isatty } from "node:tty";
import type { ExitCode } from "./exit-codes.ts";

const STANDARD_DESCRIPTORS = [0, 1, 2];

/** Those that were a terminal at the start. */
const terminals = STANDARD_DESCRIPTORS.filter((descriptor) => isatty(descriptor));

/** Ends the process at once; whatever was stored is durable already. */
export function leave(code: ExitCode): never {
  endIfTerminalIsClosed();
  process.exit(code);
}

/** Milliseconds that a reader has at the end for what was shown: what nobody reads must not keep a process that was told to stop. */
const LAST_READING_MS = 1_000;

/**
 * Sees to it that a process which has nothing more to do ends, at once where all that it has shown is read, and else in some time,
 * whether it is read or not.
 */
export function leaveSoon(code: ExitCode): void {
  const timer = setTimeout(() => {
    if (process.stdout.writableLength + process.stderr.writableLength > 0) leave(code);
  }, LAST_READING_MS);
  // It keeps nobody: what is read within that time ends sooner.
  timer.unref();
}

/** Node 20 cannot set a terminal that is closed as it was, and aborts when it ends in the usual way. */
export function endIfTerminalIsClosed(): void {
  if (terminals.every((descriptor) => isatty(descriptor))) return;
  process.removeAllListeners("SIGHUP");
  process.kill(process.pid, "SIGHUP");
}
