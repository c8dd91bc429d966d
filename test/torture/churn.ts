/** Mixed load with churn: memory over time, and what is left when everybody is gone. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "../../packages/crdt-node/test/processes.ts";
import { pause } from "./client.ts";
import { bytes, type Context, type Part, whole } from "./part.ts";
import { plot, type Sample } from "./plot.ts";
import { eventsOf, Processes } from "./processes.ts";

/** Milliseconds between two looks at the relay. */
const LOOK_MS = 1_000;

/** The part of the time that belongs to the beginning: the code is compiled, the database fills its buffers. */
const BEGINNING = 1 / 3;

/** Bytes that the live memory may grow by from the second third of the time to the last: what a random load leaves at random. */
const GROWTH_BYTES = 8 * 1_048_576;

/** Milliseconds in which the relay forgets the rooms after the last session; one second of grace, with patience. */
const LEAVING_MS = 15_000;

export const churn: Part = {
  name: "churn",
  title: "Churn",
  about:
    "Forty members at a time come into one of eight rooms, write with up to 120 ms between two lines, for up to three seconds, and leave or vanish; one in ten is " +
    "a person who types commands. A room is replaced by a new one each two seconds. The relay (`createRelay` on LevelDB, in a process of its own, `roomGraceSeconds: 1`) " +
    "is looked at each second, after a collection of garbage.",
  run: async (context) => {
    const processes = new Processes();
    try {
      await measure(context, processes);
    } finally {
      await processes.clear();
    }
  },
};

/** What the relay says of itself. */
interface State {
  readonly event: "state";
  readonly rooms: number;
  readonly sessions: number;
  readonly changes: number;
  readonly rss: number;
  /** Live memory: the heap of JavaScript and what belongs to it. */
  readonly heap: number;
  readonly resources: readonly string[];
  /** Open files that are not the database's. */
  readonly files: number;
}

/** What the load says when all are gone. */
interface Gone {
  readonly event: "gone";
  readonly rooms: number;
  readonly members: number;
  readonly written: number;
  readonly stranded: number;
}

async function measure(context: Context, processes: Processes): Promise<void> {
  const { findings, signal, progress, minutes, random } = context;
  const data = join(processes.folder, "churn");
  const script = processes.script("churn-relay.ts", [data], ["--expose-gc"]);
  const listening = JSON.parse(await script.line(/"listening"/u)) as { readonly url: string };
  const relay = new Looker(script);
  const before = await relay.look();
  const seconds = Math.round(minutes * 60);
  const seed = random.below(1_000_000);
  const load = processes.script("churn-load.ts", [listening.url, seconds, seed].map(String));
  const samples: Sample[] = [];
  let most = before;
  let gone: Gone | null = null as Gone | null;
  const start = performance.now();
  const events = eventsOf<Gone>(load, signal);
  let next = events.next();
  while (!signal.aborted) {
    const state = await relay.look();
    const second = (performance.now() - start) / 1_000;
    const { heap, rss, rooms, sessions } = state;
    samples.push({ second, heap, rss, rooms, sessions });
    if (state.sessions > most.sessions) most = state;
    progress(Math.min(second, seconds), seconds, "seconds of churn");
    const event = await Promise.race([next, pause(LOOK_MS, signal)]);
    if (event === undefined) continue;
    if (event.done === true) break;
    gone = event.value;
    next = events.next();
  }
  const after = await settle(relay, before, signal);
  script.type("stop\n");
  await script.exited;
  findings.picture = plot(`Memory of a relay under churn, ${minutes} min`, samples);
  tell(context, samples, { before, most, after, gone, left: readdirSync(data) });
}

/** Asks the relay what it holds. */
class Looker {
  readonly #script: Program;
  #seen = 1;

  constructor(script: Program) {
    this.#script = script;
  }

  async look(): Promise<State> {
    const at = this.#seen++;
    this.#script.type("look\n");
    await this.#script.until("an answer", () => this.#script.lines.length > at);
    return JSON.parse(this.#script.lines[at]!) as State;
  }
}

/** Looks until nothing is left, or for a while. */
async function settle(relay: Looker, before: State, signal: AbortSignal): Promise<State> {
  const deadline = performance.now() + LEAVING_MS;
  for (;;) {
    const state = await relay.look();
    const isEmpty =
      state.rooms === 0 &&
      state.sessions === 0 &&
      leftOver(before, state).length === 0 &&
      state.files <= before.files;
    if (isEmpty || signal.aborted || performance.now() > deadline) return state;
    await pause(LOOK_MS / 4, signal);
  }
}

/** Resources of the process that were not there before. */
function leftOver(before: State, after: State): string[] {
  const left = [...after.resources];
  for (const resource of before.resources) {
    const at = left.indexOf(resource);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

interface Ends {
  readonly before: State;
  readonly most: State;
  readonly after: State;
  readonly gone: Gone | null;
  /** What is in the data folder. */
  readonly left: readonly string[];
}

function tell(
  { findings, minutes, signal: { aborted: isInterrupted } }: Context,
  samples: readonly Sample[],
  { before, most, after, gone, left }: Ends,
): void {
  const third = Math.floor(samples.length * BEGINNING);
  const [early, late] = [samples.slice(third, 2 * third), samples.slice(2 * third)].map(
    (some) => some.reduce((total, { heap }) => total + heap, 0) / Math.max(1, some.length),
  );
  if (gone !== null) {
    const { members, rooms, written } = gone;
    findings.say(
      `${minutes} min, ${whole(members)} members in ${whole(rooms)} rooms, ${whole(written)} lines written; at most ${most.sessions} sessions.`,
    );
  }
  findings.table(
    ["", "before:", "most sessions:", "after:"],
    [
      ["rooms", ...[before, most, after].map(({ rooms }) => whole(rooms))],
      ["sessions", ...[before, most, after].map(({ sessions }) => whole(sessions))],
      ["live memory", ...[before, most, after].map(({ heap }) => bytes(heap))],
      ["resident memory", ...[before, most, after].map(({ rss }) => bytes(rss))],
      [
        "open files but for the database's",
        ...[before, most, after].map(({ files }) => whole(files)),
      ],
      [
        "active resources",
        ...[before, most, after].map(({ resources }) => whole(resources.length)),
      ],
    ],
  );
  if (isInterrupted) return;
  findings.expect(
    "memory is flat",
    late! - early! <= GROWTH_BYTES,
    `live memory ${bytes(Math.round(early!))} in the second third of the time, ${bytes(Math.round(late!))} in the last`,
  );
  const resources = leftOver(before, after);
  const isEmpty = after.rooms === 0 && after.sessions === 0;
  findings.expect(
    "no room and no session is left",
    isEmpty,
    `${after.rooms} rooms, ${after.sessions} sessions`,
  );
  findings.expect(
    "no timer, socket or file is left",
    resources.length === 0 && after.files <= before.files && left.join() === "store",
    `left over: ${resources.join(", ") || "nothing"}; ${after.files - before.files} more open files; in the data folder: ${left.join(", ")}`,
  );
  findings.expect(
    "everyone who waited for an acknowledgement got it",
    gone?.stranded === 0,
    `${gone?.stranded ?? "an unknown number of members"} did not`,
  );
}
