/** The fenced blocks of the pages of this repository, as Markdown has them: indented, with backticks or tildes, with any word behind. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** One fenced block. */
export interface Block {
  /** The path of the page, from the root. */
  readonly page: string;
  /** The number of its first line, the fence, from 1. */
  readonly line: number;
  /** The fence with all that stands before and behind it: "```ts". */
  readonly opening: string;
  /** Its lines, without the fences, each with its line feed. */
  readonly text: string;
}

/** The blocks of a page, in order. Throws when one does not end. */
export function blocksIn(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: { readonly fence: string; readonly line: number; readonly opening: string } | null =
    null;
  let lines: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const [, fence, rest = ""] = /^[\s>]*(`{3,}|~{3,})(.*)$/u.exec(line) ?? [];
    if (open === null) {
      if (fence === undefined) continue;
      // Backticks behind backticks: code within a line.
      if (fence.startsWith("`") && rest.includes("`")) continue;
      open = { fence, line: index + 1, opening: line };
      lines = [];
    } else if (fence?.startsWith(open.fence) === true && rest.trim() === "") {
      const content = lines.map((each) => `${each}\n`).join("");
      blocks.push({ page, line: open.line, opening: open.opening, text: content });
      open = null;
    } else {
      lines.push(line);
    }
  }
  if (open !== null) throw new Error(`${page}:${open.line}: this block does not end`);
  return blocks;
}

/** The blocks of a page that is there. */
export function blocksOfPage(page: string): Block[] {
  return blocksIn(page, readFileSync(join(root, page), "utf8"));
}

/** The one block of a page whose text begins so. Throws when there is none, or more than one. */
export function blockOf(page: string, begins: string): Block {
  const [found, ...more] = blocksOfPage(page).filter(({ text }) => text.startsWith(begins));
  if (found === undefined || more.length > 0) {
    throw new Error(`${page}: ${found === undefined ? "no" : "not one"} block begins: ${begins}`);
  }
  return found;
}

/** All pages, also those that are new; without git, what is neither installed nor made. */
export function allPages(): string[] {
  try {
    const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"];
    const listed = execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: "pipe" });
    const pages = listed.split("\0").filter((page) => page !== "" && existsSync(join(root, page)));
    if (pages.length > 0) return [...new Set(pages)].sort();
  } catch {
    // No git, or no clone.
  }
  const ofRoot = readdirSync(root).filter((name) => name.endsWith(".md"));
  const folders = ["bench", "docs", "examples", "fuzz", "packages", "scripts", "test"];
  return [...ofRoot, ...folders.flatMap(pagesIn)].sort();
}

function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return entry.name.endsWith(".md") ? [path] : [];
    const isOthers = ["node_modules", "dist", "coverage"].includes(entry.name);
    return isOthers || path === "docs/api" ? [] : pagesIn(path);
  });
}

/** How the line of a block calls a script of the workspace; its name follows. */
export const SCRIPT = /^(?:\$ pnpm|npx --yes pnpm@10) (?=[a-z])/u;

/** Whether all lines are scripts of the workspace, so that test/snippets.scripts.test.ts looks at them. */
export function isOfScripts(text: string): boolean {
  return text
    .trimEnd()
    .split("\n")
    .every((line) => SCRIPT.test(line));
}
