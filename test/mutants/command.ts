/**
 * `pnpm mutants`: removes each check of the sources, one at a time, in a copy, and shows the test that fails without it.
 * Results on stdout, progress on stderr.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Campaign } from "./campaign.ts";
import type { Result } from "./campaign.ts";
import { Progress } from "../../packages/bft-json-crdt/test/progress.ts";
import { findChecks, staleChecks } from "./checks.ts";
import { takeSnapshot } from "./copy.ts";
import type { Site } from "./sites.ts";
import { serve } from "./server.ts";
import { cellOf, readTable, reasonCellOf, TABLE_FILE, withTable } from "./table.ts";

const USAGE = `usage: pnpm mutants [--write] [--new] [--list] [--jobs J] [--in FOLDER] [PART…]

  PART         only checks whose file, function or condition holds one of these texts
  --new        only checks that ${TABLE_FILE} has no test for yet
  --write      put what was found into ${TABLE_FILE}; what has no test yet is "open" there
  --list       only list the checks, without trying any; with --write the page gets their rows
  --jobs J     processes to use (default: 2, or one on a single core)
  --in FOLDER  work in this folder and leave what was learned there for the next run
`;

/** Runs the command; returns its exit code: 1 when a check could be removed and no test failed. */
export async function main(args: readonly string[]): Promise<number> {
  if (process.send !== undefined && args[0] === "--serve") {
    await serve(args[1]!);
    return new Promise(() => undefined);
  }
  const settings = readSettings(args);
  if (settings === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  const root = process.cwd();
  const page = join(root, TABLE_FILE);
  const folder = settings.folder ?? mkdtempSync(join(tmpdir(), "mutants-"));
  const forget = (): void => {
    if (settings.folder === null) rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", forget);
  const snapshot = takeSnapshot(root, folder);
  const sites = findChecks(snapshot);
  for (const one of staleChecks(sites)) {
    process.stderr.write(`warning: the code of this check is not there any more: ${one}\n`);
  }
  const known = readTable(readFileSync(page, "utf8"), sites);
  const verdicts = new Map<string, string>();
  for (const { key } of sites) {
    const verdict = reasonCellOf(key) ?? known.get(key);
    if (verdict !== undefined) verdicts.set(key, verdict);
  }
  const chosen = sites.flatMap((site, id) => (settings.wants(site, verdicts) ? [id] : []));
  if (settings.list) for (const id of chosen) process.stdout.write(`${sites[id]!.key}\n`);
  const results =
    settings.list || chosen.length === 0
      ? []
      : await run(snapshot, sites, chosen, { root, folder, jobs: settings.jobs });
  if (settings.write) {
    // The page may have been written meanwhile, by another run too.
    const now = readFileSync(page, "utf8");
    const merged = new Map(readTable(now, sites));
    for (const { site, killer } of results) {
      const isNamed = killer !== null && killer.titles.length > 0;
      if (isNamed) merged.set(site.key, cellOf(killer.file, killer.titles));
      else merged.delete(site.key);
    }
    for (const { key } of sites) {
      const reason = reasonCellOf(key);
      if (reason !== null) merged.set(key, reason);
    }
    writeFileSync(page, withTable(now, sites, merged));
  }
  return settings.list ? 0 : tell(sites, results, chosen.length);
}

interface Settings {
  readonly write: boolean;
  readonly list: boolean;
  readonly jobs: number;
  readonly folder: string | null;
  /** Whether to try this check. */
  wants(site: Site, verdicts: ReadonlyMap<string, string>): boolean;
}

async function run(
  snapshot: string,
  sites: readonly Site[],
  chosen: readonly number[],
  where: { readonly root: string; readonly folder: string; readonly jobs: number },
): Promise<Result[]> {
  const start = performance.now();
  const results: Result[] = [];
  const progress = new Progress();
  const campaign = new Campaign(
    snapshot,
    sites,
    { ...where, script: process.argv[1]! },
    {
      explored(files, of) {
        progress.show(files, of, "test files");
      },
      judged(result) {
        results.push(result);
        if (result.killer === null || result.killer.titles.length === 0) {
          progress.end();
          process.stdout.write(`${describe(result)}\n`);
        }
        const survivors = results.filter(({ killer }) => killer === null).length;
        progress.show(results.length, chosen.length, `checks, ${survivors} not missed`);
      },
      warn(message) {
        progress.end();
        process.stderr.write(`warning: ${message}\n`);
      },
    },
  );
  // What is known by then is kept.
  const interrupt = (): void => {
    campaign.stop();
  };
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    await campaign.explore(chosen);
    progress.restart();
    await campaign.judge(chosen);
  } catch (error) {
    if (!campaign.isStopped) throw error;
  } finally {
    campaign.stop();
    progress.end();
  }
  process.stdout.write(`${((performance.now() - start) / 1_000).toFixed(0)} s\n`);
  return results;
}

function describe({ site, killer, tests }: Result): string {
  if (killer !== null)
    return `missed by no named test: ${site.key}\n  ${killer.file}: ${killer.why}`;
  return `not missed (${tests} tests reach it): ${site.key}`;
}

/** The end: what holds, and what does not. */
function tell(sites: readonly Site[], results: readonly Result[], tried: number): number {
  const killed = results.filter(({ killer }) => killer !== null && killer.titles.length > 0).length;
  const reasons = sites.filter(({ key }) => reasonCellOf(key) !== null).length;
  process.stdout.write(
    `${sites.length} checks, ${reasons} of them with a reason why no test can miss them\n` +
      `${tried} tried: ${killed} missed by a named test, ${tried - killed} not\n`,
  );
  return killed === tried ? 0 : 1;
}

function readSettings(args: readonly string[]): Settings | null {
  try {
    const { values, positionals } = parseArgs({
      // pnpm passes the `--` on that separates its own options.
      args: args.filter((argument) => argument !== "--"),
      allowPositionals: true,
      options: {
        write: { type: "boolean", default: false },
        new: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        jobs: { type: "string", default: String(Math.min(2, availableParallelism())) },
        in: { type: "string" },
      },
    });
    const jobs = /^\d{1,2}$/u.test(values.jobs) ? Number(values.jobs) : 0;
    if (jobs === 0) return null;
    return {
      write: values.write,
      list: values.list,
      jobs,
      folder: values.in === undefined ? null : resolve(values.in),
      wants({ key }, verdicts) {
        if (reasonCellOf(key) !== null) return false;
        if (values.new && (verdicts.get(key) ?? "") !== "") return false;
        return positionals.length === 0 || positionals.some((part) => key.includes(part));
      },
    };
  } catch {
    return null;
  }
}
