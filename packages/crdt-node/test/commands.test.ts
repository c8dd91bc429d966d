/** Each command, with no node running and no relay up. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  decodeGroup,
  decodePrivateKeyPem,
  decodeSaved,
  Document,
  documentId,
  generateKeyPair,
  publicKeyOf,
  toHex,
} from "bft-json-crdt";
import { ClassicLevel } from "classic-level";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ledger } from "../src/ledger.ts";
import { crdtNode, digestOf, statusOf, transactionsOf, useHome } from "./in-process.ts";
import { NOWHERE, type Outcome, Place } from "./processes.ts";

const place = new Place();
beforeAll(() => {
  useHome(place.home, { SIDE_RELAY: NOWHERE });
});
afterAll(() => {
  vi.unstubAllEnvs();
  return place.clear();
});

/** Stores lines in a node without waiting for any relay. */
async function store(name: string, lines: readonly string[]): Promise<void> {
  const { code } = await crdtNode(["send", name, "--timeout", "0", ...lines]);
  expect(code).toBe(3);
}

describe("init", () => {
  test("makes a folder, a key and a config that only the owner can read, and prints the public key last", async () => {
    const { code, stdout, stderr } = await crdtNode(["init", "anna", "--room", "cafe"]);
    expect(code).toBe(0);
    const folder = join(place.home, "anna");
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(0, 2).join()).toContain(join(folder, "keys.pem"));
    expect(lines.slice(0, 2).join()).toContain(join(folder, "config.toml"));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "keys.pem")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "config.toml"), "utf8")).toContain('room = "cafe"');

    const pem = readFileSync(join(folder, "keys.pem"), "utf8");
    const secret = decodePrivateKeyPem(pem);
    expect(secret.ok && toHex(publicKeyOf(secret.value))).toBe(lines.at(-1));
    // Never the private key, in no encoding.
    expect(secret.ok && `${stdout}${stderr}`.includes(toHex(secret.value))).toBe(false);
    expect(`${stdout}${stderr}`).not.toContain(pem.split("\n")[1]);
    expect((await crdtNode(["whoami", "anna"])).stdout.trim()).toBe(lines.at(-1));
    expect(readdirSync(place.home).filter((entry) => entry.startsWith("."))).toEqual([]);
  });

  test("refuses to overwrite a node, and anything else that has its name", async () => {
    const before = readFileSync(join(place.home, "anna", "keys.pem"));
    const { code, stdout, stderr } = await crdtNode(["init", "anna"]);
    expect([code, stdout]).toEqual([4, ""]);
    expect(stderr).toContain('there is a node named "anna" already');
    expect(readFileSync(join(place.home, "anna", "keys.pem"))).toEqual(before);
    writeFileSync(join(place.home, "file"), "");
    expect((await crdtNode(["init", "file"])).code).toBe(4);
  });

  test("of two at the same moment makes one node", async () => {
    const outcomes = await Promise.all([place.run(["init", "race"]), place.run(["init", "race"])]);
    expect(outcomes.map(({ code }) => code).toSorted()).toEqual([0, 4]);
    const key = outcomes
      .find(({ code }) => code === 0)
      ?.stdout.trimEnd()
      .split("\n")
      .at(-1);
    expect((await crdtNode(["whoami", "race"])).stdout.trim()).toBe(key);
  });
});

test.each(["", "relative/home"])(
  "init with HOME=%j puts no key where it is typed",
  async (HOME) => {
    const { code, stdout, stderr } = await place.run(["init", "lost"], "", { HOME, SIDE_HOME: "" });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`HOME is ${JSON.stringify(HOME)}, which is no absolute path`);
    expect(stderr).toContain("next: SIDE_HOME=/a/folder/you/own crdt-node …");
  },
);

test("init where no folder can be made ends and says so", async () => {
  const inFile = join(place.home, "anna", "keys.pem", "in-a-file");
  for (const [SIDE_HOME, why] of [
    ["/proc/nobody/.side", "ENOENT"],
    [inFile, "ENOTDIR"],
  ] as const) {
    const { code, stderr } = await place.run(["init", "lost"], "", { SIDE_HOME });
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot make the folder ${SIDE_HOME}\n  why:  ${why}: `);
  }
  const SIDE_HOME = join(place.home, "of", "many", "folders");
  expect((await place.run(["init", "deep"], "", { SIDE_HOME })).code).toBe(0);
});

describe("a command line that is wrong", () => {
  test.each([
    [["veiw", "anna"], "did you mean view?"],
    [["view", "anna", "--jsn"], "did you mean --json?"],
    [["view"], "missing required argument 'name'"],
    [["view", "../anna"], "cannot be the name of a node"],
    [["init", "caf\u00e9"], "a name is made of the letters a–z and A–Z, digits"],
    [["run", "anna", "--relay", "http://x"], "begins with ws://"],
    [["dag", "anna", "--format", "png"], "Allowed choices are dot, mermaid, json"],
    [["send", "anna", "x", "--timeout", "soon"], "number of seconds"],
    [["send", "anna", "alice", "-", "10"], "quotes"],
    [["send", "anna", "alice", "->", "bob", "10"], "quotes"],
    [["send", "anna", "alice -> bob ten"], 'not "ten"'],
    [["send", "anna", "caf\ufffd -> b 1"], "not UTF-8"],
    [["send", "anna", "\u001b[A -> Bob 1"], "control character"],
    [["send", "anna", "-5"], "looks like something else"],
    [["view", "anna", "--json", "--digest"], "cannot be used with"],
    [["run", "anna", "--pending-byte", "1"], "did you mean --pending-bytes?"],
    [["run", "anna", "--pending-bytes", "-1"], '--pending-bytes cannot be "-1"'],
    [["run", "anna", "--send-bytes", "1e9"], '--send-bytes cannot be "1e9"'],
    [
      ["run", "anna", "--exposed-pending-bytes", "1048575"],
      "at least 1048576: a change of the greatest size must fit",
    ],
    [["forks", "anna", "--of", "anna"], "beginning of a key or id"],
  ])("%j ends with code 2 and says why", async (args, why) => {
    const { code, stdout, stderr } = await crdtNode(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(why);
    expect(stderr).not.toMatch(/\n\s+at /u);
    for (const line of stderr.split("\n")) expect(line.length).toBeLessThanOrEqual(160);
  });

  test("that names no node says how to make one, and which there are", async () => {
    const { code, stderr } = await crdtNode(["status", "nobody"]);
    expect(code).toBe(1);
    expect(stderr).toContain('there is no node named "nobody"');
    expect(stderr).toContain("anna");
    expect(stderr).toContain("next: crdt-node init nobody");
    expect((await crdtNode(["status", "ana"])).stderr).toContain("with anna, if you meant that");
  });

  test("with a variable that is misspelt is told so, and goes on", async () => {
    vi.stubEnv("SIDE_ROMS", "cafe");
    const { code, stderr } = await crdtNode(["view", "anna"]);
    vi.stubEnv("SIDE_ROMS", undefined);
    expect(code).toBe(0);
    expect(stderr).toContain("warning: the variable SIDE_ROMS is no setting of a node");
  });

  test("in config.toml is named with its place", async () => {
    await crdtNode(["init", "typo"]);
    writeFileSync(join(place.home, "typo", "config.toml"), "rom = 'x'\n");
    const { code, stderr } = await crdtNode(["view", "typo"]);
    expect(code).toBe(2);
    expect(stderr).toContain('unknown setting "rom"');
  });
});

describe("help", () => {
  test("has examples, fits 80 columns, and goes to stdout with code 0", async () => {
    const commands = [
      "init",
      "run",
      "send",
      "view",
      "log",
      "status",
      "forks",
      "verify-proof",
      "verify",
      "export",
      "import",
      "whoami",
      "dag",
      "help",
    ];
    const all: Outcome[] = [];
    for (const args of [[], ...commands.map((name) => [name])])
      all.push(await crdtNode([...args, "--help"]));
    for (const { code, stdout, stderr } of all) {
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("Examples:");
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    }
    for (const name of commands) expect(all[0]?.stdout).toMatch(new RegExp(`^  ${name} `, "mu"));
  });

  test("is a command, too, of all and of one", async () => {
    expect(await crdtNode(["help"])).toEqual(await crdtNode(["--help"]));
    for (const name of ["view", "run", "help"])
      expect(await crdtNode(["help", name])).toEqual(await crdtNode([name, "--help"]));
    const { code, stdout, stderr } = await crdtNode(["help", "veiw"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("unknown command 'veiw'");
  });

  test("for want of a command is a usage error", async () => {
    const { code, stdout, stderr } = await crdtNode([]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage:");
  });

  test("--version prints the version", async () => {
    expect(await place.run(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });
});

describe("a node whose files others can read", () => {
  test("is refused by every command, with the command that mends it", async () => {
    await crdtNode(["init", "loose"]);
    const key = join(place.home, "loose", "keys.pem");
    chmodSync(key, 0o644);
    for (const args of [
      ["whoami", "loose"],
      ["view", "loose"],
      ["send", "loose", "x"],
      ["run", "loose"],
    ]) {
      const { code, stderr } = await crdtNode(args);
      expect(code).toBe(4);
      expect(stderr).toContain(`next: chmod 600 ${key}`);
    }
    chmodSync(key, 0o600);
    chmodSync(join(place.home, "loose"), 0o755);
    const { code, stderr } = await crdtNode(["view", "loose"]);
    expect(code).toBe(4);
    expect(stderr).toContain(`next: chmod 700 ${join(place.home, "loose")}`);
  });
});

describe("send without a relay", () => {
  test("stores, says so, and ends with code 3", async () => {
    await crdtNode(["init", "off"]);
    const { code, stderr } = await crdtNode([
      "send",
      "off",
      "--timeout",
      "0.2",
      "alice -> bob 10 lunch",
      "hello",
    ]);
    expect(code).toBe(3);
    expect(stderr).toContain("stored, to be delivered later");
    expect(stderr).toContain("nothing listens there");
    expect(stderr).toContain("next: crdt-node run off");
    expect(await transactionsOf("off")).toEqual([
      { from: "alice", to: "bob", amount: 10, memo: "lunch" },
      { from: "hello", to: "Bob", amount: 1 },
    ]);
  });

  test("and without a peer says at once that there is nobody to deliver to", async () => {
    const { code, stdout, stderr } = await crdtNode([
      "send",
      "off",
      "--no-relay",
      "--timeout",
      "86400",
      "--room",
      "alone",
      "a -> b 1",
    ]);
    expect(code).toBe(3);
    expect(stdout).toMatch(/ {2}a -> b 1\n$/u);
    expect(stderr).toContain(
      "1 transaction stored; there is neither relay nor peer to deliver it to",
    );
    expect(stderr).toContain("next: crdt-node run off --relay ws://");
  });

  test("of an empty input says that nothing was read", async () => {
    const { code, stdout, stderr } = await place.run(["send", "off", "--timeout", "0"]);
    expect([code, stdout, stderr]).toEqual([0, "", "nothing was read, so nothing was sent\n"]);
  });

  test("of wrong arguments sends nothing; of wrong lines on stdin only the right ones, with code 2 or 3", async () => {
    expect((await crdtNode(["send", "off", "a -> b 1", "a -> b x"])).code).toBe(2);
    const input = Buffer.concat([
      Buffer.from("\n\u017eofie -> \u5c0f\u660e 1\r\n"),
      Buffer.from([0x61, 0xff, 0x0a]),
      Buffer.from(`${"x".repeat(70_000)}\n{"from":\na -> b 2`),
    ]);
    const program = place.start(["send", "off", "--timeout", "0", "--json"]);
    program.child.stdin?.end(input);
    const { code, stdout, stderr } = await program.exited;
    expect(code).toBe(3);
    const report = JSON.parse(stdout) as { ids: string[]; acknowledged: boolean };
    expect([report.ids.length, report.acknowledged]).toEqual([2, false]);
    expect(stderr).toContain("line 3: the line is not UTF-8");
    expect(stderr).toContain("line 4: the line is longer than 65,536 bytes");
    expect(stderr).toContain("line 5: broken JSON; expected");
    expect((await transactionsOf("off")).slice(2)).toEqual([
      { from: "\u017eofie", to: "\u5c0f\u660e", amount: 1 },
      { from: "a", to: "b", amount: 2 },
    ]);
  });
});

describe("looking at a node", () => {
  beforeAll(async () => {
    await crdtNode(["init", "eve"]);
    await store("eve", [
      "alice -> bob 10",
      '{"from":"bob","to":"carol","amount":2.5,"memo":"half \\u001b[31m of it"}',
    ]);
  });

  test("view prints one line of RFC 8785 JSON, its digest, or lines for people", async () => {
    const { stdout: json } = await crdtNode(["view", "eve", "--json"]);
    expect(json).toBe(
      '{"transactions":[{"amount":10,"from":"alice","to":"bob"},{"amount":2.5,"from":"bob","memo":"half \\u001b[31m of it","to":"carol"}]}\n',
    );
    const digest = createHash("sha256").update(json.trimEnd()).digest("hex");
    expect((await crdtNode(["view", "eve", "--digest"])).stdout).toBe(`${digest}\n`);
    const { stdout, stderr } = await crdtNode(["view", "eve"]);
    expect(stdout).toBe(
      'alice -> bob 10\n{"amount":2.5,"from":"bob","memo":"half \\u001b[31m of it","to":"carol"}\n',
    );
    expect(stderr).toContain("2 transactions");
  });

  test("log prints id, author, seq, time and ops of each change in causal order", async () => {
    const key = (await crdtNode(["whoami", "eve"])).stdout.trim();
    const { stdout: json } = await crdtNode(["log", "eve", "--json"]);
    const entries = json
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { [key: string]: unknown });
    expect(entries.map(({ author, seq }) => [author, seq])).toEqual([
      [key, 1],
      [key, 2],
    ]);
    expect(entries[1]?.["prev"]).toBe(entries[0]?.["id"]);
    expect(entries[0]).toMatchObject({
      ops: [{ kind: "insert values" }],
      transactions: [{ from: "alice", to: "bob", amount: 10 }],
    });
    expect(Math.abs(Date.now() - Number(entries[0]?.["time"]))).toBeLessThan(600_000);
    const { stdout } = await crdtNode(["log", "eve"]);
    expect(stdout.split("\n")[0]).toBe(
      `${String(entries[0]?.["id"]).slice(0, 8)}  ${key.slice(0, 8)}  #1  ${new Date(Number(entries[0]?.["time"])).toISOString().replace(/\.\d+/u, "")}  alice -> bob 10`,
    );
    expect(stdout).not.toContain("\u001b");
  });

  test("status tells key, room, relays, changes, heads, pending and faults", async () => {
    const { stdout } = await crdtNode(["status", "eve", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      name: "eve",
      running: false,
      room: "main",
      document: toHex(documentId("main")),
      chain: "0",
      relays: [{ url: NOWHERE, state: "offline" }],
      changes: 2,
      transactions: 2,
      pending: { changes: 0, bytes: 0 },
      faults: { forks: [], forkCount: 0, rejected: {} },
    });
    const { stdout: text } = await crdtNode(["status", "eve"]);
    for (const word of ["key", "room", "relays", "changes", "heads", "pending", "faults"]) {
      expect(text).toMatch(new RegExp(`^${word} `, "mu"));
    }
  });

  test("log cuts off long texts for people, and nothing for programs", async () => {
    await crdtNode(["init", "long"]);
    const memo = "m".repeat(199) + "\u{1f9c1}".repeat(300);
    await store("long", [`${"f".repeat(300)} -> t 1 ${memo}`]);
    const { stdout } = await crdtNode(["log", "long"]);
    expect(stdout).toContain(` ${"f".repeat(200)}… -> t 1 ${"m".repeat(199)}…\n`);
    expect((await crdtNode(["log", "long", "--json"])).stdout).toContain(memo);
  });

  test("dag prints DOT, Mermaid and JSON", async () => {
    expect((await crdtNode(["dag", "eve"])).stdout).toMatch(/^digraph .*->.*\}\n$/su);
    expect((await crdtNode(["dag", "eve", "--format", "mermaid"])).stdout).toMatch(
      /^flowchart .*-->/su,
    );
    const graph = JSON.parse((await crdtNode(["dag", "eve", "--format", "json"])).stdout) as {
      nodes: unknown[];
    };
    expect(graph.nodes).toHaveLength(2);
  });

  test("another room is another document in the same store", async () => {
    expect(
      (await crdtNode(["send", "eve", "elsewhere", "--room", "other", "--timeout", "0"])).code,
    ).toBe(3);
    expect((await crdtNode(["view", "eve", "--room", "other"])).stdout).toBe(
      "elsewhere -> Bob 1\n",
    );
    expect(await transactionsOf("eve")).toHaveLength(2);
  });
});

describe("export and import", () => {
  const file = (name: string): string => join(place.home, name);

  test("carry the history to another node, with the same digest", async () => {
    expect((await crdtNode(["export", "eve", file("eve.changes")])).code).toBe(0);
    await crdtNode(["init", "finn"]);
    const { code, stdout } = await crdtNode(["import", "finn", file("eve.changes"), "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, { added: 2, known: 0, pending: 0 }]);
    expect(await digestOf("finn")).toBe(await digestOf("eve"));
    expect(
      JSON.parse((await crdtNode(["import", "finn", file("eve.changes"), "--json"])).stdout),
    ).toEqual({
      added: 0,
      known: 2,
      pending: 0,
    });
    expect((await crdtNode(["verify", "finn"])).code).toBe(0);
  });

  test("never overwrite a file and leave none that is half written", async () => {
    const { code, stderr } = await crdtNode(["export", "eve", file("eve.changes")]);
    expect(code).toBe(4);
    expect(stderr).toContain("exists");
    expect((await crdtNode(["export", "eve", file("no/such/folder")])).code).toBe(1);
    expect(readdirSync(place.home).filter((entry) => entry.endsWith(".part"))).toEqual([]);
  });

  test("of another document is refused by name", async () => {
    const { code, stderr } = await crdtNode([
      "import",
      "finn",
      file("eve.changes"),
      "--room",
      "other",
    ]);
    expect(code).toBe(4);
    expect(stderr).toContain("wrong_document");
  });

  test("of a file with one altered bit takes nothing in and names the change", async () => {
    await crdtNode(["init", "gina"]);
    const bytes = readFileSync(file("eve.changes"));
    const bad = Buffer.from(bytes);
    const at = bad.indexOf(signatureIn(bytes));
    expect(at).toBeGreaterThan(0);
    bad[at] = (bad[at] ?? 0) ^ 1;
    writeFileSync(file("bad.changes"), bad);
    const { code, stderr } = await crdtNode(["import", "gina", file("bad.changes")]);
    expect(code).toBe(5);
    expect(stderr).toMatch(/damaged at change [0-9a-f]{64}/u);
    expect(await transactionsOf("gina")).toEqual([]);
    for (const junk of [Buffer.alloc(0), Buffer.from("hello"), bytes.subarray(0, -1)]) {
      writeFileSync(file("junk.changes"), junk);
      expect((await crdtNode(["import", "gina", file("junk.changes")])).code).toBe(5);
    }
    expect((await crdtNode(["import", "gina", file("none.changes")])).code).toBe(1);
  });
});

/** The first signature in an exported file. */
function signatureIn(bytes: Uint8Array): Uint8Array {
  const saved = decodeSaved(bytes);
  for (const group of saved.ok ? saved.value.groups : []) {
    const decoded = decodeGroup(group);
    for (const { signature } of decoded.ok ? decoded.value : [])
      if (signature !== null) return signature;
  }
  throw new Error("no signature");
}

describe("verify", () => {
  test("names the change whose bytes on disk were altered, with code 5, and nothing else touches the store", async () => {
    await crdtNode(["init", "hana"]);
    await store("hana", ["one"]);
    await store("hana", ["two", "three", "four"]);
    await store("hana", ["five"]);
    expect((await crdtNode(["verify", "hana"])).stdout).toContain("5 changes verified");
    const ids = (await crdtNode(["log", "hana", "--json"])).stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: string }).id);

    await alterStore(join(place.home, "hana", "store"), "three");
    const { code, stdout, stderr } = await crdtNode(["verify", "hana"]);
    expect(code).toBe(5);
    expect(stdout).toContain(`change ${ids[2]} is altered`);
    expect(stderr).toContain(ids[2]);
    const { stdout: json } = await crdtNode(["verify", "hana", "--json"]);
    expect(JSON.parse(json)).toMatchObject({ changes: 1, damages: [{ damaged: [ids[2]] }, {}] });
    for (const args of [
      ["view", "hana"],
      ["run", "hana"],
      ["send", "hana", "six"],
    ]) {
      const outcome = await crdtNode(args);
      expect(outcome.code).toBe(5);
      expect(outcome.stderr).toContain("next: crdt-node verify hana");
    }
  });
});

describe("a store that was lost", () => {
  test("is made anew under a chain of its own, so that no number is signed twice", async () => {
    await crdtNode(["init", "ivan"]);
    await store("ivan", ["before"]);
    expect((await crdtNode(["export", "ivan", join(place.home, "ivan.changes")])).code).toBe(0);
    rmSync(join(place.home, "ivan", "store"), { recursive: true });
    await store("ivan", ["after"]);
    expect((await crdtNode(["import", "ivan", join(place.home, "ivan.changes")])).code).toBe(0);
    const status = JSON.parse((await crdtNode(["status", "ivan", "--json"])).stdout) as {
      chain: string;
      faults: { forks: unknown[] };
    };
    expect(status.chain).not.toBe("0");
    expect(status.faults.forks).toEqual([]);
    expect((await transactionsOf("ivan")).map(({ from }) => from).toSorted()).toEqual([
      "after",
      "before",
    ]);
  });
});

describe("an author who signed two changes with one number", () => {
  const keyPair = generateKeyPair();
  const author = toHex(keyPair.publicKey);
  const proof = join(place.home, "liar.proof");
  let ids: string[] = [];

  /** Two documents that know nothing of each other, written with one key. */
  async function importLies(name: string, keys = keyPair): Promise<string[]> {
    const made: string[] = [];
    for (const from of ["this", "that"]) {
      const document = new Document({
        schema: ledger,
        id: documentId("main"),
        keyPair: keys,
        chain: 0n,
      });
      const { id } = document.change(
        (doc) => {
          doc.transactions.push({ from, to: "liar", amount: 1 });
        },
        { time: null },
      );
      made.push(toHex(id));
      const file = join(place.home, `lie-${toHex(id)}`);
      writeFileSync(file, document.save());
      expect((await crdtNode(["import", name, file])).code).toBe(0);
    }
    return made.toSorted();
  }

  test("is nobody as long as nobody did", async () => {
    await crdtNode(["init", "jana"]);
    expect(await crdtNode(["forks", "jana"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "nobody is known to have equivocated\n",
    });
    expect(await crdtNode(["forks", "jana", "--json"])).toMatchObject({ code: 0, stdout: "" });
    expect(await crdtNode(["forks", "jana", "--proof", proof])).toMatchObject({ code: 1 });
  });

  test("shows in status, log and dag, in words, and both changes are kept", async () => {
    ids = await importLies("jana");
    const [low, high] = ids.map((id) => id.slice(0, 8)) as [string, string];
    const status = JSON.parse((await crdtNode(["status", "jana", "--json"])).stdout) as {
      faults: { forks: unknown };
    };
    expect(status.faults.forks).toEqual([{ author, chain: "0", seq: 1, ids, own: false }]);
    expect((await crdtNode(["status", "jana"])).stdout).toContain(
      `faults   ${author.slice(0, 8)} signed two changes #1\n         crdt-node forks jana shows the proof\n`,
    );
    const { stdout: log } = await crdtNode(["log", "jana"]);
    expect(log).toMatch(new RegExp(`^${low}  .*  \\(equivocation: ${high} is #1, too\\)$`, "mu"));
    expect(log).toMatch(new RegExp(`^${high}  .*  \\(equivocation: ${low} is #1, too\\)$`, "mu"));
    const entries = (await crdtNode(["log", "jana", "--json"])).stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; forked: boolean; rival: string });
    expect(entries.map(({ id, forked, rival }) => [id, forked, rival]).toSorted()).toEqual([
      [ids[0], true, ids[1]],
      [ids[1], true, ids[0]],
    ]);
    expect((await crdtNode(["dag", "jana"])).stdout).toContain("equivocation: both are #1");
    const graph = (await crdtNode(["dag", "jana", "--format", "json"])).stdout;
    expect(JSON.parse(graph)).toMatchObject({ forks: [{ author, chain: "0", seq: 1, ids }] });
    expect(await transactionsOf("jana")).toHaveLength(2);
  });

  test("is listed by forks with what was signed, and the proof can be written to a file", async () => {
    const { stdout } = await crdtNode(["forks", "jana"]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toBe(`${author.slice(0, 8)} signed two changes #1:`);
    expect(lines.slice(1).toSorted()).toEqual(
      lines.slice(1).filter((line) => /^ {2}[0-9a-f]{8} {2}th(?:is|at) -> liar 1$/u.test(line)),
    );
    expect(lines).toHaveLength(3);
    const [one] = (await crdtNode(["forks", "jana", "--json"])).stdout.trimEnd().split("\n");
    expect(JSON.parse(one!)).toMatchObject({
      document: toHex(documentId("main")),
      author,
      chain: "0",
      seq: 1,
      changes: ids.map((id) => ({ id })),
    });
    expect(await crdtNode(["forks", "jana", "--proof", proof])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringContaining("crdt-node verify-proof") as string,
    });
    expect(readFileSync(proof).toString("base64")).toBe(
      (JSON.parse(one!) as { proof: string }).proof,
    );
    // A file is never overwritten.
    expect(await crdtNode(["forks", "jana", "--proof", proof])).toMatchObject({ code: 4 });
    const other = await place.run(["forks", "jana", "--proof", "-"]);
    expect(other.code).toBe(0);
  });

  test("is picked by the first digits of the key or of an id, when there are several", async () => {
    const another = generateKeyPair();
    const [id] = await importLies("jana", another);
    const file = join(place.home, "another.proof");
    expect(await crdtNode(["forks", "jana", "--proof", file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there are 2 proofs") as string,
    });
    expect(existsSync(file)).toBe(false);
    expect(
      await crdtNode(["forks", "jana", "--of", id!.slice(0, 12), "--proof", file]),
    ).toMatchObject({ code: 0 });
    const { stdout } = await crdtNode(["verify-proof", file]);
    expect(stdout).toContain(`key       ${toHex(another.publicKey)}\n`);
    const listed = (await crdtNode(["forks", "jana", "--of", author])).stdout;
    expect(listed.split("\n").filter((line) => line.includes("signed"))).toHaveLength(1);
  });

  test("is proven to anyone who has the file: no node, no store, no relay", async () => {
    const nowhere = join(place.home, "nowhere");
    const outcome = await place.run(["verify-proof", proof], "", { SIDE_HOME: nowhere });
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout.split("\n").slice(0, 3)).toEqual([
      "proven: one key signed two different changes #1",
      `key       ${author}`,
      `document  ${toHex(documentId("main"))}`,
    ]);
    expect(existsSync(nowhere)).toBe(false);
    const { stdout } = await crdtNode(["verify-proof", proof, "--room", "main", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      author,
      seq: 1,
      changes: ids.map((id) => ({ id })),
    });
    expect(await crdtNode(["verify-proof", proof, "--room", "cafe"])).toMatchObject({ code: 4 });
  });

  test("is not proven by bytes that were tampered with, by half of them, or by any other file", async () => {
    const bytes = readFileSync(proof);
    const tampered = join(place.home, "tampered");
    for (const [made, code] of [
      [bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1), "bad_signature"],
      [bytes.subarray(0, bytes.length / 2), "malformed"],
      [Buffer.alloc(0), "malformed"],
      [Buffer.alloc(3_000_000), "too_large"],
    ] as const) {
      writeFileSync(tampered, made);
      expect(await crdtNode(["verify-proof", tampered])).toMatchObject({
        code: 5,
        stdout: "",
        stderr: expect.stringContaining(`proves nothing (${code})`) as string,
      });
    }
    expect(await crdtNode(["verify-proof", join(place.home, "none")])).toMatchObject({ code: 1 });
  });
});

describe("a node whose key is lost", () => {
  const folder = join(place.home, "lea");
  const key = join(folder, "keys.pem");

  beforeAll(async () => {
    await crdtNode(["init", "lea"]);
    await store("lea", ["lea -> bob 10 lunch"]);
    renameSync(key, `${key}.away`);
  });

  test("can be read by every command that signs nothing, with one warning", async () => {
    const file = join(place.home, "lea.changes");
    for (const [args, shows] of [
      [["view", "lea"], "lea -> bob 10 lunch"],
      [["view", "lea", "--json"], '"memo":"lunch"'],
      [["log", "lea"], "lea -> bob 10 lunch"],
      [["forks", "lea"], ""],
      [["dag", "lea"], "digraph"],
      [["status", "lea"], "lost: nothing can be signed"],
      [["status", "lea", "--json"], '"key":""'],
      [["verify", "lea"], "1 change verified"],
      [["export", "lea", file], ""],
    ] as const) {
      const { code, stdout, stderr } = await crdtNode(args);
      expect([args[0], code]).toEqual([args[0], 0]);
      expect(stdout).toContain(shows);
      if (args[0] !== "verify")
        expect(stderr).toContain(`warning: the key ${key} is not there; reading needs none\n`);
    }
    await crdtNode(["init", "lea2"]);
    expect(await crdtNode(["import", "lea2", file])).toMatchObject({ code: 0 });
    expect(await digestOf("lea2")).toBe(await digestOf("lea"));
  });

  test.each([
    ["run"],
    ["whoami"],
    ["send", "lea -> bob 1"],
    ["import", join(place.home, "lea.changes")],
  ])("is told what to do by %s, and signs nothing", async (command, ...args) => {
    const { code, stdout, stderr } = await crdtNode([command, "lea", ...args]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`the key ${key} is not there\n`);
    expect(stderr).toContain(`  next: install -m 600 /your/copy/of/keys.pem ${key}\n`);
  });

  test("is told apart by init from a node that is there, and from a folder that is none", async () => {
    const { code, stderr } = await crdtNode(["init", "lea"]);
    expect(code).toBe(4);
    expect(stderr).toContain('there is a node named "lea" already, which has lost its key\n');
    expect(stderr).toContain("  next: crdt-node export lea lea.changes\n");
    const empty = join(place.home, "empty");
    mkdirSync(empty, { mode: 0o700 });
    for (const [command, expected] of [
      ["init", 4],
      ["view", 1],
      ["whoami", 1],
    ] as const) {
      const refused = await crdtNode([command, "empty"]);
      expect([command, refused.code]).toEqual([command, expected]);
      expect(refused.stderr).toContain('there is no node named "empty", but something else');
      expect(refused.stderr).toContain(`  next: mv ${empty} ${empty}.old && crdt-node init empty`);
    }
    expect(readdirSync(empty)).toEqual([]);
  });

  test("signs again when the key is put back, without contradicting itself", async () => {
    renameSync(`${key}.away`, key);
    await store("lea", ["lea -> bob 11"]);
    expect((await statusOf("lea")).faults).toMatchObject({ forkCount: 0 });
    expect(await transactionsOf("lea")).toHaveLength(2);
  });
});

test("Ctrl-C ends a command that waits with code 130, and what it stored stays", async () => {
  const program = place.start(["send", "eve", "patient", "--timeout", "60"], {
    SIDE_RELAY: NOWHERE,
  });
  await program.line(/patient -> Bob 1/u);
  expect((await program.end("SIGINT")).code).toBe(130);
  expect((await transactionsOf("eve")).at(-1)?.from).toBe("patient");
});

test("output that nobody reads to its end is no error", async () => {
  const program = place.start(["log", "eve"]);
  program.child.stdout?.destroy();
  expect((await program.exited).code).toBe(0);
  expect(program.errorLines).toEqual([]);
});

test("SIDE_HOME is made when it is not there, and a folder that cannot be made is an error", async () => {
  const home = join(place.home, "deep", "er");
  vi.stubEnv("SIDE_HOME", home);
  expect((await crdtNode(["init", "kim"])).code).toBe(0);
  expect(existsSync(join(home, "kim", "keys.pem"))).toBe(true);
  mkdirSync(join(place.home, "plain"));
  writeFileSync(join(place.home, "plain", "file"), "");
  vi.stubEnv("SIDE_HOME", join(place.home, "plain", "file"));
  const { code, stderr } = await crdtNode(["init", "kim"]);
  vi.stubEnv("SIDE_HOME", place.home);
  expect(code).toBe(1);
  expect(stderr).toContain("cannot make the folder");
});

/** Flips one bit of a text in the values of a store, past the checksums of the database. */
async function alterStore(path: string, text: string): Promise<void> {
  const db = new ClassicLevel<Buffer, Buffer>(path, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
  });
  for await (const [key, value] of db.iterator()) {
    const at = value.indexOf(text);
    if (at < 0) continue;
    value[at] = (value[at] ?? 0) ^ 1;
    await db.put(key, value);
  }
  await db.close();
}
