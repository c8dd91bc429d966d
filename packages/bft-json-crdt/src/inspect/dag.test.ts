import { beforeAll, describe, expect, it } from "vitest";
import { changeId, documentId, signedMessage, writeBodyHead } from "../change/index.ts";
import { generateKeyPair, sign } from "../crypto/index.ts";
import type { KeyPair } from "../crypto/index.ts";
import { compareBytes, toHex } from "../encoding/bytes.ts";
import { ByteWriter } from "../encoding/writer.ts";
import { History } from "../history/index.ts";
import { toDot, toGraph, toMermaid } from "./dag.ts";

const document = documentId("inspect test");
const alice = generateKeyPair(new Uint8Array(32).fill(1));
const bob = generateKeyPair(new Uint8Array(32).fill(2));

/** Writes a change with the given dependencies (local indexes) and returns its local index. */
function write(
  history: History,
  keys: KeyPair,
  below: { prev?: number; parents?: number[]; refs?: number[] },
  extra: { chain?: bigint; time?: number } = {},
): number {
  const { prev = -1, parents = [], refs = [] } = below;
  const ids = (list: number[]): Uint8Array[] =>
    list.map((index) => history.idAt(index)).toSorted(compareBytes);
  const all = [...(prev < 0 ? [] : [prev]), ...parents, ...refs];
  const writer = new ByteWriter();
  const header = {
    document,
    author: keys.publicKey,
    chain: extra.chain ?? 0n,
    seq: prev < 0 ? 1 : history.seqAt(prev) + 1,
    prev: prev < 0 ? null : history.idAt(prev),
    parents: ids(parents),
    lamport: 1 + Math.max(0, ...all.map((index) => history.lamportAt(index))),
    time: extra.time ?? null,
    refs: ids(refs),
  };
  writeBodyHead(writer, header, 0);
  const body = writer.take();
  const id = changeId(body);
  return history.append(body, id, sign(signedMessage(id), keys.secretKey));
}

/** a1 ← a2 ← a3 with b1 beside a2, and a3 building on a2, b1 and (by a ref) a1. */
let history: History;

beforeAll(() => {
  history = new History({ document });
  const a1 = write(history, alice, {}, { time: 1_700_000_000_000 });
  const a2 = write(history, alice, { prev: a1 });
  const b1 = write(history, bob, { parents: [a1] }, { chain: 0xabcdn });
  write(history, alice, { prev: a2, parents: [b1], refs: [a1] });
});

describe("the graph of a history", () => {
  it("has a node for each change and an edge for each dependency", () => {
    const { nodes, edges, omitted } = toGraph(history);
    const [a1, a2, b1, a3] = [0, 1, 2, 3].map((index) => toHex(history.idAt(index)));
    expect(nodes.map(({ id }) => id)).toEqual([a1, ...[a2!, b1!].toSorted(), a3]);
    expect(nodes[0]).toEqual({
      id: a1,
      short: a1!.slice(0, 8),
      author: toHex(alice.publicKey),
      chain: "0",
      seq: 1,
      lamport: 1,
      time: 1_700_000_000_000,
      head: false,
      forked: false,
    });
    expect(nodes.find(({ id }) => id === b1)).toMatchObject({ chain: "43981", time: null });
    expect(nodes[3]).toMatchObject({ head: true, seq: 3, lamport: 3 });
    expect(edges).toContainEqual({ from: a2, to: a1, kind: "prev" });
    expect(edges).toContainEqual({ from: b1, to: a1, kind: "parent" });
    expect(edges.slice(2)).toEqual([
      { from: a3, to: a2, kind: "prev" },
      { from: a3, to: b1, kind: "parent" },
      { from: a3, to: a1, kind: "ref" },
    ]);
    expect(omitted).toBe(0);
    expect(JSON.parse(JSON.stringify(toGraph(history)))).toEqual(toGraph(history));
  });

  it("is the same on a replica that got the changes in another order", () => {
    const other = new History({ document });
    for (const index of [3, 2, 1, 0]) other.receive(history.groupOf(index));
    expect(other.length).toBe(4);
    expect(other.idAt(1)).not.toEqual(history.idAt(1));
    expect(toGraph(other)).toEqual(toGraph(history));
    expect(toDot(other)).toBe(toDot(history));
    expect(toMermaid(other)).toBe(toMermaid(history));
  });

  it("with a limit has the newest changes and says how many are left out", () => {
    const { nodes, edges, omitted } = toGraph(history, { limit: 2 });
    expect(nodes).toEqual(toGraph(history).nodes.slice(2));
    expect(omitted).toBe(2);
    expect(edges).toHaveLength(1);
    expect(toGraph(history, { limit: 0 })).toEqual({ nodes: [], edges: [], forks: [], omitted: 4 });
    expect(toDot(history, { limit: 2 })).toContain('label="2 earlier changes not shown"');
    expect(toMermaid(history, { limit: 3 })).toContain("%% 1 earlier change not shown");
  });

  it("marks both branches of an author who equivocated", () => {
    const forked = new History({ document });
    const first = write(forked, alice, {});
    write(forked, alice, { prev: first }, { time: 1 });
    write(forked, alice, { prev: first }, { time: 2 });
    write(forked, bob, {});
    const { nodes } = toGraph(forked);
    expect(nodes.filter((node) => node.forked)).toHaveLength(3);
    expect(nodes.filter((node) => node.forked && node.head)).toHaveLength(2);
    expect(toDot(forked).match(/, color=red\];/gu)).toHaveLength(3);
    expect(toMermaid(forked)).toMatch(/class (?:n\d,){2}n\d forked\n/u);
    // In words, between the two that prove it.
    const [proof] = forked.forks();
    const [low, high] = proof!.ids.map(toHex);
    expect(toGraph(forked).forks).toEqual([
      {
        author: toHex(proof!.author),
        chain: proof!.chain.toString(),
        seq: proof!.seq,
        ids: [low, high],
      },
    ]);
    const words = `equivocation: both are #${proof!.seq}`;
    expect(toDot(forked)).toContain(`"${low!}" -> "${high!}" [dir=both`);
    expect(toDot(forked)).toContain(`label="${words}"`);
    expect(toMermaid(forked)).toMatch(/ n\d x-- "equivocation#58; both are #35;\d+" --x n\d\n/u);
    expect(toGraph(forked, { limit: 1 }).forks).toEqual([]);
  });

  it("of nothing is an empty one", () => {
    const empty = new History({ document });
    expect(toGraph(empty)).toEqual({ nodes: [], edges: [], forks: [], omitted: 0 });
    expect(toMermaid(empty)).toBe("flowchart RL\n");
    expect(toDot(empty)).toMatch(/^digraph history \{\n.*\}\n$/su);
  });
});

describe("drawings", () => {
  it("tell the kinds of edges apart", () => {
    const [a1, b1, a3] = [0, 2, 3].map((index) => toHex(history.idAt(index)));
    const dot = toDot(history);
    expect(dot).toContain(`  "${a3}" -> "${b1}" [style=dashed];\n`);
    expect(dot).toContain(`  "${a3}" -> "${a1}" [style=dotted];\n`);
    expect(dot).toContain(`label="${a1!.slice(0, 8)}\\n${toHex(alice.publicKey).slice(0, 8)} #1"`);
    expect(dot).toContain("/abcd #1");
    const mermaid = toMermaid(history);
    expect(mermaid).toContain("  n3 -. ref .-> n0\n");
    expect(mermaid).toMatch(/ {2}n3 --> n[12]\n {2}n3 -\.-> n[12]\n/u);
    expect(mermaid).toContain("  class n3 head\n");
  });

  it("cannot be broken out of by a name", () => {
    const hostile = `"];\\ x\n<b>\u001b[31m#quot;]\``;
    const nameOf = (): string => hostile;
    const dot = toDot(history, { nameOf });
    expect(dot).toContain(String.raw`\n\"];\\ x\n<b>?[31m#quot;]` + "` #1");
    // One line for each node and edge and five around them: nothing was added by the name.
    expect(dot.trimEnd().split("\n")).toHaveLength(4 + 5 + 4);
    const mermaid = toMermaid(history, { nameOf });
    expect(mermaid.trimEnd().split("\n")).toHaveLength(1 + 4 + 5 + 2);
    const labels = [...mermaid.matchAll(/\["(.*)"\]\n/gu)].map((match) => match[1]!);
    expect(labels).toHaveLength(4);
    for (const label of labels) {
      expect(label.replace("<br/>", "")).toMatch(/^(?:[\p{L}\p{N} ._@/-]|#\d+;)*$/u);
    }
  });
});
