/**
 * Random ops of authors who also fork their chains, beside honest people who edit the same document.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Document, toHex } from "../../src/index.ts";
import type { LocalChange, Value } from "../../src/index.ts";
import { forge, op, ops, person } from "../forge.ts";
import type { Forged } from "../forge.ts";
import { ID, Everything, known, random, converge, groupsOf, ground } from "./scene.ts";

describe("any ops at all, of authors who also fork their chains,", () => {
  const anyRef = fc.integer({ min: 0, max: 3 });
  const anyBack = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat(2) },
  );
  const anyElement = fc.tuple(anyRef, anyBack, fc.nat(16));
  const anyRange = fc
    .tuple(anyElement, fc.integer({ min: 1, max: 4 }))
    .map(([element, count]) => [...element, count] as unknown as [number, number, number, number]);
  const ranges = fc.array(anyRange, { maxLength: 2 });
  const anySide = fc.constantFrom(0 as const, 1 as const);
  const names = [
    "reg",
    "opt",
    "any",
    "words",
    "gaps",
    "items",
    "title",
    "pages",
    "people",
    "total",
    "tags",
  ];
  const anyName = fc.constantFrom(
    ...names,
    "deep",
    "inner",
    "x",
    "name",
    "qty",
    "log",
    "k",
    "p",
    "nope",
  );
  const anyPlace: fc.Arbitrary<(number | string)[]> = fc.oneof(
    fc.array(anyName, { minLength: 1, maxLength: 3 }),
    fc
      .tuple(anyElement, fc.array(anyName, { maxLength: 2 }))
      .map(([element, path]) => [...element, ...path]),
  );
  const contents: Value[] = [
    "a",
    "b🙂",
    "",
    1,
    0.5,
    null,
    true,
    {},
    { name: "n" },
    { name: "n", qty: 2 },
    [],
  ];
  const anyContent = fc.constantFrom(...contents);
  const values = fc.array(anyContent, { minLength: 1, maxLength: 3 });
  const strings = fc.array(fc.constantFrom("a", "b🙂", ""), { minLength: 1, maxLength: 3 });
  const anyText = fc.constantFrom("a", "xyz", "🙂b", "é");
  /** Inside an item of the list or the map of structs, wherever Alice's change is among the dependencies. */
  const inside = (name: string, index: number): fc.Arbitrary<(number | string)[]> =>
    anyRef.map((ref) => [ref, 0, index, name]);
  const fitting = fc.oneof(
    strings.map((items) => ops.insert(["words"], ...items)),
    fc
      .tuple(anySide, anyElement, strings)
      .map(([side, at, items]) => ops.insertBy(side, at, ...items)),
    anyText.map((content) => ops.text(["title"], content)),
    fc
      .tuple(anySide, anyElement, anyText)
      .map(([side, at, content]) => ops.textBy(side, at, content)),
    ranges.map((list) => ops.remove([2, 0, 0, 1], ...list)),
    anyRange.map((range) => ops.remove(range)),
    fc.tuple(anyRef, fc.nat(12)).map(([ref, n]) => ops.assign(["reg"], `${n}`, [ref, 0, 0, 1])),
    fc.nat(9).map((n) => ops.assign(["deep", "inner", "x"], n)),
    anyRef.map((ref) => ops.clear(["reg"], [ref, 0, 0, 1])),
    fc
      .tuple(fc.constantFrom("k", "j"), anyRef)
      .map(([key, ref]) => ops.assign(["pages", key], key, [ref, 0, 11, 1])),
    anyText.map((name) => ops.assign(["people", "p"], { name })),
    anyText.map((name) => ops.insert(["items"], { name }, {})),
    fc.tuple(inside("name", 8), anyRef).map(([at, ref]) => ops.assign(at, "m", [ref, 0, 8, 1])),
    fc.tuple(inside("name", 12), anyRef).map(([at, ref]) => ops.assign(at, "m", [ref, 0, 12, 1])),
    fc.tuple(inside("log", 8), strings).map(([at, items]) => ops.insert(at, ...items)),
    fc.tuple(inside("log", 12), strings).map(([at, items]) => ops.insert(at, ...items)),
    inside("tags", 8).map((at) => ops.add(at, "x")),
    fc.integer({ min: -9, max: 9 }).map((amount) => ops.increment(["total"], amount)),
    fc.constantFrom("a", "x").map((value) => ops.add(["tags"], value)),
    anyRef.map((ref) => ops.add(["tags"], "y", [ref, 0, 14, 1])),
    anyRef.map((ref) => ops.clear([ref, 0, 15], [ref, 0, 15, 1])),
  );
  const wild = fc.oneof(
    fc.tuple(anyPlace, values).map(([place, items]) => ops.insert(place, ...items)),
    fc
      .tuple(anySide, anyElement, values)
      .map(([side, at, items]) => ops.insertBy(side, at, ...items)),
    fc.tuple(anyPlace, anyText).map(([place, content]) => ops.text(place, content)),
    fc
      .tuple(anyPlace, anyContent, ranges)
      .map(([place, value, list]) => ops.assign(place, value, ...list)),
    fc.tuple(anyPlace, ranges).map(([place, list]) => ops.clear(place, ...list)),
    fc.tuple(anyPlace, fc.nat(9)).map(([place, amount]) => ops.increment(place, amount)),
    fc
      .tuple(anyPlace, anyContent, ranges)
      .map(([place, value, list]) => ops.add(place, value, ...list)),
  );
  const anyOp = fc.oneof(
    { weight: 30, arbitrary: fitting },
    { weight: 20, arbitrary: wild },
    { weight: 1, arbitrary: anyPlace.map((place) => op(1, 2, [place], 9, new Uint8Array(32))) },
  );
  const anyLiar = fc.array(
    fc.record({
      who: fc.nat(2),
      back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) }),
      parents: fc.array(fc.nat(4), { maxLength: 2 }),
      ops: fc.array(anyOp, { minLength: 1, maxLength: 5 }),
      honest: fc.boolean(),
    }),
    { minLength: 4, maxLength: 14, size: "max" },
  );

  it("leave honest replicas equal, whose own edits on that ground others see as they do", () => {
    let effective = 0;
    fc.assert(
      fc.property(anyLiar, fc.nat(), (steps, seed) => {
        const draw = random(seed);
        const { document: honest } = ground();
        const start = known(honest);
        const changes: Forged[] = [...start];
        const groups: Uint8Array[] = groupsOf(start);
        for (const step of steps) {
          const author = person(200 + step.who);
          const line = changes.filter(
            ({ header }) => toHex(header.author) === toHex(author.publicKey),
          );
          const lie = forge({
            document: ID,
            author,
            prev: line[line.length - 1 - step.back] ?? null,
            parents: [
              start[0]!,
              ...step.parents.flatMap((pick) => changes[changes.length - 1 - pick] ?? []),
            ],
            ops: step.ops,
          });
          if (changes.some(({ hex }) => hex === lie.hex)) continue;
          changes.push(lie);
          groups.push(lie.group);
          const before = honest.viewJson();
          honest.receive(lie.group);
          if (honest.viewJson() !== before) effective++;
          if (step.honest) groups.push(editAnything(honest, draw).bytes);
        }
        expect(honest.history.length).toBe(groups.length);
        const result = converge(groups);
        expect(result.viewJson()).toBe(honest.viewJson());
        expect(result.frontier()).toEqual(honest.frontier());
        const saved = Document.load(result.save(), { schema: Everything, id: ID });
        expect(saved.ok && saved.value.viewJson()).toBe(honest.viewJson());
      }),
      { numRuns: 60 },
    );
    expect(effective).toBeGreaterThan(50);
  });
});

/** One change with edits all over the document, wherever there is something to edit. */
function editAnything(
  document: Document<typeof Everything>,
  draw: (below: number) => number,
): LocalChange {
  return document.change((doc) => {
    doc.words.insert(draw(doc.words.length + 1), "w", "v");
    if (draw(2) === 0) doc.words.delete(draw(doc.words.length));
    const { characters } = doc.title;
    characters.insert(draw(characters.length + 1), "t🙂");
    if (draw(2) === 0) characters.delete(draw(characters.length));
    if (draw(2) === 0) doc.reg.set(`${draw(9)}`);
    if (draw(4) === 0) doc.reg.clear();
    doc.total.increment(draw(5));
    doc.pages.set("k", `${draw(9)}`);
    if (draw(2) === 0) doc.pages.delete("k");
    if (draw(2) === 0) doc.tags.add("a");
    else doc.tags.delete("a");
    if (draw(3) === 0) doc.people.set("p", { name: "new", log: ["x"] });
    else if (doc.people.has("p")) doc.people.at("p").log.push("y");
    if (doc.items.length > 0) {
      const item = doc.items.at(draw(doc.items.length));
      item.qty.set(draw(9));
      item.log.insert(draw(item.log.length + 1), "z");
      if (draw(3) === 0) doc.items.delete(draw(doc.items.length));
    } else doc.items.push({ name: "i", qty: 1 });
    if (doc.gaps.length > 0) doc.gaps.at(draw(doc.gaps.length)).set("s");
    doc.deep.inner.x.set(draw(9));
  });
}
