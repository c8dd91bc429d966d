/** Edits at random places of large lists, and looking up their items. */
import { expectEqual, samplesOf } from "../measure.ts";
import { appendTo, digestOf, mixed, ModelList, numbersFrom } from "../model-list.ts";
import { seeded } from "../random.ts";
import { libraryOf } from "../subjects/index.ts";
import { numberOf, scaled } from "../suite.ts";
import type { Plan, Suite } from "../suite.ts";

const SIZES = [1_000, 100_000, 1_000_000];
const OPERATIONS = 20_000;

/** Some peers walk through half of the list for each edit. */
const PEER_OPERATIONS = 1_000;
const PEERS_WITH_LISTS = ["Yjs", "json-joy", "Loro"];

/** See above. */
export const list1m: Suite = {
  name: "list-1m",
  title: "Lists of a million",
  about:
    `So many integers are appended to a list; then ${OPERATIONS.toLocaleString("en-US")} insertions and deletions by turns, ` +
    `each at a random place, as one change (${PEER_OPERATIONS.toLocaleString("en-US")} for the peers); then items are ` +
    "read at random indexes, and the indexes of items found by their stable ids. All per operation.",
  metrics: [
    { name: "edit", title: "insert or delete", unit: "µs" },
    { name: "index", title: "get by index", unit: "µs" },
    { name: "id", title: "find by id", unit: "µs" },
  ],
  growth: ["1,000", "100,000"],
  jobs: (plan) =>
    sizesOf(plan).flatMap((size) =>
      ["ours", ...PEERS_WITH_LISTS].map((subject) => ({
        subject,
        on: size.toLocaleString("en-US"),
        parameters: {
          size,
          operations: scaled(subject === "ours" ? OPERATIONS : PEER_OPERATIONS, plan),
        },
      })),
    ),
  async measure(job, plan) {
    const library = await libraryOf(job.subject);
    const size = numberOf(job, "size");
    const operations = numberOf(job, "operations");
    const random = seeded(size);
    const edits = mixed(operations, size, random);
    const model = new ModelList(numbersFrom(0, size));
    for (const edit of edits) model.edit(edit);
    const expected = model.toArray();
    const digest = digestOf(expected);
    const places = Array.from({ length: operations }, () => Math.floor(random() * expected.length));
    return samplesOf(
      plan,
      () => {
        const list = library.list!();
        appendTo(list, size);
        const edit = perOperation(operations, () => list.edit(edits));
        let sum = 0;
        const index = perOperation(operations, () => {
          for (const place of places) sum += list.get(place);
        });
        expectEqual(
          sum,
          places.reduce((total, place) => total + expected[place]!, 0),
          "the sum of the items read",
        );
        expectEqual(digestOf(list.toArray()), digest, "the list");
        const find = list.finder?.(places);
        if (find === undefined) return { edit, index };
        let wrong = 0;
        const id = perOperation(operations, () => {
          for (let n = 0; n < operations; n++) if (find(n) !== places[n]) wrong++;
        });
        expectEqual(wrong, 0, "items found in a wrong place");
        return { edit, index, id };
      },
      { part: 1, warmUp: size > 100_000 ? 1 : 400, most: 5 },
    );
  },
};

function sizesOf(plan: Plan): number[] {
  return [...new Set(SIZES.map((size) => scaled(size, plan)))];
}

function perOperation(operations: number, work: () => void): number {
  const start = performance.now();
  work();
  return ((performance.now() - start) * 1_000) / operations;
}
