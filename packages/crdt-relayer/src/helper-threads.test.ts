import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { platform } from "node:os";
import fc from "fast-check";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { inOrder } from "./helper-threads.ts";

/** The module as JavaScript: what compiles it as it is loaded has threads of its own, which work, too. */
const { outputText: code } = ts.transpileModule(
  readFileSync(new URL("helper-threads.ts", import.meta.url), "utf8"),
  { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } },
);

/**
 * Has V8's threads yield, then makes garbage without any input or output until the collector has had help. Prints how many
 * threads yield, the priority of the main one, and those of the others which have worked meanwhile.
 */
const CHILD = `
  import { existsSync, readdirSync, readFileSync } from "node:fs";
  import { yieldHelperThreads } from ${JSON.stringify(`data:text/javascript,${encodeURIComponent(code)}`)};
  const yielding = yieldHelperThreads();
  const tasks = "/proc/self/task";
  const threads = existsSync(tasks) ? readdirSync(tasks) : [];
  const worked = (thread) => Number(readFileSync(\`\${tasks}/\${thread}/schedstat\`, "utf8").split(" ")[0]);
  const nice = (thread) => {
    const stat = readFileSync(\`\${tasks}/\${thread}/stat\`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
  };
  const before = new Map(threads.map((thread) => [thread, worked(thread)]));
  const gained = (thread) => worked(thread) - before.get(thread);
  const others = threads.filter((thread) => thread !== String(process.pid));
  let kept = [];
  for (let round = 0; round < 1_000 && others.every((thread) => gained(thread) < 30e6); round++) {
    kept = kept.slice(kept.length / 2);
    for (let i = 0; i < 100_000; i++) kept.push({ i, next: kept.at(-1)?.i });
  }
  const working = others.filter((thread) => gained(thread) > 15e6).map(nice);
  console.log(JSON.stringify({ yielding, main: threads.length > 0 ? nice(process.pid) : 0, working }));
`;

interface Said {
  readonly yielding: number;
  readonly main: number;
  readonly working: readonly number[];
}

function said(...flags: readonly string[]): Said {
  const args = [...flags, "--input-type=module", "--eval", CHILD];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Said;
}

describe("V8's threads", () => {
  it("yield to the main thread on Linux: those that help the collector, and no others", () => {
    const { yielding, main, working } = said();
    expect(main).toBe(0);
    if (platform() === "linux") {
      expect(yielding).toBe(4);
      expect(working.length).toBeGreaterThan(0);
    } else {
      expect(yielding).toBe(0);
    }
    expect(new Set(working)).toEqual(new Set(platform() === "linux" ? [10] : []));
  });

  it("are told by when they began, also where the numbers of processes begin anew among them", () => {
    const MOST = 1_000;
    const first = fc.integer({ min: 300, max: MOST });
    const gaps = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 });
    fc.assert(
      fc.property(first, gaps, (pid, apart) => {
        let last = pid;
        const begun = [pid, ...apart.map((gap) => (last = ((last + gap - 1) % MOST) + 1))];
        expect(
          inOrder(
            begun.toSorted((a, b) => a - b),
            pid,
          ),
        ).toEqual(begun);
      }),
    );
  });

  it("are left alone where somebody has chosen how many there are and they have no names", () => {
    const { yielding, main } = said("--v8-pool-size=2");
    expect(main).toBe(0);
    // Since Node 22 they can be told from others all the same.
    const hasNames = Number(process.versions.node.split(".")[0]) >= 22;
    expect(yielding).toBe(hasNames && platform() === "linux" ? 2 : 0);
  });
});
