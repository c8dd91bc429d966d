/**
 * The liars of the simulator against a real relay, over real sockets: whatever one of them sends, everybody else in the
 * room goes on, and in the end all have one history, one view and the same fork proofs.
 */
import { Document, documentId, type Schema, toHex } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { person } from "../packages/bft-json-crdt/test/forge.ts";
import { edit } from "../packages/bft-json-crdt/test/random-edits.ts";
import { Clock } from "../packages/bft-json-crdt/test/simulator/clock.ts";
import { Liar } from "../packages/bft-json-crdt/test/simulator/liar.ts";
import { STRATEGIES } from "../packages/bft-json-crdt/test/simulator/liars/index.ts";
import { Network } from "../packages/bft-json-crdt/test/simulator/network.ts";
import { Random } from "../packages/bft-json-crdt/test/simulator/random.ts";
import { SCHEMA } from "../packages/bft-json-crdt/test/simulator/simulator.ts";
import { Universe } from "../packages/bft-json-crdt/test/simulator/universe.ts";
import { joined, Peer } from "../packages/crdt-relayer/test/participant.ts";
import { startRelay } from "../packages/crdt-relayer/test/running.ts";

const ROOM = "liars";
const DOCUMENT = documentId(ROOM);
/** Each liar lies so often; honest people write in between. */
const LIES = 4;

describe("a real relay and the people in its room agree in spite of", () => {
  it.each(Object.entries(STRATEGIES))("%s", async (name, strategy) => {
    const relay = await startRelay();
    const random = new Random(7).split(name);
    const people = await Promise.all([1, 2, 3].map((number) => honest(relay.url, number)));
    const { liar, clock, answered } = await lying(relay.url, people, random);
    for (let round = 0; round < LIES; round++) {
      for (const one of people) write(one, random);
      liar.tell(strategy, random.split(`lie ${round}`));
      // What it plans for later happens now.
      await clock.run(clock.now + 60_000);
    }
    await answered();
    await agreement(people);
    const late = await honest(relay.url, 4);
    await agreement([...people, late]);
    await Promise.all([...people, late].map((one) => one.client.leave()));
  });
});

type Person = Peer<Schema>;

async function honest(url: string, number: number): Promise<Person> {
  const document = new Document<Schema>({ schema: SCHEMA, id: DOCUMENT, keyPair: person(number) });
  return new Peer(await joined(url, { room: ROOM }), document);
}

function write(one: Person, random: Random): void {
  const { document } = one;
  one.push(document.change((root) => edit(document.schema, root, random)));
}

/** A liar that has joined the room, and a promise that the relay has handled, or refused to read, all that it sent. */
async function lying(
  url: string,
  people: readonly Person[],
  random: Random,
): Promise<{ liar: Liar; clock: Clock; answered: () => Promise<unknown> }> {
  const client = await joined(url, { room: ROOM });
  const clock = new Clock();
  const liar = new Liar({
    name: "mallory",
    keys: [person(66), person(67), person(68)],
    victims: people.map(({ document }) => document.author!),
    speaks: random.oneIn(2),
    sources: () =>
      people.map(({ document: { history } }) => ({ history, published: history.length })),
    scene: {
      clock,
      network: new Network(clock, random),
      universe: new Universe(),
      document: DOCUMENT,
      schema: SCHEMA,
      honest: new Set(["relay"]),
      report: ({ detail }) => {
        throw new Error(detail);
      },
      powerCycle: () => {
        throw new Error("a liar has no power");
      },
    },
    random,
  });
  const port = {
    peer: "relay",
    send: (frame: string | Uint8Array) => {
      client.send(frame);
      return true;
    },
  };
  let helped = (): void => undefined;
  const help = new Promise<void>((resolve) => (helped = resolve));
  client.socket.on("message", (data: Buffer, isBinary) => {
    const frame = isBinary ? new Uint8Array(data) : data.toString();
    if (typeof frame === "string" && frame.startsWith("commands:")) helped();
    else liar.received(port, frame);
  });
  liar.opened(port);
  return {
    liar,
    clock,
    answered: () => {
      client.send("/help");
      return Promise.race([help, client.closed]);
    },
  };
}

/** Waits until all have the same frontier; then the rest must be the same too. */
async function agreement(people: readonly Person[]): Promise<void> {
  const frontiers = (): string[] =>
    people.map(({ document }) => document.frontier().map(toHex).join());
  const areInStep = (): boolean => new Set(frontiers()).size === 1;
  const asking = setInterval(() => {
    for (const one of people) one.refresh();
  }, 100);
  try {
    // Looked at again whenever a wait is over: until the promise comes to us somebody may have received more.
    while (!areInStep()) await Promise.race(people.map((one) => one.until(areInStep)));
  } finally {
    clearInterval(asking);
  }
  const [first, ...others] = people.map(({ document }) => ({
    view: document.viewDigest(),
    // What a proof says; its bytes may hold the changes under other signatures.
    forks: document.history
      .forks()
      .map(({ author, chain, seq, ids }) => [author, chain, seq, ...ids].map(String).join(" "))
      .sort(),
  }));
  for (const other of others) expect(other).toEqual(first);
}
