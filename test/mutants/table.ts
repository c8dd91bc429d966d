/** The table of checks and tests in docs/checks.md: made by `pnpm mutants --write`, read by a test. */
import { EQUIVALENT } from "./equivalent.ts";
import type { Site } from "./sites.ts";

/** Where the table is, from the root of the repository. */
export const TABLE_FILE = "docs/checks.md";

/** Stands for a test that is still to be found. */
export const OPEN = "open";

const BEGIN = "<!-- made by `pnpm mutants --write` -->";
const END = "<!-- end of what is made -->";

/** What a test, or a reason, stands for in the table, by the key of its check. */
export type Verdicts = ReadonlyMap<string, string>;

/** Puts the rows of all checks into the text of the page. */
export function withTable(page: string, sites: readonly Site[], verdicts: Verdicts): string {
  const [before, after] = outside(page);
  const lines: string[] = [];
  for (const file of new Set(sites.map((site) => site.file))) {
    lines.push(
      "",
      `### ${file}`,
      "",
      "| in | check | test that fails without it |",
      "|---|---|---|",
    );
    for (const site of sites) {
      if (site.file === file) lines.push(rowOf(site, verdicts.get(site.key) ?? OPEN));
    }
  }
  return `${before}${BEGIN}\n${lines.join("\n")}\n\n${END}${after}`;
}

/** What the page says of each check that is not open. */
export function readTable(page: string, sites: readonly Site[]): Map<string, string> {
  const verdicts = rowsIn(page, sites);
  for (const [key, verdict] of verdicts) if (verdict === OPEN) verdicts.delete(key);
  return verdicts;
}

/** The last cell of the row of each check that has one. */
export function rowsIn(page: string, sites: readonly Site[]): Map<string, string> {
  const rows = new Map<string, string>();
  let file = "";
  for (const line of page.split("\n")) {
    if (line.startsWith("### ")) file = line.slice(4);
    const end = line.lastIndexOf(" | ");
    if (line.startsWith("| ") && end > 0)
      rows.set(`${file} ${line.slice(0, end)}`, line.slice(end + 3, -1).trim());
  }
  const verdicts = new Map<string, string>();
  for (const site of sites) {
    const row = rowOf(site, OPEN);
    const verdict = rows.get(`${site.file} ${row.slice(0, row.lastIndexOf(" | "))}`);
    if (verdict !== undefined) verdicts.set(site.key, verdict === "" ? OPEN : verdict);
  }
  return verdicts;
}

/** How many rows of checks the page has. */
export function countRows(page: string): number {
  return page.split("\n").filter((line) => /^\| (?!in \|)/u.test(line)).length;
}

/** How a test stands in the table. */
export function cellOf(file: string, titles: readonly string[]): string {
  const name = file.slice(file.lastIndexOf("/") + 1);
  return escaped(`${name} › ${titles.join(" › ")}`);
}

/** How a check that no test can miss stands in the table. */
export function reasonCellOf(key: string): string | null {
  const reason = EQUIVALENT[key];
  return reason === undefined ? null : `none: ${escaped(reason)}`;
}

/** The titles in a cell; null for a reason. */
export function titlesIn(cell: string): string[] | null {
  if (cell === OPEN || cell.startsWith("none: ")) return null;
  return cell.replaceAll("\\|", "|").split(" › ").slice(1);
}

function rowOf({ where, what }: Site, verdict: string): string {
  return `| ${escaped(where)} | ${escaped(what)} | ${verdict} |`;
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function outside(page: string): [string, string] {
  const [start, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${TABLE_FILE} has no place for the table`);
  return [page.slice(0, start), page.slice(end + END.length)];
}
