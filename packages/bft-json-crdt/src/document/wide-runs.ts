/** Cuts text into runs of characters that take one UTF-16 unit each and runs of those that take two. */

/** A run whose characters all take `width` units. */
export interface WideRun {
  readonly content: string;
  /** Characters (Unicode scalar values). */
  readonly count: number;
  readonly width: 1 | 2;
}

/** The runs of a well-formed string, in order. */
export function wideRuns(text: string): WideRun[] {
  const runs: WideRun[] = [];
  let start = 0;
  let wide = isHigh(text, 0);
  for (let i = 0; i <= text.length;) {
    const next = isHigh(text, i);
    if (i === text.length || next !== wide) {
      const content = text.slice(start, i);
      if (content !== "") {
        const width = wide ? 2 : 1;
        runs.push({ content, count: content.length / width, width });
      }
      start = i;
      wide = next;
    }
    i += next ? 2 : 1;
  }
  return runs;
}

/** Whether some characters of a string take two units; most texts have none. */
export function hasPairs(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isHigh(text, i)) return true;
  return false;
}

function isHigh(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800;
}
