// Blocks that call scripts of this workspace (`pnpm torture …`): they are not run, since most take long, but each option and each
// name is in what the script's help says.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { allPages, blocksOfPage, isOfScripts, root, SCRIPT } from "./page-blocks.ts";
import { Desk } from "./terminal.ts";
import { collect, stepsOf, wordsOf } from "./transcript.ts";

let desk: Desk;

beforeEach(() => {
  desk = new Desk();
});
afterEach(async () => {
  await desk.close();
});

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly scripts: { readonly [name: string]: string };
};
const commands = allPages()
  .flatMap(blocksOfPage)
  .filter(({ text }) => isOfScripts(text))
  .flatMap(({ text }) => text.trimEnd().split("\n"))
  .map((line) => wordsOf(line.replace(SCRIPT, "").replace(/ +# .*$/u, "")));
/** Those with a help. */
const long = commands.filter(([name]) => !["demo", "test", "example"].includes(name!));

test("each is a script of the workspace", () => {
  expect(commands.length).toBeGreaterThan(20);
  expect(commands.filter(([name]) => scripts[name!] === undefined)).toEqual([]);
  expect(new Set(long.map(([name]) => name)).size).toBe(7);
});

test("an example that is named alone is in the transcript of its README", () => {
  const names = commands.filter(([name]) => name === "example").map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(4);
  for (const name of names) {
    const typed = blocksOfPage(`examples/${name}/README.md`)
      .filter(({ opening }) => opening === "```console")
      .flatMap(({ text }) => stepsOf(text).map(({ command }) => command));
    expect(typed).toContain(`npx --yes pnpm@10 example ${name}`);
  }
});

test("each option is in the help of its command, and so is each name that has to be one of several", async () => {
  // One process for all, with one library: each loads it.
  const sourceOf = (name: string): string => /(?:^| )(\S+)\.ts$/u.exec(scripts[name]!)![1]!;
  const sources = new Set(long.map(([name = ""]) => sourceOf(name)));
  const entries = [...sources].map((source) => ({ in: `${source}.ts`, out: source }));
  await bundle(entries, desk.home, { isSharing: true, workspace: root });
  const calls = long.map(([name = "", ...args]) => {
    return { file: join(desk.home, `${sourceOf(name)}.js`), args };
  });
  // On stderr is the help of those for which --help is no option.
  const program = `
    process.stderr.write = process.stdout.write.bind(process.stdout);
    for (const [index, { file, args }] of ${JSON.stringify(calls)}.entries()) {
      process.argv.splice(2, Infinity, ...args, "--help");
      console.log("call " + index);
      await import("file://" + file + "?" + index);
    }
    process.exit(0);
  `;
  const script = join(desk.home, "helps.mjs");
  writeFileSync(script, program);
  const { out, code } = await collect([script], { cwd: root, env: process.env });
  expect(code, out.join("\n")).toBe(0);
  const helps = out
    .join("\n")
    .split(/^call \d+\n/mu)
    .slice(1);
  expect(helps).toHaveLength(long.length);
  for (const [index, [name = "", ...words]] of long.entries()) {
    const help = helps[index]!;
    expect(help).toMatch(name === "bench" ? / {2}--suite NAME /u : `usage: pnpm ${name} `);
    const known: readonly string[] = help.match(/(?<![\w-])--?[a-z][a-z-]*|[\w-]+/gu)!;
    const chosen = words.filter((word, at) => {
      if (word.startsWith("--")) return true;
      if (name === "scenarios") return /^[a-z]/u.test(word);
      const option = words[at - 1];
      return ["--suite", "--target"].includes(option!) || `${name} ${option}` === "torture --only";
    });
    expect(chosen.filter((word) => !known.includes(word))).toEqual([]);
  }
});

test("what is to be replayed is where findings are written", () => {
  const files = long.flatMap((words) => words.filter((_, at) => words[at - 1] === "--replay"));
  expect(files).toHaveLength(1);
  for (const file of files) expect(existsSync(join(root, file, ".."))).toBe(true);
});
