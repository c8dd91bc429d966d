/**
 * Ed25519 without asking twice. A verdict is a function of signature, message and key, a signature one of message and secret
 * key (RFC 8032 §5.1.6), a public key one of its seed. Where many replicas in one process get the same changes, or many tests
 * make the same ones, each answer is given by the real code (`crypto/`) once, and remembered: what replicas do is the same,
 * and half of the processor's time is not spent on saying again what is known. Of a signature that the real code has made
 * here, it is known that it holds for that message and that key, and for nothing else; whether that is so is for the tests of
 * `crypto/` to say, which run without any of this.
 */
import { backend } from "#backend";

/** Answers of each kind that are remembered at once: some 15 MB. */
const MOST_ANSWERS = 50_000;

/** Bytes of the longest message of which anything is remembered: what changes, seals and logins sign is shorter. */
const LONGEST_MESSAGE = 256;

const { sign, signer, publicKey, verify } = backend;
const real = { sign, signer, publicKey, verify };
const verdicts = new Map<string, boolean>();
const signatures = new Map<string, Uint8Array>();
const publicKeys = new Map<string, Uint8Array>();
let users = 0;

/** Remembers answers, for all who sign and verify in this process, until what it returns is called. */
export function rememberVerdicts(): () => void {
  users++;
  Object.assign(backend, {
    sign: signOnce,
    signer: signerOnce,
    publicKey: keyOnce,
    verify: verifyOnce,
  });
  return () => {
    users--;
    if (users > 0) return;
    Object.assign(backend, real);
    for (const answers of [verdicts, signatures, publicKeys]) answers.clear();
  };
}

function verifyOnce(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (message.length > LONGEST_MESSAGE) return real.verify(signature, message, publicKey);
  const question = questionOf(signature, message, publicKey);
  return (
    verdicts.get(question) ?? keep(verdicts, question, real.verify(signature, message, publicKey))
  );
}

function signOnce(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  if (message.length > LONGEST_MESSAGE) return real.sign(message, secretKey);
  const question = questionOf(message, secretKey);
  const known = signatures.get(question);
  if (known !== undefined) return known.slice();
  const signature = real.sign(message, secretKey);
  keep(signatures, question, signature.slice());
  keep(verdicts, questionOf(signature, message, keyOf(secretKey)), true);
  return signature;
}

function signerOnce(secretKey: Uint8Array): ReturnType<typeof signer> {
  const own = secretKey.slice();
  return (message, target) => {
    target.set(signOnce(message, own));
    return target;
  };
}

function keyOnce(secretKey: Uint8Array): Uint8Array {
  return keyOf(secretKey).slice();
}

function keyOf(secretKey: Uint8Array): Uint8Array {
  const question = questionOf(secretKey);
  return publicKeys.get(question) ?? keep(publicKeys, question, real.publicKey(secretKey));
}

/** Byte strings as one string, and no others. */
function questionOf(...parts: readonly Uint8Array[]): string {
  let question = "";
  for (const { buffer, byteOffset, length } of parts)
    question += `${length}/${Buffer.from(buffer, byteOffset, length).toString("latin1")}`;
  return question;
}

function keep<Answer>(answers: Map<string, Answer>, question: string, answer: Answer): Answer {
  if (answers.size >= MOST_ANSWERS) answers.clear();
  answers.set(question, answer);
  return answer;
}
