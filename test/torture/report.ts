/** What a torture has come to: as Markdown, for the screen and for docs/torture.md. */
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { bytes, type Findings, type Part } from "./part.ts";

/** A part that has run. */
export interface Chapter {
  readonly part: Part;
  readonly findings: Findings;
  /** What runs just this part again. */
  readonly command: string;
  readonly seconds: number;
  /** Load averages over a minute, at its beginning and at its end: what other programs did meanwhile is in the numbers, too. */
  readonly load: readonly [before: number, after: number];
  /** Ctrl-C came before it was done. */
  readonly isInterrupted: boolean;
}

/** How many promises were kept, and how many were not. */
export interface Score {
  readonly passed: number;
  readonly failed: number;
}

const HEADLINE = /^## /mu;
const KEPT = "* ok: ";
const BROKEN = "* **FAILED**: ";
const UNKNOWN = "* **not judged**: ";

/** The report without a headline. */
export function reportOf(chapters: readonly Chapter[], picturePath: string | null): string {
  return chapters.map((chapter) => chapterOf(chapter, picturePath)).join("\n");
}

/** A page that has these chapters, and those of an earlier one that are not among them, in the order of all parts. */
export function pageOf(
  head: string,
  chapters: readonly Chapter[],
  picturePath: string,
  earlier: string,
  parts: readonly Part[],
): string {
  const found = new Map(
    earlier
      .split(HEADLINE)
      .slice(1)
      .map((text) => [text.split("\n", 1)[0] ?? "", `## ${text.trimEnd()}\n`]),
  );
  for (const chapter of chapters) found.set(chapter.part.title, chapterOf(chapter, picturePath));
  const body = parts.flatMap(({ title }) => found.get(title) ?? []).join("\n");
  const { passed, failed } = scoreOf(body);
  return `${head}\n${machine()} ${passed} passed, ${failed} failed.\n\n${body}`;
}

/** What it was run on. */
export function machine(): string {
  const [cpu] = cpus();
  return `Node ${process.versions.node}, ${cpus().length} × ${cpu?.model.trim() ?? "unknown"}, ${bytes(totalmem())} of memory, ${process.platform}.`;
}

/** How busy the machine has been in the last minute. */
export function busy(): number {
  return loadavg()[0] ?? 0;
}

/** Counts over a report. */
export function scoreOf(report: string): Score {
  const lines = report.split("\n");
  const passed = lines.filter((line) => line.startsWith(KEPT)).length;
  return { passed, failed: lines.filter((line) => line.startsWith(BROKEN)).length };
}

function chapterOf(
  { part, findings, command, seconds, load, isInterrupted }: Chapter,
  picturePath: string | null,
): string {
  const end = isInterrupted ? ", interrupted" : "";
  const [before, after] = load.map((value) => value.toFixed(1));
  const verdicts = findings.verdicts.map(
    ({ what, isKept, detail }) =>
      `${isKept === null ? UNKNOWN : isKept ? KEPT : BROKEN}${what} (${detail})`,
  );
  const picture =
    findings.picture !== null && picturePath !== null
      ? [`![${part.title}](${picturePath})`, ""]
      : [];
  return [
    `## ${part.title}`,
    "",
    `\`${command}\`, ${Math.round(seconds)} s${end}; load average ${before} at the beginning, ${after} at the end${precedence()}`,
    "",
    part.about,
    "",
    ...findings.texts.flatMap((text) => [text, ""]),
    ...picture,
    ...verdicts,
    "",
  ].join("\n");
}

/** Said when the system was told to prefer this session to others (autogroups of Linux): they were busy meanwhile. */
function precedence(): string {
  try {
    const nice = Number(/nice (-?\d+)/u.exec(readFileSync("/proc/self/autogroup", "utf8"))?.[1]);
    return nice < 0 ? `, with precedence over other programs (autogroup at nice ${nice})` : "";
  } catch {
    return "";
  }
}
