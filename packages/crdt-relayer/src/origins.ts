/**
 * Which web pages may connect. A browser names the page's origin in each request for an upgrade and no page can change
 * that; programs name none, or whatever they like, so this protects people in browsers and not the relay.
 */

/** Stands for every origin. */
export const ANY_ORIGIN = "*";

/** Who names no origin is refused too. */
export const ONLY_BROWSERS = "only-browsers";

/** An entry of the list in the way in which browsers write it; null when it is none. */
export function readOrigin(text: string): string | null {
  // "null" is what browsers send for pages without an origin, such as files.
  if (text === ANY_ORIGIN || text === ONLY_BROWSERS || text === "null") return text;
  if (!URL.canParse(text)) return null;
  const { protocol, href, origin } = new URL(text);
  // Anything beyond scheme, host and port, and a star within them, would never match.
  if (!/^[a-z][a-z0-9.+-]*:\/\/[^/?#@*\\\s]+\/?$/iu.test(text)) return null;
  return protocol === "http:" || protocol === "https:" ? origin : href.replace(/\/$/u, "");
}

/** Whether a request with this Origin header, or without one, may become a session. */
export function allowsOrigin(origins: readonly string[], origin: string | undefined): boolean {
  if (origin === undefined) return !origins.includes(ONLY_BROWSERS);
  return origins.includes(ANY_ORIGIN) || (origin !== ONLY_BROWSERS && origins.includes(origin));
}
