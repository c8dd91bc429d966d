/**
 * Replays what the READMEs show: every ```console block is typed into the real commands (transcript.ts), every ```ts block
 * is run.
 */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  existsSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { commandOf } from "../packages/crdt-node/test/processes.ts";
import { bundle } from "./bundle.ts";
import { programOf } from "./programs.ts";
import { blocksOf, collect, pattern, promisedBy, Shell, stepsOf } from "./transcript.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const EXAMPLE = "npx --yes pnpm@10 example";

const DEMO = "npx --yes pnpm@10 demo";

/** One of the examples runs as `pnpm example` runs it, from its sources; the others are what is built of them. */
const FROM_SOURCES = "auction";

const PROGRAMS: Record<string, readonly string[]> = {
  "crdt-node": [commandOf("crdt-node")],
  "crdt-relayer": [commandOf("crdt-relayer")],
  [`${EXAMPLE} ${FROM_SOURCES}`]: [join(root, "scripts/example.js"), FROM_SOURCES],
  ...Object.fromEntries(
    readdirSync(join(root, "examples"))
      .filter((name) => existsSync(join(root, "examples", name, "main.ts")))
      .map((name) => [`${EXAMPLE} ${name}`, programOf(`examples/${name}/main.ts`)]),
  ),
  [EXAMPLE]: [join(root, "scripts/example.js")],
  [DEMO]: programOf("examples/demo/main.ts"),
  "npx --yes pnpm@10 equivocation": programOf("bench/src/equivocation/main.ts"),
};

const documents = [
  "README.md",
  ...readdirSync(join(root, "examples")).map((name) => `examples/${name}/README.md`),
  ...readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`),
].filter((file) => existsSync(join(root, file)));

/** What the demo has printed: it tells the same in whichever README it stands, and takes its time. */
let demo: Promise<string[]> | undefined;

let home = "";
let shell: Shell | null = null;

afterEach(async () => {
  await shell?.close();
  shell = null;
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
      shell = new Shell({ programs: PROGRAMS, cwd: root, env });
      for (const step of stepsOf(block)) {
        const printed = await (step.command === DEMO
          ? (demo ??= shell.run(step))
          : shell.run(step));
        // Examples draw everything from a seed.
        const isExact = step.command.startsWith(EXAMPLE);
        expect(printed.join("\n"), `$ ${step.command}`).toMatch(pattern(step.expected, isExact));
        if (isExact) expect(shell.code).toBe(0);
        if (isExact || step.command === DEMO)
          expect(printed.filter((line) => [...line].length > 80)).toEqual([]);
      }
    });
  }
}

for (const file of documents) {
  for (const [index, block] of blocksOf(readFileSync(join(root, file), "utf8"), "ts").entries()) {
    test(`${file}: example ${index + 1} runs and prints what its comments say`, async () => {
      // As it stands, as if it lay in the root, where the packages are linked.
      home = mkdtempSync(join(tmpdir(), "crdt-example-"));
      symlinkSync(join(root, "node_modules"), join(home, "node_modules"), "junction");
      symlinkSync(join(root, "examples"), join(home, "examples"), "junction");
      writeFileSync(join(home, "example.ts"), block);
      await bundle([{ in: join(home, "example.ts"), out: "example" }], home);
      const args = [join(home, "example.js")];
      const { out, code } = await collect(args, { cwd: root, env: process.env });
      expect(code).toBe(0);
      expect(promisedBy(block).filter((line) => !out.includes(line))).toEqual([]);
    });
  }
}
