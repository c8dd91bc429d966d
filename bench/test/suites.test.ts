// Every suite runs at tiny sizes on generated traces, so that none can rot: all of its jobs, with every check of their
// results, and most of them right here.
import { fork } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { build, childOf } from "../src/build.ts";
import { byTurns, inProcesses } from "../src/by-turns.ts";
import type { Player } from "../src/by-turns.ts";
import { GO, READY, samplesOf } from "../src/measure.ts";
import { ModelList, numbersFrom } from "../src/model-list.ts";
import { plotOf, reportOf } from "../src/report.ts";
import type { Chapter } from "../src/report.ts";
import { figureOf, thisMachine } from "../src/results.ts";
import { runSuite, teamsOf } from "../src/run.ts";
import type { Measure } from "../src/run.ts";
import type { ListEdit } from "../src/subjects/library.ts";
import type { Job, Plan, Sample, Suite } from "../src/suite.ts";
import { SUITES } from "../src/suites/index.ts";
import { judge, TARGETS } from "../src/targets.ts";
import type { Target } from "../src/targets.ts";
import { concurrentTraceOf, resultOf, traceOf } from "../src/trace.ts";
import { turnsOf } from "../src/turns.ts";

let plan: Plan;
beforeAll(() => {
  plan = { built: build(), traces: null, scale: 0.001, isThorough: true };
});

/** Here, except for what changes its process for good or is a process anyway. */
const measure: Measure = async (suite, jobs, plan) => {
  const measured: (readonly Sample[])[] = [];
  for (const job of jobs) {
    const isApart = job.subject.includes("as if") || job.subject === "gap buffer";
    if (isApart) measured.push(...(await inProcesses(suite, [job], plan)));
    else measured.push(await suite.measure(job, plan));
  }
  return measured;
};

const chapters: Chapter[] = [];

describe.each(SUITES)("the suite $name", (suite) => {
  test("gives each of its figures, checked", async () => {
    const lines: string[] = [];
    const measured = await runSuite(suite, plan, 1, (line) => lines.push(line), measure);
    const jobs = suite.jobs(plan);
    expect(measured.map(({ subject, on }) => [subject, on])).toEqual(
      jobs.map(({ subject, on }) => [subject, on]),
    );
    expect(lines).toHaveLength(jobs.length);
    for (const { name } of suite.metrics) {
      const figures = jobs.map((job) => figureOf(measured, job, name));
      expect(figures.some((figure) => figure !== null && Number.isFinite(figure.median))).toBe(
        true,
      );
    }
    const result = {
      suite: suite.name,
      date: "2026-01-01",
      machine: thisMachine(),
      command: "pnpm bench",
      hasTraces: false,
      seconds: 1,
      measured,
    };
    chapters.push({ suite, result });
  });
});

test("what a target compares is measured more often than the rest, and together", async () => {
  const suite: Suite = {
    name: "local-signed",
    title: "",
    about: "",
    metrics: [{ name: "time", title: "time", unit: "ms" }],
    jobs: () =>
      [{ subject: "ours" }, { subject: "another" }, { subject: "sign loop" }].map((job) => ({
        ...job,
        on: "automerge-paper",
      })),
    measure: async () => [],
  };
  const runs = async (of: Suite): Promise<string> => {
    const teams: string[] = [];
    const noted: Measure = async (_, jobs) => {
      teams.push(jobs.map(({ subject }) => subject.slice(0, 1)).join(""));
      return jobs.map(() => [{ time: 1 }]);
    };
    const measured = await runSuite(of, { ...plan, scale: 1 }, 2, () => undefined, noted);
    const times = teams.join("").split("");
    for (const one of measured)
      expect(one.runs).toHaveLength(times.filter((name) => one.subject.startsWith(name)).length);
    return teams.join(" ");
  };
  expect(await runs(suite)).toBe("os os os a os os os a");
  expect(await runs({ ...suite, isSteady: true })).toBe("os a os a");
  const once = (): Job[] => suite.jobs(plan).map((job) => ({ ...job, mostRuns: 1 }));
  expect(await runs({ ...suite, jobs: once })).toBe("os os os a");
});

test("what runs together is what targets compare, through others too, if it runs equally often", () => {
  for (const suite of SUITES) {
    const jobs = suite.jobs(plan);
    const teams = teamsOf(suite, jobs);
    expect(teams.flat()).toHaveLength(jobs.length);
    expect(new Set(teams.flat())).toEqual(new Set(jobs));
  }
  const suite = SUITES.find(({ name }) => name === "local-one-change")!;
  const subjects = ["Yjs", "ours", "plain string", "diamond-types-node", "json-joy"];
  const jobs: Job[] = subjects.map((subject) => ({ subject, on: "automerge-paper" }));
  const teams = (of: readonly Job[]): string[][] =>
    teamsOf(suite, of).map((team) => team.map(({ subject }) => subject).toSorted());
  const compared = ["Yjs", "diamond-types-node", "json-joy", "ours"];
  expect(teams(jobs)).toEqual([compared, ["plain string"]]);
  const rarely = jobs.map((job) => (job.subject === "Yjs" ? { ...job, mostRuns: 1 } : job));
  expect(teams(rarely)).toEqual([["Yjs"], compared.slice(1), ["plain string"]]);
});

test("who takes turns goes on until it has ended", async () => {
  const went: string[] = [];
  const player = (name: string, times: number): Player => ({
    goOn: async () => {
      went.push(name);
      return --times > 0;
    },
  });
  await byTurns([player("a", 2), player("b", 4), player("c", 1)]);
  expect(went.join("")).toBe("abcabbb");
});

test("a process says when it is warm, and measures when it is told to", async () => {
  const suite = SUITES.find(({ name }) => name === "local-signed")!;
  const jobs = suite.jobs(plan);
  const args = [suite.name, JSON.stringify(jobs[0]), JSON.stringify(plan)];
  const child = fork(childOf(plan.built), args, { silent: true });
  let printed = "";
  child.stdout!.on("data", (data) => (printed += String(data)));
  const closed = once(child, "close");
  expect(await once(child, "message")).toEqual([READY, undefined]);
  expect([printed, child.exitCode]).toEqual(["", null]);
  child.on("message", () => child.send(GO));
  child.send(GO);
  expect(await closed).toEqual([0, null]);
  expect(JSON.parse(printed)).toEqual([{ time: expect.any(Number) }]);
  const measured = await inProcesses(suite, jobs, plan);
  expect(measured.map((samples) => samples.length)).toEqual([1, 1]);
});

test("the report tells of every suite and every target", () => {
  const report = reportOf(chapters);
  for (const { title } of SUITES) expect(report).toContain(`\n## ${title}\n`);
  for (const { what } of TARGETS) expect(report).toContain(`| ${what} |`);
  expect(report).not.toMatch(/NaN|undefined|Infinity/);
  const plot = plotOf(chapters);
  expect(plot.startsWith("<svg ")).toBe(true);
  expect(plot).not.toMatch(/NaN|undefined|Infinity/);
});

test("every target is of a suite and a metric that exist", () => {
  for (const { suite, metric } of TARGETS) {
    const found = SUITES.find(({ name }) => name === suite);
    expect(found?.metrics.map(({ name }) => name)).toContain(metric);
  }
});

test("a target is met up to its ratio to the least yardstick, and not beyond", () => {
  const target: Target = {
    suite: "maps",
    what: "",
    metric: "time",
    ours: { subject: "ours", on: "x" },
    yardsticks: ["slow", "fast", "absent"].map((subject) => ({ subject, on: "x" })),
    yardstick: "fastest",
    most: 0.5,
  };
  const judged = (ours: number, where = "x") =>
    judge(target, {
      ...chapters[0]!.result,
      measured: [
        { subject: "ours", on: where, runs: [[{ time: 1_000 }, { time: ours }], [{ time: 4 }]] },
        { subject: "slow", on: "x", runs: [[{ time: 90 }]] },
        { subject: "fast", on: "x", runs: [[{ time: 40 }, { time: 20 }], [{ time: 16 }]] },
        { subject: "other metric", on: "x", runs: [[{ size: 1 }]] },
      ],
    });
  // Pairs: 1000 to 40, 10 to 20, 4 to 16.
  expect(judged(10)).toMatchObject({
    ours: 10,
    value: 0.5,
    ofMedians: 0.5,
    ofLeast: 0.25,
    isMet: true,
    yardstick: { subject: "fast", value: 20 },
  });
  expect(judged(10.1)).toMatchObject({ isMet: false });
  expect(judged(2)).toMatchObject({ value: 0.25, ofMedians: 0.2, isMet: true });
  expect(judged(10, "elsewhere")).toBeNull();
});

test("a wrong result is an error, here and in a process of its own", async () => {
  const wrong = {
    ...SUITES[0]!,
    measure: () => samplesOf(plan, () => ({ time: Number.NaN })),
  };
  await expect(runSuite(wrong, plan, 1, () => {}, measure)).rejects.toThrow("wrong result");
  const jobs = ["ours", "no such library"].map((subject) => ({ subject, on: "generated" }));
  await expect(inProcesses(SUITES[0]!, jobs, plan)).rejects.toThrow("no such library");
});

test("the generated traces come to their end", () => {
  const { edits, end } = traceOf("generated", plan);
  expect(resultOf(edits)).toBe(end);
  expect(edits.some(([, deleted]) => deleted > 0)).toBe(true);
});

test("turns hold every change once, in its author's order, and hear only of turns before", () => {
  const { txns } = concurrentTraceOf("generated", plan);
  const turns = turnsOf(txns);
  const made = [0, 0];
  for (const { author, heard, changes } of turns) {
    expect(heard).toBeLessThanOrEqual(made[1 - author]!);
    expect(changes.length).toBeGreaterThan(0);
    made[author]!++;
  }
  for (const agent of [0, 1]) {
    const own = turns.filter(({ author }) => author === agent);
    expect(own.flatMap(({ changes }) => changes)).toEqual(
      txns.filter((txn) => txn.agent === agent).map(({ patches }) => patches),
    );
  }
});

test("the model of a list does what splice does", () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.array(fc.tuple(fc.nat(), fc.option(fc.nat()))), (size, drawn) => {
      const plain = numbersFrom(0, size);
      const model = new ModelList(plain);
      for (const [place, value] of drawn) {
        if (value === null && plain.length === 0) continue;
        const edit: ListEdit = [place % (plain.length + (value === null ? 0 : 1)), value];
        model.edit(edit);
        if (value === null) plain.splice(edit[0], 1);
        else plain.splice(edit[0], 0, value);
      }
      expect(model.toArray()).toEqual(plain);
    }),
    { numRuns: 50 },
  );
});
