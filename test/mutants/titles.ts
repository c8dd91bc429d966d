/** The titles that tests can have, by the literals in their sources: enough to see that a named test is gone. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { parse } from "./sites.ts";

/** Letters that a title with holes must have besides them, so that it does not fit everything. */
const MIN_FIXED = 8;

/** Every literal of test sources, and every title with holes in it. */
export class Titles {
  readonly #literals = new Set<string>();
  readonly #patterns: RegExp[] = [];

  /** Reads all TypeScript below the folders that is a test or stands beside tests. */
  constructor(folders: readonly string[]) {
    for (const folder of folders) {
      for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
        const path = join(entry.parentPath, entry.name);
        if (!entry.isFile() || !path.endsWith(".ts") || /\/(?:node_modules|dist)\//u.test(path))
          continue;
        if (path.endsWith(".test.ts") || /\/test\//u.test(path)) this.#read(path);
      }
    }
  }

  /** True when a test or a group of tests may have this title. */
  has(title: string): boolean {
    return this.#literals.has(title) || this.#patterns.some((pattern) => pattern.test(title));
  }

  #read(path: string): void {
    const visit = (node: ts.Node): void => {
      if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
        this.#literals.add(node.text);
        // it.each fills in %s and $name.
        if (/[%$]/u.test(node.text)) this.#note(node.text.split(/%[a-z#]|\$[\w.]+/u));
      } else if (ts.isTemplateExpression(node)) {
        const parts = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)];
        this.#note(parts);
      }
      ts.forEachChild(node, visit);
    };
    visit(parse(path, readFileSync(path, "utf8")));
  }

  #note(parts: readonly string[]): void {
    if (parts.join("").length < MIN_FIXED) return;
    const fixed = parts.map((part) => part.replace(/[$()*+.?[\\\]^{|}]/gu, "\\$&"));
    this.#patterns.push(new RegExp(`^${fixed.join(".*")}$`, "su"));
  }
}
