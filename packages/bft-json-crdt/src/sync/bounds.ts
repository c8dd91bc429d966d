/**
 * Every bound of the sync protocol, with its unit and why it has that value.
 *
 * WIRE bounds are part of the protocol: a message beyond one is refused. LOCAL bounds hold what one session keeps in
 * memory; whatever they drop is found again by the next comparison of frontiers.
 */

/** Wire. UTF-16 units of one text frame: over the greatest message below, under any WebSocket's payload limit. */
export const MAX_TEXT_LENGTH = 262_144;

/** Wire. Heads listed in `have` and `done`; a wider frontier is announced by its digest. */
export const MAX_LISTED_HEADS = 256;

/** Wire. Ids in one `known`, `want` or `ack`. */
export const MAX_IDS = 256;

/** Wire. Entries of one `tips` page, and ids in the answer to it: about 90 KiB of text. */
export const MAX_PAGE_ENTRIES = 512;

/** Wire. Tips asked about in one `probe`; each is answered by a `samples` of its own. */
export const MAX_PROBE_TIPS = 32;

/** Wire. Ids in one `samples`: a chain of 2^53 changes has 53 distances that are powers of two. */
export const MAX_SAMPLES = 64;

/** Wire. Buckets into which chains fall by the first byte of a hash. */
export const BUCKETS = 256;

/** Wire. UTF-16 units of the code and of the detail of an `error`. */
export const MAX_ERROR_CODE_LENGTH = 64;
export const MAX_ERROR_DETAIL_LENGTH = 256;

/** Local. Ids hashed together for the order in a cursor: one more hash of at most 8 KiB finds any place. */
export const ORDER_BLOCK = 256;

/** Local. Changes after which a peer is told a cursor without being due one: at most what is sent again if it is lost. */
export const CHANGES_PER_CURSOR = 1_024;

/** Local. Chains up to which tips are listed at once; beyond, buckets (17 KiB) are cheaper than the list. */
export const FLAT_CHAINS = 256;

/** Local. Pages of tips on their way without an answer: hides the round trip, bounds the answers in flight. */
export const MAX_PAGES_IN_FLIGHT = 4;

/** Local. Forked tips of the peer that one comparison asks about; what is left out is sent although it is known. */
export const MAX_PROBES = 4_096;

/** Local. Control messages, and UTF-16 units of them, that wait for a full transport; beyond, answers are dropped. */
export const MAX_OUTBOX_MESSAGES = 128;
export const MAX_OUTBOX_LENGTH = 1_048_576;

/** Local. Groups that the peer asked for by id and that are still to be sent. */
export const MAX_WANTED_GROUPS = 1_024;

/** Local. Ids asked for without an answer yet. */
export const MAX_ASKED_IDS = 1_024;

/** Local. Acknowledgements that wait for a full transport; later ones stand for the earlier ones they build on. */
export const MAX_WAITING_ACKS = 1_024;

/** Local. Runs of indexes remembered as received from the peer; beyond, it may get a change of its own back. */
export const MAX_RECEIVED_RUNS = 1_024;

/** Local. Times that one open() or refresh() compares frontiers again because something was still missing. */
export const MAX_ROUNDS = 3;

/**
 * Local. Times that a peer may have a wide frontier found again, each within fewer changes than one has heads by the 256; and how
 * many of them come back whenever the host refreshes or tells a cursor.
 */
export const FRESH_FRONTIERS = 8;
export const FRESH_FRONTIERS_AGAIN = 4;

/** Local. Requests by id in a row that only uncovered more missing changes, before frontiers are compared instead. */
export const MAX_WANT_DEPTH = 4;

/** Local. `error` replies at once, and received frames that earn one more: a flood of junk gets few answers. */
export const MAX_ERROR_REPLIES = 8;
export const FRAMES_PER_ERROR_REPLY = 32;

/**
 * Local. What one connection is sent more than once, or for its questions, is at most so many bytes, and 3 times what the
 * history holds, and 4 times what came from the peer (the two constants that follow). Without it, a question of forty
 * bytes costs a whole history each time. Nothing is refilled by a clock: a history that grows and a peer that writes
 * earn more, and a new connection starts anew.
 */
export const MIN_RESENT_BYTES = 4_194_304;
export const MAX_RESENDS = 3;
export const RESENT_PER_RECEIVED = 4;

/** Local. What one visited change of a walk through the history is counted as, in bytes: such walks take time. */
export const WALK_STEP_BYTES = 16;
