/**
 * Honest authors who could be taken for equivocators: two tabs of one key, and a machine that has lost what it sent. Each
 * instance has a chain of its own, so that no number of one chain is ever signed twice.
 */
import { generateKeyPair, toHex } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { openLines, Participant } from "./participant.ts";
import { startRelay } from "./running.ts";

describe("two tabs of one author", () => {
  it("are two chains: both write at once, nobody is exposed, and all see everything", async () => {
    const { url } = await startRelay();
    const keyPair = generateKeyPair();
    const [one, two, bob] = await Promise.all([
      Participant.join(url, "main", openLines("main", keyPair)),
      Participant.join(url, "main", openLines("main", keyPair)),
      Participant.join(url, "main"),
    ]);
    for (let round = 0; round < 5; round++) {
      one.write(`one ${round}`);
      two.write(`two ${round}`);
    }
    await Promise.all([one, two, bob].map((each) => each.untilLines(10)));
    for (const { document } of [one, two, bob]) {
      expect(document.history.forks()).toEqual([]);
      expect(document.viewDigest()).toBe(bob.document.viewDigest());
    }
    const chains = bob.document.history.tips().map(({ author, chain }) => [toHex(author), chain]);
    expect(new Set(chains.map(([author]) => author))).toEqual(new Set([toHex(keyPair.publicKey)]));
    expect(new Set(chains.map(([, chain]) => chain)).size).toBe(2);
  });
});

describe("an author whose machine has lost the changes that it sent", () => {
  it("gets them back from the relay under a new chain, and is no equivocator", async () => {
    const { url } = await startRelay();
    const keyPair = generateKeyPair();
    const bob = await Participant.join(url, "main");
    const before = await Participant.join(url, "main", openLines("main", keyPair));
    await before.untilDurable(before.write("sent"));
    // The power goes before anything was synced: nothing is left but the key.
    before.client.socket.terminate();
    const after = await Participant.join(url, "main", openLines("main", keyPair));
    await after.untilDurable(after.write("after the loss"));
    await Promise.all([after.untilLines(2), bob.untilLines(2)]);
    expect(after.lines()).toEqual(["after the loss", "sent"]);
    for (const { document } of [after, bob]) {
      expect(document.history.forks()).toEqual([]);
      expect(document.history.tips().map(({ seq }) => seq)).toEqual([1, 1]);
    }
  });
});
