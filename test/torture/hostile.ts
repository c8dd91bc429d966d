/** Everything that a hostile client can do, one kind after the other and all at once, and what honest ones notice of it. */
import type { Program } from "../../packages/crdt-node/test/processes.ts";
import { ABOUT, ATTACKED_ROOM, type AttackName, ATTACKS, PROCESSES } from "./attacks.ts";
import { pause, within } from "./client.ts";
import type { Outcome, PhaseResult } from "./hostile-load.ts";
import { bytes, type Context, type Part, whole } from "./part.ts";
import { eventsOf, memoryOf, Processes, processorMsOf } from "./processes.ts";

/** Seconds in which programs that have just started get as fast as they get; before anybody attacks, and after; of each attack alone; and of all together. */
const WARMING_SECONDS = 20;
const QUIET_SECONDS = 20;
const ALONE_SECONDS = 10;
const TOGETHER_SECONDS = 40;

/** Milliseconds after an attack that belong to nobody: what it left in the sockets is read. */
const SETTLE_MS = 3_000;

/** Under attack the p99 of honest clients may be so many times what it is without. */
const MOST_TIMES = 3;

/** Memory that the relay may have in use, with the limits that it has by default: some 30 KiB for each of 10,000 connections, and budgets. */
const MEMORY_BYTES = 1_024 * 1_048_576;

/** Milliseconds between two looks at the memory of the relay. */
const LOOK_MS = 100;

/** Addresses of each attacking process: a relay takes 1,000 sessions from one by default. */
const ADDRESSES = 3;

const WARMING = "warming";
const QUIET_BEFORE = "before";
const TOGETHER = "all at once";
const CONTROL = "control";
const QUIET_AFTER = "after";
const BETWEEN = "between";

export const hostile: Part = {
  name: "hostile",
  title: "Hostile clients",
  about:
    "One `crdt-relayer` with the limits that it has by default, and `NODE_OPTIONS` as in its systemd unit. Six honest writers, four in rooms of their own and two in the room that is attacked, write a line each " +
    "50 ms; latency is from when a line was due until another session in its room has it. Twice a second somebody new comes in. All come from " +
    "addresses of their own (127.0.*). Attackers are processes of their own with three addresses each (127.1.*), first each kind by itself, then " +
    "all at once. They share the cores of one machine with the relay, so they have the lowest priority (`nice 19`, the same for " +
    "the session that they have for themselves, where Linux gives each session its share, and `SCHED_IDLE`) and send at a bounded rate: what is measured is the relay, and not who gets a core. The time in which they make their connections is counted, too. " +
    "For a control all of them then attack a process that only reads and throws away, of the same priority as they: what honest clients notice of that is the machine's.",
  run: async (context) => {
    const processes = new Processes();
    try {
      await measure(context, processes);
    } finally {
      await processes.clear();
    }
  },
};

/** The processes of one attack. */
interface Band {
  readonly name: AttackName;
  readonly programs: readonly Program[];
}

/** What the relay took in one phase. */
interface Cost {
  readonly seconds: number;
  /** The most memory, and parts of one core. */
  readonly memory: number;
  readonly cores: number;
  /** What the attackers did, and how many of their sockets were ended or open. */
  readonly count: number;
  readonly ended: number;
  readonly open: number;
}

async function measure(context: Context, processes: Processes): Promise<void> {
  const { signal, progress, random } = context;
  const relay = processes.relay(0, []);
  const url = await relay.listens;
  const bands: Band[] = [];
  let made = 0;
  for (const name of ATTACKS) {
    const programs = Array.from({ length: PROCESSES[name] ?? 1 }, () => {
      const from = Array.from({ length: ADDRESSES }, () => `127.1.0.${++made}`);
      const seed = String(random.below(1_000_000));
      return processes.scriptApart("hostile-attack.ts", [name, seed, ...from]);
    });
    // One after the other: they sign what they are going to send.
    for (const program of programs) await within(program.line(/"ready"/u), `"${name}" to be ready`);
    bands.push({ name, programs });
  }
  const load = processes.script("hostile-load.ts", [url, ATTACKED_ROOM]);
  await within(load.line(/"ready"/u), "the honest clients to come in");
  const sink = processes.scriptApart("hostile-sink.ts", []);
  const listening = await within(sink.line(/"listens"/u), "what attackers talk to for a control");
  const { url: elsewhere } = JSON.parse(listening) as { readonly url: string };

  const costs = new Map<string, Cost>();
  const phase = async (
    name: string,
    seconds: number,
    some: readonly Band[],
    target = url,
  ): Promise<void> => {
    if (signal.aborted) return;
    load.type(`${name}\n`);
    const over = (): void => {
      load.type(`${BETWEEN}\n`);
    };
    costs.set(name, await attack(relay.program, some, target, seconds, signal, over));
    progress(costs.size, ATTACKS.length + 4, "phases of an attack");
    await pause(SETTLE_MS, signal);
  };
  load.type(`${WARMING}\n`);
  await pause(WARMING_SECONDS * 1_000, signal);
  await phase(QUIET_BEFORE, QUIET_SECONDS, []);
  for (const band of bands) await phase(band.name, ALONE_SECONDS, [band]);
  await phase(TOGETHER, TOGETHER_SECONDS, bands);
  await phase(CONTROL, TOGETHER_SECONDS, bands, elsewhere);
  await phase(QUIET_AFTER, QUIET_SECONDS, []);
  const { exitCode, signalCode } = relay.program.child;
  const isUp = exitCode === null && signalCode === null;
  load.type("finish\n");
  for await (const event of eventsOf<Outcome & { readonly event: "finished" }>(load, signal))
    if (event.event === "finished") tell(context, event, costs, isUp);
}

/** Has some attack a URL for so long; returns what the relay took meanwhile. `over` is called before they all vanish. */
async function attack(
  relay: Program,
  bands: readonly Band[],
  url: string,
  seconds: number,
  signal: AbortSignal,
  over: () => void,
): Promise<Cost> {
  const attackers = bands.flatMap(({ programs }) => programs);
  let memory = memoryOf(relay.pid);
  const look = setInterval(() => {
    memory = Math.max(memory, memoryOf(relay.pid));
  }, LOOK_MS);
  const start = performance.now();
  const busy = processorMsOf(relay.pid);
  for (const program of attackers) program.type(`go ${url}\n`);
  await pause(seconds * 1_000, signal);
  const ms = performance.now() - start;
  const cores = (processorMsOf(relay.pid) - busy) / ms;
  over();
  const did = { count: 0, ended: 0, open: 0 };
  for (const program of attackers) {
    const at = program.lines.length;
    program.type("stop\n");
    await within(
      program.until("an answer", () => program.lines.length > at),
      "an attacker to stop",
    );
    const { count, ended, open } = JSON.parse(program.lines[at]!) as typeof did;
    did.count += count;
    did.ended += ended;
    did.open += open;
  }
  clearInterval(look);
  return { seconds: ms / 1_000, memory, cores, ...did };
}

function tell(
  { findings, signal }: Context,
  outcome: Outcome,
  costs: ReadonlyMap<string, Cost>,
  isUp: boolean,
): void {
  const phases = new Map(outcome.phases.map((phase) => [phase.name, phase]));
  const quiet = quietValue(phases);
  const row = (name: string, about: string): string[] => {
    const { all, own, attacked, lag, disk, entering, refused } = phases.get(name)!;
    const { memory, cores, seconds, count, ended } = costs.get(name)!;
    const isQuiet = name === QUIET_BEFORE || name === QUIET_AFTER;
    return [
      isQuiet ? `nobody attacks, ${about}` : about === "" ? name : `${name}: ${about}`,
      isQuiet ? "" : whole(count / seconds),
      isQuiet ? "" : whole(ended),
      all.median.toFixed(1),
      own.p99.toFixed(1),
      attacked.p99.toFixed(1),
      all.p99.toFixed(1),
      `× ${timesOf(all.p99, quiet)}`,
      all.most.toFixed(0),
      lag.p99.toFixed(1),
      `${disk.p99.toFixed(1)}, ${disk.most.toFixed(0)}`,
      refused === 0 ? entering.p99.toFixed(0) : `${refused} refused`,
      bytes(memory),
      cores.toFixed(2),
    ];
  };
  findings.table(
    [
      "attack",
      "sent a second:",
      "ended:",
      "median ms:",
      "p99 own:",
      "p99 attacked:",
      "p99 all:",
      "to quiet:",
      "most ms:",
      "p99 of the load's own delay:",
      "p99 and most of the disk:",
      "p99 to come in:",
      "memory:",
      "cores:",
    ],
    [
      row(QUIET_BEFORE, "before"),
      ...ATTACKS.map((name) => row(name, ABOUT[name])),
      row(TOGETHER, ""),
      row(CONTROL, "all at once, elsewhere"),
      row(QUIET_AFTER, "after"),
    ],
  );
  findings.say(
    '"Sent" are frames, requests or joins, "ended" connections that the relay closed or cut; "own" and "attacked" are the rooms of honest clients. ' +
      "What the disk takes by itself is measured by the load, which writes and flushes as much as a line in the folder of the relay's store, every 50 ms.",
  );
  const vanishing = outcome.phases
    .filter(({ name }) => name === BETWEEN)
    .reduce((most, { all }) => Math.max(most, all.most), 0);
  findings.say(
    `Attackers end an attack by cutting all their connections at once; a line that was due just then took at most ${vanishing.toFixed(0)} ms. These lines are not in the table.`,
  );
  if (signal.aborted) return;
  judge(findings, outcome, phases, costs, isUp);
}

function judge(
  findings: Context["findings"],
  outcome: Outcome,
  phases: ReadonlyMap<string, PhaseResult>,
  costs: ReadonlyMap<string, Cost>,
  isUp: boolean,
): void {
  const [before, together, after] = [QUIET_BEFORE, TOGETHER, QUIET_AFTER].map((name) =>
    phases.get(name)!,
  );
  const quiet = quietValue(phases);
  findings.expect("the relay stays up", isUp, isUp ? "one process all the time" : "it ended");
  findings.expect(
    `under all attacks at once, the p99 of honest clients is under ${MOST_TIMES} times its quiet value`,
    together!.all.p99 < MOST_TIMES * quiet && together!.all.count > 0,
    `${before!.all.p99.toFixed(1)} ms before, ${together!.all.p99.toFixed(1)} ms meanwhile (× ${timesOf(together!.all.p99, quiet)} of the lesser), ` +
      `${after!.all.p99.toFixed(1)} ms after; ${whole(together!.all.count)} deliveries in ${TOGETHER_SECONDS} s`,
  );
  const alone = ATTACKS.map((name) => phases.get(name)!).toSorted((a, b) => b.all.p99 - a.all.p99);
  findings.expect(
    "and under each by itself",
    alone.every(({ all }) => all.p99 < MOST_TIMES * quiet && all.count > 0),
    `at most ${alone[0]!.all.p99.toFixed(1)} ms (× ${timesOf(alone[0]!.all.p99, quiet)}), by "${alone[0]!.name}"`,
  );
  const isWhole =
    outcome.acknowledged === outcome.written &&
    outcome.delivered === outcome.expected &&
    outcome.lost + outcome.twice === 0;
  findings.expect(
    "every honest line is acknowledged and delivered, once",
    isWhole && outcome.written > 0,
    `${whole(outcome.acknowledged)} of ${whole(outcome.written)} acknowledged, ${whole(outcome.delivered)} of ${whole(outcome.expected)} deliveries; ` +
      `somebody new lacks ${outcome.lost} and sees ${outcome.twice} twice`,
  );
  const [refused, came] = outcome.phases.reduce(
    ([no, yes], phase) => [no + phase.refused, yes + phase.entering.count],
    [0, 0],
  );
  findings.expect(
    "honest clients stay connected, and somebody new is let in",
    outcome.cut === 0 && refused === 0 && came > 0,
    `${outcome.cut} connections lost, ${refused} of ${refused + came} newcomers refused; complaints: ${outcome.errors.join("; ") || "none"}`,
  );
  const memory = Math.max(...[...costs.values()].map((cost) => cost.memory));
  findings.expect(
    `the memory of the relay stays under ${bytes(MEMORY_BYTES)}`,
    memory > 0 && memory < MEMORY_BYTES,
    `at most ${bytes(memory)}, ${bytes(costs.get(QUIET_AFTER)!.memory)} after`,
  );
  const [calm, later] = [QUIET_BEFORE, QUIET_AFTER].map((name) => costs.get(name)!.cores);
  findings.expect(
    "and its processor time is what the honest cost again",
    later! < 2 * calm! + 0.1,
    `${calm!.toFixed(2)} cores before, at most ${Math.max(...[...costs.values()].map(({ cores }) => cores)).toFixed(2)} meanwhile, ${later!.toFixed(2)} after`,
  );
  const { open } = costs.get(TOGETHER)!;
  findings.expect(
    "the attackers were there",
    ATTACKS.every((name) => name === "silence" || costs.get(name)!.count > 0) && open >= 10_000,
    `${whole(open)} of their connections open at the end`,
  );
}

/** The p99 when nobody attacks: the lesser of both times, since all that disturbs a machine makes it greater. */
function quietValue(phases: ReadonlyMap<string, PhaseResult>): number {
  return Math.min(...[QUIET_BEFORE, QUIET_AFTER].map((name) => phases.get(name)!.all.p99));
}

function timesOf(value: number, quiet: number): string {
  return (value / quiet).toFixed(2);
}
