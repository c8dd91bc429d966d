/** What a change names because it was asked to, however much that is: it must be one that others take. */
import { describe, expect, it } from "vitest";
import { type Forged, forge, groupOf, person } from "../../test/forge.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { decodeGroup } from "../change/index.ts";
import { MAX_BODY_BYTES } from "../limits.ts";
import { list, string, struct } from "../schema/index.ts";
import { documentId } from "../change/index.ts";
import { Document } from "./document.ts";

const schema = struct({ lines: list(string()) });
const id = documentId("required");

function openDocument(): Document<typeof schema> {
  return new Document({ schema, id, keyPair: generateKeyPair() });
}

/** Two documents that have heard of so many changes, none of which builds on another. */
function withHeads(count: number): Document<typeof schema>[] {
  const documents = [openDocument(), openDocument()];
  for (let start = 0; start < count; start += 1_000) {
    const changes: Forged[] = [];
    for (let i = start; i < Math.min(count, start + 1_000); i++)
      changes.push(forge({ document: id, author: person(1), chain: BigInt(i + 1) }));
    for (const document of documents)
      expect(document.receive(groupOf(changes)).status).toBe("applied");
  }
  return documents;
}

describe("what a change requires", () => {
  it("is named by changes before it where it is more than one can name", () => {
    const [host, other] = withHeads(9_000) as [Document<typeof schema>, Document<typeof schema>];
    const heads = host.frontier();
    expect(heads).toHaveLength(9_000);
    const change = host.change((doc) => doc.lines.push("close"), { requires: heads });
    expect(change.groups).toHaveLength(2);
    for (const group of change.groups) expect(other.receive(group).status).toBe("applied");
    expect(host.frontier()).toEqual([change.id]);
    expect(other.frontier()).toEqual([change.id]);
    expect(other.view()).toEqual({ lines: ["close"] });
    const later = host.change((doc) => doc.lines.push("later"));
    expect(other.receive(later.bytes).status).toBe("applied");
    const loaded = Document.load(host.save({ seal: false }), { schema, id });
    expect(loaded.ok && loaded.value.viewDigest()).toBe(host.viewDigest());
  });

  it("has its room beside what is edited", () => {
    const [host, other] = withHeads(200) as [Document<typeof schema>, Document<typeof schema>];
    const requires = host.frontier();
    for (let size = MAX_BODY_BYTES - 12_000; size < MAX_BODY_BYTES - 4_200; size += 1_111) {
      const change = host.change((doc) => doc.lines.push("x".repeat(size)), { requires });
      for (const group of change.groups) {
        const decoded = decodeGroup(group);
        expect(decoded.ok && decoded.value[0]!.body.length).toBeLessThanOrEqual(MAX_BODY_BYTES);
        expect(other.receive(group).status).toBe("applied");
      }
    }
    expect(other.viewDigest()).toBe(host.viewDigest());
  });

  it("is looked for before anything is edited", () => {
    const document = openDocument();
    let isEdited = false;
    expect(() => {
      document.change(
        () => {
          isEdited = true;
        },
        { requires: [id] },
      );
    }).toThrow("is not applied here");
    expect([isEdited, document.history.length]).toEqual([false, 0]);
  });
});
