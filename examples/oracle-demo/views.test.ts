/** What is shared is what each replica would show by a whole fold of its own, at whatever time, and whoever asks first. */
import { documentId } from "bft-json-crdt";
import { cast, Clock, Participant, Random, reconcile } from "example-kit";
import { runs } from "example-kit/runs";
import { Market, Oracle, rulesFor, schema, textOf, viewOf } from "example-oracle-network";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PAIR } from "./demo.ts";
import { SharedViews } from "./views.ts";

test("a view that replicas share is that of each, and replicas with one frontier share it", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = new Random(seed);
      const [clock, id] = [new Clock(), documentId("shared views")];
      const oracles = cast(["ann", "ben", "cem", "dot"], (name) => {
        const participant = new Participant({ name, seed, schema, id, clock });
        return new Oracle(participant, random.split(name));
      });
      const market = new Market(random.split("market"), { [PAIR]: 2_500 }, 4);
      const everyone = [...oracles, oracles[0].twin(random.split("twin"))];
      const authors = oracles.map(({ participant }) => participant.author);
      const shared = new SharedViews(rulesFor(authors, { roundSeconds: 1 }));
      const rules = rulesFor(authors, { roundSeconds: 1 });
      for (let step = 0; step < 20; step++) {
        const now = Math.floor(clock.now / 1_000);
        random.pick(everyone).observe(now, market.ask(now));
        const [one, other] = random.shuffled(everyone);
        if (random.chance(0.6)) reconcile(one!.participant.document, other!.participant.document);
        if (random.chance(0.5)) clock.advance(1_000);
        // Later what was not revealed is held against its oracle.
        for (const later of random.shuffled([0, 1_000])) {
          const views = new Map<string, unknown>();
          for (const { participant } of random.shuffled(everyone)) {
            const { document } = participant;
            const view = shared.of(document, now + later);
            expect(textOf(view)).toBe(textOf(viewOf(document, rules, now + later)));
            const frontier = document.frontier().join();
            expect(views.get(frontier) ?? view).toBe(view);
            views.set(frontier, view);
          }
        }
      }
    }),
    runs(8),
  );
});
