/**
 * A cluster whose network breaks: three servers in network namespaces, of which one is cut off and comes back. It changes
 * the network of the machine for as long as it runs and needs root, and so is run by a command of its own: `pnpm test:partition`.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { expectSoon, freshRoom, hasAll, pair } from "./acceptance.ts";
import { canPartition, Network } from "./namespaces.ts";
import { leaderOf } from "./nats-backplane.ts";
import { type Servers, startServers } from "./nats-servers.ts";
import { Participant } from "./participant.ts";
import { startRelay } from "./running.ts";

beforeAll(() => {
  if (!canPartition()) throw new Error("network namespaces need Linux, root and ip (iproute2)");
});

describe("relays on a cluster whose network breaks", () => {
  let servers: Servers | null = null;
  let network: Network | null = null;
  afterEach(async () => {
    await servers?.close();
    network?.close();
  });

  it("lose nothing acknowledged when the leader is cut off and comes back", async () => {
    network = new Network(3);
    servers = await startServers(3, { network });
    const settings = {
      backplane: servers.url,
      backplaneReplicas: 3,
      backplaneGraceSeconds: 600,
    };
    const [one, two] = await Promise.all([startRelay(settings), startRelay(settings)]);
    const room = freshRoom();
    const [alice, bob] = await pair(one.url, two.url, room);
    const write = async (when: string): Promise<void> => {
      let last = ["", ""];
      for (let line = 0; line < 50; line++)
        last = [alice.write(`alice ${when} ${line}`), bob.write(`bob ${when} ${line}`)];
      await Promise.all([alice.untilDurable(last[0]!), bob.untilDurable(last[1]!)]);
    };
    await write("before");
    const name = await leaderOf(servers.url);
    const index = servers.list.findIndex((server) => server.name === name);
    // In the midst of a load.
    const during = write("during");
    network.cut(index);
    await during;
    network.heal(index);
    // A reader may have been on the server that was cut off.
    for (const relay of [one, two]) await expectSoon(() => relay.status().ready, true);
    await write("after");
    await Promise.all([alice.untilLines(300), bob.untilLines(300)]);
    expect(alice.document.viewDigest()).toEqual(bob.document.viewDigest());
    await Promise.all([one.close(), two.close()]);

    const three = await startRelay(settings);
    const carol = await Participant.join(three.url, room);
    await carol.untilLines(300);
    expect(hasAll(carol, alice.acknowledged) && hasAll(carol, bob.acknowledged)).toBe(true);
    await three.close();
  });

  it("acknowledge nothing while no two servers see each other, and all of it when they do", async () => {
    network = new Network(3);
    servers = await startServers(3, { network });
    const settings = {
      backplane: servers.url,
      backplaneReplicas: 3,
      backplaneGraceSeconds: 600,
    };
    const relay = await startRelay(settings);
    const alice = await Participant.join(relay.url, freshRoom());
    await alice.untilDurable(alice.write("before"));
    for (const index of [0, 1]) network.cut(index);
    const id = alice.write("during");
    while (relay.status().ready) await new Promise((resolve) => setTimeout(resolve, 50));
    const isDurable = alice.acknowledged.has(id);
    for (const index of [0, 1]) network.heal(index);
    await alice.untilDurable(id);
    expect(isDurable).toBe(false);
    await relay.close();
  });
});
