import { documentId, toHex } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { Client, openLines, Participant, writeLine } from "./participant.ts";
import { startRelay } from "./running.ts";

describe("a relay", () => {
  it("passes a change on to everyone else in the room, byte for byte", async () => {
    const { url } = await startRelay();
    const [alice, bob, carol] = await Promise.all(
      ["a", "b", "c"].map(() => Participant.join(url, "main")),
    );
    const change = alice!.document.change((doc) => doc.lines.push("hello"));
    alice!.client.send(change.bytes);
    await Promise.all([bob!.untilLines(1), carol!.untilLines(1)]);
    expect(bob!.groups).toEqual([change.bytes]);
    expect(carol!.groups).toEqual([change.bytes]);
    expect(alice!.groups).toEqual([]);
  });

  it("acknowledges what it has stored", async () => {
    const { url } = await startRelay();
    const alice = await Participant.join(url, "main");
    await alice.untilDurable(alice.write("hello"));
  });

  it("brings participants who write at once to the same document", async () => {
    const { url } = await startRelay();
    const all = await Promise.all(Array.from({ length: 4 }, () => Participant.join(url, "main")));
    all.forEach((one, who) => {
      for (let line = 0; line < 50; line++) one.write(`${who}-${line}`);
    });
    await Promise.all(all.map((one) => one.untilLines(200)));
    const digests = new Set(all.map((one) => one.document.viewDigest()));
    expect(digests.size).toBe(1);
  });

  it("gives someone who comes late everything", async () => {
    const { url } = await startRelay();
    const alice = await Participant.join(url, "main");
    const ids = Array.from({ length: 1_500 }, (_, line) => alice.write(`line ${line}`));
    await alice.untilDurable(ids[ids.length - 1] ?? "");
    await alice.leave();
    const late = await Participant.join(url, "main");
    await late.untilLines(1_500);
    expect(late.document.viewDigest()).toBe(alice.document.viewDigest());
  });

  it("takes what someone wrote while away, and tells them that it is durable", async () => {
    const { url } = await startRelay();
    const away = openLines("main");
    for (let line = 0; line < 20; line++) writeLine(away, `line ${line}`);
    const alice = await Participant.join(url, "main", away);
    const bob = await Participant.join(url, "main");
    await bob.untilLines(20);
    const [head] = away.history.frontier();
    await alice.untilDurable(toHex(head!));
  });

  it("acknowledges again what it already had from someone who comes back", async () => {
    const { url } = await startRelay();
    const alice = await Participant.join(url, "main");
    const id = alice.write("hello");
    await alice.untilDurable(id);
    await alice.leave();
    const again = await Participant.join(url, "main", alice.document);
    await again.untilDurable(id);
  });

  it("keeps one copy of a change that comes twice, and acknowledges both", async () => {
    const relay = await startRelay();
    const document = openLines("main");
    const change = writeLine(document, "hello");
    for (let copy = 0; copy < 2; copy++) {
      const client = await joined(relay.url, "main");
      client.send(change);
      expect(await messageOf(client, "ack")).toEqual({
        type: "ack",
        ids: [toHex(document.history.idAt(0))],
      });
      await client.leave();
    }
    const bob = await Participant.join(relay.url, "main");
    await bob.untilLines(1);
    expect(relay.status().changes).toMatchObject({ applied: 1, duplicate: 1 });
  });

  it("asks for what is missing, and acknowledges the waiting change once it is applied", async () => {
    const relay = await startRelay();
    const document = openLines("main");
    const first = writeLine(document, "first");
    const second = writeLine(document, "second");
    const [firstId, secondId] = [0, 1].map((index) => toHex(document.history.idAt(index)));
    const client = await joined(relay.url, "main");
    client.send(second);
    expect(await messageOf(client, "want")).toEqual({ type: "want", ids: [firstId] });
    const other = await joined(relay.url, "main");
    other.send(first);
    expect(await messageOf(client, "ack")).toEqual({ type: "ack", ids: [secondId] });
    const bob = await Participant.join(relay.url, "main");
    await bob.untilLines(2);
  });

  it("keeps rooms apart, and knows a room by its name and by its document", async () => {
    const { url } = await startRelay();
    const byName = await Participant.join(url, "main");
    const byDocument = await Participant.joinBy(
      url,
      { document: toHex(documentId("main")) },
      openLines("main"),
    );
    const elsewhere = await Participant.join(url, "other");
    byName.write("hello");
    await byDocument.untilLines(1);
    elsewhere.write("apart");
    const late = await Participant.join(url, "other");
    await late.untilLines(1);
    expect(late.lines()).toEqual(["apart"]);
    expect(byDocument.lines()).toEqual(["hello"]);
  });

  it("refuses a change that was made for another room", async () => {
    const { url } = await startRelay();
    const client = await joined(url, "main");
    client.send(writeLine(openLines("other"), "lost"));
    expect(await messageOf(client, "error")).toMatchObject({ code: "wrong_document" });
  });

  it("refuses a change whose bytes were altered, and takes the true one from someone else", async () => {
    const { url } = await startRelay();
    const document = openLines("main");
    const change = writeLine(document, "hello");
    const client = await joined(url, "main");
    const altered = change.slice();
    altered[altered.length - 1]! ^= 1;
    client.send(altered);
    expect(await messageOf(client, "error")).toMatchObject({ code: "bad_signature" });
    const alice = await Participant.join(url, "main", document);
    const bob = await Participant.join(url, "main");
    await bob.untilLines(1);
    await alice.leave();
  });

  it("moves a session that joins again", async () => {
    const { url } = await startRelay();
    const client = await joined(url, "one");
    client.send(JSON.stringify({ type: "join", room: "two" }));
    expect(await messageOf(client, "joined")).toMatchObject({ room: "two" });
    const document = openLines("two");
    client.send(writeLine(document, "hello"));
    expect(await messageOf(client, "ack")).toMatchObject({
      ids: [toHex(document.history.idAt(0))],
    });
  });

  it("handles what is sent right behind the join, before the answer to it has come", async () => {
    const { url } = await startRelay();
    const document = openLines("main");
    const client = await Client.open(url);
    client.send(JSON.stringify({ type: "join", room: "main" }));
    for (let line = 0; line < 20; line++) client.send(writeLine(document, `line ${line}`));
    const bob = await Participant.join(url, "main");
    await bob.untilLines(20);
  });

  it("forgets a room in memory when it is empty long enough, and loads it again", async () => {
    const relay = await startRelay({ roomGraceSeconds: 0.01 });
    const alice = await Participant.join(relay.url, "main");
    await alice.untilDurable(alice.write("hello"));
    await alice.leave();
    while (relay.status().rooms > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const bob = await Participant.join(relay.url, "main");
    await bob.untilLines(1);
    await bob.untilDurable(bob.write("again"));
    const carol = await Participant.join(relay.url, "main");
    await carol.untilLines(2);
  });

  it("answers GET /healthz, and nothing else", async () => {
    const relay = await startRelay();
    const http = relay.url.replace("ws:", "http:").replace("/websocket", "");
    const health = await fetch(`${http}/healthz`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: "ok", rooms: 0, sessions: 0 });
    expect((await fetch(`${http}/healthz`, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${http}/`)).status).toBe(404);
    expect((await fetch(`${http}/websocket`)).status).toBe(426);
  });
});

async function joined(url: string, room: string): Promise<Client> {
  const client = await Client.open(url);
  client.send(JSON.stringify({ type: "join", room }));
  await messageOf(client, "joined");
  return client;
}

/** The next message of a type; others are passed over. */
async function messageOf(
  client: Client,
  type: string,
): Promise<{ readonly [key: string]: unknown }> {
  for (;;) {
    const frame = await client.next();
    if (typeof frame !== "string") continue;
    const message = JSON.parse(frame) as { readonly [key: string]: unknown };
    if (message["type"] === type) return message;
  }
}
