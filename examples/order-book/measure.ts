/** How long a book takes that is full of strangers' executions of one old order. */
import { Document, documentId, generateKeyPair } from "bft-json-crdt";
import { orderBook, viewOf } from "./index.ts";

/** Milliseconds for one view of a book with `count` sell orders and an execution of each, and the changes in its history. */
export function measure(count: number): {
  readonly milliseconds: number;
  readonly changes: number;
} {
  const [owner, stranger] = [0, 1].map(() => {
    const id = documentId("order-book measure");
    return new Document({ schema: orderBook, id, keyPair: generateKeyPair() });
  }) as [Document<typeof orderBook>, Document<typeof orderBook>];
  const amount = BigInt(count);
  owner.receive(
    stranger.change(({ orders }) => orders.append({ side: "buy", price: 2n, amount })).bytes,
  );
  for (let i = 0; i < count; i++) {
    owner.change(({ orders }) => orders.append({ side: "sell", price: 1n, amount: 1n }));
  }
  stranger.merge(owner.save({ seal: false }));
  const [buy, ...sells] = stranger.root.orders.entries().map(({ id }) => id) as [
    string,
    ...string[],
  ];
  for (const sell of sells) {
    stranger.change(({ executions }) => executions.append({ buy, sell, price: 1n, amount: 1n }));
  }
  const start = performance.now();
  const { fills } = viewOf(stranger);
  if (fills.length !== count) throw new Error(`${fills.length} of ${count} executions filled`);
  return { milliseconds: performance.now() - start, changes: stranger.history.length };
}
