/** What is shown while the demo runs: a table that is drawn again in its place on a terminal, else a line for each second and now and then the table. */
import { paint, table } from "example-kit";
import { dollars, percent } from "example-oracle-network";
import { rangeOf } from "./demo.ts";
import type { NodeState, State } from "./demo.ts";

/** What is written to: a terminal or something else. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Least size of a terminal in which the table is drawn in place. */
const COLUMNS = 80;
const ROWS = 20;
/** Where there is no terminal: seconds from table to table. */
const TABLE_EVERY = 15;
/** Events that stay on the screen. */
const EVENTS = 6;

const UP = (lines: number): string => (lines > 0 ? `\u001B[${lines}A` : "");
/** Deletes from the cursor to the end of the screen. */
const CLEAR = "\u001B[J";
const HIDE_CURSOR = "\u001B[?25l";
const SHOW_CURSOR = "\u001B[?25h";

/** A screen; `close` it, or the cursor stays hidden. */
export class Screen {
  readonly #output: Output;
  readonly #wantsTable: boolean;
  readonly #events: string[] = [];
  #state: State | null = null;
  #drawn = 0;
  #isClosed = false;

  constructor(output: Output, wantsTable: boolean) {
    this.#output = output;
    this.#wantsTable = wantsTable;
  }

  event(elapsed: number, text: string): void {
    const line = `${seconds(elapsed)}  ${text}`;
    if (!this.#isLive()) return this.#line(paint("yellow", line));
    this.#events.push(line);
    this.#draw();
  }

  state(state: State): void {
    this.#state = state;
    if (this.#isLive()) this.#draw();
    else if (Math.floor(state.elapsed / 1_000) % TABLE_EVERY !== TABLE_EVERY - 1) {
      this.#line(lineOf(state));
    } else this.#line(["", ...pictureOf(state), ""].join("\n"));
  }

  /** Leaves the last picture where it is; what happens later is a line below it. */
  close(): void {
    if (this.#drawn > 0) this.#output.write(SHOW_CURSOR);
    this.#isClosed = true;
  }

  #isLive(): boolean {
    const { isTTY = false, columns = 0, rows = 0 } = this.#output;
    const fits = isTTY && columns >= COLUMNS && rows >= ROWS;
    return this.#wantsTable && fits && !this.#isClosed;
  }

  #line(text: string): void {
    this.#output.write(`${text}\n`);
  }

  #draw(): void {
    if (this.#state === null) return;
    const lines = [...pictureOf(this.#state), "", ...this.#events.slice(-EVENTS)];
    const start = this.#drawn === 0 ? HIDE_CURSOR : UP(this.#drawn) + CLEAR;
    this.#output.write(`${start}${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }
}

/** The table of one moment, at most 80 columns wide. */
export function pictureOf(state: State): string[] {
  const header = ["node", "attests", "sees", "voices", "outliers", "sure", "proof since"];
  const network = state.isParted ? paint("yellow", "in two parts") : paint("green", "whole");
  return [
    `second ${seconds(state.elapsed).trim()}  market ${dollars(state.market)}  network ${network}`,
    "",
    ...table(header, state.nodes.map(rowOf)),
    "",
    rangeLine(state),
  ];
}

function rowOf(node: NodeState): string[] {
  const { name, isHonest, attested, price, kept, rejected, confidence, noticed } = node;
  return [
    paint(isHonest ? "green" : "red", name),
    attested === null ? "-" : dollars(attested),
    price === null ? "-" : dollars(price),
    String(kept),
    String(rejected),
    percent(confidence),
    noticed === null ? "-" : seconds(noticed).trim(),
  ];
}

function lineOf(state: State): string {
  const known = state.nodes.filter(({ isHonest, noticed }) => isHonest && noticed !== null).length;
  const network = state.isParted ? "parted" : "whole ";
  return `${seconds(state.elapsed)}  ${network}  ${rangeLine(state)}${known === 0 ? "" : `; proof: ${known} of 5`}`;
}

function rangeLine(state: State): string {
  const range = rangeOf(state);
  if (range === null) return "honest: no price";
  const { low, high, deviation } = range;
  return `honest: ${dollars(low)} to ${dollars(high)}, apart ${percent(deviation)}`;
}

/** Milliseconds as seconds with one decimal. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`.padStart(7);
}
