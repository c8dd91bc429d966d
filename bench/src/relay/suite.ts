/**
 * `pnpm bench --suite relay`: how many deliveries a second a relay makes, which verifies and stores what it passes on, beside
 * a server that does nothing but pass on. One load, one machine, by turns.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../build.ts";
import { Latencies } from "../flood/latencies.ts";
import type { Load, Report } from "./generator.ts";
import type { Usage } from "./server.ts";

/** Sessions, and messages that are sent as fast as they go. */
const SIZES: readonly (readonly [sessions: number, messages: number])[] = [
  [10, 15_000],
  [100, 6_000],
  [1_000, 1_000],
];

/** Messages before anything is measured, as a part of those that are. */
const WARM_UP = 0.25;

/** Runs of each; the median counts. */
const RUNS = 3;

const KINDS = ["naive", "ours"] as const;
type Kind = (typeof KINDS)[number];

/** What one run has measured. */
interface Run {
  readonly perSecond: number;
  /** Parts of a core. */
  readonly serverCpu: number;
  readonly generatorCpu: number;
  readonly latencies: Latencies;
  /** Bytes of memory for each session before anything was sent. */
  readonly idle: number;
}

/** Runs it all and prints a table. */
export async function relaySuite(): Promise<void> {
  const built = build();
  print("\nrelay\n");
  print(
    `  ${"sessions".padEnd(10)}${"server".padEnd(8)}${"deliveries/s".padStart(14)}${"ratio".padStart(9)}` +
      `${"server".padStart(9)}${"load".padStart(7)}${"p50".padStart(10)}${"p99".padStart(10)}${"p99.9".padStart(10)}` +
      `${"idle".padStart(9)}\n`,
  );
  for (const [sessions, messages] of SIZES) {
    const runs: Record<Kind, Run[]> = { naive: [], ours: [] };
    // The latency of both is measured at the same rate: half of what the slower one can do.
    let rate = Number.POSITIVE_INFINITY;
    for (let round = 0; round < RUNS; round++) {
      for (const kind of KINDS) {
        const run = await measure(built, kind, sessions, messages, () => rate);
        runs[kind].push(run);
        rate = Math.min(rate, run.perSecond / (sessions - 1) / 2);
      }
    }
    const naive = median(runs.naive);
    for (const kind of KINDS) print(line(sessions, kind, median(runs[kind]), naive));
  }
  print(
    "\n  server, load: cores that the server and the load generator used. Latencies in milliseconds, at half of the rate that\n" +
      "  the slower of both can do, from when a message was due. idle: kB of memory for each session that does nothing.\n",
  );
}

async function measure(
  built: string,
  kind: Kind,
  sessions: number,
  messages: number,
  rate: () => number,
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "bench-relay-"));
  const children: ChildProcess[] = [];
  const start = (script: string, ...args: readonly string[]): ChildProcess => {
    const child = fork(join(built, "src", "relay", script), args, { execArgv: ["--expose-gc"] });
    children.push(child);
    return child;
  };
  try {
    const server = start("server.js", kind, folder);
    const { url } = await answer<{ readonly url: string }>(server);
    const before = await ask<Usage>(server, "usage");
    const generator = start("generator.js", url, "bench", String(sessions));
    await answer(generator);
    const joined = await ask<Usage>(server, "usage");
    const load = (count: number, perSecond: number | null): Promise<Report> =>
      ask<Report>(generator, { messages: Math.ceil(count), rate: perSecond } satisfies Load);
    await load(messages * WARM_UP, null);
    const idle = await ask<Usage>(server, "usage");
    const report = await load(messages, null);
    const after = await ask<Usage>(server, "usage");
    const perSecond = (report.deliveries / report.time) * 1_000;
    const due = Math.min(rate(), perSecond / (sessions - 1) / 2);
    const calm = await load(Math.min(messages, due * 5), due);
    return {
      perSecond,
      serverCpu: (after.cpu - idle.cpu) / report.time,
      generatorCpu: report.cpu / report.time,
      latencies: new Latencies(calm.latencies),
      idle: (joined.resident - before.resident) / sessions,
    };
  } finally {
    for (const child of children) {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGKILL")) await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The run of the median throughput. */
function median(runs: readonly Run[]): Run {
  return runs.toSorted((a, b) => a.perSecond - b.perSecond)[runs.length >> 1]!;
}

function line(sessions: number, kind: Kind, run: Run, naive: Run): string {
  const { perSecond, serverCpu, generatorCpu, latencies, idle } = run;
  const ms = (part: number): string => latencies.at(part).toFixed(2).padStart(10);
  const ratio = kind === "naive" ? "" : `${(perSecond / naive.perSecond).toFixed(2)} ×`;
  return (
    `  ${sessions.toLocaleString("en-US").padEnd(10)}${kind.padEnd(8)}` +
    `${Math.round(perSecond).toLocaleString("en-US").padStart(14)}${ratio.padStart(9)}` +
    `${serverCpu.toFixed(2).padStart(9)}${generatorCpu.toFixed(2).padStart(7)}${ms(0.5)}${ms(0.99)}${ms(0.999)}` +
    `${(idle / 1_000).toFixed(1).padStart(9)}\n`
  );
}

function print(text: string): void {
  process.stdout.write(text);
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`a process of the benchmark ended with code ${String(code)}`);
  });
  const [message] = (await Promise.race([once(child, "message"), failed])) as [T];
  return message;
}

function ask<T>(child: ChildProcess, question: unknown): Promise<T> {
  const answered = answer<T>(child);
  child.send(question as object);
  return answered;
}
