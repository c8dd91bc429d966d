/** Finding applied changes: what a tip tells without a search must be what a search says. */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { forge, groupOf, person } from "../../test/forge.ts";
import { same } from "../../test/same.ts";
import { appliedIds, chainOfLength, deliver, newHistory } from "../../test/receiving.ts";
import { ID_BYTES } from "../change/index.ts";
import { AppliedIds } from "./applied-ids.ts";
import { Chains } from "./chains.ts";
import { IdTable } from "./id-table.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts searches for ids of changes; others are for authors and their chains, which are longer. */
function searches(): { count(): number } {
  const spy = vi.spyOn(IdTable.prototype, "find");
  return { count: () => spy.mock.calls.filter(([id]) => id.length === ID_BYTES).length };
}

describe("an applied change", () => {
  it("is found on a tip or in the table, and no tip is taken for one on which something was built", () => {
    const step = fc.record({
      author: fc.nat(1),
      chain: fc.nat(1),
      back: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9) }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const ids = new IdTable();
        const chains = new Chains();
        const applied = new AppliedIds(ids, chains);
        const rows: { id: Uint8Array; name: string; seq: number; prev: number }[] = [];
        for (const { author, chain, back } of steps) {
          const name = `${author}/${chain}`;
          const line = [...rows.keys()].filter((row) => rows[row]!.name === name);
          const prev = line[Math.max(0, line.length - 1 - back)] ?? -1;
          const id = new Uint8Array(ID_BYTES);
          new DataView(id.buffer).setUint32(20, rows.length + 1);
          const seq = prev < 0 ? 1 : rows[prev]!.seq + 1;
          ids.add(id);
          chains.add({ author: person(author).publicKey, chain: BigInt(chain), seq }, prev, 0);
          rows.push({ id, name, seq, prev });
        }
        const unknown = new Uint8Array(ID_BYTES).fill(9);
        for (const author of [0, 1, 2]) {
          for (const chain of [0, 1, 2]) {
            const place = { author: person(author).publicKey, chain: BigInt(chain) };
            same(applied.tipBefore({ ...place, prev: null }), -1);
            same(applied.findPrev({ ...place, prev: null }), -1);
            same(applied.findPrev({ ...place, prev: unknown }), -1);
            const ofChain = rows.filter(({ name }) => name === `${author}/${chain}`);
            const tips = ofChain.filter(
              ({ id }) => !rows.some(({ prev }) => rows[prev]?.id === id),
            );
            for (const [row, { id }] of rows.entries()) {
              const isOnlyTip = tips.length === 1 && tips[0]!.id === id;
              same(applied.tipBefore({ ...place, prev: id }), isOnlyTip ? row : -1);
              same(applied.findPrev({ ...place, prev: id }), row);
              same(applied.find(id), row);
            }
          }
        }
      }),
    );
  });

  it("is not searched for when a change goes on where its chain ends", () => {
    const line = chainOfLength(60);
    const history = newHistory();
    deliver(history, groupOf(line.slice(0, 1)));
    const found = searches();
    history.receive(groupOf(line.slice(1, 20)), "peer");
    for (const change of line.slice(20, 25)) history.receive(change.group, "peer");
    history.receive(groupOf(line.slice(25)), "peer");
    expect(found.count()).toBe(0);
    expect(appliedIds(history)).toEqual(line.map(({ hex }) => hex));
  });

  it("that comes again is one, whatever else its author has made", () => {
    const line = chainOfLength(10);
    const twin = forge({
      document: line[0]!.header.document,
      author: person(1),
      prev: null,
    });
    const history = newHistory();
    deliver(history, groupOf(line));
    deliver(history, twin.group);
    for (const group of [groupOf(line), line[9]!.group, line[0]!.group, twin.group]) {
      const { results } = deliver(history, group);
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["duplicate"]));
    }
    expect(history.length).toBe(11);
  });
});
