import { afterEach, describe, expect, test, vi } from "vitest";
import { lineOf, triedVerdicts } from "../../test/deliveries.ts";
import { entryOf, flipped, forge, groupOf, person } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import type { Choices } from "../../test/random-edits.ts";
import { documentId, encodeGroup } from "../change/index.ts";
import { nodeBackend } from "../crypto/backend-node.ts";
import { MAX_GROUP_BYTES } from "../limits.ts";
import { AheadVerifier } from "./group-ahead.ts";
import type { GroupAhead } from "./group-ahead.ts";
import { History } from "./history.ts";
import type { ReceivedGroup } from "./received.ts";
import type { HistoryLimits } from "./history-limits.ts";

const DOCUMENT = documentId("group-ahead");

afterEach(() => {
  vi.restoreAllMocks();
});

function newHistory(limits: Partial<HistoryLimits> = {}): History {
  return new History({ document: DOCUMENT, limits });
}

/** Signatures that were verified, beside the main thread and on it. */
function watched(): { readonly ahead: string[]; readonly here: string[] } {
  const [ahead, here]: [string[], string[]] = [[], []];
  const { verifyMany, verify } = nodeBackend;
  const nameOf = (signature: Uint8Array): string => Buffer.from(signature).toString("hex");
  vi.spyOn(nodeBackend, "verifyMany").mockImplementation((checks) => {
    ahead.push(...checks.map(({ signature }) => nameOf(signature)));
    return verifyMany(checks);
  });
  vi.spyOn(nodeBackend, "verify").mockImplementation((signature, message, key) => {
    here.push(nameOf(signature));
    return verify(signature, message, key);
  });
  return { ahead, here };
}

/** As a relay does: some are begun long before they are received, some just before, some not at all, some for nothing. */
async function receiveSome(
  history: History,
  groups: readonly Uint8Array[],
  choices: Choices,
): Promise<ReceivedGroup[]> {
  const verifier = new AheadVerifier();
  const begun = new Map<number, GroupAhead>();
  const received: ReceivedGroup[] = [];
  for (const [at, group] of groups.entries()) {
    while (choices.oneIn(2)) {
      const other = Math.min(groups.length - 1, at + choices.below(12));
      if (choices.oneIn(4)) verifier.begin(history, groups[other]!).release();
      else if (!begun.has(other)) begun.set(other, verifier.begin(history, groups[other]!));
    }
    const ahead = begun.get(at);
    await ahead?.verified;
    const verified = ahead?.group ?? null;
    received.push(
      verified === null
        ? history.receive(group, "peer")
        : history.receiveVerified(verified, "peer"),
    );
    ahead?.release();
  }
  return received;
}

describe("groups that are verified ahead each for itself", () => {
  test("get the verdicts of being received without that, whatever a liar sends", async () => {
    const seen = await triedVerdicts(DOCUMENT, 60, receiveSome);
    // The property says something about each of these.
    expect(seen).toEqual(
      expect.arrayContaining(["applied", "bad_signature", "duplicate", "pending", "over_quota"]),
    );
  });

  test("have each signature verified once, however many of them hold it", async () => {
    const changes = lineOf(DOCUMENT, 6);
    const { ahead, here } = watched();
    const history = newHistory();
    const verifier = new AheadVerifier();
    const bad = flipped(changes[5]!.signature, 9);
    const groups = [
      groupOf(changes.slice(0, 4)),
      groupOf(changes.slice(2, 5)),
      changes[3]!.group,
      encodeGroup([{ ...entryOf(changes[5]!), signature: bad }]),
      encodeGroup([entryOf(changes[4]!), { ...entryOf(changes[5]!), signature: bad }]),
    ].map((group) => ({ ahead: verifier.begin(history, group), group }));
    // Of each chain the last is enough, if none has to wait; what the second group goes on from may never be applied.
    expect(groups.map((one) => one.ahead.signatures)).toEqual([1, 2, 0, 1, 0]);
    expect(verifier.signatures).toBe(4);
    expect(groups.map((one) => one.ahead.group)).toEqual([null, null, null, null, null]);
    // The last one is done first; it needs what the others find out.
    await groups.at(-1)!.ahead.verified;
    expect(groups.at(-1)!.ahead.group).not.toBeNull();
    const received: ReceivedGroup[] = [];
    for (const one of groups) {
      await one.ahead.verified;
      received.push(history.receiveVerified(one.ahead.group!, "peer"));
      one.ahead.release();
    }
    expect(received.map(({ code }) => code)).toEqual([
      undefined,
      undefined,
      undefined,
      "bad_signature",
      "bad_signature",
    ]);
    expect(history.length).toBe(5);
    expect(ahead).toHaveLength(4);
    expect(new Set(ahead).size).toBe(4);
    expect(here).toEqual([]);
    expect(verifier.signatures).toBe(0);
  });

  test("have those looked at that others seemed to vouch for when one is bad, beside the main thread, and once", async () => {
    const changes = lineOf(DOCUMENT, 20);
    const { ahead, here } = watched();
    const history = newHistory();
    const verifier = new AheadVerifier();
    const entries = changes.map((change) => entryOf(change));
    entries[19] = { ...entries[19]!, signature: flipped(changes[19]!.signature, 9) };
    const first = verifier.begin(history, encodeGroup(entries));
    // It needs what the first one finds out, and more: what it goes on from may never be applied.
    const second = verifier.begin(history, encodeGroup(entries.slice(10)));
    expect([first.signatures, second.signatures, verifier.signatures]).toEqual([1, 9, 10]);
    await Promise.all([first.verified, second.verified]);
    expect([first.signatures, second.signatures, verifier.signatures]).toEqual([20, 9, 0]);
    expect(ahead).toHaveLength(29);
    const received = history.receiveVerified(first.group!, "peer");
    expect([received.code, received.applied.length]).toEqual(["bad_signature", 19]);
    expect(history.receiveVerified(second.group!, "peer").code).toBe("bad_signature");
    expect(here).toEqual([]);
  });

  test("have those looked at that only stand where something is vouched for", async () => {
    const [first, second] = lineOf(DOCUMENT, 2) as [Forged, Forged];
    const rival = forge({ document: DOCUMENT, author: person(0), time: 77 });
    const { ahead, here } = watched();
    const history = newHistory();
    const one = new AheadVerifier().begin(history, groupOf([first, rival, second]));
    expect(one.signatures).toBe(2);
    await one.verified;
    expect(history.receiveVerified(one.group!, "peer").applied).toHaveLength(3);
    expect([ahead.length, here.length]).toEqual([2, 0]);
  });

  test("have one looked at where they go on from each other, and each where they have to wait", async () => {
    const changes = lineOf(DOCUMENT, 40);
    const runs = [0, 10, 20, 30].map((at) => groupOf(changes.slice(at, at + 10)));
    for (const [skipped, signatures] of [
      [0, [1, 1, 1, 1]],
      // Of what is not there all the rest has to wait for.
      [1, [10, 10, 10]],
    ] as const) {
      const { ahead, here } = watched();
      const history = newHistory();
      const verifier = new AheadVerifier();
      const groups = runs.slice(skipped).map((run) => verifier.begin(history, run));
      expect(groups.map((one) => one.signatures)).toEqual(signatures);
      const statuses: string[] = [];
      for (const one of groups) {
        await one.verified;
        statuses.push(history.receiveVerified(one.group!, "peer").status);
        one.release();
      }
      expect(new Set(statuses)).toEqual(new Set([skipped === 0 ? "applied" : "pending"]));
      expect(here).toEqual([]);
      expect(ahead).toHaveLength(signatures.reduce((sum: number, each) => sum + each, 0));
      // Nothing goes on from what was released and waits.
      const next = forge({ document: DOCUMENT, author: person(0), prev: changes[39]! });
      const last = forge({ document: DOCUMENT, author: person(0), prev: next });
      const later = verifier.begin(history, groupOf([next, last]));
      expect(later.signatures).toBe(skipped === 0 ? 1 : 2);
      await later.verified;
      later.release();
      vi.restoreAllMocks();
    }
  });

  test("have each looked at also when it is another author's change that is not there", async () => {
    const [first] = lineOf(DOCUMENT, 1);
    const [unknown] = lineOf(DOCUMENT, 1, person(1));
    const next = { document: DOCUMENT, author: person(0), prev: first! };
    for (const [links, signatures] of [
      [{}, 1],
      [{ parents: [unknown!] }, 2],
      [{ refs: [unknown!] }, 2],
    ] as const) {
      const verifier = new AheadVerifier();
      const group = verifier.begin(newHistory(), groupOf([first!, forge({ ...next, ...links })]));
      expect(group.signatures).toBe(signatures);
      await group.verified;
      // It is there when it stands before them, whoever has made it.
      const whole = groupOf([unknown!, first!, forge({ ...next, ...links })]);
      const other = new AheadVerifier().begin(newHistory(), whole);
      expect(other.signatures).toBe(2);
      await other.verified;
    }
  });

  test("keep what was found out as long as one of them holds it, and no longer", async () => {
    const [change] = lineOf(DOCUMENT, 1);
    const { ahead } = watched();
    const history = newHistory();
    const verifier = new AheadVerifier();
    const [first, second] = [0, 1].map(() => verifier.begin(history, change!.group));
    first!.release();
    await first!.verified;
    const third = verifier.begin(history, change!.group);
    // What is known already need not be waited for.
    expect([third.signatures, third.group === null]).toEqual([0, false]);
    expect(ahead).toHaveLength(1);
    second!.release();
    third.release();
    expect(verifier.begin(history, change!.group).signatures).toBe(1);
    expect(ahead).toHaveLength(2);
  });

  test("are done at once when there is nothing to verify, whatever they are", () => {
    const [applied, waiting] = lineOf(DOCUMENT, 3).filter((_, i) => i !== 1) as [Forged, Forged];
    const history = newHistory();
    for (const { group } of [applied, waiting]) history.receive(group, "peer");
    const foreign = forge({ document: documentId("elsewhere"), author: person(0) });
    const { ahead } = watched();
    const verifier = new AheadVerifier();
    for (const group of [
      applied.group,
      waiting.group,
      foreign.group,
      encodeGroup([entryOf(applied, true)]),
      encodeGroup([{ body: Uint8Array.of(7), signature: applied.signature }]),
      Uint8Array.of(0xff),
      new Uint8Array(MAX_GROUP_BYTES + 1),
    ]) {
      const one = verifier.begin(history, group);
      expect([one.signatures, one.group === null]).toEqual([0, false]);
    }
    expect(ahead).toEqual([]);
  });

  test("of another document are verified when they are received by that", async () => {
    const [change] = lineOf(DOCUMENT, 1);
    const elsewhere = new History({ document: documentId("elsewhere") });
    const { here } = watched();
    const verifier = new AheadVerifier();
    const [bad, good] = [
      encodeGroup([{ ...entryOf(change!), signature: flipped(change!.signature, 9) }]),
      change!.group,
    ].map((group) => verifier.begin(elsewhere, group));
    const history = newHistory();
    expect(history.receiveVerified(bad!.group!, "peer").code).toBe("bad_signature");
    expect(history.receiveVerified(good!.group!, "peer").status).toBe("applied");
    expect(here).toHaveLength(2);
  });
});
