/** The chain: each rule, and that no liar puts into it what users did not sign. */
import { sha256, toHex } from "bft-json-crdt";
import { Clock, keyPairOf, Random, reconcile, replicasOf, scenario } from "example-kit";
import { expectReached, runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chainOf,
  GENESIS_HASH,
  hashOf,
  MOST_IN_BATCH,
  MOST_PAYLOAD,
  Person,
  Rollup,
  rollupId,
} from "./index.ts";
import type { ChainView } from "./index.ts";

const names = ["sam", "sue", "mallory"];
const committee = {
  name: "test",
  sequencers: names.map((name) => keyPairOf("test", name).publicKey),
};
const id = rollupId(committee);

function join(name: string): Person {
  return new Person({ name, seed: "test", schema: Rollup, id, clock: new Clock() }, committee);
}

function meet(...people: readonly Person[]): void {
  for (let turn = 0; turn < 2; turn++)
    for (const one of people) reconcile(people[0]!.document, one.document);
}

function begun() {
  const [sam, sue, mallory, ann, ben] = [...names, "ann", "ben"].map(join) as [
    Person,
    Person,
    Person,
    Person,
    Person,
  ];
  ann.send("1");
  ann.send("2");
  ben.send("3");
  meet(sam, sue, mallory, ann, ben);
  return { sam, sue, mallory, ann, ben, all: [sam, sue, mallory, ann, ben] };
}

const batch = (person: Person, height: number, parent: Uint8Array, transactions: unknown): void => {
  person.change(
    ({ batches }) => batches.append({ height, parent, transactions: transactions as string[] }),
    { requires: person.document.frontier() },
  );
};

/** The rank of a proposer at a height, by the rule word for word; in hex. */
function rankOf(height: number, parent: Uint8Array = GENESIS_HASH, { author }: Person): string {
  const text = `sequencers example/1 rank\0${height}\0${toHex(parent)}\0${author}`;
  return toHex(sha256(new TextEncoder().encode(text)));
}

const reasons = ({ ignored }: ChainView): string[] => ignored.map(({ reason }) => reason);

describe("a batch", () => {
  test("with most transactions is chosen, whoever is first; and the next builds on it", () => {
    const { sam, sue, ben, all } = begun();
    const { waiting } = sam.view;
    expect(waiting).toHaveLength(3);
    batch(sam, 0, GENESIS_HASH, waiting.slice(0, 2));
    sue.propose();
    meet(...all);
    expect(ben.view.chain).toMatchObject([{ sequencer: sue.author, rivals: 1, height: 0 }]);
    expect(ben.view.waiting).toEqual([]);
    ben.send("4");
    meet(...all);
    expect(sam.propose()).toBe(true);
    expect(sam.view.chain[1]).toMatchObject({
      sequencer: sam.author,
      height: 1,
      transactions: [expect.any(String)],
    });
    expect(sam.propose()).toBe(false);
  });

  test("of equals is chosen by the proposers' ranks, which change from height to height", () => {
    const { sam, sue, ann, all } = begun();
    const winners = new Set<string>();
    for (let height = 0; height < 12; height++) {
      sam.propose();
      sue.propose();
      meet(...all);
      const { chain } = ann.view;
      const last = chain.at(-1)!;
      const [first] = [sam, sue].toSorted((a, b) =>
        rankOf(height, chain.at(-2)?.hash, a) < rankOf(height, chain.at(-2)?.hash, b) ? -1 : 1,
      );
      expect(last).toMatchObject({ height, rivals: 1, sequencer: first!.author });
      winners.add(last.sequencer);
      ann.send("more");
      meet(...all);
    }
    expect(winners.size).toBe(2);
  });

  test("with a transaction twice, unknown, out of order, included before or not seen is invalid", () => {
    const { sam, sue, ann, all } = begun();
    const [first, second, third] = sam.view.waiting as [string, string, string];
    for (const wrong of [[first, first], [first, "x"], [second], [second, first]])
      batch(sam, 0, GENESIS_HASH, wrong);
    ann.send("unseen");
    const unseen = ann.view.waiting.find((id) => ![first, second, third].includes(id))!;
    batch(sam, 0, GENESIS_HASH, [first, second, unseen]);
    meet(...all);
    expect(reasons(ann.view)).toEqual(Array.from({ length: 5 }, () => "invalid"));
    batch(sam, 0, GENESIS_HASH, [first]);
    const parent = sam.view.chain[0]!.hash;
    expect(parent).toEqual(hashOf(sam.view.chain[0]!.id));
    batch(sam, 1, parent, [first]);
    batch(sam, 2, parent, [second]);
    meet(...all);
    expect(ann.view.chain).toHaveLength(1);
    sue.propose();
    expect(sue.view.chain[1]!.transactions).toHaveLength(3);
  });

  test("by a stranger, or of no known form, is ignored", () => {
    const { sam, ann, all } = begun();
    const [first] = sam.view.waiting as [string];
    batch(ann, 0, GENESIS_HASH, [first]);
    for (const wrong of [
      null,
      [],
      "x",
      [1],
      { length: 1 },
      Array.from({ length: MOST_IN_BATCH + 1 }, () => "x"),
    ])
      batch(sam, 0, GENESIS_HASH, wrong);
    ann.change(({ transactions }) =>
      transactions.append(
        { nonce: -1, payload: "" },
        { nonce: 9, payload: "x".repeat(MOST_PAYLOAD + 1) },
      ),
    );
    ann.change(({ transactions }) =>
      transactions.append({ nonce: 0, payload: "again" }, { nonce: 7, payload: "a gap" }),
    );
    meet(...all);
    expect(reasons(sam.view).toSorted()).toEqual([
      "malformed",
      "malformed",
      "malformed",
      "malformed",
      "malformed",
      "malformed",
      "malformed",
      "malformed",
      "nonce used twice",
      "not a sequencer",
    ]);
    expect(sam.view.waiting).toHaveLength(3);
    expect(() => chainOf(sam.document, { ...committee, name: "other" })).toThrow(
      /another committee/,
    );
  });

  test("of one who proposed two histories falls, with what was built on it", () => {
    const { sam, mallory, ann, all } = begun();
    const twin = join("mallory");
    reconcile(twin.document, mallory.document);
    mallory.propose();
    meet(...all);
    ann.send("4");
    meet(...all);
    sam.propose();
    meet(...all);
    expect(ann.view.chain.map((it) => it.sequencer)).toEqual([mallory.author, sam.author]);
    batch(twin, 0, GENESIS_HASH, [twin.view.waiting[0]]);
    meet(...all, twin);
    expect(ann.view.chain).toEqual([]);
    expect(ann.view.exposed).toEqual([mallory.author]);
    expect(ann.view.waiting).toHaveLength(4);
  });
});

describe("a late batch", () => {
  test("that is fuller takes the place of one that was chosen, and what was built on that falls", () => {
    const { sam, sue, mallory, ann, ben } = begun();
    sue.propose(); // of all three, and nobody hears of it
    batch(sam, 0, GENESIS_HASH, sam.view.waiting.slice(0, 2));
    sam.propose();
    meet(sam, mallory, ann, ben);
    expect(ann.view.chain.map(({ sequencer }) => sequencer)).toEqual([sam.author, sam.author]);
    meet(sam, sue, mallory, ann, ben);
    for (const { view } of [sam, sue, ann]) {
      expect(view.chain).toMatchObject([{ sequencer: sue.author, rivals: 1 }]);
      expect(view.chain[0]!.transactions).toHaveLength(3);
      expect(view.waiting).toEqual([]);
    }
  });

  test("of as many takes the place of one that was chosen only where its rank is lower", () => {
    const changed = [true, false].map((isSamLate) => {
      const { sam, sue, ann } = begun();
      const [first, late] = isSamLate ? [sue, sam] : [sam, sue];
      for (const one of [first, late]) one.propose();
      meet(ann, first);
      expect(ann.view.chain).toMatchObject([{ sequencer: first.author, rivals: 0 }]);
      meet(ann, late);
      expect(ann.view.chain).toMatchObject([{ rivals: 1 }]);
      return ann.view.chain[0]!.sequencer === late.author;
    });
    expect(changed.toSorted()).toEqual([false, true]);
  });

  test("of its proposer's own making wins by volume over the honest one, which waits for the next height", () => {
    const { sam, mallory, ann, all } = begun();
    const puppet = join("puppet");
    for (const text of ["a", "b", "c"]) puppet.send(text);
    reconcile(puppet.document, mallory.document);
    const isAnns = (id: string): boolean =>
      mallory.document.root.transactions
        .entries()
        .some((entry) => entry.id === id && entry.author === ann.author);
    expect(mallory.propose(isAnns)).toBe(true);
    sam.propose();
    meet(...all);
    const [chosen] = ann.view.chain;
    expect(chosen).toMatchObject({ sequencer: mallory.author, rivals: 1 });
    expect(chosen!.transactions).toHaveLength(4);
    expect(ann.view.waiting).toHaveLength(2);
    sam.propose();
    meet(...all);
    expect(ann.view.chain[1]!.transactions).toHaveLength(2);
  });
});

describe("whatever sequencers and users do", () => {
  test("all replicas see one chain, of transactions that users signed, each once and in their order", () => {
    const steps = fc.array(
      fc.record({ who: fc.nat(4), act: fc.nat(9), what: fc.nat(99), copy: fc.nat(1) }),
      { minLength: 20, maxLength: 60 },
    );
    let included = 0;
    fc.assert(
      fc.property(steps, fc.nat(), (steps, seed) => {
        const { all } = begun();
        // Mallory and Ben have a second tongue.
        const copies = all.map((one) =>
          one.name === "mallory" || one.name === "ben" ? [one, join(one.name)] : [one],
        );
        for (const { who, act, what, copy } of steps) {
          const person = copies[who]![copy % copies[who]!.length]!;
          const { chain, waiting } = person.view;
          const parent = chain[what % Math.max(1, chain.length)]?.hash ?? GENESIS_HASH;
          if (act < 2) person.send(String(what));
          else if (act < 4) person.propose();
          else if (act === 4 && copies[who]!.length > 1)
            batch(
              person,
              what % 3,
              parent,
              [...waiting, ...(chain[0]?.transactions ?? [])].slice(what % 2),
            );
          else if (act === 5 && person.name === "ben")
            person.change(({ transactions }) =>
              transactions.append({ nonce: what % 3, payload: "twice" }),
            );
          else
            for (const other of copies.flat())
              if ((what + other.document.history.length) % 3 !== 0)
                reconcile(person.document, other.document);
        }
        const whole = scenario(copies.flat());
        const views = replicasOf(whole, new Random(seed), 3).map((replica) => {
          expect(replica.history.length).toBe(whole.groups.length);
          const transactions = new Map(
            replica.root.transactions.entries().map((entry) => [entry.id, entry]),
          );
          const view = chainOf(replica, committee);
          const nonces = new Map<string, number>();
          for (const { transactions: ids, sequencer, height } of view.chain) {
            expect(view.exposed).not.toContain(sequencer);
            expect(view.chain[height]!.sequencer).toBe(sequencer);
            for (const id of ids) {
              const { author, value } = transactions.get(id)!;
              expect(value.nonce).toBe(nonces.get(author) ?? 0);
              nonces.set(author, value.nonce + 1);
            }
          }
          return view;
        });
        for (const view of views) expect(view).toEqual(views[0]);
        included += views[0]!.chain.length;
      }),
      runs(12),
    );
    expectReached(included);
  });
});
