/**
 * Opening a saved document: what is refused, and what need not be verified at once.
 *
 * A document that its own author has sealed shows what the seal says. Its changes are taken in, and verified like those of
 * any file, when something else than the view is asked for.
 */
import { equalBytes, toHex } from "../encoding/index.ts";
import type { ReceivedGroup } from "../history/index.ts";
import { rejected } from "../result.ts";
import type { Rejection } from "../result.ts";
import { openSeal } from "../saved/index.ts";
import type { SavedFile, SealedView } from "../saved/index.ts";
import { schemaDigest } from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";

/** A sealed document of which only the view has been looked at. */
export interface Unverified {
  readonly view: SealedView;
  readonly groups: Iterable<Uint8Array>;
}

/** What a file shows to who sealed it; null when everything in it has to be verified first. */
export function openUnverified(
  { schema: digest, seal, groups }: SavedFile,
  publicKey: Uint8Array | null,
  schema: Schema,
): Unverified | null {
  if (seal === null || publicKey === null || digest === null) return null;
  if (!equalBytes(digest, schemaDigest(schema))) return null;
  const view = openSeal(seal, publicKey, schema);
  return view === null ? null : { view, groups };
}

/**
 * Why a file cannot be opened of which this group has been received; null when it can. A change of a version unknown here is
 * not judged, but what opens without it would not be what was saved: its author would go on from an earlier change, and so
 * equivocate.
 */
export function refusalOf({ status, code, results }: ReceivedGroup): Rejection | null {
  if (status !== "rejected" && status !== "unsupported") return null;
  const fault = results.find((result) => result.status === status);
  const which = fault === undefined ? "a group" : `change ${toHex(fault.id)}`;
  return rejected(code ?? "malformed", `${which} is refused`).error;
}
