import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { documentId } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { toHex } from "../encoding/index.ts";
import { MAX_GROUP_BYTES } from "../limits.ts";
import { MisuseError } from "../result.ts";
import type { MisuseCode } from "../result.ts";
import {
  counter,
  integer,
  json,
  list,
  map,
  number,
  string,
  struct,
  text,
} from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { recordsOf } from "../store/index.ts";
import { catchUncaught, catchUnhandled } from "../../test/unhandled.ts";
import { Choices, edit, EVERYTHING, inspect } from "../../test/random-edits.ts";
import { naiveOf } from "../../test/trial.ts";
import { Document } from "./document.ts";
import type { DocumentOptions } from "./document.ts";

const ID = documentId("document");
const KEYS = [1, 2, 3].map((n) => generateKeyPair(new Uint8Array(32).fill(n)));
const schema = struct({
  title: string(),
  body: text(),
  items: list(struct({ name: string(), body: text() })),
  numbers: list(number()),
  map: map(json()),
  sum: counter(),
});

function open(who = 0, options: Partial<DocumentOptions<typeof schema>> = {}) {
  return new Document({ schema, id: ID, keyPair: KEYS[who]!, ...options });
}

function everything(who = 0): Document<Schema> {
  return new Document<Schema>({ schema: EVERYTHING, id: ID, keyPair: KEYS[who]! });
}

/** Everything about a document that anyone can see. */
function stateOf(document: Document<Schema>): unknown {
  return {
    view: document.view(),
    all: inspect(document.schema, document.root),
    frontier: document.frontier().map(toHex),
    length: document.history.length,
  };
}

function expectMisuse(code: MisuseCode, call: () => unknown, message?: RegExp): void {
  let thrown: unknown = null;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(MisuseError);
  expect((thrown as MisuseError).code).toBe(code);
  if (message !== undefined) expect((thrown as MisuseError).message).toMatch(message);
}

/** Passes anything at all where a type would forbid it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

function deliver(from: Document<Schema>, to: Document<Schema>): void {
  for (const group of from.history.groupsFor(from.history.missingFor([]))) to.receive(group);
}

describe("a change", () => {
  test("that throws at any point leaves everything as if nothing had happened", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ seed: fc.nat(), failsAfter: fc.option(fc.nat(6)) }), {
          minLength: 1,
          maxLength: 12,
        }),
        (attempts) => {
          const [document, twin] = [everything(), everything()];
          for (const { seed, failsAfter } of attempts) {
            const before = stateOf(document);
            const make = () =>
              document.change(
                (root) => {
                  const choices = new Choices(seed);
                  for (let n = 0; n < 6; n++) {
                    if (n === failsAfter) throw new RangeError("the caller's own");
                    edit(EVERYTHING, root, choices);
                  }
                },
                { time: null },
              );
            if (failsAfter !== null && failsAfter < 6) {
              expect(make).toThrow(RangeError);
              expect(stateOf(document)).toEqual(before);
            } else {
              expect(twin.receive(make().bytes).status).toBe("applied");
            }
          }
          expect(stateOf(document)).toEqual(stateOf(twin));
          expect(document.view()).toEqual(naiveOf(document).view());
        },
      ),
      { numRuns: 60 },
    );
  });

  test("that throws after so much that it had to be split leaves nothing behind either", () => {
    const document = open();
    document.change((doc) => doc.title.set("before"));
    const before = stateOf(document);
    const events: unknown[] = [];
    document.subscribe((event) => events.push(event));
    expect(() =>
      document.change((doc) => {
        doc.body.insert(0, "x".repeat(3_000_000));
        doc.title.set("during");
        throw new RangeError("the caller's own");
      }),
    ).toThrow(RangeError);
    expect(stateOf(document)).toEqual(before);
    expect(events).toEqual([]);
    const after = document.change((doc) => doc.title.set("after"));
    expect(after.indexes).toEqual([1]);
  });

  test("that throws leaves handles from before as they were, and detaches those of what it made", () => {
    const document = open();
    document.change((doc) => doc.items.push({ name: "kept", body: "text" }));
    const { items, title } = document.root;
    const kept = items.at(0);
    const { body } = kept;
    const { characters } = body;
    let made: typeof kept | null = null;
    expect(() =>
      document.change((doc) => {
        doc.items.insert(0, { name: "lost", body: "lost" });
        made = doc.items.at(0);
        body.append("!");
        title.set("lost");
        throw new RangeError("the caller's own");
      }),
    ).toThrow(RangeError);
    expect(title.get()).toBe("");
    expect(items.length).toBe(1);
    expect(kept.name.get()).toBe("kept");
    expect(body.toString()).toBe("text");
    expect(characters.length).toBe(4);
    expectMisuse("detached", () => made!.name.get());
    document.change((doc) => {
      // Takes the number that the lost item had.
      doc.items.push({ name: "other" });
      kept.name.set("still");
      body.append("?");
      characters.insert(5, "!");
    });
    expect(document.view().items[0]).toEqual({ name: "still", body: "text?!" });
    expectMisuse("detached", () => made!.name.get());
    expectMisuse("detached", () => made!.body.toString());
  });

  test("may not be async: nothing of it stays", async () => {
    const document = open();
    let late: Promise<void> | null = null;
    const edits = (doc: typeof document.root): void => {
      doc.title.set("early");
      late = Promise.resolve().then(() => doc.title.set("late"));
      return late as unknown as void;
    };
    expectMisuse("in_change", () => document.change(edits), /must not be async/);
    expect(document.view().title).toBe("");
    expect(document.history.length).toBe(0);
    await expect(late).rejects.toThrow(/edit inside document.change/);
  });

  test("may not be async, and the promise that nobody awaits does not end the process", async () => {
    const document = open();
    const unhandled = catchUnhandled();
    const edits = async (doc: typeof document.root): Promise<void> => {
      doc.title.set("early");
      await Promise.resolve();
      doc.title.set("late");
    };
    expectMisuse("in_change", () => document.change(untyped(edits)), /must not be async/);
    expect(await unhandled).toEqual([]);
    expect(document.view().title).toBe("");
  });

  test("may not be made inside of another, nor may anything be received", () => {
    const [document, other] = [open(), open(1)];
    const theirs = other.change((doc) => doc.title.set("theirs"));
    document.change((doc) => {
      doc.title.set("mine");
      expectMisuse("in_change", () => document.change(() => {}));
      expectMisuse("in_change", () => document.receive(theirs.bytes));
      doc.sum.increment();
    });
    expect(document.view()).toMatchObject({ title: "mine", sum: 1n });
    expect(document.receive(theirs.bytes).status).toBe("applied");
  });

  test("needs a key", () => {
    const reader = new Document({ schema, id: ID });
    expect(reader.author).toBeNull();
    expectMisuse("no_key", () => reader.change(() => {}));
    expect(reader.receive(open().change((doc) => doc.title.set("x")).bytes).status).toBe("applied");
    expect(reader.view().title).toBe("x");
  });

  test("may be empty, and then says what its author has seen", () => {
    const [alice, bob] = [open(), open(1)];
    const first = alice.change((doc) => doc.title.set("x"));
    bob.receive(first.bytes);
    const seen = bob.change(() => {});
    expect(bob.frontier()).toEqual([seen.id]);
    expect(bob.history.opCountAt(1)).toBe(0);
    alice.receive(seen.bytes);
    expect(alice.frontier()).toEqual([seen.id]);
  });

  test("depends on what it requires, which must be applied here", () => {
    const [alice, bob, carol] = [open(), open(1), open(2)];
    const balance = alice.change((doc) => doc.sum.increment(5));
    alice.change((doc) => doc.title.set("later"));
    expectMisuse("unknown_dependency", () => bob.change(() => {}, { requires: [balance.id] }));
    deliver(alice, bob);
    const inventory = bob.change((doc) => doc.title.set("sold"), {
      requires: [balance.id, balance.id],
    });
    const row = bob.history.indexOf(inventory.id);
    expect(bob.history.dependencies(row)).toContain(bob.history.indexOf(balance.id));
    const received = carol.receive(inventory.bytes);
    expect(received.status).toBe("pending");
    expect(received.missing.map(toHex)).toContain(toHex(balance.id));
    // Even a short id is only unknown.
    expectMisuse("unknown_dependency", () =>
      bob.change(() => {}, { requires: [Uint8Array.of(1)] }),
    );
    expect(bob.view().title).toBe("sold");
  });

  test("claims the time that it is given, and now by default", () => {
    const document = open();
    const before = Date.now();
    document.change(() => {});
    document.change(() => {}, { time: null });
    document.change(() => {}, { time: 0 });
    document.change(() => {}, { time: 1_234 });
    const [now, ...given] = [0, 1, 2, 3].map((row) => document.history.timeAt(row));
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
    expect(given).toEqual([null, 0, 1_234]);
    for (const time of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expectMisuse("bad_value", () => document.change((doc) => doc.title.set("x"), { time }));
    }
    expect(document.view().title).toBe("");
    expect(document.history.length).toBe(4);
  });

  test("returns its id, which is its place in the history, and the bytes that others can apply", () => {
    const [alice, bob] = [open(), open(1)];
    const change = alice.change((doc) => doc.title.set("x"));
    expect(change.indexes.map((row) => alice.history.idAt(row))).toEqual([change.id]);
    expect(change.groups).toEqual([change.bytes]);
    expect(alice.author).toEqual(KEYS[0]!.publicKey);
    expect(bob.receive(change.bytes)).toMatchObject({ status: "applied", applied: [0] });
    expect(bob.receive(change.bytes).status).toBe("duplicate");
    expect(alice.receive(change.bytes).status).toBe("duplicate");
  });
});

describe("the bytes of a change", () => {
  test("name a run typed over many changes by one range, forwards or backwards", () => {
    for (const index of [0, Infinity]) {
      const [alice, bob] = [open(), open(1)];
      for (let i = 0; i < 300; i++) {
        alice.change((doc) => doc.body.insert(Math.min(index, i), `${i % 10}`));
      }
      deliver(alice, bob);
      const change = bob.change((doc) => doc.body.delete(0, 300));
      expect(change.bytes.length).toBeLessThan(300);
      alice.receive(change.bytes);
      expect(alice.view().body).toBe("");
    }
  });
});

describe("edits too large for one change", () => {
  test("are live as groups with the index of each, as a log and sessions take them", () => {
    const [alice, bob] = [open(), open(1)];
    alice.change((doc) => doc.title.set("before"));
    const change = alice.change((doc) => doc.body.append("x".repeat(4 * MAX_GROUP_BYTES)));
    expect(change.live.length).toBeGreaterThan(4);
    expect(change.live.map(({ group }) => group)).toEqual(change.groups);
    expect(change.live.flatMap(({ indexes }) => indexes)).toEqual(change.indexes);
    for (const { group, indexes } of change.live)
      expect(alice.history.groupsFor(indexes)).toEqual([group]);
    const indexes = change.live.flatMap((part) => part.indexes);
    expect(recordsOf(alice.history, indexes).map(({ group }) => group)).toEqual(change.groups);
    deliver(alice, bob);
    expect(bob.viewDigest()).toBe(alice.viewDigest());
    const small = alice.change((doc) => doc.title.set("after"));
    expect(small.live).toEqual([{ group: small.bytes, indexes: small.indexes }]);
  });

  test("as a text of 3 MB, are split into parts that converge in any order", () => {
    const [alice, bob] = [open(), open(1)];
    const letters = Array.from({ length: 3_000 }, (_, i) => String.fromCharCode(97 + (i % 26)));
    const content = `${letters.join("")}🙂`.repeat(1_000);
    const events: number[][] = [];
    alice.subscribe((event) => events.push([...event.changes]));
    const change = alice.change((doc) => {
      doc.title.set("big");
      doc.body.insert(0, content);
      doc.body.insert(5, "inside");
      doc.body.delete(content.length, 6);
      doc.title.set("bigger");
    });
    expect(alice.view().body).toBe(
      (content.slice(0, 5) + "inside" + content.slice(5)).slice(0, content.length),
    );
    expect(change.groups.length).toBeGreaterThan(2);
    expect(events).toEqual([[...change.indexes]]);
    for (const group of change.groups) expect(group.length).toBeLessThanOrEqual(MAX_GROUP_BYTES);
    expectMisuse("too_large", () => change.bytes, /send each of groups/);
    expect(change.id).toEqual(alice.history.idAt(change.indexes.at(-1)!));
    for (const group of [...change.groups].reverse()) bob.receive(group);
    expect(bob.viewDigest()).toBe(alice.viewDigest());
    expect(bob.view().title).toBe("bigger");
    // The parts are an order of their own: what comes later builds on it here as there.
    const edits = bob.change((doc) => {
      for (let i = 0; i < 40; i++) doc.body.insert(i * 70_000, "#");
    });
    alice.receive(edits.bytes);
    expect(bob.viewDigest()).toBe(alice.viewDigest());
    expect(alice.view().body).toHaveLength(content.length + 40);
  });

  test("as a list of 200,000 items, are split as well", () => {
    const [alice, bob] = [open(), open(1)];
    const numbers = Array.from({ length: 200_000 }, (_, i) => i / 2);
    const change = alice.change((doc) => {
      doc.numbers.push(...numbers.slice(0, 100_000));
      doc.numbers.insert(50_000, ...numbers.slice(100_000));
    });
    expect(change.groups.length).toBeGreaterThan(1);
    for (const group of change.groups) bob.receive(group);
    const expected = numbers
      .slice(0, 50_000)
      .concat(numbers.slice(100_000), numbers.slice(50_000, 100_000));
    expect(bob.view().numbers).toEqual(expected);
    expect(bob.viewDigest()).toBe(alice.viewDigest());
  });

  test("as structs with texts inside, keep each text in its item", () => {
    const [alice, bob] = [open(), open(1)];
    const items = Array.from({ length: 30 }, (_, i) => ({
      name: `${i}`.repeat(2_000),
      body: `${i} `.repeat(20_000),
    }));
    const change = alice.change((doc) => {
      doc.items.push(...items);
      doc.items.at(29).body.insert(0, "first ");
      doc.items.delete(0);
    });
    expect(change.groups.length).toBeGreaterThan(1);
    for (const group of change.groups) bob.receive(group);
    const expected = items.slice(1).map((item) => ({ ...item }));
    expected[28]!.body = `first ${expected[28]!.body}`;
    expect(bob.view().items).toEqual(expected);
    expect(alice.view().items).toEqual(expected);
    expect(bob.viewDigest()).toBe(alice.viewDigest());
    const ids = expected.map((_, index) => bob.root.items.idAt(index));
    expect(expected.map((_, index) => alice.root.items.idAt(index))).toEqual(ids);
    expect(alice.root.items.at(28).body.idAt(6)).toBe(bob.root.items.at(28).body.idAt(6));
  });

  test("as the removal of very many ranges of forked chains, are split", () => {
    // Each character is of a change of its own, and the chains are forked, so that each range needs a reference.
    const twins = [0, 1].map(() => open(0, { chain: 0n }));
    const groups = twins.flatMap((twin, side) =>
      Array.from(
        { length: 1_200 },
        () => twin.change((doc) => doc.body.insert(0, `${side}`)).bytes,
      ),
    );
    const [reader, cleaner] = [open(1), open(2)];
    for (const twin of twins) {
      deliver(twin, cleaner);
      deliver(twin, reader);
    }
    expect(groups).toHaveLength(2_400);
    // Leaves every second one, so that no two ranges are one.
    const change = cleaner.change((doc) => {
      for (let i = 1_199; i > 0; i -= 2) doc.body.delete(i);
      doc.body.delete(0, doc.body.length);
      for (let i = 0; i < 200; i++) doc.body.insert(0, "x".repeat(5_000));
    });
    for (const group of change.groups) reader.receive(group);
    expect(change.groups.length).toBeGreaterThan(1);
    expect(reader.view().body).toBe("x".repeat(1_000_000));
    expect(reader.viewDigest()).toBe(cleaner.viewDigest());
  });

  test("as the removal of 20,000 ranges at once, are split", () => {
    const [alice, bob] = [open(), open(1)];
    const typed = alice.change((doc) => doc.body.insert(0, "ab".repeat(20_000)));
    const thinned = alice.change((doc) => {
      for (let i = 39_999; i > 0; i -= 2) doc.body.delete(i);
    });
    expect(alice.view().body).toBe("a".repeat(20_000));
    const removed = alice.change((doc) => {
      doc.body.delete(1, 19_998);
      doc.body.insert(1, "-");
    });
    expect(thinned.groups.length).toBeGreaterThan(1);
    expect(removed.groups.length).toBeGreaterThan(1);
    for (const { groups } of [typed, thinned, removed])
      for (const group of groups) bob.receive(group);
    expect(bob.view().body).toBe("a-a");
    expect(bob.viewDigest()).toBe(alice.viewDigest());
  });

  test("stand among the edits of others as the parts that they are", () => {
    const alice = open();
    const base = alice.change((doc) => doc.body.insert(0, "x"));
    // Each of them hangs where the second part of the large change will hang, with the lamport of its first part.
    const others = Array.from({ length: 8 }, (_, i) => {
      const keyPair = generateKeyPair(new Uint8Array(32).fill(50 + i));
      const author = new Document({ schema, id: ID, keyPair });
      author.receive(base.bytes);
      return author.change((doc) => doc.body.insert(1, `${i}`)).bytes;
    });
    const large = alice.change((doc) => {
      doc.map.set("k", "x".repeat(700_000));
      doc.map.set("j", "x".repeat(700_000));
      doc.body.insert(1, "part");
    });
    expect(large.groups).toHaveLength(2);
    for (const group of others) alice.receive(group);
    expect(alice.view().body.slice(0, 5)).toBe("xpart");
    const reader = open(1);
    for (const group of [base.bytes, ...others, ...large.groups]) reader.receive(group);
    expect(stateOf(reader as Document<Schema>)).toEqual(stateOf(alice as Document<Schema>));
  });

  test("in one value are refused, and nothing else of the change stays", () => {
    const document = open();
    expectMisuse(
      "too_large",
      () =>
        document.change((doc) => {
          doc.sum.increment();
          doc.title.set("x".repeat(1_100_000));
        }),
      /one value takes 1100\d\d\d bytes/,
    );
    expectMisuse("too_large", () =>
      document.change((doc) => doc.map.set("k", Array(200_000).fill("12345"))),
    );
    expect(document.view()).toMatchObject({ sum: 0n, title: "", map: {} });
    // The largest of all fits.
    const change = document.change((doc) => doc.title.set("x".repeat(1_000_000)));
    expect(open(1).receive(change.bytes).status).toBe("applied");
  });

  test("refer to what an earlier part has made", () => {
    const [alice, bob] = [open(), open(1)];
    const change = alice.change((doc) => {
      doc.body.insert(0, "ab");
      const b = doc.body.idAt(1);
      doc.title.set("one");
      doc.map.set("k", "x".repeat(700_000));
      doc.map.set("j", "x".repeat(700_000));
      doc.map.set("i", "x".repeat(700_000));
      // All of these name elements of the first part.
      expect(doc.body.indexOf(b)).toBe(1);
      doc.body.insertAfter(b, "c");
      doc.body.insert(1, "-");
      doc.body.delete(0);
      doc.title.set("two");
      doc.map.delete("k");
      doc.map.set("j", 1);
      doc.map.delete("i");
    });
    expect(change.groups.length).toBeGreaterThan(2);
    for (const group of change.groups) bob.receive(group);
    expect(bob.view()).toMatchObject({ body: "-bc", title: "two", map: { j: 1 } });
    expect(bob.root.title.conflicts()).toHaveLength(1);
    expect(stateOf(bob as Document<Schema>)).toEqual(stateOf(alice as Document<Schema>));
  });
});

describe("the author's own chain", () => {
  test("is one of 64 random bits, unless the author has a durable store", () => {
    const chains = new Set<bigint>();
    for (let i = 0; i < 8; i++) {
      const document = open();
      document.change(() => {});
      chains.add(document.history.chainAt(0));
    }
    expect(chains.size).toBe(8);
    expect(chains.has(0n)).toBe(false);
    expectMisuse("bad_value", () => open(0, { chain: -1n }));
    expectMisuse("bad_value", () => open(0, { chain: 2n ** 64n }));
    const last = open(0, { chain: 2n ** 64n - 1n });
    last.change(() => {});
    expect(last.history.chainAt(0)).toBe(2n ** 64n - 1n);
  });

  test("goes on after a restart where it was", () => {
    const document = open(0, { chain: 0n });
    document.change((doc) => doc.title.set("1"));
    document.change((doc) => doc.title.set("2"));
    const again = Document.load(document.save(), { schema, id: ID, keyPair: KEYS[0]!, chain: 0n });
    if (!again.ok) throw new Error(again.error.detail);
    again.value.change((doc) => doc.title.set("3"));
    expect([0, 1, 2].map((row) => again.value.history.seqAt(row))).toEqual([1, 2, 3]);
    expect(again.value.history.prevAt(2)).toBe(1);
    expect(again.value.history.forks()).toEqual([]);
  });

  test("goes on from its greatest tip after a fork, and holds the others as parents", () => {
    const left = open(0, { chain: 0n });
    left.change((doc) => doc.title.set("root"));
    const right = open(0, { chain: 0n });
    deliver(left, right);
    const long = [1, 2, 3].map((n) => left.change((doc) => doc.body.insert(0, `${n}`)));
    const short = right.change((doc) => doc.body.insert(0, "short"));
    const proofs: bigint[] = [];
    right.onFork((proof) => proofs.push(proof.chain));
    deliver(left, right);
    expect(proofs).toEqual([0n]);
    const joined = right.change((doc) => doc.title.set("joined"));
    const { history } = right;
    const row = history.indexOf(joined.id);
    expect(history.seqAt(row)).toBe(5);
    expect(history.prevAt(row)).toBe(history.indexOf(long[2]!.id));
    expect(history.dependencies(row)).toContain(history.indexOf(short.id));
    expect(right.frontier()).toEqual([joined.id]);
    // Heard once, whatever follows.
    right.change(() => {});
    expect(proofs).toEqual([0n]);
    // Of equally long branches it is the one with the greater id.
    const twins = [0, 1].map(() => open(1, { chain: 0n }));
    const tips = twins.map((twin, i) => twin.change((doc) => doc.title.set(`${i}`)).id);
    deliver(twins[1]!, twins[0]!);
    const next = twins[0]!.change(() => {});
    const prev = twins[0]!.history.prevAt(twins[0]!.history.indexOf(next.id));
    const greater = tips.map(toHex).sort()[1];
    expect(toHex(twins[0]!.history.idAt(prev))).toBe(greater);
  });

  test("goes on beside what others have written meanwhile, which becomes a parent", () => {
    const [alice, bob] = [open(0), open(1)];
    const first = alice.change((doc) => doc.title.set("1"));
    const other = bob.change((doc) => doc.body.append("b"));
    alice.receive(other.bytes);
    const [index] = alice.change((doc) => doc.sum.increment()).indexes;
    expect(alice.history.dependencies(index!).map((at) => toHex(alice.history.idAt(at)))).toEqual([
      toHex(first.id),
      toHex(other.id),
    ]);
    expect(alice.frontier()).toHaveLength(1);
  });

  test("names what is further on another's chain than a change that it requires", () => {
    const [alice, bob, carol] = [open(0), open(1), open(2)];
    const early = bob.change((doc) => doc.sum.increment());
    const late = bob.change((doc) => doc.body.append("bob"));
    for (const group of [early, late])
      for (const reader of [alice, carol]) reader.receive(group.bytes);
    alice.receive(carol.change((doc) => doc.sum.increment()).bytes);
    const edit = alice.change((doc) => doc.body.delete(0, 1), { requires: [early.id] });
    expect(bob.receive(carol.history.groupOf(2)).status).toBe("applied");
    expect(bob.receive(edit.bytes).status).toBe("applied");
    expect(bob.view().body).toBe("ob");
    expect(bob.viewDigest()).toBe(alice.viewDigest());
  });

  test("may be written again, word for word, by an author who has forgotten it", () => {
    const first = open(0, { chain: 0n });
    const small = first.change((doc) => doc.title.set("1"), { time: null });
    const next = first.change((doc) => doc.body.append("2"), { time: null });
    const again = open(0, { chain: 0n });
    const events: (readonly number[])[] = [];
    again.subscribe((event) => events.push(event.changes));
    again.receive(next.bytes);
    expect(again.change((doc) => doc.title.set("1"), { time: null }).indexes).toEqual([0]);
    expect(stateOf(again as Document<Schema>)).toEqual(stateOf(first as Document<Schema>));
    expect(events).toEqual([[0, 1]]);
    expect(again.receive(small.bytes).status).toBe("duplicate");

    // Of several parts the first one brings back the others, on which the edits would come a second time.
    const edits = (doc: typeof first.root): void => {
      doc.body.append("x".repeat(2_000_000));
      doc.sum.increment();
    };
    const big = first.change(edits, { time: null });
    for (const group of big.groups.slice(1)) again.receive(group);
    expectMisuse("in_change", () => again.change(edits, { time: null }), /load what was saved/);
    expect(again.viewDigest()).toBe(first.viewDigest());
    expect(again.frontier()).toEqual(first.frontier());
    again.change((doc) => doc.sum.increment());
    expect(again.view()).toMatchObject({ sum: 2n });
  });

  test("is not extended with a key that does not fit", () => {
    const keyPair = { publicKey: KEYS[0]!.publicKey, secretKey: KEYS[1]!.secretKey };
    expectMisuse("bad_key", () => open(0, { keyPair }));
    for (const chain of [-1n, 2n ** 64n, 5 as unknown as bigint])
      expectMisuse("bad_value", () => open(0, { chain }), /bigint/);
    const short = { publicKey: KEYS[0]!.publicKey, secretKey: new Uint8Array(31) };
    expectMisuse("bad_key", () => open(0, { keyPair: short }));
    const { publicKey, secretKey } = KEYS[0]!;
    for (const none of [null, {}, { publicKey }, { secretKey }, { publicKey: "x", secretKey }])
      expectMisuse("bad_key", () => open(0, { keyPair: none as never }));
    expectMisuse("bad_document_id", () => open(0, { id: new Uint8Array(31) }));
  });

  test("is not opened without options", () => {
    for (const none of [undefined, null, "main"]) {
      expectMisuse("bad_value", () => new Document(none as never), /opened with options/);
      expectMisuse("bad_value", () => Document.load(open(0).save(), none as never), /options/);
    }
  });
});

describe("with more heads than a change can name", () => {
  test("edits still sort after everything that is known, and say the same everywhere", () => {
    const heads = Array.from({ length: 40 }, (_, i) => {
      const author = new Document({
        schema,
        id: ID,
        keyPair: generateKeyPair(new Uint8Array(32).fill(100 + i)),
      });
      for (let n = 0; n < i % 5; n++) author.change(() => {});
      author.change((doc) => {
        doc.title.set(`${i}`);
        doc.body.insert(0, `${i}`);
        doc.map.set("k", i);
      });
      return author;
    });
    const [alice, bob] = [open(), open(1)];
    for (const head of heads) {
      deliver(head, alice);
      deliver(head, bob);
    }
    expect(alice.frontier()).toHaveLength(40);
    const change = alice.change((doc) => {
      doc.title.set("mine");
      doc.map.set("k", "mine");
      doc.body.insert(3, "mine");
      doc.body.delete(0, 2);
    });
    bob.receive(change.bytes);
    expect(bob.view()).toMatchObject({ title: "mine", map: { k: "mine" } });
    expect(bob.view().body.slice(1, 5)).toBe("mine");
    expect(stateOf(bob as Document<Schema>)).toEqual(stateOf(alice as Document<Schema>));
    expect(bob.root.title.conflicts()).toHaveLength(1);
  });

  test("a change that refers to nothing has the greatest lamport all the same", () => {
    const heads = Array.from({ length: 20 }, (_, i) => {
      const author = new Document({
        schema,
        id: ID,
        keyPair: generateKeyPair(new Uint8Array(32).fill(100 + i)),
      });
      for (let n = 0; n <= i; n++) author.change(() => {});
      return author;
    });
    const alice = open();
    for (const head of heads) deliver(head, alice);
    const change = alice.change(() => {});
    expect(alice.history.lamportAt(alice.history.indexOf(change.id))).toBe(21);
    expect(alice.frontier()).toHaveLength(5);
  });
});

describe("the document as a whole", () => {
  test("may be a single leaf, text, list or anything else", () => {
    const single = new Document({ schema: integer(), id: ID, keyPair: KEYS[0]! });
    single.change((doc) => doc.set(5));
    expect(single.view()).toBe(5);
    const words = new Document({ schema: text(), id: ID, keyPair: KEYS[0]! });
    words.change((doc) => doc.append("x"));
    expect(words.viewJson()).toBe('"x"');
  });

  test("shows digests that are equal for equal views only", () => {
    const [alice, bob] = [open(), open(1)];
    expect(alice.viewDigest()).toBe(bob.viewDigest());
    const change = alice.change((doc) => doc.title.set("x"));
    expect(alice.viewDigest()).not.toBe(bob.viewDigest());
    bob.receive(change.bytes);
    expect(alice.viewDigest()).toBe(bob.viewDigest());
    expect(alice.viewDigest()).toMatch(/^[0-9a-f]{64}$/);
  });

  test("is read from a view that nobody can edit it through", () => {
    const document = open();
    const given = { deep: [1, { bytes: Uint8Array.of(1) }] };
    document.change((doc) => doc.map.set("k", given));
    const before = document.viewJson();
    given.deep.push(9);
    (given.deep[1] as { bytes: Uint8Array }).bytes[0] = 9;
    const view = document.view() as unknown as { map: Record<string, typeof given>; title: string };
    view.title = "edited";
    view.map["k"]!.deep.push(2);
    (view.map["k"]!.deep[1] as { bytes: Uint8Array }).bytes[0] = 7;
    delete view.map["k"];
    expect(document.viewJson()).toBe(before);
    const read = document.root.map.get("k") as typeof given;
    read.deep.length = 0;
    expect(document.viewJson()).toBe(before);
  });
});

describe("listeners", () => {
  test("hear of changes in the order in which they happened, also when another one makes changes", () => {
    const [alice, bob] = [open(), open(1)];
    const heard: string[] = [];
    bob.subscribe((event) => {
      if (event.origin === "remote") bob.change((doc) => doc.sum.increment());
    });
    bob.subscribe((event) => heard.push(event.origin));
    bob.receive(alice.change((doc) => doc.title.set("x")).bytes);
    expect(heard).toEqual(["remote", "local"]);
  });

  test("that throw are heard of on their own: making and receiving a change do not fail for them", async () => {
    const [alice, bob] = [open(), open(1)];
    const heard: string[] = [];
    const thrown = catchUncaught();
    const end = bob.subscribe(() => {
      throw new RangeError("the listener's own");
    });
    bob.subscribe((event) => heard.push(event.origin));
    const change = alice.change((doc) => doc.title.set("x"));
    expect(bob.receive(change.bytes).status).toBe("applied");
    expect(bob.change((doc) => doc.sum.increment()).indexes).toEqual([1]);
    end();
    expect(heard).toEqual(["remote", "local"]);
    expect(bob.view()).toMatchObject({ title: "x", sum: 1n });
    expect(await thrown).toEqual([expect.any(RangeError), expect.any(RangeError)]);
  });
});

describe("the type of a document", () => {
  test("needs no schema where any will do", () => {
    const documents: Document[] = [open(), everything()];
    expect(documents.map((document) => document.schema)).toEqual([schema, EVERYTHING]);
  });
});
