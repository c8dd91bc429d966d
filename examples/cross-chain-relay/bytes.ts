/** Tags, so that what is hashed or signed for one purpose can never be taken for another; and joining of bytes. */
const encoder = new TextEncoder();

/** ASCII that ends in NUL; no tag begins another one. */
export function tag(name: string): Uint8Array {
  return encoder.encode(`cross-chain-relay/1 ${name}\0`);
}

/** Parts, one behind the other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
