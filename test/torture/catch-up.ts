/**
 * Catch-up: somebody who was away for so many changes comes back to a relay: with the cursor that it kept, without one, and
 * with one that is of no use any more, since the relay's store was lost, or put back from an older backup, or since it
 * is another relay.
 */
import type { Cursor, LevelLike } from "bft-json-crdt";
import { createRelay, type Relay } from "crdt-relayer";
import { MAX_LISTED_HEADS } from "../../packages/bft-json-crdt/src/sync/bounds.ts";
import { MemoryLevel } from "../../packages/crdt-relayer/src/memory-level.ts";
import { type Lines, openLines } from "../../packages/crdt-relayer/test/participant.ts";
import { Client, poll } from "./client.ts";
import { bytes, type Context, type Part, whole } from "./part.ts";

/** How many changes somebody missed. */
const MISSED = [0, 1, 1_000, 100_000] as const;

/** The changes come from so many authors, who do not see one another's: as many chains, and as many heads. */
const CHAINS = 2_000;

/** Changes of each author that somebody has already. */
const BASE_PER_CHAIN = 2;

/** Changes made before others have a turn. */
const STEP = 500;

const COLUMNS = [
  "missed:",
  "comes back",
  "recovered",
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
    `Somebody with ${whole(BASE_PER_CHAIN * CHAINS)} changes by ${whole(CHAINS)} authors was away for so many more. No author has seen another's changes: ` +
    `${whole(CHAINS)} chains, and as many heads. The cursor is what the relay told before. "Epoch changed": its store is a new one, to which all was brought ` +
    'again. "Retention gap": its store was put back from a backup of half of what the cursor stands for, and then grew otherwise. "Other relay": ' +
    "it has the changes by another way, in another order. Frames and bytes are WebSocket messages without their headers, seen from the client: the " +
    "join, the protocol and the changes (out: what the client sends). A round trip is a time at which the client speaks after it has heard something.",
  run: (context) => catchUpAfter(context, MISSED, CHAINS),
};

/** A store in memory that can be backed up. */
class BackedLevel extends MemoryLevel {
  readonly #written: Parameters<LevelLike["batch"]>[0] = [];

  override batch(operations: Parameters<LevelLike["batch"]>[0]): Promise<void> {
    for (const operation of operations) this.#written.push(operation);
    return super.batch(operations);
  }

  async backup(): Promise<BackedLevel> {
    const copy = new BackedLevel();
    await copy.batch([...this.#written]);
    return copy;
  }
}

/** Lets somebody miss so many changes of so many chains, each number in a room of its own. */
export async function catchUpAfter(
  context: Context,
  missed: readonly number[],
  chains: number,
): Promise<void> {
  const rows: string[][] = [];
  try {
    for (const count of missed) {
      if (context.signal.aborted) break;
      await compare(context, count, chains, rows);
    }
  } finally {
    context.findings.table(COLUMNS, rows);
  }
}

/** One way to come back. */
interface Way {
  readonly name: string;
  readonly relay: Relay;
  readonly cursor?: Cursor;
  readonly mayRecover: boolean;
}

async function compare(
  context: Context,
  missed: number,
  chains: number,
  rows: string[][],
): Promise<void> {
  const room = `catch-up ${missed}`;
  const store = new BackedLevel();
  const relays: Relay[] = [];
  const start = async (level: BackedLevel): Promise<Relay> => {
    const relay = await createRelay({ port: 0 }, { openStore: () => Promise.resolve(level) });
    relays.push(relay);
    return relay;
  };
  try {
    const authors = Array.from({ length: chains }, () => openLines(room));
    const [early, late] = [authors.slice(0, chains / 2), authors.slice(chains / 2)];
    await write(context, authors, BASE_PER_CHAIN * chains, "base");
    const base = union(room, authors);
    const same = await start(store);
    const earlyBase = union(room, early);
    await bring(same, room, earlyBase);
    const backup = await store.backup();
    await bring(same, room, base);
    const cursor = await cursorOf(same, room, base);

    await write(context, authors, missed, "missed");
    const all = union(room, authors);
    const lateOnly = union(room, late.toReversed());
    await bring(same, room, all);
    const [renewed, restored, other] = [
      await start(new BackedLevel()),
      await start(backup),
      await start(new BackedLevel()),
    ];
    for (const document of [base, all]) await bring(renewed, room, document);
    for (const document of [lateOnly, all]) await bring(other, room, document);
    await bring(restored, room, lateOnly);
    await bring(restored, room, all, earlyBase.history.length);
    const ways: readonly Way[] = [
      { name: "with its cursor", relay: same, cursor, mayRecover: true },
      { name: "without a cursor", relay: same, mayRecover: false },
      { name: "epoch changed", relay: renewed, cursor, mayRecover: false },
      { name: "retention gap", relay: restored, cursor, mayRecover: false },
      { name: "other relay", relay: other, cursor, mayRecover: false },
    ];
    await judge(context, ways, { room, base, all }, rows);
  } finally {
    await Promise.all(relays.map((relay) => relay.close()));
  }
}

async function judge(
  { findings }: Context,
  ways: readonly Way[],
  { room, base, all }: { readonly room: string; readonly base: Lines; readonly all: Lines },
  rows: string[][],
): Promise<void> {
  const missed = all.history.length - base.history.length;
  const truth = new Client({ url: () => "", room, document: all }).frontier();
  const sizes: number[] = [];
  let equal = 0;
  let honest = 0;
  for (const { name, relay, cursor, mayRecover } of ways) {
    const document = copyOf(room, base);
    const options = { url: () => relay.url, room, document };
    const client = new Client(cursor === undefined ? options : { ...options, cursor });
    const start = performance.now();
    client.open();
    await client.until("what was missed", () => client.isSynced);
    const ms = performance.now() - start;
    if (client.frontier() === truth) equal++;
    if ((client.recovered ?? false) === mayRecover) honest++;
    const { framesOut, framesIn, bytesOut, bytesIn, turns } = client.traffic;
    sizes.push(bytesOut + bytesIn);
    rows.push([
      whole(missed),
      name,
      client.recovered === null ? "–" : client.recovered ? "yes" : "no",
      whole(framesOut),
      whole(framesIn),
      bytes(bytesOut),
      bytes(bytesIn),
      missed === 0 ? "–" : whole((bytesIn + bytesOut) / missed),
      whole(turns),
      whole(ms),
    ]);
    await client.leave();
  }
  const { history } = all;
  const what = `away for ${whole(missed)} changes`;
  findings.expect(
    `${what}: equal frontiers, whatever the cursor`,
    equal === ways.length,
    `${equal} of ${ways.length}; ${whole(history.length)} changes, ${whole(history.frontier().length)} heads`,
  );
  findings.expect(
    `${what}: the relay says that it recovered just when it did`,
    honest === ways.length,
    `${honest} of ${ways.length}`,
  );
  // Few heads are listed, and cost no more than the cursor does.
  if (missed === 0 || history.frontier().length <= MAX_LISTED_HEADS) return;
  const [withCursor = 0, without = 0] = sizes;
  findings.expect(
    `${what}: a cursor saves bytes`,
    withCursor < without,
    `${bytes(without - withCursor)} less`,
  );
}

/** What a relay tells somebody who has all of it. */
async function cursorOf(relay: Relay, room: string, document: Lines): Promise<Cursor> {
  const options = { url: () => relay.url, room, document: copyOf(room, document), cursor: null };
  const client = new Client(options);
  client.open();
  await client.until("a cursor", () => client.cursor?.position === document.history.length);
  await client.leave();
  return client.cursor!;
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

/** Gives a relay what is in a document; so many of its changes the relay had when it started. */
async function bring(relay: Relay, room: string, document: Lines, had = 0): Promise<void> {
  const client = new Client({ url: () => relay.url, room, document: copyOf(room, document) });
  client.open();
  const { length } = document.history;
  await poll("the relay to have all of it", () => {
    return relay.status().changes.applied >= length - had;
  });
  await client.until("both to know", () => client.isSynced);
  await client.leave();
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
