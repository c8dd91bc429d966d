/** How many deliveries a second a relay makes, which verifies and stores what it passes on, beside one that only passes on. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Latencies } from "../flood/latencies.ts";
import { cpuOf, TICK_MS } from "../relay/cpu.ts";
import { Load } from "../relay/load.ts";
import type { Kind } from "../relay/server.ts";
import { numberOf } from "../suite.ts";
import type { Job, Plan, Sample, Suite } from "../suite.ts";

const NAIVE = "naive ws loop";
const BLASTER = "blaster: the generator's ceiling";
const KINDS: Readonly<Record<string, Kind>> = {
  ours: "ours",
  [NAIVE]: "naive",
  [BLASTER]: "blaster",
};

/**
 * Sessions; changes that are made for the time in which all goes as fast as it goes, more than a server takes then; and how
 * many of them are on their way at once, enough that a server never waits for one.
 */
const SIZES: readonly (readonly [sessions: number, most: number, window: number])[] = [
  [10, 400_000, 1_024],
  [100, 250_000, 1_024],
  [1_000, 50_000, 256],
];

/** To try out whether everything works at all. */
const TINY: typeof SIZES = [[10, 50, 10]];

/** Sessions that are there before memory is looked at: what is loaded with the first is not theirs. */
const FIRST = 8;

/** Milliseconds: until what serves has been compiled, with all the changes of that time stored; and what is measured. */
const WARM_UP = 1_500;
const MEASURED = 2_000;
const DEADLINE = 180_000;

/** See above. */
export const relay: Suite = {
  name: "relay",
  title: "Relay",
  about:
    "Sessions in one room, of which four write changes of one line, signed each before any clock runs, and all the others " +
    "receive them; each change goes to all but its author. `ours` is the relay in a process of its own: it verifies, stores " +
    "durably, acknowledges, and passes on; of what waits of one writer, it verifies the last signature, which covers the others by " +
    "their hashes. The naive loop is `ws`, and for each message a loop over `server.clients` that " +
    "sends it to all others; it neither verifies nor stores. The same generator loads both from a second process: always " +
    "1,024 changes (256 with a thousand sessions) are on their way that not all sessions have; counted are changes that all have, times those who got them. " +
    "Its sockets read by hand no more than how many changes each frame holds; what it can take at most is shown by a third " +
    "server, which verifies, stores and receives nothing and writes frames that it made before, sixteen changes at once; a relay that " +
    "writes more of them at once, as ours does with a hundred sessions, can be above that. " +
    "Cores are processor time of a process and the kernel on its behalf, of all its threads, by the time that passed. " +
    "Latencies are at half of each server's own deliveries a second, on a schedule that is kept whatever the server " +
    "does, from when a change was due until eight of the sessions had it; the schedule is looked at each millisecond. " +
    "Idle memory is what a thousand sessions that joined add to the resident memory of the server after a collection, " +
    "for each.",
  isSteady: true,
  metrics: [
    { name: "each", title: "time per delivery", unit: "µs" },
    { name: "perSecond", title: "deliveries", unit: "/s" },
    {
      name: "perServerSecond",
      title: "deliveries per second of the server's processor time",
      unit: "/s",
    },
    { name: "server", title: "the server's processor time", unit: "cores" },
    { name: "generator", title: "the generator's processor time", unit: "cores" },
    { name: "p50", title: "latency at half load, median", unit: "ms" },
    { name: "p99", title: "latency at half load, p99", unit: "ms" },
    { name: "p999", title: "latency at half load, p99.9", unit: "ms" },
    { name: "idle", title: "idle memory per connection", unit: "bytes" },
  ],
  leastRuns: 3,
  jobs: (plan) =>
    (plan.scale < 1 ? TINY : SIZES).flatMap(([sessions, most, window]) =>
      Object.keys(KINDS).map((subject) => ({
        subject,
        on: `${sessions.toLocaleString("en-US")} sessions`,
        parameters: { sessions, most, window },
      })),
    ),
  async measure(job, plan) {
    const folder = mkdtempSync(join(tmpdir(), "bench-relay-"));
    const kind = KINDS[job.subject]!;
    const server = new Server(join(plan.built, "src", "relay", "server.js"), kind, folder);
    try {
      const url = await server.url;
      const load = new Load(url, kind === "ours", DEADLINE);
      try {
        return [
          await (kind === "blaster" ? blasted(load, job, plan) : loaded(server, load, job, plan)),
        ];
      } finally {
        load.close();
      }
    } finally {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** The generator alone. */
async function blasted(load: Load, job: Job, plan: Plan): Promise<Sample> {
  await load.open(numberOf(job, "sessions"));
  const { perSecond, cpu } = await load.count(WARM_UP * plan.scale, MEASURED * plan.scale);
  return { each: 1e6 / perSecond, perSecond, generator: cpu };
}

/** A server under load. */
async function loaded(server: Server, load: Load, job: Job, plan: Plan): Promise<Sample> {
  const sessions = numberOf(job, "sessions");
  // It takes long, and nobody should wait for an answer meanwhile.
  load.make(numberOf(job, "most"));
  await load.open(FIRST);
  const before = await server.memory();
  await load.open(sessions);
  const idle = ((await server.memory()) - before) / (sessions - FIRST);
  const looks: number[] = [];
  const { changesPerSecond, time, cpu } = await load.saturate(
    { most: numberOf(job, "most"), window: numberOf(job, "window") },
    WARM_UP * plan.scale,
    MEASURED * plan.scale,
    () => looks.push(server.cpu()),
  );
  const [first = Number.NaN, last = Number.NaN] = looks;
  const latencies = new Latencies(await load.keep(changesPerSecond / 2, MEASURED * plan.scale));
  load.check();
  const perSecond = changesPerSecond * (sessions - 1);
  const used = Math.max(TICK_MS, last - first) / time;
  return {
    each: 1e6 / perSecond,
    perSecond,
    ...(Number.isFinite(used) && { perServerSecond: perSecond / used, server: used }),
    generator: cpu / time,
    p50: latencies.at(0.5),
    p99: latencies.at(0.99),
    p999: latencies.at(0.999),
    ...((sessions >= MANY || plan.scale < 1) && { idle }),
  };
}

/** Fewer sessions are lost in the noise of resident memory. */
const MANY = 1_000;

/** The process of a server. */
class Server {
  readonly url: Promise<string>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(script: string, kind: Kind, folder: string) {
    this.#child = fork(script, [kind, folder], { execArgv: ["--expose-gc"] });
    const late = setTimeout(() => this.#child.kill("SIGABRT"), DEADLINE);
    this.#ended = once(this.#child, "exit").then(([code, signal]) => {
      clearTimeout(late);
      throw new Error(
        signal === "SIGABRT"
          ? `the server of the benchmark was stopped, for it was not done after ${DEADLINE} ms`
          : `the server of the benchmark ended with ${String(code ?? signal)}`,
      );
    });
    this.#ended.catch(() => undefined);
    this.url = this.#answer<{ readonly url: string }>().then(({ url }) => url);
  }

  /** Bytes of resident memory, after a collection. */
  memory(): Promise<number> {
    const answer = this.#answer<number>();
    this.#child.send("memory");
    return answer;
  }

  /** Milliseconds of processor time so far, of all its threads. Asked of the system: a busy server would answer late. */
  cpu(): number {
    return cpuOf(this.#child.pid!);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended.catch(() => undefined);
  }

  async #answer<T>(): Promise<T> {
    const [message] = (await Promise.race([once(this.#child, "message"), this.#ended])) as [T];
    return message;
  }
}
