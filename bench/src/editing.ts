/** The editing trace: typed locally, received by a second replica, saved and loaded. */
import { Document, documentId, generateKeyPair, struct, text } from "bft-json-crdt";
import { expectEqual, print, timed } from "./measure.ts";
import type { Trace } from "./trace.ts";

const schema = struct({ text: text() });
const id = documentId("bench");

/** Runs one trace through everything that a document does with text; prints as it goes. */
export function editTrace(trace: Trace): void {
  const { edits, end } = trace;
  const report = (name: string, size: number, milliseconds: number): void =>
    print({ name, size, milliseconds, microsecondsPerOp: (milliseconds * 1_000) / size });

  const once = open();
  report(
    "typed as one change",
    edits.length,
    timed(() => {
      once.change((doc) => {
        const { text: target } = doc;
        for (const [position, deleted, inserted] of edits) {
          if (deleted > 0) target.delete(position, deleted);
          if (inserted !== "") target.insert(position, inserted);
        }
      });
    }),
  );
  expectEqual(once.root.text.toString(), end, "the text");

  const each = open();
  report(
    "typed, a signed change per edit",
    edits.length,
    timed(() => {
      for (const [position, deleted, inserted] of edits) {
        each.change(
          ({ text: target }) => {
            if (deleted > 0) target.delete(position, deleted);
            if (inserted !== "") target.insert(position, inserted);
          },
          { time: null },
        );
      }
    }),
  );
  expectEqual(each.root.text.toString(), end, "the text");

  const groups = each.history.groupsFor(each.history.missingFor([]));
  const late = open();
  report(
    "caught up from groups under covers",
    edits.length,
    timed(() => {
      for (const group of groups) late.receive(group, "bench");
    }),
  );
  expectEqual(late.viewDigest(), each.viewDigest(), "digests");

  const sample = Math.min(edits.length, 10_000);
  const live = open();
  const singles = Array.from({ length: sample }, (_, index) => each.history.groupOf(index));
  report(
    "received live, each signature verified",
    sample,
    timed(() => {
      for (const group of singles) live.receive(group, "bench");
    }),
  );
  expectEqual(live.history.length, sample, "applied changes");

  let saved: Uint8Array = new Uint8Array(0);
  report(
    "saved",
    edits.length,
    timed(() => {
      saved = each.save();
    }),
  );
  process.stdout.write(
    `    ${saved.length.toLocaleString("en-US")} bytes for ${edits.length.toLocaleString("en-US")} changes\n`,
  );
  report(
    "loaded, everything verified",
    edits.length,
    timed(() => {
      const loaded = Document.load(saved, { schema, id });
      expectEqual(loaded.ok && loaded.value.root.text.toString(), end, "the loaded text");
    }),
  );
}

function open(): Document<typeof schema> {
  return new Document({ schema, id, keyPair: generateKeyPair() });
}
