/**
 * Groups that share a relay and no more: the same room name in two of them, a stranger among them, an author whom one
 * relay does not let in, and a relay that shows one side only. A room is a document id; names are aliases.
 */
import {
  Document,
  documentId,
  generateKeyPair,
  genesisDocumentId,
  list,
  string,
  struct,
  toHex,
} from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { CLOSE } from "../src/index.ts";
import { Client, type Lines, openLines, Participant } from "./participant.ts";
import { startRelay } from "./running.ts";

const schema = struct({ lines: list(string()) });

/** A document that a group has founded for itself, whatever it is called. */
function founded(nonce: number): Uint8Array {
  return genesisDocumentId({
    name: "main",
    nonce: new Uint8Array(16).fill(nonce),
    founders: [],
    parameters: {},
  });
}

function linesOf(id: Uint8Array): Lines {
  return new Document({ schema, id, keyPair: generateKeyPair() });
}

function joinById(url: string, id: Uint8Array): Promise<Participant> {
  return Participant.joinBy(url, { document: toHex(id) }, linesOf(id));
}

describe("two unrelated groups that call their room the same", () => {
  it("have two documents on one relay: neither sees, disturbs or can replay what the other writes", async () => {
    const { url } = await startRelay();
    const [red, blue] = [founded(1), founded(2)];
    const [ann, abe, bea, ben] = await Promise.all([
      joinById(url, red),
      joinById(url, red),
      joinById(url, blue),
      joinById(url, blue),
    ]);
    const lost = ann.write("red");
    bea.write("blue");
    await Promise.all([abe.untilLines(1), ben.untilLines(1), ann.untilDurable(lost)]);
    expect([abe.lines(), ben.lines()]).toEqual([["red"], ["blue"]]);
    // What one group signed, replayed into the other's room, is of another document.
    const replayer = await Client.open(url);
    replayer.send(JSON.stringify({ type: "join", document: toHex(blue) }));
    for (let type: unknown = ""; type !== "done";) {
      if (type === "have") replayer.send('{"type":"have","heads":[]}');
      const frame = await replayer.next();
      type = typeof frame === "string" ? (JSON.parse(frame) as { type: string }).type : "";
    }
    replayer.send(ann.document.history.groupOf(0));
    expect(await replayer.message()).toMatchObject({ type: "error", code: "wrong_document" });
    await ben.untilDurable(ben.write("still blue"));
    await bea.untilLines(2);
    const late = await joinById(url, blue);
    await late.untilLines(2);
    expect(late.lines()).toEqual(["blue", "still blue"]);
    expect(ann.lines()).toEqual(["red"]);
  });

  it("meet in the public square of that name if they go by the name alone, and nobody can squat it or shut them out", async () => {
    const { url } = await startRelay();
    const own = founded(3);
    const [inside, ann, bea] = await Promise.all([
      joinById(url, own),
      Participant.join(url, "main"),
      Participant.join(url, "main"),
    ]);
    ann.write("hello, square");
    inside.write("among us");
    await Promise.all([bea.untilLines(1), inside.until(() => inside.acknowledged.size === 1)]);
    expect(bea.lines()).toEqual(["hello, square"]);
    expect(inside.lines()).toEqual(["among us"]);
    // Whoever claims the name later with a document of their own finds the square as it is.
    const claim = await Client.open(url);
    const joined: unknown = JSON.parse(await claim.ask('{"type":"join","room":"main"}'));
    expect(joined).toMatchObject({ type: "joined", document: toHex(documentId("main")) });
    expect(toHex(own)).not.toBe(toHex(documentId("main")));
  });
});

describe("an author whom one relay refuses", () => {
  it("is delivered by another path: the relay that has no room for him stores his changes from whoever brings them", async () => {
    const [strict, open] = await Promise.all([startRelay({ maxRoomSessions: 2 }), startRelay()]);
    const document = openLines("main");
    const [bob, carol] = await Promise.all([
      Participant.join(strict.url, "main", document),
      Participant.join(strict.url, "main"),
    ]);
    const refused = await Client.open(strict.url);
    const answer: unknown = JSON.parse(await refused.ask('{"type":"join","room":"main"}'));
    expect(answer).toMatchObject({ type: "error", code: "room_full" });
    expect((await refused.closed).code).toBe(CLOSE.roomFull.code);

    const alice = await Participant.join(open.url, "main");
    const line = alice.write("by the other door");
    await alice.untilDurable(line);
    // Bob has one document and both relays: a second connection brings Alice's change into it.
    const bridge = await Participant.join(open.url, "main", document);
    await bridge.untilLines(1);
    // What he writes next builds on it; the strict relay takes both, and gives both to Carol.
    bob.write("and mine on top");
    await carol.untilLines(2);
    expect(carol.lines()).toEqual(["and mine on top", "by the other door"]);
    const { history } = carol.document;
    expect(toHex(history.authorAt(0))).toBe(toHex(alice.document.author!));
    expect(carol.document.frontier()).toEqual(bob.document.frontier());
  });
});

describe("an eclipse", () => {
  it("of a client by a relay that others have left ends with the first peer that has been elsewhere", async () => {
    const [stale, fresh] = await Promise.all([startRelay(), startRelay()]);
    const first = openLines("main");
    const opening = await Participant.join(stale.url, "main", first);
    await opening.untilDurable(opening.write("everywhere"));
    await opening.leave();
    const writer = await Participant.join(fresh.url, "main", first);
    await writer.untilDurable(writer.write("only at the other relay"));

    const victim = await Participant.join(stale.url, "main");
    await victim.untilLines(1);
    // It is in step with all that it can see, and what it writes is kept.
    await victim.untilDurable(victim.write("from the dark"));
    expect(victim.lines()).toEqual(["everywhere", "from the dark"]);

    await writer.leave();
    const visitor = await Participant.join(stale.url, "main", writer.document);
    await victim.untilLines(3);
    await visitor.untilLines(3);
    expect(victim.document.viewDigest()).toBe(visitor.document.viewDigest());
    expect(victim.document.frontier()).toEqual(visitor.document.frontier());
  });
});
