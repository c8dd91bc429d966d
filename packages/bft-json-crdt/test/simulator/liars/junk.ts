/** Bytes and texts that mean nothing, or almost something. */
import { toHex } from "../../../src/encoding/index.ts";
import { encodeMessage } from "../../../src/sync/index.ts";
import type { SyncMessage } from "../../../src/sync/index.ts";
import { flipped } from "../../forge.ts";
import type { Lie, Strategy } from "../liar.ts";
import { anyChange, anyOp, craft, someHeads } from "./craft.ts";

/** Random bytes, and groups that are cut, extended, changed by a bit, or too deep. */
export const junkBytes: Strategy = (lie) => {
  const { random } = lie;
  const base = random.oneIn(2) ? anyChange(lie) : null;
  const { group } = base ?? craft(lie, { chain: random.chain(), ops: [anyOp(random)] });
  const junk = [
    random.bytes(random.below(80)),
    new Uint8Array(0),
    group.subarray(0, random.below(group.length)),
    new Uint8Array([...group, 0]),
    new Uint8Array([...group, ...group]),
    new Uint8Array(5_000).fill(0x81),
    Uint8Array.of(0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    ...Array.from({ length: 6 }, () => flipped(group, random.below(8 * group.length))),
  ];
  for (const bytes of random.some(junk, 6)) lie.show(bytes, random.pick(["all", "some", "one"]));
};

/** Texts that are no control messages. */
export const junkTexts: Strategy = (lie) => {
  const { random } = lie;
  const junk = [
    "",
    "hello",
    "null",
    "[]",
    '{"type":1}',
    '{"type":"nobody"}',
    '{"type":"__proto__"}',
    '{"type":"constructor"}',
    '{"type":"have"}',
    '{"type":"have","heads":["zz"]}',
    '{"type":"have","heads":[],"digest":"00"}',
    '{"__proto__":{"type":"have"}}',
    `{"type":"want","ids":[${Array.from({ length: 300 }, () => `"${"0".repeat(64)}"`).join()}]}`,
    `{"type":"error","code":"${"c".repeat(500)}","detail":"\u0007"}`,
    "[".repeat(10_000),
    '{"type":"done","heads":[]',
    "\ud800",
  ];
  for (const text of random.some(junk, 8)) lie.say(text, random.pick(["all", "some", "one"]));
};

/** Control messages of the right form that say what is not so. */
export const falseMessages: Strategy = (lie) => {
  const { random } = lie;
  for (let count = random.between(3, 12); count > 0; count--) {
    lie.say(encodeMessage(falseMessage(lie)), random.pick(["all", "some", "others", "one"]));
  }
};

/** The same question again and again, faster than anyone could need the answer. */
export const manyQuestions: Strategy = (lie) => {
  const { random } = lie;
  const question = encodeMessage(falseMessage(lie));
  for (let count = random.between(20, 150); count > 0; count--) lie.say(question, "one");
};

/** What was on its way before, once more: single changes, several as one group, all of it. */
export const replay: Strategy = (lie) => {
  const { document, random } = lie;
  const { history } = document;
  const all = Array.from({ length: history.length }, (_, index) => index);
  for (const index of random.some(all, 6))
    lie.show(history.groupOf(index), random.pick(["all", "one"]));
  if (random.oneIn(2)) {
    for (const group of history.groupsFor(all))
      lie.show(group, random.pick(["all", "some", "one"]));
  }
};

function falseMessage(lie: Lie): SyncMessage {
  const { random } = lie;
  const real = [...someHeads(lie, 3), anyChange(lie)].flatMap((change) => change?.id ?? []);
  const ids = random.some([...real, random.bytes(32), random.bytes(32)], 3);
  const tip = (): { author: Uint8Array; chain: bigint; seq: number; id: Uint8Array } => ({
    author: random.pick([...lie.victims, lie.keys[0]!.publicKey]),
    chain: random.pick([0n, 1n, 2n ** 64n - 1n]),
    seq: random.pick([1, 3, Number.MAX_SAFE_INTEGER]),
    id: random.pick(ids),
  });
  const page = random.pick([1, 2, 3, 999]);
  const frontier = random.oneIn(3) ? { digest: random.bytes(32) } : { heads: ids };
  const messages: SyncMessage[] = [
    { type: "have", frontier, again: random.oneIn(2) },
    { type: "have", frontier: { heads: [] }, again: true },
    { type: "done", frontier },
    { type: "done", frontier: { heads: [] } },
    { type: "known", ids },
    { type: "known", ids: [] },
    { type: "want", ids },
    { type: "ack", ids },
    { type: "tips", page, chains: [tip(), tip()] },
    { type: "lacks", of: page, at: [0, 1, 500], tips: ids },
    { type: "lacks", of: page, at: [], tips: [] },
    {
      type: "buckets",
      page,
      hashes: Array.from({ length: 256 }, () => ids[0] ?? random.bytes(32)),
    },
    { type: "differ", of: page, buckets: [0, 7, 255] },
    { type: "probe", tips: ids },
    {
      type: "samples",
      of: ids[0] ?? random.bytes(32),
      ids: ids.map((id, at) => ({ seq: at + 1, id })),
    },
    { type: "error", code: "bad_signature", detail: `not true: ${toHex(random.bytes(4))}` },
  ];
  return random.pick(messages);
}
