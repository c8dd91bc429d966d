export { BodyBuffer } from "./body-buffer.ts";
export {
  changeId,
  decodeAgain,
  decodeBody,
  FORMAT_VERSION,
  ID_BYTES,
  passingMessage,
  signedMessage,
  writeBodyHead,
  writeBodyRest,
  writeChainHead,
} from "./body.ts";
export type { ChangeHeader, DecodedBody, IdentifiedHeader, OpsOutline } from "./body.ts";
export {
  decodeGroup,
  encodeGroup,
  GROUP_ENTRY_OVERHEAD,
  GroupWriter,
  LineWriter,
  SIGNATURE_BYTES,
  signedGroup,
} from "./group.ts";
export type { SignedBody } from "./group.ts";
export {
  countElements,
  INERT,
  LEFT,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  readOp,
  RIGHT,
  writeElement,
  writeInserted,
  writeOpHead,
} from "./op.ts";
export type {
  AssignOp,
  ElementTarget,
  IncrementOp,
  InertOp,
  InsertOp,
  Op,
  Place,
  RemoveOp,
} from "./op.ts";
export { continued, HEAD_BYTES, joinGroups, runPartOf } from "./run.ts";
export type { RunPart } from "./run.ts";
export { documentId, genesisDocumentId, encodeGenesis, decodeGenesis } from "./genesis.ts";
export type { Genesis } from "./genesis.ts";
export {
  AUTHENTICATION_TAG,
  CHANGE_TAG,
  COMMITMENT_TAG,
  GENESIS_TAG,
  SCHEMA_TAG,
  SEAL_TAG,
  SIGNATURE_TAG,
  SYNC_TAG,
} from "./tags.ts";
