import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { documentId } from "../change/index.ts";
import { generateKeyPair } from "../crypto/index.ts";
import { toHex } from "../encoding/index.ts";
import { MAX_GROUP_BYTES } from "../limits.ts";
import { counter, list, schemaDigest, string, struct, text } from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { EVERYTHING, inspect } from "../../test/random-edits.ts";
import { ID, step, Trial } from "../../test/trial.ts";
import { Document } from "../document/index.ts";
import { decodeSaved, encodeSaved } from "./index.ts";

const keyPair = generateKeyPair(new Uint8Array(32).fill(1));

describe("a saved document", () => {
  test("opens as what it was, whoever wrote in it", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
        fc.nat(),
        (steps, seed) => {
          const trial = new Trial(EVERYTHING);
          for (const each of steps) trial.run(each);
          const [document] = trial.settle(seed);
          const saved = document!.save();
          const loaded = Document.load<Schema>(saved, { schema: EVERYTHING, id: ID });
          if (!loaded.ok) throw new Error(loaded.error.detail);
          expect(loaded.value.frontier()).toEqual(document!.frontier());
          expect(loaded.value.viewDigest()).toBe(document!.viewDigest());
          expect(inspect(EVERYTHING, loaded.value.root)).toEqual(
            inspect(EVERYTHING, document!.root),
          );
          // Saved again it has the same groups.
          expect(toHex(loaded.value.save())).toBe(toHex(document!.save({ seal: false })));
        },
      ),
      { numRuns: 10 },
    );
  });

  test("that is empty opens as well", () => {
    const loaded = Document.load(new Document({ schema: text(), id: ID }).save(), {
      schema: text(),
      id: ID,
    });
    expect(loaded.ok && loaded.value.view()).toBe("");
  });

  test("is refused when anything is cut off or added", () => {
    const saved = small().save();
    for (let length = 0; length < saved.length; length++) {
      expect(load(saved.subarray(0, length)), `${length} bytes`).toMatchObject({
        ok: false,
        error: { code: "malformed" },
      });
    }
    expect(load(Uint8Array.of(...saved, 0))).toMatchObject({
      ok: false,
      error: { code: "malformed" },
    });
  });

  test("whose packed columns are damaged is refused, and never throws", () => {
    const document = new Document({ schema: text(), id: ID, keyPair });
    document.change((doc) => doc.append("all work and no play ".repeat(20)));
    const saved = document.save({ seal: false });
    const opened = new Set<boolean>();
    for (let at = 0; at < saved.length; at++) {
      const damaged = saved.slice();
      damaged[at]! ^= 0x15;
      const loaded = Document.load(damaged, { schema: text(), id: ID });
      opened.add(loaded.ok && loaded.value.view() !== document.view());
    }
    expect([...opened]).toEqual([false]);
  });

  test("with any one bit flipped is refused, or opens with nothing that its authors did not write", () => {
    const document = small();
    const saved = document.save();
    const known = new Set(document.history.frontier().map(toHex));
    for (let row = 0; row < document.history.length; row++)
      known.add(toHex(document.history.idAt(row)));
    fc.assert(
      fc.property(fc.nat(saved.length * 8 - 1), (bit) => {
        const damaged = saved.slice();
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        const loaded = load(damaged);
        if (!loaded.ok) {
          expect(loaded.error.code).toMatch(
            /^(malformed|unsupported_version|wrong_document|bad_signature|missing_signature|too_large|wrong_prev|wrong_lamport)$/,
          );
          return;
        }
        const { history } = loaded.value;
        for (let row = 0; row < history.length; row++) {
          expect(known.has(toHex(history.idAt(row)))).toBe(true);
        }
        loaded.value.viewJson();
      }),
      { numRuns: 800 },
    );
  });

  test("of any bytes at all is refused without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(load(bytes).ok).toBe(false);
        expect(decodeSaved(bytes).ok).toBe(false);
      }),
    );
  });

  test("is refused by another document, and by other versions", () => {
    const saved = small().save();
    const other = Document.load(saved, { schema, id: documentId("other") });
    expect(other).toMatchObject({ ok: false, error: { code: "wrong_document" } });
    const nothing = new Document({ schema, id: documentId("other") }).save();
    expect(load(nothing)).toMatchObject({ ok: false, error: { code: "wrong_document" } });
    const future = saved.slice();
    const version = 1 + 1 + "bft-json-crdt".length;
    expect(future[version]).toBe(2);
    for (const other of [0, 3, 23]) {
      future[version] = other;
      expect(load(future)).toMatchObject({
        ok: false,
        error: { code: "unsupported_version", detail: `file version ${other} is not known here` },
      });
    }
    // Version 2 has seven items.
    for (const head of [0x86, 0x88]) {
      expect(load(saved.with(0, head))).toMatchObject({
        ok: false,
        error: { code: "unsupported_version" },
      });
    }
    const { groups } = outline(saved);
    const huge = encodeSaved({
      document: ID,
      schema: null,
      groups: [...groups, new Uint8Array(MAX_GROUP_BYTES + 1)],
    });
    expect(load(huge)).toMatchObject({ ok: false, error: { code: "malformed" } });
  });

  test("names the schema, without which its changes can be read all the same", () => {
    const document = small();
    const { schema: digest, groups, document: id } = outline(document.save());
    expect(digest).toEqual(schemaDigest(schema));
    expect(id).toEqual(ID);
    const loaded = load(encodeSaved({ document: ID, schema: null, groups }));
    expect(loaded.ok && loaded.value.viewDigest()).toBe(document.viewDigest());
    // With another schema what fits is shown.
    const other = struct({ title: string(), body: list(string()) });
    const misread = Document.load(document.save(), { schema: other, id: ID });
    expect(misread.ok && misread.value.view()).toEqual({ title: "t", body: [] });
    expect(misread.ok && misread.value.frontier()).toEqual(document.frontier());
  });
});

describe("merging a saved document", () => {
  test("takes in what is new, and says how much that was", () => {
    const [left, right] = [small(), small(2)];
    const common = left.save();
    expect(right.merge(common)).toEqual({ ok: true, value: 4 });
    expect(right.merge(common)).toEqual({ ok: true, value: 0 });
    right.change((doc) => doc.title.set("right"));
    left.change((doc) => doc.body.append("left"));
    expect(left.merge(right.save())).toEqual({ ok: true, value: 5 });
    expect(right.merge(left.save())).toEqual({ ok: true, value: 1 });
    expect(left.viewDigest()).toBe(right.viewDigest());
    const { history } = left;
    expect(left.history.length).toBe(10);
    expect(history.pending.count).toBe(0);
  });

  test("tells the listeners, group by group", () => {
    const document = new Document({ schema, id: ID });
    const changes: number[] = [];
    document.subscribe((event) => changes.push(...event.changes));
    document.merge(small().save());
    expect(changes).toEqual([0, 1, 2, 3]);
  });

  test("keeps what stood before a group that is refused, and names the change", () => {
    const one = small();
    const { groups } = outline(one.save());
    const lone = small(2);
    const bad = lone.change((doc) => doc.title.set("bad")).bytes.slice();
    bad[bad.length - 1]! ^= 1;
    const document = new Document({ schema, id: ID });
    const merged = document.merge(
      encodeSaved({ document: ID, schema: null, groups: [...groups, bad] }),
    );
    expect(merged).toMatchObject({ ok: false, error: { code: "bad_signature" } });
    expect(merged.ok ? "" : merged.error.detail).toMatch(/change [0-9a-f]{64} is refused/);
    expect(document.viewDigest()).toBe(one.viewDigest());
  });
});

const schema = struct({ title: string(), body: text(), sum: counter() });

/** A document of four changes. */
function small(who = 1): Document<typeof schema> {
  const document = new Document({
    schema,
    id: ID,
    keyPair: who === 1 ? keyPair : generateKeyPair(new Uint8Array(32).fill(who)),
  });
  document.change((doc) => doc.title.set("t"));
  document.change((doc) => doc.body.insert(0, "a🙂b"));
  document.change((doc) => doc.body.delete(0));
  document.change((doc) => doc.sum.increment());
  return document;
}

function load(bytes: Uint8Array): ReturnType<typeof Document.load<typeof schema>> {
  return Document.load(bytes, { schema, id: ID });
}

function outline(saved: Uint8Array) {
  const decoded = decodeSaved(saved);
  if (!decoded.ok) throw new Error(decoded.error.detail);
  return decoded.value;
}
