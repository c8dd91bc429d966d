/** Boxes, arrows and words as SVG, legible on light and dark pages. */

export const COLOURS = {
  text: "#212529",
  faint: "#495057",
  line: "#868e96",
  alice: "#1971c2",
  bob: "#d9480f",
  both: "#2b8a3e",
};

export interface Words {
  readonly size?: number;
  readonly weight?: number;
  readonly anchor?: "start" | "middle" | "end";
  readonly fill?: string;
  readonly mono?: boolean;
}

/** A whole picture. */
export function drawing(
  title: string,
  [width, height]: readonly [number, number],
  shapes: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="${COLOURS.line}"/></marker></defs>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...shapes,
    "</svg>",
    "",
  ].join("\n");
}

/** A line of words; `y` is where they stand. */
export function words(x: number, y: number, text: string, how: Words = {}): string {
  const { size = 13, weight = 400, anchor = "start", fill = COLOURS.text, mono = false } = how;
  const family = mono ? ' font-family="ui-monospace, monospace"' : "";
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${fill}"${family}>${escaped(text)}</text>`;
}

/** A box with a coloured edge. */
export function box(
  [x, y, width, height]: readonly [number, number, number, number],
  stroke: string,
): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" fill="#f8f9fa" stroke="${stroke}" stroke-width="1.5"/>`;
}

/** An arrow from one point to another, dashed if asked for. */
export function arrow(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  isDashed = false,
): string {
  const dashes = isDashed ? ' stroke-dasharray="5 4"' : "";
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${COLOURS.line}" stroke-width="1.5"${dashes} marker-end="url(#tip)"/>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
