/** What a history is sent in tests, whether honest or not, and what it made of it. */
import fc from "fast-check";
import { expect } from "vitest";
import { encodeGroup } from "../src/change/index.ts";
import { encodeValue, toHex } from "../src/encoding/index.ts";
import { History } from "../src/history/index.ts";
import type { ReceivedGroup } from "../src/history/index.ts";
import { MAX_GROUP_BYTES } from "../src/limits.ts";
import { coveredGroup, entryOf, flipped, forge, groupOf, person } from "./forge.ts";
import type { Forged } from "./forge.ts";
import { anyWorld } from "./history-model.ts";
import { Choices } from "./random-edits.ts";

/** `count` changes of one author, each on top of the one before. */
export function lineOf(document: Uint8Array, count: number, author = person(0)): Forged[] {
  const changes: Forged[] = [];
  for (let i = 0; i < count; i++)
    changes.push(forge({ document, author, prev: changes.at(-1) ?? null, time: i }));
  return changes;
}

/** What a dishonest peer may send of some changes: in any order, again and again, damaged in any way. */
export function delivery(changes: readonly Forged[], choices: Choices): Uint8Array[] {
  const groups: Uint8Array[] = [];
  const some = (): Forged[] =>
    choices
      .shuffle([...changes.keys()])
      .slice(0, 1 + choices.below(6))
      .sort((a, b) => a - b)
      .map((at) => changes[at]!);
  for (const change of choices.oneIn(2) ? changes : choices.shuffle(changes)) {
    groups.push(change.group);
    while (choices.oneIn(2)) groups.push(anyGroup(change, some(), choices));
  }
  return groups;
}

function anyGroup(change: Forged, some: readonly Forged[], choices: Choices): Uint8Array {
  const { body, signature } = change;
  const bit = choices.below(512);
  switch (choices.below(9)) {
    case 0:
      return encodeGroup([{ body, signature: flipped(signature, bit) }]);
    case 1:
      return encodeGroup([{ body: flipped(body, bit), signature }]);
    case 2:
      return flipped(change.group, bit);
    case 3:
      return coveredGroup(some);
    case 4:
      return groupOf(some, () => choices.oneIn(3));
    case 5:
      return encodeGroup([
        { body, signature: flipped(signature, bit) },
        entryOf(change, choices.oneIn(2)),
        entryOf(change),
        { body, signature: flipped(signature, 7) },
      ]);
    case 6:
      return encodeGroup([{ body, signature: null }]);
    case 7:
      return encodeGroup([{ body: encodeValue([2, "later"]), signature }, entryOf(change)]);
    default:
      return choices.oneIn(2) ? new Uint8Array(0) : new Uint8Array(MAX_GROUP_BYTES + 1);
  }
}

/** A history's verdicts and what it came to, in full. */
export function outcome(history: History, received: readonly ReceivedGroup[]): object {
  return {
    received,
    ids: Array.from({ length: history.length }, (_, index) => toHex(history.idAt(index))),
    signatures: Array.from({ length: history.length }, (_, index) => history.signatureAt(index)),
    pending: history.pending,
    missing: history.pendingMissing().map(toHex),
    forks: history.forks().map(({ author, chain }) => `${toHex(author)} ${chain}`),
  };
}

/**
 * Tries whether groups get the verdicts of `receive` when they are received in another way, whatever a liar sends; returns the
 * codes and statuses that there were, so that a test can see what it has tried.
 */
export async function triedVerdicts(
  document: Uint8Array,
  numRuns: number,
  receiveOtherwise: (
    history: History,
    groups: readonly Uint8Array[],
    choices: Choices,
  ) => Promise<ReceivedGroup[]>,
): Promise<string[]> {
  const limits = fc.constantFrom(
    {},
    { pendingBytes: 2 * MAX_GROUP_BYTES, rejectedIds: 1 },
    { pendingBytes: 600, pendingBytesPerPeer: 400, pendingBytesPerAuthor: 300 },
  );
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(anyWorld(document, 40), fc.nat(), limits, async (world, seed, bounds) => {
      const groups = delivery(world, new Choices(seed));
      const one = new History({ document, limits: bounds });
      const verdicts = groups.map((group) => one.receive(group, "peer"));
      const other = new History({ document, limits: bounds });
      const received = await receiveOtherwise(other, groups, new Choices(seed + 1));
      expect(outcome(other, received)).toEqual(outcome(one, verdicts));
      for (const { results } of received)
        for (const { status, code } of results) seen.add(code ?? status);
    }),
    { numRuns },
  );
  return [...seen];
}
