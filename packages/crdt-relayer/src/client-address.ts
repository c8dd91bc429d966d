/**
 * Whose address counts behind a proxy. X-Forwarded-For is written by whoever wants to: each proxy adds at its right end the
 * address that it was called from, and what stands to the left of that came with the request. So it is believed only from
 * proxies that are trusted, and read from the right up to the first address that is none of theirs.
 */
import { BlockList, isIP, isIPv4, SocketAddress } from "node:net";

/** The proxies of a relay: single addresses and ranges. */
export class TrustedProxies {
  readonly #list = new BlockList();
  /** To look into the list makes an object outside of JavaScript, and each connection is looked for. */
  readonly #isEmpty: boolean;

  /** Takes what {@link readRange} accepts. */
  constructor(ranges: readonly string[]) {
    this.#isEmpty = ranges.length === 0;
    for (const range of ranges) {
      const [address = "", prefix] = range.split("/");
      const family = isIPv4(address) ? "ipv4" : "ipv6";
      if (prefix === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(prefix), family);
    }
  }

  /** Whether an address, as {@link canonicalAddress} writes it, is one of theirs. */
  has(address: string): boolean {
    return !this.#isEmpty && this.#list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  }
}

/** Whether what comes from the other end of a socket may come from somebody else. */
export function isProxy(socketAddress: string, proxies: TrustedProxies): boolean {
  const direct = canonicalAddress(socketAddress.split("%")[0] ?? "");
  return direct !== null && proxies.has(direct);
}

/** An address or a CIDR range in one way of writing it; null when it is neither. */
export function readRange(text: string): string | null {
  const [written = "", prefix, ...more] = text.split("/");
  const address = canonicalAddress(written);
  if (address === null || more.length > 0) return null;
  if (prefix === undefined) return address;
  const most = isIPv4(address) ? 32 : 128;
  return /^\d{1,3}$/u.test(prefix) && Number(prefix) <= most
    ? `${address}/${Number(prefix)}`
    : null;
}

/** An address in one way of writing it, IPv4 within IPv6 as IPv4; null for anything else, zones (`%eth0`) included. */
export function canonicalAddress(text: string): string | null {
  const family = isIP(text);
  if (family === 4) return text;
  if (family !== 6 || text.includes("%")) return null;
  const { address } = new SocketAddress({ address: text, family: "ipv6" });
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/u.exec(address)?.[1];
  return mapped ?? address;
}

/**
 * Where a request comes from: the address of its socket, or, when a trusted proxy has brought it, the rightmost address of
 * X-Forwarded-For that is not a trusted proxy's. A malformed one on the way there counts as none.
 */
export function clientAddress(
  socketAddress: string,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string {
  const [bare = "", zone] = socketAddress.split("%");
  const direct = canonicalAddress(bare);
  if (direct === null) return socketAddress;
  const own = zone === undefined ? direct : socketAddress;
  if (forwardedFor === undefined || !proxies.has(direct)) return own;
  let client = own;
  for (const entry of forwardedFor.split(",").reverse()) {
    const address = canonicalAddress(entry.trim());
    if (address === null) return own;
    client = address;
    if (!proxies.has(address)) break;
  }
  return client;
}
