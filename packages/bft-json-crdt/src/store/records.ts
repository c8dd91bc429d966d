/**
 * Between a history and its log: which records to append for changes that were just applied, and whether a record that
 * was read back and received gave what it promised.
 */
import { ByteReader } from "../encoding/reader.ts";
import type { History } from "../history/history.ts";
import { logFault, type LogFault, type LogRecord, type NewRecord } from "./change-log.ts";

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
      records.push({ ids: run.slice(taken, taken + count).map((index) => history.idAt(index)), group });
      taken += count;
    }
  }
  return records;
}

/**
 * The damage in a record that the history has just received, or null when all its changes are applied. Hashes and
 * signatures were checked by receiving it; a change that is not applied now was altered in the store, or is not the one
 * that was stored.
 */
export function faultOf(history: Pick<History, "indexOf">, record: LogRecord): LogFault | null {
  const lost = record.ids.filter((id) => history.indexOf(id) < 0);
  if (lost.length === 0) return null;
  return logFault(record.position, lost, "what is stored is not what was applied").error;
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
