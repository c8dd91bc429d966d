export { Additions } from "./additions.ts";
export { Assignments } from "./assignments.ts";
export type { CompareElements } from "./order.ts";
export { IntervalSet } from "./int-map.ts";
export { LEFT, LIST_CONTENT, RIGHT, Sequence, TEXT_CONTENT } from "./sequence.ts";
export type { RemovalListener, Side } from "./sequence.ts";
