/** How a relay stops when many are connected: the command as a process of its own. */
import { once } from "node:events";
import { type ClientRequest, request } from "node:http";
import { describe, expect, it } from "vitest";
import { CLOSE } from "../src/index.ts";
import { Client, Participant } from "./participant.ts";
import { type RelayProcess, startCommand, temporaryFolder } from "./running.ts";

const MANY = 150;

async function connected(relay: RelayProcess, count: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, () => Client.open(relay.url)));
}

/** Asks over a connection of its own; the status of the answer. */
async function statusOf(
  url: string,
  headers: { readonly [name: string]: string },
): Promise<number> {
  const asked: ClientRequest = request(url, { headers, agent: false });
  asked.end();
  const [answer] = (await once(asked, "response")) as [{ statusCode: number; resume(): void }];
  answer.resume();
  return answer.statusCode;
}

const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

describe("crdt-relayer on SIGTERM", () => {
  it("sends many away over time, each with a delay of its own, lets nobody in meanwhile, and loses nothing", async () => {
    const data = temporaryFolder();
    const relay = await startCommand([
      "--data",
      data,
      "--log-level",
      "silent",
      "--drain-seconds",
      "1",
    ]);
    const writer = await Participant.join(relay.url, "main");
    const clients = await connected(relay, MANY);
    // Someone who does not answer: until that one is cut, the relay is still there to be asked.
    const [silent] = await connected(relay, 1);
    silent!.socket.pause();
    const id = writer.write("the last word");
    await writer.untilDurable(id);
    relay.process.kill("SIGTERM");
    // The first have been told: the others have not.
    const first = await Promise.race([writer.client, ...clients].map(({ closed }) => closed));
    expect(first.code).toBe(CLOSE.stopping.code);
    const http = relay.url.replace("ws:", "http:");
    expect(await statusOf(http, UPGRADE)).toBe(503);
    expect(await statusOf(http.replace("/websocket", "/healthz"), {})).toBe(503);
    const endings = await Promise.all(clients.map(({ closed }) => closed));
    const delays = endings.map(({ code, reason }) => {
      expect(code).toBe(CLOSE.stopping.code);
      const ms = /^the relay is stopping; retry in (\d+) ms$/u.exec(reason)?.[1];
      expect(ms, reason).toBeDefined();
      return Number(ms);
    });
    expect(new Set(delays).size).toBeGreaterThan(MANY / 2);
    expect(await relay.outcome).toMatchObject({ code: 0, stderr: "" });

    const again = await startCommand(["--data", data, "--log-level", "silent"]);
    const late = await Participant.join(again.url, "main");
    await late.untilLines(1);
    expect(late.lines()).toEqual(["the last word"]);
  });

  it("ends at once when a second signal comes", async () => {
    const relay = await startCommand(["--data", ":memory:", "--log-level", "silent"]);
    const [client, silent] = await connected(relay, 2);
    // The relay waits for the answer of one who does not answer.
    silent!.socket.pause();
    relay.process.kill("SIGTERM");
    expect((await client!.closed).code).toBe(CLOSE.stopping.code);
    relay.process.kill("SIGTERM");
    expect(await relay.outcome).toMatchObject({ code: 130 });
  });
});
