// Pages of docs/ that a newcomer types along with. Those that say so are read from top to bottom: a ```ts block adds to the
// file that its first line names, a ```console block is typed into the real commands, in a folder like the one that the page
// tells to make. What the comments behind console.log promise must be printed, and all files must pass the type check.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as library from "bft-json-crdt";
import { Document, ListHandle, RegisterHandle, TextHandle } from "bft-json-crdt";
import { commandOf } from "../packages/crdt-node/test/processes.ts";
import { compiler } from "../scripts/tools.js";
import { bundle } from "./bundle.ts";
import { collect, pattern, promisedBy, Shell, stepsOf } from "./transcript.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const MARK = "<!-- Executed by test/guides.test.ts.";

const PROGRAMS = {
  "npx crdt-node": [commandOf("crdt-node")],
  "npx crdt-relayer": [commandOf("crdt-relayer")],
};

/** What a page types, and the code that it has shown since it typed something before. */
interface Part {
  readonly code: readonly { readonly file: string; readonly text: string }[];
  readonly transcript: string;
}

const pages = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({ name, text: readFileSync(join(root, "docs", name), "utf8") }))
  .filter(({ text }) => text.includes(MARK));

test("there are such pages", () => {
  expect(pages.map(({ name }) => name)).toEqual(["coming-from.md", "first-document.md"]);
});

for (const { name, text } of pages) {
  describe(`docs/${name}`, () => {
    const files = new Map<string, string>();
    const folder = mkdtempSync(join(tmpdir(), "guide-"));
    const shell = new Shell({
      programs: { ...PROGRAMS, "npx tsx": (file) => built(folder, file) },
      cwd: folder,
      env: {
        ...process.env,
        NO_COLOR: "1",
        SIDE_HOME: join(folder, ".side"),
        SIDE_RELAYER_PORT: "0",
        // Nobody listens here: there is no relay before the page starts one.
        SIDE_RELAY: "ws://127.0.0.1:1/websocket",
      },
    });

    beforeAll(() => {
      const from = name === "coming-from.md" ? "bench/node_modules" : "node_modules";
      symlinkSync(join(root, from), join(folder, "node_modules"));
      writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
    });

    afterAll(async () => {
      await shell.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const run = new Set<string>();
    for (const [index, { code, transcript }] of partsOf(text).entries()) {
      test(`transcript ${index + 1} is what the commands print, with the code before it`, async () => {
        for (const { file, text } of code) {
          files.set(file, `${files.get(file) ?? ""}${text}`);
          writeFileSync(join(folder, file), files.get(file)!);
        }
        for (const step of stepsOf(transcript)) {
          const printed = await shell.run(step);
          expect(printed.join("\n"), `$ ${step.command}`).toMatch(pattern(step.expected));
          expect(shell.code, `$ ${step.command}`).toBe(0);
          const file = /^npx tsx (\S+)/.exec(step.command)?.[1];
          if (file === undefined) continue;
          run.add(file);
          const plain = printed.map((line) => line.replaceAll('"', ""));
          const promised = promisedBy(files.get(file)!);
          expect(promised.filter((line) => !plain.includes(line))).toEqual([]);
        }
      });
    }

    test("every file is run, or imported by one that is", () => {
      const all = [...files.values()].join("\n");
      const idle = [...files.keys()].filter(
        (file) => !run.has(file) && !all.includes(`from "./${file}"`),
      );
      expect(idle).toEqual([]);
    });

    test("all of it passes the type check", async () => {
      const config = {
        extends: join(root, "tsconfig.base.json"),
        compilerOptions: { noEmit: true, typeRoots: [join(root, "node_modules/@types")] },
        include: ["*.ts"],
      };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
      const args = [compiler(), "-p", folder];
      expect((await collect(args, { cwd: folder, env: process.env })).out.join("\n")).toBe("");
    });
  });
}

describe("docs/coming-from.md", () => {
  const page = readFileSync(join(root, "docs/coming-from.md"), "utf8");

  test("the figures that it takes from docs/benchmarks.md are there", () => {
    const benchmarks = readFileSync(join(root, "docs/benchmarks.md"), "utf8");
    const prose = page.replaceAll(/^```[\s\S]*?^```/gm, "");
    const figures = [...prose.matchAll(/[\d,.]+ (?:ms|MB|kB|µs)\b/g)].map(([figure]) => figure);
    expect(figures.length).toBeGreaterThan(20);
    expect(figures.filter((figure) => !benchmarks.includes(` ${figure} `))).toEqual([]);
  });

  test("what it calls by name exists, here and there", async () => {
    const require = createRequire(join(root, "bench/package.json"));
    const modules: Record<string, object> = {
      Y: require("yjs") as object,
      A: (await import(pathToFileURL(require.resolve("@automerge/automerge")).href)) as object,
    };
    const theirs = [...page.matchAll(/`(?:new )?([YA])\.([A-Za-z]+)/g)];
    expect(theirs.length).toBeGreaterThan(20);
    const missing = theirs.filter(([, module = "", name = ""]) => !(name in modules[module]!));
    expect(missing.map(([text]) => text)).toEqual([]);
    const classes = [Document, ListHandle, TextHandle, RegisterHandle].map(
      (type) => type.prototype,
    );
    const ours = [...page.matchAll(/^\|(?:[^|]*\|){3} (.*) \|$/gm)]
      .flatMap(([, cell = ""]) => [...cell.matchAll(/`(?:new |document\.)?([A-Za-z]+)\b(?!-)/g)])
      .map(([, name = ""]) => name)
      .filter((name) => !["fn", "bytes", "crdt", "browser"].includes(name));
    expect(ours.length).toBeGreaterThan(20);
    const known = (name: string): boolean =>
      name in library || classes.some((prototype) => name in prototype);
    expect(ours.filter((name) => !known(name))).toEqual([]);
  });
});

/**
 * The arguments for Node that do what `npx tsx` does with a file: what is built of it, without loading each module of the library
 * anew each time. packaging.test.ts runs the first program with tsx itself.
 */
async function built(folder: string, file: string): Promise<readonly string[]> {
  const out = file.replace(/\.ts$/u, "");
  await bundle([{ in: join(folder, file), out }], folder);
  return [join(folder, `${out}.js`)];
}

/** What is executed of a page. Throws where code names no file, or is followed by nothing that runs it. */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let code: { file: string; text: string }[] = [];
  for (const [, language, block = ""] of text.matchAll(/^```(ts|console)\n([\s\S]*?)^```/gm)) {
    if (language === "console") {
      parts.push({ code, transcript: block });
      code = [];
      continue;
    }
    const file = /^\/\/ (\S+\.ts)\n/.exec(block)?.[1];
    if (file === undefined) throw new Error(`a block does not begin with its file: ${block}`);
    code.push({ file, text: block });
  }
  if (code.length > 0) throw new Error("the last code is not run");
  return parts;
}
