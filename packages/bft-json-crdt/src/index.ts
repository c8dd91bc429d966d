/**
 * A shared JSON document for parties who trust neither each other nor the server in the middle.
 *
 * ```ts
 * import { Document, documentId, generateKeyPair, list, number, string, struct } from "bft-json-crdt";
 *
 * const schema = struct({ transactions: list(struct({ from: string(), to: string(), amount: number() })) });
 * const id = documentId("main");
 * const alice = new Document({ schema, id, keyPair: generateKeyPair() });
 * const bob = new Document({ schema, id, keyPair: generateKeyPair() });
 *
 * const change = alice.change((doc) => doc.transactions.push({ from: "alice", to: "bob", amount: 10 }));
 * bob.receive(change.bytes); // { status: "applied", … }
 * bob.viewDigest() === alice.viewDigest(); // true
 * ```
 *
 * Where to begin:
 *
 * * {@link Document} is a replica; {@link struct}, {@link text}, {@link list}, {@link log} and the others say what it holds,
 *   and the handles ({@link TextHandle}, {@link ListHandle}, …) edit it. {@link Patch} says what to do to a screen.
 * * {@link generateKeyPair} makes who edits, {@link documentId} and {@link genesisDocumentId} name what.
 * * {@link SyncSession} brings two histories together over any transport; {@link ChangeLog} keeps one in a database.
 * * {@link ForkProof} shows that somebody signed two changes with one number; {@link decodeForkProof} checks it.
 * * {@link History} is what a relay keeps, without a schema; {@link toMermaid}, {@link toDot} and {@link explainGroup} show it.
 *
 * What comes from outside gives a {@link Result} or a status and never throws; misuse throws {@link MisuseError}.
 *
 * @packageDocumentation
 */
export {
  documentId,
  genesisDocumentId,
  encodeGenesis,
  decodeGenesis,
  decodeBody,
  decodeGroup,
  encodeGroup,
  changeId,
  continued,
  joinGroups,
  runPartOf,
} from "./change/index.ts";
export type {
  ChangeHeader,
  DecodedBody,
  Genesis,
  IdentifiedHeader,
  RunPart,
  SignedBody,
} from "./change/index.ts";
export {
  closeRecord,
  commitmentOf,
  commitRecord,
  commitRevealLog,
  commitTo,
  endRecord,
  readRound,
  revealRecord,
} from "./commit-reveal/index.ts";
export type {
  CommitmentContext,
  CommitmentState,
  Committed,
  IgnoredReason,
  IgnoredRecord,
  Opening,
  Round,
  RoundCloser,
  RoundCommitment,
  RoundLog,
  RoundPhase,
  RoundRecord,
  RoundRecordSchema,
  RoundSource,
  RoundView,
  WalkedHistory,
} from "./commit-reveal/index.ts";
export {
  decodePrivateKeyPem,
  encodePrivateKeyPem,
  generateKeyPair,
  isValidPublicKey,
  publicKeyOf,
  randomBytes,
  sha256,
  sign,
  verify,
} from "./crypto/index.ts";
export type { KeyPair } from "./crypto/index.ts";
export {
  BatchError,
  CounterHandle,
  decodeSaved,
  Document,
  encodeSaved,
  ListHandle,
  LocalChange,
  LogHandle,
  MapHandle,
  RegisterHandle,
  SetHandle,
  TextHandle,
} from "./document/index.ts";
export type {
  ChangeOptions,
  Characters,
  Conflict,
  DocumentEvent,
  DocumentOptions,
  ElementId,
  Handle,
  LocalBatch,
  LogEntry,
  MakeChange,
  Patch,
  Path,
  Saved,
  ViewValue,
} from "./document/index.ts";
export {
  canonicalJson,
  compareBytes,
  decodeValue,
  encodeValue,
  equalBytes,
  fromHex,
  isWellFormed,
  toHex,
} from "./encoding/index.ts";
export type { Value } from "./encoding/index.ts";
export { AheadVerifier, decodeForkProof, History, PendingPool } from "./history/index.ts";
export type {
  AheadOf,
  ChainTip,
  ForkProof,
  GroupAhead,
  HistoryLimits,
  HistoryOptions,
  ReceivedChange,
  ReceivedGroup,
  ReceiveStatus,
  VerifiedGroup,
} from "./history/index.ts";
export {
  DEFAULT_PENDING_BYTES,
  DEFAULT_PENDING_BYTES_PER_AUTHOR,
  DEFAULT_PENDING_BYTES_PER_PEER,
  EXPOSED_QUOTA_DIVISOR,
  MAX_BODY_BYTES,
  MAX_GROUP_BYTES,
  MAX_GROUP_CHANGES,
} from "./limits.ts";
export { MisuseError } from "./result.ts";
export type { MisuseCode, Rejection, RejectionCode, Result } from "./result.ts";
export {
  bigint,
  boolean,
  bytes,
  counter,
  integer,
  json,
  list,
  log,
  map,
  number,
  optional,
  schemaDigest,
  set,
  string,
  struct,
  text,
} from "./schema/index.ts";
export type {
  CounterSchema,
  Fields,
  Initial,
  LeafSchema,
  LeafType,
  ListSchema,
  LogSchema,
  MapSchema,
  RecordFields,
  RecordSchema,
  Schema,
  SetSchema,
  StructSchema,
  TextSchema,
  View,
} from "./schema/index.ts";
export { ChangeLog, faultOf, LogWriteError, recordsOf, replay } from "./store/index.ts";
export type {
  LevelLike,
  LevelPut,
  LevelRange,
  LevelWriteOptions,
  LogFault,
  LogRecord,
  NewRecord,
  ReplayHistory,
} from "./store/index.ts";
export {
  AppliedOrder,
  authenticationMessage,
  batchesOf,
  encodeMessage,
  liveGroups,
  MIN_RESENT_BYTES,
  NONCE_BYTES,
  parseCursor,
  parseMessage,
  ResendBudget,
  SliceCache,
  SyncSession,
} from "./sync/index.ts";
export type {
  Cursor,
  Frontier,
  ListedTip,
  LiveBatch,
  LiveGroup,
  MessageFault,
  Sample,
  SendFrame,
  Slice,
  SyncErrorCode,
  SyncHistory,
  SyncLimits,
  SyncMessage,
  SyncSessionOptions,
} from "./sync/index.ts";
export { explainBody, explainGroup, toDot, toGraph, toMermaid } from "./inspect/index.ts";
export type {
  ExplainedBody,
  ExplainedChange,
  ExplainedElement,
  ExplainedGroup,
  ExplainedHeader,
  ExplainedOp,
  ExplainedPlace,
  ExplainedRange,
  GraphEdge,
  GraphFork,
  GraphNode,
  GraphOptions,
  HistoryGraph,
  InspectedHistory,
} from "./inspect/index.ts";
