import { decodeGroup, MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { openLines, writeLine } from "../../test/participant.ts";
import { MAX_MERGED_BYTES } from "../limits.ts";
import { Merging } from "./merging.ts";

function merged(groups: readonly Uint8Array[]): { taken: number; message: Uint8Array | null } {
  const merging = new Merging();
  let taken = 0;
  for (const group of groups) {
    if (!merging.add(group)) break;
    taken++;
  }
  return { taken, message: merging.take() };
}

describe("groups that are merged", () => {
  it("are nothing when there are none, and one stays byte for byte as it came", () => {
    expect(merged([]).message).toBeNull();
    const group = writeLine(openLines("main"), "hello");
    expect(merged([group]).message).toBe(group);
  });

  it("are one closed group with all signatures", () => {
    const document = openLines("main");
    const groups = Array.from({ length: 5 }, (_, line) => writeLine(document, `line ${line}`));
    const { message } = merged(groups);
    const reader = openLines("main");
    expect(reader.receive(message!).status).toBe("applied");
    expect(reader.view().lines).toHaveLength(5);
    const entries = decodeGroup(message!);
    expect(entries.ok && entries.value.every(({ signature }) => signature !== null)).toBe(true);
  });

  it("stay within the bounds of a group, in changes and bytes", () => {
    const document = openLines("main");
    const many = Array.from({ length: MAX_GROUP_CHANGES + 1 }, () => writeLine(document, ""));
    expect(merged(many).taken).toBe(MAX_GROUP_CHANGES);
    const large = Array.from({ length: 3 }, () => writeLine(document, "x".repeat(400_000)));
    const { taken, message } = merged(large);
    expect(taken).toBe(2);
    expect(message!.length).toBeLessThanOrEqual(MAX_MERGED_BYTES + 16);
    expect(decodeGroup(message!).ok).toBe(true);
  });

  it("always begin, though the first is over the bound of those that are merged", () => {
    const greatest = writeLine(openLines("main"), "x".repeat(1_040_000));
    expect(greatest.length).toBeGreaterThan(MAX_MERGED_BYTES);
    expect(greatest.length).toBeLessThanOrEqual(MAX_GROUP_BYTES);
    const { taken, message } = merged([greatest, greatest]);
    expect(taken).toBe(1);
    expect(message).toBe(greatest);
  });
});
