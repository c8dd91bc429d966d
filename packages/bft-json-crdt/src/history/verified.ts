/**
 * Groups whose signatures are verified beside the main thread before a history takes them in.
 *
 * Only what follows from the bytes alone is worked out ahead (id, header, whether the signature is genuine), on a copy
 * that nobody else can change. Whatever depends on the history is left to `History.receive`, group after group, in order.
 * So the verdicts are those of receiving the bytes themselves, whatever else the history receives meanwhile; but where a
 * later group vouches for an earlier one, and all of a slice can be applied, one signature is verified for both.
 */
import { changeId, decodeBody, decodeGroup, HEAD_BYTES, signedMessage } from "../change/index.ts";
import type { DecodedBody, IdentifiedHeader, SignedBody } from "../change/index.ts";
import { verifyMany } from "../crypto/index.ts";
import type { SignatureCheck } from "../crypto/index.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { MisuseError, ok } from "../result.ts";
import type { Result } from "../result.ts";
import { keyOf } from "./id-key.ts";
import { linksTo } from "./links.ts";

/** What a history has to tell for signatures to be verified ahead of it. */
export interface AheadOf {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  /** The local index of an applied change, or -1. */
  indexOf(id: Uint8Array): number;
  /** False when `receive` would settle this copy of a change without a look at its signature. */
  mustVerify(id: Uint8Array, signature: Uint8Array): boolean;
}

/** What is known of a change from its bytes alone; null is what was not worked out. */
export interface Ahead {
  readonly id: Uint8Array;
  readonly header: Result<DecodedBody> | null;
  readonly isGenuine: boolean | null;
}

/** One change of a group, perhaps with what is known of it ahead. */
export interface Entry extends SignedBody {
  readonly ahead?: Ahead;
}

/** A decoded group, ready to be received; only this file and group-ahead.ts make any, so that none comes from outside. */
export class VerifiedGroup {
  /** @internal */
  readonly entries: Result<readonly Entry[]>;

  constructor(entries: Result<readonly Entry[]>) {
    this.entries = entries;
  }
}

/**
 * Verifies the signatures of many groups, and yields the groups in order, some at a time, for `history.receiveTogether`. While
 * those are being received, the next ones are verified; no more than two slices are held. Throws what `groups` throws, and
 * MisuseError for anything else than a Uint8Array in it, once all groups before that have been yielded.
 */
export async function* verifyAhead(
  history: AheadOf,
  groups: Iterable<Uint8Array>,
): AsyncGenerator<Slice, void, void> {
  let waiting: Slice | null = null;
  for (const slice of slicesOf(history, groups)) {
    slice.start();
    if (waiting !== null) {
      await waiting.verified;
      yield waiting;
    }
    waiting = slice;
  }
  if (waiting === null) return;
  await waiting.verified;
  yield waiting;
  if (waiting.failure !== null) throw waiting.failure.error;
}

/**
 * Signed changes after which a slice is full; one group more may overshoot that. Enough to keep all threads busy while the
 * slice before is received, when each of them has to be verified: with a quarter, two cores were idle for a tenth of the time.
 */
const SLICE_SIGNATURES = 256;

/** Groups after which a slice is full, so that duplicates and rubbish leave others their turn as well. */
const SLICE_GROUPS = 256;

/** Bytes of a buffer for copies of small groups. */
const COPIES_BYTES = 16_384;

/** Cuts groups into slices. What stands before an error is yielded first, with the error. */
function* slicesOf(history: AheadOf, groups: Iterable<Uint8Array>): Generator<Slice, void, void> {
  const copies = new Copies();
  let slice = new Slice(history);
  try {
    for (const group of groups) {
      if (!(group instanceof Uint8Array))
        throw new MisuseError("bad_value", "receiveAll takes Uint8Arrays");
      // What is too large is refused by its length, so it need not be copied.
      const decoded = decodeGroup(group.length > MAX_GROUP_BYTES ? group : copies.of(group));
      if (!slice.hasRoomFor(decoded, group.length)) {
        yield slice;
        slice = new Slice(history);
      }
      slice.add(decoded, group.length);
      if (!slice.isFull) continue;
      yield slice;
      slice = new Slice(history);
    }
  } catch (error) {
    slice.failure = { error };
  }
  yield slice;
}

/** Copies of bytes, one after another in few buffers: one for each would cost more than its content. */
class Copies {
  #buffer = new Uint8Array(0);
  #used = 0;

  of(bytes: Uint8Array): Uint8Array {
    if (this.#used + bytes.length > this.#buffer.length) {
      this.#buffer = new Uint8Array(Math.max(COPIES_BYTES, bytes.length));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += bytes.length;
    // One that was handed to somebody else is empty, and cannot be read at all.
    if (bytes.length > 0) this.#buffer.set(bytes, start);
    return this.#buffer.subarray(start, this.#used);
  }
}

/** Groups that are verified together, for `history.receiveTogether`: no more, in all, than one group may hold. */
export class Slice {
  /** What ended the groups after these. */
  failure: { readonly error: unknown } | null = null;
  readonly groups: VerifiedGroup[] = [];
  /** Resolves when all is verified that has to be if all is well; never rejects. */
  verified: Promise<void> = Promise.resolve();
  readonly #history: AheadOf;
  /** What is being found out about the signed changes of each group, and of all. */
  readonly #findings: Findings[] = [];
  readonly #known = new KnownFindings();
  #changes = 0;
  #bytes = HEAD_BYTES;

  constructor(history: AheadOf) {
    this.#history = history;
  }

  get isFull(): boolean {
    return this.#known.all.length >= SLICE_SIGNATURES || this.groups.length >= SLICE_GROUPS;
  }

  /** Whether a group of so many bytes can be added. */
  hasRoomFor(decoded: Result<readonly SignedBody[]>, bytes: number): boolean {
    return (
      !decoded.ok ||
      this.#changes === 0 ||
      (this.#changes + decoded.value.length <= MAX_GROUP_CHANGES &&
        this.#bytes + bytes <= MAX_GROUP_BYTES)
    );
  }

  add(decoded: Result<readonly SignedBody[]>, bytes: number): void {
    if (!decoded.ok) {
      this.groups.push(new VerifiedGroup(decoded));
      return;
    }
    this.#changes += decoded.value.length;
    this.#bytes += bytes;
    const findings = new Findings(this.#known);
    this.#findings.push(findings);
    this.groups.push(
      new VerifiedGroup(ok(decoded.value.map((entry) => this.#lookAt(entry, findings)))),
    );
  }

  /** Begins to verify those that no later one vouches for. */
  start(): void {
    this.verified = verifyAll(unasked(divide(this.#known.all, this.#history.document).uncovered));
  }

  /** Verifies what has to be when each group is received by itself. */
  async verifyEach(): Promise<void> {
    const divided = this.#findings.map(({ all }) => divide(all, this.#history.document));
    await verifyAll(unasked(divided.flatMap(({ uncovered }) => uncovered)));
    const others = unasked(divided.flatMap(othersOf));
    if (others.length > 0) await verifyAll(others);
  }

  #lookAt({ body, signature }: SignedBody, findings: Findings): Entry {
    const id = changeId(body);
    if (signature === null || !this.#history.mustVerify(id, signature))
      return { body, signature, ahead: { id, header: null, isGenuine: null } };
    return { body, signature, ahead: findings.on(id, body, signature) };
  }
}

/** What is being found out about a signed change. */
export interface Finding extends Ahead {
  readonly header: Result<DecodedBody>;
  readonly signature: Uint8Array;
  isGenuine: boolean | null;
  /** It is being verified, or was. */
  isAsked: boolean;
  /** The list that it was added to last, by number. */
  listedIn: number;
}

/** The signed changes of one group, those left out that are refused for their headers. */
export interface SignedChanges {
  /** Those to verify. */
  readonly uncovered: readonly Finding[];
  /** Those that a later one of their chain vouches for: they need not be verified unless one above is not valid. */
  readonly covered: readonly Finding[];
}

/** Whether somebody else is finding out about a copy of a change, or has found out. */
type Elsewhere = (id: Uint8Array, signature: Uint8Array) => Finding | null;

const nowhere: Elsewhere = () => null;

/** What is being found out about changes. Copies with one signature share one finding. */
export class KnownFindings {
  /** In order; one of several copies stands where the first does. */
  readonly all: Finding[] = [];
  readonly #elsewhere: Elsewhere;
  /** Each so far is built on the one before: nearly always it is like that. */
  #isLine = true;
  /** By the keys of ids: of one that came with several signatures the first. Only once one was searched for. */
  #byKey: Map<string, Finding> | null = null;
  /** The last one, when its header is good. */
  #before: IdentifiedHeader | null = null;

  constructor(elsewhere: Elsewhere = nowhere) {
    this.#elsewhere = elsewhere;
  }

  /** The finding about a copy of a change; a new one says nothing but what the bytes say at once. */
  on(id: Uint8Array, body: Uint8Array, signature: Uint8Array): Finding {
    const next = this.#isLine ? this.#find(id, body, signature) : null;
    if (next !== null) this.#isLine = this.#isNext(next);
    // One of a line that is built on the last of it would be built on itself, which no hash can be.
    const known = this.#isLine ? null : this.#known(id, signature);
    return known ?? this.#add(next ?? this.#find(id, body, signature));
  }

  #find(id: Uint8Array, body: Uint8Array, signature: Uint8Array): Finding {
    const known = this.#elsewhere(id, signature);
    if (known !== null) return known;
    const header = decodeBody(body, this.#before);
    return { id, header, signature, isGenuine: null, isAsked: false, listedIn: 0 };
  }

  /** Whether a change is the first, or built on the one before. */
  #isNext({ header }: Finding): boolean {
    const { length } = this.all;
    if (length === 0) return true;
    const prev = header.ok ? header.value.prev : null;
    return prev !== null && equalBytes(prev, this.all[length - 1]!.id);
  }

  #add(finding: Finding): Finding {
    const { id, header } = finding;
    this.all.push(finding);
    this.#before = header.ok ? { id, header: header.value } : null;
    if (this.#byKey !== null) addTo(this.#byKey, finding);
    return finding;
  }

  #known(id: Uint8Array, signature: Uint8Array): Finding | null {
    if (this.#byKey === null) {
      this.#byKey = new Map();
      for (const finding of this.all) addTo(this.#byKey, finding);
    }
    const known = this.#byKey.get(keyOf(id));
    return known !== undefined && equalBytes(known.signature, signature) ? known : null;
  }
}

function addTo(byKey: Map<string, Finding>, finding: Finding): void {
  const key = keyOf(finding.id);
  if (!byKey.has(key)) byKey.set(key, finding);
}

/** How many lists of findings there were. */
let lists = 0;

/** What is being found out about the signed changes of one group. */
export class Findings {
  /** In order; one of several copies stands where the first does. */
  readonly all: Finding[] = [];
  readonly #known: KnownFindings;
  readonly #number = ++lists;

  /** `known` is what is being found out about this group, and about others. */
  constructor(known: KnownFindings) {
    this.#known = known;
  }

  /** The finding about a copy of a change. */
  on(id: Uint8Array, body: Uint8Array, signature: Uint8Array): Finding {
    const finding = this.#known.on(id, body, signature);
    if (finding.listedIn === this.#number) return finding;
    finding.listedIn = this.#number;
    this.all.push(finding);
    return finding;
  }
}

/** Divides the signed changes of a group, in order, by whether a later one of the same chain vouches for them. */
export function divide(findings: readonly Finding[], document: Uint8Array): SignedChanges {
  const uncovered: Finding[] = [];
  const covered: Finding[] = [];
  const covers = new Map<string, DecodedBody>();
  /** The one just behind: mostly it is that which vouches. */
  let behind: DecodedBody | null = null;
  for (let i = findings.length - 1; i >= 0; i--) {
    const finding = findings[i]!;
    const { id, header } = finding;
    if (!header.ok || !equalBytes(header.value.document, document)) continue;
    const isNext = behind !== null && behind.prev !== null && equalBytes(behind.prev, id);
    if (!isNext && behind !== null && behind.prev !== null) covers.set(keyOf(behind.prev), behind);
    const cover = isNext ? behind : covers.size === 0 ? undefined : covers.get(keyOf(id));
    if (cover && linksTo(cover, header.value)) covered.push(finding);
    else uncovered.push(finding);
    behind = header.value;
  }
  return { uncovered, covered };
}

/** What must still be verified: when a signature is not valid, all those that others seemed to vouch for. */
export function othersOf({ uncovered, covered }: SignedChanges): readonly Finding[] {
  return uncovered.some(({ isGenuine }) => isGenuine === false)
    ? covered.filter(({ isGenuine }) => isGenuine === null)
    : [];
}

/** Those that nobody has begun to verify; the caller does now. */
function unasked(findings: readonly Finding[]): readonly Finding[] {
  const asked: Finding[] = [];
  for (const finding of findings) {
    if (finding.isAsked) continue;
    finding.isAsked = true;
    asked.push(finding);
  }
  return asked;
}

/** Verifies signatures of changes with good headers beside the main thread. Others get their turn, even if there are none. */
export async function verifyAll(findings: readonly Finding[]): Promise<void> {
  const verdicts = await verifyMany(findings.map(checkOf));
  findings.forEach((finding, i) => {
    finding.isGenuine = verdicts[i]!;
  });
}

function checkOf({ id, header, signature }: Finding): SignatureCheck {
  if (!header.ok) throw new Error("it is refused for its header");
  return { signature, message: signedMessage(id), publicKey: header.value.author };
}
