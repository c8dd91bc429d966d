// Every fenced block of every page is executed by a test, or stands in a table here that says who executes it, or why there is
// nothing to execute.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { allPages, type Block, blocksIn, blocksOfPage, isOfScripts, root } from "./page-blocks.ts";
import { typedBlocks } from "./typed-blocks.ts";

const executed = new Set(typedBlocks().map(nameOf));

/** Blocks that other tests find by themselves: of which pages, with what behind the fence (all, if null), and by whom. */
const KINDS: readonly {
  readonly pages: RegExp;
  readonly info: readonly string[] | null;
  readonly by: string;
}[] = [
  {
    pages: /^(?:(?:examples|packages)\/[^/]+\/)?README\.md$/u,
    info: ["console", "ts"],
    by: "test/transcripts.test.ts",
  },
  {
    pages: /^docs\/(?:first-document|coming-from)\.md$/u,
    info: ["console", "ts"],
    by: "test/guides.test.ts",
  },
  { pages: /^docs\/first-document\.md$/u, info: ["sh"], by: "test/packaging.test.ts" },
  { pages: /^docs\/oracle-deployment\.md$/u, info: ["sh network"], by: "test/packaging.test.ts" },
  {
    pages: /^docs\/oracle-deployment\.md$/u,
    info: ["sh", "console"],
    by: "test/oracle-deployment.test.ts",
  },
  {
    pages: /^docs\/oracle-deployment\.md$/u,
    info: ["sh root relay", "sh root oracle", "console root relay", "console root oracle"],
    by: "test/deployment/page.machines.test.ts",
  },
  {
    pages: /^docs\/local-api\.md$/u,
    info: ["jsonl", "js"],
    by: "packages/crdt-node/test/local-api.test.ts",
  },
  // That test lists what is behind the fences, and finds what it does not know.
  {
    pages: /^docs\/wire-format\.md$/u,
    info: null,
    by: "packages/bft-json-crdt/test/wire-format.test.ts",
  },
];

interface Other {
  readonly page: string;
  readonly begins: string;
  readonly why: string;
  /** How many of the page begin so; 1 if left out. */
  readonly count?: number;
}

/** All others, but those of test/snippets.test.ts and test/snippets.scripts.test.ts: how they begin, and the test that executes or makes them, or why there is nothing to execute. */
const OTHERS: readonly Other[] = [
  { page: "README.md", begins: "alice   a1 ─── a2", why: "a picture" },
  { page: "docs/architecture.md", begins: "bytes ─▶ encoding", why: "a picture" },
  { page: "docs/architecture.md", begins: "Alice's node  ", why: "a picture" },
  { page: "docs/architecture.md", begins: "Alice   ", why: "test/architecture.test.ts" },
  { page: "docs/architecture.md", begins: "flowchart RL\n", why: "test/architecture.test.ts" },
  { page: "docs/backplane.md", begins: " nodes ──▶ load balancer", why: "a picture" },
  { page: "docs/backplane.md", begins: "apt-get install ", why: "test/snippets.nats.test.ts" },
  { page: "docs/backplane.md", begins: "authorization {", why: "test/snippets.nats.test.ts" },
  { page: "docs/complexity.md", begins: "Node v20", why: "what was measured" },
  { page: "docs/complexity.md", begins: "worst cases  ", why: "what was measured", count: 2 },
  {
    page: "docs/operations.md",
    begins: "systemctl stop crdt-relayer\n",
    why: "test/deployment/page.machines.test.ts",
  },
  { page: "docs/oracle-deployment.md", begins: " sources ──► feed.py", why: "a picture" },
  { page: "docs/use-cases/defi-platform.md", begins: " identity ────", why: "a picture" },
  { page: "docs/use-cases/oracle-consumer.md", begins: " oracles ── signed", why: "a picture" },
  { page: "docs/use-cases/oracle-network.md", begins: "exchanges ──answers", why: "a picture" },
];

/** The blocks that nobody executes, and for which nobody says why. */
function idleOf(blocks: readonly Block[]): Block[] {
  return blocks.filter((block) => {
    const isOther = OTHERS.some((other) => isOf(block, other));
    const isRun = executed.has(nameOf(block)) || isOfScripts(block.text);
    return !(isOther || isRun || KINDS.some((kind) => isKind(block, kind)));
  });
}

function isOf({ page, text }: Block, other: Other): boolean {
  return page === other.page && text.startsWith(other.begins);
}

/** The tests that are named find blocks by plain fences at the beginning of a line. */
function isKind({ page, opening }: Block, { pages, info }: (typeof KINDS)[number]): boolean {
  if (!pages.test(page) || !/^```(?!`)/u.test(opening)) return false;
  return info === null || info.includes(opening.slice(3));
}

describe("every block", () => {
  const all = allPages().flatMap(blocksOfPage);

  test("is executed by a test, or it is said here why not", () => {
    expect(all.length).toBeGreaterThan(100);
    expect(idleOf(all).map((block) => `${nameOf(block)} ${block.opening}`)).toEqual([]);
  });

  test("that is spoken of here is there, once, and so is the test that is named", () => {
    for (const other of OTHERS) {
      const { page, begins, why, count = 1 } = other;
      expect(
        all.filter((block) => isOf(block, other)),
        begins,
      ).toHaveLength(count);
      if (why.endsWith(".ts")) expect(sourceOf(why)).toContain(basename(page));
    }
    for (const kind of KINDS) {
      const found = all.filter((block) => isKind(block, kind));
      const behind = new Set(found.map(({ opening }) => opening.slice(3)));
      if (kind.info !== null) expect([...behind].sort()).toEqual([...kind.info].sort());
      expect(found.length).toBeGreaterThan(0);
      for (const { page } of found) expect(sourceOf(kind.by)).toContain(basename(page));
    }
  });

  test("that nobody executes is found, wherever and however it is written", () => {
    const added = [
      ["README.md", "```sh\nrm --recursive here\n```"],
      ["README.md", "* a list\n\n  ```console\n  $ crdt-node view bob\n  ```"],
      ["README.md", "~~~ts\nvoid 0;\n~~~"],
      ["README.md", "````ts\nvoid 0;\n````"],
      ["README.md", "> ```ts\n> void 0;\n> ```"],
      ["README.md", "```console \n$ crdt-node view bob\n```"],
      ["docs/bounds.md", "```ts\nvoid 0;\n```"],
      ["docs/oracle-deployment.md", "```sh root\nreboot\n```"],
      ["docs/torture.md", "```\n$ pnpm torture\n$ rm here\n```"],
      ["docs/new.md", "```console\n$ crdt-node view bob\n```"],
      ["packages/crdt-node/README.md", "```\ncrdt-node init carol\n```"],
    ] as const;
    for (const [page, text] of added) {
      const before = page === "docs/new.md" ? "" : readFileSync(join(root, page), "utf8");
      const blocks = blocksIn(page, `${before}\n${text}\n`);
      expect(idleOf(blocks), text).toEqual([blocks.at(-1)]);
    }
    expect(() => blocksIn("x", "```ts\nvoid 0;\n")).toThrow("x:1: this block does not end");
    expect(blocksIn("x", "```a``` ```b\n`c`\n")).toEqual([]);
  });
});

function nameOf({ page, line }: Block): string {
  return `${page}:${line}`;
}

function sourceOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}
