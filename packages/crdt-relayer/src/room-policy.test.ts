/** Whose changes a room takes, and who may come in. */
import {
  changeId,
  decodeGroup,
  documentId,
  encodeGroup,
  generateKeyPair,
  History,
  type KeyPair,
  PendingPool,
  type ReceivedGroup,
  type SignedBody,
  toHex,
} from "bft-json-crdt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openLines, writeLine } from "../test/participant.ts";
import { type Backplane, EmbeddedBackplane, type GroupListener } from "./backplane.ts";
import { MemoryLevel } from "./memory-level.ts";
import { type Member, Room } from "./room.ts";
import { Policies, RoomPolicy } from "./room-policy.ts";

const KEYS = Array.from({ length: 4 }, () => generateKeyPair());
const [A, B, C] = KEYS.map(hexOf) as [string, string, string];

function hexOf({ publicKey }: KeyPair): string {
  return toHex(publicKey);
}

function bodies(group: Uint8Array | null): string[] {
  const entries = group === null ? null : decodeGroup(group);
  return entries?.ok === true ? entries.value.map(({ body }) => toHex(changeId(body))) : [];
}

/** One change by each of these, in one group, each without a dependency. */
function groupBy(...keys: readonly KeyPair[]): { group: Uint8Array; ids: string[] } {
  const entries = keys.flatMap((key) => {
    const decoded = decodeGroup(writeLine(openLines("main", key), "x"));
    return decoded.ok ? decoded.value : [];
  });
  const group = encodeGroup(entries);
  return { group, ids: bodies(group) };
}

const EMPTY = new History({ document: documentId("main") });

describe("a policy", () => {
  it("lets everything through that it has no rules for, as it came", () => {
    const { group } = groupBy(KEYS[0]!, KEYS[1]!);
    for (const policy of [
      new RoomPolicy(),
      new RoomPolicy({ readers: [A], "read-only": false }),
      new RoomPolicy({ authors: [A, B] }),
    ]) {
      const screened = policy.screen(group, EMPTY);
      expect(screened.group).toBe(group);
      expect(screened.refused).toEqual([]);
    }
  });

  it("takes of a group the changes of those who may write, and refuses just the others", () => {
    const { group, ids } = groupBy(KEYS[0]!, KEYS[1]!, KEYS[2]!);
    const { group: rest, refused } = new RoomPolicy({ authors: [A, C] }).screen(group, EMPTY);
    expect(bodies(rest)).toEqual([ids[0], ids[2]]);
    expect(refused.map(({ id, ...how }) => [toHex(id), how])).toEqual([
      [ids[1], { status: "rejected", code: "author_not_allowed", scope: "copy" }],
    ]);
    const none = new RoomPolicy({ authors: [hexOf(KEYS[3]!)] }).screen(group, EMPTY);
    expect([none.group, none.refused.length]).toEqual([null, 3]);
  });

  it("takes what a later signature covers together with that signature", () => {
    const document = openLines("main", KEYS[0]);
    const [first, second] = [1, 2].map(() => decodeGroup(writeLine(document, "x")));
    const [other] = [decodeGroup(groupBy(KEYS[1]!).group)];
    if (!first!.ok || !second!.ok || !other.ok) throw new Error("no groups");
    const covered = { ...first!.value[0]!, signature: null };
    const group = encodeGroup([covered, ...other.value, ...second!.value]);
    const { group: rest, refused } = new RoomPolicy({ authors: [A] }).screen(group, EMPTY);
    const history = new History({ document: documentId("main") });
    expect(history.receive(rest!).applied).toEqual([0, 1]);
    expect(refused).toHaveLength(1);
    expect(new RoomPolicy({ authors: [B] }).screen(group, EMPTY).refused).toHaveLength(2);
  });

  it("takes nothing that is new into a room that is read-only, whoever may write otherwise", () => {
    const { group } = groupBy(KEYS[0]!, KEYS[1]!);
    const history = new History({ document: documentId("main") });
    const policy = new RoomPolicy({ authors: [A], "read-only": true });
    const { refused, ...first } = policy.screen(group, history);
    expect(first.group).toBeNull();
    expect(refused.map(({ code }) => code)).toEqual(["room_read_only", "room_read_only"]);
    // What is there already came in before the rule, and is nothing new.
    history.receive(group);
    expect(policy.screen(group, history)).toEqual({ group, refused: [] });
  });

  it("leaves to the history what cannot be read", () => {
    const policy = new RoomPolicy({ "read-only": true });
    const junk = new Uint8Array([1, 2, 3]);
    expect(policy.screen(junk, EMPTY)).toEqual({ group: junk, refused: [] });
    const odd = encodeGroup([{ body: junk, signature: null }]);
    expect(policy.screen(odd, EMPTY)).toEqual({ group: odd, refused: [] });
    expect(EMPTY.receive(odd).status).toBe("rejected");
  });

  it("asks for a key where there are readers or everywhere, and lets authors read what they write to", () => {
    expect(new RoomPolicy({ authors: [A], "read-only": true }).asksWho).toBe(false);
    expect(new RoomPolicy({ readers: [B] }).asksWho).toBe(true);
    const everywhere = new RoomPolicy({ authors: [A] }, true);
    expect([everywhere.asksWho, everywhere.admits(B)]).toEqual([true, true]);
    const both = new RoomPolicy({ authors: [A], readers: [B] });
    expect([A, B, C].map((key) => both.admits(key))).toEqual([true, true, false]);
  });

  it("says what would be refused, to programs and to people", () => {
    const said = (policy: RoomPolicy): unknown => [policy.announcement, policy.summary];
    expect(said(new RoomPolicy({ readers: [A] }))).toEqual([{}, null]);
    expect(said(new RoomPolicy({ authors: [A], "read-only": true }))).toEqual([
      { readOnly: true },
      "read-only: no changes are taken",
    ]);
    expect(said(new RoomPolicy({ authors: [A] }))).toEqual([
      { authors: [A] },
      "only one author may write",
    ]);
    expect(said(new RoomPolicy({ authors: [A, B] }))).toEqual([
      { authors: [A, B] },
      "only 2 authors may write",
    ]);
  });
});

describe("the policies of all rooms", () => {
  const main = documentId("main");
  const other = documentId("other");
  const authenticate = false;

  it("go by the document, whether its rules stand under its name or its id", () => {
    for (const name of ["main", toHex(main)]) {
      const policies = new Policies({ rooms: { [name]: { "read-only": true } }, authenticate });
      expect([policies.of(main).takesAll, policies.of(other).takesAll]).toEqual([false, true]);
    }
  });

  it("stay the same objects where nothing has changed, and only there", () => {
    const policies = new Policies({ rooms: { main: { authors: [A] } }, authenticate });
    const before = [policies.of(main), policies.of(other)];
    policies.replace({ rooms: { main: { authors: [A] }, third: { readers: [B] } }, authenticate });
    expect(policies.of(main)).toBe(before[0]);
    expect(policies.of(other)).toBe(before[1]);
    policies.replace({ rooms: { main: { authors: [A, B] } }, authenticate });
    expect(policies.of(main)).not.toBe(before[0]);
    expect(policies.of(other)).toBe(before[1]);
    policies.replace({ rooms: {}, authenticate: true });
    expect(policies.of(main)).toBe(policies.of(other));
    expect(policies.of(other).asksWho).toBe(true);
    expect(policies.of(other)).not.toBe(before[1]);
  });
});

/** A history that several have written while they read one another, and each change of it with its signature. */
interface Written {
  readonly history: History;
  readonly entries: readonly SignedBody[];
}

/** In each step somebody writes, or reads all that another has. */
function written(steps: readonly { who: number; from: number }[]): Written {
  const documents = KEYS.map((key) => openLines("main", key));
  const history = new History({ document: documentId("main") });
  const entries: SignedBody[] = [];
  for (const { who, from } of steps) {
    const [document, other] = [documents[who]!, documents[from]!];
    if (who === from) {
      const group = writeLine(document, `${who}`);
      history.receive(group);
      const decoded = decodeGroup(group);
      if (decoded.ok) entries.push(...decoded.value);
    } else {
      const all = Array.from({ length: other.history.length }, (_, index) => index);
      for (const group of other.history.groupsFor(all)) document.receive(group);
    }
  }
  return { history, entries };
}

const NOBODY: Member = {
  peer: "peer",
  kind: "program",
  acknowledge: () => undefined,
  push: () => undefined,
  tell: () => undefined,
  await: () => undefined,
};

async function roomWith(
  policy: RoomPolicy,
  outcomes: ReceivedGroup[],
  backplane: Pick<Backplane, "open"> = new EmbeddedBackplane(new MemoryLevel()),
): Promise<Room> {
  const bounds = 1_000_000_000;
  const room = await Room.load(
    documentId("main"),
    backplane,
    {
      received: (outcome) => outcomes.push(outcome),
      storingFailed: (error) => {
        throw error;
      },
    },
    {
      settings: {
        roomPendingBytes: bounds,
        peerPendingBytes: bounds,
        authorPendingBytes: bounds,
        exposedPendingBytes: bounds,
      },
      pool: new PendingPool(bounds),
      policy,
    },
  );
  if (!room.ok) throw new Error(room.error.detail);
  return room.value;
}

/** What a room may hold: of what came, all that those may write who do, if what it builds on is there. */
function naive(
  history: History,
  came: readonly number[],
  may: ReadonlySet<string>,
  held: Set<number>,
): void {
  for (const index of [...came].sort((a, b) => a - b)) {
    const author = toHex(history.authorAt(index));
    if (may.has(author) && history.dependencies(index).every((before) => held.has(before)))
      held.add(index);
  }
}

describe("a room with rules", () => {
  const who = fc.subarray(KEYS.map(hexOf), { minLength: 1 });
  const person = fc.nat(KEYS.length - 1);
  const steps = fc.array(fc.record({ who: person, from: person }), { maxLength: 40 });

  it("holds exactly the changes of those who may write, in whatever groups and order they come, also when the rules change", async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        who,
        who,
        fc.infiniteStream(fc.nat(9_999)),
        async (seed, first, second, stream) => {
          const next = (bound: number): number => (stream.next().value ?? 0) % bound;
          const { history, entries } = written(seed);
          const indexes = Array.from({ length: history.length }, (_, index) => index);
          const held = new Set<number>();
          const outcomes: ReceivedGroup[] = [];
          const room = await roomWith(new RoomPolicy({ authors: first }), outcomes);
          for (const [round, authors] of [first, second].entries()) {
            room.rule(new RoomPolicy({ authors }));
            const came = indexes.filter(() => round === 1 || next(4) > 0);
            const waiting = came.map((index) => ({ index, at: next(1_000) }));
            waiting.sort((a, b) => a.at - b.at);
            while (waiting.length > 0) {
              const part = waiting.splice(0, 1 + next(5)).sort((a, b) => a.index - b.index);
              const group = encodeGroup(part.map(({ index }) => entries[index]!));
              expect(room.receive(group, NOBODY).results).toHaveLength(part.length);
            }
            naive(history, came, new Set(authors), held);
            const ids = indexes.filter((index) => room.history.indexOf(history.idAt(index)) >= 0);
            expect(ids).toEqual([...held].sort((a, b) => a - b));
            expect(room.history.length).toBe(held.size);
          }
          await room.settled();
          room.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes what has come into the log by another relay, and what is there when it is loaded", async () => {
    const level = new MemoryLevel();
    let deliver: GroupListener = () => {
      throw new Error("nobody follows");
    };
    const shared: Pick<Backplane, "open"> = {
      open: (document) => ({
        ...new EmbeddedBackplane(level).open(document),
        follow: (listener) => {
          deliver = listener;
        },
      }),
    };
    const [early, late] = [groupBy(KEYS[1]!), groupBy(KEYS[2]!)];
    const before = await roomWith(new RoomPolicy(), [], shared);
    before.receive(early.group, NOBODY);
    await before.settled();
    const room = await roomWith(new RoomPolicy({ "read-only": true }), [], shared);
    expect(room.history.length).toBe(1);
    deliver(late.group);
    expect(room.history.length).toBe(2);
    expect(room.receive(groupBy(KEYS[1]!).group, NOBODY).code).toBe("room_read_only");
    expect(room.history.length).toBe(2);
  });

  it("tells of what it refuses and of what it takes, of the same group", async () => {
    const outcomes: ReceivedGroup[] = [];
    const room = await roomWith(new RoomPolicy({ authors: [A] }), outcomes);
    const { group, ids } = groupBy(KEYS[1]!, KEYS[0]!);
    const received = room.receive(group, NOBODY);
    expect(received).toMatchObject({
      status: "rejected",
      code: "author_not_allowed",
      applied: [0],
    });
    expect(received.results.map(({ id, status }) => [toHex(id), status])).toEqual([
      [ids[0], "rejected"],
      [ids[1], "applied"],
    ]);
    expect(outcomes.map(({ status, code, results }) => [status, code, results.length])).toEqual([
      ["rejected", "author_not_allowed", 1],
      ["applied", undefined, 1],
    ]);
    await room.settled();
  });

  it("has nothing wait that its rules refuse, and lets wait, within bounds, what builds on it", async () => {
    const room = await roomWith(new RoomPolicy({ authors: [A] }), []);
    const [mine, theirs] = [openLines("main", KEYS[0]), openLines("main", KEYS[1])];
    const base = writeLine(theirs, "base");
    mine.receive(base);
    const onTop = writeLine(mine, "on top");
    expect(room.receive(base, NOBODY).missing).toEqual([]);
    expect(room.history.pending.count).toBe(0);
    const { status, missing } = room.receive(onTop, NOBODY);
    expect([status, missing.map(toHex)]).toEqual(["pending", bodies(base)]);
    room.receive(base, NOBODY);
    expect([room.history.length, room.history.pending.count]).toEqual([0, 1]);
    // Rules that change forget what the ones before let wait, and nothing else does.
    const wider = new RoomPolicy({ authors: [A, B] });
    room.rule(wider);
    expect(room.history.pending.count).toBe(0);
    room.receive(onTop, NOBODY);
    room.rule(wider);
    room.receive(base, NOBODY);
    expect(room.history.length).toBe(2);
    await room.settled();
  });
});
