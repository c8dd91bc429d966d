import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { documentId } from "../src/change/index.ts";
import { generateKeyPair } from "../src/crypto/index.ts";
import { Document } from "../src/document/index.ts";
import type { TextSchema } from "../src/schema/index.ts";
import { text } from "../src/schema/index.ts";
import { NaiveDocument } from "./naive-document.ts";
import { Choices } from "./random-edits.ts";
import { bodiesOf } from "./trial.ts";

/** Editing histories of others: they are not part of the project, and are used where somebody has put them. */
const TRACES = new URL("../../../../shared/traces/", import.meta.url);
const FRIENDS = new URL("friendsforever_concurrent.json.gz", TRACES);

const ID = documentId("traces");

/** What two people typed; positions in a patch are those of the merged state of the parents. */
interface Trace {
  readonly endContent: string;
  readonly txns: readonly Txn[];
}
interface Txn {
  readonly parents: readonly number[];
  readonly agent: number;
  readonly patches: readonly (readonly [position: number, deleted: number, inserted: string])[];
}

type TextDocument = Document<TextSchema>;

function openFor(agent: number): TextDocument {
  const keyPair = generateKeyPair(new Uint8Array(32).fill(1 + agent));
  return new Document({ schema: text(), id: ID, keyPair, chain: 0n });
}

function openReader(): TextDocument {
  // Shuffled, nearly everything waits for something.
  const limits = { pendingBytesPerPeer: 2 ** 26, pendingBytesPerAuthor: 2 ** 26 };
  return new Document({ schema: text(), id: ID, limits });
}

/** How many transactions of each agent the ancestry of each transaction holds, itself included. */
function ancestryOf({ txns }: Trace): [number, number][] {
  const ancestry: [number, number][] = [];
  const made: [number, number] = [0, 0];
  for (const { parents, agent } of txns) {
    const known: [number, number] = [0, 0];
    for (const parent of parents) {
      for (const a of [0, 1] as const) known[a] = Math.max(known[a], ancestry[parent]![a]);
    }
    // So one document for each agent is enough: it always holds the ancestry of what is typed next, and no more.
    if (known[agent as 0 | 1] !== made[agent as 0 | 1])
      throw new Error("an agent forgets what it did");
    known[agent as 0 | 1] = ++made[agent as 0 | 1];
    ancestry.push(known);
  }
  return ancestry;
}

/** Types a trace into two documents; each receives just what a transaction builds on before it is typed. */
function replay(trace: Trace): { documents: [TextDocument, TextDocument]; live: Uint8Array[] } {
  const documents: [TextDocument, TextDocument] = [openFor(0), openFor(1)];
  const rows: [number[], number[]] = [[], []];
  const received: [number, number] = [0, 0];
  const live: Uint8Array[] = [];
  const deliver = (to: 0 | 1, count: number): void => {
    const from = to === 0 ? 1 : 0;
    if (count <= received[to]) return;
    for (const group of documents[from].history.groupsFor(rows[from].slice(received[to], count))) {
      if (documents[to].receive(group).status !== "applied") throw new Error("a delivery failed");
    }
    received[to] = count;
  };
  const ancestry = ancestryOf(trace);
  trace.txns.forEach(({ agent, patches }, i) => {
    const me = agent as 0 | 1;
    deliver(me, ancestry[i]![me === 0 ? 1 : 0]);
    const change = documents[me].change(
      (doc) => {
        for (const [position, deleted, inserted] of patches)
          doc.replace(position, deleted, inserted);
      },
      { time: null },
    );
    rows[me].push(change.indexes[0]!);
    live.push(change.bytes);
  });
  for (const me of [0, 1] as const) deliver(me, rows[me === 0 ? 1 : 0].length);
  return { documents, live };
}

/** Replays a trace and delivers it to others in orders of all sorts; the text must be the same everywhere. */
function expectTrace(trace: Trace): void {
  const { documents, live } = replay(trace);
  for (const document of documents) expect(document.view()).toBe(trace.endContent);

  const choices = new Choices(7);
  const one = openReader();
  const twice = live.filter(() => choices.oneIn(4));
  for (const group of choices.shuffle([...live, ...twice])) one.receive(group);

  const { history } = documents[0];
  const groups = history.groupsFor(history.missingFor([]));
  const bundled = openReader();
  for (const group of groups) bundled.receive(group);
  // Unsigned parts of a group are not queued, so that groups out of order have to come again.
  const shuffled = openReader();
  for (const group of [...choices.shuffle(groups), ...groups]) shuffled.receive(group);
  for (const reader of [one, bundled, shuffled]) {
    expect(reader.view()).toBe(trace.endContent);
    expect(reader.frontier()).toEqual(documents[0].frontier());
    expect(reader.history.pending.count).toBe(0);
  }
}

/** Two people who type into one text and hear of each other now and then. */
function typedTrace(length: number): Trace {
  const documents: [TextDocument, TextDocument] = [openFor(0), openFor(1)];
  const choices = new Choices(1);
  const txns: Txn[] = [];
  const heads: [number[], number[]] = [[], []];
  const cursors = [0, 0];
  for (let i = 0; i < length; i++) {
    const me = choices.below(2) as 0 | 1;
    const other = me === 0 ? 1 : 0;
    const document = documents[me];
    if (choices.oneIn(12)) {
      const { history } = documents[other];
      for (const group of history.groupsFor(history.missingFor([]))) document.receive(group);
      heads[me] = [...new Set([...heads[me], ...heads[other]])];
    }
    const size = document.root.length;
    let position = Math.min(cursors[me]!, size);
    if (choices.oneIn(10)) position = choices.below(size + 1);
    const deleted = choices.oneIn(4) ? Math.min(choices.below(4), size - position) : 0;
    const inserted = deleted > 0 ? "" : String.fromCharCode((me === 0 ? 97 : 65) + (i % 26));
    document.change((doc) => doc.replace(position, deleted, inserted), { time: null });
    cursors[me] = position + inserted.length;
    txns.push({ parents: heads[me], agent: me, patches: [[position, deleted, inserted]] });
    heads[me] = [i];
  }
  const [one, other] = documents.map(bodiesOf);
  const bodies = new Map([...one!, ...other!].map((body) => [body.join(), body]));
  const naive = new NaiveDocument(text(), bodies.values());
  return { endContent: naive.view() as string, txns };
}

describe("a text that two people typed together", () => {
  test("of a generated history is the same for everyone, and what the definition says", () => {
    expectTrace(typedTrace(600));
  });

  test.skipIf(!existsSync(fileURLToPath(FRIENDS)))(
    "of 26,078 transactions is the same for everyone, and what it was for them",
    () => {
      expectTrace(JSON.parse(gunzipSync(readFileSync(FRIENDS)).toString()) as Trace);
    },
  );
});
