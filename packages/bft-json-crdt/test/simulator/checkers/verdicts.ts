/**
 * Verdicts: whatever the order of arrival, the options and the crashes, a change is applied only if it is valid, its id is
 * rejected only if it is not, for the same reason everywhere; nothing that an honest author did not sign is in its name;
 * and honest peers never send what has to be refused.
 */
import { toHex } from "../../../src/encoding/index.ts";
import type { Forged } from "../../forge.ts";
import { validOf } from "../../history-model.ts";
import type { Known } from "../universe.ts";
import type { Checker, Finding, Observed, World } from "../world.ts";

/** Judges all verdicts by the naive model of validity. */
export const checkVerdicts: Checker = (world) => {
  const hosts = world.components.flat();
  const valid = validIn(world);
  const findings = hosts.flatMap((host) => checkHost(host, valid, world));
  const reasons = new Map<string, string>();
  for (const { name, notes } of hosts) {
    for (const [hex, verdicts] of notes.verdicts) {
      for (const verdict of verdicts) {
        const known = reasons.get(hex);
        if (known === undefined) reasons.set(hex, `${verdict} by ${name}`);
        else if (!known.startsWith(`${verdict} by`)) {
          findings.push(finding(`${hex} is ${known}, and ${verdict} by ${name}`));
        }
      }
    }
  }
  return findings;
};

function checkHost(
  { name, notes, history }: Observed,
  valid: ReadonlySet<string>,
  world: World,
): Finding[] {
  const findings = notes.blames.slice(0, 3).map(finding);
  for (const [hex, verdicts] of notes.verdicts) {
    const isValid = valid.has(hex);
    for (const verdict of verdicts) {
      if (verdict === "applied" && !isValid)
        findings.push(finding(`${name} has applied ${hex}, which is not valid`));
      if (verdict !== "applied" && isValid)
        findings.push(finding(`${name} has ${verdict} for ${hex}, which is valid`));
    }
  }
  for (let index = 0; index < history.length; index++) {
    const hex = toHex(history.idAt(index));
    const author = toHex(history.authorAt(index));
    if (!valid.has(hex)) findings.push(finding(`${name} has ${hex}, which is not valid`));
    if (world.honestKeys.has(author) && !world.universe.honest.has(hex)) {
      findings.push(finding(`${name} has ${hex}, which ${author} never signed`));
    }
  }
  return findings;
}

/** Ids of all valid changes that were ever shown, whoever signed them. */
function validIn({ universe, document }: World): Set<string> {
  const decoded = [...universe.known.values()].filter(
    (known): known is Known & { header: NonNullable<Known["header"]> } => known.header !== null,
  );
  // Dependencies first, mostly: the model goes over the list again and again until nothing is added.
  decoded.sort((a, b) => a.header.lamport - b.header.lamport);
  return new Set(validOf(document, decoded as unknown as Forged[]).keys());
}

function finding(detail: string): Finding {
  return { checker: "verdicts", detail };
}
