/** Nodes as processes at relays that do not take everything and do not let everybody in. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { crdtNode, statusOf, useHome } from "./in-process.ts";
import { Place, type Program } from "./processes.ts";

const place = new Place();
/** Where the relay with rules lives: its config file is the usual one of that home. */
const strict = new Place();
let open: Awaited<ReturnType<Place["relay"]>>;
let ruled: Awaited<ReturnType<Place["relay"]>>;

beforeAll(async () => {
  useHome(place.home);
  mkdirSync(join(strict.home, "relayer"));
  rule("[rooms.cafe]\nread-only = true\n");
  [open, ruled] = await Promise.all([place.relay(":memory:"), strict.relay(":memory:")]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([place.clear(), strict.clear()]);
});

function rule(rules: string): void {
  writeFileSync(join(strict.home, "relayer", "config.toml"), rules);
}

/** Makes a node and returns its key. */
async function init(
  name: string,
  room: string,
  relays: readonly { url: string }[],
): Promise<string> {
  const flags = relays.flatMap(({ url }) => ["--relay", url]);
  const { stdout } = await crdtNode(["init", name, "--room", room, ...flags]);
  return stdout.trimEnd().split("\n").at(-1) ?? "";
}

async function running(name: string): Promise<Program> {
  const program = place.start(["run", name]);
  await program.errorLine(/ is running in room /u);
  return program;
}

test("a node at a read-only relay says so once, keeps what it writes, and brings it elsewhere, and there when that changes", async () => {
  await init("anna", "cafe", [open, ruled]);
  await init("bert", "cafe", [open]);
  await init("carl", "cafe", [ruled]);
  const [anna, bert, carl] = await Promise.all(["anna", "bert", "carl"].map(running));
  const warning = `warning: ${ruled.url}: this room is read-only there; what you write stays here, and goes to your other relays and peers (room_read_only)`;
  await anna!.until("the warning", () => anna!.errorLines.includes(warning));
  for (let amount = 1; amount <= 3; amount++) anna!.type(`anna -> bert ${amount}\n`);
  await bert!.line(/anna -> bert 3$/u);
  await carl!.until("being in step", () =>
    carl!.errorLines.some((line) => line.startsWith("connected")),
  );
  expect(await statusOf("anna")).toMatchObject({
    changes: 3,
    unacknowledged: 0,
    relays: [
      { url: open.url, reason: null },
      { url: ruled.url, state: "synced", reason: expect.stringContaining("read-only") as string },
    ],
  });
  expect(await statusOf("carl")).toMatchObject({ changes: 0 });

  const sent = await place.run(["send", "carl", "carl -> anna 1", "--timeout", "1"]);
  expect([sent.code, sent.stderr]).toEqual([3, expect.stringContaining("is read-only there")]);
  rule("");
  ruled.program.child.kill("SIGHUP");
  await Promise.all([carl!.line(/anna -> bert 3$/u), anna!.line(/carl -> anna 1$/u)]);
  expect(anna!.errorLines.filter((line) => line.includes("read-only"))).toEqual([warning]);
  expect(ruled.program.errorLines).toEqual([]);
  await Promise.all([anna!, bert!, carl!].map((program) => program.end()));
});

test("a node shows its key to a relay that asks for it, and is told when that does not let it in", async () => {
  const names = ["dora", "emil", "fred"] as const;
  const keys = [];
  for (const name of names) keys.push(await init(name, "club", [ruled]));
  rule(`[rooms.club]\nreaders = ["${keys[0]}"]\nauthors = ["${keys[1]}"]\n`);
  ruled.program.child.kill("SIGHUP");
  const [dora, emil, fred] = await Promise.all(names.map(running));
  emil!.type("emil -> all 1\n");
  await dora!.line(/emil -> all 1$/u);
  await dora!.errorLine(/your key may not write into this room there/u);
  await fred!.errorLine(
    /^offline from .*: it does not let us in: your key may not come into this room/u,
  );
  fred!.type("fred -> nobody 1\n");
  await fred!.line(/fred -> nobody 1$/u);
  expect(await statusOf("fred")).toMatchObject({ changes: 1, unacknowledged: 1 });
  expect(await statusOf("dora")).toMatchObject({ changes: 1 });
  expect(emil!.errorLines.filter((line) => line.includes("warning"))).toEqual([]);
  await Promise.all([dora!, emil!, fred!].map((program) => program.end()));
});
