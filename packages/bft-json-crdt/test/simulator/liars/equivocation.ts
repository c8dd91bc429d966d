/** Two different changes with one number, made by real edits of any type, each shown to another half. */
import type { Document } from "../../../src/document/index.ts";
import type { Schema } from "../../../src/schema/index.ts";
import type { Forged } from "../../forge.ts";
import type { Lie, Strategy } from "../liar.ts";
import { craft, documentAt, editAs, someHeads } from "./craft.ts";

/** Equivocates with the first change of a chain. */
export const equivocateFirst: Strategy = (lie) => {
  const chain = lie.random.oneIn(2) ? 0n : lie.random.chain();
  equivocate(lie, () =>
    documentAt(lie, lie.random.oneIn(2) ? [] : heads(lie), lie.keys[0]!, chain),
  );
};

/** Equivocates with a change in the middle of the chain, long after it. */
export const equivocateMiddle: Strategy = (lie) => {
  const own = ownChanges(lie);
  if (own.length < 2) {
    grow(lie, 4);
    lie.later(1_500, () => {
      if (ownChanges(lie).length >= 2) equivocateMiddle(lie);
    });
    return;
  }
  const at = lie.random.pick(own.slice(0, -1));
  equivocate(lie, () => documentAt(lie, [at], lie.keys[0]!, 0n));
};

/** Equivocates with the next change of the chain. */
export const equivocateLatest: Strategy = (lie) => {
  equivocate(lie, () => documentAt(lie, heads(lie), lie.keys[0]!, 0n));
};

/** Shows one branch now and reveals the other much later, to all. */
export const equivocateAndReveal: Strategy = (lie) => {
  const [left, right] = branches(lie, () => documentAt(lie, heads(lie), lie.keys[0]!, 0n));
  show(lie, left!, "all");
  lie.later(lie.random.between(1_000, 6_000), () => {
    show(lie, right!, lie.random.pick(["all", "one"]));
  });
};

/** Several keys equivocate and build on each other's branches. */
export const collude: Strategy = (lie) => {
  const lines = lie.keys.map((key) => branches(lie, () => documentAt(lie, heads(lie), key, 0n)));
  const tips = lines.map((line) => line.map((branch) => branch.at(-1)!));
  for (const [at, line] of lines.entries()) {
    const friend = tips[(at + 1) % tips.length]!;
    line.forEach((branch, side) => {
      show(lie, branch, side === 0 ? "some" : "others");
      const both = lie.random.oneIn(3);
      const parents = both ? friend : [friend[side % friend.length]!];
      const next = craft(lie, {
        author: lie.keys[at]!,
        prev: branch.at(-1)!,
        parents: parents.filter((parent) => parent.hex !== branch.at(-1)!.hex),
      });
      lie.show(next.group, lie.random.pick(["some", "others", "all"]));
    });
  }
};

/** A chain that forks again and again. */
export const branchOut: Strategy = (lie) => {
  const changes: Forged[] = [];
  const author = lie.random.pick(lie.keys);
  const chain = lie.random.chain();
  for (let count = lie.random.between(4, 14); count > 0; count--) {
    const prev = changes.length === 0 || lie.random.oneIn(9) ? null : lie.random.pick(changes);
    const parents = lie.random.oneIn(3)
      ? lie.random.some(changes, 2).filter((one) => one !== prev)
      : [];
    changes.push(craft(lie, { author, chain, prev, parents, time: count }));
  }
  for (const { group } of lie.random.shuffle(changes))
    lie.show(group, lie.random.pick(["all", "some", "others", "one"]));
};

function equivocate(lie: Lie, base: () => Document<Schema>): void {
  const lines = branches(lie, base);
  lines.forEach((line, at) => {
    show(lie, line, at === 0 ? "some" : "others");
  });
  // Some are caught by what third parties pass on; others give themselves away.
  if (lie.random.oneIn(3)) lie.later(2_000, () => show(lie, lines[0]!, "all"));
}

/** Two or three lines of changes of one chain that begin at the same place. */
function branches(lie: Lie, base: () => Document<Schema>): Forged[][] {
  const count = lie.random.oneIn(4) ? 3 : 2;
  return Array.from({ length: count }, (_, side) => {
    const random = lie.random.split(`branch ${side}`);
    const document = base();
    return Array.from({ length: random.between(1, 3) }, () => editAs(document, random)).flat();
  });
}

function show(
  lie: Lie,
  line: readonly Forged[],
  audience: "all" | "some" | "others" | "one",
): void {
  for (const { group } of line) lie.show(group, audience);
}

/** Makes the liar's chain longer, as an honest author would. */
function grow(lie: Lie, count: number): void {
  const document = documentAt(lie, heads(lie), lie.keys[0]!, 0n);
  for (let i = 0; i < count; i++) show(lie, editAs(document, lie.random), "all");
}

function heads(lie: Lie): number[] {
  const { history } = lie.document;
  return someHeads(lie).map(({ id }) => history.indexOf(id));
}

/** Local indexes of one line of the liar's own chain, ascending. */
function ownChanges({ document: { history }, keys }: Lie): number[] {
  const tip = history.tipsOf(keys[0]!.publicKey, 0n)[0];
  const own: number[] = [];
  for (let at = tip?.index ?? -1; at >= 0; at = history.prevAt(at)) own.push(at);
  return own.reverse();
}
