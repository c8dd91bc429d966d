import { Document } from "bft-json-crdt";
import { Clock, reconcile } from "example-kit";
import { describe, expect, it } from "vitest";
import { DOCUMENT, Person } from "./people.ts";
import { IdentitySchema, WHOLE } from "./schema.ts";
import { viewOf } from "./view.ts";
import type { IdentityView } from "./view.ts";

const DAY = 86_400_000;

interface World {
  readonly clock: Clock;
  readonly ann: Person;
  readonly ben: Person;
  readonly mal: Person;
  /** Everybody hears of everything. */
  readonly meet: () => void;
}

function world(): World {
  const clock = new Clock();
  const [ann, ben, mal] = ["Ann", "Ben", "Mal"].map((name) =>
    Person.found(name, "view", clock, []),
  ) as [Person, Person, Person];
  const documents = [ann, ben, mal].map((person) => person.participant.document);
  const meet = (): void => {
    for (const one of documents)
      for (const other of documents) if (one !== other) reconcile(one, other);
  };
  meet();
  return { clock, ann, ben, mal, meet };
}

/** The confidences that stand, and the reasons of those that do not. */
function shown({ attestations, ignored }: IdentityView): (number | string)[] {
  return [...attestations.map((it) => it.confidence), ...ignored.map((it) => it.reason)];
}

describe("attestations", () => {
  it("count while they are not revoked by who made them, and by nobody else", () => {
    const { ann, ben, mal, meet } = world();
    ann.attest(ben, "knows", 9_000);
    meet();
    const [{ id }] = ann.view().attestations as unknown as [{ id: string }];
    for (const other of [mal, ben]) {
      other.state(({ revocations }) => revocations.append({ attestation: id }));
    }
    meet();
    const refused = "revokes what its author did not attest";
    expect(shown(ann.view())).toEqual([9_000, refused, refused]);
    expect(ann.revoke(ben, "knows")).toBe(1);
    expect(shown(ann.view())).toContain("revoked");
    expect(ann.view().attestations).toEqual([]);
  });

  it("that are made while another device revokes stand, because the revocation names others", () => {
    const { clock, ann, ben } = world();
    ann.attest(ben, "knows", 9_000);
    const { keyPair, document } = ann.participant;
    const phone = new Document({ schema: IdentitySchema, id: DOCUMENT, keyPair, chain: 1n });
    reconcile(phone, document);
    const [{ id }] = ann.view().attestations as unknown as [{ id: string }];
    phone.change(({ revocations }) => revocations.append({ attestation: id }), { time: clock.now });
    ann.attest(ben, "knows", 8_000);
    reconcile(phone, document);
    expect(document.history.forks()).toEqual([]);
    expect(shown(ann.view())).toEqual([8_000, "revoked"]);
    expect(shown(viewOf(phone.root, phone.history, clock.now))).toEqual(shown(ann.view()));
  });

  it("of one pair and claim count by the least confident; to say more, the lesser is taken back", () => {
    const { clock, ann, ben } = world();
    for (const confidence of [9_000, 4_000, 7_000]) ann.attest(ben, "knows", confidence);
    ann.attest(ben, "met", 8_000);
    expect(shown(ann.view())).toEqual([4_000, 8_000]);
    const lesser = ann.participant.document.root.attestations
      .entries()
      .find((entry) => entry.value.confidence === 4_000)!;
    ann.state(({ revocations }) => revocations.append({ attestation: lesser.id }), clock.now + 1);
    expect(shown(ann.view())).toEqual([7_000, 8_000, "revoked"]);
  });

  it("begin at the time that they claim and end when they say", () => {
    const { clock, ann, ben } = world();
    const record = { from: ann.id, subject: ben.id, claim: "knows", confidence: 9_000 };
    ann.state(({ attestations }) => attestations.append({ ...record, expires: clock.now + DAY }));
    expect(shown(ann.view(clock.now - 1))).toEqual(["not yet"]);
    expect(shown(ann.view(clock.now + DAY - 1))).toEqual([9_000]);
    expect(shown(ann.view(clock.now + DAY))).toEqual(["expired"]);
    ann.participant.document.change(({ attestations }) => attestations.append(record), {
      time: null,
    });
    expect(shown(ann.view())).toEqual([9_000, "without a time"]);
  });

  it("are ignored when a stranger makes them up, whatever is in them", () => {
    const { clock, ann, ben, mal, meet } = world();
    const good = { from: mal.id, subject: ben.id, claim: "knows", confidence: 9_000 };
    const bad: [object, string][] = [
      [{ from: ann.id }, "by another key"],
      [{ from: "__proto__" }, "no such identity"],
      [{ subject: "" }, "no such identity"],
      [{ subject: mal.id }, "about itself"],
      [{ claim: "__proto__" }, "bad claim"],
      [{ claim: "x".repeat(65) }, "bad claim"],
      [{ claim: "" }, "bad claim"],
      [{ confidence: 0 }, "bad confidence"],
      [{ confidence: -5 }, "bad confidence"],
      [{ confidence: WHOLE + 1 }, "bad confidence"],
      [{ confidence: Number.MAX_SAFE_INTEGER }, "bad confidence"],
      [{ commitment: new Uint8Array(31) }, "bad commitment"],
      [{ expires: -1 }, "expired"],
      [{ expires: clock.now }, "expired"],
    ];
    for (const [wrong] of bad) {
      mal.state(({ attestations }) => attestations.append({ ...good, ...wrong }));
    }
    meet();
    expect(shown(ann.view())).toEqual(bad.map(([, reason]) => reason));
    mal.attest(ben, "knows", 9_000);
    meet();
    expect(ann.view().attestations).toHaveLength(1);
  });

  it("of a key that signed two histories count no more, on any of its chains, in any order", () => {
    const { clock, ann, ben, mal, meet } = world();
    mal.attest(ben, "knows", 9_000);
    const twin = new Person(mal.participant.twin(), clock, mal.id);
    mal.attest(ben, "met", 9_000);
    meet();
    expect(shown(ann.view())).toEqual([9_000, 9_000]);
    twin.attest(ann, "met", 9_000);
    reconcile(ann.participant.document, twin.participant.document);
    const reason = "by a key that signed two histories";
    expect(shown(ann.view())).toEqual([reason, reason, reason]);
    const { keyPair } = mal.participant;
    const other = new Document({ schema: IdentitySchema, id: DOCUMENT, keyPair, chain: 5n });
    const record = { from: mal.id, subject: ben.id, claim: "knows", confidence: 1 };
    other.change(({ attestations }) => attestations.append(record), { time: clock.now });
    reconcile(ann.participant.document, other);
    expect(shown(ann.view())).toEqual([reason, reason, reason, reason]);
  });
});
