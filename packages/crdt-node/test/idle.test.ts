/** A node that has nothing to do does nothing: no busy loop, no fast timers. */
import { readFileSync } from "node:fs";
import { afterAll, expect, test, vi } from "vitest";
import { crdtNode, statusOf, useHome } from "./in-process.ts";
import { Place } from "./processes.ts";

const place = new Place();
afterAll(() => {
  vi.unstubAllEnvs();
  return place.clear();
});

/** CPU seconds that a process has used, as the kernel counts them (hundredths). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test("a connected node uses under 1% of a core in 10 seconds without work", async () => {
  useHome(place.home);
  const relay = await place.relay(":memory:");
  await crdtNode(["init", "idle", "--relay", relay.url]);
  const node = place.start(["run", "idle"]);
  node.type(Array.from({ length: 500 }, (_, i) => `a -> b ${i + 1}\n`).join(""));
  await node.line(/^digest .* {2}500 transactions$/u);
  await node.errorLine(/^connected /u);
  // The first seconds after the work belong to the work: garbage collection, and the store's compaction.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const before = cpuSeconds(node.pid);
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  expect(cpuSeconds(node.pid) - before).toBeLessThan(0.1);
  expect((await statusOf("idle")).relays).toEqual([
    { url: relay.url, state: "synced", reason: null },
  ]);
});
