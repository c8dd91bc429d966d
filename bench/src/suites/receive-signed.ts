/** Changes that are signed each, received by a second replica. */
import { expectEqual, samplesOf, timed, timedInSlices } from "../measure.ts";
import type { OurText } from "../subjects/ours.ts";
import { MILLISECONDS, scaled } from "../suite.ts";
import type { Suite } from "../suite.ts";
import { firstOf, mainTrace, traceOf } from "../trace.ts";
import { isYardstick, measureYardstick, yardstick } from "../yardsticks.ts";

const EDITS = 20_000;

/** The subject that uses all cores. */
const PARALLEL = "ours, all cores";

/** A document that can verify many groups at once, off the main thread. */
interface Parallel {
  receiveAll(groups: readonly Uint8Array[], peer?: string): Promise<unknown>;
}

/** The document as one that can do that; null if the library at hand cannot. */
function parallel(document: object): Parallel | null {
  return "receiveAll" in document && typeof document.receiveAll === "function"
    ? (document as Parallel)
    : null;
}

/** See above. */
export const receiveSigned: Suite = {
  name: "receive-signed",
  title: "Receive: each change signed",
  about:
    `The first ${EDITS.toLocaleString("en-US")} edits of the trace come to a second replica as changes that are signed ` +
    `each: one after the other by \`document.receive\`, which verifies every signature; and all by \`document.receiveAll\`, which takes in ` +
    `a few hundred at once and verifies, on all cores, the last signature among them, since it vouches for the changes that it is linked ` +
    `to; the hash of every change is checked, and signatures that were not looked at are dropped. The yardstick is a bare loop of as many ` +
    `\`crypto.verify\` calls on one thread.`,
  metrics: [MILLISECONDS],
  jobs(plan) {
    const on = mainTrace(plan);
    return [
      { subject: "ours", on },
      { subject: PARALLEL, on },
      yardstick("verify loop", on, scaled(EDITS, plan)),
    ];
  },
  async measure(job, plan) {
    if (isYardstick(job)) return measureYardstick(job, plan);
    const { openText, typeSigned } = await import("../subjects/ours.ts");
    if (job.subject === PARALLEL && parallel(openText()) === null) return [];
    const whole = firstOf(traceOf(job.on, plan), scaled(EDITS, plan));
    const part = firstOf(whole, Math.ceil(whole.edits.length / 10));
    const author = openText();
    const groups = whole.edits.map((edit) => typeSigned(author, edit));
    const receive = async (document: OurText, count: number): Promise<number> => {
      if (job.subject !== PARALLEL) {
        return timedInSlices(count, (from, to) => {
          for (let i = from; i < to; i++) document.receive(groups[i]!, "bench");
        });
      }
      const some = groups.slice(0, count);
      const start = performance.now();
      await parallel(document)!.receiveAll(some, "bench");
      return performance.now() - start;
    };
    return samplesOf(plan, async (share) => {
      const { edits, end } = share < 1 ? part : whole;
      let document!: OurText;
      const opening = timed(() => (document = openText(1)));
      const time = opening + (await receive(document, edits.length));
      expectEqual(document.history.length, edits.length, "applied changes");
      expectEqual(document.root.text.toString(), end, "the text");
      return { time };
    });
  },
};
