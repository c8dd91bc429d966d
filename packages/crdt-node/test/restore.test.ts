/** A store that loses its end, and backups that are restored: no number of a chain is ever signed twice. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { crdtNode, statusOf, transactionsOf, useHome } from "./in-process.ts";
import { NOWHERE, Place } from "./processes.ts";

const place = new Place();
let relay: Awaited<ReturnType<Place["relay"]>>;

beforeAll(async () => {
  useHome(place.home);
  relay = await place.relay(":memory:");
});
afterAll(() => {
  vi.unstubAllEnvs();
  return place.clear();
});

/** A node in a room of its own, and another one that sees what the relay has. */
async function init(name: string): Promise<void> {
  for (const each of [name, `${name}-witness`])
    await crdtNode(["init", each, "--room", name, "--relay", relay.url]);
}

async function sendOnline(name: string, line: string): Promise<void> {
  expect(await crdtNode(["send", name, line])).toMatchObject({ code: 0 });
}

async function sendOffline(name: string, line: string): Promise<number | null> {
  return (await crdtNode(["send", name, "--relay", NOWHERE, "--timeout", "0", line])).code;
}

/** Nobody has seen two changes with one number, and all see the same. */
async function expectNoFork(name: string, lines: readonly string[]): Promise<void> {
  await sendOnline(name, "author");
  await sendOnline(`${name}-witness`, "witness");
  await sendOnline(name, "end");
  for (const each of [name, `${name}-witness`]) {
    expect((await statusOf(each)).faults).toEqual({ forks: [], forkCount: 0, rejected: {} });
  }
  const seen = (await transactionsOf(name)).map(({ from }) => from);
  expect(seen.toSorted()).toEqual([...lines, "author", "witness", "end"].toSorted());
  expect((await crdtNode(["verify", name])).code).toBe(0);
}

function newestLog(store: string): string {
  const logs = readdirSync(store).filter((file) => file.endsWith(".log"));
  return join(store, logs.toSorted().at(-1) ?? "");
}

describe("a store whose end the database dropped", () => {
  test.each(["flipped", "cut", "deleted"])(
    "(%s) is refused with code 5 by name, and made anew it gets its history back",
    async (kind) => {
      const name = `lost-${kind}`;
      await init(name);
      await sendOnline(name, "one");
      const program = place.start(["run", name]);
      await program.errorLine(/^connected /u);
      program.type("two\nthree\n");
      await program.line(/ you {2}three -> Bob 1$/u);
      const last = (await crdtNode(["log", name, "--json"])).stdout.trimEnd().split("\n").at(-1);
      const { id } = JSON.parse(last ?? "") as { id: string };
      await vi.waitFor(async () => expect((await statusOf(name)).unacknowledged).toBe(0), {
        timeout: 30_000,
      });
      await program.end("SIGKILL");

      const store = join(place.home, name, "store");
      const log = newestLog(store);
      const bytes = readFileSync(log);
      if (kind === "deleted") rmSync(log);
      else if (kind === "cut") writeFileSync(log, bytes.subarray(0, bytes.lastIndexOf("three")));
      else {
        const at = bytes.lastIndexOf("three");
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        writeFileSync(log, bytes);
      }

      for (let attempt = 0; attempt < 2; attempt++) {
        const verified = await crdtNode(["verify", name]);
        expect(verified.code).toBe(5);
        expect(verified.stdout).toMatch(/the last .* gone from the store/u);
        expect(verified.stderr).toContain(id);
        for (const args of [
          ["send", name, "four"],
          ["run", name],
          ["view", name],
        ]) {
          const { code, stderr } = await crdtNode(args);
          expect(code).toBe(5);
          expect(stderr).toContain(id);
          expect(stderr).toContain(`next: mv ${store} ${store}.damaged && crdt-node run ${name}\n`);
        }
      }

      renameSync(store, `${store}.damaged`);
      expect(await sendOffline(name, "four")).toBe(3);
      expect((await statusOf(name)).chain).not.toBe("0");
      await expectNoFork(name, ["one", "two", "three", "four"]);
    },
  );
});

/** Makes `to` equal to `from` as rsync with --delete does: what has the same size and time is not touched. */
function mirror(from: string, to: string): void {
  const times = (path: string): string =>
    existsSync(path) ? execFileSync("stat", ["-c", "%s %y", path], { encoding: "utf8" }) : "";
  for (const entry of readdirSync(to)) {
    if (!existsSync(join(from, entry))) rmSync(join(to, entry), { recursive: true });
  }
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      mkdirSync(target, { recursive: true });
      mirror(source, target);
    } else if (entry.isFile() && times(source) !== times(target)) {
      execFileSync("cp", ["-a", source, `${target}.tmp`]);
      renameSync(`${target}.tmp`, target);
    }
  }
}

function copy(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  execFileSync("cp", ["-a", from, to]);
}

describe("a backup that is restored under the same name", () => {
  test.each<[string, (backup: string, home: string) => void]>([
    ["the whole home", copy],
    ["file by file", mirror],
    [
      "every file overwritten in place",
      (backup, home) => {
        rmSync(join(home, "store"), { recursive: true });
        cpSync(backup, home, { recursive: true, force: true, preserveTimestamps: true });
      },
    ],
  ])("(%s) goes on with a chain of its own", async (how, restore) => {
    const name = `back-${how.replaceAll(" ", "-")}`;
    await init(name);
    await sendOnline(name, "one");
    const [home, backup] = [join(place.home, name), join(place.home, `${name}.backup`)];
    execFileSync("cp", ["-a", home, backup]);
    await sendOnline(name, "two");
    await sendOnline(name, "three");
    restore(backup, home);
    // A command that only looks does not make anyone forget.
    expect((await transactionsOf(name)).map(({ from }) => from)).toEqual(["one"]);
    expect(await sendOffline(name, "four")).toBe(3);
    await expectNoFork(name, ["one", "two", "three", "four"]);
  });

  test.each(["after it was made", "before the first start"])(
    "(a backup taken %s, file by file, without anything in between) takes a chain of its own",
    async (when) => {
      const name = `early-${when.replaceAll(" ", "-")}`;
      await init(name);
      if (when === "after it was made") await transactionsOf(name);
      const [home, backup] = [join(place.home, name), join(place.home, `${name}.backup`)];
      execFileSync("cp", ["-a", home, backup]);
      await sendOnline(name, "one");
      mirror(backup, home);
      expect(await sendOffline(name, "two")).toBe(3);
      await expectNoFork(name, ["one", "two"]);
    },
  );

  test("(taken while the node ran, which was then killed, file by file) takes a chain of its own", async () => {
    await init("hot");
    const program = place.start(["run", "hot"]);
    await program.errorLine(/^connected /u);
    program.type("one\n");
    await program.line(/ you {2}one -> Bob 1$/u);
    const [home, backup] = [join(place.home, "hot"), join(place.home, "hot.backup")];
    mkdirSync(backup, { mode: 0o700 });
    mirror(home, backup);
    program.type("two\n");
    await program.line(/ you {2}two -> Bob 1$/u);
    await vi.waitFor(async () => expect((await statusOf("hot")).unacknowledged).toBe(0), {
      timeout: 30_000,
    });
    await program.end("SIGKILL");
    mirror(backup, home);
    expect(await sendOffline("hot", "three")).toBe(3);
    await expectNoFork("hot", ["one", "two", "three"]);
  });

  test("(only the store) is refused when records are missing from it, and goes on when none are", async () => {
    await init("part");
    await sendOnline("part", "one");
    const [home, backup] = [join(place.home, "part"), join(place.home, "part.backup")];
    copy(join(home, "store"), backup);
    await transactionsOf("part");
    copy(backup, join(home, "store"));
    expect(await sendOffline("part", "two")).toBe(3);
    expect((await statusOf("part")).chain).not.toBe("0");
    await sendOnline("part", "three");

    copy(backup, join(home, "store"));
    expect(await sendOffline("part", "never")).toBe(5);
    rmSync(join(home, "store"), { recursive: true });
    expect(await sendOffline("part", "four")).toBe(3);
    await expectNoFork("part", ["one", "two", "three", "four"]);
  });

  test("(only the key) takes a chain of its own", async () => {
    await init("key");
    await sendOnline("key", "one");
    const home = join(place.home, "key");
    const key = readFileSync(join(home, "keys.pem"));
    rmSync(home, { recursive: true });
    await crdtNode(["init", "key", "--room", "key", "--relay", relay.url]);
    writeFileSync(join(home, "keys.pem"), key);
    expect(await sendOffline("key", "two")).toBe(3);
    await expectNoFork("key", ["one", "two"]);
  });
});
