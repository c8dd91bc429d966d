/** A thousand sessions in one room, one of which reads nothing: what it costs the others, and the relay. */
import { binnedPercentile, pooled } from "./numbers.ts";
import { bytes, type Context, type Part, whole } from "./part.ts";
import { eventsOf, memoryOf, Processes } from "./processes.ts";

const SESSIONS = 1_000;
const SECONDS_PER_CELL = 8;

/** A: everyone reads, B: one does not. What drifts meanwhile strikes both alike. */
const CELLS = "ABBAABBA";

/** On a machine with other work a comparison may have to be made anew. */
const ATTEMPTS = 3;

/** One p99 may be so many times the other: what differs by more among cells of one kind is noise. */
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
    "over all others; the load generator is a process of its own. The p99 of a kind of cell is that of all its deliveries together. How much it " +
    "differs between two halves of the cells of one kind is the noise: where that, or a difference in favour of the stalled one, is more than the 20 % " +
    "that are asked for, nothing is judged. Memory is the resident memory of the relay.",
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
  /** Deliveries by latency, in bins of so many milliseconds. */
  readonly binMs: number;
  readonly bins: readonly number[];
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
  const { without, meanwhile, ratio, noise } = comparisonOf(calm, held);
  const isQuiet = noise.every((value) => value <= TOLERANCE);
  const isEqual = ratio <= TOLERANCE && ratio >= 1 / TOLERANCE;
  if (!(isQuiet && isEqual) && !isLast && !signal.aborted) return false;

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
    "p99 of the others is within 20 % of what it is without the stalled one",
    isQuiet && isEqual ? true : ratio > TOLERANCE && isQuiet ? false : null,
    `${without.toFixed(1)} ms without, ${meanwhile.toFixed(1)} ms with, × ${ratio.toFixed(2)}; between halves of the cells without × ${noise[0]!.toFixed(2)}, ` +
      `with × ${noise[1]!.toFixed(2)}; comparison ${attempt} of at most ${ATTEMPTS}`,
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

/** The p99 of each kind of cell, over all its deliveries, and how much it differs between halves of the cells of one kind. */
function comparisonOf(
  calm: readonly Cell[],
  held: readonly Cell[],
): {
  readonly without: number;
  readonly meanwhile: number;
  readonly ratio: number;
  readonly noise: readonly number[];
} {
  const [without, meanwhile] = [calm, held].map(p99Of);
  const noise = [calm, held].map((cells) => {
    const [one, other] = [0, 1].map((half) => p99Of(cells.filter((_, n) => n % 2 === half)));
    return Math.max(one! / other!, other! / one!);
  });
  return { without: without!, meanwhile: meanwhile!, ratio: meanwhile! / without!, noise };
}

function p99Of(cells: readonly Cell[]): number {
  const width = cells[0]?.binMs ?? 1;
  return binnedPercentile(pooled(cells.map(({ bins }) => bins)), width, 0.99);
}
