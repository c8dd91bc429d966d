/** The size of a saved document, and the time from its bytes to visible text. */
import { expectEqual, samplesOf } from "../measure.ts";
import { libraryOf, PEERS } from "../subjects/index.ts";
import type { TextDocument } from "../subjects/library.ts";
import { MILLISECONDS } from "../suite.ts";
import type { Suite } from "../suite.ts";
import { mainTrace, traceOf } from "../trace.ts";
import type { Trace } from "../trace.ts";

/** The subjects that have a change for each edit, and those that are opened by a stranger. */
const PER_EDIT = "ours, a change per edit";
const STRANGER = ", all verified";

const PER_SIGNATURE = 100;

/** See above. */
export const saveLoad: Suite = {
  name: "save-load",
  title: "Save and load",
  about:
    "The document of the whole trace as one change, and of ours also with a change per edit (a signature every " +
    `${PER_SIGNATURE}), as the bytes of a file: with its history, as the library saves it by default. The time runs ` +
    "from these bytes to the text as a string. Ours is opened by the author who saved it: the file is sealed with that key, " +
    "one signature over all of it, and the text is shown before the history is verified, which happens when the history " +
    'is asked for. With "all verified" a stranger opens it, who believes nothing: every hash and signature is ' +
    "checked first. Peers check neither.",
  metrics: [
    { ...MILLISECONDS, title: "load" },
    { name: "size", title: "size", unit: "bytes" },
  ],
  jobs(plan) {
    const on = mainTrace(plan);
    const ours = ["ours", PER_EDIT].flatMap((subject) => [subject, subject + STRANGER]);
    return [...ours, ...PEERS].map((subject) => ({
      subject,
      on,
      // It takes long to make what is saved.
      ...(subject === "Automerge" ? { mostRuns: 1, isLong: true } : {}),
    }));
  },
  async measure({ subject, on }, plan) {
    const trace = traceOf(on, plan);
    const isPerEdit = subject.startsWith(PER_EDIT);
    const isStranger = subject.endsWith(STRANGER);
    const library = await libraryOf(isPerEdit || isStranger ? "ours" : subject);
    const bytes = isPerEdit ? await savePerEdit(trace) : saved(library.type(trace.edits));
    const load = (from: Uint8Array): TextDocument =>
      isStranger ? library.loadAsStranger!(from) : library.load!(from);
    return samplesOf(
      plan,
      () => {
        const start = performance.now();
        const document = load(bytes);
        const text = document.text();
        const time = performance.now() - start;
        expectEqual(text, trace.end, "the loaded text");
        document.free?.();
        return { time, size: bytes.length };
      },
      { part: 1, warmUp: 600 },
    );
  },
};

function saved(document: TextDocument): Uint8Array {
  // A copy: the bytes may lie in memory that is given back.
  const bytes = document.save().slice();
  document.free?.();
  return bytes;
}

async function savePerEdit({ edits }: Trace): Promise<Uint8Array> {
  const { typeInBatches } = await import("../subjects/ours.ts");
  return typeInBatches(edits, PER_SIGNATURE).save();
}
