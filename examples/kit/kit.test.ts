import { documentId, log, string, struct } from "bft-json-crdt";
import { runs } from "./runs.ts";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  between,
  cast,
  Clock,
  Mesh,
  namesOf,
  Participant,
  Random,
  replicasOf,
  scenario,
  showAgreement,
  table,
} from "./index.ts";

const schema = struct({ notes: log(struct({ text: string() })) });
const id = documentId("kit");

function participants(clock: Clock, names: readonly string[]): Participant<typeof schema>[] {
  return names.map((name) => new Participant({ name, seed: "kit", schema, id, clock }));
}

describe("a mesh", () => {
  it("brings everybody to one document through loss, duplication and a partition", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const clock = new Clock();
        const members = participants(clock, ["ann", "ben", "cem", "dot"]);
        const [ann, ben, cem, dot] = members as [
          (typeof members)[0],
          (typeof members)[0],
          (typeof members)[0],
          (typeof members)[0],
        ];
        const random = new Random(seed);
        const mesh = new Mesh(members, { clock, random, loss: 0.3, duplication: 0.2 });
        clock.after(300, () => mesh.part([ann, ben], [cem, dot]));
        clock.after(700, () => mesh.heal());
        for (const member of members) {
          clock.every(100, () => {
            member.change(({ notes }) => notes.append({ text: `${member.name} ${clock.elapsed}` }));
          });
          clock.every(150, () => mesh.gossip(member));
        }
        clock.advance(650);
        expect(ann.document.frontier()).not.toEqual(cem.document.frontier());
        clock.advance(350);
        mesh.settle();
        for (const { document } of members) {
          expect(document.frontier()).toEqual(ann.document.frontier());
          expect(document.view().notes).toHaveLength(4 * 10);
        }
      }),
      runs(10),
    );
  });

  it("exposes a twin wherever both stories arrive, and every order of delivery shows the same", () => {
    const clock = new Clock();
    const members = participants(clock, ["ann", "mallory", "ben"]);
    const [ann, mallory, ben] = members as [
      (typeof members)[0],
      (typeof members)[0],
      (typeof members)[0],
    ];
    ann.change(({ notes }) => notes.append({ text: "hello" }));
    const twin = mallory.twin();
    const one = mallory.change(({ notes }) => notes.append({ text: "I owe Ann" }));
    const two = twin.change(({ notes }) => notes.append({ text: "I owe Ben" }));
    ann.document.receive(one.bytes);
    ben.document.receive(two.bytes);
    expect(ann.document.history.forks()).toHaveLength(0);
    const mesh = new Mesh([ann, ben], { clock, random: new Random("twin") });
    mesh.settle();
    for (const { document } of [ann, ben]) {
      expect(document.history.forks().map((fork) => fork.author)).toEqual([
        mallory.keyPair.publicKey,
      ]);
    }
    const replicas = replicasOf(scenario([...members, twin]), new Random(7), 5);
    for (const replica of replicas) {
      expect(replica.viewDigest()).toBe(ann.document.viewDigest());
      expect(replica.root.notes.entries().map((entry) => entry.value.text)).toEqual(
        ann.document.root.notes.entries().map((entry) => entry.value.text),
      );
    }
  });
});

describe("a clock", () => {
  it("hurries through what is due, but lets others have a turn, so that they can end it", async () => {
    const clock = new Clock();
    const times: number[] = [];
    clock.every(1, () => void times.push(clock.elapsed));
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 1);
    await clock.hurry(1e9, abort.signal); // far more than it could do
    const { length } = times;
    expect(times).toEqual(Array.from({ length }, (_, i) => i + 1));
    expect(clock.elapsed).toBe(length);
    await clock.hurry(10, abort.signal);
    expect(clock.elapsed).toBe(length);
    await clock.hurry(10.5, new AbortController().signal);
    expect(times).toHaveLength(length + 10);
    expect(clock.elapsed).toBe(length + 10.5);
  });
});

describe("what is drawn", () => {
  it("is the same under one seed and label, and else another", () => {
    const draw = (random: Random): number[] => Array.from({ length: 5 }, () => random.below(1e9));
    expect(draw(new Random("a").split("x"))).toEqual(draw(new Random("a").split("x")));
    expect(draw(new Random("a").split("x"))).not.toEqual(draw(new Random("a").split("y")));
    const random = new Random(1);
    const sample = Array.from({ length: 4_000 }, () => random.normal(10, 2));
    const mean = sample.reduce((sum, value) => sum + value, 0) / sample.length;
    expect(mean).toBeGreaterThan(9.8);
    expect(mean).toBeLessThan(10.2);
  });
});

describe("a cast", () => {
  it("is one for each name, and strangers are called by their keys", () => {
    const [ann, ben] = cast(["ann", "ben"], (name) => ({ name, author: `${name}'s long key` }));
    const nameOf = namesOf([ann, ben]);
    expect([ann, ben].map(({ author }) => nameOf(author))).toEqual(["ann", "ben"]);
    expect(nameOf("0123456789")).toBe("01234567");
  });

  it("comes to one outcome in the end, or it is said that it does not", () => {
    const [ann, ben] = cast(["ann", "ben"], (name) => participants(new Clock(), [name])[0]!);
    for (const one of [ann, ben]) one.change(({ notes }) => notes.append({ text: one.name }));
    const lines: string[] = [];
    const print = vi.spyOn(console, "log").mockImplementation((line: string) => lines.push(line));
    try {
      const texts = (replica: (typeof ann)["document"]) =>
        replica.view().notes.map(({ text }) => text);
      const replicas = showAgreement([ann, ben], new Random(1), "list", texts);
      expect(replicas.map((replica) => replica.history.length)).toEqual(Array(6).fill(2));
      expect(lines.join("\n")).toMatch(/\n {2}2 changes, .* 6 .*\n {2}1 list, [0-9a-f]{16}…$/u);
      let count = 0;
      const differs = (): void => void showAgreement([ann], new Random(1), "list", () => count++);
      expect(differs).toThrow("the replicas differ");
      expect(lines.at(-1)).toContain("6 list");
    } finally {
      print.mockRestore();
    }
  });
});

describe("a table", () => {
  it("puts numbers to the right and measures without colours", () => {
    expect(
      table(
        ["name", "price"],
        [
          ["\u001B[31mann\u001B[0m", "9.5"],
          ["benedict", "100"],
        ],
      ),
    ).toEqual(["name      price", "\u001B[31mann\u001B[0m         9.5", "benedict    100"]);
  });
});

describe("an option that is a whole number within bounds", () => {
  it("is taken from the least to the most, and nothing else is", () => {
    const parse = between(3, 100);
    expect(["3", "30", "100"].map(parse)).toEqual([3, 30, 100]);
    for (const text of ["2", "101", "3.5", "-4", "", " 5", "1e1", "0x10", "NaN", "9".repeat(400)])
      expect(() => parse(text)).toThrow("It should be a whole number from 3 to 100.");
  });
});
