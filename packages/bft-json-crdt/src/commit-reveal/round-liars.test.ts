/** Rounds of commitments: what follows from the rule whatever liars do. */
import { expectReached, runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Document } from "../document/index.ts";
import { canonicalJson, toHex } from "../encoding/index.ts";
import { closeRecord, commitRecord, endRecord } from "./index.ts";
import type { Opening, RoundView } from "./index.ts";
import { modelOf } from "./round.model.ts";
import {
  close,
  commit,
  deliver,
  end,
  ID,
  open,
  read,
  reveal,
  revealAnyway,
  roundOf,
  schema,
  TOPIC,
  twin,
  write,
} from "../../test/rounds.ts";
import type { Replica } from "../../test/rounds.ts";

/** Who takes part in a random story: closers first, then bidders. `copies` are the stories that each tells. */
interface Player {
  readonly who: number;
  readonly isLiar: boolean;
  readonly copies: Replica[];
  opening: Opening | null;
}

interface Step {
  readonly who: number;
  readonly act: number;
  readonly copy: number;
  readonly whom: number;
}

const stepOf: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(99),
  act: fc.nat(11),
  copy: fc.nat(99),
  whom: fc.nat(99),
});

/** A story in which honest ones commit early, close, reveal and end late, so that it gets far; liars act at any time. */
function play(n: number, k: number, liars: number, steps: readonly Step[]) {
  const bidders = 4;
  const players: Player[] = Array.from({ length: n + bidders }, (_, at) => ({
    who: at + 1,
    isLiar: at < liars || at >= n + bidders - 2,
    copies: [open(at + 1)],
    opening: null,
  }));
  const closers = players.slice(0, n);
  const round = roundOf(k, ...closers.map(({ copies }) => copies[0]!));
  /** Ids of commitments by honest bidders that all honest closers had seen when they closed. */
  const seenByAll = new Map<string, number>();
  const hasClosed = new Set<Player>();
  const act = ({ who, act, copy, whom }: Step, time: number): void => {
    const player = players[who % players.length]!;
    const document = player.copies[copy % player.copies.length]!;
    const other = players[whom % players.length]!;
    const theirs = other.copies[copy % other.copies.length]!;
    if (player.isLiar && act > 9 && player.copies.length < 3) {
      // With all that it has seen, or with nothing: what that writes is back-dated.
      player.copies.push(whom % 3 === 0 ? open(player.who) : twin(document, player.who));
    } else if (act >= 6) {
      deliver(document, theirs);
      deliver(theirs, document);
    } else if (player.isLiar) {
      lie(player, document, time < 0.3 ? act % 6 || 2 : act, copy);
    } else {
      honest(player, document, act, time);
    }
  };
  const honest = (player: Player, document: Replica, act: number, time: number): void => {
    const view = read(document, round);
    const isCloser = player.who <= n;
    if (isCloser && time > 0.3 && !hasClosed.has(player)) {
      close(document);
      hasClosed.add(player);
      for (const it of read(document, round).commitments) {
        seenByAll.set(it.id, (seenByAll.get(it.id) ?? 0) + 1);
      }
    } else if (isCloser && time > 0.8 && view.phase !== "committing") {
      end(document);
    } else if (!isCloser && player.opening === null && time < 0.5) {
      player.opening = commit(document, player.who, player.who);
    } else if (!isCloser && view.phase !== "committing" && act < 6) {
      const own = view.commitments.find(({ author }) => author === toHex(document.author!));
      if (own?.state === "sealed") reveal(document, round, player.opening!);
    }
  };
  const lie = (player: Player, document: Replica, act: number, copy: number): void => {
    if (act === 0 && player.who <= n) write(document, closeRecord(TOPIC));
    else if (act === 1) write(document, endRecord(TOPIC));
    else if (act === 2 || act === 3) {
      player.opening = commit(document, 100 + copy, player.who);
    } else if (act === 4) {
      const [any] = read(document, round).commitments;
      if (any !== undefined) write(document, commitRecord(TOPIC, any.commitment));
    } else if (player.opening !== null) {
      revealAnyway(document, player.opening);
    }
  };
  for (const [at, step] of steps.entries()) act(step, at / steps.length);
  return { round, players, closers, seenByAll };
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  return items
    .map((item, at) => [((at + 1) * (seed + 1) * 2_654_435_761) % 4_294_967_296, item] as const)
    .toSorted((a, b) => a[0] - b[0])
    .map(([, item]) => item);
}

function groupsOf(players: readonly Player[]): Uint8Array[] {
  const groups = new Map<string, Uint8Array>();
  for (const { history } of players.flatMap(({ copies }) => copies)) {
    for (let index = 0; index < history.length; index++) {
      // Some have it under a later signature; its author has it alone.
      const key = toHex(history.idAt(index));
      const group = history.groupOf(index);
      if (group.length < (groups.get(key)?.length ?? Infinity)) groups.set(key, group);
    }
  }
  return [...groups.values()];
}

/** Plain data, without local indexes. */
function plain(view: RoundView): string {
  const { commitments, closers, ignored, phase, isVoid, isSettled } = view;
  const shown = commitments.map(({ id, state, value, reveal }) => [
    id,
    state,
    value ?? null,
    reveal?.id ?? null,
  ]);
  const others = [...closers, ...ignored].map((it) => ({ ...it }));
  return canonicalJson([phase, isVoid, isSettled, shown, others]);
}

describe("whatever liars do", () => {
  const PHASES = ["committing", "revealing", "ended"];
  const stories = fc.record({
    round: fc.constantFrom([1, 1], [2, 2], [3, 2], [3, 3], [4, 3], [5, 4]),
    liars: fc.nat(3),
    steps: fc.array(stepOf, { minLength: 60, maxLength: 140 }),
    seed: fc.nat(1_000_000),
  });

  test("all replicas read the same, as the rule says word for word, and nobody commits after having seen", () => {
    const reached = { revealed: 0, ended: 0, withheld: 0, late: 0 };
    fc.assert(
      fc.property(stories, ({ round: [n, k], liars, steps, seed }) => {
        const { round, players, seenByAll } = play(n, k, Math.min(liars, n), steps);
        const groups = groupsOf(players);
        const replicas = [0, 1, 2].map((turn) => {
          const replica = new Document({ schema, id: ID });
          for (const group of shuffled(groups, seed + turn)) replica.receive(group);
          return replica;
        });
        const whole = read(replicas[0]!, round);
        for (const replica of replicas) {
          expect(replica.history.length).toBe(groups.length);
          expect(plain(read(replica, round))).toBe(plain(whole));
        }
        // Those who have only a part are bound by the same rule.
        for (const document of [replicas[0]!, ...players.flatMap(({ copies }) => copies)]) {
          const view = read(document, round);
          const model = modelOf(document, document.root.bids, round);
          const states = view.commitments.map((it): [string, unknown] => [
            it.id,
            it.state === "revealed" ? { revealed: it.value, at: it.reveal!.id } : it.state,
          ]);
          expect({
            phase: view.phase,
            states: Object.fromEntries(states),
            contradicted: view.closers.filter((it) => it.isContradicted).map((it) => it.author),
          }).toEqual(model);
          expect(PHASES.indexOf(view.phase)).toBeLessThanOrEqual(PHASES.indexOf(whole.phase));
          const counting = view.commitments.filter(({ state }) =>
            ["sealed", "revealed", "withheld"].includes(state),
          );
          expect(new Set(counting.map(({ author }) => author)).size).toBe(counting.length);
          for (const { reveal } of counting) {
            if (reveal === undefined) continue;
            for (const { change } of counting) {
              expect(document.history.isAncestor(change, reveal.change)).toBe(true);
            }
          }
        }
        // What k honest closers had seen, by an honest author, counts for ever.
        for (const it of whole.commitments) {
          const { isLiar } = players.find(({ copies }) => toHex(copies[0]!.author!) === it.author)!;
          if (!isLiar && (seenByAll.get(it.id) ?? 0) >= k) {
            expect(["sealed", "revealed", "withheld"]).toContain(it.state);
          }
          if (it.state in reached) reached[it.state as keyof typeof reached]++;
        }
        if (whole.phase === "ended") reached.ended++;
      }),
      runs(60),
    );
    // The stories must go far enough to say anything.
    for (const [what, count] of Object.entries(reached)) expectReached(count, what);
  });
});
