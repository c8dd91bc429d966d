/** What listeners are told: enough to keep a copy of the view, and never more than is good for them. */
import { describe, expect, it } from "vitest";
import { forge, ops, person } from "../../test/forge.ts";
import { Mirror } from "../../test/simulator/mirror.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { bytes, json, list, map, number, string, struct, text } from "../schema/index.ts";
import { documentId } from "../change/index.ts";
import { BatchError, Document, type DocumentEvent } from "./document.ts";

const schema = struct({ l: list(number()), t: text(), m: map(list(json())) });
const id = documentId("patches");

interface Heard {
  readonly document: Document<typeof schema>;
  readonly events: DocumentEvent[];
  readonly mirror: Mirror;
}

/** A document and a copy of its view that patches keep. */
function listen(): Heard {
  const document = new Document({ schema, id, keyPair: generateKeyPair() });
  const events: DocumentEvent[] = [];
  const mirror = new Mirror(document.view());
  document.subscribe((event) => {
    events.push(event);
    for (const patch of event.patches) mirror.apply(structuredClone(patch));
  });
  return { document, events, mirror };
}

describe("patches", () => {
  it.each([true, false])(
    "of a batch are all there when a change in it has failed and was caught: %s",
    (isCaught) => {
      const { document, events, mirror } = listen();
      document.change((doc) => doc.l.push(0));
      const make = (): void => {
        document.batch((change) => {
          change((doc) => {
            doc.l.push(1, 2, 3);
            doc.t.append("abc");
          });
          try {
            change((doc) => {
              doc.l.push(4);
              throw new Error("no");
            });
          } catch (error) {
            if (!isCaught) throw error;
          }
          change((doc) => doc.l.push(5));
        });
      };
      if (isCaught) make();
      else expect(make).toThrow(BatchError);
      expect(events.map(({ changes }) => changes)).toEqual([[0], isCaught ? [1, 2] : [1]]);
      expect(mirror.view).toEqual(document.view());
    },
  );

  it("are one, of the whole view, where a small change has something large shown again and again", () => {
    const { document, events, mirror } = listen();
    const items = Array.from({ length: 5_000 }, (_, i) => i);
    document.change((doc) => doc.m.set("k", items));
    const times = 400;
    const changes: Uint8Array[] = [];
    for (let i = 0; i < times; i++)
      changes.push(ops.assign(["m", "k"], null), ops.remove([0, 0, i, 1]));
    const [head] = document.frontier();
    const parents = [{ id: head!, hex: "", header: { lamport: 1 } }] as never;
    const bomb = forge({ document: id, author: person(1), ops: changes, parents });
    expect(document.receive(bomb.group)).toMatchObject({ status: "applied" });
    expect(events.at(-1)!.patches.map(({ action, path }) => [action, path])).toEqual([["set", []]]);
    expect(mirror.view).toEqual(document.view());
    expect(document.view().m["k"]).toEqual(items);
    // The next event is told as ever.
    document.change((doc) => doc.l.push(1));
    expect(events.at(-1)!.patches.map(({ path }) => path)).toEqual([["l"]]);
    expect(mirror.view).toEqual(document.view());
  });

  it.each([
    ["bytes of a leaf", ["b"], new Uint8Array(800_000), new Uint8Array(0)],
    ["a text of a leaf", ["s"], "x".repeat(800_000), ""],
    ["a list of a leaf", ["j"], Array<number>(400_000).fill(7), 0],
    ["large integers of a leaf", ["j"], Array<bigint>(900).fill(2n ** 7_000n), 0],
    ["long keys of a leaf", ["j"], { ["k".repeat(800_000)]: 1 }, 0],
    ["bytes of a key", ["mb", "k"], new Uint8Array(800_000), new Uint8Array(0)],
    ["a list of a key that nobody has edited", ["mj", "k"], Array<number>(400_000).fill(7), 0],
  ] as const)("are one as well where that is %s", (_what, place, large, small) => {
    const schema = struct({
      b: bytes(),
      s: string(),
      j: json(),
      mb: map(bytes()),
      mj: map(json()),
    });
    const document = new Document({ schema, id });
    const events: DocumentEvent[] = [];
    document.subscribe((event) => events.push(event));
    const first = forge({ document: id, author: person(1), ops: [ops.assign([...place], large)] });
    const again: Uint8Array[] = [];
    for (let i = 0; i < 200; i++)
      again.push(ops.assign([...place], small), ops.remove([0, 0, i, 1]));
    const bomb = forge({ document: id, author: person(1), prev: first, ops: again });
    document.receive(first.group);
    expect(events.at(-1)!.patches.map(({ path }) => path)).toEqual([place]);
    expect(document.receive(bomb.group).status).toBe("applied");
    expect(events.at(-1)!.patches.map(({ action, path }) => [action, path])).toEqual([["set", []]]);
  });

  it("are few where one edit brings or takes characters of one and of two units in turn", () => {
    const { document, events, mirror } = listen();
    document.change((doc) => doc.t.append("«»"));
    const writer = new Document({ schema, id, keyPair: generateKeyPair() });
    writer.merge(document.save());
    const typed = writer.change((doc) => doc.t.insert(1, "é🌍".repeat(500)));
    document.receive(typed.bytes);
    expect(events.at(-1)!.patches).toEqual([
      { action: "spliceText", path: ["t"], index: 1, remove: 0, insert: "é🌍".repeat(500) },
    ]);
    document.receive(writer.change((doc) => doc.t.delete(1, 1_500)).bytes);
    expect(events.at(-1)!.patches).toEqual([
      { action: "spliceText", path: ["t"], index: 1, remove: 1_500, insert: "" },
    ]);
    expect(mirror.view).toEqual(document.view());
  });

  it("of a text stay apart where something else happened in between", () => {
    const { document, events, mirror } = listen();
    document.change((doc) => {
      doc.t.append("ab");
      doc.l.push(1);
      doc.t.append("cd");
      doc.l.push(2);
      doc.t.insert(0, "-");
      doc.t.delete(4, 1);
    });
    expect(events.at(-1)!.patches.map(({ path }) => path[0])).toEqual([
      "t",
      "l",
      "t",
      "l",
      "t",
      "t",
    ]);
    expect(mirror.view).toEqual(document.view());
  });

  it("are as many as ever where little is shown again", () => {
    const { document, events, mirror } = listen();
    document.change((doc) => doc.m.set("k", [1, 2]));
    const [head] = document.frontier();
    const parents = [{ id: head!, hex: "", header: { lamport: 1 } }] as never;
    const changes = [ops.assign(["m", "k"], null), ops.remove([0, 0, 0, 1])];
    const small = forge({ document: id, author: person(1), ops: changes, parents });
    expect(document.receive(small.group).status).toBe("applied");
    expect(events.at(-1)!.patches).toHaveLength(2);
    expect(mirror.view).toEqual(document.view());
  });
});

describe("a document between two changes of a batch", () => {
  it("is saved so that it can be opened", () => {
    const document = new Document({ schema, id, keyPair: generateKeyPair() });
    let saved = new Uint8Array();
    document.batch((change) => {
      change((doc) => doc.l.push(1));
      saved = document.save() as Uint8Array<ArrayBuffer>;
      change((doc) => doc.l.push(2));
    });
    const loaded = Document.load(saved, { schema, id });
    expect(loaded.ok && loaded.value.view().l).toEqual([1]);
    expect(document.view().l).toEqual([1, 2]);
  });
});

describe("a history that was given changes without its document", () => {
  it("is shown, and sealed as it is", () => {
    const { document: author } = listen();
    const change = author.change((doc) => doc.l.push(1, 2, 3));
    const keyPair = generateKeyPair();
    const document = new Document({ schema, id, keyPair });
    expect(document.root.l.length).toBe(0);
    document.history.receive(change.bytes);
    expect(document.root.l.length).toBe(3);
    const other = new Document({ schema, id, keyPair });
    other.history.receive(change.bytes);
    expect(other.view().l).toEqual([1, 2, 3]);
    const loaded = Document.load(other.save(), { schema, id, keyPair });
    expect(loaded.ok && loaded.value.view().l).toEqual([1, 2, 3]);
  });
});
