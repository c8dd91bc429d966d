/**
 * Targets: from what an op names on the wire to local element numbers.
 *
 * Everything is decided from the history of the op's own ancestors, so every replica resolves alike.
 */
import type { ElementTarget } from "../change/index.ts";
import type { History } from "../history/index.ts";

/** Resolves the targets of one change. */
export interface TargetScope {
  /** Local index of the change. */
  readonly change: number;
  /** Number of its first element. */
  readonly base: number;
  /** Elements that its earlier ops have made: within a change only smaller indexes can be named. */
  made: number;
}

/** The number of a named element, or -1 when there is none. */
export function resolveElement(
  history: History,
  scope: TargetScope,
  target: ElementTarget,
): number {
  const { ref, back, index } = target;
  if (ref === 0) return back === 0 && index < scope.made ? scope.base + index : -1;
  const change = changeNamed(history, scope, ref, back);
  if (change < 0 || index >= history.elementsAt(change) || !history.isFoldable(change)) return -1;
  return history.elementBaseAt(change) + index;
}

/** A range of elements on one chain: those at positions [from, to) of it, in changes from `first` back to `last`. */
export interface ChainRange {
  /** The change in which the range ends, or -1 when it is in the naming change itself. */
  readonly last: number;
  readonly from: number;
  readonly to: number;
}

/** Resolves the range at `offset` of a flat list of ranges; null when it names nothing that can be. */
export function resolveRange(
  history: History,
  scope: TargetScope,
  ranges: readonly number[],
  offset: number,
): ChainRange | null {
  const ref = ranges[offset]!;
  const back = ranges[offset + 1]!;
  const first = ranges[offset + 2]!;
  const count = ranges[offset + 3]!;
  if (ref === 0) {
    const fits = back === 0 && first + count <= scope.made;
    return fits ? { last: -1, from: first, to: first + count } : null;
  }
  const named = changeNamed(history, scope, ref, 0);
  const start = changeNamed(history, scope, ref, back);
  if (start < 0 || first >= history.elementsAt(start)) return null;
  const from = history.chainElementsBefore(start) + first;
  const to = from + count;
  if (to > history.chainElementsBefore(named) + history.elementsAt(named)) return null;
  return { last: history.chainAncestorBelow(named, to), from, to };
}

/** The element of a range of one at `offset` of a flat list of ranges; -1 when it is none, or has to be looked at as a range. */
export function resolveSingle(
  history: History,
  scope: TargetScope,
  ranges: readonly number[],
  offset: number,
): number {
  const ref = ranges[offset]!;
  const first = ranges[offset + 2]!;
  if (ref === 0) return -1;
  const change = changeNamed(history, scope, ref, ranges[offset + 1]!);
  if (change < 0 || first >= history.elementsAt(change) || !history.isFoldable(change)) return -1;
  return history.elementBaseAt(change) + first;
}

function changeNamed(history: History, scope: TargetScope, ref: number, back: number): number {
  if (ref > history.dependencySlots(scope.change)) return -1;
  const change = history.dependencyAt(scope.change, ref - 1);
  return change < 0 || back === 0 ? change : history.ancestorOnChain(change, back);
}
