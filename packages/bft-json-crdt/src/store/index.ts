export { ChangeLog, LogWriteError } from "./change-log.ts";
export type { LogFault, LogRecord, NewRecord } from "./change-log.ts";
export type { LevelLike, LevelPut, LevelRange, LevelWriteOptions } from "./level.ts";
export { faultOf, recordsOf } from "./records.ts";
