/**
 * The command `crdt-relayer`: reads the settings, runs a relay until a signal comes, and says what went wrong. Its
 * subcommands print the settings and examine the store; all of them take the same options.
 */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { styleText } from "node:util";
import { Command, CommanderError, Option } from "commander";
import type { Logger } from "pino";
import { EXIT, type ExitCode, messageOf, RelayError, systemCode } from "./exit-codes.ts";
import { yieldHelperThreads } from "./helper-threads.ts";
import { guess } from "./nearest.ts";
import type { Relay } from "./relay.ts";
import {
  flagOf,
  type Located,
  locateSettings,
  type Setting,
  SETTING_NAMES,
  SETTINGS,
  type Settings,
  standardConfig,
  textOf,
  variableOf,
} from "./settings.ts";

const EXAMPLES = `
Examples:
  crdt-relayer                                 keeps rooms in ~/.side/relayer
  crdt-relayer --port 9000 --data /srv/rooms   another port, another folder
  crdt-relayer --data :memory: --port 0        keeps nothing, takes a free port
  npx wscat -c ws://127.0.0.1:8080/websocket   looks in; then type /help
  crdt-relayer config > relayer.toml           every setting, as a config file
  crdt-relayer doctor --data /srv/rooms        checks all that is stored there

Each option is also a variable (${variableOf("maxRooms")}=500) and a line of the
config file (max-rooms = 500). Options win over variables, those over the file.
SIGHUP reads them again; SIGTERM sends everyone away and stops, and so does
closing the terminal that it was started in.

Exit codes: 0 stopped, 1 failure, 2 usage, 4 the data folder is in use,
5 the store is damaged, 130 interrupted twice.`;

const DOCTOR_HELP = `
Takes --data, --config and the variables of crdt-relayer. No relayer may use the
folder meanwhile. Repaired, the relay starts again, and nodes bring back what is
missing when they connect.

Exit codes: 0 sound or repaired, 4 a relayer uses the folder, 5 damaged.`;

process.exitCode = await main();

async function main(): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  process.stdout.on("error", leaveUnread);
  const program = commandLine();
  const located = (): Located => {
    const flags = program.opts<{ readonly [name: string]: string | undefined }>();
    return locateSettings(flags, flags["config"], process.env);
  };
  program.action(() => {
    const [stranger] = program.args;
    if (stranger !== undefined) throw unknownCommand(stranger, program);
    return run(() => located().settings);
  });
  program
    .command("config")
    .allowExcessArguments(false)
    .description("print every setting and where it comes from, as a config file")
    .option("--json", "print JSON")
    .action(async ({ json }: { readonly json?: boolean }) => {
      const { configJson, configText } = await import("./config-command.ts");
      process.stdout.write(json === true ? configJson(located()) : configText(located()));
    });
  program
    .command("doctor")
    .allowExcessArguments(false)
    .description("check every hash, link and signature in the store")
    .option("--repair", "set aside what is damaged; nothing is deleted")
    .option("--json", "print JSON")
    .addHelpText("after", DOCTOR_HELP)
    .action(async (flags: { readonly repair?: boolean; readonly json?: boolean }) => {
      const { runDoctor } = await import("./doctor-command.ts");
      code = await runDoctor(located().settings.data, flags);
    });
  try {
    await program.parseAsync();
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof RelayError)) throw error;
    complain(error);
    return error.exitCode;
  }
}

async function run(load: () => Settings): Promise<void> {
  const settings = load();
  // Imported late: --help and mistakes need none of it.
  const [{ createRelay }, { openLog }] = await Promise.all([
    import("./relay.ts"),
    import("./log.ts"),
  ]);
  const log = openLog(settings.logLevel);
  yieldHelperThreads();
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  const isTerminalClosed = (): boolean => !terminals.every((descriptor) => isatty(descriptor));
  let hangUp: (signal: NodeJS.Signals) => void = () => undefined;
  const signal = Promise.race([
    firstSignal(),
    new Promise<NodeJS.Signals>((resolve) => (hangUp = resolve)),
  ]);
  const starting = createRelay(settings, { logger: log });
  process.on("SIGHUP", () => {
    // A closed terminal sends it, too; to be there for nobody to see is not what was asked for then.
    if (isTerminalClosed()) {
      hangUp("SIGHUP");
      return;
    }
    starting.then(
      (relay) => {
        reload(relay, load, log);
      },
      () => {
        // It does not start at all, and says why below.
      },
    );
  });
  const relay = await starting;
  process.stdout.off("error", leaveUnread);
  process.stdout.on("error", () => {
    // Whoever started it may have stopped reading; the relay goes on.
  });
  process.stderr.on("error", () => {
    // The terminal may be closed; the relay still stops in order.
  });
  process.stdout.write(`listening ${relay.url}\n`);
  log.info({ data: settings.data, pid: process.pid }, "started");
  const end = await Promise.race([signal, relay.failed]);
  if (end instanceof RelayError) throw end;
  log.info({ signal: end, ...relay.status() }, "stopping");
  await relay.close();
  log.info("stopped; everything received is stored");
  if (isTerminalClosed()) endByHangup();
}

/** For a process whose terminal is closed: Node 20 cannot set that as it was, and aborts when it ends in the usual way. */
function endByHangup(): void {
  process.removeAllListeners("SIGHUP");
  process.kill(process.pid, "SIGHUP");
}

/**
 * Nobody reads what it says any more (`crdt-relayer --help | head -1`): it ends quietly, as every Unix tool does. What cannot
 * be written for another reason is not there, and whoever asked for it is told.
 */
function leaveUnread(error: Error): void {
  const code = systemCode(error);
  if (code === "EPIPE" || code === "EIO") process.exit(EXIT.ok);
  complain(
    new RelayError(EXIT.failure, {
      what: "cannot write what was asked for",
      why: error.message,
      next: code === "ENOSPC" ? "df -h" : undefined,
    }),
  );
  process.exit(EXIT.failure);
}

/** Reads the settings again and says what became of them; when they are wrong, everything stays as it is. */
function reload(relay: Relay, load: () => Settings, log: Logger): void {
  try {
    const { changed, needRestart } = relay.reload(load());
    log.info({ changed: changed.map(flagOf) }, "settings reloaded");
    if (needRestart.length > 0)
      log.warn({ settings: needRestart.map(flagOf) }, "these settings change with a restart only");
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    const { message, why } = error;
    log.error({ reason: message, why }, "the settings are wrong; nothing was changed");
  }
}

/** Resolves with the first signal; a second one ends the process at once. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isSecond = false;
    const take = (signal: NodeJS.Signals): void => {
      if (isSecond) process.exit(EXIT.interrupted);
      isSecond = true;
      resolve(signal);
    };
    process.on("SIGINT", take);
    process.on("SIGTERM", take);
  });
}

function commandLine(): Command {
  const { version } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  ) as {
    readonly version: string;
  };
  const program = new Command("crdt-relayer")
    .description(
      "Stores signed changes and passes them on to everyone in a room. It cannot forge any.",
    )
    .usage("[command] [options]")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(true)
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 80, 100) })
    .configureOutput({
      outputError: (text, write) => {
        write(
          text
            .replace(/^error:/u, styleText("red", "crdt-relayer:", { stream: process.stderr }))
            .replace(/\n\(Did you mean (.+)\?\)/u, "; did you mean $1?"),
        );
      },
    })
    .showHelpAfterError("  next: crdt-relayer --help")
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  for (const name of SETTING_NAMES) program.addOption(optionOf(name));
  return program.addOption(
    new Option(
      "--config <FILE>",
      `read settings from a TOML file (default: ${shortened(standardConfig(process.env))}, if there)`,
    ),
  );
}

function unknownCommand(typed: string, { commands }: Command): RelayError {
  const names = commands.map((command) => command.name());
  return new RelayError(EXIT.usage, {
    what: `unknown command ${JSON.stringify(typed)}${guess(typed, names)}`,
    why: `the commands are ${names.join(" and ")}`,
    next: "crdt-relayer --help",
  });
}

function optionOf(name: keyof Settings): Option {
  const setting: Setting = SETTINGS[name];
  const { placeholder, help, standard, isBound, isSwitch, isRepeatable } = setting;
  const shown = shortened(textOf(standard(process.env))) || "none";
  const value = isSwitch === true ? `[${placeholder}]` : `<${placeholder}>`;
  const option = new Option(`--${flagOf(name)} ${value}`, `${help} (default: ${shown})`);
  if (isSwitch === true) option.preset("true");
  if (isRepeatable === true)
    option.argParser((next: string, before: string | undefined) =>
      before === undefined ? next : `${before};${next}`,
    );
  return isBound ? option.helpGroup("Bounds:") : option;
}

/** A path in the home folder as people write it. */
function shortened(path: string): string {
  const home = process.env["HOME"] ?? "";
  return home !== "" && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

function complain(error: RelayError): void {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    styleText(style, text, { stream: process.stderr });
  const lines = [`${paint("red", "crdt-relayer:")} ${messageOf(error)}`];
  if (error.why !== undefined) lines.push(`  why:  ${error.why}`);
  if (error.next !== undefined) lines.push(`  next: ${paint("bold", error.next)}`);
  process.stderr.write(`${lines.join("\n")}\n`);
}
