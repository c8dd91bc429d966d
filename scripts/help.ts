/** What the commands share that know no --help of their own. */

/** Runs a command with the arguments of this process; asked for help, it prints its usage and has succeeded. Returns the exit code. */
export async function runCommand(
  main: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  const args = process.argv.slice(2);
  if (!args.includes("--help") && !args.includes("-h")) return main(args);
  // To what it does not know a command answers with its usage, as to a mistake: on stderr, and with 2.
  process.stderr.write = process.stdout.write.bind(process.stdout);
  await main(["--help"]);
  return 0;
}
