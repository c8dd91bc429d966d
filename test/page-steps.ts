/**
 * The blocks of a page, as commands with what they have to print. In that `…` stands for anything; a line of just `…` for
 * any lines.
 */

/** What is typed at once. */
export interface Step {
  readonly commands: string;
  /** What it has to print; null when that is not said. */
  readonly expected: readonly string[] | null;
  /** Whose machine it is typed into, when the page has several: what follows `root`. */
  readonly on: string | null;
}

/** The steps of the `sh` and `console` blocks for a user, or of those that are marked as root's. */
export function stepsOf(text: string, who: "user" | "root"): Step[] {
  const mark = who === "root" ? " root(?: (\\w+))?" : "()";
  const blocks = [
    ...text.matchAll(new RegExp(`^\`\`\`(sh|console)${mark}\n([\\s\\S]*?)^\`\`\`$`, "gmu")),
  ];
  return blocks.flatMap(([, language, machine = "", block = ""]): Step[] => {
    const on = machine === "" ? null : machine;
    if (language === "sh") return [{ commands: block, expected: null, on }];
    return block
      .trimEnd()
      .split(/^\$ /mu)
      .slice(1)
      .map((step) => {
        const [commands = "", ...expected] = step.trimEnd().split("\n");
        return { commands, expected, on };
      });
  });
}

/** What fits the lines that are expected, and nothing else. */
export function pattern(expected: readonly string[]): RegExp {
  const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/gu, String.raw`\$&`);
  const lines = expected.map((line) =>
    line === "…" ? String.raw`[\s\S]*` : line.split("…").map(escaped).join(".*"),
  );
  return new RegExp(`^${lines.join(String.raw`\n`)}$`, "u");
}
