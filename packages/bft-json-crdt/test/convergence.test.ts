import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../src/encoding/index.ts";
import { Document } from "../src/document/index.ts";
import {
  counter,
  json,
  list,
  map,
  optional,
  set,
  string,
  struct,
  text,
} from "../src/schema/index.ts";
import type { Schema } from "../src/schema/index.ts";
import { anySchema, EVERYTHING, inspect } from "./random-edits.ts";
import { ID, naiveOf, permutations, step, Trial } from "./trial.ts";
import type { Step } from "./trial.ts";

function expectEqual(replicas: readonly Document<Schema>[]): void {
  const first = replicas[0]!;
  const naive = naiveOf(first);
  expect(first.view()).toEqual(naive.view());
  const all = inspect(first.schema, first.root);
  expect(all).toEqual(naive.inspect());
  for (const other of replicas.slice(1)) {
    expect(other.frontier().map(toHex)).toEqual(first.frontier().map(toHex));
    expect(other.viewJson()).toBe(first.viewJson());
    expect(inspect(other.schema, other.root)).toEqual(all);
    expect(other.viewDigest()).toBe(first.viewDigest());
  }
}

describe("honest authors, an equivocator and a forger", () => {
  const histories = (most: number): fc.Arbitrary<Step[]> =>
    fc.array(step, { minLength: 1, maxLength: most, size: "max" });

  test("of a document of everything show the same everywhere, and what the definition says", () => {
    fc.assert(
      fc.property(histories(60), fc.nat(), (steps, seed) => {
        const trial = new Trial(EVERYTHING);
        for (const each of steps) trial.run(each);
        expectEqual(trial.settle(seed));
      }),
      { numRuns: 35 },
    );
  });

  test("of a document of any schema show the same everywhere, and what the definition says", () => {
    fc.assert(
      fc.property(anySchema, histories(40), fc.nat(), (schema, steps, seed) => {
        const trial = new Trial(schema);
        for (const each of steps) trial.run(each);
        expectEqual(trial.settle(seed));
      }),
      { numRuns: 80 },
    );
  });

  test("show the same in every order in which up to five changes can arrive", () => {
    const schema = struct({
      leaf: string(),
      text: text(),
      items: list(struct({ name: optional(string()), body: text(), tags: set(string()) })),
      map: map(map(json())),
      sum: counter(),
    });
    const making = step.map((each) => ({
      ...each,
      kind: each.kind === "forge" ? each.kind : ("edit" as const),
    }));
    const gossip = step.map((each) => ({ ...each, kind: "gossip" as const }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(making, fc.array(gossip, { maxLength: 2 })), {
          minLength: 2,
          maxLength: 5,
          size: "max",
        }),
        (steps) => {
          const trial = new Trial(schema);
          for (const [make, gossips] of steps) {
            trial.run(make);
            for (const each of gossips) trial.run(each);
          }
          const replicas = [...permutations(trial.live)].map((order) => {
            const replica = new Document<Schema>({ schema, id: ID });
            for (const group of order) replica.receive(group);
            return replica;
          });
          expectEqual(replicas);
        },
      ),
      { numRuns: 20 },
    );
  });
});
