/**
 * Fork proofs: whoever has two changes of one chain with one number in its history names the culprit, with the same two
 * ids everywhere, by bytes that convince anyone; and no honest author is ever named.
 */
import { toHex } from "../../../src/encoding/index.ts";
import { decodeForkProof } from "../../../src/history/index.ts";
import type { Forged } from "../../forge.ts";
import { forkName, forksOf } from "../../history-model.ts";
import { forgedAt } from "../universe.ts";
import type { Checker, Finding, Observed, World } from "../world.ts";

/** Compares the exposed with the naive model's. */
export const checkForks: Checker = (world) =>
  world.components.flat().flatMap((host) => checkHost(host, world));

function checkHost({ name, history, document, announced }: Observed, world: World): Finding[] {
  const findings: Finding[] = [];
  const applied = new Map<string, Forged>();
  for (let index = 0; index < history.length; index++) {
    const change = forgedAt(history, index);
    applied.set(change.hex, change);
  }
  const proofs = history.forks();
  const named = proofs.map(({ author, chain, seq, ids }) =>
    forkName(`${toHex(author)}/${chain}`, seq, ids.map(toHex)),
  );
  const expected = forksOf(applied);
  if (named.toSorted().join() !== expected.join()) {
    findings.push(
      finding(
        `${name} exposes [${named.toSorted().join("; ")}] instead of [${expected.join("; ")}]`,
      ),
    );
  }
  for (const { author, bytes, ids } of proofs) {
    const read = decodeForkProof(bytes);
    if (!read.ok || read.value.ids.map(toHex).join() !== ids.map(toHex).join()) {
      findings.push(finding(`${name} has a fork proof that proves nothing`));
    }
    if (world.honestKeys.has(toHex(author))) {
      findings.push(finding(`${name} exposes ${toHex(author)}, who is honest`));
    }
  }
  const told = proofs.map(({ author, chain }) => `${toHex(author)}/${chain}`);
  if (document !== null && told.toSorted().join() !== [...announced].toSorted().join()) {
    findings.push(
      finding(`${name} knows of ${told.length} forks and has told of ${announced.size}`),
    );
  }
  return findings;
}

function finding(detail: string): Finding {
  return { checker: "forks", detail };
}
