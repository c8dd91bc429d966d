import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { person } from "../../test/forge.ts";
import { catchUnhandled } from "../../test/unhandled.ts";
import { decodeGroup } from "../change/index.ts";
import { MAX_GROUP_CHANGES } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { list, number, struct, text } from "../schema/index.ts";
import { recordsOf } from "../store/index.ts";
import { BatchError, Document } from "./document.ts";
import type { DocumentEvent, LocalBatch, MakeChange } from "./document.ts";

const ID = new Uint8Array(32).fill(4);
const SCHEMA = struct({ body: text(), items: list(number()) });

const open = (who = 1): Document<typeof SCHEMA> =>
  new Document({ schema: SCHEMA, id: ID, keyPair: person(who), chain: BigInt(who) });

/** Others get the same bytes later, when a relay or a peer encodes the changes anew. */
function expectAsFromHistory(document: Document<typeof SCHEMA>, batch: LocalBatch): void {
  const { history } = document;
  expect(batch.groups).toEqual(batch.indexes.flatMap((indexes) => history.groupsFor(indexes)));
}

describe("a batch", () => {
  it("holds the same changes as if each had been signed, under one signature in each group", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 }), (numbers) => {
        const [alice, each, bob] = [open(), open(), open(2)];
        const batch = alice.batch((change) => {
          for (const one of numbers) change((doc) => doc.items.push(one), { time: null });
        });
        for (const one of numbers) each.change((doc) => doc.items.push(one), { time: null });
        expect(alice.frontier()).toEqual(each.frontier());
        expect(batch.indexes.flat()).toEqual(numbers.map((_, at) => at));
        expectAsFromHistory(alice, batch);
        for (const group of batch.groups) {
          const entries = decodeGroup(group);
          if (!entries.ok) throw new Error("not a group");
          expect(entries.value.filter(({ signature }) => signature !== null)).toHaveLength(1);
          expect(bob.receive(group).status).toBe("applied");
        }
        expect(bob.frontier()).toEqual(alice.frontier());
        expect(bob.view()).toEqual({ body: "", items: numbers });
      }),
      { numRuns: 50 },
    );
  });

  it("is cut where a group is full, by changes and by bytes", () => {
    const [alice, bob] = [open(), open(2)];
    const many = alice.batch((change) => {
      for (let at = 0; at < MAX_GROUP_CHANGES + 1; at++) change((doc) => doc.items.push(at));
    });
    expect(many.indexes.map((indexes) => indexes.length)).toEqual([MAX_GROUP_CHANGES, 1]);
    const large = alice.batch((change) => {
      for (let at = 0; at < 3; at++) change((doc) => doc.body.append("x".repeat(500_000)));
    });
    expect(large.groups.length).toBe(2);
    expectAsFromHistory(alice, many);
    expectAsFromHistory(alice, large);
    for (const group of [...many.groups, ...large.groups])
      expect(bob.receive(group).status).toBe("applied");
    expect(bob.viewDigest()).toBe(alice.viewDigest());
  });

  it("is not begun inside of a change, nor a change beside it", () => {
    const alice = open();
    expect(() => alice.change(() => alice.batch(() => undefined))).toThrow(MisuseError);
    expect(() => alice.batch(() => alice.batch(() => undefined))).toThrow(BatchError);
    expect(() => alice.batch(() => alice.change(() => undefined))).toThrow(BatchError);
    expect(alice.history.length).toBe(0);
  });

  it("brings back what its author had built on the same changes and has forgotten", () => {
    const [first, again, bob] = [open(), open(), open(2)];
    const type = (doc: typeof first.root, key: string): void => doc.body.append(key);
    const typed = first.batch((change) => {
      for (const key of "abc") change((doc) => type(doc, key), { time: null });
    });
    const next = first.change((doc) => type(doc, "d"));
    expect(again.receive(next.bytes).status).toBe("pending");
    const events: (readonly number[])[] = [];
    again.subscribe(({ changes }) => events.push(changes));
    const batch = again.batch((change) => {
      for (const key of "abc") change((doc) => type(doc, key), { time: null });
      change((doc) => type(doc, "e"));
    });
    expect(batch.indexes).toEqual([[0, 1, 2], [4]]);
    expectAsFromHistory(again, batch);
    expect(events).toEqual([[0, 1, 2, 3, 4]]);
    expect(again.view().body).toBe("abcde");
    for (const group of [...typed.groups, ...batch.groups]) bob.receive(group);
    bob.receive(next.bytes);
    expect(bob.frontier()).toEqual(again.frontier());
    expect(bob.viewDigest()).toBe(again.viewDigest());
  });

  it("shows each change what those before it have typed, wherever they did", () => {
    const edit = fc.record({
      at: fc.nat(40),
      removed: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(5)),
      typed: fc.constantFrom("", "a", "bc", "🙂", "xyz"),
      isOn: fc.boolean(),
      reads: fc.boolean(),
      fails: fc.integer({ min: 0, max: 20 }).map((n) => n === 0),
    });
    fc.assert(
      fc.property(fc.array(fc.array(edit, { maxLength: 12 }), { maxLength: 4 }), (batches) => {
        const [alice, bob] = [open(), open(2)];
        let model = [] as string[];
        for (const edits of batches) {
          let cursor = 0;
          const make = (): void => {
            for (const { at, removed, typed, isOn, reads, fails } of edits) {
              const from = isOn ? Math.min(cursor, model.length) : at % (model.length + 1);
              const gone = Math.min(removed, model.length - from);
              const after = [
                ...model.slice(0, from),
                ...Array.from(typed),
                ...model.slice(from + gone),
              ];
              const unit = (index: number): number => model.slice(0, index).join("").length;
              const apply = (doc: typeof alice.root): void => {
                if (gone > 0) doc.body.delete(unit(from), unit(from + gone) - unit(from));
                if (typed !== "") doc.body.insert(unit(from), typed);
                if (fails) throw new Error("given up");
              };
              try {
                change(apply);
                model = after;
              } catch (error) {
                expect((error as Error).message).toBe("given up");
              }
              cursor = from + Array.from(typed).length;
              if (reads) expect(alice.root.body.toString()).toBe(model.join(""));
              expect(alice.root.body.length).toBe(model.join("").length);
            }
          };
          let change: (apply: (doc: typeof alice.root) => void) => number = () => 0;
          const { groups } = alice.batch((makes) => {
            change = makes;
            make();
          });
          for (const group of groups) expect(bob.receive(group).status).toBe("applied");
          expect(alice.view().body).toBe(model.join(""));
          expect(bob.viewDigest()).toBe(alice.viewDigest());
        }
      }),
    );
  });

  it("is one event, and can be taken up and saved like any other changes", () => {
    const alice = open();
    const events: DocumentEvent[] = [];
    alice.subscribe((event) => events.push(event));
    alice.batch((change) => {
      change((doc) => doc.items.push(1));
      change((doc) => doc.items.push(2));
    });
    alice.batch(() => undefined);
    expect(events.map(({ origin, changes }) => [origin, changes])).toEqual([["local", [0, 1]]]);
    alice.change((doc) => doc.items.push(3));
    const loaded = Document.load(alice.save(), { schema: SCHEMA, id: ID });
    expect(loaded.ok && loaded.value.view().items).toEqual([1, 2, 3]);
  });

  it("that is ended by an error hands over what was made before", () => {
    const [alice, bob] = [open(), open(2)];
    const ended = (): unknown => {
      try {
        alice.batch((change) => {
          change((doc) => doc.items.push(1));
          change((doc) => {
            doc.items.push(2);
            throw new Error("second thoughts");
          });
        });
      } catch (error) {
        return error;
      }
      return null;
    };
    const error = ended();
    if (!(error instanceof BatchError)) throw new Error("no BatchError");
    expect(error.message).toContain("second thoughts");
    for (const group of error.batch.groups) bob.receive(group);
    expect(bob.view().items).toEqual([1]);
    expect(bob.frontier()).toEqual(alice.frontier());
  });

  it("may not be async: what was made before its first await stands, and its promise ends no process", async () => {
    const [alice, bob] = [open(), open(2)];
    const unhandled = catchUnhandled();
    const make: unknown = async (change: MakeChange<typeof SCHEMA>): Promise<void> => {
      change((doc) => doc.items.push(1));
      await Promise.resolve();
      change((doc) => doc.items.push(2));
    };
    let error: unknown = null;
    try {
      alice.batch(make as () => void);
    } catch (thrown) {
      error = thrown;
    }
    expect(await unhandled).toEqual([]);
    if (!(error instanceof BatchError)) throw new Error("no BatchError");
    expect(error.cause).toBeInstanceOf(MisuseError);
    expect(error.message).toMatch(/callback of batch\(\) must not be async/);
    for (const group of error.batch.groups) bob.receive(group);
    expect(alice.view().items).toEqual([1]);
    expect(bob.frontier()).toEqual(alice.frontier());
  });

  it("is live as groups with the indexes of each, as a log and sessions take them", () => {
    const alice = open();
    const batch = alice.batch((change) => {
      for (let at = 0; at < 5; at++) {
        change((doc) => doc.items.push(at));
        change((doc) => doc.body.append("x".repeat(1_500_000)));
      }
    });
    expect(batch.live.length).toBeGreaterThan(5);
    expect(batch.live.map(({ group }) => group)).toEqual(batch.groups);
    expect(batch.live.map(({ indexes }) => indexes)).toEqual(batch.indexes);
    for (const { group, indexes } of batch.live)
      expect(alice.history.groupsFor(indexes)).toEqual([group]);
    const indexes = batch.live.flatMap((part) => part.indexes);
    expect(recordsOf(alice.history, indexes).map(({ group }) => group)).toEqual(batch.groups);
    expect(alice.batch(() => undefined).live).toEqual([]);
  });

  it("refuses what does not belong inside, and is over when it is over", () => {
    const alice = open();
    let kept: ((edit: () => void) => void) | null = null;
    alice.batch((change) => {
      kept = change;
      expect(() => alice.change(() => undefined)).toThrow(MisuseError);
      expect(() => alice.batch(() => undefined)).toThrow(MisuseError);
      expect(() => alice.receive(new Uint8Array(1))).toThrow(MisuseError);
      change(() => {
        expect(() => change(() => undefined)).toThrow(MisuseError);
      });
    });
    expect(() => {
      kept!(() => undefined);
    }).toThrow(MisuseError);
    expect(alice.history.length).toBe(1);
    expect(() => new Document({ schema: SCHEMA, id: ID }).batch(() => undefined)).toThrow(
      MisuseError,
    );
  });
});
