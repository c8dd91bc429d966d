/**
 * The prototype's three benchmarks (insert at the root, insert linearly, many agents in conflict) at growing sizes:
 * if the time per operation stays flat, no operation depends on how much there is already.
 */
import { expectEqual, samplesOf, timed } from "../measure.ts";
import { seeded, shuffle } from "../random.ts";
import type { OurList } from "../subjects/ours.ts";
import { numberOf, scaled, textOf } from "../suite.ts";
import type { Job, Plan, Suite } from "../suite.ts";

const SIZES = [100, 1_000, 10_000, 100_000];

/** Small lists are made again and again, until there were so many insertions. */
const LEAST = 5_000;

/** With a signature for each insertion these take up to half a minute. */
const LONG = 10_000;

/** What each benchmark is called, and whether each insertion is signed. */
const BENCHMARKS: readonly { subject: string; kind: string; isSigned: boolean; agents: number }[] =
  [
    { subject: "insert at root, one change", kind: "root", isSigned: false, agents: 1 },
    { subject: "insert linearly, one change", kind: "linear", isSigned: false, agents: 1 },
    { subject: "insert at root, a signed change each", kind: "root", isSigned: true, agents: 1 },
    { subject: "insert linearly, a signed change each", kind: "linear", isSigned: true, agents: 1 },
    { subject: "10 agents in conflict, shuffled", kind: "conflict", isSigned: true, agents: 10 },
    { subject: "50 agents in conflict, shuffled", kind: "conflict", isSigned: true, agents: 50 },
  ];

/** See above. */
export const lists: Suite = {
  name: "lists",
  title: "Lists that grow",
  about:
    "The three benchmarks of the prototype: every item inserted at the start of a list; every item behind the one " +
    "before; and agents that insert at the start without hearing of each other, all of whose signed changes come " +
    "shuffled to one replica. Time per insertion; with a signature for each insertion it is mostly that.",
  metrics: [{ name: "each", title: "per insertion", unit: "µs" }],
  growth: ["1,000", "100,000"],
  jobs: (plan) =>
    BENCHMARKS.flatMap(({ subject, kind, isSigned, agents }) =>
      sizesOf(plan).map((size) => ({
        subject,
        on: size.toLocaleString("en-US"),
        parameters: { size, kind, isSigned, agents },
        ...(isSigned && size >= LONG ? { mostRuns: 2, isLong: true } : {}),
      })),
    ),
  async measure(job, plan) {
    const size = numberOf(job, "size");
    // Small sizes warm up on the same; large ones on a size that is soon done.
    const warm = Math.min(size, 2_000);
    const times = Math.ceil(scaled(LEAST, plan) / size);
    const run = textOf(job, "kind") === "conflict" ? await conflict(job) : await insert(job);
    return samplesOf(
      plan,
      (share) => {
        if (share < 1) return { each: run(warm) };
        let sum = 0;
        for (let i = 0; i < times; i++) sum += run(size);
        return { each: sum / times };
      },
      { part: Math.min(0.9, warm / size) },
    );
  },
};

function sizesOf(plan: Plan): number[] {
  return [...new Set(SIZES.map((size) => scaled(size, plan)))];
}

const UNTIMED = { time: null };

async function insert(job: Job): Promise<(size: number) => number> {
  const { openList } = await import("../subjects/ours.ts");
  const isSigned = job.parameters?.["isSigned"] === true;
  const isRoot = textOf(job, "kind") === "root";
  const place = (length: number): number => (isRoot ? 0 : length);
  return (size) => {
    const document = openList();
    const time = timed(() => {
      if (isSigned) {
        for (let i = 0; i < size; i++) {
          document.change(({ list }) => list.insert(place(i), i), UNTIMED);
        }
        return;
      }
      document.change(({ list }) => {
        for (let i = 0; i < size; i++) list.insert(place(i), i);
      }, UNTIMED);
    });
    const items = document.root.list.toArray();
    expectEqual(items.length, size, "items");
    const isRight = items.every((item, at) => item === (isRoot ? size - 1 - at : at));
    expectEqual(isRight, true, "the items in their order");
    return (time * 1_000) / size;
  };
}

async function conflict(job: Job): Promise<(size: number) => number> {
  const { openList } = await import("../subjects/ours.ts");
  const agents = numberOf(job, "agents");
  const changesOf = (agent: number, count: number): [OurList, Uint8Array[]] => {
    const document = openList(agent + 1);
    const changes = Array.from(
      { length: count },
      (_, i) => document.change(({ list }) => list.insert(0, agent * count + i), UNTIMED).bytes,
    );
    return [document, changes];
  };
  const made = new Map<number, { one: OurList; groups: Uint8Array[] }>();
  const prepared = (size: number): { one: OurList; groups: Uint8Array[] } => {
    const count = Math.ceil(size / agents);
    const all = Array.from({ length: agents }, (_, agent) => changesOf(agent, count));
    const groups = shuffle(
      all.flatMap(([, changes]) => changes),
      seeded(size + agents),
    );
    return { one: all[0]![0], groups };
  };
  return (size) => {
    let ready = made.get(size);
    if (ready === undefined) {
      ready = prepared(size);
      made.set(size, ready);
    }
    const { one, groups } = ready;
    const receiver = openList(0);
    const time = timed(() => {
      for (const group of groups) receiver.receive(group, "bench");
    });
    expectEqual(receiver.history.length, groups.length, "applied changes");
    expectEqual(receiver.root.list.length, groups.length, "items");
    // Convergence itself: an agent that receives everything in another order shows the same.
    if (size <= 1_000) {
      for (const group of groups.toReversed()) one.receive(group, "bench");
      expectEqual(one.viewDigest(), receiver.viewDigest(), "digests");
    }
    return (time * 1_000) / groups.length;
  };
}
