/**
 * Groups whose signatures are verified beside the main thread each for itself, for a host that receives them in an order of
 * its own, such as a relay with many senders. See verified.ts for what is found out ahead and what is not.
 */
import { changeId, decodeBody, decodeGroup } from "../change/index.ts";
import type { SignedBody } from "../change/index.ts";
import { verifyMany } from "../crypto/index.ts";
import type { SignatureCheck } from "../crypto/index.ts";
import { ok } from "../result.ts";
import { keyOf } from "./id-key.ts";
import { checkOf, VerifiedGroup } from "./verified.ts";
import type { AheadOf, Entry, Finding } from "./verified.ts";

/** A finding, and for how many held groups it stands. */
interface Shared {
  readonly finding: Finding;
  readonly foundBy: GroupAhead;
  holders: number;
}

/**
 * Verifies groups ahead. A copy of a change that several of them hold is verified once, for as long as one of those groups
 * is held. How many are held at once is for the host to bound.
 */
export class AheadVerifier {
  /** By id and signature. */
  readonly #shared = new Map<string, Shared>();

  /**
   * Begins to verify what `history.receive` would have to verify of a group; never throws for what it holds. The bytes must
   * not be changed from now on.
   */
  begin(history: AheadOf, group: Uint8Array): GroupAhead {
    return new GroupAhead(history, group, this.#shared);
  }
}

/** A group that is verified ahead. Whoever began it releases it, once. */
export class GroupAhead {
  /** Signatures that are verified for it: not those that are for another group. */
  readonly signatures: number;
  /** Resolves when all is verified; never rejects. */
  readonly verified: Promise<void>;
  readonly #shared: Map<string, Shared>;
  readonly #held: string[] = [];
  readonly #group: VerifiedGroup;
  readonly #checks: SignatureCheck[] = [];
  /** For each check, where its verdict goes. */
  readonly #checked: Finding[] = [];
  /** Groups that verify something for this one. */
  readonly #others = new Set<GroupAhead>();
  /** What it verifies itself; null when that is done. */
  #own: Promise<void> | null;
  #isVerified = false;

  /** @internal */
  constructor(history: AheadOf, group: Uint8Array, shared: Map<string, Shared>) {
    this.#shared = shared;
    const decoded = decodeGroup(group);
    this.#group = new VerifiedGroup(
      decoded.ok ? ok(decoded.value.map((entry) => this.#lookAt(entry, history))) : decoded,
    );
    this.signatures = this.#checks.length;
    this.#own = this.signatures === 0 ? null : this.#verify();
    this.verified = this.#finish();
  }

  /** What `history.receiveVerified` takes; null until all is verified, which may be so at once. */
  get group(): VerifiedGroup | null {
    return this.#isVerified ? this.#group : null;
  }

  /** Forgets what was found out, unless other groups need it. */
  release(): void {
    for (const key of this.#held.splice(0)) {
      const shared = this.#shared.get(key)!;
      shared.holders--;
      if (shared.holders === 0) this.#shared.delete(key);
    }
  }

  #lookAt({ body, signature }: SignedBody, history: AheadOf): Entry {
    const id = changeId(body);
    if (signature === null || !history.mustVerify(id, signature))
      return { body, signature, ahead: { id, header: null, isGenuine: null } };
    const key = keyOf(id) + keyOf(signature) + keyOf(signature.subarray(32));
    const known = this.#shared.get(key);
    if (known !== undefined) {
      known.holders++;
      this.#held.push(key);
      if (known.foundBy !== this && known.foundBy.#own !== null) this.#others.add(known.foundBy);
      return { body, signature, ahead: known.finding };
    }
    const finding: Finding = { id, header: decodeBody(body), signature, isGenuine: null };
    const check = checkOf(finding, history.document);
    if (check !== null) {
      this.#checks.push(check);
      this.#checked.push(finding);
      this.#shared.set(key, { finding, foundBy: this, holders: 1 });
      this.#held.push(key);
    }
    return { body, signature, ahead: finding };
  }

  async #verify(): Promise<void> {
    const verdicts = await verifyMany(this.#checks);
    this.#checked.forEach((finding, i) => {
      finding.isGenuine = verdicts[i]!;
    });
    this.#own = null;
  }

  /** Without anything to wait for, it is done before this returns. */
  async #finish(): Promise<void> {
    if (this.#own !== null) await this.#own;
    for (const other of this.#others) if (other.#own !== null) await other.#own;
    this.#others.clear();
    this.#isVerified = true;
  }
}
