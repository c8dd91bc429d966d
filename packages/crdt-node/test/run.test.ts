/** A node that runs: what it shows, what it survives, and how other commands reach it. */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Document, documentId, generateKeyPair, toHex } from "bft-json-crdt";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { ledger } from "../src/ledger.ts";
import { crdtNode, digestOf, statusOf, transactionsOf, useHome } from "./in-process.ts";
import { NOWHERE, Place, type Program } from "./processes.ts";

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

async function init(
  name: string,
  room: string,
  relays: readonly string[] = [relay.url],
): Promise<string> {
  const { stdout } = await crdtNode([
    "init",
    name,
    "--room",
    room,
    ...relays.flatMap((url) => ["--relay", url]),
  ]);
  return stdout.trimEnd().split("\n").at(-1) ?? "";
}

async function running(name: string, ...options: string[]): Promise<Program> {
  const program = place.start(["run", name, ...options]);
  await program.errorLine(/ is running in room /u);
  return program;
}

describe("two running nodes", () => {
  const room = "cafe";
  let keys: string[] = [];
  let nodes: Program[] = [];
  beforeAll(async () => {
    keys = [await init("anna", room), await init("bert", room)];
    nodes = await Promise.all([running("anna"), running("bert", "--json")]);
  });

  test("show what is typed into either, who signed it, and the same digest when it is quiet", async () => {
    const [anna, bert] = nodes as [Program, Program];
    anna.type('{"from":"alice","to":"bob","amount":10,"memo":"\\u001b[31mlunch"}\n');
    bert.type('{"from":"bob","to":"alice","amount":2.5}\nhello\n');
    await anna.line(/^digest [0-9a-f]{12} {2}3 transactions$/u);
    expect(anna.lines).toContain(
      `${keys[0]?.slice(0, 8)} you  {"from":"alice","to":"bob","amount":10,"memo":"\\u001b[31mlunch"}`,
    );
    expect(anna.lines).toContain(`${keys[1]?.slice(0, 8)}      bob -> alice 2.5`);
    expect(anna.lines).toContain(`${keys[1]?.slice(0, 8)}      hello -> Bob 1`);
    await bert.until("digest of 3", () =>
      bert.lines.some((line) => line.includes('"transactions":3')),
    );
    const events = bert.lines.map((line) => JSON.parse(line) as { [key: string]: unknown });
    expect(events.find(({ author }) => author === keys[0])).toMatchObject({
      type: "transaction",
      own: false,
      transaction: { from: "alice", to: "bob", amount: 10, memo: "\u001b[31mlunch" },
    });
    expect(events.filter(({ own }) => own === true)).toHaveLength(2);
    const digest = events.findLast(({ type }) => type === "digest")?.["digest"];
    const shown = anna.lines.findLast((line) => line.startsWith("digest "));
    expect(shown?.slice(7, 19)).toBe(String(digest).slice(0, 12));
  });

  test("say what is wrong with a line and go on", async () => {
    const [anna] = nodes as [Program];
    anna.type(`alice -> bob ten\n\n{"from":"x"\n${"x".repeat(100_000)}\nfine -> again 1\n`);
    await anna.line(/fine -> again 1/u);
    const complaints = anna.errorLines.filter((line) => line.startsWith("crdt-node:"));
    expect(complaints).toHaveLength(3);
    expect(complaints[0]).toBe(
      'crdt-node: line 2: the amount after "bob" must be a number like 10 or 2.50, not "ten"',
    );
    expect(complaints[1]).toContain("line 4: broken JSON");
    expect(complaints[2]).toContain("line 5: the line is longer than 65,536 bytes");
  });

  test("cannot be run twice", async () => {
    const { code, stdout, stderr } = await place.run(["run", "anna"]);
    expect([code, stdout]).toEqual([4, ""]);
    expect(stderr).toContain(`"anna" is already running as process ${nodes[0]?.pid}`);
  });

  test("answer the other commands on their control socket", async () => {
    const [anna] = nodes as [Program];
    expect(statSync(join(place.home, "anna", "control.sock")).mode & 0o777).toBe(0o600);
    const sent = await place.run([
      "send",
      "anna",
      "--json",
      "from -> outside 7",
      "\u{1f9c1} -> b 1",
    ]);
    expect([
      sent.code,
      (JSON.parse(sent.stdout) as { acknowledged: boolean }).acknowledged,
    ]).toEqual([0, true]);
    await anna.line(/ you {2}from -> outside 7$/u);

    const file = join(place.home, "anna.changes");
    const view = await transactionsOf("anna");
    expect(view).toHaveLength(6);
    expect(view.at(-1)).toEqual({ from: "\u{1f9c1}", to: "b", amount: 1 });
    expect(await statusOf("anna")).toMatchObject({
      running: true,
      pid: anna.pid,
      relays: [{ url: relay.url, state: "synced", reason: null }],
      unacknowledged: 0,
      changes: 6,
    });
    expect((await place.run(["log", "anna", "--json"])).stdout.trimEnd().split("\n")).toHaveLength(
      6,
    );
    expect((await place.run(["verify", "anna"])).stdout).toContain("6 changes verified");
    expect((await crdtNode(["dag", "anna"])).stdout).toMatch(/^digraph/u);
    expect([(await crdtNode(["export", "anna", file])).code, existsSync(file)]).toEqual([0, true]);
  });

  test("refuse a command that names another room", async () => {
    const { code, stderr } = await crdtNode(["view", "anna", "--room", "elsewhere"]);
    expect(code).toBe(4);
    expect(stderr).toContain('"anna" is running in room "cafe", not in "elsewhere"');
  });

  test("survive anything that is said on the control socket", async () => {
    const path = join(place.home, "anna", "control.sock");
    const junk = [
      "x\n",
      "{}\n",
      '{"id":1}\n',
      '{"id":1,"method":5}\n',
      `${"[".repeat(50_000)}\n`,
      "y".repeat(3_000_000),
      "\u0000\n",
    ];
    for (const text of junk) {
      expect(await talk(path, text)).toContain('"id":null');
    }
    const requests = [
      { id: 1, method: "nonsense" },
      { id: 2, method: "append", params: { transactions: [{ from: "a", to: "b", amount: -1 }] } },
      { id: 3, method: "append", params: { transactions: "x" } },
      { id: 4, method: "import", params: { group: "AAAA" } },
      { id: 5, method: "import", params: {} },
      { id: 6, method: "delivery", params: { id: "00", timeoutMs: 1 } },
      { id: 7, method: "delivery", params: { id: "0".repeat(64), timeoutMs: 1 } },
      { id: 8, method: "dag", params: { format: "png" } },
      { id: 9, method: "digest" },
    ];
    const answers = (
      await talk(path, requests.map((request) => `${JSON.stringify(request)}\n`).join(""), 10)
    )
      .trimEnd()
      .split("\n")
      .map(
        (line) =>
          JSON.parse(line) as { id?: number; error?: object; result?: object; hello?: object },
      );
    expect(answers[0]?.hello).toMatchObject({ protocol: 1, room: "cafe" });
    for (const request of requests.slice(0, -1)) {
      expect(answers.find(({ id }) => id === request.id)?.error).toBeDefined();
    }
    expect(answers.find(({ id }) => id === 9)?.result).toBeDefined();
    // Somebody who goes away in the middle of a long answer.
    await new Promise<void>((resolve) => {
      const socket = connect(path, () => {
        socket.write('{"id":1,"method":"log"}\n');
        socket.destroy();
      });
      socket.on("close", () => {
        resolve();
      });
    });
    expect(await transactionsOf("anna")).toHaveLength(6);
  });

  test("warn of an author who equivocates, and keep both changes", async () => {
    const [anna, bert] = nodes as [Program, Program];
    const keyPair = generateKeyPair();
    for (const from of ["this", "that"]) {
      const liar = new Document({ schema: ledger, id: documentId(room), keyPair, chain: 0n });
      liar.change((doc) => {
        doc.transactions.push({ from, to: "liar", amount: 1 });
      });
      writeFileSync(join(place.home, from), liar.save());
      expect((await crdtNode(["import", "anna", join(place.home, from)])).code).toBe(0);
    }
    const author = toHex(keyPair.publicKey);
    await anna.errorLine(
      new RegExp(
        `^warning: equivocation: ${author} signed two different changes as number 1 of chain 0`,
        "u",
      ),
    );
    await bert.errorLine(new RegExp(`^warning: equivocation: ${author} `, "u"));
    await bert.line(new RegExp(`"type":"equivocation","author":"${author}"`, "u"));
    await anna.line(/ {2}8 transactions$/u);
    expect(await digestOf("anna")).toBe(await digestOf("bert"));
  });

  test("go on at the end of the input, and end with code 0 at SIGINT and SIGTERM", async () => {
    const [anna, bert] = nodes as [Program, Program];
    anna.child.stdin?.end("last -> words 1");
    await bert.line(/"from":"last"/u);
    expect(anna.child.exitCode).toBeNull();
    expect((await anna.end("SIGINT")).code).toBe(0);
    expect((await bert.end("SIGTERM")).code).toBe(0);
    expect(existsSync(join(place.home, "anna", "control.sock"))).toBe(false);
    expect(existsSync(join(place.home, "anna", "lock"))).toBe(false);
    expect((await transactionsOf("anna")).at(-1)).toEqual({ from: "last", to: "words", amount: 1 });
  });
});

describe("a node without a relay", () => {
  test("stores what is typed, also when it is killed, and delivers it when there is one", async () => {
    await init("cara", "later", [NOWHERE]);
    await init("dora", "later");
    const first = await running("cara");
    await first.errorLine(
      /^offline from ws:\/\/127\.0\.0\.1:9\/websocket: nothing listens there; trying again$/u,
    );
    first.type("one -> two 1\none -> two 2\n");
    await first.line(/ you {2}one -> two 2$/u);
    const sent = await crdtNode(["send", "cara", "--timeout", "0", "one -> two 2.5"]);
    expect(sent.code).toBe(3);
    expect(sent.stderr).toContain("nothing listens there");
    await first.end("SIGKILL");
    // What a killed node leaves behind hinders nobody.
    expect(await transactionsOf("cara")).toHaveLength(3);

    const second = await running("cara", "--relay", relay.url);
    second.type("one -> two 3\n");
    const dora = await running("dora");
    await dora.line(/ {6}one -> two 3$/u);
    await dora.line(/^digest .* {2}4 transactions$/u);
    await Promise.all([second.end(), dora.end()]);
    expect(await digestOf("cara")).toBe(await digestOf("dora"));
  });
});

describe("a node that is killed again and again", () => {
  test("keeps every line that it has shown, and never signs two changes with one number", async () => {
    await init("emil", "mortal");
    const kept = new Set<string>();
    for (let life = 0; life < 4; life++) {
      const node = await running("emil");
      node.type(Array.from({ length: 400 }, (_, i) => `life${life} -> x ${i + 1}\n`).join(""));
      await node.until("some lines", () => node.lines.some((line) => line.includes(`life${life}`)));
      await node.end("SIGKILL");
      for (const line of node.lines)
        if (line.includes(" you  ")) kept.add(line.split(" you  ")[1] ?? "");
    }
    const view = (await crdtNode(["view", "emil"])).stdout.trimEnd().split("\n");
    expect(new Set(view).size).toBe(view.length);
    for (const line of kept) expect(view).toContain(line);

    // Everything that had left before a kill comes back from the relay to another node: it is the same history.
    await init("fritz", "mortal");
    const [emil, fritz] = await Promise.all([running("emil"), running("fritz")]);
    await fritz.line(new RegExp(` {2}${view.length.toLocaleString("en-US")} transactions$`, "u"));
    expect((await statusOf("fritz")).faults).toEqual({ forks: [], forkCount: 0, rejected: {} });
    expect((await crdtNode(["verify", "emil"])).code).toBe(0);
    await Promise.all([emil.end(), fritz.end()]);
  });
});

test("what is sent from a store that was away stands after what others wrote meanwhile", async () => {
  await init("mia", "order");
  await init("nils", "order");
  for (const [name, line] of [
    ["mia", "a -> b 1"],
    ["nils", "a -> b 2"],
    ["mia", "a -> b 3"],
  ] as const) {
    const { code, stderr } = await crdtNode(["send", name, line]);
    expect([code, stderr]).toEqual([0, "1 transaction stored, and acknowledged by a relay\n"]);
  }
  expect((await transactionsOf("mia")).map(({ amount }) => amount)).toEqual([1, 2, 3]);
});

test("the first line that is piped into a node that was away stands after what others wrote meanwhile", async () => {
  await init("olga", "piped");
  await init("petr", "piped");
  expect((await crdtNode(["send", "petr", "a -> b 1"])).code).toBe(0);
  const olga = place.start(["run", "olga"]);
  olga.child.stdin?.end("a -> b 2\na -> b 3\n");
  await olga.line(/ you {2}a -> b 3$/u);
  await olga.end();
  expect((await transactionsOf("olga")).map(({ amount }) => amount)).toEqual([1, 2, 3]);
});

describe("several relays", () => {
  test("are all used at once, and the node passes changes on from one to the other", async () => {
    const other = await place.relay(":memory:");
    await init("gerd", "bridge", [relay.url, other.url]);
    await init("hugo", "bridge");
    await init("ines", "bridge", [other.url]);
    const [gerd, hugo, ines] = await Promise.all([
      running("gerd"),
      running("hugo"),
      running("ines"),
    ]);
    hugo.type("hugo -> ines 1\n");
    ines.type("ines -> hugo 2\n");
    await hugo.line(/ {6}ines -> hugo 2$/u);
    await ines.line(/ {6}hugo -> ines 1$/u);
    expect((await statusOf("gerd")).relays.map(({ state }) => state)).toEqual(["synced", "synced"]);
    await Promise.all([gerd.end(), hugo.end(), ines.end()]);
  });
});

describe("a relay that says anything at all", () => {
  test("cannot end the node or put anything into the document", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    let joins = 0;
    const document = toHex(documentId("hostile"));
    server.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.on("message", () => {
        if (joins++ > 3) return;
        for (const text of [
          "",
          "hello",
          "{",
          "[]",
          "null",
          '{"type":5}',
          '{"type":"joined"}',
          '{"__proto__":{"type":"joined"}}',
        ])
          socket.send(text);
        if (joins === 1)
          socket.send(
            JSON.stringify({ type: "joined", room: "hostile", document: "0".repeat(64) }),
          );
        socket.send(JSON.stringify({ type: "joined", room: "hostile", document, protocol: 1 }));
        for (const text of [
          "",
          "x",
          '{"type":"have"}',
          '{"type":"have","heads":[5]}',
          '{"type":"error","code":"\u001b[2J","detail":"\u001b[2J"}',
        ])
          socket.send(text);
        socket.send(`{"type":"have","heads":["${"0".repeat(64)}"]}`);
        for (const bytes of [
          [],
          [0],
          [0x81],
          [0x81, 0x82, 0x40, 0xf6],
          [0xff],
          Array<number>(5_000).fill(0x81),
        ])
          socket.send(Buffer.from(bytes));
        if (joins === 3) socket.send(Buffer.alloc(3_000_000));
      });
    });
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const url = typeof address === "object" ? `ws://127.0.0.1:${address?.port}/websocket` : "";
    await init("jens", "hostile", [url, relay.url]);
    const node = await running("jens");
    node.type("still -> here 1\n");
    await node.errorLine(/^warning: /u);
    await node.line(/^digest .* {2}1 transaction$/u);
    expect((await statusOf("jens")).changes).toBe(1);
    for (const line of [...node.lines, ...node.errorLines]) expect(line).not.toContain("\u001b");
    expect((await node.end()).code).toBe(0);
    server.close();
    for (const client of server.clients) client.terminate();
  });
});

test("a home whose path is too long for a socket has it elsewhere", async () => {
  const env = { SIDE_HOME: join(place.home, "d".repeat(60), "e".repeat(60)) };
  await place.run(["init", "kurt", "--relay", NOWHERE], "", env);
  const node = place.start(["run", "kurt"], env);
  await node.errorLine(/ is running /u);
  node.type("a -> b 1\n");
  await node.line(/ you {2}a -> b 1$/u);
  const status = JSON.parse((await place.run(["status", "kurt", "--json"], "", env)).stdout) as {
    running: boolean;
  };
  expect(status.running).toBe(true);
  expect((await node.end()).code).toBe(0);
  expect(existsSync(join(env.SIDE_HOME, "kurt", "control.path"))).toBe(false);
});

test("a node whose output nobody reads any more stores what it has read and ends with code 0", async () => {
  await init("lena", "pipe", [NOWHERE]);
  const node = await running("lena");
  node.type("a -> b 1\n");
  await node.line(/ you {2}a -> b 1$/u);
  node.child.stdout?.destroy();
  node.type("a -> b 2\n");
  expect((await node.exited).code).toBe(0);
  expect(await transactionsOf("lena")).toHaveLength(2);
});

/** Says something on a socket and returns what was answered, until the other end hangs up or so many lines came. */
function talk(path: string, text: string, lines = Infinity): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(path, () => {
      socket.write(text.endsWith("\n") ? text : `${text}\n`);
    });
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      answer += chunk;
      if (answer.split("\n").length > lines) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      resolve(answer);
    });
  });
}
