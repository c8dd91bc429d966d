// `pnpm example NAME …`: runs examples/NAME/main.ts; without a name it lists what there is.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "./tools.js";

const folder = fileURLToPath(new URL("../examples", import.meta.url));
const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, "main.ts")));
const [name, ...rest] = process.argv.slice(2).filter((word, i) => !(i === 0 && word === "--"));

if (name === undefined || name === "--help" || name === "-h") {
  console.log("usage: npx --yes pnpm@10 example NAME [--help]\n");
  const width = Math.max(...names.map((known) => known.length));
  for (const known of names) {
    const lines = wrapped(summaryOf(known), 80 - width - 4);
    lines.forEach((line, i) => console.log(`  ${(i === 0 ? known : "").padEnd(width)}  ${line}`));
  }
} else if (names.includes(name)) {
  const main = join(folder, name, "main.ts");
  // Ctrl-C reaches the program as well, which ends in its own way: wait for that.
  process.on("SIGINT", () => {});
  const { code } = await runNode(["--import", "tsx", main, ...rest], { show: true });
  process.exitCode = code;
} else {
  const near = names.find((known) => distance(known, name) <= 3);
  console.error(`error: there is no example "${name}"${near ? `; did you mean ${near}?` : ""}`);
  const lines = wrapped(`the examples are ${names.join(", ")}`, 80 - 7);
  for (const line of lines) console.error(`       ${line}`);
  process.exitCode = 2;
}

/** The first sentence of its README. @param {string} name */
function summaryOf(name) {
  const text = readFileSync(join(folder, name, "README.md"), "utf8");
  const [, paragraph = ""] = /^# .*\n+([^\n#]+(?:\n[^\n#]+)*)/.exec(text) ?? [];
  return paragraph.replaceAll("\n", " ").split(/(?<=\.) /)[0] ?? "";
}

/** Text in lines of at most so many characters. @param {string} text @param {number} width */
function wrapped(text, width) {
  /** @type {string[]} */
  const lines = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** Edits between two words. @param {string} a @param {string} b */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
