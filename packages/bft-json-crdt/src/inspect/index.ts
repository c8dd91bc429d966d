/** Inspection: the hash graph and the bytes of changes, for people and for pages. */
export { toDot, toGraph, toMermaid } from "./dag.ts";
export type {
  GraphEdge,
  GraphFork,
  GraphNode,
  GraphOptions,
  HistoryGraph,
  InspectedHistory,
} from "./dag.ts";
export { explainBody, explainGroup } from "./explain.ts";
export type {
  ExplainedBody,
  ExplainedChange,
  ExplainedElement,
  ExplainedGroup,
  ExplainedHeader,
  ExplainedOp,
  ExplainedPlace,
  ExplainedRange,
} from "./explain.ts";
