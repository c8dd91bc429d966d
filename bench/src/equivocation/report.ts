/** Plays every variant with a library, in every way that it has to sync, and counts what was seen. */
import { play, STORIES, VARIANTS, verdictOf } from "./scenario.ts";
import type { Outcome, Verdict } from "./scenario.ts";
import type { Replica, Subject } from "./subject.ts";

/** All runs of one library in one way. */
export interface Series {
  /** Library and version. */
  readonly library: string;
  readonly way: string;
  /** Mallory's identity, as the library writes it. */
  readonly culprit: string;
  readonly outcomes: readonly Outcome[];
}

/** Plays all variants, in each way. */
export function playAll<R extends Replica>(subject: Subject<R>): Series[] {
  return subject.ways.map((way) => ({
    library: `${subject.library} ${subject.version}`,
    way: way.name,
    culprit: subject.identity("mallory"),
    outcomes: VARIANTS.map((variant) => play(subject, way, variant)),
  }));
}

/** How often each verdict was reached. */
export function countVerdicts(outcomes: readonly Outcome[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { converged: 0, diverged: 0, stalled: 0 };
  for (const outcome of outcomes) counts[verdictOf(outcome)]++;
  return counts;
}

/** Whether Alice and Bob both hold a verified proof against this author, and against nobody else. */
export function isProven({ accusations }: Outcome, culprit: string): boolean {
  return accusations.every(
    ([first, ...others]) => first?.author === culprit && others.length === 0,
  );
}

/** Whether anything that the library reported, threw or printed holds the identity of this author. */
export function isNamed({ accusations, errors, printed }: Outcome, culprit: string): boolean {
  return (
    accusations.flat().some(({ author }) => author === culprit) ||
    [...errors, ...printed].some((line) => line.includes(culprit))
  );
}

const LIBRARY_WIDTH = 21;
const NAME_WIDTH = 35;
const CELL_WIDTH = 9;

/** What was seen, as lines of at most 80 characters. */
export function report(all: readonly Series[]): string[] {
  const perStory = VARIANTS.length / STORIES.length;
  const lies = VARIANTS.filter(({ story }) => story !== "honest");
  const mapless = lies.filter(({ kind }) => kind !== "map");
  return [
    "Mallory makes two different changes with one number and one identity, and shows",
    "one to Alice, the other to Bob, who are honest and sync until nothing changes.",
    "",
    "honest   a control without the lie: one branch, to Bob; they sync, edit, sync",
    "split    one branch to Alice, the other to Bob; they sync",
    "work     then both edit, also what Mallory wrote, and sync",
    "crossed  then each is given the other branch by Mallory too; they sync",
    "late     both have one branch, edit and sync; then Bob is given the other",
    "",
    `Runs that converged/diverged/stalled, of ${perStory} in each cell: in a text, a map or a`,
    "list; at Mallory's first, middle or last change; one branch longer or not",
    "",
    row("", "", STORIES),
    ...table(all, ({ outcomes }) =>
      STORIES.map((story) => {
        const counts = countVerdicts(outcomes.filter(({ variant }) => variant.story === story));
        return `${counts.converged}/${counts.diverged}/${counts.stalled}`;
      }),
    ),
    "",
    "converged  Alice and Bob have equal documents",
    "diverged   their documents differ, their versions are equal: nothing to sync",
    "stalled    their documents differ, and so do their versions",
    "",
    row("", "", ["error", "named", "proof", "both", "lost"]),
    ...table(all, ({ outcomes, culprit }) => {
      const lied = outcomes.filter(({ variant }) => variant.story !== "honest");
      return [
        lied.filter(({ errors, printed }) => errors.length + printed.length > 0),
        lied.filter((outcome) => isNamed(outcome, culprit)),
        lied.filter((outcome) => isProven(outcome, culprit)),
        lied.filter(({ showsBoth }) => showsBoth),
        lied.filter(({ isEditLost }) => isEditLost),
      ].map((those) => String(those.length));
    }),
    "",
    `Runs, of the ${lies.length} with the lie, in which`,
    "error  the library threw an error or printed something",
    "named  that error, or the library's interface, names Mallory's identity",
    "proof  Alice and Bob both hold a proof against Mallory, valid by its bytes alone",
    `both   both documents show both branches (asked of texts and lists: ${mapless.length} runs)`,
    "lost   what Alice or Bob wrote is missing from one of the documents",
    "",
    ...[...provenCulprits(all)].map((culprit) => `proven: ${culprit}`),
  ];
}

function provenCulprits(all: readonly Series[]): Set<string> {
  const proven = all.flatMap(({ outcomes, culprit }) =>
    outcomes.some((outcome) => isProven(outcome, culprit)) ? [culprit] : [],
  );
  return new Set(proven);
}

/** Each run: its variant and verdict; below, what is shown (twice where it differs), and each error once. */
export function listRuns({ library, way, outcomes }: Series): string[] {
  return outcomes.flatMap((outcome) => {
    const { variant, contents, errors, printed } = outcome;
    const { story, kind, place, size } = variant;
    const verdict = verdictOf(outcome);
    const shown = verdict === "converged" ? contents.slice(0, 1) : contents;
    return [
      [library, way, story, kind, place, size, verdict].join(" | "),
      ...shown.map((content) => `    ${JSON.stringify(content[kind])}`),
      ...[...new Set([...errors, ...printed])].map((line) => `    ${line}`),
    ];
  });
}

function table(all: readonly Series[], cells: (series: Series) => readonly string[]): string[] {
  return all.map((series, index) => {
    const isFirst = all[index - 1]?.library !== series.library;
    return row(isFirst ? series.library : "", series.way, cells(series));
  });
}

function row(library: string, way: string, cells: readonly string[]): string {
  const name = `${library.padEnd(LIBRARY_WIDTH)}${way}`.padEnd(NAME_WIDTH);
  return name + cells.map((cell) => cell.padStart(CELL_WIDTH)).join("");
}
