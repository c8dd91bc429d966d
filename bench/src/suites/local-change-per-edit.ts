/** Each edit as a hash-linked change of its own, under a covering signature every 100. */
import { expectEqual, samplesOf, timed, timedInSlices } from "../measure.ts";
import type { OurText } from "../subjects/ours.ts";
import { MILLISECONDS } from "../suite.ts";
import type { Suite } from "../suite.ts";
import { firstOf, mainTrace, traceOf } from "../trace.ts";
import { isYardstick, measureYardstick, yardstick } from "../yardsticks.ts";

const PER_SIGNATURE = 100;

/** See above. */
export const localChangePerEdit: Suite = {
  name: "local-change-per-edit",
  title: "Local: a change per edit",
  about:
    `Each edit is a change of its own: encoded, hashed, linked to the one before by its hash, and applied. ` +
    `\`document.batch\` is called for each ${PER_SIGNATURE} of them and signs once. The yardstick is a bare loop of as ` +
    `many SHA-256 calls (\`crypto.hash\` of 200 bytes).`,
  metrics: [MILLISECONDS],
  jobs(plan) {
    const on = mainTrace(plan);
    const count = traceOf(on, plan).edits.length;
    return [{ subject: "ours", on }, yardstick("SHA-256 loop", on, count)];
  },
  async measure(job, plan) {
    if (isYardstick(job)) return measureYardstick(job, plan);
    const { openText, typeBatch } = await import("../subjects/ours.ts");
    const whole = traceOf(job.on, plan);
    const part = firstOf(whole, Math.ceil(whole.edits.length / 10));
    return samplesOf(plan, async (share) => {
      const { edits, end } = share < 1 ? part : whole;
      let document!: OurText;
      const opening = timed(() => (document = openText()));
      const signatures = Math.ceil(edits.length / PER_SIGNATURE);
      const typing = await timedInSlices(signatures, (from, to) => {
        for (let i = from; i < to; i++) {
          const start = i * PER_SIGNATURE;
          typeBatch(document, edits, start, Math.min(start + PER_SIGNATURE, edits.length));
        }
      });
      const time = opening + typing;
      expectEqual(document.history.length, edits.length, "changes");
      expectEqual(document.root.text.toString(), end, "the text");
      return { time };
    });
  },
};
