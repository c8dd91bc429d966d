/**
 * Replays what the READMEs show: every ```console block is typed into the real commands, every ```ts block is run. In what a command prints, `…` stands for anything; a line of just `…` for any lines. Keys, ids, digests
 * and ports differ from run to run and are not compared.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

const PROGRAMS: Record<string, readonly string[]> = {
  "crdt-node": [join(root, "packages/crdt-node/bin/crdt-node.js")],
  "crdt-relayer": [join(root, "packages/crdt-relayer/bin/crdt-relayer.js")],
  "npx --yes pnpm@10 example": [join(root, "scripts/example.js")],
  "npx --yes pnpm@10 demo": ["--import", "tsx", join(root, "examples/demo/main.ts")],
  "npx --yes pnpm@10 equivocation": [
    "--import",
    "tsx",
    join(root, "bench/src/equivocation/main.ts"),
  ],
};

const documents = [
  "README.md",
  ...readdirSync(join(root, "examples")).map((name) => `examples/${name}/README.md`),
  ...readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`),
].filter((file) => existsSync(join(root, file)));

interface Step {
  readonly command: string;
  readonly expected: string[];
}

let home = "";
const background: ChildProcess[] = [];

afterEach(async () => {
  for (const child of background.splice(0)) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.kill("SIGTERM")) await ended;
  }
  if (home !== "") rmSync(home, { recursive: true, force: true });
  home = "";
});

for (const file of documents) {
  const text = readFileSync(join(root, file), "utf8");
  for (const [index, block] of blocksOf(text, "console").entries()) {
    test(`${file}: transcript ${index + 1} is what the commands print`, async () => {
      home = mkdtempSync(join(tmpdir(), "crdt-transcript-"));
      const env: NodeJS.ProcessEnv = {
        ...process.env,
        NO_COLOR: "1",
        HOME: home,
        SIDE_HOME: join(home, ".side"),
        SIDE_RELAYER_PORT: "0",
      };
      for (const { command, expected } of stepsOf(block)) {
        const printed = await run(command, env, expected.length);
        expect(printed.join("\n"), `$ ${command}`).toMatch(pattern(expected));
      }
    });
  }
}

for (const file of documents) {
  for (const [index, block] of blocksOf(readFileSync(join(root, file), "utf8"), "ts").entries()) {
    test(`${file}: example ${index + 1} runs and prints what its comments say`, async () => {
      // Evaluated as it stands, in the root, where the packages are linked.
      const args = ["--import", "tsx", "--input-type=module", "--eval", block];
      const { out, code } = await collect(args, { ...process.env });
      expect(code).toBe(0);
      expect(promisedBy(block).filter((line) => !out.includes(line))).toEqual([]);
    });
  }
}

/** What the comments behind `console.log(…);` say it prints: up to a semicolon, without quotes. */
function promisedBy(block: string): string[] {
  return [...block.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map((match) =>
    match[1]!.split(";")[0]!.replaceAll('"', ""),
  );
}

function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    (match) => match[1]!,
  );
}

function stepsOf(block: string): Step[] {
  const steps: Step[] = [];
  for (const line of block.trimEnd().split("\n")) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), expected: [] });
    else steps[steps.length - 1]?.expected.push(line);
  }
  return steps;
}

async function run(command: string, env: NodeJS.ProcessEnv, lines: number): Promise<string[]> {
  const isBackground = command.endsWith(" &");
  const [args, rest] = programOf(isBackground ? command.slice(0, -2) : command);
  if (!isBackground) return (await collect([...args, ...rest], env)).out;
  const child = spawn(process.execPath, [...args, ...rest], {
    env,
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  background.push(child);
  const printed: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(line);
    const url = /ws:\/\/\S+/.exec(line);
    if (url !== null) env["SIDE_RELAY"] = url[0];
    if (printed.length >= lines) break;
  }
  return printed;
}

function programOf(command: string): readonly [readonly string[], string[]] {
  for (const [name, args] of Object.entries(PROGRAMS)) {
    if (command === name || command.startsWith(`${name} `))
      return [args, wordsOf(command.slice(name.length))];
  }
  throw new Error(`the transcript runs something that is not ours: ${command}`);
}

/** Words of a shell line; single and double quotes keep spaces. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3]!,
  );
}

async function collect(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ out: string[]; code: number | null }> {
  const child = spawn(process.execPath, args, {
    env,
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.resume();
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { out: out.trimEnd().split("\n"), code };
}

/** A pattern for the expected lines. */
function pattern(expected: readonly string[]): RegExp {
  const source = expected
    .map((line) => (line === "…" ? "[\\s\\S]*?" : lineSource(line)))
    .join("\\n");
  return new RegExp(`^${source}$`);
}

function lineSource(line: string): string {
  const varies = /…|~|[0-9a-f]{8,}|:\d{4,5}\b|\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d+\.\d s\b/g;
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
