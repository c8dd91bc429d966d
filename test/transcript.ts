/**
 * What a transcript shows, typed into the real commands. In what a command prints, `…` stands for anything; a line of just
 * `…` for any lines. Keys, ids, digests, ports, times and durations differ from run to run and are not compared.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** One command, and the lines that it is to print. */
export interface Step {
  readonly command: string;
  readonly expected: string[];
}

type Program = readonly string[] | ((first: string) => Promise<readonly string[]>);

/** What the commands of a transcript are, and where they run. */
export interface ShellOptions {
  /** By what a command begins with: the arguments for Node that stand for it, or for it with its first word. */
  readonly programs: { readonly [name: string]: Program };
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs commands one after another. A relay that is started in the background is where later commands connect to. */
export class Shell {
  readonly #options: ShellOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #background: ChildProcess[] = [];
  #code: number | null = 0;

  constructor(options: ShellOptions) {
    this.#options = options;
    this.#env = { ...options.env };
  }

  /** The exit code of the last command that has ended; null when a signal ended it. */
  get code(): number | null {
    return this.#code;
  }

  /** What a command prints; of one in the background (`… &`) as many lines as are expected. */
  async run({ command, expected }: Step): Promise<string[]> {
    const isBackground = command.endsWith(" &");
    const [args, rest] = await this.#programOf(isBackground ? command.slice(0, -2) : command);
    const { cwd } = this.#options;
    const env = this.#env;
    if (!isBackground) {
      const { out, code } = await collect([...args, ...rest], { cwd, env });
      this.#code = code;
      return out;
    }
    const child = spawn(process.execPath, [...args, ...rest], {
      env,
      cwd,
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#background.push(child);
    const printed: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      printed.push(line);
      const url = /ws:\/\/\S+/.exec(line);
      if (url !== null) env["SIDE_RELAY"] = url[0];
      if (printed.length >= expected.length) break;
    }
    return printed;
  }

  /** Ends what runs in the background. */
  async close(): Promise<void> {
    for (const child of this.#background.splice(0)) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGTERM")) await ended;
    }
  }

  async #programOf(command: string): Promise<readonly [readonly string[], string[]]> {
    for (const [name, program] of Object.entries(this.#options.programs)) {
      if (command !== name && !command.startsWith(`${name} `)) continue;
      const words = wordsOf(command.slice(name.length));
      if (typeof program !== "function") return [program, words];
      const [first = "", ...others] = words;
      return [await program(first), others];
    }
    throw new Error(`the transcript runs something that is not ours: ${command}`);
  }
}

/** The contents of the fenced blocks of a language. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    (match) => match[1]!,
  );
}

/** The steps of a ```console block. */
export function stepsOf(block: string): Step[] {
  const steps: Step[] = [];
  for (const line of block.trimEnd().split("\n")) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), expected: [] });
    else steps[steps.length - 1]?.expected.push(line);
  }
  return steps;
}

/** What the comments behind `console.log(…);` say it prints: up to a semicolon or colon, without quotes. */
export function promisedBy(block: string): string[] {
  return [...block.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map((match) =>
    match[1]!.split(/;|: /)[0]!.replaceAll('"', ""),
  );
}

/** A pattern for the expected lines: what differs from run to run may differ, unless `isExact`. */
export function pattern(expected: readonly string[], isExact = false): RegExp {
  const source = expected
    .map((line) => (line === "…" ? "[\\s\\S]*?" : lineSource(line, isExact ? GAP : VARIES)))
    .join("\\n");
  return new RegExp(`^${source}$`);
}

/** Runs Node to its end. */
export async function collect(
  args: readonly string[],
  { cwd, env }: Pick<ShellOptions, "cwd" | "env">,
): Promise<{ out: string[]; code: number | null }> {
  const child = spawn(process.execPath, args, {
    env,
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.resume();
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { out: out.trimEnd().split("\n"), code };
}

/** Words of a shell line; single and double quotes keep spaces. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3]!,
  );
}

/** What is left out, and what besides is never the same: ids and keys, ports, times. */
const GAP = /…/g;
const VARIES = /…|~|[0-9a-f]{8,}|:\d{4,5}\b|\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d+\.\d s\b/g;

function lineSource(line: string, varies: RegExp): string {
  let source = "";
  let from = 0;
  for (const match of line.matchAll(varies)) {
    source += escaped(line.slice(from, match.index)) + substitute(match[0]);
    from = match.index + match[0].length;
  }
  return source + escaped(line.slice(from));
}

function substitute(text: string): string {
  if (text === "…") return ".*";
  if (text === "~") return "\\S*";
  if (text.startsWith(":")) return ":\\d+";
  if (text.endsWith("Z")) return "\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z";
  if (text.endsWith(" s")) return "\\d+\\.\\d s";
  return `[0-9a-f]{${text.length}}`;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
