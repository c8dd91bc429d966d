/** The backplane of NATS JetStream, one server: what every backplane must do, and what is its own. */
import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { documentId } from "bft-json-crdt";
import { afterEach, describe, expect, it } from "vitest";
import { EXIT } from "../src/index.ts";
import { describeBackplane, expectSoon, freshRoom } from "./acceptance.ts";
import { asOutsider, countMessages, natsBackplane, STREAM } from "./nats-backplane.ts";
import { type Servers, type ServerOptions, startServers } from "./nats-servers.ts";
import { type Lines, Participant } from "./participant.ts";
import { runCommand, startCommand, startRelay } from "./running.ts";

describeBackplane("NATS", true, () => natsBackplane(1));

describe("a relay on NATS", () => {
  let running: Servers[] = [];
  afterEach(async () => {
    await Promise.all(running.map((servers) => servers.close()));
    running = [];
  });

  async function serversWith(options: ServerOptions = {}): Promise<Servers> {
    const servers = await startServers(1, options);
    running.push(servers);
    return servers;
  }

  function refusalOf(backplane: string, more: object = {}): Promise<unknown> {
    return startRelay({ backplane, ...more }).catch((error: unknown) => error);
  }

  it("refuses a server that is not there, and says how to come by one", async () => {
    const { url, close } = await serversWith();
    await close();
    expect(await refusalOf(url)).toMatchObject({
      exitCode: EXIT.failure,
      message: `cannot connect to the backplane ${url}`,
      next: expect.stringContaining("apt-get install nats-server") as string,
    });
  });

  it("refuses a server without JetStream", async () => {
    const { url } = await serversWith({ hasJetStream: false });
    expect(await refusalOf(url)).toMatchObject({
      exitCode: EXIT.refused,
      why: expect.stringContaining("without JetStream") as string,
    });
  });

  it("refuses a server that could not take the greatest group", async () => {
    const { url } = await serversWith({ lines: ["max_payload: 1000000"] });
    expect(await refusalOf(url)).toMatchObject({
      exitCode: EXIT.refused,
      message: `${url} takes messages of 1000000 bytes at most`,
      next: expect.stringContaining("max_payload") as string,
    });
  });

  it("refuses to count on more servers than there are", async () => {
    const { url } = await serversWith();
    expect(await refusalOf(url, { backplaneReplicas: 3 })).toMatchObject({
      exitCode: EXIT.refused,
      why: expect.stringContaining("3 replicas") as string,
    });
  });

  it("refuses a stream that forgets", async () => {
    const { url } = await serversWith();
    await asOutsider(url, async (connection) => {
      const { streams } = await jetstreamManager(connection);
      await streams.add({ name: STREAM, subjects: [`${STREAM}.*`], max_msgs: 10 });
    });
    expect(await refusalOf(url)).toMatchObject({
      exitCode: EXIT.refused,
      why: "it forgets old messages when it is full (discard: old)",
    });
  });

  it("logs in with user and password, and never shows the password", async () => {
    const lines = ["authorization { user: relay, password: 'p@ss/word' }"];
    const { url } = await serversWith({ lines });
    const [host = ""] = url.split("//").slice(1);
    const secret = `nats://relay:${encodeURIComponent("p@ss/word")}@${host}`;
    const relay = await startRelay({ backplane: secret });
    const alice = await Participant.join(relay.url, freshRoom());
    await alice.untilDurable(alice.write("hello"));
    await relay.close();

    const wrong = await runCommand([
      "--port",
      "0",
      "--backplane",
      secret.replace("p%40ss", "wrong"),
    ]);
    expect(wrong.code).toBe(EXIT.refused);
    expect(wrong.stderr).toContain("cannot connect to the backplane nats://127.0.0.1");
    expect(wrong.stderr).not.toContain("word");
    const mistyped = await runCommand(["--backplane", secret.replace("nats:", "http:")]);
    expect(mistyped.code).toBe(EXIT.usage);
    expect(mistyped.stderr).not.toContain("word");
  });

  it("speaks TLS, and only to a server whose certificate it can check", async () => {
    const pem = fileURLToPath(new URL("fixtures/localhost.pem", import.meta.url));
    const lines = [`tls { cert_file: ${JSON.stringify(pem)}, key_file: ${JSON.stringify(pem)} }`];
    const { url } = await serversWith({ lines });
    const backplane = url.replace("nats://", "tls://");
    const trusting = { NODE_EXTRA_CA_CERTS: pem };
    const relay = await startCommand(["--backplane", backplane], trusting);
    const alice = await Participant.join(relay.url, freshRoom());
    await alice.untilDurable(alice.write("hello"));
    const { code, stderr } = await runCommand(["--port", "0", "--backplane", backplane]);
    expect(code).toBe(EXIT.failure);
    expect(stderr).toContain(`cannot connect to the backplane ${backplane}`);
    expect(stderr).toContain("certificate");
  });

  it("publishes what waits together: a busy room costs fewer messages than changes", async () => {
    const { url } = await serversWith();
    const relay = await startRelay({ backplane: url });
    const room = freshRoom();
    const alice = await Participant.join(relay.url, room);
    let last = "";
    for (let line = 0; line < 500; line++) last = alice.write(`line ${line}`);
    await alice.untilDurable(last);
    expect(await countMessages(url, documentId(room))).toBeLessThan(400);
    await relay.close();
  });

  it("takes nothing more when the stream is full, and goes on when there is room", async () => {
    const { url } = await serversWith();
    const relay = await startRelay({ backplane: url, backplaneGraceSeconds: 600 });
    const limitTo = (max_bytes: number): Promise<void> =>
      asOutsider(url, async (connection) => {
        await (await jetstreamManager(connection)).streams.update(STREAM, { max_bytes });
      });
    await limitTo(1_000);
    const alice = await Participant.join(relay.url, freshRoom());
    const id = alice.write("x".repeat(2_000));
    await expectSoon(() => relay.status().ready, false);
    expect(relay.status().backplane.lost).toContain("maximum bytes");
    expect(alice.acknowledged.size).toBe(0);
    await limitTo(1_000_000);
    await alice.untilDurable(id);
    expect(relay.status().ready).toBe(true);
    await relay.close();
  });

  it("ends when the stream was deleted and made anew: what it acknowledged is not there", async () => {
    const { url, list } = await serversWith();
    const relay = await startRelay({ backplane: url });
    const alice = await Participant.join(relay.url, freshRoom());
    await alice.untilDurable(alice.write("hello"));
    await asOutsider(url, async (connection) => {
      const { streams } = await jetstreamManager(connection);
      const { config } = await streams.info(STREAM);
      await streams.delete(STREAM);
      await streams.add(config);
    });
    await list[0]!.stop();
    await list[0]!.start();
    const error = await relay.failed;
    expect(error.why).toContain("made anew");
    expect(await alice.client.closed).toMatchObject({ code: 4005 });
  });

  it("ends when the server has lost the end of the log and got something else; whoever has that end brings it to the next relay", async () => {
    const { url, list } = await serversWith();
    const server = list[0]!;
    const relay = await startRelay({ backplane: url, backplaneGraceSeconds: 600 });
    const room = freshRoom();
    const alice = await Participant.join(relay.url, room);
    const write = async (): Promise<void> => {
      for (let line = 0; line < 9; line++) alice.write(`line ${line}`);
      await alice.untilDurable(alice.write("last"));
    };
    await write();
    await server.stop();
    server.keepCopy();
    await server.start();
    await write();
    await server.stop("SIGKILL");
    server.goBack();
    await server.start();
    // Others write in its place: without them the relay would wait for a leader that still finds it.
    await asOutsider(url, async (connection) => {
      for (let count = 0; count < 40; count++) {
        await connection.request(`${STREAM}.another`, "junk", { timeout: 5_000 });
      }
    });
    alice.write("after");
    expect((await relay.failed).why).toMatch(/has lost messages, and got others since$/u);
    expect(await alice.client.closed).toMatchObject({ code: 4005 });
    const next = await startRelay({ backplane: url });
    const again = await Participant.join(next.url, room, alice.document);
    await again.until(() => again.acknowledged.size === 21);
    const bob = await Participant.join(next.url, room);
    await bob.untilLines(21);
    await next.close();
  });

  it("acknowledges nothing on a log that has lost its end, and puts nothing behind the gap", async () => {
    const { url, list } = await serversWith();
    const server = list[0]!;
    const room = freshRoom();
    const relay = await startRelay({ backplane: url, backplaneGraceSeconds: 600 });
    const alice = await Participant.join(relay.url, room);
    await alice.untilDurable(alice.write("kept"));
    await server.stop();
    server.keepCopy();
    await server.start();
    await alice.untilDurable(alice.write("lost"));
    server.freeze();
    const after = alice.write("after");
    await expectSoon(() => relay.status().changes.applied, 3);
    await server.stop("SIGKILL");
    server.goBack();
    await server.start();
    expect((await relay.failed).why).toMatch(/has lost its last messages$/u);
    expect(alice.acknowledged.has(after)).toBe(false);
    expect(await countMessages(url, documentId(room))).toBe(1);
  });

  it("ends though it has read nothing live when the end that it found was replaced", async () => {
    const { url, list } = await serversWith();
    const server = list[0]!;
    const room = freshRoom();
    const write = async (document?: Lines): Promise<Lines> => {
      const relay = await startRelay({ backplane: url });
      const writer = await Participant.join(relay.url, room, document);
      await writer.untilDurable(writer.write("line"));
      await relay.close();
      return writer.document;
    };
    const document = await write();
    await server.stop();
    server.keepCopy();
    await server.start();
    await write(document);
    const relay = await startRelay({ backplane: url, backplaneGraceSeconds: 600 });
    const alice = await Participant.join(relay.url, room);
    await alice.untilLines(2);
    await server.stop("SIGKILL");
    server.goBack();
    await server.start();
    await write();
    expect((await relay.failed).why).toMatch(/has lost messages, and got others since$/u);
    expect(await alice.client.closed).toMatchObject({ code: 4005 });
  });

  it("shows what is stored though a reader lost its consumer", async () => {
    const { url } = await serversWith();
    const [one, two] = await Promise.all([
      startRelay({ backplane: url }),
      startRelay({ backplane: url }),
    ]);
    const room = freshRoom();
    const alice = await Participant.join(one.url, room);
    const bob = await Participant.join(two.url, room);
    await alice.untilDurable(alice.write("before"));
    await bob.untilLines(1);
    await asOutsider(url, async (connection) => {
      const { consumers } = await jetstreamManager(connection);
      for await (const { name } of consumers.list(STREAM)) await consumers.delete(STREAM, name);
    });
    await alice.untilDurable(alice.write("after"));
    await bob.untilLines(2);
    await Promise.all([one.close(), two.close()]);
  });
});
