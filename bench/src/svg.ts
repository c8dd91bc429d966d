/** A bar chart as SVG: one panel for each group of bars, on a logarithmic scale, legible on light and dark pages. */

/** One bar. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The value in words, behind the bar. */
  readonly shown: string;
  readonly isOurs: boolean;
}

/** Bars that belong together. */
export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 860;
const LABELS = 250;
const VALUES = 110;
const ROW = 22;
const TITLE = 34;
const MARGIN = 16;
const HEAD = 44;

/** Shades between the powers of ten. */
const COLOURS = {
  ours: "#d9480f",
  other: "#5c7cfa",
  grid: "#ced4da",
  text: "#212529",
  faint: "#495057",
};

/** The chart. */
export function barChart(title: string, panels: readonly Panel[]): string {
  const shapes: string[] = [];
  let y = HEAD;
  for (const panel of panels) {
    shapes.push(...panelOf(panel, y));
    y += TITLE + panel.bars.length * ROW + MARGIN;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" font-family="system-ui, sans-serif" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    text(MARGIN, 28, title, { size: 16, weight: 600 }),
    ...shapes,
    "</svg>",
    "",
  ].join("\n");
}

function panelOf({ title, bars }: Panel, top: number): string[] {
  const values = bars.map(({ value }) => value).filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...values)) - 0.15);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const span = WIDTH - LABELS - VALUES - MARGIN;
  const lengthOf = (value: number): number =>
    Math.max(1, ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * span);
  const bottom = top + TITLE + bars.length * ROW;
  const shapes = [text(MARGIN, top + 20, title, { size: 13, weight: 600 })];
  for (let power = low; power <= high; power++) {
    const x = LABELS + lengthOf(10 ** power) - (power === low ? 1 : 0);
    shapes.push(
      `<line x1="${fixed(x)}" y1="${top + TITLE - 4}" x2="${fixed(x)}" y2="${bottom}" stroke="${COLOURS.grid}"/>`,
    );
  }
  bars.forEach(({ label, value, shown, isOurs }, row) => {
    const y = top + TITLE + row * ROW;
    const length = lengthOf(value);
    const weight = isOurs ? 600 : 400;
    shapes.push(
      text(LABELS - 8, y + 14, label, { size: 12, weight, anchor: "end" }),
      `<rect x="${LABELS}" y="${y + 3}" width="${fixed(length)}" height="${ROW - 7}" rx="2" fill="${isOurs ? COLOURS.ours : COLOURS.other}"/>`,
      text(LABELS + length + 6, y + 14, shown, { size: 12, weight, colour: COLOURS.faint }),
    );
  });
  return shapes;
}

interface Style {
  readonly size: number;
  readonly weight: number;
  readonly anchor?: "start" | "end";
  readonly colour?: string;
}

function text(x: number, y: number, content: string, style: Style): string {
  const { size, weight, anchor = "start", colour = COLOURS.text } = style;
  return `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${colour}">${escaped(content)}</text>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
