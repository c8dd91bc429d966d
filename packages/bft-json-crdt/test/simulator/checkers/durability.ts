/**
 * Durability: what a relay has acknowledged, with all that it builds on, and what an author was told is stored, is there
 * after every crash; and in the end the disk alone gives the whole history again.
 */
import { toHex } from "../../../src/encoding/index.ts";
import type { Checker, Observed, World } from "../world.ts";

/** Nothing that was vouched for is missing, now or after a restart on the way. */
export const checkDurability: Checker = (world) =>
  world.components.flat().flatMap((host) => {
    const fault = storeFaultOf(host);
    if (fault !== null) return [{ checker: "durability", detail: fault }];
    const lost = [...host.notes.lost, ...missingOf(host, world)];
    if (lost.length === 0) return [];
    const detail = `${host.name} vouched for ${lost[0]} and ${lost.length - 1} more, and lost them`;
    return [{ checker: "durability", detail }];
  });

function storeFaultOf({ name, history, stored, storedFaults }: Observed): string | null {
  if (storedFaults.length > 0) return `the store of ${name} is damaged: ${storedFaults[0]}`;
  for (let index = 0; index < history.length; index++) {
    const id = history.idAt(index);
    if (stored.indexOf(id) < 0) return `${name} does not get ${toHex(id)} back from its disk`;
  }
  return null;
}

function missingOf({ notes, history }: Observed, { universe }: World): string[] {
  const vouched = new Set(notes.vouched);
  for (const hex of vouched) {
    const header = universe.known.get(hex)?.header;
    if (header == null) continue;
    for (const id of [
      ...(header.prev === null ? [] : [header.prev]),
      ...header.parents,
      ...header.refs,
    ]) {
      vouched.add(toHex(id));
    }
  }
  return [...vouched].filter((hex) => {
    const known = universe.known.get(hex);
    return known === undefined || history.indexOf(known.id) < 0;
  });
}
