/** A node that comes back to a relay, with what it has kept of it: real sockets, real stores, restarts. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { SyncSession } from "bft-json-crdt";
import { createRelay, type Relay } from "crdt-relayer";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Replica, type Tap, Village, write } from "../packages/crdt-node/test/peers.ts";

const village = new Village();
let relay: Relay;
let tap: Tap;
let count = 0;
/** The folder of the relay's store. */
let data = "";

/** Where each session of the relay went on. */
const recovered: number[] = [];

beforeEach(async () => {
  data = join(village.home, `relay-${count++}`);
  relay = await createRelay({ port: 0, data, pingSeconds: 1 });
  tap = await village.tap(relay.url);
  const recover = SyncSession.prototype.recover;
  vi.spyOn(SyncSession.prototype, "recover").mockImplementation(function (
    this: SyncSession,
    position: number,
  ) {
    recovered.push(position);
    recover.call(this, position);
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  recovered.length = 0;
  await village.clear();
  await relay.close();
});

afterAll(() => village.remove());

/** Stops the relay, and starts one with this data at its address. */
async function restart(folder = data): Promise<void> {
  const { port } = relay;
  await relay.close();
  relay = await createRelay({ port, data: folder });
}

/** A node that has all of the relay's changes, and has kept where that was. */
async function visitor(name: string, changes: number): Promise<Replica> {
  const replica = await village.open(name);
  replica.node.connect([tap.url]);
  await vi.waitFor(
    () => {
      expect(replica.node.durable).toBe(changes);
      expect(replica.node.cursors.get(tap.url)?.position).toBe(changes);
    },
    { timeout: 30_000 },
  );
  return replica;
}

/** A node that has written so many changes, which the relay has. */
async function author(name: string, changes: number): Promise<Replica> {
  const replica = await village.open(name);
  replica.node.connect([relay.url]);
  await append(replica, changes);
  return replica;
}

async function append(replica: Replica, changes: number): Promise<void> {
  const ids = await write(replica, changes);
  expect(await replica.node.delivered(Buffer.from(ids.at(-1)!, "hex"), 30_000)).toBe(true);
}

test("is sent just what it missed, also by a relay that was restarted, and sends what it wrote meanwhile", async () => {
  const alice = await author(`alice${count}`, 5);
  const bob = await visitor(`bob${count}`, 5);
  await village.close(bob);
  await append(alice, 3);
  await restart();
  const again = await village.open(bob.name);
  await write(again, 2);
  again.node.connect([tap.url]);
  await village.equal([alice, again], 10);
  expect(recovered).toContain(5);
  expect(tap.connections.at(-1)).toMatchObject({ down: { length: 3 }, up: { length: 2 } });
});

test("keeps where it was while changes come in, now and then", async () => {
  const alice = await author(`alice${count}`, 1);
  const bob = await visitor(`bob${count}`, 1);
  await append(alice, 3);
  await vi.waitFor(
    () => {
      expect(bob.node.cursors.get(tap.url)?.position).toBe(4);
    },
    { timeout: 30_000 },
  );
  await village.close(bob);
  const again = await village.open(bob.name);
  again.node.connect([tap.url]);
  await village.equal([alice, again], 4);
  await vi.waitFor(
    () => {
      expect(recovered).toContain(4);
    },
    { timeout: 30_000 },
  );
});

test("compares frontiers with a relay whose store was lost", async () => {
  const alice = await author(`alice${count}`, 5);
  const bob = await visitor(`bob${count}`, 5);
  await village.close(bob);
  await restart(`${data}-new`);
  await append(alice, 3);
  recovered.length = 0;
  const again = await village.open(bob.name);
  again.node.connect([tap.url]);
  await village.equal([alice, again], 8);
  expect(recovered).toEqual([]);
  expect(tap.connections.at(-1)).toMatchObject({ down: { length: 3 } });
});

test("brings back what a relay lost that was restored from an older backup", async () => {
  const alice = await author(`alice${count}`, 5);
  const { port } = relay;
  await relay.close();
  cpSync(data, `${data}-backup`, { recursive: true });
  relay = await createRelay({ port, data });
  await append(alice, 3);
  const bob = await visitor(`bob${count}`, 8);
  await village.close(bob);
  await village.close(alice);
  await restart(`${data}-backup`);
  recovered.length = 0;
  const again = await village.open(bob.name);
  again.node.connect([tap.url]);
  const carol = await village.open(`carol${count}`);
  carol.node.connect([relay.url]);
  await village.equal([again, carol], 8);
  expect(recovered).toEqual([]);
});
