/** Lines over time as SVG, legible on light and dark pages. */

/** What was seen at one moment. */
export interface Sample {
  readonly second: number;
  /** Bytes of live memory, and of resident memory. */
  readonly heap: number;
  readonly rss: number;
  readonly rooms: number;
  readonly sessions: number;
}

interface Panel {
  readonly title: string;
  readonly lines: readonly {
    readonly label: string;
    readonly colour: string;
    readonly of: (sample: Sample) => number;
  }[];
}

const WIDTH = 860;
const LEFT = 56;
const RIGHT = 150;
const HEAD = 44;
const PANEL = 190;
const GAP = 52;
const MEBIBYTE = 1_048_576;

const COLOURS = { first: "#d9480f", second: "#5c7cfa", grid: "#ced4da", text: "#212529" };

const PANELS: readonly Panel[] = [
  {
    title: "MiB",
    lines: [
      { label: "resident memory", colour: COLOURS.second, of: ({ rss }) => rss / MEBIBYTE },
      { label: "live memory", colour: COLOURS.first, of: ({ heap }) => heap / MEBIBYTE },
    ],
  },
  {
    title: "rooms and sessions",
    lines: [
      { label: "sessions", colour: COLOURS.second, of: ({ sessions }) => sessions },
      { label: "rooms", colour: COLOURS.first, of: ({ rooms }) => rooms },
    ],
  },
];

/** The picture of a run. */
export function plot(title: string, samples: readonly Sample[]): string {
  const height = HEAD + PANELS.length * (PANEL + GAP);
  const last = Math.max(1, samples.at(-1)?.second ?? 1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" role="img">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(16, 28, title, 16),
    ...PANELS.flatMap((panel, i) => panelOf(panel, samples, HEAD + i * (PANEL + GAP), last)),
    "</svg>",
    "",
  ].join("\n");
}

function panelOf(
  { title, lines }: Panel,
  samples: readonly Sample[],
  top: number,
  last: number,
): string[] {
  const values = lines.flatMap(({ of }) => samples.map(of));
  const high = roundUp(Math.max(1, ...values));
  const x = (second: number): number => LEFT + (second / last) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => top + 24 + (1 - value / high) * (PANEL - 24);
  const shapes = [text(LEFT, top + 12, title, 12)];
  for (let part = 0; part <= 4; part++) {
    const value = (high * part) / 4;
    shapes.push(
      `<line x1="${LEFT}" y1="${fixed(y(value))}" x2="${WIDTH - RIGHT}" y2="${fixed(y(value))}" stroke="${COLOURS.grid}"/>`,
      text(LEFT - 8, y(value) + 4, fixed(value), 11, "end"),
    );
    const second = (last * part) / 4;
    shapes.push(text(x(second), top + PANEL + 18, `${Math.round(second)} s`, 11, "middle"));
  }
  for (const { label, colour, of } of lines) {
    const points = samples.map((sample) => `${fixed(x(sample.second))},${fixed(y(of(sample)))}`);
    shapes.push(
      `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    );
    const end = samples.at(-1);
    if (end !== undefined)
      shapes.push(text(WIDTH - RIGHT + 8, y(of(end)) + 4, label, 12, "start", colour));
  }
  return shapes;
}

/** The next round number. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 10].map((step) => step * power).find((round) => round >= value) ?? value;
}

function text(
  x: number,
  y: number,
  content: string,
  size: number,
  anchor = "start",
  colour = COLOURS.text,
): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" text-anchor="${anchor}" fill="${colour}">${content}</text>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
