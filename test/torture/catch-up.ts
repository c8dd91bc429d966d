/**
 * Catch-up: somebody who was away for so many changes comes back, once to a relay that saw these as they were made, and
 * once to another one that has them by another way, in another order.
 */
import { createRelay, type Relay } from "crdt-relayer";
import { type Lines, openLines } from "../../packages/crdt-relayer/test/participant.ts";
import { Client, type Traffic } from "./client.ts";
import { bytes, type Context, type Part, whole } from "./part.ts";

/** How many changes somebody missed. */
const MISSED = [0, 1, 1_000, 100_000] as const;

/** Changes that they have already. */
const BASE = 1_000;

/** The changes come from so many authors, who do not see one another's before they are all made. */
const AUTHORS = 4;

/** Changes made before others have a turn. */
const STEP = 500;

const COLUMNS = [
  "missed:",
  "relay",
  "frames out:",
  "frames in:",
  "bytes out:",
  "bytes in:",
  "bytes per change:",
  "round trips:",
  "ms:",
];

export const catchUp: Part = {
  name: "catch-up",
  title: "Catching up",
  about:
    `Somebody with ${whole(BASE)} changes by four authors was away for so many more. "Same" is the relay to which these were sent as they were ` +
    'made; "other" is one that got them author by author, in another order. Frames and bytes are WebSocket messages without their ' +
    "headers, seen from the client: the join, the protocol and the changes (out: what the client sends). A round trip is a time at which the client speaks after it " +
    "has heard something.",
  run: async (context) => {
    const relays = await Promise.all([0, 1].map(() => createRelay({ port: 0, data: ":memory:" })));
    const rows: string[][] = [];
    try {
      for (const missed of MISSED) {
        if (context.signal.aborted) break;
        await compare(context, relays[0]!, relays[1]!, missed, rows);
      }
    } finally {
      context.findings.table(COLUMNS, rows);
      await Promise.all(relays.map((relay) => relay.close()));
    }
  },
};

async function compare(
  context: Context,
  same: Relay,
  other: Relay,
  missed: number,
  rows: string[][],
): Promise<void> {
  const room = `catch-up ${missed}`;
  const authors = Array.from({ length: AUTHORS }, () => openLines(room));
  await write(context, authors, BASE, "base");
  const base = union(room, authors);
  const away = [0, 1].map(() => copyOf(room, base));
  await write(context, authors, missed, "missed");
  const all = union(room, authors);

  // The one as the changes were made, the other author by author and the last one first.
  await bring(same, room, [base, all]);
  await bring(other, room, authors.toReversed());
  const frontiers: string[] = [];
  for (const [name, relay, document] of [
    ["same", same, away[0]!],
    ["other", other, away[1]!],
  ] as const) {
    const client = new Client({ url: () => relay.url, room, document });
    const start = performance.now();
    client.open();
    await client.until("what was missed", () => client.isSynced);
    const ms = performance.now() - start;
    frontiers.push(client.frontier());
    rows.push(rowOf(missed, name, client.traffic, ms));
    await client.leave();
  }
  const { history } = all;
  const truth = new Client({ url: () => "", room, document: all }).frontier();
  context.findings.expect(
    `away for ${whole(missed)} changes: equal frontiers at both relays`,
    frontiers.every((frontier) => frontier === truth),
    `${whole(history.length)} changes, ${history.frontier().length} heads`,
  );
}

/** Changes of all authors in turn; each author sees only their own. */
async function write(
  { progress }: Context,
  authors: readonly Lines[],
  count: number,
  what: string,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    authors[i % authors.length]!.change((doc) => doc.lines.push(`${what} ${i}`));
    if (i % STEP !== 0) continue;
    progress(i, count, "changes to be missed");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Gives a relay what is in each of these documents, one after the other. */
async function bring(relay: Relay, room: string, documents: readonly Lines[]): Promise<void> {
  for (const document of documents) {
    const client = new Client({ url: () => relay.url, room, document: copyOf(room, document) });
    client.open();
    const { length } = document.history;
    await client.until("the relay to have all of it", () => client.acknowledged === length);
    await client.leave();
  }
}

/** A document with all changes of these. */
function union(room: string, documents: readonly Lines[]): Lines {
  const all = openLines(room);
  for (const document of documents) receive(all, document);
  return all;
}

function copyOf(room: string, document: Lines): Lines {
  return union(room, [document]);
}

function receive(to: Lines, { history }: Lines): void {
  const indexes = Array.from({ length: history.length }, (_, i) => i);
  for (const group of history.groupsFor(indexes)) to.receive(group, "copy");
}

function rowOf(missed: number, relay: string, traffic: Traffic, ms: number): string[] {
  const { framesOut, framesIn, bytesOut, bytesIn, turns } = traffic;
  return [
    whole(missed),
    relay,
    whole(framesOut),
    whole(framesIn),
    bytes(bytesOut),
    bytes(bytesIn),
    missed === 0 ? "–" : whole((bytesIn + bytesOut) / missed),
    whole(turns),
    whole(ms),
  ];
}
