/** `send`: signs transactions, stores them, and waits until a relay or a peer has them for good. */
import { type Access, openAccess } from "../access.ts";
import { CommandError, EXIT, type ExitCode } from "../exit-codes.ts";
import { BARE_TEXT_WARNING, readTransactions } from "../input.ts";
import { leave } from "../leave.ts";
import { count, note, onOutputClosed, print, printable, printed, short } from "../output.ts";
import { ask, type LinkStatus, type Status } from "../requests.ts";
import { endOnInterrupt } from "../signals.ts";
import {
  formatTransaction,
  MAX_LINE_BYTES,
  parseTransaction,
  type Transaction,
} from "../transaction.ts";
import { placeOf } from "./with-node.ts";

/** Options of the command, as typed. */
export interface SendOptions {
  /** False: no relay at all. */
  readonly relay?: readonly string[] | false;
  readonly peer?: readonly string[];
  readonly room?: string;
  readonly json?: boolean;
  /** Seconds. */
  readonly timeout: number;
}

/** Characters of transactions in one request, so that it fits a line of the control socket whatever is escaped in it. */
const REQUEST_CHARACTERS = 131_072;
const REQUEST_TRANSACTIONS = 1_024;

/** Milliseconds that a relay has to tell what is new before the transactions are stored. */
const MEETING_MS = 1_000;

/** Milliseconds without an answer after which a person is told what is being waited for. */
const PATIENCE_MS = 1_000;

/** Sends each text, or each line of stdin; exit code 3 when neither a relay nor a peer acknowledged all of them in time. */
export async function send(
  name: string,
  texts: readonly string[],
  options: SendOptions,
): Promise<ExitCode> {
  const typed = texts.length === 0 ? null : parseTexts(texts);
  const { home, settings } = placeOf(name, options);
  const ids: string[] = [];
  endOnInterrupt(() => {
    if (ids.length > 0)
      note(
        `${process.stderr.isTTY ? "\n" : ""}${count(ids.length, "transaction")} stored, to be delivered later`,
      );
  });
  // What has been read is stored all the same, so that all of it may be told of in the end.
  const unwritten: CommandError[] = [];
  onOutputClosed((failure) => {
    if (failure === null) leave(EXIT.ok);
    unwritten.push(failure);
  });
  const access = await openAccess(home, settings, "send");
  try {
    access.local?.connect(settings.relays, settings.peers);
    // What others have written meanwhile comes first, so that what is sent now stands after it.
    await access.local?.inStep(Math.min(MEETING_MS, options.timeout * 1_000));
    if (access.local === null && options.relay !== undefined) {
      note(`"${name}" is running; its own relays are used, --relay is not`);
    }
    if (access.local === null && options.peer !== undefined) {
      note(`"${name}" is running; its own peers are used, --peer is not`);
    }
    const store = async (transactions: readonly Transaction[]): Promise<void> => {
      for (const request of requestsOf(transactions)) {
        const stored = (await ask(access.call, "append", { transactions: request })).ids;
        ids.push(...stored);
        if (options.json === true) continue;
        stored.forEach((id, i) => {
          print(`${short(id)}  ${printable(formatTransaction(request[i]!))}`);
        });
      }
    };
    const wrong = typed === null ? await storeInput(store) : await store(typed).then(() => 0);
    const acknowledged = await waitForRelay(access, ids.at(-1), options.timeout);
    if (options.json === true) print(JSON.stringify({ ids, acknowledged }));
    await printed();
    const [failure] = unwritten;
    if (failure !== undefined) throw notPrinted(failure, name, ids.length, acknowledged);
    if (!acknowledged) throw await notDelivered(access, name, ids.length, options.timeout);
    if (ids.length === 0 && wrong === 0) note("nothing was read, so nothing was sent");
    else if (ids.length > 0 && options.json !== true)
      note(
        `${count(ids.length, "transaction")} stored, and acknowledged by a ${await receiversOf(access)}`,
      );
    if (wrong === 0) return EXIT.ok;
    throw new CommandError(EXIT.usage, {
      what: `${count(wrong, "line")} of the input could not be read and was not sent`,
    });
  } finally {
    // What becomes of it has been told by now, or is about to be.
    endOnInterrupt();
    await access.close();
  }
}

/** All of them or none: what stands on a command line can be typed again. */
function parseTexts(texts: readonly string[]): Transaction[] {
  // An unquoted "alice -> bob 10" arrives as "alice", "-" and "10", and the shell has made a file named "bob".
  if (texts.length > 1 && texts.some((text) => text === "-" || text === "->")) {
    throw new CommandError(EXIT.usage, {
      what: "each argument is one transaction, and these look like pieces of one",
      why: 'the shell splits at spaces and takes ">" for itself, unless there are quotes around it',
      next: 'crdt-node send NAME "alice -> bob 10 lunch"',
    });
  }
  return texts.map((text) => {
    if (Buffer.byteLength(text) > MAX_LINE_BYTES) {
      throw new CommandError(EXIT.usage, {
        what: `a transaction is longer than ${MAX_LINE_BYTES} bytes`,
      });
    }
    const parsed = parseTransaction(text);
    if (parsed.kind === "transaction") return parsed.transaction;
    throw new CommandError(EXIT.usage, {
      what: parsed.kind === "empty" ? "an empty text is no transaction" : parsed.message,
      why: "nothing was sent",
      next: 'crdt-node send NAME "alice -> bob 10 lunch"',
    });
  });
}

/** Stores the lines of stdin as they come; returns how many of them are no transaction. */
async function storeInput(
  store: (transactions: readonly Transaction[]) => Promise<void>,
): Promise<number> {
  if (process.stdin.isTTY) {
    note("type a transaction per line, like: alice -> bob 10 lunch (Ctrl-D ends)");
    note(BARE_TEXT_WARNING);
  }
  let wrong = 0;
  for await (const { transactions, errors } of readTransactions(process.stdin)) {
    for (const { line, message } of errors) note(`crdt-node: line ${line}: ${message}`);
    wrong += errors.length;
    await store(transactions);
  }
  return wrong;
}

function* requestsOf(transactions: readonly Transaction[]): Generator<Transaction[]> {
  let request: Transaction[] = [];
  let characters = 0;
  for (const transaction of transactions) {
    request.push(transaction);
    characters += transaction.from.length + transaction.to.length + (transaction.memo?.length ?? 0);
    if (characters < REQUEST_CHARACTERS && request.length < REQUEST_TRANSACTIONS) continue;
    yield request;
    request = [];
    characters = 0;
  }
  if (request.length > 0) yield request;
}

/** Waits for the last one: an acknowledgement covers all that a change builds on, so all before it on its chain. */
async function waitForRelay(
  { call }: Access,
  last: string | undefined,
  seconds: number,
): Promise<boolean> {
  if (last === undefined) return true;
  if (isAlone(await ask(call, "status", {}))) return false;
  const hint = setTimeout(() => {
    if (process.stderr.isTTY) note("stored; waiting for an acknowledgement…");
  }, PATIENCE_MS);
  try {
    return (await ask(call, "delivery", { id: last, timeoutMs: seconds * 1_000 })).acknowledged;
  } finally {
    clearTimeout(hint);
  }
}

/** Who may have acknowledged, in words. */
async function receiversOf({ call }: Access): Promise<string> {
  const { relays, peers, listening } = await ask(call, "status", {});
  const hasPeers = peers.length > 0 || listening !== null;
  if (!hasPeers) return "relay";
  return relays.length === 0 ? "peer" : "relay or peer";
}

/** Nobody to deliver to, and nobody who could come to fetch it. */
function isAlone({ relays, peers, listening }: Status): boolean {
  return relays.length === 0 && peers.length === 0 && listening === null;
}

/** The output is lost, and what is stored is not: who knows only the former would send it again. */
function notPrinted(
  { complaint: { what, why, next } }: CommandError,
  name: string,
  sent: number,
  acknowledged: boolean,
): CommandError {
  const fate = `${count(sent, "transaction")} stored${acknowledged ? "" : ", to be delivered later"}`;
  return new CommandError(
    EXIT.failure,
    sent === 0
      ? { what, why, next }
      : {
          what: `${what}; ${fate}, and not to be sent again`,
          why,
          next: `crdt-node log ${name}`,
        },
  );
}

async function notDelivered(
  access: Access,
  name: string,
  sent: number,
  seconds: number,
): Promise<CommandError> {
  const receivers = await receiversOf(access);
  const status = await ask(access.call, "status", {});
  if (isAlone(status)) {
    return new CommandError(EXIT.network, {
      what: `${count(sent, "transaction")} stored; there is neither relay nor peer to deliver ${sent === 1 ? "it" : "them"} to`,
      why:
        access.local === null
          ? `"${name}" is running without any`
          : "none is named by --relay, --peer or config.toml",
      // One that runs has to be ended first.
      next:
        access.local === null
          ? undefined
          : `crdt-node run ${name} --relay ws://HOST:PORT/websocket`,
    });
  }
  const why = [...status.relays, ...status.peers].map(describeLink).join("; ");
  return new CommandError(EXIT.network, {
    what: `no ${receivers} acknowledged ${sent === 1 ? "the transaction" : `the ${count(sent, "transaction")}`} within ${seconds} s; stored, to be delivered later`,
    why: why === "" ? undefined : why,
    // A node that runs goes on trying.
    next: `crdt-node ${access.local === null ? "status" : "run"} ${name}`,
  });
}

function describeLink({ url, state, reason }: LinkStatus): string {
  return `${printable(url)}: ${reason === null ? state : printable(reason)}`;
}
