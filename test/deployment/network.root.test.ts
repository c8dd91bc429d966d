/**
 * The part of docs/oracle-deployment.md that is for root, on three machines with cables between them, two of them oracles': each block
 * is typed into the machines that it is for. Then a cable is cut and mended. Run by `pnpm test:deployment`; needs.ts says what this
 * takes.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { installPackages } from "../installed-packages.ts";
import { type Step, stepsOf } from "../page-steps.ts";
import {
  bootWithGuide,
  page,
  requireAll,
  RUNAS,
  startAuthority,
  trust,
  Typist,
  variables,
} from "./surroundings.ts";

const ADDRESSES = { relay: "10.213.0.1", ann: "10.213.0.11", ben: "10.213.0.12" } as const;
const ORACLES = ["ann", "ben"] as const;
const ALERTS = `curl --silent http://127.0.0.1:9090/api/v1/alerts | jq --raw-output \\
  '.data.alerts[] | select(.state == "firing") | .labels.alertname + " " + .labels.instance'`;
const [behindNginx = ""] = page.split("**Without nginx**");
const scratch = mkdtempSync(join(tmpdir(), "deployment-"));
const env = variables();
const typists = new Map<string, Typist>();
const keys = new Map<string, string>();
let uninstall: (() => void) | undefined;

beforeAll(async () => {
  requireAll();
  const prefix = join(scratch, "prefix");
  uninstall = await installPackages(prefix, scratch);
  const hosts = Object.entries(ADDRESSES).map(([name, address]) => `${address} ${name}.example`);
  for (const [name, address] of Object.entries(ADDRESSES)) {
    const machine = await bootWithGuide({ prefix, name, address }, hosts.join("\n"), scratch);
    typists.set(name, new Typist(machine, env));
  }
  const relay = at("relay").machine;
  for (const name of ORACLES) await relay.link(at(name).machine);
  const root = await startAuthority(relay, ADDRESSES.relay, scratch);
  for (const { machine } of typists.values()) await trust(machine, root);
  // The second oracle, which the guide leaves to the reader.
  await relay.run(`sed -i 's/"ann.example:9100"/&, "ben.example:9100"/' /srv/guide/prometheus.yml`);
}, 300_000);

afterAll(async () => {
  for (const { machine } of typists.values()) await machine.close();
  uninstall?.();
  rmSync(scratch, { recursive: true, force: true });
});

function at(name: string): Typist {
  return typists.get(name)!;
}

/** A step for ann's machine as it is for that of another oracle. */
function stepOf(name: string, { commands, expected, on }: Step): Step {
  const renamed = (text: string): string => text.replaceAll(/\bann\b/gu, name);
  return { commands: renamed(commands), expected: expected?.map(renamed) ?? null, on };
}

function statusOf(name: string): string {
  return `${RUNAS} crdt-node status ${name} --json`;
}

/** What ben's machine says about the price when it wants both oracles, none older than so many seconds. */
function priceAtBen(maxAge: number): Promise<string> {
  return at("ben").type(`${RUNAS} crdt-node log ben --json |
    python3 /srv/guide/price.py --max-age ${maxAge} --quorum 2 ETH/USD ${[...keys.values()].join(" ")} 2>&1 || true`);
}

/** The signatures that a node has, sorted. */
async function changesOf(name: string): Promise<string[]> {
  const ids = `${RUNAS} crdt-node log ${name} --json | jq --raw-output .id | sort`;
  return (await at(name).type(ids)).split("\n");
}

it("the page: what root types into each machine does what is shown", async () => {
  for (const step of stepsOf(behindNginx, "root")) {
    if (step.on === "relay") {
      env.KEY = [...keys.values()].join('", "');
      // What is asked of one oracle's machine is asked of each.
      const about = step.commands.includes("ann.example") ? ORACLES : (["ann"] as const);
      for (const name of about) await at("relay").follow(stepOf(name, step));
      continue;
    }
    expect(step.on).toBe("oracle");
    for (const name of ORACLES) {
      const printed = await at(name).follow(stepOf(name, step));
      if (step.commands.endsWith(" whoami ann")) keys.set(name, printed);
    }
  }
  expect(keys.size).toBe(2);
  expect(await at("relay").type(`tail --lines 1 /etc/crdt-relayer/config.toml`)).toBe(
    `authors = ["${keys.get("ann")}", "${keys.get("ben")}"]`,
  );
  const joined = await at("relay").type(
    `journalctl --unit crdt-relayer --output cat --grep '"joined"'`,
  );
  for (const name of ORACLES) expect(joined).toContain(`"peer":"${ADDRESSES[name]}"`);
  for (const typist of typists.values())
    expect(await typist.type("systemctl --failed --no-legend")).toBe("");
});

it("of the relay's machine others reach nginx and nothing else", async () => {
  const listening = await at("relay").type(
    `ss -Hltn | sed 's/.*:\\([0-9]\\+\\) .*:.*/\\1/' | sort -nu`,
  );
  const ports = listening.split("\n").map(Number);
  for (const port of [80, 443, 8080, 9090, 9093, 9464]) expect(ports).toContain(port);
  const asked = ports.map(
    (port) => `(exec 3<> /dev/tcp/relay.example/${port}) 2> /dev/null && echo ${port} || true`,
  );
  expect(await at("ann").type(asked.join("\n"))).toBe("80\n443");
});

it("an oracle that is cut off signs on; the others go on, and whoever watches is told", async () => {
  await at("relay").type(`sed -i 's/for: 2m/for: 2s/' /etc/prometheus/alerts.yml
    sed -i 's/_interval: 15s/_interval: 1s/' /etc/prometheus/prometheus.yml
    systemctl reload prometheus`);
  // It must have asked ann under the new settings: what it knew under the old ones it would keep for minutes.
  const often = 'query=count_over_time(up{instance="ann.example:9100"}[5s])';
  const asked = `curl --silent http://127.0.0.1:9090/api/v1/query --data-urlencode '${often}'`;
  await at("relay").typeUntil(`${asked} | jq --raw-output '.data.result[].value[1]'`, /^[3-5]$/u);
  await at("ben").typeUntil(statusOf("ben"), /"state":"synced"/u);
  await expect
    .poll(() => priceAtBen(60), { timeout: 60_000 })
    .toBe('{"pair": "ETH/USD", "price": 2000, "oracles": 2}');
  await at("relay").type("ip link set ann down");
  await at("relay").typeUntil(ALERTS, /^OracleUnseen ann\.example:9100$/mu);
  // Nobody tells the node: it finds out by the silence.
  await at("ann").typeUntil(
    "journalctl --unit oracle-node@ann --output cat --no-pager",
    /^offline from wss:/mu,
  );
  await at("ann").typeUntil(statusOf("ann"), /"unacknowledged":[1-9]/u);
  expect(await priceAtBen(20)).toBe("1 oracles have a fresh price for ETH/USD, 2 are wanted");
  await at("ben").type("systemctl start oracle-feed@ben");
  const last = "journalctl --unit oracle-feed@ben --output cat --lines 1 --grep sources";
  expect(await at("ben").type(last)).toBe("ETH/USD 2000.000000 sources=3");
  expect(await at("relay").type(ALERTS)).toBe("OracleUnseen ann.example:9100");
}, 300_000);

it("when the cable is mended, all that was signed meanwhile arrives, and nobody is accused", async () => {
  const signed = await changesOf("ann");
  const known = new Set(await changesOf("ben"));
  expect(signed.filter((id) => !known.has(id)).length).toBeGreaterThan(1);
  await at("relay").type("ip link set ann up");
  await at("ann").typeUntil(statusOf("ann"), /"state":"synced"/u);
  for (const name of ORACLES) await at(name).type(`systemctl stop oracle-feed@${name}.timer`);
  for (const name of ORACLES) {
    await at(name).typeUntil("systemctl is-active oracle-feed@* || true", /^(?!.*activ)/su);
    await at(name).typeUntil(statusOf(name), /"unacknowledged":0\b/u);
  }
  const all = await changesOf("ann");
  expect(all).toEqual(expect.arrayContaining(signed));
  await expect.poll(() => changesOf("ben")).toEqual(all);
  for (const name of ORACLES)
    expect(JSON.parse(await at(name).type(statusOf(name)))).toMatchObject({
      faults: { forks: [], forkCount: 0, rejected: {} },
    });
  await at("relay").typeUntil(ALERTS, /^(?!.*OracleUnseen)/su);
});
