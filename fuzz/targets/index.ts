/** All targets, in the order in which the summary shows them. */
import type { Target } from "../target.ts";
import { configTarget } from "./config.ts";
import { decodeTarget } from "./decode.ts";
import { keyFileTarget } from "./key-file.ts";
import { linesTarget } from "./lines.ts";
import { messagesTarget } from "./messages.ts";
import { receiveTarget } from "./receive.ts";
import { relayTarget } from "./relay.ts";
import { storeTarget } from "./store.ts";
import { syncTarget } from "./sync.ts";

/** Makes every target anew, each on the real code. */
export function allTargets(): Target[] {
  return [
    decodeTarget(),
    receiveTarget(),
    syncTarget(),
    messagesTarget(),
    relayTarget(),
    linesTarget(),
    configTarget(),
    keyFileTarget(),
    storeTarget(),
  ];
}
