/** The craft of lying: how strategies make changes. Where nothing else is said, what they make is correctly linked. */
import { decodeBody } from "../../../src/change/index.ts";
import type { KeyPair } from "../../../src/crypto/index.ts";
import { Document } from "../../../src/document/index.ts";
import type { History } from "../../../src/history/index.ts";
import type { Schema } from "../../../src/schema/index.ts";
import { forge, ops } from "../../forge.ts";
import type { Forged, Recipe } from "../../forge.ts";
import { edit } from "../../random-edits.ts";
import type { Lie } from "../liar.ts";
import type { Random } from "../random.ts";
import { forgedAt } from "../universe.ts";

/** Makes a change; the liar's first key signs when nobody else is named. */
export function craft(lie: Lie, recipe: Partial<Recipe> = {}): Forged {
  return forge({ document: lie.id, author: lie.keys[0]!, ...recipe });
}

/** Makes a line of changes, one on top of the other, the first one on `recipe.prev`. */
export function craftLine(
  lie: Lie,
  count: number,
  recipe: Partial<Recipe> = {},
  opsOf: (at: number) => readonly Uint8Array[] = () => [anyOp(lie.random)],
): Forged[] {
  const line: Forged[] = [];
  for (let at = 0; at < count; at++) {
    const prev = line.at(-1) ?? recipe.prev ?? null;
    const parents = at === 0 ? (recipe.parents ?? []) : [];
    line.push(craft(lie, { ...recipe, prev, parents, ops: opsOf(at) }));
  }
  return line;
}

/** The last change of a key's chain that the liar knows of, or null. */
export function tipOf(lie: Lie, key: KeyPair = lie.keys[0]!, chain = 0n): Forged | null {
  const { history } = lie.document;
  const tips = history
    .tipsOf(key.publicKey, chain)
    .sort((a, b) => b.seq - a.seq || b.index - a.index);
  return tips[0] === undefined ? null : forgedAt(history, tips[0].index);
}

/** Up to `count` heads of what the liar knows. */
export function someHeads(lie: Lie, count = 3): Forged[] {
  const { history } = lie.document;
  return lie.random.some(history.heads(), count).map((index) => forgedAt(history, index));
}

/** Any change that the liar knows of, or null. */
export function anyChange(lie: Lie): Forged | null {
  const { history } = lie.document;
  return history.length === 0 ? null : forgedAt(history, lie.random.below(history.length));
}

/** Any change of an honest author that the liar knows of, or null. */
export function anyHonestChange(lie: Lie): Forged | null {
  const { history } = lie.document;
  const names = new Set(lie.victims.map(String));
  const honest: number[] = [];
  for (let index = 0; index < history.length; index++) {
    if (names.has(String(history.authorAt(index)))) honest.push(index);
  }
  return honest.length === 0 ? null : forgedAt(history, lie.random.pick(honest));
}

/** An op that fits the schema of simulations at its root. */
export function anyOp(random: Random): Uint8Array {
  const text = random.pick(["lie", "🙂", "e\u0301", "x"]);
  switch (random.below(8)) {
    case 0:
      return ops.text(["body"], text);
    case 1:
      return ops.insert(["flat"], random.below(100), text);
    case 2:
      return ops.assign(["title"], text);
    case 3:
      return ops.increment(["likes"], random.pick([1, -3, 2n ** 63n - 1n]));
    case 4:
      return ops.add(["tags"], random.pick([1, text, null]));
    case 5:
      return ops.assign(["shelves", random.pick(["a", "__proto__"])], null);
    case 6:
      return ops.insert(["cards"], { name: text });
    default:
      return ops.assign(["note"], text);
  }
}

/** What a history holds up to some changes, as a document to be edited in somebody's name. */
export function documentAt(
  lie: Lie,
  upTo: readonly number[],
  keyPair: KeyPair,
  chain: bigint,
): Document<Schema> {
  const { history } = lie.document;
  const document = new Document<Schema>({ schema: lie.schema, id: lie.id, keyPair, chain });
  for (const group of history.groupsFor(ancestry(history, upTo))) document.receive(group);
  return document;
}

/** A change made by real edits of a document; its edits are of any type that the schema has. */
export function editAs(document: Document<Schema>, random: Random): Forged[] {
  const change = document.change(
    (root) => {
      for (let count = random.between(1, 3); count > 0; count--)
        edit(document.schema, root, random);
    },
    { time: random.pick([null, 0, 1_000]) },
  );
  return change.indexes.map((index) => forgedAt(document.history, index));
}

/** True when a body names this author. */
export function isBy(body: Uint8Array, author: Uint8Array): boolean {
  const header = decodeBody(body);
  return header.ok && String(header.value.author) === String(author);
}

/** Local indexes of some changes and all that they depend on, ascending. */
function ancestry(history: History, of: readonly number[]): number[] {
  const found = new Set(of.filter((index) => index >= 0));
  for (const index of found)
    for (const dependency of history.dependencies(index)) found.add(dependency);
  return [...found].sort((a, b) => a - b);
}
