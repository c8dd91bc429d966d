/** All worst cases, by theme. */
import type { Case } from "./case.ts";
import { cases as history } from "./history.ts";
import { cases as input } from "./input.ts";
import { cases as order } from "./order.ts";
import { cases as queue } from "./queue.ts";
import { cases as registers } from "./registers.ts";
import { cases as sync } from "./sync.ts";
import { cases as yardstick } from "./yardstick.ts";

/** The themes, in the order of the table. */
export const themes: Readonly<Record<string, readonly Case[]>> = {
  history,
  queue,
  order,
  registers,
  input,
  sync,
};

const all: typeof themes = { yardstick, ...themes };

/** Where the yardstick is found, by which all others are judged. */
export const YARDSTICK = `yardstick/${yardstick[0]!.name}`;

/** The case of a theme and a name, separated by a slash (the name may hold more); throws when there is none. */
export function findCase(path: string): Case {
  const slash = path.indexOf("/");
  const found = all[path.slice(0, slash)]?.find(({ name }) => name === path.slice(slash + 1));
  if (found === undefined) throw new Error(`there is no worst case "${path}"`);
  return found;
}
