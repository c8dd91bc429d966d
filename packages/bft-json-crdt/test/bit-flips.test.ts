/**
 * Every single bit of everything that travels, flipped: a change with ops of every kind, a closed group, each control
 * message, a saved document, a genesis. (Fork proofs: src/history/fork-proof.test.ts; frames that the relay alone reads:
 * the relayer's and the node's own tests.) What was flipped is refused with a code, or is something else under another
 * id; it never throws, never harms what honest people wrote, and no id ever has two views.
 */
import { afterAll, describe, expect, it } from "vitest";
import {
  decodeGenesis,
  encodeGenesis,
  genesisDocumentId,
  SIGNATURE_BYTES,
} from "../src/change/index.ts";
import {
  counter,
  Document,
  documentId,
  list,
  map,
  set,
  string,
  struct,
  text,
  toHex,
} from "../src/index.ts";
import type { ReceivedGroup, RejectionCode } from "../src/index.ts";
import { encodeMessage, liveGroups, parseMessage, SyncSession } from "../src/sync/index.ts";
import type { SyncMessage } from "../src/sync/index.ts";
import { flipped, forge, groupOf, op, ops, person, signed } from "./forge.ts";
import type { Forged, Recipe } from "./forge.ts";
import { rememberVerdicts } from "./remembered-verdicts.ts";
import { same, sameAll } from "./same.ts";

// Whether a signature holds is a function of its bytes: each is verified once, however often it comes again.
afterAll(rememberVerdicts());

const ID = documentId("bit flips");
const [ALICE, BOB, MALLORY] = [person(30), person(31), person(32)];
const schema = struct({
  reg: string(),
  words: list(string()),
  title: text(),
  pages: map(string()),
  total: counter(),
  tags: set(string()),
});
type Replica = Document<typeof schema>;

/** What can become of bytes that are refused. */
const CODES: readonly (RejectionCode | undefined)[] = [
  "malformed",
  "too_large",
  "unsupported_version",
  "wrong_document",
  "bad_signature",
  "missing_signature",
  "wrong_prev",
  "wrong_lamport",
  "rejected_dependency",
];

function replica(): Replica {
  return new Document({ schema, id: ID });
}

function mallory(recipe: Partial<Recipe> = {}): Forged {
  return forge({ document: ID, author: MALLORY, ...recipe });
}

const heads = (document: Replica): string => document.frontier().map(toHex).join(" ");

const bitsOf = (bytes: Uint8Array): number => 8 * bytes.length;

/** Ops of every kind, with something in each for a bit to make a difference. */
const EVERY_KIND = [
  ops.insert(["words"], "a", "b"),
  ops.insertBy(1, [2, 0, 1], "c"),
  ops.text(["title"], "é🙂"),
  ops.textBy(0, [2, 0, 4], "x"),
  ops.assign(["reg"], "new", [2, 0, 0, 1]),
  ops.assign(["pages", "k"], "v"),
  ops.clear(["pages", "k"], [2, 0, 6, 1]),
  ops.increment(["total"], -7),
  ops.add(["tags"], "t", [2, 0, 7, 1]),
  ops.remove([2, 0, 1, 1], [1, 0, 0, 1]),
  op(9, 1, [["reg"]], "of a kind to come"),
];

/** A first change of Alice's, one of Mallory's and one of Bob's, and a second of Mallory's on top with every kind of op. */
function scene(): { ground: Forged[]; change: Forged } {
  const first = forge({
    document: ID,
    author: ALICE,
    ops: [
      ops.assign(["reg"], "r"), // element 0
      ops.insert(["words"], "w", "v"), // 1, 2
      ops.text(["title"], "abc"), // 3 … 5
      ops.assign(["pages", "k"], "p"), // 6
      ops.add(["tags"], "s"), // 7
    ],
  });
  const own = mallory({ ops: [ops.insert(["words"], "m")] });
  const other = forge({ document: ID, author: BOB, refs: [first], ops: [] });
  const change = mallory({
    prev: own,
    parents: [first],
    refs: [other],
    time: 1_700_000_000_000,
    ops: EVERY_KIND,
  });
  return { ground: [first, own, other], change };
}

describe("a change with ops of every kind and every field of the header", () => {
  it("with any one bit flipped on its way is refused with a code, and the true copy applies afterwards", () => {
    const { ground, change } = scene();
    const document = replica();
    for (const { group } of ground) document.receive(group);
    const before = document.viewJson();
    const codes = new Set<RejectionCode | undefined>();
    for (let bit = 0; bit < bitsOf(change.group); bit++) {
      const received = document.receive(flipped(change.group, bit));
      same(received.applied.length, 0);
      same(received.status, received.code === "unsupported_version" ? "unsupported" : "rejected");
      codes.add(received.code);
    }
    expect([...codes].toSorted()).toEqual([
      "bad_signature",
      "malformed",
      "unsupported_version",
      "wrong_document",
    ]);
    expect(document.viewJson()).toBe(before);
    expect(document.history.pending.count).toBe(0);
    expect(document.receive(change.group).status).toBe("applied");
    expect(document.viewJson()).not.toBe(before);
    // What is applied is known by its id, whatever comes with a further copy.
    const known = document.viewJson();
    for (let bit = 0; bit < bitsOf(change.group); bit++)
      same(document.receive(flipped(change.group, bit)).applied.length, 0);
    expect(document.viewJson()).toBe(known);
  });

  it("with any one bit flipped by its author, and signed so, has another id, and all replicas make the same of it", () => {
    const { ground, change } = scene();
    const flips: Forged[] = [];
    for (let bit = 0; bit < bitsOf(change.body); bit++)
      flips.push(signed(flipped(change.body, bit), change.header, MALLORY));
    expect(new Set([change, ...flips].map(({ hex }) => hex)).size).toBe(flips.length + 1);
    const all = [...ground, change, ...flips];
    const verdicts = [all, all.toReversed()].map((order) => {
      const document = replica();
      // Half a thousand at a time: the reversed order has each group the wrong way round as well.
      for (let at = 0; at < order.length; at += 500)
        document.receive(groupOf(order.slice(at, at + 500)), `peer ${at}`);
      const found = new Map<string, string>();
      for (const { hex, group } of all) {
        const { status, code } = document.receive(group);
        expect(["duplicate", "pending", "rejected", "unsupported"]).toContain(status);
        if (status === "rejected") expect(CODES).toContain(code);
        found.set(hex, `${status} ${code}`);
      }
      return { document, found };
    });
    const [one, two] = verdicts as [(typeof verdicts)[0], (typeof verdicts)[0]];
    expect([...two.found]).toEqual([...one.found]);
    expect(new Set(one.found.values())).toEqual(
      new Set([
        "duplicate undefined",
        "pending undefined",
        "rejected bad_signature",
        "rejected malformed",
        "rejected wrong_document",
        "rejected wrong_lamport",
        "rejected wrong_prev",
        "unsupported unsupported_version",
      ]),
    );
    expect(one.document.frontier().map(toHex)).toEqual(two.document.frontier().map(toHex));
    expect(one.document.viewJson()).toBe(two.document.viewJson());
    const forks = verdicts.map(({ document }) =>
      document.history.forks().map(({ bytes }) => toHex(bytes)),
    );
    expect(forks[0]).toEqual(forks[1]);
  });
});

describe("a closed group of two authors' changes, some signed and some under a cover", () => {
  /** Alice's line of three under one signature, in it Bob's answer, and a signed change of his on top. */
  function batch(): { changes: Forged[]; group: Uint8Array } {
    const line: Forged[] = [];
    for (const [at, word] of ["a", "b", "c"].entries())
      line.push(
        forge({
          document: ID,
          author: ALICE,
          prev: line[at - 1] ?? null,
          ops: [ops.insert(["words"], word)],
        }),
      );
    const answer = forge({
      document: ID,
      author: BOB,
      parents: [line[0]!],
      ops: [ops.increment(["total"], 1)],
    });
    const last = forge({ document: ID, author: BOB, prev: answer, parents: [line[2]!], ops: [] });
    const changes = [line[0]!, answer, line[1]!, line[2]!, last];
    return {
      changes,
      group: groupOf(changes, (change) => change === line[0] || change === line[1]),
    };
  }

  it("with any one bit flipped lets in nothing that its authors did not sign, and the true one applies afterwards", () => {
    const { changes, group } = batch();
    const whole = replica();
    expect(whole.receive(group).applied).toHaveLength(5);
    const [allHeads, wholeView] = [heads(whole), whole.viewJson()];
    const ids = new Set(changes.map(({ hex }) => hex));
    const besideCover = 8 * Buffer.from(group).indexOf(changes[1]!.signature);
    const codes = new Set<RejectionCode | undefined>();
    const counts = new Set<number>();
    for (let bit = 0; bit < bitsOf(group); bit++) {
      const document = replica();
      const received = document.receive(flipped(group, bit));
      // A bit of a signature beside a cover is not looked at, and not kept.
      const isWhole = received.status === "applied";
      same(isWhole || ["rejected", "unsupported"].includes(received.status), true);
      same(isWhole, bit >= besideCover && bit < besideCover + 8 * SIGNATURE_BYTES);
      codes.add(received.code);
      counts.add(document.history.length);
      const known = received.applied.every((index) => ids.has(toHex(document.history.idAt(index))));
      const again = document.receive(group);
      sameAll(
        [known, again.status, document.history.pending.count],
        [true, isWhole ? "duplicate" : "applied", 0],
      );
      same(heads(document), allHeads);
      same(document.viewJson(), wholeView);
    }
    codes.delete(undefined);
    for (const code of codes) expect(CODES).toContain(code);
    for (const code of [
      "malformed",
      "bad_signature",
      "missing_signature",
      "unsupported_version",
    ] as const)
      expect(codes.has(code), code).toBe(true);
    // Flips in Bob's last signature leave Alice's line and his answer, those in hers nothing at all.
    expect([...counts].toSorted()).toEqual([0, 3, 4, 5]);
  });
});

describe("a control message", () => {
  /** A history with 300 chains, one of them long and forked. */
  const host = replica();
  const line: Forged[] = [];
  const lone: Forged[] = [];
  for (let at = 0; at < 12; at++) line.push(mallory({ prev: line.at(-1) ?? null, time: at }));
  const rival = mallory({ prev: line[2]!, time: 99 });
  for (let chain = 1; chain <= 300; chain++)
    lone.push(forge({ document: ID, author: ALICE, chain: BigInt(chain) }));
  host.receive(groupOf([...line, rival]));
  host.receive(groupOf(lone));
  const [known, unknown] = [line[4]!.id, new Uint8Array(32).fill(0xab)];
  const tip = { author: MALLORY.publicKey, chain: 0n, seq: 5, id: unknown };
  const hashes = Array.from({ length: 256 }, (_, at) => new Uint8Array(32).fill(at));

  /** Each message, after the frames with which it means something to the session. */
  const begun: SyncMessage[] = [{ type: "have", frontier: { heads: [unknown] }, again: false }];
  const compared: SyncMessage[] = [...begun, { type: "known", ids: [known] }];
  const listed: SyncMessage[] = [...compared, { type: "differ", of: 1, buckets: [0, 1, 200] }];
  const parted: SyncMessage[] = [...listed, { type: "lacks", of: 2, at: [0], tips: [unknown] }];
  const cases: [string, SyncMessage[], SyncMessage][] = [
    ["have", [], { type: "have", frontier: { heads: [known, unknown] }, again: true }],
    ["have by digest", [], { type: "have", frontier: { digest: unknown }, again: false }],
    ["done", begun, { type: "done", frontier: { heads: [known] } }],
    ["known", begun, { type: "known", ids: [known, unknown] }],
    ["want", [], { type: "want", ids: [known, unknown] }],
    ["ack", [], { type: "ack", ids: [known] }],
    ["tips", begun, { type: "tips", page: 1, chains: [tip] }],
    ["lacks", listed, { type: "lacks", of: 2, at: [0, 1], tips: [known, unknown] }],
    ["differ", compared, { type: "differ", of: 1, buckets: [0, 7, 255] }],
    ["probe", begun, { type: "probe", tips: [line[11]!.id, unknown] }],
    ["samples", parted, { type: "samples", of: unknown, ids: [{ seq: 3, id: known }] }],
    ["error", [], { type: "error", code: "refused", detail: "no", of: known }],
  ];

  /** A live session with the host, to whom the peer has said so much. */
  function sessionAfter(prelude: readonly SyncMessage[]): {
    session: SyncSession;
    sent: (string | Uint8Array)[];
    errors: string[];
  } {
    const sent: (string | Uint8Array)[] = [];
    const errors: string[] = [];
    const session = new SyncSession({
      history: host.history,
      peer: "liar",
      send: (frame) => {
        sent.push(frame);
        return true;
      },
      receiveGroup: (group) => host.receive(group, "liar"),
      onError: (code) => errors.push(code),
    });
    session.open();
    for (const message of prelude) session.receive(encodeMessage(message));
    return { session, sent, errors };
  }

  /** What a transport makes of a text frame: what is no UTF-8 would end a WebSocket; others might replace it. */
  const decoder = new TextDecoder();
  const flip = (bytes: Uint8Array, bit: number): string => decoder.decode(flipped(bytes, bit));

  it.each(cases)(
    "%s with any one bit flipped is answered from the closed set, and harms nothing",
    (_what, prelude, message) => {
      const bytes = new TextEncoder().encode(encodeMessage(message));
      const before = host.history.length;
      let refused = 0;
      for (let bit = 0; bit < bitsOf(bytes); bit++) {
        const { session, sent, errors } = sessionAfter(prelude);
        const replies = sent.length;
        session.receive(flip(bytes, bit));
        for (const frame of sent.slice(replies)) {
          if (typeof frame !== "string") continue;
          same(parseMessage(frame).ok, true);
        }
        if (errors.some((code) => code === "malformed" || code === "unknown_type")) refused++;
      }
      expect(refused).toBeGreaterThan(bitsOf(bytes) / 4);
      expect(host.history.length).toBe(before);
      expectServed();
    },
  );

  it("buckets with any one bit flipped is refused, or differs in just that hash", () => {
    const text = encodeMessage({ type: "buckets", page: 1, hashes });
    const bytes = new TextEncoder().encode(text);
    const first = text.indexOf("[") + 2;
    let taken = 0;
    let strays = 0;
    for (let bit = 0; bit < bitsOf(bytes); bit++) {
      const at = (bit >> 3) - first;
      const which = Math.floor(at / 67);
      const isInHash = at >= 0 && which < 256 && at % 67 < 64;
      // Hashes are read one by one: away from the ends of the list, one alone has the verdict of all.
      if (isInHash && which > 0 && which < 255) {
        const start = first + 67 * which;
        const hash = flip(bytes.subarray(start, start + 64), bit - 8 * start);
        const alone = `{"type":"want","ids":["${hash}"]}`;
        const verdict = parseMessage(alone);
        if (!verdict.ok) continue;
        taken++;
        // Another hash: none has two ways to be written.
        if (encodeMessage(verdict.value) !== alone) strays++;
        continue;
      }
      const other = flip(bytes, bit);
      const verdict = parseMessage(other);
      if (!verdict.ok) continue;
      same(isInHash || other.includes('"page":'), true);
      taken++;
      const { session, sent } = sessionAfter(begun);
      const replies = sent.length;
      session.receive(other);
      sameAll(typesOf(sent.slice(replies)), verdict.value.type === "buckets" ? ["differ"] : []);
    }
    expect(strays).toBe(0);
    // Hexadecimal digits that become other ones: at least one bit in four.
    expect(taken).toBeGreaterThan((256 * 64 * 8) / 4);
    expectServed();
  });

  function typesOf(frames: readonly (string | Uint8Array)[]): string[] {
    return frames.map((frame) => {
      const message = typeof frame === "string" ? parseMessage(frame) : null;
      return message?.ok === true ? message.value.type : "group";
    });
  }

  /** An honest replica that comes now gets everything. */
  function expectServed(): void {
    const guest = replica();
    const queues: (string | Uint8Array)[][] = [[], []];
    const sessions = [host, guest].map((document, side) => {
      const session: SyncSession = new SyncSession({
        history: document.history,
        peer: `peer ${side}`,
        send: (frame) => {
          queues[1 - side]!.push(frame);
          return true;
        },
        receiveGroup: (group): ReceivedGroup => {
          const received = document.receive(group);
          for (const live of liveGroups(document.history, group, received))
            session.push(live.group, live.indexes);
          return received;
        },
      });
      return session;
    });
    for (const session of sessions) session.open();
    for (let step = 0; queues.some(({ length }) => length > 0); step++) {
      if (step > 1_000) throw new Error("the sessions never come to rest");
      for (const side of [0, 1]) {
        const frame = queues[side]!.shift();
        if (frame !== undefined) sessions[side]!.receive(frame);
      }
    }
    expect(guest.frontier().map(toHex)).toEqual(host.frontier().map(toHex));
    expect(guest.viewJson()).toBe(host.viewJson());
  }
});

describe("a saved document", () => {
  it("with any one bit flipped is refused with a code, or opens as just what it was", () => {
    const author = new Document({ schema, id: ID, keyPair: ALICE, chain: 0n });
    author.change((doc) => doc.words.push("a", "b"));
    author.change((doc) => doc.title.append("x🙂"), { time: 0 });
    const guest = new Document({ schema, id: ID, keyPair: BOB, chain: 0n });
    guest.merge(author.save());
    guest.change((doc) => doc.reg.set("r"), { time: 0 });
    author.merge(guest.save());
    // Of a seal every bit is ignored by all but its maker: see src/saved/seal.test.ts.
    const saved = author.save({ seal: false });
    const [frontier, view] = [heads(author), author.viewJson()];
    const codes = new Set<string>();
    let opened = 0;
    for (let bit = 0; bit < bitsOf(saved); bit++) {
      const loaded = Document.load(flipped(saved, bit), { schema, id: ID });
      if (loaded.ok) {
        opened++;
        same(heads(loaded.value), frontier);
        same(loaded.value.viewJson(), view);
      } else {
        expect(CODES).toContain(loaded.error.code);
        codes.add(loaded.error.code);
      }
    }
    // The digest of the schema is a hint: what is shown follows from the schema that the reader has. And a run of one value
    // is the same as one value.
    expect(opened).toBeGreaterThanOrEqual(256);
    expect(opened).toBeLessThan(256 + 24);
    expect(codes.size).toBeGreaterThan(3);
  });
});

describe("a genesis", () => {
  it("with any one bit flipped is refused, or is that of another document", () => {
    const genesis = {
      name: "main",
      nonce: new Uint8Array(16).fill(7),
      founders: [ALICE.publicKey, BOB.publicKey],
      parameters: { quorum: 2 },
    };
    const bytes = encodeGenesis(genesis);
    const own = toHex(genesisDocumentId(genesis));
    let others = 0;
    for (let bit = 0; bit < bitsOf(bytes); bit++) {
      const decoded = decodeGenesis(flipped(bytes, bit));
      if (!decoded.ok) {
        expect(CODES).toContain(decoded.error.code);
        continue;
      }
      others++;
      expect(toHex(genesisDocumentId(decoded.value))).not.toBe(own);
    }
    expect(others).toBeGreaterThan(100);
  });
});
