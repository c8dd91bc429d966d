/** Lines that are typed at a terminal of a node that runs. */
import { constants } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type InTerminal, runInTerminal } from "../../../test/in-terminal.ts";
import { commandOf, NOWHERE, Place } from "./processes.ts";

const place = new Place();
const ENTER = "\r";
const UP = "\u001b[A";
const LEFT = "\u001b[D";
const BACKSPACE = "\u007f";

beforeAll(async () => {
  for (const name of ["anna", "bert", "cora", "dora", "emil", "fine"])
    await place.run(["init", name]);
});
afterAll(() => place.clear());

function inTerminal(script: string, ...args: string[]): InTerminal {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, NO_COLOR: "1", SIDE_HOME: place.home, SIDE_RELAY: NOWHERE };
  return runInTerminal(script, [process.execPath, commandOf("crdt-node"), ...args], env);
}

/** What was printed, and behind it, however the cursor came there, a line that is being typed. */
function above(line: string, printed: string): RegExp {
  return new RegExp(String.raw`${printed}\r\n(?:\u001b\[\d*[A-Z])*${line}`, "u");
}

async function stop(node: InTerminal): Promise<void> {
  node.type("\u0003");
  await node.says(/stopped, and everything is stored/u);
  expect(await node.ended).toBe(0);
}

describe("a line that is half typed", () => {
  test("is shown again below what others send and what is noted, and is what Enter sends", async () => {
    const anna = inTerminal('exec "$@"', "run", "anna", "--listen", "127.0.0.1:0");
    const url = await anna.says(/listening (ws:\S+)/u);
    await anna.says(/digest .* 0 transactions/u);
    anna.type("half");
    await anna.says(/half/u);
    await place.run(["send", "anna", "--timeout", "0", "x -> y 7"]);
    await anna.says(above("half", "you {2}x -> y 7"));
    const bert = place.start(["run", "bert", "--peer", url]);
    await anna.says(above("half", "1 peer connected to this node"));
    anna.type(` -> b 3${ENTER}`);
    await anna.says(/you {2}half -> b 3/u);
    await bert.end();
    await stop(anna);
  });

  test("is shown again with --json, too", async () => {
    const anna = inTerminal('exec "$@"', "run", "anna", "--json");
    await anna.says(/"type":"digest"/u);
    anna.type("json");
    await anna.says(/json$/u);
    await place.run(["send", "anna", "--timeout", "0", "x -> y 8"]);
    await anna.says(above("json", '"amount":8\\}\\}'));
    await stop(anna);
  });

  test("is shown again when the node comes back from Ctrl-Z", async () => {
    const cora = inTerminal('set -m; "$@"; echo left alone; fg', "run", "cora");
    await cora.says(/digest .* 0 transactions/u);
    cora.type("half\u001a");
    await cora.says(/left alone[^]*half/u);
    cora.type(` -> b 4${ENTER}`);
    await cora.says(/you {2}half -> b 4/u);
    await stop(cora);
  });

  test("is not signed when the terminal is closed", async () => {
    const bert = inTerminal('exec "$@"', "run", "bert");
    await bert.says(/digest/u);
    bert.type("alice -> bob 1");
    await bert.says(/alice -> bob 1/u);
    bert.closeTerminal();
    expect(await bert.ended).toBe(-constants.signals.SIGHUP);
    expect((await place.run(["view", "bert"])).stdout).not.toContain("alice -> bob 1");
  });
});

describe("a line that is typed", () => {
  test("can be edited and comes back, and a key that means nothing leaves nothing in it", async () => {
    const dora = inTerminal('exec "$@"', "run", "dora");
    await dora.says(/digest/u);
    dora.type(`a -> b 1${ENTER}`);
    await dora.says(/you {2}a -> b 1/u);
    dora.type(`${UP}${BACKSPACE}2\u001bOP\u001b[15~${ENTER}`);
    await dora.says(/you {2}a -> b 2\r/u);
    dora.type(`a ->  3${LEFT}${LEFT}carol${ENTER}`);
    await dora.says(/you {2}a -> carol 3\r/u);
    await stop(dora);
  });

  test("is one of a thousand that are pasted, and none is lost", async () => {
    const emil = inTerminal('exec "$@"', "run", "emil");
    await emil.says(/digest/u);
    const lines = Array.from({ length: 1_000 }, (_, i) => `a -> b ${i + 1}`);
    emil.type(lines.join("\n") + ENTER);
    await emil.says(/digest .* 1,000 transactions/u);
    await stop(emil);
    expect((await place.run(["view", "emil"])).stdout).toBe(`${lines.join("\n")}\n`);
  });

  test("and is too long is dropped whole, and what is not UTF-8 is refused", async () => {
    const emil = inTerminal('exec "$@"', "run", "emil");
    await emil.says(/digest/u);
    emil.type(`${"x".repeat(5_000)} -> b 1${ENTER}fits -> b 1${ENTER}`);
    await emil.says(/more than 4,096 characters cannot be typed/u);
    await emil.says(/you {2}fits -> b 1/u);
    emil.type("caf\ufffd -> b 2\r");
    await emil.says(/holds bytes that are not UTF-8/u);
    await stop(emil);
    expect((await place.run(["view", "emil"])).stdout).toMatch(/\na -> b 1000\nfits -> b 1\n$/u);
  });
});

test.each([
  ["a terminal", 'exec "$@"'],
  ["a terminal with its output elsewhere", 'exec "$@" >&3'],
])("Ctrl-D at %s ends the input, which is told, and not the node", async (_where, script) => {
  const fine = inTerminal(script, "run", "fine");
  await fine.says(/digest/u);
  fine.type(`a -> b 1\n`);
  await fine.says(/you {2}a -> b 1/u);
  fine.type("\u0004");
  await fine.says(/the input has ended; the node goes on/u);
  await place.run(["send", "fine", "--timeout", "0", "x -> y 9"]);
  await fine.says(/you {2}x -> y 9/u);
  await stop(fine);
});

test("send at a terminal warns before it reads, says what it waits for, and on Ctrl-C what becomes of it", async () => {
  const fine = inTerminal('exec "$@"', "send", "fine", "--timeout", "600");
  await fine.says(/any other text goes to Bob with amount 1/u);
  fine.type("a -> b 5\n\u0004");
  await fine.says(/stored; waiting for an acknowledgement/u);
  fine.type("\u0003");
  await fine.says(/1 transaction stored, to be delivered later/u);
  expect(await fine.ended).toBe(130);
  expect((await place.run(["view", "fine"])).stdout).toContain("a -> b 5\n");
});

test("a node in the background of a terminal leaves it alone, and is not stopped", async () => {
  const fine = inTerminal('set -m; "$@" & wait', "run", "fine");
  await fine.says(/digest/u);
  const { stdout } = await place.run(["status", "fine", "--json"]);
  process.kill((JSON.parse(stdout) as { pid: number }).pid, "SIGTERM");
  await fine.says(/stopped, and everything is stored/u);
  expect(await fine.ended).toBe(0);
});
