/** Changes that build on what is not there, not yet there, or will never be there. */
import { ops } from "../../forge.ts";
import type { Forged } from "../../forge.ts";
import type { Lie, Strategy } from "../liar.ts";
import { anyOp, craft, craftLine, someHeads } from "./craft.ts";

/** Parents, refs and `prev` that nobody has, many at once. */
export const missingParents: Strategy = (lie) => {
  for (let count = lie.random.between(3, 25); count > 0; count--) {
    const ghost = ghostOf(lie);
    const chain = lie.random.chain();
    const change = lie.random.pick([
      () => craft(lie, { chain, parents: [ghost, ...someHeads(lie, 1)] }),
      () => craft(lie, { chain, refs: [ghost, ghostOf(lie)] }),
      () => craft(lie, { chain, prev: ghost, lies: { seq: 9 } }),
    ])();
    lie.show(change.group, lie.random.pick(["all", "some", "one"]));
  }
};

/** A line whose first change comes last, if ever. */
export const withheldParent: Strategy = (lie) => {
  const [first, ...rest] = craftLine(lie, lie.random.between(2, 6), {
    chain: lie.random.chain(),
    parents: someHeads(lie),
  });
  for (const { group } of rest) lie.show(group, lie.random.pick(["all", "some", "others"]));
  if (lie.random.oneIn(4)) return;
  lie.later(lie.random.between(500, 5_000), () => {
    lie.show(first!.group, lie.random.pick(["all", "one"]));
  });
};

/** A long chain, delivered backwards. */
export const reversedChain: Strategy = (lie) => {
  const line = craftLine(lie, lie.random.between(8, 30), {
    chain: lie.random.chain(),
    parents: someHeads(lie),
  });
  const audience = lie.random.pick(["all", "some", "one"] as const);
  for (const { group } of line.toReversed()) lie.show(group, audience);
};

/** Refs to changes that nobody made, from ops that would do something. */
export const refsToNobody: Strategy = (lie) => {
  const ghost = ghostOf(lie);
  const real = someHeads(lie, 1);
  const change = craft(lie, {
    chain: lie.random.chain(),
    parents: real,
    refs: [ghost],
    ops: [
      ops.remove([2, 0, 0, 5]),
      ops.textBy(1, [2 + real.length, 0, 0], "nobody"),
      anyOp(lie.random),
    ],
  });
  lie.show(change.group);
};

/** More heads than one change can name as parents. */
export const manyHeads: Strategy = (lie) => {
  showHeads(lie, lie.random.between(17, 40));
};

/** More heads and chains than are listed one by one. */
export const crowd: Strategy = (lie) => {
  showHeads(lie, 280);
};

/** Single changes on chains of their own, each a head. */
function showHeads(lie: Lie, count: number): void {
  const parents = someHeads(lie, 2);
  for (let at = 0; at < count; at++) {
    const change = craft(lie, {
      chain: lie.random.chain(),
      parents,
      ops: at % 5 === 0 ? [anyOp(lie.random)] : [],
    });
    lie.show(change.group, count > 100 ? "one" : lie.random.pick(["all", "some", "others", "one"]));
  }
}

/** A change that is never shown. */
function ghostOf(lie: Lie): Forged {
  return craft(lie, {
    author: lie.random.pick(lie.keys),
    chain: lie.random.chain(),
    time: lie.random.below(1e9),
  });
}
