/**
 * The pictures of docs/architecture.md: `tsx scripts/pictures.ts` writes them anew. Each is there as SVG, and in characters
 * or as Mermaid in the page itself; a test compares what is committed with what this makes.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { convergingMermaid, convergingSvg, convergingText } from "./pictures/converging.ts";
import { dataFlowSvg, dataFlowText } from "./pictures/data-flow.ts";

const docs = new URL("../docs/", import.meta.url);

/** The files, by their names in docs/. */
export function pictures(): ReadonlyMap<string, string> {
  return new Map([
    ["pictures/data-flow.svg", dataFlowSvg()],
    ["pictures/converging.svg", convergingSvg()],
  ]);
}

/** The page with what is drawn in it made anew. Throws when a mark is missing. */
export function written(page: string): string {
  const parts = new Map([
    ["data flow", fenced("", dataFlowText())],
    ["converging", fenced("", convergingText())],
    ["history", fenced("mermaid", convergingMermaid())],
  ]);
  let next = page;
  for (const [mark, part] of parts) {
    const [begin, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
    const [from, to] = [next.indexOf(begin), next.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/architecture.md has no ${begin} … ${end}`);
    next = `${next.slice(0, from)}${begin}\n\n${part}\n\n${next.slice(to)}`;
  }
  return next;
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(new URL("pictures/", docs), { recursive: true });
  for (const [name, content] of pictures()) writeFileSync(new URL(name, docs), content);
  const page = new URL("architecture.md", docs);
  writeFileSync(page, written(readFileSync(page, "utf8")));
}
