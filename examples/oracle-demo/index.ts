/** The network of the demo, without its screen. */
export { Demo, HONEST, LIAR, SECONDS, TWO_FACED } from "./demo.ts";
export type { NodeState, State } from "./demo.ts";
