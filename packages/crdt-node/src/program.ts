/**
 * The commands of crdt-node: names, options and help of each. What a command does is in commands/, loaded when it is
 * called, so that `crdt-node --help` loads neither a database nor the library. (bin/ answers --version by itself.)
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { CommandError, EXIT, type ExitCode, messageOf } from "./exit-codes.ts";
import type { ForksOptions } from "./commands/forks.ts";
import { complain } from "./output.ts";
import { version } from "./version.ts";

/** Seconds that `send` waits for a relay. */
const DEFAULT_TIMEOUT_S = 10;

const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 failure, 2 usage, 3 network, 4 refused, 5 damaged data,
130 interrupted. Data goes to stdout, everything else to stderr.`;

/** What every command of a node takes. */
interface RoomOption {
  readonly room?: string;
}

/** Whom a node that runs is connected to. */
interface PeerOptions {
  readonly relay?: string[] | false;
  readonly peer?: string[];
  readonly listen?: string;
  readonly maxPeers?: string;
}

/** Budgets as typed, by name. */
interface BudgetOptions {
  readonly [budget: `${string}Bytes`]: string;
}

/** Runs the command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = await buildProgram(argv, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    return reportFailure(error);
  }
}

async function buildProgram(
  argv: readonly string[],
  done: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command("crdt-node")
    .description("A node for a shared JSON document among parties who do not trust each other.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand(false) // its own takes what is no command for a wish to see all of them
    .configureHelp({ helpWidth: 80, subcommandTerm: termOf })
    .configureOutput({ outputError: writeUsageError })
    .exitOverride()
    .showSuggestionAfterError(true)
    .addHelpText("after", programExamples());

  const command = (name: string, summary: string, examples: readonly string[]): Command =>
    program
      .command(name)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .argument("<name>", "the node's name")
      .configureHelp({ helpWidth: 80 })
      .addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);

  command("init", "make a node: its key, its settings, its store", [
    "crdt-node init alice",
    "crdt-node init alice --room cafe --relay wss://relay.example/websocket",
  ])
    .addOption(roomOption())
    .addOption(relayOption())
    .action(async (name: string, options: RoomOption & { relay?: string[] }) => {
      done((await import("./commands/init.ts")).init(name, options));
    });

  const run = command("run", "read transactions from stdin, show all as they arrive", [
    "crdt-node run alice",
    'echo "alice -> bob 10 lunch" | crdt-node run alice --json',
    "crdt-node run alice --relay ws://10.0.0.1:8080 --relay ws://10.0.0.2:8080",
    "crdt-node run alice --listen 9001",
    "crdt-node run bob --peer ws://127.0.0.1:9001",
  ])
    .addOption(relayOption())
    .addOption(noRelayOption())
    .addOption(peerOption())
    .addOption(
      new Option(
        "--listen <address>",
        "let other nodes connect: PORT of this machine only, or HOST:PORT",
      ),
    )
    .addOption(new Option("--max-peers <N>", "connections from other nodes at once (default: 64)"))
    .addOption(roomOption())
    .addOption(jsonOption("one JSON object per line on stdout"))
    .addHelpText("after", transactionForms())
    .action(
      async (
        name: string,
        options: RoomOption & PeerOptions & { json?: boolean } & BudgetOptions,
      ) => {
        const { relay, peer, listen, maxPeers, room, json, ...budgets } = options;
        const where = {
          ...(relay !== undefined && { relay }),
          ...(peer && { peer }),
          ...(listen !== undefined && { listen }),
          ...(maxPeers !== undefined && { maxPeers }),
          ...(room !== undefined && { room }),
        };
        const shown = { ...where, ...(json !== undefined && { json }) };
        done(await (await import("./commands/run.ts")).run(name, { ...shown, budgets }));
      },
    );
  // The library says what the budgets are by default, so it is loaded for them: not when another command is called.
  if (argv.includes("run")) for (const option of await budgetOptions()) run.addOption(option);

  command("send", "sign transactions, wait until a relay or peer has them", [
    'crdt-node send alice "alice -> bob 10 lunch"',
    'crdt-node send alice "alice -> bob 10" "alice -> carol 2.50 tea"',
    "crdt-node send alice < transactions.txt",
  ])
    .argument("[text...]", "one transaction each, in quotes; without any, each line of stdin")
    .addOption(relayOption())
    .addOption(noRelayOption())
    .addOption(peerOption())
    .addOption(roomOption())
    .addOption(
      new Option("--timeout <seconds>", "how long to wait for a relay or peer")
        .argParser(parseSeconds)
        .default(DEFAULT_TIMEOUT_S),
    )
    .addOption(jsonOption("one JSON object on stdout"))
    .addHelpText("after", transactionForms())
    .action(
      async (
        name: string,
        texts: string[],
        options: RoomOption &
          Pick<PeerOptions, "relay" | "peer"> & { json?: boolean; timeout: number },
      ) => {
        done(await (await import("./commands/send.ts")).send(name, texts, options));
      },
    );

  command("view", "show the document", [
    "crdt-node view alice",
    "crdt-node view alice --json | jq .transactions[0]",
  ])
    .addOption(roomOption())
    .addOption(jsonOption("the RFC 8785 JSON of the view, on one line").conflicts("digest"))
    .option("--digest", "only the SHA-256 of that JSON, in hex")
    .action(async (name: string, options: RoomOption & { json?: boolean; digest?: boolean }) => {
      done(await (await import("./commands/view.ts")).view(name, options));
    });

  command("log", "show the history, in causal order", [
    "crdt-node log alice",
    "crdt-node log alice --json | tail -1",
  ])
    .addOption(roomOption())
    .addOption(jsonOption("one JSON object per change and line"))
    .action(async (name: string, options: RoomOption & { json?: boolean }) => {
      done(await (await import("./commands/log.ts")).log(name, options));
    });

  command("status", "show key, room, relays, peers and faults", [
    "crdt-node status alice",
    "crdt-node status alice --json",
  ])
    .addOption(roomOption())
    .addOption(jsonOption("one JSON object"))
    .action(async (name: string, options: RoomOption & { json?: boolean }) => {
      done(await (await import("./commands/status.ts")).status(name, options));
    });

  command("forks", "show who equivocated, write a proof to a file", [
    "crdt-node forks alice",
    "crdt-node forks alice --of be715c3e --proof liar.proof",
  ])
    .addOption(roomOption())
    .option("--proof <file>", "write one proof to a new file, or to - for stdout")
    .option("--of <hex>", "only that author, or change: the first digits will do")
    .addOption(jsonOption("one JSON object per fork and line, with the proof in it"))
    .action(async (name: string, options: ForksOptions) => {
      done(await (await import("./commands/forks.ts")).forks(name, options));
    });

  program
    .command("verify-proof")
    .summary("check a proof of equivocation, with no node")
    .description("Check a proof of equivocation, with no node.")
    .argument("<file>", "a file made by forks --proof, or - for stdin")
    .configureHelp({ helpWidth: 80 })
    .option("--room <room>", "refuse it unless it is about this room's document")
    .addOption(jsonOption("one JSON object"))
    .addHelpText("after", verifyProofExamples())
    .action(async (file: string, options: RoomOption & { json?: boolean }) => {
      done((await import("./commands/verify-proof.ts")).verifyProof(file, options));
    });

  command("verify", "re-check every hash, link and signature stored", [
    "crdt-node verify alice",
    "crdt-node verify alice --json",
  ])
    .addOption(roomOption())
    .addOption(jsonOption("one JSON object"))
    .action(async (name: string, options: RoomOption & { json?: boolean }) => {
      done(await (await import("./commands/verify.ts")).verify(name, options));
    });

  command("export", "write the whole signed history to a file", [
    "crdt-node export alice alice.changes",
    "crdt-node export alice - | ssh far crdt-node import bob -",
  ])
    .argument("<file>", "a new file, or - for stdout")
    .addOption(roomOption())
    .action(async (name: string, file: string, options: RoomOption) => {
      done(await (await import("./commands/export.ts")).exportFile(name, file, options));
    });

  command("import", "verify an exported file and take it in", [
    "crdt-node import bob alice.changes",
    "crdt-node import bob - < alice.changes",
  ])
    .argument("<file>", "a file made by export, or - for stdin")
    .addOption(roomOption())
    .addOption(jsonOption("one JSON object"))
    .action(async (name: string, file: string, options: RoomOption & { json?: boolean }) => {
      done(await (await import("./commands/import.ts")).importFile(name, file, options));
    });

  command("whoami", "print the node's public key", ["crdt-node whoami alice"])
    .addOption(jsonOption("one JSON object"))
    .action(async (name: string, options: { json?: boolean }) => {
      done((await import("./commands/whoami.ts")).whoami(name, options));
    });

  command("dag", "draw how the changes build on each other", [
    "crdt-node dag alice | dot -Tsvg > dag.svg",
    "crdt-node dag alice --format mermaid",
  ])
    .addOption(roomOption())
    .addOption(
      new Option("--format <format>", "what to print")
        .choices(["dot", "mermaid", "json"])
        .default("dot"),
    )
    .action(async (name: string, options: RoomOption & { format: "dot" | "mermaid" | "json" }) => {
      done(await (await import("./commands/dag.ts")).dag(name, options));
    });

  program
    .command("help")
    .summary("show help, of all or of one command")
    .description("Show help, of all or of one command.")
    .argument("[command]", "the command's name")
    .configureHelp({ helpWidth: 80 })
    .addHelpText("after", "\nExamples:\n  crdt-node help\n  crdt-node help send")
    .action((name: string | undefined) => {
      const found =
        name === undefined ? program : program.commands.find((each) => each.name() === name);
      if (found === undefined) program.error(`error: unknown command '${name}'`);
      else found.help();
    });

  return program;
}

/** A command with its arguments; that there are options goes without saying. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(" ");
}

function roomOption(): Option {
  return new Option(
    "--room <room>",
    "the room, which names the document (default: as in config.toml)",
  );
}

function relayOption(): Option {
  return new Option("--relay <url>", "a relay to connect to; may be given several times").argParser(
    listed,
  );
}

function noRelayOption(): Option {
  return new Option("--no-relay", "use no relay, whatever config.toml says");
}

function peerOption(): Option {
  return new Option(
    "--peer <url>",
    "another node to connect to; may be given several times",
  ).argParser(listed);
}

/** The value of an option that may be given several times. */
function listed(url: string, urls: string[] | false | undefined): string[] {
  return [...(urls || []), url];
}

async function budgetOptions(): Promise<Option[]> {
  const { BUDGET_NAMES, BUDGETS, flagOf } = await import("./limits.ts");
  return BUDGET_NAMES.map((name) => {
    const { help, standard } = BUDGETS[name];
    return new Option(`--${flagOf(name)} <N>`, `${help} (default: ${standard})`).helpGroup(
      "Bounds of what is held in memory, in bytes (also SIDE_… and config.toml):",
    );
  });
}

function jsonOption(what: string): Option {
  return new Option("--json", what);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= 0 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError("It must be a number of seconds from 0 to 86400.");
}

function programExamples(): string {
  return `
Examples:
  crdt-node init alice                          make a node
  crdt-node run alice                           type transactions, see others'
  crdt-node send alice "alice -> bob 10 lunch"  from a script
  crdt-node view alice                          what the document says now

State is kept in ~/.side/NAME (SIDE_HOME overrides ~/.side). Settings: flags,
then SIDE_RELAY, SIDE_PEER, SIDE_LISTEN and SIDE_ROOM, then NAME/config.toml,
then defaults.
${EXIT_CODES_HELP}`;
}

function verifyProofExamples(): string {
  return `
Examples:
  crdt-node verify-proof liar.proof
  crdt-node verify-proof liar.proof --room main --json

The proof holds two changes that one key signed with one number of one chain.
Its bytes are all that is needed; nobody has to be trusted or asked.

Exit codes: 0 proven, 1 cannot be read, 4 about another room's document,
5 proves nothing.`;
}

function transactionForms(): string {
  return `
A transaction is a line in one of these forms:
  alice -> bob 10 lunch                      from, to, amount, memo
  {"from":"alice","to":"bob","amount":10}    JSON; "memo" may be added
  any other text                             from that text to Bob, amount 1
${EXIT_CODES_HELP}`;
}

/** commander's own message ("error: unknown command 'veiw'\n(Did you mean view?)") in the form of all others. */
function writeUsageError(text: string): void {
  const what = text
    .replace(/^error: /u, "")
    .trimEnd()
    .replace(/\n\(Did you mean (.+)\?\)$/u, "; did you mean $1?");
  // What a shell makes of an escaped arrow outside of quotes.
  const isArrow = what.startsWith("unknown option '->");
  complain(
    new CommandError(
      EXIT.usage,
      isArrow
        ? { what: "a transaction is one argument: put it in quotes", next: QUOTED_EXAMPLE }
        : { what, next: "crdt-node --help" },
    ),
  );
}

const QUOTED_EXAMPLE = 'crdt-node send NAME "alice -> bob 10 lunch"';

/** Tells what went wrong and returns the exit code for it; never a stack trace, unless one was asked for. */
export function reportFailure(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    // commander has said it already; help and version are no failures, help for want of a command is.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof CommandError) {
    complain(error);
    return error.exitCode;
  }
  complain(
    new CommandError(EXIT.failure, {
      what: messageOf(error),
      why: "this was not foreseen, so it is a bug",
      next: "the same command with SIDE_DEBUG=1 shows where it happened",
    }),
  );
  if ((process.env["SIDE_DEBUG"] ?? "") !== "" && error instanceof Error)
    process.stderr.write(`${error.stack ?? ""}\n`);
  return EXIT.failure;
}
