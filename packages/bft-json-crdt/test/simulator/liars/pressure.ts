/** Attempts to wear something out: ties, buckets, budgets, the patience of the sync protocol. */
import { encodeMessage } from "../../../src/sync/index.ts";
import { bucketOf } from "../../../src/sync/tips.ts";
import { coveredGroup, forge, groupOf, ops } from "../../forge.ts";
import type { Forged } from "../../forge.ts";
import type { Strategy } from "../liar.ts";
import { anyOp, craft, craftLine, someHeads } from "./craft.ts";

/** Ids ground to be the greatest or the least, so as to win or lose every tie with what is concurrent. */
export const grindIds: Strategy = (lie) => {
  const { random } = lie;
  const parents = someHeads(lie, 1);
  const chain = random.chain();
  const made = [ops.assign(["title"], "ground"), ops.text(["body"], "ground"), anyOp(random)];
  const tries = Array.from({ length: 24 }, (_, time) =>
    craft(lie, { chain, parents, time, ops: made }),
  ).sort((a, b) => (a.hex < b.hex ? -1 : 1));
  lie.show(random.oneIn(2) ? tries.at(-1)!.group : tries[0]!.group);
};

/** Links that go round in a circle: by author and number, by elements, and in answers of the sync protocol. */
export const claimedCycles: Strategy = (lie) => {
  const { random } = lie;
  const chain = random.chain();
  const friend = lie.keys.at(-1)!;
  // By their names the first builds on the second and the second on the first.
  const first = craft(lie, { chain, time: 1 });
  const second = craft(lie, { author: friend, chain: chain + 1n, parents: [first] });
  const again = craft(lie, { chain, parents: [second], time: 2 });
  const circle = craft(lie, {
    chain: random.chain(),
    ops: [
      ops.textBy(1, [0, 0, 1], "x"),
      ops.textBy(1, [0, 0, 0], "y"),
      ops.insert([0, 0, 2, "name"], "z"),
    ],
  });
  for (const { group } of random.shuffle([first, second, again, circle]))
    lie.show(group, random.pick(["all", "some", "others"]));
  const [a, b] = [random.bytes(32), random.bytes(32)];
  lie.say(encodeMessage({ type: "have", frontier: { heads: [a] }, again: true }), "one");
  for (const [of, id] of [
    [a, b],
    [b, a],
  ] as const)
    lie.say(encodeMessage({ type: "samples", of, ids: [{ seq: 1, id }] }), "one");
};

/** A cover that waits, and junk of the same author that pushes it out of the queue; then all of it once more. */
export const evictedCover: Strategy = (lie) => {
  const { random } = lie;
  const waited = craft(lie, { chain: random.chain(), parents: someHeads(lie) });
  const chain = random.chain();
  const line = craftLine(lie, 2, { chain });
  const cover = craft(lie, { chain, prev: line[1]!, parents: [waited] });
  const closed = coveredGroup([...line, cover]);
  const audience = random.pick(["all", "some"] as const);
  lie.show(closed, audience);
  const ghost = craft(lie, { chain: random.chain(), time: 7 });
  for (let time = 0; time < 25; time++)
    lie.show(craft(lie, { chain: ghost.header.chain, prev: ghost, time }).group, audience);
  lie.later(random.between(200, 2_000), () => {
    lie.show(waited.group, audience);
    if (!random.oneIn(3)) lie.show(closed, random.pick(["all", "others"]));
  });
};

/** Orphans in a victim's name, badly signed or not at all: the victim must not pay for them. */
export const junkInVictimsName: Strategy = (lie) => {
  const { random } = lie;
  const publicKey = random.pick(lie.victims);
  const ghost = { ...craft(lie), id: random.bytes(32), hex: "" };
  for (let time = 0; time < 20; time++) {
    const forged = forge({
      document: lie.id,
      author: { publicKey, secretKey: lie.keys[0]!.secretKey },
      prev: ghost,
      time,
    });
    lie.show(random.oneIn(2) ? forged.group : groupOf([forged], () => true), "all");
  }
};

/** A chain made long, and then forked at its very beginning. */
export const deepFork: Strategy = (lie) => {
  const { random } = lie;
  const line = craftLine(lie, random.between(20, 60), { chain: random.chain() });
  for (let at = 0; at < line.length; at += 16) lie.show(groupOf(line.slice(at, at + 16)));
  lie.later(random.between(500, 3_000), () => {
    const rival = craft(lie, {
      chain: line[0]!.header.chain,
      prev: random.oneIn(2) ? null : line[0]!,
      time: 9,
      ops: [anyOp(random)],
    });
    lie.show(rival.group, random.pick(["all", "some", "one"]));
  });
};

/** Chains whose numbers are ground until all fall into one bucket of the sync protocol. */
export const oneBucket: Strategy = (lie) => {
  const { random } = lie;
  const author = lie.keys[0]!.publicKey;
  const bucket = random.below(256);
  const changes: Forged[] = [];
  for (let chain = random.chain(); changes.length < 8; chain++)
    if (bucketOf({ author, chain }) === bucket)
      changes.push(craft(lie, { chain, parents: someHeads(lie, 1), ops: [anyOp(random)] }));
  for (const { group } of random.shuffle(changes))
    lie.show(group, random.pick(["all", "some", "others", "one"]));
};
