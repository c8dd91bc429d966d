// What a user gets: the three packages are built, packed and installed into a project, as docs/first-document.md says it, and
// globally, as docs/oracle-deployment.md says it, far from the clone, and then used: the page's program, versions, keys, a
// transaction that one node sends and another one sees, the library's types.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { compiler } from "../scripts/tools.js";
import { installTarballs, keepingBuilds, packages, run } from "./installed-packages.ts";
import { blocksOf, collect, pattern, stepsOf } from "./transcript.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Everything happens in here: tarballs, the global prefix, the homes. */
const scratch = mkdtempSync(join(tmpdir(), "packaging-"));
const prefix = join(scratch, "global");
const installed = join(prefix, "lib", "node_modules");
const { version } = JSON.parse(
  readFileSync(join(root, "packages/bft-json-crdt/package.json"), "utf8"),
) as { version: string };

/** An environment with a home of its own. No SIDE_* setting of the developer leaks in. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SIDE_"))),
  SIDE_HOME: join(scratch, "side"),
};

/** Runs an installed command. */
function command(name: string, ...args: string[]): Promise<string> {
  return run(join(prefix, "bin", name), args, { cwd: scratch, env });
}

/** Every file below a folder, as paths relative to it. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const page = readFileSync(join(root, "docs/first-document.md"), "utf8");
const [inTheClone = "", intoAProject = ""] = blocksOf(page, "sh");
/** Where the page installs: `~/my-project`. */
const project = join(scratch, "my-project");
let uninstall: (() => void) | undefined;

beforeAll(async () => {
  // The home is empty, but what has been downloaded need not be downloaded again.
  const cache = (await run("npm", ["config", "get", "cache"], { cwd: root })).trim();
  const silent = { npm_config_audit: "false", npm_config_fund: "false" };
  const home = { ...env, ...silent, HOME: scratch, npm_config_cache: cache };
  uninstall = await keepingBuilds(async () => {
    await run("bash", ["-euc", intoAProject], { cwd: root, env: home });
    await installTarballs(prefix, join(scratch, "packed"));
  });
}, 300_000);

afterAll(() => {
  uninstall?.();
  rmSync(scratch, { recursive: true, force: true });
});

test("the first document's first program runs in a project that the page's commands installed it into", async () => {
  const programs = blocksOf(page, "ts");
  const [step] = stepsOf(blocksOf(page, "console")[0]!);
  for (const code of programs.slice(0, 2)) {
    writeFileSync(join(project, /^\/\/ (\S+)/.exec(code)![1]!), code);
  }
  expect(step?.command).toBe("npx tsx two.ts");
  const tsx = join(project, "node_modules/tsx/dist/cli.mjs");
  const { out, code } = await collect([tsx, "two.ts"], { cwd: project, env });
  expect(out.join("\n")).toMatch(pattern(step!.expected));
  expect(code).toBe(0);
});

test("its programs pass the type check of what `tsc --init` writes, with the options that it names", async () => {
  const files = new Map<string, string>();
  for (const code of blocksOf(page, "ts")) {
    const file = /^\/\/ (\S+)/.exec(code)![1]!;
    files.set(file, `${files.get(file) ?? ""}${code}`);
  }
  for (const [file, text] of files) writeFileSync(join(project, file), text);
  const tsc = join(project, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "--init"], { cwd: project, env });
  const [, named = ""] = /what it writes: ([^.]*)\./u.exec(page)!;
  const options = [...named.matchAll(/`("[^`]+)`/gu)].map(([, option = ""]) => option);
  expect(options).toHaveLength(3);
  const config = join(project, "tsconfig.json");
  const written = readFileSync(config, "utf8").replace(/^ *"types".*$/mu, "");
  writeFileSync(config, written.replace(/"compilerOptions": \{/u, `$&${options.join(", ")},`));
  await run(process.execPath, [tsc], { cwd: project, env });
});

test("the pages that say how to pack it name the very block, and each finds three files where it says", () => {
  const heading = page
    .slice(0, page.indexOf(intoAProject))
    .match(/^#+ .+$/gmu)!
    .at(-1)!;
  const anchor = heading.replace(/^#+ /u, "").toLowerCase().replaceAll(" ", "-");
  const telling = ["docs/operations.md", "docs/oracle-deployment.md"].concat(
    packages.map((name) => `packages/${name}/README.md`),
  );
  for (const file of telling)
    expect(readFileSync(join(root, file), "utf8"), file).toContain(`first-document.md#${anchor})`);
  expect(readdirSync(join(scratch, "packed"))).toEqual(
    packages.map((name) => `${name}-${version}.tgz`),
  );
});

test("the first document begins in a folder of the clone, which the README's command has installed", async () => {
  const typed = inTheClone.trimEnd().split("\n");
  expect(typed[0]).toMatch(/^cd bft-json-crdt +#/);
  expect(typed[1]).toBe("npx --yes pnpm@10 install");
  const folder = mkdtempSync(join(root, "folder-"));
  try {
    await run("bash", ["-euc", typed[2]!], { cwd: folder, env });
    expect(readdirSync(folder)).toEqual(["first"]);
    const code = `import { Document } from "bft-json-crdt"; console.log(typeof Document);`;
    writeFileSync(join(folder, "first", "finds.ts"), code);
    const here = { cwd: join(folder, "first"), env };
    expect(await run("npx", ["tsx", "finds.ts"], here)).toBe("function\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a tarball holds compiled code, types, licence, readme and how to deploy it, and nothing else", () => {
  for (const name of packages) {
    const files = filesIn(join(installed, name)).filter(
      (file) => !file.startsWith("node_modules/"),
    );
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    const usual =
      /^(LICENSE|README\.md|package\.json|bin\/[^/]+\.js|deploy\/[\w.-]+|dist\/.+\.(js|d\.ts))$/;
    expect(files.filter((file) => !usual.test(file) || /\.(test|model)\./.test(file))).toEqual([]);
    const manifest = readFileSync(join(installed, name, "package.json"), "utf8");
    expect(manifest).not.toMatch(/src\/|workspace:/);
    expect(JSON.parse(manifest)).toMatchObject({ name, version, license: "MIT" });
  }
});

test("publint finds nothing to say", async () => {
  for (const name of packages) {
    const { messages } = await publint({ pkgDir: join(installed, name), pack: false });
    expect(messages, name).toEqual([]);
  }
});

test("both commands print the version", async () => {
  expect((await command("crdt-node", "--version")).trim()).toBe(version);
  expect((await command("crdt-relayer", "--version")).trim()).toBe(version);
});

test("the library's README compiles against the packed types, and prints what it says", async () => {
  const consumer = join(scratch, "consumer");
  mkdirSync(join(consumer, "node_modules"), { recursive: true });
  const library = join(installed, "bft-json-crdt");
  symlinkSync(library, join(consumer, "node_modules", "bft-json-crdt"));
  const readme = readFileSync(join(library, "README.md"), "utf8");
  const examples = [...readme.matchAll(/^```ts\n(.+?)^```$/gms)].map(([, code]) => code ?? "");
  expect(examples).toHaveLength(4);
  examples.forEach((code, i) => writeFileSync(join(consumer, `example${i}.mts`), code));

  // Its declarations are checked too (no skipLibCheck), and need no types of Node; only console is the DOM's.
  const language = { target: "es2023", lib: ["es2023", "dom"], types: [] };
  const compilerOptions = { ...language, module: "nodenext", strict: true };
  writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  await run(process.execPath, [compiler(), "-p", consumer], { cwd: scratch, env });

  const printed = examples.map((_, i) =>
    run(process.execPath, [join(consumer, `example${i}.mjs`)], { cwd: scratch, env }),
  );
  expect(await Promise.all(printed)).toEqual([
    "applied\ntrue\n",
    "true\ntrue\n0 write a poem 3\ntrue\n1\ntrue\n",
    "true Bring sun.\nBring sun. And rain coats.\n",
    "ended revealed 120\n",
  ]);
});

test("a short session: two nodes, one relayer, the same view", async () => {
  const relayer = start("crdt-relayer", "--port", "0", "--data", ":memory:");
  const url = await listening(relayer);
  const key = (await command("crdt-node", "init", "alice")).trimEnd().split("\n").at(-1);
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  await command("crdt-node", "init", "bob");
  await command("crdt-node", "send", "bob", "--relay", url, "bob -> carol 4");
  await command(
    "crdt-node",
    "send",
    "alice",
    "--relay",
    url,
    "alice -> bob 10",
    "alice -> carol 1",
  );

  const names = ["alice", "bob"];
  const running = names.map((name) => start("crdt-node", "run", name, "--relay", url));
  for (const name of names) await synced(name);
  const [ofAlice, ofBob] = await Promise.all(
    names.map((name) => command("crdt-node", "view", name, "--json")),
  );
  expect(ofAlice).toBe(ofBob);
  expect(JSON.parse(ofAlice ?? "")).toMatchObject({ transactions: { length: 3 } });
  expect(await Promise.all([...running, relayer].map(stop))).toEqual([0, 0, 0]);
});

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Starts an installed command that runs until it is told to end. */
function start(name: string, ...args: string[]): ChildProcess {
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const child = spawn(join(prefix, "bin", name), args, { cwd: scratch, env, stdio: [...stdio] });
  started.push(child);
  child.stderr?.resume();
  return child;
}

/** Ends a command as a service manager does; its exit code. */
async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  return child.exitCode;
}

/** The URL that a relayer prints once it listens. */
function listening(relayer: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    relayer.once("exit", (code) => reject(new Error(`the relayer ended with ${code}: ${printed}`)));
    relayer.stdout?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      const url = /^listening (ws:\S+)$/m.exec(printed)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

/** Waits until a node runs and its relay has nothing more for it; the test's own time limit ends a vain wait. */
async function synced(name: string): Promise<void> {
  for (;;) {
    const status = JSON.parse(await command("crdt-node", "status", name, "--json")) as {
      running: boolean;
      relays: { state: string }[];
    };
    if (status.running && status.relays[0]?.state === "synced") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
