/** Two replicas that compare what they have, where the difference is as awkward as it can be. */
import { SyncSession } from "bft-json-crdt";
import { expectEqual } from "../measure.ts";
import { chainOf, groupsOf, live, make, ops } from "./change.ts";
import type { Made } from "./change.ts";
import { deliver, replica } from "./case.ts";
import type { Case, Doc, Phase } from "./case.ts";

const LIST = ["list"];

/** Cases of this theme. */
export const cases: Case[] = [
  {
    name: "n groups of one change to an empty replica",
    prepare: (size) => {
      const all = chainOf(size, (at) => [ops.insert(LIST, at)]);
      return [meeting("catch up", size, one(all), replica())];
    },
  },
  {
    name: "n chains to an empty replica",
    prepare: (size) => [meeting("catch up", size, filled(heads(size)), replica())],
  },
  {
    name: "n chains, of which each side lacks half",
    prepare: (size) => {
      const all = heads(size);
      return [
        meeting(
          "compare",
          size,
          filled(all.filter((_, at) => at % 4 > 0)),
          filled(all.filter((_, at) => at % 4 < 3)),
        ),
      ];
    },
  },
  {
    name: "n chains, each longer on one of the sides",
    prepare: (size) => {
      const first = heads(size / 2);
      const second = first.map((prev) => make({ chain: prev.chain, prev }));
      return [
        meeting(
          "compare",
          size,
          filled([...first, ...second.filter((_, at) => at % 2 === 0)]),
          filled([...first, ...second.filter((_, at) => at % 2 === 1)]),
        ),
      ];
    },
  },
  {
    name: "one chain forked n ways, of which each side lacks half",
    prepare: (size) => {
      const root = make({});
      const all = Array.from({ length: size }, (_, at) => make({ prev: root, time: at }));
      return [
        meeting(
          "compare",
          size,
          filled([root, ...all.filter((_, at) => at % 4 > 0)]),
          filled([root, ...all.filter((_, at) => at % 4 < 3)]),
        ),
      ];
    },
  },
  {
    name: "a fork at the very beginning, then n / 2 changes on each branch",
    prepare: (size) => {
      const root = make({});
      const branch = (time: number): Made[] => chainOf(size / 2, () => [], { prev: root, time });
      return [meeting("compare", size, filled([root, ...branch(1)]), filled([root, ...branch(2)]))];
    },
  },
  {
    name: "a change on the very first one, after n others",
    prepare: (size) => {
      const all = chainOf(size, () => []);
      const old = make({ chain: 1n, parents: [all[0]!] });
      return [meeting("compare", size, filled([...all, old]), filled(all))];
    },
  },
  {
    name: "n / 10 meetings of replicas of n changes that are in step",
    prepare: (size) => {
      const all = chainOf(size, () => []);
      return meetings(size / 10, filled(all), filled(all));
    },
  },
  {
    name: "n / 10 meetings of which each brings one change",
    prepare: (size) => {
      const all = chainOf(size + size / 10, () => []);
      return meetings(
        size / 10,
        filled(all.slice(0, size)),
        filled(all.slice(0, size)),
        all.slice(size),
      );
    },
  },
  {
    name: "n live changes through a session, with n / 10 heads",
    prepare: (size) => {
      const wide = heads(size / 10);
      const all = chainOf(size, (at) => [ops.insert(LIST, at)], { chain: 1n << 40n });
      const [a, b] = [filled(wide), filled(wide)];
      const link = new Link(a, b);
      link.settle();
      return [
        {
          name: "push",
          elements: size,
          work: () => {
            for (const change of all) {
              const group = live(change);
              link.push(group, a.receive(group).applied);
              link.settle();
            }
          },
          check: () => expectEqual(b.history.length, a.history.length, "changes on the other side"),
        },
      ];
    },
  },
];

/** `count` changes that know nothing of each other. */
function heads(count: number): Made[] {
  return Array.from({ length: count }, (_, at) =>
    make({ chain: BigInt(at), ops: [ops.insert(LIST, at)] }),
  );
}

function filled(changes: readonly Made[]): Doc {
  const document = replica();
  deliver(document, groupsOf(changes));
  return document;
}

/** The same, each change in a group of its own. */
function one(changes: readonly Made[]): Doc {
  const document = replica();
  deliver(document, changes.map(live));
  return document;
}

function meeting(name: string, size: number, a: Doc, b: Doc): Phase {
  return {
    name,
    elements: size,
    work: () => {
      const link = new Link(a, b);
      for (let round = 0; round < 4; round++) {
        link.settle();
        if (a.history.length === b.history.length && link.synced) break;
        link.refresh();
      }
    },
    check: () => {
      expectEqual(a.history.length, b.history.length, "changes on both sides");
      expectEqual(a.viewDigest(), b.viewDigest(), "digests");
    },
  };
}

function meetings(count: number, a: Doc, b: Doc, news: readonly Made[] = []): Phase[] {
  return [
    {
      name: "meet",
      elements: count,
      work: () => {
        for (let at = 0; at < count; at++) {
          const change = news[at];
          if (change !== undefined) a.receive(live(change));
          new Link(a, b).settle();
        }
      },
      check: () => expectEqual(a.history.length, b.history.length, "changes on both sides"),
    },
  ];
}

/** Two sessions, and the frames between them. */
class Link {
  readonly #sessions: readonly [SyncSession, SyncSession];
  readonly #frames: { to: 0 | 1; frame: string | Uint8Array }[] = [];

  constructor(a: Doc, b: Doc) {
    this.#sessions = [this.#session(a, 1), this.#session(b, 0)];
    for (const session of this.#sessions) session.open();
  }

  get synced(): boolean {
    return this.#sessions.every(({ synced }) => synced);
  }

  /** Carries frames until none is left. */
  settle(): void {
    for (let frames = this.#frames.splice(0); frames.length > 0; frames = this.#frames.splice(0)) {
      for (const { to, frame } of frames) this.#sessions[to].receive(frame);
    }
  }

  refresh(): void {
    for (const session of this.#sessions) session.refresh();
  }

  push(group: Uint8Array, indexes: readonly number[]): void {
    this.#sessions[0].push(group, indexes);
  }

  #session(document: Doc, to: 0 | 1): SyncSession {
    return new SyncSession({
      history: document.history,
      peer: "peer",
      send: (frame) => {
        this.#frames.push({ to, frame });
        return true;
      },
      receiveGroup: (group) => document.receive(group, "peer"),
    });
  }
}
