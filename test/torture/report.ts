/** What a torture has come to: as Markdown, for the screen and for docs/torture.md. */
import { cpus, totalmem } from "node:os";
import { bytes, type Findings, type Part } from "./part.ts";

/** A part that has run. */
export interface Chapter {
  readonly part: Part;
  readonly findings: Findings;
  readonly seconds: number;
  /** Ctrl-C came before it was done. */
  readonly isInterrupted: boolean;
}

/** How it was run. */
export interface Setting {
  readonly seed: number;
  readonly kills: number;
  readonly minutes: number;
}

/** The report without a headline. */
export function reportOf(chapters: readonly Chapter[], picturePath: string | null): string {
  return chapters.map((chapter) => chapterOf(chapter, picturePath)).join("\n");
}

/** How and where it was run; `busy` is the load average at the beginning: what other programs did meanwhile is in the numbers, too. */
export function settingOf(
  { seed, kills, minutes }: Setting,
  seconds: number,
  busy: number,
): string {
  const [cpu] = cpus();
  const machine = `Node ${process.versions.node}, ${cpus().length} × ${cpu?.model.trim() ?? "unknown"}, ${bytes(totalmem())} of memory, ${process.platform}`;
  return `Seed ${seed}, ${kills} kills, ${minutes} min of churn; ${Math.round(seconds)} s in all. ${machine}; load average ${busy.toFixed(1)} at the beginning.`;
}

/** `N passed, N failed` over all parts. */
export function scoreOf(chapters: readonly Chapter[]): {
  readonly passed: number;
  readonly failed: number;
} {
  const verdicts = chapters.flatMap(({ findings }) => findings.verdicts);
  const passed = verdicts.filter(({ isKept }) => isKept).length;
  return { passed, failed: verdicts.length - passed };
}

function chapterOf(
  { part, findings, seconds, isInterrupted }: Chapter,
  picturePath: string | null,
): string {
  const end = isInterrupted ? ", interrupted" : "";
  const verdicts = findings.verdicts.map(
    ({ what, isKept, detail }) => `* ${isKept ? "ok" : "**FAILED**"}: ${what} (${detail})`,
  );
  const picture =
    findings.picture !== null && picturePath !== null
      ? [`![${part.title}](${picturePath})`, ""]
      : [];
  return [
    `## ${part.title}`,
    "",
    `\`--only ${part.name}\`, ${Math.round(seconds)} s${end}`,
    "",
    part.about,
    "",
    ...findings.texts.flatMap((text) => [text, ""]),
    ...picture,
    ...verdicts,
    "",
  ].join("\n");
}
