import { generateKeyPair, toHex } from "bft-json-crdt";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPresentation, commitTo, present } from "./disclosure.ts";
import type { Field, Presentation } from "./disclosure.ts";
import { viewFrom } from "./graph.model.ts";
import type { IdentityView } from "./view.ts";

const holder = generateKeyPair(new Uint8Array(32).fill(1));
const thief = generateKeyPair(new Uint8Array(32).fill(2));
const challenge = new Uint8Array(32).fill(9);

/** A view in which an issuer has attested a commitment about "holder". */
function attested(commitment: Uint8Array | null): IdentityView {
  const view = viewFrom([["issuer", "holder", 9_000, { claim: "kyc" }]]);
  const identity = view.identities.get("holder")!;
  const key = toHex(holder.publicKey);
  return {
    ...view,
    identities: new Map([...view.identities, ["holder", { ...identity, key }] as const]),
    attestations: view.attestations.map((it) => ({ ...it, commitment })),
  };
}

const fields: readonly Field[] = [
  { name: "born", value: 1990 },
  { name: "country", value: "NL" },
  { name: "resident", value: true },
];
const { commitment, salted } = commitTo("holder", "kyc", fields);
const view = attested(commitment);
const [stated] = view.attestations;

describe("selective disclosure", () => {
  it("shows any choice of fields, and what is hidden stays out of it", () => {
    fc.assert(
      fc.property(fc.subarray(fields.map(({ name }) => name)), (names) => {
        const shown = present(stated!, salted, names, challenge, holder);
        expect(checkPresentation(view, shown, challenge)).toEqual({
          isValid: true,
          subject: "holder",
          fields: fields.filter(({ name }) => names.includes(name)),
        });
        expect(shown.shown).toHaveLength(names.length);
        expect(shown.hidden).toHaveLength(fields.length - names.length);
      }),
      runs(100),
    );
  });

  it("hashes the same field of two claims, subjects or salts to different things", () => {
    const constant = (): Uint8Array => new Uint8Array(32);
    const of = (subject: string, claim: string, salt = constant): string =>
      toHex(commitTo(subject, claim, fields, salt).commitment);
    expect(of("holder", "kyc")).toBe(of("holder", "kyc"));
    const others = [
      of("holder", "kyc"),
      of("other", "kyc"),
      of("holder", "age"),
      of("holder", "kyc", () => new Uint8Array(32).fill(1)),
    ];
    expect(new Set(others).size).toBe(4);
  });

  it("refuses what was altered, hidden differently, shown to another, or by another", () => {
    const shown = present(stated!, salted, ["country", "born"], challenge, holder);
    const refused = (one: Presentation, asked = challenge, by = view): string => {
      const checked = checkPresentation(by, one, asked);
      return checked.isValid ? "valid" : checked.reason;
    };
    const wrong = "the fields are not those that were attested";
    const [born, country] = shown.shown;
    expect(refused({ ...shown, shown: [{ ...country!, value: "US" }, born!] })).toBe(wrong);
    expect(refused({ ...shown, shown: [{ ...country!, name: "born" }, born!] })).toBe(wrong);
    expect(refused({ ...shown, shown: [country!] })).toBe(wrong);
    expect(refused({ ...shown, hidden: [] })).toBe(wrong);
    expect(refused({ ...shown, hidden: [...shown.hidden, new Uint8Array(32)] })).toBe(wrong);
    const unsigned = "not signed by its subject for this";
    expect(refused(shown, new Uint8Array(32))).toBe(unsigned);
    expect(refused(present(stated!, salted, ["country"], challenge, thief))).toBe(unsigned);
    expect(refused({ ...shown, attestation: "none" })).toBe("the attestation does not stand");
    expect(refused(shown, challenge, attested(null))).toBe("the attestation commits to nothing");
    const exposed = { ...view, exposed: new Set([toHex(holder.publicKey)]) };
    expect(refused(shown, challenge, exposed)).toBe("nobody speaks for its subject");
  });

  it("never throws at what a stranger hands over", () => {
    const good = present(stated!, salted, ["country"], challenge, holder);
    const [field] = good.shown;
    for (const bad of [
      { ...field!, value: "\ud800" },
      { ...field!, name: "\udc00" },
      { ...field!, value: NaN },
      { ...field!, value: 0.5 },
      { ...field!, value: "x".repeat(2_000) },
      { ...field!, salt: new Uint8Array(31) },
      { ...field!, value: null as unknown as string },
    ]) {
      const checked = checkPresentation(view, { ...good, shown: [bad] }, challenge);
      expect(checked).toEqual({ isValid: false, reason: "a field is malformed" });
    }
    const many = Array.from({ length: 33 }, () => new Uint8Array(32));
    expect(checkPresentation(view, { ...good, hidden: many }, challenge)).toEqual({
      isValid: false,
      reason: "too many fields",
    });
    const unsigned = { ...good, signature: new Uint8Array(3) };
    expect(checkPresentation(view, unsigned, challenge).isValid).toBe(false);
  });
});
