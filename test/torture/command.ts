/**
 * `pnpm torture`: runs the parts one after the other until they are done or somebody presses Ctrl-C; the report on
 * stdout, progress on stderr.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../bench/src/build.ts";
import { Progress } from "../../packages/bft-json-crdt/test/progress.ts";
import { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { PARTS } from "./index.ts";
import { Findings, type Part, PART_NAMES, type PartName } from "./part.ts";
import { busy, type Chapter, machine, pageOf, reportOf, scoreOf } from "./report.ts";

/** What is done where nothing else is said. */
const KILLS = 300;
const MINUTES = 10;
const SEED = 1;

const USAGE = `usage: pnpm torture [--only PART]… [--kills N] [--minutes M] [--seed S] [--write]

  --only PART   ${PART_NAMES.join(", ")}; all of them by default
  --kills N     kill so many processes, half of them relays and half of them nodes (default ${KILLS})
  --minutes M   minutes of churn (default ${MINUTES})
  --seed S      what is done, and when, is chosen by it as far as processes allow (default ${SEED})
  --write       put what was run into docs/torture.md, where other parts stay as they are, and the plot into docs/torture.svg
`;

/** Milliseconds after which another Ctrl-C ends everything at once. */
const AGAIN_MS = 1_000;

const PAGE = new URL("../../docs/torture.md", import.meta.url);
const PICTURE = new URL("../../docs/torture.svg", import.meta.url);

const HEAD = `# Torture

What the relay and the node promise to those who rely on them, tried on real processes, real sockets and a real database. Made by
\`pnpm torture --write\`, all at once or part by part, as each says. A line that begins with "ok" is a promise that was kept; numbers are
those of one run.
`;

interface Settings {
  readonly seed: number;
  readonly kills: number;
  readonly minutes: number;
  readonly only: readonly PartName[];
  readonly isWriting: boolean;
}

/** Runs the command; returns its exit code: 0, 1 if a promise was broken, 2 if the command line is wrong. */
export async function main(args: readonly string[]): Promise<number> {
  const settings = readSettings(args.filter((argument) => argument !== "--"));
  if (settings === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  // Nodes and relays are what is published: run from their sources, each closure is wrapped.
  process.env["BUILT_PACKAGES"] = join(build(), "node_modules");
  const interruption = new AbortController();
  let interruptedAt = Infinity;
  process.on("SIGINT", () => {
    // A terminal and tsx both pass one Ctrl-C on; one that comes later means it.
    if (performance.now() - interruptedAt > AGAIN_MS) process.exit(130);
    interruptedAt = Math.min(interruptedAt, performance.now());
    interruption.abort();
  });
  const progress = new Progress();
  const chapters: Chapter[] = [];
  for (const part of PARTS) {
    if (!settings.only.includes(part.name) || interruption.signal.aborted) continue;
    progress.restart();
    chapters.push(await runPart(part, settings, interruption.signal, progress));
  }
  progress.end();
  const report = reportOf(chapters, null);
  process.stdout.write(`${report}\n${machine()}\n`);
  const { passed, failed } = scoreOf(report);
  if (settings.isWriting) write(chapters);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed > 0 ? 1 : 0;
}

async function runPart(
  part: Part,
  { seed, kills, minutes, only }: Settings,
  signal: AbortSignal,
  progress: Progress,
): Promise<Chapter> {
  const findings = new Findings();
  const start = performance.now();
  const before = busy();
  const killers = only.filter((name) => name === "relay" || name === "node").length;
  const share = part.name === "relay" ? Math.ceil(kills / killers) : Math.floor(kills / killers);
  try {
    await part.run({
      random: new Random(seed).split(part.name),
      signal,
      findings,
      kills: share,
      minutes,
      progress: (done, total, what) => {
        progress.show(done, total, what);
      },
    });
  } catch (error) {
    // Ctrl-C ends processes under the hands of those who wait for them.
    if (!signal.aborted) {
      const reason = error instanceof Error ? error.message : String(error);
      findings.expect("the part comes to its end", false, reason);
    }
  }
  progress.end();
  const seconds = (performance.now() - start) / 1_000;
  const command = commandFor(part.name, seed, share, minutes);
  const load = [before, busy()] as const;
  return { part, findings, command, seconds, load, isInterrupted: signal.aborted };
}

function commandFor(name: PartName, seed: number, kills: number, minutes: number): string {
  const isKiller = name === "relay" || name === "node";
  return [
    `pnpm torture --only ${name}`,
    ...(isKiller ? [`--kills ${kills}`] : []),
    ...(name === "churn" && minutes !== MINUTES ? [`--minutes ${minutes}`] : []),
    ...(seed === SEED ? [] : [`--seed ${seed}`]),
  ].join(" ");
}

function write(chapters: readonly Chapter[]): void {
  const picture = chapters.find(({ findings }) => findings.picture !== null)?.findings.picture;
  if (picture != null) writeFileSync(PICTURE, picture);
  const earlier = existsSync(PAGE) ? readFileSync(PAGE, "utf8") : "";
  writeFileSync(PAGE, pageOf(HEAD, chapters, "torture.svg", earlier, PARTS));
}

function readSettings(args: readonly string[]): Settings | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true, default: [...PART_NAMES] },
        kills: { type: "string", default: String(KILLS) },
        minutes: { type: "string", default: String(MINUTES) },
        seed: { type: "string", default: String(SEED) },
        write: { type: "boolean", default: false },
      },
    });
    const only = PART_NAMES.filter((name) => values.only.includes(name));
    const [kills, seed] = [values.kills, values.seed].map(readCount);
    const minutes = /^\d{1,4}(?:\.\d+)?$/u.test(values.minutes) ? Number(values.minutes) : 0;
    const isKnown = values.only.every((name) => only.some((known) => known === name));
    if (kills == null || seed == null || minutes <= 0 || !isKnown) return null;
    return { only, kills, minutes, seed, isWriting: values.write };
  } catch {
    return null;
  }
}

/** A number of 32 bits. */
function readCount(text: string): number | null {
  return /^\d{1,10}$/u.test(text) && Number(text) < 2 ** 32 ? Number(text) : null;
}
