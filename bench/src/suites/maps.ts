/** Assignments by many authors who did not hear of each other, merged out of order. */
import { expectEqual, samplesOf } from "../measure.ts";
import { seeded, shuffle } from "../random.ts";
import { libraryOf } from "../subjects/index.ts";
import type { Assignment, MapReplica } from "../subjects/library.ts";
import { scaled, textOf } from "../suite.ts";
import type { Plan, Suite } from "../suite.ts";
import { measureYardstick, yardstick } from "../yardsticks.ts";

const AUTHORS = 10;
const KEYS = 10_000;
const ASSIGNMENTS = 1_000_000;

/** One register is assigned, and one counter incremented, so often. */
const FEWER = 100_000;

/** In each change. */
const PER_CHANGE = 1_000;

/** How messages are taken in: at once, by whatever a library has for that, or one after the other. */
const TOGETHER = ["ours", "Yjs, in one transaction", "Loro, in one batch"];
const APART = ["ours, one by one", "Yjs", "json-joy", "Loro"];

/** Those that need less than a minute for changes that come before what they build on. */
const OUT_OF_ORDER = ["ours", "ours, one by one", "json-joy"];

/** Yjs and Loro take up to a minute for the map. */
function isLong({ subject, on }: { readonly subject: string; readonly on: string }): boolean {
  return on === "map" && (subject.startsWith("Yjs") || subject.startsWith("Loro"));
}

const WITHOUT_SIGNATURES = "ours, as if signatures cost nothing";

/** Nothing but one verification for each author. */
const SIGNATURES = "verify loop";

const WITH_COUNTERS = ["ours", "Loro, in one batch", "ours, one by one", "Loro"];

/** See above. */
export const maps: Suite = {
  name: "maps",
  title: "Maps, registers, counters",
  about:
    `${ASSIGNMENTS.toLocaleString("en-US")} assignments of integers to ${KEYS.toLocaleString("en-US")} keys of a map by ` +
    `${AUTHORS} authors, in changes of ${PER_CHANGE.toLocaleString("en-US")}, without hearing of each other; then all ` +
    "changes come to one more replica, shuffled, but each author's in their order, and are taken in at once (ours by " +
    "`receiveAll`, with one signature for each author's line in a few hundred changes) or one by one. Then the same wholly out of order, " +
    "for those whom that takes less than a minute (json-joy applies patches without waiting for what they build on); " +
    `and with one register and with a counter, ${FEWER.toLocaleString("en-US")} times. For the register rows show the same ` +
    `as if verifying cost nothing, and ${AUTHORS} bare \`crypto.verify\` calls with nothing else. For each key the value shown ` +
    "must be the last of some author; a counter must show the sum. Automerge takes minutes for each of these, and is left out.",
  metrics: [
    { name: "merge", title: "merge", unit: "ms" },
    { name: "make", title: "make", unit: "ms" },
    { name: "make+merge", title: "make and merge", unit: "ms" },
  ],
  jobs: () =>
    [
      ...[...TOGETHER, ...APART].map((subject) => ({ subject, on: "map" })),
      ...OUT_OF_ORDER.map((subject) => ({ subject, on: "map, out of order" })),
      ...[...TOGETHER, ...APART, WITHOUT_SIGNATURES, SIGNATURES].map((subject) => ({
        subject,
        on: "register",
      })),
      ...WITH_COUNTERS.map((subject) => ({ subject, on: "counter" })),
    ].map((job) => ({
      ...job,
      parameters: {
        kind: job.on.split(",")[0]!,
        isOrdered: !job.on.endsWith("out of order"),
      },
      isLong: isLong(job),
      ...(isLong(job) && { mostRuns: 1 }),
    })),
  async measure(job, plan) {
    if (job.subject === SIGNATURES) {
      const samples = await measureYardstick(yardstick(SIGNATURES, job.on, AUTHORS), plan);
      return samples.map(({ time }) => ({ merge: time! }));
    }
    if (job.subject === WITHOUT_SIGNATURES) {
      const { freeSignatures } = await import("../free-signatures.ts");
      freeSignatures();
    }
    const library = await libraryOf(job.subject.split(",")[0]!);
    const isTogether = [...TOGETHER, WITHOUT_SIGNATURES].includes(job.subject);
    const work = works[textOf(job, "kind")]!;
    return samplesOf(plan, async (share) => {
      const replicas = library.maps!(AUTHORS + 1);
      const receiver = replicas.pop()!;
      const { make, check } = work(replicas, { ...plan, scale: plan.scale * share });
      const start = performance.now();
      const messages = make();
      const made = performance.now();
      const delivered = job.parameters?.["isOrdered"] === true ? interleaved(messages) : messages;
      if (delivered === messages) shuffle(delivered, seeded(7));
      const before = performance.now();
      if (isTogether) await receiver.receiveAll!(delivered);
      else for (const message of delivered) receiver.receive(message);
      const end = performance.now();
      check(receiver);
      return { make: made - start, merge: end - before };
    });
  },
};

/** Messages of the authors by turns, shuffled so that each author's stay in their order. */
function interleaved(messages: readonly unknown[]): unknown[] {
  const authors = shuffle(
    messages.map((_, at) => at % AUTHORS),
    seeded(7),
  );
  const next = Array.from({ length: AUTHORS }, (_, author) => author);
  return authors.map((author) => {
    const message = messages[next[author]!];
    next[author]! += AUTHORS;
    return message;
  });
}

/** How changes are made, and what must be shown in the end. */
interface Work {
  readonly make: () => unknown[];
  readonly check: (receiver: MapReplica) => void;
}

const works: Readonly<Record<string, (authors: readonly MapReplica[], plan: Plan) => Work>> = {
  map(authors, plan) {
    const random = seeded(3);
    const keys = Array.from({ length: scaled(KEYS, plan) }, (_, i) => `key${i}`);
    const last = authors.map(() => new Map<string, number>());
    let value = 0;
    const changes = split(ASSIGNMENTS, plan).map(({ author, count }) => ({
      author,
      assignments: Array.from({ length: count }, (): Assignment => {
        const assignment = [keys[Math.floor(random() * keys.length)]!, value++] as const;
        last[author]!.set(...assignment);
        return assignment;
      }),
    }));
    return {
      make: () => changes.map(({ author, assignments }) => authors[author]!.assign(assignments)),
      check(receiver) {
        const entries = receiver.entries();
        const assigned = keys.filter((key) => last.some((values) => values.has(key)));
        expectEqual(Object.keys(entries).length, assigned.length, "keys");
        const wrong = assigned.filter(
          (key) => !last.some((values) => values.get(key) === entries[key]),
        );
        expectEqual(wrong.length, 0, "keys with a value that nobody assigned last");
      },
    };
  },
  register(authors, plan) {
    let value = 1;
    const last = authors.map(() => 0);
    const changes = split(FEWER, plan).map(({ author, count }) => {
      const values = Array.from({ length: count }, () => value++);
      last[author] = values.at(-1)!;
      return { author, values };
    });
    return {
      make: () => changes.map(({ author, values }) => authors[author]!.assignRegister(values)),
      check(receiver) {
        expectEqual(
          last.includes(receiver.register()),
          true,
          "the last value of some author shown",
        );
      },
    };
  },
  counter(authors, plan) {
    const changes = split(FEWER, plan);
    return {
      make: () => changes.map(({ author, count }) => authors[author]!.increment!(count)),
      check(receiver) {
        const sum = changes.reduce((total, { count }) => total + count, 0);
        expectEqual(receiver.counter!(), sum, "the sum");
      },
    };
  },
};

/** Changes of all authors in turns that come to so many operations. */
function split(operations: number, plan: Plan): { author: number; count: number }[] {
  const each = Math.ceil(scaled(operations, plan) / AUTHORS);
  const perChange = Math.min(PER_CHANGE, Math.ceil(each / 3));
  const changes: { author: number; count: number }[] = [];
  for (let done = 0; done < each; done += perChange) {
    for (let author = 0; author < AUTHORS; author++) {
      changes.push({ author, count: Math.min(perChange, each - done) });
    }
  }
  return changes;
}
