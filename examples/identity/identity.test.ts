/**
 * Honest people attest and revoke; a liar with two keys and the stolen key of one of them does his worst. Whatever arrives in
 * whatever order, every replica sees the same, and what the liars may not say counts nowhere.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Value } from "bft-json-crdt";
import { Clock, forkersIn, Random, reconcile, replicasOf, scenario } from "example-kit";
import { expectReached, runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge } from "./policy.ts";
import { keyOnly, Person } from "./people.ts";
import type { State } from "./recovery.ts";
import { WHOLE } from "./schema.ts";
import type { IdentityLogs } from "./schema.ts";
import { matchSkills } from "./skills.ts";
import { sybilScore } from "./sybil.ts";
import { trustIn } from "./trust.ts";
import { viewOf } from "./view.ts";
import type { IdentityView } from "./view.ts";
import { votingPower } from "./voting.ts";

const HOUR = 3_600_000;
const CLAIMS = ["knows", "met", "skill:welding", "kyc"] as const;
const via = { knows: WHOLE, met: 8_000 };
const norm = { paths: 2, age: HOUR, burst: 3, window: HOUR, liars: 1 };

class World {
  readonly clock = new Clock();
  readonly honest: readonly Person[];
  readonly victim: Person;
  readonly liars: readonly Person[];
  /** The liars' keys and the victim's, once more. */
  readonly twins: Person[];
  readonly first: State;
  /** What the honest have attested and not revoked: from, subject, claim. */
  readonly stands = new Map<string, readonly [Person, Person, string]>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    const found = (name: string): Person => Person.found(name, "property", this.clock, []);
    this.honest = ["h0", "h1", "h2", "h3"].map(found);
    this.liars = ["l0", "l1"].map(found);
    const guardians = [...this.honest.slice(0, 3), ...this.liars].map(
      (it) => it.participant.author,
    );
    const plan = { threshold: 3, override: 3, wait: HOUR };
    this.victim = Person.found("victim", "property", this.clock, guardians, plan);
    this.first = this.victim.view().identities.get(this.victim.id)!.state;
    // Made now, used later: what they write then stands behind nothing that has happened in between.
    this.twins = [...this.liars, this.victim].map(
      (it) => new Person(it.participant.twin(), this.clock, it.id),
    );
  }

  get everyone(): readonly Person[] {
    return [...this.honest, this.victim, ...this.liars];
  }

  /** An honest person attests, revokes, or hears from another one. */
  live(): void {
    const random = this.#random;
    const person = random.pick(this.honest);
    const other = random.pick(this.everyone.filter((it) => it !== person));
    const claim = random.pick(CLAIMS);
    const place = `${person.name} ${other.name} ${claim}`;
    const choice = random.below(10);
    if (choice < 5) {
      person.attest(other, claim, random.between(1, WHOLE));
      this.stands.set(place, [person, other, claim]);
    } else if (choice < 7) {
      person.revoke(other, claim);
      this.stands.delete(place);
    } else reconcile(person.participant.document, other.participant.document);
    this.clock.advance(random.below(HOUR));
  }

  /** A liar, or the thief of the victim's key, writes something that he should not. */
  lie(): void {
    const random = this.#random;
    const liar = random.pick([...this.liars, ...this.twins, this.victim]);
    const source = random.pick(this.honest).participant.document;
    if (random.chance(0.3)) reconcile(liar.participant.document, source);
    const target = random.pick(this.everyone);
    const stated = source.root.attestations.entries();
    const claimed = random.pick([0, this.clock.now, this.clock.now - HOUR, 8_640_000_000_000_000]);
    const wild = (): number => random.pick([-1, 0, 1, WHOLE, Number.MAX_SAFE_INTEGER, -(2 ** 40)]);
    const facts: ((logs: IdentityLogs) => void)[] = [
      ({ revocations }) =>
        revocations.append({ attestation: stated.length > 0 ? random.pick(stated).id : "" }),
      ({ attestations }) =>
        attestations.append({
          from: random.pick([target.id, liar.id, "__proto__", ""]),
          subject: random.pick([target.id, liar.id, "constructor"]),
          claim: random.pick([...CLAIMS, "__proto__", "constructor", "x".repeat(3_000)]),
          confidence: wild(),
          ...(random.chance(0.5) ? { expires: wild(), commitment: new Uint8Array(33) } : {}),
        }),
      // Well-formed: it counts unless its author has forked.
      ({ attestations }) => {
        const claim = random.pick(CLAIMS);
        attestations.append({ from: liar.id, subject: target.id, claim, confidence: WHOLE });
      },
      ({ identities, proposals }) => {
        const guardians = random.pick<Value>([
          [liar.participant.author],
          [],
          null,
          "x",
          { length: 3 },
          [[[]]],
          this.first.guardians,
        ]);
        const plan = { guardians, threshold: wild(), override: wild(), wait: wild() };
        identities.append(plan);
        proposals.append({ ...plan, identity: target.id, state: this.first.id });
      },
      ({ proposals, approvals, confirmations, vetoes }) => {
        const { guardians, threshold, override, wait } = this.first;
        const plan = { guardians: [...guardians], threshold, override, wait };
        proposals.append({ ...plan, identity: this.victim.id, state: this.first.id });
        const { root, history } = source;
        const seen = viewOf(root, history, this.clock.now).identities.get(this.victim.id);
        for (const { id: state } of (seen?.attempts ?? []).map((attempt) => attempt.state)) {
          approvals.append({ state });
          confirmations.append({ state, despiteVeto: random.chance(0.5) });
          vetoes.append({ state });
        }
      },
    ];
    liar.state(random.pick(facts), claimed);
  }
}

/** Everything that can be asked, of everybody. */
function everything(view: IdentityView, world: World): unknown {
  const at = { from: [world.honest[0]!.id], via, depth: 4, halfLife: 1_000 * HOUR, paths: 3 };
  const demand = { claims: ["kyc"], confidence: 1, age: 1_000 * HOUR, issuers: 1, by: 1 };
  const policy = { at, demands: [demand], sybil: { norm, score: 1 } };
  return {
    identities: [...view.identities],
    attestations: view.attestations,
    ignored: view.ignored,
    exposed: [...view.exposed].sort(),
    of: world.everyone.map(({ id }) => [
      trustIn(view, at, id),
      sybilScore(view, at, norm, id),
      judge(view, policy, id),
    ]),
    power: [...votingPower(view, { anchors: at.from, budget: 1_000_000, via, rounds: 5 })],
    skills: matchSkills(view, at, ["welding"], 1),
  };
}

describe("identities", () => {
  it("look the same on every replica, and liars speak for nobody but themselves", () => {
    let forked = 0;
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = new Random(seed);
        const world = new World(random);
        for (let step = 0; step < 40; step++) {
          if (random.chance(0.6)) world.live();
          else world.lie();
        }
        const now = world.clock.now + 2 * HOUR;
        const all = scenario([...world.everyone, ...world.twins].map((it) => it.participant));
        const replicas = replicasOf(all, random, 4);
        const [first, ...others] = replicas.map((replica) => {
          const view = viewOf(replica.root, replica.history, now);
          return { view, shown: everything(view, world) };
        });
        for (const other of others) expect(other.shown).toEqual(first!.shown);

        const { view } = first!;
        const forkers = [...forkersIn(replicas[0]!.history)].sort();
        forked += forkers.length;
        expect([...view.exposed].sort()).toEqual(forkers);
        // Three guardians are honest and have confirmed nothing.
        expect(view.identities.get(world.victim.id)!.state).toEqual(world.first);
        for (const { id, participant } of world.honest) {
          expect(view.identities.get(id)!.key).toBe(participant.author);
          expect(view.exposed.has(participant.author)).toBe(false);
        }
        for (const { from, confidence, time } of view.attestations) {
          expect(forkers).not.toContain(view.identities.get(from)!.key);
          expect(confidence).toBeGreaterThan(0);
          expect(time).toBeLessThanOrEqual(now);
        }
        const byHonest = view.attestations
          .filter((it) => world.honest.some((person) => person.id === it.from))
          .map(({ from, subject, claim }) => `${from} ${subject} ${claim}`);
        const expected = [...world.stands.values()].map(
          ([from, subject, claim]) => `${from.id} ${subject.id} ${claim}`,
        );
        expect(byHonest.sort()).toEqual(expected.sort());
      }),
      runs(12),
    );
    expectReached(forked, "keys that signed two histories");
  });

  it("stay with their owners when as many guardians lie as the plan bears, and go when more do", () => {
    const clock = new Clock();
    const guardians = ["g0", "g1", "g2"].map((name) => keyOnly(name, "lying", clock));
    const plan = { threshold: 2, override: 3, wait: HOUR };
    const keys = guardians.map((it) => it.author);
    const owner = Person.found("owner", "lying", clock, keys, plan);
    const { state } = owner.view().identities.get(owner.id)!;
    const thief = keyOnly("thief", "lying", clock);
    const copy = { guardians: [...state.guardians], ...plan };
    thief.change(({ proposals }) =>
      proposals.append({ ...copy, identity: owner.id, state: state.id }),
    );
    reconcile(thief.document, owner.participant.document);
    const [attempt] = owner.view().identities.get(owner.id)!.attempts;
    const keysAfter = guardians.slice(0, 2).map((guardian) => {
      const vote = { state: attempt!.state.id };
      guardian.change(({ approvals }) => approvals.append(vote), { time: clock.now - HOUR });
      guardian.change(({ confirmations }) => confirmations.append({ ...vote, despiteVeto: false }));
      reconcile(guardian.document, owner.participant.document);
      return owner.view().identities.get(owner.id)!.key;
    });
    expect(keysAfter).toEqual([owner.participant.author, thief.author]);
  });
});

describe("the program", () => {
  it("tells of no larger crowd than it has time for, and says so", async () => {
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const args = ["--import", "tsx", main, "--crowd", "101"];
    const said = await new Promise((resolve) => {
      execFile(process.execPath, args, (error, stdout, stderr) => {
        resolve([error?.code, stdout, stderr]);
      });
    });
    expect(said).toEqual([
      1,
      "",
      "error: option '--crowd <count>' argument '101' is invalid. It should be a whole number from 3 to 100.\n",
    ]);
  });
});
