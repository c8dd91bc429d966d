/** A clock that only tests move. */
import { vi } from "vitest";

/** Stops `performance.now`, until `vi.restoreAllMocks`. */
export function stoppedClock(): { readonly add: (ms: number) => void } {
  let now = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  return {
    add: (ms) => {
      now += ms;
    },
  };
}
