/**
 * What n log n costs on this machine at each size: small objects made, filed under their keys, sorted and looked up, with
 * nothing of the library in between.
 *
 * In millions of small objects memory is slower than in thousands: the caches and the tables of its pages cover a smaller
 * part of it, and the collector walks through all of it. That is no algorithm's fault, so a row of the table may grow as much
 * as this does.
 */
import { expectEqual } from "../measure.ts";
import { seeded } from "../random.ts";
import type { Case } from "./case.ts";

/**
 * Pieces of each object, which comes to some three kilobytes: as much as a change of the heaviest cases weighs, its input and
 * what replicas make of it together (a process that holds 10^6 of them takes 3.4 GB).
 */
const PIECES = 10;

interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly links: readonly number[];
}

interface Filed {
  readonly key: string;
  readonly pieces: readonly Piece[];
}

/** One case, with one phase. */
export const cases: Case[] = [
  {
    name: "n objects filed and sorted, without the library",
    prepare(size) {
      let found = 0;
      return [
        {
          name: "file, sort, look up",
          elements: size,
          work: () => {
            found = fileAndSort(size);
          },
          check: () => expectEqual(found, size, "objects found"),
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

function pieceAt(_: unknown, at: number): Piece {
  return { at, bytes: new Uint8Array(32), links: [at] };
}

/** As long as an id; no two are the same. */
function keyFrom(random: () => number, at: number): string {
  const units = Array.from({ length: 4 }, () => Math.floor(random() * 65_536));
  return String.fromCharCode(...units) + String(at).padStart(12, "k");
}
