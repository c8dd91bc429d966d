/** The council: each rule, and what no third of liars can do. */
import { Clock, keyPairOf, Random, reconcile, replicasOf, scenario } from "example-kit";
import { expectReached, runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Council, councilId, councilOf, isPassing, Member, MOST_REPLACED } from "./index.ts";
import type { Constitution, CouncilView, Stance } from "./index.ts";

function council(size: number): {
  constitution: Constitution;
  members: Member[];
  join: (name: string) => Member;
} {
  const names = Array.from({ length: size }, (_, at) => `member ${at}`);
  const members = names.map((name) => keyPairOf("test", name).publicKey);
  const constitution = { name: "test", members, quorum: 5_000, majority: 5_000 };
  const id = councilId(constitution);
  const clock = new Clock();
  const join = (name: string): Member =>
    new Member({ name, seed: "test", schema: Council, id, clock }, constitution);
  return { constitution, members: names.map(join), join };
}

function meet(...members: readonly Member[]): void {
  for (let turn = 0; turn < 2; turn++)
    for (const one of members) reconcile(members[0]!.document, one.document);
}

/** Another replica of one who votes with two tongues, or without having seen. */
function again(member: Member, join: (name: string) => Member): Member {
  const other = join(member.name);
  reconcile(other.document, member.document);
  return other;
}

const countsOf = ({ proposals }: CouncilView): number[][] =>
  proposals.map(({ count }) => [count.support, count.oppose, count.abstain]);

describe("a vote", () => {
  test("counts once, and is replaced by one that names it", () => {
    const { members } = council(3);
    const [ann, ben] = members as [Member, Member];
    const id = ann.propose("fee", 1);
    ann.vote(id, "support");
    ann.vote(id, "support");
    meet(...members);
    ben.vote(id, "support");
    expect(countsOf(ben.view)).toEqual([[2, 0, 0]]);
    ben.vote(id, "oppose");
    ben.vote(id, "abstain");
    expect(countsOf(ben.view)).toEqual([[1, 0, 1]]);
  });

  test("of others, of another proposal, of the same change or not seen is not replaced; two that stand are none", () => {
    const { members } = council(3);
    const [ann, ben] = members as [Member, Member];
    const [one, two] = [ann.propose("fee", 1), ann.propose("fee", 2)];
    ann.vote(one, "support");
    ann.vote(two, "support");
    meet(...members);
    const own = ben.document.root.votes.entries().map(({ id }) => id);
    ben.change(({ votes }) => votes.append({ proposal: one, stance: "oppose", replaces: own }));
    expect(countsOf(ben.view)).toEqual([
      [1, 1, 0],
      [1, 0, 0],
    ]);
    ben.change(({ votes }) => votes.append({ proposal: one, stance: "support", replaces: [] }));
    expect(countsOf(ben.view)).toEqual([
      [1, 0, 0],
      [1, 0, 0],
    ]);
    const votes = ann.document.root.votes.entries();
    ann.change((doc) =>
      doc.votes.append({
        proposal: two,
        stance: "oppose",
        replaces: [votes[0]!.id, "x", `${"0".repeat(64)}:0`],
      }),
    );
    expect(countsOf(ann.view)[1]).toEqual([0, 0, 0]);
    ann.vote(two, "oppose");
    expect(countsOf(ann.view)[1]).toEqual([0, 1, 0]);
  });

  test("by a stranger, on nothing, or of no known form is ignored", () => {
    const { members, join } = council(3);
    const [ann] = members as [Member];
    const id = ann.propose("fee", 1);
    const stranger = again(join("stranger"), join);
    reconcile(stranger.document, ann.document);
    stranger.vote(id, "support");
    reconcile(stranger.document, ann.document);
    ann.change(({ votes, proposals, confirmations }) => {
      votes.append({ proposal: "nothing", stance: "support", replaces: [] });
      for (const stance of ["", "Support", "__proto__", "constructor"])
        votes.append({ proposal: id, stance, replaces: [] });
      for (const replaces of [
        null,
        "x",
        [1],
        Array.from({ length: MOST_REPLACED + 1 }, () => "x"),
        { length: 1 },
      ]) {
        votes.append({ proposal: id, stance: "support", replaces });
      }
      proposals.append(
        { parameter: "", value: 1, base: "" },
        { parameter: "x".repeat(101), value: 1, base: "" },
      );
      proposals.append(
        { parameter: "fee", value: 1, base: "nothing" },
        { parameter: "other", value: 1, base: id },
      );
      confirmations.append({ proposal: "nothing" });
    });
    const { ignored } = ann.view;
    expect(countsOf(ann.view)).toEqual([[0, 0, 0]]);
    const tally = new Map<string, number>();
    for (const { reason } of ignored) tally.set(reason, (tally.get(reason) ?? 0) + 1);
    expect(Object.fromEntries(tally)).toEqual({
      "not a member": 1,
      malformed: 11,
      "unknown base": 2,
      "unknown proposal": 2,
    });
  });

  test("of one who is exposed counts no more", () => {
    const { members, join } = council(4);
    const [ann, ben] = members as [Member, Member];
    const id = ann.propose("fee", 1);
    meet(...members);
    const twin = again(ben, join);
    ben.vote(id, "support");
    meet(...members);
    expect(countsOf(ann.view)).toEqual([[1, 0, 0]]);
    twin.vote(id, "abstain");
    meet(...members, twin);
    expect(countsOf(ann.view)).toEqual([[0, 0, 0]]);
    expect(ann.view.exposed).toEqual([ben.author]);
  });
});

describe("a proposal", () => {
  test("passes by quorum and majority, to the vote", () => {
    const { constitution } = council(4);
    const at = (support: number, oppose: number, abstain: number): boolean =>
      isPassing({ support, oppose, abstain }, constitution);
    expect([at(1, 0, 0), at(2, 0, 0), at(1, 0, 1), at(1, 1, 0), at(2, 1, 0), at(0, 0, 4)]).toEqual([
      false,
      true,
      true,
      false,
      true,
      false,
    ]);
  });

  test("is enacted by more than two thirds, for ever, and replaced by one that builds on it", () => {
    const { members, join, constitution } = council(4);
    const [ann, ben, cem] = members as [Member, Member, Member];
    const id = ann.propose("fee", 7);
    meet(...members);
    for (const member of [ann, ben]) member.vote(id, "support");
    meet(...members);
    for (const member of [ann, ben]) {
      member.confirmAll();
      member.confirmAll();
    }
    meet(...members);
    expect(ann.view.proposals[0]).toMatchObject({ status: "passing", confirmations: 2 });
    const twin = again(cem, join);
    cem.confirmAll();
    meet(...members);
    expect(ann.view.parameters.get("fee")).toEqual({ value: 7, proposal: id });
    // Late votes, and the exposure of one who confirmed.
    for (const member of [ann, ben, cem]) member.vote(id, "oppose");
    twin.vote(id, "oppose");
    meet(...members, twin);
    expect(ann.view.exposed).toEqual([cem.author]);
    expect(ann.view.proposals[0]).toMatchObject({ status: "enacted" });
    const next = ann.propose("fee", 8);
    expect(ann.view.proposals.find((it) => it.id === next)!.base).toBe(id);
    meet(...members);
    for (const member of members)
      member.change(({ confirmations }) => confirmations.append({ proposal: next }));
    meet(...members);
    expect(ann.view.parameters.get("fee")).toEqual({ value: 8, proposal: next });
    const other = { ...constitution, quorum: 1 };
    expect(() => councilOf(ann.document, other)).toThrow(/another constitution/);
  });

  test("is not enacted by two thirds just", () => {
    const { members } = council(3);
    const [ann, ben] = members as [Member, Member];
    const id = ann.propose("fee", 1);
    meet(...members);
    for (const member of [ann, ben])
      member.change(({ confirmations }) => confirmations.append({ proposal: id }));
    meet(...members);
    expect(ann.view.proposals).toMatchObject([{ confirmations: 2, status: "open" }]);
    expect(ann.view.parameters.size).toBe(0);
  });

  test("enacted beside another in the place of the same, which takes more than a third of liars, names them", () => {
    const { members } = council(3);
    const [ann] = members as [Member];
    const ids = [ann.propose("fee", 1), ann.propose("fee", 2)];
    meet(...members);
    for (const member of members)
      member.change(({ confirmations }) =>
        confirmations.append(...ids.map((proposal) => ({ proposal }))),
      );
    meet(...members);
    expect(ann.view.parameters.get("fee")!.value).toBe(1);
    expect(ann.view.doubleConfirmed).toEqual(members.map(({ author }) => author).sort());
  });
});

/**
 * The tally, naively: by proposal the members in favour, against, and neither; and how often one who is not exposed stands for
 * several stances, and so for none.
 */
function tallyOf(
  { root, history }: Member["document"],
  { exposed, proposals }: CouncilView,
  members: readonly Member[],
): { counts: number[][]; torn: number } {
  const votes = root.votes.entries();
  let torn = 0;
  const counts = proposals.map(({ id: proposal }) => {
    const count = { support: 0, oppose: 0, abstain: 0 };
    for (const { author } of members) {
      if (exposed.includes(author)) continue;
      const own = votes.filter((it) => it.author === author && it.value.proposal === proposal);
      const standing = own.filter(
        ({ id, change }) =>
          !own.some(
            (later) =>
              later.change !== change &&
              history.isAncestor(change, later.change) &&
              (later.value.replaces as string[]).includes(id),
          ),
      );
      const [stance, ...others] = new Set(standing.map(({ value }) => value.stance as Stance));
      if (others.length > 0) torn++;
      else if (stance !== undefined) count[stance]++;
    }
    return [count.support, count.oppose, count.abstain];
  });
  return { counts, torn };
}

describe("whatever less than a third of the members do", () => {
  test("all replicas agree, no two are enacted in the place of one, and nothing is ever undone", () => {
    const steps = fc.array(
      fc.record({ who: fc.nat(99), act: fc.nat(9), what: fc.nat(99), copy: fc.nat(2) }),
      { minLength: 30, maxLength: 90 },
    );
    let [enacted, torn] = [0, 0];
    const sizes = fc.constantFrom(4, 7);
    fc.assert(
      fc.property(sizes, steps, fc.nat(), fc.boolean(), (size, steps, seed, isForking) => {
        const { constitution, members, join } = council(size);
        const liars = Math.floor((size - 1) / 3);
        // Who forks has no vote in the end; who does not may stand for several stances.
        const copies = members.map((member, at) =>
          isForking && at < liars ? [member, join(member.name), again(member, join)] : [member],
        );
        members[size - 1]!.propose("fee", 1);
        const before = new Map<string, string>();
        for (const { who, act, what, copy } of steps) {
          const member = copies[who % size]![copy % copies[who % size]!.length]!;
          const isLiar = who % size < liars;
          const { root } = member.document;
          const proposals = root.proposals.entries();
          const proposal = proposals[what % Math.max(1, proposals.length)]?.id;
          const stance = (["support", "support", "support", "oppose", "abstain"] as Stance[])[
            what % 5
          ]!;
          if (act < 1) member.propose("fee", what);
          else if (act < 4 && isLiar && proposal !== undefined) {
            // In the place of nothing, or of anything.
            const ids = root.votes.entries().map(({ id }) => id);
            const replaces = what % 3 === 0 ? ids.slice(-MOST_REPLACED) : [];
            member.change(({ votes }) => votes.append({ proposal, stance, replaces }));
          } else if (act < 4 && proposal !== undefined) member.vote(proposal, stance);
          else if (act < 6 && isLiar)
            member.change(({ confirmations }) =>
              confirmations.append(...proposals.map(({ id }) => ({ proposal: id }))),
            );
          else if (act < 6) member.confirmAll();
          else
            for (const other of copies.flat())
              if ((what + other.document.history.length) % 2 === 0)
                reconcile(member.document, other.document);
          for (const { id, status, parameter, base } of member.view.proposals) {
            if (status === "enacted") before.set(id, `${base}/${parameter}`);
          }
        }
        const all = scenario(copies.flat());
        const replicas = replicasOf(all, new Random(seed), 3);
        const views = replicas.map((replica) => {
          expect(replica.history.length).toBe(all.groups.length);
          return councilOf(replica, constitution);
        });
        for (const view of views) expect(view).toEqual(views[0]);
        const [view] = views as [CouncilView];
        const tally = tallyOf(replicas[0]!, view, members);
        expect(countsOf(view)).toEqual(tally.counts);
        torn += tally.torn;
        const inForce = view.proposals.filter(({ status }) => status === "enacted");
        enacted += inForce.length;
        expect(new Set(inForce.map(({ base, parameter }) => `${base}/${parameter}`)).size).toBe(
          inForce.length,
        );
        for (const id of before.keys()) expect(inForce.map((it) => it.id)).toContain(id);
        for (const author of view.doubleConfirmed)
          expect(members.slice(0, liars).map((it) => it.author)).toContain(author);
        for (const { count } of view.proposals) {
          expect(count.support + count.oppose + count.abstain).toBeLessThanOrEqual(
            size - view.exposed.length,
          );
        }
      }),
      // Of four runs one enacts something.
      runs(60),
    );
    expectReached(enacted);
    expectReached(torn, "votes of several stances by one who is not exposed");
  });
});
