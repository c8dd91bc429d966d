/**
 * Re-checks a log from its raw bytes: every hash, every link and every signature, by receiving all of it into a history
 * that starts empty. Trusts nothing but the code.
 */
import { type ChangeLog, faultOf, History, type LogFault, toHex } from "bft-json-crdt";

/** Something in the store that is not what was written; ids are hex, empty when it cannot be known which were there. */
export interface Damage {
  readonly position: number;
  readonly ids: readonly string[];
  readonly detail: string;
}

/** Reads and checks the log; yields each damage, returns how many changes are good and how many records are not. */
export async function* verifyLog(log: ChangeLog): AsyncGenerator<Damage, { changes: number; damaged: number }> {
  const history = new History({ document: log.document });
  let damaged = 0;
  for await (const record of log.read()) {
    const fault = record.ok ? receiveRecord(history, record.value) : record.error;
    if (fault === null) continue;
    damaged++;
    yield damageOf(fault);
  }
  return { changes: history.length, damaged };
}

/** Receives a record into a history; null when all of it is applied then. */
export function receiveRecord(
  history: Pick<History, "receive" | "indexOf">,
  record: Parameters<typeof faultOf>[1],
): LogFault | null {
  const received = history.receive(record.group, "store");
  const fault = faultOf(history, record);
  if (fault === null || received.code === undefined) return fault;
  return { ...fault, detail: `${fault.detail} (${received.code})` };
}

/** A damage as it is shown and sent. */
export function damageOf(fault: LogFault): Damage {
  return { position: fault.position, ids: fault.ids.map(toHex), detail: fault.detail };
}
