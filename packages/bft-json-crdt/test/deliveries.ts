/** What a history is sent in tests, whether honest or not, and what it made of it. */
import { encodeGroup } from "../src/change/index.ts";
import { encodeValue, toHex } from "../src/encoding/index.ts";
import type { History, ReceivedGroup } from "../src/history/index.ts";
import { MAX_GROUP_BYTES } from "../src/limits.ts";
import { coveredGroup, entryOf, flipped, forge, groupOf, person } from "./forge.ts";
import type { Forged } from "./forge.ts";
import type { Choices } from "./random-edits.ts";

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
export function outcome(history: History, received: readonly ReceivedGroup[]): unknown {
  return {
    received,
    ids: Array.from({ length: history.length }, (_, index) => toHex(history.idAt(index))),
    signatures: Array.from({ length: history.length }, (_, index) => history.signatureAt(index)),
    pending: history.pending,
    missing: history.pendingMissing().map(toHex),
    forks: history.forks().map(({ author, chain }) => `${toHex(author)} ${chain}`),
  };
}
