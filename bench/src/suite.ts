/** The words of the benchmark: a suite is a list of jobs, a job is measured in a process of its own and gives samples. */

/** What is measured in one process. */
export interface Job {
  /** What does the work: "ours", "Yjs", "SHA-256 loop". */
  readonly subject: string;
  /** What it works on: a trace, a size. Subjects that share it are compared. */
  readonly on: string;
  /** Whatever the suite's `measure` needs to know besides. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  /** Runs at most, for what takes very long; as many as are asked for when left out. */
  readonly mostRuns?: number;
  /** Takes so long that it is left to the report, and to those who ask for its suite by name. */
  readonly isLong?: boolean;
}

/** One measurement: a number for each metric of the suite, as far as the subject has it. */
export type Sample = Readonly<Record<string, number>>;

/** What a suite measures. */
export interface Metric {
  readonly name: string;
  readonly title: string;
  readonly unit: "ms" | "µs" | "bytes" | "/s" | "cores";
}

/** How large everything is, and where. */
export interface Plan {
  /** Folder of the JavaScript that is measured, as `build` returned it. */
  readonly built: string;
  /** Folder of editing traces; null: a generated one. */
  readonly traces: string | null;
  /** 1, or less to try everything out: sizes are multiplied by it. */
  readonly scale: number;
  /** Also what takes long. */
  readonly isThorough: boolean;
}

/** A part of the benchmark that can be run alone. */
export interface Suite {
  readonly name: string;
  readonly title: string;
  /** What is timed and how, for the report: whole sentences in Markdown. */
  readonly about: string;
  /** The first is the one that is plotted. */
  readonly metrics: readonly Metric[];
  /** Runs at least, for what another run may well see otherwise. */
  readonly leastRuns?: number;
  /** It gives about the same each time, or looks at both sides for long: what targets compare is not measured more often. */
  readonly isSteady?: boolean;
  /** Where growth matters: what is compared, small and large; both are an `on` of jobs. */
  readonly growth?: readonly [small: string, large: string];
  /** What there is to measure, in the order in which each round goes through it. */
  jobs(plan: Plan): Job[];
  /** Measures one job; throws when a result is wrong. Called in a process of its own. */
  measure(job: Job, plan: Plan): Promise<readonly Sample[]>;
}

/** A size of the plan: at least `least`, whatever the scale. */
export function scaled(size: number, plan: Plan, least = 10): number {
  return Math.max(Math.min(least, size), Math.round(size * plan.scale));
}

/** The only metric of most suites. */
export const MILLISECONDS: Metric = { name: "time", title: "time", unit: "ms" };

/** A number of the job's parameters. */
export function numberOf(job: Job, name: string): number {
  return Number(job.parameters?.[name]);
}

/** A text of the job's parameters. */
export function textOf(job: Job, name: string): string {
  return String(job.parameters?.[name] ?? "");
}
