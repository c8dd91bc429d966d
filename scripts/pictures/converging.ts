/**
 * Two replicas that change the same things at once, tell each other, and show the same: what the library did, under fixed
 * keys and without times, so that ids and digests are the same each time.
 */
import {
  Document,
  documentId,
  generateKeyPair,
  string,
  struct,
  text,
  toGraph,
} from "bft-json-crdt";
import { toHex, toMermaid } from "bft-json-crdt";
import type { GraphNode, LocalChange } from "bft-json-crdt";
import { arrow, box, COLOURS, drawing, words } from "./svg.ts";

const schema = struct({ words: text(), colour: string() });
type Replica = Document<typeof schema>;

/** What is to be told of one of the two. */
interface Side {
  readonly name: string;
  readonly colour: string;
  readonly replica: Replica;
  /** What it did, in words. */
  readonly edits: readonly string[];
  /** Its concurrent change. */
  readonly change: LocalChange;
  /** The view before, after its own change, and after that of the other. */
  readonly views: readonly string[];
}

/** Runs the story. */
function story(): readonly [Side, Side] {
  const [alice, bob] = [1, 2].map(
    (seed) =>
      new Document({
        schema,
        id: documentId("two replicas"),
        keyPair: generateKeyPair(new Uint8Array(32).fill(seed)),
        chain: 0n,
      }),
  ) as [Replica, Replica];
  const quiet = { time: null };
  const first = alice.change(({ words, colour }) => {
    words.append("a cat");
    colour.set("grey");
  }, quiet);
  bob.receive(first.bytes);
  const views: [string[], string[]] = [[alice.viewJson()], [bob.viewJson()]];
  const ofAlice = alice.change(({ words, colour }) => {
    words.append(" sleeps");
    colour.set("black");
  }, quiet);
  const ofBob = bob.change(({ words, colour }) => {
    words.insert(2, "big ");
    colour.set("white");
  }, quiet);
  views[0].push(alice.viewJson());
  views[1].push(bob.viewJson());
  alice.receive(ofBob.bytes);
  bob.receive(ofAlice.bytes);
  views[0].push(alice.viewJson());
  views[1].push(bob.viewJson());
  if (alice.viewDigest() !== bob.viewDigest()) throw new Error("they have not converged");
  return [
    {
      name: "Alice",
      colour: COLOURS.alice,
      replica: alice,
      edits: ['appends " sleeps"', 'sets colour to "black"'],
      change: ofAlice,
      views: views[0],
    },
    {
      name: "Bob",
      colour: COLOURS.bob,
      replica: bob,
      edits: ['inserts "big " at 2', 'sets colour to "white"'],
      change: ofBob,
      views: views[1],
    },
  ];
}

const WIDTH = 860;
const BOX = { width: 380, height: 34 } as const;
const LEFT = [20, WIDTH - 20 - BOX.width] as const;
/** Tops of: the view before, the edits, the view after them, the view in the end, the graph. */
const ROWS = [52, 112, 172, 272, 356] as const;

/** The picture as SVG. */
export function convergingSvg(): string {
  const sides = story();
  const shapes = sides.flatMap((side, at) => columnOf(side, LEFT[at]!));
  const [from, to] = [ROWS[2] + BOX.height, ROWS[3]];
  sides.forEach((side, at) => {
    const [x, otherX] = [LEFT[at]!, LEFT[1 - at]!].map((left) => left + BOX.width / 2) as [
      number,
      number,
    ];
    shapes.push(
      arrow([x, from + 2], [otherX, to - 4]),
      words(x, (from + to) / 2 + 5, sentBy(side), {
        size: 12,
        anchor: at === 0 ? "end" : "start",
        fill: side.colour,
      }),
    );
  });
  const digest = sides[0].replica.viewDigest().slice(0, 16);
  const same = `both: view digest ${digest}…, frontier ${frontierOf(sides[0]).join(" ")}`;
  shapes.push(
    words(WIDTH / 2, ROWS[3] + BOX.height + 22, same, { anchor: "middle", fill: COLOURS.both }),
    ...graphOf(sides, ROWS[4]),
  );
  return drawing("Two replicas converge", [WIDTH, ROWS[4] + 150], shapes);
}

/** The picture in characters. */
export function convergingText(): string {
  const sides = story();
  const width = 2 + Math.max(...sides.flatMap(({ views }) => views.map((view) => view.length)));
  const both = (cell: (side: Side) => string): string =>
    sides
      .map((side) => cell(side).padEnd(width))
      .join("")
      .trimEnd();
  // The lines cross in the middle between the two columns' third characters.
  const half = Math.floor(width / 2);
  const crossing = (corners: string): string =>
    `  ${corners[0]!}${"─".repeat(half - 3)}${corners[1]!}   ${corners[2]!}${"─".repeat(width - half - 3)}${corners[3]!}`;
  const digest = sides[0].replica.viewDigest().slice(0, 16);
  return [
    both(({ name }) => name),
    both(({ views }) => views[0]!),
    both(() => "  │"),
    ...sides[0].edits.map((_, at) => both(({ edits }) => `  │ ${edits[at]!}`)),
    both(() => "  ▼"),
    both(({ views }) => views[1]!),
    both((side) => `  │ ${sentBy(side)}`),
    crossing("╰╮╭╯"),
    `${" ".repeat(half + 2)}╳`,
    crossing("╭╯╰╮"),
    both(() => "  ▼"),
    both(({ views }) => views[2]!),
    "",
    `both: view digest ${digest}…, frontier ${frontierOf(sides[0]).join(" ")}`,
  ].join("\n");
}

/** The history that both have in the end, as a Mermaid flowchart. */
export function convergingMermaid(): string {
  const sides = story();
  const [alice, bob] = sides.map(({ replica }) =>
    toMermaid(replica.history, { nameOf: nameIn(sides) }),
  );
  if (alice !== bob) throw new Error("the two draw different histories");
  return alice!.trimEnd();
}

function columnOf({ name, colour, edits, views }: Side, x: number): string[] {
  const middle = x + BOX.width / 2;
  const shapes = [
    words(middle, 36, name, { size: 15, weight: 600, anchor: "middle", fill: colour }),
    ...edits.map((edit, at) => words(middle + 12, ROWS[1] + 8 + at * 18, edit, { size: 13 })),
    arrow([middle, ROWS[0] + BOX.height + 2], [middle, ROWS[2] - 4]),
  ];
  [ROWS[0], ROWS[2], ROWS[3]].forEach((y, at) => {
    shapes.push(
      box([x, y, BOX.width, BOX.height], at === 2 ? COLOURS.both : colour),
      words(middle, y + 22, views[at]!, { size: 13, anchor: "middle", mono: true }),
    );
  });
  return shapes;
}

/** The hash graph that both have in the end: a row for each author, changes by the length of what is behind them. */
function graphOf(sides: readonly [Side, Side], top: number): string[] {
  const { nodes, edges } = toGraph(sides[0].replica.history);
  const nameOf = nameIn(sides);
  const place = (node: GraphNode): readonly [number, number] => [
    210 + (node.lamport - 1) * 300,
    top + 34 + (nameOf(node.author) === "Alice" ? 0 : 56),
  ];
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const size = [176, 38] as const;
  const shapes = [words(20, top + 22, "history of both", { weight: 600 })];
  for (const { from, to, kind } of edges) {
    const [x1, y1] = place(byId.get(from)!);
    const [x2, y2] = place(byId.get(to)!);
    shapes.push(
      arrow([x1 - 2, y1 + size[1] / 2], [x2 + size[0] + 2, y2 + size[1] / 2], kind !== "prev"),
    );
  }
  for (const node of nodes) {
    const [x, y] = place(node);
    const name = nameOf(node.author);
    const { colour } = sides.find((side) => side.name === name)!;
    shapes.push(
      box([x, y, size[0], size[1]], colour),
      words(x + size[0] / 2, y + 24, `${node.short} ${name} #${node.seq}`, {
        size: 12,
        anchor: "middle",
        mono: true,
      }),
    );
  }
  return shapes;
}

function nameIn(sides: readonly [Side, Side]): (author: string) => string {
  const names = new Map(sides.map(({ name, replica }) => [toHex(replica.author!), name]));
  return (author) => names.get(author)!;
}

function sentBy({ change }: Side): string {
  return `${toHex(change.id).slice(0, 8)}, ${change.bytes.length} bytes`;
}

function frontierOf({ replica }: Side): string[] {
  return replica.frontier().map((id) => toHex(id).slice(0, 8));
}
