import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generateKeyPair } from "../crypto/index.ts";
import { compareBytes, encodeValue, toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { counter, json, list, map, optional, set, string, struct, text } from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { anySchema, Choices, edit, EVERYTHING } from "../../test/random-edits.ts";
import { ID, step, Trial } from "../../test/trial.ts";
import type { Step } from "../../test/trial.ts";
import { Document } from "./document.ts";
import type { DocumentEvent } from "./document.ts";
import type { Patch } from "./patch.ts";

/** Plain data that patches are applied to, in place. */
type Mirror = { at: unknown };

function apply(mirror: Mirror, patch: Patch): void {
  const { path } = patch;
  let holder = mirror as Record<string | number, unknown>;
  let name: string | number = "at";
  for (const next of path) {
    holder = holder[name] as Record<string | number, unknown>;
    if (!Array.isArray(holder) && Object.getPrototypeOf(holder) !== null)
      throw new Error("a class");
    name = next;
  }
  const target = holder[name];
  switch (patch.action) {
    case "set":
      holder[name] = patch.value;
      return;
    case "unset":
      if (path.length === 0) holder[name] = undefined;
      else if (!delete holder[name] || Array.isArray(holder)) throw new Error("nothing to unset");
      return;
    case "splice": {
      const items = target as unknown[];
      if (patch.index + patch.remove > items.length) throw new Error("a splice beyond the list");
      items.splice(patch.index, patch.remove, ...patch.insert);
      return;
    }
    case "spliceText": {
      const content = target as string;
      const end = patch.index + patch.remove;
      if (end > content.length) throw new Error("a splice beyond the text");
      holder[name] = content.slice(0, patch.index) + patch.insert + content.slice(end);
      return;
    }
    case "add":
    case "delete": {
      const members = target as Value[];
      const key = toHex(encodeValue(patch.value));
      const index = members.findIndex((member) => toHex(encodeValue(member)) === key);
      if (index >= 0 === (patch.action === "add")) throw new Error("a set was told what it knew");
      if (patch.action === "delete") members.splice(index, 1);
      else members.push(patch.value);
      members.sort((a, b) => compareBytes(encodeValue(a), encodeValue(b)));
    }
  }
}

/** Follows a document by its patches alone; every event is compared with the view. */
function follow(document: Document<Schema>): { readonly events: DocumentEvent[]; check(): void } {
  const mirror: Mirror = { at: document.view() };
  const events: DocumentEvent[] = [];
  const check = (): void => expect(mirror.at).toEqual(document.view());
  document.subscribe((event) => {
    events.push(event);
    for (const patch of event.patches) apply(mirror, patch);
    check();
  });
  return { events, check };
}

function expectPatchesToFollow(schema: Schema, steps: readonly Step[], seed: number): void {
  const trial = new Trial(schema);
  const late = steps.length >> 1;
  const followers = trial.documents.slice(0, 3).map(follow);
  steps.forEach((each, i) => {
    if (i === late) followers.push(...trial.documents.slice(3).map(follow));
    trial.run(each);
  });
  const documents = trial.settle(seed);
  followers.forEach(({ events, check }, i) => {
    check();
    if (i >= 3) return;
    // Every change is announced once, in order.
    const announced = events.flatMap((event) => event.changes);
    expect(announced).toEqual(
      Array.from({ length: documents[i]!.history.length }, (_, row) => row),
    );
  });
}

describe("the patches of every event lead from the view before to the view after", () => {
  const steps = fc.array(
    step.filter(({ kind }) => kind !== "restart"),
    { minLength: 1, maxLength: 40, size: "max" },
  );

  test("in a document of everything", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (history, seed) => {
        expectPatchesToFollow(EVERYTHING, history, seed);
      }),
      { numRuns: 20 },
    );
  });

  test("in a document of any schema", () => {
    fc.assert(
      fc.property(anySchema, steps, fc.nat(), (schema, history, seed) => {
        expectPatchesToFollow(schema, history, seed);
      }),
      { numRuns: 40 },
    );
  });

  test("also when a change failed in between", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 2, maxLength: 12 }), (seeds) => {
        const document = new Document<Schema>({
          schema: EVERYTHING,
          id: ID,
          keyPair: generateKeyPair(new Uint8Array(32).fill(1)),
        });
        const follower = follow(document);
        for (const seed of seeds) {
          const choices = new Choices(seed);
          const fails = choices.oneIn(3);
          const events = follower.events.length;
          const make = (): void => {
            document.change((root) => {
              for (let n = 0; n < 3; n++) edit(EVERYTHING, root, choices);
              if (fails) throw new RangeError("the caller's own");
            });
          };
          if (fails) expect(make).toThrow(RangeError);
          else make();
          expect(follower.events.length).toBe(fails ? events : events + 1);
          follower.check();
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("an event", () => {
  const schema = struct({
    title: string(),
    note: optional(string()),
    body: text(),
    items: list(struct({ body: text() })),
    tags: set(json()),
    people: map(struct({ name: string() })),
    sum: counter(),
  });
  const open = () => new Document({ schema, id: ID, keyPair: generateKeyPair() });

  test("says what happened, by which changes, and whether it was made here", () => {
    const [alice, bob] = [open(), open()];
    const [mine, theirs]: DocumentEvent[][] = [[], []];
    alice.subscribe((event) => mine!.push(event));
    bob.subscribe((event) => theirs!.push(event));
    const change = alice.change((doc) => {
      doc.title.set("t");
      doc.note.set("n");
      doc.note.clear();
      doc.body.insert(0, "a🙂");
      // Reading settles what was typed; otherwise typing and erasing at one place are one edit.
      expect(doc.body.toString()).toBe("a🙂");
      doc.body.delete(1, 2);
      doc.items.push({ body: "x" });
      doc.tags.add(1);
      doc.tags.delete(1);
      doc.people.set("k", { name: "K" });
      doc.people.delete("k");
      doc.sum.increment(5);
    });
    bob.receive(change.bytes);
    expect(mine).toEqual([
      {
        origin: "local",
        changes: [0],
        patches: [
          { action: "set", path: ["title"], value: "t" },
          { action: "set", path: ["note"], value: "n" },
          { action: "unset", path: ["note"] },
          { action: "spliceText", path: ["body"], index: 0, remove: 0, insert: "a🙂" },
          { action: "spliceText", path: ["body"], index: 1, remove: 2, insert: "" },
          { action: "splice", path: ["items"], index: 0, remove: 0, insert: [{ body: "" }] },
          { action: "spliceText", path: ["items", 0, "body"], index: 0, remove: 0, insert: "x" },
          { action: "add", path: ["tags"], value: 1 },
          { action: "delete", path: ["tags"], value: 1 },
          { action: "set", path: ["people", "k"], value: { name: "K" } },
          { action: "unset", path: ["people", "k"] },
          { action: "set", path: ["sum"], value: 5n },
        ],
      },
    ]);
    expect(theirs).toEqual([{ ...mine![0], origin: "remote" }]);
  });

  test("has no patches for what is hidden, or was there before", () => {
    const [alice, bob] = [open(), open()];
    const made = alice.change((doc) => {
      doc.items.push({ body: "gone" });
      doc.people.set("k", { name: "K" });
      doc.tags.add("known");
    });
    bob.receive(made.bytes);
    const hidden = bob.change((doc) => {
      doc.items.at(0).body.append("!");
      doc.people.at("k").name.set("hidden");
      doc.tags.add("known");
    });
    alice.change((doc) => {
      doc.items.delete(0);
      doc.people.delete("k");
    });
    const events: DocumentEvent[] = [];
    alice.subscribe((event) => events.push(event));
    alice.receive(hidden.bytes);
    expect(events).toEqual([{ origin: "remote", changes: [2], patches: [] }]);
  });

  test("is not sent for what is pending, known or refused, nor after the subscription has ended", () => {
    const [alice, bob] = [open(), open()];
    const first = alice.change((doc) => doc.title.set("1"));
    const second = alice.change((doc) => doc.title.set("2"));
    const events: DocumentEvent[] = [];
    const end = bob.subscribe((event) => events.push(event));
    bob.receive(second.bytes);
    bob.receive(Uint8Array.of(1, 2, 3));
    expect(events).toEqual([]);
    bob.receive(first.bytes);
    bob.receive(first.bytes);
    expect(events).toHaveLength(1);
    expect(events[0]!.changes).toEqual([0, 1]);
    end();
    bob.receive(alice.change((doc) => doc.title.set("3")).bytes);
    expect(events).toHaveLength(1);
    // Nothing that happened unheard is told to the next one.
    bob.subscribe((event) => events.push(event));
    bob.change((doc) => doc.sum.increment());
    expect(events[1]!.patches).toEqual([{ action: "set", path: ["sum"], value: 1n }]);
  });

  test("is sent to each listener, who may edit the document in turn", () => {
    const [alice, bob] = [open(), open()];
    let heard = 0;
    bob.subscribe((event) => {
      if (event.origin === "remote") bob.change((doc) => doc.sum.increment());
    });
    bob.subscribe(() => heard++);
    bob.receive(alice.change((doc) => doc.title.set("x")).bytes);
    expect(bob.view()).toMatchObject({ title: "x", sum: 1n });
    expect(heard).toBe(2);
  });
});
