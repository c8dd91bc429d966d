/** Signatures beside a cover: they need not be looked at, and so are not kept; whatever falls has them looked at after all. */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { entryOf, flipped, forge, groupOf } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { anyWorld, validOf } from "../../test/history-model.ts";
import { Choices } from "../../test/random-edits.ts";
import {
  ALICE,
  alice,
  appliedIds,
  BOB,
  bob,
  chainOfLength,
  deliver,
  DOCUMENT,
  expectModel,
  newHistory,
  verdicts,
} from "../../test/receiving.ts";
import { encodeGroup } from "../change/index.ts";
import type { SignedBody } from "../change/index.ts";
import { nodeBackend } from "../crypto/backend-node.ts";
import type { History } from "./history.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts signatures that are verified. */
function verifications(): { count(): number } {
  const spy = vi.spyOn(nodeBackend, "verify");
  return { count: () => spy.mock.calls.length };
}

const forgedEntry = (change: Forged): SignedBody => ({
  body: change.body,
  signature: flipped(change.signature, 7),
});

const signedAt = (history: History): boolean[] =>
  Array.from({ length: history.length }, (_, index) => history.signatureAt(index) !== null);

describe("a signature beside a cover", () => {
  it("is not looked at, not kept, and not passed on", () => {
    const line = chainOfLength(20);
    const history = newHistory();
    const verified = verifications();
    const received = deliver(history, groupOf(line));
    expect(received.status).toBe("applied");
    expect(verified.count()).toBe(1);
    expect(signedAt(history)).toEqual([...Array<boolean>(19).fill(false), true]);
    expect(received.isExact).toBe(false);
    expect(history.groupRange(7)).toEqual([0, 20]);
    expectModel(history, line);
    // What goes out is closed: whoever gets it has the same.
    const other = newHistory();
    for (const group of history.groupsFor(received.applied)) deliver(other, group);
    expectModel(other, line);
  });

  it("may be a bad one: the change is as good as its cover", () => {
    const line = chainOfLength(5);
    const history = newHistory();
    deliver(
      history,
      encodeGroup(line.map((change, at) => (at === 2 ? forgedEntry(change) : entryOf(change)))),
    );
    expectModel(history, line);
    expect(signedAt(history)[2]).toBe(false);
    // Neither does it matter that something else has no signature at all.
    const [first, second] = line as [Forged, Forged];
    const other = newHistory();
    const lonely = bob(null);
    const received = deliver(
      other,
      encodeGroup([forgedEntry(first), entryOf(lonely, true), entryOf(second)]),
    );
    expect(received.code).toBe("missing_signature");
    expectModel(other, [first, second]);
  });

  it("is verified for each chain once, however they are mixed", () => {
    const [a, b] = [chainOfLength(10), chainOfLength(10, BOB)];
    const history = newHistory();
    const verified = verifications();
    deliver(history, groupOf(a.flatMap((change, at) => [change, b[at]!])));
    expect(verified.count()).toBe(2);
    expectModel(history, [...a, ...b]);
  });

  it("counts after all when the cover has a bad one, and each is verified once", () => {
    const line = chainOfLength(6);
    const history = newHistory();
    const verified = verifications();
    const received = deliver(
      history,
      encodeGroup(line.map((change, at) => (at === 5 ? forgedEntry(change) : entryOf(change)))),
    );
    expect(verdicts(received).toSorted()).toEqual([
      ...Array<string>(5).fill("applied"),
      "rejected bad_signature copy",
    ]);
    expect(verified.count()).toBe(6);
    expect(signedAt(history)).toEqual(Array(5).fill(true));
    expectModel(history, line.slice(0, 5));
  });

  it("counts after all when the cover has to wait, for the one before it alone", () => {
    const elsewhere = bob(null);
    const line = chainOfLength(6);
    const last = alice(line[5]!, elsewhere);
    const history = newHistory();
    const verified = verifications();
    const received = deliver(history, groupOf([...line, last]));
    expect(verdicts(received)).toEqual([...Array<string>(6).fill("applied"), "pending"]);
    expect(verified.count()).toBe(2);
    expect(signedAt(history)).toEqual([false, false, false, false, false, true]);
    deliver(history, elsewhere.group);
    expectModel(history, [...line, last, elsewhere]);
  });

  it("counts after all when the cover is no valid change, and a bad one is refused then", () => {
    const [first, second] = chainOfLength(2) as [Forged, Forged];
    const wrong = forge({ document: DOCUMENT, author: ALICE, prev: second, lies: { lamport: 9 } });
    const history = newHistory();
    const received = deliver(
      history,
      encodeGroup([entryOf(first), forgedEntry(second), entryOf(wrong)]),
    );
    expect(verdicts(received).toSorted()).toEqual([
      "applied",
      "rejected bad_signature copy",
      "rejected wrong_lamport change",
    ]);
    expect(signedAt(history)).toEqual([true]);
    deliver(history, second.group);
    expectModel(history, [first, second, wrong]);
  });

  it("is looked at before a change waits: what is queued has a good one of its own", () => {
    const line = chainOfLength(4);
    const history = newHistory();
    const rest = line.slice(1);
    const received = deliver(
      history,
      encodeGroup(rest.map((change, at) => (at === 1 ? forgedEntry(change) : entryOf(change)))),
    );
    expect(verdicts(received)).toEqual(["pending", "rejected bad_signature copy", "pending"]);
    expect(received.missing).toHaveLength(2);
    deliver(history, line[0]!.group);
    expect(history.length).toBe(2);
    deliver(history, line[2]!.group);
    expectModel(history, line);
  });

  it("of another author's change, or chain, is looked at: nobody else vouches for it", () => {
    const first = alice(null);
    for (const cover of [
      bob(null, first),
      forge({ document: DOCUMENT, author: BOB, prev: first }),
      forge({ document: DOCUMENT, author: ALICE, chain: 1n, prev: first }),
      forge({ document: DOCUMENT, author: ALICE, prev: first, lies: { seq: 3 } }),
    ]) {
      const history = newHistory();
      const received = deliver(history, encodeGroup([forgedEntry(first), entryOf(cover)]));
      expect(verdicts(received)).toContain("rejected bad_signature copy");
      expect(history.length).toBe(0);
      deliver(history, first.group);
      expect(appliedIds(history)[0]).toBe(first.hex);
    }
  });

  it("does not stand in the way of a good copy behind it, when there is no cover", () => {
    const [first, second] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    const received = deliver(
      history,
      encodeGroup([entryOf(first), forgedEntry(second), entryOf(second)]),
    );
    expect(verdicts(received).toSorted()).toEqual([
      "applied",
      "applied",
      "rejected bad_signature copy",
    ]);
    expectModel(history, [first, second]);
  });

  it("changes nothing in what is applied, whatever is bad, and no signature that is kept is bad", () => {
    let saved = 0;
    const verified = verifications();
    fc.assert(
      fc.property(anyWorld(DOCUMENT, 30), fc.nat(), fc.nat(4), (world, seed, badness) => {
        const choices = new Choices(seed);
        const entries = world.map((change) =>
          badness > 0 && choices.oneIn(3 * badness) ? forgedEntry(change) : entryOf(change),
        );
        const before = verified.count();
        const history = newHistory();
        const received = deliver(history, encodeGroup(entries));
        const looked = verified.count() - before;
        expect(looked).toBeLessThanOrEqual(entries.length);
        saved += entries.length - looked;
        // Whatever was taken is valid, and whatever was not can still come.
        const valid = validOf(DOCUMENT, world);
        for (const hex of appliedIds(history)) expect(valid.has(hex)).toBe(true);
        for (const { code, scope } of received.results)
          if (code === "bad_signature") expect(scope).toBe("copy");
        for (let index = 0; index < history.length; index++) {
          const signature = history.signatureAt(index);
          const change = valid.get(appliedIds(history)[index]!)!;
          if (signature !== null) expect(signature).toEqual(change.signature);
        }
        for (const change of world) deliver(history, change.group);
        expectModel(history, world);
      }),
      { numRuns: 200 },
    );
    expect(saved).toBeGreaterThan(500);
  });
});
