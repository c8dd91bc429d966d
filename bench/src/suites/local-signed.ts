/** Each edit as a change of its own with a signature of its own. */
import { expectEqual, samplesOf, timed, timedInSlices } from "../measure.ts";
import type { OurText } from "../subjects/ours.ts";
import { MILLISECONDS, scaled } from "../suite.ts";
import type { Suite } from "../suite.ts";
import { firstOf, mainTrace, traceOf } from "../trace.ts";
import { isYardstick, measureYardstick, yardstick } from "../yardsticks.ts";

const EDITS = 20_000;

/** See above. */
export const localSigned: Suite = {
  name: "local-signed",
  title: "Local: each change signed",
  about:
    `The first ${EDITS.toLocaleString("en-US")} edits of the trace, each made by \`document.change\`, which signs it. ` +
    `The yardstick is a bare loop of as many \`crypto.sign\` calls (Ed25519, a key object, 60 bytes).`,
  metrics: [MILLISECONDS],
  jobs(plan) {
    const on = mainTrace(plan);
    return [{ subject: "ours", on }, yardstick("sign loop", on, scaled(EDITS, plan))];
  },
  async measure(job, plan) {
    if (isYardstick(job)) return measureYardstick(job, plan);
    const { openText, typeSigned } = await import("../subjects/ours.ts");
    const whole = firstOf(traceOf(job.on, plan), scaled(EDITS, plan));
    const part = firstOf(whole, Math.ceil(whole.edits.length / 10));
    return samplesOf(plan, async (share) => {
      const { edits, end } = share < 1 ? part : whole;
      const groups: Uint8Array[] = [];
      let document!: OurText;
      const opening = timed(() => (document = openText()));
      const typing = await timedInSlices(edits.length, (from, to) => {
        for (let i = from; i < to; i++) groups.push(typeSigned(document, edits[i]!));
      });
      const time = opening + typing;
      expectEqual(groups.length, edits.length, "groups");
      expectEqual(document.root.text.toString(), end, "the text");
      return { time };
    });
  },
};
