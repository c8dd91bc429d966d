/** Commands whose terminal is closed while they run. */
import { constants } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type InTerminal, runInTerminal } from "../../../test/in-terminal.ts";
import { commandOf, NOWHERE, Place } from "./processes.ts";

const place = new Place();

beforeAll(async () => {
  await place.run(["init", "anna"]);
});
afterAll(() => place.clear());

function inTerminal(script: string, ...args: string[]): InTerminal {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, NO_COLOR: "1", SIDE_HOME: place.home, SIDE_RELAY: NOWHERE };
  return runInTerminal(script, [process.execPath, commandOf("crdt-node"), ...args], env);
}

describe("crdt-node", () => {
  test.each([
    ["all", 'exec "$@"', ["run", "anna"]],
    ["its input", 'exec "$@" >&3 2>&3', ["run", "anna"]],
    ["its output", 'exec "$@" < /dev/null 2>&3', ["run", "anna"]],
    ["its notes", 'exec "$@" < /dev/null >&3', ["run", "anna"]],
  ])(
    "run ends in order when its terminal is closed (%s), by that signal",
    async (_what, script, args) => {
      const anna = inTerminal(script, ...args);
      await anna.says(/is running in room/u);
      anna.closeTerminal();
      expect(await anna.ended).toBe(-constants.signals.SIGHUP);
      // The store was closed, and the next one finds nothing left over.
      expect(await place.run(["verify", "anna"])).toMatchObject({ code: 0, stderr: "" });
    },
  );

  test("run keeps what was typed before its terminal was closed", async () => {
    const anna = inTerminal('exec "$@"', "run", "anna");
    await anna.says(/is running in room/u);
    anna.type("alice -> bob 10 before it closed\n");
    await anna.says(/you {2}alice -> bob 10 before it closed/u);
    anna.closeTerminal();
    expect(await anna.ended).toBe(-constants.signals.SIGHUP);
    const { stdout } = await place.run(["view", "anna"]);
    expect(stdout).toContain("before it closed");
  });

  test.each([
    ["waits for a relay", ["send", "anna", "alice -> bob 1 waits", "--timeout", "600"]],
    ["reads its input", ["import", "anna", "-"]],
  ])("a command that %s ends by the signal, too", async (_what, args) => {
    const anna = inTerminal('echo started; exec "$@"', ...args);
    await anna.says(/started/u);
    // Once it holds the store, or has begun to read.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    anna.closeTerminal();
    expect(await anna.ended).toBe(-constants.signals.SIGHUP);
  });

  test("Ctrl-C in a terminal is no closed terminal", async () => {
    const anna = inTerminal('exec "$@"', "run", "anna");
    await anna.says(/is running in room/u);
    anna.type("\u0003");
    await anna.says(/stopped, and everything is stored/u);
    expect(await anna.ended).toBe(0);
  });
});
