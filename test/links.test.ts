// Every link of a README or a page of docs/ leads to a file that exists and, where it has one, to a heading of that file.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

const pages = [
  "README.md",
  "CHANGELOG.md",
  "SECURITY.md",
  ...pagesIn("docs"),
  ...["packages", "examples", "bench", "fuzz"].flatMap((folder) => pagesIn(folder)),
];

test.each(pages)("%s has no link that leads nowhere", (page) => {
  expect(brokenIn(page)).toEqual([]);
});

test("links that lead nowhere are found", () => {
  const text =
    "# One\n[a](#one) [b](#two) [c](nothing.md) [d](README.md#packages) [e](README.md#no)";
  expect(brokenIn("README.md", text)).toEqual(["#two", "nothing.md", "README.md#no"]);
  expect(brokenIn("README.md", "`[a](x)` <https://a.b/c>\n```\n[b](y)\n```\n")).toEqual([]);
  expect(anchorsOf("# A `b` — c!\n## A `b` — c!\n### 15.8 Cursors\n")).toEqual(
    new Set(["a-b--c", "a-b--c-1", "158-cursors"]),
  );
});

/** The links of a page that lead nowhere. */
function brokenIn(page: string, text: string = readFileSync(join(root, page), "utf8")): string[] {
  return linksIn(text).filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = "", anchor] = decodeURI(link).split("#");
    const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
    if (path !== "" && !existsSync(file)) return true;
    // What is outside of the repository nobody else has.
    if (relative(root, file).startsWith("..")) return true;
    if (anchor === undefined) return false;
    const target = statSync(file).isDirectory() ? join(file, "README.md") : file;
    const there = path === "" ? text : readFileSync(target, "utf8");
    return !anchorsOf(there).has(anchor);
  });
}

/** Targets of links and pictures, without those in code. */
function linksIn(text: string): string[] {
  return [...proseOf(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = ""]) => link);
}

/** What GitHub calls the headings of a page: lower case, without punctuation, a hyphen for a space, numbered when repeated. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of text
    .replaceAll(/^```[\s\S]*?^```/gm, "")
    .matchAll(/^#+ (.*)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").trim();
    const name = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "")
      .replaceAll(" ", "-");
    let unique = name;
    for (let count = 1; anchors.has(unique); count++) unique = `${name}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

function proseOf(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
}

/** The pages below a folder, without what is generated or installed. */
function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      const isOthers = ["node_modules", "dist"].includes(entry.name) || path === "docs/api";
      return isOthers ? [] : pagesIn(path);
    }
    return entry.name.endsWith(".md") ? [path] : [];
  });
}
