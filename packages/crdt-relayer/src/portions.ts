/**
 * Reads in portions: what the system hands over by one read of a socket, up to 64 KiB, is taken apart in pieces of a few KiB.
 *
 * 64 KiB of the cheapest frames are ten thousand of them, which take ws some ten milliseconds, and nobody can be stopped in the
 * middle of a piece. Between two portions its socket can be paused; the stream keeps the rest, in its order and before its end,
 * as it keeps whatever comes while it is paused.
 */
import type { Readable } from "node:stream";
import { PORTION_BYTES } from "./limits.ts";

/** Has a stream handed what is read in portions from now on: to its listeners, or into its own buffer while it is paused. */
export function readInPortions(stream: Readable, portionBytes = PORTION_BYTES): void {
  const push = stream.push.bind(stream) as (chunk: unknown, encoding?: BufferEncoding) => boolean;
  // The documented way in for what a stream reads; a network socket calls it with each piece, and with null at its end.
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (!(chunk instanceof Uint8Array)) return push(chunk, encoding);
    let at = 0;
    while (chunk.length - at > portionBytes) push(chunk.subarray(at, (at += portionBytes)));
    return push(at === 0 ? chunk : chunk.subarray(at));
  };
}
