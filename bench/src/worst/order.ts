/** The order of a list under attack: degenerate Fugue trees, tombstones, the same removals over and over. */
import type { Value } from "bft-json-crdt";
import { chainOf, make, MALLORY, ops, random, TRUDY } from "./change.ts";
import type { Made } from "./change.ts";
import { before, course } from "./case.ts";
import type { Case, Doc } from "./case.ts";

const LIST = ["list"];

/** Cases of this theme. */
export const cases: Case[] = [
  tree(
    "a deep right spine",
    (at) => ops.right(before(0), at),
    (n) => [0, n - 1],
  ),
  tree(
    "a deep left spine",
    (at) => ops.left(before(0), at),
    (n) => [n - 1, 0],
  ),
  tree(
    "a zigzag of left and right children",
    (at) => (at % 2 === 1 ? ops.left(before(0), at) : ops.right(before(0), at)),
    () => [1, 0],
  ),
  tree(
    "wide siblings to the right",
    (at) => ops.right(before(at - 1), at),
    () => [0, 1],
  ),
  tree(
    "wide siblings to the left",
    (at) => ops.left(before(at - 1), at),
    (n) => [n - 1, 0],
  ),
  {
    name: "wide siblings of 100 authors' chains",
    prepare(size) {
      const seed = make({ ops: [ops.insert(LIST, -1)] });
      const each = size / 100;
      const chains = Array.from({ length: 100 }, (_, chain) =>
        chainOf(each, (at) => [ops.right([2, 0, 0], at)], {
          chain: BigInt(chain + 1),
          refs: [seed],
        }),
      );
      return course(
        [seed, ...chains.flat()],
        size,
        ({ root }) => `${root.list.length} ${root.list.get(0)} ${root.list.get(size)}`,
        `${size + 1} -1 0`,
        editAnywhere,
      );
    },
  },
  {
    name: "tombstones between two visible runs",
    prepare(size) {
      const half = Math.ceil(size / 10);
      const run = Array.from({ length: half }, (_, i) => i);
      const first = make({ ops: [ops.insert(LIST, ...run)] });
      const second = make({ prev: first, ops: [ops.right([1, 0, half - 1], ...run)] });
      const dead = chainOf(size, (at) => [ops.right([1, at + 1, half - 1], at)], { prev: second });
      const end = make({ prev: dead.at(-1)!, ops: [ops.remove(1, size - 1, 0, size)] });
      // Each edit removes the two items around the gap.
      return course(
        [first, second, ...dead, end],
        size,
        ({ root }) => root.list.length,
        2 * half,
        (document, at) => {
          document.change(({ list }) => list.delete(half - 1 - at, 2), { time: null });
        },
      );
    },
  },
  {
    name: "one range removed n times in one change",
    prepare(size) {
      const length = size / 10;
      const chain = chainOf(length, (at) => [
        at === 0 ? ops.insert(LIST, 0) : ops.left(before(0), at),
      ]);
      const removals: Made[] = [];
      let prev = chain.at(-1)!;
      // A million ranges do not fit into one body.
      for (let done = 0; done < size; done += 50_000) {
        const back = length - 1 + removals.length;
        const ranges = Array.from({ length: Math.min(size - done, 50_000) }, () => [
          1,
          back,
          0,
          length,
        ]);
        prev = make({ prev, ops: [ops.removeAll(ranges.flat())] });
        removals.push(prev);
      }
      return course([...chain, ...removals], size, ({ root }) => root.list.length, 0);
    },
  },
  {
    name: "one range removed in n changes",
    prepare(size) {
      const length = size / 10;
      const chain = chainOf(length, (at) => [
        at === 0 ? ops.insert(LIST, 0) : ops.left(before(0), at),
      ]);
      const removals = chainOf(size, (at) => [ops.remove(1, length - 1 + at, 0, length)], {
        prev: chain.at(-1)!,
      });
      return course([...chain, ...removals], size, ({ root }) => root.list.length, 0);
    },
  },
  {
    name: "n overlapping ranges, each one longer",
    prepare(size) {
      const chain = chainOf(size, (at) => [
        at === 0 ? ops.insert(LIST, 0) : ops.left(before(0), at),
      ]);
      const removals = chainOf(size, (at) => [ops.remove(1, size - 1 + at, 0, at + 1)], {
        prev: chain.at(-1)!,
      });
      return course([...chain, ...removals], 2 * size, ({ root }) => root.list.length, 0);
    },
  },
  {
    name: "ranges over two interleaved chains",
    prepare(size) {
      const changes: Made[] = [];
      let one: Made | null = null;
      let two: Made | null = null;
      for (let at = 0; at < size / 2; at++) {
        one = make({ author: MALLORY, prev: one, ops: [ops.insert(LIST, at)] });
        two = make({ author: TRUDY, prev: two, ops: [ops.insert(LIST, at)] });
        changes.push(one, two);
      }
      const whole: Value = ops.remove(1, size / 2 - 1, 0, size / 2);
      changes.push(make({ author: MALLORY, prev: one, ops: [whole] }));
      changes.push(make({ author: TRUDY, prev: two, ops: [whole] }));
      return course(
        changes,
        size,
        ({ root }) => root.list.length,
        0,
        (document, at) => {
          document.change(({ list }) => list.push(at), { time: null });
        },
      );
    },
  },
];

/** A tree of insertions: one per change, each made of `child`. The ends tell whether the order is right. */
function tree(
  name: string,
  child: (at: number) => Value,
  ends: (size: number) => [number, number],
): Case {
  return {
    name,
    prepare(size) {
      // The assignments keep the numbers of the elements apart, so that no two of them are stored as one run.
      const changes = chainOf(size, (at) =>
        at === 0
          ? [ops.insert(LIST, 0), ops.assign(["reg"], 0)]
          : [child(at), ops.assign(["reg"], at, 1, 0, 1, 1)],
      );
      const [first, last] = ends(size);
      return course(
        changes,
        size,
        ({ root }) => `${root.list.length} ${root.list.get(0)} ${root.list.get(size - 1)}`,
        `${size} ${first} ${last}`,
        editAnywhere,
      );
    },
  };
}

function editAnywhere(document: Doc, at: number): void {
  const draw = random(at);
  document.change(
    ({ list }) => {
      list.insert(draw(list.length), at);
      list.delete(draw(list.length));
    },
    { time: null },
  );
}
