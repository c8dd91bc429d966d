/** `run`: a node that stays up: transactions from stdin, those of others on stdout, until it is told to stop. */
import { openToRun } from "../access.ts";
import { CONTROL_PROTOCOL } from "../control/protocol.ts";
import { ControlServer } from "../control/server.ts";
import { CommandError, EXIT, type ExitCode, messageOf, systemCode } from "../exit-codes.ts";
import { BARE_TEXT_WARNING, readTransactions } from "../input.ts";
import { leaveSoon } from "../leave.ts";
import { DEFAULT_PEER_BOUNDS } from "../limits.ts";
import type { Node } from "../node.ts";
import { complain, count, note, onOutputClosed, paint, printable, short } from "../output.ts";
import { answerRequest } from "../requests.ts";
import { Screen } from "../screen.ts";
import type { Settings } from "../settings.ts";
import { stopOnSignal } from "../signals.ts";
import { canEditLines, TypedLine } from "../typed-line.ts";
import { version } from "../version.ts";
import { placeOf } from "./with-node.ts";

/** Options of the command, as typed. */
export interface RunOptions {
  /** False: no relay at all. */
  readonly relay?: readonly string[] | false;
  readonly peer?: readonly string[];
  readonly listen?: string;
  readonly maxPeers?: string;
  readonly room?: string;
  readonly json?: boolean;
  /** Budgets as typed, by name. */
  readonly budgets?: { readonly [name: string]: string | undefined };
}

/** Runs the node until a signal, or until its store fails; what was read from stdin is stored when it returns. */
export async function run(name: string, options: RunOptions): Promise<ExitCode> {
  const { home, settings } = placeOf(name, options);
  let end: (failure: CommandError | null) => void = () => undefined;
  const ended = new Promise<CommandError | null>((resolve) => {
    end = resolve;
  });
  let isStopping = false;
  const stop = (failure: CommandError | null = null): void => {
    isStopping = true;
    end(failure);
  };
  const screen = new Screen(options.json === true, end);
  const node = await openToRun(home, settings, screen);
  const listening = await listen(node, settings);
  screen.attach(node);
  stopOnSignal(stop);
  onOutputClosed(stop);
  const { key, document } = node.status();
  const hello = {
    protocol: CONTROL_PROTOCOL,
    pid: process.pid,
    version: version(),
    room: node.room,
    document,
  };
  const control = await ControlServer.listen(home, hello, (method, params, signal) =>
    answerRequest(node, method, params, signal),
  );
  note(
    `${paint("bold", name, process.stderr)} is running in room "${printable(node.room)}" with key ${short(key)}…`,
  );
  if (process.stdin.isTTY) {
    note("type a transaction, like: alice -> bob 10 lunch (Ctrl-C ends)");
    note(BARE_TEXT_WARNING);
  }
  if (listening !== null) screen.listening(listening);
  const typed = canEditLines() ? new TypedLine() : null;
  node.connect(settings.relays, settings.peers);
  const input = readInput(node, typed ?? process.stdin, () => isStopping)
    .catch(failureOf)
    .then((failure) => {
      if (failure !== null) end(failure);
    });

  const failure = await ended;
  isStopping = true;
  // Ends the reading; the lines that were read before are still signed and stored.
  typed?.close();
  process.stdin.destroy();
  await input;
  await control.close();
  const { unacknowledged } = node.status();
  await node.close();
  screen.detach();
  leaveSoon(failure?.exitCode ?? EXIT.ok);
  if (failure === null) {
    const later = unacknowledged
      ? `; ${count(unacknowledged, "change")} to be delivered next time`
      : "";
    note(`${process.stderr.isTTY ? "\n" : ""}stopped, and everything is stored${later}`);
    return EXIT.ok;
  }
  complain(failure);
  return failure.exitCode;
}

/** Lets peers connect if that is wanted, before anything else is told: a port that is in use ends the command. */
async function listen(node: Node, { listen, maxPeers }: Settings): Promise<string | null> {
  if (listen === null) return null;
  try {
    return await node.listen(listen, { ...DEFAULT_PEER_BOUNDS, maxPeers });
  } catch (error) {
    await node.close();
    throw error;
  }
}

/** Milliseconds that a relay or peer has to tell what is new before the first line is signed. */
const MEETING_MS = 1_000;

/** Reads to the end of the input; null when that is all there was to it. */
async function readInput(
  node: Node,
  lines: AsyncIterable<unknown>,
  isStopping: () => boolean,
): Promise<null> {
  // What others have written meanwhile comes first, so that what is typed now stands after it.
  const met = node.inStep(MEETING_MS);
  for await (const { transactions, errors } of readTransactions(lines)) {
    for (const { line, message } of errors) {
      const where = process.stdin.isTTY ? "" : `line ${line}: `;
      note(`${paint("red", "crdt-node:", process.stderr)} ${where}${message}`);
    }
    if (transactions.length === 0) continue;
    await met;
    await node.append(transactions);
  }
  // Ctrl-D; what is typed from now on is read by nobody.
  if (process.stdin.isTTY && !isStopping())
    note("the input has ended; the node goes on, and shows what others send (Ctrl-C ends)");
  return null;
}

function failureOf(error: unknown): CommandError | null {
  if (error instanceof CommandError) return error;
  // An input that breaks (a terminal that is gone, a stream closed in the middle) has ended; the node goes on.
  if (systemCode(error) !== "") return null;
  return new CommandError(EXIT.failure, { what: messageOf(error) }, { cause: error });
}
