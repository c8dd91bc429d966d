/** The causal queue under attack: changes that wait, for ever or until the first comes last. */
import { History } from "bft-json-crdt";
import { expectEqual } from "../measure.ts";
import { chainOf, ID, live, make, ops, shuffled, stranger } from "./change.ts";
import type { Made } from "./change.ts";
import { UNBOUNDED } from "./case.ts";
import type { Case, Phase } from "./case.ts";

/** Cases of this theme. */
export const cases: Case[] = [
  {
    name: "n changes whose parents never come, from 16 peers",
    prepare: (size) => orphans(size, (at) => `peer ${at % 16}`),
  },
  {
    name: "the same, from n / 10 peers",
    prepare: (size) => orphans(size, (at) => `peer ${at % (size / 10)}`),
  },
  {
    name: "the same, with 64 parents and references each",
    most: 1e5,
    prepare(size) {
      const missing = Array.from({ length: 64 }, (_, at) => nobody(at));
      const groups = Array.from({ length: size }, (_, at) =>
        live(make({ chain: BigInt(at), parents: missing.slice(0, 16), refs: missing.slice(16) })),
      );
      return flood(groups, (at) => `peer ${at % 16}`);
    },
  },
  {
    name: "the same, each waiting for 64 of its own",
    most: 1e5,
    prepare(size) {
      const groups = Array.from({ length: size }, (_, at) => {
        const refs = Array.from({ length: 64 }, (_, i) => nobody(at * 64 + i));
        return live(make({ chain: BigInt(at), refs }));
      });
      return flood(groups, (at) => `peer ${at % 16}`);
    },
  },
  {
    name: "a chain that comes backwards",
    prepare: (size) => late(size, (changes) => changes.toReversed()),
  },
  { name: "a chain that comes shuffled", prepare: (size) => late(size, shuffled) },
  {
    name: "n changes that wait for one",
    prepare(size) {
      const first = make({});
      const others = Array.from({ length: size }, (_, at) =>
        make({ chain: BigInt(at + 1), parents: [first] }),
      );
      return released([...others, first]);
    },
  },
  {
    name: "n changes that fall with one",
    prepare(size) {
      const wrong = make({ prev: { ...make({}), seq: 7 } });
      const others = chainOf(size, () => [], { prev: wrong });
      const history = new History({ document: ID, limits: UNBOUNDED });
      const groups = [...others.toReversed(), wrong, make({})].map(live);
      return [
        {
          name: "receive",
          elements: size,
          work: () => {
            for (const group of groups) history.receive(group);
          },
          check: () => {
            expectEqual(history.length, 1, "applied changes");
            expectEqual(history.pending.count, 0, "pending changes");
          },
        },
      ];
    },
  },
  {
    name: "junk of other documents, refused by id",
    prepare(size) {
      const changes = chainOf(size, (at) => [ops.insert(["list"], at)]);
      const history = new History({ document: new Uint8Array(32) });
      return [
        {
          name: "receive",
          elements: size,
          work: () => {
            for (const change of changes) history.receive(live(change));
          },
          check: () => expectEqual(history.length, 0, "applied changes"),
        },
      ];
    },
  },
];

function orphans(size: number, peerOf: (at: number) => string): Phase[] {
  const authors = Array.from({ length: 16 }, stranger);
  const groups = Array.from({ length: size }, (_, at) => {
    const author = authors[at % 16]!;
    return live(make({ author, chain: BigInt(at), parents: [nobody(at)] }));
  });
  return flood(groups, peerOf);
}

const ANYBODY = make({});

/** A change that nobody has. */
function nobody(number: number): Made {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, number);
  return { ...ANYBODY, id };
}

/** A flood of what will never be applied, and honest changes behind it. */
function flood(groups: readonly Uint8Array[], peerOf: (at: number) => string): Phase[] {
  const history = new History({ document: ID });
  const honest = chainOf(Math.max(1_000, groups.length / 5), (at) => [
    ops.insert(["list"], at),
  ]).map(live);
  return [
    {
      name: "receive",
      elements: groups.length,
      work: () => groups.forEach((group, at) => history.receive(group, peerOf(at))),
      check: () => expectEqual(history.pending.bytes <= 64 * 1_048_576, true, "bounded"),
    },
    {
      name: "an honest change behind it",
      elements: honest.length,
      work: () => {
        for (const group of honest) history.receive(group, "honest");
      },
      check: () => expectEqual(history.length, honest.length, "applied changes"),
    },
  ];
}

function late(size: number, order: (changes: readonly Made[]) => Made[]): Phase[] {
  return released(order(chainOf(size, (at) => [ops.insert(["list"], at)])));
}

/** Changes that wait for what comes last. */
function released(changes: readonly Made[]): Phase[] {
  const history = new History({ document: ID, limits: UNBOUNDED });
  const groups = changes.map(live);
  return [
    {
      name: "receive",
      elements: changes.length,
      work: () => {
        for (const group of groups) history.receive(group);
      },
      check: () => {
        expectEqual(history.length, changes.length, "applied changes");
        expectEqual(history.pending.count, 0, "pending changes");
      },
    },
  ];
}
