/**
 * What is known about targets that are missed: what holds them back by the profile, and what was tried. Written by hand
 * and shown in the report below the table, only while the target is missed.
 */

/** Markdown paragraphs by suite. */
export const NOTES: Readonly<Record<string, string>> = {
  "local-one-change":
    "What is gathered at one cursor is cheap; what jumps about is not: each jump is a removal and an insertion in the " +
    "sequence, with its id table, and an op in the change, which then is encoded, hashed and signed: some 2 µs each, of which " +
    "the shorter traces have one for every ten edits. Before: one op per call, 12 times as slow; strings that grew by a " +
    "character, flattened at each backspace, twice as slow as an array of units; a search at each end of a removal for pairs of " +
    "units, where the text has none, and the public key computed anew for each document: a third slower.",
  "local-change-per-edit":
    "By the profile, of the time of a change a fifth is the hash, an eighth the signature of each hundredth, a sixteenth the " +
    "collector (half of that for what the benchmark itself holds), an eighth the eighteen columns of the history, a tenth " +
    "encoding, a tenth the sequence where characters are erased; the rest lies flat over thirty functions. It was seven times as " +
    "much: a buffer for each change, bodies as objects of their own, decoding what was just encoded, ids as strings, a search for " +
    "each keystroke. The hash itself became three times as fast by asking Node for a string in the place of a " +
    "Buffer; the yardstick asks for the Buffer. The last fifth: ids get their place in the hash table when somebody searches for one " +
    "(who only types never does), and a typed character leaves 370 bytes to the collector, where it was 1,700. The last ninth: a group is " +
    "written as its changes are made, and the id of the change before is not looked up. The ratio differs " +
    "from machine to machine, since the hash does: some time ago the loop took 351 ms on an Intel processor and ours 1,150. Tried " +
    "without effect: loops in the place of calls that copy 32 bytes, columns that do not begin at the same place of a page. One " +
    "packed row in the place of the columns would save some 2%, as measured alone.",
  "local-signed":
    "With signatures that cost nothing a change takes 4.5 µs here, and a bare signature 34.8; together they take 43.5: the signature " +
    "itself is 4 µs slower where other work has used the processor's caches in between. 2 of the 4.5 µs are the buffer of its own " +
    "that each group gets. Buffers out of a common slab give away whole slabs to whoever hands on the buffer of one, and made no " +
    "difference in paired runs: what they save of each is 1% of all. Encoding a group where it is made, into a buffer of exactly its size, saved some 1 µs in paired runs; one message for all that " +
    "is signed, and a signature that is written where it is used, another one: 1.20 × there, where it was 1.25. On a machine that others use, both " +
    "loops swing by half within minutes (870 to 1,380 ms, and 1,020 to 1,630): more than what is missed.",
  "receive-signed":
    "On one thread 8 to 10 µs come on top of a verification: decoding, the hash, linking, folding, and what is told of it. With " +
    "`receiveAll` these are nearly all that is left. When it verified each signature, two cores made it 0.56 to 0.74 of the loop.",
  "catch-up":
    "A third of the time is the fold into the text, a quarter decoding and linking, a tenth the hash.",
  concurrent:
    "To play this trace exactly takes 3,727 turns, each of which its author signs and the other verifies before building on it. The " +
    "row of as many bare `crypto.sign` and `crypto.verify` calls shows that these alone take some twelve times of what the fastest " +
    "peer takes for everything. In 982 cases somebody hears of several turns at once, of which the last signature " +
    "would do: even 2,446 of each, on two cores that are both busy all the time, would take four times as much as that peer. " +
    "While each turn is signed, no program can meet this target here. What ours takes beyond the signatures is a tenth of the whole, and the " +
    "row without them shows it: by the profile it lies flat (6% the hashes, 7% the collector, 4% finding ids, nothing else above " +
    "4%). With a change for each edit, as it was measured before, it was four times as much. Fewer signatures would mean that somebody " +
    "builds on what nobody has vouched for; codes between two parties in their place would strand a line whose author then refuses to sign.",
  memory:
    "At random places each element is a run of its own: 17 bytes of each are its signed body, some 9 the integers of its place in the " +
    "tree, some 9 its place among the contents, some 6 the objects around leaves, 6 its entry in the table of ids. It was 65 bytes " +
    "while half as many markers as elements stood between, which only siblings need, and leaves were smaller; 110 while each entry had the " +
    "number of its change in a column, although its id tells that; while markers had a table of ids of their own; while that table kept the " +
    "keys of ids that follow one another; and while rooms grew twofold; and 166 while each item had an array around it.",
  lists:
    "What grows is measured in microseconds at the smaller size, where the whole list is in the processor's cache.",
  "list-1m":
    "The tree is deeper by one level, and beyond 100,000 elements it does not fit into the processor's nearest caches: what is left " +
    "is waiting for memory. A leaf keeps its items in one array, so that the one at an index is found without a look at its " +
    "entries; a run that is cut inside of moves those behind it once.",
  maps:
    "Conflicts stay readable: each key has up to ten standing assignments in order, where peers keep the winner, or drop at once " +
    "what has lost. Of the time a tenth is reading the ops, a tenth finding the key, a fifth the ordered assignments, a sixth the " +
    "collector; it was twice as much with a heap for each key, a search for the owner of each replaced assignment, and names that were " +
    "read anew each time; a seventh more with two arrays for elements and values in the place of one, a removal and an insertion where " +
    "one is put in the place of the other, and a search for the change of each element that is compared; a fifth more while each entry " +
    "had an object for its assignments and an empty table for containers, and while one name put another out of the table of those " +
    "that were read lately (each hash leads to four places now, told apart by a tag). One register comes in a hundred changes of one op each. `receiveAll` " +
    "verifies ten signatures for them, one for each author; the row of ten bare `crypto.verify` calls shows that these alone take " +
    "several times of what Yjs takes for all of it in one transaction, even if divided among two cores: no program that " +
    "verifies once for each author can meet this target here. One by one it is a hundred. With the making of these assignments, " +
    "each in a change that is signed, ours takes half of what Yjs takes.",
  relay:
    "With ten sessions the naive loop makes nine sends of each change, which is some 43 µs of its one thread, on any of the machines " +
    "that were tried; what ours does for a change is nearly all JavaScript and the collector's work, which takes more than twice as long on some as on " +
    "others. So this ratio says as much of the machine as of the relay: on one with an Intel Xeon it was 0.62 when it was " +
    "0.33 on one with an AMD EPYC, and the target was missed there by what the serving thread does: 26 µs for a change where 14 were wanted. What " +
    "made it 0.28 on the latter, by turns with what was there before: a frame is read once before it waits, in the place of twice; headers use again what " +
    "the change before has said; findings about a line need no table; rates count once for a piece that is read; an " +
    "acknowledgement names only what no other one covers (all these a quarter of the garbage, and a tenth of the time); and whoever keeps sending " +
    "runs of changes for which one signature is enough has longer ones taken together, up to 128. Of the serving thread's time now a sixth is the collector, an " +
    "eighth giving signatures to the thread pool (on two cores, one of which the load has, each of them displaces it), a tenth writing to sockets, a " +
    "seventh decoding and hashing, an eighth the store. When each signature was verified, by the thread " +
    "pool and by the thread that serves, it was 250 µs: a fifth of the naive loop with ten sessions, and 1.5 to 3.3 times it with " +
    "a hundred. Before that: a walk through " +
    "all sessions and a frame for each change, each session with an encoding of its own as soon as it had been sent much; an " +
    "acknowledgement for each change; and no gathering of what becomes durable, which made half the deliveries with a hundred " +
    "sessions.",
  wide: "Each author's key is checked once, and what is known of keys is bounded.",
};
