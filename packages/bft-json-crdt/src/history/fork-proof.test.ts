import { describe, expect, it } from "vitest";
import { coveredGroup, flipped, forge, groupOf, person, signed } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { documentId } from "../change/index.ts";
import { encodeValue, toHex } from "../encoding/index.ts";
import { decodeForkProof, encodeForkProof } from "./fork-proof.ts";
import { History } from "./history.ts";

const DOCUMENT = documentId("forks");
const [ALICE, MALLORY] = [person(0), person(2)];

/** A change of Mallory's; `time` makes those on top of the same one different. */
function mallory(
  prev: Forged | null,
  time: number,
  more: { chain?: bigint; parents?: Forged[] } = {},
): Forged {
  return forge({ document: DOCUMENT, author: MALLORY, prev, time, ...more });
}

function sorted(...changes: Forged[]): Forged[] {
  return changes.toSorted((a, b) => (a.hex < b.hex ? -1 : 1));
}

function historyOf(...groups: Uint8Array[]): History {
  const history = new History({ document: DOCUMENT });
  for (const group of groups) expect(history.receive(group).status).toBe("applied");
  return history;
}

/** Every order of a few things. */
function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) =>
    ordersOf(items.toSpliced(at, 1)).map((rest) => [item, ...rest]),
  );
}

describe("a fork proof", () => {
  it("shows from its bytes alone who signed which two changes with one seq", () => {
    const root = mallory(null, 0);
    const [low, high] = sorted(mallory(root, 1), mallory(root, 2)) as [Forged, Forged];
    const history = historyOf(root.group, high.group, low.group);
    const [proof, ...others] = history.forks();
    expect(others).toEqual([]);
    expect(decodeForkProof(proof!.bytes)).toEqual({ ok: true, value: proof });
    expect(proof).toMatchObject({
      document: DOCUMENT,
      author: MALLORY.publicKey,
      chain: 0n,
      seq: 2,
    });
    expect(proof!.ids).toEqual([low.id, high.id]);
    expect(history.isForked(history.indexOf(root.id))).toBe(true);
  });

  it("is the same on every replica: the least seq, then the least two ids, in whatever order changes came", () => {
    const root = mallory(null, 0);
    const [a, b, c] = sorted(mallory(root, 1), mallory(root, 2), mallory(root, 3)) as [
      Forged,
      Forged,
      Forged,
    ];
    const deeper = [mallory(c, 4), mallory(c, 5)];
    const expected = historyOf(root.group, a.group, b.group).forks();
    for (const order of ordersOf([a, b, c])) {
      for (const tail of [deeper, deeper.toReversed()]) {
        const history = historyOf(root.group, ...[...order, ...tail].map(({ group }) => group));
        expect(history.forks()).toEqual(expected);
      }
    }
    // The deeper fork is found first, and gives way to the earlier one.
    const history = historyOf(root.group, c.group, ...deeper.map(({ group }) => group));
    expect(history.forks()[0]!.seq).toBe(3);
    for (const late of [b, a]) history.receive(late.group);
    expect(history.forks()).toEqual(expected);
  });

  it("is found at the first change of a chain, and among many", () => {
    const beginnings = [1, 2, 3, 4].map((time) => mallory(null, time));
    for (const order of ordersOf(beginnings)) {
      const [proof] = historyOf(...order.map(({ group }) => group)).forks();
      expect(proof!.seq).toBe(1);
      expect(proof!.ids.map(toHex)).toEqual(
        sorted(...beginnings)
          .slice(0, 2)
          .map(({ hex }) => hex),
      );
    }
  });

  it("is kept for each chain, and none is made for two chains of one author", () => {
    const [one, two] = [mallory(null, 1, { chain: 1n }), mallory(null, 1, { chain: 2n })];
    const history = historyOf(one.group, two.group);
    expect(history.forks()).toEqual([]);
    history.receive(mallory(null, 2, { chain: 1n }).group);
    history.receive(mallory(null, 2, { chain: 2n }).group);
    expect(history.forks().map(({ chain }) => chain)).toEqual([1n, 2n]);
    expect(history.isForked(0) && history.isForked(1)).toBe(true);
    history.receive(forge({ document: DOCUMENT, author: ALICE }).group);
    expect(history.isForked(4)).toBe(false);
  });

  it("carries the links up to a signature for a change that came in under a cover", () => {
    const root = mallory(null, 0);
    const left = [mallory(root, 1)];
    const right = [mallory(root, 2)];
    for (const line of [left, right]) {
      for (let i = 0; i < 4; i++) line.push(mallory(line.at(-1)!, 3));
    }
    // Somebody else's change in the midst of the group is no part of the proof.
    const other = forge({ document: DOCUMENT, author: ALICE });
    const history = historyOf(
      root.group,
      coveredGroup([left[0]!, other, ...left.slice(1)]),
      coveredGroup(right),
    );
    const [proof] = history.forks();
    expect(decodeForkProof(proof!.bytes)).toEqual({ ok: true, value: proof });
    expect(proof!.ids).toEqual(sorted(left[0]!, right[0]!).map(({ id }) => id));
  });

  it("is found when both branches are in one group, and one of them forks again under its cover", () => {
    const root = mallory(null, 0);
    const [a, b] = [mallory(root, 1), mallory(root, 2)];
    const [aa, ab] = [mallory(a, 1), mallory(a, 2)];
    const abc = mallory(ab, 1);
    const [proof] = historyOf(coveredGroup([root, a, b, aa, ab, abc])).forks();
    expect(proof!.ids).toEqual(sorted(a, b).map(({ id }) => id));
    // `aa` unsigned has no cover, so that only `ab` leads to one.
    const history = historyOf(
      groupOf([root, a, ab, abc, b], (change) => change !== abc && change !== b),
    );
    expect(history.forks()[0]!.ids).toEqual(sorted(a, b).map(({ id }) => id));
  });

  it("is made once, and anew when an earlier fork comes out", () => {
    const root = mallory(null, 0);
    const [low, high] = [mallory(root, 1), mallory(root, 2)];
    const history = historyOf(root.group, low.group, high.group);
    const [first] = history.forks();
    history.receive(mallory(high, 3).group);
    expect(history.forks()[0]).toBe(first);
    history.receive(mallory(null, 4).group);
    expect(history.forks().map(({ seq }) => seq)).toEqual([1]);
    expect(decodeForkProof(history.forks()[0]!.bytes).ok).toBe(true);
  });

  it("is refused with any one bit flipped", () => {
    const root = mallory(null, 0);
    const line = [mallory(root, 1)];
    line.push(mallory(line[0]!, 2));
    const history = historyOf(root.group, coveredGroup(line), mallory(root, 3).group);
    const { bytes } = history.forks()[0]!;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      expect(decodeForkProof(flipped(bytes, bit)).ok).toBe(false);
    }
    for (let length = 0; length < bytes.length; length += 7) {
      expect(decodeForkProof(bytes.subarray(0, length)).ok).toBe(false);
    }
    expect(decodeForkProof(new Uint8Array([...bytes, 0])).ok).toBe(false);
    expect(decodeForkProof(bytes).ok).toBe(true);
  });

  it("is refused when it does not prove a fork", () => {
    const root = mallory(null, 0);
    const [low, high] = sorted(mallory(root, 1), mallory(root, 2)) as [Forged, Forged];
    const proof = (first: Uint8Array, second: Uint8Array): boolean =>
      decodeForkProof(encodeForkProof(first, second)).ok;
    expect(proof(low.group, high.group)).toBe(true);
    // Two times the same, or the wrong way round.
    expect(proof(low.group, low.group)).toBe(false);
    expect(proof(high.group, low.group)).toBe(false);
    // Another seq, another chain, another document, another author.
    const others = [
      mallory(high, 3),
      mallory(null, 3, { chain: 5n }),
      forge({ document: documentId("elsewhere"), author: MALLORY }),
      forge({ document: DOCUMENT, author: ALICE }),
    ];
    for (const other of others) {
      for (const change of [root, low]) {
        const [a, b] = sorted(change, other) as [Forged, Forged];
        expect(proof(a.group, b.group)).toBe(false);
      }
    }
    // Signed by somebody else, or not at all, or by a cover that does not link.
    const fake = signed(high.body, high.header, ALICE);
    expect(proof(low.group, fake.group)).toBe(false);
    expect(
      proof(
        low.group,
        groupOf([high], () => true),
      ),
    ).toBe(false);
    const unrelated = mallory(low, 9);
    expect(
      proof(
        low.group,
        groupOf([high, unrelated], (change) => change === high),
      ),
    ).toBe(false);
    const cover = mallory(high, 9);
    expect(
      proof(
        low.group,
        groupOf([high, cover], (change) => change === high),
      ),
    ).toBe(true);
    // A cover in which something stands between, or more than is needed and checked.
    const alien = forge({ document: DOCUMENT, author: ALICE });
    expect(
      proof(
        low.group,
        groupOf([high, alien, cover], (change) => change !== cover),
      ),
    ).toBe(false);
    expect(proof(low.group, groupOf([high, cover]))).toBe(false);
    expect(proof(low.group, new Uint8Array(0))).toBe(false);
  });

  it("is refused with the code of what is wrong with it", () => {
    const root = mallory(null, 0);
    const [low, high] = sorted(mallory(root, 1), mallory(root, 2)) as [Forged, Forged];
    const codeOf = (first: Uint8Array, second: Uint8Array): string => {
      const decoded = decodeForkProof(encodeForkProof(first, second));
      return decoded.ok ? "none" : decoded.error.code;
    };
    const unsigned = groupOf([high], () => true);
    expect(codeOf(low.group, unsigned)).toBe("missing_signature");
    expect(codeOf(low.group, signed(high.body, high.header, ALICE).group)).toBe("bad_signature");
    expect(codeOf(low.group, low.group)).toBe("malformed");
    expect(codeOf(low.group, new Uint8Array(0))).toBe("malformed");
    const unknown = mallory(root, 2).body.slice();
    unknown[1] = 2;
    expect(codeOf(low.group, signed(unknown, high.header, MALLORY).group)).toBe(
      "unsupported_version",
    );
    expect(codeOf(low.group, high.group)).toBe("none");
  });

  it("frames nobody: without the victim's key two changes in the victim's name prove nothing", () => {
    const forged = [1, 2].map((time) => {
      const header = forge({ document: DOCUMENT, author: ALICE, time });
      return signed(header.body, header.header, MALLORY);
    });
    const [a, b] = sorted(...forged) as [Forged, Forged];
    expect(decodeForkProof(encodeForkProof(a.group, b.group)).ok).toBe(false);
  });

  it("is read without ever throwing, whatever the bytes", () => {
    for (const bytes of [[], [0x82], [0x82, 0x40, 0x40], [0x82, 0x41, 0x80, 0x41, 0x80], [0xff]]) {
      expect(decodeForkProof(new Uint8Array(bytes))).toMatchObject({ ok: false });
    }
    expect(decodeForkProof(encodeValue([new Uint8Array(3), new Uint8Array(3), null])).ok).toBe(
      false,
    );
    const large = new Uint8Array(2 * 1_048_576 + 17);
    expect(decodeForkProof(large)).toMatchObject({ ok: false, error: { code: "too_large" } });
  });
});
