/**
 * Where a NATS server is: `nats://host:4222`, `nats://user:password@host`, `tls://token@host`, and several of one cluster
 * with commas between them. Passwords are never shown again.
 */

/** What a client needs to connect. */
export interface NatsAddress {
  /** `host:port`, each. */
  readonly servers: readonly string[];
  /** TLS is demanded, and the certificate checked. */
  readonly tls: boolean;
  readonly user: string | null;
  readonly password: string | null;
  readonly token: string | null;
}

const DEFAULT_PORT = "4222";

/** Reads an address; null when it is none. */
export function readNatsAddress(text: string): NatsAddress | null {
  const servers: string[] = [];
  let scheme: string | null = null;
  let user: string | null = null;
  let password: string | null = null;
  for (const part of text.split(",")) {
    const url = readUrl(part.trim());
    if (url === null || (scheme !== null && scheme !== url.protocol)) return null;
    scheme = url.protocol;
    servers.push(`${url.hostname}:${url.port === "" ? DEFAULT_PORT : url.port}`);
    if (user !== null || url.username === "") continue;
    user = decoded(url.username);
    password = url.password === "" ? null : decoded(url.password);
    if (user === null || (url.password !== "" && password === null)) return null;
  }
  // A name without a password is what NATS calls a token.
  const token = password === null ? user : null;
  return { servers, tls: scheme === "tls:", user: token === null ? user : null, password, token };
}

/** The address without what opens it, for logs and messages. */
export function shownNatsAddress({ servers, tls }: NatsAddress): string {
  return servers.map((server) => `${tls ? "tls" : "nats"}://${server}`).join(",");
}

function readUrl(text: string): URL | null {
  if (!/^(?:nats|tls):\/\/[^/?#]+\/?$/u.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.hostname === "" ? null : url;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
