/** A thousand sessions in one room, one of which reads nothing: what it costs the others, and the relay. */
import { median } from "./numbers.ts";
import { bytes, type Context, type Part, whole } from "./part.ts";
import { eventsOf, memoryOf, Processes } from "./processes.ts";

const SESSIONS = 1_000;
const SECONDS_PER_CELL = 8;

/** A: everyone reads, B: one does not. What drifts meanwhile strikes both alike. */
const CELLS = "ABBAABBA";

/** On a machine with other work a comparison may have to be made anew. */
const ATTEMPTS = 3;

/** The slower of the two may be slower by so much. */
const TOLERANCE = 1.2;

/** Memory that a session which reads nothing may take: its hard mark, and what the collector leaves lying about. */
const MEMORY_BYTES = 64 * 1_048_576;

/** Milliseconds between two looks at the memory of the relay. */
const LOOK_MS = 100;

export const stalled: Part = {
  name: "stalled",
  title: "A session that reads nothing",
  about:
    `${whole(SESSIONS)} sessions in one room of one \`crdt-relayer\`; ten changes a second go to all. In half of the cells one session reads ` +
    "nothing after a burst of 8 MiB, which is more than the kernel takes for it. Latency is from when a change was due until a session has it, " +
    "over all others; the load generator is a process of its own. Memory is the resident memory of the relay.",
  run: async (context) => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const isLast = attempt === ATTEMPTS;
      if ((await compare(context, attempt, isLast)) || context.signal.aborted) return;
    }
  },
};

interface Cell {
  readonly isStalled: boolean;
  readonly delivered: number;
  readonly expected: number;
  readonly behind: number;
  readonly median: number;
  readonly p99: number;
  /** The most memory of the relay while it was measured. */
  readonly memory: number;
}

interface CaughtUp {
  readonly isStalled: boolean;
  readonly isEqual: boolean;
  readonly ms: number;
  readonly behind: number;
}

type Event =
  | { readonly event: "joined"; readonly isStalled: boolean }
  | ({ readonly event: "cell" } & Omit<Cell, "memory">)
  | ({ readonly event: "caught up" } & CaughtUp)
  | { readonly event: "over" };

/** True when the comparison came out well, or was the last one; only then it is told. */
async function compare(context: Context, attempt: number, isLast: boolean): Promise<boolean> {
  const { findings, signal, progress } = context;
  const processes = new Processes();
  const cells: Cell[] = [];
  const returns: CaughtUp[] = [];
  try {
    const relay = processes.relay(0);
    const url = await relay.listens;
    const load = processes.script("stalled-load.ts", [
      url,
      String(SESSIONS),
      String(SECONDS_PER_CELL),
      CELLS,
    ]);
    let peak = 0;
    const look = setInterval(() => {
      peak = Math.max(peak, memoryOf(relay.program.pid));
    }, LOOK_MS);
    try {
      for await (const event of eventsOf<Event>(load, signal)) {
        if (event.event === "joined") peak = 0;
        else if (event.event === "cell") cells.push({ ...event, memory: peak });
        else if (event.event === "caught up") returns.push(event);
        progress(cells.length, CELLS.length, "cells with a thousand sessions");
      }
    } finally {
      clearInterval(look);
    }
  } finally {
    await processes.clear();
  }
  const calm = cells.filter(({ isStalled }) => !isStalled);
  const held = cells.filter(({ isStalled }) => isStalled);
  const p99 = [calm, held].map((some) => median(some.map((cell) => cell.p99)));
  const ratio = p99[1]! / p99[0]!;
  if (ratio > TOLERANCE && !isLast && !signal.aborted) return false;

  findings.table(
    ["cell", "delivered:", "median ms:", "p99 ms:", "memory of the relay:", "changes behind:"],
    cells.map((cell) => [
      cell.isStalled ? "one reads nothing" : "all read",
      whole(cell.delivered),
      cell.median.toFixed(1),
      cell.p99.toFixed(1),
      bytes(cell.memory),
      whole(cell.behind),
    ]),
  );
  if (signal.aborted) return true;
  const delivered = cells.reduce((sum, cell) => sum + cell.delivered, 0);
  const expected = cells.reduce((sum, cell) => sum + cell.expected, 0);
  findings.expect(
    "everything is delivered to all others",
    delivered === expected && cells.length === CELLS.length,
    `${whole(delivered)} of ${whole(expected)} deliveries`,
  );
  findings.expect(
    "p99 of the others is at most 20 % over what it is without the stalled one",
    ratio <= TOLERANCE,
    `${p99[0]!.toFixed(1)} ms without, ${p99[1]!.toFixed(1)} ms with, × ${ratio.toFixed(2)} (medians of the cells, comparison ${attempt} of at most ${ATTEMPTS})`,
  );
  const memory = [calm, held].map((some) => Math.max(0, ...some.map((cell) => cell.memory)));
  findings.expect(
    `the stalled one costs the relay less than ${bytes(MEMORY_BYTES)}`,
    memory[1]! - memory[0]! <= MEMORY_BYTES && memory[1]! > 0,
    `at most ${bytes(memory[0]!)} without, ${bytes(memory[1]!)} with`,
  );
  const back = returns.filter(({ isStalled }) => isStalled);
  findings.expect(
    "the stalled one is behind, and in step when it reads again",
    back.length > 0 && back.every(({ isEqual, behind }) => isEqual && behind > 0),
    back.map(({ behind, ms }) => `${whole(behind)} changes in ${whole(ms)} ms`).join(", "),
  );
  return true;
}
