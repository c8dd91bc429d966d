/**
 * Re-checks a log from its raw bytes: every hash, every link and every signature, by receiving all of it into a history
 * that starts empty. Trusts nothing but the code.
 */
import {
  changeId,
  decodeGroup,
  equalBytes,
  faultOf,
  History,
  type LogFault,
  type LogRecord,
  type ReceivedGroup,
  toHex,
} from "bft-json-crdt";
import type { Mark } from "./mark.ts";
import type { Store } from "./store.ts";

/** Something in the store that is not what was written. */
export interface Damage {
  readonly position: number;
  /** The changes that are damaged themselves, in hex; empty when it cannot be known which. */
  readonly damaged: readonly string[];
  /** Those that are lost with them, because they stood in the same record or build on them. */
  readonly lost: readonly string[];
  /** One sentence for people. */
  readonly detail: string;
}

/** Reads and checks the log; yields each damage, returns how many changes are good and how many records are not. */
export async function* verifyStore({
  log,
  mark,
}: Pick<Store, "log" | "mark">): AsyncGenerator<Damage, { changes: number; damaged: number }> {
  const history = new History({ document: log.document });
  let damaged = 0;
  const own = mark.own === null ? "" : toHex(mark.own.id);
  let isNamed = false;
  for await (const read of log.read()) {
    const damage = read.ok
      ? damageIn(history, read.value, history.receive(read.value.group, "store"))
      : damageOf(read.error);
    if (damage === null) continue;
    damaged++;
    isNamed ||= damage.damaged.includes(own) || damage.lost.includes(own);
    yield damage;
  }
  // Records that are there and damaged are no loss, and are named already.
  const loss = lossIn(mark, log.length, (id) => isNamed || history.indexOf(id) >= 0);
  if (loss !== null) {
    damaged += Math.max(1, mark.records - log.length);
    yield loss;
  }
  return { changes: history.length, damaged };
}

/**
 * What a log of `records` records has lost at its end, or null. The database drops such records without a word; the mark
 * knows of them.
 */
export function lossIn(
  { records: expected, own }: Mark,
  records: number,
  has: (id: Uint8Array) => boolean,
): Damage | null {
  const gone = Math.max(0, expected - records);
  const lost = own === null || has(own.id) ? [] : [toHex(own.id)];
  if (gone === 0 && lost.length === 0) return null;
  const what =
    gone === 0
      ? "the store has lost"
      : `${gone === 1 ? "the last record is" : `the last ${gone} records are`} gone from the store`;
  const which =
    own === null
      ? ""
      : lost.length === 0
        ? `; the last own change, ${toHex(own.id)}, is still there`
        : `${gone === 0 ? "" : ", and with it"} own change ${toHex(own.id)} (number ${own.seq})`;
  return { position: records, damaged: [], lost, detail: `${what}${which}` };
}

/** The damage in a record that a history has just received, or null when all of it is applied. */
export function damageIn(
  history: History,
  record: LogRecord,
  received: ReceivedGroup,
): Damage | null {
  const fault = faultOf(history, record);
  if (fault === null) return null;
  const culprits = alteredIn(record);
  const lost = fault.ids.map(toHex).filter((id) => !culprits.includes(id));
  const code = received.code ?? received.status;
  const detail =
    culprits.length > 0
      ? `change ${culprits.join(", ")} is altered (record ${record.position})`
      : `record ${record.position} is refused (${code}), and with it change ${nameSome(lost)}`;
  return { position: record.position, damaged: culprits, lost, detail };
}

/** A damage that was found while reading. */
export function damageOf({ position, ids, detail }: LogFault): Damage {
  return { position, damaged: ids.map(toHex), lost: [], detail };
}

/** The changes of a record whose bytes do not have the id any more under which they were stored. */
function alteredIn({ ids, group }: LogRecord): string[] {
  const entries = decodeGroup(group);
  if (!entries.ok || entries.value.length !== ids.length) return ids.map(toHex);
  return ids.filter((id, i) => !equalBytes(id, changeId(entries.value[i]!.body))).map(toHex);
}

function nameSome(ids: readonly string[]): string {
  const named = ids.slice(0, 3).join(", ");
  return ids.length > 3 ? `${named} and ${ids.length - 3} more` : named;
}
