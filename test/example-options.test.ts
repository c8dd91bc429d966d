/** Options of the examples, typed into the real programs; on a terminal of 80 columns, where that makes a difference. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { root } from "./page-blocks.ts";
import { programOf } from "./programs.ts";
import { blocksOf, collect, pattern, stepsOf } from "./transcript.ts";

const EXAMPLES = readdirSync(join(root, "examples")).filter((name) => {
  return name !== "demo" && existsSync(join(root, "examples", name, "main.ts"));
});

/** What an example prints into a pipe; rejects unless it ends well. */
async function printedBy(
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const program = [...programOf(`examples/${name}/main.ts`), ...args];
  const options = { cwd: root, env: { ...plainEnvironment(), ...env } };
  const { out, code } = await collect(program, options);
  expect(code).toBe(0);
  return out.join("\n");
}

/** That of the test, without a word about colours. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  return env;
}

/** Starts what follows on a terminal of 80 columns and 24 rows; a line of input is a key with Ctrl. Prints what the terminal gets. */
const TERMINAL = `
import fcntl, os, pty, select, struct, sys, termios
child, master = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    ready, _, _ = select.select([master, 0], [], [])
    if 0 in ready:
        for letter in os.read(0, 64).decode().split():
            os.write(master, bytes([ord(letter) & 31]))
    if master in ready:
        try:
            some = os.read(master, 65536)
        except OSError:
            break
        if not some:
            break
        os.write(1, some)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`;

const ESCAPE = "\u001B";
const GREEN = `${ESCAPE}[32m`;

/** An example on a terminal. */
class OnTerminal {
  printed = "";
  readonly #child: ChildProcess;
  readonly code: Promise<number | null>;

  constructor(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const program = [process.execPath, ...programOf(`examples/${name}/main.ts`), ...args];
    this.#child = spawn("python3", ["-c", TERMINAL, ...program], {
      cwd: root,
      env: { ...plainEnvironment(), TERM: "xterm", ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout!.on("data", (some: Buffer) => (this.printed += some.toString()));
    this.code = new Promise((resolve) => this.#child.once("close", resolve));
  }

  /** Waits until it has printed this; the test's own time limit ends a vain wait. */
  async until(wanted: RegExp): Promise<void> {
    while (!wanted.test(this.printed)) {
      expect(this.#child.exitCode, this.printed).toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ctrl and a letter. */
  control(letter: string): void {
    this.#child.stdin!.write(`${letter}\n`);
  }

  end(): void {
    this.#child.kill();
  }
}

let terminal: OnTerminal | null = null;

afterEach(() => {
  terminal?.end();
  terminal = null;
});

test.each(EXAMPLES)("--seed makes another run of %s, of the same kind", async (name) => {
  const readme = readFileSync(join(root, "examples", name, "README.md"), "utf8");
  const [step] = blocksOf(readme, "console").flatMap(stepsOf);
  const fast = name === "oracle-demo" ? ["--fast"] : [];
  const of = (...args: readonly string[]): Promise<string> =>
    printedBy(name, [...fast, ...args], { NO_COLOR: "1" });
  const printed = await of("--seed", "2");
  // With the seed that it has by default it prints what its README shows (test/transcripts.test.ts), up to what is left out there.
  const looksTheSame = pattern(step!.expected, true).test(printed);
  if (looksTheSame) expect(printed).not.toBe(await of());
  const titles = (text: string): string[] => text.match(/^[A-Z].*$/gmu) ?? [];
  expect(titles(printed)[0]).toBe(titles(step!.expected.join("\n"))[0]);
});

test("--duration says for how long oracle-network simulates", async () => {
  const asked = async (seconds: number): Promise<number> => {
    const printed = await printedBy("oracle-network", ["--duration", String(seconds)]);
    return Number(/asked for a price (\d+) times/u.exec(printed)?.[1]);
  };
  expect(await asked(40)).toBe(80);
});

describe("oracle-demo at the pace of the clock", () => {
  test("draws one table again and again on a terminal, in colours; Ctrl-C ends it with the statistics so far", async () => {
    terminal = new OnTerminal("oracle-demo", ["--duration", "600"]);
    await terminal.until(/market[^]*market[^]*market/u);
    terminal.control("C");
    expect(await terminal.code).toBe(0);
    const { printed } = terminal;
    // The cursor is hidden, goes back to where the table began, and is there again in the end.
    const [hide, show] = [printed.indexOf(`${ESCAPE}[?25l`), printed.lastIndexOf(`${ESCAPE}[?25h`)];
    expect(hide).toBeGreaterThan(-1);
    expect(printed.slice(hide, show)).toMatch(new RegExp(`${ESCAPE}\\[\\d+(?:A|F)`, "u"));
    const after = printed.slice(show);
    expect(after).toContain(GREEN);
    expect(stripVTControlCharacters(after)).toMatch(
      /Stopped; what there is so far:[^]*\battested\b[^]*show the same/u,
    );
    for (const line of stripVTControlCharacters(printed).split(/[\r\n]+/u)) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  test("ends by itself after --duration seconds with the numbers of --fast, without colours where NO_COLOR says so", async () => {
    const start = performance.now();
    terminal = new OnTerminal("oracle-demo", ["--duration", "2"], { NO_COLOR: "1" });
    expect(await terminal.code).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(1_990);
    expect(terminal.printed).toMatch(/After 2\.0 s, and once all have met/u);
    expect(terminal.printed).not.toContain(`${ESCAPE}[3`);
    // The same numbers as in virtual time.
    const statistics = (text: string): string => text.replaceAll("\r", "").split("\nAfter ")[1]!;
    const fast = await printedBy("oracle-demo", ["--fast", "--duration", "2"]);
    expect(statistics(terminal.printed).trimEnd()).toBe(statistics(fast));
  });

  test("prints lines into a pipe, without control characters unless FORCE_COLOR asks for colours", async () => {
    const printed = await printedBy("oracle-demo", ["--duration", "1"]);
    expect(printed).toMatch(/After 1\.0 s, and once all have met/u);
    expect(printed).not.toContain(ESCAPE);
    const coloured = await printedBy("oracle-demo", ["--fast", "--duration", "1"], {
      FORCE_COLOR: "1",
    });
    expect(coloured).toContain(GREEN);
    expect(coloured).not.toContain(`${ESCAPE}[?25l`);
  });
});
