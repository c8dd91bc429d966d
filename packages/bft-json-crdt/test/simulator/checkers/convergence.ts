/**
 * Convergence: honest hosts that can reach each other have the same history and show the same view, and that view is
 * what an application has that followed the patches.
 */
import { isDeepStrictEqual } from "node:util";
import { toHex } from "../../../src/encoding/index.ts";
import type { Checker, Finding, Observed } from "../world.ts";

/** Equal frontiers, lengths and view digests; patches that lead to the view. */
export const checkConvergence: Checker = ({ components }) => components.flatMap(checkComponent);

function checkComponent(hosts: readonly Observed[]): Finding[] {
  const findings: Finding[] = [];
  const [first] = hosts as readonly [Observed, ...Observed[]];
  for (const host of hosts) {
    if (frontierOf(host) !== frontierOf(first) || host.history.length !== first.history.length) {
      findings.push(
        finding(
          `${first.name} and ${host.name} have different histories: ${difference(first, host)}`,
        ),
      );
    }
  }
  const replicas = hosts.filter(({ document }) => document !== null);
  const digests = replicas.map(({ document }) => document!.viewDigest());
  replicas.forEach((host, at) => {
    const other = replicas[0]!;
    if (digests[at] !== digests[0] && frontierOf(host) === frontierOf(other)) {
      findings.push(finding(`${other.name} and ${host.name} show different views of one history`));
    }
    if (!isDeepStrictEqual(host.mirror, host.document!.view())) {
      findings.push(finding(`the patches that ${host.name} announced do not lead to its view`));
    }
  });
  return findings;
}

function frontierOf({ history }: Observed): string {
  return history.frontier().map(toHex).join(" ");
}

function difference(a: Observed, b: Observed): string {
  return `${a.name} lacks ${lacks(a, b)}; ${b.name} lacks ${lacks(b, a)}`;
}

/** Ids of the first few changes that `b` has and `a` lacks. */
function lacks(a: Observed, b: Observed): string {
  const missing: string[] = [];
  for (let index = 0; index < b.history.length; index++) {
    const id = b.history.idAt(index);
    if (a.history.indexOf(id) < 0) missing.push(toHex(id).slice(0, 8));
  }
  const named = missing.slice(0, 4).join(", ");
  return missing.length === 0 ? "nothing" : `${missing.length} changes (${named})`;
}

function finding(detail: string): Finding {
  return { checker: "convergence", detail };
}
