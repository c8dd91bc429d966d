/** Edits that are refused inside of a change whose callback catches that. */
import { describe, expect, test } from "vitest";
import { documentId } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { list, map, string, struct } from "../schema/index.ts";
import { Document } from "./document.ts";

const schema = struct({
  title: string(),
  notes: list(string()),
  lists: list(struct({ name: string(), items: list(string()) })),
  folders: map(struct({ name: string(), items: list(string()) })),
});
const TOO_LARGE = "x".repeat(1_100_000);

function open() {
  const keyPair = generateKeyPair(new Uint8Array(32).fill(7));
  return new Document({ schema, id: documentId("caught"), keyPair, chain: 1n });
}

type Root = Parameters<Parameters<ReturnType<typeof open>["change"]>[0]>[0];

/** Whether the edit was refused. */
function isRefused(edit: () => void): boolean {
  try {
    edit();
    return false;
  } catch {
    return true;
  }
}

describe("an edit that was refused and caught", () => {
  const whole: [string, (doc: Root) => void][] = [
    ["a leaf", (doc) => doc.title.set(TOO_LARGE)],
    ["the first of some items", (doc) => doc.notes.insert(0, TOO_LARGE, "b")],
    ["an item of the wrong kind", (doc) => doc.notes.push("a", 1 as unknown as string)],
    [
      "something of the wrong kind deep inside",
      (doc) => doc.lists.push({ name: "n", items: ["a", null as unknown as string] }),
    ],
    ["a key's own value", (doc) => doc.folders.set("k", { name: TOO_LARGE, items: [] })],
  ];
  test.each(whole)("has done nothing: %s", (_what, refused) => {
    const document = open();
    document.change((doc) => {
      expect(isRefused(() => refused(doc))).toBe(true);
      doc.title.set("instead");
    });
    expect(document.view()).toEqual({ title: "instead", notes: [], lists: [], folders: {} });
  });

  const partly: [string, (doc: Root) => void][] = [
    ["one of many items", (doc) => doc.notes.push(...Array<string>(9).fill("ab"), TOO_LARGE)],
    [
      "an item within an item",
      (doc) => doc.lists.push({ name: "half", items: ["a", TOO_LARGE, "c"] }),
    ],
    ["an item within a key", (doc) => doc.folders.set("k", { name: "half", items: [TOO_LARGE] })],
    [
      "what was read anew, and differed",
      (doc) => {
        let reads = 0;
        const half = {
          name: "half",
          get items(): string[] {
            return reads++ === 0 ? ["a"] : [TOO_LARGE];
          },
        };
        doc.lists.push(half);
      },
    ],
  ];
  test.each(partly)("fails the change if a part of it stands: %s", (_what, refused) => {
    const document = open();
    document.change((doc) => {
      doc.title.set("before");
    });
    const before = document.history.length;
    expect(() =>
      document.change((doc) => {
        expect(isRefused(() => refused(doc))).toBe(true);
        doc.title.set("instead");
      }),
    ).toThrow(/one value takes/u);
    expect(document.view()).toEqual({ title: "before", notes: [], lists: [], folders: {} });
    expect(document.history.length).toBe(before);
    // The next one is none the worse.
    document.change((doc) => {
      doc.title.set("after");
    });
    expect(document.view().title).toBe("after");
  });
});
