/** What tests start reaches no relay but those that the tests name: on the default port may be that of whoever runs them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { crdtNode, useHome } from "./in-process.ts";
import { NOWHERE, Place } from "./processes.ts";

const NAMED = "ws://127.0.0.1:1/websocket";
const place = new Place();
const told = new Place({ SIDE_RELAY: NAMED });

beforeAll(async () => {
  useHome(place.home);
  await crdtNode(["init", "plain"]);
  await crdtNode(["init", "named", "--relay", NAMED]);
  await crdtNode(["init", "peers"]);
  writeFileSync(join(place.home, "peers", "config.toml"), 'peers = ["ws://127.0.0.1:1"]\n');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([place.clear(), told.clear()]);
});

function relaysIn(status: string): string[] {
  const { relays } = JSON.parse(status) as { readonly relays: readonly { readonly url: string }[] };
  return relays.map(({ url }) => url);
}

test.each([
  ["plain", [NOWHERE]],
  ["named", [NAMED]],
  ["peers", []],
])(
  "the relays of a node (%s) are what its config file says, else none that listens",
  async (name, relays) => {
    const args = ["status", name, "--json"];
    expect(relaysIn((await place.run(args)).stdout)).toEqual(relays);
    expect(relaysIn((await crdtNode(args)).stdout)).toEqual(relays);
  },
);

test("a variable that a test sets wins", async () => {
  const args = ["status", "plain", "--json"];
  expect(relaysIn((await place.run(args, "", { SIDE_RELAY: NAMED })).stdout)).toEqual([NAMED]);
  expect(relaysIn((await told.run(args, "", { SIDE_HOME: place.home })).stdout)).toEqual([NAMED]);
  expect(relaysIn((await place.run(args, "", { SIDE_PEER: NAMED })).stdout)).toEqual([]);
});

test("so does an option, and a command leaves the variables as they were", async () => {
  const before = process.env["SIDE_RELAY"];
  const send = (...options: string[]): ReturnType<typeof crdtNode> =>
    crdtNode(["send", "plain", "a -> b 1", "--timeout", "0.2", ...options]);
  expect((await send()).stderr).toContain(new URL(NOWHERE).host);
  const { stderr } = await send("--relay", NAMED);
  expect(stderr).toContain(new URL(NAMED).host);
  expect(stderr).not.toContain(new URL(NOWHERE).host);
  expect(process.env["SIDE_RELAY"]).toBe(before);
});
