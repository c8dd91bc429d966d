/**
 * Who holds what, as far as it is proven: a function of the set of signed facts and of the time that the reader takes it to be.
 *
 * * An advert is by a provider about itself. It lasts until it says, by the reader's clock, and at most a week from the time
 *   that it claims to be made at, and not before that; of several by one provider for
 *   one file the last in the order of the log stands.
 * * A challenge chooses a chunk by hash from its nonce, the advert and who asks. It is *fair* if it had seen the advert:
 *   then the provider could not foresee it.
 * * Only the provider answers, having seen the challenge, with the chunk and a path of hashes to the root. One proof fits one
 *   challenge, as another nonce chooses another chunk, of a large file nearly always.
 * * Providers of a file are tried in the order of what they proved: fewest open challenges by *different* askers first, then
 *   most proofs for different askers, then by key. A reader can weigh askers: only those it trusts count.
 * * Who signed two histories is listed last.
 */
import { sha256, toHex } from "bft-json-crdt";
import type { Document, LogEntry } from "bft-json-crdt";
import { CHUNK, chunkCount, isChunkOf } from "./chunks.ts";
import type { Directory } from "./schema.ts";

/** Milliseconds for which an advert lasts at most. */
export const MOST_LIFE = 7 * 86_400_000;
/** Bytes of a file at most: 2^40. */
export const MOST_SIZE = 2 ** 40;

/** How a reader looks at the directory. */
export interface Viewpoint {
  /** Milliseconds since 1970, by the reader's own clock. */
  readonly now: number;
  /** Public keys, in hex, of those whose challenges count. */
  readonly askers: ReadonlySet<string>;
}

/** One who says to hold a file. */
export interface Provider {
  /** Public key, in hex. */
  readonly author: string;
  /** Id of the advert. */
  readonly advert: string;
  readonly expires: number;
  /** Different askers to whom it proved a chunk of the file, under this advert or one before. */
  readonly proved: number;
  /** Different askers who have no answer to their latest challenge. */
  readonly open: number;
  readonly isExposed: boolean;
}

/** A file that somebody says to hold. */
export interface Listing {
  readonly root: string;
  readonly size: number;
  /** In the order in which to try them. */
  readonly providers: readonly Provider[];
}

/** A record without effect. */
export interface Ignored {
  readonly id: string;
  readonly author: string;
  readonly reason:
    | "malformed"
    | "replaced"
    | "expired"
    | "not yet"
    | "unknown advert"
    | "unfair"
    | "unknown challenge"
    | "not asked"
    | "no proof";
}

/** What a replica shows. */
export interface DirectoryView {
  /** By root and size, sorted. */
  readonly listings: readonly Listing[];
  readonly ignored: readonly Ignored[];
}

type Advert = LogEntry<{ root: Uint8Array; size: number; expires: number }>;
type Challenge = LogEntry<{ advert: string; nonce: Uint8Array }>;
type Answer = LogEntry<{ challenge: string; chunk: Uint8Array; path: unknown }>;

/** The index of the chunk that a challenge asks for. */
export function askedChunk(
  challenge: { readonly author: string; readonly value: Challenge["value"] },
  size: number,
): number {
  const { author, value } = challenge;
  const text = `content-directory example/1 ask\0${value.advert}\0${author}\0${toHex(value.nonce)}`;
  const digest = sha256(new TextEncoder().encode(text));
  return Number(
    new DataView(digest.buffer, digest.byteOffset).getBigUint64(0) % BigInt(chunkCount(size)),
  );
}

/** Reads the directory out of a replica. */
export function directoryOf(
  document: Document<typeof Directory>,
  { now, askers }: Viewpoint,
): DirectoryView {
  const { history, root } = document;
  const ignored: Ignored[] = [];
  const ignore = ({ id, author }: LogEntry<unknown>, reason: Ignored["reason"]): void => {
    ignored.push({ id, author, reason });
  };
  const hasSeen = (later: LogEntry<unknown>, earlier: LogEntry<unknown>): boolean =>
    earlier.change !== later.change && history.isAncestor(earlier.change, later.change);
  const exposed = new Set(history.forks().map(({ author }) => toHex(author)));

  const known = new Map<string, Advert>();
  const adverts = new Map<string, Advert>();
  const latest = new Map<string, Advert>();
  for (const entry of root.adverts.entries()) {
    if (!isAdvert(entry)) {
      ignore(entry, "malformed");
      continue;
    }
    const key = keyOf(entry);
    const before = latest.get(key);
    if (before !== undefined) {
      // Of two that had not seen each other the later in the log.
      ignore(before, "replaced");
      adverts.delete(before.id);
    }
    latest.set(key, entry);
    known.set(entry.id, entry);
    adverts.set(entry.id, entry);
  }
  for (const entry of adverts.values()) {
    if (entry.time! <= now && endOf(entry) > now) continue;
    ignore(entry, entry.time! > now ? "not yet" : "expired");
    adverts.delete(entry.id);
  }

  // Of a replaced advert too: else a new one would get a provider rid of what it has not answered.
  const challenges = new Map<string, Challenge>();
  for (const entry of root.challenges.entries()) {
    const advert = known.get(entry.value.advert);
    if (entry.value.nonce.length !== 32) ignore(entry, "malformed");
    else if (advert === undefined || !adverts.has(latest.get(keyOf(advert))!.id))
      ignore(entry, "unknown advert");
    else if (!hasSeen(entry, advert)) ignore(entry, "unfair");
    else challenges.set(entry.id, entry);
  }

  const proven = new Set<string>();
  for (const entry of root.answers.entries()) {
    const challenge = challenges.get(entry.value.challenge);
    const advert = challenge && known.get(challenge.value.advert);
    if (challenge === undefined || advert === undefined) ignore(entry, "unknown challenge");
    else if (entry.author !== advert.author || !hasSeen(entry, challenge))
      ignore(entry, "not asked");
    else if (!isProof(entry, challenge, advert)) ignore(entry, "no proof");
    else proven.add(challenge.id);
  }

  const asked = new Map<string, Map<string, { proved: boolean; open: boolean }>>();
  for (const { id, author, value } of challenges.values()) {
    if (!askers.has(author)) continue;
    const key = keyOf(known.get(value.advert)!);
    const byAsker = asked.get(key) ?? new Map<string, { proved: boolean; open: boolean }>();
    asked.set(key, byAsker);
    const proved = proven.has(id);
    byAsker.set(author, {
      proved: proved || (byAsker.get(author)?.proved ?? false),
      open: !proved,
    });
  }
  const listings = new Map<string, { root: string; size: number; providers: Provider[] }>();
  for (const entry of adverts.values()) {
    const { size, root } = entry.value;
    const name = nameOf(entry);
    const listing = listings.get(name) ?? { root: toHex(root), size, providers: [] };
    listings.set(name, listing);
    const outcomes = [...(asked.get(keyOf(entry))?.values() ?? [])];
    listing.providers.push({
      author: entry.author,
      advert: entry.id,
      expires: endOf(entry),
      proved: outcomes.filter(({ proved }) => proved).length,
      open: outcomes.filter(({ open }) => open).length,
      isExposed: exposed.has(entry.author),
    });
  }
  for (const { providers } of listings.values()) providers.sort(byPreference);
  const names = [...listings.keys()].sort();
  return { listings: names.map((name) => listings.get(name)!), ignored };
}

function isAdvert({ time, value }: Advert): boolean {
  const { root, size, expires } = value;
  return root.length === 32 && size >= 0 && size <= MOST_SIZE && expires >= 0 && time !== null;
}

/** When an advert ends: as it says, but not for ever. */
function endOf({ time, value }: Advert): number {
  return Math.min(value.expires, time! + MOST_LIFE);
}

/** The same for all adverts of one provider for one file. */
function keyOf(advert: Advert): string {
  return `${advert.author}/${nameOf(advert)}`;
}

function nameOf({ value }: Advert): string {
  return `${toHex(value.root)}/${value.size}`;
}

function isProof({ value }: Answer, challenge: Challenge, { value: advert }: Advert): boolean {
  const { chunk, path } = value;
  // A tree over 2^32 chunks has no longer paths.
  if (!Array.isArray(path) || path.length > 32) return false;
  if (!path.every((hash) => hash instanceof Uint8Array)) return false;
  const [index, count] = [askedChunk(challenge, advert.size), chunkCount(advert.size)];
  const length = index < count - 1 ? CHUNK : advert.size - (count - 1) * CHUNK;
  return chunk.length === length && isChunkOf(advert.root, chunk, { index, count, path });
}

function byPreference(a: Provider, b: Provider): number {
  return (
    Number(a.isExposed) - Number(b.isExposed) ||
    a.open - b.open ||
    b.proved - a.proved ||
    (a.author < b.author ? -1 : 1)
  );
}
