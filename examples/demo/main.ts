/**
 * `pnpm demo`: a relayer and three nodes as real processes in a temporary home. They exchange transactions, one is cut
 * off and comes back, a dishonest author equivocates; in the end all show the same document and name the culprit.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { Cable } from "./cable.ts";
import { equivocate, sendTo } from "./liar.ts";
import { runNode, Running } from "./processes.ts";

const ROOM = "demo";
const NAMES = ["alice", "bob", "carol"] as const;
type Name = (typeof NAMES)[number];

const COLORS = {
  alice: "cyan",
  bob: "green",
  carol: "yellow",
  relayer: "gray",
  mallory: "red",
} as const;

/** The width of a terminal that nobody has widened, and where in a line stands what somebody says. */
const COLUMNS = 80;
const TEXT_COLUMN = 11;

const USAGE = `usage: pnpm demo

  It takes no options: a relayer and three nodes on this machine, in a temporary
  home, for some seconds.
`;

// pnpm passes the `--` on that separates its own options.
const args = process.argv.slice(2).filter((argument) => argument !== "--");
if (args.length > 0) {
  const isHelp = args.every((argument) => argument === "--help" || argument === "-h");
  (isHelp ? process.stdout : process.stderr).write(USAGE);
  process.exit(isHelp ? 0 : 2);
}

const home = mkdtempSync(join(tmpdir(), "crdt-demo-"));
const running: Running[] = [];
const cables: Cable[] = [];
const start = performance.now();
let isEnding = false;

process.on("SIGINT", () => void finish(130));
process.on("SIGTERM", () => void finish(143));
try {
  await play();
  await finish(0);
} catch (error) {
  // Ctrl-C ends the commands as well: that they did not come to their end is no news then.
  if (!isEnding) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    await finish(1);
  }
}

async function play(): Promise<void> {
  title("A relayer and three nodes, each a process of its own");
  const relayer = launch("relayer", ["--port", "0", "--data", join(home, "relayer")]);
  const listening = await relayer.line("listening ");
  say("relayer", listening);
  const url = listening.slice("listening ".length);
  const port = Number(new URL(url).port);
  const cable = await Cable.to(port);
  cables.push(cable);

  const nodes = {} as Record<Name, Running>;
  for (const name of NAMES) {
    const key = (await runNode(["init", name], home)).split("\n").pop()!;
    const relay = name === "carol" ? cable.url : url;
    nodes[name] = launch("node", ["run", name, "--room", ROOM, "--relay", relay]);
    await nodes[name].line("connected to");
    say(name, `made a key, joined room "${ROOM}": ${key.slice(0, 8)}…`);
  }

  title("Each types a transaction; the relay passes on what it cannot forge");
  await typed(nodes, "alice", "alice -> bob 10 lunch", NAMES);
  await typed(nodes, "bob", "bob -> carol 7", NAMES);
  await typed(
    nodes,
    "carol",
    '{"from":"carol","to":"alice","amount":2.5}',
    NAMES,
    "carol -> alice 2.5",
  );

  title("Carol's network goes away; everybody goes on typing");
  cable.cut();
  say("carol", shorten(await nodes.carol.line("offline from")));
  await typed(nodes, "carol", "carol -> bob 1 written offline", ["carol"]);
  await typed(nodes, "alice", "alice -> dave 4", ["alice", "bob"]);

  title("Carol is back: what she missed comes in, what she wrote goes out");
  cable.mend();
  say("carol", await nodes.carol.line("alice -> dave 4"));
  say("alice", await nodes.alice.line("carol -> bob 1"));
  say("bob", await nodes.bob.line("carol -> bob 1"));

  title("Mallory signs two different changes with one number: the same coin, paid twice");
  const lie = equivocate(ROOM);
  say("mallory", `key ${lie.author.slice(0, 8)}…, change 1: mallory -> alice 1000`);
  await sendTo(url, ROOM, lie.branches[0]);
  await Promise.all(NAMES.map((name) => nodes[name].line("mallory -> alice 1000")));
  say("mallory", `key ${lie.author.slice(0, 8)}…, change 1: mallory -> bob 1000`);
  await sendTo(url, ROOM, lie.branches[1]);
  for (const name of NAMES) say(name, shorten(await nodes[name].line("equivocation")));

  title("The end: three replicas, one document");
  const digests = new Set<string>();
  for (const name of NAMES) {
    const digest = await runNode(["view", name, "--digest"], home);
    digests.add(digest);
    say(name, digest);
  }
  if (digests.size !== 1) throw new Error("the digests differ");
  const { transactions } = JSON.parse(await runNode(["status", "alice", "--json"], home)) as {
    transactions: number;
  };
  const [seq] = await Promise.all(NAMES.map((name) => proven(name, lie.author)));
  print("");
  print(
    `${styleText("green", "equal")}   ${NAMES.length} digests, ${transactions} transactions on each`,
  );
  print(
    `${styleText("red", "caught")}  ${lie.author.slice(0, 16)}… signed two changes as number ${seq}; all three can prove it`,
  );
  print(`        ${((performance.now() - start) / 1_000).toFixed(1)} s in all`);
}

/** Has a node prove to whoever reads a file that an author signed two changes; with which number. */
async function proven(name: Name, author: string): Promise<number> {
  const file = join(home, `${name}.proof`);
  const told = await runNode(["forks", name, "--of", author, "--proof", file, "--json"], home);
  // It fails for anything that proves nothing.
  await runNode(["verify-proof", file], home);
  return (JSON.parse(told) as { seq: number }).seq;
}

/** Types into one node and waits until the others show it. */
async function typed(
  nodes: Record<Name, Running>,
  who: Name,
  line: string,
  seenBy: readonly Name[],
  shown = line,
): Promise<void> {
  say(who, `> ${line}`);
  nodes[who].type(line);
  for (const name of seenBy) {
    const seen = await nodes[name].line(shown);
    if (name !== who) say(name, seen);
  }
}

function launch(command: "node" | "relayer", args: readonly string[]): Running {
  const child = new Running(command, args, home);
  running.push(child);
  return child;
}

function title(text: string): void {
  print("");
  print(styleText("bold", text));
}

function say(who: keyof typeof COLORS, text: string): void {
  const [first, ...others] = folded(text, COLUMNS - TEXT_COLUMN);
  print(`  ${styleText(COLORS[who], who.padEnd(8))} ${first}`);
  for (const line of others) print(`${" ".repeat(TEXT_COLUMN)}${line}`);
}

/** Text in lines of at most so many characters. */
function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Keys as they are shown elsewhere, and only the first half of the sentence. */
function shorten(line: string): string {
  return line.replace(/([0-9a-f]{8})[0-9a-f]{56}/g, "$1…").split(";")[0]!;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function finish(code: number): Promise<never> {
  isEnding = true;
  await Promise.all(running.map((child) => child.stop()));
  for (const cable of cables) cable.close();
  rmSync(home, { recursive: true, force: true });
  process.exit(code);
}
