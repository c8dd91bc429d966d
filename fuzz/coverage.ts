/**
 * Which code an input reaches: the block coverage of V8, taken in this very process through the inspector. Only the
 * sources of the packages count, not their tests.
 */
import { Session } from "node:inspector";

/** One function of a script, as V8 reports it; the first range is the function, the others blocks in it. */
interface CoveredFunction {
  readonly ranges: readonly {
    readonly startOffset: number;
    readonly endOffset: number;
    readonly count: number;
  }[];
}

/** Sources whose coverage counts. */
const SOURCES = /\/packages\/[^/]+\/src\/(?!.*\.test\.ts)/u;

/** What inputs have reached so far: a count of its own for each target. */
export class Reached {
  /** By script and position of a function: which of its characters have been reached. */
  readonly functions = new Map<string, Uint8Array>();
  /** Characters of source code: those of a function in a function count for the inner one, too. */
  size = 0;
}

/** The counters of V8. They slow everything down while they are on, and there is one set of them for a process. */
export class Coverage {
  readonly #session = new Session();
  readonly #isSource: (url: string) => boolean;

  /** Begins to count; `isSource` says by its URL whether a script counts. */
  constructor(isSource: (url: string) => boolean = (url) => SOURCES.test(url)) {
    this.#isSource = isSource;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /**
   * How much of what ran since the last call had not been reached before, in characters; adds it to what was reached
   * if it is to be kept.
   */
  take(reached: Reached, isKept: boolean): number {
    let fresh = 0;
    // In process, the answer comes before post() returns.
    this.#session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error !== null) throw new Error("V8 gives no coverage", { cause: error });
      for (const { url, scriptId, functions } of answer.result) {
        if (!this.#isSource(url)) continue;
        for (const one of functions) fresh += freshIn(reached, scriptId, one, isKept);
      }
    });
    if (isKept) reached.size += fresh;
    return fresh;
  }

  /** Stops counting. */
  close(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }
}

/** Paints the blocks of one function, which are nested and follow their outer ones; returns what is new. */
function freshIn(
  reached: Reached,
  script: string,
  { ranges }: CoveredFunction,
  isKept: boolean,
): number {
  const [whole] = ranges;
  if (whole === undefined || whole.count === 0) return 0;
  const start = whole.startOffset;
  const key = `${script}:${start}:${whole.endOffset}`;
  const known = reached.functions.get(key) ?? new Uint8Array(whole.endOffset - start);
  const now = new Uint8Array(known.length);
  for (const { startOffset, endOffset, count } of ranges)
    now.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
  let fresh = 0;
  for (let at = 0; at < now.length; at++) {
    if (now[at] === 0 || known[at] === 1) continue;
    fresh++;
    if (isKept) known[at] = 1;
  }
  if (isKept && fresh > 0) reached.functions.set(key, known);
  return fresh;
}
