/**
 * Bounds: queues keep within their limits whatever is thrown at them, and nobody sends what is too large, is no message,
 * or finds no room.
 */
import { MAX_AWAITED } from "../relay.ts";
import type { Checker, Finding } from "../world.ts";

/** Queues within their limits at every moment; frames within theirs. */
export const checkBounds: Checker = ({ components }) =>
  components.flat().flatMap(({ name, notes, limits }) => {
    const findings: Finding[] = notes.breaches.slice(0, 3).map(finding);
    if (notes.peakPendingBytes > limits.pendingBytes) {
      findings.push(
        finding(`${name} had ${notes.peakPendingBytes} bytes pending, of ${limits.pendingBytes}`),
      );
    }
    if (notes.peakAwaited > MAX_AWAITED) {
      findings.push(finding(`${name} remembered the senders of ${notes.peakAwaited} changes`));
    }
    return findings;
  });

function finding(detail: string): Finding {
  return { checker: "bounds", detail };
}
