import { runs } from "example-kit/runs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Random, reconcile } from "example-kit";
import { place, trader } from "./floor.model.ts";
import { sightOf } from "./sight.ts";
import type { Question } from "./sight.ts";

test("what a change had seen is what the history says, however many ask at once", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = new Random(seed);
      const traders = ["ann", "ben", "cem"].map(trader);
      for (let i = 0; i < 60; i++) {
        place(random.pick(traders), "buy", 1n, 1n);
        const [one, other] = random.shuffled(traders);
        if (random.chance(0.2)) reconcile(one!.document, other!.document);
      }
      const { history } = traders[0]!.document;
      const questions: Question[] = [];
      for (let earlier = 0; earlier < history.length; earlier++) {
        for (let later = 0; later < history.length; later++) questions.push([earlier, later]);
      }
      const asked = questions.filter(() => random.chance(0.5));
      const hadSeen = sightOf(history, asked);
      expect(questions.map(([earlier, later]) => hadSeen(earlier, later))).toEqual(
        questions.map(([earlier, later]) => history.isAncestor(earlier, later)),
      );
    }),
    runs(8),
  );
});
