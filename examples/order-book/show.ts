/** What people see of a book: levels, fills, and a digest by which replicas compare. */
import { canonicalJson, sha256, toHex } from "bft-json-crdt";
import type { Value } from "bft-json-crdt";
import { paint, table } from "example-kit";
import { isConfirmed } from "./book.ts";
import type { Book, Fill, PriceLevel } from "./book.ts";

/** Names of keys, for people. */
export type Names = ReadonlyMap<string, string>;

/** SHA-256, in hex, of the canonical JSON of all that a book says. */
export function digestOf(book: Book): string {
  const json = canonicalJson({ ...book, orders: [...book.orders.values()] } as unknown as Value);
  return toHex(sha256(new TextEncoder().encode(json)));
}

/** The asks above the bids, each from the highest price down. */
export function levelLines({ bids, asks }: Book): string[] {
  const row = (label: string) => (level: PriceLevel) => [
    label,
    String(level.price),
    String(level.amount),
    String(level.orders.length),
  ];
  const rows = [
    ...[...asks].reverse().map(row(paint("red", "ask"))),
    ...bids.map(row(paint("green", "bid"))),
  ];
  return table(["", "price", "units", "orders"], rows);
}

/** One line for each fill. */
export function fillLines(book: Book, names: Names): string[] {
  const owner = (order: string): string => names.get(book.orders.get(order)!.owner)!;
  const state = (fill: Fill): string => {
    if (isConfirmed(fill)) return paint("green", "by both");
    if (fill.buyerConfirmed + fill.sellerConfirmed > 0n) return paint("yellow", "by one");
    return "no";
  };
  const rows = book.fills.map((fill) => [
    owner(fill.buy),
    owner(fill.sell),
    String(fill.price),
    String(fill.asked),
    String(fill.amount),
    names.get(fill.executor)!,
    state(fill),
  ]);
  return table(["buyer", "seller", "price", "asked", "filled", "matcher", "confirmed"], rows);
}
