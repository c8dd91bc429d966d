/** The command line of an example: options that all have, help, and errors that say what is wrong and what would be right. */
import { Command, InvalidArgumentError } from "commander";

export { Command } from "commander";

/** What every example takes. */
export interface CommonOptions {
  readonly seed: string;
}

/** A command with `--seed`; the program adds options of its own. */
export function command(name: string, description: string): Command {
  return new Command(`pnpm example ${name}`)
    .description(description)
    .option("--seed <text>", "everything random is drawn from it", "1")
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .configureHelp({ helpWidth: 80 });
}

/** Parses an option's value as a number of at least `least`. */
export function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value) && value >= least) return value;
    throw new InvalidArgumentError(`It should be a number of at least ${least}.`);
  };
}

/** Parses an option's value as a whole number from `least` to `most`, both included. */
export function between(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It should be a whole number from ${least} to ${most}.`);
  };
}

/**
 * Runs a program until it is done, or until Ctrl-C, which aborts the signal that it gets: then it should print what it has and
 * return. The signal is aborted too when nobody reads what it prints any more, as behind `| head`.
 */
export async function run(
  program: Command,
  act: (
    options: CommonOptions & Record<string, unknown>,
    signal: AbortSignal,
  ) => Promise<void> | void,
): Promise<void> {
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once("SIGINT", interrupt);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    interrupt();
  });
  try {
    program.parse();
    await act(program.opts(), abort.signal);
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
}
