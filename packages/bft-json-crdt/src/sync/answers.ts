/**
 * Answers to a peer's questions about what is here. They are functions of the history alone: nothing is remembered
 * about whoever asks, and the work and the size of an answer are bounded by those of the question.
 */
import { toHex } from "../encoding/bytes.ts";
import { MAX_PAGE_ENTRIES, MAX_SAMPLES } from "./bounds.ts";
import type { ListedTip, Sample, SyncMessage } from "./messages.ts";
import { summaryOf } from "./tips.ts";
import type { SyncHistory } from "./tips.ts";

/** Answers a page of tips: which of them are not here, and what is here of their chains instead. */
export function lacksOf(
  history: SyncHistory,
  page: number,
  chains: readonly ListedTip[],
): SyncMessage {
  const at: number[] = [];
  const tips: Uint8Array[] = [];
  const seen = new Set<string>();
  chains.forEach(({ author, chain, id }, position) => {
    if (history.indexOf(id) >= 0) return;
    at.push(position);
    const room = MAX_PAGE_ENTRIES - tips.length;
    // Of chains that nobody has heard of there may be many; of one that forked, all the tips are listed once.
    if (history.tipsOf(author, chain, Math.min(room, 1)).length === 0) return;
    const key = `${toHex(author)}${chain}`;
    if (seen.has(key)) return;
    seen.add(key);
    for (const tip of history.tipsOf(author, chain, room)) tips.push(tip.id);
  });
  return { type: "lacks", of: page, at, tips };
}

/** Answers bucket hashes: which of the 256 are not the same here. */
export function differOf(
  history: SyncHistory,
  page: number,
  hashes: readonly Uint8Array[],
): SyncMessage {
  return { type: "differ", of: page, buckets: summaryOf(history).differing(hashes) };
}

/** Answers for one probed tip: the changes 1, 2, 4, … before it on its chain and the chain's first, nearest first. */
export function samplesOf(history: SyncHistory, tip: Uint8Array): SyncMessage {
  const ids: Sample[] = [];
  const index = history.indexOf(tip);
  if (index >= 0) {
    const last = history.seqAt(index) - 1;
    for (let steps = 1; ids.length < MAX_SAMPLES; steps *= 2) {
      const ancestor = history.ancestorOnChain(index, Math.min(steps, last));
      if (last === 0 || ancestor < 0) break;
      ids.push({ seq: history.seqAt(ancestor), id: history.idAt(ancestor) });
      if (steps >= last) break;
    }
  }
  return { type: "samples", of: tip, ids };
}
