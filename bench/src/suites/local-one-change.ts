/** Each trace typed into a new document as one change, like the peers do it. */
import { expectEqual, samplesOf } from "../measure.ts";
import { libraryOf, PEERS, PLAIN } from "../subjects/index.ts";
import { MILLISECONDS } from "../suite.ts";
import type { Suite } from "../suite.ts";
import { firstOf, traceNames, traceOf } from "../trace.ts";

/** What can take ten seconds and more runs so often. */
const MOST_SLOW_RUNS = 2;
const SLOW = new Set(["Automerge", "plain string"]);

/** See above. */
export const localOneChange: Suite = {
  name: "local-one-change",
  title: "Local: one change",
  about:
    "Each editing trace is typed into a new document as one change (one transaction, commit or patch of the peer). " +
    "The time runs from the opening of the document until its text has been read as a string, which must be the " +
    "end of the trace. A gap buffer (an array with a hole at the cursor) and a plain JavaScript string do the same " +
    "edits without being a CRDT or having a history.",
  metrics: [MILLISECONDS],
  jobs: (plan) =>
    traceNames(plan).flatMap((on) =>
      ["ours", ...PEERS, ...PLAIN].map((subject) => ({
        subject,
        on,
        ...(SLOW.has(subject) ? { mostRuns: MOST_SLOW_RUNS, isLong: true } : {}),
      })),
    ),
  async measure({ subject, on }, plan) {
    const library = await libraryOf(subject);
    const whole = traceOf(on, plan);
    const part = firstOf(whole, Math.ceil(whole.edits.length / 10));
    return samplesOf(plan, (share) => {
      const { edits, end } = share < 1 ? part : whole;
      const start = performance.now();
      const document = library.type(edits);
      const text = document.text();
      const time = performance.now() - start;
      expectEqual(text, end, "the text");
      document.free?.();
      return { time };
    });
  },
};
