/** A clock that only tests move. */
import { vi } from "vitest";

/** Stops `performance.now` where it is, so that no time passes backwards, until `vi.restoreAllMocks`. */
export function stoppedClock(): { readonly add: (ms: number) => void } {
  let now = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => now);
  return {
    add: (ms) => {
      now += ms;
    },
  };
}
