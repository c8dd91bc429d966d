/**
 * A relay inside another program: tests, demonstrations, a server of one's own.
 *
 * ```ts
 * import { createRelay } from "crdt-relayer";
 *
 * const relay = await createRelay({ port: 0, data: ":memory:" });
 * console.log(relay.url); // ws://127.0.0.1:40123/websocket
 * await relay.close();
 * ```
 *
 * @packageDocumentation
 */
export type { BackplaneStatus } from "./backplane.ts";
export { CLOSE, reasonOf } from "./close-codes.ts";
export type { Close, CloseName } from "./close-codes.ts";
export { ERRORS } from "./error-codes.ts";
export type { ErrorCode } from "./error-codes.ts";
export { EXIT, RelayError } from "./exit-codes.ts";
export type { ExitCode } from "./exit-codes.ts";
export type { Reloaded } from "./live-settings.ts";
export { createRelay, WEBSOCKET_PATH } from "./relay.ts";
export type { Relay, RelayOptions, RelayStatus } from "./relay.ts";
export type { LogLevel, Settings } from "./settings.ts";
export type { Store } from "./store.ts";
