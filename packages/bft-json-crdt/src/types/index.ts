export { Additions } from "./additions.ts";
export { Assignments } from "./assignments.ts";
export type { CompareElements } from "./order.ts";
export { IntervalSet } from "./int-map.ts";
export { LEFT, RIGHT, Sequence } from "./sequence.ts";
export { LIST_CONTENT, TEXT_CONTENT } from "./sequence-content.ts";
export type { RemovalListener, Side } from "./sequence.ts";
