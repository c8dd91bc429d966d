/**
 * The threads that V8 has beside the main one, for the collector of garbage and the compiler. They yield to the main thread,
 * which serves everybody: on a machine of few cores, four threads that mark a heap of ten thousand sessions for a tenth of a
 * second otherwise leave it a fifth of a processor until they are done. Nothing waits for them that the main thread would
 * not do itself then.
 *
 * Linux gives each thread a priority of its own, and everyone may lower those of one's own threads; other systems do not, and
 * there this does nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";

/** How much nicer they are than the main thread: one has a tenth of what that has, where both want the same core. */
const NICER = 10;

const TASKS = "/proc/self/task";

/** What a Node that gives its threads names (22 and later) calls them. */
const NAME = "V8Worker";

/**
 * Where they are among the threads of a Node that gives none: behind the main thread and V8's clock, since V8 starts before all
 * else; and how many, unless a flag says otherwise.
 */
const [FIRST, MANY] = [2, 4];

/** Lowers the priority of V8's threads; returns how many these are, 0 where that cannot be done. */
export function yieldHelperThreads(): number {
  let lowered = 0;
  try {
    const nice = Math.min(getPriority() + NICER, constants.priority.PRIORITY_LOW);
    for (const thread of helperThreads()) {
      setPriority(thread, nice);
      lowered++;
    }
  } catch {
    // Not on this system, or not allowed: all goes on as it did.
  }
  return lowered;
}

function helperThreads(): readonly number[] {
  const threads = inOrder(readdirSync(TASKS).map(Number), process.pid);
  const named = threads.filter((thread) => nameOf(thread) === NAME);
  if (named.length > 0 || isPoolChosen()) return named;
  return threads.slice(FIRST, FIRST + MANY);
}

/**
 * The numbers of threads in the order in which these began: the first has that of the process, and Linux counts on from there,
 * and from the beginning again where its numbers end.
 */
export function inOrder(threads: readonly number[], first: number): number[] {
  const isAfter = (thread: number): number => (thread < first ? 1 : 0);
  return threads.toSorted((a, b) => isAfter(a) - isAfter(b) || a - b);
}

function nameOf(thread: number): string {
  return readFileSync(`${TASKS}/${thread}/comm`, "utf8").trim();
}

/** True when a flag says how many threads V8 has. */
function isPoolChosen(): boolean {
  const flags = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
  return /--v8[-_]pool[-_]size/u.test(flags);
}
