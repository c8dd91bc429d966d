// docs/backplane.md does what it says, on servers of NATS: its commands bring up relays of which one shows what was written to
// the other, and under its authorization a relay can do all that it does, and who has no password nothing.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asOutsider } from "../packages/crdt-relayer/test/nats-backplane.ts";
import { Participant } from "../packages/crdt-relayer/test/participant.ts";
import { blockOf } from "./page-blocks.ts";
import { Desk, type Terminal } from "./terminal.ts";

const PAGE = "docs/backplane.md";
const commands = blockOf(PAGE, "apt-get install nats-server ").text;
const authorization = blockOf(PAGE, "authorization {").text;

let desk: Desk;

beforeEach(() => {
  // The server that is installed, on a free port of the loopback.
  const path = `PATH="$(printf %s "$PATH" | cut -d: -f2-)"`;
  desk = new Desk({ "nats-server": `${path} exec nats-server --addr 127.0.0.1 --port -1 "$@"` });
});
afterEach(async () => {
  await desk.close();
});

test("its commands start a server and two relays; each shows what was written to the other", async () => {
  const [install = "", server = "", ...relays] = commands.split(/(?<=\n)/u);
  expect(install).toMatch(/^apt-get install nats-server +# 2\.9 or newer\b.*\n$/u);
  expect(server).toContain(" /var/lib/nats ");
  const terminal = desk.terminal();
  terminal.type(server.replace("/var/lib/nats", join(desk.home, "nats")));
  const address = await ready(terminal);
  expect(relays).toHaveLength(2);
  const urls: string[] = [];
  for (const [index, relay] of relays.entries()) {
    expect(relay).toMatch(/ nats:\/\/127\.0\.0\.1:4222 --port 808\d &\n$/u);
    terminal.type(relay.replace("127.0.0.1:4222", address).replace(/--port \d+/u, "--port 0"));
    urls.push(await terminal.listening(index));
  }
  expect(new Set(urls).size).toBe(2);
  const [alice, bob] = await Promise.all(urls.map((url) => Participant.join(url, "main")));
  await alice!.untilDurable(alice!.write("to the one"));
  await bob!.untilLines(1);
  await bob!.untilDurable(bob!.write("to the other"));
  await alice!.untilLines(2);
  expect(alice!.lines()).toEqual(bob!.lines());
  await Promise.all([alice!.leave(), bob!.leave()]);
});

test("under its authorization a relay makes the stream, writes and loads rooms; nobody else comes in", async () => {
  const data = join(desk.home, "jetstream");
  mkdirSync(data);
  const config = `jetstream { store_dir: ${JSON.stringify(data)} }\n${authorization}`;
  writeFileSync(join(desk.home, "nats.conf"), config);
  const server = desk.terminal({ PASSWORD: "opensesame" });
  server.type("nats-server -c nats.conf\n");
  const address = await ready(server);
  await expect(asOutsider(`nats://${address}`, async () => undefined)).rejects.toThrow(
    /authorization/iu,
  );

  const command = `crdt-relayer --backplane nats://relay:opensesame@${address} --port 0\n`;
  const [first, second] = [desk.terminal(), desk.terminal()];
  first.type(command);
  const alice = await Participant.join(await first.listening(), "main");
  await alice.untilDurable(alice.write("before the other is there"));
  second.type(command);
  const bob = await Participant.join(await second.listening(), "main");
  await bob.untilLines(1);
  await bob.untilDurable(bob.write("back"));
  await alice.untilLines(2);
  await Promise.all([alice.leave(), bob.leave()]);
  // What the server refuses it says, and the relays would only be slow without some of it.
  await Promise.all([first.end(), second.end()]);
  expect(server.printed).toContain("Server is ready");
  expect(server.printed).not.toMatch(/violation.*(?:relay|publish|subscri)/iu);
});

/** The address on which a server that was typed into a terminal takes connections, when it does. */
async function ready(terminal: Terminal): Promise<string> {
  await terminal.until(/Server is ready/u);
  const [, address = ""] = await terminal.until(/client connections on (127\.0\.0\.1:\d+)$/mu);
  return address;
}
