/** Who is told what, when changes come in other ways than one after the other. */
import { describe, expect, it } from "vitest";
import { Mirror } from "../../test/simulator/mirror.ts";
import { forge, ops, person } from "../../test/forge.ts";
import { documentId } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { toHex } from "../encoding/bytes.ts";
import { MisuseError } from "../result.ts";
import { list, number, struct, text } from "../schema/index.ts";
import { Document } from "./document.ts";
import type { DocumentEvent } from "./document.ts";

const schema = struct({ t: text(), l: list(number()) });
const id = documentId("events");
const open = () => new Document({ schema, id, keyPair: generateKeyPair() });
type Doc = ReturnType<typeof open>;

/** What somebody makes of a document who takes its view, and then what it is told. */
function follow(document: Doc): { readonly events: DocumentEvent[]; readonly mirror: Mirror } {
  const events: DocumentEvent[] = [];
  const mirror = new Mirror(document.view());
  document.subscribe((event) => {
    events.push(event);
    for (const patch of event.patches) mirror.apply(structuredClone(patch));
  });
  return { events, mirror };
}

function codeOf(call: () => unknown): string {
  try {
    call();
    return "nothing thrown";
  } catch (error) {
    return error instanceof MisuseError ? error.code : String(error);
  }
}

describe("a listener", () => {
  it("that comes while others are told hears nothing of what the view shows already", () => {
    const document = open();
    const late: ReturnType<typeof follow>[] = [];
    document.subscribe(({ origin }) => {
      if (late.length > 2) return;
      document.change((doc) => doc.t.append(`${late.length} `));
      late.push(follow(document));
      expect(origin).toBe("local");
    });
    document.change((doc) => doc.t.append("first "));
    document.change((doc) => doc.t.append("last "));
    expect(late).toHaveLength(3);
    for (const { mirror } of late) expect(mirror.view).toEqual(document.view());
  });

  it("that has ended its subscription hears nothing of what waited to be told", () => {
    const document = open();
    let heard = 0;
    const ends: (() => void)[] = [];
    document.subscribe(() => {
      if (ends.length > 0) return;
      ends.push(document.subscribe(() => heard++));
      document.change((doc) => doc.l.push(2));
      ends[0]!();
    });
    document.change((doc) => doc.l.push(1));
    expect(heard).toBe(0);
  });

  it("hears of what came into the history by other ways with the next event, and not twice", () => {
    const [document, other] = [open(), open()];
    const early = follow(document);
    const one = other.change((doc) => doc.t.append("one "));
    document.history.receive(one.bytes);
    expect(document.view().t).toBe("one ");
    const late = follow(document);
    document.receive(other.change((doc) => doc.t.append("two ")).bytes);
    expect(early.events.map(({ changes }) => changes)).toEqual([[0], [1]]);
    expect(late.events.map(({ changes }) => changes)).toEqual([[1]]);
    for (const { mirror } of [early, late]) expect(mirror.view).toEqual(document.view());
  });

  it("hears of such also when a change failed meanwhile", () => {
    const [document, other] = [open(), open()];
    const { events, mirror } = follow(document);
    document.history.receive(other.change((doc) => doc.t.append("one ")).bytes);
    expect(document.view().t).toBe("one ");
    expect(() =>
      document.change((doc) => {
        doc.l.push(1);
        throw new Error("no");
      }),
    ).toThrow("no");
    document.change((doc) => doc.l.push(2));
    expect(events.map(({ changes }) => changes)).toEqual([[0, 1]]);
    expect(mirror.view).toEqual(document.view());
  });

  it("does not begin to listen inside of a change or a batch, where it is not certain what it was told", () => {
    const document = open();
    document.change(() => {
      expect(codeOf(() => document.subscribe(() => undefined))).toBe("in_change");
    });
    document.batch((change) => {
      change((doc) => doc.l.push(1));
      expect(codeOf(() => document.subscribe(() => undefined))).toBe("in_change");
    });
  });

  it("of forks hears of each, also when it writes them down at once", () => {
    const document = open();
    const told: string[] = [];
    document.onFork(({ author }) => {
      told.push(toHex(author));
      document.change((doc) => doc.l.push(told.length));
    });
    const liars = [1, 2, 3].map((number) => person(number));
    const lies = liars.map((author) =>
      [1, 2].map((value) => forge({ document: id, author, ops: [ops.insert(["l"], value)] })),
    );
    // The second change of each comes while the one before is still told of: in one delivery.
    for (const [first] of lies) document.receive(first!.group);
    for (const [, second] of lies) document.receive(second!.group);
    expect(new Set(told).size).toBe(3);
  });
});

describe("changes that come into the history inside of a change", () => {
  it("fail it, and are there afterwards", () => {
    const [document, other] = [open(), open()];
    const { mirror } = follow(document);
    const theirs = other.change((doc) => doc.t.append("theirs "));
    expect(() =>
      document.change((doc) => {
        doc.t.append("mine ");
        document.history.receive(theirs.bytes);
      }),
    ).toThrow("the history was given changes inside of change()");
    expect(document.view().t).toBe("theirs ");
    const mine = document.change((doc) => doc.t.append("mine "));
    other.receive(mine.bytes);
    expect(other.view()).toEqual(document.view());
    expect(mirror.view).toEqual(document.view());
  });

  it("are no part of the batch that is being made", () => {
    const [document, other] = [open(), open()];
    const theirs = other.change((doc) => doc.t.append("theirs "));
    const batch = document.batch((change) => {
      change((doc) => doc.t.append("a "));
      change((doc) => doc.t.append("b "));
      document.history.receive(theirs.bytes);
      change((doc) => doc.t.append("c "));
    });
    expect(batch.indexes).toEqual([[0, 1], [3]]);
    for (const group of batch.groups) expect(other.receive(group).status).toBe("applied");
    expect(other.view()).toEqual(document.view());
  });
});

describe("a document that was opened from a file", () => {
  it.each([
    ["written over", (bytes: Uint8Array) => bytes.fill(0)],
    [
      "handed to somebody else",
      (bytes: Uint8Array) =>
        structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] }),
    ],
  ])("does not look at bytes again that were %s meanwhile", (_what, spoil) => {
    const keyPair = generateKeyPair();
    const document = new Document({ schema, id, keyPair, chain: 1n });
    document.change((doc) => doc.l.push(1, 2, 3));
    const bytes = document.save();
    const loaded = Document.load(bytes, { schema, id, keyPair, chain: 1n });
    spoil(bytes);
    if (!loaded.ok) throw new Error(loaded.error.code);
    loaded.value.change((doc) => doc.l.push(4));
    expect(loaded.value.view().l).toEqual([1, 2, 3, 4]);
  });

  it("gives out its author's key as a copy", () => {
    const document = open();
    document.author!.fill(0);
    const change = document.change((doc) => doc.l.push(1));
    expect(open().receive(change.bytes).status).toBe("applied");
    expect(document.author).not.toEqual(new Uint8Array(32));
  });
});
