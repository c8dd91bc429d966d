/** The way of one change, from a key stroke on one machine to the screen of another, with the layer that does each step. */
import { existsSync } from "node:fs";
import { arrow, box, COLOURS, drawing, words } from "./svg.ts";

/** One step: the folder of the library that does it (null: not the library), and what is done. */
interface Stage {
  readonly layer: string | null;
  readonly does: string;
}

interface Place {
  readonly name: string;
  readonly colour: string;
  readonly stages: readonly Stage[];
}

const PLACES: readonly Place[] = [
  {
    name: "Alice's node",
    colour: COLOURS.alice,
    stages: [
      { layer: null, does: "document.change(edit)" },
      { layer: "document", does: "edits become a draft" },
      { layer: "change", does: "encoded, hashed, signed" },
      { layer: "history", does: "applied here" },
      { layer: "store", does: "on the disk" },
      { layer: "sync", does: "and only now sent" },
    ],
  },
  {
    name: "relay",
    colour: COLOURS.line,
    stages: [
      { layer: "sync", does: "a frame comes" },
      { layer: "history", does: "hash, signature, links" },
      { layer: "history", does: "what lacks something waits" },
      { layer: "store", does: "on the disk; acknowledged" },
      { layer: "sync", does: "the same bytes, to everyone" },
    ],
  },
  {
    name: "Bob's node",
    colour: COLOURS.bob,
    stages: [
      { layer: "sync", does: "a frame comes" },
      { layer: "history", does: "all checked again" },
      { layer: "types", does: "merged, by rules alone" },
      { layer: "document", does: "view and patches" },
      { layer: null, does: "what subscribe() was given" },
      { layer: "store", does: "on the disk; passed on" },
    ],
  },
];

const APPLICATION = "your application";
const BOX = { width: 236, height: 44, gap: 18 } as const;
const COLUMN = 282;
const LEFT = 20;
const TOP = 60;

/** The picture as SVG. */
export function dataFlowSvg(): string {
  checkLayers();
  const rows = Math.max(...PLACES.map(({ stages }) => stages.length));
  const height = TOP + rows * (BOX.height + BOX.gap) + 10;
  const shapes = PLACES.flatMap(({ name, colour, stages }, column) => {
    const x = LEFT + column * COLUMN;
    const middle = x + BOX.width / 2;
    const title = words(middle, 40, name, {
      size: 15,
      weight: 600,
      anchor: "middle",
      fill: colour === COLOURS.line ? COLOURS.text : colour,
    });
    const drawn = stages.flatMap(({ layer, does }, row) => {
      const y = topOf(row);
      return [
        box([x, y, BOX.width, BOX.height], colour),
        words(x + 12, y + 18, layer ?? APPLICATION, { size: 12, weight: 600 }),
        words(x + 12, y + 35, does, { size: 13, fill: COLOURS.faint }),
        ...(row === 0 ? [] : [arrow([middle, y - BOX.gap], [middle, y - 2])]),
      ];
    });
    return [title, ...drawn];
  });
  for (let column = 0; column + 1 < PLACES.length; column++) shapes.push(...between(column));
  return drawing("The way of a change", [LEFT * 2 + 2 * COLUMN + BOX.width, height], shapes);
}

/** The picture in characters. */
export function dataFlowText(): string {
  checkLayers();
  const width = 32;
  const rows = Math.max(...PLACES.map(({ stages }) => stages.length));
  const lines = [
    PLACES.map(({ name }) => name.padEnd(width))
      .join("")
      .trimEnd(),
  ];
  for (let row = 0; row < rows; row++) {
    const cells = PLACES.map(({ stages }, column) => {
      const stage = stages[row];
      if (stage === undefined) return ["", "", ""];
      const isLast = row === stages.length - 1;
      const goesOn = isLast && column < PLACES.length - 1;
      return [
        stage.layer ?? APPLICATION,
        `  ${stage.does}`,
        goesOn ? `  └─▶ ${PLACES[column + 1]!.name}` : isLast ? "" : "  ▼",
      ];
    });
    for (let line = 0; line < 3; line++) {
      lines.push(
        cells
          .map((cell) => cell[line]!.padEnd(width))
          .join("")
          .trimEnd(),
      );
    }
  }
  return lines.join("\n").trimEnd();
}

/** From the last box of a column to the first one of the next. */
function between(column: number): string[] {
  const { stages } = PLACES[column]!;
  const x = LEFT + column * COLUMN + BOX.width;
  return [
    arrow(
      [x + 2, topOf(stages.length - 1) + BOX.height / 2],
      [LEFT + (column + 1) * COLUMN - 2, topOf(0) + BOX.height / 2],
    ),
  ];
}

function topOf(row: number): number {
  return TOP + row * (BOX.height + BOX.gap);
}

/** Throws when a layer that is drawn is none of the library's folders. */
function checkLayers(): void {
  for (const { stages } of PLACES) {
    for (const { layer } of stages) {
      const folder = new URL(`../../packages/bft-json-crdt/src/${layer}/`, import.meta.url);
      if (layer !== null && !existsSync(folder)) throw new Error(`there is no layer "${layer}"`);
    }
  }
}
