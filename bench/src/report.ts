/** docs/benchmarks.md and its plot, made from the raw results alone: the same results give the same bytes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { NOTES } from "./notes.ts";
import { WORKSPACE } from "./places.ts";
import { growthsOf, shownNumber, shownRatio, shownValue } from "./print.ts";
import { figureOf } from "./results.ts";
import type { Machine, Result } from "./results.ts";
import type { Suite } from "./suite.ts";
import { barChart } from "./svg.ts";
import type { Panel } from "./svg.ts";
import { judge, TARGETS } from "./targets.ts";
import type { Judged, Target } from "./targets.ts";

/** The results of a suite. */
export interface Chapter {
  readonly suite: Suite;
  readonly result: Result;
}

/** Writes the report and the plot into a folder. */
export function writeReport(chapters: readonly Chapter[], folder = join(WORKSPACE, "docs")): void {
  writeFileSync(join(folder, "benchmarks.md"), reportOf(chapters));
  writeFileSync(join(folder, "benchmarks.svg"), plotOf(chapters));
}

/** The report as Markdown. */
export function reportOf(chapters: readonly Chapter[]): string {
  const { machine, date, hasTraces } = chapters[0]!.result;
  const seconds = chapters.reduce((sum, { result }) => sum + result.seconds, 0);
  const commands = [...new Set(chapters.map(({ result }) => `\`${result.command}\``))];
  const dates = [...new Set(chapters.map(({ result }) => result.date))].toSorted();
  const judged = chapters.flatMap(({ suite, result }) =>
    TARGETS.filter((target) => target.suite === suite.name).map((target) => ({
      suite,
      target,
      judgement: judge(target, result),
    })),
  );
  const counted = judged.filter(({ judgement }) => judgement !== null);
  const met = counted.filter(({ judgement }) => judgement!.isMet);
  const missed = new Set(
    judged.filter(({ judgement }) => judgement?.isMet === false).map(({ suite }) => suite.name),
  );
  const notes = chapters
    .filter(({ suite }) => missed.has(suite.name) && NOTES[suite.name] !== undefined)
    .map(({ suite }) => `**${suite.title}.** ${NOTES[suite.name]!}`);
  return [
    "# Benchmarks",
    "",
    "<!-- Written by `pnpm bench --report`. Edit bench/src, not this file. -->",
    "",
    `${commands.join(", ")}, ${dates.length === 1 ? date : `${dates[0]} to ${dates.at(-1)}`}, took ${durationOf(seconds)}. ` +
      `${met.length} of ${counted.length} targets are met.`,
    "",
    machineOf(machine),
    ...(hasTraces
      ? []
      : [
          "",
          "There were no editing traces: a generated typing history stands in for all of them.",
        ]),
    "",
    "Everything is a ratio of two figures of one run on one machine. Compare nothing here with figures from elsewhere.",
    "",
    "![Times on a logarithmic scale](benchmarks.svg)",
    "",
    "## Targets",
    "",
    "Ratios are ours to the yardstick: lower is better. Both take their samples by turns, one right after the other; what is met or " +
      "missed is said of the median of the ratios of such pairs. Beside it stand the ratio of the medians of all samples, whichever " +
      "moments they fell on, and that of the least times of both.",
    "",
    "| suite | what | ours | yardstick | ratio | of the medians | of the least | target | |",
    "|---|---|--:|--:|--:|--:|--:|--:|---|",
    ...judged.map(({ suite, target, judgement }) => targetRow(suite, target, judgement)),
    "",
    ...(notes.length > 0 ? ["### What is missed", "", ...notes.flatMap((note) => [note, ""])] : []),
    "## How it is measured",
    "",
    ...METHOD.flatMap((paragraph) => [paragraph, ""]),
    ...chapters.flatMap((chapter) => chapterOf(chapter)),
  ]
    .join("\n")
    .replace(/\n+$/, "\n");
}

const METHOD: readonly string[] = [
  "Each row below was measured in processes of its own, which load one library only. The processes of a suite run in " +
    "rounds (the first of each row, then the second of each, …), so that a machine which is slower " +
    "for a while is so for all. What a target compares runs by turns: each process warms up alone, then each takes one sample while the " +
    "others wait, then each the next; loops that are compared with bare ones take a twentieth of a sample each time. Where others use the same processor, its speed differs by half from one second to the next; " +
    "what was measured within one second can be compared all the same. In each process the work is done uncounted until it is warm: on a tenth of the input " +
    "for half a second, then on all of it for as long, unless once takes more than a second. Then it is done up to ten " +
    "times within a second, at least once. All samples of all processes count: the tables show their median, the " +
    "least and the most. What a target compares has three times as many processes, unless one takes more than eight seconds. The few subjects that take longest have fewer.",
  "A sample counts only after its result was checked: the exact final text, the exact list, the sum, the number of " +
    "applied changes. A wrong result ends the benchmark with an error.",
  "This library runs as the JavaScript that is published, which the benchmark builds first. Its changes carry no " +
    "claimed time. The peers sign nothing and trust whoever sends; of them only " +
    "Automerge links its changes by hashes.",
  "Raw samples, machine and versions are in `bench/results`. `pnpm bench` runs all suites with fewer rounds, " +
    "`pnpm bench --suite NAME` one of them; `--help` tells the rest. Without the traces, a generated typing history " +
    "stands in for them. What liars can do is measured apart: [complexity](complexity.md), [bounds](bounds.md).",
];

function durationOf(seconds: number): string {
  const rounded = Math.round(seconds);
  return rounded < 120
    ? `${rounded} s`
    : `${Math.floor(rounded / 60)} min ${String(rounded % 60).padStart(2, "0")} s`;
}

function machineOf(machine: Machine): string {
  const { cores, processor, memory, system, node, versions } = machine;
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${cores} cores of ${processor}, ${memory} GiB, ${system}, Node ${node}. ${peers.join(", ")}.`;
}

function targetRow(suite: Suite, target: Target, judged: Judged | null): string {
  const metric = suite.metrics.find(({ name }) => name === target.metric)!;
  const isBound = target.yardsticks.length === 0;
  const limit = isBound ? shownValue(target.most, metric) : `${shownNumber(target.most)} ×`;
  if (judged === null) {
    return row([
      link(suite),
      target.what,
      "",
      target.yardstick,
      "",
      "",
      "",
      `≤ ${limit}`,
      "not measured",
    ]);
  }
  const { ours, yardstick, value, ofMedians, ofLeast, isMet } = judged;
  const other =
    yardstick === null
      ? ""
      : `${nameOf(target, yardstick.subject)}: ${shownValue(yardstick.value, metric)}`;
  return row([
    link(suite),
    target.what,
    shownValue(ours, metric),
    other,
    yardstick === null ? "" : shownRatio(value, 1),
    ofMedians === null ? "" : shownRatio(ofMedians, 1),
    ofLeast === null ? "" : shownRatio(ofLeast, 1),
    `≤ ${limit}`,
    isMet ? "met" : "**missed**",
  ]);
}

/** The yardstick, and which of several it was. */
function nameOf({ yardsticks, yardstick }: Target, subject: string): string {
  return yardsticks.length > 1 ? `${yardstick}, ${subject}` : yardstick;
}

function link({ title }: Suite): string {
  const anchor = title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
  return `[${title}](#${anchor})`;
}

function chapterOf({ suite, result }: Chapter): string[] {
  const { measured } = result;
  const lines = [
    `## ${suite.title}`,
    "",
    `\`${suite.name}\`, ${durationOf(result.seconds)}. ${suite.about}`,
    "",
  ];
  for (const metric of suite.metrics) {
    lines.push(
      `| on | ${metric.title} | median | least | most | samples | ours is |`,
      "|---|---|--:|--:|--:|--:|--:|",
    );
    let before = "";
    for (const { subject, on } of measured) {
      const figure = figureOf(measured, { subject, on }, metric.name);
      if (figure === null) continue;
      const ours = figureOf(measured, { subject: "ours", on }, metric.name);
      const { median, least, most, samples } = figure;
      lines.push(
        row([
          on === before ? "" : on,
          subject === "ours" ? "**ours**" : subject,
          ...[median, least, most].map((value) => shownValue(value, metric)),
          String(samples),
          ours === null || subject === "ours" ? "" : shownRatio(ours.median, median),
        ]),
      );
      before = on;
    }
    lines.push("");
  }
  const growths = growthsOf(suite, measured);
  if (growths.length > 0) {
    const [small, large] = suite.growth!;
    lines.push(`| from ${small} to ${large} | | grows |`, "|---|---|--:|");
    for (const { subject, metric, growth } of growths) {
      lines.push(row([subject, `${metric.title}, ${metric.unit}`, `${growth.toFixed(2)} ×`]));
    }
    lines.push("");
  }
  return lines;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** What is plotted: a suite's first metric on one `on`, or that of the named metric. */
const PLOTTED: readonly { suite: string; title: string; on?: string; metric?: string }[] = [
  { suite: "local-one-change", title: "A paper typed, as one change" },
  { suite: "local-change-per-edit", title: "The same, a hash-linked change per edit" },
  { suite: "catch-up", title: "Catching up with these changes, everything verified" },
  { suite: "concurrent", title: "Two authors at once, both ways" },
  { suite: "save-load", title: "From bytes to text" },
  { suite: "save-load", title: "Bytes saved", metric: "size" },
  { suite: "maps", title: "A million assignments of ten authors merged", on: "map" },
];

/** The plot as SVG. */
export function plotOf(chapters: readonly Chapter[]): string {
  const panels = PLOTTED.flatMap(({ suite: name, title, on, metric: wanted }): Panel[] => {
    const chapter = chapters.find(({ suite }) => suite.name === name);
    if (chapter === undefined) return [];
    const { suite, result } = chapter;
    const metric = suite.metrics.find((one) => one.name === wanted) ?? suite.metrics[0]!;
    const where = on ?? result.measured[0]?.on ?? "";
    const bars = result.measured
      .filter((one) => one.on === where)
      .flatMap(({ subject }) => {
        const figure = figureOf(result.measured, { subject, on: where }, metric.name);
        return figure === null
          ? []
          : [
              {
                label: subject,
                value: figure.median,
                shown: shownValue(figure.median, metric),
                isOurs: subject.startsWith("ours"),
              },
            ];
      })
      .toSorted((a, b) => a.value - b.value);
    return bars.length === 0 ? [] : [{ title: `${title} (${where})`, bars }];
  });
  return barChart(
    "bft-json-crdt beside others: medians, logarithmic scale, shorter is better",
    panels,
  );
}
