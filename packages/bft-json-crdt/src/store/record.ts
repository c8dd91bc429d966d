/** The records of a change log: what becomes one, and what can be wrong with one that is read back. */
import { toHex } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import type { History } from "../history/history.ts";
import type { Rejection } from "../result.ts";

/** What is appended: the bytes of one closed group, and the ids of its changes in the same order. */
export interface NewRecord {
  /** The ids of the changes, 32 bytes each. */
  readonly ids: readonly Uint8Array[];
  /** The closed group that holds them. */
  readonly group: Uint8Array;
}

/** One record of the log; `position` counts from 0 without holes. */
export interface LogRecord extends NewRecord {
  /** Its place in the log, from 0. */
  readonly position: number;
}

/** Damage in the log: where, and which changes should have been there (empty when that cannot be known any more). */
export interface LogFault extends Rejection {
  /** The place in the log. */
  readonly position: number;
  /** The ids of the changes that should be there, 32 bytes each. */
  readonly ids: readonly Uint8Array[];
}

/**
 * The records to append for newly applied changes (local indexes, ascending): one per closed group in which they came,
 * in causal order, together holding exactly those changes.
 */
export function recordsOf(
  history: Pick<History, "groupRange" | "groupsFor" | "idAt">,
  indexes: readonly number[],
): NewRecord[] {
  const records: NewRecord[] = [];
  for (const run of runsOf(history, indexes)) {
    let taken = 0;
    for (const group of history.groupsFor(run)) {
      const count = new ByteReader(group).arrayHeader();
      records.push({
        ids: run.slice(taken, taken + count).map((index) => history.idAt(index)),
        group,
      });
      taken += count;
    }
  }
  return records;
}

/** A fault at a position of the log; the ids of the changes that should be there are part of the sentence. */
export function logFault(
  position: number,
  ids: readonly Uint8Array[],
  what: string,
): { readonly ok: false; readonly error: LogFault } {
  const named = ids.slice(0, 3).map(toHex).join(", ");
  const more = ids.length > 3 ? ` and ${ids.length - 3} more` : "";
  const expected = ids.length === 0 ? "" : `; expected ${named}${more}`;
  const detail = `position ${position} of the log: ${what}${expected}`;
  return { ok: false, error: { code: "malformed", detail, position, ids } };
}

/** The indexes, cut where one closed group ends and the next begins. */
function runsOf(history: Pick<History, "groupRange">, indexes: readonly number[]): number[][] {
  const runs: number[][] = [];
  let run: number[] = [];
  let end = -1;
  for (const index of indexes) {
    if (index >= end) {
      run = [];
      runs.push(run);
      end = history.groupRange(index)[1];
    }
    run.push(index);
  }
  return runs;
}
