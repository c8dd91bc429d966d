/** What the parts of the torture have in common: what each is given, and what it finds. */
import type { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";

/** The names of the parts, in the order in which they run. */
export const PART_NAMES = [
  "relay",
  "node",
  "power",
  "catch-up",
  "stalled",
  "reconnect",
  "churn",
  "hostile",
] as const;

/** The name of one part, as `--only` takes it. */
export type PartName = (typeof PART_NAMES)[number];

/** What a part is given. */
export interface Context {
  readonly random: Random;
  /** Aborted by Ctrl-C: the part ends soon, and says what it has. */
  readonly signal: AbortSignal;
  readonly findings: Findings;
  /** Processes to kill in this part. */
  readonly kills: number;
  /** Minutes of mixed load. */
  readonly minutes: number;
  /** How much is done; `what` follows the numbers. */
  progress(done: number, total: number, what: string): void;
}

/** One part: what it does, in a sentence, and the doing. */
export interface Part {
  readonly name: PartName;
  readonly title: string;
  readonly about: string;
  /** Throws only what is a fault of the torture itself or of the machine. */
  run(context: Context): Promise<void>;
}

/** One promise, and whether it was kept. */
export interface Verdict {
  readonly what: string;
  /** Null when the numbers do not tell. */
  readonly isKept: boolean | null;
  /** In numbers. */
  readonly detail: string;
}

/** What a part has found, in the order in which it was said. */
export class Findings {
  readonly verdicts: Verdict[] = [];
  /** Tables and sentences as Markdown. */
  readonly texts: string[] = [];
  /** A picture that belongs to the report, as SVG. */
  picture: string | null = null;

  /** Notes whether a promise was kept, or, with null, that it could not be judged. */
  expect(what: string, isKept: boolean | null, detail: string): void {
    this.verdicts.push({ what, isKept, detail });
  }

  say(text: string): void {
    this.texts.push(text);
  }

  /** A table; numbers are aligned to the right where `columns` ends with a colon. */
  table(columns: readonly string[], rows: readonly (readonly string[])[]): void {
    const heads = columns.map((column) => column.replace(/:$/u, ""));
    const rule = columns.map((column) => (column.endsWith(":") ? "---:" : "---"));
    this.texts.push([heads, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n"));
  }
}

/** A whole number with separators: `1,234`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Bytes in the unit that fits: `12.3 MiB`. */
export function bytes(value: number): string {
  if (value < 1_024) return `${value} B`;
  const isMebi = value >= 1_048_576;
  const number = value / (isMebi ? 1_048_576 : 1_024);
  return `${number < 10 ? number.toFixed(1) : whole(number)} ${isMebi ? "MiB" : "KiB"}`;
}
