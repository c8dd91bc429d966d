/** What a crowd of concurrent changes costs who edits among them: counted in questions to the history, not in time. */
import { describe, expect, it, vi } from "vitest";
import { coveredGroup, forge, ops, person } from "../../test/forge.ts";
import type { Forged, Recipe } from "../../test/forge.ts";
import { documentId } from "../change/index.ts";
import { integer, list, map, struct } from "../schema/index.ts";
import { Assignments } from "../types/index.ts";
import { Document } from "./document.ts";

const ID = documentId("crowds");
const schema = struct({ items: list(integer()), entries: map(integer()) });

const mallory = (recipe: Partial<Recipe>): Forged =>
  forge({ document: ID, author: person(1), ...recipe });

function alice(): Document<typeof schema> {
  return new Document({ schema, id: ID, keyPair: person(2), chain: 0n });
}

/** `count` changes of one chain, all of them next to each other. */
function branches(count: number): Forged[] {
  const root = mallory({ ops: [ops.insert(["items"], -1)] });
  const others = Array.from({ length: count }, (_, time) =>
    mallory({ prev: root, time, ops: [ops.insertBy(0, [1, 0, 0], time)] }),
  );
  return [root, ...others];
}

describe("who edits among very many", () => {
  it("standing assignments does not sort them all for each edit", () => {
    const document = alice();
    const standing: Forged[] = [];
    for (let n = 0; n < 1_000; n++) {
      standing.push(
        mallory({ prev: standing.at(-1) ?? null, ops: [ops.assign(["entries", "k"], n)] }),
      );
    }
    document.receive(coveredGroup(standing));
    const all = vi.spyOn(Assignments.prototype, "standing");
    for (let n = 0; n < 10; n++) {
      document.change(({ entries }) => entries.set("k", 5_000 + n), { time: null });
    }
    expect(all).not.toHaveBeenCalled();
    all.mockRestore();
    expect(document.root.entries.get("k")).toBe(5_009);
    expect(document.root.entries.conflicts("k").length).toBe(1_000 - 10 * 63);
  });

  it("branches of one chain asks about each of them a few times, when all are removed at once", () => {
    const document = alice();
    const count = 300;
    for (const { group } of branches(count)) document.receive(group);
    const ancestors = vi.spyOn(document.history, "ancestorOnChain");
    const tips = vi.spyOn(document.history, "tipsOf");
    const change = document.change(({ items }) => items.delete(0, items.length), { time: null });
    expect(document.root.items.length).toBe(0);
    expect(ancestors.mock.calls.length).toBeLessThan(20 * count);
    // Its own chain's only.
    expect(tips.mock.calls.length).toBeLessThan(3);
    const bob = alice();
    for (const { group } of branches(count)) bob.receive(group);
    expect(bob.receive(change.bytes).status).toBe("applied");
    expect(bob.root.items.length).toBe(0);
  });

  it("forked chains hears of each fork once, and no proof is looked for again", () => {
    const document = alice();
    const heard: string[] = [];
    document.onFork(({ author, chain }) => heard.push(`${author.length} ${chain}`));
    const all = vi.spyOn(document.history, "forks");
    const one = vi.spyOn(document.history, "forkOf");
    const count = 40;
    for (let n = 0; n < count; n++) {
      for (const time of [1, 2, 3]) document.receive(mallory({ chain: BigInt(n), time }).group);
    }
    expect(heard).toEqual(Array.from({ length: count }, (_, n) => `32 ${n}`));
    expect(all).not.toHaveBeenCalled();
    expect(one.mock.calls.length).toBe(count);
  });
});
