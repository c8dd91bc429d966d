/** Five thousand clients whose relay is restarted: all come back by themselves, and not all in one moment. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "../../packages/crdt-node/test/processes.ts";
import { bytes, type Context, type Part, whole } from "./part.ts";
import { pooled } from "./numbers.ts";
import { eventsOf, memoryOf, Processes, processorMsOf } from "./processes.ts";

const CLIENTS = 5_000;

/** Processes that the clients are in: one core would be busy with them longer than the relay is. */
const LOADS = 2;
const CLIENTS_PER_ROOM = 100;

/** Files that a process has open besides its sockets. */
const SPARE_FILES = 500;

/** Milliseconds from the first sign of the end until the relay is started again. */
const AWAY_MS = 2_000;

/**
 * Attempts that may come within a tenth of a second, in parts of all clients, once the relay is back: with waits that
 * are all alike it would be all of them.
 */
const MOST_AT_ONCE = 0.2;

/** Bins of the report, in milliseconds. */
const SHOWN_MS = 500;

export const reconnect: Part = {
  name: "reconnect",
  title: "Thousands who come back at once",
  about:
    "A `crdt-relayer` with 5,000 clients in 50 rooms, each with a document of its own, gets SIGTERM and is started again on its port 2 s " +
    "later. One client in fifty writes a line while it is away. The waits between attempts are those of a node: `waitBefore` of " +
    "`packages/crdt-node/src/backoff.ts` itself, full jitter from 100 ms up to 5 s. The clients are in two processes.",
  run: async (context) => {
    const clients = LOADS * Math.min(CLIENTS / LOADS, openFiles() - SPARE_FILES);
    if (clients < CLIENTS)
      context.findings.say(
        `Only ${whole(clients)} clients fit: a process may have ${whole(openFiles())} files open.`,
      );
    const processes = new Processes();
    try {
      await restart(context, processes, clients);
    } finally {
      await processes.clear();
    }
  },
};

/** What the load says. */
type Event =
  | { readonly event: "ready" | "away" | "over" }
  | {
      readonly event: "back";
      readonly binMs: number;
      /** Attempts, and entries into a room, in each bin since the relay was lost. */
      readonly tried: readonly number[];
      readonly joined: readonly number[];
      readonly convergedMs: number;
      readonly unequal: number;
      readonly errors: number;
      /** Milliseconds of processor time that the load has taken since it started: it may be over when somebody else looks. */
      readonly processorMs: number;
    };

async function restart(context: Context, processes: Processes, clients: number): Promise<void> {
  const { signal, progress, random } = context;
  const rooms = Math.max(1, Math.round(clients / LOADS / CLIENTS_PER_ROOM));
  const first = processes.relay(0);
  let { program } = first;
  const url = await first.listens;
  const loads = Array.from({ length: LOADS }, (_, n) => {
    const args = [url, clients / LOADS, rooms, random.below(1_000_000), `reconnect ${n}`];
    return processes.script("reconnect-load.ts", args.map(String));
  });
  const all = loads.map((load) => eventsOf<Event>(load, signal));
  /** What each of them says next. */
  const next = async (): Promise<readonly Event[]> => {
    const results = await Promise.all(all.map((events) => events.next()));
    return results.flatMap((result) => (result.done === true ? [] : [result.value]));
  };
  const steps = (done: number): void => {
    progress(done, 3, "steps with thousands of clients");
  };
  steps(0);
  if ((await next()).length < LOADS) return;
  steps(1);
  const memory = memoryOf(program.pid);
  await program.end("SIGTERM");
  if ((await next()).length < LOADS) return;
  const lostAt = performance.now();
  await sleep(AWAY_MS);
  program = await startAgain(processes, Number(new URL(url).port));
  const backAt = performance.now();
  const busyAt = loads.map(({ pid }) => processorMsOf(pid));
  steps(2);
  const events = await next();
  const seconds = (performance.now() - backAt) / 1_000;
  const back = events.filter((event) => event.event === "back");
  if (back.length < LOADS) return;
  const spent = [
    processorMsOf(program.pid),
    ...back.map(({ processorMs }, n) => processorMs - busyAt[n]!),
  ];
  const cores = spent.map((ms) => ms / 1_000 / seconds);
  context.findings.say(
    `From then until all were back, the relay took ${cores[0]!.toFixed(2)} of a core, the processes of the clients ${cores
      .slice(1)
      .map((some) => some.toFixed(2))
      .join(" and ")}.`,
  );
  const together = {
    event: "back",
    binMs: back[0]!.binMs,
    tried: pooled(back.map(({ tried }) => tried)),
    joined: pooled(back.map(({ joined }) => joined)),
    convergedMs: Math.max(...back.map(({ convergedMs }) => convergedMs)),
    unequal: back.reduce((sum, { unequal }) => sum + unequal, 0),
    errors: back.reduce((sum, { errors }) => sum + errors, 0),
    processorMs: back.reduce((sum, { processorMs }) => sum + processorMs, 0),
  } as const;
  // The loads say "away" half a second after they have lost the relay.
  tell(context, clients, together, backAt - lostAt + 500, memory);
}

async function startAgain(processes: Processes, port: number): Promise<Program> {
  const { program, listens } = processes.relay(port);
  await listens;
  return program;
}

function tell(
  { findings }: Context,
  clients: number,
  event: Event & { readonly event: "back" },
  backMs: number,
  memory: number,
): void {
  const { binMs, tried, joined, convergedMs, unequal, errors } = event;
  const perRow = SHOWN_MS / binMs;
  const rows = Array.from(
    { length: Math.ceil(Math.max(tried.length, joined.length) / perRow) },
    (_, row) => {
      const [attempts, entries] = [tried, joined].map((bins) =>
        sum(bins.slice(row * perRow, (row + 1) * perRow)),
      );
      return [`${(row * SHOWN_MS) / 1_000} s`, whole(attempts!), whole(entries!)];
    },
  );
  findings.say(
    `The relay listened again ${(backMs / 1_000).toFixed(1)} s after it was lost; with all ${whole(clients)} clients it had ${bytes(memory)} in use.`,
  );
  findings.table(["since it was lost", "attempts:", "came in:"], rows);
  const backBin = Math.floor(backMs / binMs);
  const atOnce = Math.max(0, ...tried.slice(backBin));
  const rate = Math.max(0, ...joined);
  const entered = sum(joined);
  findings.expect(
    "all clients come back and have the same",
    unequal === 0 && entered >= clients,
    `${whole(clients)} clients, ${whole(entered)} entries, everything delivered ${(convergedMs / 1_000).toFixed(1)} s after the loss, ` +
      `${unequal} rooms unequal, ${errors} complaints`,
  );
  findings.expect(
    "retries are spread",
    atOnce <= MOST_AT_ONCE * clients,
    `at most ${whole(atOnce)} attempts in 100 ms once the relay is back (${((100 * atOnce) / clients).toFixed(1)} % of the clients); ` +
      `in the first 100 ms after the loss ${whole(tried[0] ?? 0)}, since the first wait of the formula is that short`,
  );
  findings.expect(
    "the rate at which they are let in is bounded",
    rate <= MOST_AT_ONCE * clients,
    `at most ${whole(rate)} in 100 ms`,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Files that a process may have open; Node raises the soft limit to the hard one by itself. */
function openFiles(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const hard = /Max open files\s+\S+\s+(\S+)/u.exec(limits)?.[1];
    return hard === undefined || hard === "unlimited" ? Infinity : Number(hard);
  } catch {
    return Infinity;
  }
}
