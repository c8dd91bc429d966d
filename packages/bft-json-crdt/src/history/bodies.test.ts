import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeBodyHead } from "../change/index.ts";
import { ByteWriter, equalBytes } from "../encoding/index.ts";
import { Bodies } from "./bodies.ts";
import { Chains } from "./chains.ts";
import { IdTable } from "./id-table.ts";

const idOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const DOCUMENT = idOf(255);

/** At and around what takes another byte more to write. */
const edges = [1, 2, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
const chains = [0n, 23n, 24n, 255n, 256n, 65_536n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n - 1n];

const change = fc.record({
  author: fc.nat(3),
  chain: fc.constantFrom(...chains),
  seq: fc.constantFrom(...edges),
  /** Which of the changes before, counted from the last; none when there are not so many. */
  prev: fc.nat(4),
  parents: fc.nat(2),
  /** Bytes behind the head, some more than are kept room for. */
  rest: fc.oneof(fc.nat(200), fc.constantFrom(0, 70_000)),
});

describe("bodies", () => {
  it("are given back to the byte, without keeping what they begin with", () => {
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.nat()),
        (list, draws) => {
          const ids = new IdTable();
          const known = new Chains();
          const bodies = new Bodies(DOCUMENT, ids, known);
          const expected = list.map((item, index) => {
            // What builds on another change is of that one's chain.
            const prev = item.prev > 0 && index >= item.prev ? index - item.prev : -1;
            const number = prev < 0 ? -1 : known.chainIndex(prev);
            const author = number < 0 ? idOf(item.author) : known.authorOf(number);
            const chain = number < 0 ? item.chain : known.numberOf(number);
            const { seq } = item;
            ids.add(idOf(index));
            known.add({ author, chain, seq }, prev, 0);
            const writer = new ByteWriter();
            const header = {
              document: DOCUMENT,
              author,
              chain,
              seq,
              prev: prev < 0 ? null : idOf(prev),
              parents: Array.from({ length: item.parents }, (_, i) => idOf(100 + i)),
              lamport: seq,
              time: null,
              refs: [],
            };
            writeBodyHead(writer, header, item.rest);
            writer.raw(new Uint8Array(item.rest).fill(index));
            const body = writer.take();
            expect(bodies.push(body, seq, prev)).toBe(bodies.headBytesAt(index));
            return body;
          });
          for (let i = 0; i < 2 * list.length; i++) {
            const index = draws.next().value! % list.length;
            const body = expected[index]!;
            const tail = bodies.tailAt(index);
            expect(equalBytes(bodies.passingAt(index), body)).toBe(true);
            expect(bodies.sizeAt(index)).toBe(body.length);
            expect(equalBytes(tail, body.subarray(bodies.headBytesAt(index)))).toBe(true);
            // It begins with the array of parents.
            expect(tail[0]).toBe(0x80 + list[index]!.parents);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
