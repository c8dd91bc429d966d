/** The limits of a history that are options: what they are when left out, and what they cannot be. */
import {
  DEFAULT_PENDING_BYTES,
  DEFAULT_PENDING_BYTES_PER_AUTHOR,
  DEFAULT_PENDING_BYTES_PER_PEER,
  DEFAULT_REJECTED_IDS,
  EXPOSED_QUOTA_DIVISOR,
} from "../limits.ts";
import { MisuseError } from "../result.ts";

/** Options that only delay or forget; none can change a verdict. Units: bytes, and ids. */
export interface HistoryLimits {
  /** What waits for something missing, of all peers and authors together; at most this is held in memory. */
  readonly pendingBytes: number;
  /** The same for one peer: whoever delivers pays. */
  readonly pendingBytesPerPeer: number;
  /** The same for one author, whoever delivers. */
  readonly pendingBytesPerAuthor: number;
  /** For authors who have equivocated here; an eighth of that of others when it is left out. */
  readonly pendingBytesPerExposedAuthor?: number;
  /** Ids of rejected changes that are remembered. */
  readonly rejectedIds: number;
}

/** Fills in what is left out. Throws MisuseError for a name that is none, and for what is no number of bytes. */
export function completeLimits(given: Partial<HistoryLimits>): Required<HistoryLimits> {
  const perAuthor = given.pendingBytesPerAuthor ?? DEFAULT_PENDING_BYTES_PER_AUTHOR;
  const complete: Required<HistoryLimits> = {
    pendingBytes: given.pendingBytes ?? DEFAULT_PENDING_BYTES,
    pendingBytesPerPeer: given.pendingBytesPerPeer ?? DEFAULT_PENDING_BYTES_PER_PEER,
    pendingBytesPerAuthor: perAuthor,
    pendingBytesPerExposedAuthor:
      given.pendingBytesPerExposedAuthor ?? Math.floor(perAuthor / EXPOSED_QUOTA_DIVISOR),
    rejectedIds: given.rejectedIds ?? DEFAULT_REJECTED_IDS,
  };
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(complete, name)) {
      const known = Object.keys(complete).join(", ");
      throw new MisuseError("bad_value", `there is no limit "${name}"; there are ${known}`);
    }
  }
  for (const [name, value] of Object.entries(complete)) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new MisuseError("bad_value", `${name} must be a whole number of at least 0`);
  }
  return complete;
}
