/**
 * From a log back to a history. Live changes are stored each with its signature; checking all of them costs a hundred
 * times what their hashes cost. So neighbouring records are joined into closed groups, of which only those signatures are
 * looked at that no later change of the same chain vouches for. What such a group cannot apply is received again record by
 * record, which names the damage.
 */
import { decodeGroup, HEAD_BYTES, joinGroups } from "../change/index.ts";
import type { History } from "../history/history.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import type { Result } from "../result.ts";
import { logFault, type LogFault, type LogRecord } from "./record.ts";

/** What a log is received into: a {@link History}, or anything built on one. */
export type ReplayHistory = Pick<History, "receive" | "indexOf">;

/** Receives records into a history; gives after each step the damage that it found, or null. */
export async function* replay(
  records: AsyncIterable<Result<LogRecord, LogFault>>,
  history: ReplayHistory,
): AsyncGenerator<LogFault | null, void, void> {
  let batch = new Batch();
  for await (const read of records) {
    const decoded = read.ok ? decodeGroup(read.value.group) : null;
    if (read.ok && decoded?.ok === true && batch.add(read.value, decoded.value.length)) continue;
    yield* batch.receive(history);
    batch = new Batch();
    if (!read.ok) yield read.error;
    else if (decoded?.ok !== true) yield altered(read.value);
    else batch.add(read.value, decoded.value.length);
  }
  yield* batch.receive(history);
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

/** Neighbouring records that are received as one closed group. */
class Batch {
  readonly #records: LogRecord[] = [];
  #changes = 0;
  #bytes = HEAD_BYTES;

  /** Adds a record with so many changes; false when it does not fit beside the others. */
  add(record: LogRecord, changes: number): boolean {
    const bytes = this.#bytes + record.group.length;
    const isOver = bytes > MAX_GROUP_BYTES || this.#changes + changes > MAX_GROUP_CHANGES;
    // A single record is received as it stands, whatever its size.
    if (this.#records.length > 0 && isOver) return false;
    this.#records.push(record);
    this.#changes += changes;
    this.#bytes = bytes;
    return true;
  }

  *receive(history: ReplayHistory): Generator<LogFault | null, void, void> {
    const [first] = this.#records;
    if (first === undefined) return;
    const isAlone = this.#records.length === 1;
    history.receive(
      isAlone ? first.group : joinGroups(this.#records.map(({ group }) => group)),
      "store",
    );
    let isWhole = true;
    for (const record of this.#records) {
      if (faultOf(history, record) === null) continue;
      history.receive(record.group, "store");
      const fault = faultOf(history, record);
      if (fault === null) continue;
      isWhole = false;
      yield fault;
    }
    if (isWhole) yield null;
  }
}

function altered(record: LogRecord): LogFault {
  return logFault(record.position, record.ids, "the group is torn or altered").error;
}
