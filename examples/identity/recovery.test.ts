import { reconcile, Clock } from "example-kit";
import type { Participant } from "example-kit";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyOnly, Person } from "./people.ts";
import { adviceOn, faultOfPlan, stateOf } from "./recovery.ts";
import type { Identity, State } from "./recovery.ts";
import type { IdentityLogs, IdentitySchema } from "./schema.ts";

const WAIT = 1_000;
const NAMES = ["g1", "g2", "g3", "g4", "g5"] as const;

/** One who has five guardians, three of whom it takes, four against a veto. */
class World {
  readonly clock = new Clock();
  readonly guardians: readonly Participant<typeof IdentitySchema>[];
  readonly owner: Person;
  readonly first: State;

  constructor() {
    this.guardians = NAMES.map((name) => keyOnly(name, "recovery", this.clock));
    const plan = { threshold: 3, override: 4, wait: WAIT };
    const keys = this.guardians.map((it) => it.author);
    this.owner = Person.found("owner", "recovery", this.clock, keys, plan);
    this.first = this.identity.state;
  }

  get identity(): Identity {
    return this.owner.view().identities.get(this.owner.id)!;
  }

  /** A new key that asks to follow on a state, with the same guardians unless others are given. */
  propose(name: string, before = this.first, guardians = before.guardians): State {
    const { threshold, override, wait } = before;
    const plan = { guardians: [...guardians], threshold, override, wait };
    const key = keyOnly(name, "recovery", this.clock);
    const record = { identity: this.owner.id, state: before.id, ...plan };
    this.#take(key, ({ proposals }) => proposals.append(record));
    return stateOf(key.author, plan, before.id);
  }

  approve({ id }: State, by: readonly number[], time = this.clock.now): void {
    for (const at of by) {
      this.#take(this.guardians[at]!, ({ approvals }) => approvals.append({ state: id }), time);
    }
  }

  confirm({ id }: State, by: readonly number[], despiteVeto = false, time = this.clock.now): void {
    for (const at of by) {
      const record = { state: id, despiteVeto };
      this.#take(this.guardians[at]!, ({ confirmations }) => confirmations.append(record), time);
    }
  }

  veto({ id }: State): void {
    this.owner.state(({ vetoes }) => vetoes.append({ state: id }));
  }

  #take(
    key: Participant<typeof IdentitySchema>,
    facts: (logs: IdentityLogs) => void,
    time = this.clock.now,
  ): void {
    key.change(facts, { time });
    reconcile(key.document, this.owner.participant.document);
  }
}

describe("recovery", () => {
  it("gives an identity another key once enough guardians have approved, waited and confirmed", () => {
    const world = new World();
    const next = world.propose("new");
    expect(world.identity.attempts).toHaveLength(1);
    world.approve(next, [0, 1]);
    world.clock.advance(10);
    world.approve(next, [2]);
    const [attempt] = world.identity.attempts;
    expect(attempt).toMatchObject({ approvals: 3, opened: world.clock.now, vetoed: false });
    expect(adviceOn(world.first, attempt!, world.clock.now + WAIT - 1)).toBe("wait");
    expect(adviceOn(world.first, attempt!, world.clock.now + WAIT)).toBe("confirm");

    world.clock.advance(WAIT - 1);
    world.confirm(next, [0, 1, 2]);
    expect(world.identity.key).toBe(world.first.key);
    world.clock.advance(1);
    world.confirm(next, [0, 1]);
    expect(world.identity.key).toBe(world.first.key);
    world.confirm(next, [4]);
    expect(world.identity).toMatchObject({ key: next.key, formerKeys: [world.first.key] });
    expect(world.identity.id).toBe(world.owner.id);

    // And once more, from there; but never back to a key that was replaced.
    const third = world.propose("third", next);
    world.approve(third, [0, 1, 2]);
    world.clock.advance(WAIT);
    world.confirm(third, [0, 1, 2]);
    expect(world.identity.formerKeys).toEqual([world.first.key, next.key]);
    const back = world.propose("owner", third);
    world.approve(back, [0, 1, 2]);
    world.clock.advance(WAIT);
    world.confirm(back, [0, 1, 2]);
    expect(world.identity.key).toBe(third.key);
  });

  it("needs more of them against a veto, which honest guardians heed", () => {
    const world = new World();
    const next = world.propose("new");
    world.approve(next, [0, 1, 2]);
    world.veto(next);
    world.clock.advance(WAIT);
    expect(adviceOn(world.first, world.identity.attempts[0]!, world.clock.now)).toBe("vetoed");
    world.confirm(next, [0, 1, 2], true);
    expect(world.identity.key).toBe(world.first.key);
    world.confirm(next, [3], true);
    expect(world.identity.key).toBe(next.key);
  });

  it("is not vetoed by strangers, nor by a key that came later", () => {
    const world = new World();
    const next = world.propose("new");
    for (const name of ["stranger", "new"]) {
      const key = keyOnly(name, "recovery", world.clock);
      reconcile(key.document, world.owner.participant.document);
      key.change(({ vetoes }) => vetoes.append({ state: next.id }));
      reconcile(key.document, world.owner.participant.document);
    }
    expect(world.identity.attempts[0]!.vetoed).toBe(false);
  });

  it("is no faster for a liar who claims an early approval or a late confirmation", () => {
    const world = new World();
    const next = world.propose("new");
    const opened = world.clock.now + 500;
    // Two of the three it takes lie: the third is honest, and nothing opens before it approves.
    world.approve(next, [0, 1], 0);
    world.clock.advance(500);
    world.approve(next, [2]);
    expect(world.identity.attempts[0]!.opened).toBe(opened);
    world.confirm(next, [0, 1, 2], false, opened + WAIT);
    expect(world.identity.key).toBe(world.first.key);
    world.clock.advance(WAIT);
    expect(world.identity.key).toBe(next.key);
  });

  it("is of no use to a thief of the key, who has no guardians of his own", () => {
    const world = new World();
    const helpers = ["h1", "h2", "h3", "h4", "h5"].map((name) =>
      keyOnly(name, "recovery", world.clock),
    );
    const guardians = helpers.map((it) => it.author);
    const plan = { guardians, threshold: 3, override: 3, wait: 0 };
    world.owner.state(({ identities }) => identities.append(plan));
    const mine = world.propose("thief", world.first, guardians);
    expect(world.identity.attempts).toMatchObject([{ state: mine, approvals: 0 }]);
    for (const { document } of helpers) reconcile(document, world.owner.participant.document);
    for (const helper of helpers) {
      helper.change(({ approvals }) => approvals.append({ state: mine.id }), { time: 0 });
      helper.change(({ confirmations }) =>
        confirmations.append({ state: mine.id, despiteVeto: true }),
      );
      reconcile(helper.document, world.owner.participant.document);
    }
    world.clock.advance(10 * WAIT);
    expect(world.identity.state).toEqual(world.first);
    // What he founded is another identity.
    expect(world.owner.view().identities.size).toBe(2);
  });

  it("leaves an identity to nobody when guardians confirm two, and says so", () => {
    const world = new World();
    const [one, two] = [world.propose("one"), world.propose("two")];
    world.approve(one, [0, 1, 2]);
    world.approve(two, [2, 3, 4]);
    world.clock.advance(WAIT);
    world.confirm(one, [0, 1, 2]);
    expect(world.identity.key).toBe(one.key);
    world.confirm(two, [2, 3, 4]);
    expect(world.identity).toMatchObject({ key: null, formerKeys: [] });
    expect(world.identity.attempts.every((attempt) => attempt.done)).toBe(true);
  });

  it("never loses a guardian's vote by anything that is added", () => {
    const anyFact = fc.record({
      kind: fc.constantFrom("approve", "confirm", "override", "veto", "pass"),
      which: fc.nat(1),
      guardian: fc.nat(4),
      back: fc.nat(2 * WAIT),
    });
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 30 }), (facts) => {
        const world = new World();
        const states = [world.propose("one"), world.propose("two")];
        let before = world.identity;
        for (const { kind, which, guardian, back } of facts) {
          const state = states[which]!;
          const time = world.clock.now - back;
          if (kind === "approve") world.approve(state, [guardian], time);
          else if (kind === "confirm") world.confirm(state, [guardian], false, time);
          else if (kind === "override") world.confirm(state, [guardian], true, time);
          else if (kind === "veto") world.veto(state);
          else world.clock.advance(back);
          const after = world.identity;
          if (before.key !== world.first.key) {
            expect([before.key, null]).toContain(after.key);
          }
          before = after;
        }
      }),
      runs(20),
    );
  });

  it("is not undone by a guardian who signs two histories afterwards", () => {
    const world = new World();
    const next = world.propose("new");
    world.approve(next, [0, 1, 2]);
    world.clock.advance(WAIT);
    world.confirm(next, [0, 1, 2]);
    const twin = world.guardians[0]!.twin();
    world.approve(next, [0]);
    twin.change(({ vetoes }) => vetoes.append({ state: next.id }));
    reconcile(twin.document, world.owner.participant.document);
    expect(world.owner.participant.document.history.forks()).toHaveLength(1);
    expect(world.identity.key).toBe(next.key);
  });

  it("takes only plans in which two majorities share a guardian", () => {
    const keys = new World().guardians.map((it) => it.author);
    const plan = { guardians: keys, threshold: 3, override: 4, wait: WAIT };
    const owner = keyOnly("owner", "recovery", new Clock()).author;
    expect(faultOfPlan(owner, plan)).toBeNull();
    expect(faultOfPlan(owner, { ...plan, guardians: [], threshold: 0, override: 0 })).toBeNull();
    for (const [wrong, fault] of [
      [{ guardians: keys.slice(1), threshold: 2 }, "bad threshold"],
      [{ threshold: 0 }, "bad threshold"],
      [{ threshold: 5 }, "bad threshold"],
      [{ override: 6 }, "bad threshold"],
      [{ guardians: [], threshold: 1, override: 1 }, "bad threshold"],
      [{ guardians: [...keys, keys[0]!] }, "bad guardians"],
      [{ guardians: [...keys, owner] }, "bad guardians"],
      [{ guardians: [...keys, "00".repeat(32)] }, "bad guardians"],
      [{ guardians: [...keys, 5] }, "bad guardians"],
      [{ guardians: "all" }, "bad guardians"],
      [{ guardians: { length: 2 } }, "bad guardians"],
      [{ guardians: null }, "bad guardians"],
      [{ guardians: Array.from({ length: 17 }, () => keys[0]!) }, "bad guardians"],
      [{ wait: -1 }, "bad wait"],
      [{ wait: Number.MAX_SAFE_INTEGER }, "bad wait"],
    ] as const) {
      expect(faultOfPlan(owner, { ...plan, ...wrong }), JSON.stringify(wrong)).toBe(fault);
    }
  });
});
