export { ChangeLog, LogWriteError } from "./change-log.ts";
export type { LevelLike, LevelPut, LevelRange, LevelWriteOptions } from "./level.ts";
export { recordsOf } from "./record.ts";
export type { LogFault, LogRecord, NewRecord } from "./record.ts";
export { faultOf, replay } from "./replay.ts";
export type { ReplayHistory } from "./replay.ts";
