/** Everything that a hostile client can do, one kind after the other and all at once, and what honest ones notice of it. */
import type { Program } from "../../packages/crdt-node/test/processes.ts";
import { ABOUT, ATTACKED_ROOM, type AttackName, ATTACKS, PROCESSES } from "./attacks.ts";
import { pause, within } from "./client.ts";
import type { Outcome, PhaseResult, Spread } from "./hostile-load.ts";
import { percentile } from "./numbers.ts";
import { bytes, type Context, type Part, whole } from "./part.ts";
import { FIRST_PRIORITY_FLAGS } from "./priorities.ts";
import { eventsOf, memoryOf, Processes, processorMsOf } from "./processes.ts";

/** Everything is done so often: a machine that others use is now and then slower for seconds, and then what is measured is that. */
const ROUNDS = 3;

/** Seconds in which programs that have just started get as fast as they get; of each time in which nobody attacks; of each attack alone; and of all together. */
const WARMING_SECONDS = 20;
const QUIET_SECONDS = 5;
const ALONE_SECONDS = 5;
const TOGETHER_SECONDS = 15;

/** Attacks between two times in which nobody does. */
const ATTACKS_IN_A_ROW = 3;

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
const QUIET = "quiet";
const TOGETHER = "all at once";
const CONTROL = "control";
const BETWEEN = "between";

export const hostile: Part = {
  name: "hostile",
  title: "Hostile clients",
  about:
    "One `crdt-relayer` with the limits that it has by default, and `NODE_OPTIONS` as in its systemd unit. Six honest writers, four in rooms of their own and two in the room that is attacked, write a line each " +
    "50 ms; latency is from when a line was due until another session in its room has it. Twice a second somebody new comes in. All come from " +
    "addresses of their own (127.0.*). Attackers are processes of their own with three addresses each (127.1.*, others each time), first each kind by itself, then " +
    `all at once, with times between in which nobody attacks; and all of that ${ROUNDS} times. Figures in milliseconds are medians of what they were each time. ` +
    "They share the cores of one machine with the relay, so they have the lowest priority (`nice 19`, the same for " +
    "the session that they have for themselves, where Linux gives each session its share, and `SCHED_IDLE`), and send at a bounded rate: what is measured is the relay, and not who gets a core. The time in which they make their connections is counted, too. " +
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
  let areIdle = true;
  for (const name of ATTACKS) {
    const programs = Array.from({ length: PROCESSES[name] ?? 1 }, () => {
      const seed = String(random.below(1_000_000));
      return processes.scriptApart("hostile-attack.ts", [name, seed]);
    });
    // One after the other: they sign what they are going to send.
    for (const program of programs) {
      const ready = await within(program.line(/"ready"/u), `"${name}" to be ready`);
      areIdle &&= (JSON.parse(ready) as { readonly isIdle: boolean }).isIdle;
    }
    bands.push({ name, programs });
  }
  const load = processes.script("hostile-load.ts", [url, ATTACKED_ROOM], FIRST_PRIORITY_FLAGS);
  const ready = await within(load.line(/"ready"/u), "the honest clients to come in");
  const { isFirst } = JSON.parse(ready) as { readonly isFirst: boolean };
  context.findings.say(prioritiesOf(areIdle, isFirst));
  const sink = processes.scriptApart("hostile-sink.ts", []);
  const listening = await within(sink.line(/"listens"/u), "what attackers talk to for a control");
  const { url: elsewhere } = JSON.parse(listening) as { readonly url: string };

  const costs = new Map<string, Cost[]>();
  const attackers = bands.flatMap(({ programs }) => programs);
  let done = 0;
  let round = 0;
  // What an address has done is remembered for a while: in each round they come from others.
  const addressesOf = (program: Program): string => {
    const first = ADDRESSES * attackers.indexOf(program);
    return Array.from({ length: ADDRESSES }, (_, n) => `127.1.${round}.${first + n + 1}`).join(" ");
  };
  const quiets = Math.ceil(bands.length / ATTACKS_IN_A_ROW) + 3;
  const phase = async (
    name: string,
    seconds: number,
    some: readonly Band[] = [],
    target = url,
  ): Promise<void> => {
    if (signal.aborted) return;
    load.type(`${name}\n`);
    const over = (): void => {
      load.type(`${BETWEEN}\n`);
    };
    const begin = (program: Program): void => {
      program.type(`go ${target} ${addressesOf(program)}\n`);
    };
    const cost = await attack(relay.program, some, begin, seconds, signal, over);
    costs.set(name, [...(costs.get(name) ?? []), cost]);
    progress(++done, ROUNDS * (bands.length + quiets + 2), "phases of an attack");
    await pause(SETTLE_MS, signal);
  };
  const quiet = (): Promise<void> => phase(QUIET, QUIET_SECONDS);
  load.type(`${WARMING}\n`);
  await pause(WARMING_SECONDS * 1_000, signal);
  for (; round < ROUNDS; round++) {
    for (const [at, band] of bands.entries()) {
      if (at % ATTACKS_IN_A_ROW === 0) await quiet();
      await phase(band.name, ALONE_SECONDS, [band]);
    }
    await quiet();
    await phase(TOGETHER, TOGETHER_SECONDS, bands);
    await quiet();
    await phase(CONTROL, TOGETHER_SECONDS, bands, elsewhere);
    await quiet();
  }
  const { exitCode, signalCode } = relay.program.child;
  const isUp = exitCode === null && signalCode === null;
  load.type("finish\n");
  for await (const event of eventsOf<Outcome & { readonly event: "finished" }>(load, signal))
    if (event.event === "finished") tell(context, event, costs, isUp);
}

/** What the system allowed so that attackers are, and measuring is, on account of nobody else. */
function prioritiesOf(areIdle: boolean, isFirst: boolean): string {
  const attackers = areIdle
    ? "The attackers had a control group of their own, which gets what nobody else wants (`cpu.idle`): without it a single one that computes lets a flush of the disk, with no relay about, wait for up to two ticks of the kernel, 8 ms."
    : "No control group (`cpu.idle`) could be made for the attackers, so they hold up a flush of the disk by up to two ticks of the kernel, 8 ms, whatever the relay does.";
  const honest = isFirst
    ? "The honest clients, one thread, had a processor as soon as they had something to do (`SCHED_RR`), attacked or not: waiting for one is on account of nobody's clock."
    : "The honest clients, one thread, could not be given a processor as soon as they had something to do (`SCHED_RR`): waiting for one is in what they measured.";
  return `${attackers} ${honest}`;
}

/** Has some attack for so long, each as `begin` starts it; returns what the relay took meanwhile. `over` is called before they all vanish. */
async function attack(
  relay: Program,
  bands: readonly Band[],
  begin: (program: Program) => void,
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
  for (const program of attackers) begin(program);
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
  costs: ReadonlyMap<string, readonly Cost[]>,
  isUp: boolean,
): void {
  const phases = gathered(outcome.phases);
  const quiet = phases.get(QUIET)!.all.p99;
  const row = (name: string, about: string): string[] => {
    const { all, own, attacked, lag, disk, entering, refused } = phases.get(name)!;
    const times = costs.get(name)!;
    const perSecond = sumOf(times, ({ count }) => count) / sumOf(times, ({ seconds }) => seconds);
    const isQuiet = name === QUIET;
    return [
      isQuiet ? "nobody attacks" : about === "" ? name : `${name}: ${about}`,
      isQuiet ? "" : whole(perSecond),
      isQuiet ? "" : whole(sumOf(times, ({ ended }) => ended)),
      all.median.toFixed(1),
      own.p99.toFixed(1),
      attacked.p99.toFixed(1),
      all.p99.toFixed(1),
      `× ${timesOf(all.p99, quiet)}`,
      all.most.toFixed(0),
      lag.p99.toFixed(1),
      `${disk.p99.toFixed(1)}, ${disk.most.toFixed(0)}`,
      refused === 0 ? entering.p99.toFixed(0) : `${refused} refused`,
      bytes(Math.max(...times.map(({ memory }) => memory))),
      (sumOf(times, ({ cores }) => cores) / times.length).toFixed(2),
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
      row(QUIET, ""),
      ...ATTACKS.map((name) => row(name, ABOUT[name])),
      row(TOGETHER, ""),
      row(CONTROL, "all at once, elsewhere"),
    ],
  );
  findings.say(
    '"Sent" are frames, requests or joins, "ended" connections that the relay closed or cut; "own" and "attacked" are the rooms of honest clients. ' +
      "What the disk takes by itself is measured by the load, which writes and flushes as much as a line in the folder of the relay's store, every 50 ms.",
  );
  const vanishing = phases.get(BETWEEN)!.all.most;
  findings.say(
    `Attackers end an attack by cutting all their connections at once; a line that was due just then took at most ${vanishing.toFixed(0)} ms. These lines are not in the table.`,
  );
  const each = [QUIET, TOGETHER].map((name) => {
    const p99s = outcome.phases.filter((one) => one.name === name).map(({ all }) => all.p99);
    return `${name}: ${p99s.map((p99) => p99.toFixed(1)).join(", ")}`;
  });
  findings.say(`The p99 of each time, in their order; ${each.join("; ")} ms.`);
  if (signal.aborted) return;
  judge(findings, outcome, phases, costs, isUp);
}

function judge(
  findings: Context["findings"],
  outcome: Outcome,
  phases: ReadonlyMap<string, PhaseResult>,
  costs: ReadonlyMap<string, readonly Cost[]>,
  isUp: boolean,
): void {
  const together = phases.get(TOGETHER)!;
  const quiet = phases.get(QUIET)!.all.p99;
  findings.expect("the relay stays up", isUp, isUp ? "one process all the time" : "it ended");
  findings.expect(
    `under all attacks at once, the p99 of honest clients is under ${MOST_TIMES} times its quiet value`,
    together.all.p99 < MOST_TIMES * quiet && together.all.count > 0,
    `${quiet.toFixed(1)} ms when nobody attacks, ${together.all.p99.toFixed(1)} ms meanwhile (× ${timesOf(together.all.p99, quiet)}); ` +
      `${whole(together.all.count)} deliveries in ${ROUNDS} × ${TOGETHER_SECONDS} s`,
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
  const refused = sumOf(outcome.phases, (phase) => phase.refused);
  const came = sumOf(outcome.phases, ({ entering }) => entering.count);
  findings.expect(
    "honest clients stay connected, and somebody new is let in",
    outcome.cut === 0 && refused === 0 && came > 0,
    `${outcome.cut} connections lost, ${refused} of ${refused + came} newcomers refused; complaints: ${outcome.errors.join("; ") || "none"}`,
  );
  const all = [...costs.values()].flat();
  const memory = Math.max(...all.map((cost) => cost.memory));
  const quietly = costs.get(QUIET)!;
  const [calm, later] = [quietly[0]!, quietly.at(-1)!];
  findings.expect(
    `the memory of the relay stays under ${bytes(MEMORY_BYTES)}`,
    memory > 0 && memory < MEMORY_BYTES,
    `at most ${bytes(memory)}, ${bytes(later.memory)} after`,
  );
  findings.expect(
    "and its processor time is what the honest cost again",
    later.cores < 2 * calm.cores + 0.1,
    `${calm.cores.toFixed(2)} cores before, at most ${Math.max(...all.map(({ cores }) => cores)).toFixed(2)} meanwhile, ${later.cores.toFixed(2)} after`,
  );
  const open = Math.min(...costs.get(TOGETHER)!.map((cost) => cost.open));
  findings.expect(
    "the attackers were there",
    ATTACKS.every(
      (name) => name === "silence" || costs.get(name)!.every(({ count }) => count > 0),
    ) && open >= 10_000,
    `${whole(open)} of their connections open at the end, at least`,
  );
}

/** What phases of the same name were like: medians of their figures, the most of the most, and sums of counts. */
function gathered(phases: readonly PhaseResult[]): ReadonlyMap<string, PhaseResult> {
  const named = new Map<string, PhaseResult[]>();
  for (const phase of phases) named.set(phase.name, [...(named.get(phase.name) ?? []), phase]);
  return new Map(
    [...named].map(([name, some]) => {
      const spread = (of: (phase: PhaseResult) => Spread): Spread => {
        const spreads = some.map(of);
        return {
          count: sumOf(spreads, ({ count }) => count),
          median: percentile(
            spreads.map(({ median }) => median),
            0.5,
          ),
          p99: percentile(
            spreads.map(({ p99 }) => p99),
            0.5,
          ),
          most: Math.max(...spreads.map(({ most }) => most)),
        };
      };
      const result: PhaseResult = {
        name,
        written: sumOf(some, ({ written }) => written),
        refused: sumOf(some, ({ refused }) => refused),
        own: spread(({ own }) => own),
        attacked: spread(({ attacked }) => attacked),
        all: spread(({ all }) => all),
        lag: spread(({ lag }) => lag),
        disk: spread(({ disk }) => disk),
        entering: spread(({ entering }) => entering),
      };
      return [name, result];
    }),
  );
}

function sumOf<T>(some: readonly T[], of: (one: T) => number): number {
  return some.reduce((sum, one) => sum + of(one), 0);
}

function timesOf(value: number, quiet: number): string {
  return (value / quiet).toFixed(2);
}
