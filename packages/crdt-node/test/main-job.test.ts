/**
 * The main job with real processes: lines piped into three nodes at once, a relayer between them, and things that die in
 * the middle. What must come out: the same document everywhere, nothing lost, nothing twice.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  crdtNode,
  digestOf,
  statusOf,
  type Transaction,
  transactionsOf,
  useHome,
} from "./in-process.ts";
import { Place, type Program } from "./processes.ts";

const NAMES = ["alice", "bob", "carol"] as const;
const LINES = 1_000;
const TOTAL = NAMES.length * LINES;

/** The lines that are typed into one node; no two are alike. */
function linesOf(name: string): string[] {
  return Array.from({ length: LINES }, (_, i) => `${name} -> shop ${i + 1} no. ${i}`);
}

function lineOf({ from, to, amount, memo }: Transaction): string {
  return `${from} -> ${to} ${amount} ${memo ?? ""}`;
}

/** How many transactions of this author a running node has shown. */
function shown(program: Program, from: string): number {
  return program.lines.filter((line) => line.includes(`  ${from} -> shop `)).length;
}

/** Resolves when the running node shows the digest of so many transactions. */
async function settled(program: Program, transactions: number): Promise<void> {
  const end = `  ${transactions.toLocaleString("en-US")} transactions`;
  await program.until(`digest of ${transactions}`, () =>
    program.lines.some((line) => line.startsWith("digest ") && line.endsWith(end)),
  );
}

const places: Place[] = [];
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all(places.map((place) => place.clear()));
});

describe.each([
  { title: "a node that is killed and one that is cut off", killsRelay: false },
  {
    title: "a node that is killed, one that is cut off, and a relayer that is killed",
    killsRelay: true,
  },
])("three nodes and a relayer, with $title", ({ killsRelay }) => {
  const place = new Place();
  places.push(place);
  beforeAll(() => {
    useHome(place.home);
  });
  const nodes = new Map<string, Program>();
  const node = (name: string): Program => {
    const program = nodes.get(name);
    if (program === undefined) throw new Error(`${name} does not run`);
    return program;
  };
  const data = join(place.home, "relay-data");
  let relay: Awaited<ReturnType<Place["relay"]>>;

  test("end with the same digest and all transactions, none lost and none twice", async () => {
    relay = await place.relay(data);
    const carols = await place.proxy(relay.port);
    const urls = { alice: relay.url, bob: relay.url, carol: carols.url };
    for (const name of NAMES) await crdtNode(["init", name, "--relay", urls[name]]);
    for (const name of NAMES) nodes.set(name, place.start(["run", name]));
    await Promise.all(NAMES.map((name) => node(name).errorLine(/^connected to/u)));

    for (const name of NAMES) node(name).type(`${linesOf(name).join("\n")}\n`);

    // Bob dies when a third of his lines are stored, in the middle of the others.
    await node("bob").until("own lines", () => shown(node("bob"), "bob") >= LINES / 3);
    await node("bob").end("SIGKILL");
    // Carol is away from here until everything of the others has been exchanged.
    carols.cut();
    if (killsRelay) {
      await relay.program.end("SIGKILL");
      relay = await place.relay(data, relay.port);
    }

    nodes.set("bob", place.start(["run", "bob"]));
    await node("bob").errorLine(/^connected to/u);
    const stored = new Set((await transactionsOf("bob")).map(lineOf));
    const rest = linesOf("bob").filter((line) => !stored.has(line));
    expect(rest.length).toBeLessThan(LINES);
    node("bob").type(`${rest.join("\n")}\n`);

    await node("alice").until("all of bob", () => shown(node("alice"), "bob") === LINES);
    await node("carol").until("her own lines", () => shown(node("carol"), "carol") === LINES);
    await node("carol").errorLine(/^offline/u);
    carols.mend();

    await Promise.all(NAMES.map((name) => settled(node(name), TOTAL)));
    const digest = await digestOf("alice");
    const expected = NAMES.flatMap(linesOf).toSorted();
    for (const name of NAMES) {
      expect(await digestOf(name)).toBe(digest);
      expect((await transactionsOf(name)).map(lineOf).toSorted()).toEqual(expected);
    }
  });

  test("have caught nobody equivocating", async () => {
    for (const name of NAMES) {
      const status = await statusOf(name);
      expect(status.faults).toEqual({ forks: [], forkCount: 0, rejected: {} });
      expect(status.pending.changes).toBe(0);
    }
  });

  test("leave a history in the relayer from which a fourth node gets all of it, without any of them", async () => {
    const digest = await digestOf("alice");
    const ended = await Promise.all(NAMES.map((name) => node(name).end("SIGTERM")));
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
    for (const name of NAMES) rmSync(join(place.home, name), { recursive: true });

    await crdtNode(["init", "dave", "--relay", relay.url]);
    const dave = place.start(["run", "dave"]);
    await settled(dave, TOTAL);
    expect(await digestOf("dave")).toBe(digest);
    const { code, stdout } = await crdtNode(["verify", "dave"]);
    expect(`${code} ${stdout}`).toMatch(/^0 .* verified/u);
    expect((await dave.end("SIGINT")).code).toBe(0);
  });
});
