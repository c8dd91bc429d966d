/** Groups whose signatures are wrong, missing, many, or vouch for what they should not. */
import { encodeGroup, signedMessage } from "../../../src/change/index.ts";
import { coveredGroup, entryOf, flipped, groupOf, signAgain } from "../../forge.ts";
import type { Forged } from "../../forge.ts";
import type { Strategy } from "../liar.ts";
import { forgedAt } from "../universe.ts";
import { anyHonestChange, anyOp, craft, craftLine, someHeads } from "./craft.ts";

/** A copy with a bad signature to some, before all get the good one: the id must not suffer from it. */
export const flippedSignature: Strategy = (lie) => {
  const change = lie.random.oneIn(2) ? anyHonestChange(lie) : null;
  const shown =
    change ??
    craft(lie, { chain: lie.random.chain(), parents: someHeads(lie), ops: [anyOp(lie.random)] });
  const bad = { body: shown.body, signature: flipped(shown.signature, lie.random.below(512)) };
  lie.show(encodeGroup([bad]), lie.random.pick(["all", "some"]));
  if (change === null) lie.show(shown.group, lie.random.pick(["all", "others"]));
};

/** One change under many signatures of its author. */
export const manySignatures: Strategy = (lie) => {
  const change = craft(lie, { chain: lie.random.chain(), parents: someHeads(lie) });
  for (let nonce = 2n; nonce < 5n; nonce++) {
    const signature = signAgain(
      signedMessage(change.id),
      lie.keys[0]!,
      nonce + BigInt(lie.random.below(1_000)),
    );
    lie.show(
      encodeGroup([{ body: change.body, signature }]),
      lie.random.pick(["some", "others", "all"]),
    );
  }
};

/** Changes in the name of somebody honest. */
export const forgedAuthor: Strategy = (lie) => {
  const victim = lie.random.pick(lie.victims);
  const { history } = lie.document;
  const tip = history.tipsOf(victim, 0n)[0];
  const header = {
    ...craft(lie, { parents: someHeads(lie) }).header,
    author: victim,
    ...(tip === undefined
      ? {}
      : { prev: tip.id, seq: tip.seq + 1, parents: [], lamport: history.lamportAt(tip.index) + 1 }),
  };
  const forged = craft(lie, { lies: header, ops: [anyOp(lie.random)] });
  lie.show(forged.group);
  // Under a cover of one's own, and with no signature at all.
  const cover = craft(lie, { chain: lie.random.chain(), parents: [forged] });
  lie.show(encodeGroup([entryOf(forged, true), entryOf(cover)]));
  lie.show(encodeGroup([entryOf(forged, true)]));
  // In the midst of a line of one's own that is properly covered, and as the `prev` of one's own change.
  const line = craftLine(lie, 2, { chain: lie.random.chain() });
  lie.show(groupOf([line[0]!, forged, line[1]!], (change) => change !== line[1]));
  const next = craft(lie, { prev: forged });
  lie.show(groupOf([forged, next], (change) => change !== next));
};

/** Links that lead into another chain, or skip a number, between changes of one group. */
export const wrongLinks: Strategy = (lie) => {
  const { random } = lie;
  const first = craft(lie, { chain: random.chain(), parents: someHeads(lie) });
  const wrongs = [
    craft(lie, { chain: first.header.chain ^ 1n, prev: first }),
    craft(lie, { chain: first.header.chain, prev: first, lies: { seq: 3 } }),
    craft(lie, { author: lie.keys.at(-1)!, chain: first.header.chain + 1n, prev: first }),
  ];
  for (const wrong of random.some(wrongs, 2)) {
    const audience = random.pick(["all", "some", "others"] as const);
    lie.show(
      groupOf([first, wrong], (change) => change === first && random.oneIn(2)),
      audience,
    );
  }
};

/** Changes without a signature of their own: covered, badly covered, and not covered. */
export const covers: Strategy = (lie) => {
  const { random } = lie;
  const line = craftLine(lie, random.between(3, 7), {
    chain: random.chain(),
    parents: someHeads(lie),
  });
  const last = line.at(-1)!;
  const hole = line.filter((_, at) => at !== 1);
  const wrong = { ...last, signature: flipped(last.signature, random.below(512)) };
  const rival = craft(lie, { chain: last.header.chain, prev: line.at(-3)!, time: 5 });
  const attempts: (() => Uint8Array)[] = [
    () => coveredGroup(line),
    () => coveredGroup(hole),
    () => coveredGroup([...line.slice(0, -1), wrong]),
    () => groupOf(line, () => true),
    () => groupOf(line, (_, at) => at !== 1),
    // The cover links to a rival of what it should cover.
    () => groupOf([...line.slice(0, -2), rival, last], (change) => change !== last),
    () => coveredGroup(line.toReversed()),
    () => coveredGroup([...line, ...line]),
    () => groupOf([rival, ...line], (change) => change !== rival && change !== last),
  ];
  for (const attempt of random.some(attempts, 4)) {
    lie.show(attempt(), random.pick(["all", "some", "others", "one"]));
  }
  // The cover comes in another group than what it covers.
  if (random.oneIn(2)) {
    lie.show(coveredGroup(line.slice(0, -1)), "some");
    lie.show(last.group, "some");
  }
};

/** Real changes and new ones in random groups, in almost causal order, with random signatures left out. */
export const randomGroups: Strategy = (lie) => {
  const { random } = lie;
  const { history } = lie.document;
  const start = random.below(history.length + 1);
  const real: Forged[] = [];
  for (let index = start; index < Math.min(history.length, start + 20); index++) {
    real.push(forgedAt(history, index));
  }
  const own = craftLine(lie, 3, { chain: random.chain(), parents: someHeads(lie) });
  const all = [...real, ...own].filter(() => !random.oneIn(6));
  for (let count = 4; count > 0 && all.length > 0; count--) {
    const from = random.below(all.length);
    const group = all.slice(from, from + random.between(1, 12));
    if (random.oneIn(3)) group.splice(random.below(group.length), 0, random.pick(all));
    const bare = random.pick([0, 0.5, 0.9]);
    lie.show(
      encodeGroup(
        // What came without a signature can only go on without one.
        group.map((change) => entryOf(change, isUnsigned(change) || random.chance(bare))),
      ),
      random.pick(["all", "some", "others", "one"]),
    );
  }
};

/** A cover whose own dependency is rejected: what it covers must not get in with it. */
export const rejectedCover: Strategy = (lie) => {
  const { random } = lie;
  const [a, b] = craftLine(lie, 2, { chain: random.chain(), parents: someHeads(lie) }) as [
    Forged,
    Forged,
  ];
  const wrong = craft(lie, { chain: random.chain(), lies: { lamport: 40 } });
  const cover = craft(lie, { chain: b.header.chain, prev: b, parents: [wrong] });
  lie.show(groupOf([a, b, wrong, cover], (change) => change === a || change === b));
  if (random.oneIn(2))
    lie.show(
      groupOf([a, b], (change) => change === a),
      random.pick(["all", "some"]),
    );
};

/** Two keys that build on each other by turns and rarely sign. */
export const sparseSignatures: Strategy = (lie) => {
  const { random } = lie;
  const chain = random.chain();
  const tips: (Forged | null)[] = [null, null];
  const line: Forged[] = [];
  for (let at = 0; at < random.between(4, 16); at++) {
    const side = at % 2;
    const author = lie.keys[side % lie.keys.length]!;
    const own = lie.keys.length > 1 ? chain : chain ^ BigInt(2 * side);
    const parent = tips[1 - side];
    const next = craft(lie, {
      author,
      chain: own,
      prev: tips[side]!,
      parents: parent ? [parent] : [],
      time: at,
    });
    tips[side] = next;
    line.push(next);
  }
  lie.show(coveredGroup(line), random.pick(["all", "some", "one"]));
  if (random.oneIn(2))
    lie.show(
      groupOf(line, (_, at) => at % 3 !== 0),
      "others",
    );
};

/** A change that waits with its signature, before it comes without one between its neighbours. */
export const bareCopy: Strategy = (lie) => {
  const { random } = lie;
  const line = craftLine(lie, random.between(3, 5), {
    chain: random.chain(),
    parents: someHeads(lie),
  });
  const early = random.some(line.slice(1), 2);
  for (const change of early) lie.show(change.group, random.pick(["all", "some", "others"]));
  lie.later(random.below(600), () => {
    lie.show(
      groupOf(line, (change) => change !== line.at(-1) && random.oneIn(2)),
      random.pick(["all", "some", "others", "one"]),
    );
  });
};

function isUnsigned({ signature }: Forged): boolean {
  return signature.every((byte) => byte === 0);
}
