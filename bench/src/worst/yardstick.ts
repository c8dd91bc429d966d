/**
 * What n log n costs on this machine at each size, with nothing of the library in between: small objects made, filed under
 * their keys, sorted and looked up; and a binary heap of ids, filled and emptied.
 *
 * In millions of things memory is slower than in thousands: the caches and the tables of its pages cover a smaller part of it,
 * and the collector walks through all of it. That is no algorithm's fault, so a row of the table may grow as much as the
 * one of these two that grows most.
 */
import { expectEqual } from "../measure.ts";
import { seeded } from "../random.ts";
import type { Case } from "./case.ts";

/**
 * Pieces of each object, which comes to some three kilobytes: as much as a change of the heaviest cases weighs, its input and
 * what replicas make of it together (a process that holds 10^6 of them takes 3.4 GB).
 */
const PIECES = 10;

/** Bytes of an id. */
const ID_BYTES = 32;

interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly links: readonly number[];
}

interface Filed {
  readonly key: string;
  readonly pieces: readonly Piece[];
}

/** One case. */
export const cases: Case[] = [
  {
    name: "n log n without the library",
    prepare(size) {
      let found = 0;
      const ids = new Uint8Array(size * ID_BYTES);
      const random = seeded(2);
      for (let i = 0; i < ids.length; i++) ids[i] = random() * 256;
      let emptied: number[] = [];
      return [
        {
          name: "objects filed, sorted, looked up",
          elements: size,
          work: () => {
            found = fileAndSort(size);
          },
          check: () => expectEqual(found, size, "objects found"),
        },
        {
          name: "a heap of ids filled and emptied",
          elements: size,
          work: () => {
            emptied = heapSort(ids);
          },
          check: () => {
            const wrong = emptied.findIndex(
              (id, at) => at > 0 && compare(ids, emptied[at - 1]!, id) < 0,
            );
            expectEqual([emptied.length, wrong].join(), [size, -1].join(), "ids in order");
          },
        },
      ];
    },
  },
];

/** Makes and files objects under random keys, sorts them, and looks each up; returns how many were found. */
function fileAndSort(size: number): number {
  const random = seeded(1);
  const filed = new Map<string, Filed>();
  const all: Filed[] = [];
  for (let at = 0; at < size; at++) {
    const one = { key: keyFrom(random, at), pieces: Array.from({ length: PIECES }, pieceAt) };
    filed.set(one.key, one);
    all.push(one);
  }
  all.sort((a, b) => (a.key < b.key ? -1 : 1));
  return all.filter(({ key, pieces }) => filed.get(key)?.pieces[2] === pieces[2]).length;
}

/** Takes the places of all ids into a binary heap, and out again, the greatest first. */
function heapSort(ids: Uint8Array): number[] {
  const heap: number[] = [];
  for (let item = 0; item * ID_BYTES < ids.length; item++) {
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (compare(ids, heap[parent]!, item) >= 0) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = item;
  }
  const taken: number[] = [];
  while (heap.length > 0) {
    taken.push(heap[0]!);
    const last = heap.pop()!;
    if (heap.length > 0) sink(ids, heap, last);
  }
  return taken;
}

/** Puts an item where the greatest was. */
function sink(ids: Uint8Array, heap: number[], item: number): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && compare(ids, heap[child + 1]!, heap[child]!) > 0) child++;
    if (compare(ids, item, heap[child]!) >= 0) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = item;
}

function compare(ids: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const difference = ids[a * ID_BYTES + i]! - ids[b * ID_BYTES + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function pieceAt(_: unknown, at: number): Piece {
  return { at, bytes: new Uint8Array(ID_BYTES), links: [at] };
}

/** As long as an id; no two are the same. */
function keyFrom(random: () => number, at: number): string {
  const units = Array.from({ length: 4 }, () => Math.floor(random() * 65_536));
  return String.fromCharCode(...units) + String(at).padStart(12, "k");
}
