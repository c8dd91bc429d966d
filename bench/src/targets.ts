/**
 * The targets, each a ratio of two figures of one suite (or a bound on one figure): the one place from which the report
 * tells what is met and what is missed.
 */
import { figureOf, medianOf, ratiosOf } from "./results.ts";
import type { Ref, Result } from "./results.ts";
import { TRACES } from "./trace.ts";

/** What is promised. */
export interface Target {
  readonly suite: string;
  /** What it is about, in words. */
  readonly what: string;
  readonly metric: string;
  readonly ours: Ref;
  /** What ours is compared with: the least of these that were measured; none for a bound on the figure itself. */
  readonly yardsticks: readonly Ref[];
  /** The yardstick in words. */
  readonly yardstick: string;
  /** The greatest ratio to the yardstick, or the greatest figure without one. */
  readonly most: number;
}

const MAIN = "automerge-paper";
const on = (subject: string, where = MAIN): Ref => ({ subject, on: where });

/** A target against one other subject. */
function against(
  suite: string,
  what: string,
  yardstick: string,
  most: number,
  more: Partial<Target> = {},
): Target {
  const ours = more.ours ?? on("ours");
  const yardsticks = [on(yardstick, ours.on)];
  return { suite, what, metric: "time", ours, yardsticks, yardstick, most, ...more };
}

/** A target against the fastest of all peers. */
function fastest(
  suite: string,
  what: string,
  where: string,
  metric: string,
  peers: readonly string[],
): Target {
  return {
    suite,
    what,
    metric,
    ours: on("ours", where),
    yardsticks: peers.map((peer) => on(peer, where)),
    yardstick: "fastest peer",
    most: 1,
  };
}

/** A target of growth. */
function growth(
  suite: string,
  what: string,
  subject: string,
  metric: string,
  [small, large]: readonly [string, string] = ["1,000", "100,000"],
  most = 2,
): Target {
  return {
    suite,
    what: `${what}: ${large} as against ${small}`,
    metric,
    ours: on(subject, large),
    yardsticks: [on(subject, small)],
    yardstick: `the same at ${small}`,
    most,
  };
}

const PER_EDIT = "ours, a change per edit";
const CONCURRENT = "friendsforever_concurrent";
const MAP_PEERS = ["Yjs", "Yjs, in one transaction", "json-joy", "Loro", "Loro, in one batch"];

/** All targets, in the order of the suites. */
export const TARGETS: readonly Target[] = [
  against("local-one-change", MAIN, "diamond-types-node", 1),
  against("local-one-change", MAIN, "json-joy", 0.35),
  against("local-one-change", MAIN, "Yjs", 0.1),
  ...TRACES.filter((name) => name !== MAIN).map((name) =>
    against("local-one-change", name, "diamond-types-node", 1.5, { ours: on("ours", name) }),
  ),
  against("local-change-per-edit", "259,778 changes", "SHA-256 loop", 3),
  against("local-signed", "20,000 signed changes", "sign loop", 1.2),
  against("receive-signed", "20,000 signed changes, one thread", "verify loop", 1.15),
  against("receive-signed", "20,000 signed changes, all cores", "verify loop", 1 / 1.6, {
    ours: on("ours, all cores"),
  }),
  against("catch-up", "259,778 changes", "SHA-256 loop", 5),
  against("catch-up", "259,778 changes", "verify loop", 1 / 25),
  fastest("concurrent", "two authors, both ways", CONCURRENT, "time", [
    "diamond-types-node",
    "json-joy",
    "Loro",
    "Yjs",
    "Yjs, a message per change",
    "Automerge",
  ]),
  against("save-load", "size of one change", "Automerge", 1, { metric: "size" }),
  {
    ...against("save-load", "size of 259,778 changes", "", 300_000, { metric: "size" }),
    ours: on(PER_EDIT),
    yardsticks: [],
  },
  against("save-load", "load of one change", "diamond-types-node", 1),
  against("save-load", "load of 259,778 changes", "diamond-types-node", 1, { ours: on(PER_EDIT) }),
  against("memory", "after the trace as one change", "Yjs", 1, { metric: "heap" }),
  ...["1,000,000 appended", "1,000,000 at random places"].map((where) => ({
    ...against("memory", `bytes per element, ${where}`, "", 48, { metric: "each" }),
    ours: on("ours", where),
    yardsticks: [],
  })),
  ...[
    "insert at root, one change",
    "insert linearly, one change",
    "insert at root, a signed change each",
    "insert linearly, a signed change each",
    "10 agents in conflict, shuffled",
    "50 agents in conflict, shuffled",
  ].map((subject) => growth("lists", subject, subject, "each")),
  growth("list-1m", "insert or delete anywhere", "ours", "edit"),
  growth("list-1m", "get by index", "ours", "index"),
  growth("list-1m", "find by id", "ours", "id"),
  ...[
    ["a map of 10,000 keys", "map"],
    ["the same out of order", "map, out of order"],
    ["one register", "register"],
    ["one counter", "counter"],
  ].flatMap(([what, where]) => [
    fastest("maps", `${what}, made and merged`, where!, "make+merge", MAP_PEERS),
    fastest("maps", `${what}, merged`, where!, "merge", MAP_PEERS),
  ]),
  growth("wide", "merge", "ours", "merge", ["1,000", "10,000"]),
  growth("wide", "catch-up", "ours", "catchUp", ["1,000", "10,000"]),
  growth("wide", "catch-up bytes", "ours", "bytes", ["1,000", "10,000"], 1.1),
  against("cold-start", "crdt-node --version", "node -e 0", 2, {
    ours: on("crdt-node --version", "start"),
  }),
  ...["10 sessions", "100 sessions", "1,000 sessions"].map((where) =>
    against("relay", `a delivery, ${where}`, "naive ws loop", 1 / 3, {
      metric: "each",
      ours: on("ours", where),
    }),
  ),
];

/** All that targets of a suite compare with what does this work, itself included. */
export function comparedWith(suite: string, { subject, on: where }: Ref): readonly Ref[] {
  const isThis = (ref: Ref): boolean => ref.subject === subject && ref.on === where;
  return TARGETS.filter((target) => target.suite === suite)
    .map((target) => [target.ours, ...target.yardsticks])
    .filter((refs) => refs.some(isThis))
    .flat();
}

/** A target and what was measured. */
export interface Judged {
  readonly target: Target;
  readonly ours: number;
  /** What ours is compared with; null for a bound. */
  readonly yardstick: { readonly subject: string; readonly value: number } | null;
  /** The median of the ratios of samples that were taken by turns, or the figure itself for a bound. */
  readonly value: number;
  /** The ratio of the medians of all samples; null for a bound. */
  readonly ofMedians: number | null;
  /** The ratio of the least; null for a bound. */
  readonly ofLeast: number | null;
  readonly isMet: boolean;
}

/** Compares a target with the results of its suite; null when something was not measured. */
export function judge(target: Target, { measured }: Result): Judged | null {
  const { metric, most, yardsticks } = target;
  const own = figureOf(measured, target.ours, metric);
  if (own === null) return null;
  const ours = own.median;
  if (yardsticks.length === 0) {
    const none = { yardstick: null, ofMedians: null, ofLeast: null };
    return { target, ours, ...none, value: ours, isMet: ours <= most };
  }
  const [other] = yardsticks
    .map((ref) => ({ ref, figure: figureOf(measured, ref, metric) }))
    .flatMap(({ ref, figure }) => (figure === null ? [] : [{ ref, figure }]))
    .toSorted((a, b) => a.figure.median - b.figure.median);
  if (other === undefined) return null;
  const { ref, figure } = other;
  const ratios = ratiosOf(measured, target.ours, ref, metric);
  if (ratios.length === 0) return null;
  const value = medianOf(ratios);
  return {
    target,
    ours,
    yardstick: { subject: ref.subject, value: figure.median },
    value,
    ofMedians: ours / figure.median,
    ofLeast: own.least / figure.least,
    isMet: value <= most,
  };
}
