/**
 * Selective disclosure: an issuer attests to a commitment, a hash over the salted hashes of some fields. The holder shows the fields
 * that he chooses with their salts and the bare hashes of the others, signed for the one who asked. What stays hidden is
 * hidden by its salt: without 32 random bytes a short list of possible values could be tried out.
 */
import {
  compareBytes,
  encodeValue,
  equalBytes,
  fromHex,
  randomBytes,
  sha256,
  sign,
  verify,
} from "bft-json-crdt";
import type { KeyPair, Value } from "bft-json-crdt";
import type { IdentityView } from "./view.ts";

/** A fact about the subject of a claim. */
export interface Field {
  readonly name: string;
  readonly value: string | number | boolean;
}

/** The same with what makes its hash unguessable: 32 bytes that only issuer and holder know. */
export interface SaltedField extends Field {
  readonly salt: Uint8Array;
}

/** What a holder hands over. */
export interface Presentation {
  /** Id of the attestation. */
  readonly attestation: string;
  readonly shown: readonly SaltedField[];
  /** Hashes of the fields that are not shown. */
  readonly hidden: readonly Uint8Array[];
  /** By the holder, over all of this and the verifier's challenge. */
  readonly signature: Uint8Array;
}

/** What came of checking one. */
export type Checked =
  | { readonly isValid: true; readonly subject: string; readonly fields: readonly Field[] }
  | { readonly isValid: false; readonly reason: string };

/** Most fields of one commitment. */
export const MAX_FIELDS = 32;

const FIELD_TAG = new TextEncoder().encode("example/identity/field/v1\0");
const FIELDS_TAG = new TextEncoder().encode("example/identity/fields/v1\0");
const PRESENTATION_TAG = new TextEncoder().encode("example/identity/presentation/v1\0");

/** Salts the fields of a claim about a subject; the commitment (32 bytes) goes into the attestation, the rest to the holder. */
export function commitTo(
  subject: string,
  claim: string,
  fields: readonly Field[],
  random: (count: number) => Uint8Array = randomBytes,
): { readonly commitment: Uint8Array; readonly salted: readonly SaltedField[] } {
  const salted = fields.map((field) => ({ ...field, salt: random(32) }));
  const hashes = salted.map((field) => hashOf(subject, claim, field));
  return { commitment: commitmentOf(hashes), salted };
}

/** Shows the fields with some names to whoever gave a challenge. */
export function present(
  { id, subject, claim }: { readonly id: string; readonly subject: string; readonly claim: string },
  salted: readonly SaltedField[],
  names: readonly string[],
  challenge: Uint8Array,
  keyPair: KeyPair,
): Presentation {
  const shown = salted.filter((field) => names.includes(field.name));
  const hidden = salted
    .filter((field) => !names.includes(field.name))
    .map((field) => hashOf(subject, claim, field));
  const message = messageOf(id, shown, hidden, challenge);
  return { attestation: id, shown, hidden, signature: sign(message, keyPair.secretKey) };
}

/** Checks that an attestation stands, that the fields are those it commits to, and that its subject's key signed for the challenge. */
export function checkPresentation(
  view: IdentityView,
  { attestation, shown, hidden, signature }: Presentation,
  challenge: Uint8Array,
): Checked {
  const refuse = (reason: string): Checked => ({ isValid: false, reason });
  const stated = view.attestations.find((it) => it.id === attestation);
  if (stated === undefined) return refuse("the attestation does not stand");
  const key = view.identities.get(stated.subject)?.key ?? null;
  if (key === null || view.exposed.has(key)) return refuse("nobody speaks for its subject");
  if (stated.commitment === null) return refuse("the attestation commits to nothing");
  if (shown.length + hidden.length > MAX_FIELDS) return refuse("too many fields");
  if (!shown.every(isField) || !hidden.every((hash) => hash.length === 32)) {
    return refuse("a field is malformed");
  }
  const hashes = shown.map((field) => hashOf(stated.subject, stated.claim, field));
  if (!equalBytes(commitmentOf([...hashes, ...hidden]), stated.commitment)) {
    return refuse("the fields are not those that were attested");
  }
  const message = messageOf(attestation, shown, hidden, challenge);
  if (!verify(signature, message, fromHex(key)!))
    return refuse("not signed by its subject for this");
  const fields = shown.map(({ name, value }) => ({ name, value }));
  return { isValid: true, subject: stated.subject, fields };
}

/** A field's hash holds whom and what it is about, so that it fits no other attestation. */
function hashOf(subject: string, claim: string, { name, value, salt }: SaltedField): Uint8Array {
  return tagged(FIELD_TAG, [subject, claim, name, value, salt]);
}

/** Sorted, so that the order says nothing about what is hidden. */
function commitmentOf(hashes: readonly Uint8Array[]): Uint8Array {
  return tagged(FIELDS_TAG, [...hashes].sort(compareBytes));
}

function messageOf(
  attestation: string,
  shown: readonly SaltedField[],
  hidden: readonly Uint8Array[],
  challenge: Uint8Array,
): Uint8Array {
  const fields = shown.map(({ name, value, salt }) => [name, value, salt]);
  return tagged(PRESENTATION_TAG, [attestation, fields, [...hidden], challenge]);
}

/** Presentations come from strangers: only what the codec can encode without throwing is a field. */
function isField({ name, value, salt }: SaltedField): boolean {
  const isText = (text: string): boolean => text.isWellFormed() && text.length <= 1_024;
  if (typeof name !== "string" || !isText(name)) return false;
  if (!(salt instanceof Uint8Array) || salt.length !== 32) return false;
  if (typeof value === "string") return isText(value);
  return typeof value === "boolean" || Number.isSafeInteger(value);
}

function tagged(tag: Uint8Array, value: Value): Uint8Array {
  return sha256(Uint8Array.from([...tag, ...encodeValue(value)]));
}
