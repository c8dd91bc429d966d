/** Changes that are signed by the book and have a form that none may have: content, keys, depths, sizes. */
import { Point } from "@noble/ed25519";
import { encodeGroup } from "../../../src/change/index.ts";
import { bodyOf, entryOf, groupOf, op, ops, signed } from "../../forge.ts";
import type { Lie, Strategy } from "../liar.ts";
import { anyOp, craft, someHeads } from "./craft.ts";

/** Content in a second encoding, or in none: −0, NaN, lone surrogates, duplicate keys, lengths without a need. */
export const crookedValues: Strategy = (lie) => {
  const contents = [
    [0xf9, 0x80, 0x00],
    [0xf9, 0x7e, 0x00],
    [0x63, 0xed, 0xa0, 0x80],
    [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02],
    [0xa2, 0x61, 0x62, 0x01, 0x61, 0x61, 0x02],
    [0x18, 0x07],
    [0x98, 0x01, 0x01],
    [0x9f, 0x01, 0xff],
    [0x7f, 0x61, 0x61, 0xff],
    [0xc2, 0x41, 0x07],
    [0xf7],
    [0x01, 0x02],
    [],
  ];
  for (const content of lie.random.some(contents, 4)) {
    const assign = op(4, 1, [["extra"]], null).slice(0, -1);
    showWithChild(lie, [new Uint8Array([...assign, ...content])]);
  }
};

/** Values, places and whole groups nested far beyond what any reader goes into. */
export const deepInput: Strategy = (lie) => {
  const depth = lie.random.pick([65, 70, 1_000, 20_000]);
  const deep = new Uint8Array(depth).fill(0x81);
  const assign = op(4, 1, [["extra"]], null).slice(0, -1);
  const attempts = [
    [new Uint8Array([...assign, ...deep, 0x80])],
    [ops.assign(Array<string>(depth).fill("name"), 1)],
    [ops.insert([0, 0, 0, ...Array<string>(depth).fill("name")], "x")],
  ];
  for (const attempt of lie.random.some(attempts, 2)) showWithChild(lie, attempt);
  lie.show(deep, lie.random.pick(["all", "one"]));
};

/** More of something than a change or a group may have. */
export const oversized: Strategy = (lie) => {
  const { random } = lie;
  const ghosts = Array.from({ length: 17 }, (_, at) => new Uint8Array(32).fill(at + 1));
  showWithChild(lie, [op(2, 2 ** 20 + 1, [["body"]], 0, random.bytes(32))]);
  showWithChild(lie, [op(2, 500, [["body"]], "x")]);
  showWithChild(lie, [ops.assign(["shelves", "k".repeat(1_025)], null), anyOp(random)]);
  lie.show(craft(lie, { chain: random.chain(), lies: { parents: ghosts } }).group);
  const one = craft(lie, { chain: random.chain() });
  lie.show(
    groupOf(
      Array.from({ length: 1_025 }, () => one),
      (_, at) => at > 0,
    ),
    "one",
  );
};

/** A point of order 8. */
const TORSION = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");

/** Authors whose keys are no good: with a torsion component, of small order, not canonical; and R shifted by torsion. */
export const crookedKeys: Strategy = (lie) => {
  const { random } = lie;
  const own = lie.keys[0]!;
  const neutral = new Uint8Array(32);
  neutral[0] = 1;
  const wide = new Uint8Array(32).fill(0xff);
  wide[0] = 0xee;
  wide[31] = 0x7f;
  const forms = [
    Point.fromBytes(own.publicKey).add(TORSION).toBytes(),
    TORSION.toBytes(),
    neutral,
    wide,
    random.bytes(32),
  ];
  for (const author of random.some(forms, 3)) {
    const { header } = craft(lie, { chain: random.chain(), parents: someHeads(lie) });
    const forged = signed(bodyOf({ ...header, author }, [anyOp(random)]), header, own);
    // With the neutral element as key this holds for any message: R is the base point and S is 1.
    const anyone = new Uint8Array(64);
    anyone.set(Point.BASE.toBytes());
    anyone[32] = 1;
    for (const signature of [forged.signature, anyone])
      lie.show(encodeGroup([{ body: forged.body, signature }]), random.pick(["all", "some"]));
  }
  const good = craft(lie, { chain: random.chain(), parents: someHeads(lie) });
  const shifted = good.signature.slice();
  shifted.set(Point.fromBytes(shifted.slice(0, 32)).add(TORSION).toBytes());
  lie.show(encodeGroup([{ ...entryOf(good), signature: shifted }]), "some");
  if (random.oneIn(2)) lie.show(good.group, "others");
};

/** Shows a change with such ops, and before or after it one that builds on it. */
function showWithChild(lie: Lie, made: readonly Uint8Array[]): void {
  const { random } = lie;
  const change = craft(lie, { chain: random.chain(), parents: someHeads(lie), ops: made });
  const child = craft(lie, { chain: random.chain(), parents: [change], ops: [anyOp(random)] });
  for (const { group } of random.shuffle([change, child])) lie.show(group);
}
