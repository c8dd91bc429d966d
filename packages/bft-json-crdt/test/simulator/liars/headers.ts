/** Correctly signed changes whose header is wrong, and changes built on them. */
import { encodeValue } from "../../../src/encoding/index.ts";
import { bodyOf, bodyValue, signed } from "../../forge.ts";
import type { Forged } from "../../forge.ts";
import type { Lie, Strategy } from "../liar.ts";
import { anyChange, anyHonestChange, anyOp, craft, craftLine, someHeads, tipOf } from "./craft.ts";

/** A lamport that does not follow from the dependencies, and what builds on it. */
export const wrongLamport: Strategy = (lie) => {
  const base = craft(lie, { chain: lie.random.chain(), parents: someHeads(lie) });
  const lamport = lie.random.pick([
    1,
    base.header.lamport - 1,
    base.header.lamport + 1,
    base.header.lamport + 2 ** 32,
    // Room for two that build on it.
    Number.MAX_SAFE_INTEGER - 2,
  ]);
  if (lamport < 1 || lamport === base.header.lamport) return;
  const wrong = signed(
    bodyOf({ ...base.header, lamport }, []),
    { ...base.header, lamport },
    lie.keys[0]!,
  );
  showWithDependents(lie, wrong);
};

/** A `prev` of another author, another chain or another number. */
export const wrongPrev: Strategy = (lie) => {
  const tip = tipOf(lie);
  const stranger = anyHonestChange(lie);
  const wrongs: Forged[] = [];
  if (stranger !== null) wrongs.push(craft(lie, { prev: stranger }));
  if (tip !== null) {
    wrongs.push(craft(lie, { prev: tip, chain: 77n }));
    wrongs.push(craft(lie, { prev: tip, lies: { seq: tip.header.seq + lie.random.pick([2, 5]) } }));
    wrongs.push(craft(lie, { prev: tip, lies: { seq: 2 ** 53 - 1 } }));
  }
  for (const wrong of wrongs) showWithDependents(lie, wrong);
};

/** A change of another document, shown here; and one that builds on it. */
export const foreignDocument: Strategy = (lie) => {
  const other = craft(lie, { document: lie.id.map((byte) => byte ^ 1), ops: [anyOp(lie.random)] });
  showWithDependents(lie, other);
};

/** Headers that are not canonical or name a dependency twice. */
export const crookedHeader: Strategy = (lie) => {
  const [a, b] = craftLine(lie, 2, { chain: lie.random.chain() }) as [Forged, Forged];
  const header = craft(lie, { prev: b, chain: b.header.chain }).header;
  const ids = [a.id, b.id].sort((x, y) => (String(x) < String(y) ? 1 : -1));
  const bodies = [
    bodyOf({ ...header, parents: ids }, []),
    bodyOf({ ...header, parents: [a.id, a.id] }, []),
    bodyOf({ ...header, refs: [b.id] }, []),
    bodyOf({ ...header, prev: null }, []),
    bodyOf({ ...header, seq: 1 }, []),
    encodeValue([...bodyValue(header, []), null]),
    encodeValue(bodyValue(header, []).toSpliced(4, 1, 0)),
    encodeValue(bodyValue(header, []).toSpliced(1, 1, new Uint8Array(31))),
    new Uint8Array([...bodyOf(header, []), 0]),
  ];
  for (const change of [a, b]) lie.show(change.group);
  for (const body of lie.random.some(bodies, 4)) lie.show(signed(body, header, lie.keys[0]!).group);
};

/** A format version that nobody knows, and changes that build on it. */
export const unknownVersion: Strategy = (lie) => {
  const known = craft(lie, { chain: lie.random.chain(), parents: someHeads(lie) });
  const body = encodeValue(
    bodyValue(known.header, []).toSpliced(0, 1, lie.random.pick([0, 2, 2 ** 40])),
  );
  showWithDependents(lie, signed(body, known.header, lie.keys[0]!));
};

/** Changes that pretend to be older than they are: behind old parents, or with a claimed time far away. */
export const backdate: Strategy = (lie) => {
  const old = anyChange(lie);
  const time = lie.random.pick([0, 1, 2 ** 53 - 1, null]);
  const line = craftLine(lie, 3, {
    chain: lie.random.chain(),
    parents: old === null || lie.random.oneIn(2) ? [] : [old],
    time,
  });
  for (const { group } of line) lie.show(group);
};

/** Parents that are ancestors of each other, and refs to everything: redundant, and legal. */
export const redundantParents: Strategy = (lie) => {
  const line = craftLine(lie, 4, { chain: lie.random.chain() });
  const known = [anyChange(lie), anyChange(lie), anyHonestChange(lie)].filter(
    (one) => one !== null,
  );
  const last = craft(lie, {
    chain: lie.random.chain(),
    parents: [...line, ...known],
    refs: someHeads(lie),
  });
  for (const { group } of lie.random.shuffle([...line, last])) lie.show(group);
};

/** Shows a change, and before or after it a line that builds on it. */
function showWithDependents(lie: Lie, wrong: Forged): void {
  const child = craft(lie, { chain: lie.random.chain(), parents: [wrong] });
  const grandchild = craft(lie, { chain: child.header.chain, prev: child });
  for (const { group } of lie.random.shuffle([wrong, child, grandchild])) lie.show(group);
}
