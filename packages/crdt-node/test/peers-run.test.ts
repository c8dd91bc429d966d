/** The walk-through of the README as processes: two terminals, no relay, and what the other commands say meanwhile. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Place, type Program } from "./processes.ts";

const place = new Place();
afterAll(() => place.clear());

async function init(...names: readonly string[]): Promise<void> {
  for (const name of names) expect((await place.run(["init", name])).code).toBe(0);
}

/** A node that listens on a free port, and where. */
async function listening(name: string, ...options: readonly string[]): Promise<[Program, string]> {
  const program = place.start(["run", name, "--listen", "0", ...options]);
  const line = await program.errorLine(/^listening /u);
  return [program, line.replace("listening ", "")];
}

describe("two terminals without a relay", () => {
  test("show what is typed in either, who is connected, and deliver what is sent from a third", async () => {
    await init("alice", "bob", "carol");
    const [alice, url] = await listening("alice");
    const bob = place.start(["run", "bob", "--peer", url.replace("/websocket", "")]);
    await bob.errorLine(/^connected to ws:/u);
    await alice.errorLine(/^1 peer connected to this node$/u);
    alice.type("alice -> bob 10 lunch\n");
    await bob.line(/ alice -> bob 10 lunch$/u);
    bob.type("bob -> alice 2.5 change\n");
    await alice.line(/ bob -> alice 2.5 change$/u);
    const digests = await Promise.all(
      [alice, bob].map((node) => node.line(/^digest [0-9a-f]{12} {2}2 transactions$/u)),
    );
    expect(digests[0]).toBe(digests[1]);

    const sent = await place.run(["send", "carol", "carol -> all 1", "--peer", url]);
    expect([sent.code, sent.stderr]).toEqual([
      0,
      "1 transaction stored, and acknowledged by a peer\n",
    ]);
    await bob.line(/ carol -> all 1$/u);

    const server = (await place.run(["status", "alice"])).stdout;
    expect(server).toMatch(/^relays {3}none$/mu);
    expect(server).toContain(`listens  ${url}`);
    expect(server).toMatch(/^peers {4}synced {2}from 127\.0\.0\.1:\d+$/mu);
    const client = (await place.run(["status", "bob"])).stdout;
    expect(client).toContain(`peers    synced  ${url}`);
    expect(client).not.toContain("listens");
    expect(JSON.parse((await place.run(["status", "bob", "--json"])).stdout)).toMatchObject({
      running: true,
      relays: [],
      peers: [{ url, state: "synced", reason: null }],
      listening: null,
      guests: [],
      unacknowledged: 0,
    });

    expect((await alice.end()).code).toBe(0);
    await bob.errorLine(/^offline from .*: nothing listens there; trying again$/u);
    expect((await bob.end()).code).toBe(0);
    const later = await place.run([
      "send",
      "bob",
      "bob -> all 1",
      "--peer",
      url,
      "--timeout",
      "0.2",
    ]);
    expect(later.code).toBe(3);
    expect(later.stderr).toContain("no peer acknowledged the transaction within 0.2 s");
    expect(later.stderr).toContain(`${url}: nothing listens there`);
  });

  test("as JSON say who listens, who is connected, and to whom", async () => {
    await init("json-a", "json-b");
    const [server, url] = await listening("json-a", "--json");
    const client = place.start(["run", "json-b", "--peer", url, "--json"]);
    await client.line(/"type":"peer"/u);
    await server.line(/"type":"guests"/u);
    const events = [...server.lines, ...client.lines].map((line) => JSON.parse(line) as object);
    expect(events).toContainEqual({ type: "listening", url });
    expect(events).toContainEqual({ type: "guests", count: 1 });
    expect(events).toContainEqual({ type: "peer", url, state: "connected", reason: null });
  });
});

test("a node that runs names its own relays and peers only; with --no-relay it has none", async () => {
  await init("dora");
  const config = join(place.home, "dora", "config.toml");
  writeFileSync(config, 'relays = ["ws://127.0.0.1:9"]\npeers = ["ws://127.0.0.1:9"]\n');
  const offline = JSON.parse((await place.run(["status", "dora", "--json"])).stdout) as object;
  expect(offline).toMatchObject({
    running: false,
    relays: [{ url: "ws://127.0.0.1:9/websocket", state: "offline" }],
    peers: [{ url: "ws://127.0.0.1:9/websocket", state: "offline" }],
    listening: null,
  });
  const [dora] = await listening("dora", "--no-relay");
  const sent = await place.run([
    "send",
    "dora",
    "a -> b 1",
    "--peer",
    "ws://127.0.0.1:9",
    "--timeout",
    "0",
  ]);
  expect(sent.stderr).toContain('"dora" is running; its own peers are used, --peer is not');
  expect(JSON.parse((await place.run(["status", "dora", "--json"])).stdout)).toMatchObject({
    running: true,
    relays: [],
    peers: [{ url: "ws://127.0.0.1:9/websocket" }],
  });
  await dora.end();
});

test("a port that is in use ends the command, and lets go of the store", async () => {
  await init("first", "second");
  const [first, url] = await listening("first");
  const { port } = new URL(url);
  const { code, stderr } = await place.run(["run", "second", "--listen", port]);
  expect(code).toBe(2);
  expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}`);
  expect(stderr).not.toContain("is running");
  expect((await place.run(["view", "second"])).code).toBe(0);
  await first.end();
});
