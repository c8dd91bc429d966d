/**
 * SIGKILL of nodes, again and again, while lines are typed into them: every line that a node has shown must still be in
 * its store, before any relay could have brought it back.
 */
import type { Program } from "../../packages/crdt-node/test/processes.ts";
import { pause } from "./client.ts";
import { Ledger, Tally } from "./ledger.ts";
import { type Context, type Part, whole } from "./part.ts";
import { Processes } from "./processes.ts";

/** Kills before the nodes are left for new ones: a history is replayed at each start. */
const KILLS_PER_ERA = 10;

/** A kill comes so many milliseconds after the node began to run; the rest is as with the relay. */
const LONGEST_LIFE_MS = 500;
const LINE_EVERY_MS = 8;
const EARLY_ONE_IN = 8;
const EARLY_MS = 700;

export const killNode: Part = {
  name: "node",
  title: "A node that is killed",
  about:
    "`crdt-node run`, a process with a store on LevelDB, gets SIGKILL at random moments while a line is typed into it each 8 ms; one " +
    "kill in eight while it starts. A line is acknowledged when the command has shown it. After each kill `crdt-node view` " +
    "must show every acknowledged line once: it opens the store and asks nobody. Two nodes take turns, and a relay stands between them.",
  run: (context) => new NodeKiller(context).run(),
};

/** A node, and how it is to be started. */
interface Victim {
  readonly name: string;
  program: Program | null;
}

class NodeKiller {
  readonly #context: Context;
  readonly #processes = new Processes();
  /** By the name of a node: what it has shown, its own lines and those of others. */
  readonly #ledger = new Ledger();
  readonly #tally = new Tally();
  #written = 0;
  #kills = 0;
  #early = 0;
  #eras = 0;
  #unequal = 0;
  #forks = 0;
  #shownTwice = 0;
  #refusals: string[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  async run(): Promise<void> {
    const { kills, signal } = this.#context;
    try {
      const url = await this.#processes.relay(0).listens;
      while (this.#kills < kills && !signal.aborted) await this.#era(url);
    } finally {
      await this.#processes.clear();
      this.#conclude();
    }
  }

  async #era(url: string): Promise<void> {
    const { kills, signal, random } = this.#context;
    const era = this.#eras++;
    const victims = await Promise.all(
      ["alice", "bob"].map(async (person): Promise<Victim> => {
        const victim = { name: `${person}${era}`, program: null };
        await this.#succeed(["init", victim.name, "--relay", url, "--room", `room-${era}`]);
        await this.#start(victim);
        return victim;
      }),
    );
    for (let n = 0; n < KILLS_PER_ERA && this.#kills < kills && !signal.aborted; n++) {
      const victim = victims[n % victims.length]!;
      const load = setInterval(() => {
        for (const { name, program } of victims)
          program?.type(`${name} -> shop 1 n${this.#written++}\n`);
      }, LINE_EVERY_MS);
      await pause(random.below(LONGEST_LIFE_MS));
      await this.#kill(victim);
      clearInterval(load);
      await this.#restart(victim);
      this.#context.progress(this.#kills, kills, "kills of a node");
    }
    if (!signal.aborted) await this.#settle(victims);
    for (const { program } of victims) await program?.end("SIGKILL");
  }

  async #kill(victim: Victim): Promise<void> {
    const { program, name } = victim;
    victim.program = null;
    if (program === null) return;
    await program.end("SIGKILL");
    this.#kills++;
    // What it wrote before it died has all been read now.
    this.#note(name, program);
    await this.#look(name);
  }

  async #restart(victim: Victim): Promise<void> {
    const { kills, random } = this.#context;
    while (this.#kills < kills && random.oneIn(EARLY_ONE_IN)) {
      const program = this.#processes.node(["run", victim.name, "--json"]);
      await pause(random.below(EARLY_MS));
      await program.end("SIGKILL");
      this.#kills++;
      this.#early++;
      this.#note(victim.name, program);
      await this.#look(victim.name);
    }
    await this.#start(victim);
  }

  async #start(victim: Victim): Promise<void> {
    const program = this.#processes.node(["run", victim.name, "--json"]);
    await program.errorLine(/is running in room/u);
    victim.program = program;
  }

  /** Both nodes are in step and show the same as what a third, new one gets from the relay. */
  async #settle(victims: readonly Victim[]): Promise<void> {
    const [first] = victims;
    if (first === undefined) return;
    const statuses = await this.#inStep(victims);
    const { digest, relays, room } = statuses[0]!;
    const name = `carol${this.#eras}`;
    await this.#succeed(["init", name, "--relay", relays[0]!.url, "--room", room]);
    const carol: Victim = { name, program: null };
    await this.#start(carol);
    const [third] = await this.#inStep([carol]);
    if (statuses.some((status) => status.digest !== digest) || third?.digest !== digest)
      this.#unequal++;
    for (const status of statuses) this.#forks += status.faults.forks.length;
    await Promise.all(
      [...victims, carol].map(async ({ name, program }) => {
        if (program !== null) this.#note(name, program);
        await this.#look(name);
      }),
    );
    await carol.program?.end("SIGKILL");
  }

  /** What the nodes say once each has delivered all of its own and all have the same heads. */
  async #inStep(victims: readonly Victim[]): Promise<Status[]> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const statuses = await Promise.all(
        victims.map(async ({ name }) => {
          const { stdout } = await this.#processes.run(["status", name, "--json"]);
          return JSON.parse(stdout) as Status;
        }),
      );
      const isSettled = statuses.every(
        ({ relays, unacknowledged, heads }) =>
          relays.every(({ state }) => state === "synced") &&
          unacknowledged === 0 &&
          heads.join(" ") === statuses[0]?.heads.join(" "),
      );
      if (isSettled || performance.now() > deadline) return statuses;
      await pause(100);
    }
  }

  /** Notes what a process has shown; each of them may show a line once. */
  #note(name: string, program: Program): void {
    const seen = new Set<string>();
    for (const line of program.lines) {
      const memo = memoOf(line);
      if (memo === null) continue;
      if (seen.has(memo)) this.#shownTwice++;
      seen.add(memo);
      this.#ledger.acknowledge(name, memo);
    }
  }

  async #look(name: string): Promise<void> {
    const { code, stdout, stderr } = await this.#processes.run(["view", name, "--json"]);
    if (code !== 0) {
      this.#refusals.push(`${name}: exit code ${code}: ${stderr.trim()}`);
      return;
    }
    const { transactions } = JSON.parse(stdout) as {
      readonly transactions: readonly { readonly memo?: string }[];
    };
    const shown = transactions.map(({ memo = "" }) => memo);
    this.#tally.add(`kill ${this.#kills}, ${name}`, this.#ledger.compare(name, shown));
  }

  async #succeed(args: readonly string[]): Promise<void> {
    const { code, stderr } = await this.#processes.run(args);
    if (code !== 0) throw new Error(`crdt-node ${args.join(" ")}: exit code ${code}: ${stderr}`);
  }

  #conclude(): void {
    const { findings } = this.#context;
    const tally = this.#tally;
    findings.say(
      `${whole(this.#kills)} kills, ${whole(this.#early)} of them while it started; ${whole(this.#written)} lines typed, ` +
        `${whole(this.#ledger.total)} shown by ${whole(2 * this.#eras)} nodes and those who came last.`,
    );
    findings.expect("no line that was shown is lost", tally.isLossless, tally.describe());
    findings.expect(
      "no line is shown twice",
      tally.twice + this.#shownTwice === 0,
      `${tally.describe()}; ${this.#shownTwice} shown twice by one process`,
    );
    findings.expect(
      "every store opens after a kill",
      this.#refusals.length === 0,
      this.#refusals[0] ?? `${tally.comparisons} of ${tally.comparisons}`,
    );
    findings.expect("nobody equivocates after a kill", this.#forks === 0, `${this.#forks} forks`);
    findings.expect(
      "digests are equal at the end, also at somebody new",
      this.#unequal === 0,
      `${this.#eras - this.#unequal} of ${this.#eras} rooms`,
    );
  }
}

/** The part of `crdt-node status --json` that is looked at. */
interface Status {
  readonly digest: string;
  readonly room: string;
  readonly heads: readonly string[];
  readonly unacknowledged: number | null;
  readonly relays: readonly { readonly url: string; readonly state: string }[];
  readonly faults: { readonly forks: readonly unknown[] };
}

/** The memo of a transaction in a line of `run --json`; null for other lines, and for one that was cut off. */
function memoOf(line: string): string | null {
  if (!line.startsWith('{"type":"transaction"')) return null;
  const { transaction } = JSON.parse(line) as { readonly transaction: { readonly memo?: string } };
  return transaction.memo ?? null;
}
