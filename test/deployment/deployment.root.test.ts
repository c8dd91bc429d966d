/**
 * The part of docs/oracle-deployment.md that is for root, on a machine of its own: what the page says is typed there, and
 * then everything is tried that a unit, a proxy and a rule are for: confinement, reload, draining, crashes, addresses,
 * alerts. Run by `pnpm test:deployment`. On Debian, besides what the relay needs, this needs
 * `apt-get install systemd dbus nginx prometheus prometheus-node-exporter iproute2 curl jq python3 openssl`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPackages } from "../installed-packages.ts";
import { pattern, stepsOf } from "../page-steps.ts";
import { ADDRESS, Machine } from "./machine.ts";

const NEEDED = [
  ...["setpriv", "unshare", "nsenter", "systemctl", "ip", "nginx", "prometheus", "promtool"],
  ...["prometheus-node-exporter", "curl", "jq", "/usr/bin/python3", "openssl"],
];
/** The second address of the machine: that of a client. */
const CLIENT = "10.213.0.2";
const CERTIFICATE = "/etc/letsencrypt/live/relay.example/fullchain.pem";
const CERTIFICATE_MADE = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \\
  -subj /CN=relay.example -addext subjectAltName=DNS:relay.example -out ${CERTIFICATE} \\
  -keyout /etc/letsencrypt/live/relay.example/privkey.pem 2> /dev/null`;

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const page = readFileSync(join(docs, "oracle-deployment.md"), "utf8");
const [behindNginx = "", withoutNginx = ""] = page.split("**Without nginx**");
const CONFIG = "/etc/crdt-relayer/config.toml";
const JOURNAL = "journalctl --quiet --no-pager --output cat --unit crdt-relayer";
const RUNAS = "runuser -u crdt-node -- env SIDE_HOME=/var/lib/crdt-node";
const CODE = "curl --silent --output /dev/null --write-out '%{http_code}'";
const scratch = mkdtempSync(join(tmpdir(), "deployment-"));
let uninstall: (() => void) | undefined;
let machine: Machine;

beforeAll(async () => {
  const missing = NEEDED.filter(
    (name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0,
  );
  if (process.getuid?.() !== 0) missing.push("root");
  if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")}`);
  const prefix = join(scratch, "prefix");
  uninstall = await installPackages(prefix, scratch);
  machine = await Machine.boot(prefix);
  machine.copy(join(docs, "oracle-deployment"), "/srv/guide");
  await machine.run(`
    ip address add ${CLIENT}/32 dev lo
    echo '${ADDRESS} relay.example ann.example' >> /etc/hosts
    # What certbot leaves, but that nobody vouches for it: whoever connects is told to trust it.
    mkdir -p -m 700 /etc/letsencrypt/live/relay.example
    ${CERTIFICATE_MADE}
    cp ${CERTIFICATE} /etc/ssl/trusted.pem
    mkdir -p /etc/systemd/system/oracle-node@.service.d
    printf '[Service]\\nEnvironment=NODE_EXTRA_CA_CERTS=/etc/ssl/trusted.pem\\n' > /etc/systemd/system/oracle-node@.service.d/trust.conf
    mkdir /srv/quotes
    echo '{"price":2000}' > /srv/quotes/quote.json
    systemd-run --quiet --unit=quotes python3 -m http.server 8555 --bind 127.0.0.1 --directory /srv/quotes
    systemctl start dbus`);
}, 300_000);

afterAll(async () => {
  await machine?.close();
  uninstall?.();
  rmSync(scratch, { recursive: true, force: true });
});

const SOURCES = ["a", "b", "c"]
  .map((name) => `http://127.0.0.1:8555/quote.json?${name}#price`)
  .join(" ");
const env = { GUIDE: "/srv/guide", SOURCES, CURL_CA_BUNDLE: "/etc/ssl/trusted.pem" };

/** What a script prints there, without white space at its end. */
async function typed(script: string): Promise<string> {
  return (await machine.run(script, env)).trimEnd();
}

/** Types a command there until it prints what fits. */
async function typedUntil(script: string, wanted: RegExp): Promise<string> {
  for (;;) {
    const printed = await typed(script);
    if (wanted.test(printed)) return printed;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Types what a part of the page shows to root, and compares what is printed. */
async function follow(text: string): Promise<void> {
  for (const { commands, expected } of stepsOf(text, "root")) {
    const printed = await typed(commands);
    if (expected !== null) expect(printed, commands).toMatch(pattern(expected));
  }
}

/** A property of a unit, as systemd has it. */
function property(unit: string, name: string): Promise<string> {
  return typed(`systemctl show --property ${name} --value ${unit}`);
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
      await typed(`kill -KILL ${pid}`);
      await typedUntil(
        `systemctl show --property MainPID --value ${unit}`,
        new RegExp(`^(?!${pid}$)[1-9]`, "u"),
      );
      expect(Number(await property(unit, "NRestarts"))).toBe(before + times);
    }
    await typedUntil(`${RUNAS} crdt-node status ann --json`, /"state":"synced"/u);
  });
});

it("a node says in the journal what happens to it", async () => {
  await typedUntil("journalctl --unit oracle-node@ann --output cat", /^connected to wss:/mu);
});

it("what was acknowledged has outlived the kills", async () => {
  const { changes, faults } = JSON.parse(await typed(`${RUNAS} crdt-node status ann --json`)) as {
    readonly changes: number;
    readonly faults: unknown;
  };
  const prices = await typed("journalctl --unit oracle-feed@ann --output cat --grep ^ETH/USD");
  const acknowledged = prices.split("\n").filter((line) => line.endsWith("sources=3"));
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(changes).toBeGreaterThanOrEqual(acknowledged.length);
  expect(faults).toEqual({ forks: [], rejected: {} });
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
  await typedUntil(`${RUNAS} crdt-node status ann --json`, /"state":"synced"/u);
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
  await typedUntil(`${RUNAS} crdt-node status ann --json`, /"state":"synced"/u);
});

it("the doctor looks at the relay's store as its user, while it is stopped, as docs/operations.md says", async () => {
  const operations = readFileSync(join(docs, "operations.md"), "utf8");
  const [, shown = ""] = /^```\n(systemctl stop crdt-relayer\n[\s\S]*?)^```$/mu.exec(operations)!;
  expect(shown).toContain("systemd-run --pty ");
  // Nobody sits here.
  const printed = await typed(shown.replace("--pty", "--quiet --wait --pipe"));
  expect(printed).toMatch(/\bsound\b/u);
  await typed("systemctl start crdt-relayer");
  await typedUntil(`${RUNAS} crdt-node status ann --json`, /"state":"synced"/u);
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
    expect(await typed(`${JOURNAL} --lines 1`)).toContain(
      `"peer":"${CLIENT}","origin":"https://evil.example"`,
    );
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
    await typed("systemctl reload prometheus");
    const alerts = `curl --silent http://127.0.0.1:9090/api/v1/alerts |
      jq --raw-output '.data.alerts[] | select(.state == "firing") | .labels.alertname'`;
    await typed("systemctl stop crdt-relayer && systemctl start oracle-metrics@ann");
    await typedUntil(alerts, /^NodeAlone\n(?:.*\n)*RelayDown$|^RelayDown\n(?:.*\n)*NodeAlone$/u);
    await typed("systemctl start crdt-relayer");
    await typedUntil(`${RUNAS} crdt-node status ann --json`, /"state":"synced"/u);
    await typed("systemctl start oracle-metrics@ann");
    await typedUntil(alerts, /^(?!.*(?:RelayDown|NodeAlone))/su);
  });

  it("sees that a node does not run", async () => {
    await typed("systemctl stop oracle-node@ann && systemctl start oracle-metrics@ann");
    const shown = await typed("curl --silent http://ann.example:9100/metrics");
    expect(shown).toContain('oracle_node_running{node="ann"} 0');
    expect(shown).toContain("node_textfile_scrape_error 0");
    await typed("systemctl start oracle-node@ann");
  });
});

it("the page: without nginx", async () => {
  await typed("systemctl stop nginx");
  await follow(withoutNginx);
  // A renewal, as the page says it.
  const fingerprint = "openssl x509 -noout -fingerprint";
  const shown = `openssl s_client -connect relay.example:8443 < /dev/null 2> /dev/null | ${fingerprint}`;
  const before = await typed(shown);
  const installs = withoutNginx.match(/^install -m .*$/gmu) ?? [];
  expect(installs).toHaveLength(2);
  await typed([CERTIFICATE_MADE, ...installs, "systemctl reload crdt-relayer"].join("\n"));
  const wanted = await typed(`${fingerprint} -in ${CERTIFICATE}`);
  expect(wanted).not.toBe(before);
  await typedUntil(shown, new RegExp(`^${wanted}$`, "u"));
});
