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

/** Node 20 cannot set a terminal that is closed as it was, and aborts when it ends in the usual way. */
export function endIfTerminalIsClosed(): void {
  if (terminals.every((descriptor) => isatty(descriptor))) return;
  process.removeAllListeners("SIGHUP");
  process.kill(process.pid, "SIGHUP");
}
