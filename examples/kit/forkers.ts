/** Who has equivocated, found without what the library knows of it: for tests that compare both. */
import { toHex } from "bft-json-crdt";
import type { History } from "bft-json-crdt";

/** Keys, in hex, of authors who signed two changes of one chain and number: naively. */
export function forkersIn(history: History): Set<string> {
  const taken = new Set<string>();
  const forkers = new Set<string>();
  for (let index = 0; index < history.length; index++) {
    const author = toHex(history.authorAt(index));
    const place = `${author} ${history.chainAt(index)} ${history.seqAt(index)}`;
    if (taken.has(place)) forkers.add(author);
    taken.add(place);
  }
  return forkers;
}
