/** The graph of changes under attack: heads, chains, forks, links, order of arrival, covers, ids. */
import { encodeGroup, History } from "bft-json-crdt";
import { expectEqual } from "../measure.ts";
import {
  ALICE,
  chainOf,
  groupsOf,
  ID,
  live,
  make,
  MALLORY,
  ops,
  stranger,
  TRUDY,
} from "./change.ts";
import { SIGNATURE } from "../free-signatures.ts";
import type { Made } from "./change.ts";
import { course, deliver, replica } from "./case.ts";
import type { Case, Doc, Phase } from "./case.ts";

const LIST = ["list"];

/** Cases of this theme. */
export const cases: Case[] = [
  {
    name: "n heads that nobody merges",
    prepare(size) {
      const heads = Array.from({ length: size }, (_, at) =>
        make({ chain: BigInt(at), ops: [ops.insert(LIST, at)] }),
      );
      const phases = course(heads, size, ({ root }) => root.list.length, size, append);
      return [...phases, ...frontiers(heads, size)];
    },
  },
  {
    name: "n changes by n / 100 authors",
    prepare(size) {
      const chains = Array.from({ length: size / 100 }, () =>
        chainOf(100, (i) => [ops.insert(LIST, i)], { author: stranger() }),
      );
      return course(chains.flat(), size, ({ root }) => root.list.length, size, append);
    },
  },
  {
    name: "16 parents each",
    prepare(size) {
      const changes: Made[] = [];
      for (let at = 0; at < size; at++) {
        const parents = changes.slice(-17, -1);
        changes.push(
          make({ chain: BigInt(at % 1_000), prev: changes[at - 1_000] ?? null, parents }),
        );
      }
      return course(changes, size, ({ root }) => root.list.length, 0, append);
    },
  },
  {
    name: "n references, 1,000 each",
    prepare(size) {
      const chain = chainOf(2_000, (at) => [ops.insert(LIST, at)]);
      const changes: Made[] = [];
      let prev = chain.at(-1)!;
      for (let at = 0; at < size / 1_000; at++) {
        prev = make({ prev, refs: chain.slice(at % 900, (at % 900) + 1_000) });
        changes.push(prev);
      }
      return course([...chain, ...changes], size, ({ root }) => root.list.length, 2_000, append);
    },
  },
  {
    name: "n / 2 chains, each forked at its first change",
    prepare(size) {
      const changes: Made[] = [];
      for (let at = 0; at < size; at++) {
        changes.push(make({ chain: BigInt(at >> 1), time: at, ops: [ops.insert(LIST, at)] }));
      }
      return [
        ...course(changes, size, ({ root }) => root.list.length, size, append),
        announce(changes, size),
      ];
    },
  },
  {
    name: "one chain forked n ways, with items to remove",
    prepare(size) {
      const root = make({ ops: [ops.insert(LIST, -1)] });
      const branches = Array.from({ length: size }, (_, at) =>
        make({ prev: root, time: at, ops: [ops.left([1, 0, 0], at)] }),
      );
      const phases = course(
        [root, ...branches],
        size,
        (document) => document.root.list.length,
        size + 1,
        append,
      );
      return [...phases, announce([root, ...branches], size), clear([root, ...branches], size)];
    },
  },
  {
    name: "one chain forked at each of n / 2 places",
    prepare(size) {
      const changes: Made[] = [];
      let prev: Made | null = null;
      for (let at = 0; at < size / 2; at++) {
        const other: Made = make({ prev, time: 1, ops: [ops.insert(LIST, at)] });
        prev = make({ prev, ops: [ops.insert(LIST, at)] });
        changes.push(other, prev);
      }
      const phases = course(changes, size, ({ root }) => root.list.length, size, append);
      return [...phases, announce(changes, size), clear(changes, size)];
    },
  },
  {
    name: "two alternating authors, a signature each per group",
    prepare(size) {
      const changes: Made[] = [];
      const last = new Map<unknown, Made>();
      for (let at = 0; at < size; at++) {
        const author = at % 2 === 0 ? MALLORY : TRUDY;
        const parents = at === 0 ? [] : [changes[at - 1]!];
        const change = make({
          author,
          prev: last.get(author) ?? null,
          parents,
          ops: [ops.insert(LIST, at)],
        });
        last.set(author, change);
        changes.push(change);
      }
      return course(changes, size, ({ root }) => root.list.length, size, append);
    },
  },
  {
    name: "groups whose covers fall one after the other",
    prepare: (size) => {
      const groups = Array.from({ length: Math.ceil(size / 1_023) }, (_, at) =>
        fallingGroup(1_023, BigInt(at)),
      );
      const history = new History({ document: ID });
      return [
        {
          name: "receive",
          elements: groups.length * 1_023,
          work: () => deliver(history, groups),
          check: () => expectEqual(history.length, 0, "applied changes"),
        },
      ];
    },
  },
  {
    name: "one change again and again, with other signatures",
    prepare(size) {
      const orphan = make({ parents: [make({})] });
      const copies = Array.from({ length: size }, (_, at) => {
        const signature = SIGNATURE.slice();
        new DataView(signature.buffer).setUint32(33, at);
        return encodeGroup([{ body: orphan.body, signature }]);
      });
      const history = new History({ document: ID });
      return [
        {
          name: "receive, while it waits",
          elements: size,
          work: () => deliver(history, copies),
          check: () => expectEqual(history.pending.count, 1, "pending changes"),
        },
        {
          name: "receive, when it is applied",
          elements: size,
          work: () => deliver(history, [live(make({})), ...copies]),
          check: () => expectEqual(history.length, 2, "applied changes"),
        },
      ];
    },
  },
  {
    name: "ids equal in 29 of their 32 bytes",
    prepare(size) {
      const changes = chainOf(size, () => []);
      // The ids of one's own changes are taken as they are: so nothing has to be ground.
      const phases: Phase[] = [0, 14, 29].map((at) => {
        const history = new History({ document: ID });
        return {
          name: `different in bytes ${at} to ${at + 2}`,
          elements: size,
          work: () => {
            const id = new Uint8Array(32).fill(0x55);
            for (let i = 0; i < size; i++) {
              id.set([i, i >> 8, i >> 16], at);
              history.append(make({ time: i }).body, id, SIGNATURE);
            }
          },
          check: () => expectEqual(history.length, size, "applied changes"),
        };
      });
      const history = new History({ document: ID });
      phases.unshift({
        name: "honest ids",
        elements: size,
        work: () => {
          for (let i = 0; i < size; i++) {
            const { body, id } = make({ time: i });
            history.append(body, id, SIGNATURE);
          }
        },
        check: () => expectEqual(history.length, changes.length, "applied changes"),
      });
      return phases;
    },
  },
];

function append(document: Doc, at: number): void {
  document.change(({ list }) => list.push(at), { time: null });
}

/** The frontier asked for while it changes, and a walk for what someone lacks who has nearly everything. */
function frontiers(changes: readonly Made[], size: number): Phase[] {
  const history = new History({ document: ID });
  const times = 20;
  deliver(history, groupsOf(changes.slice(0, -times)));
  return [
    {
      name: "heads, after each of 20 changes",
      elements: size * times,
      work: () => {
        for (const change of changes.slice(-times)) {
          history.receive(live(change));
          expectEqual(history.heads().length, history.length, "heads");
        }
      },
    },
    {
      name: "what is missing to one who lacks one change",
      elements: size,
      again: true,
      work: () => {
        const known = Array.from({ length: history.length - 1 }, (_, i) => i);
        expectEqual(history.missingFor(known).length, 1, "missing changes");
      },
    },
  ];
}

/** Changes come in one by one, and someone listens for forks. */
function announce(changes: readonly Made[], size: number): Phase {
  const document = replica();
  let heard = 0;
  document.onFork(() => heard++);
  const groups = changes.map(live);
  return {
    name: "one by one, with a listener for forks",
    elements: size,
    work: () => deliver(document, groups),
    check: () => expectEqual(heard, document.history.forks().length, "forks heard of"),
  };
}

/** Alice removes everything. */
function clear(changes: readonly Made[], size: number): Phase {
  const document = replica();
  deliver(document, groupsOf(changes));
  return {
    name: "all items removed by Alice",
    elements: size,
    work: () => {
      document.change(({ list }) => list.delete(0, list.length), { time: null });
    },
    check: () => expectEqual(document.root.list.length, 0, "items"),
  };
}

/**
 * A group in which no change can be applied, though it takes a while to see: the last has no cover; it is the ground of
 * the cover of the one before, and so on. Mallory's chains of two, each cover built on the next chain's first change.
 */
function fallingGroup(length: number, chain: bigint): Uint8Array {
  const pairs = Math.floor(length / 2);
  const firsts = Array.from({ length: pairs + 1 }, (_, at) =>
    make({ author: ALICE, chain: chain * 1_024n + BigInt(at) }),
  );
  const covers = firsts
    .slice(0, -1)
    .map((first, at) =>
      make({ author: ALICE, chain: first.chain, prev: first, parents: [firsts[at + 1]!] }),
    );
  return signedOnly([...firsts, ...covers], new Set(covers));
}

/** One group in which just these changes are signed. */
function signedOnly(changes: readonly Made[], signed: ReadonlySet<Made>): Uint8Array {
  return encodeGroup(
    changes.map((change) => ({
      body: change.body,
      signature: signed.has(change) ? SIGNATURE : null,
    })),
  );
}
