/**
 * Groups whose signatures are verified beside the main thread each for itself, for a host that receives them in an order of
 * its own, such as a relay with many senders. See verified.ts for what is found out ahead and what is not.
 */
import { changeId, decodeGroup } from "../change/index.ts";
import type { SignedBody } from "../change/index.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { ok } from "../result.ts";
import { keyOf } from "./id-key.ts";
import { divide, Findings, KnownFindings, othersOf, verifyAll, VerifiedGroup } from "./verified.ts";
import type { AheadOf, Entry, Finding, SignedChanges } from "./verified.ts";

/** A finding, and for how many held groups it stands. */
interface Shared {
  readonly finding: Finding;
  readonly foundBy: GroupAhead;
  holders: number;
}

/** What the groups of one verifier have in common. */
interface Common {
  /** By id: of several copies the first. */
  readonly shared: Map<string, Shared>;
  /** The last changes of held groups in which none has to wait, and how many groups end so: what goes on there need not wait either. */
  readonly ends: Map<string, number>;
  /** Signatures that are being verified. */
  inFlight: number;
}

/**
 * Verifies groups ahead. A copy of a change that several of them hold is verified once, for as long as one of those groups
 * is held. How many are held at once is for the host to bound.
 */
export class AheadVerifier {
  readonly #common: Common = { shared: new Map(), ends: new Map(), inFlight: 0 };

  /** Signatures that are being verified. */
  get signatures(): number {
    return this.#common.inFlight;
  }

  /**
   * Begins to verify what `history.receive` would have to verify of a group; never throws for what it holds. The bytes must
   * not be changed from now on.
   */
  begin(history: AheadOf, group: Uint8Array): GroupAhead {
    return new GroupAhead(history, group, this.#common);
  }
}

/** A group that is verified ahead. Whoever began it releases it, once. */
export class GroupAhead {
  /** Resolves when all is verified; never rejects. */
  readonly verified: Promise<void>;
  readonly #common: Common;
  readonly #held: string[] = [];
  /** Where those go on that come after it; null when it is not known that they could. */
  #end: string | null = null;
  readonly #group: VerifiedGroup;
  /** Of all that it verifies itself. */
  #signatures = 0;
  /** Groups that verify something for this one. */
  readonly #others = new Set<GroupAhead>();
  /** What it verifies itself; null when that is done. */
  #own: Promise<void> | null;
  #isVerified = false;

  /** @internal */
  constructor(history: AheadOf, group: Uint8Array, common: Common) {
    this.#common = common;
    const decoded = decodeGroup(group);
    const findings = new Findings(new KnownFindings(this.#foundElsewhere));
    this.#group = new VerifiedGroup(
      decoded.ok
        ? ok(decoded.value.map((entry) => this.#lookAt(entry, history, findings)))
        : decoded,
    );
    // What is asked for already, others are finding out.
    for (const finding of findings.all) if (finding.isAsked) this.#hold(finding);
    const divided = divide(findings.all, history.document);
    const { entries } = this.#group;
    const isReady = entries.ok && this.#isReady(entries.value, history);
    if (isReady) this.#noteEnd(entries.value);
    // What has to wait does so with a signature of its own, which would be verified when the group is received.
    const signed = isReady
      ? divided
      : { uncovered: [...divided.covered, ...divided.uncovered], covered: [] };
    const own = signed.uncovered.filter(({ isAsked }) => !isAsked);
    for (const finding of own) this.#share(finding);
    this.#own = own.length === 0 ? null : this.#verify(own);
    this.verified = this.#finish(signed);
  }

  /**
   * Signatures that are verified for it: not those that are for another group. There are more than at first when one is not
   * valid, and others have to be looked at.
   */
  get signatures(): number {
    return this.#signatures;
  }

  /** What `history.receiveVerified` takes; null until all is verified, which may be so at once. */
  get group(): VerifiedGroup | null {
    return this.#isVerified ? this.#group : null;
  }

  /** Forgets what was found out, unless other groups need it. */
  release(): void {
    if (this.#end !== null) {
      const left = this.#common.ends.get(this.#end)! - 1;
      if (left > 0) this.#common.ends.set(this.#end, left);
      else this.#common.ends.delete(this.#end);
      this.#end = null;
    }
    for (const key of this.#held.splice(0)) {
      const shared = this.#common.shared.get(key)!;
      shared.holders--;
      if (shared.holders === 0) this.#common.shared.delete(key);
    }
  }

  #lookAt({ body, signature }: SignedBody, history: AheadOf, findings: Findings): Entry {
    const id = changeId(body);
    if (signature === null || !history.mustVerify(id, signature))
      return { body, signature, ahead: { id, header: null, isGenuine: null } };
    return { body, signature, ahead: findings.on(id, body, signature) };
  }

  readonly #foundElsewhere = (id: Uint8Array, signature: Uint8Array): Finding | null => {
    const { shared } = this.#common;
    const known = shared.size === 0 ? undefined : shared.get(keyOf(id));
    return known !== undefined && equalBytes(known.finding.signature, signature)
      ? known.finding
      : null;
  };

  /** Whether all that its changes build on is applied, stands before them, or is where a held group ends. */
  #isReady(entries: readonly Entry[], history: AheadOf): boolean {
    /** Of the entries before, once somebody asks for another one than the last: mostly nobody does. */
    const before = new Set<string>();
    let listed = 0;
    const isThere = (dependency: Uint8Array, at: number): boolean => {
      if (at > 0 && equalBytes(entries[at - 1]!.ahead!.id, dependency)) return true;
      if (history.indexOf(dependency) >= 0) return true;
      for (; listed < at; listed++) before.add(keyOf(entries[listed]!.ahead!.id));
      const key = keyOf(dependency);
      return before.has(key) || this.#common.ends.has(key);
    };
    for (let at = 0; at < entries.length; at++) {
      const { header } = entries[at]!.ahead!;
      if (header?.ok !== true) continue;
      const { prev, parents, refs } = header.value;
      if (prev !== null && !isThere(prev, at)) return false;
      for (const list of [parents, refs])
        for (let i = 0; i < list.length; i++) if (!isThere(list[i]!, at)) return false;
    }
    return true;
  }

  #noteEnd(entries: readonly Entry[]): void {
    const { ends } = this.#common;
    this.#end = keyOf(entries[entries.length - 1]!.ahead!.id);
    ends.set(this.#end, (ends.get(this.#end) ?? 0) + 1);
  }

  /** Uses what another group finds out. */
  #hold({ id }: Finding): void {
    const key = keyOf(id);
    const known = this.#common.shared.get(key)!;
    known.holders++;
    this.#held.push(key);
    if (known.foundBy.#own !== null) this.#others.add(known.foundBy);
  }

  /** Lets other groups use what is found out here. */
  #share(finding: Finding): void {
    finding.isAsked = true;
    const key = keyOf(finding.id);
    if (this.#common.shared.has(key)) return;
    this.#common.shared.set(key, { finding, foundBy: this, holders: 1 });
    this.#held.push(key);
  }

  async #verify(findings: readonly Finding[]): Promise<void> {
    this.#signatures += findings.length;
    this.#common.inFlight += findings.length;
    await verifyAll(findings);
    this.#common.inFlight -= findings.length;
    this.#own = null;
  }

  /** Without anything to wait for, it is done before this returns. */
  async #finish(signed: SignedChanges): Promise<void> {
    if (this.#own !== null) await this.#own;
    for (const other of this.#others) if (other.#own !== null) await other.#own;
    this.#others.clear();
    const others = othersOf(signed);
    if (others.length > 0) await this.#verify(others);
    this.#isVerified = true;
  }
}
