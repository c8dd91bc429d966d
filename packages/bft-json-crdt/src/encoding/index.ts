/** The canonical binary encoding, and the canonical JSON of views. */

export { compareBytes, equalBytes, fromHex, toBase64, toBase64Url, toHex } from "./bytes.ts";
export { canonicalJson } from "./json.ts";
export { emptyObject, isSmallIndex, keepSparse } from "./objects.ts";
export { ByteReader } from "./reader.ts";
export { compareKeys, isWellFormed, utf8Length } from "./text.ts";
export { decodeValue, encodeValue, type Value } from "./value.ts";
export { ByteWriter } from "./writer.ts";
