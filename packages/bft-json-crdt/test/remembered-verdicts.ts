/**
 * Where many replicas in one process get the same changes, each signature is verified by the real code once, and its verdict
 * remembered: the verdict is a function of signature, message and key alone (`crypto/`), so what replicas do is the same, and
 * half of the processor's time is not spent on saying again what is known.
 */
import { backend } from "#backend";

/** Verdicts that are remembered at once. */
const MOST_VERDICTS = 20_000;

const real = backend.verify.bind(backend);
const verdicts = new Map<string, boolean>();
let users = 0;

/** Remembers verdicts, for all who verify in this process, until what it returns is called. */
export function rememberVerdicts(): () => void {
  users++;
  backend.verify = verifyOnce;
  return () => {
    users--;
    if (users > 0) return;
    backend.verify = real;
    verdicts.clear();
  };
}

function verifyOnce(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const parts = [signature, message, publicKey].map(({ buffer, byteOffset, length }) =>
    Buffer.from(buffer, byteOffset, length).toString("latin1"),
  );
  const question = `${signature.length}/${message.length}/${parts.join("")}`;
  const known = verdicts.get(question);
  if (known !== undefined) return known;
  const verdict = real(signature, message, publicKey);
  if (verdicts.size >= MOST_VERDICTS) verdicts.clear();
  verdicts.set(question, verdict);
  return verdict;
}
