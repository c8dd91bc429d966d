/** How a session ended, as it is counted: in one of the documented ways, or by the other end. */
import { CLOSE, type CloseName } from "./close-codes.ts";

/**
 * `client`: the other end closed it. `lost`: the connection broke. `cut`: the relay broke it, because its pings were not
 * answered, too much waited to be read, or a close was not answered in time.
 */
export type Ending = CloseName | "client" | "lost" | "cut";

/** All of them. */
export const ENDINGS: readonly Ending[] = [
  ...(Object.keys(CLOSE) as CloseName[]),
  "client",
  "lost",
  "cut",
];

/** How `ws` closes a socket on which this error happened; null when the connection just broke. */
export function endingOf(error: Error): CloseName | null {
  const code = "code" in error ? String(error.code) : "";
  if (!code.startsWith("WS_ERR_")) return null;
  if (code === "WS_ERR_INVALID_UTF8") return "notText";
  if (code === "WS_ERR_TOO_MANY_BUFFERED_PARTS") return "fragments";
  return code.endsWith("_LENGTH") && code.startsWith("WS_ERR_UNSUPPORTED")
    ? "tooLarge"
    : "protocol";
}
