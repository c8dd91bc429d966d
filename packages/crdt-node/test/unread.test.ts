/** Nodes whose output goes to a pipe that nobody reads, or not for now. */
import { once } from "node:events";
import { afterAll, expect, test, vi } from "vitest";
import { crdtNode, statusOf, useHome } from "./in-process.ts";
import { Place, type Program } from "./processes.ts";

const place = new Place();
useHome(place.home);
afterAll(() => {
  vi.unstubAllEnvs();
  return place.clear();
});

/** A node that runs, has stored so many transactions of 60 kB, and whose output is not read. */
async function unread(name: string, transactions: number): Promise<Program> {
  await crdtNode(["init", name]);
  const program = place.start(["run", name, "--no-relay", "--json"]);
  await program.errorLine(/is running in room/u);
  program.child.stdout?.pause();
  const line = JSON.stringify({ from: "a", to: "b", amount: 1, memo: "x".repeat(60_000) });
  program.type(`${line}\n`.repeat(transactions));
  const stored = async (): Promise<void> =>
    expect((await statusOf(name)).transactions).toBe(transactions);
  await vi.waitFor(stored, { timeout: 60_000, interval: 200 });
  return program;
}

/** How many transactions it has shown to whoever reads. */
function shown({ lines }: Program): number {
  return lines.filter((line) => line.startsWith('{"type":"transaction"')).length;
}

test("a node goes on though nobody reads what it shows, leaves out what is too much, and says so when somebody does", async () => {
  const transactions = 700;
  const program = await unread("shown", transactions);
  program.child.stdout?.resume();
  const { lines } = JSON.parse(await program.line(/^\{"type":"omitted"/u)) as { lines: number };
  expect(shown(program)).toBeLessThan(transactions);
  expect(shown(program) + lines).toBeGreaterThanOrEqual(transactions);
  await program.errorLine(/^warning: .* lines? left out, since nobody read/u);
  program.type("a -> b 1 again\n");
  await program.line(/"memo":"again"/u);
  expect((await program.end()).code).toBe(0);
});

test("a node that is told to stop ends though nobody reads what it has shown", async () => {
  const program = await unread("stopped", 10);
  const exit = once(program.child, "exit");
  program.child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  // What the system still holds of it.
  program.child.stdout?.resume();
  await program.exited;
  expect(program.errorLines.at(-1)).toMatch(/^stopped, and everything is stored/u);
});

test("whoever reads when a node stops gets all that it has shown", async () => {
  const program = await unread("read", 10);
  program.child.kill("SIGTERM");
  await program.errorLine(/^stopped, and everything is stored/u);
  program.child.stdout?.resume();
  expect((await program.exited).code).toBe(0);
  expect(shown(program)).toBe(10);
});
