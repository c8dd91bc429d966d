/** The backplane of NATS JetStream, three servers that replicate: what every backplane must do, and lost servers. */
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import {
  type BackplaneUnderTest,
  describeBackplane,
  freshRoom,
  hasAll,
  joinOnceItCan,
  once,
  pair,
} from "./acceptance.ts";
import { leaderOf, natsBackplane } from "./nats-backplane.ts";
import type { Servers } from "./nats-servers.ts";
import { startRelay } from "./running.ts";

describeBackplane("NATS cluster", true, () => natsBackplane(3));

describe("relays on a cluster", () => {
  let backplane: BackplaneUnderTest & { readonly servers: Servers };
  const begun = once(() => natsBackplane(3));
  beforeEach(async () => {
    backplane = await begun.value();
  });
  afterAll(() => begun.close());

  const leader = async (former?: string, stream?: string): Promise<Servers["list"][number]> => {
    const running = backplane.servers.list.filter(({ name }) => name !== former);
    const name = await leaderOf(running.map(({ url }) => url).join(","), former, stream);
    const found = backplane.servers.list.find((server) => server.name === name);
    if (found === undefined) throw new Error(`no server is called ${name}`);
    return found;
  };

  it("lose nothing acknowledged when the leader of the stream is killed under load", async () => {
    const room = freshRoom();
    const settings = { ...backplane.settings, backplaneGraceSeconds: 600 };
    const [one, two] = await Promise.all([startRelay(settings), startRelay(settings)]);
    const [alice, bob] = await pair(one.url, two.url, room);
    for (let line = 0; line < 100; line++) {
      alice.write(`alice ${line}`);
      bob.write(`bob ${line}`);
    }
    await alice.until(() => alice.acknowledged.size > 0);
    const killed = await leader();
    await killed.stop("SIGKILL");
    const last = [alice.write("alice after"), bob.write("bob after")] as const;
    await Promise.all([alice.untilDurable(last[0]), bob.untilDurable(last[1])]);
    await Promise.all([alice.untilLines(202), bob.untilLines(202)]);
    await killed.start();
    await Promise.all([one.close(), two.close()]);

    const three = await startRelay(settings);
    const carol = await joinOnceItCan(three.url, room);
    await carol.untilLines(202);
    expect(hasAll(carol, alice.acknowledged) && hasAll(carol, bob.acknowledged)).toBe(true);
    expect(carol.document.viewDigest()).toEqual(alice.document.viewDigest());
    await three.close();
  });

  it("go on without a server that does not answer, and without two they acknowledge nothing", async () => {
    const room = freshRoom();
    const settings = { ...backplane.settings, backplaneGraceSeconds: 600 };
    const relay = await startRelay(settings);
    const alice = await joinOnceItCan(relay.url, room);
    await alice.untilDurable(alice.write("all three"));
    const first = await leader();
    first.freeze();
    await alice.untilDurable(alice.write("two of three"));
    const second = await leader(first.name);
    second.freeze();
    const id = alice.write("one of three");
    // Readiness is what tells, since no acknowledgement can.
    while (relay.status().ready) await new Promise((resolve) => setTimeout(resolve, 50));
    const isDurable = alice.acknowledged.has(id);
    first.thaw();
    second.thaw();
    await alice.untilDurable(id);
    expect(isDurable).toBe(false);
    // The relay is without a leader until the servers have chosen one, though they have stored what was sent again.
    const bob = await joinOnceItCan(relay.url, room);
    await bob.untilLines(3);
    await relay.close();
  });

  it("acknowledge nothing behind a gap, though their own connection is to a server that was never killed", async () => {
    const { list, url } = backplane.servers;
    const room = freshRoom();
    const backplaneStream = "one-server";
    const first = await startRelay({ backplane: url, backplaneStream });
    await first.close();
    const holder = await leader(undefined, backplaneStream);
    const other = list.find((server) => server !== holder)!;
    const settings = { backplane: other.url, backplaneStream, backplaneGraceSeconds: 600 };
    const relay = await startRelay(settings);
    const alice = await joinOnceItCan(relay.url, room);
    await alice.untilDurable(alice.write("kept"));
    await holder.stop();
    holder.keepCopy();
    await holder.start();
    await alice.untilDurable(alice.write("lost"));
    await holder.stop("SIGKILL");
    holder.goBack();
    await holder.start();
    const ids = ["after", "later"].map((line) => alice.write(line));
    expect((await relay.failed).why).toMatch(/has lost messages, and got others since$/u);
    expect(ids.filter((id) => alice.acknowledged.has(id))).toEqual([]);
    const next = await startRelay(settings);
    const again = await joinOnceItCan(next.url, room, alice.document);
    await again.until(() => again.acknowledged.size === 4);
    const bob = await joinOnceItCan(next.url, room);
    await bob.untilLines(4);
    await next.close();
  });
});
