/**
 * What is asked of JSON from other programs beyond that it parses: no key twice in an object, and no deep nesting.
 * JSON.parse takes the last of two equal keys without a word, and a program that wrote both meant one of them.
 */

/** Levels of objects and lists in a line, that of the line itself included; a request needs four. */
export const MAX_CONTROL_DEPTH = 32;

/** True when valid JSON repeats no key and is not too deep. Walks over it once, without recursion. */
export function isStrict(json: string): boolean {
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at]!;
    if (character === "}" || character === "]") open.pop();
    else if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : null);
      if (open.length > MAX_CONTROL_DEPTH) return false;
    } else if (character === '"') {
      const end = endOfText(json, at);
      if (isKey(json, end)) {
        const key = JSON.parse(json.slice(at, end)) as string;
        const keys = open.at(-1);
        if (keys?.has(key) === true) return false;
        keys?.add(key);
      }
      at = end - 1;
    }
  }
  return true;
}

/** The index behind the closing quote of the text that begins at `start`. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** True when a colon comes next: no text but a key is followed by one. */
function isKey(json: string, end: number): boolean {
  let at = end;
  while (json[at] === " " || json[at] === "\t" || json[at] === "\n" || json[at] === "\r") at++;
  return json[at] === ":";
}
