/**
 * Settings of the node and of the relay, from files, variables and flags: either complete and checked ones, or the
 * documented refusal with the exit code for usage. What a node writes as config.toml reads back as it was.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Choices } from "../../packages/bft-json-crdt/test/random-edits.ts";
import { CommandError, EXIT } from "../../packages/crdt-node/src/exit-codes.ts";
import * as node from "../../packages/crdt-node/src/settings.ts";
import { EXIT as RELAY_EXIT, RelayError } from "../../packages/crdt-relayer/src/exit-codes.ts";
import * as relayer from "../../packages/crdt-relayer/src/settings.ts";
import { promise, thrownBy } from "../target.ts";
import type { Target } from "../target.ts";
import { asArray, asBytes, asText, fieldOf, isArray, isObject } from "../tree.ts";
import type { Tree } from "../tree.ts";

/** What is fed; a test may put a broken one in the place of any. */
export interface Loaders {
  readonly node: typeof node.loadSettings;
  readonly relayer: typeof relayer.loadSettings;
}

const WORDS: readonly string[] = [
  ...["room", "relays", '"main"', '["ws://127.0.0.1:8080/websocket"]', "wss://relay.example/"],
  ...["port", "host", "data", "log-level", "max-rooms", "send-soft-bytes", "send-hard-bytes"],
  ...["join-seconds", "ping-seconds", " = ", "\n", "[table]", "#", '"""', "'''", "true", "nan"],
  ...["authenticate", "hosts", "rooms", "[rooms.main]", "authors", "readers", "read-only = true"],
  ...["1979-05-27T07:32:00Z", "0x10", "1_000", "ws://", "http://x", "ws://u:p@h/", ":memory:"],
];

/** Both loaders of settings. Input: `{toml, room, relays, variables: {name: text}, flags: {name: text}}`. */
export function configTarget(
  loaders: Loaders = { node: node.loadSettings, relayer: relayer.loadSettings },
): Target {
  return {
    name: "config",
    about: "config files, variables and flags of the node and the relay",
    words: WORDS,
    fresh,
    run: (input) => {
      const file = join(scratch(), "config.toml");
      writeFileSync(file, asBytes(fieldOf(input, "toml")));
      checkNode(file, input, loaders);
      checkRelayer(file, input, loaders);
    },
  };
}

function checkNode(file: string, input: Tree, loaders: Loaders): void {
  const room = textOr(fieldOf(input, "room"));
  const relays = fieldOf(input, "relays");
  // As the command line hands them on: checked.
  const flags = {
    room:
      room === undefined ? undefined : (checked(() => node.checkRoom(room, "--room")) ?? undefined),
    relays: isArray(relays)
      ? relays.flatMap((one) => checked(() => node.checkRelay(asText(one), "--relay")) ?? [])
      : undefined,
  };
  const settings = checked(() => loaders.node(file, flags, textsOf(fieldOf(input, "variables"))));
  if (settings === null) return;
  promise(node.checkRoom(settings.room, "") === settings.room, "a room that is none");
  for (const relay of settings.relays)
    promise(node.checkRelay(relay, "") === relay, "a relay's address that is none");
  writeFileSync(file, node.configText("name", settings.room, settings.relays));
  const again = loaders.node(file, {}, {});
  promise(
    again.room === settings.room && isDeepStrictEqual(again.relays, settings.relays),
    "a config file reads back otherwise than it was written",
  );
}

/** What a call gives, or null when it refuses as documented. */
function checked<T>(call: () => T): T | null {
  let result: T | null = null;
  const refusal = thrownBy(CommandError, () => {
    result = call();
  });
  promise(
    refusal === null || refusal.exitCode === EXIT.usage,
    "settings are refused with another code",
  );
  promise(refusal === null || refusal.complaint.what !== "", "settings are refused without a word");
  return result;
}

function checkRelayer(file: string, input: Tree, loaders: Loaders): void {
  writeFileSync(file, asBytes(fieldOf(input, "toml")));
  const variables = textsOf(fieldOf(input, "variables"));
  let settings: relayer.Settings | null = null;
  const refusal = thrownBy(RelayError, () => {
    settings = loaders.relayer(textsOf(fieldOf(input, "flags")), file, variables);
  });
  promise(
    refusal === null || refusal.exitCode === RELAY_EXIT.usage,
    "settings are refused with another code",
  );
  if (settings === null) return;
  for (const name of relayer.SETTING_NAMES) {
    const setting: relayer.Setting = relayer.SETTINGS[name];
    promise(
      isDeepStrictEqual(setting.read(settings[name]), settings[name]),
      `${name} is out of bounds`,
    );
  }
}

function textOr(tree: Tree | undefined): string | undefined {
  return typeof tree === "string" ? tree : undefined;
}

/** Texts by name. The system hands over none with a NUL in it. */
function textsOf(tree: Tree | undefined): { [name: string]: string } {
  const entries = isObject(tree) ? Object.entries(tree) : [];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, asText(value).replaceAll("\0", "")] as const),
  );
}

let folder = "";

/** A folder of this process, which goes when it ends. */
function scratch(): string {
  if (folder === "") {
    folder = mkdtempSync(join(tmpdir(), "fuzz-config-"));
    process.once("exit", () => {
      rmSync(folder, { recursive: true, force: true });
    });
  }
  return folder;
}

const FILES = [
  "",
  'room = "main"\nrelays = ["ws://127.0.0.1:8080/websocket"]\n',
  'room = """\nmulti"""\n',
  "relays = []\n",
  'port = 8080\nhost = "127.0.0.1"\nlog-level = "debug"\n',
  "max-rooms = 10\njoin-seconds = 1.5\nsend-soft-bytes = 65536\n",
  "[room]\nname = 1\n",
  'hosts = "relay.example"\n[rooms."main"]\nread-only = true\n',
];

const VARIABLES = [
  "main",
  "a b",
  "ws://h",
  "ws://h,wss://g/x",
  "http://h",
  "0",
  "",
  "🙂".repeat(129),
];

function fresh(choices: Choices): Tree {
  const names = asArray(["SIDE_ROOM", "SIDE_RELAY", "SIDE_HOME", "SIDE_RELAYER_PORT"]);
  const variables = Object.fromEntries(
    choices
      .shuffle(names)
      .slice(0, choices.below(3))
      .map((name) => [asText(name), choices.pick(VARIABLES)]),
  );
  const flags = choices.oneIn(2) ? {} : { port: choices.pick(["0", "65535", "65536", "x"]) };
  const toml = choices.pick(FILES);
  const room = choices.pick<Tree>([null, "main", "", "a b", "🙂".repeat(128)]);
  const relays = choices.pick<Tree>([null, [], ["ws://h/"], ["http://h", "wss://h:1/x?y"]]);
  return { toml, room, relays, variables, flags };
}
