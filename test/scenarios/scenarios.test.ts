/** `pnpm scenarios` runs what it says, ends when it says, and what it finds can be found again. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { root, runNode } from "../../scripts/tools.js";
import { Campaign } from "./campaign.ts";
import type { Settings } from "./campaign.ts";
import { main, readSettings, repeating, summaryOf } from "./command.ts";
import { programIn, programs as programsThere } from "./programs.ts";

const sample = programIn("test/scenarios", "sample");
const [HOLDS, BREAKS] = [
  "a sample (of two) holds",
  "a sample (of two) holds, or isn't so for large numbers",
];
const settings: Settings = {
  programs: [sample],
  ...{ runs: null, milliseconds: null, seed: 1, only: null, path: null, jobs: 1 },
};

async function campaign(changed: Partial<Settings>, signal = new AbortController().signal) {
  const campaign = new Campaign({ ...settings, ...changed });
  await campaign.run(signal);
  return campaign;
}

describe("the campaign", () => {
  afterEach(() => {
    delete process.env["BROKEN_SAMPLE"];
  });

  it("makes so many runs of each property, in one round", async () => {
    const { scores, failures, breakages, rounds } = await campaign({ runs: 30 });
    expect(scores.get("sample")).toEqual({
      passed: 60,
      failed: 0,
      tests: new Set([HOLDS, BREAKS]),
    });
    expect([failures, breakages, rounds]).toEqual([[], [], 1]);
  });

  it("goes from round to round until the time is up", async () => {
    const begun = await campaign({ milliseconds: 4_000 });
    expect(begun.rounds).toBeGreaterThan(0);
    expect(begun.failures).toEqual([]);
    expect(begun.breakages).toEqual([]);
  });

  it("ends when it is told to, with what it has", async () => {
    const abort = new AbortController();
    const running = new Campaign({ ...settings, milliseconds: 600_000 });
    const ended = running.run(abort.signal);
    while (running.counts.passed === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    abort.abort();
    await ended;
    expect(running.scores.get("sample")!.passed).toBe(running.counts.passed);
    expect(running.counts.passed).toBeGreaterThan(0);
    expect(running.breakages).toEqual([]);
    expect(summaryOf(running, settings, 1, true)).toMatch(/ s, seeds? 1.* \(interrupted\)\n/u);
  });

  it("says which run failed, and how to have it again, smaller", async () => {
    process.env["BROKEN_SAMPLE"] = "property";
    const found = await campaign({ runs: 500, seed: 5 });
    const [failure] = found.failures;
    expect(failure).toMatchObject({ program: "sample", test: BREAKS, seed: 5 });
    const score = found.scores.get("sample")!;
    expect(score.failed).toBe(1);
    // All of the one, and of the other those before the one that failed.
    expect(score.passed).toBe(500 + Number(failure!.path));
    const told = summaryOf(found, { ...settings, seed: 5 }, 1, false);
    expect(told).toContain(`FAILED sample: ${BREAKS}\n  ${repeating(failure!)}\n`);
    expect(told).toMatch(/\n\d+ passed, 1 failed\n$/u);

    const { seed, path } = failure!;
    const again = await campaign({ runs: 1, only: BREAKS, seed, path });
    expect(again.failures).toHaveLength(1);
    expect(again.failures[0]!.error).toContain("Counterexample: [801]");
  });

  it.each(["file", "test"])(
    "calls it broken where no run of a property failed, but a %s",
    async (what) => {
      process.env["BROKEN_SAMPLE"] = what;
      const { failures, breakages } = await campaign({ runs: 1 });
      expect(failures).toEqual([]);
      expect(breakages.map(({ program }) => program)).toEqual(["sample"]);
      expect(breakages[0]!.output).toContain("sample.test.ts");
    },
  );

  it("says of whom there was no run", async () => {
    const ended = new AbortController();
    ended.abort();
    const none = await campaign({ milliseconds: 1_000 }, ended.signal);
    expect(summaryOf(none, settings, 0, true)).toContain("no run of: sample\n");
  });
});

describe("the command line", () => {
  const programs = programsThere();

  it("knows every property of the examples, and those of commit-reveal", () => {
    expect(programs.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["commit-reveal", "kit", "order-book"]),
    );
    for (const { name, folder } of programs) {
      const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(".test.ts"));
      for (const file of files) {
        const text = readFileSync(join(root, folder, file), "utf8");
        const asserted = text.match(/\bfc\.assert\(/gu) ?? [];
        expect(text.match(/\bruns\(\d+\)/gu) ?? [], `${name}/${file}`).toHaveLength(
          asserted.length,
        );
      }
    }
  });

  it.each([
    [["--runs", "3", "kit"], { runs: 3, milliseconds: null, seed: 1, only: null, path: null }],
    [["--minutes", "0.5", "--seed", "7", "kit"], { runs: null, milliseconds: 30_000, seed: 7 }],
    [["--jobs", "2", "kit"], { runs: null, milliseconds: 60_000, jobs: 2 }],
    [
      ["kit", "--only", "a", "--seed", "7", "--path", "3:1"],
      { runs: 1, milliseconds: null, path: "3:1" },
    ],
  ])("reads %j", (args, expected) => {
    const read = readSettings(args, programs);
    expect(read).toMatchObject(expected);
    expect((read as Settings).programs.map(({ name }) => name)).toEqual(["kit"]);
  });

  it.each([
    [["--runs", "0"], '--runs takes a whole number above 0, not "0"'],
    [["--minutes", "0"], '--minutes takes a number above 0, not "0"'],
    [["--minutes", "1", "--runs", "1"], "--minutes and --runs do not go together"],
    [["--seed", "-"], '--seed takes a whole number, not "-"'],
    [["--jobs", "0"], '--jobs takes a number from 1 to 256, not "0"'],
    [["--path", "x"], '--path takes numbers with ":" between them, not "x"'],
    [
      ["--path", "1", "kit"],
      "--path needs the program's name and --only, as printed for the failure",
    ],
    [["kitt"], 'no program "kitt" with properties'],
    [["--rums", "1"], "Unknown option '--rums'"],
  ])("says what is wrong with %j", (args, message) => {
    const read = readSettings(args, programs);
    expect(read).toBeInstanceOf(Error);
    expect((read as Error).message).toContain(message);
  });

  it("ends with the sum, and 0 where nothing failed", async () => {
    const args = ["--import", "tsx", "scripts/scenarios.ts", "--runs", "2", "kit"];
    const { code, output } = await runNode(args, { show: false });
    const { properties } = programs.find(({ name }) => name === "kit")!;
    const runs = 2 * properties;
    expect(output.replaceAll(/ +/gu, " ")).toContain(`kit ${properties} ${runs} 0\n`);
    expect(output).toMatch(
      new RegExp(`\\n\\d+\\.\\d s, seed 1\\n${runs} passed, 0 failed\\n$`, "u"),
    );
    expect(code).toBe(0);
    expect(await main(["--runs"])).toBe(2);
  });
});
