/** Very many authors with a few changes each, merged into one replica, and caught up with from there. */
import { expectEqual, samplesOf, timed, timedInSlices } from "../measure.ts";
import { numberOf, scaled } from "../suite.ts";
import type { Suite } from "../suite.ts";

const AUTHORS = [1_000, 10_000];
const CHANGES = 10;

/** So many warm up, whatever the size, for so many milliseconds, of which most go by with strangers. */
const FEW = 1_000;
const WARM_UP = 8_000;

/** More keys than the library remembers. */
const STRANGERS = 4_200;

/** See above. */
export const wide: Suite = {
  name: "wide",
  title: "Wide",
  about:
    `So many authors make ${CHANGES} changes each without hearing of each other, under a signature for each author. ` +
    "All are received by one replica; then an empty one catches up with it through sync sessions. Time and bytes (of " +
    "all frames, both ways) per change: with as many authors again they must not grow. A change costs a tenth of the " +
    "check of an author's key and of a signature. Checked keys are remembered, up to some thousands; so strangers' keys " +
    "are checked in between, untimed.",
  isSteady: true,
  metrics: [
    { name: "merge", title: "merge, per change", unit: "µs" },
    { name: "catchUp", title: "catch-up, per change", unit: "µs" },
    { name: "bytes", title: "catch-up, per change", unit: "bytes" },
  ],
  growth: ["1,000", "10,000"],
  jobs: (plan) =>
    [...new Set(AUTHORS.map((authors) => scaled(authors, plan)))].map((authors) => ({
      subject: "ours",
      on: authors.toLocaleString("en-US"),
      parameters: { authors },
      mostRuns: 2,
    })),
  async measure(job, plan) {
    const { forgetKeys, openText, syncBytes } = await import("../subjects/ours.ts");
    const strangers = scaled(STRANGERS, plan);
    const authors = numberOf(job, "authors");
    const groups = Array.from({ length: authors }, (_, number) => {
      const batch = openText(number).batch((change) => {
        for (let i = 0; i < CHANGES; i++)
          change((doc) => doc.text.append(LETTERS.charAt(i)), { time: null });
      });
      return batch.groups;
    }).flat();
    return samplesOf(
      plan,
      async (share) => {
        const some = groups.slice(0, Math.ceil(authors * share));
        const changes = some.length * CHANGES;
        forgetKeys(strangers);
        const hub = openText(0);
        const merge = await timedInSlices(some.length, (from, to) => {
          for (let i = from; i < to; i++) hub.receive(some[i]!, "bench");
        });
        expectEqual(hub.history.length, changes, "applied changes");
        expectEqual(hub.root.text.length, changes, "characters");
        forgetKeys(strangers);
        const late = openText(0);
        let bytes = 0;
        const catchUp = timed(() => {
          bytes = syncBytes(hub, late);
        });
        expectEqual(late.viewDigest(), hub.viewDigest(), "digests");
        return {
          merge: (merge * 1_000) / changes,
          catchUp: (catchUp * 1_000) / changes,
          bytes: bytes / changes,
        };
      },
      { warmUp: WARM_UP, part: Math.min(1, FEW / authors), most: 2 },
    );
  },
};

const LETTERS = "abcdefghij";
