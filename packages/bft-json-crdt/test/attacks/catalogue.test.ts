/** docs/attacks.md names no test and no strategy that does not exist, and leaves no strategy out. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const WORKSPACE = new URL("../../../../", import.meta.url);
const LIARS = new URL("../simulator/liars/", import.meta.url);

interface Row {
  readonly attack: string;
  readonly answer: string;
  readonly tests: readonly { readonly file: string; readonly name: string }[];
  readonly strategies: readonly string[];
  /** Why there is none, or "". */
  readonly reason: string;
}

const page = readFileSync(new URL("docs/attacks.md", WORKSPACE), "utf8");
const rows: Row[] = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| attack |"))
  .map((line) => {
    const [attack = "", answer = "", tests = "", strategy = ""] = line.slice(2, -2).split(" | ");
    return {
      attack,
      answer,
      tests: [...tests.matchAll(/`([^`]+)` › (.+?)(?:<br>|$)/gu)].map(([, file, name]) => ({
        file: file!,
        name: name!,
      })),
      strategies: [...strategy.matchAll(/`(\w+)`/gu)].map(([, name]) => name!),
      reason: /^none: (.+)$/u.exec(strategy)?.[1] ?? "",
    };
  });

/** The file that a row means, wherever the page says that such files are. */
function find(file: string): string | null {
  const places = [
    "packages/bft-json-crdt/test/attacks/",
    "packages/bft-json-crdt/",
    "packages/",
    "",
  ];
  const place = places.map((folder) => fileURLToPath(new URL(folder + file, WORKSPACE)));
  return place.find((path) => existsSync(path)) ?? null;
}

/** All strategies and tamperings, by the names under which liars/ exports them. */
async function strategies(): Promise<string[]> {
  const files = readdirSync(LIARS).filter((file) => !["craft.ts", "index.ts"].includes(file));
  const modules = await Promise.all(
    files.map(async (file) => (await import(new URL(file, LIARS).href)) as object),
  );
  return modules.flatMap((module) => Object.keys(module));
}

describe("docs/attacks.md", () => {
  it("says of each attack what honest replicas do, and names a strategy or why there is none", () => {
    expect(rows.length).toBeGreaterThan(80);
    expect(new Set(rows.map(({ attack }) => attack)).size).toBe(rows.length);
    const incomplete = rows.filter(
      ({ answer, strategies: named, reason }) =>
        answer === "" || (named.length === 0) === (reason === ""),
    );
    expect(incomplete).toEqual([]);
  });

  it("names tests that exist, and one at least for each attack", () => {
    const missing = rows.flatMap(({ tests }) =>
      tests.filter(({ file, name }) => {
        const path = find(file);
        return path === null || !readFileSync(path, "utf8").includes(`"${name}"`);
      }),
    );
    expect(missing).toEqual([]);
    expect(rows.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  it("names strategies that exist, and every one of them", async () => {
    const existing = await strategies();
    const named = new Set(rows.flatMap(({ strategies: names }) => names));
    expect([...named].filter((name) => !existing.includes(name))).toEqual([]);
    const others = new Set([...page.matchAll(/`(\w+)`/gu)].map(([, name]) => name!));
    expect(existing.filter((name) => !others.has(name))).toEqual([]);
  });
});
