/**
 * From a log back to a history. Live changes are stored each with its signature; checking all of them costs a hundred
 * times what their hashes cost. So neighbouring records are merged into closed groups, in which a signature is left out
 * when a later change of the same chain covers it. What such a group cannot apply is received again record by record,
 * which names the damage.
 */
import {
  decodeBody,
  decodeGroup,
  encodeGroup,
  GROUP_ENTRY_OVERHEAD,
  type SignedBody,
} from "../change/index.ts";
import { toHex } from "../encoding/bytes.ts";
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
    if (read.ok && decoded?.ok === true && batch.add(read.value, decoded.value)) continue;
    yield* batch.receive(history);
    batch = new Batch();
    if (!read.ok) yield read.error;
    else if (decoded?.ok !== true) yield altered(read.value);
    else batch.add(read.value, decoded.value);
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
  readonly #entries: SignedBody[] = [];
  readonly #ids: string[] = [];
  #bytes = 8;

  /** Adds a record; false when it does not fit beside the others. */
  add(record: LogRecord, entries: readonly SignedBody[]): boolean {
    let bytes = this.#bytes;
    for (const { body } of entries) bytes += body.length + GROUP_ENTRY_OVERHEAD;
    const count = this.#entries.length + entries.length;
    // A single record is received as it stands, whatever its size.
    if (this.#records.length > 0 && (bytes > MAX_GROUP_BYTES || count > MAX_GROUP_CHANGES))
      return false;
    this.#records.push(record);
    this.#entries.push(...entries);
    for (const id of record.ids) this.#ids.push(toHex(id));
    this.#bytes = bytes;
    return true;
  }

  *receive(history: ReplayHistory): Generator<LogFault | null, void, void> {
    const [first] = this.#records;
    if (first === undefined) return;
    history.receive(this.#records.length === 1 ? first.group : this.#merged(), "store");
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

  /** The entries as one group. The ids are those that were stored; if they lie, the group is not applied. */
  #merged(): Uint8Array {
    const within = new Set(this.#ids);
    const covered = new Set<string>();
    for (const { body } of this.#entries) {
      const header = decodeBody(body);
      if (!header.ok || header.value.prev === null) continue;
      const prev = toHex(header.value.prev);
      if (within.has(prev)) covered.add(prev);
    }
    return encodeGroup(
      this.#entries.map(({ body, signature }, position) => {
        const isCovered = covered.has(this.#ids[position] ?? "");
        return { body, signature: isCovered ? null : signature };
      }),
    );
  }
}

function altered(record: LogRecord): LogFault {
  return logFault(record.position, record.ids, "the group is torn or altered").error;
}
