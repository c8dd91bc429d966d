import { Document, documentId, generateKeyPair } from "bft-json-crdt";
import { expect, test } from "vitest";
import { Feed } from "./feed.ts";
import { ledger, pushTransaction } from "./ledger.ts";

test("an event that is the whole view is told as a view in pieces, not as a change", async () => {
  const keyPair = generateKeyPair();
  const document = new Document({ schema: ledger, id: documentId("feed"), keyPair });
  pushTransaction(document, { from: "alice", to: "bob", amount: 1 });
  const feed = new Feed(document);
  const watching = new AbortController();
  const events = feed.subscribe(false, watching.signal);
  expect((await events.next()).value).toEqual({ event: "subscribed", length: 1 });
  // So much that the library tells it as one patch.
  document.batch((change) => {
    for (let i = 0; i < 20; i++)
      change((doc) => doc.transactions.at(0).from.set(String(i % 10).repeat(1_000_000)));
    change((doc) => doc.transactions.at(0).from.set("carol"));
  });
  feed.release(document.history.length);
  expect((await events.next()).value).toEqual({ event: "lagged" });
  let text = "";
  for (let isLast = false; !isLast;) {
    const { value } = await events.next();
    if (value?.event !== "view") throw new Error(`a view should come, not ${value?.event}`);
    expect(value.length).toBe(22);
    text += value.text;
    isLast = value.last;
  }
  expect(text).toBe(document.viewJson());
  // What comes next is told as a change again.
  pushTransaction(document, { from: "bob", to: "alice", amount: 2 });
  feed.release(document.history.length);
  expect((await events.next()).value).toMatchObject({ event: "changes", length: 23 });
  watching.abort();
});
