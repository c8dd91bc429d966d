/**
 * What people can type: any WebSocket client can look into a room. A command is a text frame that begins with a slash;
 * the answer is plain text. Programs use JSON messages, and are never sent any of this unless they type a command.
 */

/** What a command can do to the session that typed it. */
export interface CommandContext {
  /** Moves the session into a room as a person; answers by itself. */
  join(room: string): void;
  /** Leaves the room; false when there was none. */
  leave(): boolean;
  /** Who is in the room; null when there is none. */
  who(): string | null;
  reply(text: string): void;
}

interface Command {
  readonly name: string;
  readonly argument: string;
  readonly what: string;
  readonly run: (context: CommandContext, argument: string) => void;
}

const COMMANDS: readonly Command[] = [
  {
    name: "join",
    argument: "ROOM",
    what: "look into a room: you are told of changes as they arrive",
    run(context, room) {
      if (room === "")
        context.reply("error: /join needs the name of a room, for example: /join main");
      else context.join(room);
    },
  },
  {
    name: "who",
    argument: "",
    what: "who is in this room",
    run(context) {
      context.reply(context.who() ?? "error: you are in no room yet; type /join ROOM first");
    },
  },
  {
    name: "leave",
    argument: "",
    what: "leave the room",
    run(context) {
      context.reply(context.leave() ? "you left the room" : "error: you are in no room");
    },
  },
  {
    name: "help",
    argument: "",
    what: "this text",
    run(context) {
      context.reply(HELP);
    },
  },
];

const HELP = [
  "commands:",
  ...COMMANDS.map(({ name, argument, what }) => `  ${`/${name} ${argument}`.padEnd(12)} ${what}`),
  'programs join with {"type":"join","room":"main"} and then speak the sync protocol',
].join("\n");

/** What to answer to text that is neither a command nor JSON. */
export const NOT_A_COMMAND = "error: this is neither a command nor a message; type /help";

/** True for text that is meant as a command. */
export function isCommand(text: string): boolean {
  return text.startsWith("/");
}

/** Runs the command in a text frame; an unknown one is answered by the nearest known one. */
export function runCommand(text: string, context: CommandContext): void {
  const [, typed = "", argument = ""] = /^\/(\S*)\s*([^]*)$/u.exec(text) ?? [];
  const command = COMMANDS.find(({ name }) => name === typed);
  if (command !== undefined) {
    command.run(context, argument.trim());
    return;
  }
  const nearest = COMMANDS.find(({ name }) => distance(name, typed.slice(0, 16)) <= 2);
  const hint = nearest === undefined ? "type /help" : `did you mean /${nearest.name}?`;
  context.reply(`error: unknown command ${JSON.stringify(`/${typed.slice(0, 32)}`)}; ${hint}`);
}

/** Edits (insert, delete, replace) between two short words: Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
