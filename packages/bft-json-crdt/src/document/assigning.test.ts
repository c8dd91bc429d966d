import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentId } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { counter, integer, json, list, map, optional, string, struct } from "../schema/index.ts";
import { Document } from "./document.ts";

const schema = struct({
  a: optional(integer()),
  b: optional(integer()),
  m: map(json()),
  n: counter(),
  items: list(integer()),
  boxes: map(struct({ name: string() })),
});
const id = documentId("assigning");
const keyPair = generateKeyPair(new Uint8Array(32).fill(7));
const open = (): Document<typeof schema> => new Document({ schema, id, keyPair, chain: 0n });

const anyEdit = fc.record({
  edit: fc.constantFrom(
    ...["a", "b", "k", "l", "item", "a", "b", "k", "l", "item"],
    ...["clear a", "delete k", "increment", "push"],
  ),
  value: fc.nat(9),
});

describe("a register that is assigned again and again within one change", () => {
  it("shows what it was in the end, here and elsewhere, whatever else is done in between", () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyEdit, { maxLength: 12 }), { maxLength: 5 }), (changes) => {
        const alice = open();
        const bob = new Document({ schema, id });
        const model = { items: [] as number[], n: 0, m: new Map<string, number>() };
        const registers = new Map<string, number>();
        for (const edits of changes) {
          const { bytes } = alice.change((doc) => {
            for (const { edit, value } of edits) {
              if (edit === "a" || edit === "b") {
                doc[edit].set(value);
                registers.set(edit, value);
              } else if (edit === "k" || edit === "l") {
                doc.m.set(edit, value);
                model.m.set(edit, value);
              } else if (edit === "item") {
                if (model.items.length === 0) continue;
                doc.items.set(0, value);
                model.items[0] = value;
              } else if (edit === "clear a") {
                doc.a.clear();
                registers.delete("a");
              } else if (edit === "delete k") {
                doc.m.delete("k");
                model.m.delete("k");
              } else if (edit === "increment") {
                doc.n.increment();
                model.n++;
              } else {
                doc.items.push(0);
                model.items.push(0);
              }
            }
          });
          expect(bob.receive(bytes).status).toBe("applied");
          const expected = {
            ...Object.fromEntries(registers),
            m: Object.fromEntries(model.m),
            n: BigInt(model.n),
            items: model.items,
            boxes: {},
          };
          expect(alice.view()).toEqual(expected);
          expect(bob.viewDigest()).toBe(alice.viewDigest());
        }
      }),
    );
  });

  it("is one op of the change, until something else is done", () => {
    const alice = open();
    const opsOf = (edit: Parameters<typeof alice.change>[0]): number =>
      alice.history.opCountAt(alice.change(edit).indexes[0]!);
    const told: unknown[] = [];
    alice.subscribe(({ patches }) => told.push(...patches));
    expect(opsOf((doc) => [1, 2, 3].forEach((n) => doc.a.set(n)))).toBe(1);
    expect(told.at(-1)).toMatchObject({ value: 3 });
    expect(alice.root.a.get()).toBe(3);
    expect(opsOf((doc) => [4, "x", null].forEach((value) => doc.m.set("k", value)))).toBe(1);
    expect(opsOf((doc) => [1, 2, 3, 4].forEach((n) => doc[n % 2 === 0 ? "a" : "b"].set(n)))).toBe(
      4,
    );
    // What holds a container is another one each time.
    expect(opsOf((doc) => ["x", "y"].forEach((name) => doc.boxes.set("k", { name })))).toBe(2);
    expect(alice.view()).toMatchObject({ a: 4, b: 3, m: { k: null }, boxes: { k: { name: "y" } } });
  });

  it("goes on in another part of the change when a value does not fit any more", () => {
    const alice = open();
    const bob = new Document({ schema, id });
    const large = "x".repeat(900_000);
    const { groups } = alice.change((doc) => {
      doc.m.set("l", large);
      doc.m.set("k", "small");
      doc.m.set("k", large);
    });
    expect(groups).toHaveLength(2);
    for (const group of groups) bob.receive(group);
    expect(bob.view().m).toEqual({ k: large, l: large });
    expect(bob.viewDigest()).toBe(alice.viewDigest());
  });

  it("is forgotten with the change that fails", () => {
    const alice = open();
    alice.change((doc) => doc.a.set(1));
    const fail = (doc: typeof alice.root): void => {
      doc.a.set(2);
      doc.a.set(3);
      throw new Error("no");
    };
    expect(() => alice.change(fail)).toThrow("no");
    expect(alice.root.a.get()).toBe(1);
    alice.change((doc) => doc.a.set(4));
    expect(alice.view().a).toBe(4);
  });
});
