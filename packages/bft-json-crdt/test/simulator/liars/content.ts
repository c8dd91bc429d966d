/** Valid changes whose ops do what no editor would do. */
import { encodeValue } from "../../../src/encoding/index.ts";
import { op, ops } from "../../forge.ts";
import { forgeRandom } from "../../hostile.ts";
import { naiveOf } from "../../trial.ts";
import type { Strategy } from "../liar.ts";
import { anyChange, anyOp, craft, craftLine, someHeads } from "./craft.ts";

/** Random ops on real elements: of the wrong type, in the wrong container, of somebody else, or just possible. */
export const hostileOps: Strategy = (lie) => {
  const { document, random } = lie;
  const naive = naiveOf(document);
  for (let count = random.between(1, 4); count > 0; count--) {
    const links = {
      keyPair: random.pick(lie.keys),
      chain: random.chain(),
      ...(random.oneIn(3) ? { parents: [] } : {}),
    };
    lie.show(forgeRandom(document.history, naive, links, random).bytes);
  }
};

/** Ops that fit no kind, point nowhere, or count what is not there. */
export const junkOps: Strategy = (lie) => {
  const { random } = lie;
  const target = anyChange(lie);
  const junk = [
    op(99, 3, [], [1, 2, 3]),
    op(0, 0, [], null),
    op(1, 2, [["flat"]], [1]),
    op(1, 1, [["body"]], [1]),
    op(2, 3, [["flat"]], "abc"),
    op(2, 2, [["body"]], "🙂"),
    op(3, 0, [7, 0, 0, 1], null),
    op(3, 0, [1, 2 ** 50, 2 ** 50, 2 ** 50], null),
    op(3, 0, [1, 0, 0], null),
    op(4, 1, [["cards"]], "over a list"),
    op(4, 1, [["title"], 9, 9, 9, 9], "nobody's"),
    op(4, 0, [["body"]], null),
    op(5, 0, [["likes"]], 2n ** 63n),
    op(5, 0, [["likes"]], 0.5),
    op(6, 1, [["title"]], "not a set"),
    op(4, 1, [["constructor"]], 1),
    op(4, 1, [["__proto__", "polluted"]], true),
    op(4, 1, [["shelves", "x".repeat(1_025)]], null),
    op(1, 1, [1, 0, 0, 0], [{ nobody: [[[[]]]] }]),
    ops.insert([0, 0, 0, "name"], "into itself"),
    encodeValue([4, 1, [["extra"]], nested(60)]),
    op(2, 5, [["body"]], 5, random.bytes(32)),
  ];
  const line = craftLine(
    lie,
    3,
    { chain: random.chain(), parents: target === null ? [] : [target] },
    () => [anyOp(random), ...random.some(junk, 6), anyOp(random)],
  );
  for (const { group } of line) lie.show(group);
};

/** The same range removed over and over, far beyond its ends. */
export const giantRemovals: Strategy = (lie) => {
  const target = anyChange(lie);
  const own = craft(lie, { chain: lie.random.chain(), ops: [ops.text(["body"], "x".repeat(200))] });
  lie.show(own.group);
  for (let count = 2; count > 0; count--) {
    const remove = craft(lie, {
      chain: lie.random.chain(),
      parents: target === null ? [own] : [own, target],
      ops: Array.from({ length: 40 }, () => {
        const ref = lie.random.between(2, 3);
        return ops.remove([
          ref,
          lie.random.below(3),
          lie.random.below(5),
          lie.random.pick([1, 200, 2 ** 40]),
        ]);
      }),
    });
    lie.show(remove.group);
  }
};

/** Many elements that are removed at once, in the same change and by the next. */
export const tombstones: Strategy = (lie) => {
  const chain = lie.random.chain();
  const first = craft(lie, {
    chain,
    parents: someHeads(lie),
    ops: Array.from({ length: 30 }, (_, at) => [
      ops.text(["body"], "dead🙂"),
      ops.remove([0, 0, 5 * at, lie.random.between(1, 5)]),
    ]).flat(),
  });
  const second = craft(lie, {
    chain,
    prev: first,
    ops: [ops.remove([1, 0, 0, 150]), ops.textBy(1, [1, 0, 77], "!")],
  });
  for (const { group } of lie.random.shuffle([first, second])) lie.show(group);
};

/** The worst Fugue trees: a deep spine to the left, one to the right, and siblings side by side. */
export const deepTree: Strategy = (lie) => {
  const { random } = lie;
  const side = random.pick([0, 1] as const);
  const isWide = random.oneIn(3);
  const count = random.between(20, 120);
  const below = (at: number): number => (isWide ? 0 : at);
  const tree = craft(lie, {
    chain: random.chain(),
    parents: someHeads(lie),
    ops: Array.from({ length: count }, (_, at) =>
      at === 0 ? ops.text(["body"], "r") : ops.textBy(side, [0, 0, below(at - 1)], String(at % 10)),
    ),
  });
  lie.show(tree.group);
  // The same across changes, from several chains at once.
  const leaves = Array.from({ length: 6 }, (_, at) =>
    craft(lie, {
      author: random.pick(lie.keys),
      chain: random.chain(),
      parents: [tree],
      time: at,
      ops: [ops.textBy(side, [2, 0, random.below(count)], "leaf")],
    }),
  );
  for (const { group } of random.shuffle(leaves))
    lie.show(group, random.pick(["all", "some", "others"]));
};

/** Many assignments to one register or key, of which none replaces another, and claims to have replaced all. */
export const standingAssignments: Strategy = (lie) => {
  const { random } = lie;
  const place = random.pick([["title"], ["shelves", "a"], ["sums", "__proto__"]]);
  const content = (at: number): string | null => (place.length === 1 ? `v${at}` : null);
  const standing = Array.from({ length: random.between(5, 20) }, (_, at) =>
    craft(lie, { chain: random.chain(), time: at, ops: [ops.assign(place, content(at))] }),
  );
  const named = standing.slice(0, 16);
  const ranges = named.map((_, at) => [2 + at, 0, 0, 1] as const);
  const replacing = craft(lie, {
    chain: random.chain(),
    parents: named,
    ops: [ops.assign(place, content(99), ...ranges)],
  });
  const clearing = craft(lie, {
    chain: random.chain(),
    parents: named,
    ops: [ops.clear(place, ...ranges.slice(3))],
  });
  for (const { group } of random.shuffle([...standing, replacing, clearing])) {
    lie.show(group, random.pick(["all", "all", "some", "others"]));
  }
};

function nested(depth: number): [] {
  let value: unknown[] = [];
  for (let i = 1; i < depth; i++) value = [value];
  return value as [];
}
