/** What the thief of a key can do at worst, which the tests of recovery do not show. */
import { Clock, reconcile } from "example-kit";
import { expect, test } from "vitest";
import { keyOnly, Person } from "./people.ts";

const WAIT = 1_000;

test("a replaced key's attestations count no more, however old they claim to be, and those about it go on", () => {
  const clock = new Clock();
  const guardians = ["g1", "g2", "g3"].map((name) => keyOnly(name, "worst", clock));
  const keys = guardians.map(({ author }) => author);
  const plan = { threshold: 2, override: 3, wait: WAIT };
  const owner = Person.found("owner", "worst", clock, keys, plan);
  const friend = Person.found("friend", "worst", clock, []);
  // The thief has the owner's key, so it writes as the owner.
  const thief = owner;
  const { document } = owner.participant;
  reconcile(document, friend.participant.document);
  friend.attest(owner, "knows", 9_000);
  thief.attest(friend, "met", 8_000);
  reconcile(document, friend.participant.document);
  const stated = () =>
    friend
      .view()
      .attestations.map(({ claim }) => claim)
      .toSorted();
  expect(stated()).toEqual(["knows", "met"]);

  const fresh = keyOnly("fresh", "worst", clock);
  reconcile(fresh.document, document);
  const { state } = friend.view().identities.get(owner.id)!;
  fresh.change(({ proposals }) =>
    proposals.append({ identity: owner.id, state: state.id, ...plan, guardians: [...keys] }),
  );
  reconcile(fresh.document, document);
  const next = owner.view().identities.get(owner.id)!.attempts[0]!.state.id;
  for (const step of ["approve", "confirm"] as const) {
    for (const guardian of guardians.slice(0, 2)) {
      guardian.change(({ approvals, confirmations }) =>
        step === "approve"
          ? approvals.append({ state: next })
          : confirmations.append({ state: next, despiteVeto: false }),
      );
      reconcile(guardian.document, document);
    }
    clock.advance(WAIT);
  }
  const record = { from: owner.id, subject: friend.id, claim: "trusts", confidence: 9_000 };
  thief.state(({ attestations }) => attestations.append(record), clock.now - 10 * WAIT);
  reconcile(document, friend.participant.document);
  expect(friend.view().identities.get(owner.id)!.key).toBe(fresh.author);
  expect(stated()).toEqual(["knows"]);
  const reason = "by a key that was replaced";
  expect(friend.view().ignored.map((it) => it.reason)).toEqual([reason, reason]);
});
