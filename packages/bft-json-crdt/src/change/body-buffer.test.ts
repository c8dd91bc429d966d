import fc from "fast-check";
import { expect, it } from "vitest";
import { ByteWriter } from "../encoding/index.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { changeId, writeBodyHead, writeBodyRest } from "./body.ts";

const document = new Uint8Array(32).fill(0xd0);
const authors = [1, 2].map((byte) => new Uint8Array(32).fill(byte));
const chains = [0n, 0xffff_ffff_ffff_fff0n];

/** What comes behind the chain: small, so that lengths repeat, or so large that the buffer grows, or is given up. */
const anyBody = fc.record({
  author: fc.constantFrom(...authors),
  chain: fc.constantFrom(...chains),
  seq: fc.constantFrom(1, 20, 30, 300, 70_000),
  filler: fc.oneof(fc.nat(20), fc.constantFrom(400, 1_000, 3_000, 70_000, 200_000)),
});

it("gives the bodies and the ids that are made one by one, whatever was written before", () => {
  fc.assert(
    fc.property(fc.array(anyBody, { minLength: 1, maxLength: 30 }), (bodies) => {
      const buffer = new BodyBuffer(document);
      for (const { author, chain, seq, filler } of bodies) {
        const rest = { seq, prev: null, parents: [], lamport: seq, time: null, refs: [] };
        const bytes = new Uint8Array(filler).fill(seq);
        const alone = new ByteWriter();
        writeBodyHead(alone, { document, author, chain, ...rest }, 0);
        alone.bytes(bytes);
        const expected = alone.take();

        buffer.begin(author, chain);
        writeBodyRest(buffer.writer, rest, 0);
        buffer.writer.bytes(bytes);
        expect(buffer.length).toBe(expected.length);
        const id = new Uint8Array(32);
        buffer.hash(id);
        expect(id).toEqual(changeId(expected));
        const body = buffer.body();
        buffer.settle();
        if (Buffer.compare(body, expected) !== 0) expect(body).toEqual(expected);
      }
    }),
    { numRuns: 100 },
  );
});

it("gives up what a large body took", () => {
  const buffer = new BodyBuffer(document);
  buffer.begin(authors[0]!, 0n);
  buffer.writer.raw(new Uint8Array(1_000_000));
  buffer.settle();
  expect(buffer.writer.capacity).toBeLessThan(65_536);
});
