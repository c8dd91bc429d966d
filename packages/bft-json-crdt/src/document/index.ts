export { BatchError, Document, LocalChange } from "./document.ts";
export type {
  ChangeOptions,
  DocumentEvent,
  DocumentOptions,
  LocalBatch,
  MakeChange,
} from "./document.ts";
export {
  CounterHandle,
  ListHandle,
  LogHandle,
  MapHandle,
  RegisterHandle,
  SetHandle,
  TextHandle,
} from "./handles.ts";
export type { Characters, Conflict, ElementId, Handle, LogEntry } from "./handles.ts";
export type { Patch, Path, ViewValue } from "./patch.ts";
export { decodeSaved, encodeSaved } from "../saved/index.ts";
export type { Saved } from "../saved/index.ts";
