/**
 * Every bound of a relay, with its unit and why it has that value. Those named DEFAULT are settings (see settings.ts);
 * the others are consequences of the format, or nobody needs to change them.
 */
import {
  DEFAULT_PENDING_BYTES_PER_AUTHOR,
  DEFAULT_PENDING_BYTES_PER_PEER,
  EXPOSED_QUOTA_DIVISOR,
  MAX_GROUP_BYTES,
  MIN_RESENT_BYTES,
} from "bft-json-crdt";

/** Bytes of one frame, at least: the greatest group must always fit, and control messages are smaller. */
export const MIN_FRAME_BYTES = MAX_GROUP_BYTES + 65_536;

/** Rooms held in memory at once. A room is its history, some hundred bytes per change at least. */
export const DEFAULT_MAX_ROOMS = 1_000;

/** Connections at once: what one process serves with some 30 KiB each. */
export const DEFAULT_MAX_SESSIONS = 10_000;

/** Connections in one room at once: each change is written to each of them. */
export const DEFAULT_MAX_ROOM_SESSIONS = 5_000;

/** Bytes waiting for a slow reader, above which it is fed from the history when it has caught up: one large group. */
export const DEFAULT_SEND_SOFT_BYTES = 1_048_576;

/** Bytes waiting for a slow reader, above which it is closed: it asks for more than it reads. */
export const DEFAULT_SEND_HARD_BYTES = 16_777_216;

/** Bytes waiting for all slow readers together, above which the one with most is cut: a thousand of them at the soft bound. */
export const DEFAULT_SEND_BYTES = 1_073_741_824;

/** Connections at once from one address: people behind one router, and a good many programs. */
export const DEFAULT_MAX_ADDRESS_SESSIONS = 1_000;

/**
 * Bytes a second that come in from one connection over time, and at once beyond that. 4 MiB are some 7,000 changes with a
 * signature each, which is what one core verifies; a history of 100,000 changes under few signatures fits into the burst.
 */
export const DEFAULT_SESSION_RATE_BYTES = 4_194_304;
export const DEFAULT_SESSION_BURST_BYTES = 16_777_216;

/** The same from one address: four connections that do nothing else. */
export const DEFAULT_ADDRESS_RATE_BYTES = 16_777_216;
export const DEFAULT_ADDRESS_BURST_BYTES = 67_108_864;

/** The same of what one key has signed, whoever delivers it: no author writes faster than one connection may. */
export const DEFAULT_KEY_RATE_BYTES = DEFAULT_SESSION_RATE_BYTES;
export const DEFAULT_KEY_BURST_BYTES = DEFAULT_SESSION_BURST_BYTES;

/** The same into one room: each change is written to all who are in there. */
export const DEFAULT_ROOM_RATE_BYTES = 16_777_216;
export const DEFAULT_ROOM_BURST_BYTES = 67_108_864;

/** Seconds that a connection can be made to wait for its rates; one that would have to wait longer is closed. */
export const DEFAULT_RATE_CLOSE_SECONDS = 30;

/** Bytes received and not stored yet, of one connection, above which its socket is not read: four large groups. */
export const DEFAULT_SESSION_INBOX_BYTES = 4 * MAX_GROUP_BYTES;

/** The same of all connections together, of which each may have an equal part. */
export const DEFAULT_INBOX_BYTES = 268_435_456;

/** Bytes of changes that wait for what they build on, in all rooms together; the room with most gives way. */
export const DEFAULT_PENDING_BYTES = 268_435_456;

/** The same in one room: room for the deepest gap of several peers. */
export const DEFAULT_ROOM_PENDING_BYTES = 32 * MAX_GROUP_BYTES;

/** The same in one room, delivered from one address: a flooder leaves most of the room's to others. */
export const DEFAULT_PEER_PENDING_BYTES = DEFAULT_PENDING_BYTES_PER_PEER;

/** The same in one room, of one author, whoever delivers. */
export const DEFAULT_AUTHOR_PENDING_BYTES = DEFAULT_PENDING_BYTES_PER_AUTHOR;

/** The same of an author who has equivocated there: just room for the greatest change. */
export const DEFAULT_EXPOSED_PENDING_BYTES = DEFAULT_AUTHOR_PENDING_BYTES / EXPOSED_QUOTA_DIVISOR;

/** Bytes that one connection is sent again or for its questions, besides what the history and its own changes allow. */
export const DEFAULT_RESEND_BYTES = MIN_RESENT_BYTES;

/** Bytes that any budget has at least: the greatest change must be able to wait, or it would never get through. */
export const MIN_BUDGET_BYTES = MAX_GROUP_BYTES;

/** Seconds in which a connection must become a session, or ask for something and read the answer: slow lines included. */
export const DEFAULT_HANDSHAKE_SECONDS = 10;

/** Bytes of the headers of a request: cookies of the same domain come along. */
export const DEFAULT_MAX_HEADER_BYTES = 16_384;

/** Connections at once that are no sessions: twice what comes in one pass of the event loop after a restart. */
export const DEFAULT_MAX_HTTP_CONNECTIONS = 1_024;

/**
 * How often such a time is looked at while it lasts, and the milliseconds between two looks, at least and at most: between two
 * of 2.5 s the time of hundreds was over, and to end them took 24 ms in which nobody was served.
 */
export const HANDSHAKE_CHECKS = 4;
export const LEAST_HANDSHAKE_CHECK_MS = 20;
export const MOST_HANDSHAKE_CHECK_MS = 100;

/** Milliseconds for which a connection is kept for its next request. */
export const KEEP_ALIVE_MS = 5_000;

/** Connections at once to a port that serves metrics only. */
export const MAX_METRICS_CONNECTIONS = 64;

/** Milliseconds between two texts of metrics: each takes some, and more with many connections. */
export const METRICS_EVERY_MS = 500;

/** Seconds in which a connection must join a room: long enough for a person who reads /help first. */
export const DEFAULT_JOIN_SECONDS = 300;

/** Seconds in which a slow reader must take what waits for it: a soft bound's worth at the speed of an old modem. */
export const DEFAULT_SEND_SECONDS = 120;

/** Seconds between pings: below the minute after which proxies cut idle connections. */
export const DEFAULT_PING_SECONDS = 25;

/**
 * Milliseconds between those who are pinged, and how many are at once, if that is enough: ten thousand pings at once hold up
 * everything, and so do a sixteenth of them, with what answers them.
 */
export const PING_GAP_MS = 20;
export const MIN_PINGED_AT_ONCE = 8;

/** Seconds that a room stays in memory after its last session: a node that reconnects finds it loaded. */
export const DEFAULT_ROOM_GRACE_SECONDS = 60;

/** Seconds over which many sessions are sent away when the relay stops: well within what service managers wait. */
export const DEFAULT_DRAIN_SECONDS = 5;

/** Bytes that a frame costs besides its content, waiting or coming in: without it, millions of empty frames would be free. */
export const FRAME_OVERHEAD_BYTES = 256;

/** Bytes that a change that is refused counts for besides its own: a signature was verified for nothing. */
export const REFUSED_CHANGE_BYTES = 16_384;

/**
 * What no program sends that keeps to the protocol, and a session may send at once all the same (one a second is forgiven): a
 * mistake now and then costs nobody the connection.
 */
export const DEFAULT_SESSION_FAULTS = 32;

/** The part of a fault that a change is as long as it waits for others: who floods with such is closed after some two hundred and fifty. */
export const PENDING_FAULT = 1 / 8;

/** The same of a ping: sixty a second, and two thousand at once, are nobody's need. */
export const PING_FAULT = 1 / 64;

/** The same of a fragment of a message (RFC 6455 §5.4) beyond the first, and bytes of the message for each of which it may have one more. */
export const FRAGMENT_FAULT = 1 / 64;
export const FRAGMENT_BYTES = 1_024;

/** Such fragments that a session did not need and may have later: twice what the greatest message may come in. */
export const MOST_SPARE_FRAGMENTS = Math.ceil((2 * MIN_FRAME_BYTES) / FRAGMENT_BYTES);

/** Bytes of the greatest message for each fragment that a message may come in: less than fits into a packet. */
export const LEAST_FRAGMENT_BYTES = 512;

/** Sessions of one network that were closed for their faults lately, of which nothing follows. */
export const FORGIVEN_STRIKES = 3;

/** Milliseconds after which half of those are forgotten. */
export const STRIKE_HALF_MS = 60_000;

/** Milliseconds between two newcomers from such a network: they double with each such session, and are at most so many. */
export const LEAST_APART_MS = 500;
export const MOST_APART_MS = 10_000;

/** Milliseconds for which a connection is held that is not let in, and how many are at once: beyond, they are ended at once. */
export const HELD_MS = 2_000;
export const MAX_HELD = 1_024;

/**
 * Files that the process may open besides connections and those of the store: its outputs, what Node waits with, of each thread that
 * verifies some, certificates. A relay that does nothing has some 25 open.
 */
export const RESERVED_FILES = 64;

/**
 * Files that the store may open: its lock, log, journal and manifest, and for a moment those that a compaction writes and that are
 * read for the first time by several threads at once. Of the up to 990 tables that LevelDB keeps (`maxOpenFiles`) it maps each into
 * memory, on machines of 64 bits, and closes the file.
 */
export const STORE_FILES = 64;

/** Connections of all kinds that there may be however few files the process may open: with fewer it is no relay. */
export const LEAST_CONNECTIONS = 16;

/** The part of such a session that one is which had to give way, since it had joined no room and its network had most of those. */
export const STRANGER_STRIKE = 1 / 8;

/** Networks of which it is remembered how those behaved who come from there: some 200 bytes each. */
export const MAX_WATCHED = 4_096;

/** Bytes that each room after the first counts for: to find out what a room holds takes some milliseconds. */
export const JOIN_BYTES = 1_048_576;

/**
 * The same of a question about what a room holds: 32 a second, and as many at once as are earned in a second. A correct client has four
 * on their way, so that it finds within two seconds where two histories of 20,000 chains differ.
 */
export const QUESTION_BYTES = 131_072;

/** Bytes of frames, with what these take, that may have come before the rates count them. */
export const MOST_UNPAID_BYTES = 4_096;

/** Milliseconds of waiting that nobody is stopped for: a timer for each frame would cost more than it saves. */
export const MIN_HOLD_MS = 10;

/** Milliseconds after which half of what someone took from a rate that others share is forgotten, … */
export const SPENDING_HALF_MS = 2_000;

/** … and after which those who took nothing since are. */
export const SPENDING_FORGOTTEN_MS = 20_000;

/** Addresses and keys of which the rates are remembered: some 300 bytes each. */
export const MAX_BUCKETS = 65_536;

/** Authors of whom it is remembered that a connection shares their rate: it may bring the changes of a million. */
export const MAX_METER_KEYS = 256;

/**
 * Milliseconds of work that a socket may cause at once, to begin with (a new connection costs nothing), and for each
 * millisecond that passes; what it takes to read it is counted, too. Whoever keeps within it is
 * served as its frames come, if less than that was done in this pass of the event loop for others; what is beyond waits in line, so that one who writes now and then does not wait for floods.
 */
export const CREDIT_MS = 4;
export const FIRST_CREDIT_MS = 0.5;
export const CREDIT_PER_MS = 0.03;

/** Milliseconds of one socket's work at once in one pass of the event loop, and at least one frame: many may send at one moment. */
export const AT_ONCE_MS = 0.1;

/** Sockets in line with which each has half of that credit, if that is not the least, and a quarter of the time to be read in its turn. */
export const CREDIT_LINE = 8;

/** What everybody has of it, however long the line is: with less, who writes twenty times a second stood among floods. */
export const LEAST_CREDIT_SHARE = 0.5;

/**
 * Milliseconds of work beyond its credit that count when a socket stands in line: who owes less has a turn before. Earning it
 * takes as long as a line of some thirty floods has to come around; with a hundred times as much, whoever owed that once waited for
 * seconds.
 */
export const MOST_DEBT_MS = 4;

/** Milliseconds of work for a socket that waits in line, before others have a turn; one frame at least. */
export const TURN_MS = 0.2;

/** Milliseconds of turns in one pass of the event loop, at most, what they leave to be written included. */
export const MOST_TURNS_MS = 0.75;

/** The same of requests that are answered or granted: each takes a part of a millisecond, and thousands may come at once. */
export const MOST_REQUESTS_MS = 0.5;

/** So many writes to sockets make up the mean of what one takes, and none of them counts for more than so many milliseconds. */
export const WRITES_REMEMBERED = 16;
export const MOST_WRITE_MS = 0.2;

/** Bytes of a socket that waits in line, above which it is not read: what one read brings takes long enough to take apart. */
export const LINE_INBOX_BYTES = 65_536;

/**
 * Bytes that are taken apart at once of what one read brought, to begin with, at least and at most: so many that it takes some time,
 * and not too much. Of empty frames the least are forty, of changes three.
 */
export const FIRST_PIECE_BYTES = 1_024;
export const LEAST_PIECE_BYTES = 256;
export const MOST_PIECE_BYTES = 65_536;

/** Milliseconds above which the next piece is half as great, and below which it is twice as great. */
export const DEAR_PIECE_MS = 0.1;
export const CHEAP_PIECE_MS = 0.05;

/** Groups of a socket that stand in line and are verified ahead: what it takes until its next turn brings the next ones. */
export const AHEAD_GROUPS = 16;

/**
 * Changes that are taken as one group: at first, and again once one of its signatures was not enough for all; and at most, for
 * whoever keeps sending such as one is enough for, which then is little beside the rest. A turn is not much longer. And bytes.
 */
export const RUN_CHANGES = 32;
export const MOST_RUN_CHANGES = 128;
export const RUN_BYTES = 65_536;

/**
 * Signatures of all sockets that are verified ahead at once; one group more may overshoot that. Enough to keep other threads
 * busy while this one writes, and not so many that a write to the store, for which the same threads wait, is held up for long:
 * some 2 ms on two cores.
 */
export const MAX_AHEAD_SIGNATURES = 32;

/** Bytes of all groups that are verified ahead and wait for their turn: what is known of each takes a few times as much. */
export const MAX_AHEAD_BYTES = 4 * MAX_GROUP_BYTES;

/** Milliseconds of work that a signature counts for that was verified ahead: it takes a thread's time as well. */
export const AHEAD_SIGNATURE_MS = 0.1;

/**
 * Bytes sent to one socket before others have a turn, and of a history that are encoded at once for somebody who has to catch up:
 * some 300 changes, which take a millisecond.
 */
export const TURN_BYTES = 65_536;

/**
 * Bytes of histories as they were sent to some, kept for others who lack the same: see SliceCache. Of a history that is longer than all
 * of it nothing would be found again, which is sent from its beginning to its end.
 */
export const SLICES_BYTES = 16_777_216;

/** Bytes that a waiting change takes at least: no room waits for more changes than its budget holds. */
export const PENDING_CHANGE_BYTES = 1_024;

/** Ids of rejected changes that a room remembers: some 100 bytes each, times many rooms. */
export const ROOM_REJECTED_IDS = 4_096;

/**
 * Changes are gathered for so many times as long as it took to pass on those before, so that most of the time is left for
 * what comes in, …
 */
export const GATHERING_FACTOR = 4;

/** … and at most for so many milliseconds: what people wait for is not much later. */
export const MAX_GATHERING_MS = 20;

/** Changes that are acknowledged to one session together: as many as one message names. */
export const ACKNOWLEDGED_AT_ONCE = 256;

/** Milliseconds in which news for people in a room are gathered: nobody reads faster. */
export const NEWS_MS = 250;

/** UTF-16 units of a text in which a join or a command is looked for; longer ones can only be sync messages. */
export const MAX_COMMAND_LENGTH = 4_096;

/** UTF-16 units of a proof: five times what one takes. Longer ones are not read. */
export const MAX_PROOF_LENGTH = 1_024;

/** Keys in one list of a room's rules: `joined` repeats that of the authors, and must stay within a message's bound. */
export const MAX_ROOM_KEYS = 1_024;

/** Milliseconds for the closing handshake, after which the connection is cut. */
export const CLOSE_MS = 2_000;

/** The same for who misbehaves, and is not read meanwhile: long enough to hear why. */
export const MISBEHAVED_CLOSE_MS = 500;

/** Sessions that are sent away at once when the relay stops; more are spread over time. */
export const DRAIN_AT_ONCE = 100;

/** Milliseconds of that time for each session, up to the setting: a thousand a second. */
export const DRAIN_MS_PER_SESSION = 1;

/** Milliseconds between two portions of sessions that are sent away. */
export const DRAIN_STEP_MS = 50;

/** Milliseconds after which a session that is sent away may come back, at least: a relay restarts in less than a second. */
export const LEAST_RETRY_MS = 100;

/** Milliseconds by which that may be later, for each session: some 500 come back in a second. */
export const RETRY_MS_PER_SESSION = 2;

/** The same at least, and at most: a few spread over a moment, and nobody waits longer than people do. */
export const LEAST_RETRY_SPREAD_MS = 500;
export const MOST_RETRY_SPREAD_MS = 30_000;

/** Milliseconds for the store to take what is on its way when the relay stops; the process is stuck otherwise. */
export const DRAIN_MS = 10_000;

/** Seconds without the backplane after which sessions are closed: longer than a cluster takes to choose a new leader. */
export const DEFAULT_BACKPLANE_GRACE_SECONDS = 10;

/** Bytes of groups that travel as one message: below the greatest group by more than its header takes. */
export const MAX_MERGED_BYTES = MAX_GROUP_BYTES - 65_536;

/** Bytes of a message's header, at most: the hash as its id. A group for which no room is left travels without. */
export const NATS_HEADER_BYTES = 128;

/** Messages, and bytes, that a reader asks for at once: what one reader can have waiting. */
export const NATS_BATCH = 256;
export const NATS_BATCH_BYTES = 4 * MAX_GROUP_BYTES;

/** Milliseconds that a batch may take; after it, what came is compared with what was sent. */
export const NATS_PULL_MS = 10_000;

/** Milliseconds of silence after which a reader begins anew: heartbeats come at half the time of a batch. */
export const NATS_SILENCE_MS = NATS_PULL_MS + 2_000;

/** Logs that are read at once, each with a batch in memory; further rooms wait to be loaded. */
export const NATS_READS = 8;

/** Milliseconds of work on live messages before others have a turn. */
export const NATS_TURN_MS = 2;

/** Milliseconds for a server to answer, after which it is asked again. */
export const NATS_ANSWER_MS = 5_000;

/** Milliseconds between two attempts, at least before jitter at most; they double from the first to the last. */
export const NATS_FIRST_RETRY_MS = 100;
export const NATS_LAST_RETRY_MS = 5_000;

/** Milliseconds for a cluster that is just starting to let a relay prepare its stream. */
export const NATS_START_MS = 15_000;

/** Milliseconds between pings to the server; two without an answer are a broken connection. */
export const NATS_PING_MS = 5_000;

/** Milliseconds after which a stream that lacks its last messages is taken to have lost them: a new leader may be behind. */
export const NATS_DOUBT_MS = 10_000;

/** Attempts to read a room's log before whoever asked for it is told to come back. */
export const NATS_READ_ATTEMPTS = 6;
