/**
 * What a sequence must be, the slow and obvious way: an explicit Fugue tree of single elements, walked anew for each
 * question. For tests only.
 */
import { LEFT, RIGHT, type Side } from "./sequence.ts";

/** Orders the keys of elements that different changes made. */
export interface ChangeOrder {
  /** Negative if the elements of change `a` have smaller keys than those of change `b`; never called with a = b. */
  compareChanges(a: number, b: number): number;
}

/** One element, or the root, whose `lv` is -1. */
export interface ModelElement {
  readonly lv: number;
  readonly change: number;
  readonly parent: ModelElement | null;
  readonly value: string;
  alive: boolean;
  /** Children on the left and on the right, each in descending key order. */
  readonly children: readonly [ModelElement[], ModelElement[]];
}

/** The naive counterpart of `Sequence`; a value of two UTF-16 units makes a wide element. */
export class SequenceModel {
  private readonly order: ChangeOrder;
  private readonly root: ModelElement = newElement(-1, -1, null, "", false);
  private readonly elements = new Map<number, ModelElement>();
  private walked: ModelElement[] | null = null;
  private readonly ranks = new Map<ModelElement, number>();

  constructor(order: ChangeOrder) {
    this.order = order;
  }

  /** Inserts a chain of right children, one for each value. */
  insert(
    lv: number,
    change: number,
    parent: number,
    side: Side,
    values: readonly string[],
    visible: boolean,
  ): void {
    let above = this.element(parent);
    values.forEach((value, i) => {
      const element = newElement(lv + i, change, above, value, visible);
      const siblings = above.children[i === 0 ? side : RIGHT];
      let at = 0;
      while (at < siblings.length && this.compare(siblings[at]!, element) > 0) at += 1;
      siblings.splice(at, 0, element);
      this.elements.set(element.lv, element);
      above = element;
    });
    this.walked = null;
  }

  /** Kills elements; returns how many were alive. */
  remove(lv: number, count: number): number {
    let died = 0;
    for (let i = lv; i < lv + count; i++) {
      const element = this.elements.get(i);
      if (element?.alive !== true) continue;
      element.alive = false;
      died += 1;
    }
    return died;
  }

  /** The element with this id, or the root for -1. */
  element(lv: number): ModelElement {
    return lv < 0 ? this.root : this.elements.get(lv)!;
  }

  /** Every element in order, dead ones included. */
  walk(): readonly ModelElement[] {
    if (this.walked !== null) return this.walked;
    const order: ModelElement[] = [];
    // What is still to visit, last first: an element to open, or one whose left side is done.
    const open: { element: ModelElement; leftDone: boolean }[] = [
      { element: this.root, leftDone: false },
    ];
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      const { element, leftDone } = step;
      if (leftDone && element !== this.root) order.push(element);
      const side = element.children[leftDone ? RIGHT : LEFT];
      if (!leftDone) open.push({ element, leftDone: true });
      for (let i = side.length - 1; i >= 0; i--) open.push({ element: side[i]!, leftDone: false });
    }
    this.walked = order;
    this.ranks.clear();
    order.forEach((element, rank) => this.ranks.set(element, rank));
    return order;
  }

  /** The visible elements in order. */
  visible(): readonly ModelElement[] {
    return this.walk().filter((element) => element.alive);
  }

  /** Fugue's rule: where an element typed right behind this one hangs. */
  placeAfter(lv: number): { parent: number; side: Side } {
    const left = this.element(lv);
    if (left.children[RIGHT].length === 0) return { parent: lv, side: RIGHT };
    const order = this.walk();
    return { parent: order[(this.ranks.get(left) ?? -1) + 1]!.lv, side: LEFT };
  }

  private compare(a: ModelElement, b: ModelElement): number {
    return a.change === b.change ? a.lv - b.lv : this.order.compareChanges(a.change, b.change);
  }
}

function newElement(
  lv: number,
  change: number,
  parent: ModelElement | null,
  value: string,
  alive: boolean,
): ModelElement {
  return { lv, change, parent, value, alive, children: [[], []] };
}
