/**
 * The hash graph of a history as data, as DOT (the Graphviz language) and as a Mermaid flowchart.
 *
 * Changes stand in the order (lamport, id), which is the same on every replica that has them: two converged replicas
 * give the same text. Edges lead from a change to what it builds on.
 */
import { decodeBody } from "../change/index.ts";
import { toHex } from "../encoding/bytes.ts";
import type { History } from "../history/index.ts";

/** What inspection needs of a history: `document.history` is one. */
export type InspectedHistory = Pick<
  History,
  | "length"
  | "compare"
  | "idAt"
  | "bodyAt"
  | "authorAt"
  | "chainAt"
  | "seqAt"
  | "lamportAt"
  | "timeAt"
  | "heads"
  | "isForked"
  | "forks"
  | "indexOf"
  | "dependencies"
>;

/** One change. */
export interface GraphNode {
  /** The change id: 64 hexadecimal digits. */
  readonly id: string;
  /** The first eight of them: for people, not unique. */
  readonly short: string;
  /** The author's public key: 64 hexadecimal digits. */
  readonly author: string;
  /** The author's chain, as a decimal number. */
  readonly chain: string;
  /** The place of the change on its chain; 1 for the first. */
  readonly seq: number;
  /** One more than the greatest of the changes that it depends on. */
  readonly lamport: number;
  /** Claimed milliseconds since 1970, or null. */
  readonly time: number | null;
  /** No known change builds on it. */
  readonly head: boolean;
  /** The author equivocated on this chain. */
  readonly forked: boolean;
}

/** One dependency: `from` builds on `to`, as its previous change, as another head, or because an op refers to it. */
export interface GraphEdge {
  /** The id of the change that builds on the other. */
  readonly from: string;
  /** The id of the other. */
  readonly to: string;
  /** How it names the other. */
  readonly kind: "prev" | "parent" | "ref";
}

/** An author who equivocated: two different changes with one number on one chain. */
export interface GraphFork {
  /** The author's public key: 64 hexadecimal digits. */
  readonly author: string;
  /** The author's chain, as a decimal number. */
  readonly chain: string;
  /** The number that both changes bear. */
  readonly seq: number;
  /** The two change ids, the lower first. */
  readonly ids: readonly [string, string];
}

/** Changes and dependencies, ascending by (lamport, id) of the change; the edges of one change as in its header. */
export interface HistoryGraph {
  /** The changes. */
  readonly nodes: readonly GraphNode[];
  /** What they build on. */
  readonly edges: readonly GraphEdge[];
  /** One per chain whose author equivocated, in the order of the first change; without those that are left out. */
  readonly forks: readonly GraphFork[];
  /** Changes left out because of the limit, with all edges to them. */
  readonly omitted: number;
}

/** What to show, and how. */
export interface GraphOptions {
  /** Only the newest so many changes. */
  readonly limit?: number;
  /** What to call an author, by public key in hexadecimal; the first eight digits when left out. */
  readonly nameOf?: (author: string) => string;
}

/** The hash graph as plain JSON-able data. */
export function toGraph(
  history: InspectedHistory,
  options: Pick<GraphOptions, "limit"> = {},
): HistoryGraph {
  const order = Array.from({ length: history.length }, (_, index) => index);
  order.sort((a, b) => history.compare(a, b));
  const limit = Math.max(0, Math.floor(options.limit ?? Infinity));
  const shown = order.slice(Math.max(0, order.length - limit));
  const visible = new Set(shown);
  const heads = new Set(history.heads());
  const edges: GraphEdge[] = [];
  const nodes = shown.map((index) => {
    for (const { to, kind } of edgesOf(history, index)) {
      if (visible.has(to)) edges.push({ from: idOf(history, index), to: idOf(history, to), kind });
    }
    return nodeOf(history, index, heads.has(index));
  });
  return { nodes, edges, forks: forksOf(history, visible), omitted: history.length - nodes.length };
}

/** The hash graph in DOT: `dot -Tsvg` draws it, newest on the right. */
export function toDot(history: InspectedHistory, options: GraphOptions = {}): string {
  const { nodes, edges, forks, omitted } = toGraph(history, options);
  const lines = [
    "digraph history {",
    "  rankdir=RL;",
    '  node [shape=box, style=rounded, fontname="monospace"];',
  ];
  if (omitted > 0) lines.push(`  label=${dotText(omittedText(omitted))};`);
  for (const node of nodes) {
    const attributes = [`label=${dotText(labelOf(node, options).join("\n"))}`];
    if (node.head) attributes.push("penwidth=2");
    if (node.forked) attributes.push("color=red");
    lines.push(`  "${node.id}" [${attributes.join(", ")}];`);
  }
  const styles = { prev: "", parent: " [style=dashed]", ref: " [style=dotted]" };
  for (const { from, to, kind } of edges) lines.push(`  "${from}" -> "${to}"${styles[kind]};`);
  for (const { seq, ids } of forks) {
    const label = `label=${dotText(forkText(seq))}`;
    lines.push(
      `  "${ids[0]}" -> "${ids[1]}" [dir=both, constraint=false, color=red, fontcolor=red, ${label}];`,
    );
  }
  return `${[...lines, "}"].join("\n")}\n`;
}

/** The hash graph as a Mermaid flowchart, for Markdown and web pages. */
export function toMermaid(history: InspectedHistory, options: GraphOptions = {}): string {
  const { nodes, edges, forks, omitted } = toGraph(history, options);
  const lines = ["flowchart RL"];
  if (omitted > 0) lines.push(`  %% ${omittedText(omitted)}`);
  const names = new Map(nodes.map(({ id }, i) => [id, `n${i}`]));
  for (const node of nodes) {
    const label = labelOf(node, options).map(mermaidText).join("<br/>");
    lines.push(`  ${names.get(node.id)!}["${label}"]`);
  }
  const arrows = { prev: "-->", parent: "-.->", ref: "-. ref .->" };
  for (const { from, to, kind } of edges) {
    lines.push(`  ${names.get(from)!} ${arrows[kind]} ${names.get(to)!}`);
  }
  for (const { seq, ids } of forks) {
    const [first, second] = ids.map((id) => names.get(id)!);
    lines.push(`  ${first} x-- "${mermaidText(forkText(seq))}" --x ${second}`);
  }
  lines.push(...mermaidClass("head", "stroke-width:3px", nodes, names));
  lines.push(...mermaidClass("forked", "stroke:#d00", nodes, names));
  return `${lines.join("\n")}\n`;
}

const SHORT_LENGTH = 8;

function nodeOf(history: InspectedHistory, index: number, head: boolean): GraphNode {
  const id = idOf(history, index);
  return {
    id,
    short: id.slice(0, SHORT_LENGTH),
    author: toHex(history.authorAt(index)),
    chain: history.chainAt(index).toString(),
    seq: history.seqAt(index),
    lamport: history.lamportAt(index),
    time: history.timeAt(index),
    head,
    forked: history.isForked(index),
  };
}

/** The dependencies of a change with their kinds; the history keeps them in the order prev, parents, refs. */
function edgesOf(
  history: InspectedHistory,
  index: number,
): { readonly to: number; readonly kind: GraphEdge["kind"] }[] {
  const header = decodeBody(history.bodyAt(index));
  if (!header.ok) return [];
  const first = header.value.prev === null ? 0 : 1;
  const last = first + header.value.parents.length;
  return history.dependencies(index).map((to, slot) => {
    if (slot < first) return { to, kind: "prev" };
    return { to, kind: slot < last ? "parent" : "ref" };
  });
}

function forksOf(history: InspectedHistory, visible: ReadonlySet<number>): GraphFork[] {
  return history
    .forks()
    .map(({ author, chain, seq, ids }) => ({
      fork: {
        author: toHex(author),
        chain: chain.toString(),
        seq,
        ids: [toHex(ids[0]), toHex(ids[1])] as const,
      },
      at: ids.map((id) => history.indexOf(id)),
    }))
    .filter(({ at }) => at.every((index) => visible.has(index)))
    .sort((a, b) => history.compare(a.at[0]!, b.at[0]!))
    .map(({ fork }) => fork);
}

function idOf(history: InspectedHistory, index: number): string {
  return toHex(history.idAt(index));
}

function labelOf(node: GraphNode, { nameOf }: GraphOptions): [string, string] {
  const name = nameOf?.(node.author) ?? node.author.slice(0, SHORT_LENGTH);
  const chain = node.chain === "0" ? "" : `/${BigInt(node.chain).toString(16).slice(0, 4)}`;
  return [node.short, `${name}${chain} #${node.seq}`];
}

function forkText(seq: number): string {
  return `equivocation: both are #${seq}`;
}

function omittedText(omitted: number): string {
  return `${omitted} earlier change${omitted === 1 ? "" : "s"} not shown`;
}

function dotText(text: string): string {
  const escaped = text
    .replace(/[\\"]/gu, "\\$&")
    .replace(/\n/gu, "\\n")
    .replace(/\p{Cc}/gu, "?");
  return `"${escaped}"`;
}

/** Mermaid has no escapes but entities, written with # instead of &. */
function mermaidText(text: string): string {
  return text
    .replace(/\p{Cc}/gu, "?")
    .replace(/[^\p{L}\p{N} ._@/-]/gu, (character) => `#${character.codePointAt(0)!};`);
}

function mermaidClass(
  name: "head" | "forked",
  style: string,
  nodes: readonly GraphNode[],
  names: ReadonlyMap<string, string>,
): string[] {
  const members = nodes.filter((node) => node[name]).map(({ id }) => names.get(id)!);
  if (members.length === 0) return [];
  return [`  classDef ${name} ${style}`, `  class ${members.join(",")} ${name}`];
}
