import { decodeForkProof, toHex } from "bft-json-crdt";
import { describe, expect, test } from "vitest";
import { automerge } from "./automerge.ts";
import { loro } from "./loro.ts";
import { id, ours } from "./ours.ts";
import { countVerdicts, isNamed, isProven, playAll, report } from "./report.ts";
import type { Series } from "./report.ts";
import { play, VARIANTS, verdictOf } from "./scenario.ts";
import type { Variant } from "./scenario.ts";
import type { Replica, Subject } from "./subject.ts";
import { yjs } from "./yjs.ts";

const culprit = ours.identity("mallory");
const split: Variant = { story: "split", kind: "text", place: "last", size: "equal" };

describe.each(playAll(ours))("an equivocating author, $library by $way", ({ outcomes }) => {
  test("does not keep two honest replicas apart, whatever the variant", () => {
    expect(countVerdicts(outcomes)).toEqual({
      converged: VARIANTS.length,
      diverged: 0,
      stalled: 0,
    });
    for (const { variant, versions, errors, printed, isEditLost } of outcomes) {
      expect(versions[0], JSON.stringify(variant)).toBe(versions[1]);
      expect({ errors, printed, isEditLost }).toEqual({
        errors: [],
        printed: [],
        isEditLost: false,
      });
    }
  });

  test("has both branches in both documents", () => {
    const asked = outcomes.filter(
      ({ variant }) => variant.story !== "honest" && variant.kind !== "map",
    );
    expect(asked).toHaveLength(48);
    expect(asked.filter(({ showsBoth }) => !showsBoth)).toEqual([]);
  });

  test("is named by public key on both, with a proof that verifies from its bytes alone", () => {
    for (const { variant, accusations } of outcomes) {
      for (const accused of accusations) {
        expect(accused).toHaveLength(variant.story === "honest" ? 0 : 1);
        for (const { author, proof } of accused) {
          const verified = decodeForkProof(proof);
          if (!verified.ok) throw new Error(verified.error.detail);
          expect(author).toBe(culprit);
          expect(toHex(verified.value.author)).toBe(culprit);
          expect(verified.value.document).toEqual(id);
          expect(verified.value.seq).toBe(variant.place === "first" ? 1 : 2);
          const altered = proof.slice();
          altered[altered.length - 1]! ^= 1;
          expect(decodeForkProof(altered).ok).toBe(false);
        }
      }
    }
  });
});

test.each([...playAll(yjs), ...playAll(loro), ...playAll(automerge)])(
  "$library by $way converges when the author is honest, without an error",
  ({ outcomes }) => {
    const control = outcomes.filter(({ variant }) => variant.story === "honest");
    expect(countVerdicts(control)).toEqual({ converged: 18, diverged: 0, stalled: 0 });
    expect(control.flatMap(({ errors, printed }) => [...errors, ...printed])).toEqual([]);
    expect(control.filter(({ isEditLost }) => isEditLost)).toEqual([]);
  },
);

describe("the experiment", () => {
  const never = { name: "never", sync: () => {} };

  test("says stalled of replicas that do not sync, and diverged if their versions hide it", () => {
    expect(verdictOf(play(ours, never, split))).toBe("stalled");
    const blind = changed(ours, (replica) => ({ ...replica, version: () => "the same" }));
    expect(verdictOf(play(blind, never, split))).toBe("diverged");
  });

  test("notices edits that do not arrive, and replicas that know nothing of the liar", () => {
    // Only Mallory and Bob hear from Alice, once, before anything happens.
    let meetings = 0;
    const outcome = play(
      ours,
      {
        name: "at first",
        sync: (a, b, attempt) => {
          if (++meetings <= 2) ours.ways[0]!.sync(a, b, attempt);
        },
      },
      { ...split, story: "work" },
    );
    expect(outcome).toMatchObject({ showsBoth: false, isEditLost: true, errors: [], printed: [] });
    expect(isNamed(outcome, culprit)).toBe(false);
    expect(isProven(outcome, culprit)).toBe(false);
  });

  test("keeps what a library throws and prints, and finds the liar's identity in it", () => {
    const loud = changed(ours, (replica) => ({
      ...replica,
      receive: () => {
        console.warn("again", culprit);
        throw new Error("no");
      },
    }));
    const outcome = play(loud, never, split);
    // One change that all may see, and one branch each.
    expect(outcome.errors).toEqual(["no", "no", "no"]);
    expect(outcome.printed).toEqual(Array.from({ length: 3 }, () => `again ${culprit}`));
    expect(isNamed(outcome, culprit)).toBe(true);
    expect(isProven(outcome, culprit)).toBe(false);
  });

  test("does not call an author proven whom only one replica accuses, or together with another", () => {
    const outcome = play(ours, ours.ways[0]!, split);
    const [alice, bob] = outcome.accusations;
    expect(isProven(outcome, culprit)).toBe(true);
    expect(isProven({ ...outcome, accusations: [alice, []] }, culprit)).toBe(false);
    const another = { author: ours.identity("bob"), proof: bob[0]!.proof };
    expect(isProven({ ...outcome, accusations: [alice, [...bob, another]] }, culprit)).toBe(false);
    expect(isProven(outcome, ours.identity("bob"))).toBe(false);
  });

  test("reports in lines of at most 80 characters, with the version of each library", () => {
    const subjects = [ours, yjs, loro, automerge];
    const all: Series[] = subjects.map(({ library, version }) => ({
      library: `${library} ${version}`,
      way: "some way",
      culprit,
      outcomes: [],
    }));
    const lines = report(all);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    for (const { library } of all) {
      expect(library).toMatch(/^\S+ \d+\.\d+\.\d+$/);
      expect(lines.join("\n")).toContain(library);
    }
  });
});

/** A library whose replicas behave otherwise in some respect; they sync in no way. */
function changed<R extends Replica>(
  { library, version, identity, open }: Subject<R>,
  change: (replica: Replica) => Replica,
): Subject<Replica> {
  const wrap = (replica: Replica): Replica =>
    change({
      edit: (edits) => replica.edit(edits),
      receive: (bytes) => replica.receive(bytes),
      twin: () => wrap(replica.twin()),
      content: () => replica.content(),
      version: () => replica.version(),
      accusations: () => replica.accusations(),
    });
  return { library, version, identity, ways: [], open: (person) => wrap(open(person)) };
}
