/**
 * Durability: what a relay has acknowledged, with all that it builds on, and what an author was told is stored, is there
 * after every crash.
 */
import { toHex } from "../../../src/encoding/index.ts";
import type { Checker, Observed, World } from "../world.ts";

/** Nothing that was vouched for is missing, now or after a restart on the way. */
export const checkDurability: Checker = (world) =>
  world.components.flat().flatMap((host) => {
    const lost = [...host.notes.lost, ...missingOf(host, world)];
    if (lost.length === 0) return [];
    const detail = `${host.name} vouched for ${lost[0]} and ${lost.length - 1} more, and lost them`;
    return [{ checker: "durability", detail }];
  });

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
