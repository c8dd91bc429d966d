import { describe, expect, it, vi } from "vitest";
import { compareBytes } from "../encoding/bytes.ts";
import { author, junk, Replica } from "../../test/replica-links.ts";
import { FRESH_FRONTIERS, FRESH_FRONTIERS_AGAIN, MAX_LISTED_HEADS } from "./bounds.ts";
import { OwnFrontier } from "./own-frontier.ts";
import { frontierOf, sameFrontier, withoutHeads } from "./tips.ts";

const liar = author(0);

/** A replica of so many heads, all of one author. */
function withHeads(count: number): Replica {
  const replica = new Replica("wide");
  const root = replica.write(liar);
  for (let i = 0; i < count; i++) replica.write(liar, { prev: root.index, parents: [] });
  expect(replica.history.headCount).toBe(count);
  return replica;
}

/** How often the own frontier was found while this was done. */
function findings({ history }: Replica, work: () => void): number {
  const heads = vi.spyOn(history, "heads");
  work();
  const { length } = heads.mock.calls;
  heads.mockRestore();
  return length;
}

/** One more change, on top of the one before on the same line. */
function line(replica: Replica): () => void {
  let prev = replica.history.heads()[0]!;
  return () => (prev = replica.write(liar, { prev, parents: [] }).index);
}

describe("the own frontier", () => {
  it("is exact while it can be listed, however often somebody asks", () => {
    const replica = withHeads(MAX_LISTED_HEADS - 1);
    const own = new OwnFrontier(replica.history);
    const grow = line(replica);
    for (let i = 0; i < 3 * FRESH_FRONTIERS; i++) {
      grow();
      expect(sameFrontier(own.at(), { heads: replica.history.frontier() })).toBe(true);
    }
  });

  it("is exact some times when it is wide, and then of a moment ago", () => {
    const width = 4;
    const replica = withHeads(width * MAX_LISTED_HEADS);
    const { history } = replica;
    const own = new OwnFrontier(history);
    const [, ...others] = history.heads();
    const grow = line(replica);
    const times = 10 * FRESH_FRONTIERS;
    let exact = 0;
    const found = findings(replica, () => {
      for (let i = 0; i < times; i++) {
        grow();
        const told = own.at();
        const ages = [0, 1, 2, 3].filter((age) => sameFrontier(told, frontierOfThen(age)));
        if (ages[0] === 0) exact++;
        expect(ages).toHaveLength(1);
        // Nothing but the very same is taken for it.
        expect(own.is(told)).toBe(true);
        expect(own.is({ digest: junk(1) })).toBe(false);
      }
    });
    // Each of these times, and then once for as many changes as it has heads by the 256.
    expect(exact).toBe(FRESH_FRONTIERS + Math.floor((times - FRESH_FRONTIERS) / width));
    expect(found).toBe(exact);

    /** The digest of all but the last changes: this line is one head, and the others stay. */
    function frontierOfThen(age: number): ReturnType<typeof frontierOf> {
      const heads = [...others, history.length - 1 - age].map((index) => history.idAt(index));
      return withoutHeads({ heads: heads.toSorted(compareBytes) });
    }
  });

  it("is exact again when the host refreshes or tells a cursor", () => {
    const replica = withHeads(4 * MAX_LISTED_HEADS);
    const own = new OwnFrontier(replica.history);
    const grow = line(replica);
    const ask = (): void => {
      grow();
      own.at();
    };
    // The first time it has to be.
    for (let i = 0; i <= FRESH_FRONTIERS; i++) ask();
    expect(findings(replica, ask)).toBe(0);
    own.allowMore();
    const found = findings(replica, () => {
      for (let i = 0; i < FRESH_FRONTIERS_AGAIN; i++) ask();
    });
    expect(found).toBe(FRESH_FRONTIERS_AGAIN);
    for (let i = 0; i < 100; i++) own.allowMore();
    const most = findings(replica, () => {
      for (let i = 0; i < FRESH_FRONTIERS; i++) ask();
    });
    expect(most).toBe(FRESH_FRONTIERS);
  });

  it("of what is durable and of all are found once each, while nothing comes", () => {
    const replica = withHeads(2 * MAX_LISTED_HEADS);
    const { history } = replica;
    const own = new OwnFrontier(history);
    const found = findings(replica, () => {
      for (let i = 0; i < 3 * FRESH_FRONTIERS; i++) {
        own.at(history.length - 1);
        own.at();
      }
    });
    expect(found).toBe(2);
  });

  it("is never that of more changes than were asked for", () => {
    const replica = withHeads(4 * MAX_LISTED_HEADS);
    const { history } = replica;
    const own = new OwnFrontier(history);
    for (let i = 0; i < FRESH_FRONTIERS; i++) own.at(history.length - 2 - i);
    own.at();
    const before = frontierOf(history, history.length - 1);
    expect(sameFrontier(own.at(history.length - 1), before)).toBe(true);
  });

  it("that is listed is not looked for when somebody names a digest, nor the other way round", () => {
    const [wide, narrow] = [withHeads(MAX_LISTED_HEADS + 1), withHeads(2)];
    expect(findings(wide, () => new OwnFrontier(wide.history).is({ heads: [] }))).toBe(0);
    expect(findings(narrow, () => new OwnFrontier(narrow.history).is({ digest: junk(1) }))).toBe(0);
  });
});
