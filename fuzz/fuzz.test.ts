/**
 * The corpus stays without findings, each target runs under a fixed seed, and a broken subject in the place of each
 * real one is found and shrunk: no oracle is blind.
 */
import { tmpdir } from "node:os";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ChangeLog } from "../packages/bft-json-crdt/src/store/index.ts";
import { changeId, decodeBody, decodeGroup } from "../packages/bft-json-crdt/src/change/index.ts";
import { decodePrivateKeyPem } from "../packages/bft-json-crdt/src/crypto/index.ts";
import { Document } from "../packages/bft-json-crdt/src/document/index.ts";
import { decodeSaved } from "../packages/bft-json-crdt/src/document/index.ts";
import { decodeValue, toHex } from "../packages/bft-json-crdt/src/encoding/index.ts";
import { decodeForkProof } from "../packages/bft-json-crdt/src/history/index.ts";
import { decodeGenesis } from "../packages/bft-json-crdt/src/change/index.ts";
import type { ReceivedGroup } from "../packages/bft-json-crdt/src/history/index.ts";
import type { Schema } from "../packages/bft-json-crdt/src/schema/index.ts";
import { parseMessage, SyncSession } from "../packages/bft-json-crdt/src/sync/index.ts";
import { Choices } from "../packages/bft-json-crdt/test/random-edits.ts";
import { loadSettings } from "../packages/crdt-node/src/settings.ts";
import { parseTransaction } from "../packages/crdt-node/src/transaction.ts";
import { Session } from "../packages/crdt-relayer/src/session.ts";
import { loadSettings as loadRelayerSettings } from "../packages/crdt-relayer/src/settings.ts";
import { describe, expect, it } from "vitest";
import { loadCorpus, readFixture, saveFinding, targetOf } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { faultOf, Fuzzer } from "./engine.ts";
import type { Finding } from "./engine.ts";
import { DOCUMENT } from "./history.ts";
import { MAZE } from "./maze.ts";
import { mutate } from "./mutate.ts";
import { shrink } from "./shrink.ts";
import type { Target } from "./target.ts";
import { configTarget } from "./targets/config.ts";
import { decodeTarget } from "./targets/decode.ts";
import { allTargets } from "./targets/index.ts";
import { keyFileTarget } from "./targets/key-file.ts";
import { linesTarget } from "./targets/lines.ts";
import { messagesTarget } from "./targets/messages.ts";
import { receiveTarget } from "./targets/receive.ts";
import { relayTarget } from "./targets/relay.ts";
import { storeTarget } from "./targets/store.ts";
import { syncTarget } from "./targets/sync.ts";
import { sizeOf, treeFromJson, treeToJson } from "./tree.ts";

/** Inputs of each target that run here; `pnpm fuzz` runs as many as time allows. */
const RUNS = 80;

/** Inputs in which a broken subject must be found out; most are in the first hundred. */
const MOST_RUNS = 3_000;

describe("each target", () => {
  it.each(allTargets())("$name finds nothing in its corpus", async (target) => {
    const findings: (readonly [string, string])[] = [];
    for (const { name, input } of loadCorpus(target.name)) {
      const fault = await faultOf(target, input, false);
      if (fault !== null) findings.push([name, fault]);
    }
    expect(findings).toEqual([]);
    expect(loadCorpus(target.name).length).toBeGreaterThan(0);
  });

  it.each(allTargets())("$name finds nothing in some new inputs", async (target) => {
    const fuzzer = new Fuzzer(target, { seed: 1, coverage: null, isTimed: false });
    const findings: Finding[] = [];
    while (fuzzer.runs < RUNS) findings.push(...(await fuzzer.step()));
    expect(findings).toEqual([]);
  });
});

/** A target with a broken subject in it. */
interface Broken {
  readonly what: string;
  readonly target: Target;
}

const BROKEN: readonly Broken[] = [
  {
    what: "a decoder that passes over a byte behind the value",
    target: decodeTarget({
      decodeBody,
      decodeGroup,
      decodeForkProof,
      decodeSaved,
      decodeGenesis,
      decodeValue: (bytes) => {
        const decoded = decodeValue(bytes);
        return decoded.ok ? decoded : decodeValue(bytes.subarray(0, -1));
      },
    }),
  },
  {
    what: "a replica that keeps the first of two changes with one number",
    target: receiveTarget((schema) => new FirstComes({ schema, id: DOCUMENT, chain: 1n })),
  },
  {
    what: "a session that takes every text for JSON",
    target: syncTarget((options) => new Trusting(options)),
  },
  {
    what: "a parser of messages that takes every JSON for an object",
    target: messagesTarget((text) => {
      const { type } = JSON.parse(text) as { readonly type: string };
      return parseMessage(type === "" ? "" : text);
    }),
  },
  {
    what: "a relay that fails for a command without a room",
    target: relayTarget((socket, peer, host) => {
      socket.on("message", (data: Buffer) => {
        if (data.toString() === "/join") throw new Error("no room");
      });
      return new Session(socket, peer, host);
    }),
  },
  {
    what: "a writer of transactions that never quotes",
    target: linesTarget({
      parse: parseTransaction,
      format: ({ from, to, amount, memo }) => `${from} -> ${to} ${amount} ${memo ?? ""}`,
    }),
  },
  {
    what: "settings that take a room from a variable without a look",
    target: configTarget({
      relayer: loadRelayerSettings,
      node: (path, flags, env) => {
        const { SIDE_ROOM: room = "", ...others } = env;
        const settings = loadSettings(path, flags, others);
        return room === "" ? settings : { ...settings, room };
      },
    }),
  },
  {
    what: "a reader of keys that does not mind what stands around them",
    target: keyFileTarget((text) => decodePrivateKeyPem(`${text.trim()}\n`)),
  },
  {
    what: "a log that keeps quiet about damage",
    target: storeTarget((db, document) => new Quiet(db, document)),
  },
];

class FirstComes extends Document<Schema> {
  readonly #seen = new Map<string, string>();

  override receive(group: Uint8Array, peer?: string): ReceivedGroup {
    const entries = decodeGroup(group);
    for (const { body } of entries.ok ? entries.value : []) {
      const header = decodeBody(body);
      if (!header.ok) continue;
      const { author, chain, seq } = header.value;
      const place = `${toHex(author)} ${chain} ${seq}`;
      const id = toHex(changeId(body));
      const first = this.#seen.get(place) ?? id;
      this.#seen.set(place, first);
      if (first !== id) return super.receive(new Uint8Array(), peer);
    }
    return super.receive(group, peer);
  }
}

class Trusting extends SyncSession {
  override receive(frame: string | Uint8Array): void {
    if (typeof frame === "string") JSON.parse(frame);
    super.receive(frame);
  }
}

class Quiet extends ChangeLog {
  override async *replay(
    history: Parameters<ChangeLog["replay"]>[0],
  ): ReturnType<ChangeLog["replay"]> {
    for await (const fault of super.replay(history)) yield fault === null ? fault : null;
  }
}

describe("what is broken is found", () => {
  it.each(BROKEN)("in $target.name: $what", async ({ target }) => {
    const fuzzer = new Fuzzer(target, { seed: 1, coverage: null, isTimed: false });
    let finding: Finding | undefined;
    while (finding === undefined && fuzzer.runs < MOST_RUNS) [finding] = await fuzzer.step();
    expect(finding, `nothing in ${fuzzer.runs} runs`).toBeDefined();
    const { input } = finding!;
    expect(await faultOf(target, input, false)).not.toBeNull();
    const real = allTargets().find(({ name }) => name === target.name)!;
    expect(await faultOf(real, input, false)).toBeNull();
    expect(sizeOf(input)).toBeLessThan(250);
  });

  it("has a broken subject for every target", () => {
    expect(BROKEN.map(({ target }) => target.name)).toEqual(allTargets().map(({ name }) => name));
  });
});

describe("the search", () => {
  it("gets further when it is guided by what it reaches", async () => {
    const coverage = new Coverage((url) => url.includes("maze"));
    const runsUntilFound = async (isBlind: boolean): Promise<number> => {
      const fuzzer = new Fuzzer(MAZE, {
        seed: 1,
        coverage: isBlind ? null : coverage,
        isTimed: false,
      });
      while (fuzzer.runs < 12_000) if ((await fuzzer.step()).length > 0) return fuzzer.runs;
      return Infinity;
    };
    expect(await runsUntilFound(false)).toBeLessThan(12_000);
    expect(await runsUntilFound(true)).toBe(Infinity);
    coverage.close();
  });

  it("is the same for one seed", () => {
    const mutants = (): string[] => {
      const choices = new Choices(7);
      const input = decodeTarget().fresh(choices);
      const sources = { donor: () => input, words: ["word"] };
      return Array.from({ length: 50 }, () => treeToJson(mutate(input, choices, sources)));
    };
    expect(mutants()).toEqual(mutants());
    expect(new Set(mutants()).size).toBeGreaterThan(30);
  });

  it("shrinks to what matters", async () => {
    const input = { a: [1, "noise", { deep: [7, "x".repeat(50)] }], b: new Uint8Array(9).fill(3) };
    const fails = (tree: unknown): Promise<boolean> =>
      Promise.resolve(/xx/u.test(JSON.stringify(tree)));
    expect(await shrink(input, fails, 1_000)).toEqual({ a: [{ deep: ["xx"] }] });
  });
});

describe("a fixture", () => {
  it("reads back as the tree that was written", () => {
    const odd = [NaN, -0, Infinity, 2n ** 70n, new Uint8Array([1, 2]), "\ud800", null, true];
    fc.assert(
      fc.property(
        fc.letrec((tie) => ({
          tree: fc.oneof(
            { maxDepth: 3 },
            fc.constantFrom(...odd),
            fc.string(),
            fc.double(),
            fc.array(tie("tree")),
            fc.dictionary(
              fc.oneof(fc.constantFrom("$hex", "$map", "__proto__"), fc.string()),
              tie("tree"),
            ),
          ),
        })).tree,
        (tree) => {
          const input = tree as Parameters<typeof treeToJson>[0];
          expect(treeToJson(treeFromJson(treeToJson(input)))).toBe(treeToJson(input));
        },
      ),
    );
  });

  it("is found again by the name of its folder", () => {
    const folder = mkdtempSync(join(tmpdir(), "fuzz-test-"));
    try {
      const path = saveFinding({ target: "decode", message: "x", input: { bytes: [1] } }, folder);
      expect(targetOf(path)).toBe("decode");
      expect(loadCorpus("decode", folder)).toEqual([readFixture(path)]);
      expect(readFixture(path).input).toEqual({ bytes: [1] });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
