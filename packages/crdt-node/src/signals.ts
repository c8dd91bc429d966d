/** Ctrl-C and its kin. */
import { EXIT } from "./exit-codes.ts";
import { leave } from "./leave.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

let endsOnInterrupt = false;
let sayLast: () => void = () => undefined;

/**
 * Short commands end at once: whatever they have stored is durable already, and the system lets go of the store. `say` may
 * tell of it first.
 */
export function endOnInterrupt(say: () => void = () => undefined): void {
  sayLast = say;
  if (endsOnInterrupt) return;
  endsOnInterrupt = true;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      sayLast();
      leave(EXIT.interrupted);
    });
  }
}

/** Calls `stop` once, at the first signal; a second one ends the process at once. */
export function stopOnSignal(stop: () => void): void {
  let stopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stopping) leave(EXIT.interrupted);
      stopping = true;
      stop();
    });
  }
}
