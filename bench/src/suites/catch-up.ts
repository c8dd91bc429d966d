/** A whole history in bulk, through covering signatures, into an empty replica. */
import { expectEqual, samplesOf, timed, timedInSlices } from "../measure.ts";
import type { OurText } from "../subjects/ours.ts";
import { MILLISECONDS } from "../suite.ts";
import type { Suite } from "../suite.ts";
import { firstOf, mainTrace, traceOf } from "../trace.ts";
import { isYardstick, measureYardstick, yardstick } from "../yardsticks.ts";

/** Changes in a group at most (a bound of the wire format). */
const PER_GROUP = 1_024;

/** See above. */
export const catchUp: Suite = {
  name: "catch-up",
  title: "Catch-up",
  about:
    `The whole trace, a change per edit, comes to an empty replica as another one sends it to those who have nothing: ` +
    `closed groups of up to ${PER_GROUP.toLocaleString("en-US")} changes under covering signatures. Each change is ` +
    `decoded, hashed, checked against all rules and applied. The yardsticks are a bare loop of as many SHA-256 calls, ` +
    `and one of as many signature checks (timed for 20,000 of them).`,
  metrics: [MILLISECONDS],
  jobs(plan) {
    const on = mainTrace(plan);
    const count = traceOf(on, plan).edits.length;
    return [
      { subject: "ours", on },
      yardstick("SHA-256 loop", on, count),
      yardstick("verify loop", on, count),
    ];
  },
  async measure(job, plan) {
    if (isYardstick(job)) return measureYardstick(job, plan);
    const { openText, typeInBatches } = await import("../subjects/ours.ts");
    const whole = traceOf(job.on, plan);
    const part = firstOf(whole, Math.ceil(whole.edits.length / 10));
    const groupsOf = (edits: typeof whole.edits): Uint8Array[] => {
      const { history } = typeInBatches(edits, PER_GROUP);
      return history.groupsFor(history.missingFor([]));
    };
    const [all, some] = [groupsOf(whole.edits), groupsOf(part.edits)];
    return samplesOf(plan, async (share) => {
      const { edits, end } = share < 1 ? part : whole;
      const groups = share < 1 ? some : all;
      let document!: OurText;
      const opening = timed(() => (document = openText(1)));
      const receiving = await timedInSlices(groups.length, (from, to) => {
        for (let i = from; i < to; i++) document.receive(groups[i]!, "bench");
      });
      const time = opening + receiving;
      expectEqual(document.history.length, edits.length, "applied changes");
      expectEqual(document.root.text.toString(), end, "the text");
      return { time };
    });
  },
};
