/**
 * All changes of a simulation, true and false, by their ids, and who has made them: what the checkers judge by.
 */
import { changeId, decodeBody, decodeGroup } from "../../src/change/index.ts";
import type { ChangeHeader } from "../../src/change/index.ts";
import { toHex } from "../../src/encoding/index.ts";
import type { History } from "../../src/history/index.ts";
import type { Forged } from "../forge.ts";

/** One body that somebody has shown. */
export interface Known {
  readonly hex: string;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  /** Null when the bytes are no change body. */
  readonly header: ChangeHeader | null;
  /** Name of the host that showed it first. */
  readonly by: string;
}

/** Everything that was ever shown. */
export class Universe {
  readonly known = new Map<string, Known>();
  /** Ids that honest authors have signed. */
  readonly honest = new Set<string>();

  /** Adds the changes of a group, if it is one. */
  add(group: Uint8Array, by: string, isHonest: boolean): void {
    const entries = decodeGroup(group);
    if (!entries.ok) return;
    for (const { body } of entries.value) {
      const id = changeId(body);
      const hex = toHex(id);
      if (isHonest) this.honest.add(hex);
      if (this.known.has(hex)) continue;
      const header = decodeBody(body);
      this.known.set(hex, {
        hex,
        id,
        body: body.slice(),
        header: header.ok ? header.value : null,
        by,
      });
    }
  }
}

/** A change of a history, as if it were forged: to be built upon. Without a signature of its own it has an empty one. */
export function forgedAt(history: History, index: number): Forged {
  const body = history.bodyAt(index);
  const header = decodeBody(body);
  if (!header.ok) throw new Error("an applied change does not decode");
  const id = history.idAt(index);
  return {
    id,
    hex: toHex(id),
    header: header.value,
    body,
    signature: history.signatureAt(index) ?? new Uint8Array(64),
    group: history.groupOf(index),
  };
}
