/**
 * The part of docs/oracle-deployment.md that is for root, on a machine of its own: what the page says is typed there, and
 * then everything is tried that a unit, a proxy, a certificate and a rule are for: confinement, reload, draining, crashes,
 * addresses, renewals, boots, alerts. Run by `pnpm test:deployment`; needs.ts says what this takes. That the page's commands print
 * what it shows, each on the machine that it is for, is a part of `pnpm test`: page.machines.test.ts.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPackages } from "../installed-packages.ts";
import { stepsOf } from "../page-steps.ts";
import type { Machine } from "./machine.ts";
import {
  bootWithGuide,
  docs,
  page,
  requireAll,
  RUNAS,
  startAuthority,
  startMailbox,
  trust,
  Typist,
  variables,
} from "./surroundings.ts";

const ADDRESS = "10.213.0.1";
/** The second address of the machine: that of a client. */
const CLIENT = "10.213.0.2";
const [behindNginx = "", withoutNginx = ""] = page.split("**Without nginx**");
const CONFIG = "/etc/crdt-relayer/config.toml";
const JOURNAL = "journalctl --quiet --no-pager --output cat --unit crdt-relayer";
const STATUS = `${RUNAS} crdt-node status ann --json`;
const CODE = "curl --silent --output /dev/null --write-out '%{http_code}'";
const scratch = mkdtempSync(join(tmpdir(), "deployment-"));
const env = variables();
let uninstall: (() => void) | undefined;
let machine: Machine;
let root: Typist;
let mails: () => string;

beforeAll(async () => {
  requireAll();
  const prefix = join(scratch, "prefix");
  uninstall = await installPackages(prefix, scratch);
  const hosts = `${ADDRESS} relay.example ann.example`;
  machine = await bootWithGuide({ prefix, name: "relay", address: ADDRESS }, hosts, scratch);
  root = new Typist(machine, env);
  await machine.run(`ip address add ${CLIENT}/32 dev lo`);
  await trust(machine, await startAuthority(machine, ADDRESS, scratch));
  mails = startMailbox(machine, scratch);
}, 300_000);

afterAll(async () => {
  await machine?.close();
  uninstall?.();
  rmSync(scratch, { recursive: true, force: true });
});

function typed(script: string): Promise<string> {
  return root.type(script);
}

function typedUntil(script: string, wanted: RegExp): Promise<string> {
  return root.typeUntil(script, wanted);
}

/** Types what a part of the page shows to root, and compares what is printed. */
async function follow(text: string): Promise<void> {
  for (const step of stepsOf(text, "root")) {
    const printed = await root.follow(step);
    if (step.commands.endsWith(" whoami ann")) env.KEY = printed;
  }
}

/** A property of a unit, as systemd has it. */
function property(unit: string, name: string): Promise<string> {
  return typed(`systemctl show --property ${name} --value ${unit}`);
}

/** The number of the certificate that is shown to who connects to a port. */
function serialAt(port: number): string {
  const connect = `openssl s_client -connect relay.example:${port} -servername relay.example`;
  return `${connect} < /dev/null 2> /dev/null | openssl x509 -noout -serial`;
}

/**
 * Has certbot renew as its timer does, the certificate being due, and sees that a port shows the new one, which comes from the
 * authority, while whoever is connected there stays.
 */
async function renewed(port: number): Promise<void> {
  const shown = serialAt(port);
  const before = await typed(shown);
  const pid = await property("crdt-relayer", "MainPID");
  await typed("systemctl start certbot.service");
  const live = "/etc/letsencrypt/live/relay.example/cert.pem";
  const wanted = await typed(`openssl x509 -noout -serial -in ${live}`);
  expect(wanted).not.toBe(before);
  await typedUntil(shown, new RegExp(`^${wanted}$`, "u"));
  const ready =
    port === 443 ? "https://relay.example/readyz" : `https://relay.example:${port}/readyz`;
  expect(await typed(`curl --silent ${ready}`)).toBe('{"ready":true}');
  expect(await property("crdt-relayer", "MainPID")).toBe(pid);
}

it("the page: what root types does what is shown", async () => {
  expect(stepsOf(behindNginx, "root").length).toBeGreaterThan(10);
  await follow(behindNginx);
  expect(await typed("systemctl --failed --no-legend")).toBe("");
});

describe.each([
  ["crdt-relayer", "/var/lib/crdt-relayer"],
  ["oracle-node@ann", "/var/lib/crdt-node"],
])("%s", (unit, folder) => {
  it("has no rights, and can write where it must and nowhere else", async () => {
    const pid = await property(unit, "MainPID");
    const status = await typed(`cat /proc/${pid}/status`);
    expect(status).toMatch(/^Seccomp:\t2$/mu);
    expect(status).toMatch(/^NoNewPrivs:\t1$/mu);
    for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"])
      expect(status).toMatch(new RegExp(`^Cap${set}:\\t0+$`, "mu"));
    expect(status).not.toMatch(/^Uid:.*\b0\b/mu);
    // Even root is kept off by the mounts of that process.
    const inside = (command: string): Promise<string> =>
      typed(`nsenter --target ${pid} --mount -- sh -c '${command}'`);
    for (const place of [
      "/etc",
      "/usr/local/bin",
      "/srv",
      "/var/lib",
      "/var/log",
      "/sys/fs/cgroup",
    ])
      await expect(inside(`echo > ${place}/new`)).rejects.toThrow(/Read-only file system/u);
    await inside(`echo > ${folder}/new && rm ${folder}/new`);
    expect(await inside("ls -A /root /home /tmp")).toBe("/home:\n\n/root:\n\n/tmp:");
    await expect(inside("ls /dev/kmsg /dev/vda /dev/sda")).rejects.toThrow(/No such file/u);
    // And what the program made, nobody else can read.
    expect(await typed(`find ${folder}/ -mindepth 2 -perm /077 ! -name "*.sock"`)).toBe("");
  });

  it("comes back each time that it is killed, however often", async () => {
    const before = Number(await property(unit, "NRestarts"));
    for (let times = 1; times <= 7; times++) {
      const pid = await property(unit, "MainPID");
      // 0 would be whoever runs this.
      expect(pid).toMatch(/^[1-9]/u);
      await typed(`kill -KILL ${pid}`);
      await typedUntil(
        `systemctl show --property MainPID --value ${unit}`,
        new RegExp(`^(?!${pid}$)[1-9]`, "u"),
      );
      expect(Number(await property(unit, "NRestarts"))).toBe(before + times);
    }
    await typedUntil(STATUS, /"state":"synced"/u);
  });
});

it("a node says in the journal what happens to it", async () => {
  await typedUntil("journalctl --unit oracle-node@ann --output cat", /^connected to wss:/mu);
});

it("what was acknowledged has outlived the kills", async () => {
  const { changes, faults } = JSON.parse(await typed(STATUS)) as {
    readonly changes: number;
    readonly faults: unknown;
  };
  const prices = await typed("journalctl --unit oracle-feed@ann --output cat --grep ^ETH/USD");
  const acknowledged = prices.split("\n").filter((line) => line.endsWith("sources=3"));
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(changes).toBeGreaterThanOrEqual(acknowledged.length);
  expect(faults).toEqual({ forks: [], forkCount: 0, rejected: {} });
});

it("a reload takes settings that are good, and keeps those that hold when they are not", async () => {
  const pid = await property("crdt-relayer", "MainPID");
  await typed(`cp ${CONFIG} /srv/good.toml && sed -i '1i max-rooms = 77' ${CONFIG}`);
  await typed("systemctl reload crdt-relayer");
  await typedUntil(JOURNAL, /"changed":\["max-?rooms"\]/iu);
  expect(await typed("curl --silent https://relay.example/info")).toContain('"rooms":77');
  await typed(
    `sed -i 's/^max-rooms.*/max-rooms = "many"/' ${CONFIG} && systemctl reload crdt-relayer`,
  );
  await typedUntil(JOURNAL, /max-rooms.*the settings are wrong; nothing was changed/u);
  expect(await typed("curl --silent https://relay.example/info")).toContain('"rooms":77');
  expect(await property("crdt-relayer", "MainPID")).toBe(pid);
});

it("with wrong settings it does not start, is not tried again, and says why", async () => {
  await typed("systemctl restart crdt-relayer");
  await typedUntil("systemctl show --property ActiveState --value crdt-relayer", /^failed$/u);
  // It would have been tried again after a second.
  await typed("sleep 3");
  expect(await property("crdt-relayer", "ActiveState")).toBe("failed");
  expect(await property("crdt-relayer", "ExecMainStatus")).toBe("2");
  expect(await property("crdt-relayer", "NRestarts")).toBe("0");
  expect(await typed(`${JOURNAL} --lines 12`)).toContain("max-rooms");
  await typed(`cp /srv/good.toml ${CONFIG} && systemctl start crdt-relayer`);
  await typedUntil(STATUS, /"state":"synced"/u);
});

it("a stop drains and stores all, and who was there comes back", async () => {
  await typed("systemctl stop crdt-relayer");
  expect(await property("crdt-relayer", "Result")).toBe("success");
  expect(await property("crdt-relayer", "ExecMainStatus")).toBe("0");
  expect(await typed(`${JOURNAL} --lines 3`)).toContain("stopped; everything received is stored");
  expect(await typed(`${CODE} https://relay.example/readyz`)).toBe("502");
  await typedUntil(
    "journalctl --unit oracle-node@ann --output cat --lines 5",
    /^offline from wss:/mu,
  );
  await typed("systemctl start crdt-relayer");
  await typedUntil(STATUS, /"state":"synced"/u);
});

describe("nginx", () => {
  it("gives the relay the client's address, whatever the client says of it", async () => {
    expect(await typed(`${JOURNAL} --grep '"joined"'`)).toContain(`"peer":"${ADDRESS}"`);
    await typed(`sed -i '1i origins = ["https://app.example"]' ${CONFIG}`);
    await typed("systemctl reload crdt-relayer");
    await typedUntil(JOURNAL, /"changed":\["origins"\]/u);
    const upgrade = [
      ...["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
      ...["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Origin: https://evil.example"],
      ...["X-Forwarded-For: 198.51.100.7", "X-Forwarded-Host: evil.example"],
    ].map((header) => `--header '${header}'`);
    const asked = `${CODE} --http1.1 --interface ${CLIENT} ${upgrade.join(" ")}`;
    expect(await typed(`${asked} https://relay.example/websocket`)).toBe("403");
    const refused = new RegExp(`"peer":"${CLIENT}","origin":"https://evil\\.example"`, "u");
    await typedUntil(`${JOURNAL} --lines 5`, refused);
  });

  it("passes on changes of any size, and sends nobody elsewhere than to TLS", async () => {
    const sent = `for i in $(seq 2000); do echo '{"from":"ann","to":"x","amount":1,"memo":"${"m".repeat(400)}"}'; done |
      ${RUNAS} crdt-node send ann 2>&1 | tail -n 1`;
    expect(await typed(sent)).toContain("2,000 transactions stored, and acknowledged by a relay");
    const redirect = "curl --silent --output /dev/null --write-out '%{http_code} %{redirect_url}'";
    expect(await typed(`${redirect} http://relay.example/websocket`)).toBe(
      "301 https://relay.example/websocket",
    );
  });

  it("lets sessions live in which nobody writes, as long as the relay pings more often than nginx waits", async () => {
    await typed("systemctl stop oracle-feed@ann.timer");
    await typed("sed -i 's/_timeout 90s/_timeout 7s/' /etc/nginx/conf.d/crdt-relayer.conf");
    await typed("systemctl reload nginx");
    const joins = async (pingSeconds: number): Promise<number> => {
      await typed(
        `cp /srv/good.toml ${CONFIG} && sed -i '1i ping-seconds = ${pingSeconds}' ${CONFIG}`,
      );
      await typed("systemctl restart crdt-relayer");
      const since = await property("crdt-relayer", "InvocationID");
      const joined = `journalctl _SYSTEMD_INVOCATION_ID=${since} --output cat --no-pager`;
      await typedUntil(joined, /"joined"/u);
      await typed("sleep 15");
      return (await typed(joined)).split('"joined"').length - 1;
    };
    // Not shorter: a node that a busy machine keeps from answering for so long is cut by the relay.
    expect(await joins(3)).toBe(1);
    expect(await joins(60)).toBeGreaterThan(1);
    await typed(`cp /srv/good.toml ${CONFIG} && systemctl restart crdt-relayer`);
    await typed("systemctl start oracle-feed@ann.timer");
  });
});

describe("Prometheus", () => {
  it("has rules that speak when they should, after as long as they say", async () => {
    machine.copy(join(docs, "../test/deployment/alerts.yml"), "/srv/alerts.yml");
    await typed("promtool test rules /srv/alerts.yml");
  });

  it("sees the relay and the oracle, and tells that the relay is away", async () => {
    const states =
      "curl --silent http://127.0.0.1:9090/api/v1/targets | jq --compact-output '[.data.activeTargets[].health]'";
    await typedUntil(states, /^\["up","up"\]$/u);
    // What takes minutes is to take seconds.
    await typed("sed -i 's/_interval: 15s/_interval: 1s/' /etc/prometheus/prometheus.yml");
    await typed("sed -i 's/for: 2m/for: 2s/' /etc/prometheus/alerts.yml");
    await typed(
      "sed -i 's/_wait: 30s/_wait: 1s/; s/_interval: 5m/_interval: 1s/' /etc/prometheus/alertmanager.yml",
    );
    await typed("systemctl reload prometheus prometheus-alertmanager");
    const alerts = `curl --silent http://127.0.0.1:9090/api/v1/alerts |
      jq --raw-output '.data.alerts[] | select(.state == "firing") | .labels.alertname'`;
    await typed("systemctl stop crdt-relayer && systemctl start oracle-metrics@ann");
    await typedUntil(alerts, /^NodeAlone\n(?:.*\n)*RelayDown$|^RelayDown\n(?:.*\n)*NodeAlone$/u);
    // What is over before Alertmanager has mailed it is never mailed.
    await expect.poll(mails, { timeout: 60_000 }).toContain("[FIRING:1] RelayDown (");
    await typed("systemctl start crdt-relayer");
    await typedUntil(STATUS, /"state":"synced"/u);
    await typed("systemctl start oracle-metrics@ann");
    await typedUntil(alerts, /^(?!.*(?:RelayDown|NodeAlone))/su);
  });

  it("has had Alertmanager mail that it was away and what that means, and then that it is back", async () => {
    const away = "[FIRING:1] RelayDown (127.0.0.1:9464 crdt-relayer)";
    const back = "[RESOLVED] RelayDown (127.0.0.1:9464 crdt-relayer)";
    await expect.poll(mails, { timeout: 60_000 }).toContain(`Subject: ${back}`);
    const [first = "", ...others] = mails()
      .split(/^To: /mu)
      .filter((mail) => mail.includes("RelayDown ("));
    expect(first).toContain(`operators@relay.example\nSubject: ${away}\n`);
    expect(first).toContain("Nodes keep what they sign and deliver it when the relay is back.");
    expect(others.at(-1)).toContain(`Subject: ${back}\n`);
  });

  it("sees that a node does not run", async () => {
    await typed("systemctl stop oracle-node@ann && systemctl start oracle-metrics@ann");
    const shown = await typed("curl --silent http://ann.example:9100/metrics");
    expect(shown).toContain('oracle_node_running{node="ann"} 0');
    expect(shown).toContain("node_textfile_scrape_error 0");
    await typed("systemctl start oracle-node@ann");
  });
});

it("certbot renews: nginx shows the new certificate, and the node stays connected", async () => {
  await typedUntil(STATUS, /"state":"synced"/u);
  const joined = `${JOURNAL} --grep '"joined"' | wc --lines`;
  const before = await typed(joined);
  await renewed(443);
  await typed("systemctl start oracle-feed@ann");
  expect(
    await typed("journalctl --unit oracle-feed@ann --output cat --lines 1 --grep sources"),
  ).toBe("ETH/USD 2000.000000 sources=3");
  expect(await typed(joined)).toBe(before);
});

it("a boot starts what the page has enabled, and no person is needed", async () => {
  const enabled = [
    ...behindNginx.matchAll(/^systemctl enable (?:--now )?(.*?)(?: &&.*)?$/gmu),
  ].flatMap(([, names = ""]) => names.split(" "));
  expect(enabled).toHaveLength(9);
  const changes = async (): Promise<number> =>
    (JSON.parse(await typed(STATUS)) as { readonly changes: number }).changes;
  const boots = [
    ["a restart", () => machine.reboot()],
    ["the power fails", () => machine.cutPower()],
  ] as const;
  for (const [why, boot] of boots) {
    await typed("systemctl start oracle-feed@ann");
    const before = await changes();
    await boot();
    expect(await typed(`systemctl is-active ${enabled.join(" ")} || true`), why).toBe(
      enabled.map(() => "active").join("\n"),
    );
    await typedUntil(STATUS, /"state":"synced"/u);
    // And the timer has the feed go on.
    await expect.poll(changes, { timeout: 60_000, message: why }).toBeGreaterThan(before);
    expect(JSON.parse(await typed(STATUS)), why).toMatchObject({
      faults: { forks: [], forkCount: 0, rejected: {} },
    });
    await typedUntil(`${CODE} https://relay.example/readyz`, /^200$/u);
    const up = "curl --silent http://127.0.0.1:9090/api/v1/targets";
    await typedUntil(
      `${up} | jq --compact-output '[.data.activeTargets[].health]'`,
      /^\["up","up"\]$/u,
    );
  }
});

it("the page: without nginx", async () => {
  await typed("systemctl stop nginx");
  // Another machine would have none.
  await typed("certbot delete --non-interactive --cert-name relay.example");
  await follow(withoutNginx);
});

it("certbot renews: the relay shows the new certificate, and the node stays connected", async () => {
  await typed(
    `sed -i 's|/relay.example/|/relay.example:8443/|' /var/lib/crdt-node/ann/config.toml`,
  );
  await typed("systemctl restart oracle-node@ann");
  await typedUntil(STATUS, /"state":"synced"/u);
  const since = await property("oracle-node@ann", "InvocationID");
  await renewed(8443);
  await typed("systemctl start oracle-feed@ann");
  const said = await typed(`journalctl _SYSTEMD_INVOCATION_ID=${since} --output cat --no-pager`);
  expect(said).toContain("connected to wss://relay.example:8443/");
  expect(said).not.toContain("offline");
});
