/**
 * What machines of docs/oracle-deployment.md have around them, each on its own network: sources of prices, an authority for
 * certificates, a mail server.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { pattern, type Step } from "../page-steps.ts";
import { Machine, type Parts } from "./machine.ts";
import { INSTALL, missingPrograms, refusal } from "./needs.ts";

const MAILBOX = fileURLToPath(new URL("mailbox.py", import.meta.url));

/** The folder of the documentation. */
export const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
/** What the page says. */
export const page = readFileSync(join(docs, "oracle-deployment.md"), "utf8");
/** What runs as an oracle does. */
export const RUNAS = "runuser -u crdt-node -- env SIDE_HOME=/var/lib/crdt-node";

/** What the page leaves to the reader, as variables of the shells that it is typed into. */
export type Variables = Record<"GUIDE" | "SOURCES" | "KEY", string>;

/** The variables, with three sources that `serveQuotes` serves. */
export function variables(): Variables {
  const sources = ["a", "b", "c"].map((name) => `http://127.0.0.1:8555/quote.json?${name}#price`);
  return {
    GUIDE: "/srv/guide",
    SOURCES: sources.join(" "),
    KEY: "",
  };
}

/** Throws when machines cannot be made here, and says what is missing or who refuses. */
export function requireAll(): void {
  const refused = refusal();
  if (refused !== null) throw new Error(refused);
  const missing = missingPrograms();
  if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")}; ${INSTALL}`);
}

/** Boots a machine that has the guide, knows the others by name (`hosts`: lines), and has sources of prices at hand. */
export async function bootWithGuide(
  parts: Parts,
  hosts: string,
  scratch: string,
): Promise<Machine> {
  const machine = await Machine.boot(parts);
  try {
    machine.copy(join(docs, "oracle-deployment"), "/srv/guide");
    await machine.run(`echo '${hosts}\n127.0.0.1 acme.example' >> /etc/hosts`);
    const quotes = join(scratch, `quotes-${parts.name}`);
    mkdirSync(quotes);
    writeFileSync(join(quotes, "quote.json"), '{"price":2000}\n');
    machine.beside(
      `exec /usr/bin/python3 -m http.server 8555 --bind 127.0.0.1 --directory ${quotes}`,
    );
    await machine.run(untilAnswers("http://127.0.0.1:8555/"));
    return machine;
  } catch (error) {
    await machine.close();
    throw error;
  }
}

/**
 * Puts an authority into the place of Let's Encrypt, next to a machine with an `address`: its own test server, which asks at
 * port 80 of that, and whose certificates hold for 20 days. Resolves to the certificate of its root, as PEM.
 */
export async function startAuthority(
  machine: Machine,
  address: string,
  scratch: string,
): Promise<string> {
  const [own, key] = [join(scratch, "acme.pem"), join(scratch, "acme-key.pem")];
  const named = ["-subj", "/CN=acme.example", "-addext", "subjectAltName=DNS:acme.example"];
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const made = [...request, "-nodes", "-days", "2", ...named, "-out", own, "-keyout", key];
  const { status, stderr } = spawnSync("openssl", made, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const config = join(scratch, "pebble.json");
  const settings = {
    listenAddress: "127.0.0.1:14000",
    managementListenAddress: "127.0.0.1:15000",
    certificate: own,
    privateKey: key,
    httpPort: 80,
    tlsPort: 443,
    ocspResponderURL: "",
    externalAccountBindingRequired: false,
    certificateValidityPeriod: 20 * 86_400,
  };
  writeFileSync(config, JSON.stringify({ pebble: settings }));
  machine.beside(`exec pebble-challtestsrv -dns01 127.0.0.1:8053 -http01 '' -https01 '' -tlsalpn01 '' \\
    -management 127.0.0.1:8055 -defaultIPv4 ${address} -defaultIPv6 ''`);
  // At once, and without refusing each twentieth request, which certbot tries again once.
  machine.beside(`export PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0
    exec pebble -config ${config} -dnsserver 127.0.0.1:8053`);
  // What update-ca-certificates would do, in a second of the processor.
  machine.copy(own, "/srv/acme.crt");
  await machine.run(`cat /srv/acme.crt >> /etc/ssl/certs/ca-certificates.crt
    echo 'server = https://acme.example:14000/dir' >> /etc/letsencrypt/cli.ini
    ${untilAnswers("https://acme.example:14000/dir")}`);
  return machine.run("curl --silent --fail --insecure https://127.0.0.1:15000/roots/0");
}

/** Has curl and nodes there trust a root. */
export async function trust(machine: Machine, root: string): Promise<void> {
  await machine.run(
    `printf %s "$ROOT" > /etc/ssl/trusted.pem
    echo 'cacert = /etc/ssl/trusted.pem' > /root/.curlrc
    mkdir -p /etc/systemd/system/oracle-node@.service.d
    printf '[Service]\\nEnvironment=NODE_EXTRA_CA_CERTS=/etc/ssl/trusted.pem\\n' > /etc/systemd/system/oracle-node@.service.d/trust.conf`,
    { ROOT: root },
  );
}

/** Starts a mail server at a machine; returns what reads all mails that have come. */
export function startMailbox(machine: Machine, scratch: string): () => string {
  const file = join(scratch, "mails");
  machine.beside(`exec /usr/bin/python3 ${MAILBOX} ${file}`);
  return () => (existsSync(file) ? readFileSync(file, "utf8") : "");
}

/** A shell into a machine, with the variables of the page. */
export class Typist {
  readonly machine: Machine;
  readonly #env: Variables;

  constructor(machine: Machine, env: Variables) {
    this.machine = machine;
    this.#env = env;
  }

  /** What a script prints there, without white space at its end. */
  async type(script: string): Promise<string> {
    return (await this.machine.run(script, this.#env)).trimEnd();
  }

  /** Types a command there until it prints what fits. */
  async typeUntil(script: string, wanted: RegExp): Promise<string> {
    for (;;) {
      const printed = await this.type(script);
      if (wanted.test(printed)) return printed;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Types what the page shows and compares what is printed, which it returns. */
  async follow({ commands, expected }: Step): Promise<string> {
    const printed = await this.type(commands);
    if (expected !== null) expect(printed, commands).toMatch(pattern(expected));
    return printed;
  }
}

function untilAnswers(url: string): string {
  return `until curl --silent --fail --output /dev/null ${url}; do sleep 0.1; done`;
}
