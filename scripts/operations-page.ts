// The tables of codes in docs/operations.md, made from the code itself: each between two marks, so that the text around
// them is written by hand. `tsx scripts/operations-page.ts` writes them; a test compares.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Close, CLOSE, ERRORS, EXIT } from "crdt-relayer";

const page = new URL("../docs/operations.md", import.meta.url);

/** What stands above each entry of a table in a source file, by the entry's name. */
function commentsIn(file: string): ReadonlyMap<string, string> {
  const source = readFileSync(
    new URL(`../packages/crdt-relayer/src/${file}`, import.meta.url),
    "utf8",
  );
  const entries = source.matchAll(/^ {2}\/\*\* ([^\n]*) \*\/\n {2}(\w+):/gmu);
  return new Map([...entries].map(([, comment, name]) => [name!, comment!.replace(/\.$/u, "")]));
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  return lines.join("\n");
}

function described(comments: ReadonlyMap<string, string>, name: string): string {
  const comment = comments.get(name);
  if (comment === undefined) throw new Error(`${name} has no comment of one line above it`);
  return comment.replaceAll(/(?<![`\w])(--[a-z-]+)/gu, "`$1`");
}

/** Every table, by its mark. */
export function tables(): ReadonlyMap<string, string> {
  const closes = commentsIn("close-codes.ts");
  const exits = commentsIn("exit-codes.ts");
  const closeRows = Object.entries<Close>(CLOSE)
    .sort(([, a], [, b]) => a.code - b.code)
    .map(([name, { code, reason, then }]) => [
      code,
      described(closes, name),
      reason === "" ? "" : `\`${reason}\``,
      then === "reconnect" ? "comes back" : "changes something first",
    ]);
  const exitRows = Object.entries(EXIT).map(([name, code]) => [code, described(exits, name)]);
  const errorRows = Object.entries(ERRORS).map(([code, when]) => [`\`${code}\``, when]);
  return new Map([
    ["close codes", table(["code", "when", "reason", "the client"], closeRows)],
    ["error codes", table(["code", "when"], errorRows)],
    ["exit codes", table(["code", "when"], exitRows)],
  ]);
}

/** The page with its tables made anew. Throws when a mark is missing. */
export function written(text: string): string {
  let next = text;
  for (const [mark, rows] of tables()) {
    const [begin, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
    const [from, to] = [next.indexOf(begin), next.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/operations.md has no ${begin} … ${end}`);
    next = `${next.slice(0, from)}${begin}\n\n${rows}\n\n${next.slice(to)}`;
  }
  return next;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(page, written(readFileSync(page, "utf8")));
