/** What a server answers to a publication. It may be anything: a server is not trusted with more than it must be. */
import { BackplaneError } from "../backplane.ts";

/** What a server says of a publication. Throws BackplaneError for anything but an acknowledgement. */
export function readAcknowledgement(
  text: string,
  stream: string,
): { readonly seq: number; readonly isDuplicate: boolean } {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new BackplaneError("the answer to a publication is no JSON");
  }
  const {
    stream: name,
    seq,
    duplicate,
    error,
  } = (typeof answer === "object" && answer !== null ? answer : {}) as {
    readonly [key: string]: unknown;
  };
  if (typeof error === "object" && error !== null) {
    const { description } = error as { readonly description?: unknown };
    throw new BackplaneError(typeof description === "string" ? description : "an unknown error");
  }
  if (name !== stream || !Number.isSafeInteger(seq) || (seq as number) < 0)
    throw new BackplaneError("the answer to a publication is no acknowledgement of the stream");
  const isDuplicate = duplicate === true;
  if (seq === 0 && !isDuplicate) throw new BackplaneError("the acknowledgement has no number");
  return { seq: seq as number, isDuplicate };
}
