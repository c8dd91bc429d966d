/**
 * Checks that no test can miss, each with the reason: what else refuses the same, or why no input gets there. Kept for
 * defence in depth, for speed, or because the types cannot say it.
 */
export const EQUIVALENT: Readonly<Record<string, string>> = {
  "packages/bft-json-crdt/src/history/incoming.ts IncomingGroup.has: refuse if `this.#isLine && this.#isLast(prev)`":
    "a short way: the search finds nothing either",
  "packages/bft-json-crdt/src/history/screening.ts Screening.sift: refuse if `this.#isRepeating`":
    "whatever is decoded before it is found gets the same verdict, later",
  "packages/bft-json-crdt/src/history/incoming.ts IncomingGroup.#find: refuse if `changes.length === 0`":
    "a table of no ids is searched with the same result",
  "packages/bft-json-crdt/src/change/body.ts readHeader: refuse if `reader.failed`":
    "a reader that has failed is never done, which is asked at the end and refused with the same code",
  "packages/bft-json-crdt/src/change/body.ts readIds: refuse if `reader.failed`":
    "decodeBody asks whether the reader has failed",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `reader.failed`":
    "readOp asks whether the reader has failed",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `count === 0` (2)":
    "without targets −1 numbers are left for ranges, which is no multiple of 4",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `reader.peek() > 1`":
    "the reader fails at what is no integer",
  "packages/bft-json-crdt/src/change/op.ts readPlace: refuse if `reader.peek() !== 4`":
    "the reader fails at what is no array",
  "packages/bft-json-crdt/src/change/op.ts readPlace: refuse if `count < 3`":
    "three numbers are read: more than the place has, so that the rest does not fit",
  "packages/bft-json-crdt/src/change/op.ts readValues: refuse if `reader.peek() !== 4`":
    "the reader fails at what is no array",
  'packages/bft-json-crdt/src/sync/messages.ts isRecord: demand `typeof value === "object"`':
    "what is no object has no `type` of its own",
  "packages/bft-json-crdt/src/sync/messages.ts isRecord: demand `!Array.isArray(value)`":
    "an array read from JSON has no `type` of its own",
  "packages/bft-json-crdt/src/sync/messages.ts parseMessage: only own properties choose how a message is read (type)":
    "no object read from JSON inherits a `type`",
  'packages/bft-json-crdt/src/sync/messages.ts readId: demand `typeof value === "string"`':
    "the only other value that fits the pattern is a list of one id, and fromHex refuses its length",
  "packages/bft-json-crdt/src/change/body.ts decodeAgain: refuse if `header === null`":
    "a body that decoded once decodes again; the types cannot say it",
  "packages/bft-json-crdt/src/history/chains.ts Chains.ancestorBelow: refuse if `at < 0`":
    "the first change of a chain begins at 0, below every position that is asked for",
  "packages/bft-json-crdt/src/encoding/writer.ts ByteWriter.bigint: refuse if `bytes === null`":
    "digits that toString has written are read; the types cannot say it",
  "packages/bft-json-crdt/src/crypto/backend-node.ts publicKeyObject: refuse if `publicKey.length !== 32`":
    "isValidPublicKey, asked next, refuses other lengths",
  "packages/bft-json-crdt/src/crypto/index.ts checkSeed: refuse if `secretKey.length !== 32`":
    "under Node, where the tests run, encodePrivateKeyDer refuses other lengths by the same error",
  "packages/bft-json-crdt/src/crypto/key-cache.ts KeyCache.get: refuse if `value !== undefined`":
    "only time depends on it: what is found is remembered as the latest",
  "packages/bft-json-crdt/src/document/document.ts LocalChange.bytes: demand `first !== undefined`":
    "a change is sent in at least one group; the types cannot say it",
  "packages/bft-json-crdt/src/document/document.ts checkedKeyPair: refuse if `!isValidPublicKey(publicKey)`":
    "the public key that belongs to a secret key is always a valid one",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.#foldInsert: refuse if `parent < 0`":
    "no element has the number −1, so it has no owner",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.nodeOf: demand `sequence.alive(element)`":
    "of what is dead nothing is ever shown again, so that what its node is made with does not matter",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.#removeOnChain: refuse if `before + elements <= from`":
    "only time depends on it: changes that end before the range have no element in it",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.#isSpent: refuse if `!this.#removed.nextGap(base, base + history.elementsAt(change))`":
    "only time depends on it: in a change whose elements are all removed there is nothing to remove",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.#removeOnChain: changes whose elements are all removed are not visited again":
    "only time depends on it: in a change whose elements are all removed there is nothing to remove",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.#walk: refuse if `element < 0`":
    "no element has the number −1, so no node is found for it",
  'packages/bft-json-crdt/src/document/state.ts isOf: demand `owner.kind === "entry"`':
    "only an entry belongs to a map, which is asked next; the types want it",
  "packages/bft-json-crdt/src/crypto/points.ts decodePublicKey: refuse if `publicKey.length !== 32`":
    "Point.fromBytes refuses other lengths as well; only what the cache holds depends on it",
  "packages/bft-json-crdt/src/crypto/points.ts decodePoint: keys are decoded strictly (RFC 8032)":
    "of the 19 values of y from the prime on and of x = −0, all that are on the curve are the identity or have a torsion component, and are refused for that",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.remove: what was removed is not visited again":
    "only time depends on it: what is removed already is passed over",
  "packages/bft-json-crdt/src/document/targets.ts resolveElement: demand `index < scope.made`":
    "an element that is not made yet has no owner, and what names it is inert for that",
  "packages/bft-json-crdt/src/document/targets.ts resolveElement: refuse if `change < 0`":
    "nothing is recorded of a change −1, so it is not foldable, which is asked next",
  "packages/bft-json-crdt/src/document/targets.ts resolveSingle: refuse if `change < 0`":
    "nothing is recorded of a change −1, so it is not foldable, which is asked next",
  "packages/bft-json-crdt/src/encoding/reader.ts ByteReader.bytes: refuse if `this.failed`":
    "a length that was refused is 0, and a string of no bytes is returned either way",
  "packages/bft-json-crdt/src/encoding/reader.ts ByteReader.textItem: refuse if `this.failed`":
    "a length that was refused is 0, and an empty text is returned either way",
  "packages/bft-json-crdt/src/history/admission.ts admit: refuse if `falling.length === 0`":
    "only time depends on it: where nothing falls the loop has nothing to do",
  "packages/bft-json-crdt/src/history/admission.ts admit: refuse if `prev === null`":
    "no change comes before null, so what is counted there is never looked at, and NaN is never 0",
  "packages/bft-json-crdt/src/history/fork-proof.ts readBranch: refuse if `head === undefined`":
    "decodeGroup refuses a group of nothing; the types cannot say it",
  "packages/bft-json-crdt/src/history/fork-proof.ts readBranch: refuse if `!last.link.ok`":
    "a link that is not ok was returned where it was read; the types cannot say it",
  "packages/bft-json-crdt/src/history/history.ts History.missingFor: refuse if `mark === UNVISITED`":
    "only time depends on it: a change without a mark is not listed and marks nothing",
  "packages/bft-json-crdt/src/history/history.ts History.#proofOf: refuse if `!decoded.ok`":
    "two applied changes of one number always prove a fork; the types cannot say it",
  "packages/bft-json-crdt/src/history/reception.ts Reception.#missingOf: refuse if `this.#ids.find(candidate.id) >= 0`":
    "all that an applied change builds on is applied, and what is applied is not asked for",
  "packages/bft-json-crdt/src/history/screening.ts Screening.#isGenuine: a signature that waits in the queue is not verified again":
    "only time depends on it: the same signature is found to be genuine again",
  "packages/bft-json-crdt/src/schema/schema.ts leaf: refuse if `!decoded.ok`":
    "what encodeValue has written decodes; the types cannot say it",
  'packages/bft-json-crdt/src/store/change-log.ts isCorruption: demand `"code" in error`':
    "a code that is not there is not the one that is asked for next; the types want it",
  "packages/bft-json-crdt/src/sync/answers.ts samplesOf: refuse if `ancestor < 0`":
    "a change has as many others before it on its chain as its number says",
  "packages/bft-json-crdt/src/sync/session.ts SyncSession.#reportRejection: refuse if `code === undefined`":
    "a rejection has a code; the types cannot say it",
  "packages/bft-json-crdt/src/sync/session.ts SyncSession.#missing: refuse if `frontier === null`":
    "nothing is sent to a peer before its first `have`, which names a frontier; the types cannot say it",
  "packages/crdt-relayer/src/room.ts Room.#acknowledgeAwaited: refuse if `this.#awaited.size === 0`":
    "only time depends on it: nobody is found to be told",
  "packages/crdt-relayer/src/session.ts Session.#handleJoin: refuse if `!text.includes('\"join\"')`":
    "only time depends on it: no join is written without that, unless its letters are escaped",
  'packages/crdt-relayer/src/session.ts parseObject: refuse if `typeof value !== "object"`':
    "what is no object has no `type` of its own, and no other use is made of it",
  "packages/crdt-relayer/src/session.ts parseObject: refuse if `Array.isArray(value)`":
    "an array read from JSON has no `type` of its own, and no other use is made of it",
  "packages/crdt-node/src/exchange.ts Exchange.#whenStored: refuse if `ids.length === 0`":
    "nothing is acknowledged then; it saves a promise for each piece of garbage",
  'packages/crdt-node/src/control/strict-json.ts isStrict: demand `character === "{"`':
    "in a list no text is followed by a colon, so that no key is looked for there",
  "packages/crdt-relayer/src/client-address.ts TrustedProxies.has: demand `!this.#isEmpty`":
    "an empty list holds nothing either: only time depends on it",
  "packages/crdt-relayer/src/intake.ts Intake.take: refuse if `this.#isBlocked`":
    "in its turn an inbox that is blocked is not opened: only a turn is lost",
  "packages/crdt-relayer/src/intake.ts Intake.take: refuse if `this.#isLooking`":
    "what was looked at is not looked at again: only time depends on it",
  "packages/crdt-relayer/src/intake.ts Intake.#put: refuse if `isText`":
    "no text begins as a group does, so it holds no part of a chain: only time depends on it",
  "packages/crdt-relayer/src/intake.ts Intake.#put: refuse if `content.length > RUN_BYTES`":
    "with anything else it would be too much for a run: only time depends on it",
  "packages/crdt-relayer/src/intake.ts Intake.slowDown: refuse if `this.#isEnded`":
    "only a close in the midst of a group leads there, and what then resumes the socket does nothing when it is closed",
  "packages/crdt-node/src/control/server.ts Connection.serve: demand `line.ok`":
    "a line that is not ok has no text, which readRequest refuses; the types cannot say it",
  "packages/crdt-node/src/control/server.ts Connection.#reply: refuse if `this.#socket.destroyed`":
    "write, called next, rejects for the same reason",
  'packages/crdt-node/src/chain.ts writeDurably: refuse if `process.platform === "win32"`':
    "only Windows cannot open folders, and the tests run elsewhere",
  "packages/crdt-node/src/lines.ts LineSplitter.#hold: refuse if `piece.length === 0`":
    "an empty piece adds nothing to a line; streams deliver none but at line breaks",
  "packages/crdt-node/src/lines.ts LineSplitter.#hold: refuse if `this.#overlong`":
    "only memory depends on it, which stays bounded: what is held of an overlong line is dropped again",
  "packages/crdt-node/src/transaction.ts parseTransaction: refuse if `!text.isWellFormed()`":
    "success, called next, refuses it too, in other words",
  "packages/crdt-node/src/transaction.ts formatTransaction: demand `parsed.transaction.amount === amount`":
    "where both names are read back, the number behind them is the one written, and a number reads back as itself",
  "packages/crdt-node/src/transaction.ts success: refuse if `Number.isNaN(amount)`":
    "neither form can say a number that is none",
  "packages/crdt-node/src/link.ts Link.#drop: refuse if `this.#socket !== socket`":
    "the timers of a socket are stopped when it is given up, and its frames are not heard any more",
  'packages/crdt-node/src/link.ts readJoinAnswer: refuse if `typeof value !== "object"`':
    "a JSON value that is no object has no `type`",
  "packages/crdt-node/src/store.ts openStore: refuse if `error instanceof CommandError`":
    "a CommandError has no code, which is asked next",
  "packages/crdt-node/src/store.ts chainOf: demand `stored === undefined`":
    "a database that was just made holds nothing",
  "packages/crdt-node/src/store.ts chainOf: demand `log.length === 0`":
    "a database that was just made holds nothing",
  "packages/crdt-node/src/store.ts chainOf: demand `stored !== undefined`":
    "without a note nothing is decoded, which no note is",
  "packages/bft-json-crdt/src/document/handles.ts ListHandle.move: demand `Number.isSafeInteger(to)`":
    "insert, called next, refuses the same index with the same code",
  "packages/bft-json-crdt/src/document/handles.ts ListHandle.move: demand `to >= 0`":
    "insert, called next, refuses the same index with the same code",
  "packages/bft-json-crdt/src/document/handles.ts ListHandle.move: demand `to < this.length`":
    "insert, called next, refuses the index behind it with the same code",
  "packages/bft-json-crdt/src/document/handles.ts ListHandle.#known: refuse if `element < 0`":
    "no sequence has the element −1, which is asked next",
  "packages/bft-json-crdt/src/document/handles.ts TextHandle.insertAfter: refuse if `element < 0`":
    "no sequence has the element −1, which is asked next",
  "packages/bft-json-crdt/src/document/view.ts recordFor: keys like indexes do not make the engine reserve room (views)":
    "only memory depends on it",
  "packages/crdt-relayer/src/room.ts Room.#unlogged: refuse if `isExact`":
    "of an exact group nothing is left that the log does not have: only time depends on it",
  "packages/bft-json-crdt/src/store/replay.ts replay: demand `read.ok`":
    "of what was not read nothing is decoded, which is asked next",
  "packages/bft-json-crdt/src/store/replay.ts Batch.add: refuse if `bytes > MAX_GROUP_BYTES`":
    "a group that is too large is refused whole, and its records are received one by one: only time depends on it",
  "packages/bft-json-crdt/src/store/replay.ts Batch.receive: refuse if `first === undefined`":
    "a group of nothing is refused, and there is no record to find damage in: one step more without a fault",
  "packages/bft-json-crdt/src/store/replay.ts Batch.receive: refuse if `faultOf(history, record) === null`":
    "what is received again is a duplicate: only time depends on it",
  'packages/crdt-node/src/control/protocol.ts readRequest: refuse if `typeof id !== "number"`':
    "isSafeInteger, asked next, refuses what is no number",
  "packages/bft-json-crdt/src/store/replay.ts Batch.receive: refuse if `fault === null`":
    "a step without a fault means the same as none",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.insertValues: demand `visible`":
    "a sequence keeps no content of what is not visible",
  "packages/bft-json-crdt/src/sync/session.ts SyncSession.#takeWant: refuse if `index < 0`":
    "of a change that is not there no group is found, and nothing is sent",
  "packages/bft-json-crdt/src/crypto/backend-node.ts PoolRun.submitNext: demand `error === null`":
    "who gets an error gets no verdict, which is asked next",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.#removeOnChain: refuse if `before <= from`":
    "only time depends on it: the changes before have no element in the range",
  "packages/bft-json-crdt/src/history/history.ts History.appendMade: refuse if `rival >= 0 && this.#ids.find(change.id) >= 0`":
    "a draft is made on top of the own tip, on which nothing builds, so that it is never what is applied already",
  "packages/bft-json-crdt/src/history/history.ts History.#encode: refuse if `covered[place] !== 0`":
    "only time depends on it: the buffer is made a little too small, and grows",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.#listListener: refuse if `!patches.isCollecting`":
    "only time depends on it: a log that is not collecting takes no patches",
  "packages/bft-json-crdt/src/document/state.ts DocumentState.#textListener: refuse if `!patches.isCollecting`":
    "only time depends on it: a log that is not collecting takes no patches",
  "packages/crdt-relayer/src/ahead.ts Ahead: refuse if `this.#waiting.length === 0`":
    "only time depends on it: nobody is called where nobody waits",
  "packages/crdt-relayer/src/http.ts HttpSide.#turnsAway: connections that are not let in are held within a bound":
    "only memory depends on it, of a thousand sockets and more, and all connections are bounded besides",
  "packages/crdt-relayer/src/session.ts Session.#blame: refuse if `faults === 0`":
    "only time depends on it: nothing is added",
  "packages/bft-json-crdt/src/history/reception.ts Reception.receiveTogether: refuse if `!candidates.every(({ admitted }) => admitted)`":
    "those that could fall were found before, and each group goes its own way then",
  "packages/bft-json-crdt/src/history/reception.ts Reception.release: refuse if `this.#queue.count === 0`":
    "only time depends on it: nothing waits in an empty queue",
  "packages/bft-json-crdt/src/history/history.ts History.#encode: refuse if `isRun`":
    "only time depends on it: the places of a run are known without a table",
  "packages/bft-json-crdt/src/history/verified.ts KnownFindings.on: refuse if `this.#isLine`":
    "none of a line was there before: only time depends on it",
  "packages/crdt-relayer/src/room.ts Room.receive: refuse if `index < 0`":
    "what is not applied is left out when it comes to be acknowledged",
  "packages/bft-json-crdt/src/history/verified.ts verifyAhead: refuse if `waiting === null`":
    "slicesOf yields at least one slice; the types cannot say it",
  "packages/bft-json-crdt/src/saved/columns.ts Slices.byte: refuse if `byte === undefined`":
    "what is read beyond the end makes no canonical body, or one whose hash nobody has signed",
  "packages/bft-json-crdt/src/saved/columns.ts Columns.read: refuse if `total > MAX_BLOCK_BYTES`":
    "only memory depends on it: what no change of the block needs is refused when it is left over",
  "packages/bft-json-crdt/src/saved/file.ts blocksOf: refuse if `block.length >= FULL_BLOCK_BYTES`":
    "only memory depends on it: a history may be one block",
  "packages/bft-json-crdt/src/saved/reader.ts BlockReader.#change: refuse if `this.#buffer.length > MAX_BODY_BYTES`":
    "decodeBody refuses a body that is too large; only memory depends on it, which #isOver bounds as well",
  "packages/bft-json-crdt/src/saved/reader.ts BlockReader.#change: refuse if `columns.fault.failed` (2)":
    "a fault is asked for again after each op, and at the end of the window",
  "packages/bft-json-crdt/src/saved/reader.ts BlockReader.#other: refuse if `code > INCREMENT`":
    "an op of an unknown code would be read as an assignment, in a body whose hash nobody has signed",
  "packages/bft-json-crdt/src/saved/reader.ts BlockReader.#isOver: refuse if `this.#columns.fault.failed`":
    "only time depends on it: after a fault nothing is taken, and the lengths are bounded",
  "packages/bft-json-crdt/src/saved/seal.ts openSeal: refuse if `!equalBytes(author, publicKey)`":
    "the signature is verified with the key of who opens the file, whoever the file names",
  "packages/bft-json-crdt/src/saved/view-codec.ts readView: refuse if `count !== 1`":
    "what follows is read as other items, and the view is not at its end",
  'packages/crdt-node/src/guest.ts Guest.#leave: refuse if `this.#state === "closed"`':
    "the socket closes after the guest was ended: stopping the exchange and the timer twice does nothing, and a ban begins at the same moment",
  'packages/crdt-node/src/link.ts readJoinAnswer: demand `typeof nonce === "string"`':
    "the only other value that fits the pattern is a list of one nonce, and fromHex refuses its length",
  "packages/crdt-node/src/room-rules.ts RoomRules.taken: refuse if `!entries.ok`":
    "a group that is sent was made here, and decodes; the types cannot say it",
  "packages/bft-json-crdt/src/sync/answers.ts lacksOf: refuse if `history.tipsOf(author, chain, Math.min(room, 1)).length === 0`":
    "only time depends on it: of a chain that nobody has heard of no tips are listed",
  "packages/crdt-relayer/src/room.ts Room: refuse if `this.#ready.length === 0`":
    "only time depends on it: nothing is passed on then, and what comes next is gathered for less long",
  "packages/crdt-relayer/src/room-rules.ts checkRules: demand `error instanceof RulesFault`":
    "no other error is thrown in there; one would be a mistake of the code, and must not pass for one of the rules",
};

/**
 * How many checks have neither a test nor a reason in the table yet ("open" there). It only ever goes down: `pnpm mutants
 * --new --write` tries them.
 */
export const MOST_OPEN = 0;
