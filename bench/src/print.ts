/** Numbers and tables for a terminal. */
import { figureOf } from "./results.ts";
import type { Measured } from "./run.ts";
import type { Metric, Suite } from "./suite.ts";

/** A number with as many digits as mean something. */
export function shownNumber(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", {
    minimumFractionDigits: Math.min(digits, 3),
    maximumFractionDigits: Math.min(digits, 3),
  });
}

/** How many times as large one figure is as another; nothing where that means nothing. */
export function shownRatio(one: number, other: number): string {
  return one > 0 && other > 0 ? `${shownNumber(one / other)} ×` : "";
}

/** A value with its unit. */
export function shownValue(value: number, { unit }: Metric): string {
  if (unit !== "bytes") return `${shownNumber(value)} ${unit}`;
  if (Math.abs(value) < 10_000) return `${shownNumber(value)} bytes`;
  return Math.abs(value) < 10_000_000
    ? `${shownNumber(value / 1_000)} kB`
    : `${shownNumber(value / 1_000_000)} MB`;
}

/** The table of a suite: median, spread, and how many times ours takes what each takes. */
export function tableOf(suite: Suite, measured: readonly Measured[]): string {
  const lines: string[] = [];
  for (const metric of suite.metrics) {
    lines.push(
      `  ${metric.title.padEnd(64)}${"median".padStart(14)}${"least".padStart(14)}${"most".padStart(14)}${"ours is".padStart(10)}`,
    );
    for (const { subject, on } of measured) {
      const figure = figureOf(measured, { subject, on }, metric.name);
      if (figure === null) continue;
      const ours = figureOf(measured, { subject: "ours", on }, metric.name);
      const ratio =
        ours === null || subject === "ours" ? "" : shownRatio(ours.median, figure.median);
      const cells = [figure.median, figure.least, figure.most]
        .map((value) => shownValue(value, metric).padStart(14))
        .join("");
      lines.push(`  ${on.padEnd(28)}${subject.padEnd(36)}${cells}${ratio.padStart(10)}`);
    }
  }
  for (const { subject, metric, growth } of growthsOf(suite, measured)) {
    const [small, large] = suite.growth!;
    const what = `${subject}, ${metric.title}`;
    lines.push(
      `  ${what.padEnd(64)}${`${small} → ${large}`.padStart(28)}${`${growth.toFixed(2)} ×`.padStart(14)}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** How many times as long (or as large) each metric of each subject is at the large size as at the small one. */
export function growthsOf(
  { metrics, growth }: Suite,
  measured: readonly Measured[],
): { subject: string; metric: Metric; growth: number }[] {
  if (growth === undefined) return [];
  const subjects = [...new Set(measured.map(({ subject }) => subject))];
  return subjects.flatMap((subject) =>
    metrics.flatMap((metric) => {
      const [small, large] = growth.map((on) => figureOf(measured, { subject, on }, metric.name));
      if (small == null || large == null || small.median <= 0) return [];
      return [{ subject, metric, growth: large.median / small.median }];
    }),
  );
}
