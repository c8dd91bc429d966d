/** What a document holds in memory: after a trace, and for each element of a large list. */
import { expectEqual, heldNow, watchWebAssembly } from "../measure.ts";
import { appendTo, digestOf, ModelList, numbersFrom, scattered } from "../model-list.ts";
import { seeded } from "../random.ts";
import { libraryOf, PEERS } from "../subjects/index.ts";
import type { Library, ListDocument } from "../subjects/library.ts";
import { numberOf, scaled, textOf } from "../suite.ts";
import type { Job, Plan, Sample, Suite } from "../suite.ts";
import { firstOf, mainTrace, traceOf } from "../trace.ts";

const SIZE = 1_000_000;
const EACH = "ours, a change per edit";
const PER_SIGNATURE = 100;

/** Lists that others make at random places have so many elements, unless all is asked for: some take minutes. */
const SMALLER = 100_000;

/** Done before the first look, so that compiled code is in memory then. */
const FIRST_EDITS = 2_000;

/** See above. */
export const memory: Suite = {
  name: "memory",
  title: "Memory",
  about:
    "What is in memory with the document minus what was there before, in a fresh process, after a forced garbage " +
    "collection: JavaScript objects, array buffers, and the memory of WebAssembly modules, which only grows. Per " +
    "element means per edit of the trace, or per item of the list.",
  isSteady: true,
  metrics: [
    { name: "heap", title: "held", unit: "bytes" },
    { name: "each", title: "held per element", unit: "bytes" },
  ],
  jobs(plan) {
    const on = mainTrace(plan);
    const list = (subject: string, size: number, place: string): Job => ({
      subject,
      on: `${size.toLocaleString("en-US")} ${place}`,
      parameters: { size, place },
      mostRuns: 2,
      isLong: subject !== "ours",
    });
    const size = scaled(SIZE, plan);
    const smaller = scaled(SMALLER, plan);
    const withLists = ["Yjs", "json-joy", "Loro"];
    return [
      ...["ours", EACH, ...PEERS].map((subject) => ({
        subject,
        on,
        mostRuns: 2,
        isLong: subject === "Automerge",
      })),
      ...["ours", ...withLists].map((subject) => list(subject, size, APPENDED)),
      list("ours", size, SCATTERED),
      ...["ours", ...withLists].map((subject) => list(subject, smaller, SCATTERED)),
    ];
  },
  async measure(job, plan) {
    watchWebAssembly();
    const library = await libraryOf(job.subject === EACH ? "ours" : job.subject);
    if (job.parameters?.["size"] !== undefined) return [measureList(library, job)];
    return [await measureText(library, job, plan)];
  },
};

const APPENDED = "appended";
const SCATTERED = "at random places";

async function measureText(library: Library, job: Job, plan: Plan): Promise<Sample> {
  const { typeInBatches } = await import("../subjects/ours.ts");
  const trace = traceOf(job.on, plan);
  const type = (edits: typeof trace.edits): (() => string) => {
    if (job.subject === EACH) {
      const document = typeInBatches(edits, PER_SIGNATURE);
      return () => document.root.text.toString();
    }
    const document = library.type(edits);
    return () => document.text();
  };
  const first = firstOf(trace, FIRST_EDITS);
  expectEqual(type(first.edits)(), first.end, "the text");
  const before = heldNow();
  const read = type(trace.edits);
  const heap = heldNow() - before;
  expectEqual(read(), trace.end, "the text");
  return { heap, each: heap / trace.edits.length };
}

function measureList(library: Library, job: Job): Sample {
  const size = numberOf(job, "size");
  const edits = textOf(job, "place") === APPENDED ? null : scattered(size, seeded(size));
  const model = new ModelList(edits === null ? numbersFrom(0, size) : []);
  for (const edit of edits ?? []) model.edit(edit);
  const expected = digestOf(model.toArray());
  const make = (count: number): ListDocument => {
    const list = library.list!();
    if (edits === null) appendTo(list, count);
    else list.edit(edits.slice(0, count));
    return list;
  };
  make(FIRST_EDITS);
  const before = heldNow();
  const list = make(size);
  const heap = heldNow() - before;
  expectEqual(digestOf(list.toArray()), expected, "the list");
  return { heap, each: heap / size };
}
