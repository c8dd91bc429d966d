/**
 * What is signed by whoever shows a relay that a key is theirs (docs/wire-format.md 15.1).
 *
 *     message = tag ‖ nonce ‖ document id ‖ host
 *
 * The tag keeps the signature from being taken for that of a change. The nonce is the relay's, for one use. The document
 * keeps it from opening another room, and the host, as the client has dialled it, from being shown to another relay by
 * the one that asked for it.
 */
import { AUTHENTICATION_TAG, ID_BYTES } from "../change/index.ts";
import { MisuseError } from "../result.ts";

/** Bytes of the nonce by which a relay asks who joins (docs/wire-format.md 15.1). */
export const NONCE_BYTES = 32;

/**
 * What a client signs, with `sign`, to show a relay whose key it has. `host` is the host of the relay's URL as URLs give it: in lower case, with the port unless that is
 * the usual one of its scheme. Throws a MisuseError unless nonce and document id have 32 bytes and there is a host: nobody
 * signs anything else under this tag.
 */
export function authenticationMessage(
  nonce: Uint8Array,
  document: Uint8Array,
  host: string,
): Uint8Array {
  if (nonce.length !== NONCE_BYTES) {
    throw new MisuseError("bad_value", `a relay's nonce has ${NONCE_BYTES} bytes`);
  }
  if (document.length !== ID_BYTES) {
    throw new MisuseError("bad_document_id", "a document id has 32 bytes; use documentId(name)");
  }
  if (host === "") throw new MisuseError("bad_value", "a proof is made for one host");
  const named = new TextEncoder().encode(host);
  const message = new Uint8Array(AUTHENTICATION_TAG.length + NONCE_BYTES + ID_BYTES + named.length);
  let end = 0;
  for (const part of [AUTHENTICATION_TAG, nonce, document, named]) {
    message.set(part, end);
    end += part.length;
  }
  return message;
}
