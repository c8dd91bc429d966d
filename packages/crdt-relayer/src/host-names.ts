/**
 * By which name a client has called this relay. A client that shows its key signs the host that it dialled, so that nobody
 * can use what it signed at another relay. For that the relay must know its own names: the Host header is written by
 * whoever connects, and a dishonest relay that passes a proof on would write there what its victim has dialled.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { canonicalAddress, type TrustedProxies } from "./client-address.ts";

/** A request, as far as it says how the relay was called. */
export interface DialledRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: Pick<Socket, "remoteAddress" | "localAddress" | "localPort">;
}

/** HOST or HOST:PORT as it stands in URLs; null when it is neither. */
export function readHostName(text: string): string | null {
  return /^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/iu.test(text)
    ? text.toLowerCase()
    : null;
}

/**
 * The name that the client has called, in lower case; null when it is none of this relay's. Those are `names`, or when
 * there are none, the address that the connection came to. A trusted proxy may say what it was called.
 */
export function dialledHost(
  { headers, socket }: DialledRequest,
  proxies: TrustedProxies,
  names: readonly string[],
  usualPort: number,
): string | null {
  const address = canonicalAddress(socket.remoteAddress ?? "");
  const isProxied = address !== null && proxies.has(address);
  const forwarded = isProxied ? headers["x-forwarded-host"] : undefined;
  // Each proxy adds at the right end; the client has called the first one. A list that names it is what counts.
  const [called = ""] = (typeof forwarded === "string" ? forwarded : (headers.host ?? "")).split(
    ",",
  );
  const host = readHostName(called.trim()) ?? "";
  const own = names.length > 0 ? names : addressesOf(socket, usualPort);
  return own.includes(host) ? host : null;
}

function addressesOf(
  { localAddress = "", localPort = 0 }: DialledRequest["socket"],
  usualPort: number,
): readonly string[] {
  const address = canonicalAddress(localAddress);
  if (address === null) return [];
  const isLoopback = address === "::1" || address.startsWith("127.");
  const hosts = [address.includes(":") ? `[${address}]` : address];
  if (isLoopback) hosts.push("localhost");
  return hosts.map((host) => (localPort === usualPort ? host : `${host}:${localPort}`));
}
