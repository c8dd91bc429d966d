/** What a terminal shows: colours where they are wanted, tables that fit. */

const CODES = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, dim: 2, bold: 1 };

/** A colour, or a weight. */
export type Colour = keyof typeof CODES;

/** Text in a colour, on a terminal that wants colours (no NO_COLOR, not a pipe; FORCE_COLOR has its way). */
export function paint(colour: Colour, text: string): string {
  return wantsColour() ? `\u001B[${CODES[colour]}m${text}\u001B[0m` : text;
}

/** A headline of the story, behind an empty line. */
export function title(text: string): void {
  console.log(`\n${paint("bold", text)}`);
}

/** Lines of the story, indented. */
export function say(...lines: readonly string[]): void {
  for (const line of lines) console.log(`  ${line}`);
}

/** Says what has just been checked. Throws if it is not so. */
export function prove(isSo: boolean, text: string): void {
  if (!isSo) throw new Error(`not so: ${text}`);
  say(`${paint("green", "proven")}   ${text}`);
}

/**
 * Rows in columns under a header, two spaces between them. A column whose cells are all numbers stands to the right.
 * Cells may hold colours; they are measured without them.
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const columns = header.map((_, at) => [header, ...rows].map((row) => row[at] ?? ""));
  const widths = columns.map((cells) => Math.max(...cells.map(widthOf)));
  const isNumeric = columns.map((cells) =>
    cells.slice(1).every((cell) => /^[-+±]?[\d.,]+ ?[%x×]?$|^[-–]?$/.test(plain(cell))),
  );
  const line = (row: readonly string[]): string =>
    header
      .map((_, at) => pad(row[at] ?? "", widths[at]!, isNumeric[at]!))
      .join("  ")
      .trimEnd();
  return [paint("bold", line(header)), ...rows.map(line)];
}

function pad(cell: string, width: number, toTheRight: boolean): string {
  const space = " ".repeat(width - widthOf(cell));
  return toTheRight ? space + cell : cell + space;
}

function widthOf(text: string): number {
  return [...plain(text)].length;
}

function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- colours begin with one
  return text.replace(/\u001B\[\d+m/g, "");
}

function wantsColour(): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if ((FORCE_COLOR ?? "") !== "" && FORCE_COLOR !== "0") return true;
  return (NO_COLOR ?? "") === "" && process.stdout.isTTY;
}
