import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SEAL_TAG } from "../change/index.ts";
import { generateKeyPair, sha256, sign } from "../crypto/index.ts";
import { ByteWriter, equalBytes, toHex } from "../encoding/index.ts";
import { Document } from "../document/index.ts";
import { MisuseError } from "../result.ts";
import { counter, list, optional, schemaDigest, string, struct, text } from "../schema/index.ts";
import type { Schema } from "../schema/index.ts";
import { anySchema, EVERYTHING } from "../../test/random-edits.ts";
import { ID, step, Trial } from "../../test/trial.ts";
import { encodeHistory } from "./file.ts";

const [ALICE, BOB] = [1, 2].map((n) => generateKeyPair(new Uint8Array(32).fill(n))) as [Key, Key];
type Key = ReturnType<typeof generateKeyPair>;
const SCHEMA = struct({ title: string(), body: text(), sum: counter() });
const TRUTH = { title: "t", body: "ab", sum: 1n };

describe("a sealed document", () => {
  test("shows its maker at once what it showed, and is the same document behind that", () => {
    const schemas = fc.oneof(fc.constant<Schema>(EVERYTHING), anySchema);
    const steps = fc.array(step, { minLength: 1, maxLength: 25, size: "max" });
    fc.assert(
      fc.property(schemas, steps, (schema, given) => {
        const trial = new Trial(schema);
        for (const each of given) trial.run(each);
        const [document] = trial.settle(0);
        const owner = new Document({ schema, id: ID, keyPair: ALICE, chain: 7n });
        owner.merge(document!.save());
        const saved = owner.save();
        const loaded = Document.load<Schema>(saved, { schema, id: ID, keyPair: ALICE, chain: 7n });
        if (!loaded.ok) throw new Error(loaded.error.detail);
        expect(loaded.value.view()).toEqual(owner.view());
        expect(loaded.value.viewJson()).toBe(owner.viewJson());
        expect(loaded.value.viewDigest()).toBe(owner.viewDigest());
        expect(loaded.value.frontier()).toEqual(owner.frontier());
        expect(loaded.value.view()).toEqual(owner.view());
        expect(toHex(loaded.value.save())).toBe(toHex(saved));
      }),
      { numRuns: 30 },
    );
  });

  test("is believed by nobody else, for no other schema, and by no other way of folding", () => {
    const liar = sealed({ title: "a lie", body: "", sum: 0n });
    // Its maker's own statement stands as long as only the view is asked for.
    expect(load(liar, ALICE).view()).toEqual({ title: "a lie", body: "", sum: 0n });
    expect(load(liar, BOB).view()).toEqual(TRUTH);
    expect(load(liar, null).view()).toEqual(TRUTH);
    const other = struct({ title: string(), body: list(string()) });
    const misread = Document.load(liar, { schema: other, id: ID, keyPair: ALICE });
    expect(misread.ok && misread.value.view()).toEqual({ title: "t", body: [] });
    // A schema whose views are written alike.
    const alike = struct({ tidy: string(), body: text(), sum: counter() });
    const renamed = Document.load(liar, { schema: alike, id: ID, keyPair: ALICE });
    expect(renamed.ok && renamed.value.view()).toEqual({ tidy: "", body: "ab", sum: 1n });
    const folded = liar.slice();
    const at = find(folded, Uint8Array.of(0x58, 32, ...ALICE.publicKey, 1)) + 34;
    folded[at] = 2;
    expect(load(resealed(folded, ALICE), ALICE).view()).toEqual(TRUTH);
    // Without the digest it is not known what the view is of.
    const unnamed = encodeHistory(small().history, null, {
      keyPair: ALICE,
      schema: SCHEMA,
      view: { title: "a lie", body: "", sum: 0n },
    });
    expect(load(unnamed, ALICE).view()).toEqual(TRUTH);
    const merged = new Document({ schema: SCHEMA, id: ID, keyPair: ALICE });
    expect(merged.merge(liar)).toEqual({ ok: true, value: 4 });
    expect(merged.view()).toEqual(TRUTH);
  });

  test("is believed only with a signature over every byte, by its maker", () => {
    const saved = sealed({ title: "a lie", body: "", sum: 0n });
    const forged = resealed(saved, BOB);
    expect(load(forged, ALICE).view()).toEqual(TRUTH);
    for (let bit = 0; bit < saved.length * 8; bit++) {
      const damaged = saved.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const loaded = Document.load(damaged, { schema: SCHEMA, id: ID, keyPair: ALICE });
      if (loaded.ok) expect(loaded.value.view(), `bit ${bit}`).toEqual(TRUTH);
      else expect(loaded.error.code).toMatch(/^[a-z_]+$/);
    }
  });

  test("is refused or opens as what it was, when a bit is flipped", () => {
    const saved = small().save();
    const heads = small().frontier();
    let opened = 0;
    for (let bit = 0; bit < saved.length * 8; bit += 7) {
      const damaged = saved.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      for (const keyPair of [ALICE, BOB]) {
        const loaded = Document.load(damaged, { schema: SCHEMA, id: ID, keyPair });
        if (!loaded.ok) continue;
        opened++;
        expect(loaded.value.view()).toEqual(TRUTH);
        expect(loaded.value.frontier()).toEqual(heads);
      }
    }
    expect(opened).toBeGreaterThan(0);
    expect(opened).toBeLessThan(saved.length);
  });

  test("is cut off nowhere, and has nothing behind it", () => {
    const saved = small().save();
    for (let length = 0; length < saved.length; length++) {
      const loaded = Document.load(saved.subarray(0, length), {
        schema: SCHEMA,
        id: ID,
        keyPair: ALICE,
      });
      expect(loaded, String(length)).toMatchObject({ ok: false, error: { code: "malformed" } });
    }
    const longer = Uint8Array.of(...saved, 0);
    expect(Document.load(longer, { schema: SCHEMA, id: ID, keyPair: ALICE }).ok).toBe(false);
  });

  test("with a view that is none for its schema is verified like any other", () => {
    const odd = encodeHistory(small().history, schemaDigest(SCHEMA), {
      keyPair: ALICE,
      schema: struct({ title: string() }),
      view: { title: "a lie" },
    });
    expect(load(odd, ALICE).view()).toEqual(TRUTH);
    const long = encodeHistory(small().history, schemaDigest(SCHEMA), {
      keyPair: ALICE,
      schema: list(string()),
      view: ["1", "2", "3", "4"],
    });
    expect(load(long, ALICE).view()).toEqual(TRUTH);
  });

  test("that is not of four parts, or packed wrongly, is no seal", () => {
    const saved = sealed({ title: "a lie", body: "", sum: 0n });
    const at = saved.length - sealOf(saved).length;
    expect(saved[at]).toBe(0x84);
    const three = resealed(saved.with(at, 0x83), ALICE);
    expect(Document.load(three, { schema: SCHEMA, id: ID, keyPair: ALICE })).toMatchObject({
      ok: false,
      error: { code: "malformed" },
    });
    const writer = new ByteWriter();
    writer.raw(saved.subarray(0, at));
    writer.arrayHeader(4);
    writer.bytes(ALICE.publicKey);
    writer.uint(1);
    // A view of 20 bytes that is none when it is unpacked.
    writer.arrayHeader(2);
    writer.uint(20);
    writer.bytes(Uint8Array.of(3, 0));
    writer.bytes(new Uint8Array(64));
    expect(load(resealed(writer.take(), ALICE), ALICE).view()).toEqual(TRUTH);
  });

  test("whose changes are refused after all shows those that are good, and is not edited", () => {
    const saved = small().save({ seal: false });
    const damaged = saved.slice();
    // The end of the text that the second change typed.
    damaged[find(damaged, new TextEncoder().encode("a🙂b"))]! ^= 1;
    expect(Document.load(damaged, { schema: SCHEMA, id: ID }).ok).toBe(false);
    const sealedOver = resealed(
      Uint8Array.of(...damaged.subarray(0, -1), ...sealOf(small().save())),
      ALICE,
    );
    expect(Document.load(sealedOver, { schema: SCHEMA, id: ID, keyPair: BOB }).ok).toBe(false);
    for (const use of [
      (document: Small) => document.change((doc) => doc.title.set("x")),
      (document: Small) => document.batch((change) => change((doc) => doc.title.set("x"))),
      // The file that it came from holds more.
      (document: Small) => document.save(),
      (document: Small) => {
        expect(document.history.length).toBe(0);
        document.change((doc) => doc.title.set("x"));
      },
    ]) {
      const document = load(sealedOver, ALICE);
      expect(document.view()).toEqual(TRUTH);
      let error: unknown;
      try {
        use(document);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(MisuseError);
      expect((error as MisuseError).code).toBe("bad_key");
      expect(document.view()).toEqual({ title: "", body: "", sum: 0n });
      // What it lacks can be had from others.
      expect(document.merge(small().save())).toMatchObject({ ok: true });
      expect(document.view()).toEqual(TRUTH);
    }
  });

  test("hands out a new view each time", () => {
    const document = load(small().save(), ALICE);
    for (let i = 0; i < 3; i++) {
      const view: { title: string } = document.view();
      expect(view).toEqual(TRUTH);
      view.title = "mine";
    }
  });

  test("wakes up for whatever is asked of it", () => {
    const awake = small();
    const uses: { readonly [name: string]: (document: Small) => unknown } = {
      history: ({ history }) => history.length,
      root: ({ root }) => root.body.toString(),
      frontier: (document) => document.frontier().map(toHex),
      change: (document) =>
        document.change((doc) => doc.body.append("c"), { time: 1 }).bytes.length,
      batch: (document) =>
        document.batch((change) => change((doc) => doc.body.append("c"), { time: 1 })).indexes,
      merge: (document) => document.merge(small(BOB).save()),
      receive: (document) => {
        const { history } = small(BOB);
        return document.receive(history.groupOf(0)).applied;
      },
    };
    for (const [name, use] of Object.entries(uses)) {
      const document = load(small().save(), ALICE);
      const other = small();
      expect(use(document), name).toEqual(use(other));
      expect(document.viewJson(), name).toBe(other.viewJson());
    }
    expect(awake.history.length).toBe(4);
  });

  test("tells listeners what is new, and not what was there", () => {
    const document = load(small().save(), ALICE);
    const heard: unknown[] = [];
    document.subscribe(({ changes, patches }) => heard.push({ changes, patches }));
    expect(document.history.length).toBe(4);
    expect(heard).toEqual([]);
    document.change((doc) => doc.body.append("c"));
    expect(heard).toEqual([
      {
        changes: [4],
        patches: [{ action: "spliceText", path: ["body"], index: 2, remove: 0, insert: "c" }],
      },
    ]);
  });

  test("goes on where its chain ended", () => {
    const document = load(small().save(), ALICE);
    document.change((doc) => doc.body.append("c"));
    expect(document.history.seqAt(4)).toBe(5);
    expect(document.history.forks()).toEqual([]);
    expect(small().merge(document.save())).toEqual({ ok: true, value: 1 });
  });

  test("is one that can be edited, and is not sealed in the middle of a change", () => {
    const reader = new Document({ schema: SCHEMA, id: ID });
    reader.merge(small().save());
    expect(isSealed(reader.save())).toBe(false);
    const document = small();
    expect(isSealed(document.save())).toBe(true);
    expect(isSealed(document.save({ seal: false }))).toBe(false);
    const inside: Uint8Array[] = [];
    document.change((doc) => {
      doc.title.set("not yet");
      inside.push(document.save());
    });
    document.batch((change) => {
      inside.push(document.save());
      change((doc) => doc.title.set("now"));
      inside.push(document.save());
    });
    expect(inside.map(isSealed)).toEqual([false, false, false]);
    expect(load(inside[0]!, ALICE).view()).toEqual(TRUTH);
    expect(load(inside[1]!, ALICE).view().title).toBe("not yet");
  });

  test("of nothing at all shows nothing", () => {
    const schema = optional(string());
    const document = new Document({ schema, id: ID, keyPair: ALICE });
    const loaded = Document.load(document.save(), { schema, id: ID, keyPair: ALICE });
    expect(loaded.ok && loaded.value.view()).toBeUndefined();
    expect(loaded.ok && loaded.value.viewJson()).toBe("null");
  });
});

type Small = Document<typeof SCHEMA>;

/** Four changes on one chain. */
function small(keyPair = ALICE): Small {
  const document = new Document({ schema: SCHEMA, id: ID, keyPair, chain: 7n });
  document.change((doc) => doc.title.set("t"), { time: 5 });
  document.change((doc) => doc.body.insert(0, "a🙂b"), { time: 5 });
  document.change((doc) => doc.body.delete(1, 2), { time: 6 });
  document.change((doc) => doc.sum.increment(), { time: null });
  return document;
}

function load(bytes: Uint8Array, keyPair: Key | null): Small {
  const key = keyPair === null ? {} : { keyPair };
  const loaded = Document.load(bytes, { schema: SCHEMA, id: ID, chain: 7n, ...key });
  if (!loaded.ok) throw new Error(loaded.error.detail);
  return loaded.value;
}

/** The file of `small`, sealed by its author with any view. */
function sealed(view: { title: string; body: string; sum: bigint }): Uint8Array {
  return encodeHistory(small().history, schemaDigest(SCHEMA), {
    keyPair: ALICE,
    schema: SCHEMA,
    view,
  });
}

/** A sealed file with another signature at its end. */
function resealed(file: Uint8Array, { secretKey }: Key): Uint8Array {
  const rest = file.subarray(0, -64);
  return Uint8Array.of(...rest, ...sign(Uint8Array.of(...SEAL_TAG, ...sha256(rest)), secretKey));
}

/** The seal at the end of a file: what stands there in the place of null. */
function sealOf(file: Uint8Array): Uint8Array {
  return file.subarray(find(file, Uint8Array.of(0x84, 0x58, 32, ...ALICE.publicKey, 1)));
}

function isSealed(file: Uint8Array): boolean {
  return find(file, Uint8Array.of(0x84, 0x58, 32, ...ALICE.publicKey, 1)) >= 0;
}

function find(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (equalBytes(bytes.subarray(at, at + part.length), part)) return at;
  }
  return -1;
}
