/**
 * Groups whose signatures are verified beside the main thread before a history takes them in.
 *
 * Only what follows from the bytes alone is worked out ahead (id, header, whether the signature is genuine), on a copy
 * that nobody else can change. Whatever depends on the history is left to `History.receive`, group after group, in order.
 * So the verdicts are those of receiving the bytes themselves, whatever else the history receives meanwhile.
 */
import { changeId, decodeBody, decodeGroup, signedMessage } from "../change/index.ts";
import type { DecodedBody, SignedBody } from "../change/index.ts";
import { verifyMany } from "../crypto/index.ts";
import type { SignatureCheck } from "../crypto/index.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { MAX_GROUP_BYTES } from "../limits.ts";
import { MisuseError, ok } from "../result.ts";
import type { Result } from "../result.ts";
import { keyOf } from "./id-key.ts";
import { linksTo } from "./links.ts";

/** What a history has to tell for signatures to be verified ahead of it. */
export interface AheadOf {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
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
 * Verifies the signatures of many groups, and yields the groups in order, some at a time, for `history.receive`. While
 * those are being received, the next ones are verified; no more than two slices are held. Throws what `groups` throws, and
 * MisuseError for anything else than a Uint8Array in it, once all groups before that have been yielded.
 */
export async function* verifyAhead(
  history: AheadOf,
  groups: Iterable<Uint8Array>,
): AsyncGenerator<readonly VerifiedGroup[], void, void> {
  let waiting: Slice | null = null;
  for (const slice of slicesOf(history, groups)) {
    slice.start();
    if (waiting !== null) yield await waiting.finished();
    waiting = slice;
  }
  if (waiting === null) return;
  yield await waiting.finished();
  if (waiting.failure !== null) throw waiting.failure.error;
}

/**
 * Signatures after which a slice is full; one group more may overshoot that. Enough to keep all threads busy while the
 * slice before is received: with half as many, two cores were idle for a tenth of the time.
 */
const SLICE_SIGNATURES = 128;

/** Bytes after which a slice is full; one group more may overshoot that. Two slices are held, so 4 MiB in all. */
const SLICE_BYTES = MAX_GROUP_BYTES;

/** Bytes of a buffer for copies of small groups. */
const COPIES_BYTES = 16_384;

/** Groups after which a slice is full, so that duplicates and rubbish leave others their turn as well. */
const SLICE_GROUPS = 256;

/** Cuts groups into slices. What stands before an error is yielded first, with the error. */
function* slicesOf(history: AheadOf, groups: Iterable<Uint8Array>): Generator<Slice, void, void> {
  let slice = new Slice(history);
  try {
    for (const group of groups) {
      slice.add(group);
      if (!slice.isFull) continue;
      yield slice;
      slice = new Slice(history);
    }
  } catch (error) {
    slice.failure = { error };
  }
  yield slice;
}

/** Groups that are verified together. */
class Slice {
  /** What ended the groups after these. */
  failure: { readonly error: unknown } | null = null;
  readonly #history: AheadOf;
  readonly #groups: VerifiedGroup[] = [];
  /** What must be verified, and what must be when something of its group is not valid. */
  readonly #checked: Finding[] = [];
  readonly #divided: SignedChanges[] = [];
  readonly #known = new Map<string, Finding>();
  #bytes = 0;
  /** Where groups are copied to, one after another: a buffer for each would cost more than its content. */
  #copies = new Uint8Array(0);
  #copied = 0;
  #verified: Promise<void> | null = null;

  constructor(history: AheadOf) {
    this.#history = history;
  }

  get isFull(): boolean {
    return (
      this.#checked.length >= SLICE_SIGNATURES ||
      this.#bytes >= SLICE_BYTES ||
      this.#groups.length >= SLICE_GROUPS
    );
  }

  /** Takes a copy of a group. */
  add(group: Uint8Array): void {
    if (!(group instanceof Uint8Array))
      throw new MisuseError("bad_value", "receiveAll takes Uint8Arrays");
    // What is too large is refused by its length, so it need not be copied.
    const decoded = decodeGroup(group.length > MAX_GROUP_BYTES ? group : this.#copyOf(group));
    if (!decoded.ok) {
      this.#groups.push(new VerifiedGroup(decoded));
      return;
    }
    this.#bytes += group.length;
    const findings = new Findings(this.#known);
    this.#groups.push(
      new VerifiedGroup(ok(decoded.value.map((entry) => this.#lookAt(entry, findings)))),
    );
    const signed = divide(findings.all, this.#history.document);
    for (const finding of signed.uncovered) {
      if (finding.isAsked) continue;
      finding.isAsked = true;
      this.#checked.push(finding);
    }
    if (signed.covered.length > 0) this.#divided.push(signed);
  }

  /** Begins to verify. */
  start(): void {
    this.#verified = verifyAll(this.#checked);
  }

  /** Resolves, when all that has to be verified is, to the groups. */
  async finished(): Promise<readonly VerifiedGroup[]> {
    await this.#verified;
    const others = new Set(this.#divided.flatMap(othersOf));
    if (others.size > 0) await verifyAll([...others]);
    return this.#groups;
  }

  #copyOf(group: Uint8Array): Uint8Array {
    const start = this.#copied;
    const end = start + group.length;
    if (end > this.#copies.length) {
      this.#copies = new Uint8Array(Math.max(COPIES_BYTES, group.length));
      this.#copied = 0;
      return this.#copyOf(group);
    }
    this.#copies.set(group, start);
    this.#copied = end;
    return this.#copies.subarray(start, end);
  }

  #lookAt({ body, signature }: SignedBody, findings: Findings): Entry {
    const id = changeId(body);
    if (signature === null || !this.#history.mustVerify(id, signature))
      return { body, signature, ahead: { id, header: null, isGenuine: null } };
    const ahead = findings.on(keyOf(id), signature, () => findingOn(id, body, signature));
    return { body, signature, ahead };
  }
}

/** What is being found out about a signed change. */
export interface Finding extends Ahead {
  readonly header: Result<DecodedBody>;
  readonly signature: Uint8Array;
  isGenuine: boolean | null;
  /** It is being verified, or was. */
  isAsked: boolean;
}

/** Nothing but what the bytes say at once. */
export function findingOn(id: Uint8Array, body: Uint8Array, signature: Uint8Array): Finding {
  return { id, header: decodeBody(body), signature, isGenuine: null, isAsked: false };
}

/** The signed changes of one group, those left out that are refused for their headers. */
export interface SignedChanges {
  /** Those to verify. */
  readonly uncovered: readonly Finding[];
  /** Those that a later one of their chain vouches for: they need not be verified unless one above is not valid. */
  readonly covered: readonly Finding[];
}

/** What is being found out about the signed changes of a group. Copies with one signature share one finding. */
export class Findings {
  /** In order; a shared one stands where the first copy does. */
  readonly all: Finding[] = [];
  /** The first finding about each change. */
  readonly #known: Map<string, Finding>;
  readonly #listed = new Set<Finding>();

  /** `known` is what was found out about changes before. */
  constructor(known: Map<string, Finding> = new Map()) {
    this.#known = known;
  }

  /** The finding about a copy, by the key of its id; `find` makes it when there is none. */
  on(key: string, signature: Uint8Array, find: () => Finding): Finding {
    const known = this.#known.get(key);
    const isCopy = known !== undefined && equalBytes(known.signature, signature);
    const finding = isCopy ? known : find();
    if (known === undefined) this.#known.set(key, finding);
    if (!this.#listed.has(finding)) {
      this.#listed.add(finding);
      this.all.push(finding);
    }
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

/** Verifies signatures of changes with good headers beside the main thread. */
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
